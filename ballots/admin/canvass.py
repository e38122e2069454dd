"""The canvass of proposals in the admin: a queue, one tap a ruling, the list, and its end.

Blind (design §3.3): only the texts of proposals and candidates are read here, and no ballot.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import roles
from ballots.acts import canvass
from ballots.admin.forms import SecondPersonForm, tell
from ballots.admin.guard import Day, StaffRequest, address, posted, show, step, take
from ballots.models import WriteIn
from ballots.refusal import Refused
from projects.models import Poll, Project
from projects.phases import MOVES
from yiwu_vote import texts
from yiwu_vote.fields import Typed

R = WriteIn.Ruling

# With the longest texts a page of so many is some 55 KB.
PAGE = 15
# Beyond so many, only those near to what a page shows are offered by name; any number may be typed.
OFFERED = 200
QUERY_LIMIT = 60
# Which key gives which of the rulings offered: the two nearest, then these.
KEY_ALONE, KEY_REFUSED = 3, 4
# What a button sends that merges into the target beside it.
INTO = "into"


class RulingForm(forms.Form):
    """What becomes of one proposal: into what (“7”, “推3”), or another ruling.

    A button that names a target is a ruling; whether there is such a target is asked by the act.
    """

    ruling = forms.ChoiceField(
        required=False, choices=[(value, value) for value in (INTO, R.ALONE, R.REFUSED)]
    )
    into = Typed(required=False, max_length=20)
    reason = Typed(required=False, max_length=200)
    seen = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        sent = self.cleaned_data
        if not self.errors and not sent["ruling"] and not sent["into"]:
            raise forms.ValidationError(_("请选择处理方式。处理方式没有改变。"), code="none")
        return sent

    def asked(self, poll: Poll) -> dict[str, Any]:
        """Return ruling, target and reason as the act takes them; a target that is none is None."""
        sent = self.cleaned_data
        if sent["ruling"] in {R.ALONE, R.REFUSED}:
            return {"ruling": sent["ruling"], "into": None, "reason": sent["reason"]}
        target = _target(poll, sent["into"])
        is_proposal = isinstance(target, WriteIn)
        return {"ruling": R.INTO_WRITE_IN if is_proposal else R.INTO_PROJECT, "into": target}


class SeveralForm(RulingForm):
    """One ruling for all the proposals that are ticked, each with what the person saw of it."""

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        self.ticks = data.getlist("chosen")

    def clean(self) -> dict[str, Any]:
        """Take the ticks apart; which proposals there are is asked by the act."""
        ticks = [tick.partition("|") for tick in self.ticks]
        chosen = {
            int(number): seen
            for number, _bar, seen in ticks
            if number.isascii() and number.isdecimal() and len(number) < 6
        }
        return {**super().clean(), "chosen": chosen}


class BackForm(forms.Form):
    """A ruling that is taken back: whatever else stands in the fields is of no account."""

    seen = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)

    def asked(self, poll: Poll) -> dict[str, Any]:
        return {"ruling": R.NONE}


# --- the pages ------------------------------------------------------------------------------------


def _is_canvassing(day: Day) -> bool:
    return day.box is not None and not day.box.canvassed


@step(
    "canvass",
    _("归并推荐项目"),
    _("逐项处理推荐项目，全部处理完毕并由会务和监票各一人签名后，才能计票。"),
    who=roles.has_office,
    phases=MOVES["count"].before,
    fits=_is_canvassing,
)
def canvass_page(request: StaffRequest, poll: Poll) -> HttpResponse:
    """Show the next proposal and the list of all; posted, two people end the canvass."""
    second = SecondPersonForm(posted(request), request=request)

    def act() -> str:
        canvass.close_canvass(poll, by=request.user, second=second.person)
        return gettext("推荐项目归并结束，可以计票。")

    return take(request, poll, act, second, **_listing(request, poll))


@step(
    "ruling",
    _("处理推荐项目"),
    _("逐项处理推荐项目，全部处理完毕并由会务和监票各一人签名后，才能计票。"),
    who=roles.has_office,
    phases=MOVES["count"].before,
    fits=_is_canvassing,
    listed=False,
)
def rule(request: StaffRequest, poll: Poll) -> HttpResponse:
    """Rule on one proposal and go on to the next; what is refused is said there, all still typed."""
    if request.method != "POST":
        return redirect(_list_asked(request, poll))
    write_in = _asked(poll, request.POST.get("number", ""))
    form = BackForm(request.POST) if "back" in request.POST else RulingForm(request.POST)
    if form.is_valid():
        asked, seen = form.asked(poll), form.cleaned_data["seen"]
        try:
            ruled = canvass.rule(poll, write_in, **asked, seen=seen, by=request.user)
        except Refused as refusal:
            tell(form, refusal)
        else:
            return redirect(_way_on(poll, ruled))
    second = SecondPersonForm(request=request)
    context = {"step": request.step, "forms": [form, second]}
    listing = _listing(request, poll, refused=write_in, form=form)
    return show(request, poll, "canvass/canvass", gettext("归并推荐项目"), context | listing)


@step(
    "rulings",
    _("一并处理推荐项目"),
    _("勾选的推荐项目按同一方式处理。"),
    who=roles.has_office,
    phases=MOVES["count"].before,
    fits=_is_canvassing,
    listed=False,
)
def rule_several(request: StaffRequest, poll: Poll) -> HttpResponse:
    """Give all ticked proposals one ruling and go back to the page they stand on."""
    if request.method != "POST":
        return redirect(_list_asked(request, poll))
    form = SeveralForm(request.POST)
    if form.is_valid():
        chosen = form.cleaned_data["chosen"]
        try:
            count = canvass.rule_several(poll, chosen, **form.asked(poll), by=request.user)
        except Refused as refusal:
            tell(form, refusal)
        else:
            messages.success(request, gettext("已一并处理%(count)d项。") % {"count": count})
            return redirect(_list_asked(request, poll))
    second = SecondPersonForm(request=request)
    context = {"step": request.step, "forms": [form, second], "several": form}
    return show(
        request,
        poll,
        "canvass/canvass",
        gettext("归并推荐项目"),
        context | _listing(request, poll) | {"ticked": set(request.POST.getlist("chosen"))},
    )


@step(
    "alone",
    _("其余推荐项目各自单列"),
    _("尚未处理的推荐项目各自单列一项，不作归并。"),
    who=roles.has_office,
    phases=MOVES["count"].before,
    fits=_is_canvassing,
    listed=False,
)
def each_alone(request: StaffRequest, poll: Poll) -> HttpResponse:
    def act() -> HttpResponse:
        count = canvass.rule_each_alone(poll, by=request.user)
        messages.success(request, gettext("%(count)d项推荐项目已单列。") % {"count": count})
        return redirect(address(poll, "canvass"))

    return take(request, poll, act)


# --- which proposal, and into what ----------------------------------------------------------------


def _asked(poll: Poll, number: str) -> WriteIn:
    found = poll.write_ins.filter(number=number) if number.isdecimal() and len(number) < 6 else None
    write_in = found.first() if found is not None else None
    if write_in is None:
        raise Http404
    return write_in


def _target(poll: Poll, key: str) -> Project | WriteIn | None:
    """Return the candidate (“7”) or the proposal (“推3”) of that key, or None."""
    key = texts.folded(key)
    number = key.removeprefix("推")
    if not (number.isascii() and number.isdecimal()) or len(number) > 5:
        return None
    of_poll: Any = poll.projects if number == key else poll.write_ins
    target: Project | WriteIn | None = of_poll.filter(number=int(number)).first()
    return target


def _list_asked(request: StaffRequest, poll: Poll) -> str:
    """Return the address of the list with the page and the filter that the request names."""
    asked = _asked_for(request)
    if page := request.GET.get("page", ""):
        asked["page"] = page
    return f"{address(poll, 'canvass')}?{urlencode(asked)}" if asked else address(poll, "canvass")


def _way_on(poll: Poll, ruled: WriteIn) -> str:
    """Return the address of the next proposal that waits; of this one, where its ruling was taken back."""
    page = address(poll, "canvass")
    if ruled.ruling == R.NONE:
        return f"{page}?{urlencode({'at': ruled.number})}"
    order = canvass.queue(_all(poll))
    place = order.index(ruled)
    waiting = [row for row in order[place:] + order[:place] if row.ruling == R.NONE]
    asked = {"last": ruled.number} | ({"at": waiting[0].number} if waiting else {})
    return f"{page}?{urlencode(asked)}" + ("" if waiting else "#closing")


# --- the queue ------------------------------------------------------------------------------------


def _queue(
    request: StaffRequest,
    everything: Sequence[WriteIn],
    candidates: Sequence[Project],
    *,
    refused: WriteIn | None,
) -> dict[str, Any]:
    """Return the proposal that is up, with its neighbours, what is like it and what it may go into.

    It is the one that was `refused`, or that the address names, or the first that waits. The order
    is that of likeness, the same whatever was ruled; how often anything was written is not known.
    """
    order = canvass.queue(everything)
    named = {str(row.number): row for row in order}
    waiting = next((row for row in order if row.ruling == R.NONE), None)
    up = refused or named.get(request.GET.get("at", "")) or waiting
    if up is None:
        return {"up": None}
    place = order.index(up)
    [hints] = canvass.hints([*candidates, *everything], [up]).values()
    return {
        "up": up,
        "seen": canvass.ruling_text(up),
        "up_words": words_of(up),
        "before": order[place - 1] if place else None,
        "after": order[place + 1] if place + 1 < len(order) else None,
        "hints": [
            {
                "key": key_of(hint.target),
                "name": named_as(hint.target),
                "title": hint.target.title,
                "shown": hint.shown,
                "press": press if press < KEY_ALONE else None,
            }
            for press, hint in enumerate(hints, start=1)
        ],
        "key_alone": KEY_ALONE,
        "key_refused": KEY_REFUSED,
        "candidates": candidates,
        # Beyond so many they are typed.
        "proposals": [row for row in everything if row != up]
        if len(everything) <= OFFERED
        else None,
    }


# --- the list -------------------------------------------------------------------------------------


def _listing(
    request: StaffRequest,
    poll: Poll,
    *,
    refused: WriteIn | None = None,
    form: forms.Form | None = None,
) -> dict[str, Any]:
    """Return what the page shows; `form` is that of the proposal whose ruling was `refused`."""
    everything, candidates = _all(poll), list(poll.projects.order_by("number"))
    if refused is not None:
        # As it is now: somebody else may have ruled on it meanwhile.
        refused = next(row for row in everything if row == refused)
    page = Paginator(_asked_rows(request, everything), PAGE).get_page(request.GET.get("page"))
    asked = _asked_for(request)
    waiting = sum(1 for row in everything if row.ruling == R.NONE)
    last = request.GET.get("last", "")
    sent_back = poll.results.exclude(sent_back="").order_by("-counted_at")
    return _queue(request, everything, candidates, refused=refused) | {
        "form": form,
        "last": next(
            (_row(row) for row in everything if str(row.number) == last and row.ruling), None
        ),
        "page": page,
        "rows": [_row(write_in) for write_in in page.object_list],
        "total": len(everything),
        "waiting": waiting,
        "ruled": len(everything) - waiting,
        "asked": asked,
        "query": urlencode(asked),
        # The reason alone: the figures of that count stay unread until the next one.
        "sent_back": sent_back.values_list("sent_back", flat=True).first(),
        "button": _("归并结束"),
    }


def _row(write_in: WriteIn) -> dict[str, Any]:
    """Return a proposal as the list and the line of the last ruling show it."""
    seen = canvass.ruling_text(write_in)
    return {
        "write_in": write_in,
        "words": words_of(write_in),
        "seen": seen,
        "tick": f"{write_in.number}|{seen}",
    }


def _asked_for(request: StaffRequest) -> dict[str, str]:
    """Return what the address asks to see of the list: which of them, and a word in them."""
    asked = {
        "waiting": request.GET.get("waiting", ""),
        "q": texts.typed_within(request.GET.get("q", ""), QUERY_LIMIT),
    }
    if asked["waiting"] not in {"0", "1", "all"}:
        asked["waiting"] = ""
    return {name: value for name, value in asked.items() if value}


def _all(poll: Poll) -> list[WriteIn]:
    """Return every proposal of `poll` by its random number, fetched once for all that is shown."""
    rows = poll.write_ins.order_by("number").select_related("into_project", "into_write_in")
    return list(rows)


def _asked_rows(request: StaffRequest, everything: Iterable[WriteIn]) -> list[WriteIn]:
    """Return those of the proposals that the address asks to see."""
    asked = _asked_for(request)
    word = texts.folded(asked.get("q", ""))
    # Unless asked, the list is of what was ruled: what waits stands in the queue.
    waiting = asked.get("waiting", "all" if word else "0")

    def is_asked(row: WriteIn) -> bool:
        if waiting != "all" and (row.ruling == R.NONE) != (waiting == "1"):
            return False
        # Only for a word: to fold a thousand proposals is most of the work of a page.
        return (
            not word
            or word.removeprefix("推") == str(row.number)
            or word in texts.folded(f"{row.title} {row.detail} {row.unit}")
        )

    return [row for row in everything if is_asked(row)]


def key_of(target: Project | WriteIn) -> str:
    """Return the key of a target as a button sends it: “7” for a candidate, “推3” for a proposal."""
    return str(target.number) if isinstance(target, Project) else target.key


def named_as(target: Project | WriteIn) -> str:
    """Return how the page calls a candidate or a proposal."""
    if isinstance(target, Project):
        return gettext("候选项目第%(number)d项") % {"number": target.number}
    return gettext("推荐项目%(number)d") % {"number": target.number}


def words_of(write_in: WriteIn) -> str:
    """Return the ruling of a proposal in words."""
    target = write_in.into_project or write_in.into_write_in
    if target:
        return gettext("并入%(target)s") % {"target": named_as(target)}
    if write_in.ruling == R.REFUSED:
        return gettext("不予计票：%(reason)s") % {"reason": write_in.reason}
    return str(write_in.get_ruling_display())
