"""The second factor of a superuser: bound at the first log-in, asked at each, with codes on paper."""

import re
from base64 import b32decode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django_otp.oath import totp

from ballots.models import Authenticator
from tests.helpers.desk import desk_of
from tests.helpers.factories import PASSWORD, make_office
from tests.helpers.routes import admin_routes
from tests.helpers.secrecy import where

pytestmark = pytest.mark.django_db

START = datetime(2026, 1, 17, 1, tzinfo=UTC)
PAGE = "/admin/second-factor/"


@pytest.fixture(autouse=True)
def switched_on(settings: Any) -> None:
    settings.SECOND_FACTOR = True


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def root(clock: Any) -> User:
    return User.objects.create_superuser("root", password=PASSWORD)


def log_in(client: Client) -> Any:
    sent = {"username": "root", "password": PASSWORD, "next": "/admin/auth/user/"}
    return client.post("/admin/login/", sent, follow=True)


class Phone:
    """An authenticator app that has scanned the code of a page."""

    def __init__(self, page: Any) -> None:
        shown = re.search(r'phone-secret">(.*?)</span></span>', page.text)
        assert shown
        self.secret = b32decode("".join(re.findall(r"[A-Z2-7]{2,4}", shown[1])))

    def shows(self) -> str:
        return f"{totp(self.secret):06}"


def codes_on(page: Any) -> list[str]:
    listed = re.findall(r"<li>((?:<span>\d{4}</span>){3})</li>", page.text)
    return ["".join(re.findall(r"\d{4}", one)) for one in listed]


def bound(client: Client, clock: Any) -> tuple[Phone, list[str]]:
    """Log in and bind a phone; half a minute later it shows something else."""
    phone = Phone(log_in(client))
    codes = codes_on(client.post(PAGE, {"code": phone.shows()}))
    clock.shift(timedelta(seconds=30))
    return phone, codes


def answer(client: Client, code: str) -> Any:
    return client.post(f"{PAGE}?next=/admin/auth/user/", {"code": code})


def is_in(client: Client) -> bool:
    return client.get("/admin/auth/user/").status_code == 200


def test_the_first_log_in_binds_a_phone_and_gives_codes_for_paper(root, clock, client):
    page = log_in(client)
    assert page.redirect_chain[-1][0] == f"{PAGE}?next=%2Fadmin%2Fauth%2Fuser%2F"
    assert "phone-qr" in page.text
    assert not is_in(client)

    told = client.post(f"{PAGE}?next=/admin/auth/user/", {"code": Phone(page).shows()})

    assert len(set(codes_on(told))) == 10
    assert 'href="/admin/auth/user/"' in told.text
    assert is_in(client)
    # Shown once: no page has them again.
    assert codes_on(client.get(PAGE)) == codes_on(client.get(f"{PAGE}?another=1")) == []


def test_the_phone_is_asked_for_at_each_log_in_and_a_code_is_good_once(root, clock, client):
    phone, _codes = bound(client, clock)
    first, second = Client(), Client()

    asked = log_in(first)
    assert "phone-qr" not in asked.text
    shown = phone.shows()
    reply = answer(first, shown)
    log_in(second)

    assert (reply.status_code, reply["Location"]) == (302, "/admin/auth/user/")
    assert is_in(first)
    assert "验证码不正确" in answer(second, shown).text
    assert not is_in(second)


def test_a_code_on_paper_is_good_once_however_it_is_written(root, clock, client):
    _phone, codes = bound(client, clock)
    written = codes[3].translate({ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)})
    first, second = Client(), Client()
    log_in(first)
    log_in(second)

    answer(first, f"{written[:4]}－{written[4:8]} {written[8:]}")
    answer(second, codes[3])

    assert is_in(first)
    assert not is_in(second)
    assert "未用的备用码还有9个" in first.get(PAGE).text


