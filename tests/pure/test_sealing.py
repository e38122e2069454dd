"""The box of a poll: bytes of a ballot, one size, sealing, opening, receipts; frozen vectors."""

import hashlib
import json
import re
import unicodedata
from itertools import product
from uuid import UUID

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from ballots.pure import chain, sealing
from ballots.pure.rules import (
    DETAIL_LIMIT,
    TITLE_LIMIT,
    UNIT_LIMIT,
    Proposal,
    Rules,
    Selection,
    faults,
)
from ballots.pure.sealing import NotABallot
from tests.helpers.machine import ROOT

VECTORS = json.loads((ROOT / "tests" / "vectors" / "sealing.json").read_text("utf-8"))
POLL = UUID("5d2f4c0e-8a41-4b7e-9c33-2f60b1d7a908")
OTHER_POLL = UUID("5d2f4c0e-8a41-4b7e-9c33-2f60b1d7a909")
NONCE = "0123456789abcdef" * 2
KEY = sealing.derive(bytes(range(16)), poll=POLL)
RULES = Rules(places=10)
SIZE = sealing.padded_size(RULES, range(1, 9))
SELECTION = Selection((1, 3, 8), (), (Proposal("社区食堂", "每个街道一处。\n先试点。", "民政局"),))
EMPTY = b'{"a":[],"c":[],"n":"%s","p":[],"r":"%s","v":1}' % (NONCE.encode(), str(POLL).encode())

thorough = settings(deadline=None, max_examples=150)


def seal(selection=SELECTION, *, poll=POLL, size=SIZE):
    return sealing.seal(selection, public_key=KEY.public, poll=poll, size=size)


def padded(text: bytes) -> bytes:
    return text + b"\x80" + bytes(40)


def texts(limit):
    """Return text that is safe and in NFC, often as many bytes as `limit` characters can take."""
    chars = st.characters(exclude_categories=("Cc", "Cf", "Cs")) | st.sampled_from('\n"\\𠀀中')
    drawn = st.text(chars, max_size=limit).map(lambda text: unicodedata.normalize("NFC", text))
    full = st.sampled_from('𠀀中"\\').map(lambda char: char * limit)
    return drawn.filter(lambda text: len(text) <= limit) | full


proposals = st.builds(Proposal, texts(TITLE_LIMIT), texts(DETAIL_LIMIT), texts(UNIT_LIMIT))
number_lists = st.lists(st.integers(1, 99999), max_size=12)
selections = st.builds(
    Selection,
    number_lists.map(tuple),
    number_lists.map(tuple),
    st.lists(proposals, max_size=3).map(tuple),
)
rule_sets = st.builds(
    Rules,
    places=st.integers(1, 12),
    form=st.sampled_from(["choose", "each"]),
    exactly=st.booleans(),
    blank_allowed=st.booleans(),
    proposals=st.sampled_from(["counted", "advisory", "off"]),
    proposal_limit=st.integers(0, 3),
)


@st.composite
def legal_ballots(draw):
    """Draw rules, candidates and a ballot that is legal for them, leaning to the long ones."""
    rules = draw(rule_sets)
    numbers = draw(st.lists(st.integers(1, 10**6), min_size=1, max_size=12, unique=True))
    written = (
        draw(st.lists(proposals, max_size=rules.proposal_limit))
        if (rules.proposals != "off")
        else []
    )
    room = max(0, rules.places - (len(written) if rules.proposals == "counted" else 0))
    mixed = draw(st.permutations(numbers))
    ticks = min(room, len(mixed)) if draw(st.booleans()) else draw(st.integers(0, room))
    against = mixed[ticks:] if rules.form == "each" and draw(st.booleans()) else []
    selection = Selection(tuple(mixed[:ticks]), tuple(against), tuple(written))
    assume(not faults(selection, rules, dict.fromkeys(numbers, "")))
    return rules, numbers, selection


# The bytes of a ballot


@thorough
@given(selections)
def test_a_ballot_decodes_to_what_was_encoded_with_its_numbers_in_order(selection):
    size = 8192

    plain = sealing.encode(selection, poll=POLL, nonce=NONCE, size=size)

    assert len(plain) == size
    assert sealing.decode(plain, poll=POLL) == (
        Selection(
            tuple(sorted(selection.chosen)),
            tuple(sorted(selection.against)),
            selection.proposals,
        ),
        NONCE,
    )


@thorough
@given(selections)
def test_what_is_sealed_is_the_canonical_text_of_the_ballot(selection):
    plain = sealing.encode(selection, poll=POLL, nonce=NONCE, size=8192)
    text = plain.rstrip(b"\0")[:-1].decode()

    assert text == chain.canonical(json.loads(text))


