"""What a database holds of votes, told in two lines: for a copy of it, and to know it again later.

Plain SQL on columns that every version has had: a copy is taken before an update as well, and what
was taken then is compared before the migrations of today.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext

from projects.models import Poll
from projects.phases import VOTING

Ask = Callable[[str], list[tuple[Any, ...]]]

POLLS = (
    "SELECT id, uuid, meeting, kind, phase,"
    " (SELECT COUNT(*) FROM ballots_rollentry r WHERE r.poll_id = p.id AND r.voted)"
    " FROM projects_poll p ORDER BY id"
)
LAST = (
    "SELECT j.poll_id, j.seq, j.hash FROM ballots_journalentry j JOIN (SELECT poll_id,"
    " MAX(seq) AS seq FROM ballots_journalentry GROUP BY poll_id) last ON j.seq = last.seq"
    " AND (j.poll_id = last.poll_id OR (j.poll_id IS NULL AND last.poll_id IS NULL))"
)
BALLOTS = (
    "SELECT p.uuid, (SELECT COUNT(*) FROM ballots_envelope e WHERE e.poll_id = p.id)"
    " + (SELECT COUNT(*) FROM ballots_sealedballot s WHERE s.poll_id = p.id) FROM projects_poll p"
)
MIGRATIONS = "SELECT app, MAX(name) FROM django_migrations GROUP BY app ORDER BY app"


@dataclass(frozen=True)
class Chain:
    """A record: how many entries it has, and the hash of the last."""

    entries: int = 0
    last: str = ""


@dataclass(frozen=True)
class HeldPoll:
    """A poll as a database holds it: phase, record, how many have voted."""

    uuid: str
    name: str
    kind: str
    phase: str
    voted: int
    chain: Chain

    @property
    def is_rehearsal(self) -> bool:
        return self.kind == Poll.Kind.REHEARSAL

    @property
    def takes_ballots(self) -> bool:
        return self.phase in VOTING

    def __str__(self) -> str:
        return gettext("%(name)s：%(phase)s，操作记录%(entries)d条，已投票%(voted)d人") % {
            "name": self.name,
            "phase": self.phase_in_words,
            "entries": self.chain.entries,
            "voted": self.voted,
        }

    @property
    def phase_in_words(self) -> str:
        return str(Poll.Phase(self.phase).label) if self.phase in Poll.Phase else self.phase


@dataclass(frozen=True)
class Held:
    """The record of the register, and the polls."""

    register: Chain
    polls: tuple[HeldPoll, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as a file keeps it; `from_json` reads it back."""
        return asdict(self)

    def of(self, uuid: str) -> HeldPoll | None:
        return next((poll for poll in self.polls if poll.uuid == uuid), None)


def held(ask: Ask) -> Held:
    """Return what the database that answers `ask` holds of votes."""
    chains = {poll: Chain(entries, last) for poll, entries, last in ask(LAST)}
    return Held(
        chains.get(None, Chain()),
        tuple(
            HeldPoll(UUID(str(uuid)).hex, name, kind, phase, voted, chains.get(pk, Chain()))
            for pk, uuid, name, kind, phase, voted in ask(POLLS)
        ),
    )


def from_json(said: Mapping[str, Any]) -> Held:
    """Return what `as_json` has written."""
    return Held(
        Chain(**said["register"]),
        tuple(HeldPoll(**{**poll, "chain": Chain(**poll["chain"])}) for poll in said["polls"]),
    )


def ballots(ask: Ask) -> dict[str, int]:
    """Return how many sealed ballots of each poll there are, with a name or without."""
    return {UUID(str(uuid)).hex: count for uuid, count in ask(BALLOTS) if count}


def migrations(ask: Ask) -> dict[str, str]:
    """Return the last migration of each app."""
    return dict(ask(MIGRATIONS))


def here(sql: str) -> list[tuple[Any, ...]]:
    """Ask the database of this site."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())
