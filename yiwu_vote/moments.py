"""How a moment is written, by the clock of the hall, where a page, a paper or a record says it in figures."""

from datetime import datetime

from django.utils import timezone


def to_the_minute(at: datetime) -> str:
    """Return `at` such as 2026-01-18 10:42."""
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}"
