"""The roll of delegates as an uploaded table: bytes in, rows and problems out. Pure.

The first step of the import: everything that can be said about the file by itself. Whether a
delegation exists and who is new is asked afterwards, in `acts.delegates`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ballots.pure import identity
from ballots.pure.identity import Person
from yiwu_vote import texts
from yiwu_vote.tables import around, sheets, unmeant, upload
from yiwu_vote.tables.titles import Columns
from yiwu_vote.tables.unmeant import Unmeant
from yiwu_vote.tables.upload import Cells, Once, Parsed

TEMPLATE_HEADER = ("代表证号", "姓名", "代表团", "序号", "联系电话", "座位", "状态", "常委会")
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
        "常委会": ("常委会组成人员", "是否常委会组成人员", "常委会委员", "常委"),
    },
)

NUMBER_LIMIT = 20
NAME_LIMIT = 30
DELEGATION_LIMIT = 50
SEAT_LIMIT = 20
ORDER_DIGITS = len(str(identity.PLACE_LIMIT))
PHONE_LIMIT = 30

NO_DELEGATION = "代表团为空"
UNMERGED = f"{NO_DELEGATION}；如原来是合并的单元格，请逐行填写"

# What a cell of 状态 may say, and the value of `DelegateStatus` that it means.
STATUSES = {"在任": "active", "暂停": "suspended", "列席": "observer", "终止": "ended"}
STATUS_WORDS = {value: words for words, value in STATUSES.items()}
# What a cell of 常委会 says of a member, and of one who is none; it is written as the first or empty.
MEMBER = ("是", "√", "✓")
NO_MEMBER = upload.SAYS_NOTHING | {"否"}

DASHES = re.compile("[-‐‑‒–—―−()（）]+")
CHINA = re.compile(r"^-?(?:\+|00)86-?")
MOBILE = re.compile(r"1[3-9]\d{9}", re.ASCII)
ABROAD = re.compile(r"(?:\+|00)([1-9]\d{6,14})", re.ASCII)
# Of the code of a place its first 0 tells that it is one; a number without the code is of the place.
LANDLINE = re.compile(
    r"-?(?:(0(?:10|2\d|[3-9]\d{2}))-?)?([2-9]\d{6,7})(?:(?:-|转|#|ext\.?|x)(\d{1,6}))?",
    re.ASCII | re.IGNORECASE,
)

# What is refused in a cell of text, in the form of a delegate as well: there it could be kept, and no
# table would bring it back. A seat of 1E5 or 3-5 is one; a name is what has a letter.
NAMING = unmeant.first_of(unmeant.IN_ANY, unmeant.nothing, unmeant.spoilt, unmeant.clock)
UNLESS: dict[str, Unmeant] = {
    "代表证号": unmeant.first_of(*(NAMING, unmeant.lost_digits, around.total, around.signature)),
    "姓名": unmeant.first_of(NAMING, unmeant.exponent, unmeant.no_word),
    "代表团": unmeant.first_of(NAMING, unmeant.exponent, unmeant.days),
    "座位": unmeant.first_of(unmeant.IN_ANY, unmeant.spoilt),
}


@dataclass(frozen=True)
class RollRow:
    """One delegate as the file has it, cleaned. `line` is the row as Excel shows it.

    None stands for a column that the file lacks: there, a delegate keeps what he has. An empty cell
    empties what he has: `order` is 0 then, `phone` and `seat` are "". `status` is a value of
    `DelegateStatus`; a cell left empty says nothing, so that it is None as well.
    `on_committee` is whether a cell of 常委会 says 是; left empty, it says no.
    """

    line: int
    number: str
    name: str
    delegation: str
    order: int | None = None
    phone: str | None = None
    seat: str | None = None
    status: str | None = None
    on_committee: bool | None = None


def template_xlsx() -> bytes:
    """Return an empty roll to fill in, its cells formatted as text so that 001 keeps its zeros."""
    return sheets.xlsx_bytes("代表名册", TEMPLATE_HEADER, [])


def register_xlsx(people: Iterable[Person]) -> bytes:
    """Return the register in the columns of the template, to be edited and imported again."""
    return sheets.xlsx_bytes("代表名册", TEMPLATE_HEADER, [cells_of(person) for person in people])


def cells_of(person: Person) -> tuple[str, ...]:
    """Return a delegate as a line of the table, every cell a text."""
    return (
        person.number,
        person.name,
        person.delegation,
        str(person.order or ""),
        person.phone,
        person.seat,
        STATUS_WORDS[person.status],
        member_word(person.on_committee),
    )


def member_word(on_committee: bool) -> str:
    """Return what stands in a cell of 常委会."""
    return MEMBER[0] if on_committee else ""


def parse(content: bytes | str) -> Parsed[RollRow]:
    """Return the rows and all the problems of an uploaded or pasted roll; raises nothing.

    Its header has 代表证号, 姓名 and 代表团 in any order, and 序号, 联系电话, 座位, 状态, 常委会 if wanted.
    """
    parsed = upload.parse(
        content,
        _row,
        columns=COLUMNS,
        once=lambda row: {"代表证号": Once(texts.number_key(row.number), row.number)},
    )
    # One blank was forgotten; several below others are what is left where cells were merged.
    blank = [problem for problem in parsed.problems if problem.text == NO_DELEGATION]
    if len(blank) < 2 or not parsed.rows:
        return parsed
    hinted = [
        replace(problem, text=UNMERGED) if problem in blank else problem
        for problem in parsed.problems
    ]
    return replace(parsed, problems=tuple(hinted))


def fault_of(title: str, text: str) -> str:
    """Return why no table may have `text`, in its normal form, in a column of text, or nothing.

    What forms and tables take is one thing: whatever the register holds can be exported and imported
    again, and changes nothing.
    """
    return upload.fault_of(text) or UNLESS[title](text)


def _row(cells: Cells) -> RollRow:
    """Return one line as a row; a wrong cell is left empty in it."""
    if "姓名" in cells.merged and "代表证号" not in cells.merged:
        cells.fault("姓名与上一行同在合并的单元格中，请取消合并，逐行填写")
    return RollRow(
        line=cells.line,
        number=cells.text("代表证号", identity.number_of, NUMBER_LIMIT, unless=UNLESS["代表证号"]),
        name=cells.text("姓名", identity.name_of, NAME_LIMIT, unless=UNLESS["姓名"]),
        delegation=cells.text(
            *("代表团", identity.name_of, DELEGATION_LIMIT),
            may_break=True,
            unless=UNLESS["代表团"],
        ),
        order=_order(cells) if "序号" in cells else None,
        phone=_phone(cells) if "联系电话" in cells else None,
        seat=cells.text("座位", texts.typed, SEAT_LIMIT, may_break=True, unless=UNLESS["座位"])
        if "座位" in cells
        else None,
        status=_status(cells),
        on_committee=_on_committee(cells) if "常委会" in cells else None,
    )


def _order(cells: Cells) -> int:
    raw = cells.raw("序号", NUMBER_LIMIT)
    order = upload.code(raw)
    if _is_digits(order, most=ORDER_DIGITS):
        return int(order)
    if order not in upload.SAYS_NOTHING:
        cells.fault("序号{value}不是整数", raw)
    return 0


def _phone(cells: Cells) -> str:
    """Return a number as it is dialled: a mobile one bare, the parts of a landline with hyphens."""
    raw = cells.raw("联系电话", PHONE_LIMIT)
    phone = phone_of(raw)
    if upload.code(raw) not in upload.SAYS_NOTHING and not phone:
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


def _on_committee(cells: Cells) -> bool:
    raw = cells.raw("常委会", SEAT_LIMIT)
    said = upload.code(raw)
    if said not in {*MEMBER, *NO_MEMBER}:
        cells.fault("常委会{value}应为“是”或空白", raw)
    return said in MEMBER


def _is_digits(text: str, *, most: int) -> bool:
    return text.isascii() and text.isdigit() and 0 < len(text) <= most
