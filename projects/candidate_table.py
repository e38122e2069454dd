"""Candidates as an uploaded table: bytes in, candidates and problems out. Pure.

The first step of the import, in the way of the roll's: everything that can be said about the file
by itself. Which candidates a poll already has is asked afterwards, in `importing`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from yiwu_vote.tables import sheets, upload
from yiwu_vote.tables.upload import Cells, Parsed

TEMPLATE_HEADER = (
    "编号",
    "项目名称",
    "建设内容",
    "类别",
    "责任单位",
    "总投资（万元）",
    "完成时限",
    "实施范围",
    "年度目标",
)
REQUIRED = TEMPLATE_HEADER[1:3]

# No ballot is that long: a file with more rows is another table.
CANDIDATES_LIMIT = 100
NUMBER_LIMIT = 32_767
# Those of the models' columns; for the two without a limit, what a page can bear.
TITLE_LIMIT = 60
TEXT_LIMIT = 2_000
CATEGORY_LIMIT = 20
UNIT_LIMIT = 60
DEADLINE_LIMIT = 30
SITE_LIMIT = 100
TARGET_LIMIT = 100
TARGETS_LIMIT = 20

INVESTMENT = re.compile(r"\d{1,10}(\.\d{1,2})?", re.ASCII)
# The figure of a target ends its line: “…1.5万套”, “…率达70%”, “…1,000户”. Not a figure are what
# follows a Latin letter or 第 (PM2.5, 第3期), the end of a range (10—20所) and the unit of a date or
# an age with more behind it (65周岁以上老年人, 2026年底前完成).
FIGURE = re.compile(
    r"(?P<text>.*[^\d A-Za-z第.,．])(?<!\d[-‐–—~～至到×:：/，]) ?"
    r"(?P<quantity>[1-9]\d{0,2}(?:,\d{3}){1,2}(?:\.\d{1,3})?|(?:0|[1-9]\d{0,8})(?:\.\d{1,3})?)"
    r" ?(?!(?:年|月|日|岁|周岁|号).)(?P<unit>[^\d .,;:()，。、；：？！（）“”《》]{0,6})",
    re.ASCII,
)
FULL_WIDTH_DIGITS = str.maketrans("０１２３４５６７８９", "0123456789")
# “1.”, “2、” or “（3）” before a target, and the mark that ends it, belong to the list, not to it.
LIST_NUMBER = re.compile(r"^(?:[（(]\d{1,2}[)）]|\d{1,2}[)）、]|\d{1,2}[.．](?!\d)|[①-⑳])\s*")
LINE_BREAK = re.compile(r"\r\n|\r|\n")
TARGET_BREAK = re.compile(r"[\r\n；;]")


@dataclass(frozen=True)
class Candidate:
    """One candidate as the file has it, cleaned. `line` is the row as Excel shows it.

    None stands for a column that the file lacks: there, a candidate keeps what it has. `number` is
    0 where the file gives none. `investment` is the plain figure in 万元; `targets` are the lines
    as they are read, which `parts_of` takes apart.
    """

    line: int
    number: int
    title: str
    text: str
    category: str | None = None
    lead_unit: str | None = None
    investment: str | None = None
    deadline: str | None = None
    site: str | None = None
    targets: tuple[str, ...] | None = None


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


def template_xlsx(rows: Iterable[Sequence[str]] = ()) -> bytes:
    """Return a table to fill in, with `rows` in it if there are candidates already."""
    return sheets.xlsx_bytes("候选项目", TEMPLATE_HEADER, rows)


def parse(content: bytes) -> Parsed[Candidate]:
    """Return the candidates and all the problems of an uploaded table; raises nothing.

    The first row must be the header: 项目名称 and 建设内容 in any order, and the others if wanted.
    """
    return upload.parse(
        content,
        _row,
        columns=TEMPLATE_HEADER,
        required=REQUIRED,
        once=lambda row: {"编号": row.number, "项目名称": row.title},
        title_of=_title,
        limit=CANDIDATES_LIMIT,
        unit="个项目",
    )


def candidate_of(cells: Mapping[str, str]) -> Candidate:
    """Return the candidate of `cells`, by their titles; a wrong cell is left empty in it."""
    return _row(Cells(cells, REQUIRED))


def _row(cells: Cells) -> Candidate:
    def text(title: str, limit: int, clean: Callable[[str], str] = upload.spaced) -> str:
        return cells.text(title, clean, limit, may_break=True)

    def optional(title: str, limit: int) -> str | None:
        return text(title, limit) if title in cells else None

    return Candidate(
        line=cells.line,
        number=_number(cells),
        title=text("项目名称", TITLE_LIMIT),
        text=text("建设内容", TEXT_LIMIT, _paragraphs),
        category=optional("类别", CATEGORY_LIMIT),
        lead_unit=optional("责任单位", UNIT_LIMIT),
        investment=_investment(cells) if "总投资（万元）" in cells else None,
        deadline=optional("完成时限", DEADLINE_LIMIT),
        site=optional("实施范围", SITE_LIMIT),
        targets=_targets(cells) if "年度目标" in cells else None,
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


def _title(cell: str) -> str:
    return upload.bare(cell).replace("(", "（").replace(")", "）")


def _paragraphs(text: str) -> str:
    return "\n".join(filter(None, map(upload.spaced, LINE_BREAK.split(text))))


def _number(cells: Cells) -> int:
    raw = cells.raw("编号")
    number = upload.code(raw)
    if not number:
        return 0
    if number.isascii() and number.isdigit() and len(number) < 10:
        value = int(number)
        if 1 <= value <= NUMBER_LIMIT:
            return value
    cells.faults.append(f"编号“{upload.shown(raw)}”不是1至{NUMBER_LIMIT}的整数")
    return 0


def _investment(cells: Cells) -> str:
    raw = cells.raw("总投资（万元）")
    figure = upload.code(raw).removesuffix("万元").replace(",", "")
    if not figure:
        return ""
    if not INVESTMENT.fullmatch(figure):
        cells.faults.append(
            f"总投资“{upload.shown(raw)}”不是以万元计的数（最多10位整数、2位小数，不能为负）"
        )
        return ""
    return plain(Decimal(figure))


def plain(figure: Decimal) -> str:
    """Return `figure` in digits alone, without idle zeros: 1800, 0.5."""
    return f"{figure.normalize():f}"


def _targets(cells: Cells) -> tuple[str, ...]:
    targets = tuple(filter(None, map(_target, TARGET_BREAK.split(cells.raw("年度目标")))))
    if len(targets) > TARGETS_LIMIT:
        cells.faults.append(f"年度目标超过{TARGETS_LIMIT}条")
    for position, target in enumerate(targets, start=1):
        if not upload.is_readable(target):
            cells.faults.append(
                f"年度目标第{position}条“{upload.shown(target)}”含有不可见或无法显示的字符"
            )
        elif len(target) > TARGET_LIMIT:
            cells.faults.append(f"年度目标第{position}条超过{TARGET_LIMIT}个字")
    return targets


def _target(line: str) -> str:
    line = upload.spaced(line).translate(FULL_WIDTH_DIGITS)
    return LIST_NUMBER.sub("", line).rstrip(" 。，,、")
