"""Signing in with a card, and the waits after wrong codes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

from ballots.acts import cards, sign_in
from ballots.models import AccessCard, Delegate
from ballots.pure import card_code
from ballots.refusal import Refused
from tests.helpers.browsing import with_card
from tests.helpers.factories import (
    make_delegates,
    make_office,
)

pytestmark = pytest.mark.django_db


# --- sessions -------------------------------------------------------------------------------------


@login_not_required
def sign_in_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("sign in")


def closed_page(request: Any) -> HttpResponse:
    return HttpResponse(request.delegate.name)


urlpatterns = [
    path("", include(([path("", sign_in_page, name="sign-in")], "ballots"))),
    path("closed/", closed_page),
]


@pytest.mark.urls(__name__)
def test_a_page_is_closed_without_a_card_and_open_with_one(client):
    (delegate,) = make_delegates(1)
    (card,) = cards.issue_cards([delegate], by=make_office())

    assert client.get("/").text == "sign in"
    refused = client.get("/closed/")
    assert (refused.status_code, refused["Location"]) == (303, "/")
    with_card(client, sign_in.card_by_code(card.code))
    assert client.get("/closed/").text == "代表1"


@pytest.mark.urls(__name__)
def test_a_new_card_ends_the_sessions_of_the_old_one_at_once(client):
    one, other = make_delegates(2)
    office = make_office()
    old, others = cards.issue_cards([one, other], by=office)
    with_card(client, sign_in.card_by_code(old.code))
    neighbour = with_card(Client(), sign_in.card_by_code(others.code))
    key = client.session.session_key
    assert client.get("/closed/").status_code == 200

    cards.reissue_card(one, reason="遗失", by=office)

    assert client.get("/closed/").status_code == 303
    assert client.session.session_key != key
    assert not client.session.exists(key)
    assert neighbour.get("/closed/").text == "代表2"


# --- signing in -----------------------------------------------------------------------------------


def wrong_code(number: str, n: int = 0) -> str:
    """Return a code of card `number` that nobody holds but whose check digit is right."""
    body = f"{number}{n:011}"
    return body + card_code.check_digit(body)


def refused_sign_in(text: str) -> tuple[str, int]:
    with pytest.raises(Refused) as refusal:
        sign_in.card_by_code(text)
    return refusal.value.code, refusal.value.count


START = datetime(2026, 1, 17, 1, tzinfo=UTC)


@pytest.fixture
def card(time_machine):
    """A card just issued, at a moment that stands still."""
    time_machine.move_to(START, tick=False)
    (delegate,) = make_delegates(1)
    (issued,) = cards.issue_cards([delegate], by=make_office())
    return issued


def test_a_code_lets_in_however_it_is_grouped(card):
    row = AccessCard.objects.get()

    for text in (
        card.code,
        card_code.grouped(card.code),
        card.code.replace("0", "０"),
        f" {card.code}\n",
    ):
        assert sign_in.card_by_code(text) == row


def test_what_is_no_code_is_refused_before_anything_is_looked_up(card, django_assert_num_queries):
    slip = card.code[:-1] + str((int(card.code[-1]) + 1) % 10)

    with django_assert_num_queries(0):
        assert refused_sign_in("  ") == ("empty", 0)
        assert refused_sign_in("1234 5678") == ("length", 8)
        assert refused_sign_in(slip) == ("check-digit", 0)


def test_a_wrong_check_digit_is_no_failure_however_often(card):
    slip = card.code[:-1] + str((int(card.code[-1]) + 1) % 10)

    for _ in range(100):
        assert refused_sign_in(slip) == ("check-digit", 0)

    assert Delegate.objects.get().failures == 0
    assert sign_in.card_by_code(card.code)


def test_waits_grow_from_the_fifth_wrong_code_to_ten_minutes_and_no_further(card, time_machine):
    number, waits, now = card.code[:4], [], START
    for n in range(9):
        assert refused_sign_in(wrong_code(number, n)) == ("unknown", 0)
        delegate = Delegate.objects.get()
        until = delegate.locked_until or now
        waits.append(int((until - now).total_seconds()) // 60 if until > now else 0)
        now = max(now, until)
        time_machine.move_to(now, tick=False)

    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 10]
    for n in range(9, 100):
        assert refused_sign_in(wrong_code(number, n)) == ("unknown", 0)
        now += timedelta(minutes=10)
        time_machine.move_to(now, tick=False)
    # No permanent lock: after a hundred wrong codes the right one still lets in, and starts anew.
    assert sign_in.card_by_code(card.code)
    assert (Delegate.objects.get().failures, Delegate.objects.get().locked_until) == (0, None)


def test_while_a_wait_lasts_the_right_code_waits_too_and_is_told_how_long(card, time_machine):
    number = card.code[:4]
    for n in range(6):
        refused_sign_in(wrong_code(number, n))
        Delegate.objects.filter(failures__lt=6).update(locked_until=None)

    assert refused_sign_in(card.code) == ("wait", 2)
    time_machine.move_to(START + timedelta(seconds=61), tick=False)
    assert refused_sign_in(card.code) == ("wait", 1)
    # Trying meanwhile makes the wait no longer.
    assert refused_sign_in(wrong_code(number, 7)) == ("wait", 1)
    time_machine.move_to(START + timedelta(minutes=2), tick=False)
    assert sign_in.card_by_code(card.code)


def test_the_right_code_clears_the_failures_before_it(card):
    number = card.code[:4]
    for _round in range(5):
        for n in range(4):
            assert refused_sign_in(wrong_code(number, n)) == ("unknown", 0)
        assert sign_in.card_by_code(card.code)

    assert Delegate.objects.get().failures == 0


def test_a_clock_that_is_set_back_makes_nobody_wait_longer_than_ten_minutes(card, time_machine):
    """Case 56: it said 1441 minutes."""
    for n in range(9):
        refused_sign_in(wrong_code(card.code[:4], n))
        Delegate.objects.filter(failures__lt=9).update(locked_until=None)

    back = START - timedelta(days=1)
    time_machine.move_to(back, tick=False)
    assert refused_sign_in(card.code) == ("wait", 10)
    time_machine.move_to(back + timedelta(minutes=9), tick=False)
    assert refused_sign_in(card.code) == ("wait", 1)
    time_machine.move_to(back + timedelta(minutes=10), tick=False)
    assert sign_in.card_by_code(card.code)


def test_the_desk_can_end_a_wait(card):
    for n in range(5):
        refused_sign_in(wrong_code(card.code[:4], n))
    assert refused_sign_in(card.code)[0] == "wait"

    sign_in.end_wait(card.delegate, by=make_office())

    assert sign_in.card_by_code(card.code)


def test_a_new_card_ends_a_wait(card):
    for n in range(5):
        refused_sign_in(wrong_code(card.code[:4], n))

    new = cards.reissue_card(card.delegate, reason="遗失", by=make_office())

    assert sign_in.card_by_code(new.code)


def test_the_qr_code_is_not_throttled(card):
    for n in range(5):
        refused_sign_in(wrong_code(card.code[:4], n))
    for _ in range(50):
        assert sign_in.card_by_token("F" * 32) is None

    assert sign_in.card_by_token(card.token)
    assert sign_in.card_by_token(card.token.lower())


def test_the_hall_is_not_locked_out_by_wrong_codes_for_other_numbers(card):
    people = make_delegates(20)
    others = cards.issue_cards(people, by=make_office())

    for other in others:
        for n in range(5):
            refused_sign_in(wrong_code(other.code[:4], n))
    unknown = next(n for n in range(10_000) if not Delegate.objects.filter(card_number=f"{n:04}"))
    for n in range(50):
        assert refused_sign_in(wrong_code(f"{unknown:04}", n)) == ("unknown", 0)

    assert sign_in.card_by_code(card.code)


def test_an_old_code_is_no_failure(card):
    cards.reissue_card(card.delegate, reason="遗失", by=make_office())

    for _ in range(10):
        assert refused_sign_in(card.code) == ("revoked", 0)

    assert Delegate.objects.get().failures == 0
