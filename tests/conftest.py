"""What every test may use: guards for what a machine may lack, the browser, and the fixtures."""

import asyncio
import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection, transaction
from django.db.backends.base.operations import BaseDatabaseOperations

from ballots import triggers
from projects.models import Poll
from tests.helpers import factories
from tests.helpers.machine import ROOT, chromium, lacking
from yiwu_vote import moments

# A slow machine is no failure; what is slow belongs in tests/bench.
hypothesis.settings.register_profile("suite", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("suite")

# --- which test needs what ------------------------------------------------------------------------

# `db` and `transactional_db` are in the closure of every other database fixture of pytest-django
# but the live server's, which asks for its database by itself.
DATABASE_FIXTURES = {"db", "transactional_db", "live_server"}
IMPURE_MARKS = {"django_db", "postgresql", "http", "browser", "faults", "long"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by what it uses, and put the browser tests last.

    Playwright leaves an event loop running in its thread until the session ends, and Django
    refuses to use the database beside one. Being last, only the browser tests need that check
    off, and what a worker takes from another after them.
    """
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if "playwright" in fixtures:
            item.add_marker("browser")
        marks = {mark.name for mark in item.iter_markers()}
        if not (fixtures & DATABASE_FIXTURES or marks & IMPURE_MARKS):
            item.add_marker("pure")
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


def has_event_loop() -> bool:
    """Tell whether an event loop runs in this thread, which none but Playwright's ever does."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Lift Django's guard against event loops for a browser test, its set-up and its tear-down.

    And for whatever comes after it where somebody has chosen another order of the tests.
    """
    with pytest.MonkeyPatch.context() as patch:
        if item.get_closest_marker("browser") or has_event_loop():
            patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        return (yield)


# --- what this machine may lack -------------------------------------------------------------------


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Stop a test here whose browser or database this run does not have."""
    if item.get_closest_marker("browser") and not chromium():
        lacking("Chromium (apt-get install chromium)")
    engine = settings.DATABASES["default"]["ENGINE"]
    if item.get_closest_marker("postgresql") and not engine.endswith("postgresql"):
        lacking("PostgreSQL (DATABASE_URL=postgres://postgres@127.0.0.1:5432/yiwu_vote)")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real ballots of other votes, kept beside the repository and not in it."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        lacking(f"the ballots in {folder}")
    return folder


# --- the browser ----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Start the system's Chromium, silent: it looks for no update and calls nobody."""
    flags = [
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # Chromium's sandbox refuses to work for root, which is who CI is.
        flags.append("--no-sandbox")
    return browser_type_launch_args | {"executable_path": chromium(), "args": flags}


# --- the clock ------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def one_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the database's clock be this machine's, whatever a connection found in another test.

    One that was opened while a test stood still in time has noted how far that was from now.
    """
    monkeypatch.setattr(moments, "_ahead", timedelta())


# --- people and things: polls, candidates, delegates, staff ---------------------------------------


# What `migrate` writes into every database: content types, permissions, groups.
STANDING = {"django_content_type", "auth_permission", "auth_group", "auth_group_permissions"}


def standing() -> list[tuple[str, int | None]]:
    """Return the groups and what each may, which no test should leave otherwise than it found them."""
    return list(Group.objects.order_by("name", "permissions").values_list("name", "permissions"))


@pytest.fixture(scope="session", autouse=True)
def flushed_at_a_stroke() -> Iterator[None]:
    """Let the end of a transactional test empty the tables that triggers keep for good.

    Django deletes or truncates every row then; nothing but a test has a reason to. What `migrate`
    writes stays, unless a test has changed it: to write it anew takes longer than most tests.
    """
    operations = type(connection.ops)
    flush = operations.execute_sql_flush
    first: list[tuple[str, int | None]] = []

    def empty(tables: Iterable[str]) -> None:
        """Delete every row of `tables`, past all triggers."""
        names = [connection.ops.quote_name(table) for table in tables]
        rows = [f"DELETE FROM {name}" for name in names]  # noqa: S608  # our own names
        # One transaction: a flush that fails must not leave the next test without its guards.
        with transaction.atomic():
            if connection.vendor == "postgresql":
                # To truncate tables of a few rows takes ten times longer, and so does it to lift
                # triggers table by table, after which every plan is made anew.
                role = "SET LOCAL session_replication_role = "
                flush(connection.ops, [role + "replica", *rows, role + "origin"])
            else:
                triggers.lift(connection)
                flush(connection.ops, [f"{row};" for row in rows])
                triggers.install(connection)

    def flush_what_tests_write(self: BaseDatabaseOperations, sql_list: Sequence[str]) -> None:
        if not first:
            first.extend(standing())
        tables = connection.introspection.django_table_names(only_existing=True)
        empty(table for table in tables if table not in STANDING)

    def complete(*args: Any, **kwargs: Any) -> None:
        if standing() != first:
            empty(STANDING)
            emit_post_migrate_signal(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations, "execute_sql_flush", flush_what_tests_write)
        patch.setattr("django.core.management.commands.flush.emit_post_migrate_signal", complete)
        yield


@pytest.fixture
def stage(db: None) -> factories.Stage:
    """An open rehearsal with its people, cards and key; what stands below belongs to it."""
    return factories.make_stage()


@pytest.fixture
def poll(stage: factories.Stage) -> Poll:
    return stage.poll


@pytest.fixture
def office(stage: factories.Stage) -> User:
    return stage.office


@pytest.fixture
def scrutineer(stage: factories.Stage) -> User:
    return stage.scrutineer


@pytest.fixture
def chief(stage: factories.Stage) -> User:
    return stage.chief
