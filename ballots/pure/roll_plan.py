"""What a table of the roll would do to the register: compared, told and asked. Pure.

A number is the number of one person. Whatever of a row could mean somebody else is a question with
a tick of its own; a row whose question is left open changes nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from ballots.pure import roll_table
from ballots.pure.identity import Person, alike, likeness
from ballots.pure.roll_table import RollRow
from yiwu_vote import texts
from yiwu_vote.tables.upload import Problem, fingerprint

ENDED = "ended"
# The remedy of a row whose delegation is not there.
ADD = "add-delegations"
# The tick that takes over the file's spelling of every number.
ALL_NUMBERS = "numbers"
# From so many rows on, if they are more than half of the file, it is the file that is wrong.
SUSPICIOUS = 3

MOVED_NUMBERS = (
    "{moved}行的姓名在名录中都是另一个代表证号，代表证号的前导零可能丢失了，或者代表证号一列有误。请更正后重新上传。"
    "如已换届、全部重新编号，请先将原代表的状态改为“终止”，并在代表资料中为其改用其他代表证号。"
)
MOVED_NAMES = "{moved}行的姓名在名录中都是另一个代表证号的代表，姓名一列可能错了一行，或者排序时没有带上其他列。请更正后重新上传。"

# What of somebody who stands on the roll of a poll that runs no table changes: one person
# could otherwise take a vote away, give one, or hand a card to somebody else.
NOT_AT_THE_VOTE = {
    "姓名": "票决正在进行，名册上代表的姓名不能更改；公布后再更正，应由另一人投票的，请新增代表并增补到名册。",
    "状态": "票决正在进行，不能用导入更改状态，请在“更改状态”中办理。",
}
# Taken for a rename, somebody new would have left office before he came.
OF_ONE_WHO_LEFT = (
    "这个代表证号属于已终止的另一名代表。新代表沿用此证号的，请先在原代表的资料中改用其他代表证号"
    "（如在后面加“旧”），再导入；是同一个人更名的，请在文件中加上状态一列。"
)


@dataclass(frozen=True)
class Change:
    """One field of a delegate that a row changes, in words: what it is called, old and new."""

    title: str
    old: str
    new: str


@dataclass(frozen=True)
class Entry:
    """A row, whom it is about (None: somebody new), what it changes, and what has to be asked.

    `others` are the people, by their numbers, whom this one would be taken for; `likenesses` says
    of each of them why.
    """

    row: RollRow
    person: Person | None = None
    changes: tuple[Change, ...] = ()
    others: tuple[str, ...] = ()
    likenesses: tuple[str, ...] = ()

    @property
    def number(self) -> str:
        return self.row.number

    @property
    def is_rename(self) -> bool:
        """Whether somebody else's name comes under a number; another spelling of it is none."""
        return self.person is not None and texts.name_key(self.row.name) != texts.name_key(
            self.person.name
        )

    @property
    def is_other_spelling(self) -> bool:
        """Whether the file writes the number otherwise than the register."""
        return self.person is not None and self.row.number != self.person.number

    @property
    def barred(self) -> str:
        """Why the row is left out whatever is ticked; empty where it is not."""
        if self.person is None:
            return ""
        if self.person.status == ENDED and self.is_rename and self.row.status is None:
            return OF_ONE_WHO_LEFT
        if not self.person.at_the_vote:
            return ""
        titles = {change.title for change in self.changes}
        return "".join(words for title, words in NOT_AT_THE_VOTE.items() if title in titles)

    @property
    def may_take_number(self) -> bool:
        """Whether the file's spelling of the number may be taken over."""
        return self.person is not None and self.is_other_spelling and not self.person.at_the_vote

    @property
    def rename_tick(self) -> str:
        return f"rename-{self.row.line}"

    @property
    def number_tick(self) -> str:
        return f"number-{self.row.line}"

    @property
    def other_tick(self) -> str:
        return f"other-{self.row.line}"

    def is_agreed(self, ticks: Collection[str]) -> bool:
        """Tell whether the row may be taken over, and each question about it has its tick."""
        return (
            not self.barred
            and (not self.is_rename or self.rename_tick in ticks)
            and (not self.others or self.other_tick in ticks)
        )

    @property
    def all_ticks(self) -> set[str]:
        return {self.rename_tick, self.number_tick, self.other_tick}


