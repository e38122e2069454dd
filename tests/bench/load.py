"""Visitors by the hundred: in a closed loop, or all at once.

A closed loop is driven by `wrk` where it is installed, which costs least of the machine that it
shares with the site, else by the client below.
"""

import asyncio
import os
import re
import secrets
import shutil
import string
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple
from urllib.parse import urlencode

from tests.bench.lab import HERE, LOCALHOST, LabError, Site, run

WRK = shutil.which("wrk")
TOOL = "wrk" if WRK else "the client of tests/bench/load.py"
CSRF_SIGNS = string.ascii_letters + string.digits
TIMEOUT = 120


class Visitor(NamedTuple):
    """What a visitor's browser holds: cookies, their CSRF token, a one-time token, a code."""

    cookies: str
    csrf: str
    token: str
    code: str

    def filled_in(self, body: str) -> str:
        return (
            body.replace("CSRF", self.csrf).replace("TOKEN", self.token).replace("CODE", self.code)
        )


def stranger(code: str) -> Visitor:
    """Return somebody who is not signed in; a site takes any CSRF token that its cookie repeats."""
    csrf = "".join(secrets.choice(CSRF_SIGNS) for _place in range(32))
    return Visitor(f"csrftoken={csrf}", csrf, secrets.token_hex(16), code)


# --- one connection -------------------------------------------------------------------------------


class Answer(NamedTuple):
    status: int
    location: str
    cookies: dict[str, str]
    body: bytes


