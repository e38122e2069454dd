"""The roll of delegates as an uploaded table: bytes in, rows and problems out. Pure.

The first step of the import (DESIGN §7, ux.md §9.3): everything that can be said about the file
by itself. Whether a delegation exists and who is new is asked afterwards, in `acts.enrolment`.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from yiwu_vote.tables import sheets, upload

TEMPLATE_HEADER = ("代表证号", "姓名", "代表团", "序号", "联系电话", "座位")
REQUIRED = TEMPLATE_HEADER[:3]

NUMBER_LIMIT = 20
NAME_LIMIT = 30
DELEGATION_LIMIT = 50
SEAT_LIMIT = 20
ORDER_DIGITS = 6
PHONE_DIGITS = 11

# A blank between two Latin letters parts two words; any other blank in a name is a filler.
FILLER = re.compile(r"(?<![A-Za-z])\s+|\s+(?![A-Za-z])")


@dataclass(frozen=True)
class RollRow:
    """One delegate as the file has it, cleaned. `line` is the row as Excel shows it.

    `order` is None, `phone` and `seat` are empty where the file says nothing.
    """

    line: int
    number: str
    name: str
    delegation: str
    order: int | None = None
    phone: str = ""
    seat: str = ""


@dataclass(frozen=True)
class Problem:
    """What is wrong, where, in words for the staff (ux.md I3 to I5).

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
class Roll:
    """What a file holds: each line below the header is a row, or has at least one problem.

    `ignored` names the columns that the roll does not know.
    """

    rows: tuple[RollRow, ...] = ()
    problems: tuple[Problem, ...] = ()
    ignored: tuple[str, ...] = ()


def template_xlsx() -> bytes:
    """Return an empty roll to fill in, its cells formatted as text so that 001 keeps its zeros."""
    return sheets.xlsx_bytes("代表名册", TEMPLATE_HEADER, [])


def parse(content: bytes) -> Roll:
    """Return the rows and all the problems of an uploaded roll; raises nothing.

    The first row must be the header: 代表证号, 姓名 and 代表团 in any order, and 序号, 联系电话, 座位
    if wanted. A file that cannot be read, or lacks a column, is one Problem with line 0.
    """
    try:
        header, *lines = sheets.read(content)
    except sheets.SheetRefused as refusal:
        return Roll(problems=(Problem(0, str(refusal)),))
    titles = ["".join(cell.split()) for cell in header.cells]
    faults = upload.faults_of_header(titles, columns=TEMPLATE_HEADER, required=REQUIRED)
    if not faults and not lines:
        faults = ["表头之下没有内容。"]
    if faults:
        return Roll(problems=tuple(Problem(0, fault) for fault in faults))

    rows: list[RollRow] = []
    problems: list[Problem] = []
    first_lines: dict[str, int] = {}
    for line in lines:
        row, texts = _row(line, titles)
        if row.number:
            first = first_lines.setdefault(row.number, line.number)
            if first != line.number:
                texts.append(f"代表证号“{row.number}”与第{first}行重复")
        problems += [Problem(line.number, text) for text in texts]
        if not texts:
            rows.append(row)
    ignored = upload.ignored_columns(titles, lines, columns=TEMPLATE_HEADER)
    return Roll(tuple(rows), tuple(problems), ignored)


def _row(line: sheets.Line, titles: list[str]) -> tuple[RollRow, list[str]]:
    """Return the row of `line` and what is wrong with it; a wrong cell is left empty."""
    texts: list[str] = []
    if len(line.cells) > len(titles):
        # In a CSV file a comma too many moves all that follows one column to the right.
        texts.append(f"有{len(line.cells)}格内容，表头只有{len(titles)}列")
    cells = dict(zip(titles, line.cells, strict=False))

    def cell(title: str, clean: Callable[[str], str], limit: int) -> str:
        raw = cells.get(title, "")
        value = clean(raw)
        if not upload.is_readable(raw):
            texts.append(f"{title}“{upload.shown(raw)}”含有不可见或无法显示的字符")
        elif not value and title in REQUIRED:
            texts.append(f"{title}为空")
        elif len(value) > limit:
            texts.append(f"{title}超过{limit}个字")
        else:
            return value
        return ""

    number = cell("代表证号", upload.code, NUMBER_LIMIT)
    name = cell("姓名", _name, NAME_LIMIT)
    delegation = cell("代表团", _name, DELEGATION_LIMIT)
    order = upload.code(cells.get("序号", ""))
    if order and not _is_digits(order, most=ORDER_DIGITS):
        texts.append(f"序号“{upload.shown(cells['序号'])}”不是整数")
        order = ""
    phone = re.sub("[-‐–—]", "", upload.code(cells.get("联系电话", "")))
    if phone and not _is_digits(phone, least=PHONE_DIGITS, most=PHONE_DIGITS):
        texts.append(f"联系电话“{upload.shown(cells['联系电话'])}”不是{PHONE_DIGITS}位")
        phone = ""
    seat = cell("座位", upload.spaced, SEAT_LIMIT)
    row = RollRow(line.number, number, name, delegation, int(order) if order else None, phone, seat)
    return row, texts


def _name(text: str) -> str:
    return FILLER.sub("", unicodedata.normalize("NFC", text))


def _is_digits(text: str, *, least: int = 1, most: int) -> bool:
    return text.isascii() and text.isdigit() and least <= len(text) <= most
