"""The steps of a poll's day as guard pages: parse what was typed, call one act, go back.

Nothing here decides whether a step is allowed: that is asked of the act, and what it refuses is
said on the page. Which steps there are, and who is shown them, stands in `admin.steps`.
"""

from collections.abc import Callable
from typing import Any, Protocol

import segno
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django_htmx.middleware import HtmxDetails

from ballots import roles
from ballots.acts import ceremony, lifecycle, rehearsal, roll, storage
from ballots.admin.forms import (
    AddToRollForm,
    DoorForm,
    FigureForm,
    KeyForm,
    PresenceForm,
    ReasonForm,
    SecondPersonForm,
    SharesForm,
    tell,
)
from ballots.facts import outcome, preflight, turnout
from ballots.facts.words import described
from ballots.files.download import Download
from ballots.models import BallotBox, PollDay, Result, RollEntry
from ballots.refusal import Refused
from projects.models import Poll
from yiwu_vote.tables.downloads import attachment

COUNTED = frozenset({Poll.Phase.COUNTED, Poll.Phase.CONFIRMED, Poll.Phase.PUBLISHED})


class NamedStep(Protocol):
    """What a guard page says of its step: the name of its address and template, and its words."""

    @property
    def name(self) -> str: ...

    @property
    def label(self) -> Any: ...

    @property
    def words(self) -> Any: ...


class StaffRequest(HttpRequest):
    """A request that the admin has asked to log in; on a guard page it knows its step."""

    user: User
    step: NamedStep
    htmx: HtmxDetails


# --- how every step answers -----------------------------------------------------------------------


