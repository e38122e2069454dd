"""An uploaded table under its header: bytes in, rows and problems out. Pure.

What a column means is the question of the module that asked: the roll, the candidates. Here is what
they have in common: the header, the cells of a line, and how all that is wrong is told at once.
"""

import hashlib
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from yiwu_vote.tables import sheets
from yiwu_vote.tables.sheets import Line

Row = TypeVar("Row")

# Control, format, surrogate and private-use characters: on a card and on a phone nobody sees
# them, or everybody sees something else. An old encoding turns rare surnames into private use.
UNREADABLE = frozenset({"Cc", "Cf", "Cs", "Co"})
SHOWN_LIMIT = 20
# What parts the lines and the columns of a text inside one cell.
BREAKS = str.maketrans("\r\n\t", "   ")


@dataclass(frozen=True)
class Problem:
    """What is wrong, where, in words for the staff.

    `line` is 0 where the whole file is meant. `number` is the 代表证号 to name beside the line.
    """

    line: int
    text: str
    number: str = ""

    def __str__(self) -> str:
        if not self.line:
            return self.text
        whose = f"（代表证号 {self.number}）" if self.number else ""
        return f"第{self.line}行{whose}：{self.text}"


@dataclass(frozen=True)
class Parsed(Generic[Row]):
    """What a file holds: each line below the header is a row, or has at least one problem.

    `ignored` names the columns that are not known.
    """

    rows: tuple[Row, ...] = ()
    problems: tuple[Problem, ...] = ()
    ignored: tuple[str, ...] = ()


@dataclass
class Cells:
    """The cells of one line by their titles, and what is found to be wrong with them (`faults`).

    `line` is the row as Excel shows it. A column that the file lacks has no cell.
    """

    by_title: Mapping[str, str]
    required: Sequence[str] = ()
    line: int = 0
    faults: list[str] = field(default_factory=list)

    def __contains__(self, title: str) -> bool:
        return title in self.by_title

    def raw(self, title: str) -> str:
        """Return the cell as it stands in the file; empty where the file has none."""
        return self.by_title.get(title, "")

    def text(
        self, title: str, clean: Callable[[str], str], limit: int, *, may_break: bool = False
    ) -> str:
        """Return the cell as `clean` makes it, or tell a fault and return nothing.

        With `may_break` it may hold several lines.
        """
        raw = self.raw(title)
        value = clean(raw)
        if not is_readable(raw.translate(BREAKS) if may_break else raw):
            self.faults.append(f"{title}“{shown(raw)}”含有不可见或无法显示的字符")
        elif not value and title in self.required:
            self.faults.append(f"{title}为空")
        elif len(value) > limit:
            self.faults.append(f"{title}超过{limit}个字")
        else:
            return value
        return ""


def bare(title: str) -> str:
    """Return a title as it is compared: blanks in it do not matter."""
    return "".join(title.split())


def parse(
    content: bytes,
    row_of: Callable[[Cells], Row],
    *,
    columns: Sequence[str],
    required: Sequence[str],
    once: Callable[[Row], Mapping[str, object]],
    title_of: Callable[[str], str] = bare,
    limit: int = sheets.ROWS_LIMIT,
    unit: str = "行",
) -> Parsed[Row]:
    """Return the rows that `row_of` makes of an uploaded table, and all its problems.

    The first row must be the header: the `required` ones of `columns` in any order, the others if
    wanted. A file that cannot be read, lacks a column or is longer than `limit` is one Problem with
    line 0. What `once` names by its title, two lines may not share, unless it is empty.
    """
    try:
        header, *lines = sheets.read(content)
    except sheets.SheetRefused as refusal:
        return Parsed(problems=(Problem(0, str(refusal)),))
    titles = [title_of(cell) for cell in header.cells]
    faults = faults_of_header(titles, columns=columns, required=required)
    if not faults and not lines:
        faults = ["表头之下没有内容。"]
    if not faults and len(lines) > limit:
        faults = [f"表格超过{limit}{unit}，请检查后再上传。"]
    if faults:
        return Parsed(problems=tuple(Problem(0, fault) for fault in faults))

    rows: list[Row] = []
    problems: list[Problem] = []
    first_lines: dict[tuple[str, object], int] = {}
    for line in lines:
        cells = _cells(line, titles, required)
        row = row_of(cells)
        for title, value in once(row).items():
            first = first_lines.setdefault((title, value), line.number) if value else line.number
            if first != line.number:
                cells.faults.append(f"{title}“{value}”与第{first}行重复")
        problems += [Problem(line.number, fault) for fault in cells.faults]
        if not cells.faults:
            rows.append(row)
    return Parsed(tuple(rows), tuple(problems), ignored_columns(titles, lines, columns=columns))


def _cells(line: Line, titles: Sequence[str], required: Sequence[str]) -> Cells:
    by_title = dict.fromkeys(titles, "") | dict(zip(titles, line.cells, strict=False))
    cells = Cells(by_title, required, line.number)
    if len(line.cells) > len(titles):
        # In a CSV file a comma too many moves all that follows one column to the right.
        cells.faults.append(f"有{len(line.cells)}格内容，表头只有{len(titles)}列")
    return cells


def faults_of_header(
    titles: Sequence[str], *, columns: Sequence[str], required: Sequence[str]
) -> list[str]:
    """Return what is wrong with a header: `required` columns that are missing, known ones twice."""
    known = [title for title in titles if title in columns]
    missing = "".join(f"“{title}”" for title in required if title not in known)
    if missing:
        recognised = "、".join(dict.fromkeys(known)) or "无"
        return [f"表头缺少{missing}列。已识别：{recognised}。"]
    return [f"表头有多个“{title}”列，请只保留一个。" for title in columns if known.count(title) > 1]


def ignored_columns(
    titles: Sequence[str], lines: Sequence[Line], *, columns: Sequence[str]
) -> tuple[str, ...]:
    """Name the unknown columns; one without a title only if something stands in it."""
    return tuple(
        title or f"第{position + 1}列"
        for position, title in enumerate(titles)
        if title not in columns
        and (title or any(any(line.cells[position : position + 1]) for line in lines))
    )


def is_readable(text: str) -> bool:
    """Tell whether every character of `text` is one that a reader can see as it was meant."""
    return "\ufffd" not in text and not any(
        unicodedata.category(char) in UNREADABLE for char in text
    )


def code(text: str) -> str:
    """Return `text` as a number or a code is compared: no blanks, full-width signs as ASCII.

    Leading zeros stay: it is text.
    """
    return "".join(unicodedata.normalize("NFKC", text).split())


def spaced(text: str) -> str:
    """Return `text` with single blanks only, and its characters composed (NFC)."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def shown(text: str) -> str:
    """Return `text` fit to be quoted in a message: not too long, and nothing unseen in it."""
    seen = "".join(char if is_readable(char) else "\ufffd" for char in text)
    return seen if len(seen) <= SHOWN_LIMIT else seen[:SHOWN_LIMIT] + "…"


def fingerprint(*told: Any) -> str:
    """Return a short text that is another as soon as anything of `told` is: plain texts and figures.

    A plan to import carries that of the rows it was compared with, so that nothing is written over
    what somebody changed after the preview.
    """
    return hashlib.sha256(repr(told).encode()).hexdigest()
