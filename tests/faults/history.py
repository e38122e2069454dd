"""What delegates did and were told, and whether one box can have told them all of it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

Said = Literal["taken", "taken before", "open", "voted", "not voted"]


@dataclass(frozen=True)
class Operation:
    """One request of a delegate: a cast with its token, or a look at what became of it.

    A cast was `taken`, refused because another had been (`taken before`), or is left `open` by a
    lost answer; such a one never ends, for it may take effect at any time or not at all.
    """

    said: Said
    start: float
    end: float = math.inf
    token: str = ""
    receipt: str = ""


class Vote(NamedTuple):
    """What the box holds of one delegate; the receipt is empty until somebody has seen it."""

    token: str
    receipt: str


def after(vote: Vote | None, operation: Operation) -> Iterator[Vote | None]:
    """Yield what the box may hold after `operation`, or nothing if it cannot have said that."""
    token, receipt = operation.token, operation.receipt
    match operation.said:
        case "taken" if vote is None:
            yield Vote(token, receipt)
        case "taken" if vote and vote.token == token:
            yield vote
        case "taken before" if vote and vote.token != token:
            yield vote
        case "voted" if vote and vote.receipt in {"", receipt}:
            yield Vote(vote.token, receipt)
        case "not voted" if vote is None:
            yield None


def is_linearizable(operations: Sequence[Operation]) -> bool:
    """Tell whether some order of `operations` of one delegate fits answers and times.

    The box is a register that goes from “not voted” to “voted with this receipt” once. An operation
    comes before another only if it ended before the other began (Herlihy and Wing 1990).
    """
    answered = [operation for operation in operations if operation.said != "open"]
    unanswered = [operation for operation in operations if operation.said == "open"]

    @cache
    def can_be(left: frozenset[int], vote: Vote | None) -> bool:
        if not left:
            return True
        first_end = min(answered[place].end for place in left)
        for place in left:
            if answered[place].start <= first_end:
                for then in after(vote, answered[place]):
                    if can_be(left - {place}, then):
                        return True
        # Any cast without an answer that had begun may be the one that took effect by now.
        return vote is None and any(
            can_be(left, Vote(cast.token, "")) for cast in unanswered if cast.start <= first_end
        )

    return can_be(frozenset(range(len(answered))), None)
