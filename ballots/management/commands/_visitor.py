"""One delegate's browser, in plain Python: sign in, fill in, review, cast, keep the receipt.

It knows of the site what design §9 promises to everybody outside, and imports none of its pages. A
thousand of them share one thread and must cost less than the site that they measure: hence bare
connections that are kept, and patterns in the place of a parser of HTML.
"""

import asyncio
import random
import re
import ssl
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import SplitResult, urlencode, urlsplit

from ballots.pure.rules import Selection
from projects.choices import MARKINGS, Mark

# Seconds after which whoever waits for an answer has given up.
TIMEOUT = 30
# Bytes of the head of an answer.
LONGEST_HEAD = 65_536

Fields = Sequence[tuple[str, str]]

FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL)
INPUT = re.compile(r"<input\b([^>]*)>")
ATTRIBUTE = re.compile(r'([\w-]+)(?:="([^"]*)")?')
RECEIPT = re.compile(r'<(\w+)[^>]*\bid="receipt-code"[^>]*>(.*?)</\1>', re.DOTALL)
LISTED = re.compile(r"<li>([0-9A-Z]{4}(?:-[0-9A-Z]{4}){3})</li>")
TAG = re.compile(r"<[^>]*>")


class VisitFailed(Exception):
    """An answer was not the one that the contract promises; the text says at which step."""


class Page:
    """What a page says to a program: its forms, its receipt code, the codes that it lists."""

    def __init__(self, text: str) -> None:
        self.text = text

    def form(self, action: str) -> list[tuple[str, str]]:
        """Return what the form to `action` sends untouched; raises VisitFailed without such a form.

        That is its hidden fields and the radio buttons that are marked already.
        """
        for head, body in FORM.findall(self.text):
            if urlsplit(_attributes(head).get("action", "")).path == action:
                found = map(_attributes, INPUT.findall(body))
                return [(one.get("name", ""), one.get("value", "")) for one in found if _sent(one)]
        raise VisitFailed(f"没有送往 {action} 的表单")

    @property
    def receipt(self) -> str:
        """The receipt code without hyphens; empty on any other page."""
        found = RECEIPT.search(self.text)
        return "".join(filter(str.isalnum, TAG.sub("", found[2]))) if found else ""

    @property
    def listed(self) -> set[str]:
        """The codes of a board, without hyphens."""
        return {code.replace("-", "") for code in LISTED.findall(self.text)}


def _attributes(text: str) -> dict[str, str]:
    return {name: unescape(value) for name, value in ATTRIBUTE.findall(text)}


def _sent(field: dict[str, str]) -> bool:
    kind = field.get("type")
    return kind == "hidden" or (kind == "radio" and "checked" in field)


