"""The steps after a confirmed count, as pages: second rounds, the decision, publication, the reveal."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import roles
from ballots.acts import deciding, drafts, hall, lifecycle
from ballots.admin.counting import counted
from ballots.admin.forms import FigureForm, SecondPersonForm
from ballots.admin.guard import (
    Day,
    Done,
    StaffRequest,
    address,
    done_for,
    posted,
    step,
    take,
    to_day,
)
from ballots.admin.moving import moving
from ballots.facts import grades, words
from ballots.facts.naming import numbered
from ballots.facts.outcome import Outcome, in_turn
from ballots.pure.progress import Watch
from projects.models import Poll
from projects.phases import MOVES
from yiwu_vote.fields import Typed

# What a copied draft must be seen to before it can open; said wherever one is made.
MADE_ANEW = _("名册、投票卡和实到沿用；请重新生成密钥，并核对实到。")


# --- second rounds and the decision ---------------------------------------------------------------


def _may_be_decided(day: Day) -> bool:
    return day.outcome.may_settle


def _lacks_a_run_off(day: Day) -> bool:
    return _may_be_decided(day) and day.outcome.round is None and day.outcome.is_tied


def _lacks_a_supplementary(day: Day) -> bool:
    outcome = day.outcome
    may = _may_be_decided(day) and outcome.round is None
    return may and not outcome.is_tied and bool(outcome.rest)


@step(
    "run-off",
    _("再次票决"),
    _("就得票相同、待定的项目再次票决，沿用名册和投票卡。"),
    who=roles.is_office,
    phases=MOVES["publish"].before,
    fits=_lacks_a_run_off,
)
def run_off(request: StaffRequest, poll: Poll) -> HttpResponse:
    return _second_round(request, poll, drafts.run_off, gettext("已发起再次票决。"))


@step(
    "supplementary",
    _("补充票决"),
    _("确定的项目不足时，就其余项目补充票决，沿用名册和投票卡。"),
    who=roles.is_office,
    phases=MOVES["publish"].before,
    fits=_lacks_a_supplementary,
)
def supplementary(request: StaffRequest, poll: Poll) -> HttpResponse:
    return _second_round(request, poll, drafts.supplementary, gettext("已发起补充票决。"))


def _second_round(
    request: StaffRequest, poll: Poll, make: Callable[..., Poll], done: str
) -> HttpResponse:
    def act(_watch: Watch) -> Done:
        return done_for(make(poll, by=request.user), f"{done}{MADE_ANEW}")

    making = moving(request, poll, act, over=poll.roll.all())
    return take(request, poll, making, outcome=request.day.outcome)


class DecideForm(forms.Form):
    """Which projects the meeting gave the open places to, and the words of its decision."""

    items = forms.MultipleChoiceField(
        label=_("由会议确定的项目"), required=False, widget=forms.CheckboxSelectMultiple
    )
    words = Typed(
        lines=True,
        label=_("会议决定的内容"),
        max_length=deciding.WORDS_LIMIT,
        widget=forms.Textarea(attrs={"rows": 4, "cols": 60}),
        help_text=_("写明会议、时间和决定，与结果一并公布。"),
    )

    def __init__(self, data: Any = None, *, outcome: Outcome) -> None:
        super().__init__(data)
        choices = [(key, numbered(key, name)) for key, name in outcome.rest_names]
        self.fields["items"].choices = choices  # type: ignore[attr-defined]


@step(
    "decide",
    _("按会议决定登记结果"),
    _("登记会议对待定名额的决定，须会务和监票各一人签名，登记后不能再改。"),
    who=roles.is_office,
    phases=MOVES["publish"].before,
    fits=_may_be_decided,
)
def decide(request: StaffRequest, poll: Poll) -> HttpResponse:
    outcome = request.day.outcome
    form = DecideForm(posted(request), outcome=outcome)
    second = SecondPersonForm(posted(request), request=request)

    def act() -> str:
        deciding.decide(
            poll,
            items=form.cleaned_data["items"],
            words=form.cleaned_data["words"],
            by=request.user,
            second=second.person,
        )
        return gettext("会议决定已登记。")

    return take(request, poll, act, form, second, outcome=outcome)


# --- publication ----------------------------------------------------------------------------------


class PublishForm(FigureForm):
    """The figure that was read on the page, and how much is shown to whom and when."""

    leave_open = forms.BooleanField(required=False)
    at_once = forms.BooleanField(label=_("不逐项揭晓，立即公布全部结果"), required=False)

    def __init__(self, data: Any = None, *, outcome: Outcome) -> None:
        super().__init__(data, label=_asked(outcome))
        if outcome.poll.is_graded:
            self.fields["at_once"].label = gettext("不经大屏揭晓，立即公布全部结果")
        if outcome.is_settled:
            del self.fields["leave_open"]
        else:
            words = gettext("还有%(count)d项没有确定，按实际通过数公布，不再补足")
            self.fields["leave_open"].label = words % {"count": outcome.open_places}


def _asked(outcome: Outcome) -> str:
    """Return which figure to read: the count's, unless a second round or the meeting added to it."""
    if outcome.poll.is_graded:
        return gettext("请输入评为满意的项目数以确认：")
    if all(place.how == "count" for place in outcome.filled):
        return gettext("请输入通过的项目数以确认：")
    return gettext("请输入已确定的项目数以确认：")


