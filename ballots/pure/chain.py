"""Canonical text and the hash chain of the journal: pure, so that anybody can recompute it."""

import hashlib
import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

PREFIX = "yiwu-vote/v1/"
GENESIS = "0" * 64
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
)


def canonical(value: Any) -> str:
    """Return the one JSON text of `value` that is ever hashed.

    Keys are sorted, nothing is escaped but what JSON demands, and text is in NFC. Only strings,
    integers, booleans, None, lists and dictionaries with string keys are accepted: a float has
    more than one spelling. Raises ValueError for anything else.
    """
    return spelled(_normal(value))


def spelled(normal: Any) -> str:
    """Return `canonical` of what is in its normal form by the way it was made, which nobody looks at."""
    return _ENCODER.encode(normal)


def _normal(value: Any) -> Any:
    match value:
        case None | bool() | int():
            return value
        case str():
            return unicodedata.normalize("NFC", value)
        case list() | tuple():
            return [_normal(item) for item in value]
        case dict():
            if not all(isinstance(key, str) for key in value):
                raise ValueError("canonical text takes string keys only")
            normal = {_normal(key): _normal(item) for key, item in value.items()}
            if len(normal) != len(value):
                raise ValueError("canonical text cannot hold one key twice")
            return normal
        case _:
            raise ValueError(f"canonical text cannot hold a {type(value).__name__}")


def digest(tag: str, content: str | bytes) -> str:
    """Return the SHA-256 (64 hex digits) of `content` under a domain tag such as "journal".

    The tag keeps the hash of one kind of thing from ever standing for another kind.
    """
    return digest_of_parts(tag, [content.encode() if isinstance(content, str) else content])


def digest_of_parts(tag: str, parts: Iterable[bytes]) -> str:
    """Return `digest` of all `parts` one behind the other, of which none is kept."""
    hasher = hashlib.sha256((PREFIX + tag).encode() + b"\0")
    for part in parts:
        hasher.update(part)
    return hasher.hexdigest()


def check_number(head: str) -> str:
    """Return the sixteen digits (核对号) that people write down for the hash of an entry.

    Digits, for they are read aloud and written by hand: 53 bits of the hash, in groups of four.
    """
    digits = f"{int(head, 16) % 10**16:016}"
    return " ".join(digits[start : start + 4] for start in range(0, 16, 4))


@dataclass(frozen=True)
class Link:
    """One entry as it is hashed: `body` is canonical text and holds `seq` and `prev`."""

    body: str
    hash: str


def link(
    *,
    seq: int,
    prev: str,
    kind: str,
    at: str,
    by: str,
    second: str,
    salt: str,
    data: Any,
    signed: Any = None,
) -> Link:
    """Return the next link: `seq` counts from 1, `prev` is the hash before it, `at` is ISO 8601.

    `by` and `second` are user names; an empty `second` means that nobody signed beside. `salt` is
    random: where an entry is given out as its hash alone, nobody can try what it may have said.
    `signed` says when `by` and `second` had signed in and set their passwords; nothing is no part of it.
    """
    body = canonical(
        {
            "seq": seq,
            "prev": prev,
            "kind": kind,
            "at": at,
            "by": by,
            "second": second,
            "salt": salt,
            "data": data,
        }
        | ({"signed": signed} if signed else {})
    )
    return Link(body=body, hash=digest("journal", body))


def first_broken(links: Iterable[Link]) -> int | None:
    """Return the position (from 1) of the first link that does not fit, or None if all do."""
    prev = GENESIS
    for position, entry in enumerate(links, start=1):
        try:
            body = json.loads(entry.body)
        # Not JSON; JSON may also be nested deeper than Python can follow.
        except (ValueError, RecursionError):
            return position
        fits = (
            isinstance(body, dict)
            and body.get("seq") == position
            and body.get("prev") == prev
            and digest("journal", entry.body) == entry.hash
        )
        if not fits:
            return position
        prev = entry.hash
    return None
