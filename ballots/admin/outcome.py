"""What follows a confirmed count, as guard pages: second rounds, the decision, publication, the end.

How a step answers stands in `admin.guard`, which steps there are and when in `admin.steps`.
"""

import json
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import roles
from ballots.acts import archiving, deciding, drafts, hall, lifecycle, rehearsal
from ballots.admin.forms import FigureForm, ReasonForm, SecondPersonForm
from ballots.admin.guard import StaffRequest, address, counted, day, posted, take
from ballots.facts import outcome
from ballots.facts.outcome import Outcome
from projects.models import Poll

# What a copied draft must be seen to before it can open; said wherever one is made.
MADE_ANEW = _("名册和投票卡沿用；请重新生成密钥、重新报到。")


class PublishForm(FigureForm):
    """The figure that was read on the page, and how much is shown to whom and when."""

    leave_open = forms.BooleanField(required=False)
    at_once = forms.BooleanField(label=_("不逐项揭晓，立即公布全部结果"), required=False)

    def __init__(self, data: Any = None, *, standing: Outcome) -> None:
        super().__init__(data, label=_asked(standing))
        if standing.is_settled:
            del self.fields["leave_open"]
        else:
            words = gettext("还有%(count)d个名额没有确定，按实际通过数公布，名额留空")
            self.fields["leave_open"].label = words % {"count": standing.open_places}


def _asked(standing: Outcome) -> str:
    """Return which figure to read: the count's, unless a second round or the meeting added to it."""
    if all(place.how == "count" for place in standing.filled):
        return gettext("请输入通过的项目数以确认：")
    return gettext("请输入已确定的项目数以确认：")


class DecideForm(forms.Form):
    """Which projects the meeting gave the open places to, and the words of its decision."""

    items = forms.MultipleChoiceField(
        label=_("由会议确定的项目"), required=False, widget=forms.CheckboxSelectMultiple
    )
    words = forms.CharField(
        label=_("会议决定的内容"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4, "cols": 60}),
        help_text=_("写明会议、时间和决定，与结果一并公布。"),
    )

    def __init__(self, data: Any = None, *, standing: Outcome) -> None:
        super().__init__(data)
        choices = [(row["item"], f"{row['item']}. {row['title']}") for row in standing.rest]
        self.fields["items"].choices = choices  # type: ignore[attr-defined]


class RevealForm(forms.Form):
    """Which project the page offered to show next, so that a double click shows one."""

    place = forms.IntegerField(min_value=1, max_value=10_000, widget=forms.HiddenInput)


