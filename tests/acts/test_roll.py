"""The roll of one poll: drawn up, presence marked, one more added."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from ballots import journal
from ballots.acts import cards, delegates, lifecycle, roll, sign_in
from ballots.acts.register import importing
from ballots.facts.frozen import frozen_roll
from ballots.models import Delegate, JournalEntry, RollEntry
from projects.models import Poll
from tests.helpers.factories import (
    Stage,
    make_delegates,
    make_office,
    make_poll,
    make_scrutineer,
    make_staff,
    make_stage,
    move_by_force,
    selection,
    stage_without,
)
from tests.helpers.refusals import error_of, refusal_of

pytestmark = pytest.mark.django_db


P = Poll.Phase


# --- the roll of a poll ---------------------------------------------------------------------------


def test_the_roll_holds_the_delegates_in_office_in_their_own_words():
    people = make_delegates(5)
    for delegate, status in zip(people, Delegate.Status, strict=False):
        Delegate.objects.filter(pk=delegate.pk).update(status=status)
    poll = make_poll()

    # 001 is in office, 002 to 004 are suspended, observer, ended; 005 is in office.
    assert roll.draw_up_roll(poll, by=make_office()) == 2
    assert list(poll.roll.values_list("number", "name", "delegation").order_by("number")) == [
        ("001", "代表1", "城区代表团"),
        ("005", "代表5", "城区代表团"),
    ]


def test_drawing_up_the_roll_again_follows_status_and_names_and_keeps_presence():
    people = make_delegates(3)
    office, poll = make_office(), make_poll()
    roll.draw_up_roll(poll, by=office)
    roll.mark_present(poll, numbers=["001", "003"], by=office)
    Delegate.objects.filter(pk=people[2].pk).update(status=Delegate.Status.ENDED)
    Delegate.objects.filter(pk=people[0].pk).update(name="改名")
    make_delegates(1)

    assert roll.draw_up_roll(poll, by=office) == 3
    assert list(poll.roll.values_list("number", "name", "present").order_by("number")) == [
        ("001", "改名", True),
        ("002", "代表2", False),
        ("004", "代表4", False),
    ]


def test_two_delegates_may_swap_their_numbers_before_the_roll_is_drawn_up_again():
    one, other = make_delegates(2)
    office, poll = make_office(), make_poll()
    roll.draw_up_roll(poll, by=office)
    for delegate, number in ((one, "x"), (other, "001"), (one, "002")):
        Delegate.objects.filter(pk=delegate.pk).update(number=number)

    roll.draw_up_roll(poll, by=office)

    assert poll.roll.get(number="001").delegate == other


def test_the_roll_is_drawn_up_in_draft_only():
    stage = make_stage()
    make_delegates(1)

    assert refusal_of(roll.draw_up_roll, stage.poll, by=stage.office) == "not-draft"


def test_a_name_corrected_later_does_not_change_the_frozen_roll():
    stage = make_stage()
    Delegate.objects.filter(pk=stage.delegates[0].pk).update(name="改名", number="999")

    assert stage.entry(0).name == "代表1"
    assert stage.entry(0).number == "001"


def said(kind: str) -> list[dict[str, Any]]:
    """Return what the entries of that kind say, in their order."""
    return [entry.data for entry in JournalEntry.objects.filter(kind=kind).order_by("seq")]


def test_roll_and_presence_are_on_record_before_the_key_with_their_figures():
    """Case 28."""
    make_delegates(3)
    office, poll = make_office(), make_poll()
    roll.draw_up_roll(poll, by=office)

    assert roll.mark_present(poll, numbers=["001", "002"], by=office) == 2
    assert roll.mark_present(poll, numbers=["002"], by=office) == 2
    assert roll.mark_absent(poll, numbers=["001"], by=office) == 1
    assert roll.mark_absent(poll, numbers=["001"], by=office) == 1
    assert [entry.number for entry in poll.roll.filter(present=True)] == ["002"]
    assert said("roll-drawn-up") == [{"on_roll": 3}]
    assert said("presence-marked") == [
        {"present": 2, "added": 2, "removed": 0},
        {"present": 1, "added": 0, "removed": 1},
    ]
    assert journal.first_broken(poll) is None


@pytest.mark.parametrize("phase", [P.OPEN, P.PAUSED])
def test_presence_only_rises_once_the_poll_has_opened_and_names_who_came(phase):
    """Case 28."""
    stage = stage_without("001", "002", "003")
    if phase == P.PAUSED:
        lifecycle.pause_poll(stage.poll, reason="停电", by=stage.office)
    poll, office = stage.poll, stage.office

    assert roll.mark_present(poll, numbers=["001", "002", "005"], by=office) == 4
    assert refusal_of(roll.mark_absent, poll, numbers=["001"], by=office) == "present-stays"
    assert poll.roll.filter(present=True).count() == 4
    # 005 was there already: it is not counted as added.
    people = [["001", "代表1"], ["002", "代表2"]]
    assert said("presence-raised") == [{"present": 4, "added": 2, "people": people}]


# --- leave ----------------------------------------------------------------------------------------


def test_whoever_is_on_leave_is_not_present_and_the_record_says_why():
    stage = stage_without("001", "002")
    poll, office = stage.poll, stage.office

    assert roll.give_leave(poll, numbers=["001", "002"], reason=" 因病 ", by=office) == 2
    assert roll.end_leave(poll, numbers=["002"], by=office) == 1

    assert list(poll.roll.exclude(leave="").values_list("number", "leave", "present")) == [
        ("001", "因病", False)
    ]
    both = [["001", "代表1"], ["002", "代表2"]]
    assert said("leave-given") == [{"people": both, "reason": "因病", "on_leave": 2}]
    assert said("leave-ended") == [{"people": [["002", "代表2"]], "on_leave": 1}]


def test_whoever_comes_after_all_is_on_leave_no_more_and_may_vote():
    stage = stage_without("001")
    roll.give_leave(stage.poll, numbers=["001"], reason="因公", by=stage.office)

    assert roll.mark_present(stage.poll, numbers=["001"], by=stage.office) == 5

    assert stage.entry(0).leave == ""
    assert said("leave-ended") == [{"people": [["001", "代表1"]], "on_leave": 0}]
    stage.cast(0, selection(1))


def test_leave_is_refused_without_a_reason_to_the_present_to_others_and_after_the_close():
    stage = stage_without("001")
    poll, office = stage.poll, stage.office
    asked: dict[str, Any] = {"numbers": ["001"], "reason": "因病", "by": office}

    assert refusal_of(roll.give_leave, poll, **asked | {"reason": " "}) == "reason-needed"
    assert refusal_of(roll.give_leave, poll, **asked | {"numbers": ["002"]}) == "is-present"
    assert refusal_of(roll.give_leave, poll, **asked | {"numbers": []}) == "nobody"
    assert refusal_of(roll.give_leave, poll, **asked | {"by": stage.chief}) == "not-office"
    names = {"001": "别人"}
    assert refusal_of(roll.give_leave, poll, **asked, names=names) == "roll-moved"
    roll.give_leave(poll, **asked)
    assert refusal_of(roll.end_leave, poll, numbers=["001"], by=stage.chief) == "not-office"
    assert refusal_of(roll.end_leave, poll, numbers=["001"], names=names, by=office) == "roll-moved"
    stage.close()
    assert refusal_of(roll.give_leave, poll, **asked) == "leave-over"
    assert refusal_of(roll.end_leave, poll, numbers=["001"], by=office) == "leave-over"


def test_leave_is_kept_when_the_roll_is_drawn_up_again_and_is_no_part_of_what_opens():
    stage = make_stage(open_it=False)
    before = frozen_roll(stage.poll)
    roll.mark_absent(stage.poll, numbers=["001"], by=stage.office)
    roll.give_leave(stage.poll, numbers=["001"], reason="因病", by=stage.office)

    roll.draw_up_roll(stage.poll, by=stage.office)

    assert stage.entry(0).leave == "因病"
    assert frozen_roll(stage.poll) == before


# --- a presence that was marked by mistake --------------------------------------------------------


def lower(stage: Stage, *numbers: str, **more: Any) -> int:
    signed: dict[str, Any] = {"by": stage.office, "second": stage.scrutineer, "reason": "误记"}
    return roll.lower_presence(stage.poll, numbers=numbers, **(signed | more))


@pytest.mark.parametrize("phase", [P.OPEN, P.PAUSED])
def test_two_people_take_back_a_presence_while_people_vote(phase):
    """Case 28."""
    stage = make_stage()
    if phase == P.PAUSED:
        lifecycle.pause_poll(stage.poll, reason="停电", by=stage.office)

    assert lower(stage, "002", "001") == 3

    assert list(stage.poll.roll.filter(present=False).values_list("number", flat=True)) == [
        "001",
        "002",
    ]
    entry = JournalEntry.objects.get(kind="presence-lowered")
    assert (entry.by, entry.second) == (stage.office, stage.scrutineer)
    assert entry.data == {
        "present": 3,
        "removed": 2,
        "people": [["001", "代表1"], ["002", "代表2"]],
        "reason": "误记",
    }


def test_whoever_is_no_longer_present_cannot_vote_until_he_is_marked_again():
    stage = make_stage()
    lower(stage, "001")

    assert refusal_of(stage.cast, 0, selection(1)) == "not-present"
    roll.mark_present(stage.poll, numbers=["001"], by=stage.office)
    assert stage.cast(0, selection(1))


@pytest.mark.parametrize(
    ("numbers", "more", "code"),
    [
        (["001"], {}, "has-voted"),
        (["002", "001"], {}, "has-voted"),
        (["003"], {}, "not-present"),
        (["999"], {}, "not-on-roll"),
        ([], {}, "nobody"),
        (["002"], {"second": None}, "second-needed"),
        (["002"], {"reason": " "}, "reason-needed"),
    ],
)
def test_a_presence_is_not_taken_back(numbers, more, code):
    """Case 28: not of whoever has voted, nor by one person, nor without a reason."""
    stage = stage_without("003")
    stage.cast(0, selection(1))
    before = set(stage.poll.roll.filter(present=True).values_list("number", flat=True))

    assert refusal_of(lower, stage, *numbers, **more) == code
    assert set(stage.poll.roll.filter(present=True).values_list("number", flat=True)) == before


def test_the_same_person_does_not_sign_twice():
    stage = make_stage()

    assert refusal_of(lower, stage, "001", second=stage.office) == "same-person"


@pytest.mark.parametrize("phase", [P.DRAFT, P.CLOSED, P.COUNTED, P.PUBLISHED, P.VOID])
def test_a_presence_is_taken_back_so_while_people_vote_only(phase):
    stage = make_stage(open_it=False)
    if phase != P.DRAFT:
        move_by_force(stage.poll, phase)

    assert refusal_of(lower, stage, "001") == "voting-over"


# --- who is not in office -------------------------------------------------------------------------


@pytest.mark.parametrize("open_it", [False, True])
@pytest.mark.parametrize(
    "status", [status for status in Delegate.Status if status != Delegate.Status.ACTIVE]
)
def test_whoever_is_not_in_office_is_not_marked_present(status, open_it):
    """Case 28."""
    stage = make_stage(open_it=False)
    roll.mark_absent(stage.poll, numbers=["001", "002"], by=stage.office)
    if open_it:
        stage.poll = lifecycle.open_poll(stage.poll, by=stage.office)
    Delegate.objects.filter(number="001").update(status=status)

    error = error_of(roll.mark_present, stage.poll, numbers=["001", "002"], by=stage.office)

    assert error.code == "not-in-office"
    assert "代表1（001）" in str(error)
    assert stage.poll.roll.filter(present=True).count() == 3


def test_marking_those_who_are_present_already_leaves_no_record():
    stage = make_stage()

    assert roll.mark_present(stage.poll, numbers=["001"], by=stage.office) == 5
    assert not JournalEntry.objects.filter(kind="presence-raised").exists()


def test_a_number_that_is_not_on_the_roll_marks_nobody():
    stage = stage_without("001")

    code = refusal_of(roll.mark_present, stage.poll, numbers=["001", "999"], by=stage.office)

    assert code == "not-on-roll"


@pytest.mark.parametrize("phase", [P.CLOSED, P.OPENED, P.COUNTED, P.CONFIRMED, P.PUBLISHED, P.VOID])
def test_after_the_close_neither_presence_nor_roll_changes(phase):
    stage = make_stage(open_it=False)
    (stranger,) = make_delegates(1)
    poll, office = move_by_force(stage.poll, phase), stage.office

    assert refusal_of(roll.mark_present, poll, numbers=["001"], by=office) == "voting-over"
    assert refusal_of(roll.mark_absent, poll, numbers=["001"], by=office) == "present-stays"
    assert refusal_of(roll.draw_up_roll, poll, by=office) == "not-draft"
    assert (
        refusal_of(
            roll.add_to_roll,
            poll,
            delegate=stranger,
            reason="补选",
            by=office,
            second=stage.scrutineer,
        )
        == "voting-over"
    )


# --- one more on the roll -------------------------------------------------------------------------


def test_two_people_add_a_delegate_to_the_roll_of_an_open_poll():
    stage = make_stage(delegates_total=6)
    (stranger,) = make_delegates(1)

    entry = roll.add_to_roll(
        stage.poll,
        delegate=stranger,
        reason=" 补选 ",
        by=stage.office,
        second=stage.scrutineer,
    )

    assert (entry.number, entry.present, entry.voted) == ("006", False, False)
    record = JournalEntry.objects.get(kind="roll-added")
    assert (record.by, record.second) == (stage.office, stage.scrutineer)
    assert (
        '"data":{"delegation":"城区代表团","name":"代表6","number":"006","reason":"补选"}'
        in record.body
    )


def test_a_delegate_added_to_the_roll_can_be_marked_present_and_vote():
    stage = make_stage(delegates_total=6)
    (stranger,) = make_delegates(1)
    cards.issue_cards([stranger], by=stage.office)
    stage.delegates.append(stranger)
    roll.add_to_roll(
        stage.poll, delegate=stranger, reason="补选", by=stage.office, second=stage.chief
    )
    roll.mark_present(stage.poll, numbers=["006"], by=stage.office)

    stage.cast(5, selection(1))

    assert stage.entry(5).voted


def test_adding_to_the_roll_needs_a_second_person_a_reason_and_a_delegate_in_office():
    stage = make_stage()
    (stranger,) = make_delegates(1)
    nobody = make_staff()

    def code(**changes: Any) -> str:
        arguments: dict[str, Any] = {
            "delegate": stranger,
            "reason": "补选",
            "by": stage.office,
            "second": stage.scrutineer,
        }
        return refusal_of(roll.add_to_roll, stage.poll, **(arguments | changes))

    assert code(second=None) == "second-needed"
    assert code(second=stage.office) == "same-person"
    assert code(second=nobody) == "same-person"
    assert code(reason=" ") == "reason-needed"
    assert code(by=stage.scrutineer) == "not-office"
    assert code(delegate=stage.delegates[0]) == "already-on-roll"
    Delegate.objects.filter(pk=stranger.pk).update(status=Delegate.Status.SUSPENDED)
    stranger.refresh_from_db()
    assert code() == "not-active"


def test_a_number_that_stands_on_the_roll_is_not_added_a_second_time():
    stage = make_stage(delegates=3, delegates_total=9)
    (stranger,) = make_delegates(1)
    Delegate.objects.filter(pk=stage.delegates[0].pk).update(number="X", number_key="x")
    stranger.number = "001"
    stranger.save()

    assert refusal_of(add, stage, stranger) == "number-taken"


@pytest.mark.parametrize("number", ["1", "００１"])
def test_a_number_that_is_one_on_the_roll_to_the_eye_is_not_added(number):
    stage = make_stage(delegates=3, delegates_total=9)
    (stranger,) = make_delegates(1)
    Delegate.objects.filter(pk=stranger.pk).update(number=number)

    assert refusal_of(add, stage, stranger) == "number-taken"


def test_whoever_may_be_one_person_with_somebody_on_the_roll_is_added_once_he_is_told_apart():
    # Case 15: as the opening would have refused the two.
    stage = make_stage(delegates=3, delegates_total=9)
    (stranger,) = make_delegates(1)
    Delegate.objects.filter(pk=stranger.pk).update(name="代表1", name_key="代表1")

    assert refusal_of(add, stage, stranger) == "maybe-one-person"
    apart = frozenset({stranger.pk, stage.delegates[0].pk})
    delegates.tell_apart([apart], by=stage.office)
    assert add(stage, stranger).name == "代表1"


def test_whoever_was_suspended_since_the_page_was_shown_is_not_added():
    stage = make_stage(delegates=3, delegates_total=9)
    (stranger,) = make_delegates(1)
    Delegate.objects.filter(pk=stranger.pk).update(status="suspended")

    assert refusal_of(add, stage, stranger) == "not-active"


def test_the_roll_never_has_more_people_than_there_are_delegates():
    stage = make_stage(delegates=3, delegates_total=4)
    fits, too_many = make_delegates(2)

    add(stage, fits)

    assert refusal_of(add, stage, too_many) == "total-reached"
    # The majority was announced by it: it does not grow with the roll.
    assert Poll.objects.get(pk=stage.poll.pk).delegates_total == stage.poll.delegates_total


def add(stage: Stage, delegate: Delegate) -> RollEntry:
    return roll.add_to_roll(
        stage.poll,
        delegate=delegate,
        reason="补选",
        by=stage.office,
        second=stage.scrutineer,
    )


def test_a_draft_roll_is_drawn_up_and_not_added_to():
    stage = make_stage(open_it=False)
    (stranger,) = make_delegates(1)

    code = refusal_of(
        roll.add_to_roll,
        stage.poll,
        delegate=stranger,
        reason="补选",
        by=stage.office,
        second=stage.scrutineer,
    )

    assert code == "voting-over"


# --- who may --------------------------------------------------------------------------------------


def test_only_the_office_keeps_roll_presence_and_cards():
    stage = make_stage(open_it=False)
    poll, delegate = stage.poll, stage.delegates[0]
    retired = make_office()
    retired.is_active = False
    retired.save()
    strangers = [
        make_staff(),
        make_scrutineer(),
        make_scrutineer(chief=True),
        User.objects.create_superuser("root", password="x"),
        retired,
    ]

    acts: list[tuple[Any, dict[str, Any]]] = [
        (importing.import_roll, {"rows": [], "add_delegations": False}),
        (roll.draw_up_roll, {"poll": poll}),
        (roll.mark_present, {"poll": poll, "numbers": ["001"]}),
        (roll.mark_absent, {"poll": poll, "numbers": ["001"]}),
        (
            roll.lower_presence,
            {"poll": poll, "numbers": ["001"], "reason": "误记", "second": make_office()},
        ),
        (cards.issue_cards, {"delegates": [delegate]}),
        (cards.reissue_card, {"delegate": delegate, "reason": "遗失"}),
        (sign_in.end_wait, {"delegate": delegate}),
    ]

    for by in strangers:
        assert {refusal_of(act, **arguments, by=by) for act, arguments in acts} == {"not-office"}
