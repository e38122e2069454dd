"""The canvass of proposals: blind, complete before it closes, closed by two offices."""

import json
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

from ballots import journal, triggers, verifier
from ballots.acts import canvass, lifecycle
from ballots.facts import rulings
from ballots.files import package
from ballots.models import BallotBox, JournalEntry, WriteIn
from ballots.pure.rules import Proposal
from ballots.refusal import Refused
from projects.models import Poll
from tests.helpers.factories import (
    Stage,
    make_office,
    make_poll,
    make_project,
    make_scrutineer,
    make_staff,
    make_stage,
    move_by_force,
    opened_stage,
    publish_count,
    selection,
)
from tests.helpers.races import Race, codes, stop_in, without_the_lock
from tests.helpers.refusals import refusal_of
from tests.helpers.secrecy import snapshot

pytestmark = pytest.mark.django_db

R = WriteIn.Ruling


def rule(stage: Stage, title: str, ruling: str, **columns: Any) -> None:
    """Write a ruling into its row: what an act of the canvass page does."""
    assert WriteIn.objects.filter(poll=stage.poll, title=title).update(ruling=ruling, **columns)


# --- what comes out of the box --------------------------------------------------------------------


def test_equal_texts_are_one_proposal_whatever_their_width_case_and_blanks():
    stage = opened_stage("5G 基站", "５ｇ基站", "5g基站", "夜间公交")

    assert stage.poll.write_ins.count() == 2


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (["5g基站", "5G 基站", "5G 基站"], "5G 基站"),
        (["5G 基站", "5g基站"], "5g基站"),
        (["５ｇ基站", "5g基站"], "5g基站"),
    ],
    ids=["the most frequent", "else the shortest", "else the first in the order of characters"],
)
def test_one_spelling_stands_for_all(written, shown):
    stage = opened_stage(*written)

    assert stage.poll.write_ins.get().title == shown


def test_the_same_title_with_another_content_or_unit_is_another_proposal():
    stage = opened_stage(
        Proposal("夜间公交", "延长至零时", "交通局"),
        Proposal("夜间公交", "延长至一时", "交通局"),
        Proposal("夜间公交", "延长至零时", "公交公司"),
        Proposal("夜间公交", "延长至 零时", "交通局"),
    )

    assert stage.poll.write_ins.count() == 3


def test_proposals_are_numbered_from_one_in_the_order_of_their_random_keys():
    stage = opened_stage(*[f"推荐项目{n}" for n in range(8)])

    write_ins = list(stage.poll.write_ins.order_by("number"))
    assert [row.number for row in write_ins] == list(range(1, 9))
    assert [row.id for row in write_ins] == sorted(row.id for row in write_ins)
    assert {row.id.version for row in write_ins} == {4}
    assert [row.key for row in write_ins][:2] == ["推1", "推2"]


def test_an_opened_box_has_no_ruling_yet():
    stage = opened_stage("甲", "乙")

    assert {row.ruling for row in stage.poll.write_ins.all()} == {R.NONE}
    assert not stage.poll.box.canvassed


# --- one ruling -----------------------------------------------------------------------------------


def ruled(stage: Stage, title: str, ruling: str, **arguments: Any) -> WriteIn:
    """Rule on the proposal of that title as the office, unless `by` says otherwise."""
    by = arguments.pop("by", stage.office)
    return canvass.rule(stage.poll, stage.write_in(title), ruling=ruling, by=by, **arguments)


def refused_ruling(stage: Stage, title: str, ruling: str, **arguments: Any) -> str:
    arguments = {"by": stage.office, "ruling": ruling} | arguments
    return refusal_of(canvass.rule, stage.poll, stage.write_in(title), **arguments)


def told(stage: Stage) -> list[dict[str, Any]]:
    entries = JournalEntry.objects.filter(poll=stage.poll, kind="write-in-ruled")
    return [json.loads(entry.body)["data"] for entry in entries.order_by("seq")]


