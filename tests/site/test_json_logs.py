"""Logs for whoever collects them: an object a line, a line a request, and nothing that was typed."""

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

from ballots.acts import hall
from ballots.pure import card_code
from projects.models import Poll
from tests.helpers.browsing import filled, ready_to_cast, signed_in
from tests.helpers.desk import desk_of
from tests.helpers.factories import Stage, make_stage
from tests.helpers.routes import routes
from tests.helpers.secrecy import spellings
from yiwu_vote.logs import HideTokens, JsonLines

pytestmark = pytest.mark.django_db

OF_EVERY_LINE = {"time", "level", "logger", "message"}
OF_A_REQUEST = {"request_id", "method", "route", "status"}
TITLE, PASSWORD = "夜间公交延长到零点", "a password nobody else has"
# Twelve digits in a row or more are hidden wherever they stand.
CODE = "4929 1234 5678 9012"


@login_not_required
def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError(f"a fault that quotes {TITLE}")


urlpatterns = [path("broken/", broken, name="broken"), path("", include("yiwu_vote.urls"))]
handler500 = "yiwu_vote.errors.server_error"


@pytest.fixture
def log(monkeypatch) -> Iterator[io.StringIO]:
    """What a site with LOG_FORMAT=json would write."""
    stream = io.StringIO()
    for name in ("", "django", "ballots", "yiwu_vote.logs"):
        for handler in logging.getLogger(name).handlers:
            # pytest hangs handlers of its own kinds on the root as well.
            if type(handler) is logging.StreamHandler:
                monkeypatch.setattr(handler, "stream", stream)
                monkeypatch.setattr(handler, "formatter", JsonLines())
    logging.getLogger("yiwu_vote.logs").setLevel(logging.INFO)
    yield stream
    logging.getLogger("yiwu_vote.logs").setLevel(logging.WARNING)


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


# --- what a line says -----------------------------------------------------------------------------


def test_a_request_is_one_line_with_the_name_of_its_route(log, stage):
    answer = signed_in(stage).get("/ballot/", {"poll": stage.poll.pk})

    line = lines(log)[-1]
    assert line.keys() == OF_EVERY_LINE | OF_A_REQUEST | {"milliseconds"}
    assert (line["method"], line["route"], line["status"]) == ("GET", "ballots:ballot", 200)
    assert (line["level"], line["logger"]) == ("INFO", "yiwu_vote.logs")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line["time"])
    assert 0 <= line["milliseconds"] < 60_000
    assert answer.headers["X-Request-Id"] == line["request_id"]


def test_the_number_of_a_request_is_made_here_and_is_of_one_request(client):
    sent = "1" * 16
    told = [
        client.get("/", headers={"X-Request-Id": sent}).headers["X-Request-Id"]
        for _each in range(3)
    ]

    assert len({*told, sent}) == 4
    assert all(re.fullmatch("[0-9a-f]{16}", number) for number in told)


def test_a_page_that_is_not_there_is_told_by_its_status_and_not_by_its_path(log, client):
    client.get(f"/{CODE}/{TITLE}/")

    refused, asked = sorted(lines(log), key=lambda line: line["level"], reverse=True)
    assert (refused["level"], refused["message"]) == ("WARNING", "Not Found")
    assert (asked["status"], asked["route"]) == (404, None)
    assert refused["request_id"] == asked["request_id"]


def test_a_fault_is_told_by_its_class_and_where_it_happened(log, settings):
    settings.ROOT_URLCONF = __name__

    answer = Client(raise_request_exception=False).get("/broken/")

    (fault,) = [line for line in lines(log) if "error" in line]
    assert fault["error"] == "builtins.RuntimeError"
    assert fault["where"][-1].startswith("tests/site/test_json_logs.py:")
    assert TITLE not in log.getvalue()
    assert fault["request_id"] == answer.headers["X-Request-Id"]
    # The number on the page of the error stands in a line of the same request.
    (ours,) = [line for line in lines(log) if line["logger"] == "ballots"]
    assert ours["request_id"] == fault["request_id"]
    assert re.search(r"error ([0-9a-f]{8}) at broken/", ours["message"])


def test_a_line_outside_a_request_is_an_object_too(log):
    logging.getLogger("ballots").warning("the first line\nand %s", "a second")

    (line,) = lines(log)
    assert line.keys() == OF_EVERY_LINE
    assert line["message"] == "the first line\nand a second"


def test_a_method_that_was_made_up_is_not_repeated(log, client):
    client.generic(TITLE, "/")

    assert {line["method"] for line in lines(log)} == {"other"}


