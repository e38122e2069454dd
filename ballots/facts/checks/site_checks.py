"""Whether phones reach this site, and whether its database keeps what it is given (design §3.2)."""

import ipaddress
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import triggers
from ballots.facts import database
from ballots.facts.copies import known
from ballots.facts.findings import Finding, Level, unless_rehearsal
from ballots.facts.keyed import key_check
from ballots.journal import Kind
from ballots.models import AccessCard, JournalEntry
from projects.models import Poll
from yiwu_vote.moments import to_the_minute

# Further apart, a deadline falls at another moment than the pages say.
CLOCKS_AGREE = timedelta(seconds=5)
NOT_DURABLE = _("数据库的设置不能保证断电不丢票")
# Connections beside those of the threads: commands, a package on its way out, a step that moves.
FOR_COMMANDS = 5
BACKUP_LASTS = timedelta(hours=24)
# Where a poll that was read for a page has the moment at which its roll was drawn up.
ROLL_DRAWN_AT = "roll_drawn_at"
# How long the wrong passwords of a key are remembered (design §6.2).
PASSWORDS_LAST = timedelta(hours=1)


def site(poll: Poll) -> Iterator[Finding]:
    """Yield what the machine and its database lack for the day of `poll`."""
    yield from _place(poll)
    yield from _database(poll)
    yield from _clock()
    yield from age(unless_rehearsal(poll))
    yield backup(roll_drawn_at(poll))


def _place(poll: Poll) -> Iterator[Finding]:
    if is_local(settings.PUBLIC_URL):
        yield Finding(
            unless_rehearsal(poll),
            gettext("对外网址 %(url)s 只能在本机打开，请设置 PUBLIC_URL")
            % {"url": settings.PUBLIC_URL},
        )
    else:
        reached = AccessCard.objects.filter(
            delegate__roll_entries__poll=poll,
            revoked_at__isnull=True,
            key_check=key_check(),
            reached_at=settings.PUBLIC_URL,
        ).exists()
        if reached:
            yield Finding("ok", gettext("已用其他设备扫描投票卡打开过网址"))
        else:
            yield Finding("warns", gettext("请先用手机扫描一张投票卡，确认能打开"), "cards")
    if settings.DEMO:
        yield Finding(unless_rehearsal(poll), gettext("演示方式（DEMO=1）不能用于正式票决"))
    if settings.PLAIN_HTTP:
        yield Finding("warns", gettext("未加密：同一网络中的人可能看到选择"))


