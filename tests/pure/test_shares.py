"""The shares of a box's key: splitting, typing, naming the wrong one; frozen vectors."""

import json
from hashlib import sha256
from itertools import combinations, permutations
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ballots.pure import sealing, shares
from ballots.pure.shares import Share, ShareRefused
from tests.helpers.looking import MARKS, lengths_looked_at
from tests.helpers.machine import ROOT

VECTORS = json.loads((ROOT / "tests" / "vectors" / "sealing.json").read_text("utf-8"))
POLL = UUID("5d2f4c0e-8a41-4b7e-9c33-2f60b1d7a908")
OTHER_POLL = UUID("5d2f4c0e-8a41-4b7e-9c33-2f60b1d7a90a")
SEED = bytes(range(16))

thorough = settings(deadline=None, max_examples=200)
some_shares = st.builds(Share, st.integers(1, 15), st.binary(min_size=16, max_size=16))


def to_text(share, *, poll=POLL, ceremony=1):
    return shares.to_text(share, poll=poll, ceremony=ceremony)


def from_text(text, *, poll=POLL, ceremony=1):
    return shares.from_text(text, poll=poll, ceremony=ceremony)


def commitments_of(some, *, poll=POLL, ceremony=1):
    return [shares.commitment(share, poll=poll, ceremony=ceremony) for share in some]


def recover(texts, *, of, threshold=3, poll=POLL, ceremony=1):
    return shares.recover(
        texts,
        poll=poll,
        ceremony=ceremony,
        threshold=threshold,
        commitments=commitments_of(of, poll=poll, ceremony=ceremony),
    )


def code_of(text, **box):
    with pytest.raises(ShareRefused) as refusal:
        from_text(text, **box)
    return refusal.value.code


def refused(texts, **box):
    """Return the code and the position with which these shares are refused."""
    with pytest.raises(ShareRefused) as refusal:
        recover(texts, **box)
    return refusal.value.code, refusal.value.position


def frozen_shares(count):
    """Return `count` shares that are the same in every run."""
    digests = [sha256(f"share {number}".encode()).digest() for number in range(count)]
    return [Share(1 + digest[16] % 15, digest[:16]) for digest in digests]


@pytest.fixture(scope="module")
def five():
    return shares.split(SEED, threshold=3, holders=5)


@pytest.fixture(scope="module")
def typed(five):
    return [to_text(share) for share in five]


# Splitting


@pytest.mark.parametrize(("threshold", "holders"), [(3, 5), (2, 3), (1, 2), (8, 15)])
def test_any_shares_up_to_the_threshold_open_the_box_in_any_order(threshold, holders):
    split = shares.split(SEED, threshold=threshold, holders=holders)
    texts = [to_text(share) for share in split]
    orders = permutations if threshold <= 3 else lambda some, count: [some[:count], some[-count:]]

    for some in orders(texts, threshold):
        assert recover(some, of=split, threshold=threshold) == SEED


@pytest.mark.parametrize(("threshold", "holders"), [(3, 5), (2, 3), (1, 2), (8, 15)])
def test_one_share_less_than_the_threshold_never_opens_it(threshold, holders):
    split = shares.split(SEED, threshold=threshold, holders=holders)
    texts = [to_text(share) for share in split]

    for some in list(combinations(texts, threshold - 1))[:200]:
        assert refused(some, of=split, threshold=threshold) == ("too-few", 0)


@pytest.mark.parametrize(("threshold", "holders"), [(3, 5), (2, 3)])
def test_too_few_shares_give_another_seed_whatever_threshold_is_claimed(threshold, holders):
    split = shares.split(SEED, threshold=threshold, holders=holders)

    for some in combinations([to_text(share) for share in split], threshold - 1):
        assert recover(some, of=split, threshold=threshold - 1) != SEED


def test_more_shares_than_needed_open_the_box_too(five, typed):
    assert recover(typed, of=five) == SEED
    assert recover(typed[::-1][:4], of=five) == SEED


@pytest.mark.parametrize("seed", ["00" * 16, "ff" * 16, "00" * 15 + "01"])
def test_a_seed_of_any_bytes_comes_back(seed):
    seed = bytes.fromhex(seed)
    split = shares.split(seed, threshold=2, holders=3)

    for some in combinations(split, 2):
        assert recover([to_text(share) for share in some], of=split, threshold=2) == seed


def test_each_ceremony_makes_other_shares_of_the_same_seed(five):
    again = shares.split(SEED, threshold=3, holders=5)

    assert not {share.value for share in five} & {share.value for share in again}


def test_with_threshold_one_any_holder_opens_the_box_alone():
    split = shares.split(SEED, threshold=1, holders=2)

    assert [share.value for share in split] == [SEED, SEED]
    assert len(set(commitments_of(split))) == 2
    for share in split:
        assert recover([to_text(share)], of=split, threshold=1) == SEED


