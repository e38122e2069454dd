"""The database under everything: its clock, its tables, how it writes, its backup."""

from datetime import UTC, datetime
from pathlib import Path

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone


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
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def writes_are_durable() -> bool:
    """Tell whether a row that was committed survives a power cut."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT current_setting('fsync'), current_setting('synchronous_commit')")
            return bool(cursor.fetchone() == ("on", "on"))
        cursor.execute("PRAGMA synchronous")
        return bool(cursor.fetchone()[0] >= 2)


def newest_file(folder: Path) -> datetime | None:
    """Return when the newest file in `folder` was written; an empty one is a backup that failed.

    Raises OSError where the folder cannot be read.
    """
    files = [path.stat() for path in folder.iterdir() if path.is_file()]
    times = [file.st_mtime for file in files if file.st_size]
    return datetime.fromtimestamp(max(times), UTC) if times else None
