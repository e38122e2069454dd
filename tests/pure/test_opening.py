"""Many sealed ballots opened at once: by other processes as by this one, and none is left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import mlkem, x25519

from ballots.pure import opening, sealing
from ballots.pure.opening import Interrupted, Opened, Opener
from ballots.pure.rules import Proposal, Rules, Selection

POLL = uuid4()
RULES = Rules(places=3)
TITLES = {number: f"候选项目{number}" for number in range(1, 7)}
KEY = sealing.derive(sealing.new_seed(), poll=POLL)
OPENER = Opener(KEY.seed, POLL, RULES, TITLES)
SIZE = sealing.padded_size(RULES, TITLES)


def seal(*chosen: int, poll=POLL, proposals=()) -> bytes:
    ballot = Selection(chosen, proposals=tuple(map(Proposal, proposals)))
    return sealing.seal(ballot, public_key=KEY.public, poll=poll, size=SIZE)


def foreign() -> bytes:
    """Return a ballot of another poll that somebody has sealed to the key of this one."""
    plain = sealing.encode(Selection((1,)), poll=uuid4(), nonce="0" * 32, size=SIZE)
    key = hpke.MLKEM768X25519PublicKey(
        mlkem.MLKEM768PublicKey.from_public_bytes(KEY.public[: sealing.MLKEM_PUBLIC_SIZE]),
        x25519.X25519PublicKey.from_public_bytes(KEY.public[sealing.MLKEM_PUBLIC_SIZE :]),
    )
    return sealing._HPKE.encrypt(plain, key, info=sealing._binding(POLL))


def ballots(count: int) -> list[bytes]:
    """Return ballots of every kind, in turn: legal, with proposals, against the rules, and none."""
    kinds = [
        seal(2, 1),
        seal(proposals=["夜间公交", "社区食堂"]),
        seal(1, 2, 3, 4),
        foreign(),
        b"no ballot",
        b"",
    ]
    return [kinds[place % len(kinds)] for place in range(count)]


@pytest.fixture
def elsewhere(monkeypatch) -> None:
    """Let other processes open even a small box, in small lots."""
    monkeypatch.setattr(opening, "FEW", 0)
    monkeypatch.setattr(opening, "LOT", 4)


def children() -> set[int]:
    """Return the processes that open ballots for this one."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {
        int(pid)
        for task in tasks
        for pid in task.read_text().split()
        if b"ballots.pure.opening" in Path(f"/proc/{pid}/cmdline").read_bytes()
    }


def test_each_ballot_is_told_with_its_marks_or_why_it_is_invalid():
    found = list(opening.opened(ballots(6), OPENER, whole=6))

    assert [one.fault for one in found] == [
        "",
        "",
        "rules",
        "other-poll",
        "not-opened",
        "not-opened",
    ]
    assert [one.chosen for one in found[:3]] == [[1, 2], [], ()]
    assert [words[0] for words in found[1].proposals] == ["夜间公交", "社区食堂"]
    assert [len(one.nonce) for one in found] == [32, 32, 32, 0, 0, 0]


def test_other_processes_tell_the_same_in_the_same_order(elsewhere):
    many = ballots(101)

    found = list(opening.opened(iter(many), OPENER, whole=len(many)))

    assert found == [told(OPENER.open(one)) for one in many]
    assert children() == set()


def told(ballot: Opened) -> Opened:
    """Return what is left of the kinds of lists after the way between two processes."""
    return Opened(*json.loads(json.dumps(ballot)))


def test_no_more_ballots_are_fetched_than_the_processes_can_soon_open(elsewhere):
    fetched = 0

    def counted() -> Iterator[bytes]:
        nonlocal fetched
        for one in ballots(400):
            fetched += 1
            yield one

    with closing(opening.opened(counted(), OPENER, whole=400)) as found:
        next(found)

    workers = os.cpu_count() or 1
    assert fetched <= opening.LOT * (opening.AHEAD * workers + 2) < 400


def test_what_is_not_read_to_its_end_leaves_no_process(elsewhere):
    with closing(opening.opened(iter(ballots(400)), OPENER, whole=400)) as found:
        next(found)
        assert len(children()) == os.cpu_count()

    assert children() == set()


def test_a_process_that_is_killed_interrupts_the_opening_and_the_others_end(elsewhere):
    with closing(opening.opened(iter(ballots(4000)), OPENER, whole=4000)) as found:
        next(found)
        os.kill(min(children()), signal.SIGKILL)
        with pytest.raises(Interrupted):
            list(found)

    assert children() == set()


def test_a_process_that_is_killed_in_the_middle_of_its_answer_interrupts_the_opening(
    elsewhere, monkeypatch
):
    half = 'import sys; sys.stdin.buffer.readline(); print(end=\'[["00", "", [1\', flush=True)'
    start = subprocess.Popen
    monkeypatch.setattr(
        subprocess,
        "Popen",
        lambda _command, **kwargs: start([sys.executable, "-c", half], **kwargs),
    )

    with (
        closing(opening.opened(iter(ballots(40)), OPENER, whole=40)) as found,
        pytest.raises(Interrupted),
    ):
        list(found)


def test_nothing_that_can_be_read_of_a_process_holds_the_seed(elsewhere):
    with closing(opening.opened(iter(ballots(400)), OPENER, whole=400)) as found:
        next(found)
        for pid in children():
            for name in ("cmdline", "environ"):
                said = Path(f"/proc/{pid}/{name}").read_bytes()
                assert KEY.seed not in said
                assert KEY.seed.hex().encode() not in said
    assert KEY.seed.hex() not in repr(OPENER) + repr(KEY)
    assert repr(KEY.seed) not in repr(OPENER) + repr(KEY)


def test_a_process_that_opens_ballots_knows_neither_django_nor_a_database():
    words = "import sys, ballots.pure.opening; print(*sorted(sys.modules))"

    modules = subprocess.run(
        [sys.executable, "-c", words], capture_output=True, text=True, check=True, cwd=opening.ROOT
    ).stdout.split()

    assert "ballots.pure.sealing" in modules
    assert not [name for name in modules if name.split(".")[0] in {"django", "psycopg", "sqlite3"}]


STARTER = """
import time
from contextlib import closing
from tests.pure import test_opening as t
t.opening.FEW = 0
with closing(t.opening.opened(iter(t.ballots(60_000)), t.OPENER, whole=60_000)) as found:
    next(found)
    print(*t.children(), flush=True)
    time.sleep(60)
"""


def test_no_process_outlives_the_one_that_started_it():
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True, cwd=opening.ROOT
    )
    assert starter.stdout
    pids = starter.stdout.readline().split()
    assert len(pids) == os.cpu_count()

    starter.kill()
    starter.wait()

    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and any(is_alive(pid) for pid in pids):
        time.sleep(0.05)
    assert not [pid for pid in pids if is_alive(pid)]
    starter.stdout.close()


def is_alive(pid: str) -> bool:
    """Tell whether a process runs; one whose parent has not asked after it yet is dead."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
