"""A step that is killed (kill -9) at any moment leaves the phase before, and can be run again."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import connection

from tests.helpers.factories import Stage, make_stage, selection
from tests.helpers.machine import ROOT
from tests.helpers.refusals import run

pytestmark = pytest.mark.django_db(transaction=True)

# Runs a command as a shell would, with a box that counts as large; where its bar would stand at so
# many percent, it says so and waits for its end.
UNTIL = """
import contextlib, importlib, sys, time
import django
django.setup()
from django.core.management import call_command
from ballots.pure import opening

opening.FEW, opening.LOT = 0, 2
stop, name, *arguments = sys.argv[1:]
command = importlib.import_module(f"ballots.management.commands.{name}")


@contextlib.contextmanager
def bar(what, out):
    def watch(done, whole):
        if 100 * done // whole >= int(stop):
            print("here", flush=True)
            time.sleep(300)
    yield watch


command.bar = bar
call_command(name, *arguments)
"""
# Longer than anything here takes, and shorter than anybody would wait.
PATIENCE = 60


def database_url() -> str:
    its = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{its['NAME']}"
    return f"postgres://{its['USER']}:{its['PASSWORD']}@{its['HOST']}:{its['PORT']}/{its['NAME']}"


def kill_at(percent: int, *command: str) -> None:
    """Run `command` until it has come so far, and kill it; the processes it started end by themselves."""
    process = subprocess.Popen(
        [sys.executable, "-c", UNTIL, str(percent), *command],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": database_url()},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    lines = iter(process.stdout.readline, "")
    assert any(line == "here\n" for line in lines), "the command ended before it came so far"
    workers = children(process.pid)
    assert bool(workers) == (command[0] == "open_box")
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + PATIENCE
    while any(map(is_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in workers if is_alive(pid)]


def children(parent: int) -> list[int]:
    tasks = Path(f"/proc/{parent}/task").glob("*/children")
    return [int(pid) for task in tasks for pid in task.read_text().split()]


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that nobody has asked after yet is dead."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def stage_before(step: str, tmp_path: Path) -> tuple[Stage, list[str]]:
    """Return a rehearsal of sixteen ballots that waits for a command, and the command's arguments."""
    stage = make_stage(delegates=16)
    for place in range(16):
        stage.cast(place, selection(place % 12 + 1, proposals=["夜间公交"] if place == 3 else ()))
    shares = tmp_path / "shares.txt"
    shares.write_text("\n".join(stage.shares[:3]), "utf-8")
    by = stage.scrutineer if step in {"open_box", "confirm_poll"} else stage.office
    arguments = ["--poll", str(stage.poll.pk), "--user", by.username]
    if step == "close_poll":
        return stage, arguments
    stage.close()
    if step == "open_box":
        return stage, [*arguments, "--shares", str(shares)]
    stage.open_box()
    if step == "confirm_poll":
        stage.count()
    else:
        run(
            "canvass_poll",
            "--each-alone",
            "--user",
            stage.office.username,
            "--second",
            stage.scrutineer.username,
        )
    return stage, arguments


@pytest.mark.parametrize(
    ("step", "percent", "before", "after"),
    [
        ("close_poll", 1, "open", "closed"),
        ("close_poll", 100, "open", "closed"),
        ("open_box", 1, "closed", "opened"),
        ("open_box", 50, "closed", "opened"),
        ("open_box", 100, "closed", "opened"),
        ("count_poll", 50, "opened", "counted"),
        ("confirm_poll", 50, "counted", "confirmed"),
    ],
)
def test_a_step_that_is_killed_leaves_the_phase_before_and_can_be_run_again(
    step, percent, before, after, tmp_path
):
    stage, arguments = stage_before(step, tmp_path)

    kill_at(percent, step, *arguments)

    stage.poll.refresh_from_db()
    assert stage.poll.phase == before
    assert stage.poll.envelopes.count() == (16 if before == "open" else 0)
    assert stage.poll.ballots.count() == (16 if before in {"opened", "counted"} else 0)
    run(step, *arguments)
    stage.poll.refresh_from_db()
    assert stage.poll.phase == after
