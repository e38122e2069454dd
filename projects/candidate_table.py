"""Candidates as an uploaded table: bytes in, candidates and problems out. Pure.

The first step of the import (ux.md §9.3, in the way of the roll's): everything that can be said
about the file by itself. Which candidates a poll already has is asked afterwards, in `imports`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from yiwu_vote.tables import sheets, upload

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


@dataclass(frozen=True)
class Problem:
    """What is wrong, where, in words for the staff; `line` is 0 where the whole file is meant."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"第{self.line}行：{self.text}" if self.line else self.text


@dataclass(frozen=True)
class Sheet:
    """What a file holds: each line below the header is a row, or has at least one problem.

    `ignored` names the columns that candidates do not have.
    """

    rows: tuple[Candidate, ...] = ()
    problems: tuple[Problem, ...] = ()
    ignored: tuple[str, ...] = ()


def template_xlsx(rows: Iterable[Sequence[str]] = ()) -> bytes:
    """Return a table to fill in, with `rows` in it if there are candidates already."""
    return sheets.xlsx_bytes("候选项目", TEMPLATE_HEADER, rows)


def parse(content: bytes) -> Sheet:
    """Return the candidates and all the problems of an uploaded table; raises nothing.

    The first row must be the header: 项目名称 and 建设内容 in any order, and the others if wanted. A
    file that cannot be read, lacks a column or is too long is one Problem with line 0.
    """
    try:
        header, *lines = sheets.read(content)
    except sheets.SheetRefused as refusal:
        return Sheet(problems=(Problem(0, str(refusal)),))
    titles = [_title(cell) for cell in header.cells]
    faults = upload.faults_of_header(titles, columns=TEMPLATE_HEADER, required=REQUIRED)
    if not faults and not lines:
        faults = ["表头之下没有内容。"]
    if not faults and len(lines) > CANDIDATES_LIMIT:
        faults = [f"表格超过{CANDIDATES_LIMIT}个项目，请检查后再上传。"]
    if faults:
        return Sheet(problems=tuple(Problem(0, fault) for fault in faults))

    rows: list[Candidate] = []
    problems: list[Problem] = []
    first_lines: dict[tuple[str, object], int] = {}
    for line in lines:
        cells = dict.fromkeys(titles, "") | dict(zip(titles, line.cells, strict=False))
        row, texts = candidate(cells, line=line.number)
        if len(line.cells) > len(titles):
            # In a CSV file a comma too many moves all that follows one column to the right.
            texts.insert(0, f"有{len(line.cells)}格内容，表头只有{len(titles)}列")
        for title, value in (("编号", row.number), ("项目名称", row.title)):
            first = first_lines.setdefault((title, value), line.number) if value else line.number
            if first != line.number:
                texts.append(f"{title}“{value}”与第{first}行重复")
        problems += [Problem(line.number, text) for text in texts]
        if not texts:
            rows.append(row)
    ignored = upload.ignored_columns(titles, lines, columns=TEMPLATE_HEADER)
    return Sheet(tuple(rows), tuple(problems), ignored)


def candidate(cells: Mapping[str, str], *, line: int = 0) -> tuple[Candidate, list[str]]:
    """Return the candidate of `cells`, by their titles, and what is wrong with it.

    A wrong cell is left empty in the candidate.
    """
    texts: list[str] = []

    def cell(title: str, clean: Callable[[str], str], limit: int) -> str:
        raw = cells.get(title, "")
        value = clean(raw)
        if not all(upload.is_readable(part) for part in _lines(raw.replace("\t", " "))):
            texts.append(f"{title}“{upload.shown(raw)}”含有不可见或无法显示的字符")
        elif not value and title in REQUIRED:
            texts.append(f"{title}为空")
        elif len(value) > limit:
            texts.append(f"{title}超过{limit}个字")
        else:
            return value
        return ""

    def optional(title: str, limit: int) -> str | None:
        return cell(title, upload.spaced, limit) if title in cells else None

    row = Candidate(
        line=line,
        number=_number(cells.get("编号", ""), texts),
        title=cell("项目名称", upload.spaced, TITLE_LIMIT),
        text=cell("建设内容", _paragraphs, TEXT_LIMIT),
        category=optional("类别", CATEGORY_LIMIT),
        lead_unit=optional("责任单位", UNIT_LIMIT),
        investment=_investment(cells["总投资（万元）"], texts)
        if "总投资（万元）" in cells
        else None,
        deadline=optional("完成时限", DEADLINE_LIMIT),
        site=optional("实施范围", SITE_LIMIT),
        targets=_targets(cells["年度目标"], texts) if "年度目标" in cells else None,
    )
    return row, texts


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
    return "".join(cell.split()).replace("(", "（").replace(")", "）")


def _lines(text: str) -> list[str]:
    return LINE_BREAK.split(text)


def _paragraphs(text: str) -> str:
    return "\n".join(filter(None, map(upload.spaced, _lines(text))))


def _number(raw: str, texts: list[str]) -> int:
    number = upload.code(raw)
    if not number:
        return 0
    if number.isascii() and number.isdigit() and len(number) < 10:
        value = int(number)
        if 1 <= value <= NUMBER_LIMIT:
            return value
    texts.append(f"编号“{upload.shown(raw)}”不是1至{NUMBER_LIMIT}的整数")
    return 0


def _investment(raw: str, texts: list[str]) -> str:
    figure = upload.code(raw).removesuffix("万元").replace(",", "")
    if not figure:
        return ""
    if not INVESTMENT.fullmatch(figure):
        texts.append(
            f"总投资“{upload.shown(raw)}”不是以万元计的数（最多10位整数、2位小数，不能为负）"
        )
        return ""
    return plain(Decimal(figure))


def plain(figure: Decimal) -> str:
    """Return `figure` in digits alone, without idle zeros: 1800, 0.5."""
    return f"{figure.normalize():f}"


def _targets(raw: str, texts: list[str]) -> tuple[str, ...]:
    targets = tuple(filter(None, map(_target, TARGET_BREAK.split(raw))))
    if len(targets) > TARGETS_LIMIT:
        texts.append(f"年度目标超过{TARGETS_LIMIT}条")
    for place, target in enumerate(targets, start=1):
        if not upload.is_readable(target):
            texts.append(f"年度目标第{place}条“{upload.shown(target)}”含有不可见或无法显示的字符")
        elif len(target) > TARGET_LIMIT:
            texts.append(f"年度目标第{place}条超过{TARGET_LIMIT}个字")
    return targets


def _target(line: str) -> str:
    line = upload.spaced(line).translate(FULL_WIDTH_DIGITS)
    return LIST_NUMBER.sub("", line).rstrip(" 。，,、")
