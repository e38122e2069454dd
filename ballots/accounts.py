"""Staff accounts and their offices while a poll runs: each change is on its record, signed by two.

Here and nowhere else the program listens to signals: a change from a shell or from a page of
somebody else's is put on record as well, then without a name, since nobody knows whose it was.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.hashers import get_hasher, identify_hasher
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models.signals import m2m_changed, post_save, pre_delete, pre_save
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ballots import journal, roles
from ballots.models import PasswordDate
from ballots.refusal import Refusals, demand_colleague
from projects.models import Poll
from projects.phases import RUNNING

refused = Refusals(
    {
        "accounts-held": _(
            "没有办理：票决正在进行，账号、职责和密码的变动须由另一位会务或监票人员签名，"
            "请系统管理员在“用户”页办理；用户和组不能删除，可以停用。"
        ),
    }
)
# What of an account says who somebody is and what he may do.
WATCHED = (
    *("username", "password", "last_name", "first_name"),
    *("is_active", "is_staff", "is_superuser"),
)
# Marks an account, between the signals before and after it is written, that gets another password.
TO_BE_DATED = "_to_be_dated"


@dataclass
class Change:
    """Who changes accounts on a page, and who signs beside; `is_made` once something was changed."""

    by: User
    second: User | None = None
    reason: str = ""
    is_made: bool = False


_change: ContextVar[Change | None] = ContextVar("change", default=None)


@contextmanager
def changed_by(by: User, *, second: User | None = None, reason: str = "") -> Iterator[Change]:
    """Name those who change accounts in this block: without a second nobody does while a poll runs."""
    change = Change(by, second, reason)
    token = _change.set(change)
    try:
        yield change
    finally:
        _change.reset(token)


def are_guarded() -> bool:
    """Tell whether a change of accounts takes two people now: while a poll runs that counts."""
    return Poll.objects.real().filter(phase__in=RUNNING).exists()


def _put_on_record(who: User | None, data: dict[str, Any], *, is_first: bool = False) -> None:
    """Put a change on the record of every poll that runs; raises Refused where a second is missing.

    `who` is the account that is changed, and does not sign for itself. It `is_first` where somebody
    sets his own password in the place of a given one, for which two have signed.
    """
    with transaction.atomic():
        polls = Poll.objects.filter(phase__in=RUNNING).all_locked()
        change = _change.get()
        is_real = any(not poll.is_rehearsal for poll in polls)
        if change is not None and is_real and not is_first:
            if change.second is None:
                raise refused("accounts-held")
            # Nobody signs for what is done to his own account.
            demand_colleague(change.by if change.second != who else change.second, change.second)
        for poll in polls:
            journal.append(
                poll,
                journal.Kind.ACCOUNT_CHANGED,
                by=change.by if change else None,
                second=change.second if change else None,
                data=data | {"reason": change.reason if change else ""},
            )
    if change is not None:
        change.is_made = True


def _account(user: User, what: Collection[str], groups: Collection[str]) -> dict[str, Any]:
    """Return what the record says of an account: what was changed, and what it may do from now on."""
    return {
        "account": user.get_username(),
        "what": sorted(what),
        "staff": user.is_active and user.is_staff,
        "superuser": user.is_superuser,
        "groups": sorted(groups),
    }


def _groups_of(user: User) -> set[str]:
    return set(user.groups.values_list("name", flat=True)) if user.pk else set()


# --- what is listened to --------------------------------------------------------------------------
# Each before it is written: a record of what then failed does less harm than a change without one.


@receiver(pre_save, sender=User)
def account_is_saved(
    instance: User, update_fields: Collection[str] | None = None, **kwargs: Any
) -> None:
    """Answer Django's signal that an account is about to be written."""
    columns = [name for name in WATCHED if update_fields is None or name in update_fields]
    if not columns:
        return
    before = User.objects.filter(pk=instance.pk).first() if instance.pk else None
    if before is None:
        _put_on_record(instance, _account(instance, ["added"], ()))
        vars(instance)[TO_BE_DATED] = True
        return
    changed = {name for name in columns if getattr(before, name) != getattr(instance, name)}
    if changed == {"password"} and _is_upgrade(before, instance, update_fields):
        return
    if changed:
        data = _account(instance, changed, _groups_of(instance))
        if "username" in changed:
            data["former"] = before.get_username()
        _put_on_record(instance, data, is_first=_is_first(instance, changed))
    if "password" in changed:
        vars(instance)[TO_BE_DATED] = True


