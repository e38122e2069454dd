"""The register of delegates: a table of them is compared with it, and taken over whole or not at all."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from ballots.models import Delegate, Delegation
from ballots.pure.roll_table import RollRow
from ballots.refusal import Refusals, demand_office
from yiwu_vote.tables.upload import Problem

refused = Refusals(
    {
        "problems": _("名册有错误，请更正后重新上传。"),
    }
)


@dataclass(frozen=True)
class ImportPlan:
    """What an import would do; nothing is written before it is confirmed."""

    new: tuple[RollRow, ...]
    updated: tuple[RollRow, ...]
    unchanged: tuple[RollRow, ...]
    new_delegations: tuple[str, ...]
    problems: tuple[Problem, ...] = field(default=())


def plan_import(rows: Sequence[RollRow], *, add_delegations: bool) -> ImportPlan:
    """Compare `rows` with the delegates there are; an unknown delegation is a problem of its row.

    With `add_delegations` unknown delegations will be added instead.
    """
    known = {delegation.name for delegation in Delegation.objects.all()}
    present = {delegate.number: delegate for delegate in _with_delegation(rows)}
    unknown = list(dict.fromkeys(row.delegation for row in rows if row.delegation not in known))
    problems = []
    if not add_delegations:
        problems = [
            Problem(
                row.line,
                str(_("没有“%(name)s”，请先新增或更正。")) % {"name": row.delegation},
                number=row.number,
            )
            for row in rows
            if row.delegation in unknown
        ]
    return ImportPlan(
        new=tuple(row for row in rows if row.number not in present),
        updated=tuple(
            row for row in rows if row.number in present and _differs(present[row.number], row)
        ),
        unchanged=tuple(
            row for row in rows if row.number in present and not _differs(present[row.number], row)
        ),
        new_delegations=tuple(unknown) if add_delegations else (),
        problems=tuple(problems),
    )


@transaction.atomic
def import_roll(rows: Sequence[RollRow], *, by: User, add_delegations: bool) -> ImportPlan:
    """Write the whole roll or nothing, and return what was done.

    Raises Refused if a row has a problem or `by` is not of the office.
    """
    demand_office(by)
    plan = plan_import(rows, add_delegations=add_delegations)
    if plan.problems:
        raise refused("problems")
    offset = Delegation.objects.count()
    Delegation.objects.bulk_create(
        Delegation(name=name, position=offset + place)
        for place, name in enumerate(plan.new_delegations, start=1)
    )
    delegations = {delegation.name: delegation for delegation in Delegation.objects.all()}
    Delegate.objects.bulk_create(
        Delegate(number=row.number, **_columns(row, delegations)) for row in plan.new
    )
    existing = {delegate.number: delegate for delegate in _with_delegation(plan.updated)}
    for row in plan.updated:
        for column, value in _columns(row, delegations).items():
            setattr(existing[row.number], column, value)
    Delegate.objects.bulk_update(
        existing.values(), ["name", "delegation", "position", "phone", "seat"]
    )
    return plan


def _with_delegation(rows: Iterable[RollRow]) -> Any:
    numbers = [row.number for row in rows]
    return Delegate.objects.filter(number__in=numbers).select_related("delegation")


def _columns(row: RollRow, delegations: dict[str, Delegation]) -> dict[str, Any]:
    return {
        "name": row.name,
        "delegation": delegations[row.delegation],
        "position": row.order or 0,
        "phone": row.phone,
        "seat": row.seat,
    }


def _differs(delegate: Delegate, row: RollRow) -> bool:
    return (delegate.name, delegate.delegation.name, delegate.phone, delegate.seat) != (
        row.name,
        row.delegation,
        row.phone,
        row.seat,
    ) or delegate.position != (row.order or 0)
