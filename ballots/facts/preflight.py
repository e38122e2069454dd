"""What is missing before a poll can open: the checklist of the day's page (design §3.2)."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Case, Count, OuterRef, Subquery, Sum, TextField, Value, When
from django.utils import timezone
from django.utils.translation import gettext

from ballots import roles, triggers
from ballots.facts.checks.roll_checks import people
from ballots.facts.checks.site_checks import site
from ballots.facts.findings import Finding, some, unless_rehearsal
from ballots.facts.frozen import moment
from ballots.facts.kept import is_on_record, keys_on_record
from ballots.facts.outcome import outcome_of
from ballots.facts.polls import box_of
from ballots.facts.turnout import turnout_of
from ballots.journal import Kind
from ballots.models import Delegate, JournalEntry, Recommendation
from ballots.pure import sealing
from projects.choices import is_far
from projects.models import Poll, SubItem
from projects.phases import RUNNING


def what_is_missing(poll: Poll) -> list[Finding]:
    """Return the whole checklist of a draft poll, fine lines included, in the order of the work."""
    numbers = turnout_of(poll)
    return [
        *_rules(poll),
        *_first_round(poll),
        *_candidates(poll),
        *people(poll, numbers.roll, numbers.present),
        *_key(poll),
        *_staff(poll),
        *site(poll),
    ]


def changes_since_opening(poll: Poll) -> list[Finding]:
    """Return what is not as the opening put it on record: the key, staff, and who is in office."""
    kinds = [Kind.STAFF_LISTED, *LED_TO, Kind.DEADLINE_MOVED]
    steps = list(poll.journal.filter(kind__in=kinds).order_by("seq"))
    said = {step.kind: step for step in steps}
    opened = said.get(Kind.OPENED)
    if opened is None:
        return []
    changes, signers = _said_since(poll, opened.seq)
    # Earlier versions said in the entry of the opening itself who is staff.
    listed = said.get(Kind.STAFF_LISTED, opened).data["staff"]
    # Where somebody has taken the list away nobody is known to be staff, and the page says so.
    staff = listed if isinstance(listed, list) else []
    return [
        *_key_since(poll),
        *_staff_since(poll, staff, changes[Kind.ACCOUNT_CHANGED], signers),
        *_status_since(poll, changes[Kind.STATUS_SET]),
        *_clock_since(poll),
        *_course_since(poll, steps),
    ]


def _key_since(poll: Poll) -> Iterator[Finding]:
    """Say that the public key is another one: no ballot is taken and the box not opened with it."""
    box = box_of(poll)
    if box is not None and not is_on_record(poll.pk, bytes(box.public_key)):
        yield Finding(
            "blocks",
            gettext("票箱公钥与开始投票时记录的不符，不能提交、不能开箱，请立即联系技术人员"),
        )


def _clock_since(poll: Poll) -> Iterator[Finding]:
    """Remark a close that lies before the opening: the clock was set back in between."""
    if poll.closed_at and poll.opened_at and poll.closed_at < poll.opened_at:
        yield Finding(
            "warns",
            gettext("截止时间早于开始时间，期间服务器的时钟被调过，请核实并在会议记录中注明"),
        )


# The phase to which each of these entries has led. How many confirm is no matter of this list.
LED_TO = {
    Kind.OPENED: {Poll.Phase.OPEN},
    Kind.PAUSED: {Poll.Phase.PAUSED},
    Kind.RESUMED: {Poll.Phase.OPEN},
    Kind.CLOSED: {Poll.Phase.CLOSED},
    Kind.BOX_OPENED: {Poll.Phase.OPENED},
    Kind.SENT_BACK: {Poll.Phase.OPENED},
    Kind.COUNTED: {Poll.Phase.COUNTED},
    Kind.CONFIRMED: {Poll.Phase.COUNTED, Poll.Phase.CONFIRMED},
    Kind.PUBLISHED: {Poll.Phase.PUBLISHED},
    Kind.VOIDED: {Poll.Phase.VOID},
}


def _course_since(poll: Poll, steps: Sequence[JournalEntry]) -> Iterator[Finding]:
    """Say that the phase or the deadline is not the one to which the record has led."""
    last = [step.kind for step in steps if step.kind in LED_TO][-1]
    if poll.phase not in LED_TO[Kind(last)]:
        yield Finding("blocks", gettext("票决所处的阶段与操作记录不符，请立即联系技术人员"))
    said = [
        step.data.get("new" if step.kind == Kind.DEADLINE_MOVED else "closes_at")
        for step in steps
        if step.kind in {Kind.OPENED, Kind.DEADLINE_MOVED}
    ]
    # An opening of an earlier version does not say its deadline.
    if said[-1] is not None and said[-1] != moment(poll.closes_at):
        yield Finding("blocks", gettext("截止时间与操作记录不符，请立即联系技术人员"))


# The entries since the opening of which the page tells what they say.
TOLD = (Kind.ACCOUNT_CHANGED, Kind.STATUS_SET)


def _said_since(poll: Poll, opened: int) -> tuple[dict[Kind, list[dict[str, Any]]], set[str]]:
    """Return what the entries `TOLD` after number `opened` say, and who signed any until the end."""
    changes: dict[Kind, list[dict[str, Any]]] = {kind: [] for kind in TOLD}
    signers: set[str] = set()
    # Of other entries the text is not fetched: there may be a thousand rulings.
    body = Case(When(kind__in=TOLD, then="body"), default=Value(""), output_field=TextField())
    rows = poll.journal.filter(seq__gt=opened).order_by("seq")
    for kind, text, by, second in rows.values_list(
        "kind", body, "by__username", "second__username"
    ):
        if kind in TOLD:
            changes[Kind(kind)].append(json.loads(text)["data"])
        signers |= {name for name in (by, second) if name}
        if kind in {Kind.PUBLISHED, Kind.VOIDED}:
            break
    return changes, signers


def _staff_since(
    poll: Poll, staff: list[list[Any]], changes: Sequence[Mapping[str, Any]], signers: set[str]
) -> Iterator[Finding]:
    """Say how often accounts were changed, and what no entry accounts for.

    The entries stay, whatever was changed back. Who signs after the end is no matter of this poll.
    """
    if changes:
        yield Finding(
            "warns",
            gettext("开始投票后，工作人员账号变动%(count)d次（见操作记录），请核实")
            % {"count": len(changes)},
        )
    known = {name for name, _groups in staff}
    known |= {change["account"] for change in changes if "account" in change}
    if signers - known or (
        poll.phase in RUNNING and staff_on_record(staff, changes) != _staff_now()
    ):
        yield Finding("warns", gettext("工作人员账号与操作记录不符，有变动没有留下记录，请核实"))


def _staff_now() -> dict[str, list[str]]:
    return dict(map(tuple, roles.accounts()))


def staff_on_record(
    staff: list[list[Any]], changes: Iterable[Mapping[str, Any]]
) -> dict[str, list[str]]:
    """Return who is staff, with his groups, by what the opening put on record and what came after."""
    known: dict[str, list[str]] = dict(map(tuple, staff))
    for change in changes:
        if "account" not in change:
            continue
        known.pop(change.get("former", ""), None)
        known.pop(change["account"], None)
        if change["staff"]:
            known[change["account"]] = change["groups"]
    return known


def _status_since(poll: Poll, changes: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Say how often two people changed a status while the poll ran, and whether nobody signed."""
    if changes:
        yield Finding(
            "warns",
            gettext("开始投票后代表状态变更%(count)d次（见操作记录）") % {"count": len(changes)},
        )
    if not poll.takes_ballots:
        # Later changes are no longer about this vote.
        return
    recorded = {person[0]: change["status"] for change in changes for person in change["people"]}
    unsigned = [
        str(entry)
        for entry in poll.roll.select_related("delegate").order_by("number_order")
        if entry.delegate.status != recorded.get(entry.number, Delegate.Status.ACTIVE)
    ]
    if unsigned:
        yield Finding(
            "warns",
            gettext("%(who)s的状态已变更，而操作记录中没有两人签名，请核实")
            % {"who": some(unsigned, most=5)},
        )


