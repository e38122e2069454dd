"""A change of status while people vote: two people, a reason, and every open poll's record."""

from typing import Any

import pytest

from ballots import journal
from ballots.acts import delegates, lifecycle, roll
from ballots.facts import preflight
from ballots.facts.turnout import turnout_of
from ballots.models import Delegate, JournalEntry
from projects.models import Poll
from tests.helpers.factories import (
    Stage,
    make_delegates,
    make_office,
    make_scrutineer,
    make_stage,
    move_by_force,
    selection,
    walk_by_force,
)
from tests.helpers.refusals import refusal_of

pytestmark = pytest.mark.django_db

P, K = Poll.Phase, Poll.Kind
ACTIVE, SUSPENDED, ENDED = Delegate.Status.ACTIVE, Delegate.Status.SUSPENDED, Delegate.Status.ENDED


def suspend(stage: Stage, *places: int, status: str = SUSPENDED, **more: Any) -> int:
    signed: dict[str, Any] = {"by": stage.office, "second": stage.scrutineer, "reason": "决定"}
    people = [stage.delegates[place] for place in places]
    return delegates.set_status(people, status, **(signed | more))


def said(poll: Poll | None, kind: str) -> list[dict[str, Any]]:
    entries = JournalEntry.objects.filter(poll=poll, kind=kind).order_by("seq")
    return [entry.data for entry in entries]


@pytest.mark.parametrize("phase", [P.OPEN, P.PAUSED])
def test_two_people_change_a_status_while_people_vote_and_the_poll_says_so(phase):
    """Case 28."""
    stage = make_stage()
    if phase == P.PAUSED:
        lifecycle.pause_poll(stage.poll, reason="停电", by=stage.office)

    assert suspend(stage, 0, 1) == 2

    people = [["001", "代表1", ACTIVE], ["002", "代表2", ACTIVE]]
    whole = {"status": SUSPENDED, "people": people, "reason": "决定"}
    assert said(stage.poll, "status-set") == said(None, "status-set") == [whole]
    for entry in JournalEntry.objects.filter(kind="status-set"):
        assert (entry.by, entry.second) == (stage.office, stage.scrutineer)
    assert journal.first_broken(stage.poll) is journal.first_broken(None) is None


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"second": None}, "second-needed"),
        ({"reason": " "}, "reason-needed"),
        ({"second": "the same"}, "same-person"),
    ],
)
def test_one_person_takes_nobodys_vote_away(more, code):
    """Case 28."""
    stage = make_stage()
    if more.get("second"):
        more = {"second": stage.office}

    assert refusal_of(suspend, stage, 0, **more) == code
    assert Delegate.objects.filter(status=ACTIVE).count() == 5
    assert not JournalEntry.objects.filter(kind="status-set").exists()
    assert stage.cast(0, selection(1))


def test_to_give_a_vote_back_takes_two_people_as_well():
    stage = make_stage()
    suspend(stage, 0)

    assert refusal_of(suspend, stage, 0, status=ACTIVE, second=None) == "second-needed"
    assert suspend(stage, 0, status=ACTIVE) == 1
    roll.mark_present(stage.poll, numbers=["001"], by=stage.office)
    assert stage.cast(0, selection(1))


@pytest.mark.parametrize("make_one", [make_office, make_scrutineer])
def test_any_other_member_of_staff_signs(make_one):
    stage = make_stage()

    assert suspend(stage, 0, second=make_one()) == 1


@pytest.mark.parametrize(
    ("kind", "phase"),
    [(kind, phase) for kind in (K.MAIN, K.REHEARSAL) for phase in (P.DRAFT, P.PUBLISHED, P.VOID)]
    + [(K.REHEARSAL, P.CLOSED), (K.REHEARSAL, P.COUNTED)],
)
def test_one_person_changes_a_status_while_nothing_runs_that_counts(kind, phase):
    stage = make_stage(open_it=False, kind=kind)
    if phase != P.DRAFT:
        walk_by_force(stage.poll, phase)

    assert suspend(stage, 0, second=None, reason="") == 1
    assert said(stage.poll, "status-set") == []


