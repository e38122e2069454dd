"""The site under test, served as docs/operations.md says, under a supervisor that starts it again."""

import contextlib
import copy
import csv
import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.faults.judging import Ballot, Box, Count
from tests.faults.postgres import binaries, children, free_port
from tests.helpers.http_client import Browser
from tests.helpers.machine import ROOT

# A step that is killed at each of its statements is tried some three hundred times.
VOTERS = 12


def production_line() -> list[str]:
    """Return the command that docs/operations.md gives for the server, word for word."""
    lines = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").splitlines()
    (line,) = [line for line in lines if line.startswith(".venv/bin/granian ")]
    return shlex.split(line)[1:]


class Site:
    """A demo of `delegates` people in `database`, to which the server comes by `line`."""

    def __init__(
        self,
        folder: Path,
        database: str,
        *,
        delegates: int,
        line: str = "",
        settings: str = "yiwu_vote.settings",
        **more: str,
    ) -> None:
        self.folder, self.database = folder, database
        self._line, self._settings, self._more = line or database, settings, more
        self._take_a_port()
        self.run("manage.py", "demo", "--delegates", delegates, DEMO="1")
        self.run("manage.py", "collectstatic", "--noinput", "--verbosity=0")

    def _take_a_port(self) -> None:
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.starts = 0
        self._server: subprocess.Popen[bytes] | None = None
        self._keeper: threading.Thread | None = None
        self._is_wanted = threading.Event()

    def twin(self) -> "Site":
        """Return another server of the same site and database."""
        twin = copy.copy(self)
        twin._take_a_port()
        return twin

    def cards(self) -> list[dict[str, str]]:
        with (self.folder / "demo" / "cards.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def password(self, name: str) -> str:
        """Return the password of one of the demo's staff."""
        with (self.folder / "demo" / "staff.csv").open(encoding="utf-8-sig", newline="") as file:
            return next(row["password"] for row in csv.DictReader(file) if row["username"] == name)

    # --- the server -------------------------------------------------------------------------------

    def start(self) -> None:
        """Serve until `stop`, whatever kills the server; return when the site answers."""
        self._is_wanted.set()
        self._keeper = threading.Thread(target=self._keep_up, daemon=True)
        self._keeper.start()
        self.wait()

    def wait(self) -> None:
        """Return when the site and its database answer."""
        for _ in range(600):
            with contextlib.suppress(OSError):
                if Browser(self.base).get("/readyz").status == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(f"the site does not come back: {self.log()[-4000:]}")

    def kill_worker(self) -> None:
        """End one of the processes that answer, as the kernel does when memory is short."""
        assert self._server
        while not (workers := children(self._server.pid)):
            self.wait()
        os.kill(workers[0], signal.SIGKILL)

    def kill(self) -> None:
        """End the server with all its processes."""
        assert self._server
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._server.pid, signal.SIGKILL)

    def restart(self) -> None:
        """Ask the server to end, as `systemctl restart` does; return when it has, and another begins."""
        assert self._server
        self._server.terminate()
        self._server.wait(timeout=60)

    def stop(self) -> None:
        self._is_wanted.clear()
        if self._server:
            self.kill()
        if self._keeper:
            self._keeper.join()

    def log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")

    def _keep_up(self) -> None:
        """Do what systemd does with Restart=always and KillMode=control-group."""
        while self._is_wanted.is_set():
            with (self.folder / "server.log").open("ab") as log:
                self._server = subprocess.Popen(
                    [sys.executable, "-m", "granian", *self._arguments()],
                    cwd=ROOT,
                    env=self._environment(
                        DATABASE_URL=self._line,
                        DJANGO_SETTINGS_MODULE=self._settings,
                        **self._more,
                    ),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            self.starts += 1
            self._server.wait()
            self.kill()

    def _arguments(self) -> list[str]:
        arguments = production_line()
        arguments[arguments.index("--port") + 1] = str(self.port)
        return arguments

    # --- the box ----------------------------------------------------------------------------------

    def look(self, database: str = "") -> Box:
        """Return what the tables hold, or those of a copy, past the line and past every page."""
        found = json.loads(
            self.run("-m", "tests.faults.box", "look", DATABASE_URL=database or self.database)
        )
        return Box(frozenset(found["marked"]), dict(found["envelopes"]))

    def count(self) -> Count:
        """Close, open, canvass and count by the product's commands."""
        found = json.loads(self.run("-m", "tests.faults.box", "count", self.folder / "demo"))
        ballots = [Ballot(tuple(chosen), tuple(sorted(new))) for chosen, new in found["ballots"]]
        return Count(found["receipts"], ballots, found["votes"], dict(found["titles"]))

    def copy(self, number: int) -> str:
        """Copy the database as whoever runs a site does; return the address of the restored copy."""
        address = f"{self.database}-copy-{number}"
        if self.database.startswith("sqlite"):
            paths = [url.removeprefix("sqlite:///") for url in (self.database, address)]
            with (
                contextlib.closing(sqlite3.connect(paths[0])) as now,
                contextlib.closing(sqlite3.connect(paths[1])) as then,
            ):
                now.backup(then)
            return address
        programs = binaries()
        server, _, name = address.rpartition("/")
        dump = self.folder / name
        steps: list[list[str | Path]] = [
            [programs / "pg_dump", "--format=custom", f"--file={dump}", self.database],
            [programs / "createdb", f"--maintenance-db={server}/postgres", name],
            [programs / "pg_restore", f"--dbname={address}", dump],
        ]
        for command in steps:
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        return address

    def run(self, *arguments: object, **more: str) -> str:
        """Run a program of the site to its end and return what it printed."""
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=ROOT,
            env=self._environment(**more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def _environment(self, **more: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return kept | {
            "DJANGO_SETTINGS_MODULE": "yiwu_vote.settings",
            "DATABASE_URL": self.database,
            # Phones of a hall without a certificate: nothing else of production is left out.
            "LAN_HTTP": "1",
            "SECRET_KEY": "a key of the site under test, the same at each of its starts",
            "ALLOWED_HOSTS": "127.0.0.1",
            "PUBLIC_URL": self.base,
            "VAR_DIR": str(self.folder),
            "GRANIAN_WORKERS": "1" if self.database.startswith("sqlite") else "2",
            **more,
        }


def steps_killed(folder: Path, database: str, *, most: int, **more: str) -> list[dict[str, Any]]:
    """Kill the first `most` steps of a day at each statement; return what `kills` says of each."""
    site = Site(folder, database, delegates=VOTERS)
    site.run("manage.py", "demo", "--vote", DEMO="1")
    told = site.run("-m", "tests.faults.kills", folder / "demo", most, **more)
    rows: list[dict[str, Any]] = json.loads(told)
    return rows
