"""Drafts made of old polls: what they take over, when they may be made, and when they may open."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from ballots import journal, triggers
from ballots.acts import (
    archiving,
    ceremony,
    deciding,
    drafts,
    hall,
    lifecycle,
    recommending,
    rehearsal,
    roll,
)
from ballots.facts import outcome, polls, preflight
from ballots.facts.findings import blocks
from ballots.models import AccessCard, Delegate, JournalEntry, Recommendation, RollEntry
from ballots.refusal import Refused
from projects.models import Poll, Project
from tests.helpers import browsing
from tests.helpers.factories import (
    Stage,
    confirm_count,
    end_year,
    make_confirmed,
    make_delegates,
    make_office,
    make_poll,
    make_ready,
    make_stage,
    move_by_force,
    play,
    second_stage,
    selection,
    short,
    stage_without,
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
    assert draft.roll.filter(present=True).count() == 9
    assert (draft.presence_assumed, draft.holders) == (True, held.poll.box.holders)
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
def test_the_second_round_of_a_practiceis_a_rehearsal(kind, run_off):
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


# --- who is present -------------------------------------------------------------------------------


def keyed(held: Stage, draft: Poll) -> Stage:
    """Return `draft` with a tested key of its own, and nobody asked about presence."""
    sheets = ceremony.make_key(draft, holders=draft.holders, threshold=3, by=held.office)
    shares = [sheet.text for sheet in sheets]
    ceremony.test_key(draft, texts=shares[:3], by=held.scrutineer)
    draft.refresh_from_db()
    return replace(held, poll=draft, shares=shares)


def test_a_second_round_opens_once_the_presence_it_took_over_is_confirmed():
    """Nobody is ticked sixty times again, and the quorum is not taken for granted either."""
    held = tied(kind=Poll.Kind.MAIN)
    second = keyed(held, drafts.run_off(held.poll, by=held.office))
    assert refusal_of(lifecycle.open_poll, second.poll, by=held.office) == "incomplete"

    assert refusal_of(roll.confirm_presence, second.poll, by=held.chief) == "not-office"
    moved = refusal_of(roll.confirm_presence, second.poll, present=8, by=held.office)
    assert roll.confirm_presence(second.poll, present=9, by=held.office) == 9

    again = refusal_of(roll.confirm_presence, second.poll, by=held.office)
    opened = lifecycle.open_poll(second.poll, by=held.office)
    assert (moved, again, opened.phase) == ("figure-moved", "presence-own", P.OPEN)
    assert second.poll.journal.get(kind="presence-confirmed").data == {"present": 9}


def test_who_has_left_is_taken_back_and_that_is_a_look_at_all_of_them():
    held = tied(kind=Poll.Kind.MAIN)
    second = keyed(held, drafts.run_off(held.poll, by=held.office))

    assert roll.mark_absent(second.poll, numbers=["009"], by=held.office) == 8

    assert lifecycle.open_poll(second.poll, by=held.office).phase == P.OPEN


def test_one_card_at_the_door_says_nothing_of_all_the_others():
    held = tied(kind=Poll.Kind.MAIN)
    draft = drafts.run_off(held.poll, by=held.office)

    roll.mark_present(draft, numbers=["001"], at_door=True, by=held.office)

    draft.refresh_from_db()
    assert draft.presence_assumed


def test_a_delegate_who_was_suspended_since_is_not_taken_over_as_present():
    held = tied()
    Delegate.objects.filter(number="009").update(status=Delegate.Status.SUSPENDED)

    draft = drafts.run_off(held.poll, by=held.office)

    assert not draft.roll.get(number="009").present
    assert draft.roll.filter(present=True).count() == 8


def test_leave_is_taken_over_with_presence():
    stage = stage_without("001")
    roll.give_leave(stage.poll, numbers=["001"], reason="因病", by=stage.office)
    ends: dict[str, Any] = {"reason": "断电", "by": stage.office, "second": stage.chief}
    void = lifecycle.void_poll(stage.poll, **ends)

    draft = drafts.fresh_draft(void, by=stage.office)

    assert draft.roll.get(number="001").leave == "因病"


def test_where_nobody_was_marked_present_there_is_nothing_to_confirm():
    held = make_stage(open_it=False, voters=Poll.Voters.ROLL)
    roll.mark_absent(held.poll, numbers=[one.number for one in held.delegates], by=held.office)
    poll = void(held, lifecycle.open_poll(held.poll, by=held.office))

    assert not drafts.fresh_draft(poll, by=held.office).presence_assumed


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


# --- copies ---------------------------------------------------------------------------------------

COPIED: dict[str, dict[str, Any]] = {
    "rehearsal": {"kind": "rehearsal", "meeting": "第四次会议", "year": 2026, "places": 2},
    "real": {"kind": "main", "meeting": "第四次会议", "year": 2026, "places": 2},
    "next-year": {"kind": "main", "meeting": "第五次会议", "year": 2027, "places": 2},
}


@pytest.mark.parametrize("into", COPIED)
def test_a_copy_of_an_assessment_chooses_nothing_either(into):
    held = make_stage(form="grades", candidates=3, boundary="2/3")

    draft = drafts.copy(held.poll, into=into, meeting="第五次会议", by=held.office)

    assert (draft.form, draft.places, draft.wishes, draft.boundary) == ("grades", 0, False, "2/3")


def test_an_assessment_has_no_second_round_and_no_decision():
    held = make_stage(form="grades", candidates=2)
    held.cast(0, selection(fair=[1], against=[2]))
    confirm_count(held)

    for act in (drafts.run_off, drafts.supplementary):
        assert refusal_of(act, held.poll, by=held.office) in {"no-tie", "no-shortfall"}
    assert refusal_of(held.decide, "1") == "nothing-open"


@pytest.mark.parametrize("kind", ["main", "rehearsal"])
@pytest.mark.parametrize("into", COPIED)
def test_a_poll_is_copied_with_what_its_next_vote_needs_and_nothing_of_its_own(into, kind):
    rules: dict[str, Any] = {"form": "each", "places": 2, "meeting": "第四次会议"}
    held = make_stage(kind=kind, candidates=3, **rules)
    meeting = "第五次会议" if into == "next-year" else ""

    draft = drafts.copy(held.poll, into=into, meeting=meeting, by=held.office)

    draft.refresh_from_db()
    assert {name: getattr(draft, name) for name in COPIED[into]} == COPIED[into]
    assert (draft.phase, draft.form, draft.parent, draft.closes_at) == (P.DRAFT, "each", None, None)
    assert draft.uuid != held.poll.uuid
    assert not draft.presence_assumed
    # Whoever has come to this meeting has come to the new vote at it, and the record says so.
    is_of_the_meeting = COPIED[into]["kind"] == kind and not meeting
    assert draft.roll.filter(present=True).count() == (5 if is_of_the_meeting else 0)
    told = list(draft.journal.values_list("kind", flat=True))
    assert told == (["presence-marked"] if is_of_the_meeting else [])
    if into == "next-year":
        assert (draft.holders, draft.delegates_total, draft.rules_adopted_on) == ([], None, None)
        assert draft.rules_name == held.poll.rules_name
        assert not draft.projects.exists()
        assert not draft.roll.exists()
    else:
        assert draft.holders == held.poll.box.holders
        assert draft.delegates_total == held.poll.delegates_total
        assert draft.roll.count() == 5
        lines = [[str(line) for line in p.targets.all()] for p in draft.projects.all()]
        there = [[str(line) for line in p.targets.all()] for p in held.poll.projects.all()]
        assert lines == there
        assert [p.title for p in draft.projects.all()] == [
            p.title for p in held.poll.projects.all()
        ]
    entry = held.poll.journal.get(kind="draft-made")
    assert entry.data == {"poll": str(draft.uuid), "copied_as": into}


def test_no_draft_is_made_for_a_year_that_no_form_takes():
    held = make_stage(open_it=False, year=2100, meeting="第四次会议")
    copied: dict[str, Any] = {"into": "next-year", "meeting": "第五次会议", "by": held.office}

    assert refusal_of(drafts.copy, held.poll, **copied) == "last-year"
    Poll.objects.filter(pk=held.poll.pk).update(year=2099)

    assert drafts.copy(held.poll, **copied).year == 2100


def test_a_rehearsal_for_the_whole_roll_becomes_a_real_draft_for_those_present():
    held = make_stage(voters=Poll.Voters.ROLL)

    practice = drafts.copy(held.poll, into="rehearsal", by=held.office)
    real = drafts.copy(held.poll, into="real", by=held.office)

    assert (practice.voters, real.voters) == (Poll.Voters.ROLL, Poll.Voters.PRESENT)


def test_a_copied_roll_is_of_those_in_office_in_the_words_of_today():
    held = make_stage()
    Delegate.objects.filter(number="001").update(status=Delegate.Status.ENDED)
    Delegate.objects.filter(number="002").update(name="改过的姓名")

    draft = drafts.copy(held.poll, into="real", by=held.office)

    names = list(draft.roll.order_by("number").values_list("name", flat=True))
    assert names == ["改过的姓名", "代表3", "代表4", "代表5"]


def test_the_copy_of_a_rehearsal_outlives_it_and_is_opened_closed_and_counted():
    """A rehearsal becomes the real poll, is wiped, and the poll goes its whole way."""
    held = make_stage(majority="none", places=1)
    draft = drafts.copy(held.poll, into="real", by=held.office)
    rehearsal.wipe_rehearsal(held.poll, by=held.office)
    assert AccessCard.objects.count() == 5
    Poll.objects.filter(pk=draft.pk).update(delegates_total=5)

    second = play(replace(held, poll=draft), draft, selection(1), selection(1))
    lifecycle.publish_result(second.poll, by=held.office, at_once=True)

    assert [place.key for place in outcome.outcome_of(second.poll).filled] == ["1"]


def test_what_is_copied_from_what():
    held = tied()
    draft = drafts.run_off(held.poll, by=held.office)
    dropped = move_by_force(make_poll(), P.DROPPED)
    cases: dict[str, tuple[Poll, dict[str, Any], str]] = {
        "a second round": (draft, {}, "second-round"),
        "a dropped draft": (dropped, {}, "not-copied"),
        "as nothing known": (held.poll, {"into": "twice"}, "not-copied"),
        "next year's without a meeting": (held.poll, {"into": "next-year"}, "meeting-needed"),
        "by a scrutineer": (held.poll, {"by": held.chief}, "not-office"),
    }
    for what, (poll, asked, code) in cases.items():
        given = {"into": "real", "by": held.office} | asked
        assert refusal_of(drafts.copy, poll, **given) == code, what


def test_a_copy_of_a_void_poll_does_not_take_the_place_of_its_fresh_draft():
    held = make_stage()
    poll = void(held, held.poll)
    drafts.copy(poll, into="real", by=held.office)

    assert drafts.fresh_draft(poll, by=held.office).phase == P.DRAFT
    assert refusal_of(drafts.fresh_draft, poll, by=held.office) == "made-before"


def test_a_mistaken_copy_is_dropped_by_one_person():
    held = make_stage()
    draft = drafts.copy(held.poll, into="real", by=held.office)

    drafts.drop(draft, by=held.office)

    assert list(Poll.objects.all()) == [held.poll]


# --- dropped drafts -------------------------------------------------------------------------------


def test_a_draft_without_a_record_is_deleted_by_one_person_with_candidates_and_roll():
    """Case 32: no candidate has to be deleted first, and the register's chain says what went."""
    office = make_office()
    make_delegates(2)
    poll = make_poll(candidates=3)
    RollEntry.objects.bulk_create(
        RollEntry(poll=poll, delegate=one, number=one.number, name=one.name, delegation="团")
        for one in Delegate.objects.all()
    )
    name, uuid = str(poll), str(poll.uuid)

    assert drafts.drop(poll, by=office) is None

    assert not Poll.objects.exists()
    assert Delegate.objects.count() == 2
    entry = JournalEntry.objects.get(poll=None)
    assert (entry.kind, entry.by) == ("draft-deleted", office)
    assert entry.data == {"draft": name, "uuid": uuid, "candidates": 3, "on_roll": 2}
    assert journal.first_broken(None) is None


