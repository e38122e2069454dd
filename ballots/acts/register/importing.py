"""Tables of the roll: compared with the register, taken over whole or not at all, and undone."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ballots import journal
from ballots.acts.delegates import keep_apart
from ballots.facts import register
from ballots.models import (
    AccessCard,
    Delegate,
    Delegation,
    Namesakes,
    Recommendation,
    Register,
    RollEntry,
    RollImport,
)
from ballots.pure.progress import Watch, unwatched, watched
from ballots.pure.roll_plan import Entry, ImportPlan, plan_of
from ballots.pure.roll_table import RollRow
from ballots.refusal import Refusals, demand_office
from projects.phases import VOTING

refused = Refusals(
    {
        "problems": _("名册有错误，请更正后重新上传。"),
        "changed": _("没有导入：代表名册在预览之后有变动，请重新上传。"),
        "voting-since": _(
            "没有导入：预览之后有投票开始或截止，或者代表名册有变动。"
            "投票进行期间，名册上代表的姓名、代表证号和状态不能用导入更改。请重新上传，预览中会指明哪些行不导入。"
        ),
        "nothing-to-undo": _("没有可以撤销的导入。"),
        "another-import": _(
            "没有撤销：您打开本页之后又有人导入了名册，下面显示的是最近一次导入，请核对后再撤销。"
        ),
        "changed-since": _("不能撤销：%(who)s在导入之后又有变动。"),
        "used-since": _(
            "不能撤销：%(who)s已发卡、已列入名册，或者已有会前推荐。资料有误的，请逐一更正；"
            "误加的代表只列在尚未开始的票决的名册上的，将状态改为“终止”、更新名册之后就能删除。"
        ),
        "delegation-gone": _(
            "不能撤销：%(who)s原来所在的代表团在导入之后已删除或合并。"
            "请在代表资料中更正，或导入更正后的名册。"
        ),
        "delegation-used": _("不能撤销：导入时新增的“%(who)s”已有其他代表。"),
    }
)

# The columns of a delegate that a table writes.
COLUMNS = (
    *("number", "name", "delegation_id", "position", "phone", "seat", "status", "on_committee"),
)
# As they are saved, with what is made of them; the number apart.
WRITTEN = [
    *("name", "name_key", "delegation", "position", "phone", "seat", "status", "on_committee"),
]
NUMBERS = ["number", "number_key", "number_order"]


# --- tables ---------------------------------------------------------------------------------------


def plan_import(rows: Sequence[RollRow], *, add_delegations: bool) -> ImportPlan:
    """Compare `rows` with the register; what is wrong or has to be asked stands in the plan.

    With `add_delegations` unknown delegations will be added instead of being a problem.
    """
    return _plan(rows, list(register.delegates()), add_delegations=add_delegations)


def _plan(
    rows: Sequence[RollRow], delegates: Sequence[Delegate], *, add_delegations: bool
) -> ImportPlan:
    numbers = {delegate.pk: delegate.number for delegate in delegates}
    return plan_of(
        rows,
        [register.person_of(delegate) for delegate in delegates],
        list(Delegation.objects.values_list("name", flat=True)),
        add_delegations=add_delegations,
        told_apart={frozenset(numbers[key] for key in pair) for pair in register.told_apart()},
    )


def import_roll(
    rows: Sequence[RollRow],
    *,
    by: User,
    add_delegations: bool,
    seen: str | None = None,
    ticks: Collection[str] | None = None,
    digest: str = "",
    watch: Watch = unwatched,
) -> ImportPlan:
    """Write what is agreed of the roll, or nothing, and return what was done.

    `seen` is that of the plan that was shown, `ticks` are its questions that were answered with
    yes, and `digest` is the SHA-256 of the file; a command has no file that could be undone, shows
    and asks nothing, and agrees to all. Rows that are barred are left out in any case. `watch` is
    told how many of the changed are written. Raises
    Refused if a row has a problem, if what the plan was compared with is no longer so, or if `by`
    is not of the office.
    """
    demand_office(by)
    try:
        with transaction.atomic():
            Register.objects.locked()
            delegates = list(register.delegates())
            plan = _plan(rows, delegates, add_delegations=add_delegations)
            if plan.problems:
                raise refused("problems")
            if seen is not None and plan.seen != seen:
                # With rows that a vote bars it is most likely one that began after the preview.
                voting = any(entry.person.at_the_vote for entry in plan.barred if entry.person)
                raise refused("voting-since" if voting else "changed")
            done = plan.decided(ticks)
            there = {delegate.number: delegate for delegate in delegates}
            changes = _write(done, there, watch)
            _put_on_record(done, changes, by=by, digest=digest, rows=len(rows))
            return done
    except IntegrityError:
        # Somebody added the same past our acts, which all take the lock.
        raise refused("changed") from None


def _write(plan: ImportPlan, present: Mapping[str, Delegate], watch: Watch) -> dict[str, Any]:
    """Write what `plan` says; return what it takes to undo it."""
    offset = Delegation.objects.count()
    added_delegations = Delegation.objects.bulk_create(
        Delegation(name=name, position=offset + position)
        for position, name in enumerate(plan.new_delegations, start=1)
        # None for rows that were left out.
        if any(entry.row.delegation == name for entry in plan.entries)
    )
    delegations = {delegation.name: delegation.pk for delegation in Delegation.objects.all()}
    added = Delegate.objects.bulk_create(
        Delegate(number=entry.number, **_columns(entry.row, delegations)) for entry in plan.new
    )
    there = dict(present) | {delegate.number: delegate for delegate in added}
    changed = [(there[entry.person.number], entry) for entry in plan.updated if entry.person]
    before = {delegate.pk: _columns_of(delegate) for delegate, _entry in changed}
    for delegate, entry in changed:
        for column, value in _columns(entry.row, delegations).items():
            setattr(delegate, column, value)
        if entry.row.line in plan.takes_numbers:
            delegate.number = entry.number
    _update([delegate for delegate, _entry in changed], before, watch)
    pairs = keep_apart(
        (_delegate(entry, there), there[other]) for entry in plan.entries for other in entry.others
    )
    return {
        "delegations": [delegation.pk for delegation in added_delegations],
        "added": [[delegate.pk, _columns_of(delegate)] for delegate in added],
        "changed": [
            [delegate.pk, before[delegate.pk], _columns_of(delegate)]
            for delegate, _entry in changed
        ],
        "pairs": [pair.pk for pair in pairs],
    }


def _delegate(entry: Entry, there: Mapping[str, Delegate]) -> Delegate:
    return there[entry.person.number if entry.person else entry.number]


def _columns(row: RollRow, delegations: Mapping[str, int]) -> dict[str, Any]:
    """Return the columns that the file has, by their names in the model; the number apart."""
    columns = {
        "name": row.name,
        "delegation_id": delegations[row.delegation],
        "position": row.order,
        "phone": row.phone,
        "seat": row.seat,
        "status": row.status,
        "on_committee": row.on_committee,
    }
    return {column: value for column, value in columns.items() if value is not None}


def _columns_of(delegate: Delegate) -> dict[str, Any]:
    return {column: getattr(delegate, column) for column in COLUMNS}


def _update(
    delegates: Sequence[Delegate], before: Mapping[int, Mapping[str, Any]], watch: Watch
) -> None:
    """Write the columns of `delegates`, and a number with its keys only where it is another one.

    One by one: a single statement takes ten times as long to put together, and on PostgreSQL, which
    tries each row against each of its cases, the square of their number to carry out.
    """
    for delegate in watched(delegates, len(delegates), watch):
        is_renumbered = delegate.number != before[delegate.pk]["number"]
        delegate.save(update_fields=[*WRITTEN, *(NUMBERS if is_renumbered else [])])


def _put_on_record(
    plan: ImportPlan, changes: dict[str, Any], *, by: User, digest: str, rows: int
) -> None:
    updated = [(entry, entry.person) for entry in plan.updated if entry.person]
    entry = journal.append(
        None,
        journal.Kind.ROLL_IMPORTED,
        by=by,
        data={
            "file": digest,
            "rows": rows,
            "new": len(plan.new),
            "changed": len(updated),
            "same": len(plan.unchanged),
            "left_out": len(plan.left_out),
            "delegations": len(changes["delegations"]),
            # A card and a frozen roll say number and name.
            "renamed": [
                [person.number, person.name, entry.row.name]
                for entry, person in updated
                if person.name != entry.row.name
            ],
            "renumbered": [
                [person.number, entry.number]
                for entry, person in updated
                if entry.row.line in plan.takes_numbers
            ],
            "status": [
                [person.number, entry.row.name, person.status, entry.row.status]
                for entry, person in updated
                if entry.row.status not in {None, person.status}
            ],
            "on_committee": [
                [person.number, entry.row.name, entry.row.on_committee]
                for entry, person in updated
                if entry.row.on_committee not in {None, person.on_committee}
            ],
            "told_apart": [
                [entry.number, other] for entry in plan.entries for other in entry.others
            ],
        },
    )
    if digest and (changes["added"] or changes["changed"]):
        # Of a file alone: what a command imports for a rehearsal is no import of the office's.
        # Only the last one can be undone: what came before it may have been built upon.
        RollImport.objects.all().delete()
        RollImport.objects.create(entry=entry, changes=changes)


# --- the last table undone ------------------------------------------------------------------------


@transaction.atomic
def undo_import(shown: int, *, by: User, watch: Watch = unwatched) -> RollImport:
    """Take back what the last import of the roll changed, exactly; return what it was.

    `shown` is the number that import has in the record of the register: another one is not undone.
    Raises Refused while anything of it is used: whom it added has a card, stands on a roll or
    recommends, whom it changed was changed again, got a card or stands on a roll that took ballots
    since, or came from a delegation that is gone.
    """
    demand_office(by)
    Register.objects.locked()
    last = RollImport.objects.select_related("entry__by").order_by("-pk").first()
    if last is None:
        raise refused("nothing-to-undo")
    if last.entry.seq != shown:
        raise refused("another-import")
    added = dict(last.changes["added"])
    changed = {key: (before, after) for key, before, after in last.changes["changed"]}
    delegates = {
        delegate.pk: delegate for delegate in register.delegates().filter(pk__in=[*added, *changed])
    }
    as_left = added | {key: after for key, (_before, after) in changed.items()}
    for key, columns in as_left.items():
        # An import of an earlier version knew fewer columns.
        if key not in delegates or not columns.items() <= _columns_of(delegates[key]).items():
            raise refused("changed-since", who=f"{columns['name']}（{columns['number']}）")
    used = _used(last)
    if used is not None:
        raise refused("used-since", who=str(delegates[used]))
    there = set(Delegation.objects.values_list("pk", flat=True))
    for key, (before, _after) in changed.items():
        if before["delegation_id"] not in there:
            raise refused("delegation-gone", who=str(delegates[key]))
    Namesakes.objects.filter(pk__in=last.changes["pairs"]).delete()
    Delegate.objects.filter(pk__in=added).delete()
    was = {key: _columns_of(delegates[key]) for key in changed}
    for key, (before, _after) in changed.items():
        for column, value in before.items():
            setattr(delegates[key], column, value)
    _update([delegates[key] for key in changed], was, watch)
    for delegation in Delegation.objects.filter(pk__in=last.changes["delegations"]):
        if delegation.delegates.exists():
            raise refused("delegation-used", who=delegation.name)
        delegation.delete()
    journal.append(
        None,
        journal.Kind.IMPORT_UNDONE,
        by=by,
        data={"entry": last.entry.seq, "new": len(added), "changed": len(changed)},
    )
    last.delete()
    return last


# What a card, a frozen roll and the right to vote hang on.
WEIGHTY = {"number", "name", "delegation_id", "status", "on_committee"}


def _used(last: RollImport) -> int | None:
    """Return the key of a delegate of whom something hangs on the import `last`, if there is one."""
    added = [key for key, _columns in last.changes["added"]]
    turned = [
        key
        for key, before, after in last.changes["changed"]
        if any(before[column] != after[column] for column in WEIGHTY & before.keys())
    ]
    # No roll says since when somebody stands on it: one that opened before may have taken him since.
    since = (
        Q(poll__phase__in=VOTING) | Q(poll__opened_at__gt=last.at) | Q(poll__closed_at__gt=last.at)
    )
    hanging = [
        AccessCard.objects.filter(
            Q(delegate__in=added) | Q(delegate__in=turned, issued_at__gt=last.at)
        ),
        RollEntry.objects.filter(Q(delegate__in=added) | Q(delegate__in=turned) & since),
        Recommendation.objects.filter(delegate__in=added),
    ]
    keys = (rows.values_list("delegate_id", flat=True).first() for rows in hanging)
    return next((key for key in keys if key is not None), None)
