"""Giving papers out while people vote, as pages: who signs for one, who brings one back."""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import roles
from ballots.acts.paper import issuing
from ballots.admin.forms import ReasonForm, SecondPersonForm
from ballots.admin.guard import READING, Day, StaffRequest, address, posted, step, take
from ballots.facts.paper.given import FEW, papers_of
from ballots.facts.words import remarks
from ballots.journal import Kind
from ballots.models import ROLL_LISTED, Delegate, JournalEntry, RollEntry
from projects.models import Poll
from projects.phases import VOTING

NOBODY = _("请先勾选代表。")


class PeopleForm(forms.Form):
    """Delegates with a tick each, named by number and name.

    A roll that somebody adds to keeps its numbers; the name says whom the page has shown.
    """

    people = forms.MultipleChoiceField(
        label=_("代表"),
        error_messages={
            "required": NOBODY,
            "invalid_choice": _("您打开本页之后，名册有变动。请核对下面的名单，再次办理。"),
        },
    )

    def __init__(self, data: Any = None, *, entries: Sequence[RollEntry]) -> None:
        super().__init__(data)
        self.entries = entries
        self.fields["people"].choices = [(str(one), str(one)) for one in entries]  # type: ignore[attr-defined]

    @property
    def meant(self) -> dict[str, str]:
        """The 代表证号 and names of those who are ticked."""
        ticked = set(self.cleaned_data["people"])
        return {one.number: one.name for one in self.entries if str(one) in ticked}

    @property
    def sent(self) -> set[str]:
        """Who was ticked, also where something else is wrong."""
        return set(self["people"].value() or [])


class IssueForm(PeopleForm):
    """Who signs for a paper, and, with the first batch, that the paper box was shown to be empty."""

    box_shown = forms.BooleanField(
        label=_("投票箱已当众查验为空并封好"),
        error_messages={"required": _("请先当众查验投票箱为空并封好，再勾选。")},
    )

    def __init__(self, data: Any = None, *, entries: Sequence[RollEntry], is_first: bool) -> None:
        super().__init__(data, entries=entries)
        if not is_first:
            del self.fields["box_shown"]


@step(
    "issue-papers",
    _("发放纸质票"),
    _(
        "勾选当面领取纸质票的代表，由两人签名，打印签领表请代表签字。领取后不能再在网上投票，"
        "计入发出一次。"
    ),
    who=roles.is_office,
    phases=VOTING,
)
def issue_papers(request: StaffRequest, poll: Poll) -> HttpResponse:
    entries = list(poll.roll.select_related("delegate").order_by(*ROLL_LISTED))
    is_first = not _batches(poll)
    form = IssueForm(posted(request), entries=entries, is_first=is_first)
    second = SecondPersonForm(posted(request), request=request)

    def act() -> HttpResponse:
        meant = form.meant
        total = issuing.issue_papers(
            poll,
            numbers=meant,
            names=meant,
            box_shown=form.cleaned_data.get("box_shown", False),
            by=request.user,
            second=second.person,
        )
        words = gettext("已发出%(count)d张，共有%(total)d名代表领取纸质票。请打印签领表。")
        messages.success(request, words % {"count": len(meant), "total": total})
        return redirect(address(poll, "papers-signed"))

    may_have = [entry for entry in entries if _may_have(poll, entry)]
    asks_for_all = request.method != "POST" and request.GET.get("all") == "1"
    ticked = {str(entry) for entry in may_have} if asks_for_all else form.sent
    context = {
        "delegations": list(_delegations(entries, may_have, ticked)),
        "waiting": len(may_have),
        "papers": papers_of(poll),
        "few": FEW,
        "tablet": settings.PUBLIC_URL.rstrip("/") + reverse("ballots:tablet"),
        "is_first": is_first,
        "people": form,
        "second": second,
    }
    return take(request, poll, act, form, second, button=gettext("发出所选的纸质票"), **context)


def _may_have(poll: Poll, entry: RollEntry) -> bool:
    """Tell whether somebody can still sign for a paper, as the act asks it."""
    return (
        not entry.voted
        and not entry.is_on_paper
        and entry.delegate.status == Delegate.Status.ACTIVE
        and (entry.present or poll.voters == Poll.Voters.ROLL)
    )


