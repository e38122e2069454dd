"""The steps while the poll takes ballots, as pages; and the address of the hall's big screen."""

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from ballots import roles
from ballots.acts import amending, hall, lifecycle, rehearsal, roll
from ballots.admin.counting import CLEARING, clear_traces
from ballots.admin.forms import FigureForm, ReasonForm, SecondPersonForm
from ballots.admin.guard import Day, StaffRequest, address, is_rehearsal, posted, step, take
from ballots.admin.moving import LONG_EACH, Then, moving
from ballots.admin.state import figures_of
from ballots.facts import keyed, register, turnout
from ballots.models import Delegate
from ballots.pure.progress import Watch, watched
from ballots.refusal import REASON_LIMIT
from projects.models import Poll
from projects.phases import EVERY, MOVES, RUNNING, VOTING
from yiwu_vote.fields import Typed


class CloseForm(FigureForm):
    """The figure that was read, and, while somebody may still vote, that the chair has ended it."""

    announced = forms.BooleanField(
        label=_("主持人已宣布截止"),
        error_messages={"required": _("还有代表没有投票，请在主持人宣布截止后勾选。")},
    )
    field_order = ("announced", "figure")

    def __init__(self, data: Any = None, *, day: Day) -> None:
        super().__init__(data, label=gettext("请输入当前已投票人数以确认："))
        if turnout.is_complete(day.poll, day.turnout):
            del self.fields["announced"]

    @property
    def given(self) -> dict[str, Any]:
        """What the act is told of it."""
        cleaned = self.cleaned_data
        return {"voted": cleaned["figure"], "announced": cleaned.get("announced", False)}


@step(
    "close",
    _("截止投票"),
    _("截止后不能再提交。"),
    who=roles.is_office,
    phases=MOVES["close"].before,
)
def close(request: StaffRequest, poll: Poll) -> HttpResponse:
    form = CloseForm(posted(request), day=request.day)

    def act(watch: Watch) -> str:
        lifecycle.close_poll(poll, by=request.user, **form.given, watch=watch)
        return gettext("已封存%(count)d张表决票，次序已打乱。") % {
            "count": poll.sealed_ballots.count()
        }

    clearing = Then(str(CLEARING), lambda: clear_traces(poll, by=request.user))
    closing = moving(request, poll, act, over=poll.envelopes.all(), then=clearing)
    return take(request, poll, closing, form, figures=figures_of(request.day.turnout))


class DecisionForm(forms.Form):
    """What the presidium decided, in words."""

    decision = Typed(
        label=_("主席团的决定"),
        max_length=REASON_LIMIT,
        widget=forms.TextInput(attrs={"size": 60}),
    )


@step(
    "close-apart",
    _("封存后截止"),
    _(
        "有表决票无法证明由本系统收下的，请先查明原因。经主席团决定，可由总监票人签名，"
        "将其封存、不予开启，计为无效票。封存的票足以改变结果的，不能复核，只能宣布本次票决作废。"
    ),
    who=roles.is_office,
    phases=MOVES["close"].before,
    listed=False,
)
def close_apart(request: StaffRequest, poll: Poll) -> HttpResponse:
    doubts = list(keyed.doubts(poll))
    if not doubts:
        messages.info(request, gettext("没有发现有疑问的表决票，可以直接截止。"))
        return redirect(address(poll, "close"))
    form = CloseForm(posted(request), day=request.day)
    words = DecisionForm(posted(request))
    second = SecondPersonForm(posted(request), request=request)

    def act() -> str:
        lifecycle.close_poll(
            poll,
            by=request.user,
            **form.given,
            decision=words.cleaned_data["decision"],
            second=second.person,
        )
        done = gettext("已截止，封存%(count)d张有疑问的表决票，不予开启。") % {"count": len(doubts)}
        return done + clear_traces(poll, by=request.user)

    context = {"figures": figures_of(request.day.turnout), "doubts": doubts}
    return take(request, poll, act, form, words, second, **context)


@step(
    "pause",
    _("暂停投票"),
    _("暂停期间不接受提交，代表已填的内容保留在各自手机上。"),
    who=roles.is_office,
    phases=MOVES["pause"].before,
)
def pause(request: StaffRequest, poll: Poll) -> HttpResponse:
    form = ReasonForm(posted(request))

    def act() -> str:
        lifecycle.pause_poll(poll, reason=form.cleaned_data["reason"], by=request.user)
        return gettext("投票已暂停。")

    return take(request, poll, act, form)


@step(
    "resume",
    _("恢复投票"),
    _("恢复后，代表可以继续提交。"),
    who=roles.is_office,
    phases=MOVES["resume"].before,
)
def resume(request: StaffRequest, poll: Poll) -> HttpResponse:
    if poll.is_time_up:
        messages.error(request, str(lifecycle.refused["time-is-up"]))
        return redirect(address(poll, "deadline"))

    def act() -> str:
        lifecycle.resume_poll(poll, by=request.user)
        return gettext("投票已恢复。")

    return take(request, poll, act)


class DeadlineForm(ReasonForm):
    """The new deadline, by the clock of the hall, and why it is moved."""

    closes_at = forms.DateTimeField(
        label=_("新的截止时间"),
        widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
        error_messages={"invalid": _("请填写年月日和时间，例如 2026-01-18 11:30。")},
    )
    field_order = ("closes_at", "reason")


# What is offered beyond the deadline, or beyond now.
MORE = timedelta(minutes=10)


def _has_deadline(day: Day) -> bool:
    return day.poll.closes_at is not None


