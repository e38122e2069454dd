"""Candidates as an uploaded table: bytes in, candidates and problems out. Pure.

The first step of the import, in the way of the roll's: everything that can be said about the file
by itself. Which candidates a poll already has is asked afterwards, in `importing`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from yiwu_vote import texts
from yiwu_vote.tables import around, sheets, unmeant, upload
from yiwu_vote.tables.titles import Columns
from yiwu_vote.tables.unmeant import Unmeant
from yiwu_vote.tables.upload import Cells, Once, Parsed

TEMPLATE_HEADER = (
    "编号",
    "项目名称",
    "建设内容",
    "类别",
    "责任单位",
    "总投资（万元）",
    "本年投资（万元）",
    "资金来源",
    "完成时限",
    "实施范围",
    "年度目标",
    "子项",
)
COLUMNS = Columns(
    TEMPLATE_HEADER,
    required=TEMPLATE_HEADER[1:3],
    others={
        "编号": ("序号", "序", "项目编号", "项目序号", "候选项目编号"),
        "项目名称": (
            *("名称", "项目", "项目名", "实事项目", "实事项目名称", "民生实事项目", "候选项目"),
            *("候选项目名称", "民生实事项目名称", "标题"),
        ),
        "建设内容": (
            *("内容", "主要内容", "项目内容", "实施内容", "具体内容", "主要建设内容"),
            *("建设内容及规模", "建设内容和规模", "建设规模及内容", "建设规模和内容"),
            *("主要建设内容及规模", "主要建设内容和规模", "建设内容与规模"),
        ),
        "类别": ("项目类别", "分类", "类型", "项目类型", "领域", "所属领域"),
        "责任单位": (
            *("单位", "牵头单位", "责任部门", "牵头部门", "主管部门", "实施单位", "主办单位"),
            *("牵头责任单位", "项目责任单位", "承办单位"),
        ),
        "总投资（万元）": (
            *("总投资万元", "投资(万元)", "投资额(万元)", "总投资额(万元)", "估算投资(万元)"),
            *("估算总投资(万元)", "计划投资(万元)", "项目总投资(万元)", "计划总投资(万元)"),
        ),
        "本年投资（万元）": (
            *("本年度投资(万元)", "年度投资(万元)", "当年投资(万元)", "年度计划投资(万元)"),
            *("本年计划投资(万元)", "本年度计划投资(万元)", "当年计划投资(万元)"),
        ),
        "资金来源": ("资金渠道", "经费来源", "资金筹措", "资金筹措方式", "资金来源渠道"),
        "完成时限": ("完成时间", "时限", "完成期限", "计划完成时间", "完成日期"),
        "实施范围": ("范围", "实施地点", "建设地点", "地点", "实施区域", "项目地点"),
        "年度目标": ("目标", "目标任务", "年度目标任务", "年度工作目标", "工作目标"),
        "子项": ("子项目", "子项及投资", "子项名称", "子项名称及投资", "分项", "分项工程"),
    },
)

# No ballot is that long: a file with more rows is another table.
CANDIDATES_LIMIT = 100
NUMBER_LIMIT = 32_767
# Those of the models' columns; for the two without a limit, what a page can bear.
TITLE_LIMIT = 60
TEXT_LIMIT = 2_000
CATEGORY_LIMIT = 20
UNIT_LIMIT = 60
DEADLINE_LIMIT = 30
FUNDING_LIMIT = 100
SITE_LIMIT = 100
# Of one target, and of the text of one sub-item; so many lines may stand in one cell.
LINE_LIMIT = 100
LINES_LIMIT = 20
# What a sum takes behind a text.
SUM_LIMIT = 20

INVESTMENT_LIMIT = 30
NUMBER_DIGITS = 10
# What is refused in a text, in the form of a candidate as well: there it could be kept, and no table
# would bring it back. 3-5, 1E5 and 12:30 are titles, 2026年12月 a time by which something is done.
IN_WORDS = unmeant.first_of(unmeant.IN_ANY, unmeant.spoilt)
NEEDED = unmeant.first_of(IN_WORDS, unmeant.nothing)
UNLESS: dict[str, Unmeant] = {
    "项目名称": unmeant.first_of(NEEDED, around.total, around.signature),
    "建设内容": NEEDED,
    "类别": IN_WORDS,
    "责任单位": IN_WORDS,
    "资金来源": IN_WORDS,
    "完成时限": unmeant.first_of(
        *(unmeant.IN_ANY, unmeant.foreign_date, unmeant.clock, unmeant.days)
    ),
    "实施范围": IN_WORDS,
}
INVESTMENT = re.compile(r"(?P<figure>\d{1,10}(?:\.\d{1,8})?)(?P<unit>万元?|亿元?|)", re.ASCII)
SUM = re.compile(r"\d{1,10}(\.\d{1,2})?", re.ASCII)
# The figure of a target ends its line: “…1.5万套”, “…率达70%”, “…1,000户”. Not a figure are what
# follows a Latin letter or 第 (PM2.5, 第3期), the end of a range (10—20所) and the unit of a date or
# an age with more behind it (65周岁以上老年人, 2026年底前完成).
FIGURE = re.compile(
    r"(?P<text>.*[^\d A-Za-z第.,．])(?<!\d[-‐–—~～至到×:：/，、和与及]) ?"
    r"(?P<quantity>[1-9]\d{0,2}(?:,\d{3}){1,2}(?:\.\d{1,3})?|(?:0|[1-9]\d{0,8})(?:\.\d{1,3})?)"
    r" ?(?!(?:年|月|日|岁|周岁|号|期|季度|[#＃]).)(?P<unit>[^\d .,;:()，。、；：？！（）“”《》]{0,6})",
    re.ASCII,
)
# The sum of a sub-item ends its line, behind a sign or in brackets: “…，1,200万元”, “…（1.2亿元）”. What
# follows a word may be part of it, such as “每户补助2万元”, and stays text.
SUM_OF_ITEM = re.compile(
    r"(?P<text>.*?\S)(?: ?(?P<open>[（(])| ?[，：:] ?|(?<!\d), ?| )(?:投资)?"
    r"(?P<figure>\d{1,3}(?:,\d{3}){1,3}(?:\.\d{1,8})?|\d{1,10}(?:\.\d{1,8})?)"
    r" ?(?P<unit>万元|亿元)(?(open)[）)])",
    re.ASCII,
)
FULL_WIDTH_DIGITS = str.maketrans("０１２３４５６７８９", "0123456789")
# “1.”, “2、” or “（3）” before a line, and the mark that ends it, belong to the list, not to it.
LIST_MARK = re.compile(
    r"(?:[（(](?P<bracketed>\d{1,2})[)）]|(?P<digits>\d{1,2})(?:[)）、]|[.．](?!\d))|[①-⑳])\s*",
    re.ASCII,
)
# What makes a part of the text of such a mark: another number, or what has a number of its own.
GOES_ON = re.compile(r"[0-9一二三四五六七八九十百两第号#＃栋幢]")
LINE_BREAK = re.compile(r"[\r\n；;]")


@dataclass(frozen=True)
class Candidate:
    """One candidate as the file has it, cleaned. `line` is the row as Excel shows it.

    None stands for a column that the file lacks: there, a candidate keeps what it has. `number` is
    0 where the file gives none. The sums are plain figures in 万元; `targets` and `sub_items` are
    the lines as they are read, which `parts_of` and `item_of` take apart.
    """

    line: int
    number: int
    title: str
    text: str
    category: str | None = None
    lead_unit: str | None = None
    investment: str | None = None
    investment_this_year: str | None = None
    funding: str | None = None
    deadline: str | None = None
    site: str | None = None
    targets: tuple[str, ...] | None = None
    sub_items: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Parts:
    """A target taken apart as the model holds it; without a figure it is all text."""

    text: str
    quantity: Decimal | None = None
    unit: str = ""

    @property
    def figure(self) -> str:
        """The quantity and its unit as they are printed, such as “1.5万套”; empty without one."""
        return "" if self.quantity is None else f"{plain(self.quantity)}{self.unit}"


@dataclass(frozen=True)
class Item:
    """A sub-item taken apart as the model holds it; without a sum (万元) it is all text."""

    text: str
    investment: Decimal | None = None

    @property
    def sum(self) -> str:
        """The sum as it is read, such as “1,200”; empty without one."""
        return "" if self.investment is None else f"{self.investment.normalize():,f}"

    @property
    def line(self) -> str:
        """The line as it stands in a cell, however it was written: “新建停车楼，1,200万元”."""
        return f"{self.text}，{self.sum}万元" if self.sum else self.text


def template_xlsx(rows: Iterable[Sequence[str]] = (), *, heading: str = "") -> bytes:
    """Return a table to fill in, with `rows` in it if there are candidates already.

    `heading` says of which vote they are; the reader passes over it.
    """
    return sheets.xlsx_bytes("候选项目", TEMPLATE_HEADER, rows, heading=heading)


def parse(content: bytes | str) -> Parsed[Candidate]:
    """Return the candidates and all the problems of an uploaded or pasted table; raises nothing.

    Its header has 项目名称 and 建设内容 in any order, and the others if wanted.
    """
    return upload.parse(
        content,
        _row,
        columns=COLUMNS,
        once=lambda row: {
            "编号": Once(row.number, str(row.number)),
            "项目名称": Once(texts.folded(row.title), row.title),
        },
        limit=CANDIDATES_LIMIT,
        unit="个项目",
    )


def candidate_of(cells: Mapping[str, str]) -> Candidate:
    """Return the candidate of `cells`, by their titles; a wrong cell is left empty in it."""
    return _row(Cells(cells, COLUMNS.required))


def fault_of(title: str, text: str) -> str:
    """Return why no table may have `text`, in its normal form, in a column of text, or nothing.

    What the form and the tables take is one thing, so that what went out comes in again.
    """
    return upload.fault_of(text) or UNLESS[title](text)


def _row(cells: Cells) -> Candidate:
    def text(title: str, limit: int, clean: Callable[[str], str] = texts.typed) -> str:
        return cells.text(title, clean, limit, may_break=True, unless=UNLESS[title])

    def optional(title: str, limit: int) -> str | None:
        return text(title, limit) if title in cells else None

    return Candidate(
        line=cells.line,
        number=_number(cells),
        title=text("项目名称", TITLE_LIMIT),
        text=text("建设内容", TEXT_LIMIT, _paragraphs),
        category=optional("类别", CATEGORY_LIMIT),
        lead_unit=optional("责任单位", UNIT_LIMIT),
        investment=_investment(cells, "总投资"),
        investment_this_year=_investment(cells, "本年投资"),
        funding=optional("资金来源", FUNDING_LIMIT),
        deadline=optional("完成时限", DEADLINE_LIMIT),
        site=optional("实施范围", SITE_LIMIT),
        targets=_targets(cells) if "年度目标" in cells else None,
        sub_items=_sub_items(cells) if "子项" in cells else None,
    )


def parts_of(target: str) -> Parts:
    """Take a target apart: “新增学位9000个” is 新增学位, 9000, 个.

    Put together again it is the same, but for blanks, idle zeros and the commas of 9,000. What does
    not clearly end in a figure and a short unit stays text.
    """
    match = FIGURE.fullmatch(target)
    if match is None:
        return Parts(target)
    quantity = Decimal(match["quantity"].replace(",", ""))
    return Parts(match["text"], quantity, match["unit"])


def item_of(line: str) -> Item:
    """Take a sub-item apart: “新建停车楼，1.2亿元” is 新建停车楼 and 12,000万元.

    A line whose sum does not stand apart, or has more than two places after the point, stays text.
    """
    match = SUM_OF_ITEM.fullmatch(line)
    text = match["text"].rstrip(" ，,、：:") if match else ""
    if match is None or not text:
        return Item(line)
    sum_ = _in_ten_thousands(match["figure"].replace(",", ""), match["unit"])
    return Item(text, sum_) if SUM.fullmatch(plain(sum_)) else Item(line)


def _in_ten_thousands(figure: str, unit: str) -> Decimal:
    """Return a sum in 万元, whose own unit goes before that of the header."""
    return Decimal(figure) * (10_000 if unit.startswith("亿") else 1)


def _paragraphs(text: str) -> str:
    return "\n".join(filter(None, texts.typed(text, lines=True).split("\n")))


def _number(cells: Cells) -> int:
    raw = cells.raw("编号", NUMBER_DIGITS)
    number = upload.code(raw)
    if not number:
        return 0
    if number.isascii() and number.isdigit() and len(number) < NUMBER_DIGITS:
        value = int(number)
        if 1 <= value <= NUMBER_LIMIT:
            return value
    cells.fault(f"编号{{value}}不是1至{NUMBER_LIMIT}的整数", raw)
    return 0


def _investment(cells: Cells, what: str) -> str | None:
    title = f"{what}（万元）"
    if title not in cells:
        return None
    raw = cells.raw(title, INVESTMENT_LIMIT)
    figure = upload.code(raw).replace(",", "")
    if figure in upload.SAYS_NOTHING:
        return ""
    told = INVESTMENT.fullmatch(figure)
    value = _in_ten_thousands(told["figure"], told["unit"]) if told else None
    if value is None or not SUM.fullmatch(plain(value)):
        cells.fault(f"{what}{{value}}不是以万元计的数（最多10位整数、2位小数，不能为负）", raw)
        return ""
    return plain(value)


def plain(figure: Decimal) -> str:
    """Return `figure` in digits alone, without idle zeros: 1800, 0.5."""
    return f"{figure.normalize():f}"


def _targets(cells: Cells) -> tuple[str, ...]:
    targets = _lines(cells, "年度目标", LINE_LIMIT)
    _fault_long(cells, "年度目标", targets)
    return tuple(targets)


def _sub_items(cells: Cells) -> tuple[str, ...]:
    items = [item_of(line) for line in _lines(cells, "子项", LINE_LIMIT + SUM_LIMIT)]
    _fault_long(cells, "子项", [item.text for item in items])
    return tuple(item.line for item in items)


def _lines(cells: Cells, title: str, limit: int) -> list[str]:
    """Return the lines of a list in a cell, without what numbers and ends them."""
    raw = cells.raw(title, LINES_LIMIT * limit)
    # One line in quotes may be anything; a cell that is nothing else points at the one above.
    if texts.is_within(raw, limit) and (fault := unmeant.ditto(texts.typed(raw))):
        cells.fault(f"{title}{{value}}{fault}", raw)
    lines = []
    for position, line in enumerate(filter(str.strip, LINE_BREAK.split(raw)), start=1):
        if not upload.is_readable(line):
            cells.fault(f"{title}第{position}条{{value}}含有不可见或无法显示的字符", line)
        elif texts.is_within(line, limit):
            lines.append(texts.typed(line).translate(FULL_WIDTH_DIGITS))
        else:
            cells.fault(f"{title}第{position}条超过{LINE_LIMIT}个字")
    lines = [line.rstrip(" 。，,、") for line in without_list_numbers(lines)]
    lines = [line for line in lines if line]
    if len(lines) > LINES_LIMIT:
        cells.fault(f"{title}超过{LINES_LIMIT}条")
    return lines


def _fault_long(cells: Cells, title: str, lines: Sequence[str]) -> None:
    for position, line in enumerate(lines, start=1):
        if len(line) > LINE_LIMIT:
            cells.fault(f"{title}第{position}条超过{LINE_LIMIT}个字")


def without_list_numbers(lines: Sequence[str]) -> list[str]:
    """Return the lines of a list without the numbers that only count them.

    Where every line is numbered, 1, 2, 3 in sequence, all lose them. Else a line loses its number
    where nothing else can be meant: “1、2号泵站” and “3、4季度” name what they count.
    """
    marks = [LIST_MARK.match(line) for line in lines]
    numbers = [_list_number(mark) for mark in marks]
    if len(lines) > 1 and numbers == list(range(1, len(lines) + 1)):
        return [line[mark.end() :] for line, mark in zip(lines, marks, strict=True) if mark]
    return [
        line[mark.end() :] if mark and not GOES_ON.match(line, mark.end()) else line
        for line, mark in zip(lines, marks, strict=True)
    ]


def _list_number(mark: re.Match[str] | None) -> int:
    if mark is None:
        return 0
    digits = mark["digits"] or mark["bracketed"]
    return int(digits) if digits else ord(mark[0][0]) - ord("①") + 1
