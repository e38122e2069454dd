"""The box: its key, the bytes of a ballot, and sealing, opening and receipts. Pure (design §5).

A ballot becomes canonical text, is padded to the one size of its poll and is sealed with HPKE
(RFC 9180) to the public key of the box. Nobody can open it without the seed of the key, and the
seed exists only as shares (`ballots.pure.shares`). `tests/vectors/sealing.json` freezes every byte.
"""

import json
import re
import secrets
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric import mlkem, x25519
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ballots.pure import chain
from ballots.pure.rules import (
    DETAIL_LIMIT,
    TITLE_LIMIT,
    UNIT_LIMIT,
    Proposal,
    Rules,
    Selection,
    faults,
)

SUITE = "ML-KEM-768+X25519/HKDF-SHA256/ChaCha20-Poly1305"
SEED_SIZE = 16
MLKEM_PUBLIC_SIZE = 1184
PUBLIC_SIZE = MLKEM_PUBLIC_SIZE + 32
VERSION = 1
BLOCK = 256
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# Whoever reads these means the digits that they look like.
LOOKALIKES = str.maketrans("OIL", "011")
RECEIPT_LENGTH = 16
# The longest receipt or share with what parts it and a label; more is not looked at.
LONGEST_TYPED = 200

_HPKE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)

REASONS = {
    "not-opened": "密封票无法用本票箱的密钥开启。",
    "padding": "表决票的填充格式不符。",
    "malformed": "表决票的内容格式不符。",
    "version": "表决票的格式版本不符。",
    "other-poll": "表决票属于另一次票决。",
}


class NotABallot(Exception):
    """These bytes hold no ballot of this poll: `code` is for programs, the text for the report."""

    def __init__(self, code: str) -> None:
        super().__init__(REASONS[code])
        self.code = code


@dataclass(frozen=True)
class PrivateKey:
    """The key that opens a box. It lives in memory only while the box is tested or opened."""

    public: bytes = field(repr=False)
    seed: bytes = field(repr=False, compare=False)
    opener: hpke.MLKEM768X25519PrivateKey = field(repr=False, compare=False)


def new_seed() -> bytes:
    """Return 16 fresh random bytes, from which the key of one box derives."""
    return secrets.token_bytes(SEED_SIZE)


def derive(seed: bytes, *, poll: UUID) -> PrivateKey:
    """Return the key of the box of `poll` that derives from `seed` (16 bytes, else ValueError).

    HKDF-SHA256 (RFC 5869) without salt gives the 64-byte seed of ML-KEM-768 (FIPS 203) and the
    32 bytes of X25519 (RFC 7748). `PrivateKey.public` is 1184 bytes of the one and 32 of the other.
    """
    if len(seed) != SEED_SIZE:
        raise ValueError(f"the seed of a box has {SEED_SIZE} bytes")
    mlkem_key = mlkem.MLKEM768PrivateKey.from_seed_bytes(
        _derived(seed, 64, label="ml-kem-768", poll=poll)
    )
    x25519_key = x25519.X25519PrivateKey.from_private_bytes(
        _derived(seed, 32, label="x25519", poll=poll)
    )
    return PrivateKey(
        public=mlkem_key.public_key().public_bytes_raw()
        + x25519_key.public_key().public_bytes_raw(),
        seed=seed,
        opener=hpke.MLKEM768X25519PrivateKey(mlkem_key, x25519_key),
    )


def key_digest(public_key: bytes) -> str:
    """Return the digest of the public key of a box, by which the record names it."""
    return chain.digest("public-key", public_key)


def key_code(public_key: bytes) -> str:
    """Return what people compare of that digest: its first sixteen digits in groups of four."""
    return grouped(key_digest(public_key)[:16])


def _derived(seed: bytes, size: int, *, label: str, poll: UUID) -> bytes:
    info = f"{chain.PREFIX}box-key/{label}".encode() + b"\0" + poll.bytes
    return HKDF(algorithm=hashes.SHA256(), length=size, salt=None, info=info).derive(seed)


def encode(selection: Selection, *, poll: UUID, nonce: str, size: int) -> bytes:
    """Return `selection` as exactly `size` bytes: canonical JSON, then 80 00 00 … (hex).

    Numbers are written sorted, so that the order of ticking is not kept; proposals stand as they
    were written. What is 基本满意 (`b`) is written where there is any: other forms of ballot stay
    byte for byte what they were. `nonce` is 32 lower-case hexadecimal digits. Raises ValueError if the ballot does
    not fit or would not open again as what it was: its text must be in NFC before anybody judges
    its length, for NFC may change a text and even make it longer.
    """
    text = _text(selection, poll=poll, nonce=nonce)
    if len(text) >= size:
        raise ValueError(f"this ballot needs more than {size} bytes")
    plain = text + b"\x80" + bytes(size - len(text) - 1)
    # A ballot that opens as something else can never be put right, so we open it here, once.
    try:
        opened = decode(plain, poll=poll)
    except NotABallot as fault:
        raise ValueError(f"this ballot would be refused at the opening: {fault.code}") from None
    if opened != (_in_order(selection), nonce):
        raise ValueError("this ballot holds text that is not in NFC")
    return plain


