"""What the page of the day watches: how the turnout grows, and the machine that it all runs on.

Nothing here says who voted, or of which delegation: a curve of a small one would tell it.
"""

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count
from django.db.models.functions import TruncMinute
from django.utils import timezone
from django.utils.translation import gettext

from ballots import triggers
from ballots.facts import preflight, turnout
from ballots.facts.preflight import Finding
from ballots.models import Delegate
from ballots.pure.tally import Turnout
from projects.models import Poll

GIGABYTE = 1_000_000_000
# The frame of the drawing, in units of its own: the browser stretches it to the width of the page.
LEFT, RIGHT, TOP, BOTTOM = 44, 948, 14, 168


# --- the turnout ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Minute:
    """How many voted within one minute, and how many had by its end."""

    at: datetime
    marks: int
    total: int


@dataclass(frozen=True)
class Curve:
    """The turnout from the opening to the close, or to now: its minutes and the line they draw.

    `issued` is the height of the drawing. Minutes in which nobody voted are left out, so that a vote
    of a week has no more of them than delegates.
    """

    minutes: list[Minute]
    path: str
    start: datetime
    end: datetime
    issued: int

    @property
    def total(self) -> int:
        return self.minutes[-1].total if self.minutes else 0

    @property
    def is_of_one_day(self) -> bool:
        return timezone.localdate(self.start) == timezone.localdate(self.end)


def curve_of(poll: Poll, *, issued: int) -> Curve | None:
    """Return how the turnout grew; None before the opening, and once archiving took the times.

    `issued` is how many may vote: the height of the drawing.
    """
    if poll.opened_at is None or poll.archived_at is not None:
        return None
    rows = (
        poll.roll.filter(voted_at__isnull=False)
        .annotate(minute=TruncMinute("voted_at"))
        .values("minute")
        .annotate(marks=Count("pk"))
        .order_by("minute")
    )
    minutes: list[Minute] = []
    total = 0
    for row in rows:
        total += row["marks"]
        minutes.append(Minute(row["minute"], row["marks"], total))
    end = max(poll.closed_at or timezone.now(), poll.opened_at)
    height = max(issued, total, 1)
    path = _path(minutes, poll.opened_at, end, height)
    return Curve(minutes, path, poll.opened_at, end, height)


def _path(minutes: list[Minute], start: datetime, end: datetime, issued: int) -> str:
    """Return the line as SVG has it: level until somebody votes, then up."""
    seconds = (end - start).total_seconds() or 1
    line = [f"M{LEFT} {BOTTOM}"]
    for minute in minutes:
        # The minute of the opening began before it.
        share = max(0, (minute.at - start).total_seconds()) / seconds
        across = LEFT + min(share, 1) * (RIGHT - LEFT)
        up = BOTTOM - minute.total / issued * (BOTTOM - TOP)
        line.append(f"H{across:.1f}V{up:.1f}")
    return "".join([*line, f"H{RIGHT}"])


def figures_of(figures: Turnout) -> dict[str, Any]:
    """Return 应到, 实到, 已投票, 未投票 and 投票率; nothing of what was voted (design §3.4)."""
    return {
        "roll": figures.roll,
        "present": figures.present,
        "voted": figures.voted,
        "waiting": figures.waiting,
        "share": turnout.percent(figures.voted, figures.issued),
    }


# --- the system -----------------------------------------------------------------------------------


def system_state() -> list[Finding]:
    """Return how database, disk, backup and sign-in stand; nothing here names a person."""
    return [_database(), _disk(), preflight.backup(), _waits()]


def _database() -> Finding:
    if triggers.are_installed(connection):
        return Finding("ok", gettext("数据库正常"))
    return Finding("blocks", gettext("数据库的保护规则缺失，请运行 manage.py migrate"))


def _disk() -> Finding:
    """Look at the disk of VAR_DIR: a database on another machine has another one."""
    folder = Path(settings.VAR_DIR)
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free // GIGABYTE
    if not free:
        return Finding("warns", gettext("磁盘剩余不足1GB，请清理"))
    return Finding("ok", gettext("磁盘剩余%(free)dGB") % {"free": free})


def _waits() -> Finding:
    """Say how many cards wait after wrong codes: of single failures no time is kept.

    Those of staff are counted in the memory of each server process, which no page can add up.
    """
    count = Delegate.objects.filter(locked_until__gt=timezone.now()).count()
    if not count:
        return Finding("ok", gettext("没有代表因输错投票码而须等待"))
    return Finding(
        "warns", gettext("%(count)d名代表因多次输错投票码，暂时不能输入") % {"count": count}
    )