def posted(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def day(poll: Poll) -> HttpResponse:
    return redirect("admin:ballots_pollday_change", poll.pk)


def address(poll: Poll, name: str) -> str:
    return reverse(f"admin:ballots_pollday_{name}", args=[poll.pk])


def show(request: HttpRequest, poll: Poll, name: str, title: Any, context: Any) -> HttpResponse:
    """Render the page `name`, or the plain guard page where a step needs none of its own."""
    own = {"title": title, "subtitle": str(poll), "poll": poll, "opts": PollDay._meta}
    templates = [f"admin/ballots/pollday/{page}.html" for page in (name, "step")]
    return render(request, templates, admin.site.each_context(request) | own | context)


def take(
    request: StaffRequest,
    poll: Poll,
    act: Callable[[], str | HttpResponse],
    *filled: forms.Form,
    **context: Any,
) -> HttpResponse:
    """Show the guard page of a step; once its forms are in order, let `act` take it.

    `act` returns the sentence that says what was done, or an answer of its own. What it refuses
    is said on the same page, with everything still there that was typed, secrets excepted.
    """
    forms_ = filled or (forms.Form(posted(request)),)
    # Each form is asked, so that all that is wrong is told at once.
    verdicts = [form.is_valid() for form in forms_]
    if request.method == "POST" and all(verdicts):
        try:
            answer = act()
        except Refused as refusal:
            tell(forms_[0], refusal)
        else:
            if isinstance(answer, HttpResponse):
                return answer
            messages.success(request, answer)
            return day(poll)
    step = request.step
    own = {"step": step, "forms": forms_, "button": step.label} | context
    return show(request, poll, step.name, step.label, own)


def download(file: Download) -> HttpResponse:
    """Return `file` to be saved under its Chinese name."""
    return attachment(file.content, ascii_name=file.ascii_name, chinese_name=file.chinese_name)


# --- before the vote ------------------------------------------------------------------------------


def draw_up_roll(request: StaffRequest, poll: Poll) -> HttpResponse:
    def act() -> str:
        count = roll.draw_up_roll(poll, by=request.user)
        return gettext("名册已更新，共%(count)d人。") % {"count": count}

    return take(request, poll, act, on_roll=poll.roll.count())


def presence(request: StaffRequest, poll: Poll) -> HttpResponse:
    """The roll by delegation, with ticks; each delegation is its own form and its own act."""
    form = PresenceForm(posted(request), poll=poll)

    def act() -> HttpResponse:
        mark = roll.mark_absent if form.cleaned_data["do"] == "undo" else roll.mark_present
        total = mark(poll, numbers=form.meant, by=request.user)
        messages.success(request, gettext("已记录。实到%(count)d人。") % {"count": total})
        return redirect(address(poll, "presence"))

    return take(
        request,
        poll,
        act,
        form,
        delegations=_by_delegation(poll),
        actions=_presence_actions(poll),
        door=DoorForm(),
        may_mark=roles.is_office(request.user),
        ticked=form.data.getlist("numbers") if isinstance(form.data, QueryDict) else [],
    )


def _presence_actions(poll: Poll) -> dict[str, Any]:
    """实到 may only rise once the poll has opened, so that nothing can be taken back then."""
    actions = PresenceForm.ACTIONS
    if poll.phase == Poll.Phase.DRAFT:
        return actions
    return {name: label for name, label in actions.items() if name != "undo"}


def _by_delegation(poll: Poll) -> list[dict[str, Any]]:
    """Return the roll by the delegation that stands on it, in the order of the delegations."""
    found: dict[str, list[RollEntry]] = {}
    for entry in poll.roll.order_by(
        "delegate__delegation__position", "delegation", "delegate__position", "number"
    ):
        found.setdefault(entry.delegation, []).append(entry)
    return [
        {
            "name": name,
            "entries": entries,
            "present": sum(1 for entry in entries if entry.present),
        }
        for name, entries in found.items()
    ]


def door(request: StaffRequest, poll: Poll) -> HttpResponse:
    """Mark the delegate whose card is shown at the door, and be ready for the next one."""
    form = DoorForm(posted(request))

    def act() -> HttpResponse:
        delegate = form.cleaned_data["card"].delegate
        # The roll keeps its own numbers; that of the delegate may have been given to another since.
        number = poll.roll.filter(delegate=delegate).values_list("number", flat=True).first()
        if number is None:
            raise roll.refused("not-on-roll")
        total = roll.mark_present(poll, numbers=[number], by=request.user)
        words = gettext("%(name)s（%(number)s，%(delegation)s）已到会。实到%(count)d人。") % {
            "name": delegate.name,
            "number": number,
            "delegation": delegate.delegation.name,
            "count": total,
        }
        messages.success(request, words)
        return redirect(address(poll, "door"))

    return take(request, poll, act, form, button=_("记为到会"))


def make_key(request: StaffRequest, poll: Poll) -> HttpResponse:
    """Make the key; the answer is the share sheets, which exist in this answer and nowhere else."""
    made = BallotBox.objects.filter(poll=poll).first()
    data = posted(request)
    form = KeyForm(
        data,
        poll=poll,
        scheme=(request.GET if data is None else data).get("scheme", ""),
        ceremony=made.ceremony if made else 0,
    )

    def act() -> HttpResponse:
        sheets = ceremony.make_key(
            poll, holders=form.holders, threshold=form.threshold, by=request.user
        )
        shown = [{"sheet": sheet, "qr": qr_svg(sheet.text)} for sheet in sheets]
        made = BallotBox.objects.get(poll=poll)
        context = {"sheets": shown, "box": made, "holders": len(sheets)}
        return show(request, poll, "key-sheets", gettext("密钥份额"), context)

    schemes = [
        {
            "name": name,
            "threshold": threshold,
            "holders": holders,
            "chosen": name == form.chosen_scheme,
        }
        for name, (threshold, holders) in KeyForm.SCHEMES.items()
    ]
    return take(request, poll, act, form, box=made, schemes=[] if poll.simple else schemes)


def qr_svg(text: str) -> str:
    """Return the QR code of `text` as SVG to stand in a page."""
    return segno.make(text, error="m", micro=False).svg_inline(border=0, omitsize=True)


def try_key(request: StaffRequest, poll: Poll) -> HttpResponse:
    made = get_object_or_404(BallotBox, poll=poll)
    form = SharesForm(posted(request), threshold=made.threshold)

    def act() -> str:
        ceremony.test_key(poll, texts=form.texts, by=request.user)
        return gettext("试开成功，票箱密钥可以使用。")

    return take(request, poll, act, form, box=made)


def open_poll(request: StaffRequest, poll: Poll) -> HttpResponse:
    def act() -> str:
        lifecycle.open_poll(poll, by=request.user)
        return gettext("投票已开始。")

    findings = preflight.what_is_missing(poll)
    return take(request, poll, act, findings=findings, blocked=preflight.blocks(findings))


# --- while it takes ballots -----------------------------------------------------------------------


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


def pause(request: StaffRequest, poll: Poll) -> HttpResponse:
    form = ReasonForm(posted(request))

    def act() -> str:
        lifecycle.pause_poll(poll, reason=form.cleaned_data["reason"], by=request.user)
        return gettext("投票已暂停。")

    return take(request, poll, act, form)


def resume(request: StaffRequest, poll: Poll) -> HttpResponse:
    def act() -> str:
        lifecycle.resume_poll(poll, by=request.user)
        return gettext("投票已恢复。")

    return take(request, poll, act)


def vote_for_the_rest(request: StaffRequest, poll: Poll) -> HttpResponse:
    def act() -> str:
        count = rehearsal.vote_for_the_rest(poll, by=request.user)
        return ngettext("已为%(count)d名示例代表投票。", "已为%(count)d名示例代表投票。", count) % {
            "count": count
        }

    return take(request, poll, act)


def close(request: StaffRequest, poll: Poll) -> HttpResponse:
    form = FigureForm(posted(request), label=gettext("请输入当前已投票人数以确认："))

    def act() -> str:
        lifecycle.close_poll(poll, by=request.user, voted=form.cleaned_data["figure"])
        return gettext("已封存%(count)d张表决票，次序已打乱。") % {
            "count": poll.sealed_ballots.count()
        }

    return take(request, poll, act, form, figures=figures_of(poll))


# --- the count ------------------------------------------------------------------------------------


def rewrite(request: StaffRequest, poll: Poll) -> HttpResponse:
    def act() -> str:
        storage.rewrite_storage(poll, by=request.user)
        return gettext("存储已重写。")

    return take(request, poll, act)


def open_box(request: StaffRequest, poll: Poll) -> HttpResponse:
    made = get_object_or_404(BallotBox, poll=poll)
    form = SharesForm(posted(request), threshold=made.threshold)

    def act() -> str:
        lifecycle.open_box(poll, texts=form.texts, by=request.user)
        return gettext("票箱已开启，共%(count)d张表决票。") % {"count": poll.ballots.count()}

    return take(request, poll, act, form, box=made)


def count(request: StaffRequest, poll: Poll) -> HttpResponse:
    def act() -> str:
        lifecycle.count_poll(poll, by=request.user)
        return gettext("计票完成，请监票人复核。")

    return take(request, poll, act)


def confirm(request: StaffRequest, poll: Poll) -> HttpResponse:
    def act() -> str:
        lifecycle.confirm_result(poll, by=request.user)
        return gettext("您已确认计票结果。")

    return take(request, poll, act, count=counted(poll), button=_("确认无误"))


def send_back(request: StaffRequest, poll: Poll) -> HttpResponse:
    form = ReasonForm(posted(request))

    def act() -> str:
        lifecycle.send_back(poll, reason=form.cleaned_data["reason"], by=request.user)
        return gettext("已退回，请重新归并并计票。")

    return take(request, poll, act, form)


# --- the figures of the pages ---------------------------------------------------------------------


def figures_of(poll: Poll) -> dict[str, Any]:
    """Return 应到, 实到, 已投票, 未投票 and 投票率; nothing of what was voted (DESIGN §3)."""
    numbers = turnout.turnout_of(poll)
    return {
        "roll": numbers.roll,
        "present": numbers.present,
        "voted": numbers.voted,
        "waiting": max(numbers.issued - numbers.voted, 0),
        "share": turnout.percent(numbers.voted, numbers.issued),
    }


def counted(poll: Poll) -> dict[str, Any] | None:
    """Return the standing count as the pages show it; None before the count (DESIGN §3)."""
    if poll.phase not in COUNTED:
        return None
    try:
        result = outcome.standing_result(poll)
    except Result.DoesNotExist:
        return None
    figures = result.figures
    items = described(poll, figures)
    tied = [item for item in items if item["outcome"] == "tied"]
    return {
        "result": result,
        "figures": figures,
        "turnout": figures["turnout"],
        "items": items,
        "checks": figures["checks"],
        "failed": [check["name"] for check in figures["checks"] if not check["holds"]],
        "adopted": sum(1 for item in items if item["outcome"] == "adopted"),
        "tied": tied,
        "is_checked": poll.phase != Poll.Phase.COUNTED,
    }
