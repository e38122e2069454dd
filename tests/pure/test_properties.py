"""What holds of every count: properties by Hypothesis, and thousands of polls counted by three roads."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballots.facts import counting
from ballots.models import Ballot, WriteIn, WriteInRuling
from ballots.pure.rules import Rules
from ballots.pure.tally import Paper, Tally, Turnout, paper, tally
from projects.models import Poll, Project

# Where the canvass put five proposals.
RULINGS = {"a": "推1", "b": "推1", "c": "3", "d": None, "e": "推2"}
ANY_MAJORITY = Rules(places=10, majority="none")
ITEMS = [str(number) for number in range(1, 8)] + ["推1", "推2"]

rules_of_any_kind = st.builds(
    Rules,
    places=st.integers(1, 10),
    form=st.sampled_from(["choose", "each"]),
    majority=st.sampled_from(["all", "present", "valid", "none"]),
    delegates_total=st.integers(1, 14),
)


@st.composite
def papers(draw) -> Paper:
    """Draw a ballot as the box gives it, and return what paper() makes of it under RULINGS."""
    candidates = st.lists(st.sampled_from(range(1, 8)), unique=True, max_size=7)
    opposed = draw(candidates)
    return paper(
        chosen=[number for number in draw(candidates) if number not in opposed],
        against=opposed,
        write_ins=draw(st.lists(st.sampled_from("abcde"), unique=True, max_size=3)),
        rulings=RULINGS,
    )


boxes = st.lists(papers(), max_size=12)


def counted(box: list[Paper], rules: Rules = ANY_MAJORITY, items: Sequence[str] = ITEMS) -> Tally:
    """Count a box into which everybody on the roll put a valid ballot."""
    number = len(box)
    turnout = Turnout(roll=number, present=number, issued=number, voted=number)
    return tally(box, items=items, rules=rules, turnout=turnout)


def votes(result: Tally) -> Counter[str]:
    return Counter({line.item: line.votes for line in result.standings})


def against(result: Tally) -> Counter[str]:
    return Counter({line.item: line.against for line in result.standings})


# The order of things


@given(boxes, rules_of_any_kind, st.randoms(use_true_random=False))
def test_the_order_of_ballots_changes_nothing(box, rules, random):
    shuffled = random.sample(box, len(box))

    assert counted(shuffled, rules) == counted(box, rules)


@given(boxes, rules_of_any_kind, st.permutations(ITEMS))
def test_the_order_of_items_changes_only_how_equals_are_listed(box, rules, listing):
    one, other = counted(box, rules), counted(box, rules, listing)

    assert set(one.standings) == set(other.standings)
    assert replace(one, standings=()) == replace(other, standings=())
    assert [line.votes for line in one.standings] == [line.votes for line in other.standings]
    equals = [line.item for line in other.standings]
    assert equals == sorted(equals, key=lambda item: (-votes(one)[item], listing.index(item)))


@given(boxes, rules_of_any_kind, st.permutations(ITEMS))
def test_items_that_change_names_change_nothing_else(box, rules, renamed):
    names = dict(zip(ITEMS, renamed, strict=True))
    other_box = [
        replace(
            ballot,
            chosen=frozenset(map(names.__getitem__, ballot.chosen)),
            against=frozenset(map(names.__getitem__, ballot.against)),
        )
        for ballot in box
    ]

    one, other = counted(box, rules), counted(other_box, rules, renamed)

    assert [replace(line, item=names[line.item]) for line in one.standings] == list(other.standings)
    assert one.checks == other.checks


# One ballot more, one box more


@given(boxes, st.sampled_from(ITEMS))
def test_one_more_ballot_for_an_item_raises_it_by_one_and_no_other(box, item):
    before, after = counted(box), counted([*box, Paper(frozenset([item]), marks=1)])

    assert votes(after) == votes(before) + Counter({item: 1})
    assert against(after) == against(before)
    assert after.valid == before.valid + 1


@given(boxes, st.sampled_from(ITEMS))
def test_one_more_ballot_against_an_item_takes_no_vote_from_any(box, item):
    before, after = counted(box), counted([*box, Paper(frozenset(), frozenset([item]))])

    assert votes(after) == votes(before)
    assert against(after) == against(before) + Counter({item: 1})


@given(boxes, boxes)
def test_two_boxes_count_as_much_as_both_in_one(left, right):
    whole, one, other = counted(left + right), counted(left), counted(right)

    assert votes(whole) == votes(one) + votes(other)
    assert against(whole) == against(one) + against(other)
    for figure in ("valid", "blank", "doubles", "doubled", "refused"):
        assert getattr(whole, figure) == getattr(one, figure) + getattr(other, figure)


@given(boxes, rules_of_any_kind, papers(), st.sampled_from(ITEMS))
def test_a_ballot_that_adds_an_item_never_makes_that_item_worse(box, rules, ballot, item):
    best_first = ["adopted", "tied", "out", "short"]
    warmer = replace(ballot, chosen=ballot.chosen | {item}, against=ballot.against - {item})

    before, after = (
        {line.item: best_first.index(line.outcome) for line in counted(whole, rules).standings}
        for whole in ([*box, ballot], [*box, warmer])
    )

    assert after[item] <= before[item]


# Ranks and outcomes


@given(boxes, rules_of_any_kind)
def test_ranks_are_a_weak_order_by_votes(box, rules):
    lines = counted(box, rules).standings

    for one in lines:
        for other in lines:
            assert (one.votes > other.votes) == (one.rank < other.rank)
            assert (one.votes == other.votes) == (one.rank == other.rank)
        # Equals share a rank, and as many ranks as they are too many are left out after it.
        assert one.rank == 1 + sum(other.votes > one.votes for other in lines)
        assert one.shared == any(other.votes == one.votes for other in lines if other != one)
    assert list(lines) == sorted(lines, key=lambda line: line.rank)


@given(boxes, rules_of_any_kind)
def test_equal_votes_have_an_equal_outcome_and_more_votes_no_worse_one(box, rules):
    best_first = ["adopted", "tied", "out", "short"]
    lines = counted(box, rules).standings

    by_votes = [best_first.index(line.outcome) for line in lines]
    assert by_votes == sorted(by_votes)
    assert len({(line.votes, line.outcome) for line in lines}) == len(
        {line.votes for line in lines}
    )


@given(boxes, rules_of_any_kind)
def test_places_are_never_overfilled_and_a_tie_is_for_fewer_places_than_it_has_items(box, rules):
    result = counted(box, rules)
    adopted, tied = result.with_outcome("adopted"), result.with_outcome("tied")

    assert len(adopted) <= rules.places
    assert result.places_left == rules.places - len(adopted) >= 0
    if tied:
        assert len(tied) > result.places_left > 0
        assert result.shortfall == 0
    if result.with_outcome("out"):
        assert len(adopted) + len(tied) >= rules.places
    assert all(
        (line.votes < result.needed) == (line.outcome == "short") for line in result.standings
    )


@given(boxes, rules_of_any_kind)
def test_the_identities_hold_for_every_ballot_that_the_canvass_made(box, rules):
    longest = max((len(ballot.chosen) for ballot in box), default=0)
    result = counted(box, replace(rules, places=max(rules.places, longest)))

    assert all(check.holds for check in result.checks)


@given(boxes, rules_of_any_kind)
def test_for_against_and_abstained_make_all_valid_ballots_on_every_item(box, rules):
    result = counted(box, rules)

    assert result.valid == len(box)
    for line in result.standings:
        assert line.votes + line.against + line.abstained == result.valid
        assert min(line.votes, line.against, line.abstained) >= 0


# Ten thousand polls, counted by three roads

R = WriteIn.Ruling
NOW = datetime(2026, 1, 18, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Slip:
    """One ballot of a random poll; `proposed` are places in the poll's `rulings`."""

    chosen: list[int]
    against: list[int]
    proposed: list[int]
    invalid: str


