"""What the site says while its database is away, full, or only reads: it is busy, and goes on afterwards."""

import contextlib
import io
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.db import OperationalError, connection
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.test import Client

from ballots import triggers
from ballots.facts import database, turnout
from ballots.models import Envelope, Session
from tests.helpers.browsing import posted, read, ready_to_cast, signed_in
from tests.helpers.factories import Stage, make_stage
from yiwu_vote import errors, health

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage(transactional_db: None) -> Stage:
    return make_stage()


def fails(error: type[Exception]) -> Any:
    def failing(*_args: Any, **_kwargs: Any) -> None:
        raise error("the password is hunter2")

    return failing


@contextlib.contextmanager
def read_only() -> Iterator[None]:
    """Let the database refuse every write, as a standby does."""
    on, off = (
        ("SET default_transaction_read_only = on", "SET default_transaction_read_only = off")
        if connection.vendor == "postgresql"
        else ("PRAGMA query_only = ON", "PRAGMA query_only = OFF")
    )
    with connection.cursor() as cursor:
        cursor.execute(on)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(off)


# --- whether the site is well ---------------------------------------------------------------------


def test_healthz_answers_for_the_process_and_never_goes_into_django():
    went_in: list[str] = []

    def django(environ: Any, _start: Any) -> list[bytes]:
        went_in.append(environ["PATH_INFO"])
        return []

    told: list[Any] = []
    site = health.HealthFirst(django)

    assert site({"PATH_INFO": "/healthz"}, lambda *head: told.append(head)) == [b"ok"]
    assert [status for status, _headers in told] == ["200 OK"]
    assert dict(told[0][1])["Cache-Control"] == "no-store"
    assert went_in == []
    assert site({"PATH_INFO": "/readyz"}, lambda *head: told.append(head)) == []
    assert went_in == ["/readyz"]


@pytest.fixture
def asked_anew(monkeypatch):
    """Nobody has asked within the last second."""
    monkeypatch.setattr(health, "READY_FOR", -1)


def test_readyz_stands_for_a_moment_so_that_nobody_can_make_it_write_without_end(monkeypatch):
    monkeypatch.setattr(health, "_last", (float("-inf"), ""))
    writes: list[int] = []
    monkeypatch.setattr(database, "demand_a_write", lambda: writes.append(1))

    for _ in range(5):
        assert Client().get("/readyz").status_code == 200

    assert writes == [1]


@pytest.mark.django_db(transaction=True)
def test_a_database_that_takes_no_writes_is_not_ready(asked_anew):
    assert Client().get("/readyz").content == b"ok"
    with read_only():
        reply = Client().get("/readyz")

    assert (reply.status_code, kinds(reply)) == (503, ["write"])
    assert "只读，或者磁盘已满" in reply.text
    assert reply["Retry-After"] == "5"


@pytest.mark.django_db(transaction=True)
def test_a_database_that_takes_no_writes_is_a_busy_site_and_no_broken_one(stage):
    client = signed_in(stage, raise_request_exception=False)
    sent = ready_to_cast(client, stage.poll, 1)
    with read_only():
        cast = client.post("/ballot/cast/", sent)
        entering = Client(raise_request_exception=False).post("/", {"code": stage.issued[1].code})

    assert (cast.status_code, entering.status_code) == (503, 503)
    assert cast["Retry-After"] == entering["Retry-After"] == "5"
    assert "请稍候再按一次" in cast.text
    assert "系统繁忙" in entering.text
    assert not Envelope.objects.exists()


def kinds(reply: Any) -> list[str]:
    return [line.partition(":")[0] for line in reply.text.splitlines()]


def test_readyz_names_the_migrations_that_are_pending(db, monkeypatch, asked_anew):
    assert Client().get("/readyz").content == b"ok"
    plan = [(Migration(f"{number:04}_step", "ballots"), False) for number in range(50, 57)]
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda *args: plan)

    reply = Client().get("/readyz")

    assert (reply.status_code, kinds(reply)) == (503, ["migrations"])
    assert "请运行 manage.py migrate (pending): ballots.0050_step、ballots.0051_step" in reply.text
    assert "ballots.0054_step……" in reply.text
    assert "0055" not in reply.text


