"""Wrong passwords of staff: a few cost nothing, then each costs a longer wait, and none is free."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import MD5PasswordHasher, PBKDF2PasswordHasher
from django.contrib.auth.models import User
from django.test import Client, RequestFactory

from ballots.models import PasswordTries
from ballots.refusal import Refused
from ballots.staff import gate, waits
from tests.helpers.desk import at, desk_of
from tests.helpers.factories import PASSWORD, make_office, make_scrutineer, make_stage
from tests.helpers.races import at_once
from tests.helpers.secrecy import where
from yiwu_vote.settings import PASSWORD_HASHERS

pytestmark = pytest.mark.django_db

START = datetime(2026, 1, 18, 9, 0, tzinfo=UTC)


def attempt(
    name: str, password: str, *, address: str = "192.168.1.5", cookie: str = "", **headers: str
) -> User | str | None:
    """Try a password, and return whose it is, None for nobody, or why it was not looked at."""
    request = RequestFactory().post("/admin/login/", REMOTE_ADDR=address, headers=headers)
    if cookie:
        request.COOKIES["staff-used"] = cookie
    try:
        return authenticate(request, username=name, password=password)
    except Refused as refusal:
        return refusal.code


def test_four_wrong_passwords_cost_nothing():
    user = make_office("huiwu")

    for _ in range(4):
        assert attempt("huiwu", "wrong") is None

    assert attempt("huiwu", PASSWORD) == user


def test_the_fifth_makes_even_the_right_password_wait_and_the_waits_grow():
    user = make_office("huiwu")
    with time_machine.travel(START, tick=False) as clock:
        for _ in range(5):
            attempt("huiwu", "wrong")
        assert attempt("huiwu", PASSWORD) == "wait"
        clock.shift(timedelta(seconds=61))
        attempt("huiwu", "wrong")
        clock.shift(timedelta(seconds=61))
        assert attempt("huiwu", PASSWORD) == "wait"
        clock.shift(timedelta(seconds=60))

        assert attempt("huiwu", PASSWORD) == user


def test_a_clock_that_is_set_back_makes_no_staff_wait_longer_than_ten_minutes():
    """Case 56."""
    user = make_office("huiwu")
    with time_machine.travel(START, tick=False) as clock:
        for _ in range(5):
            attempt("huiwu", "wrong")
        clock.shift(-timedelta(days=1))
        assert attempt("huiwu", PASSWORD) == "wait"
        clock.shift(timedelta(minutes=9))
        assert attempt("huiwu", PASSWORD) == "wait"
        clock.shift(timedelta(minutes=1))

        assert attempt("huiwu", PASSWORD) == user


def test_nobody_locks_the_office_out_from_another_machine():
    user = make_office("huiwu")
    for _ in range(20):
        attempt("huiwu", "wrong", address="192.168.1.66")

    assert attempt("huiwu", PASSWORD) == user


@pytest.fixture
def behind_proxy(settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


def test_behind_a_proxy_the_visitors_own_address_counts(behind_proxy):
    """Every request comes from the proxy there, which adds the visitor's address last."""
    user = make_office("huiwu")
    there = {"address": "127.0.0.1", "x-forwarded-for": "10.0.0.5, 6.6.6.6"}
    for _ in range(5):
        attempt("huiwu", "wrong", **there)

    assert attempt("huiwu", PASSWORD, **there) == "wait"
    assert attempt("huiwu", PASSWORD, **there | {"x-forwarded-for": "10.0.0.5"}) == user


@pytest.mark.parametrize(
    ("other", "outcome"),
    [("2001:db8:1:2:ffff::9", "wait"), ("2001:db8:1:3::1", "in"), ("::ffff:10.0.0.5", "in")],
)
def test_of_a_visitor_with_a_whole_network_the_network_counts(other, outcome):
    user = make_office("huiwu")
    for number in range(5):
        attempt("huiwu", "wrong", address=f"2001:db8:1:2::{number:x}")

    assert attempt("huiwu", PASSWORD, address=other) == (user if outcome == "in" else outcome)


def test_a_wait_outlasts_whatever_is_tried_under_other_names():
    """Of a cache of 300 keys a waiting name was gone after 400 others."""
    make_office("huiwu")
    for _ in range(5):
        attempt("huiwu", "wrong")
    for number in range(400):
        attempt(f"nobody-{number}", "wrong")

    assert attempt("huiwu", PASSWORD) == "wait"


def test_what_nobody_tried_for_an_hour_is_forgotten():
    with time_machine.travel(START, tick=False) as clock:
        for number in range(7):
            attempt(f"nobody-{number}", "wrong")
        clock.shift(timedelta(minutes=61))
        attempt("huiwu", "wrong")

    assert PasswordTries.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_guesses_at_one_moment_no_more_are_looked_at_than_of_guesses_in_a_row(monkeypatch):
    """Forty of forty were, for each was counted after it had been looked at."""
    make_office("huiwu")
    looked_at: list[str] = []
    verify = MD5PasswordHasher.verify

    def seen(self: MD5PasswordHasher, password: str, encoded: str) -> bool:
        looked_at.append(password)
        return verify(self, password, encoded)

    monkeypatch.setattr(MD5PasswordHasher, "verify", seen)
    # Many server processes, each with a gate of its own.
    monkeypatch.setattr(gate, "_strangers", threading.Semaphore(40))

    outcomes = at_once(*[lambda: attempt("huiwu", "wrong")] * 12)

    assert len(looked_at) == 5
    assert outcomes.count("wait") == 7


def test_no_name_no_address_and_no_password_is_kept():
    for _ in range(6):
        attempt("huiwu-canary", "password-canary", address="198.51.100.77")

    assert PasswordTries.objects.exists()
    assert where("canary", "198.51.100.77") == set()


