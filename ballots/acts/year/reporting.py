"""What is reported of a year's projects by quarter: newer figures beside the older ones (design §3.6)."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from ballots.acts.year.adopting import locked_year
from ballots.refusal import Refusals, demand_office
from projects.year.cells import NOTE, OF_TARGET, Cell, Cells, cells_of, fingerprint_of
from projects.year.models import QUARTERS, ProjectFigure, TargetFigure, Year
from projects.year.progress import progress_of

refused = Refusals(
    {
        "changed": _(
            "没有保存：您打开本页之后，有人填报过同一处。请核对下面标出的各处，再次保存。"
        ),
        "table-changed": _("没有导入：本季度的数据在预览之后有变动，请重新上传。"),
        "emptied": _("没有保存：已经填报的数据不能清空，只能更正。请填写正确的数，确实没有的填0。"),
        "no-quarter": _("没有这个季度。"),
    }
)


@transaction.atomic
def report(year: Year, quarter: int, cells: Cells, *, shown: Cells, by: User) -> int:
    """Write what was typed into the form of a quarter; return how many cells are other ones now.

    `shown` is what the page showed. Only what was typed otherwise is a change, so that nobody who
    saves a page puts back what another has reported meanwhile; where both have changed one cell,
    Refused("changed"). Raises Refused.
    """
    demand_office(by)
    year = locked_year(year)
    now = _now(year, quarter)
    typed = {cell: text for cell, text in cells.items() if text != shown.get(cell, "")}
    if any(now.get(cell) not in (shown.get(cell, ""), text) for cell, text in typed.items()):
        raise refused("changed")
    return _write(quarter, now, typed, by)


@transaction.atomic
def import_table(year: Year, quarter: int, cells: Cells, *, seen: str, by: User) -> int:
    """Write the cells that a table fills in, all or nothing; return how many are other ones now.

    `seen` is the fingerprint of the quarter that the preview was compared with. Raises Refused.
    """
    demand_office(by)
    year = locked_year(year)
    now = _now(year, quarter)
    if fingerprint_of(now) != seen:
        raise refused("table-changed")
    return _write(quarter, now, cells, by)


def _now(year: Year, quarter: int) -> dict[Cell, str]:
    if quarter not in QUARTERS:
        raise refused("no-quarter")
    return cells_of(progress_of(year), quarter)


def _write(quarter: int, now: Cells, typed: Mapping[Cell, str], by: User) -> int:
    """Insert a row for each target and project of which a cell is another one now."""
    changed: dict[tuple[bool, int], dict[str, str]] = defaultdict(dict)
    for cell, text in typed.items():
        # A target that is gone meanwhile has no cell any more.
        if cell not in now:
            raise refused("changed")
        if text == now[cell]:
            continue
        if not text and cell.column != NOTE:
            raise refused("emptied")
        changed[cell.column in OF_TARGET, cell.key][cell.column] = text
    for (is_target, key), columns in changed.items():
        whole = {cell.column: text for cell, text in now.items() if _is_of(cell, is_target, key)}
        said = {name: _value(name, text) for name, text in (whole | columns).items()}
        if is_target:
            TargetFigure.objects.create(target_id=key, quarter=quarter, by=by, **said)
        elif any(value not in (None, "") for value in said.values()):
            ProjectFigure.objects.create(project_id=key, quarter=quarter, by=by, **said)
        else:
            raise refused("emptied")
    return sum(map(len, changed.values()))


def _is_of(cell: Cell, is_target: bool, key: int) -> bool:
    return cell.key == key and (cell.column in OF_TARGET) == is_target


def _value(column: str, text: str) -> Any:
    if column == NOTE:
        return text
    return Decimal(text) if text else None
