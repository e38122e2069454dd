"""Check a package of a vote: python verifier.py F.zip [--head NUMBER] [--shares FILE] [--lang en].

It stands alone: nothing of the application is imported, for a proof that shares code with what it proves is none.
Level A needs Python only: it follows the journal, compares every hash and counts again from the
published ballots. Level B needs enough shares of the key and `cryptography`: it opens every sealed
ballot by itself and compares what comes out. What neither can see is said at the end: whether the
record was cut or made anew, only a 核对号 can tell that somebody wrote down (--head).

Exit status: 0 if all that could be checked is in order, else 1 and the name of what is not.
"""

import argparse
import binascii
import codecs
import hashlib
import json
import os
import re
import sys
import unicodedata
import zipfile
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from itertools import islice, repeat
from pathlib import Path
from typing import IO, Any
from uuid import UUID

try:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives import hashes, hpke
    from cryptography.hazmat.primitives.asymmetric import mlkem, x25519
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
except ImportError:  # level A runs on a bare Python, or beside an older cryptography
    CAN_OPEN = False
else:
    CAN_OPEN = True

# A candidate: number, title, text, targets and the rest; in the fifth format also its sub-items, each
# with its sum.
CANDIDATE: Any = (int, str, str, [str], [str])
WITH_SUB_ITEMS: Any = (*CANDIDATE, [(str, str)])
MORE_RULES = {"form": str, "objection_days": int}
# From the sixth on, which body votes, and from where on it is satisfied.
GRADE_RULES = {
    **{"body": str, "boundary": str, "boundary_included": bool},
    **{"whole_boundary": str, "whole_boundary_included": bool},
}
# The formats of packages so far, by what each has in `poll.json` beside what all of them have.
FORMATS: dict[str, dict[str, Any]] = {
    "yiwu-vote-package/1": {"rules": {}, "candidates": [CANDIDATE]},
    "yiwu-vote-package/2": {"rules": MORE_RULES, "candidates": [CANDIDATE]},
    "yiwu-vote-package/3": {"rules": MORE_RULES, "candidates": [CANDIDATE]},
    "yiwu-vote-package/4": {"rules": MORE_RULES, "candidates": [CANDIDATE]},
    "yiwu-vote-package/5": {"rules": MORE_RULES, "candidates": [WITH_SUB_ITEMS]},
    "yiwu-vote-package/6": {"rules": MORE_RULES | GRADE_RULES, "candidates": [WITH_SUB_ITEMS]},
}
# From the third on, the entry of the opening names its format, hashes the roll with its delegations
# and holds a short digest, which says nothing of what may still rise or is about the machine.
OPENING = 3
NOT_IN_THE_DIGEST = {"present", "plain_http", "digest"}
# From the fourth on, lists of names stand in entries of their own, which the public does not see;
# in their places stand digests.
LISTED = {"staff": "staff-listed", "holders": "holders-named"}
PREFIX = "yiwu-vote/v1/"
SUITE = "ML-KEM-768+X25519/HKDF-SHA256/ChaCha20-Poly1305"
ZERO = "0" * 64
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# Bytes that the suite adds to a ballot: ML-KEM-768's ciphertext, X25519's key, Poly1305's tag.
OVERHEAD = 1088 + 32 + 16
TITLE, DETAIL, UNIT = 30, 200, 30
# What nobody can see of a text: Unicode's Default_Ignorable_Code_Point and signs like a blank; and
# the categories of what has no shape.
UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
SHAPELESS = {"Cc", "Cf", "Cs", "Co", "Cn"}
# Marks alone, or with signs of a lost text (U+FFFD), are no text.
MARKS = {"Mn", "Me"}
# A share has 32 characters; what is far longer is not looked at.
LONGEST_SHARE = 200

# What grows with the people and their ballots is a list, read row by row and never held as a whole.
LISTS = {
    "full": ["roll.json", "sealed.json", "ballots.json", "places.json"],
    "public": ["receipts.json"],
}
RECORD = ["poll.json", "result.json", "journal.json"]
FILES = {
    "full": [*RECORD, "write_ins.json", *LISTS["full"]],
    "public": [*RECORD, *LISTS["public"]],
}
# Where proposals came, a full package has totals in the place of these two: single ballots would
# tell which of them a proposal stands on. Packages of before have the ballots all the same.
TOTALS, SINGLY = "totals.json", {"ballots.json", "places.json"}
# What is held as a whole may unpack to this much, and so may all of a small package. One of 350
# ballots unpacks to some 3 MB.
UNPACKED_LIMIT = 64 * 1024 * 1024
# How much more, in bytes, the lists may have for each ballot that the journal says was cast, beside
# the ballot itself, for each candidate on it, and for each person on the roll.
BALLOT_LIMIT, MARK_LIMIT, PERSON_LIMIT = 1_000, 40, 2_000
# No ballot of ten proposals is as large, and no row of a list may be.
ROW_LIMIT = 1024 * 1024
PIECE = 256 * 1024
PLAIN_ZIP = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


class Unreadable(Exception):
    """The file is no package, or one that nobody should unpack; the text says why."""


# --- what a package must look like ----------------------------------------------------------------

TEXTS = {"title": str, "detail": str, "unit": str}
SHAPES: dict[str, Any] = {
    "poll.json": {
        "uuid": str,
        "kind": str,
        "meeting": str,
        "year": int,
        "remarks": [str],
        "rules": {
            "places": int,
            "choice_rule": str,
            "blank_allowed": bool,
            "proposals": str,
            "proposal_limit": int,
            "voters": str,
            "majority": str,
            "delegates_total": int,
            "simple": bool,
            "show_votes": bool,
            "rules_name": str,
            "rules_adopted_on": str,
        },
        "candidates": list,
        "box": {
            "ceremony": int,
            "suite": str,
            "public_key": str,
            "threshold": int,
            # The names, or their digest in a public package.
            "holders": {list, str},
            "commitments": [str],
            "ballot_size": int,
        },
    },
    "roll.json": [
        {"number": str, "name": str, "delegation": str, "present": bool, "voted": bool},
    ],
    "sealed.json": [{"receipt": str, "sealed": str}],
    "receipts.json": [str],
    # Those of a 满意度测评 also have a list `fair`.
    "ballots.json": [{"chosen": [int], "against": [int], "invalid": str}],
    "places.json": [int],
    TOTALS: {"valid": int, "invalid": int, "candidates": [(int, int, int)]},
    "write_ins.json": [
        TEXTS | {"key": str, "ruling": str, "into": str, "reason": str, "ballots": int},
    ],
    "journal.json": [{"kind": str, "hash": str, "body": {str, type(None)}}],
}
# The versions of the figures after the first, by what each says beside that one. The first and the
# oldest of version 1 do not name theirs.
SINCE_1 = {"merged": int, "marks": int, "doubled": int, "turned": int}
FIGURES = {
    "poll": {"uuid": str, "meeting": str, "year": int, "kind": str},
    "rules": dict,
    "turnout": {
        "delegates_total": int,
        "roll": int,
        "present": int,
        "issued": int,
        "returned": int,
        "valid": int,
        "invalid": int,
        "blank": int,
        "voted": int,
        "cards_reissued": int,
    },
    "needed": int,
    "places": int,
    "candidates": int,
    "proposals": int,
    "proposed_items": int,
    "items": [
        {
            "item": str,
            "title": str,
            "source": str,
            "rank": int,
            "shared": bool,
            "votes": int,
            "against": int,
            "abstained": int,
            "share_of_valid": str,
            "share_of_all": str,
            "majority": bool,
            "outcome": str,
        }
    ],
    "places_left": int,
    "shortfall": int,
    "doubles": int,
    "refused": int,
    "checks": [{"name": str, "left": int, "right": int, "relation": str, "holds": bool}],
    "salt": str,
}
# Version 2 is that of a count with papers, version 3 that of a 满意度测评.
PAPERS = {"papers": int, "papers_returned": int}
GRADED: dict[str, Any] = {
    "items": [{"fair": int, "share_good": str, "share_satisfied": str}],
    "whole": {
        **dict.fromkeys(["good", "fair", "poor", "abstained", "base", "needed"], int),
        **dict.fromkeys(["share_good", "share_satisfied", "grade"], str),
    },
}
FIGURES_VERSIONS: dict[int, dict[str, Any]] = {
    **{1: SINCE_1, 2: SINCE_1 | {"turnout": PAPERS}, 3: SINCE_1 | GRADED},
}
# Where 满意 can begin: so many of so many of the base.
BOUNDARIES = {
    **{"1/2": (1, 2), "3/5": (3, 5), "2/3": (2, 3), "7/10": (7, 10)},
    **{"3/4": (3, 4), "4/5": (4, 5), "9/10": (9, 10)},
}
# What the record says of papers that were counted and sealed.
PAPERS_COUNTED = {"issued": int, "exchanged": int, "returned": int, "unused": int}
PAPERS_SEALED = {
    **{"before": int, "receipts_before": str, "papers": int, "invalid": int},
    **{"ballots": int, "receipts": str, "keyers": [str]},
}
ENTRY = {
    "seq": int,
    "prev": str,
    "kind": str,
    "at": str,
    "by": str,
    "second": str,
    "salt": str,
    "data": dict,
}


def fits(value: Any, shape: Any) -> bool:
    """Tell whether parsed JSON has `shape`: a type, {key: shape}, [shape], a row, or a choice.

    type() and not isinstance(): Python would take true for a 1.
    """
    match shape:
        case dict():
            return isinstance(value, dict) and all(
                key in value and fits(value[key], inner) for key, inner in shape.items()
            )
        case list():
            return isinstance(value, list) and all(fits(item, shape[0]) for item in value)
        case tuple():
            return (
                isinstance(value, list)
                and len(value) == len(shape)
                and all(fits(item, inner) for item, inner in zip(value, shape, strict=True))
            )
        case set():
            return type(value) in shape
        case _:
            return type(value) is shape


# --- reading --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """One entry of the journal; `said` is empty where the public package holds back its text."""

    kind: str
    hash: str
    body: str | None
    said: dict[str, Any] = field(default_factory=dict)

    @property
    def data(self) -> Any:
        return self.said.get("data", {})


@dataclass(frozen=True)
class Terms:
    """What `poll.json` says: the poll, its rules, its candidates and its box."""

    poll: Any

    @cached_property
    def uuid(self) -> UUID:
        return UUID(self.poll["uuid"])

    @property
    def box(self) -> Any:
        return self.poll["box"]

    @property
    def sealed_size(self) -> int:
        """The bytes of every sealed ballot of this box."""
        return int(self.box["ballot_size"]) + OVERHEAD

    @cached_property
    def rules(self) -> Any:
        """The rules in today's words: until there was another form, each ballot chose."""
        return {"form": "choose"} | self.poll["rules"]

    @cached_property
    def titles(self) -> dict[int, str]:
        return {candidate[0]: candidate[1] for candidate in self.poll["candidates"]}

    @property
    def counted_proposals(self) -> bool:
        return bool(self.rules["proposals"] == "counted")

    @property
    def is_graded(self) -> bool:
        """Whether each ballot gives grades: `chosen` are 满意, `fair` 基本满意, `against` 不满意."""
        return bool(self.rules["form"] == "grades")


@dataclass
class Package:
    """A package whose every file has the shape that it should; nothing of it is believed yet.

    Of the lists it holds what they come to. Their rows stay in `archive`.
    """

    kind: str
    manifest: dict[str, Any]
    parsed: dict[str, Any]
    journal: list[Entry]
    archive: zipfile.ZipFile
    checksums: dict[str, str] = field(default_factory=dict)
    receipts: "Receipts" = field(default_factory=lambda: Receipts())
    published: "Published" = field(default_factory=lambda: Published())

    @property
    def full(self) -> bool:
        return self.kind == "full"

    @property
    def lists_ballots(self) -> bool:
        """Whether the opened ballots stand in it one by one, and not as their totals alone."""
        return self.full and TOTALS not in self.parsed

    @cached_property
    def terms(self) -> Terms:
        return Terms(self.parsed["poll.json"])

    @property
    def poll(self) -> Any:
        return self.terms.poll

    @property
    def rules(self) -> Any:
        return self.terms.rules

    @property
    def box(self) -> Any:
        return self.terms.box

    @property
    def titles(self) -> dict[int, str]:
        return self.terms.titles

    @property
    def counted_proposals(self) -> bool:
        return self.terms.counted_proposals

    @property
    def result(self) -> Any:
        return self.parsed["result.json"]

    @property
    def figures(self) -> Any:
        return self.result["figures"]

    @property
    def write_ins(self) -> Any:
        return self.parsed["write_ins.json"]

    def rows(self, name: str) -> Iterator[Any]:
        """Yield the rows of one of the lists, read anew."""
        return _rows(self.archive, name, hashlib.sha256())

    @cached_property
    def roll(self) -> "Roll":
        return Roll.of(self)

    @property
    def closed(self) -> Any:
        """What the record says of the box as it was closed, and of those in it."""
        return self.last("closed").data

    @property
    def laid(self) -> Any:
        """What the record says of the box as it was opened: with the papers, where there were any."""
        return self.last("papers-sealed").data or self.closed

    @property
    def papers(self) -> int:
        """How many of the ballots in the box came on paper."""
        return _whole(self.last("papers-sealed").data.get("papers"))

    def entries(self, kind: str) -> list[Entry]:
        return [entry for entry in self.journal if entry.kind == kind]

    def last(self, kind: str) -> Entry:
        """Return the last entry of `kind`, or one that says nothing: what is asked of it differs."""
        return (self.entries(kind) or [Entry(kind, "", None)])[-1]

    @property
    def head(self) -> str:
        """The hash of the last entry, up to which the whole record is bound together."""
        return self.journal[-1].hash if self.journal else ZERO

    @property
    def since_count(self) -> list[Entry]:
        """The entries after the last count; all of them where there was none."""
        places = [
            position for position, entry in enumerate(self.journal) if entry.kind == "counted"
        ]
        return self.journal[places[-1] + 1 :] if places else self.journal


def read(source: Path | IO[bytes]) -> Package:
    """Return the package in a zip file, or raise Unreadable, whatever its bytes are.

    What grows with the ballots is read once, row by row, and never held as a whole.
    """
    try:
        archive = zipfile.ZipFile(source)
    except OSError as error:
        raise Unreadable(f"无法读取文件：{error.strerror or error}") from None
    except Exception:
        # zipfile answers damaged bytes with more kinds of exception than it documents.
        raise Unreadable(DAMAGED) from None
    sizes = _sizes(archive)
    lists = {name for names in LISTS.values() for name in names}
    if sum(size for name, size in sizes.items() if name not in lists) > UNPACKED_LIMIT:
        raise Unreadable(TOO_LARGE)
    texts = {name: b"".join(_pieces(archive, name)) for name in sizes if name not in lists}
    parsed = {name: _parsed(name, text) for name, text in texts.items()}
    checksums = {name: hashlib.sha256(text).hexdigest() for name, text in texts.items()}
    manifest = parsed.pop("manifest.json", None)
    if not fits(manifest, {"format": str, "package": str, "files": dict}):
        raise Unreadable("缺少 manifest.json，或其格式不符")
    if manifest["format"] not in FORMATS or manifest["package"] not in FILES:
        raise Unreadable("数据包的版本无法识别")
    kind = manifest["package"]
    for name in files_of(kind, sizes):
        if name not in sizes:
            raise Unreadable(f"缺少 {name}")
        if name in parsed and name in SHAPES and not fits(parsed[name], SHAPES[name]):
            raise Unreadable(f"{name} 的格式不符")
    if not _is_poll(parsed["poll.json"], FORMATS[manifest["format"]]):
        raise Unreadable("poll.json 的格式不符")
    if not _has_known_version(parsed["result.json"]):
        raise Unreadable("票决结果的数据版本无法识别")
    if not _is_result(parsed["result.json"], full=kind == "full"):
        raise Unreadable("result.json 的格式不符")
    journal = [_entry(row) for row in parsed["journal.json"]]
    if kind == "full" and any(entry.body is None for entry in journal):
        raise Unreadable("journal.json 的格式不符")
    package = Package(kind, manifest, parsed, journal, archive, checksums)
    if sum(sizes.values()) > _limit(package):
        raise Unreadable(TOO_LARGE)
    _read_lists(package, archive, [name for name in sizes if name in lists])
    return package


