"""How staff sign in: Django's passwords, with growing waits after wrong ones (design §6.2)."""

import time
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from ballots.acts.sign_in import FREE_FAILURES, LONGEST_WAIT

# Seconds after which a name's wrong passwords are forgotten.
MEMORY = 60 * 60


class PatientBackend(ModelBackend):
    """Check a password, unless this name has just been tried too often from this address.

    The waits are those of cards. They are kept per name and address, so that nobody on another
    machine can lock the office out, and in this process's memory: each server process counts by
    itself, which lets a guesser try a few times more and needs no table.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        key = _key(request, username or "")
        if self._has_to_wait(key):
            return None
        user = super().authenticate(request, username=username, password=password, **kwargs)
        if isinstance(user, User):
            cache.delete(key)
            return user
        failures = cache.get(key, 0) + 1
        cache.set(key, failures, MEMORY)
        if failures >= FREE_FAILURES:
            minutes = min(2 ** (failures - FREE_FAILURES), LONGEST_WAIT)
            cache.set(f"{key}-wait", time.time() + minutes * 60, minutes * 60)
        return None

    def _has_to_wait(self, key: str) -> bool:
        """Tell whether a wait still runs; one that a clock set back made longer is cut to the rule's."""
        until = cache.get(f"{key}-wait")
        if until is None:
            return False
        longest = time.time() + LONGEST_WAIT * 60
        if until > longest:
            cache.set(f"{key}-wait", longest, LONGEST_WAIT * 60)
        return True


def _key(request: HttpRequest | None, name: str) -> str:
    address = request.META.get("REMOTE_ADDR", "") if request else ""
    return "staff-" + salted_hmac("ballots.staff", f"{address}\0{name}").hexdigest()
