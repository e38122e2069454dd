"""The figures of a result as they are frozen (design §4): what stands under which key. Pure.

`facts.counting.figures` is their one maker. They hold strings, integers, booleans, None, lists and
dictionaries only, so that their canonical text can be hashed; a type here changes nothing in it.
What is stored stays as it was frozen, and `current` is how everybody else sees it.
"""

from typing import Any, Literal, NotRequired, TypedDict, cast

from ballots.pure.grades import Grade, grade_of, least
from ballots.pure.rules import Body, Form, Majority, Proposals
from ballots.pure.tally import ItemOutcome, Relation

# Whoever changes what stands in the figures raises this, teaches `current` the version before, and
# keeps a database of it (CONTRIBUTING.md). Version 0 (`5914733`) and the first ones of version 1
# (`2f0fb26`) were frozen without a number; the later ones say what merging did to the ballots.
# Version 2 says how many papers there were, and is that of a count with papers alone: what has none
# stays readable to every program that knows version 1. Version 3 is that of a 满意度测评 alone, for
# the same reason.
VERSION = 3
WITH_PAPERS = 2
WITHOUT_PAPERS = 1
SINCE_1 = frozenset({"merged", "marks", "doubled", "turned"})

# Figures as they were frozen, in the shape of their own version.
Stored = dict[str, Any]

Source = Literal["candidate", "proposal"]


class BodyFigures(TypedDict, total=False):
    """Which body votes, where it is not the congress."""

    body: Body


class PollFigures(BodyFigures):
    """Which poll was counted, in the words that it had then."""

    uuid: str
    meeting: str
    year: int
    kind: str
    simple: bool


class BoundaryFigures(TypedDict, total=False):
    """From where on an item, and the whole, is 满意; in a 满意度测评 alone."""

    boundary: str
    boundary_included: bool
    whole_boundary: str
    whole_boundary_included: bool


class RulesFigures(BoundaryFigures):
    """The rules that the count followed: the fields of `pure.rules.Rules`."""

    places: int
    form: Form
    exactly: bool
    blank_allowed: bool
    proposals: Proposals
    proposal_limit: int
    majority: Majority
    delegates_total: int | None


class PaperFigures(TypedDict, total=False):
    """How many papers were given out and came back, where there were any."""

    papers: int
    papers_returned: int


class TurnoutFigures(PaperFigures):
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


class GradeFigures(TypedDict, total=False):
    """What an item of a 满意度测评 has beside the rest: `votes` are 满意, `against` 不满意.

    Two rates of the base of the rule, in percent: of 满意, and of 满意 and 基本满意 together.
    """

    fair: int
    share_good: str
    share_satisfied: str


class ItemFigures(ListedItem, GradeFigures):
    """What one item got, most votes first: `rank` from 1, `shared` where others have as many.

    In a 满意度测评 the order is that of the list, and the outcome is a grade.
    """

    rank: int
    shared: bool
    votes: int
    against: int
    abstained: int
    share_of_valid: str
    share_of_all: str
    majority: bool
    outcome: ItemOutcome