@receiver(post_save, sender=User)
def password_is_dated(instance: User, **kwargs: Any) -> None:
    """Answer Django's signal that an account was written: a new one has its row only now."""
    if vars(instance).pop(TO_BE_DATED, False):
        change = _change.get()
        dated: dict[str, Any] = {"at": timezone.now(), "is_own": True}
        if change is not None and change.by.pk != instance.pk:
            dated |= {"is_own": False, "given_by": change.by}
        PasswordDate.objects.update_or_create(user=instance, defaults=dated)


def _is_first(instance: User, changed: set[str]) -> bool:
    """Tell whether somebody sets his own password in the place of the one that was given to him."""
    change = _change.get()
    is_his = change is not None and change.by.pk == instance.pk
    return is_his and changed == {"password"} and roles.owes_password(instance)


def _is_upgrade(before: User, after: User, update_fields: Collection[str] | None) -> bool:
    """Tell whether this is the same password under a hasher of today, as Django writes it at a log-in."""
    if set(update_fields or ()) != {"password"} or after._password is not None:  # type: ignore[attr-defined]
        return False
    try:
        old, preferred = identify_hasher(before.password), get_hasher()
        new = identify_hasher(after.password)
    except ValueError:
        return False
    is_old = old.algorithm != preferred.algorithm or preferred.must_update(before.password)
    return is_old and new.algorithm == preferred.algorithm


@receiver(pre_delete, sender=User)
def account_is_deleted(instance: User, **kwargs: Any) -> None:
    """Answer Django's signal that an account is about to go."""
    data = _account(instance, ["deleted"], ())
    _put_on_record(instance, data | {"staff": False, "superuser": False})


@receiver(m2m_changed, sender=User.groups.through)
def offices_are_given(
    instance: User | Group, action: str, reverse: bool, pk_set: set[int] | None, **kwargs: Any
) -> None:
    """Answer Django's signal that accounts enter or leave groups, from either side."""
    if action not in {"pre_add", "pre_remove", "pre_clear"}:
        return
    if isinstance(instance, Group):
        there = instance.user_set.all()
        users = there if pk_set is None else User.objects.filter(pk__in=pk_set)
        groups = {instance.name}
    else:
        users = User.objects.filter(pk=instance.pk)
        chosen = Group.objects.all() if pk_set is None else Group.objects.filter(pk__in=pk_set)
        groups = set(chosen.values_list("name", flat=True))
    for user in users.order_by("pk"):
        before = _groups_of(user)
        after = before | groups if action == "pre_add" else before - groups
        if after != before:
            _put_on_record(user, _account(user, ["groups"], after))


@receiver(pre_save, sender=Group)
def group_is_saved(instance: Group, **kwargs: Any) -> None:
    """Answer Django's signal that a group is about to be written."""
    before = Group.objects.filter(pk=instance.pk).first() if instance.pk else None
    if before is None:
        _put_on_record(None, {"group": instance.name, "what": ["added"]})
    elif before.name != instance.name:
        data = {"group": instance.name, "what": ["name"], "former": before.name}
        _put_on_record(None, data)
        _members_lose(before, gain={instance.name})


@receiver(pre_delete, sender=Group)
def group_is_deleted(instance: Group, **kwargs: Any) -> None:
    """Answer Django's signal that a group is about to go: its members lose an office with it."""
    _put_on_record(None, {"group": instance.name, "what": ["deleted"]})
    _members_lose(instance, gain=set())


def _members_lose(group: Group, *, gain: set[str]) -> None:
    for user in group.user_set.order_by("pk"):
        after = _groups_of(user) - {group.name} | gain
        _put_on_record(user, _account(user, ["groups"], after))
