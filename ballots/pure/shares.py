"""The shares of a box's key, as their holders keep and type them. Pure (design §5).

A share as text is 160 bits in 32 Crockford characters: 4 bits of index, 128 of value, 8 that tell
one box from another, 20 of checksum. The split is Shamir's over GF(2^128).
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from Crypto.Protocol.SecretSharing import Shamir

from ballots.pure import chain
from ballots.pure.sealing import (
    CROCKFORD,
    LONGEST_TYPED,
    LOOKALIKES,
    SEED_SIZE,
    crockford,
    grouped,
)

HOLDERS_LIMIT = 15
# What people type between two groups, after NFKC; hyphens of any kind are known by their category.
SEPARATORS = frozenset("·•・‧∙⋅,.。、/_ー−:;|~")
CHARACTERS = 32
VALUE_BITS = 8 * SEED_SIZE
TAG_BITS = 8
CHECK_BITS = 20
# Of degree 20, found by search: in 160 bits its remainder gives away any three wrong
# characters, whatever is wrong within four neighbours, and any five wrong bits.
CHECK_POLYNOMIAL = 0x150DDB

REFUSALS = {
    "length": "密钥份额应为8组、每组4个字符，请核对有无遗漏或多余。",
    "character": "密钥份额中有无法识别的字符，请逐组核对。",
    "mistyped": "这份密钥份额输入有误，请逐组核对。",
    "foreign": "这份密钥份额不属于本次票箱，或属于已作废的密钥。",
    "repeated": "这份密钥份额已经输入，请输入另一份。",
    "too-few": "密钥份额的份数不足，不能开启票箱。",
}


class ShareRefused(Exception):
    """What was typed opens nothing: `code` is for programs, the text is for the holder.

    `position` is the place of the share among those typed, from 1; 0 where it is about no one.
    """

    def __init__(self, code: str, *, position: int = 0) -> None:
        super().__init__(REFUSALS[code])
        self.code = code
        self.position = position


@dataclass(frozen=True)
class Share:
    """One of the shares of a seed: `index` from 1 to 15, `value` 16 bytes, else ValueError."""

    index: int
    value: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not 1 <= self.index <= HOLDERS_LIMIT or len(self.value) != SEED_SIZE:
            raise ValueError(f"no share: index {self.index}, {len(self.value)} bytes")


def split(seed: bytes, *, threshold: int, holders: int) -> list[Share]:
    """Return one share of `seed` (16 bytes) for each holder; any `threshold` of them give it back.

    Raises ValueError unless threshold ≥ 1 and 2 ≤ holders ≤ 15, and unless holders ≥
    2·threshold − 1, so that a minority of lost shares never locks the box, as in Estonia's IVXV.
    With threshold 1 each value is the seed itself: any one holder opens the box alone.
    """
    if threshold < 1 or not max(2, 2 * threshold - 1) <= holders <= HOLDERS_LIMIT:
        raise ValueError(f"no key is split {threshold} of {holders}")
    return [Share(index, value) for index, value in Shamir.split(threshold, holders, seed)]


def to_text(share: Share, *, poll: UUID, ceremony: int) -> str:
    """Return `share` as its holder keeps it: eight groups of four characters.

    `ceremony` counts the key ceremonies of the poll, from 1.
    """
    body = share.index << VALUE_BITS | int.from_bytes(share.value, "big")
    body = body << TAG_BITS | tag_of(poll=poll, ceremony=ceremony)
    return grouped(crockford(body << CHECK_BITS | _checksum(body), characters=CHARACTERS))


def from_text(text: str, *, poll: UUID, ceremony: int) -> Share:
    """Return the share that somebody typed or scanned, or raise ShareRefused.

    Lower case, full width and whatever parts the groups make no difference; O is read as 0, I and
    L as 1. Of the shares of other boxes one in 256 passes here; `recover` refuses those as well.
    What is far too long is not looked at.
    """
    if len(text) > LONGEST_TYPED:
        raise ShareRefused("length")
    typed = "".join(char for char in unicodedata.normalize("NFKC", text) if not _is_gap(char))
    typed = typed.upper().translate(LOOKALIKES)
    if not set(typed) <= set(CROCKFORD):
        raise ShareRefused("character")
    if len(typed) != CHARACTERS:
        raise ShareRefused("length")
    number = 0
    for char in typed:
        number = number << 5 | CROCKFORD.index(char)
    body, check = number >> CHECK_BITS, number & (1 << CHECK_BITS) - 1
    if check != _checksum(body):
        raise ShareRefused("mistyped")
    body, tag = body >> TAG_BITS, body & (1 << TAG_BITS) - 1
    index, value = body >> VALUE_BITS, body & (1 << VALUE_BITS) - 1
    # Index 0 would be the seed itself, which is never handed out.
    if tag != tag_of(poll=poll, ceremony=ceremony) or index == 0:
        raise ShareRefused("foreign")
    return Share(index, value.to_bytes(SEED_SIZE, "big"))


def _is_gap(char: str) -> bool:
    # Besides what separates groups we skip the invisible characters that copying may bring along.
    return char.isspace() or char in SEPARATORS or unicodedata.category(char) in {"Pd", "Cf", "Cc"}


def tag_of(*, poll: UUID, ceremony: int) -> int:
    """Return the 8 bits that every share of this ceremony bears, which are no secret."""
    return int(chain.digest("share-tag", f"{poll}/{ceremony}")[: TAG_BITS // 4], 16)


def _checksum(body: int) -> int:
    """Return the remainder of a cyclic redundancy check, as polynomials over GF(2).

    A leading 1 is put before the bits of `body`, or else zeros alone would be a share.
    """
    bits = 4 + VALUE_BITS + TAG_BITS
    remainder = (1 << bits | body) << CHECK_BITS
    for place in reversed(range(bits + 1)):
        if remainder >> place + CHECK_BITS & 1:
            remainder ^= CHECK_POLYNOMIAL << place
    return remainder


def commitment(share: Share, *, poll: UUID, ceremony: int) -> str:
    """Return the digest of `share`, 64 hexadecimal digits, that the box keeps to know it by.

    A value has 128 random bits, so that the digest gives nothing away.
    """
    return chain.digest("share-commit", f"{poll}/{ceremony}/{share.index}/{share.value.hex()}")


def recover(
    texts: Sequence[str], *, poll: UUID, ceremony: int, threshold: int, commitments: Sequence[str]
) -> bytes:
    """Return the seed from at least `threshold` shares as typed, in any order.

    Every one of `texts` must be a share of this box, also those beyond the threshold. Raises
    ShareRefused, naming the first bad one by its position. The caller still has to compare the
    public key that derives from the seed with that of the box.
    """
    # Out of no share at all Shamir's formula makes sixteen zeros, which is no secret.
    if threshold < 1:
        raise ValueError("a box opens with one share at least")
    shares: list[Share] = []
    for found in _judged(texts, poll=poll, ceremony=ceremony, commitments=commitments):
        if isinstance(found, ShareRefused):
            raise found
        shares.append(found)
    if len(shares) < threshold:
        raise ShareRefused("too-few")
    return Shamir.combine([(share.index, share.value) for share in shares[:threshold]])


def faults(
    texts: Sequence[str], *, poll: UUID, ceremony: int, commitments: Sequence[str]
) -> list[ShareRefused]:
    """Return what is wrong with each of `texts` by its position; whichever is not named is right."""
    judged = _judged(texts, poll=poll, ceremony=ceremony, commitments=commitments)
    return [found for found in judged if isinstance(found, ShareRefused)]


def _judged(
    texts: Sequence[str], *, poll: UUID, ceremony: int, commitments: Sequence[str]
) -> Iterator[Share | ShareRefused]:
    """Yield for each text its share, or why it is none of this box; of two equal ones the later."""
    seen: set[int] = set()
    for position, text in enumerate(texts, start=1):
        try:
            share = from_text(text, poll=poll, ceremony=ceremony)
        except ShareRefused as refusal:
            yield ShareRefused(refusal.code, position=position)
            continue
        if commitment(share, poll=poll, ceremony=ceremony) not in commitments:
            yield ShareRefused("foreign", position=position)
        elif share.index in seen:
            yield ShareRefused("repeated", position=position)
        else:
            seen.add(share.index)
            yield share