def is_local(url: str) -> bool:
    """Tell whether `url` points to this very machine, where no phone can open it."""
    host = urlsplit(url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
        return address.is_loopback or address.is_unspecified
    except ValueError:
        return host in {"", "localhost"}


def _database(poll: Poll) -> Iterator[Finding]:
    """A ballot that was acknowledged must survive a power cut, and whoever casts must get to the box.

    Each thread of the site keeps a connection: one that gets none answers “busy” for good
    (design §5.6, §8).
    """
    if not triggers.are_installed(connection):
        yield Finding("blocks", gettext("数据库的保护规则缺失，请运行 manage.py migrate"))
    if database.writes_are_durable():
        yield Finding("ok", gettext("断电也不会丢票"))
    else:
        yield Finding("blocks", str(NOT_DURABLE))
    there, needed = database.connections_left(), settings.WORKERS * settings.PLACES + FOR_COMMANDS
    if there is not None and there < needed:
        yield Finding(
            unless_rehearsal(poll),
            gettext(
                "数据库只有%(there)d个连接，网站需要%(needed)d个，请调大 max_connections 或减少网站进程"
            )
            % {"there": there, "needed": needed},
        )


def fitting_workers() -> int:
    """Return how many processes should serve: one a core, as far as their connections suffice.

    SQLite has one writer at a time: more processes would only wait for each other.
    """
    if connection.vendor == "sqlite":
        return 1
    most = os.cpu_count() or 1
    there = database.connections_left()
    if there is not None:
        most = min(most, (there - FOR_COMMANDS) // settings.PLACES)
    return max(1, most)


def _clock() -> Iterator[Finding]:
    """A deadline is judged by the database's clock, and pages tell it by this machine's.

    SQLite has no clock of its own: there is nothing to compare, and nothing is said.
    """
    if connection.vendor != "postgresql":
        return
    if abs(database.now() - timezone.now()) <= CLOCKS_AGREE:
        yield Finding("ok", gettext("服务器时间正确（与数据库时间一致）"))
    else:
        yield Finding("warns", gettext("服务器时间与数据库时间不一致，请校准后再开始投票"))


def age(level: Level) -> Iterator[Finding]:
    """Say, as grave as `level`, that the database is older than when it was last used."""
    older = known.glance()
    if older is not None:
        yield Finding(level, older.words + older.advice)


def restored(poll: Poll) -> Iterator[Finding]:
    """Say that ballots of `poll` may be missing, since the database was restored of a backup."""
    words = known.restored(poll)
    if words:
        yield Finding("warns", words)


def roll_drawn_at(poll: Poll) -> datetime | None:
    """Return when the roll of `poll` was drawn up, for the last time; None before that."""
    if hasattr(poll, ROLL_DRAWN_AT):
        known: datetime | None = getattr(poll, ROLL_DRAWN_AT)
        return known
    return _drawings(poll.pk).first()


def roll_drawings() -> dict[str, Subquery]:
    """Return what a query of polls is annotated with to know it of each beforehand."""
    return {ROLL_DRAWN_AT: Subquery(_drawings(OuterRef("pk"))[:1])}


def _drawings(poll: Any) -> QuerySet[JournalEntry, datetime]:
    entries = JournalEntry.objects.filter(poll=poll, kind=Kind.ROLL_DRAWN_UP).order_by("-seq")
    return entries.values_list("at", flat=True)


def backup(roll_drawn: datetime | None = None) -> Finding:
    """Return when the database was last backed up, as far as the files of BACKUP_DIR tell.

    One that was made before `roll_drawn` does not know who may vote.
    """
    if not settings.BACKUP_DIR:
        return Finding("warns", gettext("没有设置备份位置，不能核对备份，请联系技术人员"))
    try:
        newest = database.newest_file(Path(settings.BACKUP_DIR))
    except OSError:
        return Finding("warns", gettext("备份位置打不开，不能核对备份，请联系技术人员"))
    if newest is None:
        return Finding("warns", gettext("备份位置上还没有备份"), "backup")
    at = to_the_minute(newest)
    if timezone.now() - newest > BACKUP_LASTS:
        text = gettext("最近备份 %(at)s，已超过24小时，请再备份") % {"at": at}
        return Finding("warns", text, "backup")
    if roll_drawn and newest < roll_drawn:
        text = gettext("最近备份 %(at)s，早于生成名册的时间，请再备份") % {"at": at}
        return Finding("warns", text, "backup")
    return Finding("ok", gettext("已备份（最近备份 %(at)s）") % {"at": at})


@dataclass(frozen=True)
class SignIns:
    """How many delegates wait, and how many codes and passwords were wrong: counts and nothing else.

    Codes since each delegate's last right one, passwords of the last hour; neither is counted on
    once somebody has to wait, so that there were at least so many.
    """

    waiting: int
    codes: int
    passwords: int


def failed_sign_ins() -> SignIns:
    """Return what went wrong at signing in, in one query."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT COUNT(*) FROM ballots_delegate WHERE locked_until > %s),"
            " (SELECT COALESCE(SUM(failures), 0) FROM ballots_delegate),"
            " (SELECT COALESCE(SUM(failures), 0) FROM ballots_passwordtries WHERE last_at > %s)",
            [now, now - PASSWORDS_LAST],
        )
        return SignIns(*map(int, cursor.fetchone()))
