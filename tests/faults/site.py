"""The site under test, served as docs/operations.md says, under a supervisor that starts it again."""

import contextlib
import csv
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.faults.judging import Ballot, Box, Count
from tests.faults.postgres import children, free_port
from tests.helpers.http_client import Browser
from tests.helpers.machine import ROOT


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
    ) -> None:
        self.folder, self.database = folder, database
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.starts = 0
        self._line, self._settings = line or database, settings
        self._server: subprocess.Popen[bytes] | None = None
        self._keeper: threading.Thread | None = None
        self._is_wanted = threading.Event()
        self._run("manage.py", "demo", "--delegates", delegates, DEMO="1")
        self._run("manage.py", "collectstatic", "--noinput", "--verbosity=0")

    def cards(self) -> list[dict[str, str]]:
        with (self.folder / "demo" / "cards.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

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
                        DATABASE_URL=self._line, DJANGO_SETTINGS_MODULE=self._settings
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

    def look(self) -> Box:
        """Return what the tables hold, past the line and past every page."""
        found = self._told("look")
        return Box(frozenset(found["marked"]), dict(found["envelopes"]))

    def count(self) -> Count:
        """Close, open, canvass and count by the product's commands."""
        found = self._told("count", str(self.folder / "demo"))
        ballots = [Ballot(tuple(chosen), tuple(sorted(new))) for chosen, new in found["ballots"]]
        return Count(found["receipts"], ballots, found["votes"], dict(found["titles"]))

    def _told(self, *arguments: str) -> Any:
        return json.loads(self._run("-m", "tests.faults.box", *arguments))

    def _run(self, *arguments: object, **more: str) -> str:
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
