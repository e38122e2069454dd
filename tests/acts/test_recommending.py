"""Recommendations before the vote: by name, within limits, ruled on by the office while a draft."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from ballots import journal
from ballots.acts import recommending
from ballots.models import Delegate, Recommendation
from ballots.pure.rules import Proposal
from ballots.refusal import Refused
from projects.models import Poll, Project
from tests.helpers.factories import (
    make_delegates,
    make_office,
    make_poll,
    make_project,
    make_scrutineer,
    make_staff,
    move_by_force,
)
from tests.helpers.races import Race, codes, stop_in, without_the_lock
from tests.helpers.refusals import refusal_of
from tests.helpers.secrecy import snapshot

pytestmark = pytest.mark.django_db

R = Recommendation.Ruling


def collecting(**columns: Any) -> Poll:
    return make_poll(**({"candidates": 2, "collecting": True} | columns))


def recommended(poll: Poll, title: str = "新建停车场", *, by: Delegate | None = None) -> Any:
    delegate = by or make_delegates(1)[0]
    return recommending.recommend(poll, delegate=delegate, proposal=Proposal(title))


# --- which poll collects --------------------------------------------------------------------------


def test_a_real_poll_collects_before_a_rehearsal_and_the_newest_first():
    real = collecting()
    collecting(kind=Poll.Kind.REHEARSAL)
    assert recommending.collecting_polls()[0] == real

    newest = collecting()
    assert recommending.collecting_polls()[0] == newest


def test_only_a_draft_that_says_so_collects():
    make_poll(candidates=0)
    assert recommending.collecting_polls() == []

    poll = collecting(delegates_total=9)
    assert recommending.collecting_polls()[0] == poll
    move_by_force(poll, Poll.Phase.OPEN)
    assert recommending.collecting_polls() == []


# --- by delegates ---------------------------------------------------------------------------------


def test_a_recommendation_stands_under_the_name_of_its_delegate_and_waits():
    poll, [delegate] = collecting(), make_delegates(1)

    made = recommending.recommend(
        poll, delegate=delegate, proposal=Proposal("新建停车场", "五百个车位", "市建设局")
    )

    made.refresh_from_db()
    assert (made.poll, made.delegate, made.ruling) == (poll, delegate, R.WAITING)
    assert (made.title, made.detail, made.unit) == ("新建停车场", "五百个车位", "市建设局")


def test_a_delegate_on_no_roll_may_recommend():
    poll = collecting()

    assert recommended(poll).poll == poll
    assert not poll.roll.exists()


@pytest.mark.parametrize(
    ("proposal", "fault"),
    [
        (Proposal(""), "proposal-no-title"),
        (Proposal("  ", "有内容"), "proposal-no-title"),
        (Proposal("路" * 31), "title-too-long"),
        (Proposal("路", "长" * 201), "detail-too-long"),
        (Proposal("路", "", "局" * 31), "unit-too-long"),
        (Proposal("停\u200b车场"), "proposal-bad-text"),
        (Proposal("停车\n场"), "proposal-bad-text"),
    ],
)
def test_the_texts_have_the_limits_of_a_proposal_on_the_ballot(proposal, fault):
    poll, [delegate] = collecting(), make_delegates(1)
    before = snapshot()

    with pytest.raises(Refused) as refusal:
        recommending.recommend(poll, delegate=delegate, proposal=proposal)

    assert [found.code for found in refusal.value.faults] == [fault]
    assert snapshot() == before


def test_what_stands_on_the_list_is_not_recommended_whatever_its_width_and_blanks():
    poll, [delegate] = collecting(), make_delegates(1)
    make_project(poll, 3, title="5G 基站")

    for title in ("5G 基站", "５ｇ基站"):
        code = refusal_of(recommending.recommend, poll, delegate=delegate, proposal=Proposal(title))
        assert code == "is-candidate"


def test_nobody_recommends_the_same_twice_and_two_people_may():
    poll, [one, other] = collecting(), make_delegates(2)
    recommended(poll, "5G 基站", by=one)

    again = {"delegate": one, "proposal": Proposal("５ｇ基站")}
    assert refusal_of(recommending.recommend, poll, **again) == "recommended-before"
    recommended(poll, "5G 基站", by=other)


def test_a_delegate_recommends_as_many_as_a_ballot_may_propose():
    poll, [delegate] = collecting(proposal_limit=2), make_delegates(1)
    for title in ("甲", "乙"):
        recommended(poll, title, by=delegate)

    code = refusal_of(recommending.recommend, poll, delegate=delegate, proposal=Proposal("丙"))

    assert code == "too-many"
    # What another poll was recommended does not count here.
    recommended(collecting(), "丙", by=delegate)


@pytest.mark.parametrize("status", [s for s in Delegate.Status if s != Delegate.Status.ACTIVE])
def test_only_a_delegate_in_office_recommends(status):
    poll, [delegate] = collecting(), make_delegates(1)
    delegate.status = status

    code = refusal_of(recommending.recommend, poll, delegate=delegate, proposal=Proposal("甲"))

    assert code == "not-delegate"


def test_nothing_is_recommended_to_a_poll_that_does_not_collect_or_has_begun():
    [delegate] = make_delegates(1)
    begun = move_by_force(collecting(delegates_total=9), Poll.Phase.OPEN)

    for poll in (make_poll(candidates=0), begun):
        code = refusal_of(recommending.recommend, poll, delegate=delegate, proposal=Proposal("甲"))
        assert code == "not-collecting"


def test_what_waits_can_be_withdrawn_by_its_delegate_alone():
    poll, [one, other] = collecting(), make_delegates(2)
    made = recommended(poll, by=one)

    assert refusal_of(recommending.withdraw, made, delegate=other) == "not-yours"
    recommending.withdraw(made, delegate=one)

    assert not Recommendation.objects.exists()


def test_what_was_ruled_on_or_concerns_a_poll_that_has_begun_is_not_withdrawn():
    poll, [delegate], office = collecting(delegates_total=9), make_delegates(1), make_office()
    declined, waiting = recommended(poll, "甲", by=delegate), recommended(poll, "乙", by=delegate)
    recommending.decline(declined, reason="已在办理", by=office)

    assert refusal_of(recommending.withdraw, declined, delegate=delegate) == "not-yours"
    move_by_force(poll, Poll.Phase.OPEN)
    assert refusal_of(recommending.withdraw, waiting, delegate=delegate) == "not-yours"


# --- by the office --------------------------------------------------------------------------------


def test_an_adopted_recommendation_is_the_last_candidate():
    poll, [delegate], office = collecting(), make_delegates(1), make_office()
    made = recommending.recommend(
        poll, delegate=delegate, proposal=Proposal("新建停车场", "五百个车位", "市建设局")
    )

    project = recommending.adopt(made, by=office)

    made.refresh_from_db()
    assert (made.ruling, made.project) == (R.ADOPTED, project)
    assert (project.poll, project.number, project.title) == (poll, 3, "新建停车场")
    assert (project.text, project.lead_unit) == ("五百个车位", "市建设局")
    # Nothing leads from the candidate to whoever recommended it but the recommendation itself.
    assert delegate.name not in repr(Project.objects.filter(pk=project.pk).values())


def test_the_first_candidate_may_be_a_recommendation_and_its_title_its_content():
    poll = collecting(candidates=0)

    project = recommending.adopt(recommended(poll), by=make_office())

    assert (project.number, project.text) == (1, "新建停车场")


def test_a_title_that_has_come_on_the_list_meanwhile_is_merged_and_not_adopted():
    poll, office = collecting(), make_office()
    made = recommended(poll, "5G 基站")
    project = make_project(poll, 3, title="５ｇ基站")

    assert refusal_of(recommending.adopt, made, by=office) == "title-taken"
    recommending.merge(made, into=project, reason="名称略有不同", by=office)

    made.refresh_from_db()
    assert (made.ruling, made.project, made.reason) == (R.MERGED, project, "名称略有不同")


def test_a_recommendation_is_merged_into_a_candidate_of_its_own_poll():
    made, elsewhere = recommended(collecting()), make_poll(candidates=1).projects.get()

    assert refusal_of(recommending.merge, made, into=elsewhere, by=make_office()) == "other-poll"


def test_a_recommendation_is_declined_with_a_reason_only():
    made, office = recommended(collecting()), make_office()

    assert refusal_of(recommending.decline, made, reason=" ", by=office) == "reason-needed"
    recommending.decline(made, reason=" 已在办理 ", by=office)

    made.refresh_from_db()
    assert (made.ruling, made.reason, made.project) == (R.DECLINED, "已在办理", None)


def test_a_ruling_is_taken_back_before_there_is_another_one():
    poll, office = collecting(), make_office()
    made = recommended(poll)
    project = recommending.adopt(made, by=office)

    assert refusal_of(recommending.decline, made, reason="重复", by=office) == "ruled-before"
    recommending.reopen(made, by=office)

    made.refresh_from_db()
    assert (made.ruling, made.project, made.reason) == (R.WAITING, None, "")
    # The candidate is deleted where candidates are edited; until then its title is taken.
    assert poll.projects.filter(pk=project.pk).exists()
    assert refusal_of(recommending.adopt, made, by=office) == "title-taken"


def acts(made: Recommendation) -> list[tuple[Any, dict[str, Any]]]:
    project = made.poll.projects.order_by("number")[0]
    return [
        (recommending.adopt, {}),
        (recommending.merge, {"into": project}),
        (recommending.decline, {"reason": "重复"}),
        (recommending.reopen, {}),
    ]


def test_only_the_office_rules():
    made = recommended(collecting())

    for by in (make_scrutineer(), make_staff(), User.objects.create_superuser("root")):
        for act, arguments in acts(made):
            assert refusal_of(act, made, by=by, **arguments) == "not-office"


def test_nothing_is_ruled_on_once_the_vote_has_begun():
    poll, office = collecting(delegates_total=9), make_office()
    made = recommended(poll)
    move_by_force(poll, Poll.Phase.OPEN)

    for act, arguments in acts(made):
        assert refusal_of(act, made, by=office, **arguments) == "not-draft"


def test_what_was_withdrawn_meanwhile_is_not_ruled_on():
    made, office = recommended(collecting()), make_office()
    recommending.withdraw(made, delegate=made.delegate)
    made.pk = 4711

    for act, arguments in acts(made):
        assert refusal_of(act, made, by=office, **arguments) == "withdrawn"


# --- what is like what ----------------------------------------------------------------------------


def test_delegates_are_shown_candidates_and_the_office_other_recommendations_too():
    poll, [one, other] = collecting(candidates=0), make_delegates(2)
    make_project(poll, 7, title="社区老年食堂")
    made = recommended(poll, "新建老年食堂", by=one)
    same = recommended(poll, "老年食堂", by=other)
    recommended(collecting(), "老年食堂", by=other)

    assert [near.key for near in recommending.candidates_like(poll, "老年食堂")] == [7]
    assert [near.key for near in recommending.recommendations_like(made)] == [same.pk]


# --- two at once ----------------------------------------------------------------------------------


def two_at_once(monkeypatch: pytest.MonkeyPatch) -> tuple[list[Any], int]:
    poll, [delegate] = collecting(proposal_limit=1), make_delegates(1)
    race = Race()
    stop_in(race, monkeypatch, Recommendation.objects, "create")
    answers = race.play(
        lambda: recommended(poll, "甲", by=delegate), lambda: recommended(poll, "乙", by=delegate)
    )
    return list(answers), poll.recommendations.count()


@pytest.mark.django_db(transaction=True)
def test_two_recommendations_at_once_do_not_pass_the_limit(monkeypatch):
    answers, count = two_at_once(monkeypatch)

    assert codes(answers) == {"ok": 1, "too-many": 1}
    assert count == 1


# This test exists to ensure that the one above can fail. If it fails, that one proves nothing.
@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_without_the_lock_two_recommendations_at_once_pass_the_limit(monkeypatch):
    with without_the_lock(monkeypatch):
        answers, count = two_at_once(monkeypatch)

    assert codes(answers) == {"ok": 2}
    assert count == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_of_the_office_who_rule_at_once_the_second_is_told(monkeypatch):
    poll, one, other = collecting(), make_office(), make_office()
    made = recommended(poll)
    race = Race()
    stop_in(race, monkeypatch, Recommendation, "save")

    project, refused = race.play(
        lambda: recommending.adopt(made, by=one),
        lambda: recommending.decline(made, reason="重复", by=other),
    )

    assert isinstance(project, Project), project
    assert codes([refused]) == {"ruled-before": 1}
    assert poll.projects.count() == 3


def test_recommendations_leave_the_journal_of_the_vote_alone():
    poll, office = collecting(), make_office()
    recommending.adopt(recommended(poll), by=office)

    assert not poll.journal.exists()
    assert journal.first_broken(poll) is None
