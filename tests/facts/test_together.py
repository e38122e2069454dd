"""Presence of one meeting: whoever is marked in one of its polls is marked in all, each with its entry."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from ballots import journal
from ballots.acts import drafts, roll
from ballots.facts.polls import marked_with
from ballots.models import Delegate, RollEntry
from projects.models import Poll
from tests.helpers import papers
from tests.helpers.desk import at, desk_of
from tests.helpers.factories import (
    Stage,
    join_committee,
    make_delegates,
    make_office,
    make_poll,
    make_stage,
    selection,
    stage_beside,
    tied,
    walk_by_force,
)
from tests.helpers.refusals import error_of

pytestmark = pytest.mark.django_db


def two_drafts(people: int = 3, **columns: Any) -> tuple[Poll, Poll]:
    """Return two drafts of one meeting with a roll each, to which nobody has come."""
    office = make_office("desk")
    make_delegates(people)
    one, other = make_poll(year=2025, delegates_total=9), make_poll(**columns)
    for poll in (one, other):
        roll.draw_up_roll(poll, by=office)
    return one, other


def desk() -> User:
    return User.objects.get(username="desk")


def present(poll: Poll) -> list[str]:
    return list(poll.roll.filter(present=True).order_by("number").values_list("number", flat=True))


def on_leave(poll: Poll) -> dict[str, str]:
    return dict(poll.roll.exclude(leave="").values_list("number", "leave"))


def told(poll: Poll) -> list[tuple[str, Any]]:
    """Return what the record of `poll` says of presence and leave, kind and figures."""
    kinds = ("presence-marked", "presence-raised", "presence-lowered", "leave-given", "leave-ended")
    entries = poll.journal.filter(kind__in=kinds).order_by("seq")
    return [
        (entry.kind, entry.data.get("present", entry.data.get("on_leave"))) for entry in entries
    ]


# --- together -------------------------------------------------------------------------------------


def test_whoever_comes_to_one_poll_has_come_to_the_other_and_each_record_says_so():
    one, other = two_drafts()

    assert roll.mark_present(one, numbers=["001", "002"], by=desk()) == 2
    assert roll.mark_present(other, numbers=["003"], at_door=True, by=desk()) == 3

    assert present(one) == present(other) == ["001", "002", "003"]
    assert told(one) == told(other) == [("presence-marked", 2), ("presence-marked", 3)]
    assert journal.first_broken(one) is None
    assert journal.first_broken(other) is None


def test_only_those_are_marked_who_stand_on_the_other_roll_and_by_who_they_are():
    """A number on one roll may be somebody else's on another that was drawn up before."""
    one, other = two_drafts()
    other.roll.filter(number="002").delete()
    other.roll.filter(number="001").update(number="077")

    roll.mark_present(one, numbers=["001", "002"], by=desk())

    assert present(one) == ["001", "002"]
    assert present(other) == ["077"]


def test_leave_is_that_of_the_meeting_too_until_he_comes():
    one, other = two_drafts()

    assert roll.give_leave(one, numbers=["001", "002"], reason="因病", by=desk()) == 2
    assert on_leave(one) == on_leave(other) == {"001": "因病", "002": "因病"}
    roll.end_leave(other, numbers=["001"], by=desk())
    roll.mark_present(other, numbers=["002"], by=desk())

    assert on_leave(one) == on_leave(other) == {}
    assert present(one) == present(other) == ["002"]
    assert told(one) == told(other)


def test_presence_is_taken_back_in_all_drafts_and_in_none_that_people_vote_in():
    one, other = two_drafts()
    third = make_poll(delegates_total=9)
    roll.draw_up_roll(third, by=desk())
    roll.mark_present(one, numbers=["001", "002"], by=desk())
    walk_by_force(third, Poll.Phase.OPEN)

    assert roll.mark_absent(other, numbers=["001"], by=desk()) == 1

    assert present(one) == present(other) == ["002"]
    assert present(third) == ["001", "002"]


@pytest.mark.parametrize(
    ("columns", "shares"),
    [
        ({}, True),
        ({"year": 2031}, True),
        ({"meeting": "另一次会议"}, False),
        ({"body": "committee"}, False),
        ({"kind": "rehearsal"}, False),
        ({"phase": "open"}, True),
        ({"phase": "paused"}, True),
        ({"phase": "closed"}, False),
        ({"phase": "void"}, False),
        ({"phase": "dropped"}, False),
    ],
    ids=str,
)
def test_polls_of_one_meeting_and_one_body_share_it_while_they_take_presence(columns, shares):
    people = make_delegates(2)
    join_committee(people)
    office, phase = make_office(), columns.pop("phase", "")
    one, other = make_poll(), make_poll(delegates_total=9, **columns)
    for poll in (one, other):
        roll.draw_up_roll(poll, by=office)
    if phase:
        walk_by_force(other, phase)

    roll.mark_present(one, numbers=["001"], by=office)

    assert present(other) == (["001"] if shares else [])
    assert marked_with(one) == ([other] if shares else [])


def test_a_second_round_is_marked_alone():
    stage = tied(kind=Poll.Kind.MAIN)
    draft = drafts.run_off(stage.poll, by=stage.office)
    other = make_poll()
    roll.draw_up_roll(other, by=stage.office)

    roll.mark_absent(draft, numbers=["001"], by=stage.office)
    roll.mark_present(other, numbers=["002"], by=stage.office)

    assert "001" not in present(draft)
    assert len(present(draft)) == 8
    assert marked_with(draft) == []
    assert present(other) == ["002"]


# --- while people vote ----------------------------------------------------------------------------