class ArchiveForm(forms.Form):
    """What becomes of the shares of the key and of the copies of the database."""

    key_destroyed = forms.CharField(
        label=_("密钥份额销毁情况"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text=_("写明何时、何地、由谁销毁，何人在场。"),
    )
    backups = forms.CharField(
        label=_("尚待销毁的备份"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text=_("每行一份，写明存放地点；没有的请写“无”。"),
    )


# --- second rounds and the decision ---------------------------------------------------------------


def run_off(request: StaffRequest, poll: Poll) -> HttpResponse:
    return _second_round(request, poll, drafts.run_off, gettext("已发起再次票决。"))


def supplementary(request: StaffRequest, poll: Poll) -> HttpResponse:
    return _second_round(request, poll, drafts.supplementary, gettext("已发起补充票决。"))


def _second_round(
    request: StaffRequest, poll: Poll, make: Callable[..., Poll], done: str
) -> HttpResponse:
    def act() -> HttpResponse:
        draft = make(poll, by=request.user)
        messages.success(request, f"{done}{MADE_ANEW}")
        return day(draft)

    return take(request, poll, act, standing=outcome.outcome_of(poll))


def decide(request: StaffRequest, poll: Poll) -> HttpResponse:
    standing = outcome.outcome_of(poll)
    form = DecideForm(posted(request), standing=standing)
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

    return take(request, poll, act, form, second, standing=standing)


# --- publication ----------------------------------------------------------------------------------


def publish(request: StaffRequest, poll: Poll) -> HttpResponse:
    standing = outcome.outcome_of(poll)
    form = PublishForm(posted(request), standing=standing)

    def act() -> str:
        lifecycle.publish_result(
            poll,
            by=request.user,
            adopted=form.cleaned_data["figure"],
            leave_open=form.cleaned_data.get("leave_open", False),
            at_once=form.cleaned_data["at_once"],
        )
        return gettext("结果已公布。")

    return take(request, poll, act, form, count=counted(poll), standing=standing)


def reveal(request: StaffRequest, poll: Poll) -> HttpResponse:
    """One project after the other: the page stays until the last one is shown."""
    progress = revealed(poll)
    form = RevealForm(posted(request), initial={"place": progress["next"]})

    def act() -> HttpResponse:
        shown = hall.reveal_next(poll, by=request.user, place=form.cleaned_data["place"])
        if shown.is_revealed:
            messages.success(request, gettext("结果已全部揭晓，代表和公众可以看到。"))
            return day(poll)
        return redirect(address(poll, "reveal"))

    return take(request, poll, act, form, progress=progress)


def reveal_all(request: StaffRequest, poll: Poll) -> HttpResponse:
    def act() -> str:
        hall.reveal_all(poll, by=request.user)
        return gettext("结果已全部揭晓，代表和公众可以看到。")

    return take(request, poll, act, progress=revealed(poll))


def drop(request: StaffRequest, poll: Poll) -> HttpResponse:
    """Delete the draft of a second round that was made by mistake or is of no use any more."""

    def act() -> HttpResponse:
        first = drafts.drop(poll, by=request.user)
        messages.success(request, gettext("草稿已删除。"))
        return day(first)

    return take(request, poll, act)


def revealed(poll: Poll) -> dict[str, int]:
    """Return how many of the adopted projects the hall has been shown, and which comes next."""
    total = len(outcome.outcome_of(poll).filled)
    return {"revealed": poll.revealed, "total": total, "next": poll.revealed + 1}


# --- the end --------------------------------------------------------------------------------------


def archive(request: StaffRequest, poll: Poll) -> HttpResponse:
    form = ArchiveForm(posted(request))
    second = SecondPersonForm(posted(request), request=request)

    def act() -> str:
        archiving.archive(
            poll,
            key_destroyed=form.cleaned_data["key_destroyed"],
            backups=form.cleaned_data["backups"].splitlines(),
            by=request.user,
            second=second.person,
        )
        return gettext("本次票决已归档。")

    until = archiving.objections_until(poll)
    waits = until is not None and timezone.now() < until
    return take(request, poll, act, form, second, until=until, waits=waits)


def archived(poll: Poll) -> dict[str, Any] | None:
    """Return what was put on record when `poll` was archived; None before that."""
    entry = poll.journal.filter(kind="archived").select_related("by", "second").first()
    if entry is None:
        return None
    data: dict[str, Any] = json.loads(entry.body)["data"]
    people = [roles.named(user) for user in (entry.by, entry.second) if user]
    return data | {"entry": entry, "people": "、".join(people)}


def void(request: StaffRequest, poll: Poll) -> HttpResponse:
    form = ReasonForm(posted(request))
    second = SecondPersonForm(posted(request), request=request)

    def act() -> str:
        lifecycle.void_poll(
            poll, reason=form.cleaned_data["reason"], by=request.user, second=second.person
        )
        return gettext("本次票决作废。")

    return take(request, poll, act, form, second)


def fresh_draft(request: StaffRequest, poll: Poll) -> HttpResponse:
    def act() -> HttpResponse:
        draft = drafts.fresh_draft(poll, by=request.user)
        messages.success(request, gettext("已另建草稿，须重新生成密钥和报到。"))
        return day(draft)

    return take(request, poll, act)


def wipe(request: StaffRequest, poll: Poll) -> HttpResponse:
    def act() -> HttpResponse:
        rehearsal.wipe_rehearsal(poll, by=request.user)
        messages.success(request, gettext("演练已清除。"))
        return redirect("admin:ballots_pollday_changelist")

    return take(request, poll, act)
