"""What becomes of the site when one of its processes is killed, as the kernel does without memory."""

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable

import pytest

from tests.commands.conftest import Site
from tests.faults.postgres import children, is_alive
from tests.helpers.http_client import Browser
from yiwu_vote.health import end_with_parent
from yiwu_vote.machine.serving import end_when_told

pytestmark = pytest.mark.http


def comes_true(question: Callable[[], object]) -> bool:
    """Tell whether `question` is answered with yes within half a minute."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            if question():
                return True
        time.sleep(0.1)
    return False


def test_another_worker_takes_the_place_of_one_that_was_killed(served: Site):
    killed = children(served.pid)
    for worker in killed:
        os.kill(worker, signal.SIGKILL)

    assert comes_true(lambda: set(children(served.pid)) - set(killed))
    assert comes_true(lambda: Browser(served.base).get("/readyz").status == 200)
    assert is_alive(served.pid)


def test_no_worker_outlives_the_process_that_started_it(served: Site):
    workers = children(served.pid)
    assert workers

    # The last test of this file: nothing starts this one again.
    os.kill(served.pid, signal.SIGKILL)

    assert comes_true(lambda: not any(map(is_alive, workers)))


@pytest.mark.parametrize("windows", [False, True])
def test_a_worker_that_is_still_starting_ends_as_well_when_its_parent_is_killed(windows):
    # As granian starts one: by a fork, which has the handlers of the process that starts workers.
    reading, writing = os.pipe()
    parent = os.fork()
    if parent == 0:
        if windows:
            # Where SIGTERM ends a process and no handler is asked.
            del signal.SIGKILL
        else:
            signal.signal(signal.SIGTERM, lambda *_: None)
        started = multiprocessing.get_context("fork").Process(target=_start_and_stay)
        started.start()
        os.write(writing, str(started.pid).encode())
        time.sleep(60)
        os._exit(1)
    worker = int(os.read(reading, 20))
    assert is_alive(worker)

    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)

    try:
        assert comes_true(lambda: not is_alive(worker))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)


def test_a_worker_that_is_still_starting_ends_when_it_is_told_to():
    """As it does where a server is restarted right after another restart."""
    reading, writing = os.pipe()
    ours = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        worker = multiprocessing.get_context("fork").Process(target=_start, args=(writing,))
        worker.start()
    finally:
        signal.signal(signal.SIGTERM, ours)
    os.read(reading, 1)

    worker.terminate()
    worker.join(10)

    try:
        assert worker.exitcode == -signal.SIGTERM
    finally:
        worker.kill()


def _start(told: int) -> None:
    end_when_told()
    os.write(told, b".")
    time.sleep(60)


def _start_and_stay() -> None:
    end_with_parent(grace=0.2)
    while True:
        time.sleep(60)