@dataclass(frozen=True)
class RandomPoll:
    """A poll of any kind; `rulings` holds, for each proposal, its ruling and where that leads."""

    rules: Rules
    numbers: list[int]
    rulings: list[tuple[WriteInRuling, int]]
    slips: list[Slip]

    def places(self) -> list[str | None]:
        """Return the item that each proposal counts for, None where it is refused."""

        def place(n: int) -> str | None:
            ruling, target = self.rulings[n]
            if ruling == R.INTO_WRITE_IN:
                return place(target)
            return {R.ALONE: f"推{n + 1}", R.INTO_PROJECT: str(target)}.get(ruling)

        return [place(n) for n in range(len(self.rulings))]


def random_poll(random: Random) -> RandomPoll:
    rules = Rules(
        places=random.randint(1, 3),
        form=random.choice(["choose", "each"]),
        proposals=random.choice(["counted", "counted", "advisory", "off"]),
        majority=random.choice(["all", "valid", "none", "none"]),
        delegates_total=random.randint(1, 6),
    )
    # Numbers with gaps, not in order: nothing may take a place in the list for a number.
    numbers = random.sample(range(1, 30), random.randint(1, 5))
    rulings = random_rulings(random, numbers) if rules.proposals != "off" else []
    slips = [random_slip(random, rules, numbers, len(rulings)) for _ in range(random.randint(0, 6))]
    return RandomPoll(rules, numbers, rulings, slips)


