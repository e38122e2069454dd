"""The only writer of the journal: each act on a poll appends one link in its own transaction."""

import json
import secrets
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from ballots.models import JournalEntry
from ballots.pure import chain
from projects.models import Poll


def append(
    poll: Poll, kind: str, *, by: User, second: User | None = None, data: Any = None
) -> JournalEntry:
    """Record that `by` (and `second`, where two people sign) did `kind` on `poll`.

    The caller holds the lock on the poll's row, which gives the chain its order, and is inside the
    act's transaction, so that no act stands without its entry and no entry without its act. `data`
    holds strings, integers, booleans, lists and dictionaries, and never a delegate's choices.
    """
    last = JournalEntry.objects.filter(poll=poll).order_by("-seq").first()
    seq = last.seq + 1 if last else 1
    at = timezone.now().replace(microsecond=0)
    if last and last.at > at:
        # A clock that was set back must not make the record run backwards (security.md T14).
        at = last.at
    link = chain.link(
        seq=seq,
        prev=last.hash if last else chain.GENESIS,
        kind=kind,
        at=at.isoformat(),
        by=by.get_username(),
        second=second.get_username() if second else "",
        salt=secrets.token_hex(16),
        data={} if data is None else data,
    )
    return JournalEntry.objects.create(
        poll=poll, seq=seq, kind=kind, at=at, by=by, second=second, body=link.body, hash=link.hash
    )


def said(poll: Poll, kind: str, name: str) -> list[Any]:
    """Return what the entries of that kind say under `name`, in the order of the record."""
    bodies = poll.journal.filter(kind=kind).order_by("seq").values_list("body", flat=True)
    return [json.loads(body)["data"][name] for body in bodies]


def first_broken(poll: Poll) -> int | None:
    """Return the position (from 1) of the first entry of `poll` that does not fit, else None."""
    rows = JournalEntry.objects.filter(poll=poll).order_by("seq").select_related("by", "second")
    broken = chain.first_broken(chain.Link(body=row.body, hash=row.hash) for row in rows)
    # The pages show the columns, so they too have to say what was hashed.
    for position, row in enumerate(rows[: broken - 1 if broken else None], start=1):
        if not _says_its_body(row):
            return position
    return broken


def _says_its_body(row: JournalEntry) -> bool:
    body = json.loads(row.body)
    said = {
        "seq": row.seq,
        "kind": row.kind,
        "at": row.at.isoformat(),
        "by": row.by.get_username(),
        "second": row.second.get_username() if row.second else "",
    }
    return all(body.get(name) == value for name, value in said.items())
