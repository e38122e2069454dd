"""A PostgreSQL of its own that may be killed, and the line to it that may be cut."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import psycopg

from tests.helpers.machine import lacking

Cut = Literal["answer lost", "COMMIT lost"]

# By this a transaction that stores a ballot is known, whatever its statements are: only what is
# sealed has hundreds of bytes that are no text, half of its 1,100 at least.
ASCII, SEALED = bytes(range(128)), 400


def binaries() -> Path:
    """Return the folder of the server's programs, the newest; Debian has them outside of PATH."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
    )
    here = shutil.which("initdb")
    if not found and not here:
        lacking("PostgreSQL's server programs (apt-get install postgresql)")
    return found[-1].parent if found else Path(str(here)).parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def children(pid: int) -> list[int]:
    """Return the processes that `pid` has started and that still are."""
    found = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(child) for child in tasks.read_text().split()]
    return found


def is_alive(pid: int) -> bool:
    """Tell whether `pid` runs; a process that waits for its parent to take note does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Cluster:
    """A server with its own folder and port, as whoever may run it: PostgreSQL refuses root."""

    def __init__(self, within: Path | None = None) -> None:
        self.programs = binaries()
        self.port = free_port()
        # Not in pytest's folder, which nobody but root may enter.
        self.folder = Path(tempfile.mkdtemp(prefix="faults-", dir=within))
        self.owner = "postgres" if os.geteuid() == 0 else None
        if self.owner:
            shutil.chown(self.folder, self.owner)
        initdb = [str(self.programs / "initdb"), "-D", str(self.folder / "data"), "--auth=trust"]
        subprocess.run(
            [*initdb, "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"],
            user=self.owner,
            cwd=self.folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            # How long and how much a commit may stay in memory that did not ask for the disk:
            # enough for a kill to come before it. It changes nothing for one that did.
            "wal_writer_delay": "10s",
            "wal_writer_flush_after": "1GB",
            "wal_buffers": "64MB",
        }
        self._options = [
            part for pair in settings.items() for part in ("-c", "=".join(map(str, pair)))
        ]
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server, which recovers first where it was killed; return when it answers."""
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [self.programs / "postgres", "-D", self.folder / "data", *self._options],
                user=self.owner,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        for _ in range(600):
            assert self._server.poll() is None, (self.folder / "log").read_text()
            try:
                psycopg.connect(self.address("postgres"), connect_timeout=5).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError((self.folder / "log").read_text())

    @property
    def is_up(self) -> bool:
        return self._server is not None and self._server.poll() is None

    def kill(self) -> None:
        """End the postmaster and all its children as a crash does, and wait until they are gone."""
        assert self._server
        pids = [self._server.pid, *children(self._server.pid)]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._server.wait()
        # What the postmaster forked while it was being killed leaves by itself when it sees that.
        while any(map(is_alive, pids)):
            time.sleep(0.01)

    def create(self, name: str) -> None:
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())

    def address(self, name: str, port: int | None = None) -> str:
        return f"postgres://postgres@127.0.0.1:{port or self.port}/{name}"

    def close(self) -> None:
        if self.is_up:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Line:
    """A line to the port `to` that is cut, once told to, where a ballot's COMMIT goes by.

    Either before the server has it, so that it never commits, or when its answer comes back, so
    that it has and nobody knows. While it is silent it takes every byte and passes none on; what is
    stranded does so for good.
    """

    def __init__(self, to: int) -> None:
        self.to = to
        self.is_silent = False
        self.cuts: Counter[Cut] = Counter()
        self._armed: Cut | None = None
        self._connections: list[_Connection] = []
        self._lock = threading.Lock()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @contextlib.contextmanager
    def armed(self, cut: Cut | None) -> Iterator[None]:
        """Cut at the first COMMIT of a ballot that goes by within; at none if `cut` is None."""
        if cut is None:
            yield
            return
        with self._lock:
            self._armed = cut
        try:
            yield
        finally:
            with self._lock:
                self._armed = None

    def strand(self) -> None:
        """Leave every connection that there is half open: its far end is gone and says nothing."""
        for connection in self._connections:
            connection.is_stranded = True

    def close(self) -> None:
        # To close a socket wakes nobody who waits at it; to shut it down does.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._accepting.join()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._socket.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                near.close()
                continue
            self._connections.append(_Connection(self, near, far))

    def take(self) -> Cut | None:
        with self._lock:
            cut, self._armed = self._armed, None
            if cut:
                self.cuts[cut] += 1
            return cut


class _Connection:
    """One connection through the line, with a thread for each direction."""

    def __init__(self, line: Line, near: socket.socket, far: socket.socket) -> None:
        self.line, self.near, self.far = line, near, far
        self.is_mute = self.is_stranded = False
        for way in (self._up, self._down):
            threading.Thread(target=way, daemon=True).start()

    def _up(self) -> None:
        unreadable = 0
        for data in received(self.near):
            if self.line.is_silent or self.is_stranded:
                continue
            cut = None
            unreadable += len(data.translate(None, ASCII))
            if b"COMMIT" in data:
                cut = self.line.take() if unreadable > SEALED else None
                unreadable = 0
            if cut == "COMMIT lost":
                break
            self.is_mute = cut == "answer lost"
            with contextlib.suppress(OSError):
                self.far.sendall(data)
        self._hang_up()

    def _down(self) -> None:
        for data in received(self.far):
            if self.line.is_silent or self.is_stranded:
                continue
            if self.is_mute:
                break
            with contextlib.suppress(OSError):
                self.near.sendall(data)
        self._hang_up()

    def _hang_up(self) -> None:
        for end in (self.near, self.far):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def received(end: socket.socket) -> Iterator[bytes]:
    """Yield what comes from `end` until nothing does any more."""
    with contextlib.suppress(OSError):
        while data := end.recv(65536):
            yield data