@pytest.mark.parametrize(
    ("threshold", "holders"),
    [(0, 2), (-1, 3), (1, 1), (1, 0), (2, 2), (3, 4), (4, 5), (3, 2), (1, 16), (8, 16), (9, 15)],
)
def test_a_key_is_split_only_so_that_a_lost_minority_does_no_harm(threshold, holders):
    with pytest.raises(ValueError, match="no key is split"):
        shares.split(SEED, threshold=threshold, holders=holders)


@pytest.mark.parametrize("size", [0, 15, 17])
def test_only_sixteen_bytes_are_split(size):
    with pytest.raises(ValueError, match="16 byte"):
        shares.split(bytes(size), threshold=2, holders=3)


@pytest.mark.parametrize(("index", "size"), [(0, 16), (16, 16), (-1, 16), (1, 15), (1, 17)])
def test_a_share_has_an_index_from_1_to_15_and_16_bytes(index, size):
    with pytest.raises(ValueError, match="no share"):
        Share(index, bytes(size))


def test_a_share_does_not_print_its_value(five):
    assert repr(five[0]) == "Share(index=1)"
    assert five[0].value.hex() not in f"{five[0]} {five}"


# As text


@thorough
@given(some_shares, st.uuids(), st.integers(1, 10**6))
def test_a_share_reads_back_as_it_was_written(share, poll, ceremony):
    text = to_text(share, poll=poll, ceremony=ceremony)

    assert [len(group) for group in text.split("-")] == [4] * 8
    assert set(text) <= set(sealing.CROCKFORD + "-")
    assert from_text(text, poll=poll, ceremony=ceremony) == share


@thorough
@given(some_shares, st.randoms(use_true_random=False))
def test_the_way_of_typing_makes_no_difference(share, random):
    alike = {
        "0": "0Oo０Ｏ",
        "1": "1IiLl１Ｉｌ",
        "-": [
            "-",
            " ",
            "",
            "－",
            "\u3000",
            "–",
            "−",
            "\u200b",
            "\n",
            " - ",
            "·",
            "，",
            "_",
            "ー",
            "、",
        ],
    }
    typed = ""
    for char in to_text(share):
        ways = alike.get(char, [char, char.lower(), chr(ord(char) + 0xFEE0)])
        typed += random.choice(ways)

    assert from_text(f"  {typed}\r\n") == share


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda text: "", "length"),
        (lambda text: " - ", "length"),
        (lambda text: text[:-1], "length"),
        (lambda text: text + "0", "length"),
        (lambda text: text[5:], "length"),
        (lambda text: text + text, "length"),
        (lambda text: "U" + text[1:], "character"),
        (lambda text: "中" + text[1:], "character"),
        (lambda text: text[:-1] + "*", "character"),
        (lambda text: "0" * 32, "mistyped"),
        (lambda text: "Z" * 32, "mistyped"),
        (lambda text: text[5:] + "-" + text[:4], "mistyped"),
    ],
)
def test_what_is_no_share_is_refused_and_said_why(change, code):
    text = to_text(frozen_shares(1)[0])

    assert code_of(change(text)) == code


def test_a_text_far_too_long_is_no_share_and_not_looked_at(monkeypatch):
    lengths = lengths_looked_at(monkeypatch)

    assert code_of(MARKS) == "length"
    assert not lengths


def test_20000_substitutions_and_neighbour_swaps_are_all_seen():
    seen = 0
    for share in frozen_shares(20):
        text = to_text(share).replace("-", "")
        wrong = {
            text[:place] + char + text[place + 1 :]
            for place in range(32)
            for char in sealing.CROCKFORD
        }
        wrong |= {
            text[:place] + text[place + 1] + text[place] + text[place + 2 :] for place in range(31)
        }
        wrong.remove(text)
        for mistyped in wrong:
            assert code_of(mistyped) == "mistyped"
        seen += len(wrong)
    assert seen >= 20_000


def test_any_three_wrong_characters_are_seen_wherever_they_stand():
    # The checksum is linear: errors go unseen just where their remainders cancel each other out.
    nothing = shares._checksum(0)
    remainders = {}
    for place in range(32):
        for error in range(1, 32):
            word = error << 5 * place
            body, check = word >> shares.CHECK_BITS, word & (1 << shares.CHECK_BITS) - 1
            remainders[shares._checksum(body) ^ nothing ^ check] = place
    assert 0 not in remainders
    assert len(remainders) == 32 * 31

    for (one, place), (two, other) in combinations(remainders.items(), 2):
        assert place == other or one ^ two not in remainders


@thorough
@given(st.text() | st.text(alphabet=sealing.CROCKFORD + "-oil ", min_size=28, max_size=44))
def test_random_text_is_refused_and_nothing_worse(text):
    with pytest.raises(ShareRefused) as refusal:
        from_text(text)

    assert refusal.value.code in {"length", "character", "mistyped", "foreign"}


@thorough
@given(st.lists(st.text(alphabet=sealing.CROCKFORD + "- u", max_size=40), max_size=4))
def test_random_texts_recover_nothing_and_do_nothing_worse(texts):
    assert refused(texts, of=frozen_shares(2), threshold=1)[1] <= len(texts)