@dataclass(frozen=True)
class ImportPlan:
    """What an import would do; nothing is written before it is confirmed.

    `absent` are the people of the register whom the file does not name, those who have left office
    apart. `seen` stands for what the plan was compared with. Once the ticks are known (`decided`),
    `left_out` are the rows that change nothing, because their question was left open or they are
    barred, and `takes_numbers` the lines whose spelling of the number is taken over.
    """

    entries: tuple[Entry, ...] = ()
    new_delegations: tuple[str, ...] = ()
    absent: tuple[Person, ...] = ()
    problems: tuple[Problem, ...] = ()
    seen: str = ""
    left_out: tuple[Entry, ...] = ()
    takes_numbers: frozenset[int] = field(default_factory=frozenset)

    @property
    def new(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.person is None]

    @property
    def updated(self) -> list[Entry]:
        return [
            entry
            for entry in self.entries
            if entry.person
            and not entry.barred
            and (entry.changes or entry.row.line in self.takes_numbers)
        ]

    @property
    def unchanged(self) -> list[Entry]:
        updated = {entry.row.line for entry in self.updated}
        return [
            entry
            for entry in self.entries
            if entry.person and not entry.barred and entry.row.line not in updated
        ]

    @property
    def barred(self) -> list[Entry]:
        """The rows that are left out whatever is ticked."""
        return [entry for entry in self.entries if entry.barred]

    @property
    def asked(self) -> list[Entry]:
        """The rows that are left out unless they are ticked."""
        return [
            entry
            for entry in self.entries
            if (entry.is_rename or entry.others) and not entry.barred
        ]

    @property
    def renumbered(self) -> list[Entry]:
        """The rows whose number the register writes otherwise."""
        return [entry for entry in self.entries if entry.is_other_spelling]

    @property
    def ended(self) -> list[Entry]:
        """The rows about people who have left office and stay so."""
        return [
            entry
            for entry in self.entries
            if entry.person
            and not entry.barred
            and entry.person.status == ENDED
            and entry.row.status in {None, ENDED}
        ]

    def decided(self, ticks: Collection[str] | None) -> "ImportPlan":
        """Return the plan with its questions answered; None agrees to everything."""
        if ticks is None:
            ticks = {tick for entry in self.entries for tick in entry.all_ticks}
        agreed = tuple(entry for entry in self.entries if entry.is_agreed(ticks))
        return replace(
            self,
            entries=agreed,
            left_out=tuple(entry for entry in self.entries if not entry.is_agreed(ticks)),
            takes_numbers=frozenset(
                entry.row.line
                for entry in agreed
                if entry.may_take_number and {entry.number_tick, ALL_NUMBERS} & set(ticks)
            ),
        )


def plan_of(
    rows: Sequence[RollRow],
    people: Sequence[Person],
    delegations: Sequence[str],
    *,
    add_delegations: bool,
    told_apart: Collection[frozenset[str]] = (),
) -> ImportPlan:
    """Compare `rows` with the `people` and `delegations` of the register.

    `told_apart` are pairs of numbers of people of whom somebody said already that they are two.
    With `add_delegations` unknown delegations will be added instead of being a problem.
    """
    known = {texts.folded(name): name for name in delegations}
    unknown: dict[str, str] = {}
    for row in rows:
        if texts.folded(row.delegation) not in known:
            unknown.setdefault(texts.folded(row.delegation), row.delegation)
    spelling = unknown | known
    rows = [replace(row, delegation=spelling[texts.folded(row.delegation)]) for row in rows]
    found = _matched(rows, people)
    entries = [
        Entry(row, person, _changes(person, row) if person else ())
        for row, person in zip(rows, found, strict=True)
    ]
    entries = _with_others(entries, people, told_apart)
    matched = {person.number for person in found if person}
    problems = [*_twice(entries), *_moved(entries, people)]
    if not add_delegations:
        problems += _unknown(rows, unknown)
    return ImportPlan(
        entries=tuple(entries),
        new_delegations=tuple(unknown.values()) if add_delegations else (),
        absent=tuple(
            person for person in people if person.number not in matched and person.status != ENDED
        ),
        problems=tuple(problems),
        seen=fingerprint(
            # Whether somebody is at the vote counts only where a row is barred by it.
            [replace(person, at_the_vote=False) for person in found if person],
            [entry.row.line for entry in entries if entry.barred],
            list(unknown.values()),
            [(entry.row.line, entry.others) for entry in entries],
        ),
    )


def _matched(rows: Sequence[RollRow], people: Sequence[Person]) -> list[Person | None]:
    """Return whom each row is about: by the number as it stands there, else by what it means."""
    by_number = {person.number: person for person in people}
    by_key = {texts.number_key(person.number): person for person in people}
    return [by_number.get(row.number) or by_key.get(texts.number_key(row.number)) for row in rows]