def test_no_page_of_the_admin_opens_by_the_password_alone(root, clock, client):
    bound(client, clock)
    thief = Client()
    log_in(thief)
    open_to_all = {"admin/login/", "admin/logout/", "admin/second-factor/"}

    replies = {}
    for route in set(admin_routes()) - open_to_all:
        address = "/" + re.sub(r"<[^>]*>", "1", route)
        replies[address] = [thief.get(address), thief.post(address, {"post": "yes"})]

    opened = [
        address
        for address, both in replies.items()
        if any(not reply.headers.get("Location", "").startswith("/admin/login/") for reply in both)
    ]
    assert opened == []


@pytest.mark.parametrize("wrong", ["", "000000", "12", "9" * 12, "验证码", "1" * 4000])
def test_a_wrong_code_opens_nothing(root, clock, client, wrong):
    bound(client, clock)
    other = Client()
    log_in(other)

    reply = answer(other, wrong)

    assert reply.status_code == 422
    assert not is_in(other)


def test_wrong_codes_wait_as_wrong_passwords_do(root, clock, client):
    phone, _codes = bound(client, clock)
    other = Client()
    log_in(other)
    for _ in range(5):
        answer(other, "000000")

    page = answer(other, phone.shows())

    assert (page.status_code, page["Retry-After"]) == (429, "60")
    assert "请1分钟后再试" in page.text
    clock.shift(timedelta(seconds=61))
    answer(other, phone.shows())
    assert is_in(other)


def test_neither_the_phones_secret_nor_a_code_on_paper_stands_in_the_database(root, clock, client):
    phone, codes = bound(client, clock)

    assert Authenticator.objects.get().bin_key == phone.secret
    assert where(phone.secret, *codes) == set()


def test_another_phone_ends_the_first_its_paper_and_its_sessions(root, clock, client):
    phone, codes = bound(client, clock)
    elsewhere = Client()
    log_in(elsewhere)
    answer(elsewhere, phone.shows())
    clock.shift(timedelta(seconds=30))

    new = Phone(client.get(f"{PAGE}?another=1"))
    assert is_in(elsewhere)
    client.post(f"{PAGE}?another=1", {"code": new.shows()})

    assert is_in(client)
    assert not is_in(elsewhere)
    answer(elsewhere, codes[0])
    answer(elsewhere, phone.shows())
    assert not is_in(elsewhere)
    clock.shift(timedelta(seconds=30))
    answer(elsewhere, new.shows())
    assert is_in(elsewhere)


def test_nobody_binds_another_phone_by_the_password_alone(root, clock, client):
    bound(client, clock)
    thief = Client()
    log_in(thief)

    page = thief.get(f"{PAGE}?another=1")

    assert "phone-qr" not in page.text
    assert Authenticator.objects.filter(confirmed=False).count() == 0


def test_another_phone_is_bound_only_soon_after_the_password(root, clock, client):
    bound(client, clock)
    clock.shift(timedelta(minutes=11))

    assert "请再次输入“root”的密码" in client.get(f"{PAGE}?another=1").text


def test_whoever_is_no_superuser_is_asked_for_none(clock, client):
    desk = desk_of(make_office("huiwu"))

    assert desk.get("/admin/").status_code == 200
    assert desk.get(PAGE)["Location"] == "/admin/"
    assert client.get(PAGE)["Location"] == f"/admin/login/?next={PAGE}"


def test_nobody_is_asked_where_the_switch_is_off(root, settings, client):
    settings.SECOND_FACTOR = False

    log_in(client)

    assert is_in(client)
    assert client.get(PAGE)["Location"] == "/admin/"


@pytest.mark.parametrize("wrong", ["https://example.com/", "//example.com", "javascript:alert(1)"])
def test_the_way_on_leads_nowhere_else(root, clock, client, wrong):
    phone, _codes = bound(client, clock)
    other = Client()
    log_in(other)

    assert other.post(f"{PAGE}?next={wrong}", {"code": phone.shows()})["Location"] == "/admin/"
