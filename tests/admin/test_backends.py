"""Wrong passwords of staff: a few cost nothing, then each costs a longer wait."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth import authenticate
from django.core.cache import cache
from django.core.cache.backends import locmem
from django.test import RequestFactory

from tests.helpers.factories import PASSWORD, make_office

pytestmark = pytest.mark.django_db

START = datetime(2026, 1, 18, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def nobody_has_tried():
    cache.clear()
    yield
    cache.clear()


def attempt(name: str, password: str, *, address: str = "192.168.1.5"):
    request = RequestFactory().post("/admin/login/", REMOTE_ADDR=address)
    return authenticate(request, username=name, password=password)


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
        assert attempt("huiwu", PASSWORD) is None
        clock.shift(timedelta(seconds=61))
        attempt("huiwu", "wrong")
        clock.shift(timedelta(seconds=61))
        assert attempt("huiwu", PASSWORD) is None
        clock.shift(timedelta(seconds=60))

        assert attempt("huiwu", PASSWORD) == user


def test_a_clock_that_is_set_back_makes_no_staff_wait_longer_than_ten_minutes():
    """Case 56."""
    user = make_office("huiwu")
    with time_machine.travel(START, tick=False) as clock:
        for _ in range(5):
            attempt("huiwu", "wrong")
        clock.shift(-timedelta(days=1))
        assert attempt("huiwu", PASSWORD) is None
        clock.shift(timedelta(minutes=9))
        assert attempt("huiwu", PASSWORD) is None
        clock.shift(timedelta(minutes=1))

        assert attempt("huiwu", PASSWORD) == user


def test_nobody_locks_the_office_out_from_another_machine():
    user = make_office("huiwu")
    for _ in range(20):
        attempt("huiwu", "wrong", address="192.168.1.66")

    assert attempt("huiwu", PASSWORD) == user


def test_no_name_and_no_password_stands_in_the_cache():
    stored = vars(locmem)["_caches"]
    for _ in range(6):
        attempt("huiwu-canary", "password-canary")

    assert any(stored.values())
    assert "canary" not in repr(stored)


def test_a_second_signature_waits_as_well(client):
    make_office("huiwu")
    for _ in range(5):
        attempt("huiwu", "wrong", address="127.0.0.1")

    client.post("/admin/login/", {"username": "huiwu", "password": PASSWORD})

    assert "_auth_user_id" not in client.session
