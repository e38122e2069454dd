"""How a site answers over real HTTP: compressed or not, beside slow bodies, what may be kept."""

import http.client
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import SplitResult, urlencode, urlsplit

import pytest

from tests.commands.conftest import Site
from tests.helpers.http_client import Browser, Page

pytestmark = pytest.mark.http

TICKED = [("projects", "1"), ("projects", "3")]


@pytest.fixture(scope="module")
def delegate(served: Site) -> Browser:
    """Somebody who has signed in, whose browser takes gzip as every one does."""
    browser = Browser(served.base)
    browser.submit(browser.get("/").form("/"), code=served.rows("cards.csv")[-1]["投票码"])
    return browser


def fetched(site: Site, path: str, encoding: str) -> tuple[http.client.HTTPResponse, bytes]:
    address = urlsplit(site.base)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    connection.request("GET", path, headers={"Accept-Encoding": encoding})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


@pytest.mark.parametrize("path", ["/", "/home/", "/ballot/", "/results/", "/board/"])
def test_a_page_that_is_fetched_is_compressed(delegate, path):
    page = delegate.get(path)

    assert page.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in page.headers["Vary"]
    assert b"</html>" in page.body
    assert len(page.raw) < len(page.body) / 2


def test_who_takes_no_gzip_gets_none(served):
    answer, body = fetched(served, "/", "identity")

    assert answer.headers["Content-Encoding"] is None
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert b"</html>" in body


def plain(page: Page) -> bool:
    return "Content-Encoding" not in page.headers and "Accept-Encoding" not in page.headers["Vary"]


def test_no_page_with_choices_is_compressed(delegate):
    ballot = delegate.get("/ballot/").form("/ballot/review/")
    review = delegate.submit(ballot, *TICKED, **{"proposal-0-title": "新建停车场"})
    back = delegate.post("/ballot/", review.form("/ballot/cast/").fields)
    too_many = delegate.submit(ballot, *TICKED, ("abstain", "on"))
    kept = review.form("/ballot/cast/").fields
    spoilt = delegate.post("/ballot/cast/", [*kept, ("abstain", "on")])
    elsewhere = delegate.post("/ballot/cast/", [(n, v) for n, v in kept if n != "poll"])
    hint = delegate.submit(ballot, **{"proposal-0-title": "住房条件改善"})

    said = {page.status: page for page in (review, back, too_many, spoilt, elsewhere, hint)}
    assert {200, 400, 422} <= said.keys()
    for page in (review, back, too_many, spoilt):
        assert 'value="1"' in page.body.decode()
    assert "改选第" in hint.text
    assert all(plain(page) for page in (review, back, too_many, spoilt, elsewhere, hint))


def test_the_answer_to_a_code_that_was_typed_is_not_compressed(served):
    browser = Browser(served.base)

    refused = browser.submit(browser.get("/").form("/"), code="1234")

    assert refused.status == 422
    assert plain(refused)


# --- slow and broken bodies -----------------------------------------------------------------------

# More than all workers let into Django at once.
SLOW = 120


@contextmanager
def begun(
    site: Site, sent: list[tuple[str, str]], cookies: str, *, count: int
) -> Iterator[list[socket.socket]]:
    """Post the form of the submission so many times, each but for its last byte."""
    body = urlencode(sent)
    address = urlsplit(site.base)
    head = (
        f"POST /ballot/cast/ HTTP/1.1\r\nHost: {address.netloc}\r\nOrigin: {site.base}\r\n"
        f"Cookie: {cookies}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with ExitStack() as stack:
        yield [
            stack.enter_context(a_socket_that_sent(address, (head + body[:-1]).encode()))
            for _each in range(count)
        ]


def a_socket_that_sent(address: SplitResult, data: bytes) -> socket.socket:
    connection = socket.create_connection((address.hostname or "", address.port or 80), timeout=60)
    connection.sendall(data)
    return connection


def reviewed(site: Site, place: int) -> tuple[Browser, list[tuple[str, str]]]:
    """The browser of another delegate, and the form that he would submit."""
    browser = Browser(site.base)
    browser.submit(browser.get("/").form("/"), code=site.rows("cards.csv")[place]["投票码"])
    ballot = browser.get("/ballot/").form("/ballot/review/")
    return browser, browser.submit(ballot, *TICKED).form("/ballot/cast/").fields


def cookies_of(browser: Browser) -> str:
    return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())


def test_forms_that_never_end_stop_nobody(served):
    stuck, form = reviewed(served, 0)
    voter, own = reviewed(served, 1)

    with begun(served, form, cookies_of(stuck), count=SLOW):
        assert Browser(served.base).get("/healthz").body == b"ok"
        receipt = voter.post("/ballot/cast/", own)

    assert receipt.url.endswith("/receipt/")
    assert "receipt-code" in receipt.ids


def test_a_form_that_breaks_off_is_no_ballot_and_goes_nowhere(served):
    browser, form = reviewed(served, 2)

    with begun(served, form, cookies_of(browser), count=1) as (broken,):
        broken.shutdown(socket.SHUT_WR)
        answer = broken.makefile("rb").readline()

    # Whether anybody still reads it or not.
    assert answer == b"" or b" 400 " in answer
    assert browser.get("/ballot/").status == 200
    assert browser.post("/ballot/cast/", form).url.endswith("/receipt/")


# --- what a browser may keep ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["css", "js"])
def test_static_files_are_compressed_beforehand_and_kept_for_good(served, delegate, kind):
    page = delegate.get("/ballot/").body.decode()
    found = re.search(rf"/static/[\w./-]+\.[0-9a-f]{{12}}\.{kind}", page)
    assert found, page

    answer, body = fetched(served, found[0], "gzip")

    assert answer.status == 200
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert "immutable" in answer.headers["Cache-Control"]
    assert "max-age=315360000" in answer.headers["Cache-Control"]
    assert len(body) < len(fetched(served, found[0], "identity")[1])
