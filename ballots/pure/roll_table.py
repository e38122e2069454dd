"""The roll of delegates as an uploaded table: bytes in, rows and problems out. Pure.

The first step of the import: everything that can be said about the file by itself. Whether a
delegation exists and who is new is asked afterwards, in `acts.delegates`.
"""

import re
import unicodedata
from dataclasses import dataclass

from yiwu_vote.tables import sheets, upload
from yiwu_vote.tables.upload import Cells, Parsed

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


def template_xlsx() -> bytes:
    """Return an empty roll to fill in, its cells formatted as text so that 001 keeps its zeros."""
    return sheets.xlsx_bytes("代表名册", TEMPLATE_HEADER, [])


def parse(content: bytes) -> Parsed[RollRow]:
    """Return the rows and all the problems of an uploaded roll; raises nothing.

    The first row must be the header: 代表证号, 姓名 and 代表团 in any order, and 序号, 联系电话, 座位
    if wanted.
    """
    return upload.parse(
        content,
        _row,
        columns=TEMPLATE_HEADER,
        required=REQUIRED,
        once=lambda row: {"代表证号": row.number},
    )


def _row(cells: Cells) -> RollRow:
    """Return one line as a row; a wrong cell is left empty in it."""
    number = cells.text("代表证号", upload.code, NUMBER_LIMIT)
    name = cells.text("姓名", _name, NAME_LIMIT)
    delegation = cells.text("代表团", _name, DELEGATION_LIMIT)
    order = upload.code(cells.raw("序号"))
    if order and not _is_digits(order, most=ORDER_DIGITS):
        cells.faults.append(f"序号“{upload.shown(cells.raw('序号'))}”不是整数")
        order = ""
    phone = re.sub("[-‐–—]", "", upload.code(cells.raw("联系电话")))
    if phone and not _is_digits(phone, least=PHONE_DIGITS, most=PHONE_DIGITS):
        cells.faults.append(f"联系电话“{upload.shown(cells.raw('联系电话'))}”不是{PHONE_DIGITS}位")
        phone = ""
    return RollRow(
        line=cells.line,
        number=number,
        name=name,
        delegation=delegation,
        order=int(order) if order else None,
        phone=phone,
        seat=cells.text("座位", upload.spaced, SEAT_LIMIT),
    )


def _name(text: str) -> str:
    return FILLER.sub("", unicodedata.normalize("NFC", text))


def _is_digits(text: str, *, least: int = 1, most: int) -> bool:
    return text.isascii() and text.isdigit() and least <= len(text) <= most
