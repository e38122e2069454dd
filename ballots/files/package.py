"""The two packages of proof (design §5.6): zip files that `ballots.verifier` reads without us.

The full one is for scrutineers; the public one has no ballots, no names of delegates, no lists of
staff and holders but salted digests, and no text that was not adopted as an item. In neither does a
proposal stand beside the other choices of its ballot, nor can it be inferred: where proposals came,
no ballot is listed singly, only what all of them come to. Nothing in them has a time but the acts of the journal.

A package is written as it is taken, a row of a list a line, so that none is too large for memory.
"""

import base64
import hashlib
import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import repeat
from typing import Any, NotRequired, TypedDict, TypeVar

from django.db import connection, transaction
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast, Collate
from django.utils.translation import gettext

from ballots.facts import counting, frozen, outcome, rulings, words
from ballots.files import tables
from ballots.files.download import Streamed
from ballots.journal import Kind, said
from ballots.models import Ballot, JournalEntry, Result
from ballots.pure.figures import Stored
from ballots.pure.tally import ItemOutcome
from ballots.refusal import locked
from projects.models import Poll
from projects.naming import file_names

# Beside the number of the format in which the poll was opened (`facts.frozen`).
FORMAT = "yiwu-vote-package/{number}"
# So many rows are fetched at once, and so many bytes handed on.
ROWS, PIECE = 1_000, 256 * 1024

# Entries that list no names and quote no proposal. Others are handed out as their hash alone, an
# unknown one included: the chain still shows that they are there and where.
PUBLIC_ENTRIES = {
    Kind.KEY_MADE,
    Kind.KEY_TESTED,
    Kind.ROLL_DRAWN_UP,
    Kind.PRESENCE_MARKED,
    Kind.OPENED,
    Kind.PRESENCE_RAISED,
    Kind.PAUSED,
    Kind.RESUMED,
    Kind.DEADLINE_MOVED,
    Kind.CLOSED,
    Kind.PAPERS_EXCHANGED,
    Kind.PAPERS_COUNTED,
    Kind.PAPERS_SEALED,
    Kind.STORAGE_REWRITTEN,
    Kind.BOX_OPENED,
    Kind.CANVASS_SKIPPED,
    Kind.CONFIRMED,
    Kind.DECIDED,
    Kind.SECOND_ROUND_MADE,
    Kind.PUBLISHED,
    Kind.REVEALED,
    Kind.ARCHIVED,
}
# What a row of `roll.json` says of a delegate.
ROLL = ("number", "name", "delegation", "present", "voted", "channel")
ENTRIES_WITH_VOTES = {Kind.COUNTED, Kind.SENT_BACK}


# --- the members, as the verifier reads them ------------------------------------------------------


class BallotMember(TypedDict):
    """One row of `ballots.json`; of a 满意度测评 also with what is 基本满意."""

    chosen: list[int]
    fair: NotRequired[list[int]]
    against: list[int]
    invalid: str


class TotalsMember(TypedDict):
    """`totals.json`: of each candidate its number, and how many valid ballots are for and against."""

    valid: int
    invalid: int
    candidates: list[tuple[int, int, int]]


class WriteInMember(TypedDict):
    """One row of `write_ins.json`; `into` is a candidate's number or a proposal's key, or empty."""

    key: str
    title: str
    detail: str
    unit: str
    ruling: str
    into: str
    reason: str
    ballots: int


class EntryMember(TypedDict):
    """One row of `journal.json`; without its `body` where the text is held back."""

    kind: str
    hash: str
    body: str | None


class ResultMember(TypedDict):
    """`result.json`: the whole count, or the `adopted` by key and title where no votes are shown.

    Of a 满意度测评 without votes the `grades` of all items stand in their place.
    """

    digest: str
    figures: NotRequired[Stored]
    adopted: NotRequired[list[tuple[str, str]]]
    grades: NotRequired[list[tuple[str, str, ItemOutcome]]]


# --- the two packages -----------------------------------------------------------------------------

Row = TypeVar("Row")
# What is told of each row on its way: a bar is one.
Watch = Callable[[Iterator[Row]], Iterator[Row]]


def full_package(poll: Poll, *, watch: Watch[Any] = iter) -> Streamed:
    """Return everything a scrutineer needs to check the count; raises Refused before it.

    `watch` sees the sealed ballots pass, one by one.
    """
    poll, record = _full_record(poll)
    columns = ("receipt", "sealed", "set_apart")
    box = poll.sealed_ballots.order_by("receipt").values_list(*columns)
    lists: dict[str, Iterable[object]] = {
        "roll.json": _fetched(poll.roll.order_by("number").values(*ROLL)),
        "sealed.json": map(_sealed, watch(_fetched(box))),
    }
    if poll.write_ins.exists():
        record["totals.json"] = _totals(poll)
    else:
        lists |= {"ballots.json": _fetched(_ballots(poll)), "places.json": _places(poll)}
    return _streamed(poll, "full", gettext("监票数据包"), record, lists)