def test_a_proposal_stands_alone_goes_into_another_item_or_is_not_counted():
    stage = opened_stage("甲", "乙", "丙", "丁")
    project = stage.poll.projects.get(number=7)

    ruled(stage, "甲", R.ALONE)
    ruled(stage, "乙", R.INTO_PROJECT, into=project)
    ruled(stage, "丙", R.INTO_WRITE_IN, into=stage.write_in("甲"), by=stage.scrutineer)
    ruled(stage, "丁", R.REFUSED, reason=" 不属于民生实事 ", by=stage.chief)

    assert stage.write_in("甲").ruling == R.ALONE
    assert stage.write_in("乙").into_project == project
    assert stage.write_in("丙").into_write_in == stage.write_in("甲")
    assert stage.write_in("丁").reason == "不属于民生实事"
    alone = stage.write_in("甲").key
    assert {
        row.title: rulings.items_of(stage.poll)[str(row.id)] for row in stage.poll.write_ins.all()
    } == {
        "甲": alone,
        "乙": "7",
        "丙": alone,
        "丁": None,
    }


def test_each_ruling_is_recorded_with_what_stood_before_it():
    stage = opened_stage("甲", "乙")
    project = stage.poll.projects.get(number=7)
    first, second = stage.write_in("甲").key, stage.write_in("乙").key

    ruled(stage, "甲", R.INTO_PROJECT, into=project)
    ruled(stage, "甲", R.INTO_WRITE_IN, into=stage.write_in("乙"), by=stage.scrutineer)
    ruled(stage, "甲", R.REFUSED, reason="重复")
    ruled(stage, "甲", R.NONE)

    steps = [
        ["", "", ""],
        ["into-project", "7", ""],
        ["into-write-in", second, ""],
        ["refused", "", "重复"],
        ["", "", ""],
    ]
    assert told(stage) == [
        {
            "write_in": first,
            "title": "甲",
            "before": before,
            "ruling": ruling,
            "into": into,
            "reason": reason,
        }
        for before, (ruling, into, reason) in pairwise(steps)
    ]
    entries = JournalEntry.objects.filter(kind="write-in-ruled").order_by("seq")
    assert [entry.by for entry in entries] == [
        stage.office,
        stage.scrutineer,
        stage.office,
        stage.office,
    ]
    assert journal.first_broken(stage.poll) is None


def test_a_ruling_that_changes_nothing_is_not_recorded():
    stage = opened_stage("甲")
    ruled(stage, "甲", R.REFUSED, reason="重复")

    ruled(stage, "甲", R.REFUSED, reason=" 重复 ", by=stage.scrutineer)

    assert len(told(stage)) == 1


def test_a_ruling_leaves_nothing_of_the_one_before_it():
    stage = opened_stage("甲", "乙")
    project = stage.poll.projects.get(number=7)
    for ruling, arguments in (
        (R.INTO_PROJECT, {"into": project}),
        (R.INTO_WRITE_IN, {"into": stage.write_in("乙"), "reason": "没有用"}),
        (R.REFUSED, {"reason": "重复", "into": project}),
        (R.ALONE, {"reason": "没有用", "into": project}),
        (R.NONE, {}),
    ):
        ruled(stage, "甲", ruling, **arguments)
        row = stage.write_in("甲")
        assert row.ruling == ruling
        assert (row.into_project == project) == (ruling == R.INTO_PROJECT)
        assert (row.into_write_in is not None) == (ruling == R.INTO_WRITE_IN)
        assert row.reason == ("重复" if ruling == R.REFUSED else "")


@pytest.mark.parametrize("reason", ["", "  ", "\n"])
def test_a_proposal_is_refused_with_a_reason_only(reason):
    stage = opened_stage("甲")

    assert refused_ruling(stage, "甲", R.REFUSED, reason=reason) == "reason-needed"


def test_a_merger_says_into_what():
    stage = opened_stage("甲", "乙")
    project, other = stage.poll.projects.get(number=7), stage.write_in("乙")

    for ruling, into in (
        (R.INTO_PROJECT, None),
        (R.INTO_PROJECT, other),
        (R.INTO_WRITE_IN, None),
        (R.INTO_WRITE_IN, project),
    ):
        assert refused_ruling(stage, "甲", ruling, into=into) == "where-to"