def files_of(kind: str, names: Iterable[str]) -> list[str]:
    """Return the files that a package of `kind` must have, where it has those called `names`."""
    if kind == "full" and TOTALS in names:
        return [*(name for name in FILES[kind] if name not in SINGLY), TOTALS]
    return FILES[kind]


DAMAGED = "文件不是数据包，或已损坏"
NO_JSON = "{} 不是可读的 JSON"
TOO_LARGE = "数据包解压后过大，未予读取"


def _sizes(archive: zipfile.ZipFile) -> dict[str, int]:
    """Return the unpacked size of each file as the zip states it; zipfile never unpacks more.

    That holds of what is deflated, so that a lie gains nothing; of bzip2 and LZMA a whole block is
    unpacked first, which may be gigabytes.
    """
    members = archive.infolist()
    known = {"manifest.json", TOTALS, *FILES["full"], *FILES["public"]}
    names = [member.filename for member in members]
    if not set(names) <= known or len(set(names)) != len(names):
        raise Unreadable("数据包中有多余或重复的文件")
    if any(member.compress_type not in PLAIN_ZIP for member in members):
        raise Unreadable("数据包的压缩方式无法识别")
    return {member.filename: member.file_size for member in members}


def _limit(package: Package) -> int:
    """Return how many bytes a package of as many ballots may unpack to.

    The ballots are those of the closed box, each of the size of this box, and the people those who could
    cast one. Whoever lies in the journal gains time, not memory: the lists are read row by row.
    """
    terms = package.terms
    ballots = _whole(package.laid.get("ballots"))
    people = _whole(package.last("opened").data.get("on_roll")) + len(package.entries("roll-added"))
    in_base_64 = min(max(0, terms.sealed_size), ROW_LIMIT) * 4 // 3
    a_ballot = in_base_64 + BALLOT_LIMIT + MARK_LIMIT * len(terms.titles)
    return UNPACKED_LIMIT + ballots * a_ballot + people * PERSON_LIMIT


def _whole(number: Any) -> int:
    return max(0, number) if type(number) is int else 0


def _read_lists(package: Package, archive: zipfile.ZipFile, names: Sequence[str]) -> None:
    """Read each list once: its checksum, the shape of its rows, and what they come to."""
    takes: dict[str, Callable[[Package, Any], None]] = {
        "receipts.json": lambda package, row: package.receipts.add(row),
        "sealed.json": lambda package, row: package.receipts.add_sealed(row, package.terms),
        "ballots.json": lambda package, row: package.published.add(row, package.terms),
        "places.json": lambda package, row: package.published.add_places(row),
    }
    if TOTALS in package.parsed:
        package.published.add_totals(package.parsed[TOTALS], package.terms)
    wanted = files_of(package.kind, package.parsed)
    for name in names:
        checksum = hashlib.sha256()
        take, shape = takes.get(name), SHAPES[name][0]
        for row in _rows(archive, name, checksum):
            if not fits(row, shape):
                raise Unreadable(f"{name} 的格式不符")
            # A list of the other kind of package is found by its name alone.
            if take and name in wanted:
                take(package, row)
        package.checksums[name] = checksum.hexdigest()