class Connection:
    """One connection that stays open (HTTP/1.1), and opens again where the server has closed it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        self.reader, self.writer = await asyncio.open_connection(
            LOCALHOST, self.port, limit=1 << 20
        )

    async def ask(self, method: str, path: str, cookies: str, body: str = "") -> Answer:
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {LOCALHOST}:{self.port}",
            f"Cookie: {cookies}",
        ]
        lines += ["Accept: text/html", "Accept-Language: zh-CN"]
        if method == "POST":
            lines.append("Content-Type: application/x-www-form-urlencoded")
            lines.append(f"Content-Length: {len(body)}")
        sent = ("\r\n".join(lines) + "\r\n\r\n" + body).encode()
        is_fresh = self.writer is None
        try:
            return await asyncio.wait_for(self._exchange(sent), TIMEOUT)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.close()
            if is_fresh:
                raise
            return await asyncio.wait_for(self._exchange(sent), TIMEOUT)

    async def _exchange(self, sent: bytes) -> Answer:
        if self.writer is None:
            await self.open()
        assert self.reader is not None and self.writer is not None  # noqa: PT018
        self.writer.write(sent)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status, location, length, cookies = int(head[0].split(" ", 2)[1]), "", None, {}
        for line in head[1:]:
            name, _colon, value = line.partition(":")
            match name.lower():
                case "location":
                    location = value.strip()
                case "content-length":
                    length = int(value)
                case "set-cookie":
                    key, _sign, kept = value.strip().partition(";")[0].partition("=")
                    cookies[key] = kept
        body = await self.reader.readexactly(length) if length is not None else await self._chunks()
        return Answer(status, location, cookies, body)

    async def _chunks(self) -> bytes:
        assert self.reader is not None
        parts = []
        while size := int((await self.reader.readline()).split(b";")[0], 16):
            parts.append(await self.reader.readexactly(size))
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)
        return b"".join(parts)

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


async def each(
    visitors: Sequence[Visitor],
    port: int,
    connections: int,
    work: Callable[[Connection, Visitor], Awaitable[None]],
) -> None:
    """Let every visitor do `work` once over so many connections."""
    waiting = iter(visitors)

    async def one() -> None:
        connection = Connection(port)
        for visitor in waiting:
            await work(connection, visitor)
        connection.close()

    await asyncio.gather(*(one() for _ in range(connections)))


@cache
def jar_of(site: Site) -> list[Visitor]:
    """Sign everybody of a site that is up in by the code of his card; they stay so.

    Raises LabError if one is not let in.
    """
    jar: dict[str, Visitor] = {}

    async def enter(connection: Connection, visitor: Visitor) -> None:
        body = urlencode({"csrfmiddlewaretoken": visitor.csrf, "code": visitor.code})
        answer = await connection.ask("POST", "/", visitor.cookies, body)
        if answer.status != 303 or not answer.location.startswith("/home/"):
            raise LabError(f"sign-in: {answer.status} {answer.location}")
        csrf = answer.cookies.get("csrftoken", visitor.csrf)
        kept = {"csrftoken": csrf} | answer.cookies
        cookies = "; ".join(f"{name}={value}" for name, value in kept.items())
        jar[visitor.code] = Visitor(cookies, csrf, visitor.token, visitor.code)

    asyncio.run(each([stranger(code) for code in site.codes], site.port, 8, enter))
    return [jar[code] for code in site.codes]


# --- a closed loop --------------------------------------------------------------------------------


class Request(NamedTuple):
    """A request as every visitor sends it, and the status of a good answer."""

    method: str
    path: str
    body: str
    want: int
    once: bool = False


def rate(
    port: int, request: Request, jar: Sequence[Visitor], *, seconds: float, connections: int = 16
) -> float:
    """Return good answers a second; raises LabError where one in fifty is not good.

    Where not one came in time, it is given four times as long, twice.
    """
    drive = _by_wrk if WRK else _by_client
    for patience in (1, 4, 16):
        good, took, bad, odd = drive(port, request, jar, patience * seconds, connections)
        if good or bad:
            break
    if not good or bad > good / 50:
        raise LabError(f"{request.method} {request.path}: {bad} of {good + bad} answers are {odd}")
    return good / took


def _by_wrk(
    port: int, request: Request, jar: Sequence[Visitor], seconds: float, connections: int
) -> tuple[int, float, int, str]:
    with tempfile.NamedTemporaryFile("w", suffix=".jar") as file:
        file.writelines("\t".join(visitor) + "\n" for visitor in jar)
        file.flush()
        environment = os.environ | {
            "JAR": file.name,
            "METHOD": request.method,
            "URL": request.path,
            "BODY": request.body,
            "WANT": str(request.want),
            "ONCE": "1" if request.once else "0",
        }
        command = [str(WRK), "-t1", f"-c{connections}", f"-d{round(seconds)}s", "--timeout", "30s"]
        said = run(
            [*command, "-s", str(HERE / "wrk.lua"), f"http://{LOCALHOST}:{port}"], env=environment
        )
    found = re.search(r"RESULT (\d+) ([\d.-]+) (\d+) (\S+)", said)
    if found is None:
        raise LabError(said)
    return int(found[1]), float(found[2]), int(found[3]), found[4]


def _by_client(
    port: int, request: Request, jar: Sequence[Visitor], seconds: float, connections: int
) -> tuple[int, float, int, str]:
    answers: Counter[int] = Counter()
    start = last = time.perf_counter()

    async def one(number: int) -> None:
        nonlocal last
        connection, at = Connection(port), number
        while time.perf_counter() < start + seconds and not (request.once and at >= len(jar)):
            visitor = jar[at % len(jar)]
            body = visitor.filled_in(request.body)
            answer = await connection.ask(request.method, request.path, visitor.cookies, body)
            answers[answer.status] += 1
            last = time.perf_counter()
            at += connections
        connection.close()

    async def all_of_them() -> None:
        await asyncio.gather(*(one(number) for number in range(connections)))

    asyncio.run(all_of_them())
    good = answers.pop(request.want, 0)
    return good, last - start, answers.total(), " ".join(map(str, answers))


# --- all at once ----------------------------------------------------------------------------------


@dataclass
class Waits:
    """Seconds of the good answers, and how many answers were none."""

    seconds: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)


def burst(port: int, request: Request, jar: Sequence[Visitor]) -> Waits:
    """Let everybody press the button in one instant; every connection is open before."""
    waits = Waits()

    async def press() -> None:
        connections = [Connection(port) for _ in jar]
        for at in range(0, len(jar), 50):
            await asyncio.gather(*(one.open() for one in connections[at : at + 50]))
        start = time.perf_counter() + 0.5

        async def one(connection: Connection, visitor: Visitor) -> None:
            body = visitor.filled_in(request.body)
            await asyncio.sleep(start - time.perf_counter())
            try:
                answer = await connection.ask(request.method, request.path, visitor.cookies, body)
            except (OSError, asyncio.IncompleteReadError) as error:
                waits.errors[type(error).__name__] += 1
                return
            if answer.status == request.want:
                waits.seconds.append(time.perf_counter() - start)
            else:
                waits.errors[str(answer.status)] += 1

        await asyncio.gather(*map(one, connections, jar))
        for connection in connections:
            connection.close()

    asyncio.run(press())
    return waits
