"""The net sees what it is there for: each bad history and each bad box is flagged."""

import pytest

from tests.faults.history import Operation, is_linearizable
from tests.faults.judging import (
    Ballot,
    Box,
    Count,
    foretold,
    wrong_in_box,
    wrong_in_copy,
    wrong_in_count,
)

TAKEN = Operation("taken", 1, 2, token="a")
OPEN = Operation("open", 1, token="a")
BEFORE = Operation("taken before", 3, 4, token="b")


def voted(start: float, end: float, receipt: str = "R1") -> Operation:
    return Operation("voted", start, end, receipt=receipt)


def not_voted(start: float, end: float) -> Operation:
    return Operation("not voted", start, end)


@pytest.mark.parametrize(
    "history",
    [
        [not_voted(0, 1), TAKEN, voted(3, 4), voted(5, 6)],
        [TAKEN, Operation("taken", 3, 4, token="a"), voted(5, 6)],
        [TAKEN, BEFORE, voted(5, 6)],
        [OPEN, voted(3, 4)],
        [OPEN, not_voted(3, 4), voted(5, 6)],
        [OPEN, not_voted(3, 4), Operation("taken", 5, 6, token="b"), voted(7, 8)],
        [OPEN, BEFORE],
        [TAKEN, not_voted(1.5, 3)],
    ],
    ids=[
        "a plain vote",
        "pressed twice",
        "a second ballot refused",
        "an answer lost",
        "a cast that came late",
        "a cast that was lost",
        "refused for the lost answer's sake",
        "a look beside the cast",
    ],
)
def test_a_history_that_one_box_can_tell_is_linearizable(history):
    assert is_linearizable(history)


@pytest.mark.parametrize(
    "history",
    [
        [TAKEN, not_voted(3, 4)],
        [TAKEN, voted(3, 4), not_voted(5, 6)],
        [OPEN, voted(3, 4), not_voted(5, 6)],
        [TAKEN, voted(3, 4), voted(5, 6, "R2")],
        [TAKEN, Operation("taken", 3, 4, token="b")],
        [OPEN, Operation("taken", 3, 4, token="b"), Operation("taken", 5, 6, token="a")],
        [voted(0, 0.5), TAKEN],
        [BEFORE],
        [TAKEN, Operation("taken before", 3, 4, token="a")],
    ],
    ids=[
        "lost after the answer",
        "lost after a receipt",
        "lost after it was seen",
        "two receipts",
        "taken twice",
        "taken twice, one answer lost",
        "in the box before it was cast",
        "refused for no ballot",
        "refused for its own sake",
    ],
)
def test_a_history_that_no_box_can_tell_is_flagged(history):
    assert not is_linearizable(history)


HISTORIES = {"001": [TAKEN, voted(3, 4)], "002": [OPEN, not_voted(3, 4)], "003": [not_voted(0, 1)]}
BALLOTS = {"001": Ballot((1, 2), ("桥",)), "002": Ballot((2,)), "003": Ballot(())}
BOX = Box(frozenset({"001"}), {"001": "R1"})
COUNT = Count(["R1"], [Ballot((1, 2), ("桥",))], {"路": 1, "校": 1, "桥": 1}, {1: "路", 2: "校"})


def test_a_box_that_holds_what_was_acknowledged_has_no_fault():
    assert not list(wrong_in_box(HISTORIES, BALLOTS, BOX))
    assert not list(wrong_in_count(BALLOTS, BOX, COUNT))


@pytest.mark.parametrize(
    ("box", "fault"),
    [
        (Box(frozenset(), {}), "LOST: 001 was acknowledged (R1), ballot 1+2+桥"),
        (Box(frozenset({"001"}), {"001": "R9"}), "RECEIPT: 001 was shown R1, the box holds R9"),
        (Box(frozenset({"001", "002"}), {"001": "R1"}), "HALF: 002 has only one"),
        (Box(frozenset({"001"}), {"001": "R1", "002": "R2"}), "HALF: 002 has only one"),
        (Box(frozenset({"001", "003"}), {"001": "R1", "003": "R3"}), "GHOST: 003"),
    ],
)
def test_a_box_that_differs_from_what_delegates_were_told_is_flagged(box, fault):
    assert any(found.startswith(fault) for found in wrong_in_box(HISTORIES, BALLOTS, box))


def test_an_order_that_cannot_be_is_told_with_its_answers():
    histories = {"001": [TAKEN, voted(3, 4), not_voted(5, 6)]}
    (fault,) = wrong_in_box(histories, BALLOTS, BOX)
    assert fault.startswith("ORDER: no order of the answers to 001 fits one box: taken a [1.00,")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"receipts": []}, "LOST: receipt R1 is gone"),
        ({"receipts": ["R1", "R1"]}, "GHOST: receipt R1 has come"),
        ({"ballots": []}, "LOST: 1 of the ballot 1+2+桥 of 001"),
        ({"ballots": [*COUNT.ballots, *COUNT.ballots]}, "TWICE or GHOST: 1 more of the ballot 1+2"),
        ({"ballots": [Ballot((1, 2))]}, "LOST: 1 of the ballot 1+2+桥"),
        ({"votes": {"路": 2, "校": 1, "桥": 1}}, "COUNT: 路 has 2 votes, not 1"),
        ({"votes": {"路": 1, "校": 1}}, "COUNT: 桥 has 0 votes, not 1"),
        ({"votes": {"路": 1, "校": 1, "桥": 1, "河": 1}}, "COUNT: 河 has 1 votes, not 0"),
    ],
)
def test_a_count_that_differs_from_the_box_is_flagged(change, fault):
    count = Count(**(vars(COUNT) | change))
    assert any(found.startswith(fault) for found in wrong_in_count(BALLOTS, BOX, count))


@pytest.mark.parametrize(
    ("copy", "begun", "fault"),
    [
        (Box(frozenset(), {}), 4.5, "LOST: 001 was acknowledged before the copy"),
        (Box(frozenset({"001"}), {}), 1.5, "HALF: 001 has only one"),
        (
            Box(frozenset({"001"}), {"001": "R9"}),
            1.5,
            "GHOST: the copy holds R9 of 001, the box R1",
        ),
        (Box(frozenset(), {}), 1.5, None),
        (BOX, 4.5, None),
    ],
)
def test_a_copy_holds_what_was_acknowledged_before_it_was_begun(copy, begun, fault):
    found = list(wrong_in_copy(HISTORIES, BOX, copy, begun))
    assert [one.startswith(fault or "") for one in found] == ([True] if fault else [])


def test_no_two_delegates_have_the_same_ballot():
    assert len({foretold(place) for place in range(2000)}) == 2000
