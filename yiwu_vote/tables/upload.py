"""An uploaded table under its header: bytes in, rows and problems out. Pure.

What a column means is the question of the module that asked: the roll, the candidates. Here is what
they have in common: the cells of a line, what stands around the rows, and how all that is wrong is
told at once.
"""

import hashlib
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from yiwu_vote import texts
from yiwu_vote.tables import around, grid, reading, titles, unmeant
from yiwu_vote.tables.grid import Line
from yiwu_vote.tables.titles import Columns
from yiwu_vote.tables.unmeant import Unmeant

Row = TypeVar("Row")

# Lone surrogates, private use, the sign for what was lost, and unassigned ones: somebody saw
# something in their place, and nobody else sees it. An old encoding puts rare surnames there.
UNREADABLE = frozenset({"Cs", "Co", "Cn"})
UNREADABLE_WORDS = "含有不可见或无法显示的字符"
SHOWN_LIMIT = 20
# An optional cell that is left empty, or says in so many words that there is nothing to say.
SAYS_NOTHING = frozenset({"", "-", "--", "/", "无", "—", "——"})


@dataclass(frozen=True)
class Problem:
    """What is wrong, where, in words for the staff.

    `line` is 0 where the whole file is meant. `number` is the 代表证号 to name beside the line. Where
    `text` has {value} in it, that stands for what the cell says: lines that differ in nothing else
    are told in one (`problems.grouped`). `remedy` names what the page of the import can offer.
    """

    line: int
    text: str
    number: str = ""
    value: str = ""
    remedy: str = ""

    @property
    def words(self) -> str:
        """What is wrong, without the line."""
        return self.text.replace("{value}", f"“{self.value}”")

    def __str__(self) -> str:
        if not self.line:
            return self.words
        whose = f"（代表证号 {self.number}）" if self.number else ""
        return f"第{self.line}行{whose}：{self.words}"


@dataclass(frozen=True)
class Parsed(Generic[Row]):
    """What a file holds: each line below the header is a row, has a problem, or is left out.

    `ignored` names the columns that are not known, `notes` tell what was left out and what was
    understood in another way than it stands there.
    """

    rows: tuple[Row, ...] = ()
    problems: tuple[Problem, ...] = ()
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class Cells:
    """The cells of one line by their titles, and what is found to be wrong with them (`problems`).

    `line` is the row as Excel shows it. A column that the file lacks has no cell. `unread` are the
    cells that the reader could not read as they are shown, and why; `merged` show what stands above.
    """

    by_title: Mapping[str, str]
    required: Sequence[str] = ()
    line: int = 0
    unread: Mapping[str, str] = field(default_factory=dict)
    merged: frozenset[str] = frozenset()
    problems: list[Problem] = field(default_factory=list)

    def __contains__(self, title: str) -> bool:
        return title in self.by_title

    def fault(self, text: str, value: str = "") -> None:
        """Note what is wrong with this line; `value` is put where `text` says {value}."""
        self.problems.append(Problem(self.line, text, value=shown(value)))

    def raw(self, title: str, limit: int) -> str:
        """Return the cell as it is shown; empty where it cannot be read or is far too long."""
        if title in self.unread:
            self.fault(f"{title}{self.unread[title]}")
            return ""
        raw = self.by_title.get(title, "")
        if not texts.is_within(raw, limit):
            self.fault(f"{title}超过{limit}个字")
            return ""
        return raw

    def text(
        self,
        title: str,
        clean: Callable[[str], str],
        limit: int,
        *,
        may_break: bool = False,
        unless: Unmeant = unmeant.IN_ANY,
    ) -> str:
        """Return the cell as `clean` makes it, or tell a fault and return nothing.

        With `may_break` it may hold several lines; `unless` tells what nobody can have meant. Length
        is asked before anything is composed.
        """
        told = len(self.problems)
        raw = self.raw(title, limit)
        if len(self.problems) > told:
            return ""
        value = clean(raw)
        if not is_readable(raw):
            self.fault(f"{title}{{value}}{UNREADABLE_WORDS}", raw)
        elif not may_break and "\n" in raw.strip():
            self.fault(f"{title}{{value}}分成几行，请改为一行", raw)
        elif not value and title in self.required:
            self.fault(f"{title}为空")
        elif len(value) > limit:
            self.fault(f"{title}超过{limit}个字")
        elif fault := unless(value):
            self.fault(f"{title}{{value}}{fault}", raw)
        else:
            return value
        return ""


@dataclass(frozen=True)
class Once:
    """What two lines may not share: as it is compared, and as it is written."""

    key: object
    written: str


