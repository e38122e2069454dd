"""The offices of a vote as Django groups: 会务 runs it, 监票 watches it (design §6.3)."""

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.utils.translation import gettext

from yiwu_vote.texts import full_name, name_key

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

OFFICE = "会务"
SCRUTINEER = "监票"
CHIEF = "总监票人"
# What an act demands is asked of these by their names.
GROUPS = (OFFICE, SCRUTINEER, CHIEF)

# Where a user who is signed in says that he has no password of his own.
OWES = "owes_password"

# The permissions of Django's admin that each group carries; what an act demands is asked of the
# group itself, so that no right to everything is an office.
EDITED_BY_OFFICE = ("projects.poll", "projects.project", "projects.target", "projects.subitem")
KEPT_BY_OFFICE = (
    *("ballots.delegation", "ballots.delegate"),
    *("projects.adoptedproject", "projects.adoptedtarget", "projects.adoptedpart"),
)
SEEN_BY_ALL = (
    "projects.year",
    "ballots.rollentry",
    "ballots.journalentry",
    "ballots.pollday",
    "ballots.recommendation",
)


def _is_in(user: "User | AnonymousUser", *groups: str) -> bool:
    # Whoever can give himself any office has none: the account that makes accounts runs no vote.
    if not (user.is_active and user.is_staff) or user.is_superuser:
        return False
    # Not a filter: a page that has fetched the groups once is asked about them many times.
    return any(group.name in groups for group in user.groups.all())


def is_office(user: "User | AnonymousUser") -> bool:
    """Tell whether `user` is of the secretariat (会务)."""
    return _is_in(user, OFFICE)


def is_scrutineer(user: "User | AnonymousUser") -> bool:
    """Tell whether `user` is a scrutineer (监票人), the chief one included."""
    return _is_in(user, SCRUTINEER, CHIEF)


def has_office(user: "User | AnonymousUser") -> bool:
    """Tell whether `user` is of the secretariat or a scrutineer: whoever has a part in the vote."""
    return _is_in(user, OFFICE, SCRUTINEER, CHIEF)


def is_chief(user: "User | AnonymousUser") -> bool:
    """Tell whether `user` is the chief scrutineer (总监票人)."""
    return _is_in(user, CHIEF)


def owes_password(user: "User | AnonymousUser") -> bool:
    """Tell whether `user` has still the password that somebody gave him, and none of his own.

    Whoever is signed in brings the answer along (`ballots.backends`).
    """
    known: bool | None = getattr(user, OWES, None)
    if known is None:
        known = _dates().filter(user=user.pk, is_own=False).exists()
    return known


def has_given_password(one: "User", other: "User") -> bool:
    """Tell whether one of the two has given the other a password: he may know it still."""
    pairs = _dates().filter(user__in=(one, other), given_by__in=(one, other))
    return bool(pairs.exists())


def _dates() -> Any:
    return apps.get_model("ballots", "PasswordDate").objects


def accounts() -> list[list[Any]]:
    """Return every active staff account with its groups, as the opening puts it on record."""
    users = apps.get_model("auth", "User").objects.filter(is_staff=True, is_active=True)
    return [
        [user.get_username(), sorted(group.name for group in user.groups.all())]
        for user in users.order_by("username").prefetch_related("groups")
    ]


def make_groups(*, using: str) -> None:
    """Make the three groups with their admin permissions, or bring them up to date."""
    groups = apps.get_model("auth", "Group").objects.using(using)
    office, _ = groups.get_or_create(name=OFFICE)
    office.permissions.set(
        _permissions(using, EDITED_BY_OFFICE + KEPT_BY_OFFICE, ("add", "change", "delete", "view"))
        + _permissions(using, SEEN_BY_ALL, ("view",))
    )
    for name in (SCRUTINEER, CHIEF):
        group, _ = groups.get_or_create(name=name)
        group.permissions.set(
            _permissions(using, EDITED_BY_OFFICE + KEPT_BY_OFFICE + SEEN_BY_ALL, ("view",))
        )


def _permissions(using: str, models: tuple[str, ...], verbs: tuple[str, ...]) -> list[int]:
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    found: list[int] = []
    for label in models:
        app, model = label.split(".")
        codenames = [f"{verb}_{model}" for verb in verbs]
        found += permissions.filter(
            content_type__app_label=app, codename__in=codenames
        ).values_list("pk", flat=True)
    return found


def named(user: "User | None") -> str:
    """Return how a member of staff stands on a page, on paper and in a file.

    By the name of the person, or without one by that of the account; of nobody, that an account was
    changed by other ways than our pages.
    """
    if user is None:
        return gettext("未经管理页面")
    return full_name(user.last_name, user.first_name) or user.get_username()


def is_named(user: "User", name: str) -> bool:
    """Tell whether `name` is that of the account or of its person, in whichever order."""
    family, given = user.last_name, user.first_name
    theirs = (user.get_username(), family + given, given + family)
    return name_key(name) in {name_key(one) for one in theirs if one}
