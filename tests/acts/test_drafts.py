"""Drafts made of old polls: what they take over, when they may be made, and when they may open."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from ballots.acts import archiving, deciding, drafts, hall, lifecycle, rehearsal
from ballots.facts import outcome, polls, preflight
from ballots.facts.findings import blocks
from ballots.models import JournalEntry
from ballots.refusal import Refused
from projects.models import Poll
from tests.helpers.factories import (
    Stage,
    confirm_count,
    make_confirmed,
    make_office,
    make_poll,
    make_project,
    make_ready,
    make_stage,
    play,
    second_stage,
    selection,
    short,
    tied,
)
from tests.helpers.refusals import refusal_of

pytestmark = pytest.mark.django_db

P = Poll.Phase


def void(held: Stage, poll: Poll) -> Poll:
    return lifecycle.void_poll(poll, reason="断电", by=held.office, second=held.chief)


# --- what a second round takes over ---------------------------------------------------------------


def test_a_run_off_is_among_the_tied_for_the_place_left_on_the_same_roll():
    held = tied(show_votes=True, choice_rule="exactly", meeting="第四次会议")

    draft = drafts.run_off(held.poll, by=held.office)

    draft.refresh_from_db()
    assert (draft.phase, draft.parent, draft.places) == (P.DRAFT, held.poll, 1)
    assert [(p.number, p.origin) for p in draft.projects.all()] == [(2, "2"), (3, "3")]
    assert (draft.proposals, draft.majority, draft.choice_rule) == ("off", "none", "at-most")
    assert (draft.meeting, draft.show_votes) == ("第四次会议", True)
    assert draft.roll.count() == 9
    assert not draft.roll.filter(present=True).exists()
    assert "再次票决，从中确定1项" in draft.opening_words
    data = json.loads(JournalEntry.objects.get(kind="second-round-made").body)["data"]
    assert data == {"poll": str(draft.uuid), "items": ["2", "3"]}


def test_a_supplementary_poll_is_among_the_rest_for_the_places_left():
    held = short()

    draft = drafts.supplementary(held.poll, by=held.office)

    assert [(p.number, p.origin) for p in draft.projects.all()] == [(2, "2"), (3, "3")]
    assert draft.places == 2
    assert "补充票决，从中确定2项" in draft.opening_words


@pytest.mark.parametrize(("kind", "run_off"), [("main", "run-off"), ("rehearsal", "rehearsal")])
def test_the_second_round_of_a_rehearsal_is_a_rehearsal(kind, run_off):
    held = tied(kind=kind)
    assert drafts.run_off(held.poll, by=held.office).kind == run_off


def test_a_candidate_takes_its_targets_with_it():
    held = tied()
    draft = drafts.run_off(held.poll, by=held.office)

    lines = [str(line) for line in draft.projects.get(number=3).targets.all()]

    assert lines == [str(line) for line in held.poll.projects.get(number=3).targets.all()] != []


def test_a_proposal_comes_after_the_candidates_under_a_number_of_its_own():
    held = make_stage(delegates=8, candidates=3, places=2, majority="none")
    for place in range(8):
        held.cast(place, selection(1, 2) if place < 4 else selection(1, proposals=["夜间公交"]))
    confirm_count(held)

    draft = drafts.run_off(held.poll, by=held.office)

    listed = [(p.number, p.title, p.origin) for p in draft.projects.all()]
    assert listed == [(2, "候选项目2", "2"), (4, "夜间公交", "推1")]
    ready = make_ready(held, draft)
    # It has no yearly targets, which only its author could have written: no reason to stay closed.
    assert lifecycle.open_poll(ready.poll, by=held.office).phase == P.OPEN


# --- when one may be made -------------------------------------------------------------------------


def test_a_run_off_is_made_of_a_tie_and_a_supplementary_poll_of_a_shortfall():
    one = tied()
    assert refusal_of(drafts.supplementary, one.poll, by=one.office) == "no-shortfall"
    assert refusal_of(drafts.run_off, one.poll, by=one.scrutineer) == "not-office"


def test_a_shortfall_is_no_tie():
    held = short()
    assert refusal_of(drafts.run_off, held.poll, by=held.office) == "no-tie"
    assert refusal_of(drafts.supplementary, held.poll, by=held.chief) == "not-office"


def test_where_every_project_passed_there_is_none_left_to_vote_on():
    held = make_confirmed({1: 8, 2: 8}, places=3)
    assert outcome.outcome_of(held.poll).places_left == 1
    assert refusal_of(drafts.supplementary, held.poll, by=held.office) == "no-shortfall"


def test_a_second_round_is_made_once_while_the_first_waits_for_it():
    held = tied()
    draft = drafts.run_off(held.poll, by=held.office)
    assert refusal_of(drafts.run_off, held.poll, by=make_office()) == "round-exists"

    rehearsal.wipe_rehearsal(draft, by=held.office)
    drafts.run_off(held.poll, by=held.office)


@pytest.mark.parametrize("make", [drafts.run_off, drafts.supplementary])
def test_none_is_made_after_the_meeting_decided_or_the_result_is_out(make):
    held = tied()
    deciding.decide(held.poll, items=["2"], words="决定", by=held.office, second=held.chief)
    assert refusal_of(make, held.poll, by=held.office) == "decided"
    lifecycle.publish_result(held.poll, by=held.office)
    assert refusal_of(make, held.poll, by=held.office) == "wrong-phase"


# --- fresh drafts ---------------------------------------------------------------------------------


def test_a_void_poll_gets_one_fresh_draft_and_another_once_that_is_wiped():
    held = make_stage()
    poll = void(held, held.poll)

    draft = drafts.fresh_draft(poll, by=held.office)

    assert refusal_of(drafts.fresh_draft, poll, by=held.office) == "made-before"
    rehearsal.wipe_rehearsal(draft, by=held.office)
    drafts.fresh_draft(poll, by=held.office)


def test_a_void_second_round_is_made_anew_with_its_parent_and_its_origins():
    held = tied()
    second = second_stage(held, drafts.run_off(held.poll, by=held.office))
    poll = void(held, second.poll)

    draft = drafts.fresh_draft(poll, by=held.office)

    assert (draft.parent, draft.places, draft.kind) == (held.poll, 1, poll.kind)
    assert [(p.number, p.origin) for p in draft.projects.all()] == [(2, "2"), (3, "3")]
    again = play(held, draft, selection(3))
    lifecycle.publish_result(again.poll, by=held.office, at_once=True)
    assert [place.key for place in outcome.outcome_of(held.poll).filled] == ["1", "3"]


def test_the_draft_of_a_second_round_is_deleted_while_nothing_is_on_record():
    held = tied()
    draft = drafts.run_off(held.poll, by=held.office)

    assert drafts.drop(draft, by=held.office) == held.poll
    assert not Poll.objects.filter(pk=draft.pk).exists()
    assert drafts.run_off(held.poll, by=held.office).places == 1


def test_a_draft_is_not_deleted_once_its_key_is_made_nor_one_that_is_no_second_round():
    held = tied()
    second = second_stage(held, drafts.run_off(held.poll, by=held.office))
    assert refusal_of(drafts.drop, second.poll, by=held.office) == "not-second-round"
    keyed = make_ready(held, drafts.fresh_draft(void(held, second.poll), by=held.office)).poll
    assert refusal_of(drafts.drop, keyed, by=held.office) == "key-made"
    assert refusal_of(drafts.drop, make_poll(), by=held.office) == "not-second-round"
    assert refusal_of(drafts.drop, keyed, by=held.chief) == "not-office"


def test_a_draft_is_idle_once_something_else_settled_the_places():
    held = tied()
    draft = drafts.run_off(held.poll, by=held.office)
    before = polls.is_idle(draft)
    deciding.decide(held.poll, items=["2"], words="决定", by=held.office, second=held.chief)

    assert not before
    assert polls.is_idle(Poll.objects.get(pk=draft.pk))
    assert draft not in polls.polls_of(held.delegates[0])


@pytest.mark.parametrize("end", ["publish", "void"])
def test_a_draft_is_idle_once_its_first_round_is_over(end):
    held = tied()
    draft = drafts.run_off(held.poll, by=held.office)
    if end == "publish":
        lifecycle.publish_result(held.poll, by=held.office, leave_open=True)
    else:
        void(held, held.poll)

    assert polls.is_idle(Poll.objects.get(pk=draft.pk))
    assert draft not in polls.polls_of(held.delegates[0])
    # Nobody keeps a card for a poll that can never open.
    assert not archiving.still_needed(held.poll)


def test_a_draft_that_is_no_second_round_is_never_idle():
    assert not polls.is_idle(make_poll())


def test_the_whole_result_comes_before_that_of_its_second_round():
    held = tied()
    second = play(held, drafts.run_off(held.poll, by=held.office), selection(3))
    lifecycle.publish_result(second.poll, by=held.office, at_once=True)
    assert polls.poll_for(held.delegates[0]) == second.poll
    lifecycle.publish_result(held.poll, by=held.office, at_once=True)

    assert polls.poll_for(held.delegates[0]) == held.poll
    assert polls.poll_for(None) == held.poll


def test_a_second_round_fills_nothing_before_the_hall_has_seen_it_all():
    held = tied()
    second = play(held, drafts.run_off(held.poll, by=held.office), selection(3))
    lifecycle.publish_result(second.poll, by=held.office)
    before = outcome.outcome_of(held.poll)
    hall.reveal_all(second.poll, by=held.office)

    assert [place.key for place in before.filled] == ["1"]
    assert before.round_runs
    assert [place.key for place in outcome.outcome_of(held.poll).filled] == ["1", "3"]


def test_a_void_second_round_is_not_made_anew_once_something_else_settles_the_places():
    held = tied()
    second = second_stage(held, drafts.run_off(held.poll, by=held.office))
    poll = void(held, second.poll)
    other = drafts.run_off(held.poll, by=held.office)
    assert refusal_of(drafts.fresh_draft, poll, by=held.office) == "round-exists"
    rehearsal.wipe_rehearsal(other, by=held.office)
    deciding.decide(held.poll, items=["2"], words="决定", by=held.office, second=held.chief)
    assert refusal_of(drafts.fresh_draft, poll, by=held.office) == "decided"
    lifecycle.publish_result(held.poll, by=held.office)
    assert refusal_of(drafts.fresh_draft, poll, by=held.office) == "wrong-phase"


# --- when it may open -----------------------------------------------------------------------------

EDITS: dict[str, Callable[[Stage, Poll], Any]] = {
    "a candidate fewer": lambda held, draft: draft.projects.get(number=3).delete(),
    "a candidate more": lambda held, draft: make_project(draft, 9),
    "another number of places": lambda held, draft: Poll.objects.filter(pk=draft.pk).update(
        places=2
    ),
    "proposals": lambda held, draft: Poll.objects.filter(pk=draft.pk).update(proposals="counted"),
    "a decision": lambda held, draft: deciding.decide(
        held.poll, items=["2"], words="决定", by=held.office, second=held.chief
    ),
    "its first round published": lambda held, draft: lifecycle.publish_result(
        held.poll, by=held.office, leave_open=True
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_run_off_does_not_open_with(edit):
    held = tied()
    ready = make_ready(held, drafts.run_off(held.poll, by=held.office))
    EDITS[edit](held, ready.poll)
    ready.poll.refresh_from_db()

    assert blocks(preflight.what_is_missing(ready.poll))
    assert refusal_of(lifecycle.open_poll, ready.poll, by=held.office) == "incomplete"


def test_the_office_may_ask_for_a_majority_and_shorten_the_list_of_a_supplementary_poll():
    held = short()
    ready = make_ready(held, drafts.supplementary(held.poll, by=held.office))
    Poll.objects.filter(pk=ready.poll.pk).update(majority="all")
    ready.poll.projects.get(number=3).delete()
    ready.poll.refresh_from_db()

    assert lifecycle.open_poll(ready.poll, by=held.office).phase == P.OPEN


def test_presence_and_quorum_are_taken_anew():
    held = tied(kind=Poll.Kind.MAIN)
    draft = drafts.run_off(held.poll, by=held.office)
    ready = make_ready(held, draft)
    draft.roll.filter(number__gt="005").update(present=False)

    assert refusal_of(lifecycle.open_poll, ready.poll, by=held.office) == "incomplete"


def test_the_shares_of_the_first_key_open_nothing_of_the_second_round():
    held = tied()
    second = second_stage(held, drafts.run_off(held.poll, by=held.office))
    second.cast(0, selection(2))
    second.close()
    second.shares = held.shares

    with pytest.raises(Refused):
        second.open_box()
