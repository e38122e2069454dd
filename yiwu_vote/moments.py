"""What time it is by the clock that judges a deadline, and how a moment is written where it stands in figures."""

from datetime import datetime, timedelta

from django.utils import timezone


def to_the_minute(at: datetime) -> str:
    """Return `at` such as 2026-01-18 10:42."""
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}"


# By how much the database's clock is ahead of this machine's, as the latest connection found it.
_ahead = timedelta()


def now() -> datetime:
    """Return the time by the database's clock, by which casts are judged, without asking it.

    A page that went by this machine's clock would turn people away while the box takes ballots.
    """
    return timezone.now() + _ahead


def note_clock(of_database: datetime) -> None:
    """Note what the database's clock says at this moment; SQLite has none of its own."""
    global _ahead
    _ahead = of_database - timezone.now()