def decode(plain: bytes, *, poll: UUID) -> tuple[Selection, str]:
    """Return the selection and the nonce that `encode` wrote, or raise NotABallot.

    Only the one canonical spelling is accepted. Whether the selection is legal is not asked here:
    in a forged ballot a number may have any size and a text may hold characters that no database
    stores, so that `rules.faults` judges it before anything of it is kept.
    """
    stripped = plain.rstrip(b"\0")
    if not stripped.endswith(b"\x80"):
        raise NotABallot("padding")
    text = stripped[:-1]
    try:
        ballot = json.loads(text.decode())
    # Text that is not UTF-8 or not JSON; JSON may also be nested deeper than Python can follow.
    except (ValueError, RecursionError):
        raise NotABallot("malformed") from None
    if not isinstance(ballot, dict) or type(ballot.get("v")) is not int:
        raise NotABallot("malformed")
    if ballot["v"] != VERSION:
        raise NotABallot("version")
    if not isinstance(ballot.get("r"), str):
        raise NotABallot("malformed")
    if ballot["r"] != str(poll):
        raise NotABallot("other-poll")
    nonce = ballot.get("n")
    if not isinstance(nonce, str) or not re.fullmatch("[0-9a-f]{32}", nonce):
        raise NotABallot("malformed")
    selection = Selection(
        chosen=_numbers(ballot.get("c")),
        against=_numbers(ballot.get("a")),
        fair=_numbers(ballot.get("b", [])),
        proposals=_proposals(ballot.get("p")),
    )
    try:
        again = _text(selection, poll=poll, nonce=nonce)
    # JSON can spell half a surrogate pair, which is no character and has no UTF-8.
    except UnicodeEncodeError:
        raise NotABallot("malformed") from None
    if again != text:
        raise NotABallot("malformed")
    return selection, nonce


def _text(selection: Selection, *, poll: UUID, nonce: str) -> bytes:
    said: dict[str, Any] = {
        "v": VERSION,
        "r": str(poll),
        "n": nonce,
        "c": sorted(selection.chosen),
        "a": sorted(selection.against),
        "p": [
            {"t": _nfc(p.title), "d": _nfc(p.detail), "u": _nfc(p.unit)}
            for p in selection.proposals
        ],
    }
    if selection.fair:
        said["b"] = sorted(selection.fair)
    return chain.spelled(said).encode()


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _in_order(selection: Selection) -> Selection:
    return Selection(
        chosen=tuple(sorted(selection.chosen)),
        against=tuple(sorted(selection.against)),
        fair=tuple(sorted(selection.fair)),
        proposals=selection.proposals,
    )


def _numbers(value: Any) -> tuple[int, ...]:
    # type() and not isinstance(), because Python takes true for a 1.
    if not isinstance(value, list) or not all(type(number) is int for number in value):
        raise NotABallot("malformed")
    return tuple(value)


def _proposals(value: Any) -> tuple[Proposal, ...]:
    if not isinstance(value, list):
        raise NotABallot("malformed")
    return tuple(_proposal(item) for item in value)


def _proposal(value: Any) -> Proposal:
    match value:
        case {"t": str(title), "d": str(detail), "u": str(unit)}:
            return Proposal(title=title, detail=detail, unit=unit)
        case _:
            raise NotABallot("malformed")


