"""Waits after wrong passwords of staff, counted before a password is looked at (design §6.2).

Whoever tries takes a place first, as if he were wrong, and gives it back once he was right: of a
hundred guesses at one moment no more are looked at than of a hundred in a row.
"""

import math
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_network

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from ballots.acts.sign_in import FREE_FAILURES, LONGEST_WAIT
from ballots.facts.checks.site_checks import PASSWORDS_LAST
from ballots.models import PasswordTries
from ballots.refusal import Refusals
from yiwu_vote.middleware import visitor_address
from yiwu_vote.staff_session import has_worked_here

refused = Refusals({"wait": _("错误次数较多，请%(count)d分钟后再试。")})


def signed_in(request: HttpRequest | None) -> User | None:
    """Return the member of staff in whose session a password is typed, his own or a second one."""
    user = getattr(request, "user", None)
    return user if isinstance(user, User) and user.is_staff else None


def is_known(request: HttpRequest | None, name: str) -> bool:
    """Tell whether the password of `name` is typed where a stranger cannot type one.

    In the session of somebody of the staff, in a browser in which `name` has worked, or at a shell.
    """
    return request is None or signed_in(request) is not None or has_worked_here(request, name)


def key_of(request: HttpRequest | None, name: str) -> str:
    """Return under which key the passwords of `name` are counted, which tells neither name nor address.

    What somebody tries in his own session, as a second signature too, counts against the two of
    them. What is tried in a browser in which `name` has worked counts against such browsers. All
    else counts against name and address. So nobody outside makes an officer wait who works here.
    """
    by = signed_in(request)
    if by is not None:
        parts = ["session", str(by.pk), name]
    elif request is None:
        parts = ["shell", name]
    elif has_worked_here(request, name):
        parts = ["browser", name]
    else:
        parts = ["address", _network(request), name]
    return _hashed(*parts)


def key_of_codes(user: User) -> str:
    """Return under which key the codes of a second factor are counted: only who knows the password types one."""
    return _hashed("codes", str(user.pk))


def take_place(key: str) -> None:
    """Count an attempt under `key` beforehand, or raise Refused("wait")."""
    now = timezone.now()
    _demand_no_wait(PasswordTries.objects.filter(key=key, wait_until__gt=now).first())
    PasswordTries.objects.filter(last_at__lt=now - PASSWORDS_LAST).delete()
    with transaction.atomic():
        PasswordTries.objects.bulk_create(
            [PasswordTries(key=key, last_at=now)], ignore_conflicts=True
        )
        tries = PasswordTries.objects.select_for_update().get(key=key)
        _demand_no_wait(tries)
        tries.failures = min(tries.failures + 1, FREE_FAILURES + 4)
        tries.last_at = now
        if tries.failures >= FREE_FAILURES:
            minutes = min(2 ** (tries.failures - FREE_FAILURES), LONGEST_WAIT)
            tries.wait_until = now + timedelta(minutes=minutes)
        tries.save()


def give_back(key: str) -> None:
    """Forget what was tried under `key`: the password was right."""
    PasswordTries.objects.filter(key=key).delete()


def wait_of(request: HttpRequest, user: User) -> datetime | None:
    """Return until when `user` waits wherever it can be known; None where he does not."""
    now = timezone.now()
    waiting = PasswordTries.objects.filter(key__in=_keys_of(request, user), wait_until__gt=now)
    latest: datetime | None = waiting.aggregate(Max("wait_until"))["wait_until__max"]
    return latest


def end(request: HttpRequest, user: User) -> None:
    """Let `user` try again at once, in browsers that know him, in sessions of staff and from here.

    Where a stranger has tried his name nobody knows: such waits end by themselves.
    """
    PasswordTries.objects.filter(key__in=_keys_of(request, user)).delete()


def _keys_of(request: HttpRequest, user: User) -> list[str]:
    name = user.get_username()
    staff = User.objects.filter(is_staff=True).values_list("pk", flat=True)
    return [
        key_of_codes(user),
        _hashed("browser", name),
        _hashed("shell", name),
        _hashed("address", _network(request), name),
        *(_hashed("session", str(pk), name) for pk in staff),
    ]


def _hashed(*parts: str) -> str:
    return salted_hmac("ballots.staff", "\0".join(parts), algorithm="sha256").hexdigest()


def _demand_no_wait(tries: PasswordTries | None) -> None:
    now = timezone.now()
    if tries is None or tries.wait_until is None or tries.wait_until <= now:
        return
    longest = now + timedelta(minutes=LONGEST_WAIT)
    if tries.wait_until > longest:
        # The clock was set back since: nobody waits longer than the rule says.
        PasswordTries.objects.filter(pk=tries.pk).update(wait_until=longest)
        tries.wait_until = longest
    raise refused("wait", count=math.ceil((tries.wait_until - now).total_seconds() / 60))


def _network(request: HttpRequest) -> str:
    """Return where a request comes from; of IPv6 the network, of which a visitor has every address."""
    address = visitor_address(request)
    if isinstance(address, IPv6Address):
        return str(ip_network(f"{address}/64", strict=False))
    return str(address or "")
