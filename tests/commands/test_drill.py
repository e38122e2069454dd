"""The drill: kill -9 in the middle of an open poll, and the latest backup put back on another machine."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from django.db import connection

from ballots.facts.copies import known
from ballots.files import backup
from projects.models import Poll
from tests.commands.conftest import wait_until_ready
from tests.database.elsewhere import Elsewhere
from tests.faults.postgres import free_port
from tests.helpers.desk import at
from tests.helpers.factories import PASSWORD, Stage, make_stage
from tests.helpers.http_client import Browser
from tests.helpers.machine import ROOT

pytestmark = [pytest.mark.http, pytest.mark.django_db(transaction=True)]
if connection.vendor == "postgresql":
    # Two servers and a restore: each run of CI plays it on SQLite.
    pytestmark.append(pytest.mark.long)


class Machine:
    """A machine with a disk of its own, on which the site runs with a database that it is given."""

    def __init__(self, disk: Path, database: str) -> None:
        disk.mkdir()
        self.disk = disk
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.environment = kept | {
            "DJANGO_SETTINGS_MODULE": "tests.commands.served_settings",
            "DATABASE_URL": database,
            "LAST_KNOWN": str(disk / "last-known.json"),
        }

    def run(self, *command: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "manage.py", *map(str, command)],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve, and yield the address; at the end kill -9 takes every process."""
        port, log = free_port(), self.disk / "server.log"
        line = ["--interface", "wsgi", "--port", str(port), "yiwu_vote.wsgi:application"]
        with log.open("wb") as out:
            server = subprocess.Popen(
                [sys.executable, "-m", "granian", *line],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                wait_until_ready(server, port, log)
                yield f"http://127.0.0.1:{port}"
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(server.pid, signal.SIGKILL)
                server.wait()

    @property
    def log(self) -> str:
        return (self.disk / "server.log").read_text(errors="replace")


def vote(base: str, stage: Stage, place: int) -> str:
    """Let a delegate vote from sign-in to receipt; return the receipt."""
    browser = Browser(base)
    assert browser.submit(browser.get("/").form("/"), code=stage.issued[place].code).status == 200
    form = browser.get("/ballot/").form("/ballot/review/")
    review = browser.submit(form, ("projects", str(place + 1)))
    receipt = browser.submit(review.form("/ballot/cast/"))
    assert receipt.url.endswith("/receipt/"), receipt.text
    return receipt.ids["receipt-code"].strip()


def days_page(base: str, poll: Poll, stage: Stage) -> str:
    """Return the page of the day as the office reads it."""
    browser = Browser(base)
    form = browser.get(at(poll)).form("/admin/login/")
    page = browser.submit(form, username=stage.office.username, password=PASSWORD)
    assert page.status == 200
    return page.text


def test_after_a_crash_the_latest_backup_serves_elsewhere_and_says_what_it_cannot_know(tmp_path):
    stage = make_stage(delegates=4)
    elsewhere = Elsewhere(tmp_path)
    first = Machine(tmp_path / "first", elsewhere.url(connection.settings_dict["NAME"]))
    with first.serving() as base:
        kept = vote(base, stage, 0)
        copy = backup.make(tmp_path / "latest.zip")
        later = vote(base, stage, 1)
        # Some desk asks again every few seconds.
        time.sleep(known.STANDS_FOR)
        assert "数据库比上次使用时旧" not in days_page(base, stage.poll, stage)
    assert (copy.ballots, len({kept, later})) == ({stage.poll.uuid.hex: 1}, 2)
    connection.close()

    try:
        second = Machine(tmp_path / "second", elsewhere.url(elsewhere.make()))
        # The disk of the first machine was saved: what it noted is brought along.
        (second.disk / "last-known.json").write_bytes((first.disk / "last-known.json").read_bytes())
        restored = second.run("restore", copy.path)
        with second.serving() as base:
            page = days_page(base, stage.poll, stage)
            assert vote(base, stage, 1) != later
            assert "密封票" not in Browser(base).get("/").text
    finally:
        elsewhere.drop()

    assert restored.returncode == 0, restored.stderr
    made = f"{copy.at:%Y-%m-%d %H:%M}"
    for said in (restored.stderr, page):
        assert f"数据库由{made}制作的备份恢复，当时正在投票，其中有密封票1张" in said
        assert "只有代表手中的回执知道" in said
    assert "已投票2人，现为1人" in restored.stderr
    # Whoever restores a backup means to use it.
    assert "数据库比上次使用时旧" not in page
    assert "older" not in second.log