def public_package(poll: Poll, *, watch: Watch[Any] = iter) -> Streamed:
    """Return what anybody may have: rules, totals, receipts, journal; raises before publication.

    Totals stand in it only where the poll shows votes to the public (design §3.4), else the list of
    adopted projects; the checksum of the full figures stands in it always. `watch` sees the
    receipts pass, one by one.
    """
    poll, record = _public_record(poll)
    receipts = watch(
        _fetched(poll.sealed_ballots.order_by("receipt").values_list("receipt", flat=True))
    )
    lists: dict[str, Iterable[object]] = {"receipts.json": receipts}
    return _streamed(poll, "public", gettext("公开数据包"), record, lists)


@transaction.atomic
def _full_record(poll: Poll) -> tuple[Poll, dict[str, object]]:
    """Return `poll` as it is now and the files that may still change, all of one moment.

    Under the lock of the poll no act changes one of them after another was read. The lists need no
    lock: roll, box and ballots are frozen since the box was opened.
    """
    poll, result = tables.counted(locked(poll))
    return poll, {
        "poll.json": _poll(poll, poll.box.holders),
        "write_ins.json": _write_ins(poll),
        "result.json": {"digest": result.digest, "figures": result.stored},
        "journal.json": [_whole(entry) for entry in poll.journal.order_by("seq")],
    }


def _public_record(poll: Poll) -> tuple[Poll, dict[str, object]]:
    """Return `poll` as it is now and what its publication froze, beside its record.

    Without the lock, which a stranger must not be able to hold: of a published poll the record alone
    still grows, and that is read in one statement, after the state that it has to lead to.
    """
    poll, result = tables.counted(poll)
    if poll.phase != Poll.Phase.PUBLISHED:
        raise tables.refused("not-published")
    kinds = PUBLIC_ENTRIES | (ENTRIES_WITH_VOTES if poll.show_votes else set())
    return poll, {
        # By the digest on record; a key that an earlier version made has its holders there by name.
        "poll.json": _poll(poll, said(poll, Kind.KEY_MADE, "holders")[-1]),
        "result.json": _public_result(poll, result),
        "journal.json": [
            _whole(entry) if _may_be_read(entry, kinds) else _withheld(entry)
            for entry in poll.journal.order_by("seq")
        ],
    }


def _may_be_read(entry: JournalEntry, kinds: Collection[str]) -> bool:
    """Tell whether anybody may read an entry: of one of `kinds`, and naming nobody.

    Who came while people voted stands in the record only since it says so by name.
    """
    return entry.kind in kinds and "people" not in entry.data


def _poll(poll: Poll, holders: object) -> dict[str, object]:
    """Return the frozen rules and candidates exactly as the opening hashed them, and the box."""
    box, number = poll.box, frozen.opened_in(poll)
    remarks = words.remarks(poll)
    if box.threshold == 1:
        remarks.append(gettext("简易方式：任一持有人可单独开启票箱"))
    return {
        **frozen.frozen_poll(poll),
        # How far the poll has come: the record must lead as far.
        "phase": poll.phase,
        "is_revealed": poll.is_revealed,
        "is_archived": poll.archived_at is not None,
        "remarks": remarks,
        "rules": frozen.frozen_rules(poll, number),
        "candidates": frozen.frozen_candidates(poll, number),
        "box": {
            "ceremony": box.ceremony,
            "suite": box.suite,
            "public_key": bytes(box.public_key).hex(),
            "threshold": box.threshold,
            "holders": holders,
            "commitments": box.commitments,
            "ballot_size": box.ballot_size,
        },
    }


def _fetched(rows: "QuerySet[Any, Row]") -> Iterator[Row]:
    return rows.iterator(chunk_size=ROWS)


def _sealed(row: tuple[str, bytes, bool]) -> dict[str, str]:
    """Return a row of the box; what was set apart goes out without its bytes.

    Its delegate may be named by the decision: whoever has shares and a package must not open it.
    """
    receipt, sealed, set_apart = row
    if set_apart:
        return {"receipt": receipt, "sealed": ""}
    return {"receipt": receipt, "sealed": base64.b64encode(sealed).decode()}


def _ballots(poll: Poll) -> "QuerySet[Ballot, dict[str, Any]]":
    """Return every opened ballot of a poll in which nobody proposed anything.

    Sorted by what stands on them, sign by sign, by the database: the order of the file tells nothing.
    """
    plain = "C" if connection.vendor == "postgresql" else "BINARY"
    names = [
        name
        for name in BallotMember.__annotations__
        if poll.is_graded or name in BallotMember.__required_keys__
    ]
    order = [Collate(Cast(name, TextField()), plain) for name in names]
    return poll.ballots.order_by(*order).values(*names)


