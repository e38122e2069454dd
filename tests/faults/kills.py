"""A program of its own beside the site under test: `python -m tests.faults.kills FOLDER MOST`.

Each step of the day is killed (kill -9) before each of its statements, before each COMMIT and right
after it. Then the tables must hold what the last COMMIT before left and nothing of what came after;
the step is run again, and must end where it ends when nobody kills it. Of the day it takes the first
MOST steps. Prints JSON.
"""

import contextlib
import io
import json
import os
import shutil
import signal
import sqlite3
import sys
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import django
import psycopg

State = dict[str, Any]
# Whoever hands out a package once more is on record once more.
REPEATED = {"export_package"}
HOLDERS = ["示例保管人一", "示例保管人二", "示例保管人三"]


class Moments:
    """Counts the moments at which a step may be killed, and ends its process at one of them."""

    def __init__(self, stop: int = 0) -> None:
        self.stop, self.count = stop, 0
        self.left: list[tuple[int, State]] = [(0, state())]
        """After how many moments each COMMIT came, and what it left."""
        self._is_looking = False

    def pass_one(self) -> None:
        self.count += 1
        if self.count == self.stop:
            os.kill(os.getpid(), signal.SIGKILL)

    def look(self) -> None:
        self._is_looking = True
        self.left.append((self.count, state()))
        self._is_looking = False

    @contextlib.contextmanager
    def watched(self) -> Iterator["Moments"]:
        """Go by each statement of the connection, each COMMIT and what comes after it."""
        from django.db import connection

        its: Any = connection
        commit, set_autocommit = its._commit, its.set_autocommit

        def statement(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if self._is_looking:
                return execute(sql, params, many, context)
            self.pass_one()
            found = execute(sql, params, many, context)
            if connection.get_autocommit() and not sql.startswith(("BEGIN", "SELECT")):
                self.look()
            return found

        def before_commit() -> None:
            self.pass_one()
            commit()

        def after_transaction(autocommit: bool, **more: Any) -> None:
            set_autocommit(autocommit, **more)
            if autocommit:
                self.look()
                self.pass_one()

        its._commit, its.set_autocommit = before_commit, after_transaction
        with connection.execute_wrapper(statement):
            yield self


def state() -> State:
    """Return how far the polls are, how many rows each table has, and the votes that were counted."""
    from django.apps import apps

    from ballots.models import Result
    from projects.models import Poll

    models = [
        model
        for label in ("projects", "ballots")
        for model in apps.get_app_config(label).get_models()
    ]
    return {
        "phases": list(Poll.objects.order_by("pk").values_list("phase", flat=True)),
        "rows": {model._meta.label: model._base_manager.count() for model in models},
        "votes": [
            [[item["title"], item["votes"]] for item in result.figures["items"]]
            for result in Result.objects.order_by("pk")
        ],
    }


# --- processes ------------------------------------------------------------------------------------


def in_child(work: Callable[[], Any]) -> tuple[int, Any]:
    """Do `work` in a process of its own; return how that ended and what it said.

    The parent never has a connection, so that a child begins as a command does, without its start.
    """
    read, write = os.pipe()
    if not (pid := os.fork()):
        os.close(read)
        ended = 1
        try:
            with os.fdopen(write, "w") as out:
                json.dump(work(), out)
            ended = 0
        except BaseException:
            traceback.print_exc()
        os._exit(ended)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code, json.loads(said) if said else None


def told(work: Callable[[], Any]) -> Any:
    code, said = in_child(work)
    assert code == 0, f"a process that nobody kills ended with {code}"
    return said


def step(command: list[str], stop: int = 0) -> dict[str, Any]:
    """Take a step under the eyes of `Moments`; tell what it passed and whether it was refused."""
    from django.core.management import CommandError, call_command

    said = "done"
    with Moments(stop).watched() as moments:
        try:
            call_command(*command, stdout=io.StringIO())
        except CommandError:
            said = "refused"
    return {"said": said, "moments": moments.count, "left": moments.left, "end": state()}


def again(command: list[str]) -> dict[str, Any]:
    """Run a step that was killed once more, and have the journal verified."""
    from django.core.management import call_command

    found = step(command)
    call_command("verify_journal", stdout=io.StringIO())
    return found


# --- the database as it was before a step ---------------------------------------------------------


class Copy:
    """A copy of the database, which takes the place of what a killed step left.

    Beside it lies what was there when it was last used: with another note a step asks otherwise.
    """

    def __init__(self) -> None:
        from django.conf import settings

        self.its = settings.DATABASES["default"]
        self.path = Path(self.its["NAME"])
        self.is_sqlite = self.its["ENGINE"].endswith("sqlite3")
        self.note: Path | None = settings.LAST_KNOWN
        self.noted: bytes | None = None

    def put_note_back(self) -> None:
        if self.note and self.noted is not None:
            self.note.write_bytes(self.noted)
        elif self.note:
            self.note.unlink(missing_ok=True)

    def take(self) -> None:
        self.noted = self.note.read_bytes() if self.note and self.note.is_file() else None
        if self.is_sqlite:
            with (
                contextlib.closing(sqlite3.connect(self.path)) as now,
                contextlib.closing(sqlite3.connect(f"{self.path}.before")) as copy,
            ):
                now.backup(copy)
        else:
            self._make("{0}-before", "{0}")

    def put_back(self) -> None:
        if self.is_sqlite:
            for end in ("-wal", "-shm"):
                Path(f"{self.path}{end}").unlink(missing_ok=True)
            shutil.copyfile(f"{self.path}.before", self.path)
        else:
            self._make("{0}", "{0}-before")

    def _make(self, name: str, of: str) -> None:
        its = self.its
        with psycopg.connect(
            host=its["HOST"], port=its["PORT"], user=its["USER"], dbname="postgres", autocommit=True
        ) as server:
            name, of = name.format(its["NAME"]), of.format(its["NAME"])
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
            # Whoever was killed may still hold a connection to what is copied.
            server.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
                [of],
            )
            server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{of}"'.encode())


