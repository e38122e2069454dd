"""A browser without a screen: follows forms over real HTTP, keeps cookies, runs no script."""

import gzip
import http.client
import urllib.parse
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

VOID = {"input", "br", "img", "meta", "link", "hr", "path", "rect"}


@dataclass
class Form:
    """A form as a page offers it: what a person who touches nothing would send."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    choices: list[tuple[str, str]] = field(default_factory=list)
    radios: set[str] = field(default_factory=set)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def filled(self, *ticks: tuple[str, str], **values: str) -> list[tuple[str, str]]:
        """Return what is sent with `values` typed in and `ticks` (name, value) ticked."""
        unknown = values.keys() - {name for name, _ in self.fields}
        assert not unknown, f"the form at {self.action} has no field {unknown}"
        for tick in ticks:
            assert tick in self.choices, f"the form at {self.action} offers no {tick}"
        # Of radio buttons of one name, marking one takes the mark from the other.
        moved = self.radios & {name for name, _ in ticks}
        kept = [field for field in self.fields if field[0] not in moved]
        return [(name, values.get(name, value)) for name, value in kept] + list(ticks)


class Page(HTMLParser):
    """A page that was fetched: its status, its text and its forms."""

    def __init__(self, status: int, url: str, body: bytes, headers: http.client.HTTPMessage):
        super().__init__()
        self.status, self.url, self.headers = status, url, headers
        # `raw` is what went over the line.
        self.raw = body
        packed = headers.get("Content-Encoding") == "gzip"
        self.body = body = gzip.decompress(body) if packed else body
        self.forms: list[Form] = []
        self.words: list[str] = []
        self.ids: dict[str, str] = {}
        self._form: Form | None = None
        self._select: tuple[str, list[str], str | None] | None = None
        self._textarea: str | None = None
        self._open: list[str | None] = []
        if "text/html" in (headers.get("Content-Type") or ""):
            self.feed(body.decode())

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def form(self, action: str) -> Form:
        """Return the first form that posts to the path `action`, else the first that goes there."""
        found = [form for form in self.forms if urllib.parse.urlsplit(form.action).path == action]
        found.sort(key=lambda form: form.method != "post")
        assert found, f"no form to {action} on {self.url}: {self.text[:400]}"
        return found[0]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self._open.append(values.get("id"))
        if tag == "form":
            action = urllib.parse.urljoin(self.url, values.get("action") or self.url)
            self._form = Form(action, values.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is None:
            return
        elif tag == "input":
            self._input(values)
        elif tag == "textarea":
            self._textarea = values.get("name", "")
            self._form.fields.append((self._textarea, ""))
        elif tag == "select":
            self._select = (values.get("name", ""), [], None)
        elif tag == "option" and self._select:
            name, options, chosen = self._select
            value = values.get("value", "")
            self._select = (name, [*options, value], value if "selected" in values else chosen)

        elif tag == "button" and values.get("name"):
            self._form.buttons.append((values["name"], values.get("value", "")))

    def _input(self, values: dict[str, str]) -> None:
        assert self._form is not None
        name, value = values.get("name", ""), values.get("value", "")
        match values.get("type", "text"):
            case _ if not name:
                return
            case "checkbox" | "radio" as kind:
                if kind == "radio":
                    self._form.radios.add(name)
                self._form.choices.append((name, value or "on"))
                if "checked" in values:
                    self._form.fields.append((name, value or "on"))
            case "submit":
                self._form.buttons.append((name, value))
            case "file":
                return
            case _:
                self._form.fields.append((name, value))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and self._open:
            self._open.pop()
        if tag == "form":
            self._form = None
        elif tag == "textarea":
            self._textarea = None
        elif tag == "select" and self._select and self._form:
            name, options, chosen = self._select
            self._form.fields.append((name, chosen if chosen is not None else (options or [""])[0]))
            self._select = None

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._textarea is not None and self._form:
            name, before = self._form.fields[-1]
            self._form.fields[-1] = (name, before + data)
        for identity in self._open:
            if identity:
                self.ids[identity] = self.ids.get(identity, "") + data


class Browser:
    """One person's browser at `http://host:port`: cookies are kept, redirects are followed."""

    def __init__(self, base: str) -> None:
        self.move(base)
        self.cookies: dict[str, str] = {}

    def move(self, base: str) -> None:
        """Go on at another server with all cookies, as behind a proxy that has several."""
        parts = urllib.parse.urlsplit(base)
        assert parts.hostname == "127.0.0.1", "tests talk to this machine only"
        self.base, self.host, self.port = base, parts.hostname, parts.port

    def get(self, path: str) -> Page:
        return self._request("GET", path)

    def submit(self, form: Form, *ticks: tuple[str, str], **values: str) -> Page:
        """Send `form` as a person would who filled in `values` and ticked `ticks`."""
        sent = form.filled(*ticks, **values)
        path = urllib.parse.urlsplit(form.action)
        target = path.path + (f"?{path.query}" if path.query else "")
        if form.method == "get":
            return self.get(f"{path.path}?{urllib.parse.urlencode(sent)}")
        return self._request("POST", target, sent)

    def post(self, path: str, sent: list[tuple[str, str]], *, follows: bool = True) -> Page:
        """Send `sent`; the page of a redirect itself is returned where it `follows` none."""
        return self._request("POST", path, sent, hops=5 if follows else 0)

    def _request(self, method: str, path: str, sent: Any = None, hops: int = 5) -> Page:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Accept-Language": "zh-CN",
            "Accept-Encoding": "gzip",
        }
        body = None
        if method == "POST":
            body = urllib.parse.urlencode(sent)
            headers |= {
                "Content-Type": "application/x-www-form-urlencoded",
                "Origin": self.base,
                "Referer": self.base + path,
            }
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.split(";")[0].partition("=")
            self.cookies[name] = value
        if answer.status in {301, 302, 303} and hops:
            where = urllib.parse.urlsplit(
                urllib.parse.urljoin(self.base + path, answer.headers["Location"])
            )
            return self._request(
                "GET", where.path + (f"?{where.query}" if where.query else ""), hops=hops - 1
            )
        return Page(answer.status, self.base + path, content, answer.headers)
