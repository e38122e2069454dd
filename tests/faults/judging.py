"""Who must be in the box with which ballot, and what is wrong with a box: no code of the product."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.faults.history import Operation, is_linearizable

CANDIDATES = 8


@dataclass(frozen=True)
class Ballot:
    """The candidates and the proposals that stand on a ballot."""

    chosen: tuple[int, ...]
    proposals: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "+".join([*map(str, self.chosen), *self.proposals]) or "blank"


def foretold(place: int) -> Ballot:
    """Return the ballot of the delegate at `place`: its candidates are the bits of his place.

    No two of the first 256 are alike, so that a ballot that is lost or there twice names its
    delegate; beyond them the proposal tells them apart.
    """
    chosen = tuple(bit + 1 for bit in range(CANDIDATES) if place >> bit & 1)
    rounds = place >> CANDIDATES
    if rounds or place % 5 == 0:
        return Ballot(chosen, (f"示例建议{place}",))
    return Ballot(chosen)


@dataclass(frozen=True)
class Box:
    """What the product's tables hold of a poll while names still stand on the envelopes."""

    marked: frozenset[str]
    envelopes: Mapping[str, str]
    """Receipt codes by the number of the delegate."""


@dataclass(frozen=True)
class Count:
    """What came out of the box: receipts, ballots, and the product's own votes by title."""

    receipts: Sequence[str]
    ballots: Sequence[Ballot]
    votes: Mapping[str, int]
    titles: Mapping[int, str]


Histories = Mapping[str, Sequence[Operation]]


def acknowledged(history: Iterable[Operation]) -> bool:
    return any(operation.said in {"taken", "voted"} for operation in history)


def wrong_in_box(histories: Histories, ballots: Mapping[str, Ballot], box: Box) -> Iterator[str]:
    """Yield what was lost, half done or made up, delegate by delegate."""
    for number, history in sorted(histories.items()):
        shown = {operation.receipt for operation in history} - {""}
        code = box.envelopes.get(number)
        if acknowledged(history) and code is None:
            yield f"LOST: {number} was acknowledged ({', '.join(shown) or '303'}), ballot {ballots[number]}"
        if code is not None and shown - {code}:
            yield f"RECEIPT: {number} was shown {', '.join(shown)}, the box holds {code}"
        if code is not None and all(operation.said == "not voted" for operation in history):
            yield f"GHOST: {number} has an envelope and never cast a ballot"
        if not is_linearizable(history):
            told = "; ".join(
                f"{one.said} {one.receipt or one.token[:6]} [{one.start:.2f}, {one.end:.2f}]"
                for one in history
            )
            yield f"ORDER: no order of the answers to {number} fits one box: {told}"
    for number in sorted(box.marked ^ box.envelopes.keys()):
        yield f"HALF: {number} has only one of mark and envelope"


def wrong_in_copy(histories: Histories, box: Box, copy: Box, begun: float) -> Iterator[str]:
    """Yield what a copy lacks of all that was acknowledged when it was `begun`, or has and `box` not."""
    for number, history in sorted(histories.items()):
        before = [operation for operation in history if operation.end < begun]
        if acknowledged(before) and number not in copy.envelopes:
            yield f"LOST: {number} was acknowledged before the copy and is not in it"
    for number, code in sorted(copy.envelopes.items() - box.envelopes.items()):
        yield f"GHOST: the copy holds {code} of {number}, the box {box.envelopes.get(number)}"
    for number in sorted(copy.marked ^ copy.envelopes.keys()):
        yield f"HALF: {number} has only one of mark and envelope in the copy"


def wrong_in_count(ballots: Mapping[str, Ballot], box: Box, count: Count) -> Iterator[str]:
    """Yield where receipts, ballots or votes are not exactly those of the delegates in the box."""
    for code in Counter(box.envelopes.values()) - Counter(count.receipts):
        yield f"LOST: receipt {code} is gone after the close"
    for code in Counter(count.receipts) - Counter(box.envelopes.values()):
        yield f"GHOST: receipt {code} has come with the close"
    expected = Counter(ballots[number] for number in box.envelopes)
    found = Counter(count.ballots)
    for ballot, times in (expected - found).items():
        holders = [number for number in box.envelopes if ballots[number] == ballot]
        yield f"LOST: {times} of the ballot {ballot} of {', '.join(holders)}"
    for ballot, times in (found - expected).items():
        yield f"TWICE or GHOST: {times} more of the ballot {ballot}"
    votes = tally(expected.elements(), count.titles)
    for title in sorted(votes.keys() | count.votes.keys()):
        if votes[title] != count.votes.get(title, 0):
            yield f"COUNT: {title} has {count.votes.get(title, 0)} votes, not {votes[title]}"


def tally(ballots: Iterable[Ballot], titles: Mapping[int, str]) -> Counter[str]:
    """Return the votes of each item by its title."""
    votes: Counter[str] = Counter()
    for ballot in ballots:
        votes.update(titles[number] for number in ballot.chosen)
        votes.update(ballot.proposals)
    return votes
