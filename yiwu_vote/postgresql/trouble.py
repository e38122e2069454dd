"""What the database's own trouble looks like, of whatever kind it is, and how often it is said."""

import logging

from django.db import InterfaceError, InternalError, OperationalError

# What PostgreSQL says to whoever writes where it only reads: on a standby, or told to.
READ_ONLY = "25006"


def is_away(error: BaseException | None) -> bool:
    """Tell whether `error` is the database's own trouble, which passes: gone, busy, full, or read-only."""
    if isinstance(error, (OperationalError, InterfaceError)):
        return True
    return isinstance(error, InternalError) and (
        getattr(error.__cause__, "sqlstate", "") == READ_ONLY
    )


# What PostgreSQL says where no room is left; SQLite says it in words.
DISK_FULL = "53100"


def is_full(error: BaseException) -> bool:
    """Tell whether `error` is a disk on which nothing has room any more."""
    return getattr(error.__cause__, "sqlstate", "") == DISK_FULL or "disk is full" in str(error)


class SaidOnce(logging.Filter):
    """Leave out what Django says of a database that is away: `server_error` has said it in one line.

    Else a hall that reloads its pages fills the disk with frames of our own code.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not (record.name == "django.request" and is_away(error))