def mistaken(**columns: Any) -> Stage:
    """Return a real draft made by mistake: its roll, presence and tested key are there."""
    return make_stage(kind=Poll.Kind.MAIN, open_it=False, **columns)


def test_a_draft_with_a_key_is_dropped_by_two_people_and_its_row_and_record_stay():
    """Case 32: the mistaken draft is out of everybody's sight, and the record says by whom."""
    held = mistaken()

    drafts.drop(held.poll, by=held.office, second=held.chief, reason="误建")

    poll = Poll.objects.get(pk=held.poll.pk)
    assert (poll.phase, poll.opened_at) == (P.DROPPED, None)
    entry = poll.journal.order_by("seq").last()
    assert entry is not None
    assert (entry.kind, entry.by, entry.second) == ("draft-dropped", held.office, held.chief)
    assert entry.data == {
        "reason": "误建",
        "candidates": 12,
        "recommendations": 0,
        "on_roll": 5,
        "present": 5,
    }
    assert journal.first_broken(poll) is None
    assert poll.projects.count() == 12
    assert poll.box.tested_at
    assert browsing.poll_for(held.delegates[0]) is None
    assert poll not in Poll.objects.standing()


def test_what_was_dropped_holds_nobody_and_nothing():
    """Case 32: neither cards nor delegates are kept for a poll that never was."""
    held = mistaken()
    drafts.drop(held.poll, by=held.office, second=held.chief, reason="误建")

    # Another poll of the same people keeps no card for it when it ends.
    other = make_poll(candidates=1)
    roll.draw_up_roll(other, by=held.office)
    cards = archiving.cards_of(other)
    AccessCard.objects.all().delete()
    other.roll.all().delete()
    held.delegates[0].delete()

    assert (len(cards.gone), cards.needed_by) == (5, ())
    assert not RollEntry.objects.exists()