def _delegations(
    entries: Iterable[RollEntry], may_have: Iterable[RollEntry], ticked: set[str]
) -> Iterable[dict[str, Any]]:
    """Yield each delegation with those who may sign for a paper, and how many hold one."""
    found: dict[str, dict[str, Any]] = {}
    for entry in entries:
        part = found.setdefault(entry.delegation, {"people": [], "papers": 0, "is_open": False})
        part["papers"] += entry.is_on_paper
    for entry in may_have:
        part, is_ticked = found[entry.delegation], str(entry) in ticked
        part["people"].append({"entry": entry, "is_ticked": is_ticked})
        part["is_open"] |= is_ticked
    for name, part in found.items():
        yield {"name": name, **part, "is_open": part["is_open"] or len(found) == 1}


# --- the sheet to sign ----------------------------------------------------------------------------


def _batches(poll: Poll) -> list[JournalEntry]:
    return list(poll.journal.filter(kind=Kind.PAPERS_ISSUED).order_by("-seq"))


def _has_batches(day: Day) -> bool:
    return day.poll.journal.filter(kind=Kind.PAPERS_ISSUED).exists()


@step(
    "papers-signed",
    _("纸质票签领表"),
    _("一批领取纸质票的代表，打印后请其逐一签字。"),
    who=roles.is_office,
    phases=VOTING | {Poll.Phase.CLOSED},
    fits=_has_batches,
    methods=READING,
)
def papers_signed(request: StaffRequest, poll: Poll) -> HttpResponse:
    """Show one batch with room to sign by hand, the last one unless the address names another."""
    batches = _batches(poll)
    asked = request.GET.get("batch", "")
    shown = next((one for one in batches if str(one.seq) == asked), batches[0])
    numbers = {number for number, _name in shown.data["people"]}
    context = {
        "poll": poll,
        "marks": remarks(poll)[:1] if poll.is_rehearsal else [],
        "shown": shown,
        "others": [
            {
                "entry": one,
                "count": len(one.data["people"]),
                "address": f"{address(poll, 'papers-signed')}?{urlencode({'batch': one.seq})}",
            }
            for one in batches
            if one is not shown
        ],
        "entries": poll.roll.filter(number__in=numbers).order_by(*ROLL_LISTED),
    }
    return render(request, "admin/ballots/papers/papers-signed.html", context)


# --- taken back, exchanged ------------------------------------------------------------------------


def _has_papers(day: Day) -> bool:
    return day.turnout.papers > 0


class TakeBackForm(PeopleForm, ReasonForm):
    """Who brings a paper back, and why."""

    people = forms.MultipleChoiceField(
        label=_("交回未用纸质票的代表"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": NOBODY},
    )
    field_order = ("people", "reason")


@step(
    "take-back-papers",
    _("收回未用的纸质票"),
    _("误发、还没有投入票箱的，当面收回并作废，该代表可以改在网上投票。须注明原因，由两人签名。"),
    who=roles.is_office,
    phases=VOTING,
    fits=_has_papers,
    listed=False,
)
def take_back_papers(request: StaffRequest, poll: Poll) -> HttpResponse:
    entries = list(poll.roll.filter(channel=RollEntry.Channel.PAPER).order_by(*ROLL_LISTED))
    form = TakeBackForm(posted(request), entries=entries)
    second = SecondPersonForm(posted(request), request=request)

    def act() -> HttpResponse:
        meant = form.meant
        total = issuing.take_back_paper(
            poll,
            numbers=meant,
            reason=form.cleaned_data["reason"],
            by=request.user,
            second=second.person,
        )
        words = gettext("已收回%(count)d张并作废，还有%(total)d名代表持有纸质票。")
        messages.success(request, words % {"count": len(meant), "total": total})
        return redirect(address(poll, "issue-papers"))

    return take(request, poll, act, form, second)


class ExchangeForm(forms.Form):
    more = forms.IntegerField(
        label=_("当面更换的张数"),
        min_value=1,
        max_value=issuing.PAPERS_LIMIT,
        widget=forms.NumberInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )


@step(
    "exchange-papers",
    _("更换污损的纸质票"),
    _("代表交回污损的一张，当面作废，换一张新的。只记张数，不记是谁的。由两人签名。"),
    who=roles.is_office,
    phases=VOTING,
    fits=_has_papers,
    listed=False,
)
def exchange_papers(request: StaffRequest, poll: Poll) -> HttpResponse:
    form = ExchangeForm(posted(request))
    second = SecondPersonForm(posted(request), request=request)

    def act() -> HttpResponse:
        total = issuing.exchange_papers(
            poll, more=form.cleaned_data["more"], by=request.user, second=second.person
        )
        messages.success(request, gettext("已记录，共更换%(count)d张。") % {"count": total})
        return redirect(address(poll, "issue-papers"))

    return take(request, poll, act, form, second)