@pytest.mark.parametrize("phase", [P.CLOSED, P.OPENED, P.COUNTED, P.CONFIRMED])
def test_until_the_publication_two_sign_and_nobody_is_less_present_than_he_was(phase):
    """M4: a second round is for those who are in office."""
    stage = make_stage(open_it=False, kind=K.MAIN)
    walk_by_force(stage.poll, phase)

    assert refusal_of(suspend, stage, 0, second=None) == "second-needed"
    assert refusal_of(suspend, stage, 0, reason="") == "reason-needed"
    assert suspend(stage, 0) == 1

    assert [row["people"] for row in said(stage.poll, "status-set")] == [[["001", "代表1", ACTIVE]]]
    assert said(stage.poll, "presence-lowered") == []
    assert stage.entry(0).present


def test_whoever_is_on_no_open_roll_is_changed_by_one_person():
    stage = make_stage()
    (stranger,) = make_delegates(1)

    assert delegates.set_status([stranger], ENDED, by=stage.office) == 1
    assert said(stage.poll, "status-set") == []


def test_each_open_poll_names_those_on_its_own_roll_in_its_own_words():
    stage = make_stage(delegates=2)
    (other,) = make_delegates(1)
    stage.delegates.append(other)
    second = Poll.objects.create(
        kind=Poll.Kind.REHEARSAL, meeting="会议", year=2026, delegates_total=3
    )
    roll.draw_up_roll(second, by=stage.office)
    move_by_force(second, P.OPEN)
    Delegate.objects.filter(pk=stage.delegates[0].pk).update(name="改名")

    suspend(stage, 0, 2)

    assert [row["people"] for row in said(stage.poll, "status-set")] == [[["001", "代表1", ACTIVE]]]
    assert [row["people"] for row in said(second, "status-set")] == [
        [["001", "代表1", ACTIVE], ["003", "代表3", ACTIVE]]
    ]


def test_whoever_is_suspended_before_he_voted_is_no_longer_awaited_and_the_record_says_it():
    """Case 28: the figures follow the journal."""
    stage = make_stage()
    stage.cast(1, selection(1))

    suspend(stage, 0, 1)

    assert said(stage.poll, "presence-lowered") == [
        {"present": 4, "removed": 1, "people": [["001", "代表1"]], "reason": "决定"}
    ]
    figures = turnout_of(stage.poll)
    assert (figures.present, figures.issued, figures.voted, figures.waiting) == (4, 4, 1, 3)
    assert refusal_of(stage.cast, 0, selection(1)) == "not-present"


@pytest.mark.parametrize("phase", [P.OPEN, P.PAUSED])
def test_where_the_whole_roll_may_vote_the_suspended_are_not_awaited_either(phase):
    stage = make_stage(voters="roll")
    stage.cast(1, selection(1))
    suspend(stage, 0, 1)
    if phase == P.PAUSED:
        lifecycle.pause_poll(stage.poll, reason="停电", by=stage.office)

    figures = turnout_of(stage.poll)

    assert (figures.roll, figures.issued, figures.voted, figures.waiting) == (5, 4, 1, 3)


def warned(stage: Stage) -> list[str]:
    return [finding.text for finding in preflight.changes_since_opening(stage.poll)]


def test_the_page_counts_the_changes_and_warns_of_one_that_nobody_signed():
    """Case 28."""
    stage = make_stage()
    assert warned(stage) == []
    suspend(stage, 0)
    assert warned(stage) == ["开始投票后代表状态变更1次（见操作记录）"]

    Delegate.objects.filter(pk=stage.delegates[1].pk).update(status=SUSPENDED)

    assert warned(stage)[1] == "代表2（002）的状态已变更，而操作记录中没有两人签名，请核实"
    suspend(stage, 0, status=ACTIVE)
    assert warned(stage)[0] == "开始投票后代表状态变更2次（见操作记录）"
