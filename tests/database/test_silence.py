"""A database that is silent, slow, or behind a pooler: nobody waits for ever, and nothing long is cut."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction

from ballots.acts import storage
from ballots.facts import database
from projects import locks
from tests.faults.postgres import Line
from tests.helpers.factories import make_stage, selection
from tests.helpers.machine import lacking
from yiwu_vote.postgresql import base

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line(int(connection.settings_dict["PORT"] or 5432))
    yield line
    line.close()


@contextlib.contextmanager
def connected(port: int, **options: Any) -> Iterator[Any]:
    """Yield another connection of Django's to the same database, by way of `port`."""
    other = connections.create_connection("default")
    own = other.settings_dict
    other.settings_dict = own | {"PORT": port, "OPTIONS": own["OPTIONS"] | options}
    try:
        yield other
    finally:
        other.close()


def asked(other: Any, statement: str) -> Any:
    with other.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


# --- silence --------------------------------------------------------------------------------------


def test_who_waits_for_a_peer_that_answers_nobody_is_let_go(line, monkeypatch):
    monkeypatch.setattr(base, "SILENCE", 0.3)
    with connected(line.port, connect_timeout=2) as other:
        assert asked(other, "SELECT 1") == 1
        line.is_silent = True
        before = time.monotonic()

        with pytest.raises(OperationalError):
            asked(other, "SELECT 2")

        assert time.monotonic() - before < 10
        line.is_silent = False
        # As Django does between two requests.
        other.close_if_unusable_or_obsolete()
        assert asked(other, "SELECT 3") == 3


def test_a_long_statement_of_a_server_that_lives_is_waited_for(line, monkeypatch):
    monkeypatch.setattr(base, "SILENCE", 0.2)
    with connected(line.port) as other:
        assert asked(other, "SELECT 7 FROM pg_sleep(1)") == 7


def test_who_waits_at_a_line_that_is_dead_beside_others_that_work_is_let_go(line, monkeypatch):
    monkeypatch.setattr(base, "SILENCE", 0.3)
    monkeypatch.setattr(base, "AT_REST", 0.5)
    with connected(line.port) as other:
        assert asked(other, "SELECT 1") == 1
        line.strand()
        before = time.monotonic()

        with pytest.raises(OperationalError):
            asked(other, "SELECT 2")

        assert time.monotonic() - before < 5
        other.close_if_unusable_or_obsolete()
        assert asked(other, "SELECT 3") == 3


def test_nobody_waits_long_to_be_connected(line):
    line.is_silent = True
    before = time.monotonic()

    with pytest.raises(OperationalError), connected(line.port) as other:
        asked(other, "SELECT 1")

    assert time.monotonic() - before < 10


def test_while_one_looks_whether_the_database_is_back_nobody_else_waits(line):
    line.is_silent = True
    with pytest.raises(OperationalError), connected(line.port, connect_timeout=2) as other:
        asked(other, "SELECT 1")

    with base.looking:
        before = time.monotonic()
        with pytest.raises(OperationalError), connected(line.port) as other:
            asked(other, "SELECT 1")
        assert time.monotonic() - before < 1

    line.is_silent = False
    with connected(line.port) as other:
        assert asked(other, "SELECT 1") == 1
    with base.looking, connected(line.port) as other:
        assert asked(other, "SELECT 1") == 1


# --- limits ---------------------------------------------------------------------------------------

LIMITS = "SELECT concat_ws(' ', current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout'))"


def test_an_act_takes_the_time_it_takes_and_leaves_the_limits_as_they_were():
    given = "-c statement_timeout=1s -c idle_in_transaction_session_timeout=2s"
    connection.close()
    options = connection.settings_dict["OPTIONS"]
    connection.settings_dict["OPTIONS"] = options | {"options": given}
    try:
        with transaction.atomic():
            locks.lock_for_cast(1)
            assert asked(connection, LIMITS) == "1s 2s"
        with transaction.atomic():
            locks.lock_for_act(1)
            assert asked(connection, LIMITS) == "0 10min"
        assert asked(connection, LIMITS) == "1s 2s"
    finally:
        connection.settings_dict["OPTIONS"] = options
        connection.close()