def test_a_proposal_is_merged_into_nothing_of_another_poll():
    stage, other = opened_stage("甲"), opened_stage("乙", delegates_total=9)
    foreign = make_project(make_poll(candidates=0), 1)

    assert refused_ruling(stage, "甲", R.INTO_PROJECT, into=foreign) == "other-poll"
    assert refused_ruling(stage, "甲", R.INTO_WRITE_IN, into=other.write_in("乙")) == "other-poll"


def test_a_proposal_of_another_poll_is_not_ruled_on():
    stage, other = opened_stage("甲"), opened_stage("乙", delegates_total=9)
    before = snapshot()

    with pytest.raises(WriteIn.DoesNotExist):
        canvass.rule(stage.poll, other.write_in("乙"), ruling=R.ALONE, by=stage.office)

    assert snapshot() == before


def test_mergers_in_a_circle_are_refused_at_once_however_long_it_is():
    stage = opened_stage("甲", "乙", "丙")
    into = {title: {"into": stage.write_in(title)} for title in "甲乙丙"}

    assert refused_ruling(stage, "甲", R.INTO_WRITE_IN, **into["甲"]) == "into-itself"
    ruled(stage, "甲", R.INTO_WRITE_IN, **into["乙"])
    assert refused_ruling(stage, "乙", R.INTO_WRITE_IN, **into["甲"]) == "into-itself"
    ruled(stage, "乙", R.INTO_WRITE_IN, **into["丙"])
    assert refused_ruling(stage, "丙", R.INTO_WRITE_IN, **into["甲"]) == "into-itself"
    # The circle is open again once one of its mergers is taken back.
    ruled(stage, "甲", R.ALONE)
    ruled(stage, "丙", R.INTO_WRITE_IN, **into["甲"])


def test_only_office_and_scrutineers_rule():
    stage = opened_stage("甲")

    for by in (make_staff(), User.objects.create_superuser("root", password="x")):
        assert refused_ruling(stage, "甲", R.ALONE, by=by) == "not-staff"


def test_nothing_is_ruled_on_after_the_canvass_has_closed():
    stage = opened_stage("甲")
    ruled(stage, "甲", R.ALONE)
    canvass.close_canvass(stage.poll, by=stage.office, second=stage.scrutineer)

    assert refused_ruling(stage, "甲", R.NONE) == "already-closed"
    lifecycle.count_poll(stage.poll, by=stage.office)
    assert refused_ruling(stage, "甲", R.NONE) == "not-opened"


def test_what_somebody_else_has_just_decided_is_not_overruled_unseen():
    stage = opened_stage("甲")
    seen = canvass.ruling_text(stage.write_in("甲"))
    ruled(stage, "甲", R.ALONE, seen=seen)

    code = refused_ruling(stage, "甲", R.REFUSED, reason="重复", seen=seen, by=stage.scrutineer)

    assert code == "changed"
    seen = canvass.ruling_text(stage.write_in("甲"))
    ruled(stage, "甲", R.REFUSED, reason="重复", seen=seen, by=stage.scrutineer)


def test_a_chain_of_mergers_counts_where_it_ends():
    stage = opened_stage("甲", "乙", "丙", "丁")
    project = stage.poll.projects.get(number=7)
    ruled(stage, "甲", R.INTO_WRITE_IN, into=stage.write_in("乙"))
    ruled(stage, "乙", R.INTO_WRITE_IN, into=stage.write_in("丙"))
    ruled(stage, "丙", R.INTO_PROJECT, into=project)
    ruled(stage, "丁", R.REFUSED, reason="不属于民生实事")
    canvass.close_canvass(stage.poll, by=stage.office, second=stage.scrutineer)

    result = lifecycle.count_poll(stage.poll, by=stage.office)

    votes = {item["item"]: item["votes"] for item in result.figures["items"]}
    assert votes["7"] == 3
    assert set(votes) == {str(number) for number in range(1, 13)}
    assert all(check["holds"] for check in result.figures["checks"])


