"""The roll of delegates as an uploaded table: bytes in, rows and problems out. Pure.

The first step of the import: everything that can be said about the file by itself. Whether a
delegation exists and who is new is asked afterwards, in `acts.delegates`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ballots.pure import identity
from ballots.pure.identity import Person
from yiwu_vote import texts
from yiwu_vote.tables import grid, sheets, upload
from yiwu_vote.tables.titles import Columns
from yiwu_vote.tables.upload import Cells, Once, Parsed

TEMPLATE_HEADER = ("代表证号", "姓名", "代表团", "序号", "联系电话", "座位", "状态")
COLUMNS = Columns(
    TEMPLATE_HEADER,
    required=TEMPLATE_HEADER[:3],
    others={
        "代表证号": ("证号", "代表证", "代表证编号", "代表证号码", "代表编号", "代表号", "编号"),
        "姓名": ("名字", "代表姓名", "代表"),
        "代表团": ("所属代表团", "代表团名称", "所在代表团", "团组", "所属团组", "代表团组"),
        "序号": ("序", "顺序", "排序", "团内序号", "顺序号"),
        "联系电话": (
            *("手机", "手机号", "手机号码", "电话", "电话号码", "联系方式", "移动电话"),
            *("联系手机", "联系号码", "手机电话"),
        ),
        "座位": ("座位号", "座次", "席位", "座号"),
        "状态": ("代表状态", "任职状态"),
    },
)

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

# What Excel makes of 1-2 and of twelve digits, where they are saved as text after that.
SPOILT_NUMBER = re.compile(
    r"\d{1,2}月\d{1,2}日|\d{4}年\d{1,2}月(?:\d{1,2}日)?|\d{4}/\d{1,2}/\d{1,2}|\d+(?:\.\d+)?E\+\d+"
    r"|(?:\d{1,2}-)?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)(?:-\d{2})?",
    re.IGNORECASE | re.ASCII,
)
# How people say in a cell that there is nothing to say.
NOTHING = frozenset({"-", "--", "/", "无", "—", "——"})


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


def register_xlsx(people: Iterable[Person]) -> bytes:
    """Return the register in the columns of the template, to be edited and imported again."""
    return sheets.xlsx_bytes("代表名册", TEMPLATE_HEADER, [cells_of(person) for person in people])


def cells_of(person: Person) -> tuple[str, ...]:
    """Return a delegate as a line of the table, every cell a text."""
    words = {value: words for words, value in STATUSES.items()}
    return (
        person.number,
        person.name,
        person.delegation,
        str(person.order or ""),
        person.phone,
        person.seat,
        words[person.status],
    )


def parse(content: bytes | str) -> Parsed[RollRow]:
    """Return the rows and all the problems of an uploaded or pasted roll; raises nothing.

    Its header has 代表证号, 姓名 and 代表团 in any order, and 序号, 联系电话, 座位, 状态 if wanted.
    """
    return upload.parse(
        content,
        _row,
        columns=COLUMNS,
        once=lambda row: {"代表证号": Once(texts.number_key(row.number), row.number)},
    )


def _row(cells: Cells) -> RollRow:
    """Return one line as a row; a wrong cell is left empty in it."""
    return RollRow(
        line=cells.line,
        number=_number(cells),
        name=cells.text("姓名", identity.name_of, NAME_LIMIT),
        delegation=cells.text("代表团", identity.name_of, DELEGATION_LIMIT, may_break=True),
        order=_order(cells) if "序号" in cells else None,
        phone=_phone(cells) if "联系电话" in cells else None,
        seat=cells.text("座位", texts.typed, SEAT_LIMIT, may_break=True)
        if "座位" in cells
        else None,
        status=_status(cells),
    )


def _number(cells: Cells) -> str:
    number = cells.text("代表证号", identity.number_of, NUMBER_LIMIT)
    if SPOILT_NUMBER.fullmatch(number):
        cells.fault(f"代表证号{{value}}像是被 Excel 改成了日期或科学记数，{grid.AS_TEXT}", number)
        return ""
    return number


def _order(cells: Cells) -> int:
    raw = cells.raw("序号", NUMBER_LIMIT)
    order = upload.code(raw)
    if _is_digits(order, most=ORDER_DIGITS):
        return int(order)
    if order and order not in NOTHING:
        cells.fault("序号{value}不是整数", raw)
    return 0


def _phone(cells: Cells) -> str:
    """Return a number as it is dialled: a mobile one bare, the parts of a landline with hyphens."""
    raw = cells.raw("联系电话", PHONE_LIMIT)
    phone = phone_of(raw)
    if upload.code(raw) not in {"", *NOTHING} and not phone:
        cells.fault(
            "联系电话{value}不是一个电话号码，请填写一个11位手机号，或带区号的固定电话", raw
        )
    return phone


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
    raw = cells.raw("状态", SEAT_LIMIT)
    status = upload.code(raw)
    if status and status not in STATUSES:
        cells.fault(f"状态{{value}}不是{'、'.join(STATUSES)}中的一种", raw)
    return STATUSES.get(status)


def _is_digits(text: str, *, most: int) -> bool:
    return text.isascii() and text.isdigit() and 0 < len(text) <= most
