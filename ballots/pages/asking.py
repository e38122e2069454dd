"""Who asks: one statement from the session of a request to where its delegate stands (design §7.6)."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Any, TypeVar

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Exists, F, Model, OuterRef, QuerySet, Subquery
from django.utils import timezone

from ballots.facts.kept import note_opening
from ballots.facts.polls import IDLE
from ballots.journal import Kind
from ballots.models import AccessCard, Delegate, JournalEntry, RollEntry, Session
from projects.models import Poll
from projects.year.models import Year

Row = TypeVar("Row", bound=Model)
Reader = Callable[[Any, Any, BaseDatabaseWrapper], Any]

ABOUT_ASKING = (
    *("session_data", "expire_date", "card_id", "card__revoked_at"),
    *("is_collecting", "newest_year"),
)
ABOUT_STANDING = ("is_idle", "opening", "code")


def _columns(model: type[Model], wanted: Collection[str]) -> tuple[str, ...]:
    """Return those columns in the order of the model, in which `from_db` takes them."""
    return tuple(
        column.attname for column in model._meta.concrete_fields if column.attname in wanted
    )


# What pages ask of each; whatever else a page asks for is fetched when it does.
CARD = _columns(AccessCard, {"id", "delegate_id", "revoked_at"})
DELEGATE = _columns(Delegate, {"id", "number", "name", "status", "delegation_id"})
ENTRY = _columns(
    RollEntry,
    {"id", "poll_id", "delegate_id", "number", "name", "delegation"}
    | {"present", "channel", "voted", "voted_at"},
)
POLL = tuple(
    column.attname
    for column in Poll._meta.concrete_fields
    if column.attname not in {"holders", "screen_key"}
)
# Stands in the statement for the key of the session that asks.
KEY = "session-key"


@dataclass(frozen=True)
class Standing:
    """Where a delegate stands with one poll; `code` is that of his receipt, until names go off."""

    poll: Poll
    entry: RollEntry
    code: str | None


@dataclass(frozen=True)
class Asking:
    """What the row of a session leads to: its data as stored, and the valid card that opened it.

    `standings` are those of the delegate with the polls on whose roll he is, in no order;
    `is_collecting` tells whether any poll takes recommendations now, `newest_year` the last one whose
    projects were adopted.
    """

    session_data: str
    card: AccessCard | None
    standings: tuple[Standing, ...]
    is_collecting: bool
    newest_year: int | None


def who_asks(session_key: str) -> Asking | None:
    """Return whose session has that key; None where it has ended or never was.

    All of it is read in this moment, by one statement: phase, presence, marks and revocation may
    have changed since the last request.
    """
    rows = _answers(session_key)
    if not rows:
        return None
    (session_data, expires, card_id, revoked_at, is_collecting, newest_year), _, person, _, _ = (
        rows[0]
    )
    if expires <= timezone.now():
        return None
    if card_id is None or revoked_at is not None:
        return Asking(session_data, None, (), is_collecting, newest_year)
    delegate = _made(Delegate, DELEGATE, person)
    card = _made(AccessCard, CARD, (card_id, delegate.pk, revoked_at))
    card.delegate = delegate
    standings = []
    for _, (is_idle, opening, code), _, roll_entry, about in rows:
        # Whoever stands on no roll has one row without an entry.
        if roll_entry[0] is not None and not is_idle:
            poll = _made(Poll, POLL, about)
            note_opening(poll, opening or "")
            entry = _made(RollEntry, ENTRY, roll_entry)
            entry.poll, entry.delegate = poll, delegate
            standings.append(Standing(poll, entry, code))
    return Asking(session_data, card, tuple(standings), is_collecting, newest_year)


def _made(model: type[Row], names: Sequence[str], values: Sequence[Any]) -> Row:
    return model.from_db(Session.objects.db, names, values)


# --- the statement --------------------------------------------------------------------------------


def question(session_key: str) -> "QuerySet[Session, tuple[Any, ...]]":
    """Return what is asked, as the ORM asks it: five groups of columns in one row a roll entry."""
    to_delegate, to_entry = "card__delegate__", "card__delegate__roll_entries__"
    poll = OuterRef(f"{to_entry}poll")
    opening = JournalEntry.objects.filter(poll=poll, kind=Kind.OPENED).values("hash")
    return (
        Session.objects.filter(session_key=session_key)
        .annotate(
            is_collecting=Exists(Poll.objects.collecting()),
            newest_year=Subquery(Year.objects.order_by("-year").values("year")[:1]),
            is_idle=Exists(Poll.objects.filter(IDLE, pk=poll)),
            opening=Subquery(opening[:1]),
            code=F(f"{to_entry}envelope__code"),
        )
        .values_list(
            *ABOUT_ASKING,
            *ABOUT_STANDING,
            *(to_delegate + name for name in DELEGATE),
            *(to_entry + name for name in ENTRY),
            *(f"{to_entry}poll__{name}" for name in POLL),
        )
    )


GROUPS = (ABOUT_ASKING, ABOUT_STANDING, DELEGATE, ENTRY, POLL)
ENDS = tuple(accumulate(map(len, GROUPS)))
PARTS = tuple(slice(end - len(group), end) for group, end in zip(GROUPS, ENDS, strict=True))


@dataclass(frozen=True)
class Written:
    """A question as the ORM has written it for one kind of database, and how it reads the answer."""

    sql: str
    values: tuple[Any, ...]
    readers: tuple[tuple[int, Sequence[Reader], Any], ...]


def _answers(session_key: str) -> list[list[Sequence[Any]]]:
    """Return the rows that answer `question`, each in its groups of columns.

    To write this statement takes the ORM several times as long as the database to answer it, so it
    is written once a process. A test holds that both ways give the same.
    """
    connection = connections[Session.objects.db]
    written = _written(connection.vendor)
    values = [session_key if value == KEY else value for value in written.values]
    with connection.cursor() as cursor:
        cursor.execute(written.sql, values)
        rows = [list(row) for row in cursor.fetchall()]
    for row in rows:
        for place, readers, column in written.readers:
            for reader in readers:
                row[place] = reader(row[place], column, connection)
    return [[row[part] for part in PARTS] for row in rows]


@cache
def _written(_vendor: str) -> Written:
    connection = connections[Session.objects.db]
    compiler = question(KEY).query.get_compiler(connection=connection)
    sql, values = compiler.as_sql()
    columns = [column for column, *_ in compiler.select]
    readers = compiler.get_converters(columns)
    return Written(sql, tuple(values), tuple((place, *one) for place, one in readers.items()))
