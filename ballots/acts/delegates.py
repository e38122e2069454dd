"""The register of delegates: who is in office, and tables of them, taken over whole or not at all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from ballots import journal
from ballots.models import Delegate, Delegation, Register
from ballots.pure.roll_table import RollRow
from ballots.refusal import Refusals, demand_office
from yiwu_vote.tables.upload import Problem, fingerprint

refused = Refusals(
    {
        "problems": _("名册有错误，请更正后重新上传。"),
        "changed": _("没有导入：代表名册在预览之后有变动，请重新上传。"),
    }
)


@dataclass(frozen=True)
class ImportPlan:
    """What an import would do; nothing is written before it is confirmed.

    `seen` stands for the delegates and delegations that the plan was compared with.
    """

    new: tuple[RollRow, ...]
    updated: tuple[RollRow, ...]
    unchanged: tuple[RollRow, ...]
    new_delegations: tuple[str, ...]
    problems: tuple[Problem, ...]
    seen: str


def plan_import(rows: Sequence[RollRow], *, add_delegations: bool) -> ImportPlan:
    """Compare `rows` with the delegates there are; an unknown delegation is a problem of its row.

    With `add_delegations` unknown delegations will be added instead.
    """
    return _plan(rows, _of_rows(rows), add_delegations=add_delegations)


def _plan(
    rows: Sequence[RollRow], delegates: QuerySet[Delegate], *, add_delegations: bool
) -> ImportPlan:
    known = {delegation.name for delegation in Delegation.objects.all()}
    present = {delegate.number: delegate for delegate in delegates}
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
        seen=_seen(present, unknown),
    )


def import_roll(
    rows: Sequence[RollRow], *, by: User, add_delegations: bool, seen: str | None = None
) -> ImportPlan:
    """Write the whole roll or nothing, and return what was done.

    `seen` is that of the plan that was shown; a command shows none. Raises Refused if a row has a
    problem, if what the plan was compared with is no longer so, or if `by` is not of the office.
    """
    demand_office(by)
    try:
        with transaction.atomic():
            return _import(rows, add_delegations=add_delegations, seen=seen)
    except IntegrityError:
        # What is not there cannot be locked: somebody else added it in between.
        raise refused("changed") from None


def _import(rows: Sequence[RollRow], *, add_delegations: bool, seen: str | None) -> ImportPlan:
    # Lock, then look: whoever changes one of these delegates is done before, or comes after.
    locked = _of_rows(rows).select_for_update(of=("self",), no_key=True)
    plan = _plan(rows, locked, add_delegations=add_delegations)
    if plan.problems:
        raise refused("problems")
    if seen is not None and plan.seen != seen:
        raise refused("changed")
    offset = Delegation.objects.count()
    added = [
        Delegation(name=name, position=offset + position)
        for position, name in enumerate(plan.new_delegations, start=1)
    ]
    # In one order, whatever that of the file: two who add the same ones in two orders would lock
    # each other out.
    Delegation.objects.bulk_create(sorted(added, key=lambda delegation: delegation.name))
    delegations = {delegation.name: delegation for delegation in Delegation.objects.all()}
    Delegate.objects.bulk_create(
        Delegate(number=row.number, **_columns(row, delegations))
        for row in sorted(plan.new, key=lambda row: row.number)
    )
    existing = {delegate.number: delegate for delegate in _of_rows(plan.updated)}
    for row in plan.updated:
        for column, value in _columns(row, delegations).items():
            setattr(existing[row.number], column, value)
    Delegate.objects.bulk_update(
        existing.values(), ["name", "delegation", "position", "phone", "seat", "status"]
    )
    return plan


def _of_rows(rows: Sequence[RollRow]) -> QuerySet[Delegate]:
    """Return the delegates whom `rows` name, in the order in which all acts lock delegates."""
    numbers = [row.number for row in rows]
    delegates = Delegate.objects.filter(number__in=numbers).select_related("delegation")
    return delegates.order_by("pk")


def _seen(present: Mapping[str, Delegate], unknown: Sequence[str]) -> str:
    """Return a text that is another one when a plan finds anything else than it found before."""
    rows = [
        (
            each.number,
            each.name,
            each.delegation.name,
            each.position,
            each.phone,
            each.seat,
            each.status,
        )
        for each in present.values()
    ]
    return fingerprint(rows, unknown)


def _columns(row: RollRow, delegations: dict[str, Delegation]) -> dict[str, Any]:
    return _given(row) | {"delegation": delegations[row.delegation]}


def _given(row: RollRow) -> dict[str, Any]:
    """Return the columns of `row` that the file has, by their names in the model."""
    columns = {
        "name": row.name,
        "position": row.order,
        "phone": row.phone,
        "seat": row.seat,
        "status": row.status,
    }
    return {column: value for column, value in columns.items() if value is not None}


def _differs(delegate: Delegate, row: RollRow) -> bool:
    return delegate.delegation.name != row.delegation or any(
        getattr(delegate, column) != value for column, value in _given(row).items()
    )


# --- status ---------------------------------------------------------------------------------------


@transaction.atomic
def set_status(delegates: Iterable[Delegate], status: str, *, by: User) -> int:
    """Give each of `delegates` this status (`Delegate.Status`); return how many had another one.

    One entry of the register names them all, because who may vote hangs on it.
    """
    demand_office(by)
    Register.objects.locked()
    chosen = [delegate.pk for delegate in delegates]
    changed = list(
        Delegate.objects.select_for_update(no_key=True)
        .filter(pk__in=chosen)
        .exclude(status=status)
        .order_by("pk")
    )
    if not changed:
        return 0
    Delegate.objects.filter(pk__in=[delegate.pk for delegate in changed]).update(status=status)
    journal.append(
        None,
        journal.Kind.STATUS_SET,
        by=by,
        data={
            "status": status,
            "people": [[person.number, person.name, person.status] for person in changed],
        },
    )
    return len(changed)
