"""The roll of delegates as an uploaded table: bytes in, rows and problems out. Pure.

The first step of the import (DESIGN §7, ux.md §9.3): everything that can be said about the file
by itself. Whether a delegation exists and who is new is asked afterwards, in `enrolment`.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from yiwu_vote import sheets

TEMPLATE_HEADER = ("代表证号", "姓名", "代表团", "序号", "联系电话", "座位")
REQUIRED = TEMPLATE_HEADER[:3]

NUMBER_LIMIT = 20
NAME_LIMIT = 30
DELEGATION_LIMIT = 50
SEAT_LIMIT = 20
ORDER_DIGITS = 6
PHONE_DIGITS = 11

# Control, format, surrogate and private-use characters: on a card and on a phone nobody sees
# them, or everybody sees something else. An old encoding turns rare surnames into private use.
UNREADABLE = frozenset({"Cc", "Cf", "Cs", "Co"})
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
    faults = _faults_of_header(titles)
    if not faults and not lines:
        faults = [Problem(0, "表头之下没有内容。")]
    if faults:
        return Roll(problems=tuple(faults))

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
    return Roll(tuple(rows), tuple(problems), _ignored(titles, lines))


def _faults_of_header(titles: list[str]) -> list[Problem]:
    known = [title for title in titles if title in TEMPLATE_HEADER]
    missing = "".join(f"“{title}”" for title in REQUIRED if title not in known)
    if missing:
        recognised = "、".join(dict.fromkeys(known)) or "无"
        return [Problem(0, f"表头缺少{missing}列。已识别：{recognised}。")]
    return [
        Problem(0, f"表头有多个“{title}”列，请只保留一个。")
        for title in TEMPLATE_HEADER
        if known.count(title) > 1
    ]


def _ignored(titles: list[str], lines: list[sheets.Line]) -> tuple[str, ...]:
    """Name the unknown columns; one without a title only if something stands in it."""
    return tuple(
        title or f"第{place + 1}列"
        for place, title in enumerate(titles)
        if title not in TEMPLATE_HEADER
        and (title or any(any(line.cells[place : place + 1]) for line in lines))
    )


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
        if not is_readable(raw):
            texts.append(f"{title}“{_shown(raw)}”含有不可见或无法显示的字符")
        elif not value and title in REQUIRED:
            texts.append(f"{title}为空")
        elif len(value) > limit:
            texts.append(f"{title}超过{limit}个字")
        else:
            return value
        return ""

    number = cell("代表证号", _code, NUMBER_LIMIT)
    name = cell("姓名", _name, NAME_LIMIT)
    delegation = cell("代表团", _name, DELEGATION_LIMIT)
    order = _code(cells.get("序号", ""))
    if order and not _is_digits(order, most=ORDER_DIGITS):
        texts.append(f"序号“{_shown(cells['序号'])}”不是整数")
        order = ""
    phone = re.sub("[-‐–—]", "", _code(cells.get("联系电话", "")))
    if phone and not _is_digits(phone, least=PHONE_DIGITS, most=PHONE_DIGITS):
        texts.append(f"联系电话“{_shown(cells['联系电话'])}”不是{PHONE_DIGITS}位")
        phone = ""
    seat = cell("座位", _spaced, SEAT_LIMIT)
    row = RollRow(line.number, number, name, delegation, int(order) if order else None, phone, seat)
    return row, texts


def is_readable(text: str) -> bool:
    """Tell whether every character of `text` is one that a reader can see as it was meant."""
    return "\ufffd" not in text and not any(
        unicodedata.category(char) in UNREADABLE for char in text
    )


def _name(text: str) -> str:
    return FILLER.sub("", unicodedata.normalize("NFC", text))


def _code(text: str) -> str:
    # NFKC turns full-width digits, letters and hyphens into ASCII. Leading zeros stay: it is text.
    return "".join(unicodedata.normalize("NFKC", text).split())


def _spaced(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _is_digits(text: str, *, least: int = 1, most: int) -> bool:
    return text.isascii() and text.isdigit() and least <= len(text) <= most


def _shown(text: str) -> str:
    """Return `text` fit to be quoted in a message: not too long, and nothing unseen in it."""
    seen = "".join(char if is_readable(char) else "\ufffd" for char in text)
    return seen if len(seen) <= NUMBER_LIMIT else seen[:NUMBER_LIMIT] + "…"
