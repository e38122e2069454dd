"""The code on a card: its check digit, what may be typed for it, and what it must never repeat."""

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ballots.pure import card_code

# A machine that is busy makes no test fail.
unhurried = settings(deadline=None)

bodies = st.text("0123456789", min_size=15, max_size=15)
places = st.integers(0, 15)
DIGIT = st.sampled_from("0123456789")


def whole(body: str) -> str:
    return body + card_code.check_digit(body)


@pytest.mark.parametrize(
    ("digits", "check"),
    [
        ("7992739871", "3"),  # the example that ISO/IEC 7812-1 is commonly explained with
        ("411111111111111", "1"),  # test numbers of payment networks
        ("555555555555444", "4"),
        ("401288888888188", "1"),
        ("000000000000000", "0"),
    ],
)
def test_the_check_digit_is_that_of_bank_cards(digits, check):
    assert card_code.check_digit(digits) == check


@unhurried
@given(bodies, places, DIGIT)
def test_one_wrong_digit_is_always_found(body, place, digit):
    code = whole(body)
    assume(code[place] != digit)

    with pytest.raises(card_code.CodeRefused) as refusal:
        card_code.read_code(code[:place] + digit + code[place + 1 :])

    assert refusal.value.code == "check-digit"


@unhurried
@given(bodies, st.integers(0, 14))
def test_two_neighbours_in_the_wrong_order_are_found_unless_they_are_nought_and_nine(body, place):
    code = whole(body)
    pair = code[place : place + 2]
    assume(pair[0] != pair[1] and set(pair) != {"0", "9"})

    with pytest.raises(card_code.CodeRefused) as refusal:
        card_code.read_code(code[:place] + pair[::-1] + code[place + 2 :])

    assert refusal.value.code == "check-digit"


@unhurried
@given(st.text("0123456789", min_size=4, max_size=4))
def test_a_new_code_begins_with_its_card_number_and_is_read_as_printed(number):
    code = card_code.new_code(number)

    assert re.fullmatch(r"\d{16}", code)
    assert code.startswith(number)
    assert card_code.read_code(card_code.grouped(code)) == code


def test_codes_and_tokens_are_never_the_same_twice():
    assert len({card_code.new_code("0127") for _ in range(1000)}) == 1000
    assert len({card_code.new_token() for _ in range(1000)}) == 1000


def test_a_token_is_128_bits_in_characters_that_keep_a_qr_code_small():
    assert re.fullmatch(r"[0-9A-F]{32}", card_code.new_token())


def test_a_code_is_printed_in_groups_of_four():
    assert card_code.grouped("0127482109375526") == "0127 4821 0937 5526"


@pytest.mark.parametrize(
    "typed",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        " 4111-1111-1111-1111\n",
        "4111–1111—1111‐1111",
        "４１１１　１１１１　１１１１　１１１１",
        "4111\u00a01111\t1111\u20031111",
        "4111－1111－1111－1111",
        # Case 45: with any usual separator, a label, a full stop, digits in a circle.
        *[sign.join(["4111", "1111", "1111", "1111"]) for sign in "·，./_ー\u2212、：;|—~•*"],
        "4111 1111 1111 1111。",
        "投票码：4111 1111 1111 1111",
        "投票码（16位）：4111 1111 1111 1111.",
        "Code: 4111.1111.1111.1111",
        "投票码（16位）4111 1111 1111 1111",
        "投票码16位 4111-1111-1111-1111。",
        "1、4111111111111111",
        "1、投票码：4111111111111111",
        "12. 4111 1111 1111 1111",
        "①、4111 1111 1111 1111",
        "④①①① ①①①① ①①①① ①①①①",
        "❹❶❶❶ ❶❶❶❶ ❶❶❶❶ ❶❶❶❶",
        "4111 1111 1111 1111\u200b\ufe0f",
    ],
)
def test_what_parts_the_digits_or_stands_around_them_makes_no_difference(typed):
    assert card_code.read_code(typed) == "4111111111111111"


@pytest.mark.parametrize(
    ("typed", "code", "count"),
    [
        ("", "empty", 0),
        (" - \u3000", "empty", 0),
        ("411111111111111", "length", 15),
        ("41111111111111111", "length", 17),
        ("4", "length", 1),
        ("投票码：411111111111111", "length", 15),
        ("投票码（16位）：4111", "length", 4),
        ("投票码", "length", 0),
        ("4111·1111·1111·111", "length", 15),
        ("4111111111111l11", "length", 15),
        ("٤111111111111111", "length", 15),
        ("4111111111111112", "check-digit", 0),
        # A digit too many is no label, and behind a label the check digit says whether it is one.
        ("4 4111 1111 1111 1111", "length", 17),
        ("投票码（16位）4111 1111 1111 1112", "length", 18),
        ("1、24111111111111111", "length", 18),
        ("https://vote.example/K/" + "0123456789ABCDEF" * 2, "address", 0),
        ("vote.example/k/" + "0123456789abcdef" * 2 + "/", "address", 0),
        ("0123456789ABCDEF" * 2, "address", 0),
        ("https://" + "a" * 200 + ".example/K/" + "0123456789ABCDEF" * 2, "address", 0),
        ("4111111111111111" * 2, "length", 32),
    ],
)
def test_what_cannot_be_a_code_is_refused_with_the_reason(typed, code, count):
    with pytest.raises(card_code.CodeRefused) as refusal:
        card_code.read_code(typed)

    assert (refusal.value.code, refusal.value.count) == (code, count)


@unhurried
@given(st.text(max_size=40) | st.text("0123456789 -０９", min_size=16, max_size=20))
def test_whatever_is_typed_is_a_whole_code_or_a_clear_refusal(typed):
    try:
        code = card_code.read_code(typed)
    except card_code.CodeRefused:
        return
    assert code == whole(code[:-1])
    assert len(code) == 16


def test_what_is_far_too_long_is_not_even_normalised(monkeypatch):
    monkeypatch.setattr("ballots.pure.card_code.unicodedata", None)

    with pytest.raises(card_code.CodeRefused) as refusal:
        card_code.read_code("\ufdfa" * 1000)

    assert refusal.value.code == "length"