def _changes(person: Person, row: RollRow) -> tuple[Change, ...]:
    """Return what `row` changes; a column that the file lacks changes nothing."""
    fields = [
        Change("姓名", person.name, row.name),
        Change("代表团", person.delegation, row.delegation),
    ]
    if row.order is not None:
        fields.append(Change("序号", str(person.order or ""), str(row.order or "")))
    if row.phone is not None:
        # An earlier version kept other forms of a number.
        phone = roll_table.phone_of(person.phone) or person.phone
        fields.append(Change("联系电话", phone, row.phone))
    if row.seat is not None:
        fields.append(Change("座位", person.seat, row.seat))
    if row.status is not None:
        words = roll_table.STATUS_WORDS
        fields.append(Change("状态", words[person.status], words[row.status]))
    if row.on_committee is not None:
        was, is_now = map(roll_table.member_word, (person.on_committee, row.on_committee))
        fields.append(Change("常委会", was, is_now))
    return tuple(change for change in fields if change.old != change.new)


def _with_others(
    entries: Sequence[Entry], people: Sequence[Person], told_apart: Collection[frozenset[str]]
) -> list[Entry]:
    """Return the entries with those for whom they would be taken, unless that was so before.

    A barred row leaves its person as he is. Of two rows the later one is asked. Whoever has left
    office is nobody's namesake any more.
    """
    rows = {entry.person.number: entry for entry in entries if entry.person and not entry.barred}
    after = [
        _Standing(person.number, _person_after(entry), entry.row.line if entry.changes else 0)
        if (entry := rows.get(person.number))
        else _Standing(person.number, person)
        for person in people
    ]
    after += [
        _Standing(entry.number, _person_after(entry), entry.row.line)
        for entry in entries
        if entry.person is None
    ]
    in_office = [standing for standing in after if standing.person.status != ENDED]
    were = [person for person in people if person.status != ENDED]
    known = {frozenset(were[place].number for place in pair) for pair in alike(were)}
    known.update(told_apart)
    others: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for pair in alike([standing.person for standing in in_office]):
        one, other = sorted((in_office[place] for place in pair), key=lambda each: each.line)
        if other.line and frozenset({one.number, other.number}) not in known:
            why = f"与{one.person}{likeness(one.person, other.person)}"
            others[other.line].append((one.number, why))
    return [
        replace(
            entry,
            others=tuple(number for number, _why in others[entry.row.line]),
            likenesses=tuple(why for _number, why in others[entry.row.line]),
        )
        for entry in entries
    ]


@dataclass(frozen=True)
class _Standing:
    """Somebody as he would stand in the register, and the row (0: none) that makes him so."""

    number: str
    person: Person
    line: int = 0


def _person_after(entry: Entry) -> Person:
    """Return the delegate of a row as he would be after the import."""
    row = entry.row
    person = entry.person or Person(row.number, row.name, row.delegation)
    return replace(
        person,
        name=row.name,
        delegation=row.delegation,
        phone=person.phone if row.phone is None else row.phone,
        status=row.status or person.status,
    )


# --- what is wrong --------------------------------------------------------------------------------


def _unknown(rows: Sequence[RollRow], unknown: Collection[str]) -> list[Problem]:
    """Return the rows whose delegation is not there; the preview offers to add it."""
    words = "没有“{name}”，请先新增或更正。也可勾选一并新增代表团。"
    return [
        Problem(row.line, words.format(name=row.delegation), number=row.number, remedy=ADD)
        for row in rows
        if texts.folded(row.delegation) in unknown
    ]


def _twice(entries: Sequence[Entry]) -> list[Problem]:
    """Return the rows whose number is that of an earlier row, written otherwise or not."""
    first: dict[str, RollRow] = {}
    problems = []
    for entry in entries:
        row, person = entry.row, entry.person
        key = person.number if person else texts.number_key(row.number)
        earlier = first.setdefault(("known " if person else "new ") + key, row)
        if earlier is not row:
            words = f"与第{earlier.line}行的“{earlier.number}”是同一个代表证号，请只保留一行。"
            problems.append(Problem(row.line, words, number=row.number))
    return problems


def _moved(entries: Sequence[Entry], people: Sequence[Person]) -> list[Problem]:
    """Return one problem where most names of the file stand in the register under other numbers."""
    numbers: dict[str, set[str]] = defaultdict(set)
    for person in people:
        if person.status != ENDED:
            numbers[texts.name_key(person.name)].add(person.number)
    moved = [
        entry
        for entry in entries
        if (there := numbers.get(texts.name_key(entry.row.name)))
        and (entry.person is None or (entry.is_rename and entry.person.number not in there))
    ]
    if len(moved) < SUSPICIOUS or 2 * len(moved) <= len(entries):
        return []
    fresh = sum(entry.person is None for entry in moved)
    words = MOVED_NUMBERS if 2 * fresh > len(moved) else MOVED_NAMES
    return [Problem(0, words.format(moved=len(moved)))]