def test_what_no_act_would_write_the_database_refuses():
    stage = opened_stage("甲", "乙")
    rows = WriteIn.objects.filter(pk=stage.write_in("甲").pk)
    project = stage.poll.projects.get(number=7)

    for columns in (
        {"ruling": R.INTO_PROJECT},
        {"ruling": R.INTO_WRITE_IN, "into_project": project},
        {"ruling": R.INTO_WRITE_IN, "into_write_in": stage.write_in("甲")},
        {"ruling": R.ALONE, "into_project": project},
        {"ruling": R.REFUSED},
        {"ruling": "something"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**columns)


def test_past_our_own_code_the_ruling_of_a_counted_real_poll_stays():
    stage = opened_stage("甲", kind=Poll.Kind.MAIN)
    ruled(stage, "甲", R.ALONE)
    canvass.close_canvass(stage.poll, by=stage.office, second=stage.scrutineer)
    lifecycle.count_poll(stage.poll, by=stage.office)

    with pytest.raises(IntegrityError), transaction.atomic():
        WriteIn.objects.update(ruling=R.NONE)

    # Without the trigger it would not: it is the trigger that refuses.
    triggers.lift(connection)
    assert WriteIn.objects.update(ruling=R.NONE) == 1


# --- what is like what ----------------------------------------------------------------------------


def hints_of(stage: Stage, title: str) -> dict[UUID, list[canvass.Hint]]:
    targets: list[Any] = [
        *stage.poll.projects.order_by("number"),
        *stage.poll.write_ins.order_by("number"),
    ]
    return canvass.hints(targets, [stage.write_in(title)])


def test_the_three_nearest_titles_are_named_and_never_the_proposal_itself():
    stage = opened_stage("新建老年食堂", "社区老年食堂", "老年食堂", "夜间公交")
    stage.poll.refresh_from_db()

    found = hints_of(stage, "老年食堂")

    (near,) = found.values()
    assert [hint.target.title for hint in near] in (
        ["新建老年食堂", "社区老年食堂"],
        ["社区老年食堂", "新建老年食堂"],
    )
    assert {hint.shown for hint in near} == {"0.75"}


def test_a_candidate_of_nearly_the_same_name_is_named_and_decides_nothing():
    stage = opened_stage("候选项目12号", "无关")

    near = hints_of(stage, "候选项目12号")

    (hints,) = near.values()
    assert hints[0].target == stage.poll.projects.get(number=12)
    assert len(hints) == 3
    assert stage.write_in("候选项目12号").ruling == R.NONE


# --- each alone -----------------------------------------------------------------------------------


def test_each_proposal_without_a_ruling_stands_alone_and_the_others_keep_theirs():
    stage = opened_stage("甲", "乙", "丙")
    rule(stage, "乙", R.REFUSED, reason="不属于民生实事")

    assert canvass.rule_each_alone(stage.poll, by=stage.office) == 2

    assert {row.title: row.ruling for row in stage.poll.write_ins.all()} == {
        "甲": R.ALONE,
        "乙": R.REFUSED,
        "丙": R.ALONE,
    }
    entry = JournalEntry.objects.get(kind="write-ins-ruled")
    keys = [row.key for row in stage.poll.write_ins.filter(ruling=R.ALONE).order_by("number")]
    assert json.loads(entry.body)["data"] == {"rulings": [[key, "alone"] for key in keys]}


def test_nothing_to_rule_on_leaves_no_record():
    stage = opened_stage("甲")
    canvass.rule_each_alone(stage.poll, by=stage.scrutineer)

    assert canvass.rule_each_alone(stage.poll, by=stage.scrutineer) == 0
    assert JournalEntry.objects.filter(kind="write-ins-ruled").count() == 1


# --- where a vote goes ----------------------------------------------------------------------------


def test_a_merged_proposal_is_followed_to_where_that_one_went():
    stage = opened_stage("甲", "乙", "丙", "丁", "戊", "己")
    project = stage.poll.projects.get(number=7)
    rule(stage, "甲", R.ALONE)
    rule(stage, "乙", R.INTO_WRITE_IN, into_write_in=stage.write_in("甲"))
    rule(stage, "丙", R.INTO_WRITE_IN, into_write_in=stage.write_in("乙"))
    rule(stage, "丁", R.INTO_PROJECT, into_project=project)
    rule(stage, "戊", R.INTO_WRITE_IN, into_write_in=stage.write_in("丁"))
    rule(stage, "己", R.REFUSED, reason="不属于民生实事")

    places = rulings.items_of(stage.poll)

    alone = stage.write_in("甲").key
    assert {row.title: places[str(row.id)] for row in stage.poll.write_ins.all()} == {
        "甲": alone,
        "乙": alone,
        "丙": alone,
        "丁": "7",
        "戊": "7",
        "己": None,
    }


def test_what_is_merged_into_a_refused_one_is_refused_with_it():
    stage = opened_stage("甲", "乙")
    rule(stage, "甲", R.REFUSED, reason="不属于民生实事")
    rule(stage, "乙", R.INTO_WRITE_IN, into_write_in=stage.write_in("甲"))

    assert set(rulings.items_of(stage.poll).values()) == {None}


def test_without_every_ruling_there_is_no_place_for_any():
    stage = opened_stage("甲", "乙")
    rule(stage, "甲", R.INTO_WRITE_IN, into_write_in=stage.write_in("乙"))

    with pytest.raises(KeyError, match=stage.write_in("乙").key):
        rulings.items_of(stage.poll)


# --- closing it -----------------------------------------------------------------------------------


@pytest.mark.parametrize("by_office", [True, False])
def test_one_of_the_office_and_one_scrutineer_close_the_canvass(by_office):
    stage = opened_stage("甲")
    canvass.rule_each_alone(stage.poll, by=stage.office)
    pair = [stage.office, stage.scrutineer] if by_office else [stage.chief, stage.office]

    canvass.close_canvass(stage.poll, by=pair[0], second=pair[1])

    stage.poll.box.refresh_from_db()
    assert stage.poll.box.canvassed
    entry = JournalEntry.objects.get(kind="canvass-closed")
    assert [entry.by, entry.second] == pair
    assert json.loads(entry.body)["data"] == {
        "rulings": [["推1", "甲", "alone"]],
        "into": [["推1", "", ""]],
    }
    assert journal.first_broken(stage.poll) is None


def test_the_canvass_closes_only_when_every_proposal_has_its_ruling():
    stage = opened_stage("甲", "乙")
    rule(stage, "甲", R.ALONE)
    people = {"by": stage.office, "second": stage.scrutineer}

    assert refusal_of(canvass.close_canvass, stage.poll, **people) == "open-rulings"
    rule(stage, "乙", R.REFUSED, reason="不属于民生实事")
    canvass.close_canvass(stage.poll, **people)


def test_proposals_merged_in_a_circle_do_not_let_the_canvass_close():
    stage = opened_stage("甲", "乙", "丙")
    for title, into in (("甲", "乙"), ("乙", "丙"), ("丙", "甲")):
        rule(stage, title, R.INTO_WRITE_IN, into_write_in=stage.write_in(into))

    with pytest.raises(Refused) as refusal:
        canvass.close_canvass(stage.poll, by=stage.office, second=stage.scrutineer)

    assert refusal.value.code == "circle"
    stage.poll.refresh_from_db()
    assert not stage.poll.box.canvassed


SKIPPED: dict[str, dict[str, Any]] = {
    "proposals are off": {"proposals": "off"},
    "none came": {},
    "none came for study": {"proposals": "advisory"},
    "each takes 赞成, 反对 or 弃权": {"form": "each"},
    "a real poll": {"kind": "main", "proposals": "off"},
}


@pytest.mark.parametrize("why", SKIPPED)
def test_where_there_is_no_proposal_the_canvass_is_skipped_on_record_and_the_count_comes_next(
    why, tmp_path
):
    stage = make_stage(**SKIPPED[why])
    stage.cast(0, selection(1))
    stage.close()
    stage.open_box()

    assert refusal_of(
        canvass.close_canvass, stage.poll, by=stage.office, second=stage.scrutineer
    ) == ("already-closed")
    # Sent back there is nothing to rule on either.
    stage.count()
    lifecycle.send_back(stage.poll, reason="再核", by=stage.scrutineer)
    stage.poll.refresh_from_db()
    publish_count(stage)

    kinds = list(stage.poll.journal.order_by("seq").values_list("kind", flat=True))
    assert kinds[kinds.index("box-opened") :][:5] == [
        *["box-opened", "canvass-skipped", "counted"],
        *["sent-back", "canvass-skipped"],
    ]
    for make in (package.full_package, package.public_package):
        file = tmp_path / make.__name__
        file.write_bytes(make(stage.poll).content)
        assert verifier.main([str(file)]) == 0


def test_with_a_single_proposal_no_canvass_is_skipped_nor_is_it_once_sent_back():
    stage = opened_stage("甲")

    assert not BallotBox.objects.get().canvassed
    stage.count()
    lifecycle.send_back(stage.poll, reason="再核", by=stage.scrutineer)

    assert not BallotBox.objects.get().canvassed
    assert not stage.poll.journal.filter(kind="canvass-skipped").exists()


def test_two_of_one_office_or_one_person_of_both_do_not_close_it():
    stage = opened_stage("甲")
    canvass.rule_each_alone(stage.poll, by=stage.office)
    both = make_staff("会务", "监票")
    for by, second in [
        (stage.office, None),
        (stage.office, stage.office),
        (stage.office, make_office()),
        (stage.scrutineer, stage.chief),
        (both, both),
        (stage.office, make_staff()),
        (stage.office, User.objects.create_superuser("root", password="x")),
        (make_staff(), stage.scrutineer),
    ]:
        code = refusal_of(canvass.close_canvass, stage.poll, by=by, second=second)
        assert code == "second-needed"


def test_rulings_are_for_office_and_scrutineers():
    stage = opened_stage("甲")

    for by in (make_staff(), User.objects.create_superuser("root", password="x")):
        assert refusal_of(canvass.rule_each_alone, stage.poll, by=by) == "not-staff"
    canvass.rule_each_alone(stage.poll, by=make_scrutineer())


def test_a_closed_canvass_stays_closed():
    stage = opened_stage("甲")
    canvass.rule_each_alone(stage.poll, by=stage.office)
    canvass.close_canvass(stage.poll, by=stage.office, second=stage.scrutineer)

    assert (
        refusal_of(canvass.close_canvass, stage.poll, by=stage.office, second=stage.scrutineer)
        == "already-closed"
    )
    assert refusal_of(canvass.rule_each_alone, stage.poll, by=stage.office) == "already-closed"


@pytest.mark.parametrize("phase", [phase for phase in Poll.Phase if phase != Poll.Phase.OPENED])
def test_only_an_opened_box_is_canvassed(phase):
    stage = make_stage(open_it=False)
    poll = move_by_force(stage.poll, phase) if phase != Poll.Phase.DRAFT else stage.poll

    row = WriteIn.objects.create(poll=poll, number=1, title="甲")
    assert refusal_of(canvass.rule_each_alone, poll, by=stage.office) == "not-opened"
    code = refusal_of(canvass.rule, poll, row, ruling=R.ALONE, by=stage.office)
    assert code == "not-opened"
    assert (
        refusal_of(canvass.close_canvass, poll, by=stage.office, second=stage.scrutineer)
        == "not-opened"
    )


def test_sent_back_the_canvass_is_open_again_with_the_rulings_it_had():
    stage = opened_stage("甲", "乙")
    canvass.rule_each_alone(stage.poll, by=stage.office)
    canvass.close_canvass(stage.poll, by=stage.office, second=stage.scrutineer)
    lifecycle.count_poll(stage.poll, by=stage.office)
    lifecycle.send_back(stage.poll, reason="乙应并入甲", by=stage.scrutineer)

    assert canvass.rule_each_alone(stage.poll, by=stage.office) == 0
    rule(stage, "乙", R.INTO_WRITE_IN, into_write_in=stage.write_in("甲"))
    canvass.close_canvass(stage.poll, by=stage.office, second=stage.scrutineer)
    result = lifecycle.count_poll(stage.poll, by=stage.office)

    votes = {item["title"]: item["votes"] for item in result.figures["items"]}
    assert votes["甲"] == 2
    assert "乙" not in votes


# --- blind ----------------------------------------------------------------------------------------


def test_opening_and_canvass_tell_how_many_ballots_and_proposals_there_are_and_no_votes():
    stage = opened_stage("甲", "甲", "乙")
    canvass.rule_each_alone(stage.poll, by=stage.office)
    canvass.close_canvass(stage.poll, by=stage.office, second=stage.scrutineer)

    bodies = {row.kind: json.loads(row.body)["data"] for row in stage.poll.journal.all()}
    opened = {"ballots": 3, "invalid": 0, "write_ins": 2, "declared": True}
    assert bodies["box-opened"] == opened
    assert {len(ruling) for ruling in bodies["write-ins-ruled"]["rulings"]} == {2}
    # A number, a title and a ruling; no figure.
    assert {len(ruling) for ruling in bodies["canvass-closed"]["rulings"]} == {3}
    assert not stage.poll.results.exists()


# --- two people at once ---------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_two_rulings_at_once_on_what_both_saw_waiting_the_second_is_told(monkeypatch):
    stage = opened_stage("甲")
    row = stage.write_in("甲")
    seen = canvass.ruling_text(row)
    race = Race()
    stop_in(race, monkeypatch, journal, "append")

    answer, refused = race.play(
        lambda: canvass.rule(stage.poll, row, ruling=R.ALONE, seen=seen, by=stage.office),
        lambda: canvass.rule(
            stage.poll, row, ruling=R.REFUSED, reason="x", seen=seen, by=stage.scrutineer
        ),
    )

    assert isinstance(answer, WriteIn), answer
    assert codes([refused]) == {"changed": 1}
    assert stage.write_in("甲").ruling == R.ALONE
    assert len(told(stage)) == 1
    assert journal.first_broken(stage.poll) is None


@pytest.mark.django_db(transaction=True)
def test_two_mergers_at_once_never_make_a_circle(monkeypatch):
    stage = opened_stage("甲", "乙")
    one, other = stage.write_in("甲"), stage.write_in("乙")
    race = Race()
    stop_in(race, monkeypatch, journal, "append")

    def merge(what: WriteIn, into: WriteIn, by: User) -> WriteIn:
        return canvass.rule(stage.poll, what, ruling=R.INTO_WRITE_IN, into=into, by=by)

    answer, refused = race.play(
        lambda: merge(one, other, stage.office), lambda: merge(other, one, stage.scrutineer)
    )

    assert isinstance(answer, WriteIn), answer
    assert codes([refused]) == {"into-itself": 1}


@pytest.mark.django_db(transaction=True)
def test_a_ruling_amid_the_end_of_the_canvass_comes_too_late(monkeypatch):
    stage = opened_stage("甲")
    ruled(stage, "甲", R.ALONE)
    row = stage.write_in("甲")
    race = Race()
    stop_in(race, monkeypatch, canvass, "items_of")

    ended, refused = race.play(
        lambda: canvass.close_canvass(stage.poll, by=stage.office, second=stage.scrutineer),
        lambda: canvass.rule(stage.poll, row, ruling=R.NONE, by=stage.scrutineer),
    )

    assert ended is None
    assert codes([refused]) == {"already-closed": 1}
    assert stage.write_in("甲").ruling == R.ALONE


# This test exists to ensure that the three above can fail. If it fails, they prove nothing. On
# SQLite what was read is stale without the lock, which that database itself finds out.
@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_without_the_lock_two_mergers_at_once_make_a_circle(monkeypatch):
    stage = opened_stage("甲", "乙")
    one, other = stage.write_in("甲"), stage.write_in("乙")
    race = Race()
    stop_in(race, monkeypatch, WriteIn, "save")
    monkeypatch.setattr(journal, "append", lambda *args, **kwargs: None)

    def merge(what: WriteIn, into: WriteIn) -> WriteIn:
        return canvass.rule(stage.poll, what, ruling=R.INTO_WRITE_IN, into=into, by=stage.office)

    with without_the_lock(monkeypatch):
        answers = race.play(lambda: merge(one, other), lambda: merge(other, one))

    assert codes(list(answers)) == {"ok": 2}
    with pytest.raises(Refused) as refusal:
        rulings.items_of(stage.poll)
    assert refusal.value.code == "circle"