@step(
    "publish",
    _("公布结果"),
    _("公布后，代表端、大屏和公告同时更新，不能撤回。"),
    who=roles.is_office,
    phases=MOVES["publish"].before,
)
def publish(request: StaffRequest, poll: Poll) -> HttpResponse:
    outcome = request.day.outcome
    form = PublishForm(posted(request), outcome=outcome)

    def act() -> str:
        lifecycle.publish_result(
            poll,
            by=request.user,
            adopted=form.cleaned_data["figure"],
            leave_open=form.cleaned_data.get("leave_open", False),
            at_once=form.cleaned_data["at_once"],
        )
        return gettext("结果已公布。")

    return take(request, poll, act, form, count=counted(request.day), outcome=outcome)


def _is_being_revealed(day: Day) -> bool:
    return not day.poll.is_revealed


def _is_revealed_in_turn(day: Day) -> bool:
    """Tell whether the hall is still shown one place after the other: a 满意度测评 has none."""
    return _is_being_revealed(day) and not day.poll.is_graded


class RevealForm(forms.Form):
    """Which project the page offered to show next, so that a double click shows one."""

    place = forms.IntegerField(min_value=1, max_value=10_000, widget=forms.HiddenInput)


@step(
    "reveal",
    _("揭晓下一项"),
    _("大屏逐项揭晓；最后一项揭晓后，代表和公众才能看到结果。"),
    who=roles.is_office,
    phases=frozenset({Poll.Phase.PUBLISHED}),
    fits=_is_revealed_in_turn,
)
def reveal(request: StaffRequest, poll: Poll) -> HttpResponse:
    """One project after the other: the page stays until the last one is shown."""
    progress = revealed(request.day)
    form = RevealForm(posted(request), initial={"place": progress["next"]})

    def act() -> HttpResponse:
        shown = hall.reveal_next(poll, by=request.user, position=form.cleaned_data["place"])
        if shown.is_revealed:
            messages.success(request, gettext("结果已全部揭晓，代表和公众可以看到。"))
            return to_day(poll)
        return redirect(address(poll, "reveal"))

    return take(request, poll, act, form, progress=progress, **_on_the_screen(request.day))


@step(
    "reveal-all",
    _("全部揭晓"),
    _("大屏一次显示全部结果，代表和公众同时可以看到。"),
    who=roles.is_office,
    phases=frozenset({Poll.Phase.PUBLISHED}),
    fits=_is_being_revealed,
)
def reveal_all(request: StaffRequest, poll: Poll) -> HttpResponse:
    def act() -> str:
        hall.reveal_all(poll, by=request.user)
        return gettext("结果已全部揭晓，代表和公众可以看到。")

    context: dict[str, object] = {"progress": revealed(request.day)}
    if poll.is_graded:
        context["lines"] = grades.read_out(request.day.outcome)
    return take(request, poll, act, **context)


def revealed(day: Day) -> dict[str, int]:
    """Return how many of the adopted projects the hall has been shown, and which comes next."""
    shown = day.poll.revealed
    return {"revealed": shown, "total": len(day.outcome.filled), "next": shown + 1}


def _on_the_screen(day: Day) -> dict[str, object]:
    """Return what the hall sees now, what comes next and the words to read when it does."""
    outcome = day.outcome
    places = in_turn(outcome)
    shown, slots = day.poll.revealed, outcome.result.figures["places"]
    coming = places[shown] if shown < len(places) else None
    by_votes = coming is not None and coming.how == "count" and day.poll.show_votes
    return {
        "shown": places[:shown],
        "slots": range(shown + 1, slots + 1),
        "coming": coming,
        "coming_votes": coming.row["votes"] if coming and by_votes else None,
        "read_out": words.read_out(outcome, coming) if coming else "",
    }