def parse(
    content: bytes | str,
    row_of: Callable[[Cells], Row],
    *,
    columns: Columns,
    once: Callable[[Row], Mapping[str, Once]],
    limit: int = grid.ROWS_LIMIT,
    unit: str = "行",
) -> Parsed[Row]:
    """Return the rows that `row_of` makes of an uploaded or pasted table, and all its problems.

    The header is the first of the first ten rows that names all required columns; titles above it,
    sums and notes below are left out, and said. A file that cannot be read, lacks a column or is
    longer than `limit` is one Problem with line 0. What `once` names by its title, two lines may not
    share, unless it is empty.
    """
    try:
        table = reading.read(content, columns.is_header)
    except grid.SheetRefused as refusal:
        return Parsed(problems=(Problem(0, str(refusal)),))
    header = titles.header_of(table.lines, columns)
    notes = list(table.notes)
    faults = titles.faults_of(header, columns)
    lines = [] if faults else _rows_below(header, columns, notes)
    if not faults and not lines:
        faults = ["表头之下没有内容。"]
    if not faults and len(lines) > limit:
        faults = [f"表格超过{limit}{unit}，请检查后再上传。"]
    if faults:
        problems = tuple(Problem(0, fault) for fault in faults)
        return Parsed(problems=problems, notes=tuple(notes))

    rows: list[Row] = []
    found: list[Problem] = []
    first_lines: dict[tuple[str, object], tuple[int, str]] = {}
    for line in lines:
        cells = _cells(line, header.titles, columns.required)
        row = row_of(cells)
        for title, value in once(row).items():
            if not value.key:
                continue
            first, written = first_lines.setdefault(
                (title, value.key), (line.number, value.written)
            )
            if first != line.number and title in cells.merged:
                cells.fault(f"{title}与上一行同在合并的单元格中，请将这几行并为一行，格内可以分行")
            elif first != line.number:
                same = "重复" if written == value.written else f"的“{shown(written)}”是同一个"
                cells.fault(f"{title}“{shown(value.written)}”与第{first}行{same}")
        found += cells.problems
        if not cells.problems:
            rows.append(row)
    return Parsed(tuple(rows), tuple(found), titles.ignored(header, columns), tuple(notes))


# --- details --------------------------------------------------------------------------------------


def _rows_below(header: titles.Header, columns: Columns, notes: list[str]) -> list[Line]:
    """Return the lines that are rows; what is left out, and where, is added to `notes`."""
    left_out: dict[str, list[int]] = {}
    if header.above:
        left_out["在表头之上"] = [line.number for line in header.above]
    rows = []
    for line in header.below:
        why = around.why_no_row(line, header.titles, columns)
        if why:
            left_out.setdefault(why, []).append(line.number)
        else:
            rows.append(line)
    notes += [f"第{grid.ranges(numbers)}行{why}，未读取。" for why, numbers in left_out.items()]
    return rows


def _cells(line: Line, own: Sequence[str], required: Sequence[str]) -> Cells:
    by_title = dict.fromkeys(own, "") | dict(zip(own, line.cells, strict=False))
    unread = {own[position]: fault for position, fault in line.faults if position < len(own)}
    merged = frozenset(own[position] for position in line.merged if position < len(own))
    cells = Cells(by_title, required, line.number, unread, merged)
    if len(line.cells) > len(own):
        # In a CSV file a comma too many moves all that follows one column to the right.
        cells.fault(f"有{len(line.cells)}格内容，表头只有{len(own)}列")
    return cells


def fault_of(text: str) -> str:
    """Return why no column takes `text`, or nothing: what goes on from its title and the text."""
    if not is_readable(text):
        return UNREADABLE_WORDS
    return grid.ERROR if grid.is_error(text) else ""


def is_readable(text: str) -> bool:
    """Tell whether whoever reads `text` sees in every character what its author saw.

    What nobody sees at all does not count: it is taken off like blanks around a text.
    """
    return not any(
        char == "\ufffd"
        or (unicodedata.category(char) in UNREADABLE and ord(char) not in texts.IDEOGRAPHS)
        for char in texts.IGNORABLE.sub("", text)
    )


def code(text: str) -> str:
    """Return `text` as a number or a code is compared: no blanks, full-width signs as ASCII.

    Leading zeros stay: it is text.
    """
    return "".join(unicodedata.normalize("NFKC", texts.typed(text)).split())


def shown(text: str) -> str:
    """Return `text` fit to be quoted in a message: not too long, and nothing unseen in it."""
    start = text[: 4 * SHOWN_LIMIT].replace("\n", "↵")
    seen = "".join(
        char if is_readable(char) else "\ufffd" for char in texts.IGNORABLE.sub("", start)
    )
    return seen if len(seen) <= SHOWN_LIMIT else seen[:SHOWN_LIMIT] + "…"


def fingerprint(*told: Any) -> str:
    """Return a short text that is another as soon as anything of `told` is: plain texts and figures.

    A plan to import carries that of the rows it was compared with, so that nothing is written over
    what somebody changed after the preview.
    """
    return hashlib.sha256(repr(told).encode()).hexdigest()
