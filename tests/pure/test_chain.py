"""Canonical text and the hash chain: one spelling for one value, and no link out of its place."""

import hashlib
import json
import unicodedata
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ballots import verifier
from ballots.pure import chain
from ballots.pure.chain import GENESIS, Link, canonical, digest, first_broken

# A machine that is busy makes no test fail.
unhurried = settings(deadline=None)

texts = st.text(st.characters(exclude_categories=["Cs"]))
plain = texts.map(lambda text: unicodedata.normalize("NFC", text))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | plain,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (0, "0"),
        (-(2**70), "-1180591620717411303424"),
        ("", '""'),
        ("住房改善", '"住房改善"'),
        ('"\\\n\u2028/', '"\\"\\\\\\n\u2028/"'),
        ("\x7f\x1f", '"\x7f\\u001f"'),
        ("e\u0301", '"é"'),
        ([], "[]"),
        ((1, [2]), "[1,[2]]"),
        ({}, "{}"),
        (
            {"b": 1, "a": [None, False], "Z": {"y": 1, "x": 2}},
            '{"Z":{"x":2,"y":1},"a":[null,false],"b":1}',
        ),
        ({"e\u0301": 1}, '{"é":1}'),
    ],
)
def test_canonical_text_is_spelt_as_the_rule_says(value, text):
    assert canonical(value) == text


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        b"bytes",
        {1, 2},
        Decimal(1),
        object(),
        {1: "a"},
        [{"a": [0.5]}],
        {None: 1},
    ],
)
def test_what_has_more_than_one_spelling_is_refused(value):
    with pytest.raises(ValueError, match="canonical text"):
        canonical(value)


def test_two_keys_that_nfc_makes_one_are_refused():
    with pytest.raises(ValueError, match="canonical text"):
        canonical({"é": 1, "e\u0301": 2})


@unhurried
@given(values)
def test_canonical_text_reads_back_as_the_value(value):
    assert json.loads(canonical(value)) == value


@unhurried
@given(values)
def test_canonical_text_of_canonical_text_is_the_same(value):
    assert canonical(json.loads(canonical(value))) == canonical(value)


@unhurried
@given(st.dictionaries(plain, st.integers(), max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_keys_makes_no_difference(value, random):
    items = list(value.items())
    random.shuffle(items)

    assert canonical(dict(items)) == canonical(value)


@unhurried
@given(texts)
def test_text_is_hashed_in_one_normal_form(text):
    assert canonical(unicodedata.normalize("NFD", text)) == canonical(
        unicodedata.normalize("NFC", text)
    )


# Digests


def test_a_digest_is_sha256_over_tag_nought_and_content():
    expected = hashlib.sha256(b"yiwu-vote/v1/roll\0" + "名册".encode()).hexdigest()

    assert digest("roll", "名册") == digest("roll", "名册".encode()) == expected


def test_one_content_has_another_digest_under_another_tag():
    assert digest("roll", "x") != digest("rules", "x")


# The chain


def links(*kinds: str) -> list[Link]:
    made: list[Link] = []
    for seq, kind in enumerate(kinds, start=1):
        prev = made[-1].hash if made else GENESIS
        made.append(
            chain.link(
                seq=seq,
                prev=prev,
                kind=kind,
                at=f"2026-01-18T09:0{seq}:00+00:00",
                by="huiwu",
                second="",
                salt="5a17",
                data={"n": seq},
            )
        )
    return made


def forged(link: Link, **fields: object) -> Link:
    """Return `link` with other fields and a hash that fits them."""
    body = canonical(json.loads(link.body) | fields)
    return Link(body=body, hash=digest("journal", body))


FIVE = links("key-made", "key-tested", "opened", "closed", "counted")


def test_a_link_is_frozen_byte_for_byte():
    # Worked out by hand with sha256sum on 2026-11-23; a journal printed once must verify for ever.
    body = (
        '{"at":"2026-01-18T09:01:00+00:00","by":"huiwu","data":{"n":1},"kind":"key-made",'
        '"prev":"0000000000000000000000000000000000000000000000000000000000000000",'
        '"salt":"5a17","second":"","seq":1}'
    )

    assert FIVE[0] == Link(
        body=body, hash="1c876897c656c400b17d026b1788826e7f81cd97f8902ffe5d9d405285ccb73d"
    )


def test_a_whole_chain_and_an_empty_one_fit():
    assert first_broken(FIVE) is None
    assert first_broken([]) is None


@pytest.mark.parametrize("place", range(5))
def test_an_edited_body_is_found_at_its_place(place):
    edited = [*FIVE]
    edited[place] = replace(FIVE[place], body=FIVE[place].body.replace("huiwu", "huiwv"))

    assert first_broken(edited) == place + 1


@pytest.mark.parametrize("place", range(5))
def test_an_edited_hash_is_found_at_its_place(place):
    edited = [*FIVE]
    edited[place] = replace(FIVE[place], hash="f" * 64)

    assert first_broken(edited) == place + 1


@pytest.mark.parametrize("place", range(4))
def test_an_edited_link_with_a_new_hash_is_found_at_the_next(place):
    edited = [*FIVE]
    edited[place] = forged(FIVE[place], by="somebody")

    assert first_broken(edited) == place + 2


@pytest.mark.parametrize("place", range(4))
def test_a_link_taken_out_is_found_where_it_was(place):
    assert first_broken(FIVE[:place] + FIVE[place + 1 :]) == place + 1


@pytest.mark.parametrize("place", range(4))
def test_two_links_in_the_wrong_order_are_found(place):
    swapped = [*FIVE]
    swapped[place : place + 2] = swapped[place : place + 2][::-1]

    assert first_broken(swapped) == place + 1


def test_a_link_put_in_or_doubled_is_found():
    assert first_broken([*FIVE, FIVE[-1]]) == 6
    assert first_broken([FIVE[0], *FIVE]) == 2


def test_a_link_with_the_right_hash_but_another_number_is_found():
    assert first_broken([*FIVE[:4], forged(FIVE[4], seq=7)]) == 5


def test_a_chain_cut_at_its_end_still_fits_so_its_head_has_to_be_written_down():
    assert first_broken(FIVE[:3]) is None
    assert FIVE[2].hash != FIVE[4].hash


@pytest.mark.parametrize("body", ["", "no json", "[]", "null", '"text"', "{}", "{", "\udcff"])
def test_what_is_no_link_is_found_and_raises_nothing(body):
    assert first_broken([*FIVE[:2], Link(body=body, hash="0" * 64), *FIVE[3:]]) == 3


def test_a_body_nested_deeper_than_python_can_follow_is_found_too():
    assert first_broken([Link(body="[" * 100_000, hash="0" * 64)]) == 1


@unhurried
@given(st.text(), st.text())
def test_no_text_whatever_makes_the_reader_of_a_chain_stumble(body, claimed):
    assert first_broken([Link(body=body, hash=claimed)]) == 1


def test_sixteen_digits_stand_for_the_hash_of_an_entry():
    assert chain.check_number("0" * 64) == "0000 0000 0000 0000"
    assert chain.check_number(f"{10**16 + 42:064x}") == "0000 0000 0000 0042"
    head = chain.digest("journal", "甲")
    number = chain.check_number(head)
    assert number == verifier.grouped(verifier.check_number(head))
    assert len(number) == 19
