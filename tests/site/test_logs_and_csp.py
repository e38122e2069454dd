"""What every answer carries and no log keeps: the policy of pages, no cache, no card's token."""

import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import include, path
from django.views.decorators.cache import cache_control

from ballots.pure import card_code
from tests.helpers.factories import make_scrutineer
from yiwu_vote.logs import HideTokens
from yiwu_vote.middleware import BodyLimitMiddleware, CompressionMiddleware

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'; manifest-src 'self'"
)
# It names tests, which must be called the same in each of the processes that share a run.
TOKEN = "9315F34237190D7721FD6A20383BDF48"

# --- logs -----------------------------------------------------------------------------------------


def logged(message: str, *args: Any) -> str:
    record = logging.LogRecord("django", logging.WARNING, __file__, 1, message, args, None)
    assert HideTokens().filter(record)
    return record.getMessage()


@pytest.mark.parametrize(
    ("message", "args", "line"),
    [
        ("Not Found: /k/%s/", (TOKEN,), "Not Found: /k/<token>/"),
        ("Not Found: %s", (f"/k/{TOKEN}",), "Not Found: /k/<token>"),
        ('"%s" %d', (f"GET /k/{TOKEN}/ HTTP/1.1", 200), '"GET /k/<token>/ HTTP/1.1" 200'),
        (f"/K/{TOKEN}/", (), "/K/<token>/"),
        (f"/k/{TOKEN}/?poll=7", (), "/k/<token>/?poll=7"),
        (f"/k/{TOKEN}?poll=7", (), "/k/<token>?poll=7"),
        (f"https://vote.example.cn/k/{TOKEN}/ is bad", (), "https://vote.example.cn/k/<token>/ is bad"),
        (f"/?next=/k/{TOKEN}/", (), "/?next=/k/<token>/"),
        (f"/k/{TOKEN}/ /k/{TOKEN}/", (), "/k/<token>/ /k/<token>/"),
        ("/screen/secret-key/", (), "/screen/<token>/"),
        ("/screen/secret-key/data/", (), "/screen/<token>/data/"),
        # What holds no secret stays as it is.
        ("/k/", (), "/k/"),
        ("/projects/7/ took %d ms", (12,), "/projects/7/ took 12 ms"),
        ("100% done", (), "100% done"),
    ],
)  # fmt: skip
def test_a_token_never_stands_in_a_log_line(message, args, line):
    assert logged(message, *args) == line


@pytest.fixture
def console() -> Iterator[io.StringIO]:
    """What the site's own handlers would write, at every level."""
    stream = io.StringIO()
    handlers = [
        handler
        for name in ("", "django", "ballots")
        for handler in logging.getLogger(name).handlers
        # pytest hangs handlers of its own kinds on the root as well.
        if type(handler) is logging.StreamHandler
    ]
    with pytest.MonkeyPatch.context() as patch:
        for handler in handlers:
            patch.setattr(handler, "stream", stream, raising=False)
        yield stream


@pytest.mark.django_db
def test_the_site_logs_a_page_that_is_not_there_without_the_token(console, client):
    token = card_code.new_token()

    client.get(f"/k/{token}/no-such-page/")

    assert "/k/<token>/no-such-page/" in console.getvalue()
    assert token not in console.getvalue()


@pytest.mark.parametrize(
    "name", ["django.request", "django.security", "django.server", "ballots", "x"]
)
def test_every_logger_hides_tokens(console, name):
    logging.getLogger(name).warning("GET /k/%s/", TOKEN)

    assert "/k/<token>/" in console.getvalue()
    assert TOKEN not in console.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("/", "evil.example"),
        ("/admin/auth/group/", "testserver"),
        ("/admin/" + "x" * 3000, "testserver"),
    ],
    ids=["a foreign host", "a page of staff", "a long address"],
)
def test_a_request_that_is_refused_is_a_line_in_the_log_and_no_more(console, client, address, host):
    """Each refused page of staff and each foreign host was some thirty lines."""
    client.force_login(make_scrutineer())

    client.get(address, headers={"host": host})

    (line,) = console.getvalue().splitlines()
    assert len(line) < 400


def test_a_fault_of_ours_is_logged_with_the_place_of_it(console):
    try:
        raise RuntimeError("a fault")
    except RuntimeError:
        logging.getLogger("django.request").exception("Internal Server Error")

    assert "test_logs_and_csp.py" in console.getvalue()


# --- pages ----------------------------------------------------------------------------------------


@login_not_required
def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a fault that no code of ours expects")


