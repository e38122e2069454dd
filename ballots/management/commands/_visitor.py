"""One delegate's browser, in plain Python: sign in, fill in, review, cast, keep the receipt.

It knows of the site what design §9 promises to everybody outside, and imports none of its pages.
"""

import http.client
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import CookieError, SimpleCookie
from urllib.parse import SplitResult, urlencode, urlsplit

from ballots.pure.rules import Selection

TIMEOUT = 30

Fields = Sequence[tuple[str, str]]


class VisitFailed(Exception):
    """An answer was not the one that the contract promises; the text says at which step."""


class _Page(HTMLParser):
    """What each form sends untouched, by its address, and the receipt code of a page.

    That is its hidden fields and the radio buttons that are marked already.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: dict[str, list[tuple[str, str]]] = {}
        self.receipt = ""
        self._form: list[tuple[str, str]] = []
        self._within_code = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form":
            self._form = self.forms.setdefault(urlsplit(found.get("action") or "").path, [])
        elif tag == "input" and (
            found.get("type") == "hidden" or (found.get("type") == "radio" and "checked" in found)
        ):
            self._form.append((found.get("name") or "", found.get("value") or ""))
        if found.get("id") == "receipt-code":
            self._within_code = 1
        elif self._within_code and tag not in {"br", "wbr", "input", "img"}:
            self._within_code += 1

    def handle_endtag(self, tag: str) -> None:
        if self._within_code:
            self._within_code -= 1

    def handle_data(self, data: str) -> None:
        if self._within_code:
            self.receipt += "".join(char for char in data if char.isalnum())


@dataclass
class Visit:
    """What a visit took and brought: seconds by step, and the receipt code without hyphens."""

    seconds: dict[str, float] = field(default_factory=dict)
    receipt: str = ""


class Visitor:
    """A connection of its own, with its cookies."""

    def __init__(self, site: SplitResult) -> None:
        kind = http.client.HTTPSConnection if site.scheme == "https" else http.client.HTTPConnection
        self.site = site
        self.connection = kind(site.hostname or "", site.port, timeout=TIMEOUT)
        self.cookies: dict[str, str] = {}
        self.visit = Visit()

    def vote(self, code: str, selection: Selection) -> Visit:
        """Go the whole way of a delegate once; raises VisitFailed, or OSError without a network."""
        try:
            page = self.ask("登录页", "GET", "/")
            self.ask("登录", "POST", "/", fields(page, "/", [("code", code)]), leads_to="/home/")
            page = self.ask("表决票", "GET", "/ballot/")
            filled = fields(page, "/ballot/review/", filled_in(selection, page))
            page = self.ask("核对", "POST", "/ballot/review/", filled)
            kept = fields(page, "/ballot/cast/", [])
            self.ask("提交", "POST", "/ballot/cast/", kept, leads_to="/receipt/")
            self.visit.receipt = self.ask("回执", "GET", "/receipt/").receipt
        except http.client.HTTPException as error:
            raise VisitFailed(type(error).__name__) from error
        finally:
            self.connection.close()
        return self.visit

    def ask(
        self, step: str, method: str, path: str, data: Fields = (), *, leads_to: str = ""
    ) -> _Page:
        """Send one request and return its page; `leads_to` is where its redirect must point."""
        headers = {
            "Host": self.site.netloc,
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Accept": "text/html",
        }
        body = None
        if method == "POST":
            body = urlencode(data)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            headers["Origin"] = f"{self.site.scheme}://{self.site.netloc}"
            headers["Referer"] = headers["Origin"] + path
        start = time.perf_counter()
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read().decode(errors="replace")
        self.visit.seconds[step] = time.perf_counter() - start
        for header in answer.headers.get_all("Set-Cookie", []):
            self._keep(header)
        target = urlsplit(answer.headers.get("Location", "")).path
        expected = 303 if leads_to else 200
        if answer.status != expected or target != leads_to:
            raise VisitFailed(f"{step}：HTTP {answer.status} {target}".rstrip())
        return _Page(text)

    def _keep(self, header: str) -> None:
        try:
            found = SimpleCookie(header)
        except CookieError:
            return
        self.cookies |= {name: morsel.value for name, morsel in found.items()}


def fields(page: _Page, action: str, own: Fields) -> Fields:
    """Return what the form to `action` sends untouched, with `own` in place of namesakes."""
    if action not in page.forms:
        raise VisitFailed(f"没有送往 {action} 的表单")
    names = {name for name, _value in own}
    return [*((name, value) for name, value in page.forms[action] if name not in names), *own]


def filled_in(selection: Selection, page: _Page) -> Fields:
    """Return the fields of the ballot page that say `selection`: ticks, or votes where it has them."""
    has_votes = any(name.startswith("vote-") for name, _value in page.forms["/ballot/review/"])
    if has_votes:
        said = [(f"vote-{number}", "for") for number in selection.chosen]
        said += [(f"vote-{number}", "against") for number in selection.against]
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
