"""The accounts of staff: who makes them, who gives a password, and that its person sets one of his own.

Whoever knows a password signs with it. So one that was given opens nothing but the page on which its
person sets his own, and whoever has given it never signs beside him (design §6.3).
"""

import secrets
from typing import Any

from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import roles
from ballots.models import PasswordDate
from ballots.pure.sealing import grouped
from ballots.refusal import Refusals

refused = Refusals(
    {
        "not-yours": _(
            "会务人员只能办理会务账号，总监票人只能办理监票人账号，其他账号由系统管理员办理。"
        ),
        "own-account": _("不能办理本人的账号。"),
        "name-taken": _("用户名“%(name)s”已有人使用，请另取一个。"),
        "superuser": _("系统管理员的账号不在本页办理。"),
    }
)

# The groups that a role stands for; a chief scrutineer is a scrutineer as well.
GROUPS = {
    roles.OFFICE: frozenset({roles.OFFICE}),
    roles.SCRUTINEER: frozenset({roles.SCRUTINEER}),
    roles.CHIEF: frozenset({roles.SCRUTINEER, roles.CHIEF}),
}
# No two of these signs look the same on paper: 12 of them have 59 bits.
SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
GIVEN_LENGTH = 12


def roles_given_by(by: User) -> tuple[str, ...]:
    """Return the roles whose accounts `by` may make and reset; empty for whoever may none.

    The office makes those of the office, the chief scrutineer those of scrutineers, so that neither
    side makes the person who watches it; the administrator, who has no office, makes all.
    """
    if not (by.is_active and by.is_staff) or roles.owes_password(by):
        return ()
    if by.is_superuser:
        return tuple(GROUPS)
    given = ((roles.OFFICE, roles.is_office(by)), (roles.SCRUTINEER, roles.is_chief(by)))
    return tuple(role for role, may in given if may)


def role_of(user: User) -> str:
    """Return the one role of `user`; empty where he has none, or several at once."""
    names = {group.name for group in user.groups.all()}
    if names == {roles.CHIEF}:
        return roles.CHIEF
    return next((role for role, groups in GROUPS.items() if groups == names), "")


def demand_managed(by: User, user: User) -> None:
    """Raise Refused("own-account", "superuser", "not-yours") unless `by` may change the account `user`."""
    if by == user:
        raise refused("own-account")
    if user.is_superuser:
        raise refused("superuser")
    if not roles_given_by(by) or not (by.is_superuser or role_of(user) in roles_given_by(by)):
        raise refused("not-yours")


def _demand_role(by: User, role: str) -> None:
    if role not in roles_given_by(by):
        raise refused("not-yours")


# --- what is done ---------------------------------------------------------------------------------
# What stands on record of it, and that two sign while a poll runs, is the concern of ballots.accounts.


@transaction.atomic
def add_staff(*, username: str, family: str, given: str, role: str, by: User) -> tuple[User, str]:
    """Make an account of `role`; return it with the password for its slip, which nobody can read again.

    Raises Refused("not-yours", "name-taken").
    """
    _demand_role(by, role)
    return _add(username, family, given, role, by)


@transaction.atomic
def add_first_office(*, username: str, family: str, given: str) -> tuple[User, str]:
    """Make the first account of the office from the machine's own shell, where nobody has signed in yet.

    Returns it with its password, as `add_staff` does; raises Refused("name-taken").
    """
    return _add(username, family, given, roles.OFFICE, None)


@transaction.atomic
def add_administrator(*, username: str, password: str = "") -> tuple[User, str]:
    """Make the superuser of a new site, who makes all other accounts; return it with its password.

    One that he has not chosen himself is given to him as to everybody else. Raises Refused("name-taken").
    """
    _demand_free(username)
    given = password or _new_password()
    user = User.objects.create_superuser(username, password=given)
    if not password:
        _note_given(user, None)
    return user, given


@transaction.atomic
def change_staff(user: User, *, family: str, given: str, role: str, by: User) -> None:
    """Correct the name of an account, or give it another role; raises as `demand_managed` does."""
    demand_managed(by, user)
    _demand_role(by, role)
    user.last_name, user.first_name = family, given
    user.save(update_fields=["last_name", "first_name"])
    if role != role_of(user):
        user.groups.set(Group.objects.filter(name__in=GROUPS[role]))


@transaction.atomic
def give_password(user: User, *, by: User) -> str:
    """Give `user` a new password for a slip, and end his sessions; raises as `demand_managed` does."""
    demand_managed(by, user)
    password = _new_password()
    user.set_password(password)
    user.save(update_fields=["password"])
    _note_given(user, by)
    return password


@transaction.atomic
def set_active(user: User, *, active: bool, by: User) -> None:
    """Let `user` sign in, or not any more; raises as `demand_managed` does."""
    demand_managed(by, user)
    user.is_active = active
    user.save(update_fields=["is_active"])


def _demand_free(username: str) -> None:
    if User.objects.filter(username__iexact=username).exists():
        raise refused("name-taken", name=username)


def _add(username: str, family: str, given: str, role: str, by: User | None) -> tuple[User, str]:
    _demand_free(username)
    password = _new_password()
    user = User.objects.create_user(
        username, password=password, last_name=family, first_name=given, is_staff=True
    )
    user.groups.set(Group.objects.filter(name__in=GROUPS[role]))
    _note_given(user, by)
    return user, password


def _note_given(user: User, by: User | None) -> None:
    PasswordDate.objects.filter(user=user).update(is_own=False, given_by=by)


def _new_password() -> str:
    return grouped("".join(secrets.choice(SIGNS) for _place in range(GIVEN_LENGTH)))


class AnotherPassword:
    """Django's question about a new password: that it is not the given one once more."""

    def validate(self, password: str, user: Any = None) -> None:
        if (
            user is not None
            and user.pk
            and roles.owes_password(user)
            and user.check_password(password)
        ):
            raise ValidationError(gettext("请另设一个密码，不能沿用领取的密码。"), code="given")

    def get_help_text(self) -> str:
        return gettext("不能沿用领取的密码。")