@login_not_required
@cache_control(max_age=60, private=True)
def with_a_cache_of_its_own(request: HttpRequest) -> HttpResponse:
    return HttpResponse("x")


urlpatterns = [
    path("broken/", broken),
    path("cached/", with_a_cache_of_its_own),
    path("", include("yiwu_vote.urls")),
]
handler404 = "yiwu_vote.errors.not_found"
handler500 = "yiwu_vote.errors.server_error"


@pytest.fixture
def site(settings) -> Client:
    """A client that gets the error page where a view fails, as a browser would."""
    settings.ROOT_URLCONF = __name__
    return Client(raise_request_exception=False)


PAGES = {
    "/admin/login/": 200,
    "/admin/": 302,
    "/no-such-page/": 404,
    "/k/": None,
    f"/k/{TOKEN}/": None,
    "/ballot/": None,
    "/": None,
    "/broken/": 500,
}


@pytest.mark.django_db
@pytest.mark.parametrize("address", PAGES)
def test_every_answer_carries_the_one_policy_and_stays_in_no_cache(site, address):
    answer = site.get(address)

    assert PAGES[address] in {None, answer.status_code}
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    told = "no-referrer" if address.startswith("/k/") and address != "/k/" else "same-origin"
    assert answer.headers["Referrer-Policy"] == told
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert answer.headers["X-Frame-Options"] == "DENY"


@pytest.mark.django_db
@pytest.mark.parametrize("path", [f"/k/{TOKEN}/", f"/K/{TOKEN}/", "/screen/abc/"])
def test_an_address_that_is_a_secret_is_told_to_nobody(client, path):
    assert client.get(path).headers["Referrer-Policy"] == "no-referrer"
    assert client.post(path).headers["Referrer-Policy"] == "no-referrer"


# --- what is compressed ---------------------------------------------------------------------------


def compressed(accepted: str = "gzip", query: str = "", method: str = "GET", **head: Any) -> bool:
    page = HttpResponse("回执编号" * 1_000, **head)
    browser = RequestFactory(headers={"Accept-Encoding": accepted})
    request = browser.generic(method, f"/receipt/{query}")
    return "Content-Encoding" in CompressionMiddleware(lambda _request: page)(request).headers


@pytest.mark.parametrize(
    ("accepted", "is_taken"),
    [
        ("gzip", True),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("deflate, GZIP", True),
        ("gzip;q=0", False),
        ("br, gzip; q=0.000", False),
        ("gzip;Q=0.0", False),
        ("x-gzipped", False),
        ("", False),
    ],
)
def test_a_page_is_compressed_for_who_takes_it(accepted, is_taken):
    assert compressed(accepted) == is_taken


def test_a_page_that_says_again_what_was_asked_is_not_compressed():
    """A receipt could be guessed sign by sign by the length of a page that repeats the guess."""
    assert compressed()
    assert not compressed(query="?poll=1&guess=F636")


def test_what_answers_a_form_is_not_compressed():
    """Choices could be told by the length of the page that says them again."""
    assert compressed()
    assert not compressed(method="POST")


@pytest.mark.django_db
def test_an_answer_without_a_csrf_token_carries_the_policy_too():
    answer = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "x"})

    assert answer.status_code == 403
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.django_db
def test_a_page_that_says_itself_how_long_it_keeps_is_heard(site):
    assert site.get("/cached/").headers["Cache-Control"] == "max-age=60, private"


def test_the_policy_allows_nothing_inline_and_no_other_host():
    allowed = {word for words in settings.SECURE_CSP.values() for word in words.split()}

    assert allowed == {"'none'", "'self'", "data:"}
    assert settings.SECURE_CSP["default-src"] == "'none'"
    assert "data:" not in settings.SECURE_CSP["script-src"]


def test_the_policy_is_set_before_anything_can_answer():
    names = [name.rpartition(".")[2] for name in settings.MIDDLEWARE]

    assert names[:4] == [
        "ContentSecurityPolicyMiddleware",
        "PlainHttpMiddleware",
        "SecurityMiddleware",
        "WhiteNoiseMiddleware",
    ]


@pytest.mark.parametrize("length", ["3000001", "99999999999", "-1", "x"])
def test_a_body_beyond_any_form_of_ours_is_refused_unread(length):
    request = RequestFactory().post("/", CONTENT_LENGTH=length)

    reply = BodyLimitMiddleware(lambda request: pytest.fail("it was read"))(request)

    assert reply.status_code == 413
    assert "没有处理" in reply.text
