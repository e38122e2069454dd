"""Two acts at once: real connections in real threads, on both databases.

The lock of a poll is of two kinds (`projects.locks`); on SQLite it is the write lock of the whole file,
which `transaction_mode = IMMEDIATE` takes as a transaction begins. A race can be staged: one thread
stops at a chosen place inside its transaction until the other one has run into the lock, or is
through where there is none. That makes the outcome certain, and proves that the test can fail.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, Event, Thread, current_thread
from typing import Any

import pytest
from django.db import connection, connections

from projects import locks
from projects.models import Poll

# How long one thread waits for another before the test gives up: never reached when all is well.
PATIENCE = 30
ON_POSTGRESQL = connection.vendor == "postgresql"


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run `calls` in threads that start together; return what each answered or raised."""
    start = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            start.wait(PATIENCE)
            return call()
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def codes(outcomes: list[Any]) -> Counter[str]:
    """Return how many of each outcome there were: "ok", or the code of a refusal."""
    return Counter(
        getattr(outcome, "code", "?") if isinstance(outcome, Exception) else "ok"
        for outcome in outcomes
    )


def somebody_waits_for_me() -> bool:
    """Tell whether another connection has run into a lock that this one holds (PostgreSQL)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted"
            " AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
        )
        return bool(cursor.fetchone()[0])


class Race:
    """Two acts of which the first stops inside its transaction until the second has met it."""

    def __init__(self) -> None:
        self.first_is_inside = Event()
        self.second_has_begun = Event()
        self.second_is_through = Event()
        self.first: Thread | None = None

    def stop_here(self) -> None:
        """Called inside the first act's transaction; any other thread goes on at once."""
        if current_thread() is not self.first or self.first_is_inside.is_set():
            return
        self.first_is_inside.set()
        assert self.second_has_begun.wait(PATIENCE)
        end = time.monotonic() + PATIENCE
        while not self.second_is_through.is_set():
            if ON_POSTGRESQL and somebody_waits_for_me():
                return
            if (
                not ON_POSTGRESQL
                and connection.settings_dict["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
            ):
                # SQLite does not tell who waits; with this mode the second cannot get past BEGIN.
                return
            assert time.monotonic() < end, "the second act neither waits nor ends"
            time.sleep(0.01)

    def play(self, first: Callable[[], Any], second: Callable[[], Any]) -> tuple[Any, Any]:
        """Run both and return what each answered or raised."""

        def run_first() -> Any:
            self.first = current_thread()
            return first()

        def run_second() -> Any:
            assert self.first_is_inside.wait(PATIENCE)
            self.second_has_begun.set()
            try:
                return second()
            finally:
                self.second_is_through.set()

        answers = at_once(run_first, run_second)
        assert self.first_is_inside.is_set(), answers
        return answers[0], answers[1]


def stop_in(
    race: Race, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, *, after: bool = False
) -> None:
    """Let the first act stop where it calls `owner.name`: before that call, or `after` it."""
    original = getattr(owner, name)

    def stopping(*args: Any, **kwargs: Any) -> Any:
        if not after:
            race.stop_here()
        answer = original(*args, **kwargs)
        if after:
            race.stop_here()
        return answer

    monkeypatch.setattr(owner, name, stopping)


@contextmanager
def without_the_lock(monkeypatch: pytest.MonkeyPatch, kind: str = "") -> Iterator[None]:
    """Take the lock away: on SQLite a transaction then begins as a mere reader.

    On PostgreSQL that of one `kind` alone, "act" or "cast", or both, and that of the row with them.
    """
    with monkeypatch.context() as patch:
        if ON_POSTGRESQL:
            for each in [kind] if kind else ["act", "cast"]:
                patch.setattr(locks, f"lock_for_{each}", lambda poll: None)
            if not kind:
                patch.setattr(Poll.objects, "locked", lambda poll: Poll.objects.get(pk=poll.pk))
        else:
            patch.setitem(connection.settings_dict["OPTIONS"], "transaction_mode", "DEFERRED")
        yield
