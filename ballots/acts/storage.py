"""The files of the database, rewritten after the close: no old page may tell the order of casting."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.contrib.auth.models import User
from django.db import OperationalError, ProgrammingError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from ballots import journal
from ballots.models import Envelope, PaperReading, RollEntry, SealedBallot
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
    """Tell whether that is done, since the close or since papers were sealed: a step offers it else."""
    kinds = (journal.Kind.STORAGE_REWRITTEN, journal.Kind.PAPERS_SEALED)
    last = poll.journal.filter(kind__in=kinds).order_by("seq").last()
    return last is not None and last.kind == journal.Kind.STORAGE_REWRITTEN


def _vacuum() -> None:
    with owned() as owner, owner.cursor() as cursor:
        if owner.vendor == "postgresql":
            # VACUUM keeps a deleted row for as long as an older transaction anywhere on the server
            # might see it; a table that ALTER rewrites takes over the living rows alone.
            with _without_limit(cursor):
                for model, column in EMPTIED.items():
                    cursor.execute(_rewriting(model, column))
                models: list[type[Model]] = [*EMPTIED, SealedBallot, RollEntry]
                tables = [model._meta.db_table for model in models]
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


# The tables that a close and the sealing of papers leave empty, with a column of text or bytes.
EMPTIED: dict[type[Model], str] = {Envelope: "sealed", PaperReading: "doubt"}


def _rewriting(model: type[Model], column: str) -> str:
    """Return the statement that rewrites an empty table, and forgets its statistics.

    ANALYZE leaves those of an empty table alone, some hundred values of each column as they were;
    only a change of its type drops what is known of a column. What `column` becomes has to be
    computed, or nothing would be rewritten.
    """
    columns = [
        f"ALTER COLUMN {field.column} TYPE {field.db_type(connection)}"
        + (f" USING {column} || ''" if field.column == column else "")
        for field in model._meta.concrete_fields
    ]
    return f"ALTER TABLE {model._meta.db_table} {', '.join(columns)}"
