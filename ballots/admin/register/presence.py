"""Who has come, as pages: the board of the roll, one toggle a person, the field at the door, leave."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, urlencode

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.messages.storage.base import Message
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import roles
from ballots.acts import roll, sign_in
from ballots.admin.forms import ReasonForm, SecondPersonForm
from ballots.admin.guard import READING, Day, Done, StaffRequest, address, note, posted, step, take
from ballots.admin.moving import moving
from ballots.facts.polls import marked_with
from ballots.facts.turnout import quorum_of
from ballots.facts.words import remarks
from ballots.models import ROLL_LISTED, AccessCard, Delegate, RollEntry
from ballots.pure.progress import Watch
from ballots.refusal import REASON_LIMIT, Refused
from projects.models import Poll
from projects.phases import DRAFT, VOTING
from yiwu_vote import texts
from yiwu_vote.fields import Typed
from yiwu_vote.tables.upload import fingerprint

# What a scanner reads off a card: PUBLIC_URL/k/<token>/, in either case.
CARD_ADDRESS = re.compile(r"/k/([0-9a-z]+)/?\s*$", re.IGNORECASE)
# As many digits and more are meant for the code of a card, of which there are sixteen.
MEANT_FOR_A_CODE = 8
# What stands between those that are named one after the other.
BETWEEN = re.compile(r"[\n、，,；;]+")
SEARCH_LIMIT = 60


# --- the board ------------------------------------------------------------------------------------


class PresenceForm(forms.Form):
    """What one press on the board does: with one person of a delegation, or with all of it.

    A person is named by number and name, and the form says what the page showed of the whole
    delegation: a roll that is drawn up anew meanwhile may have other people under the same numbers.
    A press says what is to be so, never that it is to be turned over: two desks that mark the same
    person do not undo each other.
    """

    ABOUT_ONE = ("present", "absent", "leave", "back")
    ABOUT_ALL = {"all": _("全团到会"), "none": _("全团未到")}

    delegation = forms.CharField()
    do = forms.ChoiceField(required=False, choices=ABOUT_ALL.items())
    reason = Typed(required=False, max_length=REASON_LIMIT)
    shown = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, poll: Poll) -> None:
        super().__init__(data)
        asked = self.data.get("delegation", "")
        self.entries = _listed(poll).filter(delegation=asked) if self.is_bound else []
        people = [(str(entry), str(entry)) for entry in self.entries]
        for name in self.ABOUT_ONE:
            self.fields[name] = forms.ChoiceField(
                required=False, choices=people, error_messages={"invalid_choice": roll.ROLL_MOVED}
            )

    def clean(self) -> dict[str, Any]:
        if not self.errors and not self.act:
            raise forms.ValidationError(_("请选择代表。"), code="nobody")
        shown = self.cleaned_data.get("shown")
        if self.cleaned_data.get("do") and shown and shown != _shown(self.entries):
            raise forms.ValidationError(roll.ROLL_MOVED, code="roll-moved")
        return self.cleaned_data

    @property
    def act(self) -> str:
        """What was pressed: one of ABOUT_ONE or ABOUT_ALL, or nothing."""
        about_one = [name for name in self.ABOUT_ONE if self.cleaned_data.get(name)]
        return [*about_one, self.cleaned_data.get("do", "")][0]

    @cached_property
    def meant(self) -> dict[str, str]:
        """The 代表证号 and names that the press is about."""
        match self.act:
            case "all":
                meant = [entry for entry in self.entries if _is_expected(entry)]
            case "none":
                meant = list(self.entries)
            case act:
                chosen = self.cleaned_data[act]
                meant = [entry for entry in self.entries if str(entry) == chosen]
        return {entry.number: entry.name for entry in meant}


@step(
    "presence",
    _("代表报到"),
    _("输入投票卡、代表证号或姓名，或点开代表团，逐人记录到会。"),
    who=roles.has_office,
    phases=DRAFT | VOTING,
)
def presence(request: StaffRequest, poll: Poll) -> HttpResponse:
    """The roll as a board of delegations, each opened by a tap; one press is one act."""
    form = PresenceForm(posted(request), poll=poll)

    def act() -> Done | HttpResponse:
        if form.act == "absent" and poll.takes_ballots:
            # Two people sign that, with a reason: on a page of its own.
            return redirect(_two_sign(poll, form.meant))
        total = _take(poll, form, by=request.user)
        if form.act in PresenceForm.ABOUT_ALL:
            words = gettext("已记录。实到%(count)d人。") % {"count": total}
            board = _on_board(poll, form.cleaned_data["delegation"])
            left_out = _left_out(form.entries if form.act == "all" else [])
            return Done(board, [note(words), *left_out])
        [number] = form.meant
        delegation, is_top = form.cleaned_data["delegation"], "top" in request.POST
        return redirect(_on_board(poll, delegation, number, is_top=is_top))

    return take(request, poll, act, form, **_board(request, poll))


def _take(poll: Poll, form: PresenceForm, *, by: User) -> int:
    """Take the act that was pressed; return how many are present now, or on leave."""
    people: dict[str, Any] = {"numbers": form.meant, "names": form.meant, "by": by}
    match form.act:
        case "present":
            return roll.mark_present(poll, at_door=True, **people)
        case "all":
            return roll.mark_present(poll, **people)
        case "leave":
            return roll.give_leave(poll, reason=form.cleaned_data["reason"], **people)
        case "back":
            return roll.end_leave(poll, **people)
    return roll.mark_absent(poll, **people)


def _board(request: StaffRequest, poll: Poll) -> dict[str, Any]:
    """Return what the board shows; the address may name who was marked last, and who is looked for."""
    entries = list(_listed(poll))
    looked_for = texts.typed_within(request.GET.get("q", ""), SEARCH_LIMIT)
    hits = _matching(entries, looked_for)
    asked = request.GET.get("open", "") or request.POST.get("delegation", "")
    last = request.GET.get("last", "")
    by_delegation = _by_delegation(entries)
    present = sum(entry.present for entry in entries)
    on_leave = sum(bool(entry.leave) for entry in entries)
    return {
        "delegations": [
            {
                "name": name,
                "key": _key(name),
                "entries": rows,
                "shown": _shown(rows),
                "present": sum(entry.present for entry in rows),
                "on_leave": sum(bool(entry.leave) for entry in rows),
                "is_open": name == asked or len(by_delegation) == 1,
            }
            for name, rows in by_delegation.items()
        ],
        "figures": {
            "roll": len(entries),
            "present": present,
            "on_leave": on_leave,
            "missing": len(entries) - present - on_leave,
        },
        "last": next((entry for entry in entries if entry.number == last), None),
        "last_key": _key(asked),
        "looked_for": looked_for,
        "hits": hits,
        # Enter marks the first who has not come, and takes nobody's presence back.
        "awaited": next((entry for entry in hits if not entry.present and _may_come(entry)), None),
        "door": DoorForm(poll=poll, autofocus=not hits),
        "together": marked_with(poll),
        "may_mark": roles.is_office(request.user),
        "about_all": PresenceForm.ABOUT_ALL if poll.phase in DRAFT else {"all": _("全团到会")},
    }


def _listed(poll: Poll) -> Any:
    return poll.roll.select_related("delegate").order_by(*ROLL_LISTED)


def _by_delegation(entries: Iterable[RollEntry]) -> dict[str, list[RollEntry]]:
    """Return `entries` by the delegation that stands on the roll, in its order."""
    found: dict[str, list[RollEntry]] = {}
    for entry in entries:
        found.setdefault(entry.delegation, []).append(entry)
    return found


def _key(delegation: str) -> str:
    """Return what the page calls the part of a delegation, whose name may hold anything."""
    return "d" + fingerprint(delegation)[:12]


def _shown(entries: Iterable[RollEntry]) -> str:
    """Return a short text that changes when other people stand on the page, in whatever order."""
    return fingerprint(sorted([entry.number, entry.name] for entry in entries))


def _may_come(entry: RollEntry) -> bool:
    return entry.delegate.status == Delegate.Status.ACTIVE


def _is_expected(entry: RollEntry) -> bool:
    """Whether somebody is meant where all are marked: in office, and not on leave."""
    return _may_come(entry) and not entry.leave


def _left_out(entries: Iterable[RollEntry]) -> list[Message]:
    """Say who of those that were marked together was not, since he is not in office or on leave."""
    words = [
        f"{entry}{gettext('请假') if _may_come(entry) else entry.delegate.get_status_display()}"
        for entry in entries
        if not _is_expected(entry)
    ]
    if not words:
        return []
    sentence = gettext("以下代表没有记为到会：%(who)s。") % {"who": "、".join(words)}
    return [note(sentence, messages.WARNING)]


def _on_board(poll: Poll, delegation: str, number: str = "", *, is_top: bool = False) -> str:
    """Return the address of the board where `delegation` is open, at the person who was marked last.

    Or at the top, where whoever stands at the door is told and goes on.
    """
    asked = {"open": delegation} | ({"last": number} if number else {})
    place = f"n{number}" if number else _key(delegation)
    return f"{address(poll, 'presence')}?{urlencode(asked)}" + (
        "" if is_top else f"#{quote(place)}"
    )


def _two_sign(poll: Poll, numbers: Iterable[str]) -> str:
    """Return the address at which two people take back the presence of these."""
    query = QueryDict(mutable=True)
    query.setlist("numbers", list(numbers))
    return f"{address(poll, 'absent')}?{query.urlencode()}"


# --- the field at the door ------------------------------------------------------------------------


class Unkept(forms.PasswordInput):
    """A field whose text is seen while it is typed, and is never sent back to the page."""

    input_type = "text"


class DoorForm(forms.Form):
    """What a scanner or a finger enters: the address or the code of a card, a number, a name."""

    card = forms.CharField(
        label=_("投票卡、代表证号或姓名"),
        max_length=300,
        widget=Unkept(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("请扫描投票卡，或输入投票码、代表证号、姓名。")},
    )

    def __init__(self, data: Any = None, *, poll: Poll, autofocus: bool = True) -> None:
        super().__init__(data)
        self.poll = poll
        if autofocus:
            self.fields["card"].widget.attrs["autofocus"] = True

    def clean_card(self) -> list[RollEntry]:
        """Return whom of the roll the text means: of a card one, of a name perhaps several."""
        text = self.cleaned_data["card"]
        found = _matching(_listed(self.poll), text)
        if not found:
            card = _card(text)
            # The roll keeps its own numbers; that of the delegate may be somebody else's since.
            found = list(_listed(self.poll).filter(delegate=card.delegate))
            if not found:
                raise forms.ValidationError(str(roll.refused["not-on-roll"]), code="not-on-roll")
        return found


def _card(text: str) -> AccessCard:
    """Return the card that was scanned or whose code was typed."""
    if address := CARD_ADDRESS.search(text):
        card = sign_in.card_by_token(address[1])
        if card is None:
            raise forms.ValidationError(_("这张投票卡无效或已作废。"), code="unknown")
        return card
    if sum(map(str.isdecimal, text)) < MEANT_FOR_A_CODE:
        raise forms.ValidationError(_("名册上没有这个代表证号或姓名。"), code="nobody")
    try:
        return sign_in.card_by_code(text)
    except Refused as refusal:
        raise forms.ValidationError(str(refusal), code=refusal.code) from None


def _matching(entries: Iterable[RollEntry], text: str) -> list[RollEntry]:
    """Return those whose 代表证号 `text` is, or else those whose name begins with it."""
    if not text or len(text) > SEARCH_LIMIT:
        return []
    entries = list(entries)
    number, name = texts.number_key(text), texts.name_key(text)
    return [entry for entry in entries if texts.number_key(entry.number) == number] or [
        entry for entry in entries if name and texts.name_key(entry.name).startswith(name)
    ]


@step(
    "door",
    _("扫卡报到"),
    _("扫描投票卡上的二维码，或输入投票码、代表证号、姓名，记该代表到会。"),
    who=roles.is_office,
    phases=DRAFT | VOTING,
)
def door(request: StaffRequest, poll: Poll) -> HttpResponse:
    """Mark whom the field means; where it means several, show them on the board to be tapped.

    From here the answer is ready for the next card; from the board it leads back there.
    """
    form = DoorForm(posted(request), poll=poll)
    is_board = "board" in request.POST

    def act() -> HttpResponse:
        hits = form.cleaned_data["card"]
        if len(hits) > 1:
            # No card means several: what stands in this address is a name.
            query = urlencode({"q": texts.typed(form.data["card"])})
            return redirect(f"{address(poll, 'presence')}?{query}")
        [entry] = hits
        total = roll.mark_present(poll, numbers=[entry.number], at_door=True, by=request.user)
        if is_board:
            # At the top, where the field waits for the next one.
            return redirect(_on_board(poll, entry.delegation, entry.number, is_top=True))
        words = gettext("%(name)s（%(number)s，%(delegation)s）已到会。实到%(count)d人。") % {
            "name": entry.name,
            "number": entry.number,
            "delegation": entry.delegation,
            "count": total,
        }
        messages.success(request, words)
        return redirect(address(poll, "door"))

    return take(request, poll, act, form, button=_("记为到会"), is_board=is_board)


# --- everybody but a few --------------------------------------------------------------------------


class EverybodyForm(forms.Form):
    """Who has not come, by number or full name; `shown` is the roll as the page had it."""

    absent = Typed(
        label=_("未到会的代表（代表证号或姓名，用顿号、逗号或换行分开；都到会的，留空）"),
        lines=True,
        required=False,
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 4, "cols": 60}),
    )
    shown = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, poll: Poll) -> None:
        self.entries = list(_listed(poll))
        super().__init__(data, initial={"shown": _shown(self.entries)})

    def clean_shown(self) -> str:
        shown: str = self.cleaned_data["shown"]
        if shown and shown != _shown(self.entries):
            raise forms.ValidationError(roll.ROLL_MOVED, code="roll-moved")
        return shown

    def clean_absent(self) -> list[RollEntry]:
        found, faults = [], []
        for text in filter(None, map(str.strip, BETWEEN.split(self.cleaned_data["absent"]))):
            number, name = texts.number_key(text), texts.name_key(text)
            meant = [
                entry
                for entry in self.entries
                if number == texts.number_key(entry.number) or name == texts.name_key(entry.name)
            ]
            if len(meant) == 1:
                found += meant
            elif meant:
                faults.append(
                    _("名册上有%(count)d位“%(name)s”，请写代表证号。")
                    % {"count": len(meant), "name": text}
                )
            else:
                faults.append(_("名册上没有“%(name)s”。") % {"name": text})
        if faults:
            raise forms.ValidationError(faults)
        return found

    @property
    def meant(self) -> dict[str, str]:
        """The 代表证号 and names of everybody else, but for those on leave or not in office."""
        absent = {entry.number for entry in self.cleaned_data["absent"]}
        return {
            entry.number: entry.name
            for entry in self.entries
            if entry.number not in absent and _is_expected(entry)
        }


@step(
    "everybody",
    _("全体到会，除…"),
    _("除您写明的代表外，名册上的代表都记为到会；请假的和不是在任代表的除外。"),
    who=roles.is_office,
    phases=DRAFT,
    listed=False,
)
def everybody(request: StaffRequest, poll: Poll) -> HttpResponse:
    """Mark the whole roll but those who are named. Only in a draft, where it can be taken back."""
    form = EverybodyForm(posted(request), poll=poll)

    def act(_watch: Watch) -> Done:
        total = roll.mark_present(poll, numbers=form.meant, names=form.meant, by=request.user)
        absent = form.cleaned_data["absent"]
        words = gettext("已记录。实到%(count)d人。") % {"count": total}
        if absent:
            words += gettext("未到：%(who)s。") % {"who": "、".join(map(str, absent))}
        return Done(address(poll, "presence"), [note(words), *_left_out(form.entries)])

    marking = moving(request, poll, act, over=poll.roll.all())
    context = {"button": _("记录到会"), "together": marked_with(poll)}
    return take(request, poll, marking, form, **context)


# --- the sheet to sign ----------------------------------------------------------------------------


@step(
    "sign-in",
    _("代表签到表"),
    _("按代表团分页，打印后供代表签到；请假的已注明。"),
    who=roles.has_office,
    phases=DRAFT | VOTING,
    methods=READING,
)
def sign_in_sheet(request: StaffRequest, poll: Poll) -> HttpResponse:
    """Show the roll with room to sign by hand; who is on leave is noted, and why is not."""
    delegations = _by_delegation(_listed(poll))
    context = {"poll": poll, "marks": remarks(poll), "delegations": delegations}
    return render(request, "admin/ballots/papers/sign-in.html", context)


# --- presence that was taken over, and presence that was marked by mistake ------------------------


def _is_assumed(day: Day) -> bool:
    return day.poll.presence_assumed


class PresentForm(forms.Form):
    """How many were present as the page said: the act refuses where that has moved since."""

    present = forms.IntegerField(required=False, min_value=0, max_value=100_000)


@step(
    "present-again",
    _("核对实到"),
    _("实到沿用上一次票决。请核对现在到会的代表，法定人数以核对后的实到为准。"),
    who=roles.is_office,
    phases=DRAFT,
    fits=_is_assumed,
)
def confirm_presence(request: StaffRequest, poll: Poll) -> HttpResponse:
    """Say with one press that nobody has come or gone since the poll before."""

    def act() -> str:
        read = PresentForm(request.POST)
        present = read.cleaned_data["present"] if read.is_valid() else None
        total = roll.confirm_presence(poll, present=present, by=request.user)
        return gettext("已核对。实到%(count)d人。") % {"count": total}

    turnout = request.day.turnout
    context = {"turnout": turnout, "needed": quorum_of(poll), "button": gettext("实到无变化")}
    return take(request, poll, act, **context)


class AbsentForm(ReasonForm):
    """Those whose presence was marked by mistake, ticked on the page of presence, and the reason."""

    numbers = forms.MultipleChoiceField(
        label=_("撤销到会的代表"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("请先在“代表报到”页勾选代表。")},
    )
    field_order = ("numbers", "reason")

    def __init__(self, data: QueryDict | None, *, poll: Poll, asked: list[str]) -> None:
        super().__init__(data, initial={"numbers": asked})
        chosen = data.getlist("numbers") if data is not None else asked
        rows = poll.roll.filter(number__in=chosen).order_by("number_order")
        self.fields["numbers"].choices = [(row.number, str(row)) for row in rows]  # type: ignore[attr-defined]


@step(
    "absent",
    _("撤销到会"),
    _("误记到会、尚未投票的，可以撤销。须注明原因，由另一位会务或监票人员签名。"),
    who=roles.is_office,
    phases=VOTING,
    listed=False,
)
def lower_presence(request: StaffRequest, poll: Poll) -> HttpResponse:
    form = AbsentForm(posted(request), poll=poll, asked=request.GET.getlist("numbers"))
    second = SecondPersonForm(posted(request), request=request)
    if not form.fields["numbers"].choices:  # type: ignore[attr-defined]
        messages.error(request, str(form.fields["numbers"].error_messages["required"]))
        return redirect(address(poll, "presence"))

    def act() -> HttpResponse:
        total = roll.lower_presence(
            poll,
            numbers=form.cleaned_data["numbers"],
            reason=form.cleaned_data["reason"],
            by=request.user,
            second=second.person,
        )
        messages.success(request, gettext("已撤销。实到%(count)d人。") % {"count": total})
        return redirect(address(poll, "presence"))

    return take(request, poll, act, form, second, together=marked_with(poll))
