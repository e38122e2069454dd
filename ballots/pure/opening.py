"""Sealed ballots opened and judged: in this process, or in others that can do nothing else. Pure.

A large box is opened by one process a core, each of which runs this module (`python -m`). It is told
the seed of the key and the rules through a pipe, never on a command line, in a file or in the
environment; it knows no Django and no database; what it says besides its answers goes nowhere. It
ends with its pipe: whoever started it may be killed, and it is not left behind.
"""

import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO, NamedTuple, cast
from uuid import UUID

from ballots.pure import sealing
from ballots.pure.rules import AS_CAST, Rules, faults

ROOT = Path(__file__).resolve().parents[2]
# Below so many ballots a box is open before another process has started.
FEW = 2000
# So many ballots, some megabyte, go to a process at a time; of so many such lots to each the answer
# may be awaited, so that none idles and memory stays bounded.
LOT = 256
AHEAD = 2


class Interrupted(Exception):
    """A process that opened ballots has ended before its time."""


class Opened(NamedTuple):
    """What one sealed ballot holds: of a legal one its marks, sorted, and the texts it proposes.

    `fault` is the code of `sealing.NotABallot`, or "rules", and empty for a legal ballot. Of what
    could not be read there is no `nonce`.
    """

    nonce: str
    fault: str
    chosen: Sequence[int] = ()
    against: Sequence[int] = ()
    proposals: Sequence[Sequence[str]] = ()
    fair: Sequence[int] = ()


@dataclass(frozen=True)
class Opener:
    """All that it takes to open the box of one poll: the seed of its key, and what judges a ballot."""

    seed: bytes = field(repr=False)
    poll: UUID
    rules: Rules
    titles: dict[int, str]

    @cached_property
    def _key(self) -> sealing.PrivateKey:
        return sealing.derive(self.seed, poll=self.poll)

    def open(self, sealed: bytes) -> Opened:
        """Open one ballot and judge it by what was legal when it was cast."""
        try:
            selection, nonce = sealing.unseal(sealed, key=self._key, poll=self.poll)
        except sealing.NotABallot as refusal:
            return Opened("", refusal.code)
        if faults(selection, self.rules, self.titles, reading=AS_CAST):
            return Opened(nonce, "rules")
        return Opened(
            nonce,
            "",
            sorted(selection.chosen),
            sorted(selection.against),
            [proposal.texts for proposal in selection.proposals],
            sorted(selection.fair),
        )


def opened(
    ballots: Iterable[bytes], opener: Opener, *, whole: int
) -> Generator[Opened, None, None]:
    """Yield what each of `ballots`, `whole` of them in all, holds: in their order, never all at once.

    Close the generator where it is not read to its end: that ends the processes. Raises Interrupted
    where one of them has ended by itself.
    """
    if whole < FEW:
        yield from map(opener.open, ballots)
    else:
        yield from _opened_elsewhere(iter(ballots), opener)


def _opened_elsewhere(ballots: Iterator[bytes], opener: Opener) -> Iterator[Opened]:
    workers = [_Worker(opener) for _ in range(os.cpu_count() or 1)]
    idle: SimpleQueue[_Worker] = SimpleQueue()
    for worker in workers:
        idle.put(worker)

    def ask(lot: list[bytes]) -> list[Opened]:
        worker = idle.get()
        try:
            return worker.open(lot)
        finally:
            idle.put(worker)

    answers: deque[Future[list[Opened]]] = deque()
    # A thread for each waits at its pipes, and computes nothing.
    with ThreadPoolExecutor(len(workers)) as threads:
        try:
            while lot := list(islice(ballots, LOT)):
                answers.append(threads.submit(ask, lot))
                if len(answers) > AHEAD * len(workers):
                    yield from answers.popleft().result()
            while answers:
                yield from answers.popleft().result()
        finally:
            # Before the threads are waited for: those at a pipe are told by its end.
            for worker in workers:
                worker.end()


class _Worker:
    """A process that opens ballots, at the other end of two pipes."""

    def __init__(self, opener: Opener) -> None:
        # Nothing here comes from outside.
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ballots.pure.opening"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # A traceback could quote what it was about.
            stderr=subprocess.DEVNULL,
        )
        self.to = cast(BinaryIO, self.process.stdin)
        self.back = cast(BinaryIO, self.process.stdout)
        self.greeting = _greeting(opener)

    def open(self, lot: list[bytes]) -> list[Opened]:
        try:
            self.to.write(self.greeting)
            self.greeting = b""
            _write_lot(self.to, lot)
            answer = self.back.readline()
        except (OSError, ValueError):
            # A broken pipe, or one that `end` has closed.
            answer = b""
        # Whoever is killed while he answers leaves half a line.
        if not answer.endswith(b"\n"):
            raise Interrupted
        return [Opened(*one) for one in json.loads(answer)]

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.back.close()
        # What had not been sent yet cannot be any more.
        with suppress(OSError):
            self.to.close()


# --- between the two processes --------------------------------------------------------------------


def _greeting(opener: Opener) -> bytes:
    told = {
        "seed": opener.seed.hex(),
        "poll": str(opener.poll),
        "rules": asdict(opener.rules),
        "titles": list(opener.titles.items()),
    }
    return json.dumps(told).encode() + b"\n"


def _greeted(line: bytes) -> Opener:
    told = json.loads(line)
    return Opener(
        seed=bytes.fromhex(told["seed"]),
        poll=UUID(told["poll"]),
        rules=Rules(**told["rules"]),
        titles=dict(told["titles"]),
    )


def _write_lot(pipe: BinaryIO, lot: list[bytes]) -> None:
    pipe.write(len(lot).to_bytes(4))
    for sealed in lot:
        pipe.write(len(sealed).to_bytes(4) + sealed)
    pipe.flush()


def _read_lot(pipe: BinaryIO) -> list[bytes]:
    """Return the next lot; an empty one where the pipe has come to its end."""
    count = int.from_bytes(pipe.read(4))
    return [pipe.read(int.from_bytes(pipe.read(4))) for _ in range(count)]


def main() -> None:
    """Open lots of sealed ballots until there are no more."""
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    opener = _greeted(asked.readline())
    while lot := _read_lot(asked):
        answers.write(json.dumps([opener.open(sealed) for sealed in lot]).encode() + b"\n")
        answers.flush()


if __name__ == "__main__":
    main()
