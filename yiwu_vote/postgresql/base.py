"""A connection that notices when nobody is left at its other end.

The kernel notices a machine that is gone and a cut line (`tcp_user_timeout`, keepalives), and the
server ends what takes too long (`statement_timeout`). Neither sees a server that stands still, or a
proxy that takes every byte and passes none on, be it for all or for one connection: whoever waits for
it would wait for ever.
"""

import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base
from psycopg.abc import PQGen

from yiwu_vote.moments import note_clock

Answer = TypeVar("Answer")

# Seconds without a word after which another connection asks whether anybody answers at all: a lock
# or a long statement may keep this one waiting, and is waited for.
SILENCE = 8
# Seconds for which the server must have been idle on our connection before what we asked counts as
# lost on its way: less might be an answer that is on its own.
AT_REST = 2

# How long the server has had nothing to do on a connection; no row says that it has ended it.
REST = """
    SELECT CASE WHEN state LIKE 'idle%%' THEN extract(epoch FROM clock_timestamp() - state_change) END
    FROM pg_stat_activity WHERE pid = %s
"""


# Held by the one who looks whether a database that fell silent is back.
looking = threading.Lock()


def nobody() -> "Connection":
    """Stand for one more connection where there is to be none."""
    raise psycopg.OperationalError("a connection that was just made is silent too")


class Connection(psycopg.Connection[Any]):
    """A connection that breaks off with OperationalError where its server answers nobody any more."""

    # Whether nobody answered the last time that one was to be opened.
    is_silent = False
    # Opens another connection of this kind.
    again: Callable[[], "Connection"]

    @classmethod
    def connect(cls, conninfo: str = "", **given: Any) -> "Connection":
        """Connect as psycopg does; of a silent database one at a time waits for an answer.

        The others are told at once: a hall that waits for `connect_timeout` one after the other
        would fill every thread of the server.
        """
        if not Connection.is_silent:
            return cls._opened(conninfo, given)
        if not looking.acquire(blocking=False):
            raise psycopg.errors.ConnectionTimeout("the database did not answer a moment ago")
        try:
            return cls._opened(conninfo, given)
        finally:
            looking.release()

    @classmethod
    def _opened(cls, conninfo: str, given: dict[str, Any]) -> "Connection":
        try:
            connection = super().connect(conninfo, **given)
        except psycopg.errors.ConnectionTimeout:
            Connection.is_silent = True
            raise
        Connection.is_silent = False
        connection.again = lambda: Connection.connect(conninfo, **given)
        return connection

    def wait(self, gen: PQGen[Answer], *args: Any, **kwargs: Any) -> Answer:
        return super().wait(self._attended(gen), *args, **kwargs)

    def _attended(self, gen: PQGen[Answer]) -> PQGen[Answer]:
        """Go through `gen`, and look around whenever nothing has come for SILENCE seconds."""
        heard = time.monotonic()
        try:
            state = next(gen)
            while True:
                ready = yield state
                if ready:
                    heard = time.monotonic()
                elif time.monotonic() - heard > SILENCE:
                    self._demand_an_answer()
                    heard = time.monotonic()
                state = gen.send(ready)
        except StopIteration as end:
            answer: Answer = end.value
            return answer

    def _demand_an_answer(self) -> None:
        """Break off where nobody answers, or where the server does and knows nothing of our question."""
        try:
            with self.again() as another:
                # It is asked once: whoever looks into the silence of this one waits no longer.
                another.again = nobody
                rest = another.execute(REST, [self.pgconn.backend_pid]).fetchone()
            # A pooler gives its clients numbers of its own.
            if not settings.BEHIND_POOLER and (rest is None or (rest[0] or 0) > AT_REST):
                raise psycopg.OperationalError("the question was lost on its way to the database")
        except psycopg.OperationalError:
            self.pgconn.finish()
            raise


# The whole of psycopg to Django, but for what opens a connection.
PSYCOPG = ModuleType("psycopg")
vars(PSYCOPG).update(vars(psycopg), connect=Connection.connect)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own in all but the connections that it opens."""

    Database = PSYCOPG

    def init_connection_state(self) -> None:
        """Begin as Django does, and look at the server's clock."""
        super().init_connection_state()
        (now,) = self.connection.execute("SELECT clock_timestamp()").fetchone()
        note_clock(now)