class WholeFigures(TypedDict):
    """What all items of a 满意度测评 came to: sums over them, `base` too, and two rates of it."""

    good: int
    fair: int
    poor: int
    abstained: int
    base: int
    needed: int
    share_good: str
    share_satisfied: str
    grade: Grade


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
    candidate, `proposed_items` how many items the rest came to. `merged` and `doubled` are None
    where an old count did not put them down and nothing else in it tells them for certain.
    """

    version: NotRequired[int]
    poll: PollFigures
    rules: RulesFigures
    turnout: TurnoutFigures
    needed: int
    places: int
    candidates: int
    proposals: int
    merged: int | None
    proposed_items: int
    items: list[ItemFigures]
    places_left: int
    shortfall: int
    marks: int
    doubles: int
    doubled: int | None
    refused: int
    turned: int
    checks: list[CheckFigures]
    # Of a 满意度测评 alone.
    whole: NotRequired[WholeFigures]
    # Put beside the rest when they are frozen: the checksum is public, the votes may not be.
    salt: NotRequired[str]


def version_of(stored: Stored) -> int | None:
    """Return of which version stored figures are; None where what they name is none."""
    if "version" in stored:
        number = stored["version"]
        return number if type(number) is int and number >= 1 else None
    return 1 if stored.keys() >= SINCE_1 else 0


def is_known(stored: Stored) -> bool:
    """Tell whether this code can read `stored`, or whether other code froze it in its own shape."""
    version = version_of(stored)
    return version is not None and version <= VERSION


def current(stored: Stored) -> Figures:
    """Return stored figures in today's shape; what is stored, and hashed, is not touched.

    Those of a version that `is_known` does not know come back as they are.
    """
    if version_of(stored) == 0:
        stored = stored | _said_since_1(stored)
    return cast("Figures", stored)


def _said_since_1(stored: Stored) -> Stored:
    """Return what figures of version 0 leave unsaid, as far as the rest of them tells it.

    Each ballot on which merging made two choices one has a double at least. Without any, the
    proposals that neither stand alone nor are refused went into a candidate.
    """
    votes = {
        source: sum(item["votes"] for item in stored["items"] if item["source"] == source)
        for source in ("candidate", "proposal")
    }
    doubles, refused = stored["doubles"], stored["refused"]
    merged: int | None = None
    if stored["rules"]["proposals"] != "counted":
        merged = 0
    elif not doubles:
        merged = stored["proposals"] - refused - votes["proposal"]
    return {
        "merged": merged,
        "marks": sum(votes.values()) + doubles + refused,
        "doubled": doubles if doubles <= 1 else None,
        # There were no votes against yet that merging could have turned.
        "turned": 0,
    }


def is_found_again(stored: Stored, fresh: Figures) -> bool:
    """Tell whether a second count comes to the `stored` figures, in all that these put down.

    But for the identities, which count the journal's entries too, and what is put beside a count.
    """
    apart = {"version", "salt", "checks"}
    unsaid = SINCE_1 if version_of(stored) == 0 else frozenset()
    expected = {name: value for name, value in fresh.items() if name not in apart | unsaid}
    return expected == {name: value for name, value in stored.items() if name not in apart}


def base_of(figures: Figures) -> int:
    """Return of how many people or ballots the rule of this count demands more than half.

    A rate that stands beside a majority has this base (design §4.2): of 52.6% of the valid ballots
    nobody sees why they are no half of all delegates. Valid ballots where no majority is demanded.
    """
    turnout = figures["turnout"]
    match figures["rules"]["majority"]:
        case "all":
            return turnout["delegates_total"]
        case "present":
            return turnout["present"]
    return turnout["valid"]


def could_change(figures: Figures, more: int) -> bool:
    """Tell whether `more` ballots that were not opened could change who fills a place, or a grade.

    Each of them may be for anything: an item that is not adopted now could get as many votes, and an
    adopted one lose its majority, where that is of the valid ballots.
    """
    if not more:
        return False
    rules, turnout, items = figures["rules"], figures["turnout"], figures["items"]
    if rules["form"] == "grades":
        return _grades_could_change(figures, more)
    of_valid = rules["majority"] == "valid"
    most = (turnout["valid"] + more) // 2 + 1 if of_valid else figures["needed"]
    adopted = [item for item in items if item["outcome"] == "adopted"]
    if any(item["votes"] < most for item in adopted):
        return True
    is_full = len(adopted) >= figures["places"]
    least = min((item["votes"] for item in adopted), default=0) if is_full else 0
    needed = max(figures["needed"], least, 1)
    # A proposal that is on none of the opened ballots could stand on all of these.
    unheard = rules["proposals"] == "counted" and more >= needed
    return unheard or any(
        item["votes"] + more >= needed for item in items if item["outcome"] != "adopted"
    )


def _grades_could_change(figures: Figures, more: int) -> bool:
    """Tell whether `more` ballots, all for one grade, could give an item or the whole another one."""
    rules, whole, items = figures["rules"], figures["whole"], figures["items"]
    base = base_of(figures) + (more if rules["majority"] == "valid" else 0)
    needed = least(rules["boundary"], included=rules["boundary_included"], base=base)
    needed_whole = least(
        rules["whole_boundary"],
        included=rules["whole_boundary_included"],
        base=base * len(items),
    )
    judged = [(item["votes"], item["fair"], needed, item["outcome"], more) for item in items]
    added = more * len(items)
    judged.append((whole["good"], whole["fair"], needed_whole, whole["grade"], added))
    return any(
        grade_of(good + of_good, fair + of_fair, needed=least_) != grade
        for good, fair, least_, grade, votes in judged
        for of_good, of_fair in ((votes, 0), (0, votes), (0, 0))
    )