# --- the campaign ---------------------------------------------------------------------------------


def killed_everywhere(command: list[str], copy: Copy) -> dict[str, Any]:
    """Kill `command` at each of its moments; return what was wrong, and leave it done.

    Where a kill has left everything as it was, the next begins there and comes one moment further;
    where a COMMIT has gone through, the step is run again to its end.
    """
    copy.take()
    clean = told(partial(step, command))
    assert clean["said"] == "done", command
    before, end = clean["left"][0][1], clean["end"]
    faults, refused, is_as_before = [], 0, False
    for stop in range(1, clean["moments"] + 1):
        if not is_as_before:
            copy.put_back()
        copy.put_note_back()
        code, _said = in_child(partial(step, command, stop))
        if code != -signal.SIGKILL:
            faults.append(f"{command[0]} at {stop}: ended with {code}")
        left = [state for passed, state in clean["left"] if passed < stop][-1]
        found = told(state)
        if found != left:
            faults.append(f"HALF: {command[0]} at {stop} left {differs(found, left)}")
        is_as_before = found == before and stop < clean["moments"]
        if is_as_before:
            continue
        code, rerun = in_child(partial(again, command))
        if code:
            faults.append(f"{command[0]} again after {stop}: ended with {code}")
            continue
        if rerun["end"] != (twice(end) if command[0] in REPEATED and left == end else end):
            faults.append(f"END: {command[0]} after {stop} came to {differs(rerun['end'], end)}")
        refused += rerun["said"] == "refused"
    return {
        "command": command[0],
        "kills": clean["moments"],
        "done before": refused,
        "faults": faults,
    }


def twice(end: State) -> State:
    """Return what a step that may be taken again leaves then: one more entry on record."""
    entries = end["rows"]["ballots.JournalEntry"] + 1
    return end | {"rows": end["rows"] | {"ballots.JournalEntry": entries}}


def differs(found: State, expected: State) -> str:
    """Name what of two states is not the same."""
    rows = {
        name: (count, expected["rows"][name])
        for name, count in found["rows"].items()
        if count != expected["rows"][name]
    }
    return f"{found['phases']} for {expected['phases']}, rows {rows}"


def draft() -> int:
    """Make a rehearsal that only waits for its opening; return its key."""
    from django.contrib.auth.models import User

    from ballots.acts import ceremony, roll
    from ballots.models import Delegate
    from projects import report_2024
    from projects.models import Poll

    office = User.objects.get(username="office")
    poll = report_2024.new_draft(kind=Poll.Kind.REHEARSAL, phone="0579-00000000", show_votes=True)
    poll.delegates_total = roll.draw_up_roll(poll, by=office)
    poll.save(update_fields=["delegates_total"])
    present = Delegate.objects.filter(status=Delegate.Status.ACTIVE).values_list(
        "number", flat=True
    )
    roll.mark_present(poll, numbers=list(present), by=office)
    shares = [s.text for s in ceremony.make_key(poll, holders=HOLDERS, threshold=2, by=office)]
    ceremony.test_key(poll, texts=shares[:2], by=User.objects.get(username="scrutineer"))
    return poll.pk


def commands(folder: Path) -> list[list[str]]:
    """Return the steps in the order of the day; those of another poll stand around them."""
    from projects.models import Poll

    poll = ["--poll", str(told(lambda: Poll.objects.get(phase="open").pk))]
    other = ["--poll", str(told(draft))]
    return [
        ["open_poll", *other, "--user=office"],
        ["close_poll", *poll, "--user=office"],
        ["open_box", *poll, "--user=scrutineer", f"--shares={folder / 'shares.txt'}"],
        ["canvass_poll", *poll, "--user=office", "--second=scrutineer", "--each-alone"],
        ["count_poll", *poll, "--user=office"],
        ["confirm_poll", *poll, "--user=scrutineer"],
        ["publish_poll", *poll, "--user=office"],
        ["export_package", *poll, "--user=scrutineer", "--reason=演练", str(folder / "all.zip")],
        ["void_poll", *other, "--user=office", "--second=scrutineer", "--reason=演练结束"],
    ]


def main(folder: Path, most: int) -> None:
    copy = Copy()
    rows = [killed_everywhere(command, copy) for command in commands(folder)[:most]]
    json.dump(rows, sys.stdout)


if __name__ == "__main__":
    django.setup()
    main(Path(sys.argv[1]), int(sys.argv[2]))
