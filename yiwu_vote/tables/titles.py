"""The header of an uploaded table: which column is which, in the words that people write above it. Pure."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from yiwu_vote.tables.grid import Line
from yiwu_vote.texts import IGNORABLE

# A header stands among the first rows, below titles at most.
WITHIN = 10
LONGEST = 60

# What people put to a title to say how it is to be filled in. What a bracket says of the unit of a
# column or of the kind of a name is no such remark, and makes another title.
REMARK = re.compile(
    r"[(\[【](?:必填|必须|选填|可选|可填|非必填|不必填|可不填|可空|文本|如|例|格式|请|填写|限|不超过|\d+位|\d+字)"
    r"[^)\]】]*[)\]】]"
)
ORDINAL = re.compile(r"^(?:\d{1,2}[.、)]|\(\d{1,2}\)|[①-⑳])(?=\D|20\d\d年)")
# The year of a plan before the title of its column: 2026年度目标.
YEAR = re.compile(r"^20\d\d年度?(?=.)")
MARKS = "*※★☆●:.。、"


@dataclass(frozen=True)
class Columns:
    """The columns that a table may have, by their titles; `others` are usual other names of each."""

    known: Sequence[str]
    required: Sequence[str]
    others: Mapping[str, Sequence[str]]

    def title_of(self, cell: str) -> str:
        """Return which column is meant by a cell of the header, or the cell without its blanks."""
        plain = _plain(cell)
        # The year of a plan may tell a column apart, 2026年投资 from 总投资, or say nothing.
        for bare in (YEAR.sub("本年", plain), YEAR.sub("", plain)):
            for title in self.known:
                if bare == _plain(title) or bare in self.others.get(title, ()):
                    return title
        return "".join(cell[:LONGEST].split())

    def is_header(self, cells: Sequence[str]) -> bool:
        """Tell whether a row names all the columns that must be there."""
        return set(self.required) <= {self.title_of(cell) for cell in cells}


@dataclass(frozen=True)
class Header:
    """The header of a table: its titles, its cells as they stand there, and the rows below it."""

    titles: tuple[str, ...]
    cells: tuple[str, ...]
    below: tuple[Line, ...]
    above: tuple[Line, ...] = ()


def header_of(lines: Sequence[Line], columns: Columns) -> Header:
    """Return the header: the first row that is one, else that of the first which looks most like one.

    A second row right below it that names the columns as well is part of it: 联系方式 over 手机, 座机.
    """
    first = list(lines[:WITHIN])
    at = next((at for at, line in enumerate(first) if columns.is_header(line.cells)), None)
    if at is None:
        at = max(range(len(first)), key=lambda at: _known(first[at], columns))
    cells = list(lines[at].cells)
    below = at + 1
    while below < len(lines) and columns.is_header(lines[below].cells):
        lower = lines[below].cells
        cells += [""] * (len(lower) - len(cells))
        cells[: len(lower)] = [new or old for new, old in zip(lower, cells, strict=False)]
        below += 1
    titles = tuple(columns.title_of(cell) for cell in cells)
    return Header(titles, tuple(cells), tuple(lines[below:]), tuple(lines[:at]))


def faults_of(header: Header, columns: Columns) -> list[str]:
    """Return what is wrong with a header: columns that are missing, and those that are there twice."""
    known = [title for title in header.titles if title in columns.known]
    missing = "".join(f"“{title}”" for title in columns.required if title not in known)
    if missing:
        recognised = "、".join(dict.fromkeys(known)) or "无"
        return [f"表头缺少{missing}列。已识别：{recognised}。"]
    faults = []
    for title in columns.known:
        cells = [
            "".join(cell.split())
            for cell, own in zip(header.cells, header.titles, strict=True)
            if own == title
        ]
        if len(set(cells)) > 1:
            named = "".join(f"“{cell}”" for cell in dict.fromkeys(cells))
            faults.append(
                f"表头中{named}都可以是“{title}”列，请只保留一个，或给不导入的列换一个名称。"
            )
        elif len(cells) > 1:
            faults.append(f"表头有多个“{title}”列，请只保留一个。")
    return faults


def ignored(header: Header, columns: Columns) -> tuple[str, ...]:
    """Name the unknown columns; one without a title only if something stands in it."""
    return tuple(
        title or f"第{position + 1}列"
        for position, title in enumerate(header.titles)
        if title not in columns.known
        and (title or any(any(line.cells[position : position + 1]) for line in header.below))
    )


def _known(line: Line, columns: Columns) -> int:
    return len({columns.title_of(cell) for cell in line.cells} & set(columns.known))


def _plain(cell: str) -> str:
    """Return a title as it is compared: without blanks, width, marks, its number and remarks."""
    if len(cell) > LONGEST:
        return ""
    plain = "".join(unicodedata.normalize("NFKC", IGNORABLE.sub("", cell)).split())
    plain = REMARK.sub("", plain).strip(MARKS)
    return ORDINAL.sub("", plain).strip(MARKS)
