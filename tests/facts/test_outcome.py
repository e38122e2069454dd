"""How places are filled: by the count, a second round, a decision, or knowingly not at all."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from ballots import verifier
from ballots.acts import drafts, hall, lifecycle
from ballots.facts import outcome
from ballots.facts.outcome import outcome_of
from ballots.facts.words import open_words
from ballots.files import package
from ballots.models import Decision, JournalEntry
from projects.models import Poll
from tests.helpers.factories import (
    Stage,
    confirm_count,
    make_confirmed,
    make_office,
    make_ready,
    make_staff,
    make_stage,
    play,
    second_stage,
    selection,
    short,
    tied,
)
from tests.helpers.races import at_once, codes
from tests.helpers.refusals import refusal_of

pytestmark = pytest.mark.django_db

P = Poll.Phase


def places_filled(poll: Poll) -> list[tuple[str, str]]:
    return [(place.key, place.how) for place in outcome_of(poll).filled]


# --- what the count leaves ------------------------------------------------------------------------


def test_a_count_that_fills_every_place_is_settled():
    held = make_confirmed({1: 8, 2: 6, 3: 1}, places=2)

    standing = outcome_of(held.poll)

    assert places_filled(held.poll) == [("1", "count"), ("2", "count")]
    assert (standing.open_places, standing.is_settled, standing.may_settle) == (0, True, False)
    assert (standing.rest, standing.pending) == ((), frozenset())


def test_a_tie_leaves_the_tied_for_the_place_left():
    standing = outcome_of(tied().poll)

    assert [row["item"] for row in standing.rest] == ["2", "3"]
    assert standing.pending == {"2", "3"}
    assert (standing.places_left, standing.open_places) == (1, 1)
    assert (standing.is_tied, standing.may_settle, standing.is_settled) == (True, True, False)


def test_a_shortfall_leaves_all_that_were_short():
    standing = outcome_of(short().poll)

    assert [row["item"] for row in standing.rest] == ["2", "3"]
    assert (standing.places_left, standing.is_tied, standing.may_settle) == (2, False, True)
    assert not standing.pending


@pytest.mark.parametrize(
    ("keys", "ordered"),
    [(["10", "2", "推1", "1"], ["1", "2", "10", "推1"]), (["推10", "推9"], ["推9", "推10"])],
)
def test_the_order_of_the_list_is_by_number_and_proposals_last(keys, ordered):
    assert sorted(keys, key=outcome.in_list_order) == ordered


# --- the sentence on open places ------------------------------------------------------------------


LEVEL = "“候选项目2”“候选项目3”等2个项目得赞成票数相等，不能确定，"
FEW = "获得全体代表过半数赞成票的项目为1个，少于应确定的3个，"


def said_of(held: Stage) -> str:
    return open_words(outcome_of(held.poll))


def test_nothing_is_said_of_places_that_are_filled():
    held = tied()
    held.decide("2")

    assert said_of(held) == ""


def test_before_the_publication_the_tied_are_voted_on_again():
    assert said_of(tied()) == LEVEL + "就上述项目再次投票。"


def test_before_the_publication_the_presidium_says_what_becomes_of_a_shortfall():
    few = short()
    assert said_of(few) == FEW + "不足部分由主席团决定处理办法。"

    drafts.supplementary(few.poll, by=few.office)

    assert said_of(few) == FEW + "不足的2项补充票决。"


@pytest.mark.parametrize(
    ("make", "words"),
    [(tied, LEVEL + "不足的1项不再补足。"), (short, FEW + "不足的2项不再补足。")],
)
def test_of_a_published_poll_the_sentence_promises_nothing(make, words):
    held = make()
    held.publish(leave_open=True)

    assert said_of(held) == words


def test_a_round_that_filled_nothing_leaves_the_place_open_in_every_later_sentence():
    held = tied()
    second = play(held, drafts.run_off(held.poll, by=held.office), selection(2), selection(3))
    second.publish(leave_open=True)

    words = "应确定2个项目，再次票决后仍有1项没有确定，不再补足。"
    assert said_of(held) == words
    held.publish()
    assert said_of(held) == words


@pytest.mark.parametrize("rounds", [0, 1, 2])
def test_what_the_meeting_left_open_is_said_whichever_round_it_decided_on(rounds):
    held = last = tied()
    played = []
    for _round in range(rounds):
        last = play(last, drafts.run_off(last.poll, by=held.office), selection(2), selection(3))
        played.append(last)
    last.decide()
    for round_ in reversed(played):
        round_.publish()

    assert said_of(held) == "应确定2个项目，其余1项按会议决定不再补足。"
    assert outcome_of(held.poll).last.poll == last.poll


# --- decisions ------------------------------------------------------------------------------------


def test_the_meeting_fills_the_place_that_a_tie_left_open():
    held = tied()

    decision = held.decide("3", words=" 主席团会议决定 ")

    standing = outcome_of(held.poll)
    assert places_filled(held.poll) == [("1", "count"), ("3", "decision")]
    assert (standing.is_settled, standing.may_settle, standing.pending) == (
        True,
        False,
        frozenset(),
    )
    assert (decision.places, decision.items, decision.words) == (1, ["3"], "主席团会议决定")
    entry = JournalEntry.objects.get(kind="decided")
    assert (entry.by, entry.second) == (held.office, held.chief)
    assert json.loads(entry.body)["data"] == {
        "places": 1,
        "items": ["3"],
        "words": "主席团会议决定",
    }


def test_the_meeting_may_decide_that_the_places_stay_open():
    held = tied()

    held.decide()
    held.publish()

    standing = outcome_of(held.poll)
    assert places_filled(held.poll) == [("1", "count")]
    assert (standing.open_places, standing.is_settled) == (1, True)


def test_what_the_meeting_names_stands_in_the_order_of_the_count():
    held = short()

    assert held.decide("3", "2").items == ["2", "3"]


def tied_with_a_proposal(**columns: Any) -> Stage:
    """Return a confirmed poll in which candidate 2 and proposal 推1 are tied for the second place."""
    held = make_stage(delegates=8, candidates=3, places=2, majority="none", **columns)
    for place in range(8):
        held.cast(place, selection(1, 2) if place < 4 else selection(1, proposals=["夜间公交"]))
    confirm_count(held)
    return held


def test_a_proposal_may_be_named_like_a_candidate():
    held = tied_with_a_proposal()

    held.decide("推1")

    place = outcome_of(held.poll).filled[-1]
    assert (place.key, place.title, place.source) == ("推1", "夜间公交", "proposal")
    assert place.how_words == "按会议决定确定"


DECISIONS: dict[str, tuple[str, Callable[[Stage], dict[str, Any]]]] = {
    "a scrutineer's": ("not-office", lambda s: {"by": s.scrutineer}),
    "nobody's second": ("second-needed", lambda s: {"second": None}),
    "an office's second": ("second-needed", lambda s: {"second": make_office()}),
    "a stranger's second": ("second-needed", lambda s: {"second": make_staff()}),
    "one's own second": (
        "second-needed",
        lambda s: dict.fromkeys(("by", "second"), make_staff("会务", "监票")),
    ),
    "without words": ("words-needed", lambda s: {"words": " \n"}),
    "on too many": ("too-many", lambda s: {"items": ["2", "3"]}),
    "on one that is in": ("not-open-item", lambda s: {"items": ["1"]}),
    "on one that is out": ("not-open-item", lambda s: {"items": ["4"]}),
    "on one that is not there": ("not-open-item", lambda s: {"items": ["推9"]}),
}


def test_a_decision_is_refused_and_changes_nothing():
    held = tied()
    for what, (code, changes) in DECISIONS.items():
        given = {"items": ["2"]} | changes(held)
        act = partial(held.decide, *given.pop("items"), **given)
        assert (what, refusal_of(act)) == (what, code)


def test_where_every_place_is_filled_there_is_nothing_to_decide():
    whole = make_confirmed({1: 8, 2: 6}, places=2)
    assert refusal_of(whole.decide) == "nothing-open"


def test_a_decision_is_not_made_again_nor_after_the_publication():
    held = tied()
    held.decide("2")
    assert refusal_of(held.decide, "3") == "decided-before"
    held.publish()
    assert refusal_of(held.decide, "3") == "wrong-phase"


def test_no_decision_is_made_while_delegates_vote_on_it_but_on_a_draft_it_may():
    held = tied()
    draft = drafts.run_off(held.poll, by=held.office)
    second = second_stage(held, draft)
    assert outcome_of(held.poll).round_runs
    assert refusal_of(held.decide, "2") == "second-round-runs"
    lifecycle.void_poll(second.poll, reason="断电", by=held.office, second=held.chief)
    again = make_ready(held, drafts.fresh_draft(second.poll, by=held.office))

    held.decide("2")

    assert refusal_of(lambda: lifecycle.open_poll(again.poll, by=held.office)) == "incomplete"
    assert places_filled(held.poll) == [("1", "count"), ("2", "decision")]


# --- second rounds --------------------------------------------------------------------------------


def test_a_run_off_fills_the_place_once_it_is_published():
    held = tied()
    second = play(held, drafts.run_off(held.poll, by=held.office), selection(3), selection(3))
    assert places_filled(held.poll) == [("1", "count")], (
        "a count that nobody published fills nothing"
    )

    second.publish()

    assert places_filled(held.poll) == [("1", "count"), ("3", "run-off")]
    place = outcome_of(held.poll).filled[-1]
    assert (place.row["votes"], place.poll, place.how_words) == (2, second.poll, "再次票决通过")
    assert outcome_of(held.poll).is_settled


def test_a_supplementary_poll_fills_places_in_a_rehearsal_too():
    held = short()
    second = play(
        held, drafts.supplementary(held.poll, by=held.office), selection(2, 3), selection(2)
    )
    assert second.poll.kind == Poll.Kind.REHEARSAL
    assert outcome.kind_of_round(second.poll) == "supplementary"

    second.publish()

    assert places_filled(held.poll) == [
        ("1", "count"),
        ("2", "supplementary"),
        ("3", "supplementary"),
    ]


@pytest.mark.parametrize("kind", [Poll.Kind.MAIN, Poll.Kind.REHEARSAL])
def test_the_kind_of_a_round_is_told_in_a_real_poll_and_in_a_rehearsal(kind):
    held = tied(kind=kind)
    assert outcome.kind_of_round(drafts.run_off(held.poll, by=held.office)) == "run-off"


@pytest.mark.parametrize("kind", [Poll.Kind.MAIN, Poll.Kind.REHEARSAL])
def test_a_supplementary_round_is_told_from_a_run_off(kind):
    held = short(kind=kind)
    draft = drafts.supplementary(held.poll, by=held.office)
    assert outcome.kind_of_round(draft) == "supplementary"


def test_a_proposal_that_wins_the_run_off_fills_its_place_as_the_proposal_it_was():
    held = tied_with_a_proposal()
    draft = drafts.run_off(held.poll, by=held.office)
    play(held, draft, selection(4)).publish()

    place = outcome_of(held.poll).filled[-1]
    assert (place.key, place.title, place.how, place.source) == (
        "推1",
        "夜间公交",
        "run-off",
        "proposal",
    )


def test_a_run_off_that_is_tied_again_goes_on_in_a_run_off_of_its_own():
    held = tied()
    second = play(held, drafts.run_off(held.poll, by=held.office), selection(2), selection(3))
    assert refusal_of(second.publish) == "unsettled"
    third = play(second, drafts.run_off(second.poll, by=held.office), selection(3))
    third.publish()
    second.publish()

    assert places_filled(second.poll) == [("3", "run-off")]
    assert places_filled(held.poll) == [("1", "count"), ("3", "run-off")]
    assert outcome_of(held.poll).filled[-1].poll == third.poll
    held.publish()


def test_the_meeting_may_decide_on_a_tie_of_the_run_off():
    held = tied()
    second = play(held, drafts.run_off(held.poll, by=held.office), selection(2), selection(3))

    second.decide("2")
    second.publish()

    assert places_filled(held.poll) == [("1", "count"), ("2", "decision")]
    assert not outcome_of(held.poll).pending


def test_a_run_off_left_open_leaves_its_tied_pending_in_the_first_round():
    held = tied()
    second = play(held, drafts.run_off(held.poll, by=held.office), selection(2), selection(3))

    second.publish(leave_open=True)

    standing = outcome_of(held.poll)
    assert standing.pending == {"2", "3"}
    assert standing.open_places == 1
    assert standing.is_settled, "people left it open, and knew it"
    held.publish()


def test_a_run_off_that_is_void_fills_nothing_and_lets_another_one_be_made():
    held = tied()
    second = second_stage(held, drafts.run_off(held.poll, by=held.office))
    lifecycle.void_poll(second.poll, reason="断电", by=held.office, second=held.chief)

    assert outcome_of(held.poll).round is None
    assert outcome_of(held.poll).may_settle
    again = play(held, drafts.run_off(held.poll, by=held.office), selection(2))
    again.publish()
    assert places_filled(held.poll) == [("1", "count"), ("2", "run-off")]


# --- publication ----------------------------------------------------------------------------------


def settled_by_decision(held: Stage) -> None:
    held.decide("2")


def settled_by_round(held: Stage) -> None:
    play(held, drafts.run_off(held.poll, by=held.office), selection(2)).publish()


@pytest.mark.parametrize("settle", [settled_by_decision, settled_by_round])
def test_the_publisher_types_how_many_projects_fill_a_place_however_they_do(settle):
    held = tied()
    settle(held)

    assert refusal_of(held.publish, adopted=1) == "figure-wrong"
    held.publish(adopted=2)

    data = json.loads(JournalEntry.objects.get(poll=held.poll, kind="published").body)["data"]
    assert [row[0] for row in data["projects"]] == ["1", "2"]
    assert data["left_open"] == 0


def test_an_unsettled_poll_is_published_only_by_those_who_leave_its_places_open():
    held = tied()

    assert refusal_of(held.publish) == "unsettled"
    held.publish(leave_open=True)

    assert held.poll.phase == P.PUBLISHED


def test_a_poll_is_not_published_while_its_second_round_runs_even_with_places_left_open():
    held = tied()
    second_stage(held, drafts.run_off(held.poll, by=held.office))

    assert refusal_of(held.publish, leave_open=True) == "second-round-runs"


def test_a_draft_of_a_second_round_never_opens_once_the_first_is_published():
    held = tied()
    ready = make_ready(held, drafts.run_off(held.poll, by=held.office))

    held.publish(leave_open=True)

    assert refusal_of(lambda: lifecycle.open_poll(ready.poll, by=held.office)) == "incomplete"


@pytest.mark.parametrize("settle", [settled_by_decision, settled_by_round])
def test_both_packages_verify_after_places_were_settled_and_revealed(settle, tmp_path):
    held = tied()
    settle(held)
    lifecycle.publish_result(held.poll, by=held.office)
    for _ in range(2):
        hall.reveal_next(held.poll, by=held.office)

    for make in (package.full_package, package.public_package):
        file = tmp_path / make.__name__
        file.write_bytes(make(held.poll).content)
        assert verifier.main([str(file)]) == 0


# --- two at once ----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_people_who_start_the_run_off_at_once_make_one():
    held = tied()
    people = [held.office, make_office()]

    ends = at_once(*[partial(drafts.run_off, held.poll, by=by) for by in people])

    assert codes(ends) == {"ok": 1, "round-exists": 1}
    assert held.poll.children.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_a_publication_and_a_decision_at_once_either_comes_first_and_the_figures_fit():
    held = tied()

    published, decided = at_once(
        lambda: lifecycle.publish_result(held.poll, by=held.office, adopted=1, leave_open=True),
        lambda: held.decide("2"),
    )

    assert codes([published, decided]) in (
        {"ok": 1, "wrong-phase": 1},
        {"ok": 1, "figure-wrong": 1},
    )
    assert Decision.objects.count() == isinstance(decided, Decision)


@pytest.mark.django_db(transaction=True)
def test_of_a_decision_and_the_opening_of_the_run_off_at_once_one_is_refused():
    held = tied()
    ready = make_ready(held, drafts.run_off(held.poll, by=held.office))

    ends = at_once(
        lambda: held.decide("2"), lambda: lifecycle.open_poll(ready.poll, by=held.office)
    )

    assert codes(ends) in ({"ok": 1, "incomplete": 1}, {"ok": 1, "second-round-runs": 1})
