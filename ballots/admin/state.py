"""What the page of the day watches: the checklist, how the turnout grows, and the machine.

Nothing here says who voted, or of which delegation: a curve of a small one would tell it.
"""

import math
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Count
from django.db.models.functions import TruncMinute
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import roles, triggers
from ballots.facts import database, turnout
from ballots.facts.checks import site_checks
from ballots.facts.findings import Finding, Level
from ballots.pure.tally import Turnout
from projects.models import Poll
from projects.phases import COUNTED, DRAFT
from yiwu_vote.postgresql import owner

GIGABYTE = 1_000_000_000
# Seconds for an answer, and the part of its connections that are taken, beyond which a database is told.
SLOW = 0.2
NEARLY_ALL = 0.9
# Wrong passwords of staff within an hour that are no slips any more.
MANY_PASSWORDS = 10
# The frame of the drawing, in units of its own: the browser stretches it to the width of the page.
LEFT, RIGHT, TOP, BOTTOM = 44, 948, 14, 168


# --- the checklist --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A finding as a page shows it: with the address and the label of what mends it, if any.

    `is_step` says that the address takes the step itself: its button sends a form.
    """

    finding: Finding
    address: str = ""
    label: str | Promise = ""
    is_step: bool = False


@dataclass(frozen=True)
class Checklist:
    """What is `open`, first things first, and what is `done`."""

    open: list[Line]
    done: list[Line]


def checklist(found: Iterable[Finding], poll: Poll, user: User) -> Checklist:
    """Return `found` with a way to mend each line, for `user`, who may go there.

    What blocks the opening comes before what only warns.
    """
    lines = [_line(finding, poll, user) for finding in found]
    waiting = [line for line in lines if line.finding.level != "ok"]
    return Checklist(
        open=sorted(waiting, key=lambda line: line.finding.level != "blocks"),
        done=[line for line in lines if line.finding.level == "ok"],
    )


def _line(finding: Finding, poll: Poll, user: User) -> Line:
    page, _sharp, field = finding.mend.partition("#")
    if page not in MENDED_AT or not MENDED_AT[page].who(user):
        return Line(finding)
    mend = MENDED_AT[page]
    named = {"poll": poll.pk, "parent": poll.parent_id}
    address = reverse(mend.view, args=[named[name] for name in mend.of])
    if mend.query:
        address += mend.query.format(**named)
    if field:
        address += f"#id_{field}"
    return Line(finding, address, mend.label, is_step=page == "roll")


@dataclass(frozen=True)
class Mend:
    """A page that mends something: its view, of which poll, and who is shown the way there."""

    label: Promise
    view: str
    of: tuple[str, ...] = ("poll",)
    query: str = ""
    who: Callable[[User], bool] = roles.is_office


MENDED_AT = {
    "rules": Mend(_("修改票决规则"), "admin:projects_poll_change"),
    "candidates": Mend(
        _("候选项目"),
        "admin:projects_project_changelist",
        of=(),
        query="?poll__id__exact={poll}",
    ),
    "recommendations": Mend(
        _("会前推荐"),
        "admin:ballots_recommendation_changelist",
        of=(),
        query="?poll__id__exact={poll}",
    ),
    "roll": Mend(_("更新名册"), "admin:ballots_pollday_roll"),
    "delegates": Mend(_("代表"), "admin:ballots_delegate_changelist", of=()),
    "namesakes": Mend(_("同名核对"), "admin:ballots_delegate_namesakes", of=()),
    "issue": Mend(_("发卡"), "admin:ballots_delegate_issue", of=()),
    "cards": Mend(_("代表和投票卡"), "admin:ballots_delegate_changelist", of=()),
    "presence": Mend(_("代表报到"), "admin:ballots_pollday_presence", who=roles.has_office),
    "present-again": Mend(_("核对实到"), "admin:ballots_pollday_present-again"),
    "key": Mend(_("生成票箱密钥"), "admin:ballots_pollday_key", who=roles.has_office),
    "test": Mend(_("试开票箱密钥"), "admin:ballots_pollday_test", who=roles.has_office),
    "backup": Mend(_("备份数据库"), "admin:ballots_pollday_backup"),
    "first-round": Mend(
        _("首次票决"), "admin:ballots_pollday_change", of=("parent",), who=roles.has_office
    ),
    "staff": Mend(
        _("工作人员"),
        "admin:auth_user_staff",
        of=(),
        who=lambda user: user.has_perm("auth.change_user"),
    ),
}


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
    def now(self) -> int:
        """How many voted in the minute in which it ends."""
        last = self.minutes[-1] if self.minutes else None
        return last.marks if last and self.end - last.at < timedelta(minutes=1) else 0

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
    """Return 应到, 实到, 发出, 已投票, 纸质票, 未投票 and 投票率; nothing of what was voted (design §3.4).

    Nobody knows whether a paper is in its box yet: the rate is of those who vote `online`.
    """
    return {
        "roll": figures.roll,
        "present": figures.present,
        "issued": figures.issued,
        "voted": figures.voted,
        "papers": figures.papers,
        "online": figures.online,
        "waiting": figures.waiting,
        "share": turnout.percent(figures.voted, figures.online),
    }


# --- the system -----------------------------------------------------------------------------------


def system_state(
    poll: Poll, *, roll_drawn: datetime | None = None, is_technician: bool = False
) -> list[Finding]:
    """Return how database, disk, backup and sign-in stand; nothing here names a person.

    What only a technician can mend, and no vote has to wait for, is told to nobody else.
    """
    usual = [
        *_database(poll),
        *site_checks.age("blocks"),
        *_measured(poll),
        _disk(),
        site_checks.backup(roll_drawn),
        *_sign_ins(),
    ]
    return [*usual, _roles()] if is_technician else usual


def _roles() -> Finding:
    """Say whether the role that runs the site could switch off what guards its rows."""
    if connection.vendor != "postgresql":
        return Finding("warns", gettext("SQLite 不分账号：能写数据库文件的人都能停用保护规则"))
    if owner.may_alter():
        words = gettext(
            "运行网站的数据库账号可以改动数据表、停用保护规则；分成两个账号的办法见 docs/operations.md"
        )
        return Finding("warns", words)
    return Finding("ok", gettext("运行网站的数据库账号不能改动数据表和保护规则"))


def _database(poll: Poll) -> Iterator[Finding]:
    """Say whether the database keeps what it is given; of a draft the checklist says it."""
    if poll.phase in DRAFT:
        return
    if not triggers.are_installed(connection):
        yield Finding("blocks", gettext("数据库的保护规则缺失，请运行 manage.py migrate"))
    # Of a frozen count everybody has a copy; before it a reload of the server's settings may have
    # changed it.
    elif poll.phase not in COUNTED and not database.writes_are_durable():
        yield Finding("blocks", str(site_checks.NOT_DURABLE))
    else:
        yield Finding("ok", gettext("数据库正常"))


def _measured(poll: Poll) -> Iterator[Finding]:
    """Say what the database is, and warn where it is slow or nearly all of its connections are taken.

    Once the ballots are counted nobody waits for it any more, and the page has other things to ask.
    """
    if poll.phase in COUNTED:
        return
    found = database.measured()
    words = [gettext("%(kind)s，%(size)s") % {"kind": found.kind, "size": _size(found.size)}]
    level: Level = "ok"
    if found.connections:
        taken, there = found.connections
        words.append(
            gettext("应答%(milliseconds)d毫秒，连接%(taken)d/%(there)d")
            % {
                "milliseconds": math.ceil(found.seconds * 1000),
                "taken": taken,
                "there": there,
            }
        )
        if found.seconds > SLOW or taken > there * NEARLY_ALL:
            level = "warns"
    yield Finding(level, "，".join(words))


def _size(size: int) -> str:
    return f"{size / GIGABYTE:.1f}GB" if size >= GIGABYTE else f"{math.ceil(size / 1_000_000)}MB"


def _disk() -> Finding:
    """Look at the disk of VAR_DIR: a database on another machine has another one."""
    folder = Path(settings.VAR_DIR)
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free // GIGABYTE
    if not free:
        return Finding("warns", gettext("磁盘剩余不足1GB，请清理"))
    return Finding("ok", gettext("磁盘剩余%(free)dGB") % {"free": free})


def _sign_ins() -> Iterator[Finding]:
    """Say how many codes and passwords were wrong, and how many cards wait: never whose."""
    found = site_checks.failed_sign_ins()
    if found.codes or found.passwords:
        yield Finding(
            "warns" if found.passwords >= MANY_PASSWORDS else "ok",
            gettext("输错：投票码%(codes)d次，工作人员密码%(passwords)d次（一小时内）")
            % {"codes": found.codes, "passwords": found.passwords},
        )
    if found.waiting:
        yield Finding(
            "warns",
            gettext("%(count)d名代表因多次输错投票码，暂时不能输入") % {"count": found.waiting},
        )
    else:
        yield Finding("ok", gettext("没有代表因输错投票码而须等待"))