def _rules(poll: Poll) -> Iterator[Finding]:
    if poll.is_rehearsal:
        yield Finding("warns", gettext("本次为演练，不计票"))
    if poll.rules_name and poll.rules_adopted_on:
        yield Finding("ok", gettext("表决办法：%(name)s") % {"name": poll.rules_name})
    else:
        yield Finding(
            unless_rehearsal(poll), gettext("未填写表决办法的名称或通过日期"), "rules#rules_name"
        )
    if not poll.phone:
        yield Finding("warns", gettext("未填写会务组电话"), "rules#phone")
    if poll.proposals == Poll.Proposals.COUNTED:
        yield Finding(
            "warns", gettext("推荐的新项目计票，请确认表决办法有此规定"), "rules#proposals"
        )
    if poll.closes_at is not None and poll.closes_at <= timezone.now():
        yield Finding("blocks", gettext("截止时间已过，请更正或留空"), "rules#closes_at")
    elif poll.closes_at is not None and is_far(poll.closes_at):
        yield Finding("blocks", gettext("截止时间在一年以后，请核对年份"), "rules#closes_at")


def _first_round(poll: Poll) -> Iterator[Finding]:
    """A second round is about what the first one left open, and nothing else (design §4.3)."""
    if poll.parent is None:
        return
    if poll.parent.phase != Poll.Phase.CONFIRMED:
        yield Finding(
            "blocks",
            gettext("原票决不在复核后、公布前的阶段，不能再次票决或补充票决"),
            "first-round",
        )
        return
    outcome = outcome_of(poll.parent)
    if outcome.decision is not None:
        yield Finding(
            "blocks", gettext("原票决已有会议决定，不能再次票决或补充票决"), "first-round"
        )
        return
    if poll.proposals != Poll.Proposals.OFF:
        yield Finding(
            "blocks", gettext("再次票决和补充票决不接受推荐新项目，请更正"), "rules#proposals"
        )
    changed = triggers.changed_candidates(connection, poll.pk)
    if changed:
        yield Finding(
            "blocks",
            gettext("第%(list)s项与原票决中的不一致，请删除这个草稿，重新发起")
            % {"list": _listed(changed)},
            "candidates",
        )
    keys = {row["item"] for row in outcome.rest}
    listed = list(poll.projects.values_list("origin", flat=True))
    # The office may shorten the list of a supplementary poll; the tied all stand in a run-off.
    fits = set(listed) == keys if outcome.is_tied else set(listed) <= keys
    if not fits or poll.places != outcome.places_left:
        yield Finding(
            "blocks", gettext("候选项目或应选项数与原票决留下的不一致，请更正"), "candidates"
        )
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
            "recommendations",
        )
    parts = SubItem.objects.filter(project=OuterRef("pk")).order_by().values("project")
    sums = Subquery(parts.annotate(cost=Sum("investment")).values("cost"))
    listed = poll.projects.annotate(lines=Count("targets"), parts=sums)
    projects = list(listed.order_by("number"))
    if not projects:
        missing = gettext("还没有测评项目") if poll.is_graded else gettext("还没有候选项目")
        yield Finding("blocks", missing, "candidates")
        return
    there = gettext("测评项目%(count)d个") if poll.is_graded else gettext("候选项目%(count)d个")
    there %= {"count": len(projects)}
    without_target = [project.number for project in projects if not project.lines]
    if without_target and not poll.simple:
        yield Finding(
            "warns",
            gettext("第%(list)s项缺少年度目标") % {"list": _listed(without_target)},
            "candidates",
        )
    elif without_target:
        yield Finding("ok", there)
    else:
        yield Finding("ok", gettext("%(there)s，均有年度目标") % {"there": there})
    without_unit = [project.number for project in projects if not project.lead_unit]
    if without_unit:
        yield Finding(
            "warns",
            gettext("第%(list)s项缺少责任单位") % {"list": _listed(without_unit)},
            "candidates",
        )
    dearer = [
        project.number
        for project in projects
        if None not in (project.parts, project.investment) and project.parts > project.investment
    ]
    if dearer:
        yield Finding(
            "warns",
            gettext("第%(list)s项的子项投资合计多于总投资") % {"list": _listed(dearer)},
            "candidates",
        )
    if len(projects) < poll.places:
        yield Finding(
            "warns",
            gettext("候选项目%(count)d个，少于应选的%(places)d个")
            % {"count": len(projects), "places": poll.places},
            "candidates",
        )
    offered = len(projects)
    if poll.proposals == Poll.Proposals.COUNTED:
        offered += poll.proposal_limit
    if poll.choice_rule == Poll.ChoiceRule.EXACTLY and poll.places > offered:
        yield Finding(
            "blocks", gettext("必须选足应选项数，但候选项目和可推荐的项目不够"), "rules#choice_rule"
        )