def test_the_key_of_a_dropped_draft_is_of_no_use():
    held = mistaken()
    drafts.drop(held.poll, by=held.office, second=held.chief, reason="误建")
    poll, office = held.poll, held.office

    refused = {
        refusal_of(ceremony.test_key, poll, texts=held.shares[:3], by=office),
        refusal_of(ceremony.make_key, poll, holders=["甲", "乙", "丙"], threshold=2, by=office),
        refusal_of(roll.draw_up_roll, poll, by=office),
    }
    opened = refusal_of(lifecycle.open_poll, poll, by=office)
    unsealed = refusal_of(lifecycle.open_box, poll, texts=held.shares[:3], by=office)

    assert refused == {"not-draft"}
    assert (opened, unsealed) == ("wrong-phase", "wrong-phase")


def recommended(poll: Poll) -> Recommendation:
    (delegate,) = make_delegates(1)
    return Recommendation.objects.create(poll=poll, delegate=delegate, title="夜间公交")


def test_a_collecting_draft_is_dropped_by_one_person_and_what_was_recommended_stays():
    office = make_office()
    poll = make_poll(collecting=True)
    row = recommended(poll)

    drafts.drop(poll, by=office)

    poll.refresh_from_db()
    row.refresh_from_db()
    assert (poll.phase, row.title) == (P.DROPPED, "夜间公交")
    assert [entry.kind for entry in poll.journal.all()] == ["draft-dropped"]
    assert recommending.collecting_polls() == []
    assert refusal_of(recommending.decline, row, reason="x", by=office) == "not-draft"


