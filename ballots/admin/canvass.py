"""The canvass of proposals in the admin: the list, a ruling on one, and its end.

Blind (design §3.3): only the texts of proposals and candidates are read here, and no ballot.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

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
CHOICES = [
    (R.INTO_PROJECT, _("并入候选项目")),
    (R.INTO_WRITE_IN, _("并入推荐项目")),
    (R.ALONE, _("单列一项")),
    (R.REFUSED, _("不予计票（注明理由）")),
]


class RulingForm(forms.Form):
    """What becomes of one proposal; which target goes with which ruling is asked by the act."""

    ruling = forms.ChoiceField(
        choices=CHOICES, error_messages={"required": _("请选择处理方式。处理方式没有改变。")}
    )
    project = forms.IntegerField(required=False)
    write_in = forms.IntegerField(required=False)
    reason = Typed(required=False, max_length=200)
    seen = forms.CharField(required=False, strip=False)


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
        return {**self.cleaned_data, "chosen": chosen}


class BackForm(forms.Form):
    """A ruling that is taken back: whatever else stands in the fields is of no account."""

    seen = forms.CharField(required=False, strip=False)


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
    """Show the proposals by their random numbers; posted, two people end the canvass."""
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
    """Rule on one proposal and go back to it; what is refused is said there, all still typed."""
    if request.method != "POST":
        return redirect(_list_asked(request, poll))
    write_in = _asked(poll, request.POST.get("number", ""))
    takes_back = "back" in request.POST
    form = BackForm(request.POST) if takes_back else RulingForm(request.POST)
    if form.is_valid():
        sent = form.cleaned_data
        try:
            ruled = canvass.rule(
                poll,
                write_in,
                ruling=R.NONE if takes_back else sent["ruling"],
                into=_target(poll, sent),
                reason=sent.get("reason", ""),
                seen=sent["seen"],
                by=request.user,
            )
        except Refused as refusal:
            tell(form, refusal)
        else:
            messages.success(request, f"{ruled.key}：{words_of(ruled)}")
            return redirect(_way_back(request, poll, ruled))
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
        sent = form.cleaned_data
        try:
            count = canvass.rule_several(
                poll,
                sent["chosen"],
                ruling=sent["ruling"],
                into=_target(poll, sent),
                reason=sent["reason"],
                by=request.user,
            )
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


def _target(poll: Poll, sent: dict[str, Any]) -> Project | WriteIn | None:
    """Return the candidate or the proposal that the chosen kind of merger names, or None."""
    match sent.get("ruling"):
        case R.INTO_PROJECT:
            return poll.projects.filter(number=sent["project"]).first()
        case R.INTO_WRITE_IN:
            return poll.write_ins.filter(number=sent["write_in"]).first()
    return None


def _list_asked(request: StaffRequest, poll: Poll) -> str:
    """Return the address of the list with the page and the filter that the request names."""
    asked = _asked_for(request)
    if page := request.GET.get("page", ""):
        asked["page"] = page
    return f"{address(poll, 'canvass')}?{urlencode(asked)}" if asked else address(poll, "canvass")


def _way_back(request: StaffRequest, poll: Poll, ruled: WriteIn) -> str:
    """Return the address of the proposal ruled on; where those are hidden, that of the next one."""
    page = address(poll, "canvass")
    rows = _asked_rows(request, _all(poll))
    if not rows:
        return f"{page}#closing"
    following = [row for row in rows if row.number >= ruled.number]
    target = (following or rows)[0]
    query = _asked_for(request) | {"page": str(_page_of(rows, target))}
    return f"{page}?{urlencode(query)}#{target.key}"


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
    rows = _asked_rows(request, everything)
    if refused is not None and refused not in rows:
        # Somebody else may have ruled on it meanwhile: what was typed is shown all the same.
        rows = sorted([*rows, refused], key=lambda row: row.number)
    number = _page_of(rows, refused) if refused else request.GET.get("page")
    page = Paginator(rows, PAGE).get_page(number)
    asked = _asked_for(request)
    hints = canvass.hints([*candidates, *everything], page.object_list)
    waiting = sum(1 for row in everything if row.ruling == R.NONE)
    sent_back = poll.results.exclude(sent_back="").order_by("-counted_at")
    return {
        "page": page,
        "rows": [
            {
                "write_in": write_in,
                "form": form if form and write_in == refused else _form_of(write_in),
                "words": words_of(write_in),
                "seen": canvass.ruling_text(write_in),
                "tick": f"{write_in.number}|{canvass.ruling_text(write_in)}",
                "hints": [
                    {"name": named(hint.target), "title": hint.target.title, "shown": hint.shown}
                    for hint in hints[write_in.pk]
                ],
            }
            for write_in in page.object_list
        ],
        "candidates": candidates,
        "proposals": _offered(everything, page.object_list, hints),
        "total": len(everything),
        "waiting": waiting,
        "ruled": len(everything) - waiting,
        "asked": asked,
        "query": urlencode(asked),
        # The reason alone: the figures of that count stay unread until the next one.
        "sent_back": sent_back.values_list("sent_back", flat=True).first(),
        "button": _("归并结束"),
    }


def _offered(
    everything: Sequence[WriteIn],
    rows: Iterable[WriteIn],
    hints: Mapping[UUID, list[canvass.Hint]],
) -> list[WriteIn]:
    """Return the proposals that the page offers by name to be merged into."""
    if len(everything) <= OFFERED:
        return list(everything)
    near = {row.pk for row in rows} | {hint.target.pk for found in hints.values() for hint in found}
    return [row for row in everything if row.pk in near]


def _asked_for(request: StaffRequest) -> dict[str, str]:
    """Return what the address asks to see: those that wait or those ruled on, and a word in them."""
    asked = {
        "waiting": request.GET.get("waiting", ""),
        "q": texts.typed_within(request.GET.get("q", ""), QUERY_LIMIT),
    }
    if asked["waiting"] not in {"0", "1"}:
        asked["waiting"] = ""
    return {name: value for name, value in asked.items() if value}


def _all(poll: Poll) -> list[WriteIn]:
    """Return every proposal of `poll` by its random number, fetched once for all that is shown."""
    rows = poll.write_ins.order_by("number").select_related("into_project", "into_write_in")
    return list(rows)


def _asked_rows(request: StaffRequest, everything: Iterable[WriteIn]) -> list[WriteIn]:
    """Return those of the proposals that the address asks to see."""
    asked = _asked_for(request)
    waiting, word = asked.get("waiting"), texts.folded(asked.get("q", ""))

    def is_asked(row: WriteIn) -> bool:
        if waiting and (row.ruling == R.NONE) != (waiting == "1"):
            return False
        # Only for a word: to fold a thousand proposals is most of the work of a page.
        return (
            not word
            or word.removeprefix("推") == str(row.number)
            or word in texts.folded(f"{row.title} {row.detail} {row.unit}")
        )

    return [row for row in everything if is_asked(row)]


def _page_of(rows: Sequence[WriteIn], write_in: WriteIn) -> int:
    return sum(1 for row in rows if row.number < write_in.number) // PAGE + 1


def _form_of(write_in: WriteIn) -> RulingForm:
    """Return the form of a proposal as it stands; nothing is chosen before somebody has ruled."""
    initial: dict[str, Any] = {"ruling": write_in.ruling, "reason": write_in.reason}
    if write_in.into_project:
        initial["project"] = write_in.into_project.number
    if write_in.into_write_in:
        initial["write_in"] = write_in.into_write_in.number
    return RulingForm(initial=initial)


def named(target: Project | WriteIn) -> str:
    """Return how the page calls a candidate or a proposal."""
    if isinstance(target, Project):
        return gettext("候选项目第%(number)d项") % {"number": target.number}
    return gettext("推荐项目%(number)d") % {"number": target.number}


def words_of(write_in: WriteIn) -> str:
    """Return the ruling of a proposal in words."""
    target = write_in.into_project or write_in.into_write_in
    if target:
        return gettext("并入%(target)s") % {"target": named(target)}
    if write_in.ruling == R.REFUSED:
        return gettext("不予计票：%(reason)s") % {"reason": write_in.reason}
    return str(write_in.get_ruling_display())
