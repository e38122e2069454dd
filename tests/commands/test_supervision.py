"""What becomes of the site when one of its processes is killed, as the kernel does without memory."""

import contextlib
import os
import signal
import time
from collections.abc import Callable

import pytest

from tests.commands.conftest import Site
from tests.faults.postgres import children, is_alive
from tests.helpers.http_client import Browser

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
