"""The count by table: thresholds, ties, places, checks and merged proposals.

What holds of every count stands in test_properties.py.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballots.pure.rules import Majority, Rules
from ballots.pure.tally import (
    Paper,
    Tally,
    Turnout,
    more_than_half,
    paper,
    quorum,
    tally,
    votes_needed,
)

ANY_MAJORITY = Rules(places=10, majority="none")


def turnout(number: int) -> Turnout:
    """Everybody on the roll came and handed in a valid ballot."""
    return Turnout(roll=number, present=number, issued=number, voted=number)


def papers_with(votes: Sequence[int], ballots: int) -> list[Paper]:
    """Return that many ballots on which item 1 has `votes[0]` ticks, item 2 `votes[1]` and so on.

    Ticks go round the ballots, so that no ballot holds more of them than it must.
    """
    chosen: list[list[int]] = [[] for _ in range(ballots)]
    place = 0
    for number, times in enumerate(votes, start=1):
        for _ in range(times):
            chosen[place % ballots].append(number)
            place += 1
    return [paper(chosen=numbers, rulings={}) for numbers in chosen]


def count(
    votes: Sequence[int],
    *,
    places: int = 10,
    ballots: int = 30,
    majority: Majority = "none",
    total: int | None = None,
) -> Tally:
    items = [str(number) for number in range(1, len(votes) + 1)]
    rules = Rules(places=places, majority=majority, delegates_total=total)
    return tally(papers_with(votes, ballots), items=items, rules=rules, turnout=turnout(ballots))


def failing(result: Tally) -> list[str]:
    return [check.name for check in result.checks if not check.holds]


# Thresholds


@pytest.mark.parametrize(
    ("total", "least_present", "majority"),
    [
        # Real congresses, the legal limit of a county's, and the smallest there can be
        (293, 196, 147),
        (195, 130, 98),
        (300, 200, 151),
        (327, 218, 164),
        (450, 300, 226),
        (350, 234, 176),
        (60, 40, 31),
        (1, 1, 1),
        (2, 2, 2),
        (3, 2, 2),
        (4, 3, 3),
    ],
)
def test_two_thirds_are_rounded_up_and_half_is_no_majority(total, least_present, majority):
    assert quorum(total) == least_present
    assert more_than_half(total) == majority


@pytest.mark.parametrize(("total", "least_present"), [(29, 15), (30, 16), (1, 1), (2, 2)])
def test_a_committee_sits_with_more_than_half_of_all_its_members(total, least_present):
    assert quorum(total, "committee") == least_present


@given(st.integers(1, 10**6))
def test_the_quorum_is_the_least_that_is_two_thirds_and_the_majority_the_least_over_half(total):
    assert 3 * quorum(total) >= 2 * total > 3 * (quorum(total) - 1)
    assert 2 * more_than_half(total) > total >= 2 * (more_than_half(total) - 1)


@pytest.mark.parametrize(
    ("majority", "needed"), [("all", 176), ("present", 151), ("valid", 141), ("none", 1)]
)
def test_the_majority_is_of_the_base_that_the_rules_name(majority, needed):
    rules = Rules(places=10, majority=majority, delegates_total=350)

    assert votes_needed(rules, present=300, valid=280) == needed


def test_a_majority_of_all_delegates_needs_their_number():
    with pytest.raises(ValueError, match="their number"):
        votes_needed(Rules(places=10, majority="all"), present=300, valid=280)


def test_exactly_half_of_the_delegates_adopt_nothing_and_one_more_does():
    half = count([175, 176], ballots=350, majority="all", total=350)

    assert half.with_outcome("adopted") == ["2"]
    assert half.with_outcome("short") == ["1"]
    assert half.needed == 176


@pytest.mark.parametrize(
    ("majority", "adopted"),
    [("all", ["3"]), ("present", ["3", "2"]), ("valid", ["3", "2", "1"])],
)
def test_the_base_decides_what_is_adopted(majority, adopted):
    # 60 delegates, 50 present, 40 valid ballots: more than half is 31, 26 or 21 of them.
    rules = Rules(places=10, majority=majority, delegates_total=60)
    numbers = Turnout(roll=60, present=50, issued=50, voted=40)

    result = tally(papers_with([21, 26, 31], 40), items="123", rules=rules, turnout=numbers)

    assert result.with_outcome("adopted") == adopted


# Ties, shortfalls and places


def outcomes(result: Tally) -> list[str]:
    """What became of each item, by its number."""
    return [line.outcome for line in sorted(result.standings, key=lambda line: int(line.item))]


@pytest.mark.parametrize(
    ("votes", "places", "expected"),
    [
        # all zero: a vote is needed, so nobody wins a tie of nothing
        ([0] * 12, 10, ["short"] * 12),
        # ten of ten
        ([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], 10, ["adopted"] * 10),
        ([5] * 10, 10, ["adopted"] * 10),
        # eight candidates for ten places
        ([9, 9, 8, 8, 7, 7, 6, 6], 10, ["adopted"] * 8),
        # a clear cut
        ([4, 3, 2, 1], 2, ["adopted", "adopted", "out", "out"]),
        # twelve with a three-way tie at place nine
        (
            [20, 19, 18, 17, 16, 15, 14, 13, 9, 9, 9, 1],
            10,
            ["adopted"] * 8 + ["tied"] * 3 + ["out"],
        ),
        # a tie that exactly fills the places is no tie
        ([20, 19, 18, 17, 16, 15, 14, 13, 9, 9, 8, 1], 10, ["adopted"] * 10 + ["out"] * 2),
        ([5, 5, 3, 3], 2, ["adopted", "adopted", "out", "out"]),
        # a tie over the whole list
        ([7] * 12, 10, ["tied"] * 12),
        ([7, 7], 1, ["tied", "tied"]),
        # a tie of two for the last place
        ([9, 7, 7, 5], 2, ["adopted", "tied", "tied", "out"]),
        # a tie among those without a place decides nothing
        ([9, 8, 7, 7], 2, ["adopted", "adopted", "out", "out"]),
        ([3, 0, 0], 1, ["adopted", "short", "short"]),
    ],
)
def test_places_are_filled_by_votes_and_a_tie_across_the_last_is_never_broken(
    votes, places, expected
):
    assert outcomes(count(votes, places=places)) == expected


def test_a_tie_below_the_majority_is_no_tie():
    result = count([26, 20, 15, 15, 15], places=3, ballots=30, majority="all", total=30)

    assert outcomes(result) == ["adopted", "adopted", "short", "short", "short"]
    assert (result.places_left, result.shortfall) == (1, 1)


def test_a_tie_at_the_majority_is_one():
    result = count([26, 20, 16, 16, 15], places=3, ballots=30, majority="all", total=30)

    assert outcomes(result) == ["adopted", "adopted", "tied", "tied", "short"]
    assert (result.places_left, result.shortfall) == (1, 0)


@pytest.mark.parametrize(
    ("votes", "places_left", "shortfall"),
    [
        ([9] * 10, 0, 0),
        ([9] * 8, 2, 2),
        ([0] * 8, 10, 10),
        ([9] * 8 + [5] * 3, 2, 0),
        ([7] * 12, 10, 0),
    ],
)
def test_open_places_are_for_the_tied_or_for_nobody(votes, places_left, shortfall):
    result = count(votes)

    assert (result.places_left, result.shortfall) == (places_left, shortfall)


def test_equal_votes_share_a_rank_and_the_next_rank_is_left_out():
    result = count([3, 5, 5, 9, 1, 3, 3])

    lines = [(line.item, line.votes, line.rank, line.shared) for line in result.standings]
    assert lines == [
        ("4", 9, 1, False),
        ("2", 5, 2, True),
        ("3", 5, 2, True),
        ("1", 3, 4, True),
        ("6", 3, 4, True),
        ("7", 3, 4, True),
        ("5", 1, 7, False),
    ]


# Figures and checks


def test_every_ballot_is_for_against_or_abstained_on_every_item():
    ballots = [
        paper(chosen=[1], against=[2], rulings={}),
        paper(chosen=[1, 2], rulings={}),
        paper(chosen=[], against=[1, 2], rulings={}),
        paper(chosen=[], rulings={}),
    ]

    result = tally(ballots, items=["1", "2"], rules=ANY_MAJORITY, turnout=turnout(4))

    assert [(line.item, line.votes, line.against, line.abstained) for line in result.standings] == [
        ("1", 2, 1, 1),
        ("2", 1, 2, 1),
    ]


def test_votes_against_take_nothing_from_those_for():
    for_both = paper(chosen=[1, 2], rulings={})
    against_one = paper(chosen=[], against=[1], rulings={})
    box = [for_both] * 6 + [against_one] * 5

    result = tally(
        box, items="12", rules=Rules(places=2, form="each", majority="valid"), turnout=turnout(11)
    )

    # Six of eleven are a majority, whether the others are against or abstain.
    assert [(line.votes, line.against, line.abstained) for line in result.standings] == [
        (6, 5, 0),
        (6, 0, 5),
    ]
    assert outcomes(result) == ["adopted", "adopted"]


def test_a_blank_ballot_is_valid_and_told_apart_from_one_that_is_against():
    ballots = [
        paper(chosen=[], rulings={}),
        paper(chosen=[], against=[1], rulings={}),
        paper(chosen=[], write_ins=["a"], rulings={"a": None}),
        paper(chosen=[1], rulings={}),
    ]

    result = tally(ballots, items=["1"], rules=ANY_MAJORITY, turnout=turnout(4))

    assert (result.valid, result.blank) == (4, 1)


def test_no_ballot_at_all_is_a_count_of_noughts():
    result = tally([], items=["1", "2"], rules=ANY_MAJORITY, turnout=turnout(0))

    assert (result.valid, result.blank, outcomes(result)) == (0, 0, ["short", "short"])
    assert failing(result) == []


def test_a_ballot_for_an_item_that_is_not_listed_stops_the_count():
    for stranger in (Paper(frozenset("9")), Paper(frozenset(), against=frozenset("9"))):
        with pytest.raises(ValueError, match="not listed"):
            tally([stranger], items=["1"], rules=ANY_MAJORITY, turnout=turnout(1))


@pytest.mark.parametrize(
    ("numbers", "failed"),
    [
        (Turnout(roll=9, present=5, issued=5, voted=3), []),
        (Turnout(roll=9, present=5, issued=5, voted=4, invalid=1), []),
        (Turnout(roll=9, present=5, issued=2, voted=3), ["发出表决票不少于收回"]),
        (Turnout(roll=9, present=5, issued=5, voted=2), ["收回表决票＝已投票人数"]),
        (Turnout(roll=9, present=5, issued=5, voted=4), ["收回表决票＝已投票人数"]),
        (Turnout(roll=9, present=5, issued=5, voted=3, invalid=1), ["收回表决票＝已投票人数"]),
        (
            Turnout(roll=9, present=5, issued=3, voted=3, invalid=1),
            ["发出表决票不少于收回", "收回表决票＝已投票人数"],
        ),
    ],
)
def test_more_ballots_than_voters_or_fewer_fail_a_check(numbers, failed):
    ballots = [paper(chosen=[1], rulings={})] * 3

    result = tally(ballots, items=["1"], rules=ANY_MAJORITY, turnout=numbers)

    assert failing(result) == failed
    assert result.invalid == numbers.invalid


def test_a_ballot_with_more_choices_than_places_fails_a_check():
    ballots = [paper(chosen=[1, 2], rulings={}), paper(chosen=[1, 2, 3], rulings={})]

    two = tally(ballots, items="123", rules=Rules(2, majority="none"), turnout=turnout(2))
    three = tally(ballots, items="123", rules=Rules(3, majority="none"), turnout=turnout(2))

    assert failing(two) == ["每张表决票不超过应选项数"]
    assert failing(three) == []


def test_a_vote_from_nowhere_fails_a_check():
    honest = paper(chosen=[1], rulings={})
    stuffed = replace(honest, chosen=frozenset("12"))

    result = tally([honest, stuffed], items="12", rules=ANY_MAJORITY, turnout=turnout(2))

    assert failing(result) == ["各项目得票之和＝各票所选项数之和－并入后重复－不予计票"]


# Proposals, where the canvass put them

RULINGS = {"a": "推1", "b": "推1", "c": "3", "d": None, "e": "推2"}


@pytest.mark.parametrize(
    ("chosen", "write_ins", "items", "doubles", "refused"),
    [
        ([1, 2], [], "1 2", 0, 0),
        ([1], ["a"], "1 推1", 0, 0),
        ([1], ["a", "b"], "1 推1", 1, 0),
        ([1], ["a", "e"], "1 推1 推2", 0, 0),
        ([1], ["c"], "1 3", 0, 0),
        ([3], ["c"], "3", 1, 0),
        ([3], ["d"], "3", 0, 1),
        ([], ["d"], "", 0, 1),
        ([3], ["a", "b", "c"], "3 推1", 2, 0),
        ([3], ["c", "d"], "3", 1, 1),
    ],
)
def test_a_proposal_counts_once_where_the_canvass_put_it(
    chosen, write_ins, items, doubles, refused
):
    counted = paper(chosen=chosen, write_ins=write_ins, rulings=RULINGS)

    assert counted.chosen == frozenset(items.split())
    assert (counted.marks, counted.doubles, counted.refused) == (
        len(chosen) + len(write_ins),
        doubles,
        refused,
    )


def test_a_proposal_without_a_ruling_is_never_dropped():
    with pytest.raises(KeyError):
        paper(chosen=[1], write_ins=["unknown"], rulings=RULINGS)


def test_a_project_ticked_twice_has_one_vote_and_says_so():
    repeated = paper(chosen=[7, 7], rulings={})

    result = tally([repeated], items=["7"], rules=ANY_MAJORITY, turnout=turnout(1))

    assert (result.standings[0].votes, result.doubles) == (1, 1)
    assert failing(result) == []


def test_a_ballot_against_a_project_that_its_own_proposal_joins_counts_once_on_it():
    torn = paper(chosen=[], against=[3], write_ins=["c"], rulings=RULINGS)

    result = tally([torn], items=["3"], rules=ANY_MAJORITY, turnout=turnout(1))

    (line,) = result.standings
    assert (line.votes, line.against, line.abstained) == (1, 0, 0)
    assert result.turned == 1


def test_what_nobody_proposed_turns_no_vote_against():
    plain = paper(chosen=[1], against=[3], write_ins=["a"], rulings={"a": "推1"})

    result = tally([plain], items=["1", "3", "推1"], rules=ANY_MAJORITY, turnout=turnout(1))

    assert result.turned == 0


def test_choices_that_became_one_are_counted_and_so_are_the_ballots_they_stand_on():
    ballots = [
        paper(chosen=[3], write_ins=["a", "b", "c"], rulings=RULINGS),
        paper(chosen=[], write_ins=["a", "b"], rulings=RULINGS),
        paper(chosen=[1], write_ins=["a", "d", "e"], rulings=RULINGS),
    ]

    result = tally(ballots, items=["1", "3", "推1", "推2"], rules=ANY_MAJORITY, turnout=turnout(3))

    assert (result.marks, result.doubles, result.doubled, result.refused) == (10, 3, 2, 1)
    # Ten choices, less three that became one with another and one that was refused.
    assert [(line.item, line.votes) for line in result.standings] == [
        ("推1", 3),
        ("1", 1),
        ("3", 1),
        ("推2", 1),
    ]
    assert failing(result) == []


def test_equal_ballots_may_be_handed_over_as_one():
    rulings = {"a": "3", "b": None, "c": "推1"}
    kinds: list[dict[str, Any]] = [
        {"chosen": [3], "against": [1], "write_ins": ["a"]},
        {"chosen": [], "against": [3], "write_ins": ["a", "b"]},
        {"chosen": [1, 3], "write_ins": ["c"]},
        {"chosen": []},
    ]
    one_by_one = [paper(**kind, rulings=rulings) for kind in kinds for _ in range(4)]
    together = [paper(**kind, rulings=rulings, times=4) for kind in kinds]

    def counted(papers):
        return tally(papers, items=["1", "3", "推1"], rules=ANY_MAJORITY, turnout=turnout(16))

    assert counted(together) == counted(one_by_one)
    assert counted(together).valid == 16
    assert counted(together) != counted(together[1:])