@pytest.fixture
def sitting() -> tuple[Stage, Stage]:
    """Two polls of one meeting that take ballots."""
    first = make_stage(delegates=3)
    return first, stage_beside(first)


def lowered(stage: Stage, *numbers: str) -> int:
    signed: dict[str, Any] = {"by": stage.office, "second": stage.scrutineer}
    return roll.lower_presence(stage.poll, numbers=numbers, reason="误记", **signed)


def test_a_mistake_is_taken_back_by_two_people_in_all_polls(sitting):
    first, second = sitting
    draft = make_poll(kind="rehearsal")
    roll.draw_up_roll(draft, by=first.office)

    assert lowered(first, "002") == 2

    for poll in (first.poll, second.poll, draft):
        assert present(poll) == ["001", "003"]
    for poll in (first.poll, second.poll):
        entry = poll.journal.get(kind="presence-lowered")
        assert entry.second == first.scrutineer
        assert (entry.data["people"], entry.data["reason"]) == ([["002", "代表2"]], "误记")
    assert told(draft) == [("presence-marked", 3), ("presence-marked", 2)]


@pytest.mark.parametrize("way", ["has-voted-there", "has-paper-there"])
def test_nobody_is_taken_back_who_has_a_ballot_of_the_other_poll(sitting, way):
    first, second = sitting
    if way == "has-voted-there":
        second.cast(1, selection(1))
    else:
        papers.issue(second, 1)

    refusal = error_of(lowered, first, "001", "002")

    assert refusal.code == way
    assert f"代表2（002）在同一会议的“{second.poll}”中已" in str(refusal)


def test_who_comes_late_may_vote_in_both(sitting):
    first, second = sitting
    lowered(second, "003")

    roll.mark_present(second.poll, numbers=["003"], by=first.office)

    first.cast(2, selection(1))
    second.cast(2, selection(2))
    raised = first.poll.journal.get(kind="presence-raised")
    assert raised.data == {"present": 3, "added": 1, "people": [["003", "代表3"]]}


# --- a roll that is drawn up later ----------------------------------------------------------------


def test_a_roll_that_is_drawn_up_later_takes_over_who_has_come_and_who_is_on_leave():
    make_delegates(4)
    office, one, other = make_office(), make_poll(), make_poll()
    roll.draw_up_roll(one, by=office)
    roll.mark_present(one, numbers=["001", "002"], by=office)
    roll.give_leave(one, numbers=["003"], reason="因公", by=office)
    assert marked_with(one) == []

    roll.draw_up_roll(other, by=office)

    other.refresh_from_db()
    assert present(other) == ["001", "002"]
    assert on_leave(other) == {"003": "因公"}
    # For good: nobody is to say once more that it is so.
    assert not other.presence_assumed
    assert told(other) == [("presence-marked", 2), ("leave-given", 1)]


def test_drawing_it_up_again_asks_the_other_poll_of_those_alone_who_are_new():
    one, other = two_drafts(2)
    roll.mark_present(one, numbers=["001"], by=desk())
    walk_by_force(one, Poll.Phase.OPEN)
    roll.mark_absent(other, numbers=["001"], by=desk())
    (fresh,) = make_delegates(1)
    RollEntry.objects.create(
        poll=one, delegate=fresh, number="003", name="代表3", delegation="x", present=True
    )

    roll.draw_up_roll(other, by=desk())

    assert present(other) == ["003"]


def test_a_copy_for_the_same_meeting_has_those_who_have_come(sitting):
    first, _second = sitting
    Delegate.objects.filter(number="003").update(status=Delegate.Status.SUSPENDED)

    draft = drafts.copy(first.poll, into=drafts.REHEARSAL, by=first.office)

    assert present(draft) == ["001", "002"]
    assert set(marked_with(draft)) == {first.poll, sitting[1].poll}


def test_whoever_is_added_to_the_roll_has_come_if_he_is_at_the_meeting():
    first = make_stage(delegates=2, delegates_total=3)
    (late,) = make_delegates(1)
    second = make_poll(kind="rehearsal")
    roll.draw_up_roll(second, by=first.office)
    roll.mark_present(second, numbers=[late.number], by=first.office)
    assert present(first.poll) == ["001", "002"]
    signed: dict[str, Any] = {"reason": "补选", "by": first.office, "second": first.scrutineer}

    roll.add_to_roll(first.poll, delegate=late, **signed)

    assert present(first.poll) == ["001", "002", "003"]
    assert told(first.poll)[-1] == ("presence-raised", 3)


# --- pages ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["presence", "everybody"])
def test_the_pages_say_which_polls_are_marked_together(page):
    one, other = two_drafts()
    office = desk_of(desk())

    text = office.get(at(one, page)).text
    elsewhere = make_poll(meeting="另一次会议")

    assert "同时记入本次会议的其他票决" in text
    assert at(other, "presence") in text
    assert f"编号{other.pk}，准备" in text
    assert at(elsewhere, "presence") not in text
    Poll.objects.filter(pk=other.pk).update(meeting="另一次会议")
    assert "同时记入" not in office.get(at(one, page)).text


def test_everybody_but_one_is_marked_in_both_by_one_press():
    one, other = two_drafts()
    office = desk_of(desk())
    shown = office.get(at(one, "everybody")).context["forms"][0].initial["shown"]

    office.post(at(one, "everybody"), {"absent": "代表2", "shown": shown})

    assert present(one) == present(other) == ["001", "003"]


def test_the_page_on_which_two_sign_names_the_other_polls(sitting):
    first, second = sitting

    text = desk_of(first.office).get(at(first.poll, "absent"), {"numbers": "001"}).text

    assert at(second.poll, "presence") in text
