"""The files of the database, rewritten after the close: no old page may tell the order of casting."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.contrib.auth.models import User
from django.db import OperationalError, ProgrammingError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext_lazy as _

from ballots import journal
from ballots.models import Envelope, RollEntry, SealedBallot
from ballots.refusal import Refusals, demand_office, locked
from projects.models import Poll
from yiwu_vote.postgresql.owner import owned
from yiwu_vote.postgresql.trouble import is_full

refused = Refusals(
    {
        "storage-busy": _("有其他操作正在使用数据库，未能清除投票先后的痕迹，请稍后再试。"),
        "not-owner": _(
            "运行网站的数据库账号不能清除投票先后的痕迹。请技术人员设置 OWNER_DATABASE_URL（见 docs/operations.md），再办理这一步。"
        ),
        "storage-full": _("磁盘空间不足，未能清除投票先后的痕迹，请清理后再试。"),
    }
)


def rewrite_storage(poll: Poll, *, by: User) -> None:
    """Let the database rewrite its files, so that no old page tells the order of casting.

    It follows the close and the end as void, once their transaction is over: VACUUM runs in none.
    Write-ahead logs and backups keep what they have (design §5.7).
    """
    demand_office(by)
    with transaction.atomic():
        locked(poll, Poll.Phase.CLOSED, Poll.Phase.VOID)
    if connection.in_atomic_block:
        # The very transaction that calls would hold the tables.
        raise refused("storage-busy")
    try:
        _vacuum()
    except OperationalError as error:
        # No room, or somebody else is reading or writing: the old pages are still there.
        raise refused("storage-full" if is_full(error) else "storage-busy") from None
    except ProgrammingError:
        raise refused("not-owner") from None
    with transaction.atomic():
        journal.append(locked(poll), journal.Kind.STORAGE_REWRITTEN, by=by)


def is_rewritten(poll: Poll) -> bool:
    """Tell whether that is done: a step offers it only where it failed."""
    return poll.journal.filter(kind=journal.Kind.STORAGE_REWRITTEN).exists()


def _vacuum() -> None:
    with owned() as owner, owner.cursor() as cursor:
        if owner.vendor == "postgresql":
            # VACUUM keeps a deleted row for as long as an older transaction anywhere on the server
            # might see it; a table that ALTER rewrites takes over the living rows alone.
            with _without_limit(cursor):
                cursor.execute(_rewriting())
                tables = [model._meta.db_table for model in (Envelope, SealedBallot, RollEntry)]
                cursor.execute(f"VACUUM (FULL, ANALYZE) {', '.join(tables)}")
            return
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if cursor.fetchone()[0]:
            raise OperationalError("a reader held the log of writes")


@contextmanager
def _without_limit(cursor: CursorWrapper) -> Iterator[None]:
    """Give the statements within the time that they take: no act's transaction lifts the limit here.

    Behind a pooler nothing may be set, for the next statement may find it, or not.
    """
    if settings.BEHIND_POOLER:
        yield
        return
    cursor.execute("SET statement_timeout = 0")
    try:
        yield
    finally:
        cursor.execute("RESET statement_timeout")


def _rewriting() -> str:
    """Return the statement that rewrites the empty table of the envelopes, and forgets its statistics.

    ANALYZE leaves those of an empty table alone, some hundred values of each column as they were;
    only a change of its type drops what is known of a column.
    """
    columns = [
        f"ALTER COLUMN {field.column} TYPE {field.db_type(connection)}"
        for field in Envelope._meta.concrete_fields
        if field.column != "sealed"
    ]
    sealed = "ALTER COLUMN sealed TYPE bytea USING sealed || ''"
    return f"ALTER TABLE ballots_envelope {', '.join([sealed, *columns])}"
