"""What a backup gives back: rows, record and guards; and whether data alone can be put back.

Case 38. The ways are those of docs/operations.md.
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from ballots import triggers
from projects.models import Poll, Project
from tests.helpers.factories import opened_stage
from tests.helpers.machine import lacking

pytestmark = pytest.mark.django_db


def counted() -> Poll:
    """Return a poll whose every table has rows, the frozen ones too."""
    stage = opened_stage("建公园")
    stage.count()
    return stage.poll


# --- PostgreSQL -----------------------------------------------------------------------------------


class Server:
    """The server of the tests and one more database on it, reached by its own tools."""

    def __init__(self) -> None:
        self.info = connection.settings_dict
        self.copy = f"restored_{os.getpid()}"

    def address(self, name: str) -> str:
        user, host, port = self.info["USER"], self.info["HOST"], self.info["PORT"] or 5432
        return f"postgres://{user}@{host}:{port}/{name}"

    def empty(self) -> None:
        """Make the copy anew, without a table."""
        self.drop()
        with psycopg.connect(self.address("postgres"), autocommit=True) as link:
            link.execute(f"CREATE DATABASE {self.copy}".encode())

    def drop(self) -> None:
        with psycopg.connect(self.address("postgres"), autocommit=True) as link:
            link.execute(f"DROP DATABASE IF EXISTS {self.copy} WITH (FORCE)".encode())

    def dump(self, *options: str) -> str:
        """Return a dump of the tests' database by `pg_dump`."""
        return run(["pg_dump", "--no-owner", *options, self.address(self.info["NAME"])])[1]

    def load(self, dump: str) -> tuple[int, str]:
        """Feed a dump to `psql` in the copy; return its exit code and what it complained of."""
        options = ["--quiet", "--single-transaction", "--set", "ON_ERROR_STOP=1"]
        return run(["psql", *options, self.address(self.copy)], dump, check=False)

    def rows(self, name: str) -> dict[str, str]:
        """Return a checksum of the rows of each table of a database."""
        with psycopg.connect(self.address(name)) as link:
            tables = link.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            ).fetchall()
            ask = "SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM public.{} t"
            return {
                table: str(link.execute(ask.format(table).encode()).fetchone())
                for (table,) in tables
            }


def run(command: list[str], given: str = "", *, check: bool = True) -> tuple[int, str]:
    done = subprocess.run(
        command, input=given, capture_output=True, encoding="utf-8", check=False, timeout=120
    )
    assert not check or done.returncode == 0, done.stderr
    return done.returncode, done.stdout if done.returncode == 0 else done.stderr


@pytest.fixture
def server() -> Iterator[Server]:
    if not (shutil.which("pg_dump") and shutil.which("psql")):
        lacking("pg_dump and psql (apt-get install postgresql-client)")
    one = Server()
    yield one
    one.drop()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_dump_is_put_back_whole_or_its_data_alone_and_the_guards_are_there(server):
    counted()
    ways = {
        "whole": [server.dump()],
        "data alone": [
            server.dump("--schema-only"),
            server.dump("--data-only", "--disable-triggers"),
        ],
    }

    for way, dumps in ways.items():
        server.empty()
        for dump in dumps:
            code, said = server.load(dump)
            assert code == 0, (way, said)
        assert server.rows(server.copy) == server.rows(server.info["NAME"])
        with (
            psycopg.connect(server.address(server.copy)) as link,
            pytest.raises(psycopg.errors.RestrictViolation, match="candidates are frozen"),
        ):
            link.execute("UPDATE projects_project SET title = '改'")


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_data_alone_under_the_guards_is_refused_by_a_guard_that_names_the_way(server):
    """Not by a function that cannot find its tables, since such a dump sets no schema."""
    counted()
    server.empty()
    server.load(server.dump("--schema-only"))

    code, said = server.load(server.dump("--data-only"))

    assert code != 0
    assert "a ballot comes out of an opened box only" in said
    assert "docs/operations.md" in said


@pytest.mark.postgresql
def test_the_guards_work_for_a_session_that_names_no_schema():
    counted()

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = ''")
        with pytest.raises(IntegrityError, match="candidates are frozen"), transaction.atomic():
            cursor.execute("UPDATE public.projects_project SET title = '改'")


# --- both -----------------------------------------------------------------------------------------


def test_a_temporary_table_does_not_stand_in_for_the_polls():
    """On PostgreSQL a session's own tables are looked at first, unless it is said otherwise."""
    poll = counted()

    with connection.cursor() as cursor:
        # Made under another name, so that the first look is at the real one.
        cursor.execute(
            "CREATE TEMPORARY TABLE own AS SELECT id, kind, 'draft' AS phase FROM projects_poll"
        )
        cursor.execute("ALTER TABLE own RENAME TO projects_poll")
        try:
            with pytest.raises(IntegrityError, match="candidates are frozen"), transaction.atomic():
                Project.objects.filter(poll_id=poll.pk).update(title="改")
        finally:
            temporary = {"postgresql": "pg_temp", "sqlite": "temp"}[connection.vendor]
            cursor.execute(f"DROP TABLE {temporary}.projects_poll")


def test_a_site_that_has_voted_is_not_loaded_from_a_fixture(tmp_path):
    """`dumpdata` writes every row, and the guards let none of a frozen poll in; it says the way."""
    poll = counted()
    path = tmp_path / "site.json"
    call_command("dumpdata", "ballots.sealedballot", "ballots.ballot", output=str(path))
    with connection.cursor() as cursor:
        triggers.lift(connection)
        cursor.execute("DELETE FROM ballots_ballot")
        cursor.execute("DELETE FROM ballots_sealedballot")
        triggers.install(connection)

    with pytest.raises(CommandError, match="docs/operations") as refusal:
        call_command("loaddata", str(path), verbosity=0)
    assert "a sealed ballot is laid into a closed box" in str(refusal.value)
    assert not poll.sealed_ballots.exists()


# --- SQLite ---------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="the file of SQLite")
def test_a_dump_of_sqlite_is_put_back_whole_with_its_guards(tmp_path: Path):
    counted()
    with (
        sqlite3.connect(str(connection.settings_dict["NAME"])) as source,
        sqlite3.connect(tmp_path / "copy.sqlite3") as copy,
    ):
        dump = list(source.iterdump())
        copy.executescript("\n".join(dump))
        assert list(copy.iterdump()) == dump
        with pytest.raises(sqlite3.IntegrityError, match="candidates are frozen"):
            copy.execute("UPDATE projects_project SET title = '改'")
