"""How many passwords are looked at in one moment: each takes a core and 16 MB, on purpose.

Two in a process and not more, so that no flood of log-ins takes the machine away from the voters:
one place for strangers, who are sent away while it is taken, and one for whoever is known here,
who waits for a moment and never behind a stranger.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from django.utils.translation import gettext_lazy as _

from ballots.refusal import Refusals

refused = Refusals({"busy": _("登录的人较多，密码没有核对。请%(count)d秒后再试。")})

# Seconds: how long one who is known waits for the other of his kind, and when to come again.
PATIENCE = 5
AGAIN = 3

_strangers, _known = Lock(), Lock()


@contextmanager
def place(*, is_known: bool) -> Iterator[None]:
    """Hold the place in which one password is looked at, or raise Refused("busy")."""
    lane = _known if is_known else _strangers
    if not lane.acquire(timeout=PATIENCE if is_known else 0):
        raise refused("busy", count=AGAIN)
    try:
        yield
    finally:
        lane.release()
