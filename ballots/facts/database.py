"""The database under everything: its clock, its tables, how it writes, its backup."""

import sqlite3
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from django.utils.translation import gettext


def now() -> datetime:
    """Return the database's clock at this moment, not at the start of the transaction.

    SQLite has no clock of its own: it asks this machine's, as Python does.
    """
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment


def tables_are_ready() -> bool:
    """Tell whether every migration has been applied to the database."""
    return not pending_migrations()


def pending_migrations() -> list[str]:
    """Return the names of the migrations that have still to be applied: “ballots.0001_initial”."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


def demand_a_write() -> None:
    """Write something that nobody reads, down to the disk; raises what a ballot would meet."""
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT current_setting('transaction_read_only')")
            if cursor.fetchone()[0] == "on":
                raise OperationalError("the database only reads")
            cursor.execute("SELECT pg_logical_emit_message(TRUE, 'readyz', '')")
        else:
            cursor.execute("PRAGMA user_version")
            cursor.execute(f"PRAGMA user_version = {int(cursor.fetchone()[0])}")


def writes_are_durable() -> bool:
    """Tell whether a row that was committed survives a power cut."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Without the last one a page that a power cut has torn stays torn.
            cursor.execute(
                "SELECT current_setting('fsync'), current_setting('synchronous_commit'),"
                " current_setting('full_page_writes')"
            )
            return bool(cursor.fetchone() == ("on", "on", "on"))
        cursor.execute("PRAGMA synchronous")
        return bool(cursor.fetchone()[0] >= 2)


def connections_left() -> int | None:
    """Return how many connections the server has for others than its superusers; None where it counts none.

    What a pooler in front of it lends is the pooler's own affair.
    """
    if connection.vendor != "postgresql" or settings.BEHIND_POOLER:
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('max_connections')::int"
            " - current_setting('superuser_reserved_connections')::int"
        )
        return int(cursor.fetchone()[0])


@dataclass(frozen=True)
class Measured:
    """The kind and version of the database, its bytes, and of a server how it answers.

    `seconds` is how long it took to answer just now; `connections` how many are taken of how many.
    """

    kind: str
    size: int
    seconds: float = 0
    connections: tuple[int, int] | None = None


def measured() -> Measured:
    """Return how large and how busy the database is, in one query to a server and none to a file."""
    if connection.vendor != "postgresql":
        name = str(connection.settings_dict["NAME"])
        files = [path for path in (Path(name), Path(f"{name}-wal")) if path.exists()]
        version = sqlite3.sqlite_version
        return Measured(f"SQLite {version}", sum(path.stat().st_size for path in files))
    begun = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_database_size(current_database()), current_setting('server_version_num')::int / 10000,"
            " count(*), current_setting('max_connections')::int FROM pg_stat_activity"
            " WHERE backend_type = 'client backend'"
        )
        size, version, taken, there = cursor.fetchone()
    return Measured(f"PostgreSQL {version}", size, time.monotonic() - begun, (taken, there))


def why_unfit() -> str:
    """Return why this site must not be served over its connection; empty where it may, or where none is to be had.

    A pooler lends one connection to many: it drops what we ask of the server, or turns us away for
    asking, and the plans that we keep with a connection are not there any more when it comes back.
    """
    if connection.vendor != "postgresql":
        return ""
    asked = settings.ASKED_OF_SERVER
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid(), current_database()")
            pid, name = cursor.fetchone()
            cursor.execute(
                "SELECT name, current_setting(name) FROM unnest(%s::text[]) AS name", [list(asked)]
            )
            found = dict(cursor.fetchall())
    except OperationalError as error:
        # So PgBouncer answers whoever asks anything of the server.
        return _pooler() if "startup parameter" in str(error) else ""
    # A pooler tells a number of its own.
    if pid != connection.connection.info.backend_pid and not settings.BEHIND_POOLER:
        return _pooler()
    unlike = [one for one, value in asked.items() if found[one] != value]
    if not unlike:
        return ""
    statements = " ".join(f"ALTER DATABASE {name} SET {one} = '{asked[one]}';" for one in unlike)
    return gettext("数据库连接没有采用本程序要求的设置，请由数据库管理员执行：%(statements)s") % {
        "statements": statements
    }


def _pooler() -> str:
    return gettext(
        "数据库前面有连接池（如 PgBouncer），而没有设置 BEHIND_POOLER=1。见 docs/operations.md。"
    )


def newest_file(folder: Path) -> datetime | None:
    """Return when the newest file in `folder` was written; an empty one is a backup that failed.

    What begins with a dot is a draft of one. Raises OSError where the folder cannot be read.
    """
    files = [path.stat() for path in folder.iterdir() if path.is_file() and path.name[0] != "."]
    times = [file.st_mtime for file in files if file.st_size]
    return datetime.fromtimestamp(max(times), UTC) if times else None