def test_the_order_of_ticking_leaves_no_trace():
    one, other = Selection((8, 1, 3), (5, 2)), Selection((1, 3, 8), (2, 5))

    assert sealing.encode(one, poll=POLL, nonce=NONCE, size=256) == sealing.encode(
        other, poll=POLL, nonce=NONCE, size=256
    )


def test_a_ballot_is_canonical_text_and_padding():
    plain = sealing.encode(Selection(), poll=POLL, nonce=NONCE, size=256)

    assert plain == EMPTY + b"\x80" + bytes(256 - len(EMPTY) - 1)


def test_a_ballot_needs_room_for_one_byte_of_padding():
    exact = len(EMPTY) + 1

    assert len(sealing.encode(Selection(), poll=POLL, nonce=NONCE, size=exact)) == exact
    with pytest.raises(ValueError, match="more than"):
        sealing.encode(Selection(), poll=POLL, nonce=NONCE, size=exact - 1)


@pytest.mark.parametrize(
    "selection",
    [
        Selection(proposals=(Proposal("e\u0301cole"),)),
        Selection(proposals=(Proposal("\uf90a"),)),
        Selection(proposals=(Proposal("\U0001d160" * 30),)),
        Selection(proposals=(Proposal("\ud800"),)),
        Selection(chosen=(True,)),
    ],
    ids=["combining", "compatibility-ideograph", "grows-under-nfc", "surrogate", "bool"],
)
def test_what_would_not_open_as_it_was_is_never_sealed(selection):
    with pytest.raises(ValueError, match=r"NFC|refused at the opening|surrogates"):
        seal(selection)


@pytest.mark.parametrize("nonce", ["", NONCE[1:], NONCE.upper(), NONCE + "0", "g" * 32, "０" * 32])
def test_a_nonce_is_32_lower_case_hexadecimal_digits(nonce):
    with pytest.raises(ValueError, match="malformed"):
        sealing.encode(Selection(), poll=POLL, nonce=nonce, size=256)


@pytest.mark.parametrize(
    ("plain", "code"),
    [
        (b"", "padding"),
        (EMPTY, "padding"),
        (EMPTY + bytes(9), "padding"),
        (EMPTY + b"\x80\0\x01", "padding"),
        (padded(EMPTY) + b"\x80", "malformed"),
        (padded(b""), "malformed"),
        (padded(b"\xff"), "malformed"),
        (padded(b"[]"), "malformed"),
        (padded(b"null"), "malformed"),
        (padded(b"[" * 100_000), "malformed"),
        (padded(b"9" * 10_000), "malformed"),
        (padded(b"\xef\xbb\xbf" + EMPTY), "malformed"),
        (padded(EMPTY.decode().encode("utf-16")), "malformed"),
        (padded(EMPTY.replace(b'"v":1', b'"v":2')), "version"),
        (padded(b'{"v":2}'), "version"),
        (padded(EMPTY.replace(b'"v":1', b'"v":true')), "malformed"),
        (padded(EMPTY.replace(b'"v":1', b'"v":1.0')), "malformed"),
        (padded(EMPTY.replace(b'"v":1', b'"v":false')), "malformed"),
        (padded(EMPTY.replace(b'"v":1', b'"v":1,"v":1')), "malformed"),
        (padded(EMPTY.replace(b',"v":1', b"")), "malformed"),
        (padded(EMPTY.replace(str(POLL).encode(), str(OTHER_POLL).encode())), "other-poll"),
        (padded(EMPTY.replace(str(POLL).encode(), POLL.hex.encode())), "other-poll"),
        (padded(EMPTY.replace(b'"%s"' % str(POLL).encode(), b"7")), "malformed"),
        (padded(EMPTY.replace(NONCE.encode(), b"")), "malformed"),
        (padded(EMPTY.replace(NONCE.encode(), NONCE.upper().encode())), "malformed"),
        (padded(EMPTY.replace(b'"c":[]', b'"c":[true]')), "malformed"),
        (padded(EMPTY.replace(b'"c":[]', b'"c":[1.0]')), "malformed"),
        (padded(EMPTY.replace(b'"c":[]', b'"c":["1"]')), "malformed"),
        (padded(EMPTY.replace(b'"c":[]', b'"c":[-0]')), "malformed"),
        (padded(EMPTY.replace(b'"c":[]', b'"c":[2,1]')), "malformed"),
        (padded(EMPTY.replace(b'"c":[]', b'"c":[ ]')), "malformed"),
        (padded(EMPTY.replace(b'"c":[]', b'"c":{}')), "malformed"),
        (padded(EMPTY.replace(b'"a":[],', b"")), "malformed"),
        (padded(EMPTY.replace(b'"a":[]', b'"a":null')), "malformed"),
        (padded(EMPTY.replace(b'"a":[]', b'"a":[],"at":"09:31"')), "malformed"),
        (padded(EMPTY.replace(b'"p":[]', b'"p":{}')), "malformed"),
        (padded(EMPTY.replace(b'"p":[]', b'"p":[1]')), "malformed"),
        (padded(EMPTY.replace(b'"p":[]', b'"p":[{"d":"","t":"x"}]')), "malformed"),
        (padded(EMPTY.replace(b'"p":[]', b'"p":[{"d":"","t":1,"u":""}]')), "malformed"),
        (padded(EMPTY.replace(b'"p":[]', b'"p":[{"d":"","t":"","u":"","x":1}]')), "malformed"),
        (padded(EMPTY.replace(b'"p":[]', b'"p":[{"d":"","t":"\\ud800","u":""}]')), "malformed"),
        (padded(EMPTY.replace(b'"p":[]', b'"p":[{"d":"","t":"\\u4e2d","u":""}]')), "malformed"),
        (padded(EMPTY + b" "), "malformed"),
    ],
)
def test_anything_but_the_canonical_spelling_is_no_ballot(plain, code):
    with pytest.raises(NotABallot) as refusal:
        sealing.decode(plain, poll=POLL)

    assert refusal.value.code == code