def random_rulings(random: Random, numbers: list[int]) -> list[tuple[WriteInRuling, int]]:
    """Rule on up to four proposals in any order; each may follow one that was ruled on before."""
    number = random.randint(0, 4)
    rulings: dict[int, tuple[WriteInRuling, int]] = {}
    for n in random.sample(range(number), number):
        ruling = random.choice([R.ALONE, R.INTO_PROJECT, R.INTO_WRITE_IN, R.REFUSED])
        if ruling == R.INTO_WRITE_IN and not rulings:
            ruling = R.ALONE
        targets = {R.INTO_PROJECT: numbers, R.INTO_WRITE_IN: list(rulings)}
        rulings[n] = (ruling, random.choice(targets.get(ruling, [0])))
    return [rulings[n] for n in range(number)]


def random_slip(random: Random, rules: Rules, numbers: list[int], proposals: int) -> Slip:
    """Fill in a ballot that `rules` allow."""
    proposed = random.sample(range(proposals), random.randint(0, min(3, proposals, rules.places)))
    left = rules.places - (len(proposed) if rules.proposals == "counted" else 0)
    liked, end = random.sample(numbers, len(numbers)), random.randint(0, len(numbers))
    chosen = liked[: random.choice([left, random.randint(0, left)])]
    return Slip(
        chosen=sorted(chosen),
        against=sorted(liked[len(chosen) : end]) if rules.form == "each" else [],
        proposed=proposed,
        invalid=random.choice(["", "", "", "", "", "rules"]),
    )


Lines = dict[str, tuple[int, int, str]]


def reference(poll: RandomPoll) -> Lines:
    """Return the votes for and against each item, and what becomes of it.

    An item is adopted if it has a place even where all its equals go before it, and tied if it has
    one only where it goes before them.
    """
    places = poll.places() if poll.rules.proposals == "counted" else [None] * len(poll.rulings)
    slips = [slip for slip in poll.slips if not slip.invalid]
    pros = [{*map(str, slip.chosen), *(places[n] for n in slip.proposed)} for slip in slips]
    cons = [{*map(str, slip.against)} - pro for slip, pro in zip(slips, pros, strict=True)]
    votes = {n: sum(n in pro for pro in pros) for n in {*map(str, poll.numbers), *places} if n}
    base = {"all": poll.rules.delegates_total or 0, "valid": len(slips), "none": 0}
    half = base[poll.rules.majority] / 2
    lines = {}
    for item, got in votes.items():
        at_worst = sum(other >= got for other in votes.values())
        at_best = 1 + sum(other > got for other in votes.values())
        fate = "adopted" if at_worst <= poll.rules.places else "tied"
        fate = fate if at_best <= poll.rules.places else "out"
        lines[item] = (got, sum(item in con for con in cons), fate if got > half else "short")
    return lines


def lines_of(result: Tally) -> Lines:
    return {line.item: (line.votes, line.against, line.outcome) for line in result.standings}