@pytest.mark.parametrize("code", [CODE, CODE.replace(" ", ""), CODE.replace(" ", "-")])
def test_a_code_that_was_typed_behind_the_address_stands_in_no_line_of_text_either(code):
    record = logging.LogRecord("x", logging.WARNING, "", 1, "Not Found: /%s", (code,), None)

    HideTokens().filter(record)

    assert record.getMessage() == "Not Found: /<number>"


def test_the_number_of_an_error_and_its_day_are_no_code():
    record = logging.LogRecord("x", logging.WARNING, "", 1, "error 31415926 at 2026", (), None)

    HideTokens().filter(record)

    assert record.getMessage() == "error 31415926 at 2026"


# --- what no line says ----------------------------------------------------------------------------


def vote_with_slips(stage: Stage) -> list[str]:
    """Let a delegate go wrong and right on every page of a vote; return what he typed and was told."""
    card, other = stage.issued[0], stage.issued[1]
    stranger = Client(enforce_csrf_checks=True)
    for code in (other.code, CODE, "12"):
        Client().post("/", {"code": code})
        stranger.post(
            "/", {"code": code}, headers={"Referer": f"https://x.example/k/{card.token}/"}
        )
    for start in ("k", "K"):
        for token in (card.token, card_code.new_token(), f"{card.token}/more"):
            Client().get(f"/{start}/{token}/")
    browser = Client()
    browser.post(f"/k/{card.token}/")
    browser.post("/ballot/review/", filled(stage.poll, *range(1, 13), proposals=[TITLE]))
    form = ready_to_cast(browser, stage.poll, 1, proposals=[TITLE])
    browser.post("/ballot/cast/", form | {"token": "x"})
    browser.post("/ballot/cast/", form)
    receipt = re.search(r'id="receipt-code"[^>]*>([^<]+)', browser.get("/receipt/").text)
    assert receipt, "there is nothing to be found in the log"
    browser.get("/results/check/", {"receipt": receipt[1], "guess": TITLE})
    screen = str(hall.open_screen(stage.poll, by=stage.office).screen_key)
    browser.get(f"/screen/{screen}/")
    return [
        screen,
        card.code,
        card.token,
        other.code,
        *form["token"],
        receipt[1].strip(),
    ]


def work_at_the_desk(stage: Stage) -> list[str]:
    """Let staff type passwords, shares and names, wrong and right."""
    for password in (PASSWORD, "wrong " + PASSWORD):
        Client().post("/admin/login/", {"username": stage.office.username, "password": password})
    desk = desk_of(stage.office)
    desk.get("/admin/ballots/delegate/", {"q": stage.delegates[0].name})
    at = f"/admin/ballots/pollday/{stage.poll.pk}"
    desk.post(f"{at}/void/", {"reason": TITLE, "second": "", "password": PASSWORD})
    desk.post(f"{at}/box/", {"share_1": stage.shares[0], "declared": "on"})
    return [PASSWORD, stage.shares[0], stage.office.username]


def every_route(browser: Client, secret: str) -> None:
    """Ask each route with the secret in its path, behind it, in a form and in every header."""
    for route in routes():
        address = "/" + re.sub(r"<[^>]+>|\(\?P[^)]+\)", secret, route).strip("^$")
        head = {"Referer": f"http://testserver/k/{secret}/", "X-Request-Id": secret}
        browser.get(address, {"q": secret, "next": secret}, headers=head)
        browser.post(address, {"code": secret, "password": secret}, headers=head)


def test_no_code_token_choice_password_or_name_stands_in_any_line(log):
    stage = make_stage(kind=Poll.Kind.REHEARSAL)
    stage.delegates[0].name = "姓名某某某"
    stage.delegates[0].save()
    secret = card_code.new_token()

    typed = [*vote_with_slips(stage), *work_at_the_desk(stage)]
    every_route(Client(raise_request_exception=False), secret)
    desk = desk_of(stage.office)
    desk.raise_request_exception = False
    every_route(desk, secret)

    told = log.getvalue().encode()
    for text in [*typed, secret, TITLE, CODE, stage.delegates[0].name]:
        for bare in {text, text.replace(" ", ""), text.replace("-", "")}:
            assert not [one for one in spellings(bare) if one in told], bare
    # It looked at what was asked.
    found = lines(log)
    assert all(line.keys() >= OF_EVERY_LINE for line in found)
    assert {"ballots:card", "ballots:cast", "ballots:check", "admin:login"} <= {
        line.get("route") for line in found
    }
