"""The first page of the admin: the poll of the day with its one next step, and where to begin.

It stands at the address of Django's own list of models, which it takes in as quiet links.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Count, Exists, OuterRef, Q, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import roles
from ballots.acts import archiving
from ballots.admin import day as days
from ballots.admin import ending, opening, preparing, voting
from ballots.admin.guard import WHO, Day, StaffRequest, Step, address
from ballots.admin.register import presence
from ballots.facts.polls import IDLE
from ballots.models import AccessCard, Delegate, Recommendation
from ballots.staff import second_factor
from projects.models import Poll
from projects.phases import DRAFT, LAST, RUNNING
from projects.year.models import Year

# Of more polls than these nobody has any to do with; the list of all is one link away.
MOST_POLLS = 20
# These are begun on the page of the day, beside the checklist and the turnout by which one judges.
FROM_THE_DAY = (opening.open_poll, voting.close)
# The lists of the admin in the order of the work, by the names of their models and in our words.
LISTS: dict[str, Promise] = {
    "PollDay": _("票决进程"),
    "Poll": _("票决规则"),
    "Project": _("候选项目"),
    "Recommendation": _("会前推荐"),
    "Year": _("年度实事"),
    "Delegation": _("代表团"),
    "Delegate": _("代表名册"),
    "RollEntry": _("各次票决的名册"),
    "JournalEntry": _("操作记录"),
}


def page(request: StaffRequest) -> HttpResponse:
    """Show what is to be done today, to whoever may see the day of a poll; lists to everybody."""
    user = request.user
    prefetch_related_objects([user], "groups")
    context = {
        "title": gettext("票决管理"),
        "without_office": not roles.has_office(user),
        "has_second_factor": second_factor.is_asked_of(user),
        "lists": _lists(request),
    }
    if user.has_perm("ballots.view_pollday"):
        context |= _of_polls(user)
    return render(request, "admin/index.html", admin.site.each_context(request) | context)


def _of_polls(user: User) -> dict[str, Any]:
    polls = _polls()
    today = Day(polls[0]) if polls else None
    people = _people()
    beginnings = list(_beginnings(today, people, user)) if _is_before_a_vote(today) else []
    is_begun = all(one.is_done for one in beginnings)
    return {
        "may_look": True,
        "polls": polls,
        "others": [{"poll": poll, "state": state_of(poll)} for poll in polls[1:]],
        "today": _card(today, user) if today else None,
        "tiles": list(_tiles(today, people, user)),
        "beginnings": [] if is_begun else beginnings,
        "first": next((one for one in beginnings if not one.is_done and one.address), None),
    }


# --- the poll of the day --------------------------------------------------------------------------


def _polls() -> list[Poll]:
    """Return the polls that somebody has still to do with, the most pressing one first.

    A published or void one stays until it is archived. A first round comes after the second one that
    it waits for.
    """
    polls = list(
        Poll.objects.standing()
        .filter(archived_at=None)
        .exclude(IDLE)
        .select_related("box", "parent")
        .annotate(candidate_count=Count("projects"))
        .order_by("-pk")[:MOST_POLLS]
    )
    waited_for = {poll.parent_id for poll in polls if poll.phase not in LAST}

    def rank(poll: Poll) -> tuple[int, bool, int]:
        if poll.is_over:
            concern = 4
        elif poll.pk in waited_for:
            concern = 3
        elif poll.phase in DRAFT:
            concern = 2
        else:
            concern = 0 if poll.takes_ballots else 1
        return concern, poll.is_rehearsal, -poll.pk

    return sorted(polls, key=rank)


def state_of(poll: Poll) -> str:
    """Return where a poll stands, in words: its phase, or what is left to do once it is published."""
    if poll.is_over:
        return gettext("作废，待归档") if poll.phase == Poll.Phase.VOID else gettext("待归档")
    return gettext("待揭晓") if poll.phase == Poll.Phase.PUBLISHED else poll.get_phase_display()


def _card(day: Day, user: User) -> dict[str, Any]:
    """Return the poll of the day as the page shows it: its stages and the one step that comes next."""
    poll, coming = day.poll, days.next_step(day)
    until = archiving.objections_until(poll)
    if coming is None and until is not None and until <= timezone.now():
        coming = ending.archive
    is_mine = coming is not None and coming.who(user)
    return {
        "poll": poll,
        "state": state_of(poll),
        "stages": days.stages(poll),
        "next": coming,
        "next_by": WHO[coming.who] if coming and not is_mine else "",
        "address": _address_of(coming, poll) if is_mine else "",
        "until": until,
    }


def _address_of(step: Step | None, poll: Poll) -> str:
    return "" if step is None or step in FROM_THE_DAY else address(poll, step.name)


# --- figures --------------------------------------------------------------------------------------


def _people() -> dict[str, int]:
    """Return how many delegates are in office, and how many of them hold a card."""
    card = AccessCard.objects.filter(delegate=OuterRef("pk"), revoked_at__isnull=True)
    in_office = Delegate.objects.filter(status=Delegate.Status.ACTIVE)
    return in_office.annotate(has_card=Exists(card)).aggregate(
        people=Count("pk"), cards=Count("pk", filter=Q(has_card=True))
    )


@dataclass(frozen=True)
class Tile:
    """A figure that leads to its list; `more` says what of it waits."""

    label: Promise
    figure: str
    address: str
    more: str = ""


def _tiles(today: Day | None, people: dict[str, int], user: User) -> Iterator[Tile]:
    listed = reverse("admin:ballots_delegate_changelist")
    if today and today.poll.takes_ballots:
        turnout = today.turnout
        figure = f"{turnout.voted}/{turnout.online}"
        more = gettext("领纸质票%(count)d") % {"count": turnout.papers} if turnout.papers else ""
        yield Tile(_("已投票"), figure, address(today.poll, "change"), more)
    if today and user.has_perm("projects.view_project"):
        at = reverse("admin:projects_project_changelist") + f"?poll__id__exact={today.poll.pk}"
        yield Tile(_("候选项目"), str(_candidates(today.poll)), at)
    if user.has_perm("ballots.view_delegate") and (today or people["people"]):
        yield Tile(_("在任代表"), str(people["people"]), f"{listed}?status__exact=active")
        yield Tile(_("投票卡"), f"{people['cards']}/{people['people']}", listed)
    if today and user.has_perm("ballots.view_recommendation"):
        yield from _recommendations(today.poll)
    if user.has_perm("projects.view_year"):
        for year in Year.objects.filter(closed_at=None):
            at = reverse("admin:projects_year_one", args=[year.year])
            yield Tile(_("年度实事"), str(year.year), at)


def _recommendations(poll: Poll) -> Iterator[Tile]:
    waiting = Q(ruling=Recommendation.Ruling.WAITING)
    told = poll.recommendations.aggregate(all=Count("pk"), waiting=Count("pk", filter=waiting))
    if poll.collecting or told["all"]:
        at = reverse("admin:ballots_recommendation_changelist") + f"?poll__id__exact={poll.pk}"
        more = gettext("待处理%(count)d") % {"count": told["waiting"]} if told["waiting"] else ""
        yield Tile(_("会前推荐"), str(told["all"]), at, more)


def _candidates(poll: Poll) -> int:
    count: int = getattr(poll, "candidate_count", 0)
    return count


# --- where to begin -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Beginning:
    """One of the eight things before a vote: whether it is done, where, and by whom if not by who asks.

    Without an address it cannot be done yet, or not by him.
    """

    label: Promise
    words: Promise
    is_done: bool
    address: str
    by: Promise | str = ""


def _is_before_a_vote(today: Day | None) -> bool:
    """Tell whether nothing has begun yet: there is no poll, or a draft that is no second round."""
    return today is None or (today.poll.phase in DRAFT and today.poll.parent_id is None)


def _beginnings(today: Day | None, people: dict[str, int], user: User) -> Iterator[Beginning]:
    """Return the eight things in the order of the work (design §10.5), of the draft that is next."""
    poll = today.poll if today else None
    is_office, has_office = roles.is_office(user), roles.has_office(user)
    makes_accounts = user.has_perm("auth.change_user")
    office = "" if is_office else WHO[roles.is_office]
    either = "" if has_office else WHO[roles.has_office]

    def of_poll(may: bool, name: str) -> str:
        return address(poll, name) if poll and may else ""

    yield Beginning(
        _("设立工作人员账号"),
        _("会务、监票、总监票人各一人一号，不共用。"),
        _is_staffed(poll),
        reverse("admin:auth_user_staff") if makes_accounts else "",
        "" if makes_accounts else _("系统管理员"),
    )
    yield Beginning(
        _("导入代表名册"),
        _("下载模板，用 Excel 或 WPS 填写，先预览后导入。"),
        people["people"] > 0,
        reverse("admin:ballots_delegate_import") if is_office else "",
        office,
    )
    yield Beginning(
        _("新建票决"),
        _("会议名称、年度、表决办法、全体代表人数和各项规则。"),
        poll is not None,
        _rules_page(poll) if is_office else "",
        office,
    )
    candidates = reverse("admin:projects_project_import") + (f"?poll={poll.pk}" if poll else "")
    yield Beginning(
        _("录入候选项目"),
        _("逐个新增，或从表格导入。"),
        poll is not None and _candidates(poll) > 0,
        candidates if poll and is_office else "",
        office,
    )
    yield Beginning(
        _("打印投票卡"),
        _("投票码只在打印时出现一次，请打印后逐张核对、分装。"),
        0 < people["people"] == people["cards"],
        reverse("admin:ballots_delegate_issue") if is_office and people["people"] else "",
        office,
    )
    yield Beginning(
        _("演练一次"),
        _("把票决复制为演练，用正式的网址和印好的投票卡，从投票到公布走一遍。"),
        Poll.objects.filter(kind=Poll.Kind.REHEARSAL, phase__in=RUNNING | LAST)
        .exclude(phase=Poll.Phase.DROPPED)
        .exists(),
        of_poll(is_office, "change" if poll and poll.is_rehearsal else ending.copy.name),
        office,
    )
    is_made = today is not None and today.box is not None
    yield Beginning(
        _("生成并试开票箱密钥"),
        _("保管人当场各领一份，当场试开一次。可以提前几天办理。"),
        bool(is_made and today and today.box and today.box.tested_at),
        of_poll(has_office, (preparing.try_key if is_made else preparing.make_key).name),
        either,
    )
    yield Beginning(
        _("代表报到"),
        _("会议当天，代表到会后，逐人、按团或扫卡报到。"),
        today is not None and today.turnout.present > 0,
        of_poll(has_office, presence.presence.name),
        either,
    )


def _rules_page(poll: Poll | None) -> str:
    if poll is None:
        return reverse("admin:projects_poll_add")
    return reverse("admin:projects_poll_change", args=[poll.pk])


def _is_staffed(poll: Poll | None) -> bool:
    """Tell whether the office and as many scrutineers as confirm a count have accounts (design §4.4)."""
    offices = [set(groups) for _name, groups in roles.accounts()]
    scrutineers = [one for one in offices if one & {roles.SCRUTINEER, roles.CHIEF}]
    needed = poll.confirmers if poll else 2
    has_chief = needed == 1 or any(roles.CHIEF in one for one in scrutineers)
    return any(roles.OFFICE in one for one in offices) and has_chief and len(scrutineers) >= needed


# --- lists ----------------------------------------------------------------------------------------


def _lists(request: HttpRequest) -> Sequence[dict[str, Any]]:
    """Return the lists that this person may see, in the order of the work and in our words."""
    models = [model for app in admin.site.get_app_list(request) for model in app["models"]]
    place = {name: number for number, name in enumerate(LISTS)}
    models.sort(key=lambda model: place.get(model["object_name"], len(place)))
    return [
        {"name": LISTS.get(model["object_name"], model["name"]), "address": model["admin_url"]}
        for model in models
        if model["admin_url"]
    ]
