"""What a 满意度测评 comes to: where 满意 begins, the grade of an item and of the whole (design §4.6)."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballots.pure.figures import could_change
from ballots.pure.grades import grade_of, least
from ballots.pure.rules import Fault, Rules, Selection, faults
from ballots.pure.sealing import decode, encode, padded_size
from ballots.pure.tally import Tally, Turnout, paper, tally

POLL, NONCE = UUID(int=7), "0" * 32
GRADES = Rules(places=0, form="grades", proposals="off", majority="all", delegates_total=29)
ITEMS = {1: "甲", 2: "乙", 3: "丙"}


@pytest.mark.parametrize(
    ("boundary", "included", "base", "expected"),
    [
        ("1/2", True, 30, 15),
        ("1/2", False, 30, 16),
        ("1/2", True, 29, 15),
        ("1/2", False, 29, 15),
        ("2/3", True, 30, 20),
        ("2/3", False, 30, 21),
        ("2/3", True, 29, 20),
        ("9/10", True, 10, 9),
        ("9/10", False, 10, 10),
        ("1/2", True, 0, 1),
    ],
)
def test_where_satisfaction_begins_is_a_part_of_the_base(boundary, included, base, expected):
    assert least(boundary, included=included, base=base) == expected


@pytest.mark.parametrize(
    ("good", "fair", "grade"),
    [(15, 0, "good"), (14, 1, "fair"), (14, 0, "poor"), (0, 15, "fair"), (29, 0, "good")],
)
def test_the_grade_is_the_first_that_reaches_the_boundary(good, fair, grade):
    assert grade_of(good, fair, needed=15) == grade


@pytest.mark.parametrize(
    ("ballot", "found"),
    [
        (Selection(chosen=(1,), fair=(2,), against=(3,)), []),
        (Selection(chosen=(1, 2, 3)), []),
        (Selection(), []),
        (Selection(chosen=(1,), fair=(1,)), [Fault("repeated", number=1)]),
        (Selection(fair=(4,)), [Fault("not-on-list", number=4)]),
        (Selection(fair=(2, 2)), [Fault("repeated", number=2)]),
    ],
)
def test_each_item_has_one_grade_at_most_and_there_are_no_places(ballot, found):
    assert faults(ballot, GRADES, ITEMS) == found


@pytest.mark.parametrize("form", ["choose", "each"])
def test_other_ballots_give_no_grades(form):
    rules = Rules(places=3, form=form)

    assert faults(Selection(fair=(1,)), rules, ITEMS) == [Fault("no-grades")]


def test_an_unmarked_ballot_is_refused_where_none_may_be():
    rules = Rules(places=0, form="grades", proposals="off", blank_allowed=False)

    assert faults(Selection(), rules, ITEMS) == [Fault("blank")]


@given(st.lists(st.sampled_from(["chosen", "fair", "against", ""]), min_size=1, max_size=40))
def test_every_legal_ballot_fits_its_size_and_opens_as_what_it_was(marks):
    numbers = range(1, len(marks) + 1)
    given_: dict[str, Any] = {
        name: tuple(number for number, mark in zip(numbers, marks, strict=True) if mark == name)
        for name in ("chosen", "fair", "against")
    }
    ballot = Selection(**given_)

    plain = encode(ballot, poll=POLL, nonce=NONCE, size=padded_size(GRADES, numbers))

    assert decode(plain, poll=POLL) == (ballot, NONCE)


def counted(ballots: Sequence[dict[str, Any]], **rules: Any) -> Tally:
    came = len(ballots)
    return tally(
        [paper(**ballot, rulings={}, graded=True) for ballot in ballots],
        items=["1", "2", "3"],
        rules=replace(GRADES, **({"majority": "valid"} | rules)),
        turnout=Turnout(roll=came, present=came, issued=came, voted=came),
    )


def test_longyou_2018_comes_out_as_it_was_announced():
    """“满意152票，基本满意30票，不满意0票，弃权0票” of 182 ballots, 龙游县, 2018."""
    found = counted([{"chosen": [1, 2, 3]}] * 152 + [{"chosen": [2], "fair": [1, 3]}] * 30)

    first = found.standings[0]
    assert (first.votes, first.fair, first.against, first.abstained) == (152, 30, 0, 0)
    assert first.outcome == "good"
    assert [line.item for line in found.standings] == ["1", "2", "3"]
    assert all(check.holds for check in found.checks)
    assert (found.places_left, found.shortfall) == (0, 0)


def test_the_whole_is_judged_by_the_sums_of_all_items():
    ballots: list[dict[str, Any]] = [
        {"chosen": [1], "fair": [2], "against": [3]},
        {"chosen": [1, 2]},
        {"chosen": []},
    ]

    whole = counted(ballots, whole_boundary="1/2").whole

    assert whole is not None
    assert (whole.good, whole.fair, whole.poor, whole.abstained) == (3, 1, 1, 4)
    assert (whole.base, whole.needed, whole.grade) == (9, 5, "poor")


def test_a_ballot_with_two_grades_for_one_item_fails_the_checks():
    """No legal ballot has them: whoever writes one into the database is found by the count."""
    found = counted([{"chosen": [1], "fair": [1]}])

    assert [check.name for check in found.checks if not check.holds] == [
        "每张表决票对每个项目至多一个等次"
    ]


@pytest.mark.parametrize("majority", ["all", "valid"])
@pytest.mark.parametrize("more", [0, 1, 2])
@pytest.mark.parametrize("fourth", [{"chosen": [1]}, {}], ids=["good", "fair"])
def test_unopened_ballots_bar_a_result_that_any_of_them_could_change(majority, more, fourth):
    """Compared with counting every way in which so many more ballots could have been filled in.

    With the fourth ballot the first item is 满意, and stays so by one vote; without it, it is not.
    """
    ballots = [{"chosen": [1]}, {"chosen": [1]}, {"fair": [1]}, fourth, {}]
    made: list[dict[str, Any]] = [{"chosen": []} | ballot for ballot in ballots]
    rules = {"majority": majority, "delegates_total": 6}
    now = counted(made, **rules)
    ways: list[dict[str, Any]] = [{"chosen": [1]}, {"chosen": [], "fair": [1]}, {"chosen": []}]

    changes = any(
        [line.outcome for line in counted([*made, *added], **rules).standings]
        != [line.outcome for line in now.standings]
        for added in product(ways, repeat=more)
    )

    assert could_change(_figures(now, rules), more) is changes
    if not fourth:
        # One vote more makes it 满意.
        assert changes is (more > 0)


def _figures(found: Tally, rules: dict[str, Any]) -> Any:
    assert found.whole is not None
    items = [
        {"votes": line.votes, "fair": line.fair, "outcome": line.outcome}
        for line in found.standings
    ]
    said = {"form": "grades", "boundary": "1/2", "boundary_included": True, **rules}
    # The whole has a boundary that no ballot can move it over, for the items are what is asked.
    said |= {"whole_boundary": "9/10", "whole_boundary_included": False}
    turnout = {"valid": found.valid, "delegates_total": rules["delegates_total"], "present": 6}
    whole = {"good": 0, "fair": 0, "grade": "poor"}
    return {"rules": said, "turnout": turnout, "items": items, "whole": whole}
