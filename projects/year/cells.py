"""What is reported of a quarter, cell by cell, as a form and a table fill it in."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from django.utils.translation import gettext

from projects.sums import as_figure
from projects.year.progress import Progress, ProjectQuarter, TargetQuarter
from yiwu_vote.tables.upload import SAYS_NOTHING, code, fingerprint

PLANNED, DONE, SPENT, NOTE = "planned", "done", "spent", "note"
OF_TARGET, OF_PROJECT = (PLANNED, DONE), (SPENT, NOTE)
# As many places before and after the point as the columns hold.
QUANTITY = re.compile(r"\d{1,9}(\.\d{1,3})?", re.ASCII)
SUM = re.compile(r"\d{1,10}(\.\d{1,2})?", re.ASCII)
FIGURE_LIMIT = 20


class Cell(NamedTuple):
    """One figure of a quarter, or its note: of which row of a target or a project, and which column."""

    key: int
    column: str

    @property
    def name(self) -> str:
        """What the cell is called in a form: “done-12”."""
        return f"{self.column}-{self.key}"


# What stands in the cells: plain figures such as “1.5”, notes, and nothing where nothing is said.
Cells = Mapping[Cell, str]


def cells_of(progress: Progress, quarter: int) -> dict[Cell, str]:
    """Return every cell of a quarter with what stands in it now."""
    return {cell: text for one in progress.at(quarter) for cell, text in _cells(one)}


def _cells(one: ProjectQuarter) -> Iterator[tuple[Cell, str]]:
    for target in one.targets:
        yield Cell(target.target.pk, PLANNED), as_figure(target.planned)
        yield Cell(target.target.pk, DONE), as_figure(target.done)
    yield Cell(one.project.pk, SPENT), as_figure(one.spent)
    yield Cell(one.project.pk, NOTE), one.note


def figure_of(text: str, column: str) -> tuple[str, str]:
    """Return the figure that was typed, as a cell holds it, or what is wrong with it.

    Commas between thousands and the unit behind it do no harm, and what says that there is nothing
    is nothing.
    """
    typed = code(text).replace(",", "").removesuffix("%").removesuffix("万元")
    if typed in SAYS_NOTHING:
        return "", ""
    if not (SUM if column == SPENT else QUANTITY).fullmatch(typed):
        places = 2 if column == SPENT else 3
        words = gettext("不是数（不能为负，小数点后最多%(places)d位）")
        return "", words % {"places": places}
    return as_figure(Decimal(typed)), ""


def fingerprint_of(cells: Cells) -> str:
    """Return a text that changes when anything of a quarter does."""
    return fingerprint(sorted(cells.items()))


def falls_of(progress: Progress) -> list[str]:
    """Return in words where a figure that only grows through a year is less than in a quarter before."""
    return [
        gettext(
            "第%(number)d项“%(target)s”第%(quarter)d季度完成数%(now)s小于此前的%(before)s，请核对。"
        )
        % {
            "number": each.project.number,
            "target": now.target.text,
            "quarter": now.quarter,
            "now": now.done_words,
            "before": before.done_words,
        }
        for each in progress.projects
        for before, now in _falling(list(zip(*(one.targets for one in each.quarters), strict=True)))
    ]


def _falling(
    targets: list[tuple[TargetQuarter, ...]],
) -> Iterator[tuple[TargetQuarter, TargetQuarter]]:
    for quarters in targets:
        reported = [one for one in quarters if one.done is not None]
        for before, now in pairwise(reported):
            if before.done is not None and now.done is not None and now.done < before.done:
                yield before, now
