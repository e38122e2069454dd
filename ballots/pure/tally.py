"""The count: pure arithmetic on ballots, with every rule of design §4; ties are never broken."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ballots.pure.grades import Whole, grade_of, least
from ballots.pure.rules import Body, Rules

# The last three are the grades of a 满意度测评 (`ballots.pure.grades`).
ItemOutcome = Literal["adopted", "tied", "short", "out", "good", "fair", "poor"]
Relation = Literal["=", "≥"]


@dataclass(frozen=True)
class Paper:
    """One valid ballot as the count sees it: the items it is for and against.

    `marks` is how many choices stood on it, before merging made two of them one (`doubles`) or a
    ruling struck one out (`refused`). `merged` is how many proposals on it went into a candidate,
    `turned` how many items it was against that merging made it be for. It stands for as many equal
    ones as `times` says. In a 满意度测评 `chosen` are 满意, `fair` 基本满意 and `against` 不满意.
    """

    chosen: frozenset[str]
    against: frozenset[str] = frozenset()
    fair: frozenset[str] = frozenset()
    marks: int = 0
    doubles: int = 0
    merged: int = 0
    refused: int = 0
    turned: int = 0
    times: int = 1


def paper(
    *,
    chosen: Collection[int],
    against: Collection[int] = (),
    fair: Collection[int] = (),
    write_ins: Collection[str] = (),
    rulings: Mapping[str, str | None],
    graded: bool = False,
    times: int = 1,
) -> Paper:
    """Return a ballot, or `times` equal ones, with each write-in where the canvass put it.

    `rulings` maps a write-in's id to the key of the item it counts for (“7” or “推3”), or to None
    where it was refused. Of a `graded` ballot each grade is a mark. Raises KeyError for a write-in without a ruling: nothing is dropped.
    """
    ruled = [rulings[write_in] for write_in in write_ins]
    counted = [item for item in ruled if item is not None]
    items = [str(number) for number in chosen] + counted
    opposed = frozenset(str(number) for number in against)
    return Paper(
        chosen=frozenset(items),
        # Whoever proposes what the canvass put into a project is for it, whatever else he marked.
        against=opposed - set(items),
        fair=frozenset(str(number) for number in fair),
        marks=len(chosen) + len(ruled) + (len(fair) + len(against) if graded else 0),
        doubles=len(items) - len(set(items)),
        merged=sum(item.isdecimal() for item in counted),
        refused=len(ruled) - len(counted),
        turned=len(opposed & set(items)),
        times=times,
    )


@dataclass(frozen=True)
class Turnout:
    """How many delegates and ballots there were (design §4.2).

    `roll` 应到, `present` 实到, `issued` 发出, `voted` marks on the roll, `invalid` opened ballots
    that do not count. Of the issued `papers` are papers, of which `papers_returned` came back.
    """

    roll: int
    present: int
    issued: int
    voted: int
    invalid: int = 0
    papers: int = 0
    papers_returned: int = 0

    @property
    def online(self) -> int:
        """How many may vote here or have done so: those given out that are no papers."""
        return self.issued - self.papers

    @property
    def waiting(self) -> int:
        """未投票: how many may still vote here, and none where more did than are marked present.

        Whoever holds a paper is not waited for here: nobody sees whether he has put it into the box.
        """
        return max(self.online - self.voted, 0)


@dataclass(frozen=True)
class Standing:
    """What one item got: `rank` from 1, `shared` where others have as many votes.

    In a 满意度测评 `votes` are 满意, `fair` 基本满意 and `against` 不满意; its outcome is a grade.
    """

    item: str
    votes: int
    fair: int
    against: int
    abstained: int
    rank: int
    shared: bool
    outcome: ItemOutcome


@dataclass(frozen=True)
class Check:
    """One identity of the count: `left` and `right` must be equal, or left the larger."""

    name: str
    left: int
    right: int
    relation: Relation = "="

    @property
    def holds(self) -> bool:
        return self.left == self.right if self.relation == "=" else self.left >= self.right


@dataclass(frozen=True)
class Tally:
    """What a count came to; `needed` is the least number of votes that adopts or satisfies.

    There is a `whole` of a 满意度测评 alone. Of the `marks` on all valid ballots merging made `doubles` one with another of the same ballot,
    on `doubled` ballots in all, put `merged` into a candidate and turned `turned` votes against
    into votes for; `refused` count for nothing.
    """

    turnout: Turnout
    valid: int
    invalid: int
    blank: int
    needed: int
    marks: int
    doubles: int
    doubled: int
    merged: int
    refused: int
    turned: int
    places: int
    whole: Whole | None
    standings: tuple[Standing, ...]
    checks: tuple[Check, ...]

    def with_outcome(self, outcome: ItemOutcome) -> list[str]:
        """Return the items with that outcome, most votes first."""
        return [standing.item for standing in self.standings if standing.outcome == outcome]

    @property
    def places_left(self) -> int:
        """How many places the adopted items leave open, for a tied group or for nobody."""
        return self.places - len(self.with_outcome("adopted"))

    @property
    def shortfall(self) -> int:
        """How many places nobody can fill: open places less those a tied group will take."""
        return 0 if self.with_outcome("tied") else self.places_left


def quorum(total: int, body: Body = "congress") -> int:
    """Return the least number of all `total` members of a body who have to be present.

    Of a congress ⌈2T/3⌉ (地方组织法 art. 14: 三分之二以上的代表出席), of its standing committee more than
    half (art. 51: 全体组成人员过半数出席).
    """
    return more_than_half(total) if body == "committee" else -(-2 * total // 3)


def more_than_half(base: int) -> int:
    """Return ⌊base/2⌋ + 1: exactly half is not a majority (地方组织法 art. 25: 过半数)."""
    return base // 2 + 1


def votes_needed(rules: Rules, *, present: int, valid: int) -> int:
    """Return the least number of votes that adopts an item, or makes it 满意 in a 满意度测评.

    One vote where no majority is demanded. Raises ValueError as `base_for` does.
    """
    base = base_for(rules, present=present, valid=valid)
    if rules.is_graded:
        return least(rules.boundary, included=rules.boundary_included, base=base)
    return 1 if rules.majority == "none" else more_than_half(base)


def base_for(rules: Rules, *, present: int, valid: int) -> int:
    """Return of how many people or ballots the rule demands a part; valid ballots where of none.

    Raises ValueError where the base is 全体代表 and nobody has typed their number.
    """
    match rules.majority:
        case "all":
            if rules.delegates_total is None:
                raise ValueError("the majority of all delegates needs their number")
            return rules.delegates_total
        case "present":
            return present
    return valid


def tally(
    papers: Iterable[Paper], *, items: Sequence[str], rules: Rules, turnout: Turnout
) -> Tally:
    """Count `papers` over `items` (keys in listing order) and say what each item's votes mean.

    The listing order only orders items of equal votes on the page; it never decides an outcome. A
    tie across the last place leaves all its items “tied”. A 满意度测评 keeps that order, and each
    item is judged by itself. Raises ValueError for a ballot that names an item which is not listed.
    """
    marked = _marked(papers, rules)
    votes, fair, against = marked.votes, marked.fair, marked.against
    strangers = (votes.keys() | fair.keys() | against.keys()) - set(items)
    if strangers:
        raise ValueError(f"ballots name items that are not listed: {sorted(strangers)}")
    valid = marked.papers
    needed = votes_needed(rules, present=turnout.present, valid=valid)
    order = items if rules.is_graded else sorted(items, key=lambda item: -votes[item])
    holders = Counter(votes[item] for item in items)
    outcomes = _outcomes([votes[item] for item in order], needed=needed, places=rules.places)
    standings = tuple(
        Standing(
            item=item,
            votes=votes[item],
            fair=fair[item],
            against=against[item],
            abstained=valid - votes[item] - fair[item] - against[item],
            rank=1 + sum(count for got, count in holders.items() if got > votes[item]),
            shared=holders[votes[item]] > 1,
            outcome=grade_of(votes[item], fair[item], needed=needed)
            if rules.is_graded
            else outcomes[votes[item]],
        )
        for item in order
    )
    checks = (
        Check("发出表决票不少于收回", turnout.issued, valid + turnout.invalid, "≥"),
        *_checks_of_channels(turnout, valid + turnout.invalid),
        *_checks_of_marks(marked, rules),
    )
    return Tally(
        turnout=turnout,
        valid=valid,
        invalid=turnout.invalid,
        blank=marked.blank,
        needed=needed,
        marks=marked.marks,
        doubles=marked.doubles,
        doubled=marked.doubled,
        merged=marked.merged,
        refused=marked.refused,
        turned=marked.turned,
        places=rules.places,
        whole=_whole(standings, rules, present=turnout.present, valid=valid)
        if rules.is_graded
        else None,
        standings=standings,
        checks=checks,
    )


def _checks_of_channels(turnout: Turnout, returned: int) -> Iterator[Check]:
    """Yield where each ballot came from: no more may come back either way than were given out."""
    if not turnout.papers:
        yield Check("收回表决票＝已投票人数", returned, turnout.voted)
        return
    yield Check("发出的电子票不少于收回的电子票", turnout.online, turnout.voted, "≥")
    yield Check("发出的纸质票不少于收回的纸质票", turnout.papers, turnout.papers_returned, "≥")
    came = turnout.voted + turnout.papers_returned
    yield Check("收回表决票＝收回的电子票＋收回的纸质票", returned, came)


def _checks_of_marks(marked: "_Marked", rules: Rules) -> Iterator[Check]:
    """Yield what must hold of the marks on all ballots.

    How many ballots are too long, and not how long the longest is: with one proposal that would tell
    where it stands.
    """
    if rules.is_graded:
        yield Check("每张表决票对每个项目至多一个等次", marked.too_long, 0)
        graded = sum((marked.votes + marked.fair + marked.against).values())
        yield Check("各项目三个等次的票数之和＝各票所作测评数之和", graded, marked.marks)
        return
    yield Check("每张表决票不超过应选项数", marked.too_long, 0)
    yield Check(
        "各项目得票之和＝各票所选项数之和－并入后重复－不予计票",
        sum(marked.votes.values()),
        marked.marks - marked.doubles - marked.refused,
    )


def _whole(standings: Sequence[Standing], rules: Rules, *, present: int, valid: int) -> Whole:
    base = base_for(rules, present=present, valid=valid) * len(standings)
    return Whole(
        good=sum(line.votes for line in standings),
        fair=sum(line.fair for line in standings),
        poor=sum(line.against for line in standings),
        abstained=sum(line.abstained for line in standings),
        base=base,
        needed=least(rules.whole_boundary, included=rules.whole_boundary_included, base=base),
    )


@dataclass
class _Marked:
    """What stood on all papers together.

    `too_long` is how many of them are for too many items, or give one of them two grades.
    """

    votes: Counter[str] = field(default_factory=Counter)
    fair: Counter[str] = field(default_factory=Counter)
    against: Counter[str] = field(default_factory=Counter)
    papers: int = 0
    blank: int = 0
    marks: int = 0
    doubles: int = 0
    doubled: int = 0
    merged: int = 0
    refused: int = 0
    turned: int = 0
    # A legal ballot uses no more places than there are; merging can only make it use fewer.
    too_long: int = 0


def _marked(papers: Iterable[Paper], rules: Rules) -> _Marked:
    """Add up `papers` in one pass, so that there may be any number of them."""
    sums = _Marked()
    for ballot in papers:
        times = ballot.times
        for item in ballot.chosen:
            sums.votes[item] += times
        for item in ballot.fair:
            sums.fair[item] += times
        for item in ballot.against:
            sums.against[item] += times
        sums.papers += times
        sums.marks += ballot.marks * times
        sums.doubles += ballot.doubles * times
        sums.merged += ballot.merged * times
        sums.refused += ballot.refused * times
        sums.turned += ballot.turned * times
        sums.blank += times * (not ballot.marks and not ballot.against)
        sums.doubled += times * bool(ballot.doubles)
        sums.too_long += times * _is_too_long(ballot, rules)
    return sums


def _is_too_long(ballot: Paper, rules: Rules) -> bool:
    if not rules.is_graded:
        return len(ballot.chosen) > rules.places
    graded = (ballot.chosen, ballot.fair, ballot.against)
    return len(frozenset().union(*graded)) < sum(map(len, graded))


def _outcomes(ordered_votes: list[int], *, needed: int, places: int) -> dict[int, ItemOutcome]:
    """Return the outcome of each number of votes; equal votes always share one outcome."""
    passing = [votes for votes in ordered_votes if votes >= needed]
    outcomes: dict[int, ItemOutcome] = {}
    for votes in set(ordered_votes):
        ahead = sum(1 for other in passing if other > votes)
        level = passing.count(votes)
        if votes < needed:
            outcomes[votes] = "short"
        elif ahead + level <= places:
            outcomes[votes] = "adopted"
        elif ahead < places:
            outcomes[votes] = "tied"
        else:
            outcomes[votes] = "out"
    return outcomes