def _places(poll: Poll) -> Iterator[int]:
    """Yield how many places the valid ballots use, from the least to the most; none in a 满意度测评.

    Older verifiers ask for it; where nobody proposed anything it is what the ballots say themselves.
    """
    valid = poll.ballots.filter(invalid=Ballot.Invalid.VALID)
    if poll.is_graded:
        yield from repeat(0, valid.count())
        return
    used = Counter(map(len, _fetched(valid.values_list("chosen", flat=True))))
    for places in sorted(used):
        yield from repeat(places, used[places])


def _totals(poll: Poll) -> TotalsMember:
    """Return what the ballots of a poll with proposals come to, each of them left out.

    Single ballots would tell where the proposals stand: one that has room left, the only one with
    other choices, one without a mark that is not blank. A list of the places used tells as much.
    """
    votes: Counter[int] = Counter()
    against: Counter[int] = Counter()
    valid = invalid = 0
    rows = poll.ballots.values_list("invalid", "chosen", "against")
    for reason, chosen, opposed in _fetched(rows):
        if reason:
            invalid += 1
            continue
        valid += 1
        votes.update(chosen)
        against.update(opposed)
    numbers = poll.projects.order_by("number").values_list("number", flat=True)
    return {
        "valid": valid,
        "invalid": invalid,
        "candidates": [(number, votes[number], against[number]) for number in numbers],
    }


def _write_ins(poll: Poll) -> list[WriteInMember]:
    """Return every proposal with its ruling and on how many valid ballots it stood."""
    mentions = counting.mentions(poll)
    return [
        {
            "key": write_in.key,
            "title": write_in.title,
            "detail": write_in.detail,
            "unit": write_in.unit,
            "ruling": write_in.ruling,
            "into": rulings.target_of(write_in),
            "reason": write_in.reason,
            "ballots": mentions[str(write_in.pk)],
        }
        for write_in in poll.write_ins.select_related("into_project", "into_write_in")
    ]


def _public_result(poll: Poll, result: Result) -> ResultMember:
    if poll.show_votes:
        return {"digest": result.digest, "figures": result.stored}
    if poll.is_graded:
        return {"digest": result.digest, "grades": outcome.graded_items(result)}
    adopted = sorted(
        outcome.adopted_items(result), key=lambda item: outcome.in_list_order(item["item"])
    )
    return {
        "digest": result.digest,
        # In the order of the list, which tells nothing of the votes.
        "adopted": [(item["item"], item["title"]) for item in adopted],
    }


def _whole(entry: JournalEntry) -> EntryMember:
    return {"kind": entry.kind, "hash": entry.hash, "body": entry.body}


def _withheld(entry: JournalEntry) -> EntryMember:
    return {"kind": entry.kind, "hash": entry.hash, "body": None}


# --- the zip file ---------------------------------------------------------------------------------


def _streamed(
    poll: Poll,
    kind: str,
    content: str,
    record: Mapping[str, object],
    lists: Mapping[str, Iterable[object]],
) -> Streamed:
    texts = {name: iter([_json(value) + "\n"]) for name, value in record.items()}
    texts |= {name: _lines(rows) for name, rows in lists.items()}
    format_ = FORMAT.format(number=frozen.opened_in(poll))
    names = file_names(poll, content, f"{kind}-package", "zip")
    return Streamed(*names, _zipped({"format": format_, "package": kind}, texts))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _lines(rows: Iterable[object]) -> Iterator[str]:
    """Yield a list in JSON with a row a line, so that it can be read line by line as well."""
    before = "[\n"
    for row in rows:
        yield before + _json(row)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


class _Outlet(io.RawIOBase):
    """Where a zip file is written to that nobody can seek in, and taken from piece by piece."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: Any) -> int:
        self._written += data
        return len(data)

    def __len__(self) -> int:
        return len(self._written)

    def take(self) -> bytes:
        taken, self._written = bytes(self._written), bytearray()
        return taken


def _zipped(manifest: dict[str, Any], texts: Mapping[str, Iterator[str]]) -> Iterator[bytes]:
    """Yield a zip file of `texts` and of `manifest`, which comes last, with the hash of each.

    The same texts give the same bytes: what has no time of its own is of 1980 in a zip file.
    """
    out, hashes = _Outlet(), {}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in texts.items():
            checksum = hashlib.sha256()
            # How long it will be nobody knows yet, and a large box takes more than 4 GB.
            with archive.open(name, "w", force_zip64=True) as member:
                for part in text:
                    data = part.encode()
                    checksum.update(data)
                    member.write(data)
                    if len(out) >= PIECE:
                        yield out.take()
            hashes[name] = checksum.hexdigest()
        archive.writestr(
            zipfile.ZipInfo("manifest.json"), _json(manifest | {"files": hashes}) + "\n"
        )
    yield out.take()
