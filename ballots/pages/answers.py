"""What the pages share: which poll they are about, where its delegate stands, how they say no.

A refusal says what happened, whether the ballot counted, and what to do now (design §10.3).
"""

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import wraps
from typing import Any, NamedTuple

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from ballots.facts.polls import state_of, why_barred
from ballots.pages.asking import Standing
from ballots.pages.faces import LARGER, shown_poll
from ballots.pages.middleware import DelegateRequest, VisitorRequest
from ballots.pure import sealing
from projects.choices import MARKINGS, Form
from projects.models import Poll
from projects.wording import title_of
from yiwu_vote import moments
from yiwu_vote.language import language_of

View = Callable[..., HttpResponse]

SIZES = {"m", *LARGER}
A_YEAR = 365 * 24 * 60 * 60


class SeeOther(HttpResponseRedirect):
    """Go on to a page that is fetched: a reload there never posts again (RFC 9110 §15.4.4)."""

    status_code = 303


def clock(moment: datetime | None) -> str:
    """Return the time of day of `moment`, with its date unless that is today; empty for None."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    is_today = local.date() == timezone.localdate()
    return date_format(local, "TIME_FORMAT" if is_today else "DATETIME_FORMAT")


def asked_poll(request: VisitorRequest) -> Poll:
    """Return the poll of a page that is fetched; 404 for one that is not this person's to see."""
    if request.poll:
        return request.poll
    if request.poll_query:
        raise Http404
    raise PageRefused((request.delegate and why_barred(request.delegate)) or "no-poll")


# --- how a reader likes his pages ------------------------------------------------------------------


