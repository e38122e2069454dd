"""The roll of delegates as an uploaded table: bytes in, rows and problems out. Pure.

The first step of the import: everything that can be said about the file by itself. Whether a
delegation exists and who is new is asked afterwards, in `acts.delegates`.
"""

import re
import unicodedata
from dataclasses import dataclass

from yiwu_vote import texts
from yiwu_vote.tables import sheets, upload
from yiwu_vote.tables.upload import Cells, Parsed

TEMPLATE_HEADER = ("代表证号", "姓名", "代表团", "序号", "联系电话", "座位", "状态")
REQUIRED = TEMPLATE_HEADER[:3]

NUMBER_LIMIT = 20
NAME_LIMIT = 30
DELEGATION_LIMIT = 50
SEAT_LIMIT = 20
ORDER_DIGITS = 6
PHONE_LIMIT = 30

# What a cell of 状态 may say, and the value of `DelegateStatus` that it means.
STATUSES = {"在任": "active", "暂停": "suspended", "列席": "observer", "终止": "ended"}

DASHES = re.compile("[-‐‑‒–—―−()（）]+")
CHINA = re.compile(r"^-?(?:\+|00)86-?")
MOBILE = re.compile(r"1[3-9]\d{9}", re.ASCII)
ABROAD = re.compile(r"(?:\+|00)([1-9]\d{6,14})", re.ASCII)
# Of the code of a place its first 0 tells that it is one; a number without the code is of the place.
LANDLINE = re.compile(
    r"-?(?:(0(?:10|2\d|[3-9]\d{2}))-?)?([2-9]\d{6,7})(?:(?:-|转|#|ext\.?|x)(\d{1,6}))?",
    re.ASCII | re.IGNORECASE,
)

# A blank between two Latin letters parts two words; any other blank in a name is a filler.
FILLER = re.compile(r"(?<![A-Za-z])\s+|\s+(?![A-Za-z])")


@dataclass(frozen=True)
class RollRow:
    """One delegate as the file has it, cleaned. `line` is the row as Excel shows it.

    None stands for a column that the file lacks: there, a delegate keeps what he has. An empty cell
    empties what he has: `order` is 0 then, `phone` and `seat` are "". `status` is a value of
    `DelegateStatus`; a cell left empty says nothing, so that it is None as well.
    """

    line: int
    number: str
    name: str
    delegation: str
    order: int | None = None
    phone: str | None = None
    seat: str | None = None
    status: str | None = None


def template_xlsx() -> bytes:
    """Return an empty roll to fill in, its cells formatted as text so that 001 keeps its zeros."""
    return sheets.xlsx_bytes("代表名册", TEMPLATE_HEADER, [])


def parse(content: bytes) -> Parsed[RollRow]:
    """Return the rows and all the problems of an uploaded roll; raises nothing.

    The first row must be the header: 代表证号, 姓名 and 代表团 in any order, and 序号, 联系电话, 座位,
    状态 if wanted.
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
    return RollRow(
        line=cells.line,
        number=cells.text("代表证号", upload.code, NUMBER_LIMIT),
        name=cells.text("姓名", _name, NAME_LIMIT),
        delegation=cells.text("代表团", _name, DELEGATION_LIMIT),
        order=_order(cells) if "序号" in cells else None,
        phone=_phone(cells) if "联系电话" in cells else None,
        seat=cells.text("座位", upload.spaced, SEAT_LIMIT) if "座位" in cells else None,
        status=_status(cells),
    )


def _order(cells: Cells) -> int:
    raw = cells.raw("序号")
    order = upload.code(raw)
    if _is_digits(order, most=ORDER_DIGITS):
        return int(order)
    if order:
        cells.faults.append(f"序号“{upload.shown(raw)}”不是整数")
    return 0


def _phone(cells: Cells) -> str:
    """Return a number as it is dialled: a mobile one bare, the parts of a landline with hyphens."""
    raw = cells.raw("联系电话")
    if texts.is_within(raw, PHONE_LIMIT):
        phone = phone_of(raw)
        if phone or not raw:
            return phone
    cells.faults.append(
        f"联系电话“{upload.shown(raw)}”不是一个电话号码，请填写一个11位手机号，或带区号的固定电话"
    )
    return ""


def phone_of(text: str) -> str:
    """Return a telephone number as it is kept, or nothing if `text` is none.

    Groups, brackets and +86 do not count: 138 0013 8000 is 13800138000, (0579)85123456转8001 is
    0579-85123456-8001. A number of another country keeps its +. The caller has asked `is_within`.
    """
    written = DASHES.sub("-", upload.code(text))
    at_home = CHINA.sub("", written)
    digits = at_home.replace("-", "")
    if MOBILE.fullmatch(digits):
        return digits
    landline = LANDLINE.fullmatch(at_home) or LANDLINE.fullmatch(digits)
    if landline:
        return "-".join(filter(None, landline.groups()))
    abroad = ABROAD.fullmatch(written.replace("-", ""))
    return f"+{abroad[1]}" if abroad else ""


def _status(cells: Cells) -> str | None:
    raw = cells.raw("状态")
    status = upload.code(raw)
    if status and status not in STATUSES:
        cells.faults.append(f"状态“{upload.shown(raw)}”不是{'、'.join(STATUSES)}中的一种")
    return STATUSES.get(status)


def _name(text: str) -> str:
    return FILLER.sub("", unicodedata.normalize("NFC", text))


def _is_digits(text: str, *, least: int = 1, most: int) -> bool:
    return text.isascii() and text.isdigit() and least <= len(text) <= most