def tallied(poll: RandomPoll) -> Tally:
    """Count a random poll by the app's pure tally, without a database."""
    places = {str(n): place for n, place in enumerate(poll.places())}
    proposals_count = poll.rules.proposals == "counted"
    papers = [
        paper(
            chosen=slip.chosen,
            against=slip.against,
            write_ins=[str(n) for n in slip.proposed] if proposals_count else [],
            rulings=places,
        )
        for slip in poll.slips
        if not slip.invalid
    ]
    alone = {place for place in places.values() if place and place.startswith("推")}
    number = len(poll.slips)
    return tally(
        papers,
        items=[*map(str, poll.numbers), *(alone if proposals_count else [])],
        rules=poll.rules,
        turnout=Turnout(number, number, number, number, invalid=number - len(papers)),
    )


def loaded(random: Random, made: list[RandomPoll]) -> list[Poll]:
    """Write the polls into the tables as open boxes, without the acts of their day.

    All are rehearsals, which the triggers let go from draft to opened in one step.
    """
    polls = Poll.objects.bulk_create(
        Poll(
            kind=Poll.Kind.REHEARSAL,
            meeting="会议",
            year=2026,
            places=poll.rules.places,
            form=poll.rules.form,
            proposals=poll.rules.proposals,
            majority=poll.rules.majority,
            delegates_total=poll.rules.delegates_total,
        )
        for poll in made
    )
    both = list(zip(polls, made, strict=True))
    projects = Project.objects.bulk_create(
        Project(poll=row, number=number, title=f"项目{number}", text="内容")
        for row, poll in both
        for number in poll.numbers
    )
    Poll.objects.update(phase=Poll.Phase.OPENED, opened_at=NOW, closed_at=NOW)
    project_of = {(project.poll_id, project.number): project for project in projects}
    write_ins, ballots = [], []
    for row, poll in both:
        keys = [UUID(int=random.getrandbits(128), version=4) for _ in poll.rulings]
        for n, (ruling, target) in enumerate(poll.rulings):
            write_ins.append(
                WriteIn(
                    id=keys[n],
                    poll=row,
                    number=n + 1,
                    title=f"推荐{n}",
                    ruling=ruling,
                    into_project=project_of[row.pk, target] if ruling == R.INTO_PROJECT else None,
                    into_write_in_id=keys[target] if ruling == R.INTO_WRITE_IN else None,
                    reason="理由",
                )
            )
        for slip in poll.slips:
            texts = sorted(str(keys[n]) for n in slip.proposed)
            ballots.append(
                Ballot(
                    poll=row,
                    chosen=slip.chosen,
                    against=slip.against,
                    write_ins=texts,
                    invalid=slip.invalid,
                )
            )
    WriteIn.objects.bulk_create(write_ins)
    Ballot.objects.bulk_create(ballots)
    return polls


@pytest.mark.django_db
@pytest.mark.parametrize(
    "polls",
    [
        pytest.param(10_000, marks=pytest.mark.once),
        # One of the roads is its SQL; the other two are the same there.
        pytest.param(2_500, marks=pytest.mark.postgresql),
    ],
)
def test_three_roads_count_thousands_of_polls_alike(polls):
    """Count every poll by the pure tally and by the app's SQL, each against `reference`.

    SQL follows merged proposals by itself. Tally and reference are told where they lead; that the
    app finds it out from the same rows is tested on every fiftieth poll, to save time.
    """
    random = Random(20260118)
    made = [random_poll(random) for _ in range(polls)]
    seen: Counter[str] = Counter()
    for place, (row, poll) in enumerate(zip(loaded(random, made), made, strict=True)):
        expected = reference(poll)

        result = tallied(poll)

        assert lines_of(result) == expected, poll
        assert all(check.holds for check in result.checks), poll
        in_sql = {item: (votes, 0, against) for item, (votes, against, _) in expected.items()}
        assert counting.count_in_sql(row) == in_sql, poll
        if place % 50 == 0:
            assert lines_of(counting.count(row)) == expected, poll
        seen.update(fate for *_, fate in expected.values())
        seen.update(against=sum(against for _, against, _ in expected.values()))
        seen.update(doubled=result.doubled, refused=result.refused, invalid=result.invalid)
    # A generator that never tied, never fell short or never merged would have tested nothing.
    assert set(seen) > {"adopted", "tied", "out", "short"}
    assert min(seen.values()) > polls / 20, seen