def preferring(view: View) -> View:
    """Let a posted `size` or `language` change the very page that `view` answers with.

    A page that holds choices sends them along with it, so that no tick is lost (design §10.1).
    """

    @wraps(view)
    def as_preferred(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        chosen = {}
        if request.POST.get("size") in SIZES:
            chosen["size"] = request.POST["size"]
        if request.POST.get("language") in dict(settings.LANGUAGES):
            chosen[settings.LANGUAGE_COOKIE_NAME] = request.POST["language"]
        request.COOKIES |= chosen
        with translation.override(language_of(request)):
            response = view(request, *args, **kwargs)
        for name, value in chosen.items():
            response.set_cookie(
                name, value, max_age=A_YEAR, samesite="Lax", secure=request.is_secure()
            )
        return response

    return as_preferred


# --- refusals -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Refusal:
    """One page of that kind. `keeps` leaves the review page up, so that nothing is filled in twice."""

    status: int
    heading: str | Promise
    text: str | Promise
    keeps: bool = False


# By the code of Refused where the act refuses, and the codes that only a page can know.
REFUSALS = {
    "closed": Refusal(
        403,
        _("投票已截止"),
        _("投票已于%(at)s截止，您的%(ballot)s未提交。如有疑问，请联系会务组。"),
    ),
    # The act says "closed" here too; a later deadline may still come, so that nothing is let go.
    "time-up": Refusal(
        403,
        _("表决时间已到"),
        _(
            "表决时间已到，等待主持人宣布截止，您的%(ballot)s未提交。时间如有延长，"
            "请再按“提交%(ballot)s”，您填写的没有丢失。"
        ),
        keeps=True,
    ),
    "time-up-at-home": Refusal(
        403,
        _("表决时间已到"),
        _(
            "表决时间已到，等待主持人宣布截止，您的%(ballot)s未提交。时间如有延长，可从首页继续填写。"
        ),
    ),
    "already-voted": Refusal(
        409,
        _("您已提交%(ballot)s"),
        _(
            "您已于%(at)s提交，不能重复提交。已提交的%(ballot)s有效。如非本人提交，请立即联系总监票人。"
        ),
    ),
    "on-paper": Refusal(
        403,
        _("您已领取纸质%(ballot)s"),
        _(
            "您已领取纸质%(ballot)s，不能再在网上提交，这里没有提交任何内容。纸质%(ballot)s在截止前投入投票箱的，"
            "照常计票；票面污损的，请在截止前到会务组更换。如果您没有领取，请立即联系会务组。"
        ),
    ),
    "not-open": Refusal(403, _("投票尚未开始"), _("投票尚未开始。开始后可在首页进入。")),
    "void": Refusal(
        403, _("本次票决作废"), _("本次票决作废，所有%(ballot)s都不计票。请听从会务组安排。")
    ),
    "not-on-roll": Refusal(
        403, _("您不在本次票决的名册上"), _("您的%(ballot)s未提交。请联系会务组。")
    ),
    "suspended": Refusal(
        403,
        _("您不能参加本次表决"),
        _("您已被暂停执行代表职务，不能参加本次表决，您没有%(ballot)s。如有疑问，请联系会务组。"),
    ),
    "not-in-office": Refusal(
        403,
        _("您不能参加本次表决"),
        _("您不是在任代表，不能参加本次表决，您没有%(ballot)s。如有疑问，请联系会务组。"),
    ),
    "not-present": Refusal(
        403,
        _("您尚未报到"),
        _("%(ballot)s尚未提交。请先到会务组报到，再按“提交%(ballot)s”，您填写的没有丢失。"),
        keeps=True,
    ),
    "paused": Refusal(
        503,
        _("投票暂停"),
        _("%(ballot)s尚未提交。恢复后请重新提交，您填写的没有丢失。"),
        keeps=True,
    ),
    "key-changed": Refusal(
        503,
        _("票箱有异常"),
        _("%(ballot)s尚未提交。请立即告诉会务组；恢复后请重新提交，您填写的没有丢失。"),
        keeps=True,
    ),
    "busy": Refusal(
        503,
        _("系统繁忙"),
        # A connection that breaks during the COMMIT leaves open whether the ballot is in the box.
        _("尚不能确认%(ballot)s是否已提交，请稍候再按一次“提交%(ballot)s”，不会重复计票。"),
        keeps=True,
    ),
    "other-poll": Refusal(
        400,
        _("%(ballot)s与票决不符"),
        _("刚才的内容没有提交。请返回首页，重新进入您要投票的票决。"),
    ),
    "no-poll": Refusal(200, _("目前没有进行中的票决"), _("票决开始后，请刷新首页进入。")),
}


class PageRefused(Exception):
    """This page is not for this delegate now: `code` is one of REFUSALS, `at` a time in its text."""

    def __init__(self, code: str, at: datetime | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.at = at


def refusal_of(code: str, poll: Poll | None, *, at: datetime | None = None) -> Refusal:
    """Return the refusal of that code in the words of `poll`; `at` is a time in its text."""
    marking = MARKINGS[poll.form if poll else Form.CHOOSE]
    words = {"at": clock(at), "ballot": marking.ballot}
    page = REFUSALS[code]
    return replace(page, heading=str(page.heading) % words, text=str(page.text) % words)


def refusable(view: View) -> View:
    """Answer a PageRefused from `view` with the page that explains it."""

    @wraps(view)
    def explained(request: VisitorRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except PageRefused as refusal:
            page = refusal_of(refusal.code, request.poll, at=refusal.at)
            return say_no(request, heading=page.heading, text=page.text, status=page.status)

    return explained


def say_no(
    request: HttpRequest, *, heading: str | Promise, text: str | Promise, status: int
) -> HttpResponse:
    """Return a page of a heading, a sentence or two and the way home."""
    context = {"heading": heading, "text": text}
    return render(request, "ballots/refused.html", context, status=status)


TIME_IS_UP = _(
    "表决时间已到，等待主持人宣布截止，现在不能提交。您填写的没有丢失，时间如有延长，可以继续提交。"
)
# From so many minutes before the deadline on, phones and the screen say how many are left.
LAST_MINUTES = 5


def standing_of(request: DelegateRequest, poll: Poll) -> Standing:
    """Return where the delegate stands with `poll`; 404 where he is not on its roll."""
    if poll.pk not in request.standings:
        raise Http404
    return request.standings[poll.pk]


def status_of(standing: Standing) -> tuple[dict[str, Hashable], dict[str, str]]:
    """Return where a delegate stands: what many have in common, and what is his own."""
    poll, entry = standing.poll, standing.entry
    shown: dict[str, Hashable] = {
        "poll": shown_poll(poll),
        "state": state_of(poll, entry),
        "voted": entry.voted,
        "closes_at": clock(poll.closes_at),
        "closed_at": clock(poll.closed_at or poll.closes_at),
        "closing": closing_of(poll),
        "must_report": _must_report(standing),
    }
    personal = {
        "voted_at": clock(entry.voted_at),
        "receipt": sealing.grouped(standing.code) if standing.code else "",
    }
    return shown, personal


class Waiting(NamedTuple):
    """Another vote for which a delegate is waited for: open, or paused for a moment, or not begun."""

    pk: int
    title: str
    ballot: str
    state: str


def still_waiting(request: DelegateRequest, poll: Poll) -> tuple[Waiting, ...]:
    """Return the votes beside `poll` in which this delegate can vote or soon will, so that none is missed.

    Nobody is sent on from a vote that counts to a rehearsal, nor told of another meeting that has
    not begun.
    """
    found = []
    for other in request.polls:
        state = state_of(other, request.standings[other.pk].entry)
        is_near = state in {"open", "paused"} or (
            state == "before" and other.meeting == poll.meeting
        )
        if other != poll and is_near and (poll.is_rehearsal or not other.is_rehearsal):
            found.append(Waiting(other.pk, title_of(other), str(other.marking.ballot), state))
    return tuple(found)


def may_cast(standing: Standing) -> bool:
    """Tell whether this delegate could submit a ballot at this moment, and has not."""
    return state_of(standing.poll, standing.entry) == "open" and not _must_report(standing)


def _must_report(standing: Standing) -> bool:
    return standing.poll.voters == Poll.Voters.PRESENT and not standing.entry.present


@dataclass(frozen=True)
class Closing:
    """What is said of the deadline: `said` is another one whenever something else is said."""

    said: str
    words: str


def closing_of(poll: Poll) -> Closing:
    """Return what to say of the deadline to whoever fills in a ballot: the last minutes, or the end.

    Nothing is said where there is none, and before its last minutes.
    """
    if poll.is_time_up:
        return Closing("up", str(TIME_IS_UP))
    left = (poll.closes_at - moments.now()).total_seconds() if poll.closes_at else 0
    minutes = math.ceil(left / 60)
    if not 0 < minutes <= LAST_MINUTES:
        return Closing("", "")
    words = ngettext(
        "距截止还有%(count)d分钟，请尽快提交。",
        "距截止还有%(count)d分钟，请尽快提交。",
        minutes,
    ) % {"count": minutes}
    return Closing(str(minutes), words)
