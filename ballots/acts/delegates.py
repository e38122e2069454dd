"""Delegates and delegations, one or a few at a time: added, changed, merged, deleted; who is in office."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from ballots import journal
from ballots.acts import roll
from ballots.facts import register
from ballots.models import Delegate, Delegation, Namesakes, Register, derive
from ballots.refusal import Refusals, demand_colleague, demand_office, demand_reason

refused = Refusals(
    {
        "not-alike": _("请勾选名单中的代表；名单已有变动的，请刷新页面。"),
        "number-taken": _("代表证号与%(who)s相同（前导零、全角、大小写和连字符不作区分）。"),
        "at-the-vote": _(
            "%(who)s在正在进行的票决的名册上，姓名和代表证号不能更改，请在公布后更正。"
            "卡片有误的，可以发新卡；应由另一人投票的，请新增该代表并增补到名册（均须两人签名）。"
        ),
        "delegation-taken": _("已有代表团“%(who)s”，看上去是同一个名称。"),
        "delegate-used": _(
            "%(who)s已发过卡、列入过名册或有会前推荐，不能删除，可以将状态改为“终止”。"
            "只列在尚未开始的票决的名册上的，改为“终止”、更新名册之后就能删除。"
        ),
        "delegation-used": _("“%(who)s”还有代表，不能删除；可以合并到另一个代表团。"),
        "one-delegation": _("请选择至少两个代表团，并指定合并到其中哪一个。"),
    }
)
# What a column of a delegate is called on record; of the others only that they were changed.
NAMED = {
    **{"number": "代表证号", "name": "姓名", "delegation": "代表团"},
    "on_committee": "常委会组成人员",
}
# What says who somebody is: it stays while people vote.
HELD = {"number", "name"}


# --- one delegate ---------------------------------------------------------------------------------


@transaction.atomic
def add_delegate(columns: Mapping[str, Any], *, by: User) -> Delegate:
    """Add a delegate with these columns, which are in the form in which they are kept.

    Raises Refused where the number is somebody else's to the eye.
    """
    demand_office(by)
    Register.objects.locked()
    demand_free_number(columns["number"])
    delegate = Delegate.objects.create(**columns)
    journal.append(
        None,
        journal.Kind.DELEGATE_ADDED,
        by=by,
        data={
            "number": delegate.number,
            "name": delegate.name,
            "delegation": delegate.delegation.name,
            "status": delegate.status,
            "on_committee": delegate.on_committee,
        },
    )
    return delegate


@transaction.atomic
def change_delegate(delegate: Delegate, columns: Mapping[str, Any], *, by: User) -> Delegate:
    """Write these columns of a delegate, and no others; return him as he is now.

    His status is none of them (`set_status`). Raises Refused where the number is somebody else's
    to the eye, and for number and name while he stands on the roll of a poll that runs: the
    frozen roll and his card would be another person's.
    """
    demand_office(by)
    Register.objects.locked()
    delegate = Delegate.objects.select_related("delegation").get(pk=delegate.pk)
    before = {column: getattr(delegate, column) for column in columns}
    changed = {column: value for column, value in columns.items() if before[column] != value}
    if HELD & changed.keys() and roll.locked_polls_of([delegate.pk]):
        raise refused("at-the-vote", who=str(delegate))
    if "number" in changed:
        demand_free_number(changed["number"], but=delegate)
    number, name = delegate.number, delegate.name
    written = list(changed)
    for column, value in changed.items():
        setattr(delegate, column, value)
        written += derive(delegate, column)
    if not changed:
        return delegate
    delegate.save(update_fields=written)
    journal.append(
        None,
        journal.Kind.DELEGATE_CHANGED,
        by=by,
        data={
            "number": number,
            "name": name,
            # A card and a frozen roll say them, or a roll is drawn up by it; what else was changed is nobody's business here.
            "changes": [
                [NAMED[column], _said(before[column]), _said(value)]
                for column, value in changed.items()
                if column in NAMED
            ],
            "others": len(changed.keys() - NAMED.keys()),
        },
    )
    return delegate


def _said(value: Any) -> str:
    return ("是" if value else "否") if isinstance(value, bool) else str(value)


def demand_free_number(number: str, *, but: Delegate | None = None) -> None:
    """Raise Refused where `number` is, to the eye, that of somebody else than `but`."""
    owner = register.owner_of(number)
    if owner is not None and owner != but:
        raise refused("number-taken", who=str(owner))


@transaction.atomic
def delete_delegates(delegates: Iterable[Delegate], *, by: User) -> int:
    """Delete `delegates`, all or none; return how many. Raises Refused where anything refers to one.

    Whoever ever had a card or stood on a roll stays: what was done with either names him.
    """
    demand_office(by)
    Register.objects.locked()
    chosen = Delegate.objects.filter(pk__in=[delegate.pk for delegate in delegates])
    demand_unused(chosen)
    people = [[delegate.number, delegate.name] for delegate in chosen]
    chosen.delete()
    if people:
        journal.append(None, journal.Kind.DELEGATES_DELETED, by=by, data={"people": people})
    return len(people)


def demand_unused(delegates: QuerySet[Delegate]) -> None:
    """Raise Refused where anything refers to one of `delegates`."""
    used = register.held(delegates)
    if used is not None:
        raise refused("delegate-used", who=str(used))


# --- delegations ----------------------------------------------------------------------------------


@transaction.atomic
def save_delegation(delegation: Delegation, *, by: User) -> Delegation:
    """Add a delegation, or write its name and place. Raises Refused where the name is another's."""
    demand_office(by)
    Register.objects.locked()
    demand_free_name(delegation.name, but=delegation)
    names = Delegation.objects.filter(pk=delegation.pk).values_list("name", flat=True)
    former = names.first() or ""
    delegation.save()
    if former != delegation.name:
        journal.append(
            None,
            journal.Kind.DELEGATION_SAVED,
            by=by,
            data={"former": former, "delegation": delegation.name},
        )
    return delegation


