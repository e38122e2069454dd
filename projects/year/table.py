"""The table of a quarter that lead units fill in: written, read, and compared with what there is.

A row is about one target of one project, by the number of the project and the words of the target; a
project without targets has one row. What a cell leaves empty stays as it is. The reader is the common
one, so that a table may come back with other columns, titles above it and sums below.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext

from projects.sums import as_figure
from projects.year.cells import (
    DONE,
    FIGURE_LIMIT,
    NOTE,
    PLANNED,
    SPENT,
    Cell,
    cells_of,
    figure_of,
    fingerprint_of,
)
from projects.year.models import NOTE_LIMIT
from projects.year.progress import Progress, ProjectQuarter, TargetQuarter
from yiwu_vote import texts
from yiwu_vote.tables import sheets, unmeant, upload
from yiwu_vote.tables.titles import Columns
from yiwu_vote.tables.upload import Once, Parsed, Problem
from yiwu_vote.texts import folded

HEADER = (
    *("序号", "项目名称", "责任单位", "年度目标", "全年目标数", "计量单位"),
    *("本季度计划（累计）", "本季度完成（累计）", "已用资金（万元，累计）", "进展说明"),
)
NUMBER, TITLE, TARGET = HEADER[0], HEADER[1], HEADER[3]
COLUMNS = Columns(
    HEADER,
    required=(NUMBER, TITLE),
    others={
        "序号": ("编号", "序", "项目编号", "项目序号"),
        "项目名称": ("名称", "项目", "实事项目", "实事项目名称", "民生实事项目"),
        "责任单位": ("牵头单位", "责任部门", "牵头部门"),
        "年度目标": ("目标", "目标任务", "年度目标任务"),
        "全年目标数": ("全年目标", "目标数", "数量"),
        "计量单位": ("单位",),
        "本季度计划（累计）": ("本季度计划", "计划", "累计计划", "计划数", "计划(累计)"),
        "本季度完成（累计）": ("本季度完成", "完成", "累计完成", "完成数", "完成(累计)"),
        "已用资金（万元，累计）": ("已用资金", "已用资金(万元)", "累计已用资金(万元)"),
        "进展说明": ("进展", "说明", "工作进展", "备注"),
    },
)
# No year has more targets than that: a file with more rows is another table.
ROWS_LIMIT = 500
FIGURES = {PLANNED: HEADER[6], DONE: HEADER[7], SPENT: HEADER[8]}


@dataclass(frozen=True)
class Row:
    """One row as the file has it, cleaned; empty cells say nothing. `line` is the row as Excel shows it."""

    line: int
    number: int
    title: str
    target: str
    planned: str = ""
    done: str = ""
    spent: str = ""
    note: str = ""


@dataclass(frozen=True)
class Change:
    """One cell that a table changes, in words: of what, which, from and to."""

    cell: Cell
    about: str
    title: str
    old: str
    new: str


@dataclass(frozen=True)
class Plan:
    """What an import would do; nothing is written before it is confirmed.

    `seen` stands for the figures that the plan was compared with.
    """

    changes: tuple[Change, ...]
    problems: tuple[Problem, ...]
    seen: str

    @property
    def cells(self) -> dict[Cell, str]:
        return {change.cell: change.new for change in self.changes}


def template(progress: Progress, quarter: int, *, unit: str = "") -> bytes:
    """Return the table of a quarter with what is reported so far, or the part of one lead unit."""
    rows = [
        cells
        for one in progress.at(quarter)
        if unit in ("", one.project.lead_unit)
        for cells in _template_rows(one)
    ]
    heading = gettext("%(year)s 第%(quarter)d季度进度表（计划、完成、资金均为1月1日起累计）") % {
        "year": progress.year,
        "quarter": quarter,
    }
    return sheets.xlsx_bytes(gettext("季度进度"), HEADER, rows, heading=heading)


def _template_rows(one: ProjectQuarter) -> Iterator[list[str]]:
    project = one.project
    head = [str(project.number), project.title, project.lead_unit]
    # Money and words are about the project: they stand in its first row.
    tail = [as_figure(one.spent), one.note]
    for target in one.targets:
        quantity = as_figure(target.target.goal)
        figures = [as_figure(target.planned), as_figure(target.done)]
        yield [*head, target.target.text, quantity, target.target.measure, *figures, *tail]
        tail = ["", ""]
    if not one.targets:
        yield [*head, "", "", "", "", "", *tail]


def parse(content: bytes | str) -> Parsed[Row]:
    """Return the rows and all the problems of an uploaded or pasted table; raises nothing."""
    return upload.parse(
        content,
        _row,
        columns=COLUMNS,
        once=lambda row: {
            TARGET: Once(
                (row.number, folded(row.target)) if row.number else "",
                row.target or gettext("第%(number)d项") % {"number": row.number},
            )
        },
        limit=ROWS_LIMIT,
    )


def _row(cells: upload.Cells) -> Row:
    def words(title: str, limit: int) -> str:
        if title not in cells:
            return ""
        return cells.text(title, texts.typed, limit, may_break=True, unless=unmeant.IN_ANY)

    return Row(
        line=cells.line,
        number=_number(cells),
        title=words(TITLE, 100),
        target=words(TARGET, 100),
        note=words(HEADER[9], NOTE_LIMIT),
        **{column: _figure(cells, column) for column in FIGURES},
    )


def _number(cells: upload.Cells) -> int:
    raw = cells.raw(NUMBER, FIGURE_LIMIT)
    number = upload.code(raw)
    if number.isascii() and number.isdigit() and 0 < int(number) < 1000:
        return int(number)
    cells.fault(gettext("序号{value}不是项目的序号"), raw)
    return 0


def _figure(cells: upload.Cells, column: str) -> str:
    title = FIGURES[column]
    if title not in cells:
        return ""
    raw = cells.raw(title, FIGURE_LIMIT)
    figure, fault = figure_of(raw, column)
    if fault:
        cells.fault(f"{title}{{value}}{fault}", raw)
    return figure


def plan_import(progress: Progress, quarter: int, rows: Sequence[Row]) -> Plan:
    """Compare `rows` with what is reported of `quarter`; what a row leaves empty stays as it is.

    A row that is about no project or target of the year is a problem of its line, and so are two
    that say different things of one project.
    """
    now = cells_of(progress, quarter)
    projects = {one.project.number: one for one in progress.at(quarter)}
    problems: list[Problem] = []
    changes: list[Change] = []
    said: dict[Cell, str] = {}
    for row in rows:
        one = projects.get(row.number)
        if one is None or folded(one.project.title) != folded(row.title):
            problems.append(Problem(row.line, _unknown(row, one)))
            continue
        target, fault = _target(one, row)
        if fault:
            problems.append(Problem(row.line, fault))
            continue
        for cell, about, title, new in _told(one, target, row):
            if said.setdefault(cell, new) != new:
                words = gettext("同一项目的%(title)s前后不一，请只填一处")
                problems.append(Problem(row.line, words % {"title": title}))
            elif new != now[cell] and all(change.cell != cell for change in changes):
                changes.append(Change(cell, about, title, now[cell], new))
    return Plan(tuple(changes), tuple(problems), fingerprint_of(now))


def _unknown(row: Row, one: ProjectQuarter | None) -> str:
    if one is None:
        return gettext("没有序号为%(number)d的实事项目") % {"number": row.number}
    words = gettext("第%(number)d项是“%(title)s”，与表格中的名称不同，请核对")
    return words % {"number": row.number, "title": one.project.title}


def _target(one: ProjectQuarter, row: Row) -> tuple[TargetQuarter | None, str]:
    """Return the target that a row is about, None where it is about the project alone, and any fault."""
    said = folded(row.target)
    for target in one.targets:
        if said and said in (folded(target.target.text), folded(str(target.target))):
            return target, ""
    if said:
        words = gettext("第%(number)d项没有年度目标“%(target)s”，请照模板填写，不要改动目标的文字")
        return None, words % {"number": row.number, "target": row.target}
    if row.planned or row.done:
        words = gettext("第%(number)d项的计划、完成数没有写明是哪一条年度目标")
        return None, words % {"number": row.number}
    return None, ""


def _told(
    one: ProjectQuarter, target: TargetQuarter | None, row: Row
) -> Iterator[tuple[Cell, str, str, str]]:
    """Yield each cell that a row fills in, with what it is about, the title of its column and its text."""
    about = str(one.project)
    if target is not None:
        of_target = f"{about}：{target.target}"
        for column, new in ((PLANNED, row.planned), (DONE, row.done)):
            if new:
                yield Cell(target.target.pk, column), of_target, FIGURES[column], new
    if row.spent:
        yield Cell(one.project.pk, SPENT), about, FIGURES[SPENT], row.spent
    if row.note:
        yield Cell(one.project.pk, NOTE), about, HEADER[9], row.note
