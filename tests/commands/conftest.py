"""A site that is served as `make run` does it, for tests by real HTTP."""

import csv
import io
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from tests.helpers.http_client import Browser
from tests.helpers.machine import ROOT


@dataclass
class Site:
    """A running site with the demo's people in it."""

    base: str
    folder: Path
    # The number of the server's first process.
    pid: int

    def rows(self, name: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO((self.folder / name).read_text("utf-8-sig"))))

    def staff(self, role: str) -> tuple[str, str]:
        row = next(row for row in self.rows("staff.csv") if row["username"] == role)
        return row["username"], row["password"]

    def shares(self) -> list[str]:
        return (self.folder / "shares.txt").read_text().split()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An empty database of its own, of the kind that this run is about; its address."""
    own = settings.DATABASES["default"]
    if own["ENGINE"].endswith("sqlite3"):
        yield f"sqlite:///{tmp_path_factory.mktemp('database') / 'vote.sqlite3'}"
        return
    name = f"vote_http_{secrets.token_hex(4)}"
    place = {"host": own["HOST"], "port": own["PORT"], "user": own["USER"]}
    if own["PASSWORD"]:
        place["password"] = own["PASSWORD"]
    with psycopg.connect(dbname="postgres", autocommit=True, **place) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        secret = f":{own['PASSWORD']}" if own["PASSWORD"] else ""
        yield f"postgres://{own['USER']}{secret}@{own['HOST']}:{own['PORT'] or 5432}/{name}"
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, database: str) -> Iterator[Site]:
    """The demo of twenty delegates, served by granian as `make run` does."""
    folder = tmp_path_factory.mktemp("served")
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}},
        "DEMO": "1",
        "DATABASE_URL": database,
        "VAR_DIR": str(folder),
        "PORT": str(port),
    }
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "manage.py", "demo", "--delegates", "20", "--serve"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until_ready(server, port, folder / "server.log")
            yield Site(f"http://127.0.0.1:{port}", folder / "demo", server.pid)
        finally:
            server.terminate()
            server.wait(timeout=30)


def wait_until_ready(server: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    """Return when the site answers, or fail with what it printed."""
    for _ in range(600):
        assert server.poll() is None, log.read_text()
        try:
            if Browser(f"http://127.0.0.1:{port}").get("/readyz").status == 200:
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(log.read_text())