def demand_free_name(name: str, *, but: Delegation | None = None) -> None:
    """Raise Refused where `name` is, to the eye, that of another delegation than `but`."""
    owner = register.delegation_called(name)
    if owner is not None and owner != but:
        raise refused("delegation-taken", who=owner.name)


@transaction.atomic
def merge_delegations(delegations: Iterable[Delegation], *, into: Delegation, by: User) -> int:
    """Move everybody of `delegations` into one of them, and delete the others; return how many moved.

    A roll keeps the words with which it was drawn up.
    """
    demand_office(by)
    Register.objects.locked()
    chosen = {delegation.pk for delegation in delegations}
    others = Delegation.objects.filter(pk__in=chosen - {into.pk})
    if into.pk not in chosen or not others:
        raise refused("one-delegation")
    names = [delegation.name for delegation in others]
    moved = Delegate.objects.filter(delegation__in=others).update(delegation=into)
    others.delete()
    journal.append(
        None,
        journal.Kind.DELEGATIONS_MERGED,
        by=by,
        data={"delegations": names, "delegation": into.name, "moved": moved},
    )
    return moved


@transaction.atomic
def delete_delegation(delegation: Delegation, *, by: User) -> None:
    """Delete a delegation to which nobody belongs, or raise Refused."""
    demand_office(by)
    Register.objects.locked()
    demand_empty(Delegation.objects.filter(pk=delegation.pk))
    journal.append(
        None, journal.Kind.DELEGATION_DELETED, by=by, data={"delegation": delegation.name}
    )
    delegation.delete()


def demand_empty(delegations: QuerySet[Delegation]) -> None:
    """Raise Refused where somebody belongs to one of `delegations`."""
    used = delegations.filter(delegates__isnull=False).first()
    if used is not None:
        raise refused("delegation-used", who=used.name)


# --- status ---------------------------------------------------------------------------------------


@transaction.atomic
def set_status(
    delegates: Iterable[Delegate],
    status: str,
    *,
    by: User,
    reason: str = "",
    second: User | None = None,
) -> int:
    """Give each of `delegates` this status (`Delegate.Status`); return how many had another one.

    One entry of the register names them all, because who may vote hangs on it. While a poll with
    one of them on its roll runs, `second`, another member of staff, signs too, there is a
    `reason`, and the poll's own record says the same (`roll.follow_status`). Raises Refused.
    """
    demand_office(by)
    Register.objects.locked()
    chosen = [delegate.pk for delegate in delegates]
    polls = roll.locked_polls_of(chosen)
    changed = list(
        Delegate.objects.select_for_update(no_key=True)
        .filter(pk__in=chosen)
        .exclude(status=status)
        .order_by("pk")
    )
    if not changed:
        return 0
    reason = demand_reason(reason) if polls else reason.strip()
    if polls or second is not None:
        second = demand_colleague(by, second)
    Delegate.objects.filter(pk__in=[delegate.pk for delegate in changed]).update(status=status)
    data = {
        "status": status,
        "people": [[person.number, person.name, person.status] for person in changed],
        "reason": reason,
    }
    journal.append(None, journal.Kind.STATUS_SET, by=by, second=second, data=data)
    for poll in polls:
        roll.follow_status(poll, changed, status, reason=reason, by=by, second=second)
    return len(changed)


# --- namesakes ------------------------------------------------------------------------------------


@transaction.atomic
def tell_apart(pairs: Collection[frozenset[int]], *, by: User) -> int:
    """Keep on record of each pair of keys that it is two people; return how many pairs.

    Raises Refused for a pair that nobody would take for one person, or that was told apart before.
    """
    demand_office(by)
    Register.objects.locked()
    doubles = {
        frozenset({one.pk, other.pk}): (one, other)
        for one, other in register.doubles(register.in_office())
    }
    if not pairs or not doubles.keys() >= set(pairs):
        raise refused("not-alike")
    chosen = [doubles[pair] for pair in doubles if pair in pairs]
    keep_apart(chosen)
    journal.append(
        None,
        journal.Kind.TOLD_APART,
        by=by,
        data={"told_apart": [[str(one), str(other)] for one, other in chosen]},
    )
    return len(chosen)


def keep_apart(pairs: Iterable[tuple[Delegate, Delegate]]) -> list[Namesakes]:
    """Keep of each pair that it is two people; return those of whom nobody had said so.

    For acts that hold the lock of the register and put on record whom they told apart.
    """
    told = register.told_apart()
    fresh = {frozenset({one.pk, other.pk}) for one, other in pairs} - told
    return Namesakes.objects.bulk_create(
        Namesakes(one_id=min(pair), other_id=max(pair)) for pair in sorted(fresh, key=sorted)
    )