def test_a_name_that_nobody_can_have_is_nobodys():
    assert attempt("a\0b", PASSWORD) is None
    assert attempt("a" * 151, PASSWORD) is None
    assert not PasswordTries.objects.exists()


def test_a_password_of_an_earlier_version_is_kept_anew_at_its_next_use(settings):
    user = make_office("huiwu")
    settings.PASSWORD_HASHERS = PASSWORD_HASHERS
    user.password = PBKDF2PasswordHasher().encode(PASSWORD, "salt", iterations=1)
    user.save()

    assert attempt("huiwu", PASSWORD) == user

    user.refresh_from_db()
    assert user.password.startswith("scrypt$")
    assert attempt("huiwu", PASSWORD) == user


# --- who is known here ----------------------------------------------------------------------------


def log_in(client: Client, name: str, password: str = PASSWORD, **more: Any) -> Any:
    sent = {"username": name, "password": password, "next": "/admin/"}
    return client.post("/admin/login/", sent, **more)


def test_nobody_makes_an_officer_wait_in_a_browser_in_which_he_has_worked(client):
    """Not in the same hall either, where everybody comes from one address."""
    make_office("huiwu")
    log_in(client, "huiwu")
    client.post("/admin/logout/")
    for _ in range(9):
        log_in(Client(), "huiwu", "wrong")
    assert log_in(Client(), "huiwu").status_code == 429

    assert log_in(client, "huiwu").status_code == 302


def test_such_a_browser_is_no_way_around_the_waits(client):
    make_office("huiwu")
    make_scrutineer("jianpiao")
    log_in(client, "huiwu")
    client.post("/admin/logout/")
    known = client.cookies["staff-used"].value
    for _ in range(5):
        attempt("huiwu", "wrong", cookie=known)
        attempt("jianpiao", "wrong", cookie=known)

    assert attempt("huiwu", PASSWORD, cookie=known) == "wait"
    # It is known for the one who has worked there alone, and nobody makes the mark of another.
    assert attempt("jianpiao", PASSWORD) == "wait"
    assert attempt("huiwu", PASSWORD, cookie="1") != "wait"


def test_several_may_share_a_desk(client):
    for name in ("huiwu", "jianpiao"):
        make_office(name)
        log_in(client, name)
        client.post("/admin/logout/")
    cookie = client.cookies["staff-used"].value

    for name in ("huiwu", "jianpiao"):
        for _ in range(5):
            attempt(name, "wrong")
        assert attempt(name, PASSWORD) == "wait"
        assert attempt(name, PASSWORD, cookie=cookie) == User.objects.get(username=name)


def void(desk: Client, stage: Any, password: str) -> Any:
    signed = {"second_name": stage.scrutineer.username, "second_password": password}
    return desk.post(at(stage.poll, "void"), signed | {"reason": "停电"})


def test_nobody_outside_makes_a_second_signature_wait():
    """During a flood nobody could void, re-issue a card or close the canvass."""
    stage = make_stage()
    for _ in range(9):
        attempt(stage.scrutineer.username, "wrong", address="127.0.0.1")

    void(desk_of(stage.office), stage, PASSWORD)

    stage.poll.refresh_from_db()
    assert stage.poll.phase == "void"


def test_a_second_signature_waits_in_the_session_of_the_first():
    stage = make_stage()
    desk = desk_of(stage.office)
    for _ in range(5):
        void(desk, stage, "wrong")

    page = void(desk, stage, PASSWORD)

    assert "错误次数较多，请1分钟后再试。" in page.text
    stage.poll.refresh_from_db()
    assert stage.poll.phase == "open"
    # Whose password it was signs in elsewhere, and beside another.
    assert attempt(stage.scrutineer.username, PASSWORD) == stage.scrutineer


# --- the page -------------------------------------------------------------------------------------


def test_the_page_says_how_long_to_wait(client):
    make_office("huiwu")
    for _ in range(7):
        log_in(client, "huiwu", "wrong")

    page = log_in(client, "huiwu")

    assert (page.status_code, page["Retry-After"]) == (429, "60")
    assert "请1分钟后再试" in page.text


def test_a_third_password_at_a_time_is_not_looked_at_and_the_page_says_when_to_come_again(client):
    make_office("huiwu")
    with gate.place(is_known=False):
        page = log_in(client, "huiwu")
        home = client.get("/")

    assert (page.status_code, page["Retry-After"]) == (503, "3")
    assert "请3秒后再试" in page.text
    assert 'value="huiwu"' in page.text
    assert home.status_code == 200
    # Nothing was counted: it was not looked at.
    assert not PasswordTries.objects.exists()


def test_no_stranger_stands_in_the_way_of_whoever_is_known():
    stage = make_stage()
    with gate.place(is_known=False):
        void(desk_of(stage.office), stage, PASSWORD)

    stage.poll.refresh_from_db()
    assert stage.poll.phase == "void"


def test_the_place_is_free_again_whatever_happens(monkeypatch):
    user = make_office("huiwu")
    with monkeypatch.context() as patch:
        patch.setattr(waits, "take_place", lambda key: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            attempt("huiwu", PASSWORD)

    assert attempt("huiwu", PASSWORD) == user


@pytest.mark.parametrize(
    "wrong", ["", "https://example.com/", "//example.com", "javascript:alert(1)"]
)
def test_a_log_in_that_came_from_nowhere_leads_to_the_index(client, wrong):
    make_office("huiwu")

    answer = client.post(
        "/admin/login/", {"username": "huiwu", "password": PASSWORD, "next": wrong}
    )

    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