@dataclass
class Visit:
    """What a visit took and brought: seconds by step, and the receipt code without hyphens.

    `late` is by how many seconds the program itself began a step too late; they are counted in.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    receipt: str = ""
    late: float = 0.0


class Visitor:
    """A connection of its own, with its cookies, and the time that its owner takes to think.

    `think` is in seconds, on the average; `due` is the moment of the event loop's clock at which the
    next step is planned. Each step is timed from there, so that no queue hides what was slow.
    """

    def __init__(self, site: SplitResult, *, think: float = 0.0) -> None:
        self.site = site
        self.think = think
        self.due = 0.0
        self.cookies: dict[str, str] = {}
        self.visit = Visit()
        self._tls = ssl.create_default_context() if site.scheme == "https" else None
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def vote(self, code: str, selection: Selection, *, arrival: float) -> Visit:
        """Go the whole way of a delegate once; raises VisitFailed, or OSError without a network."""
        self.due = arrival
        try:
            page = await self.ask("登录页", "GET", "/")
            filled = filled_form(page, "/", [("code", code)])
            self._think()
            await self.ask("登录", "POST", "/", filled, leads_to="/home/")
            await self.ask("首页", "GET", "/home/")
            self._think()
            page = await self.ask("表决票", "GET", "/ballot/")
            filled = filled_form(page, "/ballot/review/", filled_in(selection, page))
            self._think()
            page = await self.ask("核对", "POST", "/ballot/review/", filled)
            filled = filled_form(page, "/ballot/cast/", [])
            self._think()
            await self.ask("提交", "POST", "/ballot/cast/", filled, leads_to="/receipt/")
            self.visit.receipt = (await self.ask("回执", "GET", "/receipt/")).receipt
        finally:
            self.close()
        return self.visit

    async def board(self, query: str) -> set[str]:
        """Return the codes that the public board lists."""
        self.due = asyncio.get_running_loop().time()
        try:
            return (await self.ask("清单", "GET", f"/board/?{query}")).listed
        finally:
            self.close()

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    def _think(self) -> None:
        # Not for secrets: people who think for the same time would press in the same moment.
        self.due += self.think * random.uniform(0.5, 1.5)  # noqa: S311

    async def ask(
        self, step: str, method: str, path: str, data: Fields = (), *, leads_to: str = ""
    ) -> Page:
        """Send one request when it is due, and return its page.

        `leads_to` is where its redirect must point. What comes next is due at once.
        """
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(self.due - clock())
        self.visit.late = max(self.visit.late, clock() - self.due)
        try:
            async with asyncio.timeout(TIMEOUT):
                status, headers, text = await self._exchange(method, path, data)
        except TimeoutError:
            raise VisitFailed(f"{step}：{TIMEOUT}秒没有应答") from None
        except (asyncio.IncompleteReadError, ValueError, zlib.error) as error:
            raise VisitFailed(f"{step}：{type(error).__name__}") from error
        now = clock()
        self.visit.seconds[step], self.due = now - self.due, now
        target = urlsplit(headers.get("location", "")).path
        if status != (303 if leads_to else 200) or target != leads_to:
            raise VisitFailed(f"{step}：HTTP {status} {target}".rstrip())
        return Page(text)

    async def _exchange(
        self, method: str, path: str, data: Fields
    ) -> tuple[int, dict[str, str], str]:
        if self._streams is None or self._streams[0].at_eof():
            self.close()
            self._streams = await asyncio.open_connection(
                self.site.hostname, self.site.port, ssl=self._tls, limit=LONGEST_HEAD
            )
        reader, writer = self._streams
        writer.write(self._request(method, path, data))
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers: dict[str, str] = {}
        for line in head[1:-2]:
            name, _colon, value = line.partition(":")
            if name.lower() == "set-cookie":
                cookie, _equals, content = value.strip().partition(";")[0].partition("=")
                self.cookies[cookie] = content
            else:
                headers[name.lower()] = value.strip()
        body = await _body(reader, headers)
        if headers.get("connection", "").lower() == "close":
            self.close()
        if headers.get("content-encoding") == "gzip":
            body = zlib.decompress(body, wbits=zlib.MAX_WBITS | 16)
        return int(head[0].split(" ")[1]), headers, body.decode(errors="replace")

    def _request(self, method: str, path: str, data: Fields) -> bytes:
        origin = f"{self.site.scheme}://{self.site.netloc}"
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {self.site.netloc}",
            "Accept: text/html",
            "Accept-Encoding: gzip",
        ]
        if self.cookies:
            lines.append("Cookie: " + "; ".join(map("=".join, self.cookies.items())))
        body = b""
        if method == "POST":
            body = urlencode(data).encode()
            lines += [
                "Content-Type: application/x-www-form-urlencoded",
                f"Content-Length: {len(body)}",
                f"Origin: {origin}",
                f"Referer: {origin}{path}",
            ]
        return "\r\n".join([*lines, "", ""]).encode() + body


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return body


def filled_form(page: Page, action: str, own: Fields) -> Fields:
    """Return what the form to `action` sends untouched, with `own` in place of namesakes."""
    names = {name for name, _value in own}
    return [*((name, value) for name, value in page.form(action) if name not in names), *own]


def filled_in(selection: Selection, page: Page) -> Fields:
    """Return the fields of the ballot page that say `selection`: ticks, or marks where it has them."""
    has_marks = any(name.startswith("vote-") for name, _value in page.form("/ballot/review/"))
    if has_marks:
        said = [
            (f"vote-{number}", mark.value)
            for mark in _marks_on(page)
            if mark.column
            for number in getattr(selection, mark.column)
        ]
    else:
        said = [("projects", str(number)) for number in selection.chosen]
    for position, proposal in enumerate(selection.proposals):
        said += [
            (f"proposal-{position}-title", proposal.title),
            (f"proposal-{position}-detail", proposal.detail),
            (f"proposal-{position}-unit", proposal.unit),
        ]
    if selection.proposals:
        said.append(("proposal-TOTAL_FORMS", str(len(selection.proposals))))
    if selection.is_blank:
        said.append(("abstain", "on"))
    return said


def _marks_on(page: Page) -> tuple[Mark, ...]:
    """Return the marks of the form of ballot whose buttons are all on the page."""
    return next(
        marking.marks
        for marking in MARKINGS.values()
        if len(marking.marks) > 1
        and all(f'value="{mark.value}"' in page.text for mark in marking.marks)
    )
