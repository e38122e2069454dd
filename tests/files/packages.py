"""Packages of proof as tests take them to pieces: unpacked, changed as a forger would, and checked."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from ballots import verifier
from ballots.files import package
from ballots.pure import chain
from tests.helpers.factories import Stage

Files = dict[str, Any]


@dataclass(frozen=True)
class Proof:
    """The two packages of one vote and the shares that open its box.

    `full` is as earlier versions wrote it, each ballot in it also where there were proposals;
    `today` is the full package as it is written now.
    """

    full: bytes
    today: bytes
    public: bytes
    shares: list[str]

    @property
    def files(self) -> Files:
        return unpacked(self.full)


def singly(stage: Stage) -> bytes:
    """The full package with each ballot in it, as earlier versions wrote it."""
    files = unpacked(package.full_package(stage.poll).content)
    files.pop("totals.json", None)
    if stage.poll.is_graded:
        # Earlier versions knew no grades.
        return packed(files)
    rows = stage.poll.ballots.values("chosen", "against", "invalid", "write_ins")
    own = [{name: row[name] for name in ("chosen", "against", "invalid")} for row in rows]
    files["ballots.json"] = sorted(own, key=chain.canonical)
    counts = stage.poll.proposals == "counted"
    files["places.json"] = sorted(
        len(row["chosen"]) + (len(row["write_ins"]) if counts else 0)
        for row in rows
        if not row["invalid"]
    )
    return packed(files)


def proof_of(stage: Stage) -> Proof:
    return Proof(
        full=singly(stage),
        today=package.full_package(stage.poll).content,
        public=package.public_package(stage.poll).content,
        shares=stage.shares[: stage.poll.box.threshold],
    )


@contextmanager
def undone() -> Iterator[None]:
    """Keep the database as it was, so that what is made here is made for a whole module."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def unpacked(content: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: json.loads(archive.read(name)) for name in archive.namelist()}


def packed(files: Files) -> bytes:
    """Zip `files` with a manifest that fits them, as a forger would."""
    texts = {name: json.dumps(value).encode() for name, value in files.items()}
    manifest = files["manifest.json"] | {
        "files": {
            name: hashlib.sha256(text).hexdigest()
            for name, text in texts.items()
            if name != "manifest.json"
        }
    }
    return zipped(texts | {"manifest.json": json.dumps(manifest).encode()})


def zipped(texts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
    return out.getvalue()


def findings(content: bytes, shares: list[str] | None = None) -> list[verifier.Finding]:
    read = verifier.read(io.BytesIO(content))
    found = list(verifier.level_a(read))
    if shares is not None:
        found += verifier.level_b(read, shares)
    # Whatever is wrong, the report must still come out.
    assert list(verifier.report(read, found, opened=False))
    return found


def wrong(content: bytes, shares: list[str] | None = None) -> set[str]:
    """Return the names of the checks that the package does not pass."""
    return {finding.code for finding in findings(content, shares) if finding.faults}


def edit_journal(files: Files, kind: str, change: Callable[[Any], None]) -> None:
    """Change the entries of `kind` and chain all of them anew."""
    bodies = [json.loads(row["body"]) for row in files["journal.json"]]
    for body in bodies:
        if body["kind"] == kind:
            change(body)
    chain_again(files, bodies)


def drop_from_journal(files: Files, kind: str) -> None:
    bodies = [json.loads(row["body"]) for row in files["journal.json"]]
    chain_again(files, [body for body in bodies if body["kind"] != kind])


def chain_again(files: Files, bodies: list[Any]) -> None:
    prev = chain.GENESIS
    files["journal.json"] = []
    for seq, body in enumerate(bodies, start=1):
        link = chain.link(**(body | {"seq": seq, "prev": prev}))
        files["journal.json"].append({"kind": body["kind"], "hash": link.hash, "body": link.body})
        prev = link.hash
