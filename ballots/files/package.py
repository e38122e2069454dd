"""The two packages of proof (design §5.6): zip files that `ballots.verifier` reads without us.

The full one is for scrutineers; the public one has no ballots, no names of delegates and no text
that was not adopted as an item. In neither does a proposal stand beside the other choices of its
ballot, and nothing in them has a time but the acts of the journal.
"""

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Collection, Mapping
from typing import NotRequired, TypedDict

from django.utils.translation import gettext

from ballots.facts import counting, frozen, outcome, words
from ballots.files import tables
from ballots.files.download import Download
from ballots.journal import Kind
from ballots.models import Ballot, JournalEntry, Result, WriteIn
from ballots.pure import chain
from ballots.pure.figures import Stored
from projects.models import Poll
from projects.naming import file_names

# Beside the number of the format in which the poll was opened (`facts.frozen`).
FORMAT = "yiwu-vote-package/{number}"
# What a zip file says of the age of its members; the same data must give the same bytes.
NO_TIME = (1980, 1, 1, 0, 0, 0)

# Entries that name no delegate and quote no proposal. Others are handed out as their hash alone, an
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
ENTRIES_WITH_VOTES = {Kind.COUNTED, Kind.SENT_BACK}


# --- the members, as the verifier reads them ------------------------------------------------------


class BallotMember(TypedDict):
    """One row of `ballots.json`."""

    chosen: list[int]
    against: list[int]
    invalid: str


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
    """`result.json`: the whole count, or the `adopted` by key and title where no votes are shown."""

    digest: str
    figures: NotRequired[Stored]
    adopted: NotRequired[list[tuple[str, str]]]


# --- the two packages -----------------------------------------------------------------------------


def full_package(poll: Poll) -> Download:
    """Return everything a scrutineer needs to check the count; raises Refused before it."""
    poll, result = tables.counted(poll)
    files = {
        "poll.json": _poll(poll),
        "roll.json": list(
            poll.roll.order_by("number").values("number", "name", "delegation", "present", "voted")
        ),
        "sealed.json": [
            {"receipt": row.receipt, "sealed": base64.b64encode(bytes(row.sealed)).decode()}
            for row in poll.sealed_ballots.order_by("receipt")
        ],
        "ballots.json": _ballots(poll),
        "places.json": _places(poll),
        "write_ins.json": _write_ins(poll),
        "result.json": {"digest": result.digest, "figures": result.stored},
        "journal.json": [_whole(entry) for entry in poll.journal.order_by("seq")],
    }
    return _zipped(poll, "full", gettext("监票数据包"), files)


def public_package(poll: Poll) -> Download:
    """Return what anybody may have: rules, totals, receipts, journal; raises before publication.

    Totals stand in it only where the poll shows votes to the public (design §3.4), else the list of
    adopted projects; the checksum of the full figures stands in it always.
    """
    poll, result = tables.counted(poll)
    if poll.phase != Poll.Phase.PUBLISHED:
        raise tables.refused("not-published")
    kinds = PUBLIC_ENTRIES | (ENTRIES_WITH_VOTES if poll.show_votes else set())
    files = {
        "poll.json": _poll(poll),
        "receipts.json": sorted(poll.sealed_ballots.values_list("receipt", flat=True)),
        "result.json": _public_result(poll, result),
        "journal.json": [
            _whole(entry) if _may_be_read(entry, kinds) else _withheld(entry)
            for entry in poll.journal.order_by("seq")
        ],
    }
    return _zipped(poll, "public", gettext("公开数据包"), files)


def _may_be_read(entry: JournalEntry, kinds: Collection[str]) -> bool:
    """Tell whether anybody may read an entry: of one of `kinds`, and naming nobody.

    Who came while people voted stands in the record only since it says so by name.
    """
    return entry.kind in kinds and "people" not in entry.data


def _poll(poll: Poll) -> dict[str, object]:
    """Return the frozen rules and candidates exactly as the opening hashed them, and the box."""
    box = poll.box
    remarks = words.remarks(poll)
    if box.threshold == 1:
        remarks.append(gettext("简易方式：任一持有人可单独开启票箱"))
    return {
        **frozen.frozen_poll(poll),
        "remarks": remarks,
        "rules": frozen.frozen_rules(poll, frozen.opened_in(poll)),
        "candidates": frozen.frozen_candidates(poll),
        "box": {
            "ceremony": box.ceremony,
            "suite": box.suite,
            "public_key": bytes(box.public_key).hex(),
            "threshold": box.threshold,
            "holders": box.holders,
            "commitments": box.commitments,
            "ballot_size": box.ballot_size,
        },
    }


def _ballots(poll: Poll) -> list[BallotMember]:
    """Return every opened ballot without its proposals, and without how many there were.

    Sorted by what stands on them: the order of the file tells nothing.
    """
    ballots: list[BallotMember] = [
        {"chosen": ballot.chosen, "against": ballot.against, "invalid": ballot.invalid}
        for ballot in poll.ballots.all()
    ]
    return sorted(ballots, key=chain.canonical)


def _places(poll: Poll) -> list[int]:
    """Return how many places the valid ballots use, proposals included, from the least to the most.

    Apart from the ballots: the only one with a proposal would tell what else its author chose.
    """
    counts = poll.proposals == Poll.Proposals.COUNTED
    return sorted(
        len(ballot.chosen) + (len(ballot.write_ins) if counts else 0)
        for ballot in poll.ballots.filter(invalid=Ballot.Invalid.VALID)
    )


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
            "into": _into(write_in),
            "reason": write_in.reason,
            "ballots": mentions[str(write_in.pk)],
        }
        for write_in in poll.write_ins.select_related("into_project", "into_write_in")
    ]


def _into(write_in: WriteIn) -> str:
    if write_in.into_project:
        return str(write_in.into_project.number)
    return write_in.into_write_in.key if write_in.into_write_in else ""


def _public_result(poll: Poll, result: Result) -> ResultMember:
    if poll.show_votes:
        return {"digest": result.digest, "figures": result.stored}
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


def _zipped(poll: Poll, kind: str, content: str, files: Mapping[str, object]) -> Download:
    texts = {
        name: json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"
        for name, value in files.items()
    }
    manifest = {
        "format": FORMAT.format(number=frozen.opened_in(poll)),
        "package": kind,
        "files": {name: hashlib.sha256(text).hexdigest() for name, text in texts.items()},
    }
    texts["manifest.json"] = json.dumps(manifest, ensure_ascii=False, indent=1).encode() + b"\n"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in texts.items():
            member = zipfile.ZipInfo(name, date_time=NO_TIME)
            member.external_attr = 0o600 << 16
            archive.writestr(member, text, compress_type=zipfile.ZIP_DEFLATED)
    names = file_names(poll, content, f"{kind}-package", "zip")
    return Download(*names, out.getvalue())