def test_who_drops_which_draft_and_with_whom():
    held, office = mistaken(), make_office()
    practice = make_poll(kind=Poll.Kind.REHEARSAL)
    recommended(practice)
    cases: dict[str, tuple[Poll, dict[str, Any], str]] = {
        "a scrutineer's": (held.poll, {"by": held.chief}, "not-office"),
        "without a reason": (held.poll, {"second": held.chief}, "reason-needed"),
        "alone": (held.poll, {"reason": "误建"}, "second-needed"),
        "with the office": (held.poll, {"reason": "误建", "second": office}, "second-needed"),
        "with oneself": (held.poll, {"reason": "误建", "second": held.office}, "second-needed"),
        "a rehearsal with a record": (practice, {}, "rehearsal"),
    }
    for what, (poll, signed, code) in cases.items():
        assert refusal_of(drafts.drop, poll, **({"by": held.office} | signed)) == code, what
    assert Poll.objects.standing().count() == 2


def test_the_draft_of_a_second_round_is_dropped_and_another_made():
    """Case 32: an idle one, or one made by mistake, with a key or without."""
    held = tied(kind=Poll.Kind.MAIN)
    plain = drafts.run_off(held.poll, by=held.office)
    assert drafts.drop(plain, by=held.office) == held.poll
    keyed = make_ready(held, drafts.run_off(held.poll, by=held.office)).poll

    assert drafts.drop(keyed, by=held.office, second=held.chief, reason="误建") == held.poll

    assert outcome.outcome_of(held.poll).round is None
    assert drafts.run_off(held.poll, by=held.office).places == 1
    assert void(held, held.poll).phase == P.VOID