@step(
    "deadline",
    _("延长截止时间"),
    _(
        "截止时间只能延后，最多到24小时以后；已过的也可以在宣布截止前延后。"
        "须注明原因，由另一位会务或监票人员签名。"
    ),
    who=roles.is_office,
    phases=VOTING,
    fits=_has_deadline,
)
def move_deadline(request: StaffRequest, poll: Poll) -> HttpResponse:
    now = timezone.localtime()
    # Ten minutes more than there are, or than there were: the date at least is seldom another one.
    # Never more than the act takes, so that no year of an old draft is counted past its end.
    furthest = now + amending.FURTHEST
    offered = min(max(poll.closes_at or now, now), furthest - MORE) + MORE
    form = DeadlineForm(posted(request), initial={"closes_at": offered})
    second = SecondPersonForm(posted(request), request=request)

    def act() -> str:
        moved = amending.move_deadline(
            poll,
            closes_at=form.cleaned_data["closes_at"],
            reason=form.cleaned_data["reason"],
            by=request.user,
            second=second.person,
        )
        return gettext("截止时间已延至%(at)s。") % {
            "at": date_format(timezone.localtime(moved.closes_at), "Y-m-d H:i")
        }

    return take(request, poll, act, form, second, now=now)


class DetailsForm(forms.Form):
    """Whom to call, and the words before the vote."""

    phone = Typed(label=_("会务组电话"), max_length=30, required=False)
    opening_words = Typed(
        label=_("票前说明"),
        lines=True,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5, "cols": 60}),
        help_text=_("显示在候选项目页，可以留空。"),
    )


@step(
    "correct",
    _("更正会务组电话、票前说明"),
    _("代表端随即显示新的内容；原来的内容记入操作记录。"),
    who=roles.is_office,
    phases=RUNNING,
)
def correct_details(request: StaffRequest, poll: Poll) -> HttpResponse:
    there = {"phone": poll.phone, "opening_words": poll.opening_words}
    form = DetailsForm(posted(request), initial=there)

    def act() -> str:
        amending.correct_details(poll, **form.cleaned_data, by=request.user)
        return gettext("已更正。")

    return take(request, poll, act, form)


class AddToRollForm(forms.Form):
    """One delegate in office who is not on the roll, and on what grounds he is added."""

    delegate = forms.ModelChoiceField(Delegate.objects.none(), label=_("代表"))
    reason = Typed(label=_("依据"), max_length=200, widget=forms.TextInput(attrs={"size": 60}))

    def __init__(self, data: Any = None, *, poll: Poll) -> None:
        super().__init__(data)
        others = Delegate.objects.filter(register.votes_in(poll)).exclude(roll_entries__poll=poll)
        self.fields["delegate"].queryset = others.select_related("delegation")  # type: ignore[attr-defined]


@step(
    "add",
    _("增补代表"),
    _("投票已开始，只能单个增补代表，并须注明依据，由另一位会务或监票人员签名。"),
    who=roles.is_office,
    phases=VOTING,
)
def add_to_roll(request: StaffRequest, poll: Poll) -> HttpResponse:
    form = AddToRollForm(posted(request), poll=poll)
    second = SecondPersonForm(posted(request), request=request)

    def act() -> str:
        entry = roll.add_to_roll(
            poll,
            delegate=form.cleaned_data["delegate"],
            reason=form.cleaned_data["reason"],
            by=request.user,
            second=second.person,
        )
        return gettext("已将%(who)s增补到名册。") % {"who": entry}

    return take(request, poll, act, form, second)


@step(
    "rest",
    _("让其余示例代表投票"),
    _("为尚未投票的代表各投一张示例表决票，留下一人。只用于演练。"),
    who=roles.is_office,
    phases=frozenset({Poll.Phase.OPEN}),
    fits=is_rehearsal,
)
def vote_for_the_rest(request: StaffRequest, poll: Poll) -> HttpResponse:
    def act(watch: Watch) -> str:
        count = rehearsal.vote_for_the_rest(
            poll, by=request.user, track=lambda cards: watched(cards, len(cards), watch)
        )
        return ngettext("已为%(count)d名示例代表投票。", "已为%(count)d名示例代表投票。", count) % {
            "count": count
        }

    return take(request, poll, moving(request, poll, act, over=poll.roll.all(), long=LONG_EACH))


class ScreenForm(forms.Form):
    """Whether the screen gets a new address or none."""

    ACTIONS = {"open": _("打开大屏，生成新网址"), "end": _("停用大屏网址")}

    do = forms.ChoiceField(choices=ACTIONS.items())


@step(
    "screen",
    _("会场大屏"),
    _("大屏显示投票进度，公布后逐项揭晓结果。"),
    who=roles.is_office,
    phases=EVERY,
)
def screen(request: StaffRequest, poll: Poll) -> HttpResponse:
    form = ScreenForm(posted(request))

    def act() -> HttpResponse:
        if form.cleaned_data["do"] == "open":
            hall.open_screen(poll, by=request.user)
            messages.success(request, gettext("大屏网址已生成，原网址失效。"))
        else:
            hall.end_screen(poll, by=request.user)
            messages.success(request, gettext("大屏网址已停用。"))
        return redirect(address(poll, "screen"))

    context = {}
    if poll.screen_key:
        path = reverse("ballots:screen", args=[poll.screen_key])
        # On the machine of the screen itself: the address that phones use may lead elsewhere.
        context = {"path": path, "url": settings.PUBLIC_URL.rstrip("/") + path}
    return take(request, poll, act, form, **context)
