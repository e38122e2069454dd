"""The figures of a result as they are frozen (design §4): what stands under which key. Pure.

`facts.counting.figures` is their one maker. They hold strings, integers, booleans, None, lists and
dictionaries only, so that their canonical text can be hashed; a type here changes nothing in it.
"""

from typing import Literal, NotRequired, TypedDict

from ballots.pure.rules import Form, Majority, Proposals
from ballots.pure.tally import ItemOutcome, Relation

# Whoever changes what stands in the figures raises this and writes a reader for the versions before.
# Figures without a number were frozen before there was one, and have the shape of the first.
VERSION = 1

Source = Literal["candidate", "proposal"]


class PollFigures(TypedDict):
    """Which poll was counted, in the words that it had then."""

    uuid: str
    meeting: str
    year: int
    kind: str
    simple: bool


class RulesFigures(TypedDict):
    """The rules that the count followed: the fields of `pure.rules.Rules`."""

    places: int
    form: Form
    exactly: bool
    blank_allowed: bool
    proposals: Proposals
    proposal_limit: int
    majority: Majority
    delegates_total: int | None


class TurnoutFigures(TypedDict):
    """How many delegates and ballots there were, from 全体代表 to 换发投票卡."""

    delegates_total: int
    roll: int
    present: int
    issued: int
    returned: int
    valid: int
    invalid: int
    blank: int
    voted: int
    cards_reissued: int


class ListedItem(TypedDict):
    """What could be voted for: `item` is its key (“7”, “推3”), `title` its name."""

    item: str
    title: str
    source: Source
    category: str
    lead_unit: str


class ItemFigures(ListedItem):
    """What one item got, most votes first: `rank` from 1, `shared` where others have as many."""

    rank: int
    shared: bool
    votes: int
    against: int
    abstained: int
    share_of_valid: str
    share_of_all: str
    majority: bool
    outcome: ItemOutcome


class CheckFigures(TypedDict):
    """One identity of the count, and whether it held."""

    name: str
    left: int
    right: int
    relation: Relation
    holds: bool


class Figures(TypedDict):
    """One whole count; what the numbers mean is said at `pure.tally.Tally`, which has most of them.

    `proposals` is how many proposals stood on valid ballots, `merged` how many of them went into a
    candidate, `proposed_items` how many items the rest came to.
    """

    version: NotRequired[int]
    poll: PollFigures
    rules: RulesFigures
    turnout: TurnoutFigures
    needed: int
    places: int
    candidates: int
    proposals: int
    merged: int
    proposed_items: int
    items: list[ItemFigures]
    places_left: int
    shortfall: int
    marks: int
    doubles: int
    doubled: int
    refused: int
    turned: int
    checks: list[CheckFigures]
    # Put beside the rest when they are frozen: the checksum is public, the votes may not be.
    salt: NotRequired[str]


def is_known(figures: Figures) -> bool:
    """Tell whether this code can read `figures`, or whether other code froze them in its own shape."""
    return figures.get("version", VERSION) == VERSION
