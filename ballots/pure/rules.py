"""What may stand on a ballot: the rules of one vote and the faults of a selection. Pure."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from yiwu_vote.texts import MARKS, folded, same, typed

TITLE_LIMIT = 30
DETAIL_LIMIT = 200
UNIT_LIMIT = 30
# More marks upon one letter than any language writes.
PILE = 5
UNSAFE = {"Cc", "Cf", "Cs"}

Form = Literal["choose", "each", "grades"]
Proposals = Literal["counted", "advisory", "off"]
Majority = Literal["all", "present", "valid", "none"]
Body = Literal["congress", "committee"]


@dataclass(frozen=True)
class Rules:
    """The rules of one vote as adopted in its 表决办法 (design §4.1); frozen at opening.

    `places` is the number of projects to adopt and the most that a ballot may choose, and 0 in a
    满意度测评, which fills none; only there the boundaries of 满意 mean something, of each item and
    of the whole. `delegates_total` is T (全体代表), None while nobody has typed it.
    """

    places: int
    form: Form = "choose"
    exactly: bool = False
    blank_allowed: bool = True
    proposals: Proposals = "counted"
    proposal_limit: int = 3
    majority: Majority = "all"
    delegates_total: int | None = None
    boundary: str = "1/2"
    boundary_included: bool = True
    whole_boundary: str = "1/2"
    whole_boundary_included: bool = True

    @property
    def is_graded(self) -> bool:
        """Whether a ballot gives grades (满意度测评) instead of choosing."""
        return self.form == "grades"


@dataclass(frozen=True)
class Proposal:
    """A project that a delegate proposes on the ballot (推荐项目)."""

    title: str
    detail: str = ""
    unit: str = ""

    @property
    def texts(self) -> tuple[str, str, str]:
        return self.title, self.detail, self.unit


@dataclass(frozen=True)
class Selection:
    """What stands on one ballot: candidate numbers (for, against) and proposals, no person.

    In a 满意度测评 `chosen` are 满意, `fair` are 基本满意 and `against` are 不满意.
    """

    chosen: tuple[int, ...] = ()
    against: tuple[int, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    fair: tuple[int, ...] = ()

    def places_used(self, rules: Rules) -> int:
        """Return how many of the places this ballot uses: proposals count where they are votes."""
        if rules.is_graded:
            return 0
        return len(self.chosen) + (len(self.proposals) if rules.proposals == "counted" else 0)

    @property
    def is_blank(self) -> bool:
        return not (self.chosen or self.fair or self.against or self.proposals)


@dataclass(frozen=True)
class Fault:
    """One reason why a selection is no legal ballot; `code` is for programs and stored words.

    `number` is the candidate number or the proposal's place (from 1) that the fault is about,
    `other` a second one, `count` how many are too many or too few or were given.
    """

    code: str
    number: int = 0
    other: int = 0
    count: int = 0


# --- texts ----------------------------------------------------------------------------------------


def same_text(left: str, right: str) -> bool:
    """Tell whether two titles are the same but for width, case, blanks and what nobody sees."""
    return same(left, right)


def is_plain(text: str) -> bool:
    """Tell whether `text` is in NFC without control, format or surrogate characters.

    A line feed is allowed (a proposal's content may have paragraphs). Zero-width joiners and
    bidirectional overrides are format characters: they make two equal-looking texts differ.
    """
    return unicodedata.is_normalized("NFC", text) and all(
        char == "\n" or unicodedata.category(char) not in UNSAFE for char in text
    )


def is_seen(text: str) -> bool:
    """Tell whether `text` is plain and all of it can be seen: its normal form but for its blanks.

    Marks in a pile are painted over the lines around them, on the screen of the hall too.
    """
    is_whole = is_plain(text) and typed(text, lines=True).split() == text.split()
    return is_whole and not _has_pile(text)


def _has_pile(text: str) -> bool:
    pile = 0
    for char in text:
        pile = pile + 1 if unicodedata.category(char) in MARKS else 0
        if pile == PILE:
            return True
    return False


def is_name(text: str) -> bool:
    """Tell whether `text` can be read out: it has a letter or a digit."""
    return any(char.isalnum() for char in text[:TITLE_LIMIT])


def folded_before(text: str) -> str:
    """Return `text` as two were compared before there was one normal form: what is unseen counted."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


@dataclass(frozen=True)
class Reading:
    """What a proposal's text must be, and what of it makes two the same.

    Never asked about a text that is over its limit: to compose one could take long.
    """

    is_name: Callable[[str], bool]
    is_fair: Callable[[str], bool]
    folded: Callable[[str], str]


# How a ballot is judged when it is cast. One that lies in the box may have been cast before that was
# so, and is judged by what was legal then: a stricter rule makes no ballot invalid afterwards.
STRICT = Reading(is_name, is_seen, folded)
AS_CAST = Reading(lambda text: bool(text.strip()), is_plain, folded_before)


# --- the judge ------------------------------------------------------------------------------------


def faults(
    selection: Selection,
    rules: Rules,
    candidates: Mapping[int, str],
    *,
    reading: Reading = STRICT,
) -> list[Fault]:
    """Return every reason why `selection` is no legal ballot under `rules`; none: it is legal.

    `candidates` maps each candidate number to its title. The same function judges the form, the
    cast and the opened envelope (AS_CAST), so that no ballot is accepted by one and refused by
    another.
    A blank ballot is legal where `rules.blank_allowed`; that it was meant is the form's question.
    """
    found = _faults_of_choices(selection, rules, candidates)
    found += _faults_of_proposals(selection, rules, candidates, reading)
    used = selection.places_used(rules)
    if used > rules.places:
        found.append(Fault("too-many", count=used - rules.places, number=used))
    if selection.is_blank:
        if not rules.blank_allowed:
            found.append(Fault("blank"))
    elif rules.exactly and used < rules.places:
        found.append(Fault("too-few", count=rules.places - used, number=used))
    return found


def _faults_of_choices(
    selection: Selection, rules: Rules, candidates: Collection[int]
) -> list[Fault]:
    marked = selection.chosen + selection.fair + selection.against
    found = [Fault("not-on-list", number=n) for n in marked if n not in candidates]
    found += [Fault("repeated", number=n) for n, times in Counter(marked).items() if times > 1]
    if selection.against and rules.form == "choose":
        found.append(Fault("no-against"))
    if selection.fair and not rules.is_graded:
        found.append(Fault("no-grades"))
    return found


def _faults_of_proposals(
    selection: Selection, rules: Rules, candidates: Mapping[int, str], reading: Reading
) -> list[Fault]:
    proposals = selection.proposals
    if not proposals:
        return []
    if rules.proposals == "off":
        return [Fault("proposals-off")]
    found: list[Fault] = []
    if len(proposals) > rules.proposal_limit:
        found.append(Fault("too-many-proposals", count=len(proposals) - rules.proposal_limit))
    titles = {reading.folded(title): number for number, title in candidates.items()}
    first_at: dict[str, int] = {}
    for position, proposal in enumerate(proposals, start=1):
        found += faults_of_text(proposal, position, reading=reading)
        if len(proposal.title) > TITLE_LIMIT:
            # Refused already; to fold a text of any length could take long.
            continue
        title = reading.folded(proposal.title)
        if title in titles:
            found.append(Fault("proposal-is-candidate", number=position, other=titles[title]))
        if first_at.setdefault(title, position) != position:
            found.append(Fault("proposal-repeated", number=first_at[title], other=position))
    return found


def faults_of_text(proposal: Proposal, position: int, *, reading: Reading = STRICT) -> list[Fault]:
    """Return what is wrong with the texts of one proposal, the one at `position` (from 1) of its ballot."""
    found = []
    if not reading.is_name(proposal.title):
        found.append(Fault("proposal-no-title", number=position))
    too_long = []
    if len(proposal.title) > TITLE_LIMIT:
        too_long.append(Fault("title-too-long", number=position, count=len(proposal.title)))
    if len(proposal.detail) > DETAIL_LIMIT:
        too_long.append(Fault("detail-too-long", number=position, count=len(proposal.detail)))
    if len(proposal.unit) > UNIT_LIMIT:
        too_long.append(Fault("unit-too-long", number=position, count=len(proposal.unit)))
    # What is too long is refused already, and not looked at.
    is_fair = bool(too_long) or all(reading.is_fair(text) for text in proposal.texts)
    if not is_fair or "\n" in proposal.title + proposal.unit:
        found.append(Fault("proposal-bad-text", number=position))
    return found + too_long