def padded_size(rules: Rules, numbers: Collection[int]) -> int:
    """Return the size in bytes of every ballot of a poll, so that no size tells what is inside.

    It is the least multiple of 256 that holds the longest ballot that is legal under `rules` with
    the candidates `numbers`, and its padding of at least one byte.
    """
    poll, nonce = UUID(int=0), "0" * 32
    longest = max(
        len(_text(ballot, poll=poll, nonce=nonce)) for ballot in _longest_ballots(rules, numbers)
    )
    return (longest // BLOCK + 1) * BLOCK


def _longest_ballots(rules: Rules, numbers: Collection[int]) -> Iterator[Selection]:
    """Yield legal ballots, one of which is the longest that is legal.

    For each count of proposals that is as many of the longest numbers as the places allow. Where
    the rest may be voted against, all of them against none is longer still, by one comma; where
    there are grades, all in the one list that is else left out.
    """
    longest_first = sorted(set(numbers), key=lambda number: len(str(number)), reverse=True)
    candidates = dict.fromkeys(longest_first, "")
    yield Selection()
    if rules.is_graded:
        yield Selection(fair=tuple(longest_first))
        return
    for count in range(rules.proposal_limit + 1):
        proposals = tuple(_longest_proposal(position) for position in range(count))
        used = count if rules.proposals == "counted" else 0
        for ticks in {0, max(0, rules.places - used)}:
            ballot = Selection(
                chosen=tuple(longest_first[:ticks]),
                against=tuple(longest_first[ticks:]) if rules.form == "each" else (),
                proposals=proposals,
            )
            if not faults(ballot, rules, candidates):
                yield ballot


def _longest_proposal(position: int) -> Proposal:
    # No character takes more than four bytes: these ideographs do, while a quotation mark, a
    # backslash and a line feed take two each, being the only legal ones that JSON escapes.
    char = chr(0x20000 + position)
    return Proposal(char * TITLE_LIMIT, char * DETAIL_LIMIT, char * UNIT_LIMIT)


def seal(selection: Selection, *, public_key: bytes, poll: UUID, size: int) -> bytes:
    """Return `selection` sealed to the box of `poll`: `size` bytes and the overhead of the suite.

    `public_key` is `PrivateKey.public`, `size` is `padded_size` of the poll. Every call gives
    other bytes. Raises ValueError for a bad key and wherever `encode` does.
    """
    key = _parsed(public_key)
    plain = encode(selection, poll=poll, nonce=secrets.token_hex(16), size=size)
    return _HPKE.encrypt(plain, key, info=_binding(poll))


# A box is cast into hundreds of times; two or three are open at once.
@lru_cache(maxsize=4)
def _parsed(public_key: bytes) -> hpke.MLKEM768X25519PublicKey:
    if len(public_key) != PUBLIC_SIZE:
        raise ValueError(f"the public key of a box has {PUBLIC_SIZE} bytes")
    return hpke.MLKEM768X25519PublicKey(
        mlkem.MLKEM768PublicKey.from_public_bytes(public_key[:MLKEM_PUBLIC_SIZE]),
        x25519.X25519PublicKey.from_public_bytes(public_key[MLKEM_PUBLIC_SIZE:]),
    )


def unseal(sealed: bytes, *, key: PrivateKey, poll: UUID) -> tuple[Selection, str]:
    """Return the selection and the nonce in `sealed`, or raise NotABallot, whatever it holds.

    Two envelopes with one nonce are copies of each other, which the caller looks for.
    """
    try:
        plain = _HPKE.decrypt(sealed, key.opener, info=_binding(poll))
    except InvalidTag:
        raise NotABallot("not-opened") from None
    return decode(plain, poll=poll)


def _binding(poll: UUID) -> bytes:
    return f"{chain.PREFIX}ballot/{SUITE}".encode() + b"\0" + poll.bytes


def receipt(*, poll: UUID, sealed: bytes) -> str:
    """Return the receipt of a sealed ballot, 64 hexadecimal digits: SHA-256 over poll and bytes.

    It shows that a ballot is in the box and never what is in it.
    """
    return chain.digest("receipt", poll.bytes + b"\0" + sealed)


def receipts_root(receipts: Iterable[str]) -> str:
    """Return the digest of all receipts of a box: what the close puts on record.

    They come one by one in ascending order, and what is hashed is the canonical text of their list.
    """
    return chain.digest_of_parts("receipts", _listed(receipts))


def salted_root(root: str, salt: str) -> str:
    """Return what stands for the `root` of a box into which papers are still to come (design §5.8).

    Once they are in, all receipts are public: without the salt it could be found by trying which of
    them give the root of before. A box without papers has no salt, and its root stands for itself.
    """
    return chain.digest("salted-receipts", f"{salt} {root}") if salt else root


def _listed(receipts: Iterable[str]) -> Iterator[bytes]:
    # A receipt is 64 hexadecimal digits, of which JSON escapes none.
    comma = ""
    yield b"["
    for receipt in receipts:
        yield f'{comma}"{receipt}"'.encode()
        comma = ","
    yield b"]"


def receipt_code(receipt: str) -> str:
    """Return what people see of a receipt: its first 80 bits as 16 Crockford characters."""
    return crockford(int(receipt[:20], 16), characters=RECEIPT_LENGTH)


def grouped(code: str) -> str:
    """Return `code` in groups of four, such as F636-PR72-12S3-117N."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def read_receipt(text: str) -> str | None:
    """Return the sixteen characters of a receipt as somebody typed it; None where it is none.

    Whatever parts its groups and a label before it do not count, nor do case and width; O is read
    as 0, I and L as 1. What is far too long is not looked at.
    """
    if len(text) > LONGEST_TYPED:
        return None
    plain = unicodedata.normalize("NFKC", text).upper().translate(LOOKALIKES)
    for part in (plain, plain.partition(":")[2]):
        # Signs of other scripts are a label.
        code = "".join(char for char in part if char.isascii() and char.isalnum())
        if len(code) == RECEIPT_LENGTH and set(code) <= set(CROCKFORD):
            return code
    return None


def crockford(number: int, *, characters: int) -> str:
    """Return `number` in Crockford's base 32, which has no I, L, O and U, at a fixed length."""
    return "".join(CROCKFORD[number >> 5 * place & 31] for place in reversed(range(characters)))