def test_readyz_says_that_the_database_is_away_and_not_what_it_said(db, monkeypatch, asked_anew):
    monkeypatch.setattr("ballots.facts.database.MigrationExecutor", fails(OperationalError))

    reply = Client().get("/readyz")

    assert (reply.status_code, kinds(reply)) == (503, ["database"])
    assert "数据库没有回应" in reply.text
    assert "hunter2" not in reply.text


def test_readyz_misses_a_trigger(db, asked_anew):
    triggers.lift(connection)

    reply = Client().get("/readyz")

    assert (reply.status_code, kinds(reply)) == (503, ["triggers"])


def test_readyz_says_all_that_is_missing_at_once(db, monkeypatch, asked_anew, tmp_path):
    """A process that was started before its static files were collected knows none of them."""
    manifest = ManifestStaticFilesStorage(location=tmp_path)
    monkeypatch.setattr(health, "staticfiles_storage", manifest)
    monkeypatch.setattr(database, "demand_a_write", fails(OperationalError))

    reply = Client().get("/readyz")

    assert kinds(reply) == ["static", "write"]
    assert "请运行 manage.py collectstatic" in reply.text
    assert str(tmp_path) not in reply.text


def test_readyz_knows_static_files_that_are_all_collected(monkeypatch, tmp_path):
    manifest = ManifestStaticFilesStorage(location=tmp_path)
    known = {path: path for finder in finders.get_finders() for path, _of in finder.list([])}
    manifest.hashed_files = known
    monkeypatch.setattr(health, "staticfiles_storage", manifest)

    assert health.static_is_collected()

    manifest.hashed_files = dict(list(known.items())[1:])
    assert not health.static_is_collected()


# --- what is said, and what is kept ----------------------------------------------------------------


def test_a_database_that_is_away_is_a_busy_site_and_no_broken_one(stage, monkeypatch):
    client = signed_in(stage, raise_request_exception=False)

    def away(poll):
        raise OperationalError("the password is hunter2")

    monkeypatch.setattr(turnout, "turnout_of", away)
    reply = client.get("/progress/")

    assert reply.status_code == 503
    assert reply["Retry-After"] == "5"
    assert "系统繁忙" in reply.text
    assert "hunter2" not in reply.text


def test_a_database_that_is_away_takes_one_line_of_the_log(stage, monkeypatch):
    client = signed_in(stage, raise_request_exception=False)
    monkeypatch.setattr(turnout, "turnout_of", fails(OperationalError))
    stream = io.StringIO()
    # That of the settings has filters; pytest adds its own.
    for name in ("django", "ballots"):
        (handler,) = [one for one in logging.getLogger(name).handlers if one.filters]
        monkeypatch.setattr(handler, "stream", stream)

    client.get("/progress/")

    assert re.fullmatch(
        r"\S+ \S+ ERROR ballots error [0-9a-f]{8} at progress/: OperationalError\n",
        stream.getvalue(),
    )


def test_who_is_let_in_while_the_database_goes_away_is_told_to_wait(stage, monkeypatch):
    client = Client(raise_request_exception=False)
    monkeypatch.setattr(Session, "save", fails(OperationalError))

    reply = client.post("/", {"code": stage.issued[0].code})

    assert reply.status_code == 503
    assert "系统繁忙" in reply.text


def test_who_signs_in_anew_while_the_database_goes_away_is_told_to_wait(stage, monkeypatch):
    client = signed_in(stage, raise_request_exception=False)
    monkeypatch.setattr(Session, "save", fails(OperationalError))

    assert client.post("/", {"code": stage.issued[0].code}).status_code == 503


def test_a_ballot_that_met_a_dead_database_can_be_sent_again_from_the_page_that_says_so(
    stage, monkeypatch
):
    client = signed_in(stage, raise_request_exception=False)
    sent = ready_to_cast(client, stage.poll, 1, 3)
    with monkeypatch.context() as patch:
        patch.setattr("ballots.pages.middleware.who_asks", fails(OperationalError))
        reply = client.post("/ballot/cast/", sent)

    assert reply.status_code == 503
    form = read(reply).form("/ballot/cast/")
    assert posted(form) == sent
    # Its length says nothing of the choices.
    assert len(reply.content) % errors.SIZE_WITH_BALLOT == 0
    assert client.post("/ballot/cast/", posted(form)).status_code == 303