def _key(poll: Poll) -> Iterator[Finding]:
    box = box_of(poll)
    if box is None:
        yield Finding("blocks", gettext("还没有生成票箱密钥"), "key")
        return
    words = {"holders": len(box.holders), "threshold": box.threshold}
    named = keys_on_record(poll.pk)
    digest = sealing.key_digest(bytes(box.public_key))
    if set(named.values()) - {digest} or Kind.KEY_MADE not in named:
        yield Finding("blocks", gettext("票箱公钥与操作记录不符，请重新生成密钥"), "key")
    elif box.tested_at is None:
        yield Finding("blocks", gettext("票箱密钥尚未试开"), "test")
    elif Kind.KEY_TESTED not in named:
        yield Finding("blocks", gettext("试开是旧版本记录的，请再试开一次"), "test")
    else:
        yield Finding(
            "ok",
            gettext("票箱密钥已试开：共%(holders)d份，开箱需%(threshold)d份") % words,
        )
    if (box.threshold == 1) != poll.simple:
        yield Finding("blocks", gettext("密钥与“简易方式”的设置不一致，请重新生成密钥"), "key")
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
            "staff",
        )
    elif poll.confirmers > 1 and not scrutineers.filter(groups__name=roles.CHIEF).exists():
        yield Finding("warns", gettext("还没有指定总监票人"), "staff")
    else:
        yield Finding("ok", gettext("监票人%(count)d名") % {"count": count})


def _listed(numbers: list[int]) -> str:
    return "、".join(str(number) for number in numbers)