@pytest.mark.parametrize("text", [EMPTY, EMPTY.replace(b'"c":[]', b'"c":[-4,1,1]')])
def test_whether_a_selection_is_legal_is_left_to_the_rules(text):
    selection, nonce = sealing.decode(padded(text), poll=POLL)

    assert nonce == NONCE
    assert selection == Selection(chosen=tuple(sorted(json.loads(text)["c"])))


@thorough
@given(st.binary(max_size=400) | st.binary(max_size=400).map(padded))
def test_random_bytes_decode_to_nothing(plain):
    with pytest.raises(NotABallot):
        sealing.decode(plain, poll=POLL)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@thorough
@given(st.sampled_from("acnprv"), json_values)
def test_any_value_in_any_field_is_a_ballot_or_refused_and_nothing_else(field, value):
    ballot = {**json.loads(EMPTY), field: value}
    text = json.dumps(ballot, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    plain = padded(text.encode("utf-8", "surrogatepass"))

    try:
        selection, nonce = sealing.decode(plain, poll=POLL)
    except NotABallot:
        return
    assert sealing.encode(selection, poll=POLL, nonce=nonce, size=len(plain)) == plain


# One size


@thorough
@given(legal_ballots())
def test_every_legal_ballot_fits_the_size_of_its_poll(drawn):
    rules, numbers, selection = drawn
    size = sealing.padded_size(rules, numbers)

    assert size % 256 == 0
    assert len(sealing.encode(selection, poll=POLL, nonce=NONCE, size=size)) == size


def longest_by_trying_all(rules, numbers):
    """Return the bytes of the longest legal ballot: every marking with every count of proposals."""
    titles = dict.fromkeys(numbers, "")
    longest = 0
    for marks in product("ca-", repeat=len(numbers)):
        chosen = tuple(n for n, mark in zip(numbers, marks, strict=True) if mark == "c")
        against = tuple(n for n, mark in zip(numbers, marks, strict=True) if mark == "a")
        for count in range(rules.proposal_limit + 1):
            written = tuple(
                Proposal(*(chr(0x20100 + place) * limit for limit in (30, 200, 30)))
                for place in range(count)
            )
            selection = Selection(chosen, against, written)
            if not faults(selection, rules, titles):
                plain = sealing.encode(selection, poll=POLL, nonce=NONCE, size=2**14)
                longest = max(longest, len(plain.rstrip(b"\0")) - 1)
    return longest


@settings(deadline=None, max_examples=60)
@given(
    rule_sets,
    st.lists(st.integers(0, 130).map(lambda digits: 10**digits), max_size=4, unique=True),
)
@example(Rules(places=2, form="each", proposals="off"), [10**44, 10**45, 10**46])
@example(Rules(places=3, exactly=True, proposal_limit=1), [1, 2])
@example(Rules(places=1, exactly=True, proposals="advisory"), [])
@example(Rules(places=1, proposals="off"), [1, 10**300, 10])
def test_the_size_is_the_least_multiple_of_256_that_holds_the_longest_legal_ballot(rules, numbers):
    longest = longest_by_trying_all(rules, numbers)

    if longest:
        assert longest < sealing.padded_size(rules, numbers) <= longest + 256


def test_the_size_turns_over_exactly_where_the_padding_finds_no_room():
    rules = Rules(places=1, proposals="off")
    for digits in range(1, 600):
        number = 10 ** (digits - 1)
        size = sealing.padded_size(rules, [number])

        assert size == (len(EMPTY) + digits) // 256 * 256 + 256


def test_against_all_is_longer_by_a_comma_and_fits_all_the_same():
    rules = Rules(places=3, form="each", proposals="off")
    for width in range(1, 200):
        numbers = [10 ** (width - 1) + step for step in range(5 if width > 1 else 1)]
        size = sealing.padded_size(rules, numbers)

        for selection in (Selection(against=tuple(numbers)), Selection(chosen=tuple(numbers[:3]))):
            assert len(sealing.encode(selection, poll=POLL, nonce=NONCE, size=size)) == size


def test_the_default_poll_of_eight_candidates_seals_3328_bytes():
    assert SIZE == 3328


def test_all_sealed_ballots_of_a_poll_have_one_size_from_blank_to_full():
    full = Proposal("𠀀" * TITLE_LIMIT, '"' * DETAIL_LIMIT, "\\" * UNIT_LIMIT)
    ballots = [
        Selection(),
        Selection((1,)),
        SELECTION,
        Selection(tuple(range(1, 9))),
        Selection(tuple(range(1, 8)), (), (full, full, full)),
    ]

    assert {len(seal(ballot)) for ballot in ballots} == {SIZE + 1120 + 16}


# Sealing and opening


@settings(deadline=None, max_examples=60)
@given(legal_ballots())
def test_a_sealed_ballot_opens_to_what_was_sealed(drawn):
    rules, numbers, selection = drawn
    sealed = seal(selection, size=sealing.padded_size(rules, numbers))

    opened, nonce = sealing.unseal(sealed, key=KEY, poll=POLL)

    assert re.fullmatch("[0-9a-f]{32}", nonce)
    assert sorted(opened.chosen) == sorted(selection.chosen)
    assert sorted(opened.against) == sorted(selection.against)
    assert opened.proposals == selection.proposals


def test_two_seals_of_one_selection_share_neither_bytes_nor_nonce():
    one, other = seal(), seal()

    assert one[:32] != other[:32]
    assert one[-32:] != other[-32:]
    nonces = {sealing.unseal(sealed, key=KEY, poll=POLL)[1] for sealed in (one, other)}
    assert len(nonces) == 2


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_a_sealed_ballot_with_one_changed_byte_opens_nowhere(flip):
    sealed = seal(Selection((1, 2)), size=256)

    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= flip
        with pytest.raises(NotABallot) as refusal:
            sealing.unseal(bytes(changed), key=KEY, poll=POLL)
        assert refusal.value.code == "not-opened"


def test_a_sealed_ballot_cut_short_or_lengthened_does_not_open():
    sealed = seal(Selection((1, 2)), size=256)
    lengthened = [sealed + b"\0", b"\0" + sealed, sealed + sealed]

    for wrong in [sealed[:length] for length in range(len(sealed))] + lengthened:
        with pytest.raises(NotABallot) as refusal:
            sealing.unseal(wrong, key=KEY, poll=POLL)
        assert refusal.value.code == "not-opened"


@thorough
@given(st.binary(max_size=3000))
def test_random_bytes_open_to_nothing(sealed):
    with pytest.raises(NotABallot) as refusal:
        sealing.unseal(sealed, key=KEY, poll=POLL)

    assert refusal.value.code == "not-opened"


def test_a_ballot_of_another_poll_does_not_open_even_under_the_same_key():
    sealed = seal(poll=OTHER_POLL)

    with pytest.raises(NotABallot) as refusal:
        sealing.unseal(sealed, key=KEY, poll=POLL)

    assert refusal.value.code == "not-opened"


def test_another_key_does_not_open():
    for key in (
        sealing.derive(bytes(16), poll=POLL),
        sealing.derive(bytes(range(16)), poll=OTHER_POLL),
    ):
        with pytest.raises(NotABallot) as refusal:
            sealing.unseal(seal(), key=key, poll=POLL)
        assert refusal.value.code == "not-opened"


@pytest.mark.parametrize(
    "public_key", [b"", KEY.public[:-1], KEY.public + b"\0", KEY.public[:1184]]
)
def test_a_public_key_of_another_length_is_refused(public_key):
    with pytest.raises(ValueError, match="1216 bytes"):
        sealing.seal(SELECTION, public_key=public_key, poll=POLL, size=SIZE)


def test_a_key_derives_from_its_seed_and_its_poll_alone():
    seed = sealing.new_seed()

    assert len(seed) == 16
    assert seed != sealing.new_seed()
    assert len(KEY.public) == 1216
    assert sealing.derive(seed, poll=POLL).public == sealing.derive(seed, poll=POLL).public
    assert sealing.derive(seed, poll=POLL).public != sealing.derive(seed, poll=OTHER_POLL).public


@pytest.mark.parametrize("size", [0, 15, 17, 32])
def test_a_seed_of_another_length_gives_no_key(size):
    with pytest.raises(ValueError, match="16 bytes"):
        sealing.derive(bytes(size), poll=POLL)


# Receipts


def test_a_receipt_hangs_on_every_byte_and_on_the_poll():
    sealed = seal(size=512)
    receipt = sealing.receipt(poll=POLL, sealed=sealed)

    assert re.fullmatch("[0-9a-f]{64}", receipt)
    assert receipt == sealing.receipt(poll=POLL, sealed=sealed)
    assert receipt != sealing.receipt(poll=OTHER_POLL, sealed=sealed)
    assert receipt != sealing.receipt(poll=POLL, sealed=sealed[:-1] + bytes([sealed[-1] ^ 1]))
    assert (
        receipt
        == hashlib.sha256(b"yiwu-vote/v1/receipt\0" + POLL.bytes + b"\0" + sealed).hexdigest()
    )


@pytest.mark.parametrize("count", [0, 1, 2, 500])
def test_the_root_of_receipts_that_come_one_by_one_is_that_of_their_list(count):
    receipts = sorted(hashlib.sha256(bytes([n % 256, n // 256])).hexdigest() for n in range(count))

    root = sealing.receipts_root(receipt for receipt in receipts)

    assert root == chain.digest("receipts", chain.canonical(receipts))
    assert not count or root != sealing.receipts_root(receipts[1:])


def test_people_see_the_first_80_bits_of_a_receipt_in_groups_of_four():
    receipt = "79866b60e208b23084f5" + "0" * 44

    assert sealing.receipt_code(receipt) == "F636PR7212S3117N"
    assert sealing.grouped("F636PR7212S3117N") == "F636-PR72-12S3-117N"
    assert sealing.receipt_code("0" * 64) == "0" * 16
    assert sealing.receipt_code("f" * 64) == "Z" * 16


@given(st.binary(min_size=32, max_size=32))
def test_a_code_holds_just_the_first_80_bits_and_no_letter_taken_for_another(digest):
    code = sealing.receipt_code(digest.hex())

    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{16}", code)
    number = 0
    for char in code:
        number = number * 32 + sealing.CROCKFORD.index(char)
    assert number.to_bytes(10, "big") == digest[:10]


# For ever


def test_a_key_derives_as_it_did_when_it_was_frozen():
    key = sealing.derive(bytes.fromhex(VECTORS["seed"]), poll=UUID(VECTORS["poll"]))

    assert VECTORS["suite"] == sealing.SUITE
    assert hashlib.sha256(key.public).hexdigest() == VECTORS["public_key_sha256"]


def test_a_ballot_sealed_when_the_format_was_frozen_still_opens():
    poll = UUID(VECTORS["poll"])
    frozen = VECTORS["ballot"]
    key = sealing.derive(bytes.fromhex(VECTORS["seed"]), poll=poll)
    selection = Selection(
        tuple(frozen["chosen"]),
        tuple(frozen["against"]),
        tuple(Proposal(*texts) for texts in frozen["proposals"]),
    )

    opened = sealing.unseal(bytes.fromhex(frozen["sealed"]), key=key, poll=poll)
    plain = sealing.encode(selection, poll=poll, nonce=frozen["nonce"], size=frozen["size"])

    assert opened == (selection, frozen["nonce"])
    assert plain.rstrip(b"\0") == frozen["text"].encode() + b"\x80"


def test_a_receipt_reads_as_it_did_when_it_was_frozen():
    frozen = VECTORS["ballot"]
    receipt = sealing.receipt(poll=UUID(VECTORS["poll"]), sealed=bytes.fromhex(frozen["sealed"]))

    assert receipt == frozen["receipt"]
    assert sealing.grouped(sealing.receipt_code(receipt)) == frozen["code"]
