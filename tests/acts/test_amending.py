"""What may still be changed of a poll that has opened: its deadline, later, by two people."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from ballots.acts import amending, lifecycle
from ballots.facts import record
from ballots.models import JournalEntry
from projects.models import Poll
from tests.helpers.factories import (
    Stage,
    make_office,
    make_scrutineer,
    make_staff,
    make_stage,
    move_by_force,
    selection,
    set_closing_time,
)
from tests.helpers.refusals import refusal_of

pytestmark = pytest.mark.django_db

P = Poll.Phase


def timed(**left: int) -> Stage:
    """Return an open poll whose deadline is so far from now, or was."""
    stage = make_stage(delegates=2)
    set_closing_time(stage.poll, later(**(left or {"hours": 1})))
    return stage


def move(stage: Stage, closes_at: datetime, **more: Any) -> Poll:
    signed: dict[str, Any] = {
        "by": stage.office,
        "second": stage.scrutineer,
        "reason": "讨论延长",
    } | more
    return amending.move_deadline(stage.poll, closes_at=closes_at, **signed)


def later(**more: int) -> datetime:
    return timezone.now() + timedelta(**(more or {"hours": 2}))


# --- the deadline ---------------------------------------------------------------------------------


@pytest.mark.parametrize("left", [{"hours": 1}, {"minutes": -5}], ids=["ahead", "past"])
@pytest.mark.parametrize("phase", [P.OPEN, P.PAUSED])
def test_a_deadline_is_moved_later_while_the_poll_takes_ballots_even_past_it(phase, left):
    """Case 31."""
    stage = timed(**left)
    move_by_force(stage.poll, phase)
    old, new = stage.poll.closes_at, later()

    poll = move(stage, new)

    assert Poll.objects.get().closes_at == poll.closes_at == new
    entry = JournalEntry.objects.get(kind="deadline-moved")
    assert (entry.by, entry.second) == (stage.office, stage.scrutineer)
    assert [datetime.fromisoformat(entry.data[name]) for name in ("old", "new")] == [old, new]
    assert entry.data["reason"] == "讨论延长"
    hours = [timezone.localtime(at).strftime("%H:%M") for at in (old, new)]
    assert all(hour in record.in_words(entry) for hour in hours)


def test_after_the_deadline_was_moved_whoever_was_late_votes():
    """Case 31."""
    stage = timed(minutes=-1)
    assert refusal_of(stage.cast, 0, selection(1)) == "closed"

    move(stage, later())

    assert stage.cast(0, selection(1))


PEOPLE: dict[str, tuple[Callable[[Stage], User], Callable[[Stage], User | None], str]] = {
    "nobody beside the office": (lambda s: s.office, lambda s: None, "second-needed"),
    "the same person twice": (lambda s: s.office, lambda s: s.office, "same-person"),
    "somebody of no office": (lambda s: s.office, lambda s: make_staff(), "same-person"),
    "a scrutineer alone in charge": (
        lambda s: s.scrutineer,
        lambda s: s.office,
        "not-office",
    ),
}


@pytest.mark.parametrize("who", PEOPLE)
def test_two_people_move_a_deadline(who):
    stage = timed()
    by, second, code = PEOPLE[who]

    answer = refusal_of(move, stage, later(), by=by(stage), second=second(stage))

    assert answer == code
    assert not JournalEntry.objects.filter(kind="deadline-moved").exists()


@pytest.mark.parametrize("make_one", [make_office, make_scrutineer])
def test_any_other_member_of_staff_signs_beside_the_office(make_one):
    stage = timed()

    assert move(stage, later(), second=make_one())


@pytest.mark.parametrize(
    ("left", "more", "code"),
    [
        ({"hours": 1}, {"minutes": 30}, "not-later"),
        ({"minutes": -30}, {"minutes": -10}, "past"),
        # A mistyped year would stand for good: a deadline never moves to earlier again.
        ({"hours": 1}, {"hours": 24, "minutes": 1}, "too-far"),
        ({"minutes": -5}, {"days": 3652}, "too-far"),
    ],
)
def test_a_deadline_is_moved_later_only_and_into_the_next_24_hours(left, more, code):
    stage = timed(**left)

    assert refusal_of(move, stage, later(**more)) == code


def test_the_last_moment_there_is_moves_no_deadline():
    last = datetime.max.replace(tzinfo=UTC) - timedelta(hours=9)

    assert refusal_of(move, timed(), last) == "too-far"


def test_a_deadline_is_moved_by_up_to_a_day():
    assert move(timed(), later(hours=23, minutes=59))


def test_the_same_moment_is_not_later():
    stage = timed()
    assert stage.poll.closes_at is not None

    assert refusal_of(move, stage, stage.poll.closes_at) == "not-later"


def test_where_the_chair_announces_the_end_there_is_nothing_to_move():
    stage = make_stage(delegates=1)

    assert refusal_of(move, stage, later()) == "no-deadline"


def test_a_deadline_is_moved_with_a_reason():
    assert refusal_of(move, timed(), later(), reason="  ") == "reason-needed"


@pytest.mark.parametrize("phase", [phase for phase in P if phase not in {P.OPEN, P.PAUSED}])
def test_a_deadline_is_moved_while_the_poll_takes_ballots_only(phase):
    stage = make_stage(open_it=False, delegates=1, closes_at=later())
    if phase != P.DRAFT:
        move_by_force(stage.poll, phase)

    assert refusal_of(move, stage, later(hours=3)) == "voting-over"


def test_a_poll_that_was_paused_over_its_deadline_resumes_with_a_new_one():
    """Case 31."""
    stage = timed(minutes=-1)
    move_by_force(stage.poll, P.PAUSED)
    assert refusal_of(lifecycle.resume_poll, stage.poll, by=stage.office) == "time-is-up"

    move(stage, later())

    assert lifecycle.resume_poll(stage.poll, by=stage.office).phase == P.OPEN


# --- telephone and words --------------------------------------------------------------------------


RUNS = [P.OPEN, P.PAUSED, P.CLOSED, P.OPENED, P.COUNTED, P.CONFIRMED]


@pytest.mark.parametrize("phase", RUNS)
def test_telephone_and_words_are_corrected_by_one_person_and_the_record_keeps_the_old(phase):
    stage = make_stage(open_it=False, delegates=1)
    move_by_force(stage.poll, phase)

    poll = amending.correct_details(
        stage.poll, phone="0579-87654321", opening_words="请逐项阅读。", by=stage.office
    )

    assert (poll.phone, poll.opening_words) == ("0579-87654321", "请逐项阅读。")
    entry = JournalEntry.objects.get(kind="details-corrected")
    assert entry.data["changed"] == [
        ["phone", "0579-12345678", "0579-87654321"],
        ["opening_words", "", "请逐项阅读。"],
    ]
    assert "会务组电话：“0579-12345678”改为“0579-87654321”" in record.in_words(entry)


@pytest.mark.parametrize("phase", [phase for phase in P if phase not in RUNS])
def test_telephone_and_words_are_so_corrected_while_the_poll_runs_only(phase):
    stage = make_stage(open_it=False, delegates=1)
    if phase != P.DRAFT:
        move_by_force(stage.poll, phase)

    answer = refusal_of(
        amending.correct_details, stage.poll, phone="1", opening_words="", by=stage.office
    )

    assert answer == "wrong-phase"


def test_what_was_not_changed_leaves_no_record():
    stage = make_stage(delegates=1)
    same = {"phone": stage.poll.phone, "opening_words": stage.poll.opening_words}

    assert refusal_of(amending.correct_details, stage.poll, **same, by=stage.office) == "unchanged"


def test_only_the_office_corrects():
    stage = make_stage(delegates=1)
    new = {"phone": "1", "opening_words": ""}

    answer = refusal_of(amending.correct_details, stage.poll, **new, by=stage.scrutineer)

    assert answer == "not-office"