def test_the_storage_is_rewritten_in_the_time_that_it_takes():
    stage = make_stage(delegates=2)
    stage.cast(0, selection(1))
    stage.close()
    seen: list[str] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("VACUUM"):
            with context["connection"].connection.cursor() as cursor:
                seen.append(cursor.execute("SHOW statement_timeout").fetchone()[0])
        return execute(sql, params, many, context)

    options = connection.settings_dict["OPTIONS"]
    connection.close()
    connection.settings_dict["OPTIONS"] = options | {"options": "-c statement_timeout=9s"}
    try:
        with connection.execute_wrapper(watch):
            storage.rewrite_storage(stage.poll, by=stage.office)
        assert asked(connection, "SHOW statement_timeout") == "9s"
    finally:
        connection.settings_dict["OPTIONS"] = options
        connection.close()

    assert seen == ["0"]


# --- a pooler -------------------------------------------------------------------------------------


@pytest.fixture
def pooler(request) -> Iterator[int]:
    """PgBouncer in front of the database, with two connections for everybody; its port."""
    program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    if not Path(program).exists():
        lacking("PgBouncer (apt-get install pgbouncer)")
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    own = connection.settings_dict
    # It refuses to run as root, and must read its file.
    owner = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="pooler-"))
    told = {
        "listen_addr": "127.0.0.1",
        "listen_port": port,
        "unix_socket_dir": "",
        "auth_type": "any",
        "pool_mode": "transaction",
        "default_pool_size": 2,
        **request.param,
    }
    there = {"host": own["HOST"], "port": own["PORT"] or 5432, "user": own["USER"]}
    if own["PASSWORD"]:
        there["password"] = own["PASSWORD"]
    place = " ".join(f"{name}={value}" for name, value in there.items())
    lines = ["[databases]", f"* = {place}", "[pgbouncer]"]
    lines += [f"{name} = {value}" for name, value in told.items()]
    (folder / "ini").write_text("\n".join(lines))
    if owner:
        shutil.chown(folder, owner)
    server = subprocess.Popen([program, "ini"], cwd=folder, user=owner, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder)


def why_unfit(port: int, monkeypatch: pytest.MonkeyPatch, **changed: Any) -> str:
    """Return what the start says of the connection by way of `port`."""
    with connected(port) as other:
        other.settings_dict["OPTIONS"] |= changed
        if "options" in changed and changed["options"] is None:
            del other.settings_dict["OPTIONS"]["options"]
        monkeypatch.setattr(database, "connection", other)
        return database.why_unfit()


def test_a_connection_of_our_own_is_fit_and_so_is_none(monkeypatch):
    own = int(connection.settings_dict["PORT"] or 5432)

    assert why_unfit(own, monkeypatch) == ""
    # A database that is away may come back: the site starts.
    assert why_unfit(1, monkeypatch) == ""


@pytest.mark.parametrize(
    "pooler",
    [{}, {"ignore_startup_parameters": "extra_float_digits,options"}],
    ids=["turned away", "dropped"],
    indirect=True,
)
def test_a_pooler_that_nobody_has_told_us_of_is_refused_with_the_reason(pooler, monkeypatch):
    assert "BEHIND_POOLER=1" in why_unfit(pooler, monkeypatch)


@pytest.mark.parametrize("pooler", [{}], indirect=True)
def test_behind_a_pooler_what_we_ask_of_the_server_is_asked_of_the_database(
    pooler, monkeypatch, settings
):
    settings.BEHIND_POOLER = True
    name = connection.settings_dict["NAME"]

    words = why_unfit(pooler, monkeypatch, options=None, prepare_threshold=None)

    assert f"ALTER DATABASE {name} SET lock_timeout = '10s';" in words
    assert "synchronous_commit" not in words