def _pieces(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """Yield a file of the zip piece by piece; Unreadable where it is damaged."""
    try:
        with archive.open(name) as member:
            while piece := member.read(PIECE):
                yield piece
    except Exception:
        raise Unreadable(DAMAGED) from None


# A list in JSON is read as a separator and a row, again and again. What follows a row must have been
# seen before the row is believed: the digits of a number may go on in the next piece.
FIRST = re.compile(r"[ \t\n\r]*\[[ \t\n\r]*")
NEXT = re.compile(r"[ \t\n\r]*,[ \t\n\r]*")
AFTER = re.compile(r"[ \t\n\r]*[,\]]")
END = re.compile(r"[ \t\n\r]*\][ \t\n\r]*")
EMPTY = re.compile(r"[ \t\n\r]*\[[ \t\n\r]*\][ \t\n\r]*")


def _rows(archive: zipfile.ZipFile, name: str, checksum: "hashlib._Hash") -> Iterator[Any]:
    """Yield the rows of a list in JSON, in whatever layout; at most ROW_LIMIT of it is held.

    Each byte goes into `checksum`. Raises Unreadable for what is no list in JSON.
    """
    scan = json.JSONDecoder().raw_decode
    held, place, separator, end = "", 0, FIRST, EMPTY
    for text in _texts(archive, name, checksum):
        if len(held) - place > ROW_LIMIT:
            raise Unreadable(NO_JSON.format(name))
        held, place = held[place:] + text, 0
        while found := separator.match(held, place):
            try:
                row, after = scan(held, found.end())
            # Not whole yet, or no JSON, or nested deeper than Python can follow.
            except (ValueError, RecursionError):
                break
            if not AFTER.match(held, after):
                break
            yield row
            place, separator, end = after, NEXT, END
    if not end.fullmatch(held, place):
        raise Unreadable(NO_JSON.format(name))


def _texts(archive: zipfile.ZipFile, name: str, checksum: "hashlib._Hash") -> Iterator[str]:
    def pieces() -> Iterator[bytes]:
        for piece in _pieces(archive, name):
            checksum.update(piece)
            yield piece

    try:
        yield from codecs.iterdecode(pieces(), "utf-8")
    except UnicodeDecodeError:
        raise Unreadable(NO_JSON.format(name)) from None


def _is_poll(poll: Any, shape: dict[str, Any]) -> bool:
    try:
        UUID(poll["uuid"])
    except ValueError:
        return False
    return fits(poll, shape)


def _parsed(name: str, text: bytes) -> Any:
    try:
        return json.loads(text.decode())
    # Text that is not UTF-8 or not JSON; JSON may also be nested deeper than Python can follow.
    except (ValueError, RecursionError):
        raise Unreadable(NO_JSON.format(name)) from None


def _has_known_version(result: Any) -> bool:
    """Tell whether the figures, if there are any, can be read; what they hold is asked next."""
    figures = result.get("figures") if isinstance(result, dict) else None
    if not isinstance(figures, dict) or "version" not in figures:
        return True
    return type(figures["version"]) is int and figures["version"] in FIGURES_VERSIONS


def _is_result(value: Any, *, full: bool) -> bool:
    if fits(value, {"digest": str, "figures": FIGURES}):
        figures = value["figures"]
        if "version" in figures:
            return fits(figures, FIGURES_VERSIONS[figures["version"]])
        return fits(figures, SINCE_1) or not figures.keys() & SINCE_1.keys()
    if full:
        return False
    shown = ({"adopted": [(str, str)]}, {"grades": [(str, str, str)]})
    return any(fits(value, {"digest": str} | shape) for shape in shown)


def _entry(row: dict[str, Any]) -> Entry:
    body = row["body"]
    if body is None:
        return Entry(row["kind"], row["hash"], None)
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not fits(said, ENTRY):
        raise Unreadable("journal.json 中有一条操作记录的格式不符")
    return Entry(row["kind"], row["hash"], body, said)


# --- hashes ---------------------------------------------------------------------------------------


def canonical(value: Any) -> str:
    """Return the one text of parsed JSON that was hashed: sorted keys, no blanks, NFC."""
    return json.dumps(_nfc(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _nfc(value: Any) -> Any:
    match value:
        case str():
            return unicodedata.normalize("NFC", value)
        case list():
            return [_nfc(item) for item in value]
        case dict():
            return {_nfc(key): _nfc(item) for key, item in value.items()}
        case _:
            return value


def tagged(tag: str, data: bytes) -> str:
    """Return SHA-256 of `data` under a tag that keeps one kind of hash from standing for another."""
    return hashlib.sha256((PREFIX + tag).encode() + b"\0" + data).hexdigest()


def digest(tag: str, value: Any) -> str:
    return tagged(tag, canonical(value).encode())


class ListDigest:
    """What `digest` says of a list, fed row by row."""

    def __init__(self, tag: str) -> None:
        self._hash = hashlib.sha256((PREFIX + tag).encode() + b"\0[")
        self._before = b""

    def add(self, row: Any) -> None:
        # Half a character has no bytes of its own; what the application hashed holds none.
        self._hash.update(self._before + canonical(row).encode(errors="surrogatepass"))
        self._before = b","

    def hexdigest(self) -> str:
        whole = self._hash.copy()
        whole.update(b"]")
        return whole.hexdigest()


# --- what the lists come to -----------------------------------------------------------------------


@dataclass
class Receipts:
    """The receipts of a package and, in a full one, the sealed ballots beside them.

    `strange` are the places, from one, of ballots that are not those of their receipts.
    """

    count: int = 0
    well_formed: bool = True
    repeated: bool = False
    sorted: bool = True
    strange: list[int] = field(default_factory=list)
    wrong_size: int = 0
    # Set apart at the close and never opened: they stand here without their bytes.
    apart: int = 0
    root: ListDigest = field(default_factory=lambda: ListDigest("receipts"))
    _last: str = ""

    def add(self, receipt: str) -> None:
        self.count += 1
        self.well_formed = self.well_formed and bool(RECEIPT.fullmatch(receipt))
        # People see the first 80 bits, sixteen characters.
        self.repeated = self.repeated or receipt[:20] == self._last[:20]
        self.sorted = self.sorted and receipt >= self._last
        self.root.add(receipt)
        self._last = receipt

    def add_sealed(self, row: dict[str, Any], terms: Terms) -> None:
        self.add(row["receipt"])
        if not row["sealed"]:
            self.apart += 1
            return
        sealed = _sealed(row)
        if tagged("receipt", terms.uuid.bytes + b"\0" + sealed) != row["receipt"]:
            self.strange.append(self.count)
        self.wrong_size += len(sealed) != terms.sealed_size


RECEIPT = re.compile("[0-9a-f]{64}")


def _sealed(row: dict[str, Any]) -> bytes:
    try:
        return binascii.a2b_base64(row["sealed"], strict_mode=True)
    except ValueError:  # not base 64, or not even ASCII
        return b""


@dataclass
class Published:
    """The published ballots, counted candidate by candidate, and the places that they use.

    `illegal` and `marked` are the places, from one, of valid ballots that break a rule and of
    invalid ones that have choices. `chosen` says how many valid ballots fill how many places with
    candidates, `used` how many use how many places; grades use none.
    """

    valid: int = 0
    invalid: int = 0
    apart: int = 0
    illegal: list[int] = field(default_factory=list)
    marked: list[int] = field(default_factory=list)
    votes: Counter[int] = field(default_factory=Counter)
    fair: Counter[int] = field(default_factory=Counter)
    against: Counter[int] = field(default_factory=Counter)
    chosen: Counter[int] = field(default_factory=Counter)
    unmarked: int = 0
    opposing: int = 0
    used: Counter[int] = field(default_factory=Counter)
    used_sorted: bool = True
    # The candidates of whom totals are told, as they stand there.
    numbers: list[int] = field(default_factory=list)
    _last: int | None = None

    @property
    def count(self) -> int:
        return self.valid + self.invalid

    def add(self, ballot: dict[str, Any], terms: Terms) -> None:
        chosen, against, fair = ballot["chosen"], ballot["against"], fair_of(ballot)
        if ballot["invalid"]:
            self.invalid += 1
            self.apart += ballot["invalid"] == "set-apart"
            if chosen or against or fair:
                self.marked.append(self.count)
            return
        self.valid += 1
        if not _is_legal(terms, chosen, against, fair):
            self.illegal.append(self.count)
        # A number that no candidate has is illegal, and no vote.
        self.votes.update(terms.titles.keys() & chosen)
        self.fair.update(terms.titles.keys() & fair)
        self.against.update(terms.titles.keys() & against)
        places = 0 if terms.is_graded else len(chosen)
        self.chosen[places] += 1
        if not places:
            self.unmarked += not (chosen or fair or against)
            self.opposing += bool(chosen or fair or against)

    def add_totals(self, totals: dict[str, Any], terms: Terms) -> None:
        """Take what the ballots come to, where none is told singly."""
        self.valid, self.invalid = totals["valid"], totals["invalid"]
        for number, votes, against in totals["candidates"]:
            self.votes[number] += votes
            self.against[number] += against
        self.numbers = [number for number, _votes, _against in totals["candidates"]]

    def add_places(self, places: int) -> None:
        self.used_sorted = self.used_sorted and (self._last is None or self._last <= places)
        self.used[places] += 1
        self._last = places

    @property
    def choices(self) -> int:
        """How many candidates stand on all the valid ballots together."""
        return sum(number * ballots for number, ballots in self.chosen.items())

    @property
    def places(self) -> int:
        """How many places all the valid ballots use together."""
        return sum(number * ballots for number, ballots in self.used.items())


def fair_of(ballot: dict[str, Any]) -> list[int]:
    """Return the numbers that a published ballot grades 基本满意; other ballots have no such list."""
    fair = ballot.get("fair", [])
    if not fits(fair, [int]):
        raise Unreadable("ballots.json 的格式不符")
    return list(fair)


@dataclass
class Roll:
    """What the roll comes to, beside those whom the journal names.

    `here` says of each of these whether the roll has them as present.
    """

    count: int = 0
    present: int = 0
    voted: int = 0
    papers: int = 0
    absent_voters: int = 0
    repeated: bool = False
    voted_twice: bool = False
    at_opening: int = 0
    added: int = 0
    present_unnamed: int = 0
    here: dict[tuple[str, str], bool] = field(default_factory=dict)
    digest: ListDigest = field(default_factory=lambda: ListDigest("roll"))
    voters: ListDigest = field(default_factory=lambda: ListDigest("voters"))

    @classmethod
    def of(cls, package: Package) -> "Roll":
        columns = ["number", "name"]
        if "format" in package.last("opened").data:
            columns.append("delegation")
        added = [
            [entry.data.get(column) for column in columns]
            for entry in package.entries("roll-added")
        ]
        named = {
            (person[0], person[1])
            for entry in package.journal
            if entry.kind in PRESENCE
            for person in entry.data.get("people", [])
        }
        roll, numbers = cls(), set()
        for row in package.rows("roll.json"):
            said = [row[column] for column in columns]
            roll.count += 1
            roll.present += row["present"]
            roll.voted += row["voted"]
            if row["voted"]:
                roll.voters.add(row["number"])
            # Packages of before say no channel: there were no papers.
            on_paper = row.get("channel") == "paper"
            roll.papers += on_paper
            roll.absent_voters += (row["voted"] or on_paper) and not row["present"]
            roll.voted_twice = roll.voted_twice or (row["voted"] and on_paper)
            roll.repeated = roll.repeated or row["number"] in numbers
            numbers.add(row["number"])
            if said in added:
                roll.added += 1
            else:
                roll.at_opening += 1
                roll.digest.add(said)
            person = (row["number"], row["name"])
            if person in named:
                roll.here[person] = row["present"]
            else:
                roll.present_unnamed += row["present"]
        return roll


# --- level A: the record --------------------------------------------------------------------------

Faults = Iterator[str]

# The legal order of the acts, a letter each. Others, such as a delegate added to the roll, may
# stand anywhere.
LETTERS = {
    "key-made": "K",
    "key-tested": "T",
    "opened": "O",
    "paused": "P",
    "resumed": "R",
    "deadline-moved": "M",
    "closed": "C",
    "papers-counted": "Q",
    "papers-sealed": "Z",
    "box-opened": "B",
    "canvass-closed": "V",
    "canvass-skipped": "V",
    "counted": "N",
    "sent-back": "S",
    "confirmed": "F",
    "decided": "D",
    "published": "U",
    "revealed": "L",
    "archived": "A",
    "voided": "X",
    "draft-dropped": "E",
}
ORDER = re.compile("[KT]*KT+OM*(PM*RM*)*(PM*)?C(Q+Z)?B(VNF*S)*VNF*D?(UL*A?)?")


def check_manifest(package: Package) -> Faults:
    stated = package.manifest["files"]
    found = {name: value for name, value in package.checksums.items() if name != "manifest.json"}
    if set(found) != set(files_of(package.kind, found)) or set(stated) != set(found):
        yield "文件与清单不一致"
    for name, checksum in found.items():
        if stated.get(name) != checksum:
            yield f"{name} 与清单中的校验值不符"


def check_journal(package: Package) -> Faults:
    prev, at = ZERO, ""
    for position, entry in enumerate(package.journal, start=1):
        if entry.body is not None:
            said = entry.said
            if tagged("journal", entry.body.encode()) != entry.hash:
                yield f"第{position}条的内容与校验码不符"
            elif (said["seq"], said["prev"]) != (position, prev):
                yield f"第{position}条与前一条不衔接"
            elif said["kind"] != entry.kind or canonical(said) != entry.body:
                yield f"第{position}条的写法不符"
            elif said["at"] < at:
                yield f"第{position}条的时间早于前一条"
            at = said["at"]
        prev = entry.hash
    if not package.journal:
        yield "没有操作记录"


def check_number(value: str) -> str:
    """Return the sixteen digits that people write down for the hash of an entry, ungrouped."""
    # A record may be of anybody's making: what is no hash has no number.
    return f"{int(value, 16) % 10**16:016}" if RECEIPT.fullmatch(value) else ""


def grouped(number: str) -> str:
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))


def check_heads(package: Package, heads: Sequence[str]) -> Faults:
    """Look in the record for each 核对号 that somebody wrote down, at whatever moment.

    An entry is bound to all before it, so that whatever was changed, cut or slipped in up to that
    moment would have given another number.
    """
    known = {check_number(entry.hash) for entry in package.journal}
    for head in map(digits_of, heads):
        if len(head) != DIGITS:
            yield f"核对号应为{DIGITS}位数字"
        elif head not in known:
            yield f"{grouped(head)} 不在操作记录中：记录被截去或改动过，或属于另一次票决"


DIGITS = 16


def digits_of(typed: str) -> str:
    """Return the digits of a 核对号, whatever parts them; full-width ones too."""
    return "".join(filter(str.isdecimal, unicodedata.normalize("NFKC", typed[:100])))


# What may stand anywhere before the opening, and anywhere from there to the close.
BEFORE_OPENING = {"roll-drawn-up", "presence-marked", "presence-confirmed", *LISTED.values()}
WHILE_OPEN = {
    *("presence-raised", "presence-lowered", "roll-added"),
    *("papers-issued", "paper-taken-back", "papers-exchanged"),
}
# And anywhere from there on.
SINCE_OPENING = {"status-set", "account-changed"}


def check_order(package: Package) -> Faults:
    acts = "".join(LETTERS.get(entry.kind, "") for entry in package.journal)
    if not ORDER.fullmatch(acts):
        yield "步骤缺少、重复或次序不对"
        return
    kinds = [entry.kind for entry in package.journal]
    opened, closed = kinds.index("opened"), kinds.index("closed")
    for place, kind in enumerate(kinds):
        if (
            (kind in BEFORE_OPENING and place > opened)
            or (kind in WHILE_OPEN and not opened < place < closed)
            or (kind in SINCE_OPENING and place < opened)
        ):
            yield f"第{place + 1}条（{kind}）不在它应有的阶段"
    for entry in package.entries("canvass-closed"):
        if entry.said and entry.said["second"] in {"", entry.said["by"]}:
            yield "归并结束没有第二人签名"
    if package.entries("canvass-skipped") and package.last("box-opened").data.get("write_ins"):
        yield "有推荐项目而略过了归并"


# How far a poll must have come for there to be a package of it, and how each step is called.
PHASES = {"counted": "计票", "confirmed": "复核", "published": "公布"}
# Under which name an entry says that all of the result was shown.
ALL_SHOWN = {"published": "at_once", "revealed": "is_all"}


def check_state(package: Package) -> Faults:
    """Demand the entries that the state of the poll implies: a record may have lost its end.

    A package of before does not say its state; a public one was always of a published poll.
    """
    phase = package.poll.get("phase", None if package.full else "published")
    if phase is None:
        return
    if phase not in PHASES:
        yield "票决所处的阶段无法识别"
        return
    kinds = [entry.kind for entry in package.since_count]
    if "sent-back" in kinds or not package.entries("counted"):
        yield "没有现行计票的记录"
    reached = "counted"
    if kinds.count("confirmed") >= confirmers(package):
        reached = "confirmed"
    if "published" in kinds:
        reached = "published"
    if reached != phase:
        yield f"操作记录到{PHASES[reached]}为止，而票决所处的阶段是{PHASES[phase]}"
    # Entries of before do not say whether they showed all.
    is_shown = any(
        entry.data.get(ALL_SHOWN[entry.kind], True)
        for entry in package.since_count
        if entry.kind in ALL_SHOWN
    )
    if package.poll.get("is_revealed") is True and not is_shown:
        yield "结果已全部揭晓，操作记录中却没有"
    if package.poll.get("is_archived") is True and "archived" not in kinds:
        yield "票决已归档，操作记录中却没有"


def check_deadline(package: Package) -> Faults:
    """Follow the deadline from the opening on: each move starts where the last one ended, and later.

    An opening before this was on record does not say its deadline.
    """
    last = package.last("opened").data.get("closes_at")
    for position, entry in enumerate(package.entries("deadline-moved"), start=1):
        data = entry.data
        if not fits(data, {"old": str, "new": str, "reason": str}) or not data["reason"].strip():
            yield f"第{position}次延长的记录不全"
            continue
        if last is not None and data["old"] != last:
            yield f"第{position}次延长的原定时间与之前的记录不符"
        if not data["old"] or datetime.fromisoformat(data["new"]) <= datetime.fromisoformat(
            data["old"]
        ):
            yield f"第{position}次改动没有把截止时间延后"
        if entry.said["second"] in {"", entry.said["by"]}:
            yield f"第{position}次延长没有第二人签名"
        last = data["new"]


def check_poll(package: Package) -> Faults:
    said = {name: package.poll[name] for name in ("uuid", "kind", "meeting", "year")}
    yield from _compare_with_opening(package, "poll", said)


def check_candidates(package: Package) -> Faults:
    yield from _compare_with_opening(package, "candidates", package.poll["candidates"])
    if len(package.titles) != len(package.poll["candidates"]):
        yield "候选项目编号重复"


def check_rules(package: Package) -> Faults:
    yield from _compare_with_opening(package, "rules", package.poll["rules"])


def check_opening(package: Package) -> Faults:
    opened = package.last("opened").data
    number = int(package.manifest["format"].rpartition("/")[2])
    if opened.get("format") != (number if number >= OPENING else None):
        yield "开始投票的记录与数据包的版本不符"
    if opened.get("digest") != (short_digest(opened) if number >= OPENING else None):
        yield "核对码与开始投票时记录的内容不符"
    if not _is_listed(package, "staff", opened.get("staff")):
        yield "工作人员名单与开始投票时记录的校验值不符"


def _is_listed(package: Package, what: str, said: Any) -> bool:
    """Tell whether the digest `said` is that of the list of names before it.

    Of a list that is withheld, only that it is there. Earlier versions `said` the names themselves.
    """
    if type(said) is not str:
        return True
    listed = package.entries(LISTED[what])[-1:]
    return bool(listed) and (not listed[0].said or digest(what, listed[0].data) == said)


def names(package: Package, what: str, said: Any) -> Any:
    """Return the list of names for which `said` stands; None where it is withheld."""
    return package.last(LISTED[what]).data.get(what) if type(said) is str else said


def short_digest(opened: dict[str, Any]) -> str:
    """Return the twelve signs that were read out at the opening, for what its entry holds."""
    said = {name: value for name, value in opened.items() if name not in NOT_IN_THE_DIGEST}
    number = int(digest("opening", said)[:15], 16)
    code = "".join(CROCKFORD[number >> 5 * place & 31] for place in reversed(range(12)))
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def check_roll(package: Package) -> Faults:
    roll, opened = package.roll, package.last("opened").data
    if roll.added != len(package.entries("roll-added")):
        yield "增补的代表与操作记录不符"
    if roll.repeated:
        yield "代表证号重复"
    if opened.get("roll") != roll.digest.hexdigest():
        yield "与开始投票时记录的校验值不符"
    if opened.get("on_roll") != roll.at_opening:
        yield "名册人数与操作记录不符"


def _compare_with_opening(package: Package, name: str, value: Any) -> Faults:
    if package.last("opened").data.get(name) != digest(name, value):
        yield "与开始投票时记录的校验值不符"


def check_key(package: Package) -> Faults:
    box = package.box
    made = package.last("key-made").data
    holders = made.get("holders")
    said = made | {"holders": names(package, "holders", holders) if package.full else holders}
    for name in ("ceremony", "suite", "threshold", "holders", "commitments"):
        if said.get(name) != box[name]:
            yield f"{name} 与生成密钥时的记录不符"
    if not _is_listed(package, "holders", holders):
        yield "保管人名单与生成密钥时记录的校验值不符"
    if made.get("public_key") != tagged("public-key", bytes.fromhex(box["public_key"])):
        yield "公钥与生成密钥时的记录不符"
    for kind in ("key-tested", "opened"):
        said = package.last(kind).data
        # An entry of an earlier version names the ceremony and not the key.
        key = said.get("public_key", made.get("public_key"))
        if said.get("ceremony") != box["ceremony"] or key != made.get("public_key"):
            yield "试开或开始投票所用的不是这把密钥"
    if box["suite"] != SUITE:
        yield "算法无法识别"


# --- level A: the box -----------------------------------------------------------------------------


def check_receipts(package: Package) -> Faults:
    if not package.receipts.well_formed:
        yield "回执编号的格式不符"
        return
    if package.receipts.repeated:
        yield "回执编号重复"
    if not package.receipts.sorted:
        yield "回执编号没有按编号排列"


def check_sealed(package: Package) -> Faults:
    for position in package.receipts.strange:
        yield f"第{position}张密封票与回执编号不符"


def check_sizes(package: Package) -> Faults:
    if package.receipts.wrong_size:
        yield f"{package.receipts.wrong_size}张密封票的长度与其他票不同"


def check_root(package: Package) -> Faults:
    if package.laid.get("receipts") != package.receipts.root.hexdigest():
        yield (
            "与截止（封存纸质票）时记录的校验值不符"
            if package.papers
            else "与截止时记录的校验值不符"
        )
    if package.laid.get("ballots") != package.receipts.count:
        yield "张数与截止（封存纸质票）时的记录不符" if package.papers else "张数与截止时的记录不符"
    if package.full and package.closed.get("set_apart", 0) != package.receipts.apart:
        yield "封存的张数与截止时的记录不符"


def check_papers(package: Package) -> Faults:
    """Follow the papers from those who signed for them to the box, where they are like all others."""
    out = _whole(package.closed.get("papers"))
    counted, sealed = (package.last(kind) for kind in ("papers-counted", "papers-sealed"))
    if not sealed.said:
        if out or counted.said:
            yield "发出了纸质票，却没有封存入箱的记录"
        return
    count, said = counted.data, sealed.data
    if not fits(count, PAPERS_COUNTED) or not fits(said, PAPERS_SEALED):
        yield "清点或封存纸质票的记录不全"
        return
    if count["issued"] != out:
        yield "清点时所记发出的纸质票与截止时的不符"
    if count["returned"] > count["issued"]:
        yield f"收回的纸质票（{count['returned']}张）多于发出的（{count['issued']}张）"
    if said["papers"] != count["returned"]:
        yield f"收回的纸质票{count['returned']}张，封存入箱{said['papers']}张"
    closed = package.closed
    if (said["before"], said["receipts_before"]) != (closed.get("ballots"), closed.get("receipts")):
        yield "封存纸质票之前的票箱与截止时的记录不符"
    if said["before"] + said["papers"] != said["ballots"]:
        yield "封存纸质票前后的张数不符"
    if any(entry.said["second"] in {"", entry.said["by"]} for entry in (counted, sealed)):
        yield "清点或封存纸质票没有第二人签名"
    if package.full:
        yield from _faults_of_issues(package, count["issued"])
        if said["invalid"] > package.published.invalid:
            yield "认定无效的纸质票没有全部列为无效票"


def _faults_of_issues(package: Package, issued: int) -> Faults:
    """Compare those who hold a paper with the batches that two people each have signed."""
    holders: set[tuple[str, str]] = set()
    for entry in package.journal:
        if entry.kind not in {"papers-issued", "paper-taken-back"} or not entry.said:
            continue
        people = {(row[0], row[1]) for row in entry.data["people"]}
        if entry.kind == "papers-issued":
            if holders & people:
                yield "有人领取了两张纸质票"
            holders |= people
        else:
            holders -= people
        if entry.data.get("issued") != len(holders):
            yield "发出的纸质票与领取人不符"
        if entry.said["second"] in {"", entry.said["by"]}:
            yield "发出或收回纸质票没有第二人签名"
    if not len(holders) == package.roll.papers == issued:
        yield f"名册上领取纸质票{package.roll.papers}人，记录中{len(holders)}人，发出{issued}张"
    if package.roll.voted_twice:
        yield "名册上有人既已投票又领取了纸质票"


def check_marks(package: Package) -> Faults:
    roll, published = package.roll, package.published
    sealed, papers = package.receipts.count, package.papers
    if not roll.voted + papers == sealed == published.count:
        if papers:
            yield f"名册上已投票{roll.voted}人，纸质票{papers}张，密封票{sealed}张，开启的表决票{published.count}张"
        else:
            yield f"名册上已投票{roll.voted}人，密封票{sealed}张，开启的表决票{published.count}张"
    if package.last("closed").data.get("voted") != roll.voted:
        yield "已投票人数与截止时的记录不符"
    if sealed and "server_key" in package.last("opened").data:
        # From then on the close hashes who has voted, and those whose ballots it sets apart are named.
        if package.last("voters-hashed").data.get("voters") != roll.voters.hexdigest():
            yield "已投票的代表与截止时记录的校验值不符"
        named = package.last("set-apart").data.get("people", [])
        if len(named) != package.receipts.apart:
            yield "封存的表决票与主席团的决定不符"
    if published.apart != package.receipts.apart:
        yield "封存的表决票没有全部列为无效票"
    opened = package.last("box-opened").data
    told = (opened.get("ballots"), opened.get("invalid"))
    if told != (published.count, published.invalid):
        yield "有效、无效张数与开箱时的记录不符"
    if package.rules["voters"] == "present" and roll.absent_voters:
        yield f"有{roll.absent_voters}人未报到而已投票"


def check_ballots(package: Package) -> Faults:
    if not package.lists_ballots:
        yield from _faults_of_totals(package)
        return
    for position in package.published.marked:
        yield f"第{position}张无效票上有选择"
    for position in package.published.illegal:
        yield f"第{position}张不符合票决规则"
    yield from _faults_of_places(package)


def _faults_of_totals(package: Package) -> Faults:
    """Judge what all the ballots come to: no legal ballots could add up to more."""
    rules, published = package.rules, package.published
    if published.numbers != sorted(package.titles):
        yield "合计的项目与候选项目不符"
    counts = [(published.votes[number], published.against[number]) for number in published.numbers]
    if min(published.valid, published.invalid, *map(min, counts), 0) < 0:
        yield "合计中有负数"
    if any(votes + against > published.valid for votes, against in counts):
        yield "赞成与反对之和多于有效票"
    if rules["form"] != "each" and published.against.total():
        yield "没有反对可投，合计中却有反对"
    marks = published.votes.total()
    if package.counted_proposals:
        marks += sum(row["ballots"] for row in package.write_ins)
    if marks > published.valid * rules["places"]:
        yield "所选项数之和多于各票可选项数之和"
    blank = package.figures["turnout"]["blank"]
    if rules["choice_rule"] == "exactly" and marks != (published.valid - blank) * rules["places"]:
        yield "各票须选足，所选项数之和却不符"
    if blank and not rules["blank_allowed"]:
        yield "有不允许的空白票"


def _faults_of_places(package: Package) -> Faults:
    """Judge the places that the valid ballots use, which stand apart from them.

    Which ballot used how many is not told. Each uses its own choices and up to so many proposals;
    if any way of putting the two lists together fits that, the one from the least to the most does.
    """
    rules, published = package.rules, package.published
    own, used = published.chosen, published.used
    if not published.used_sorted:
        yield "所用名额没有按多少排列"
    if used.total() != published.valid:
        yield f"有效票{published.valid}张，所用名额却有{used.total()}个"
        return
    most = rules["proposal_limit"] if package.counted_proposals else 0
    if not all(
        0 <= all_of_it - chosen <= most
        for chosen, all_of_it in zip(_in_order(own), _in_order(used), strict=True)
    ):
        yield "所用名额与各票的选择不符"
    exactly = rules["choice_rule"] == "exactly"
    for number in used:
        if number > rules["places"] or (number and exactly and number != rules["places"]):
            yield f"有一张票用了{number}个名额"
    # A ballot that uses no place may still be against something, or hold a proposal where those do
    # not count; but whoever must fill every place may do neither without.
    empty = used[0]
    if exactly and empty > published.unmarked:
        yield "有反对的票没有用满名额"
    if rules["blank_allowed"]:
        return
    if empty and (exactly or (rules["proposals"] != "advisory" and empty > published.opposing)):
        yield "有不允许的空白票"


def _in_order(numbers: Counter[int]) -> Iterator[int]:
    """Yield each number as often as it was counted, from the least to the most."""
    for number in sorted(numbers):
        yield from repeat(number, numbers[number])


def _is_legal(terms: Terms, chosen: list[int], against: list[int], fair: list[int]) -> bool:
    """Judge the choices of a published ballot; its proposals and their number are not told."""
    if any(numbers != sorted(numbers) for numbers in (chosen, against, fair)):
        return False
    fits_places = terms.is_graded or len(chosen) <= terms.rules["places"]
    return _are_legal_marks(terms, chosen, against, fair) and fits_places


def _are_legal_marks(
    terms: Terms, chosen: Sequence[int], against: Sequence[int], fair: Sequence[int]
) -> bool:
    """Judge the numbers on a ballot: each is a candidate's and stands once, and only where asked."""
    marked = [*chosen, *fair, *against]
    if (against and terms.rules["form"] == "choose") or (fair and not terms.is_graded):
        return False
    return len(set(marked)) == len(marked) and terms.titles.keys() >= set(marked)


# --- level A: the count ---------------------------------------------------------------------------


def check_write_ins(package: Package) -> Faults:
    write_ins = package.write_ins
    if [row["key"] for row in write_ins] != [f"推{n}" for n in range(1, len(write_ins) + 1)]:
        yield "推荐编号不连续"
        return
    rulings = [[row["key"], row["title"], row["ruling"]] for row in write_ins]
    is_skipped = bool(package.entries("canvass-skipped"))
    agreed = [] if is_skipped else package.last("canvass-closed").data.get("rulings")
    if agreed != rulings:
        yield "处理方式与归并结束时的记录不符"
    into = [[row["key"], row["into"], row["reason"]] for row in write_ins]
    # An entry of an earlier version does not say where they lead.
    if not is_skipped and package.last("canvass-closed").data.get("into", into) != into:
        yield "并入哪一项或理由与归并结束时的记录不符"
    if package.last("box-opened").data.get("write_ins") != len(write_ins):
        yield "件数与开箱时的记录不符"
    for row in write_ins:
        if not _is_legal_text(row, package.titles.values()) or row["ballots"] < 0:
            yield f"{row['key']} 的内容不符合票决规则"
        if row["ruling"] == "refused" and not row["reason"]:
            yield f"{row['key']} 不予计票而没有理由"
    try:
        placed(package)
    except ValueError as error:
        yield str(error)
    if package.counted_proposals and package.lists_ballots:
        mentions = sum(row["ballots"] for row in write_ins)
        if package.published.places != package.published.choices + mentions:
            yield "推荐项目的件数与各票所用名额之和不符"


def placed(package: Package) -> dict[str, str | None]:
    """Return the item that each write-in counts for, None where refused; ValueError if none."""
    rows = {row["key"]: row for row in package.write_ins}
    numbers = {str(number) for number in package.titles}

    def place(key: str) -> str | None:
        seen: set[str] = set()
        while key not in seen:
            seen.add(key)
            row = rows.get(key, {"ruling": "", "into": ""})
            match row["ruling"]:
                case "alone":
                    return key
                case "refused":
                    return None
                case "into-project" if row["into"] in numbers:
                    return str(row["into"])
                case "into-write-in":
                    key = row["into"]
        raise ValueError(f"{key} 没有处理，或并入了不存在的项目")

    return {key: place(key) for key in rows}


# The acts that may move 实到 while people vote.
PRESENCE = {"presence-raised", "presence-lowered"}


def check_presence(package: Package) -> Faults:
    """Follow 实到 from the opening to the close, by number and by name; only a mistake lowers it.

    Entries of an older version name nobody, and an older close does not say the figure.
    """
    present = at_opening = package.last("opened").data.get("present")
    here: dict[tuple[str, str], bool] = {}
    came_before: set[tuple[str, str]] = set()
    is_by_name = True
    for position, entry in enumerate(package.journal, start=1):
        if entry.kind not in PRESENCE:
            continue
        data = entry.data
        added, removed = data.get("added", 0), data.get("removed", 0)
        if data.get("present") != present + added - removed:
            yield f"第{position}条的实到人数与前后不符"
        present = data.get("present")
        people = [(row[0], row[1]) for row in data.get("people", [])]
        if "people" in data and len(people) != added + removed:
            yield f"第{position}条的人数与所列姓名不符"
        if removed and (entry.said["second"] in {"", entry.said["by"]} or not data.get("reason")):
            yield f"第{position}条撤销到会没有第二人签名或原因"
        is_by_name = is_by_name and "people" in data
        came_before |= {person for person in people if removed and person not in here}
        here |= dict.fromkeys(people, bool(added))
    if package.last("closed").data.get("present", present) != present:
        yield "截止时的实到人数与此前的记录不符"
    roll = package.roll
    wrong = [name for (number, name), came in here.items() if roll.here.get((number, name)) != came]
    if wrong:
        yield f"名册上{'、'.join(wrong)}的到会与操作记录不符"
    if is_by_name and len(came_before) + roll.present_unnamed != at_opening:
        yield "开始投票时的实到人数与名册、操作记录不符"


def _recorded_present(package: Package) -> Any:
    """Return 实到 as the record says it: at the close, or where that is older, as it last rose."""
    closed = package.last("closed").data
    if "present" in closed:
        return closed["present"]
    raised = [entry.data.get("present") for entry in package.entries("presence-raised")]
    return [package.last("opened").data.get("present"), *raised][-1]


def check_turnout(package: Package) -> Faults:
    turnout = package.figures["turnout"]
    if turnout["returned"] != turnout["valid"] + turnout["invalid"]:
        yield "收回不等于有效与无效之和"
    papers = turnout.get("papers_returned", 0)
    cast = turnout["voted"] + papers
    if turnout["returned"] != cast or turnout["returned"] != package.receipts.count:
        yield "收回与已投票人数、回执编号数不符"
    if papers != package.papers:
        yield "收回的纸质票与封存的不符"
    if turnout.get("papers", 0) != _whole(package.closed.get("papers")):
        yield "发出的纸质票与截止时的记录不符"
    if turnout["issued"] - turnout.get("papers", 0) < turnout["voted"]:
        yield "收回的电子票多于发出的"
    if turnout["issued"] < turnout["returned"]:
        yield "收回多于发出"
    by_presence = package.rules["voters"] == "present"
    if turnout["issued"] != (turnout["present"] if by_presence else turnout["roll"]):
        yield "发出张数不符"
    if turnout["delegates_total"] != package.rules["delegates_total"]:
        yield "全体代表人数不符"
    if turnout["present"] != _recorded_present(package):
        yield "实到人数与操作记录不符"
    reissued = package.entries("card-reissued")
    if turnout["cards_reissued"] != len(reissued):
        yield "换发投票卡的次数与操作记录不符"
    on_roll = package.last("opened").data.get("on_roll", 0)
    if turnout["roll"] != on_roll + len(package.entries("roll-added")):
        yield "应到人数与操作记录不符"
    if not package.full:
        return
    roll, published = package.roll, package.published
    counts = {
        "roll": roll.count,
        "present": roll.present,
        "voted": roll.voted,
        "valid": published.valid,
        "invalid": published.invalid,
    }
    for name, count in counts.items():
        if turnout[name] != count:
            yield f"{name} 应为{count}，公布为{turnout[name]}"
    if not package.lists_ballots:
        marked = max((*published.votes.values(), *published.against.values()), default=0)
        if not 0 <= turnout["blank"] <= published.valid - marked:
            yield f"blank 与各项目的票数不符，公布为{turnout['blank']}"
        return
    # A ballot without a mark is blank unless it proposes something. Which one does is not told, but
    # how many ballots use no place is; some of those may be against something.
    empty = published.used[0]
    most = min(empty, published.unmarked)
    if not max(0, empty - published.opposing) <= turnout["blank"] <= most:
        yield f"blank 与各票的选择、所用名额不符，公布为{turnout['blank']}"


def check_votes(package: Package) -> Faults:
    """Count the ballots again. Merging may put an item on a ballot twice, where it counts once.

    Which ballot that was stands nowhere in a package, so an item that something was merged into is
    known within that margin here, and exactly by opening the box (level B).
    """
    figures = package.figures
    votes = package.published.votes
    sources: dict[str, list[int]] = {str(number): [votes[number]] for number in package.titles}
    refused = merged = 0
    if package.counted_proposals:
        places = placed(package)
        for row in package.write_ins:
            item = places[row["key"]]
            if item is None:
                refused += row["ballots"]
            else:
                merged += row["ballots"] * item.isdecimal()
                sources.setdefault(item, []).append(row["ballots"])
    published = {item["item"]: item for item in figures["items"]}
    if set(published) != set(sources) or len(published) != len(figures["items"]):
        yield "项目与候选项目、单列的推荐项目不一致"
        return
    doubles = turned = 0
    for key, counts in sources.items():
        told = published[key]["votes"]
        if not max(counts) <= told <= sum(counts):
            yield f"{key} 应为{sum(counts)}票，公布为{told}票"
        doubles += sum(counts) - told
        turned += _opposed(package, key) - published[key]["against"]
        yield from _faults_of_against(package, published[key], most_new=told - counts[0])
        fair = package.published.fair[int(key)] if key.isdecimal() else 0
        if published[key].get("fair", 0) != fair:
            yield f"{key} 基本满意应为{fair}票，公布为{published[key].get('fair', 0)}票"
    if doubles != figures["doubles"]:
        yield f"并入后重复的票数应为{doubles}，公布为{figures['doubles']}"
    if not bool(doubles) <= figures.get("doubled", doubles) <= doubles:
        yield f"并入后重复的表决票不超过{doubles}张，公布为{figures['doubled']}"
    if refused != figures["refused"]:
        yield f"不予计票的件数应为{refused}，公布为{figures['refused']}"
    # The first figures do not say what follows; of them it is only counted again.
    if turned != figures.get("turned", 0):
        yield f"改计赞成的反对票应为{turned}张，公布为{figures.get('turned', 0)}张"
    if merged != figures.get("merged", merged):
        yield f"并入候选项目的件数应为{merged}，公布为{figures['merged']}"
    marks = sum(item["votes"] for item in figures["items"]) + doubles + refused
    if package.terms.is_graded:
        marks += sum(item.get("fair", 0) + item["against"] for item in figures["items"])
    if marks != figures.get("marks", marks):
        yield f"各票所选项数之和应为{marks}，公布为{figures['marks']}"
    rows = package.write_ins
    if figures["proposals"] != sum(row["ballots"] for row in rows):
        yield "推荐件数不符"
    if figures["proposed_items"] != sum(1 for row in rows if row["ruling"] == "alone"):
        yield "归并项数不符"
    titles = {row["key"]: row["title"] for row in rows}
    for key, item in published.items():
        if item["source"] == "proposal" and item["title"] != titles.get(key):
            yield f"{key} 的项目名称不符"


def _faults_of_against(package: Package, item: dict[str, Any], *, most_new: int) -> Faults:
    """Judge how many are against an item that got `most_new` votes by merging (a candidate's).

    Whoever proposes what was merged into a candidate is for it, though he marked 反对 beside it. How
    many of the new votes come from there is not told; the others come from those who abstained.
    """
    marked = _opposed(package, item["item"])
    lost = min(marked, max(0, most_new)) if item["source"] == "candidate" else 0
    if not marked - lost <= item["against"] <= marked:
        yield f"{item['item']} 反对应为{marked}票" + (f"，至多少{lost}票" if lost else "")


def _opposed(package: Package, key: str) -> int:
    """Return on how many valid ballots 反对 was marked beside the item `key`."""
    return package.published.against[int(key)] if key.isdecimal() else 0


def check_ranks(package: Package) -> Faults:
    """Work out majority, ranks and ties again from the published votes alone, or the grades."""
    figures, rules = package.figures, package.rules
    if package.terms.is_graded != ("whole" in figures):
        yield "数据所依据的票决规则不符"
        return
    yield from _faults_of_list(package)
    if package.terms.is_graded:
        yield from _faults_of_grades(package)
        return
    turnout, items, places = figures["turnout"], figures["items"], rules["places"]
    needed = _base(package) // 2 + 1 if rules["majority"] in BASES else 1
    if (figures["needed"], figures["places"]) != (needed, places):
        yield f"通过所需应为{needed}票、应选{places}项"
    votes = [item["votes"] for item in items]
    if votes != sorted(votes, reverse=True):
        yield "项目没有按得票数排列"
    open_places = places
    tied = False
    for item in items:
        got = item["votes"]
        ahead = sum(1 for other in votes if other > got)
        level = votes.count(got)
        if got < needed:
            outcome = "short"
        elif ahead + level <= places:
            outcome = "adopted"
        else:
            outcome = "tied" if ahead < places else "out"
        open_places -= outcome == "adopted"
        tied = tied or outcome == "tied"
        expected = {
            "rank": ahead + 1,
            "shared": level > 1,
            "outcome": outcome,
            "majority": got >= needed,
            "share_of_valid": percent(got, turnout["valid"]),
            "share_of_all": percent(got, rules["delegates_total"]),
            "abstained": turnout["valid"] - got - item["against"],
        }
        for name, value in expected.items():
            if item[name] != value:
                yield f"{item['item']} 的 {name} 应为 {value}"
        if min(got, item["against"], item["abstained"]) < 0:
            yield f"{item['item']} 的票数为负数"
        if item["against"] and (rules["form"] != "each" or item["source"] != "candidate"):
            yield f"{item['item']} 没有反对可投"
    if figures["places_left"] != open_places:
        yield f"未确定的名额应为{open_places}"
    if figures["shortfall"] != (0 if tied else open_places):
        yield "不足的名额不符"


def _faults_of_list(package: Package) -> Faults:
    figures = package.figures
    titles = {str(number): title for number, title in package.titles.items()}
    items = figures["items"]
    named = {item["item"]: item["title"] for item in items if item["source"] == "candidate"}
    if named != titles or figures["candidates"] != len(titles):
        yield "候选项目的编号、名称或个数不符"


BASES = {"all", "present", "valid"}


def _base(package: Package) -> int:
    """Return of how many people or ballots the rules demand a part."""
    turnout = package.figures["turnout"]
    bases = {
        "all": package.rules["delegates_total"],
        "present": turnout["present"],
        "valid": turnout["valid"],
    }
    return int(bases.get(package.rules["majority"], turnout["valid"]))


def _least(boundary: str, included: bool, base: int) -> int:
    """Return the least number of votes that reaches the boundary of `base`, or exceeds it."""
    part, whole = BOUNDARIES[boundary]
    least = -(-part * base // whole) if included else part * base // whole + 1
    return max(least, 1)


def _grade(good: int, fair: int, needed: int) -> str:
    if good >= needed:
        return "good"
    return "fair" if good + fair >= needed else "poor"


def _faults_of_grades(package: Package) -> Faults:
    """Work out the grade of each item and of the whole again, and the rates beside them."""
    figures, rules = package.figures, package.rules
    turnout, items = figures["turnout"], figures["items"]
    if {rules["boundary"], rules["whole_boundary"]} - BOUNDARIES.keys():
        yield "满意的界限无法识别"
        return
    base = _base(package)
    needed = _least(rules["boundary"], rules["boundary_included"], base)
    if (figures["needed"], figures["places"]) != (needed, 0):
        yield f"评为满意所需应为{needed}票，不应有应选项数"
    if (figures["places_left"], figures["shortfall"]) != (0, 0):
        yield "不足的名额不符"
    if [item["item"] for item in items] != [str(number) for number in sorted(package.titles)]:
        yield "项目没有按编号排列"
    votes = [item["votes"] for item in items]
    for item in items:
        good, fair, poor = item["votes"], item["fair"], item["against"]
        expected = {
            "rank": sum(1 for other in votes if other > good) + 1,
            "shared": votes.count(good) > 1,
            "outcome": _grade(good, fair, needed),
            "majority": good >= needed,
            "share_of_valid": percent(good, turnout["valid"]),
            "share_of_all": percent(good, rules["delegates_total"]),
            "share_good": percent(good, base),
            "share_satisfied": percent(good + fair, base),
            "abstained": turnout["valid"] - good - fair - poor,
        }
        for name, value in expected.items():
            if item[name] != value:
                yield f"{item['item']} 的 {name} 应为 {value}"
        if min(good, fair, poor, item["abstained"]) < 0:
            yield f"{item['item']} 的票数为负数"
    yield from _faults_of_whole(package, base * len(items))


def _faults_of_whole(package: Package, base: int) -> Faults:
    figures, rules = package.figures, package.rules
    sums = {
        name: sum(item[column] for item in figures["items"])
        for name, column in (
            *(("good", "votes"), ("fair", "fair"), ("poor", "against")),
            ("abstained", "abstained"),
        )
    }
    needed = _least(rules["whole_boundary"], rules["whole_boundary_included"], base)
    good, satisfied = sums["good"], sums["good"] + sums["fair"]
    expected = sums | {
        "base": base,
        "needed": needed,
        "share_good": percent(good, base),
        "share_satisfied": percent(satisfied, base),
        "grade": _grade(good, sums["fair"], needed),
    }
    for name, value in expected.items():
        if figures["whole"][name] != value:
            yield f"总体的 {name} 应为 {value}"


def percent(part: int, whole: int) -> str:
    """Return `part` of `whole` in percent with one decimal, halves rounded up."""
    tenths = (2000 * part + whole) // (2 * whole) if whole else 0
    return f"{tenths // 10}.{tenths % 10}"


def check_identities(package: Package) -> Faults:
    for check in package.figures["checks"]:
        left, right = check["left"], check["right"]
        holds = left >= right if check["relation"] == "≥" else left == right
        if not holds or not check["holds"]:
            yield f"不成立：{check['name']}（{left} {check['relation']} {right}）"


# What the entry of a count says of each item, and of a 满意度测评 beside that.
COUNTED, GRADES = ("item", "title", "votes"), ("fair", "against")


def check_digest(package: Package) -> Faults:
    stated = package.result["digest"]
    if "figures" in package.result:
        if digest("result", package.figures) != stated:
            yield "数据与数据校验码不符"
        body = {"body": package.rules.get("body", "congress")}
        known = package.poll | {"simple": package.rules["simple"]} | body
        # Figures name a body where it is not the congress, which is the only one that old rules know.
        if _differs({"body": "congress"} | package.figures["poll"], known):
            yield "数据属于另一次票决"
        known = package.rules | {"exactly": package.rules["choice_rule"] == "exactly"}
        if _differs(package.figures["rules"], known):
            yield "数据所依据的票决规则不符"
        counted = package.last("counted")
        votes = [
            [*(item[name] for name in COUNTED), *(item[name] for name in GRADES if "fair" in item)]
            for item in package.figures["items"]
        ]
        if counted.said and counted.data.get("votes") != votes:
            yield "得票数与计票时的记录不符"
    if "grades" in package.result:
        published = package.last("published")
        if published.said and published.data.get("projects") != package.result["grades"]:
            yield "等次与公布时的记录不符"
    for entry in [package.last("counted"), *package.since_count]:
        says_it = entry.said and entry.kind in {"counted", "confirmed", "published"}
        if says_it and entry.data.get("result") != stated:
            yield f"数据校验码与“{entry.kind}”的记录不符"


def _differs(said: dict[str, Any], known: dict[str, Any]) -> bool:
    return any(known[name] != value for name, value in said.items() if name in known)


def check_people(package: Package) -> Faults:
    counter = package.last("counted").said.get("by")
    confirmed = [
        entry.said["by"]
        for entry in package.since_count
        if entry.kind == "confirmed" and entry.said
    ]
    if counter in confirmed:
        yield "计票人复核了自己的计票"
    if len(set(confirmed)) != len(confirmed):
        yield "同一人复核了两次"
    if set(confirmed) & set(package.last("papers-sealed").data.get("keyers", [])):
        yield "录入纸质票的人参加了复核"
    for entry in package.entries("published"):
        if entry.said and entry.said["by"] in confirmed:
            yield "公布人是复核人"
        if len(confirmed) < confirmers(package):
            yield "复核人数不足而已公布"


def check_decision(package: Package) -> Faults:
    """Compare what filled a place by a decision with what two people put on record of it."""
    decided = package.last("decided").data.get("items", [])
    for entry in package.entries("published"):
        rows = entry.data.get("projects")
        # Those of before say no ways.
        if fits(rows, [(str, str, str)]):
            filled = [key for key, _title, how in rows if how == "decision"]
            if sorted(filled) != sorted(decided):
                yield "按会议决定确定的项目与登记的决定不符"


OFFICE, WATCH, CHIEF = {"会务"}, {"监票", "总监票人"}, {"总监票人"}
# Whose each act is, and its second signature; what is not named takes any of the three.
TAKEN_BY = {
    **dict.fromkeys(["opened", "closed", "paused", "resumed", "counted", "published"], OFFICE),
    **dict.fromkeys(["voided", "decided", "deadline-moved", "roll-added"], OFFICE),
    **dict.fromkeys(["presence-raised", "presence-lowered", "status-set"], OFFICE),
    **dict.fromkeys(["leave-given", "leave-ended"], OFFICE),
    **dict.fromkeys(["papers-issued", "paper-taken-back", "papers-exchanged"], OFFICE),
    **dict.fromkeys(["papers-counted", "papers-sealed"], OFFICE),
    **dict.fromkeys(["confirmed", "sent-back"], WATCH),
}
SECONDED_BY = dict.fromkeys(["voided", "decided", "papers-counted", "papers-sealed"], WATCH)
# By an administrator of the site, who has no office, or by nobody where it came from a shell.
ACCOUNTS = "account-changed"


def check_signers(package: Package) -> Faults:
    """Follow who was staff, from the opening to the end: whoever signs must hold the office then."""
    staff = staff_at_opening(package)
    if staff is None:
        return
    chiefs = 0
    for position, entry in course(package):
        by, second = entry.said["by"], entry.said["second"]
        if entry.kind == ACCOUNTS:
            follow(staff, entry.data)
        elif not staff.get(by, set()) & TAKEN_BY.get(entry.kind, OFFICE | WATCH):
            yield f"第{position}条（{entry.kind}）由无权的人办理：{by}"
        if second and not staff.get(second, set()) & SECONDED_BY.get(entry.kind, OFFICE | WATCH):
            yield f"第{position}条（{entry.kind}）的第二人无权签名：{second}"
        if entry.kind == "canvass-closed":
            both = [staff.get(one, set()) for one in (by, second)]
            if not (
                (both[0] & OFFICE and both[1] & WATCH) or (both[0] & WATCH and both[1] & OFFICE)
            ):
                yield f"第{position}条（归并结束）不是会务和监票各一人签名"
        if entry.kind == "confirmed" and staff.get(by, set()) & CHIEF:
            chiefs += 1
    if package.entries("published") and confirmers(package) > 1 and not chiefs:
        yield "复核人中没有总监票人"


def course(package: Package) -> Iterator[tuple[int, Entry]]:
    """Yield what was done from the opening to the end, with its place; of what is withheld nothing.

    What comes after the end, such as an export years later, may be anybody's.
    """
    has_begun = False
    for position, entry in enumerate(package.journal, start=1):
        has_begun = has_begun or entry.kind == "opened"
        if has_begun and entry.said:
            yield position, entry
        if entry.kind in {"published", "voided"}:
            return


def staff_at_opening(package: Package) -> dict[str, set[str]] | None:
    """Return who was staff then, with his groups; None where that or a later change is withheld."""
    rows = names(package, "staff", package.last("opened").data.get("staff"))
    if not fits(rows, [(str, [str])]) or any(not entry.said for entry in package.entries(ACCOUNTS)):
        return None
    return {name: set(groups) for name, groups in rows}


def follow(staff: dict[str, set[str]], data: Any) -> None:
    """Make `staff` what it is after a change of an account; a group alone changes nothing."""
    if "account" not in data:
        return
    staff.pop(data.get("former", ""), None)
    staff.pop(data["account"], None)
    # Whoever can give himself any office has none.
    if data["staff"] and not data["superuser"]:
        staff[data["account"]] = set(data["groups"])


def confirmers(package: Package) -> int:
    """Return how many scrutineers must confirm: one in a rehearsal and in 简易, else two."""
    return 1 if package.rules["simple"] or package.poll["kind"] == "rehearsal" else 2


# --- level B: opening the box again ---------------------------------------------------------------


@dataclass(frozen=True)
class Opened:
    """What came out of one envelope: `reason` is why it is invalid, empty for a valid one."""

    reason: str
    nonce: str = ""
    chosen: tuple[int, ...] = ()
    against: tuple[int, ...] = ()
    proposals: tuple[tuple[str, str, str], ...] = ()
    fair: tuple[int, ...] = ()

    @property
    def is_blank(self) -> bool:
        return not (self.chosen or self.against or self.fair or self.proposals)


def share_of(text: str, package: Package) -> tuple[int, int]:
    """Return index and value of a share as its holder keeps it; ValueError says what is wrong.

    160 bits in Crockford's base 32: 4 of index, 128 of value, 8 of the box, 20 of checksum. The
    commitment proves what the checksum is for, so the checksum is not read here.
    """
    text = text if len(text) <= LONGEST_SHARE else ""
    typed = unicodedata.normalize("NFKC", text).upper().translate(str.maketrans("OIL", "011"))
    # What parts the groups, and a Chinese label before them, is none of it.
    typed = "".join(char for char in typed if char.isascii() and char.isalnum())
    if len(typed) != 32 or not set(typed) <= set(CROCKFORD):
        raise ValueError("不是密钥份额")
    number = 0
    for char in typed:
        number = number << 5 | CROCKFORD.index(char)
    index, value = number >> 156, number >> 28 & (1 << 128) - 1
    box = package.box
    bound = f"{UUID(package.poll['uuid'])}/{box['ceremony']}/{index}/{value:032x}"
    if tagged("share-commit", bound.encode()) not in box["commitments"]:
        raise ValueError("与生成密钥时记录的校验值不符")
    return index, value


def combined(shares: dict[int, int]) -> bytes:
    """Return the seed that Shamir's shares over GF(2^128) give, by Lagrange's formula at zero.

    The field is that of x^128 + x^7 + x^2 + x + 1, as in the `SecretSharing` of pycryptodome.
    """
    seed = 0
    for index, value in shares.items():
        above = below = 1
        for other in shares:
            if other != index:
                above = _times(above, other)
                below = _times(below, index ^ other)
        seed ^= _times(value, _times(above, _inverse(below)))
    return seed.to_bytes(16, "big")


def _times(left: int, right: int) -> int:
    product = 0
    while right:
        if right & 1:
            product ^= left
        left <<= 1
        if left >> 128:
            left ^= 1 << 128 | 0x87
        right >>= 1
    return product


def _inverse(value: int) -> int:
    # In a field of 2^128 elements the power 2^128 - 2 of a value is its inverse.
    power, result = value, 1
    for _bit in range(127):
        power = _times(power, power)
        result = _times(result, power)
    return result


def private_key(seed: bytes, poll: UUID) -> "tuple[bytes, hpke.MLKEM768X25519PrivateKey]":
    """Return the public bytes and the key that derive from the seed (HKDF-SHA256, RFC 5869)."""

    def derived(size: int, label: str) -> bytes:
        info = f"{PREFIX}box-key/{label}".encode() + b"\0" + poll.bytes
        return HKDF(algorithm=hashes.SHA256(), length=size, salt=None, info=info).derive(seed)

    lattice = mlkem.MLKEM768PrivateKey.from_seed_bytes(derived(64, "ml-kem-768"))
    curve = x25519.X25519PrivateKey.from_private_bytes(derived(32, "x25519"))
    public = lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()
    return public, hpke.MLKEM768X25519PrivateKey(lattice, curve)


@dataclass(frozen=True)
class Opener:
    """What opens and judges the envelopes of one box."""

    terms: Terms
    seed: bytes

    @cached_property
    def decrypt(self) -> Callable[[bytes], bytes]:
        """What opens one envelope; raises InvalidTag."""
        suite = hpke.Suite(
            hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305
        )
        info = f"{PREFIX}ballot/{SUITE}".encode() + b"\0" + self.terms.uuid.bytes
        _public, key = private_key(self.seed, self.terms.uuid)
        return partial(suite.decrypt, private_key=key, info=info)

    def opened(self, sealed: bytes) -> Opened:
        """Return what an envelope holds; one that does not open, or breaks a rule, with its reason."""
        try:
            plain = self.decrypt(sealed)
        except InvalidTag:
            return Opened("not-opened")
        ballot = decoded(plain, self.terms.uuid)
        if not ballot.reason and not _is_legal_selection(self.terms, ballot):
            return Opened("rules", ballot.nonce)
        return ballot


def open_all(package: Package, seed: bytes) -> Iterator[Opened]:
    """Yield what each envelope holds; of two with one nonce, which are copies, the first counts."""
    seen: set[bytes] = set()
    # What the close has set apart is not here to be opened.
    yield from repeat(Opened("set-apart"), package.receipts.apart)
    for ballot in _opened(package, seed):
        nonce = bytes.fromhex(ballot.nonce)
        if nonce and nonce in seen:
            yield Opened("repeated", ballot.nonce)
        else:
            yield ballot
        seen.add(nonce)


def _opened(package: Package, seed: bytes) -> Iterator[Opened]:
    """Open the envelopes one after the other, or, where there are many, on every core.

    The seed of the key goes to the other processes by their initializer, which hands it over in
    memory or by a pipe. Only so many envelopes are on their way at once as keep all of them busy.
    """
    rows = package.rows("sealed.json")
    sealed = (_sealed(row) for row in rows if row["sealed"])
    cores = os.cpu_count() or 1
    if package.receipts.count < WORTH_IT or cores == 1:
        yield from map(Opener(package.terms, seed).opened, sealed)
        return
    with ProcessPoolExecutor(cores, initializer=_take_up, initargs=(package.poll, seed)) as pool:
        waiting: deque[Future[list[Opened]]] = deque()
        while batch := list(islice(sealed, BATCH)):
            waiting.append(pool.submit(_open_batch, batch))
            if len(waiting) > 2 * cores:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


# From how many envelopes on it is worth while to start other processes, and how many each is given.
WORTH_IT = 2_000
BATCH = 200
# What a process of the pool has taken up.
_openers: list[Opener] = []


def _take_up(poll: Any, seed: bytes) -> None:
    _openers.append(Opener(Terms(poll), seed))


def _open_batch(batch: list[bytes]) -> list[Opened]:
    return [_openers[-1].opened(sealed) for sealed in batch]


def decoded(plain: bytes, poll: UUID) -> Opened:
    """Return the ballot that an envelope held; only its one canonical spelling is a ballot."""
    text, mark, _rest = plain.rstrip(b"\0").rpartition(b"\x80")
    malformed = Opened("malformed")
    if not mark or _rest:
        return malformed
    try:
        ballot = json.loads(text.decode())
    except (ValueError, RecursionError):
        return malformed
    if not fits(ballot, {"v": int, "r": str}) or ballot["v"] != 1:
        return malformed
    if ballot["r"] != str(poll):
        return Opened("other-poll")
    if not fits(ballot, {"n": str, "c": [int], "a": [int], "p": [{"t": str, "d": str, "u": str}]}):
        return malformed
    if not re.fullmatch("[0-9a-f]{32}", ballot["n"]):
        return malformed
    proposals = [{"t": one["t"], "d": one["d"], "u": one["u"]} for one in ballot["p"]]
    # What is 基本满意 is written where there is any.
    fair = ballot.get("b", [])
    if not fits(fair, [int]):
        return malformed
    spelled = {
        "v": 1,
        "r": str(poll),
        "n": ballot["n"],
        "c": sorted(ballot["c"]),
        "a": sorted(ballot["a"]),
        "p": proposals,
        **({"b": sorted(fair)} if fair else {}),
    }
    if canonical(spelled).encode(errors="replace") != text:
        return malformed
    return Opened(
        "",
        ballot["n"],
        tuple(ballot["c"]),
        tuple(ballot["a"]),
        tuple((one["t"], one["d"], one["u"]) for one in proposals),
        tuple(fair),
    )


def _is_legal_selection(terms: Terms, ballot: Opened) -> bool:
    """Judge an opened ballot with its proposals, by the rules of the poll."""
    rules, titles = terms.rules, terms.titles
    places = _places(terms, ballot)
    names = [folded(title) for title, _detail, _unit in ballot.proposals]
    if not _are_legal_marks(terms, ballot.chosen, ballot.against, ballot.fair):
        return False
    if ballot.proposals and rules["proposals"] == "off":
        return False
    if len(ballot.proposals) > rules["proposal_limit"] or places > rules["places"]:
        return False
    if len(set(names)) != len(names):
        return False
    texts = [{"title": t, "detail": d, "unit": u} for t, d, u in ballot.proposals]
    if not all(_is_legal_text(text, titles.values()) for text in texts):
        return False
    if ballot.is_blank:
        return bool(rules["blank_allowed"])
    return rules["choice_rule"] != "exactly" or places == rules["places"]


def _is_legal_text(row: dict[str, Any], titles: Any) -> bool:
    """Judge one proposal: lengths, plain text, and no candidate's name.

    As it was judged when the first ballots were cast: since then it must be seen as well, which
    makes no ballot invalid that was cast before.
    """
    texts = [(row["title"], TITLE), (row["detail"], DETAIL), (row["unit"], UNIT)]
    plain = all(
        len(text) <= limit
        and unicodedata.is_normalized("NFC", text)
        and all(
            char == "\n" or unicodedata.category(char) not in {"Cc", "Cf", "Cs"} for char in text
        )
        for text, limit in texts
    )
    name = folded(row["title"])
    return plain and bool(row["title"].strip()) and name not in {folded(title) for title in titles}


def folded(text: str) -> str:
    """Return `text` without differences of width, case and white space."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def seen(text: str) -> str:
    """Return what a reader sees of `text`, without differences of width, case and white space."""
    spaced = UNSEEN.sub("", " ".join(text.split()))
    shown = [c for c in spaced if unicodedata.category(c) not in SHAPELESS]
    if all(c in " \ufffd" or unicodedata.category(c) in MARKS for c in shown):
        return ""
    return folded("".join(shown))


def sameness(package: Package) -> Callable[[str], str]:
    """Return what makes two proposals of this package one: what is seen of them.

    Where that would make two published ones the same, the box was opened when unseen signs still
    told two texts apart.
    """
    rows = package.write_ins
    texts = {tuple(seen(row[name]) for name in ("title", "detail", "unit")) for row in rows}
    return seen if len(texts) == len(rows) else folded


def _places(terms: Terms, ballot: Opened) -> int:
    if terms.is_graded:
        return 0
    return len(ballot.chosen) + (len(ballot.proposals) if terms.counted_proposals else 0)


class Contents:
    """What comes out of the box, counted as it comes out: no ballot is kept."""

    def __init__(self, package: Package) -> None:
        self._terms = package.terms
        self.same = sameness(package)
        self._keys = {self.folded(row): row["key"] for row in package.write_ins}
        try:
            self._placed = placed(package) if package.counted_proposals else {}
        except ValueError:  # as the check of the rulings has said
            self._placed = {}
        self.invalid: Counter[str] = Counter()
        # How many valid ballots are for and against each candidate, before anything was merged.
        self.own: Counter[int] = Counter()
        self.fair: Counter[str] = Counter()
        self.opposed: Counter[int] = Counter()
        # How often these choices came out.
        self.ballots: Counter[str] = Counter()
        self.used: Counter[int] = Counter()
        # Each proposal by what is seen of it, with its spellings.
        self.proposals: dict[tuple[str, ...], Counter[tuple[str, str, str]]] = {}
        self.votes: Counter[str] = Counter()
        self.against: Counter[str] = Counter()
        self.doubles = self.doubled = self.refused = self.turned = self.blank = 0

    def folded(self, row: dict[str, Any]) -> tuple[str, ...]:
        """Return what makes a published proposal the one that it is."""
        return tuple(self.same(row[name]) for name in ("title", "detail", "unit"))

    def add(self, ballot: Opened) -> None:
        """Count once more, with every proposal on its own ballot: now doubles are exact."""
        self.ballots[_as_text(ballot.chosen, ballot.fair, ballot.against, ballot.reason)] += 1
        if ballot.reason:
            self.invalid[ballot.reason] += 1
            return
        self.own.update(ballot.chosen)
        self.opposed.update(ballot.against)
        self.used[_places(self._terms, ballot)] += 1
        self.fair.update(map(str, ballot.fair))
        # A proposal that does not count makes a ballot no other than 弃权 as a whole.
        counted = ballot.proposals if self._terms.counted_proposals else ()
        self.blank += not (ballot.chosen or ballot.fair or ballot.against or counted)
        items = [str(number) for number in ballot.chosen]
        for proposal in ballot.proposals:
            seen = tuple(map(self.same, proposal))
            self.proposals.setdefault(seen, Counter())[proposal] += 1
            if self._terms.counted_proposals:
                item = self._placed.get(self._keys.get(seen, ""))
                if item is None:
                    self.refused += 1
                else:
                    items.append(item)
        once = set(items)
        self.votes.update(once)
        # Whoever proposes what was merged into a candidate is for it, whatever else he marked.
        opposed = set(map(str, ballot.against))
        self.against.update(opposed - once)
        self.turned += len(opposed & once)
        self.doubles += len(items) - len(once)
        self.doubled += len(items) > len(once)


def _as_text(
    chosen: Sequence[int], fair: Sequence[int], against: Sequence[int], reason: str
) -> str:
    return f"{reason}+" + "-".join(",".join(map(str, one)) for one in (chosen, fair, against))


def check_shares(package: Package, texts: Sequence[str], shares: dict[int, int]) -> Faults:
    """Put into `shares` what each of `texts` is, and say which one is none of this box."""
    if not package.full:
        yield "公开数据包中没有密封票，无法开启"
        return
    if not CAN_OPEN:
        yield "开启密封票需要安装 cryptography 50 或更高版本"
        return
    for position, text in enumerate(texts, start=1):
        try:
            index, value = share_of(text, package)
        except ValueError as error:
            yield f"第{position}份{error}"
            continue
        if index in shares:
            yield f"第{position}份重复"
        shares[index] = value
    threshold = package.box["threshold"]
    if len(shares) < max(1, threshold):
        yield f"需要{threshold}份，只有{len(shares)}份可用"


def check_public_key(package: Package, seed: bytes) -> Faults:
    if private_key(seed, package.terms.uuid)[0].hex() != package.box["public_key"]:
        yield "公钥不符"


def check_envelopes(package: Package, seed: bytes, box: Contents) -> Faults:
    """Put into `box` what the envelopes hold. An honest box holds none that is invalid.

    What two people have set apart is invalid by their decision, and a paper by the ruling of the
    chief scrutineer; the record has both, and an invalid paper is sealed as one that breaks the rules.
    """
    for ballot in open_all(package, seed):
        box.add(ballot)
    ruled = {"rules": _whole(package.last("papers-sealed").data.get("invalid"))}
    for reason, count in sorted(box.invalid.items()):
        if reason != "set-apart" and count != ruled.get(reason, 0):
            yield f"{count}张密封票无效（{reason}）"


def compare_ballots(package: Package, box: Contents) -> Faults:
    """Compare the ballots as a heap: which envelope held which is nobody's business."""
    published = package.published
    if not package.lists_ballots:
        valid = sum(box.used.values())
        if (valid, box.invalid.total()) != (published.valid, published.invalid):
            yield "公布的有效、无效张数与票箱中的不符"
        for number in sorted({*box.own, *box.opposed, *published.numbers}):
            opened = box.own[number], box.opposed[number]
            if opened != (published.votes[number], published.against[number]):
                yield f"候选项目{number}在各票上的赞成、反对合计与票箱中的不符"
        return
    left = Counter(box.ballots)
    for row in package.rows("ballots.json"):
        left[_as_text(row["chosen"], fair_of(row), row["against"], row["invalid"])] -= 1
    added, lost = (-left).total(), (+left).total()
    if added or lost:
        yield f"公布的表决票有{added}张不在票箱中，票箱中有{lost}张没有公布"
    if box.used != published.used:
        yield "公布的所用名额与票箱中的不符"


def compare_write_ins(package: Package, box: Contents) -> Faults:
    published = {
        box.folded(row): ((row["title"], row["detail"], row["unit"]), row["ballots"])
        for row in package.write_ins
    }
    # Of several spellings the usual one is published, which must stand on a ballot.
    wrong = sum(
        1
        for key in box.proposals.keys() | published.keys()
        if key not in box.proposals
        or key not in published
        or published[key][0] not in box.proposals[key]
        or published[key][1] != box.proposals[key].total()
    )
    if wrong:
        yield f"有{wrong}件推荐项目的内容或件数与票箱中的不符"


def compare_votes(package: Package, box: Contents) -> Faults:
    figures = package.figures
    for item in figures["items"]:
        counted = box.votes[item["item"]], box.against[item["item"]]
        if (item["votes"], item["against"]) != counted:
            yield (
                f"{item['item']} 应为{counted[0]}票、反对{counted[1]}票，"
                f"公布为{item['votes']}票、反对{item['against']}票"
            )
        if item.get("fair", 0) != (fair := box.fair[item["item"]]):
            yield f"{item['item']} 基本满意应为{fair}票，公布为{item.get('fair', 0)}票"
    told = figures["doubles"], figures.get("doubled", box.doubled), figures["refused"]
    if told != (box.doubles, box.doubled, box.refused):
        yield "并入后重复或不予计票的件数不符"
    if figures.get("turned", 0) != box.turned:
        yield f"改计赞成的反对票应为{box.turned}张，公布为{figures.get('turned', 0)}张"
    if figures["turnout"]["blank"] != box.blank:
        yield f"弃权票应为{box.blank}张，公布为{figures['turnout']['blank']}张"


# --- in English -----------------------------------------------------------------------------------

# Each sentence as the code above says it, with {} for what is put in, and what it is in English.
ENGLISH = {
    "无法读取文件：{}": "the file cannot be read: {}",
    "缺少 manifest.json，或其格式不符": "manifest.json is missing or not as it should be",
    "数据包的版本无法识别": "this version of the package is unknown",
    "缺少 {}": "{} is missing",
    "{} 的格式不符": "{} is not as it should be",
    "poll.json 的格式不符": "poll.json is not as it should be",
    "票决结果的数据版本无法识别": "this version of the figures is unknown",
    "result.json 的格式不符": "result.json is not as it should be",
    "journal.json 的格式不符": "journal.json is not as it should be",
    "文件不是数据包，或已损坏": "the file is no package, or damaged",
    "{} 不是可读的 JSON": "{} is no JSON that can be read",
    "数据包解压后过大，未予读取": "the package would unpack to too much and was not read",
    "数据包中有多余或重复的文件": "the package holds files too many, or one twice",
    "数据包的压缩方式无法识别": "the package is compressed in an unknown way",
    "journal.json 中有一条操作记录的格式不符": "an entry in journal.json is not as it should be",
    "文件与清单不一致": "the files are not those of the manifest",
    "{} 与清单中的校验值不符": "{} does not have the checksum of the manifest",
    "第{}条的内容与校验码不符": "entry {}: the text does not have its hash",
    "第{}条与前一条不衔接": "entry {} does not follow the one before it",
    "第{}条的写法不符": "entry {} is not spelled as it should be",
    "第{}条的时间早于前一条": "entry {} is earlier than the one before it",
    "没有操作记录": "there is no journal",
    "核对号应为{}位数字": "a check number has {} digits",
    "{} 不在操作记录中：记录被截去或改动过，或属于另一次票决": "{} is not in the journal: it was cut or changed, or is of another vote",
    "步骤缺少、重复或次序不对": "steps are missing, repeated or out of order",
    "第{}条（{}）不在它应有的阶段": "entry {} ({}) stands where it cannot",
    "归并结束没有第二人签名": "the canvass was closed without a second signature",
    "有推荐项目而略过了归并": "the canvass was skipped although there were proposals",
    "计票": "the count",
    "复核": "the confirmation",
    "公布": "the publication",
    "票决所处的阶段无法识别": "the state of the vote is unknown",
    "没有现行计票的记录": "there is no record of a standing count",
    "操作记录到{}为止，而票决所处的阶段是{}": "the journal goes as far as {}, the vote as far as {}",
    "结果已全部揭晓，操作记录中却没有": "the result is revealed, but not in the journal",
    "票决已归档，操作记录中却没有": "the vote is archived, but not in the journal",
    "第{}次延长的记录不全": "extension {}: the record is not whole",
    "第{}次延长的原定时间与之前的记录不符": "extension {} does not start from the deadline on record",
    "第{}次改动没有把截止时间延后": "change {} does not move the deadline later",
    "第{}次延长没有第二人签名": "extension {} has no second signature",
    "候选项目编号重复": "two candidates have one number",
    "开始投票的记录与数据包的版本不符": "the record of the opening is not of the version of the package",
    "核对码与开始投票时记录的内容不符": "the signs are not those of what the opening recorded",
    "增补的代表与操作记录不符": "the delegates added are not those of the journal",
    "代表证号重复": "two delegates have one number",
    "与开始投票时记录的校验值不符": "not what the opening recorded",
    "名册人数与操作记录不符": "the roll does not have as many people as the journal says",
    "{} 与生成密钥时的记录不符": "{} is not what was recorded when the key was made",
    "公钥与生成密钥时的记录不符": "the public key is not the one that was made",
    "试开或开始投票所用的不是这把密钥": "another key was tested or opened with",
    "算法无法识别": "the algorithm is unknown",
    "回执编号的格式不符": "a receipt is not as it should be",
    "回执编号重复": "a receipt stands twice",
    "回执编号没有按编号排列": "the receipts are not sorted",
    "第{}张密封票与回执编号不符": "sealed ballot {} is not that of its receipt",
    "{}张密封票的长度与其他票不同": "{} sealed ballots are of another length",
    "与截止时记录的校验值不符": "not what the close recorded",
    "张数与截止时的记录不符": "not as many as the close recorded",
    "与截止（封存纸质票）时记录的校验值不符": "not what was recorded as the papers were sealed",
    "张数与截止（封存纸质票）时的记录不符": "not as many as were recorded as the papers were sealed",
    "发出了纸质票，却没有封存入箱的记录": "papers were given out, but there is no record of their sealing",
    "清点或封存纸质票的记录不全": "the record of the papers counted or sealed is not whole",
    "清点时所记发出的纸质票与截止时的不符": "not as many papers given out as the close recorded",
    "收回的纸质票（{}张）多于发出的（{}张）": "more papers came back ({}) than were given out ({})",
    "收回的纸质票{}张，封存入箱{}张": "{} papers came back, {} were sealed",
    "封存纸质票之前的票箱与截止时的记录不符": "before the papers the box was not what the close recorded",
    "封存纸质票前后的张数不符": "the numbers before and after the papers do not add up",
    "清点或封存纸质票没有第二人签名": "papers were counted or sealed without a second signature",
    "认定无效的纸质票没有全部列为无效票": "not every paper ruled invalid is an invalid ballot",
    "有人领取了两张纸质票": "somebody was given two papers",
    "发出的纸质票与领取人不符": "the papers given out are not as many as those who hold one",
    "发出或收回纸质票没有第二人签名": "papers were given out or taken back without a second signature",
    "名册上领取纸质票{}人，记录中{}人，发出{}张": "{} hold a paper on the roll, {} in the journal, {} were given out",
    "名册上有人既已投票又领取了纸质票": "somebody on the roll has voted and holds a paper",
    "名册上已投票{}人，纸质票{}张，密封票{}张，开启的表决票{}张": "on the roll {} have voted, there are {} papers, {} sealed and {} opened ballots",
    "封存的张数与截止时的记录不符": "not as many set apart as the close recorded",
    "名册上已投票{}人，密封票{}张，开启的表决票{}张": "on the roll {} have voted, there are {} sealed and {} opened ballots",
    "已投票人数与截止时的记录不符": "not as many have voted as the close recorded",
    "已投票的代表与截止时记录的校验值不符": "those who have voted are not those whom the close recorded",
    "封存的表决票与主席团的决定不符": "the ballots set apart are not those of the presidium's decision",
    "封存的表决票没有全部列为无效票": "not all ballots set apart are invalid",
    "有效、无效张数与开箱时的记录不符": "not as many valid and invalid ballots as the opening of the box recorded",
    "有{}人未报到而已投票": "{} have voted without being present",
    "第{}张无效票上有选择": "invalid ballot {} has choices",
    "第{}张不符合票决规则": "ballot {} breaks the rules",
    "合计的项目与候选项目不符": "the totals are not of the candidates",
    "合计中有负数": "a total is below zero",
    "赞成与反对之和多于有效票": "more are for and against than there are valid ballots",
    "没有反对可投，合计中却有反对": "nobody could vote against, but the totals have it",
    "所选项数之和多于各票可选项数之和": "more was chosen than the ballots had places",
    "各票须选足，所选项数之和却不符": "every place had to be filled, but the sum is another",
    "有不允许的空白票": "there is a blank ballot where none is allowed",
    "所用名额没有按多少排列": "the places used are not sorted",
    "有效票{}张，所用名额却有{}个": "{} valid ballots, but {} numbers of places used",
    "所用名额与各票的选择不符": "the places used do not fit the choices",
    "有一张票用了{}个名额": "a ballot uses {} places",
    "有反对的票没有用满名额": "a ballot that is against something did not fill its places",
    "推荐编号不连续": "the numbers of the proposals have gaps",
    "处理方式与归并结束时的记录不符": "the rulings are not those of the canvass",
    "并入哪一项或理由与归并结束时的记录不符": "targets or reasons are not those of the canvass",
    "件数与开箱时的记录不符": "not as many as the opening of the box recorded",
    "{} 的内容不符合票决规则": "the text of {} breaks the rules",
    "{} 不予计票而没有理由": "{} was refused without a reason",
    "推荐项目的件数与各票所用名额之和不符": "the proposals do not add up to the places used",
    "{} 没有处理，或并入了不存在的项目": "{} has no ruling, or was merged into nothing",
    "第{}条的实到人数与前后不符": "entry {}: the number present does not fit",
    "第{}条的人数与所列姓名不符": "entry {}: not as many names as people",
    "第{}条撤销到会没有第二人签名或原因": "entry {} takes a presence back without second signature or reason",
    "截止时的实到人数与此前的记录不符": "the number present at the close does not fit the record",
    "名册上{}的到会与操作记录不符": "the presence of {} on the roll is not that of the journal",
    "开始投票时的实到人数与名册、操作记录不符": "the number present at the opening does not fit roll and journal",
    "收回不等于有效与无效之和": "ballots returned are not valid plus invalid",
    "收回的纸质票与封存的不符": "not as many papers returned as were sealed",
    "发出的纸质票与截止时的记录不符": "not as many papers given out as the close recorded",
    "收回的电子票多于发出的": "more ballots were cast by phone than could be",
    "收回与已投票人数、回执编号数不符": "ballots returned are not as many as voters and receipts",
    "收回多于发出": "more ballots returned than issued",
    "发出张数不符": "the number of ballots issued is wrong",
    "全体代表人数不符": "the number of all delegates is wrong",
    "实到人数与操作记录不符": "the number present is not that of the journal",
    "换发投票卡的次数与操作记录不符": "cards re-issued are not as many as in the journal",
    "应到人数与操作记录不符": "the roll does not have as many people as the journal says",
    "{} 应为{}，公布为{}": "{} should be {}, is published as {}",
    "blank 与各项目的票数不符，公布为{}": "blank ballots do not fit the votes, published as {}",
    "blank 与各票的选择、所用名额不符，公布为{}": "blank ballots do not fit choices and places, published as {}",
    "项目与候选项目、单列的推荐项目不一致": "the items are not the candidates and the proposals that stand alone",
    "{} 应为{}票，公布为{}票": "{} should have {} votes, is published with {}",
    "并入后重复的票数应为{}，公布为{}": "doubles after merging should be {}, are published as {}",
    "并入后重复的表决票不超过{}张，公布为{}": "ballots with doubles are at most {}, published as {}",
    "不予计票的件数应为{}，公布为{}": "refused proposals should be {}, are published as {}",
    "改计赞成的反对票应为{}张，公布为{}张": "votes against turned into votes for should be {}, are published as {}",
    "并入候选项目的件数应为{}，公布为{}": "proposals merged into candidates should be {}, are published as {}",
    "各票所选项数之和应为{}，公布为{}": "the sum of all choices should be {}, is published as {}",
    "推荐件数不符": "the number of proposals is wrong",
    "归并项数不符": "the number of proposed items is wrong",
    "{} 的项目名称不符": "the title of {} is another",
    "{} 基本满意应为{}票，公布为{}票": "{} should be fairly satisfying on {} ballots, is published with {}",
    "满意的界限无法识别": "the boundary of satisfaction is unknown",
    "评为满意所需应为{}票，不应有应选项数": "to be satisfied should take {} votes, and there are no places",
    "项目没有按编号排列": "the items are not in the order of their numbers",
    "总体的 {} 应为 {}": "the whole: {} should be {}",
    "等次与公布时的记录不符": "the grades are not those that the publication recorded",
    "{} 反对应为{}票": "{} should have {} votes against",
    "{} 反对应为{}票，至多少{}票": "{} should have {} votes against, at most {} fewer",
    "通过所需应为{}票、应选{}项": "to pass should take {} votes, for {} places",
    "项目没有按得票数排列": "the items are not in the order of votes",
    "{} 的 {} 应为 {}": "{}: {} should be {}",
    "{} 的票数为负数": "{} has fewer votes than none",
    "{} 没有反对可投": "nobody could vote against {}",
    "未确定的名额应为{}": "the places left should be {}",
    "不足的名额不符": "the shortfall is wrong",
    "候选项目的编号、名称或个数不符": "number, title or count of the candidates is wrong",
    "不成立：{}（{} {} {}）": "does not hold: {} ({} {} {})",
    "数据与数据校验码不符": "the figures do not have their checksum",
    "数据属于另一次票决": "the figures are of another vote",
    "数据所依据的票决规则不符": "the figures follow other rules",
    "得票数与计票时的记录不符": "the votes are not those that the count recorded",
    "数据校验码与“{}”的记录不符": "the checksum is not that of the entry “{}”",
    "计票人复核了自己的计票": "the counter confirmed his own count",
    "录入纸质票的人参加了复核": "somebody who keyed papers confirmed the count",
    "同一人复核了两次": "one person confirmed twice",
    "公布人是复核人": "a confirmer published",
    "复核人数不足而已公布": "published with too few confirmations",
    "会务": "the office",
    "监票": "the scrutineers",
    "总监票人": "the chief scrutineer",
    "第{}条（{}）由无权的人办理：{}": "entry {} ({}) is by somebody without that office: {}",
    "第{}条（{}）的第二人无权签名：{}": "entry {} ({}) is signed by somebody without that office: {}",
    "第{}条（归并结束）不是会务和监票各一人签名": "entry {} (end of the canvass) is not signed by office and scrutineer",
    "复核人中没有总监票人": "no confirmer is the chief scrutineer",
    "不是密钥份额": "is no share of a key",
    "与生成密钥时记录的校验值不符": "is not what was recorded when the key was made",
    "公开数据包中没有密封票，无法开启": "a public package has no sealed ballots to open",
    "开启密封票需要安装 cryptography 50 或更高版本": "to open sealed ballots install cryptography 50 or later",
    "第{}份{}": "share {} {}",
    "第{}份重复": "share {} stands twice",
    "需要{}份，只有{}份可用": "{} shares are needed, {} can be used",
    "公钥不符": "the public key is another",
    "{}张密封票无效（{}）": "{} sealed ballots are invalid ({})",
    "公布的有效、无效张数与票箱中的不符": "valid and invalid ballots are not as many as in the box",
    "候选项目{}在各票上的赞成、反对合计与票箱中的不符": "the totals of candidate {} are not those of the box",
    "公布的表决票有{}张不在票箱中，票箱中有{}张没有公布": "{} published ballots are not in the box, {} in the box were not published",
    "公布的所用名额与票箱中的不符": "the places used are not those of the box",
    "有{}件推荐项目的内容或件数与票箱中的不符": "{} proposals are not those of the box",
    "{} 应为{}票、反对{}票，公布为{}票、反对{}票": "{} should have {} for and {} against, is published with {} and {}",
    "并入后重复或不予计票的件数不符": "doubles or refused proposals are not those of the box",
    "弃权票应为{}张，公布为{}张": "blank ballots should be {}, are published as {}",
    "数据包中的文件与清单一致": "the files are those of the manifest",
    "操作记录首尾相接、未经改动": "the journal is one chain, unchanged",
    "各步骤齐全、次序合法": "every step is there, in a legal order",
    "操作记录到达票决所处的阶段": "the journal leads as far as the vote has come",
    "按会议决定确定的项目与登记的决定不符": "what was filled by decision is not the decision on record",
    "按会议决定确定的项目均有两人签名的记录": "what was filled by decision is on record, signed by two",
    "工作人员名单与开始投票时记录的校验值不符": "the list of staff is not the one on record at the opening",
    "保管人名单与生成密钥时记录的校验值不符": "the list of holders is not the one on record at the ceremony",
    "密钥份额由谁保管（保管人名单没有公开，只有校验值）": "who holds the shares of the key (the list of holders is withheld but for its digest)",
    "截止时间只向后延长，均有两人签名": "the deadline only moved later, signed by two",
    "开始投票时宣读的核对码与记录一致": "the signs read out at the opening are those on record",
    "票决与开始投票时一致": "the vote is as at the opening",
    "候选项目与开始投票时一致": "the candidates are as at the opening",
    "票决规则与开始投票时一致": "the rules are as at the opening",
    "代表名册与开始投票时一致": "the roll is as at the opening",
    "票箱密钥与生成时一致": "the key of the box is the one that was made",
    "回执编号格式正确、没有重复": "receipts are well formed, none twice",
    "每张密封票与它的回执编号相符": "each sealed ballot is that of its receipt",
    "密封票长度相同": "sealed ballots have one length",
    "回执编号与截止时记录的一致": "the receipts are those that the close recorded",
    "纸质票的发出、收回、录入与封存相符": "papers given out, returned, keyed and sealed agree",
    "已投票人数、密封票、表决票张数相等": "as many voters as sealed and opened ballots",
    "每张表决票符合票决规则": "each ballot keeps the rules",
    "推荐项目及其处理与记录一致": "proposals and rulings are those on record",
    "实到人数逐条相符，撤销到会均有两人签名": "presence adds up, and was taken back by two only",
    "应到、实到、发出、收回各数相符": "the figures of turnout agree",
    "重新计票的得票数一致": "counted again, the votes are the same",
    "过半数、名次、并列和结果正确": "majority, ranks, ties and outcome are right",
    "公布的核对等式成立": "the published identities hold",
    "数据校验码与计票、复核、公布记录一致": "the checksum is that of count, confirmation and publication",
    "计票、复核、公布由不同人员办理": "count, confirmation and publication are by different people",
    "办理和签名的人当时具有相应职责": "whoever acted or signed held that office then",
    "数据自相矛盾": "the data contradict themselves",
    "密钥份额属于本票箱": "the shares are of this box",
    "份额合成的密钥与票箱公钥一致": "the shares make the key of the box",
    "密封票全部开启，没有复制的票": "every sealed ballot opens, none is a copy",
    "开启的表决票与公布的一致": "what was opened is what was published",
    "票中的推荐项目与公布的一致": "the proposals in the box are those published",
    "按开启的表决票重新计票一致": "counted from the opened ballots, the result is the same",
    "这个数据包不含所需资料：{}": "this package does not hold what is needed for: {}",
    "{}条操作记录的内容没有公开，只核对了它们在记录中的位置": "{} entries are withheld; only their places in the journal were checked",
    "办理和签名的人当时有无相应职责（工作人员账号的记录没有公开）": "whether whoever acted or signed held that office (the record of accounts is withheld)",
    "投票开始后工作人员账号变动{}次，是否应当（见操作记录）": "whether {} changes of staff accounts after the opening were in order (see the journal)",
    "计票人是否也参加了复核（计票的记录没有公开）": "whether the counter also confirmed (the record of the count is withheld)",
    "密封票里装的是否就是公布的表决票（须用密钥份额开启：--shares 文件）": "whether the sealed ballots hold what was published (open them with the shares: --shares FILE)",
    "每张表决票是否符合规则：有推荐项目时只公布合计，以免看出推荐写在哪张票上（开启密封票后可逐张核对）": "whether each ballot keeps the rules: with proposals only totals are told, so that no ballot shows who proposed (open the box to check each)",
    "归并后同一张票上重复的项目，只核对了总数（开启密封票后可逐项核对）": "doubles on one ballot after merging: only their sum was checked (open the box to check each)",
    "并入候选项目的推荐使该项目少了几张反对票，只核对了上下限（开启密封票后可逐项核对）": "how many votes against were turned by merging: only the limits were checked (open the box to check each)",
    "纸质票的票面与录入、封存的是否一致（须对照按扎保管的纸质票）": "whether the papers say what was keyed and sealed (compare them, bundle by bundle)",
    "监票人的复核：尚未复核": "the confirmation by scrutineers: there is none yet",
    "名册上的人是否本人投票；代表提交时的选择与密封时是否一致（那时服务器须未被人控制）": "whether those on the roll voted themselves, and whether what was sealed is what they chose (the server must not have been in other hands then)",
    "操作记录的末尾是否被截去、整份是否换过：没有给出当场记下的核对号（--head 核对号）": "whether the end of the journal was cut off or all of it made anew: no check number from the hall was given (--head NUMBER)",
    "操作记录最后{}条是否完整：它们在给出的核对号之后": "whether the last {} entries are whole: they come after the check number that was given",
    "{}年 {}（监票数据包）": "{} {} (full package)",
    "{}年 {}（公开数据包）": "{} {} (public package)",
    "演练，不计票": "a rehearsal, no vote",
    "简易方式：任一持有人可单独开启票箱": "simple form: any holder can open the box alone",
    "没有核对、也无法由此得知的：": "What was not checked, and cannot be known from this:",
    "收回表决票{}张，有效{}张；数据校验码 {}": "{} ballots returned, {} valid; checksum {}",
    "开始投票核对码 {}": "signs of the opening {}",
    "操作记录共{}条，末条核对号 {}，校验码 {}": "{} entries in the journal, check number of the last {}, hash {}",
    "核对不通过：{}": "NOT in order: {}",
    "核对通过：已开启密封票比对。": "In order, compared with the opened box.",
    "核对通过：未开启密封票。": "In order, with the box closed.",
    "当场记下的核对号在操作记录中": "the check numbers from the hall are in the journal",
    "无法读取密钥份额文件": "the file of shares cannot be read",
}
LONGEST_SENTENCE = 400
# The sentences that fit best come first: those with the most signs of their own.
PATTERNS = [
    (re.compile(re.escape(said).replace(re.escape("{}"), "(.+)"), re.DOTALL), english)
    for said, english in sorted(ENGLISH.items(), key=lambda row: -len(row[0].replace("{}", "")))
]


def in_english(said: str) -> str:
    """Return a sentence of this program in English, with what was put into it; else what it says.

    Only what is printed is translated, so that a check says its finding once, where it is found.
    """
    # A forged text may be of any length, and to match it would take its cube.
    if len(said) > LONGEST_SENTENCE:
        return said
    for pattern, english in PATTERNS:
        if found := pattern.fullmatch(said):
            return english.format(*map(in_english, found.groups()))
    return "; ".join(map(in_english, said.split("；"))) if "；" in said else said


# --- running --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Check:
    """One thing that is checked: `code` names it for programs, `title` for people.

    `needs` says for which packages: "any", "totals" (where votes are published), "full".
    """

    code: str
    title: str
    run: Callable[[Package], Faults]
    needs: str = "any"


CHECKS = (
    Check("manifest", "数据包中的文件与清单一致", check_manifest),
    Check("journal", "操作记录首尾相接、未经改动", check_journal),
    Check("order", "各步骤齐全、次序合法", check_order),
    Check("state", "操作记录到达票决所处的阶段", check_state),
    Check("deadline", "截止时间只向后延长，均有两人签名", check_deadline),
    Check("opening", "开始投票时宣读的核对码与记录一致", check_opening),
    Check("poll", "票决与开始投票时一致", check_poll),
    Check("candidates", "候选项目与开始投票时一致", check_candidates),
    Check("rules", "票决规则与开始投票时一致", check_rules),
    Check("roll", "代表名册与开始投票时一致", check_roll, "full"),
    Check("key", "票箱密钥与生成时一致", check_key),
    Check("receipts", "回执编号格式正确、没有重复", check_receipts),
    Check("sealed", "每张密封票与它的回执编号相符", check_sealed, "full"),
    Check("sizes", "密封票长度相同", check_sizes, "full"),
    Check("root", "回执编号与截止时记录的一致", check_root),
    Check("papers", "纸质票的发出、收回、录入与封存相符", check_papers),
    Check("marks", "已投票人数、密封票、表决票张数相等", check_marks, "full"),
    Check("ballots", "每张表决票符合票决规则", check_ballots, "full"),
    Check("write-ins", "推荐项目及其处理与记录一致", check_write_ins, "full"),
    Check("presence", "实到人数逐条相符，撤销到会均有两人签名", check_presence, "full"),
    Check("turnout", "应到、实到、发出、收回各数相符", check_turnout, "totals"),
    Check("votes", "重新计票的得票数一致", check_votes, "full"),
    Check("ranks", "过半数、名次、并列和结果正确", check_ranks, "totals"),
    Check("identities", "公布的核对等式成立", check_identities, "totals"),
    Check("digest", "数据校验码与计票、复核、公布记录一致", check_digest),
    Check("decision", "按会议决定确定的项目均有两人签名的记录", check_decision),
    Check("people", "计票、复核、公布由不同人员办理", check_people),
    Check("signers", "办理和签名的人当时具有相应职责", check_signers),
)


@dataclass(frozen=True)
class Finding:
    """What one check came to; without `faults` it found everything in order."""

    code: str
    title: str
    faults: tuple[str, ...] = ()


def level_a(package: Package) -> Iterator[Finding]:
    """Check all that the package shows by itself."""
    for check in CHECKS:
        if applies(check, package):
            yield found(check.code, check.title, partial(check.run, package))


def applies(check: Check, package: Package) -> bool:
    if check.needs == "totals":
        return "figures" in package.result
    return check.needs == "any" or package.full


def found(code: str, title: str, run: Callable[[], Faults]) -> Finding:
    """Run one check to its verdict, whatever odd data it meets."""
    try:
        return Finding(code, title, tuple(run()))
    except Exception:
        # Each shape was checked, yet forged data can contradict itself in ways that only show as a
        # KeyError or a ValueError. That is a verdict, and not a reason to fall silent.
        return Finding(code, title, ("数据自相矛盾",))


def level_b(package: Package, texts: Sequence[str]) -> Iterator[Finding]:
    """Open the box with the typed shares and compare; stops where going on makes no sense."""
    shares: dict[int, int] = {}
    first = found("shares", "密钥份额属于本票箱", partial(check_shares, package, texts, shares))
    yield first
    if first.faults:
        return
    seed = combined(dict(list(shares.items())[: package.box["threshold"]]))
    second = found(
        "public-key", "份额合成的密钥与票箱公钥一致", partial(check_public_key, package, seed)
    )
    yield second
    if second.faults:
        return
    box = Contents(package)
    yield found(
        "envelopes", "密封票全部开启，没有复制的票", partial(check_envelopes, package, seed, box)
    )
    yield found("opened", "开启的表决票与公布的一致", partial(compare_ballots, package, box))
    yield found("proposed", "票中的推荐项目与公布的一致", partial(compare_write_ins, package, box))
    yield found("recount", "按开启的表决票重新计票一致", partial(compare_votes, package, box))


def unchecked(package: Package, *, opened: bool, heads: Sequence[str] = ()) -> Iterator[str]:
    """Say what these checks cannot see, so that nobody takes them for more than they are."""
    left_out = [check.title for check in CHECKS if not applies(check, package)]
    if left_out:
        yield f"这个数据包不含所需资料：{'；'.join(left_out)}"
    held_back = sum(1 for entry in package.journal if entry.body is None)
    if held_back:
        yield f"{held_back}条操作记录的内容没有公开，只核对了它们在记录中的位置"
    if staff_at_opening(package) is None:
        yield "办理和签名的人当时有无相应职责（工作人员账号的记录没有公开）"
    if not package.full and type(package.box["holders"]) is str:
        yield "密钥份额由谁保管（保管人名单没有公开，只有校验值）"
    if changes := package.entries(ACCOUNTS):
        yield f"投票开始后工作人员账号变动{len(changes)}次，是否应当（见操作记录）"
    if package.last("counted").body is None:
        yield "计票人是否也参加了复核（计票的记录没有公开）"
    if package.full and not opened:
        yield "密封票里装的是否就是公布的表决票（须用密钥份额开启：--shares 文件）"
        if not package.lists_ballots:
            yield "每张表决票是否符合规则：有推荐项目时只公布合计，以免看出推荐写在哪张票上（开启密封票后可逐张核对）"
        if package.figures["doubles"]:
            yield "归并后同一张票上重复的项目，只核对了总数（开启密封票后可逐项核对）"
        into = {row["ruling"] for row in package.write_ins}
        if package.rules["form"] == "each" and "into-project" in into:
            yield "并入候选项目的推荐使该项目少了几张反对票，只核对了上下限（开启密封票后可逐项核对）"
    if package.papers:
        yield "纸质票的票面与录入、封存的是否一致（须对照按扎保管的纸质票）"
    if not package.entries("confirmed"):
        yield "监票人的复核：尚未复核"
    yield "名册上的人是否本人投票；代表提交时的选择与密封时是否一致（那时服务器须未被人控制）"
    if not heads:
        yield "操作记录的末尾是否被截去、整份是否换过：没有给出当场记下的核对号（--head 核对号）"
        return
    given = set(map(digits_of, heads))
    places = [
        place
        for place, entry in enumerate(package.journal, start=1)
        if check_number(entry.hash) in given
    ]
    if later := len(package.journal) - max(places, default=0):
        yield f"操作记录最后{later}条是否完整：它们在给出的核对号之后"


def report(
    package: Package,
    findings: Sequence[Finding],
    *,
    opened: bool,
    heads: Sequence[str] = (),
    tell: Callable[[str], str] = str,
) -> Iterator[str]:
    """Yield the lines that are printed, each sentence as `tell` says it."""
    poll, box = package.poll, package.box
    yield tell(f"{poll['year']}年 {poll['meeting']}（{'监票' if package.full else '公开'}数据包）")
    if poll["kind"] == "rehearsal":
        yield tell("演练，不计票")
    if box["threshold"] == 1:
        yield tell("简易方式：任一持有人可单独开启票箱")
    for finding in findings:
        shown = "；".join(map(tell, finding.faults[:3])) + ("……" if finding.faults[3:] else "")
        yield f"{'✗' if finding.faults else '✓'} {tell(finding.title)}（{finding.code}）" + (
            f"：{shown}" if shown else ""
        )
    yield tell("没有核对、也无法由此得知的：")
    yield from (f"  － {tell(line)}" for line in unchecked(package, opened=opened, heads=heads))
    if "figures" in package.result:
        turnout = package.figures["turnout"]
        yield tell(
            f"收回表决票{turnout['returned']}张，有效{turnout['valid']}张；"
            f"数据校验码 {package.result['digest']}"
        )
    if "digest" in package.last("opened").data:
        yield tell(f"开始投票核对码 {package.last('opened').data['digest']}")
    yield tell(
        f"操作记录共{len(package.journal)}条，末条核对号 {grouped(check_number(package.head))}，"
        f"校验码 {package.head}"
    )
    wrong = [finding.code for finding in findings if finding.faults]
    if wrong:
        yield tell(f"核对不通过：{'、'.join(wrong)}")
    else:
        yield tell("核对通过：已开启密封票比对。" if opened else "核对通过：未开启密封票。")


def say(line: str) -> None:
    """Print `line` on any terminal: nothing in a forged package may drive it or stop it."""
    shown = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in line
    )
    encoding = sys.stdout.encoding or "utf-8"
    print(shown.encode(encoding, "backslashreplace").decode(encoding))


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the package named on the command line and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python verifier.py", description="核对票决数据包。 Check a package of a vote."
    )
    parser.add_argument(
        "package",
        type=Path,
        metavar="F.zip",
        help="监票数据包或公开数据包 (full or public package)",
    )
    parser.add_argument(
        "--shares",
        type=Path,
        metavar="FILE",
        help="密钥份额，每行一份 (shares of the key, one a line)",
    )
    parser.add_argument("--lang", choices=("zh", "en"), default="zh", help="中文 / English")
    parser.add_argument(
        "--head",
        action="append",
        default=[],
        metavar="NUMBER",
        help="当场记下的操作记录核对号，可以给出几个 (check number from the hall, may be repeated)",
    )
    options = parser.parse_args(arguments)
    tell = in_english if options.lang == "en" else str
    try:
        package = read(options.package)
        texts = _shares(options.shares) if options.shares else None
    except Unreadable as refusal:
        say(f"✗ {tell(str(refusal))}（package）")
        say(tell("核对不通过：package"))
        return 1
    findings = list(level_a(package))
    if options.head:
        run = partial(check_heads, package, options.head)
        findings.append(found("head", "当场记下的核对号在操作记录中", run))
    if texts is not None:
        findings += level_b(package, texts)
    opened = any(finding.code == "recount" for finding in findings)
    for line in report(package, findings, opened=opened, heads=options.head, tell=tell):
        say(line)
    return 1 if any(finding.faults for finding in findings) else 0


def _shares(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, ValueError):
        raise Unreadable("无法读取密钥份额文件") from None


if __name__ == "__main__":
    sys.exit(main())