def test_a_void_poll_gets_another_fresh_draft_once_the_first_is_dropped():
    held = make_stage(kind=Poll.Kind.MAIN)
    poll = void(held, held.poll)
    draft = make_ready(held, drafts.fresh_draft(poll, by=held.office)).poll

    drafts.drop(draft, by=held.office, second=held.chief, reason="误建")

    assert drafts.fresh_draft(poll, by=held.office).phase == P.DRAFT


# --- idle drafts ----------------------------------------------------------------------------------


def test_a_draft_is_idle_once_something_else_settled_the_places():
    held = tied()
    draft = drafts.run_off(held.poll, by=held.office)
    before = polls.is_idle(draft)
    deciding.decide(held.poll, items=["2"], words="决定", by=held.office, second=held.chief)

    assert not before
    assert polls.is_idle(Poll.objects.get(pk=draft.pk))
    assert draft not in browsing.polls_of(held.delegates[0])


@pytest.mark.parametrize("end", ["publish", "void"])
def test_a_draft_is_idle_once_its_first_round_is_over(end):
    held = tied(kind=Poll.Kind.MAIN)
    draft = drafts.run_off(held.poll, by=held.office)
    if end == "publish":
        lifecycle.publish_result(held.poll, by=held.office, leave_open=True)
    else:
        void(held, held.poll)

    assert polls.is_idle(Poll.objects.get(pk=draft.pk))
    assert draft not in browsing.polls_of(held.delegates[0])
    end_year(held)
    # Nobody keeps a card for a poll that can never open.
    assert archiving.cards_of(held.poll).needed_by == ()


def test_a_draft_that_is_no_second_round_is_never_idle():
    assert not polls.is_idle(make_poll())


def test_the_whole_result_comes_before_that_of_its_second_round():
    held = tied()
    second = play(held, drafts.run_off(held.poll, by=held.office), selection(3))
    lifecycle.publish_result(second.poll, by=held.office, at_once=True)
    assert browsing.poll_for(held.delegates[0]) == second.poll
    lifecycle.publish_result(held.poll, by=held.office, at_once=True)

    assert browsing.poll_for(held.delegates[0]) == held.poll
    assert browsing.poll_for(None) == held.poll


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


def test_whose_second_round_is_out_is_published_and_not_declared_void():
    """A dead end of words: what is published can never be declared void first."""
    held = tied()
    second = play(held, drafts.run_off(held.poll, by=held.office), selection(3))
    ends: dict[str, Any] = {"reason": "断电", "by": held.office, "second": held.chief}
    running = refusal_of(lifecycle.void_poll, held.poll, **ends)
    lifecycle.publish_result(second.poll, by=held.office, at_once=True)

    out = refusal_of(lifecycle.void_poll, held.poll, **ends)

    assert (running, out) == ("second-round-exists", "second-round-out")
    assert lifecycle.publish_result(held.poll, by=held.office, at_once=True)


# --- when it may open -----------------------------------------------------------------------------


def copy_of(project: Project, draft: Poll) -> Project:
    columns = {name: getattr(project, name) for name in drafts.COPIED_OF_PROJECT}
    copy = Project.objects.create(poll=draft, **(columns | {"origin": str(project.number)}))
    for target in project.targets.all():
        target.pk, target.project = None, copy
        target.save()
    return copy


EDITS: dict[str, Callable[[Stage, Poll], Any]] = {
    "a candidate fewer": lambda held, draft: draft.projects.get(number=3).delete(),
    # It is of the first round, word for word, but not of those that were left open.
    "a candidate more": lambda held, draft: copy_of(held.poll.projects.get(number=1), draft),
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


def test_a_draft_of_a_poll_that_was_for_its_whole_roll_is_for_those_present():
    stage = make_stage(open_it=False, kind=Poll.Kind.MAIN)
    # An earlier version could open a real poll so.
    triggers.lift(connection)
    now = timezone.now()
    Poll.objects.update(voters="roll", phase="void", opened_at=now, closed_at=now)
    triggers.install(connection)

    draft = drafts.fresh_draft(stage.poll, by=stage.office)

    assert draft.voters == Poll.Voters.PRESENT
