"""A command that the database breaks off ends with one line that says whether anything was done."""

import os
import subprocess
import sys
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection

from ballots import journal
from ballots.acts import lifecycle, storage
from ballots.facts import database
from ballots.facts.checks import site_checks
from ballots.models import Envelope
from projects.models import Poll
from tests.helpers.factories import Stage, make_stage, selection
from tests.helpers.machine import ROOT
from tests.helpers.refusals import refused

pytestmark = pytest.mark.django_db(transaction=True)

NOTHING = "没有办理，没有改动任何内容。恢复后请再运行一次。"


@pytest.fixture
def stage(transactional_db: None) -> Stage:
    stage = make_stage(delegates=4)
    for place in range(3):
        stage.cast(place, selection(1, 2))
    return stage


def close(stage: Stage) -> str:
    return refused("close_poll", "--user", stage.office.username, "--poll", stage.poll.pk)


def broken(*_args: Any, **_kwargs: Any) -> None:
    raise OperationalError("server closed the connection unexpectedly")


def test_where_no_database_answers_a_command_says_so_in_one_line():
    run = subprocess.run(
        [sys.executable, "manage.py", "close_poll", "--user", "office"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "DEMO": "1",
            "DATABASE_URL": "postgres://vote@127.0.0.1:1/vote",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 1
    assert run.stderr.strip() == f"CommandError: 数据库没有应答或出错。{NOTHING}"


def test_a_step_that_was_broken_off_has_changed_nothing_and_says_so(stage, monkeypatch):
    monkeypatch.setattr(lifecycle, "_strip", broken)

    assert close(stage) == f"数据库没有应答或出错。{NOTHING}"
    assert Poll.objects.get(pk=stage.poll.pk).phase == Poll.Phase.OPEN


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite can be told to be full")
def test_on_a_full_disk_the_close_says_so_and_leaves_each_ballot_where_it_was(stage):
    with connection.cursor() as cursor:
        # Pages that other tests have left free would be room.
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA page_count")
        cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0]}")

    try:
        assert close(stage) == f"磁盘已满。{NOTHING}"
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA max_page_count = 4294967294")
    assert Envelope.objects.filter(poll=stage.poll).count() == 3


def test_what_was_done_before_the_database_broke_is_named(stage, monkeypatch):
    monkeypatch.setattr(storage, "_vacuum", lambda: None)
    real = journal.append

    def append(poll: Poll, kind: journal.Kind, **given: Any) -> Any:
        if kind == "storage-rewritten":
            broken()
        return real(poll, kind, **given)

    monkeypatch.setattr(journal, "append", append)

    words = close(stage)

    assert words.startswith("数据库没有应答或出错。已办理：")
    assert "截止投票。没有办理完的，恢复后请再运行一次。" in words
    assert Poll.objects.get(pk=stage.poll.pk).phase == Poll.Phase.CLOSED


def test_where_the_database_cannot_be_asked_afterwards_nobody_claims_to_know(stage, monkeypatch):
    def goes_away(*_args: Any, **_kwargs: Any) -> None:
        connection.execute_wrappers.append(broken)
        broken()

    monkeypatch.setattr(lifecycle, "_strip", goes_away)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("tests.helpers.refusals.snapshot", lambda: None)
            words = close(stage)
    finally:
        connection.execute_wrappers.clear()

    assert (
        words
        == "数据库没有应答或出错。不能确认是否已办理。恢复后请再运行一次，已办理的不会重复办理。"
    )


def test_no_room_to_rewrite_the_storage_is_named_as_such(stage, monkeypatch):
    def full() -> None:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(storage, "_vacuum", full)

    words = close(stage)

    assert words.startswith("投票已截止，表决票已封存，只有投票先后的痕迹没有清除。磁盘空间不足")


def test_each_step_asks_again_whether_writes_reach_the_disk(stage, monkeypatch, capsys):
    monkeypatch.setattr(database, "writes_are_durable", lambda: False)
    lifecycle.pause_poll(stage.poll, reason="休息", by=stage.office)

    subject = ["close_poll", "--user", stage.office.username, "--poll", str(stage.poll.pk)]
    call_command(*subject)

    assert f"✗ {site_checks.NOT_DURABLE}" in capsys.readouterr().err
