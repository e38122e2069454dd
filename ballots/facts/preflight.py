"""What is missing before a poll can open: the checklist of the day's page (design §3.2)."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Count, Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext

from ballots import roles, triggers
from ballots.facts import database
from ballots.facts.outcome import outcome_of
from ballots.facts.polls import box_of
from ballots.facts.turnout import turnout_of
from ballots.journal import Kind
from ballots.models import AccessCard, Delegate, Recommendation
from ballots.pure.tally import quorum
from projects.models import Poll

Level = Literal["ok", "warns", "blocks"]

# Further apart, a deadline falls at another moment than the pages say.
CLOCKS_AGREE = timedelta(seconds=5)
BACKUP_LASTS = timedelta(hours=24)


@dataclass(frozen=True)
class Finding:
    """One line of the checklist: ✓ is fine, △ warns, ✗ blocks the opening."""

    level: Level
    text: str

    @property
    def mark(self) -> str:
        return {"ok": "✓", "warns": "△", "blocks": "✗"}[self.level]


def what_is_missing(poll: Poll) -> list[Finding]:
    """Return the whole checklist of a draft poll, fine lines included, in the order of the work."""
    numbers = turnout_of(poll)
    return [
        *_rules(poll),
        *_first_round(poll),
        *_candidates(poll),
        *_roll(poll, numbers.roll),
        *_presence(poll, numbers.present),
        *_key(poll),
        *_staff(poll),
        *_place(poll),
        *_database(),
        *_clock(),
        backup(),
    ]


def changes_since_opening(poll: Poll) -> list[Finding]:
    """Return a △ where staff accounts or groups are not those that the opening put on record.

    Nor may anybody sign who was no member of staff then, even if the account is gone again.
    """
    opened = poll.journal.filter(kind=Kind.OPENED).first()
    if opened is None:
        return []
    recorded = opened.data["staff"]
    names = {name for name, _groups in recorded}
    signed = poll.journal.filter(seq__gt=opened.seq).values_list("by__username", "second__username")
    strangers = {name for pair in signed for name in pair if name} - names
    if recorded == roles.accounts() and not strangers:
        return []
    return [Finding("warns", gettext("开始投票后，会务或监票账号有变动，请核实"))]


def blocks(findings: list[Finding]) -> bool:
    """Tell whether any of `findings` forbids the opening."""
    return any(finding.level == "blocks" for finding in findings)


def _real(poll: Poll) -> Level:
    """A fault that a rehearsal may live with and a real poll may not."""
    return "warns" if poll.is_rehearsal else "blocks"


def _rules(poll: Poll) -> Iterator[Finding]:
    if poll.is_rehearsal:
        yield Finding("warns", gettext("本次为演练，不计票"))
    if poll.rules_name and poll.rules_adopted_on:
        yield Finding("ok", gettext("表决办法：%(name)s") % {"name": poll.rules_name})
    else:
        yield Finding(_real(poll), gettext("未填写表决办法的名称或通过日期"))
    if not poll.phone:
        yield Finding("warns", gettext("未填写会务组电话"))
    if poll.proposals == Poll.Proposals.COUNTED:
        yield Finding("warns", gettext("推荐的新项目计票，请确认表决办法有此规定"))
    if poll.closes_at is not None and poll.closes_at <= timezone.now():
        yield Finding("blocks", gettext("截止时间已过，请更正或留空"))


def _first_round(poll: Poll) -> Iterator[Finding]:
    """A second round is about what the first one left open, and nothing else (design §4.3)."""
    if poll.parent is None:
        return
    if poll.parent.phase != Poll.Phase.CONFIRMED:
        yield Finding("blocks", gettext("原票决不在复核后、公布前的阶段，不能再次票决或补充票决"))
        return
    outcome = outcome_of(poll.parent)
    if outcome.decision is not None:
        yield Finding("blocks", gettext("原票决已有会议决定，不能再次票决或补充票决"))
        return
    if poll.proposals != Poll.Proposals.OFF:
        yield Finding("blocks", gettext("再次票决和补充票决不接受推荐新项目，请更正"))
    keys = {row["item"] for row in outcome.rest}
    listed = list(poll.projects.values_list("origin", flat=True))
    # The office may shorten the list of a supplementary poll; the tied all stand in a run-off.
    fits = set(listed) == keys if outcome.is_tied else set(listed) <= keys
    if not fits or poll.places != outcome.places_left:
        yield Finding("blocks", gettext("候选项目或应选项数与原票决留下的不一致，请更正"))
    else:
        yield Finding(
            "ok",
            gettext("原票决待定的%(count)d个项目，确定%(places)d项")
            % {"count": len(listed), "places": poll.places},
        )


def _candidates(poll: Poll) -> Iterator[Finding]:
    waiting = poll.recommendations.filter(ruling=Recommendation.Ruling.WAITING).count()
    if waiting:
        yield Finding(
            "warns",
            gettext("还有%(count)d项会前推荐没有处理，开始后不能再处理") % {"count": waiting},
        )
    projects = list(poll.projects.annotate(lines=Count("targets")).order_by("number"))
    if not projects:
        yield Finding("blocks", gettext("还没有候选项目"))
        return
    without_target = [project.number for project in projects if not project.lines]
    if without_target:
        # A proposal that comes to a second round has only the words of those who proposed it.
        yield Finding(
            "warns" if poll.parent else "blocks",
            gettext("第%(list)s项缺少年度目标") % {"list": _listed(without_target)},
        )
    else:
        yield Finding("ok", gettext("候选项目%(count)d个，均有年度目标") % {"count": len(projects)})
    without_unit = [project.number for project in projects if not project.lead_unit]
    if without_unit:
        yield Finding(
            "warns", gettext("第%(list)s项缺少责任单位") % {"list": _listed(without_unit)}
        )
    if len(projects) < poll.places:
        yield Finding(
            "warns",
            gettext("候选项目%(count)d个，少于应选的%(places)d个")
            % {"count": len(projects), "places": poll.places},
        )
    offered = len(projects)
    if poll.proposals == Poll.Proposals.COUNTED:
        offered += poll.proposal_limit
    if poll.choice_rule == Poll.ChoiceRule.EXACTLY and poll.places > offered:
        yield Finding("blocks", gettext("必须选足应选项数，但候选项目和可推荐的项目不够"))


def _roll(poll: Poll, on_roll: int) -> Iterator[Finding]:
    if not on_roll:
        yield Finding("blocks", gettext("还没有代表名册"))
        return
    active = Delegate.objects.filter(status=Delegate.Status.ACTIVE)
    strangers = active.exclude(roll_entries__poll=poll).count()
    gone = poll.roll.exclude(delegate__status=Delegate.Status.ACTIVE).count()
    if strangers or gone:
        yield Finding(
            "blocks",
            gettext("名册与在任代表不一致（缺%(missing)d人，多%(extra)d人），请更新名册")
            % {"missing": strangers, "extra": gone},
        )
    card = AccessCard.objects.filter(delegate=OuterRef("delegate"), revoked_at__isnull=True)
    without_card = poll.roll.filter(~Exists(card)).count()
    if without_card:
        yield Finding("blocks", gettext("有%(count)d名代表还没有投票卡") % {"count": without_card})
    else:
        yield Finding("ok", gettext("代表%(count)d人，均已生成投票卡") % {"count": on_roll})
    if poll.delegates_total is None:
        yield Finding("blocks", gettext("未填写全体代表人数"))
    elif poll.delegates_total < on_roll:
        yield Finding(
            "blocks",
            gettext("全体代表人数%(total)d少于名册上的%(roll)d人")
            % {"total": poll.delegates_total, "roll": on_roll},
        )


def _presence(poll: Poll, present: int) -> Iterator[Finding]:
    if poll.delegates_total is None:
        return
    needed = quorum(poll.delegates_total)
    words = {"present": present, "needed": needed}
    if present >= needed:
        yield Finding("ok", gettext("实到%(present)d人，符合法定人数（%(needed)d人）") % words)
    else:
        yield Finding(
            _real(poll), gettext("实到%(present)d人，不足法定人数（%(needed)d人）") % words
        )
    if not present and poll.voters == Poll.Voters.PRESENT:
        yield Finding("blocks", gettext("没有代表报到，无人可以投票"))


def _key(poll: Poll) -> Iterator[Finding]:
    box = box_of(poll)
    if box is None:
        yield Finding("blocks", gettext("还没有生成票箱密钥"))
        return
    words = {"holders": len(box.holders), "threshold": box.threshold}
    if box.tested_at is None:
        yield Finding("blocks", gettext("票箱密钥尚未试开"))
    else:
        yield Finding(
            "ok",
            gettext("票箱密钥已试开：共%(holders)d份，开箱需%(threshold)d份") % words,
        )
    if (box.threshold == 1) != poll.simple:
        yield Finding("blocks", gettext("密钥与“简易方式”的设置不一致，请重新生成密钥"))
    elif box.threshold == 1:
        yield Finding("warns", gettext("简易方式：任一持有人可单独开启票箱"))


def _staff(poll: Poll) -> Iterator[Finding]:
    scrutineers = User.objects.filter(
        is_active=True, is_staff=True, groups__name__in=[roles.SCRUTINEER, roles.CHIEF]
    ).distinct()
    count = scrutineers.count()
    if count < poll.confirmers:
        yield Finding(
            "warns",
            gettext("复核需要%(needed)d名监票人，现有%(count)d名")
            % {"needed": poll.confirmers, "count": count},
        )
    elif poll.confirmers > 1 and not scrutineers.filter(groups__name=roles.CHIEF).exists():
        yield Finding("warns", gettext("还没有指定总监票人"))
    else:
        yield Finding("ok", gettext("监票人%(count)d名") % {"count": count})


def _place(poll: Poll) -> Iterator[Finding]:
    if is_local(settings.PUBLIC_URL):
        yield Finding(
            _real(poll),
            gettext("对外网址 %(url)s 只能在本机打开，请设置 PUBLIC_URL")
            % {"url": settings.PUBLIC_URL},
        )
    else:
        seen = AccessCard.objects.filter(
            delegate__roll_entries__poll=poll, revoked_at__isnull=True, seen=True
        ).exists()
        if seen:
            yield Finding("ok", gettext("已用其他设备扫描投票卡打开过网址"))
        else:
            yield Finding("warns", gettext("请先用手机扫描一张投票卡，确认能打开"))
    if settings.DEMO:
        yield Finding(_real(poll), gettext("演示方式（DEMO=1）不能用于正式票决"))
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


def _database() -> Iterator[Finding]:
    """A ballot that was acknowledged must survive a power cut (design §5.6)."""
    if not triggers.are_installed(connection):
        yield Finding("blocks", gettext("数据库的保护规则缺失，请运行 manage.py migrate"))
    if database.writes_are_durable():
        yield Finding("ok", gettext("数据库每次写入都落盘"))
    else:
        yield Finding("blocks", gettext("数据库没有启用逐次落盘，断电可能丢票"))


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


def backup() -> Finding:
    """Return when the database was last backed up, as far as the files of BACKUP_DIR tell."""
    if not settings.BACKUP_DIR:
        return Finding("warns", gettext("未设置备份目录（BACKUP_DIR），不能核对备份"))
    try:
        newest = database.newest_file(Path(settings.BACKUP_DIR))
    except OSError:
        return Finding("warns", gettext("备份目录打不开，请检查 BACKUP_DIR"))
    if newest is None:
        return Finding("warns", gettext("备份目录中还没有备份"))
    at = timezone.localtime(newest).strftime("%Y-%m-%d %H:%M")
    if timezone.now() - newest > BACKUP_LASTS:
        return Finding("warns", gettext("最近备份 %(at)s，已超过24小时，请再备份") % {"at": at})
    return Finding("ok", gettext("已备份（最近备份 %(at)s）") % {"at": at})


def _listed(numbers: list[int]) -> str:
    return "、".join(str(number) for number in numbers)