def test_a_share_of_index_zero_would_be_the_seed_and_is_refused():
    body = int.from_bytes(SEED, "big") << 8 | shares.tag_of(poll=POLL, ceremony=1)
    text = sealing.crockford(body << 20 | shares._checksum(body), characters=32)

    assert code_of(text) == "foreign"


# Of this box


def test_a_share_of_another_poll_or_another_ceremony_is_foreign(five):
    share = five[0]

    assert code_of(to_text(share, poll=OTHER_POLL)) == "foreign"
    assert code_of(to_text(share, ceremony=2)) == "foreign"


def test_no_share_of_another_box_is_taken_even_where_the_tag_is_the_same_by_chance(five):
    stranger = Share(1, sha256(b"another box").digest()[:16])
    passed = 0
    for ceremony in range(2, 1500):
        text = to_text(stranger, ceremony=ceremony)
        assert refused([text], of=five, threshold=1) == ("foreign", 1)
        try:
            from_text(text)
        except ShareRefused:
            continue
        passed += 1
    # So the tag alone did let some of them through, and the commitments were needed.
    assert passed > 0


def test_a_well_typed_share_that_was_never_dealt_is_foreign(five, typed):
    forged = to_text(Share(five[1].index, bytes(16)))
    renamed = to_text(Share(4, five[1].value))

    assert refused([typed[0], forged, typed[2]], of=five) == ("foreign", 2)
    assert refused([typed[0], typed[2], renamed], of=five) == ("foreign", 3)


def test_a_share_of_the_same_seed_from_an_earlier_split_is_foreign(five, typed):
    earlier = shares.split(SEED, threshold=3, holders=5)

    assert refused([*typed[:2], to_text(earlier[2])], of=five) == ("foreign", 3)


@pytest.mark.parametrize("place", range(4))
def test_the_wrong_share_is_named_by_its_place_also_beyond_the_threshold(five, typed, place):
    four = typed[:4]
    mistyped = four[place][:-1] + ("0" if four[place][-1] != "0" else "1")

    assert refused([*four[:place], mistyped, *four[place + 1 :]], of=five) == (
        "mistyped",
        place + 1,
    )
    assert refused([*four[:place], "", *four[place + 1 :]], of=five) == ("length", place + 1)


def test_each_text_is_judged_by_itself_and_the_right_ones_are_not_named(five, typed):
    texts = [typed[0], typed[1][:-1] + "*", typed[2], typed[0]]
    made = [shares.commitment(share, poll=POLL, ceremony=1) for share in five]

    found = shares.faults(texts, poll=POLL, ceremony=1, commitments=made)

    assert [(fault.code, fault.position) for fault in found] == [("character", 2), ("repeated", 4)]


def test_the_same_share_twice_is_named_however_it_is_typed(five, typed):
    again = typed[0].lower().replace("-", " ")

    assert refused([typed[0], typed[1], again], of=five) == ("repeated", 3)
    assert refused([*typed[:3], again], of=five) == ("repeated", 4)


def test_no_share_at_all_opens_nothing(five):
    assert refused([], of=five) == ("too-few", 0)
    assert refused([], of=five, threshold=1) == ("too-few", 0)
    with pytest.raises(ValueError, match="one share at least"):
        recover([], of=five, threshold=0)


def test_each_refusal_tells_the_holder_in_chinese_what_to_do():
    assert str(ShareRefused("mistyped")) == "这份密钥份额输入有误，请逐组核对。"
    assert str(ShareRefused("foreign")) == "这份密钥份额不属于本次票箱，或属于已作废的密钥。"
    assert ShareRefused("length").position == 0


def test_a_commitment_hangs_on_share_poll_and_ceremony(five):
    share = five[0]
    base = shares.commitment(share, poll=POLL, ceremony=1)
    others = {
        shares.commitment(share, poll=POLL, ceremony=2),
        shares.commitment(share, poll=OTHER_POLL, ceremony=1),
        shares.commitment(Share(2, share.value), poll=POLL, ceremony=1),
        shares.commitment(Share(1, SEED), poll=POLL, ceremony=1),
    }

    assert len(base) == 64
    assert len(others | {base}) == 5


# For ever


def test_shares_and_commitments_read_as_they_did_when_they_were_frozen():
    poll, ceremony = UUID(VECTORS["poll"]), VECTORS["ceremony"]
    for frozen in VECTORS["shares"]:
        share = Share(frozen["index"], bytes.fromhex(frozen["value"]))

        assert shares.to_text(share, poll=poll, ceremony=ceremony) == frozen["text"]
        assert shares.from_text(frozen["text"], poll=poll, ceremony=ceremony) == share
        assert shares.commitment(share, poll=poll, ceremony=ceremony) == frozen["commitment"]


def test_the_frozen_shares_still_open_the_frozen_box():
    frozen = VECTORS["shares"]
    poll = UUID(VECTORS["poll"])

    for some in combinations(frozen, VECTORS["threshold"]):
        seed = shares.recover(
            [share["text"] for share in some],
            poll=poll,
            ceremony=VECTORS["ceremony"],
            threshold=VECTORS["threshold"],
            commitments=[share["commitment"] for share in frozen],
        )
        assert seed.hex() == VECTORS["seed"]
