"""The steps before the vote, as pages: the roll, who is present, the key."""

import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import journal, roles
from ballots.acts import ceremony, roll, sign_in
from ballots.acts.ceremony import HOLDER_LIMIT
from ballots.admin.forms import SecondPersonForm, SharesForm, secret
from ballots.admin.guard import Day, StaffRequest, address, posted, qr_svg, show, step, take
from ballots.models import ROLL_LISTED, AccessCard, BallotBox, Delegate, RollEntry
from ballots.pure.tally import quorum
from ballots.refusal import Refused
from projects.models import Poll
from projects.phases import DRAFT, VOTING
from yiwu_vote.fields import Typed
from yiwu_vote.tables.upload import fingerprint

# What a scanner reads off a card: PUBLIC_URL/k/<token>/, in either case.
CARD_ADDRESS = re.compile(r"/k/([0-9a-z]+)/?\s*$", re.IGNORECASE)


# --- the roll -------------------------------------------------------------------------------------


@step(
    "roll",
    _("生成或更新名册"),
    _("按在任代表生成本次票决的名册。开始投票前可以重复办理，已记录的到会不受影响。"),
    who=roles.is_office,
    phases=DRAFT,
)
def draw_up_roll(request: StaffRequest, poll: Poll) -> HttpResponse:
    def act() -> str:
        count = roll.draw_up_roll(poll, by=request.user)
        return gettext("名册已更新，共%(count)d人。") % {"count": count}

    return take(request, poll, act, on_roll=poll.roll.count())


# --- presence -------------------------------------------------------------------------------------


class PresenceForm(forms.Form):
    """Delegates of one delegation, some of them ticked, and what is to be done with the ticks.

    A tick says number and name, and the form what the page showed of the whole delegation: a roll
    that is drawn up anew meanwhile may have other people under the same numbers.
    """

    ACTIONS = {
        "chosen": _("勾选的到会"),
        "all": _("全团到会"),
        "but": _("除勾选的外全团到会"),
        "undo": _("勾选的撤销到会"),
    }

    delegation = forms.CharField()
    do = forms.ChoiceField(choices=ACTIONS.items())
    people = forms.MultipleChoiceField(
        required=False, error_messages={"invalid_choice": roll.ROLL_MOVED}
    )
    shown = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, poll: Poll) -> None:
        super().__init__(data)
        self.entries = (
            list(
                poll.roll.filter(delegation=self.data.get("delegation", ""))
                .select_related("delegate")
                .order_by("number_order")
            )
            if self.is_bound
            else []
        )
        choices = [(str(entry), str(entry)) for entry in self.entries]
        self.fields["people"].choices = choices  # type: ignore[attr-defined]

    def clean_shown(self) -> str:
        shown: str = self.cleaned_data["shown"]
        if shown and shown != _shown(self.entries):
            raise forms.ValidationError(roll.ROLL_MOVED, code="roll-moved")
        return shown

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("do") in {"chosen", "undo"} and not self.cleaned_data.get(
            "people", self.errors
        ):
            raise forms.ValidationError(_("请先勾选代表。"), code="none-chosen")
        return self.cleaned_data

    @property
    def meant(self) -> dict[str, str]:
        """The 代表证号 and names that the chosen button is about."""
        ticked = self.cleaned_data["people"]
        match self.cleaned_data["do"]:
            case "all":
                meant = [entry for entry in self.entries if _may_come(entry)]
            case "but":
                others = [entry for entry in self.entries if str(entry) not in ticked]
                meant = [entry for entry in others if _may_come(entry)]
            case _:
                meant = [entry for entry in self.entries if str(entry) in ticked]
        return {entry.number: entry.name for entry in meant}

    @property
    def left_out(self) -> str:
        """Who of a whole delegation is not marked, since he is not in office; empty for nobody."""
        if self.cleaned_data["do"] not in {"all", "but"}:
            return ""
        barred = [entry for entry in self.entries if not _may_come(entry)]
        return "、".join(f"{entry}{entry.delegate.get_status_display()}" for entry in barred)


def _shown(entries: Sequence[RollEntry]) -> str:
    """Return a short text that changes when other people stand on the page, in whatever order."""
    return fingerprint(sorted([entry.number, entry.name] for entry in entries))


def _may_come(entry: RollEntry) -> bool:
    return entry.delegate.status == Delegate.Status.ACTIVE


@step(
    "presence",
    _("代表报到"),
    _("按代表团记录到会，或在门口扫描投票卡。"),
    who=roles.has_office,
    phases=DRAFT | VOTING,
)
def presence(request: StaffRequest, poll: Poll) -> HttpResponse:
    """The roll by delegation, with ticks; each delegation is its own form and its own act."""
    form = PresenceForm(posted(request), poll=poll)

    def act() -> HttpResponse:
        is_undo = form.cleaned_data["do"] == "undo"
        if is_undo and poll.takes_ballots:
            # Two people sign that, with a reason: on a page of its own.
            query = QueryDict(mutable=True)
            query.setlist("numbers", list(form.meant))
            return redirect(f"{address(poll, 'absent')}?{query.urlencode()}")
        mark = roll.mark_absent if is_undo else roll.mark_present
        total = mark(poll, numbers=form.meant, names=form.meant, by=request.user)
        messages.success(request, gettext("已记录。实到%(count)d人。") % {"count": total})
        if form.left_out:
            messages.warning(
                request,
                gettext("以下代表不是在任代表，没有记为到会：%(who)s。") % {"who": form.left_out},
            )
        return redirect(address(poll, "presence"))

    return take(
        request,
        poll,
        act,
        form,
        delegations=_by_delegation(poll),
        actions=PresenceForm.ACTIONS,
        door=DoorForm(),
        may_mark=roles.is_office(request.user),
        ticked=form.data.getlist("people") if isinstance(form.data, QueryDict) else [],
    )


def _by_delegation(poll: Poll) -> list[dict[str, Any]]:
    """Return the roll by the delegation that stands on it, in the order of the delegations."""
    found: dict[str, list[RollEntry]] = {}
    for entry in poll.roll.select_related("delegate").order_by(*ROLL_LISTED):
        found.setdefault(entry.delegation, []).append(entry)
    return [
        {
            "name": name,
            "entries": entries,
            "shown": _shown(entries),
            "present": sum(1 for entry in entries if entry.present),
        }
        for name, entries in found.items()
    ]


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
    needed = None if poll.delegates_total is None else quorum(poll.delegates_total)
    context = {"turnout": turnout, "needed": needed, "button": gettext("实到无变化")}
    return take(request, poll, act, **context)


class DoorForm(forms.Form):
    """What a scanner or a finger enters at the door: the address or the code of a card."""

    card = secret(
        _("扫描投票卡二维码，或输入投票码"),
        max_length=300,
        error_messages={"required": _("请扫描投票卡，或输入投票码。")},
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.fields["card"].widget.attrs["autofocus"] = True

    def clean_card(self) -> AccessCard:
        text = self.cleaned_data["card"]
        address = CARD_ADDRESS.search(text)
        if address is None:
            try:
                return sign_in.card_by_code(text)
            except Refused as refusal:
                raise forms.ValidationError(str(refusal), code=refusal.code) from None
        card = sign_in.card_by_token(address[1])
        if card is None:
            raise forms.ValidationError(_("这张投票卡无效或已作废。"), code="unknown")
        return card


@step(
    "door",
    _("扫卡报到"),
    _("扫描投票卡上的二维码，或输入投票码，记该代表到会。"),
    who=roles.is_office,
    phases=DRAFT | VOTING,
)
def door(request: StaffRequest, poll: Poll) -> HttpResponse:
    """Mark the delegate whose card is shown at the door, and be ready for the next one."""
    form = DoorForm(posted(request))

    def act() -> HttpResponse:
        delegate = form.cleaned_data["card"].delegate
        # The roll keeps its own numbers; that of the delegate may have been given to another since.
        number = poll.roll.filter(delegate=delegate).values_list("number", flat=True).first()
        if number is None:
            raise roll.refused("not-on-roll")
        total = roll.mark_present(poll, numbers=[number], at_door=True, by=request.user)
        words = gettext("%(name)s（%(number)s，%(delegation)s）已到会。实到%(count)d人。") % {
            "name": delegate.name,
            "number": number,
            "delegation": delegate.delegation.name,
            "count": total,
        }
        messages.success(request, words)
        return redirect(address(poll, "door"))

    return take(request, poll, act, form, button=_("记为到会"))


# --- the key --------------------------------------------------------------------------------------


class KeyForm(forms.Form):
    """Who keeps the shares of a new key, a name for each, under one of the schemes offered.

    `ceremony` is the number of the key that the page was made for: a page that is sent twice, by a
    double click or by reloading the sheets, must not void the shares that were just printed. The
    names `offered` are of those who kept the shares before; without a scheme it is theirs.
    """

    SCHEMES = {"3-5": (3, 5), "2-3": (2, 3)}
    SIMPLE = {"1-2": (1, 2)}

    scheme = forms.CharField(widget=forms.HiddenInput)
    ceremony = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(
        self,
        data: Any = None,
        *,
        poll: Poll,
        scheme: str,
        ceremony: int,
        offered: Sequence[str] = (),
    ) -> None:
        super().__init__(data)
        self.last_ceremony = ceremony
        schemes = self.SIMPLE if poll.simple else self.SCHEMES
        theirs = [name for name, (_share, holders) in schemes.items() if holders == len(offered)]
        usual = theirs[0] if theirs else next(iter(schemes))
        self.chosen_scheme = scheme if scheme in schemes else usual
        self.threshold, holders = schemes[self.chosen_scheme]
        names = dict(enumerate(offered, start=1))
        self.fields["scheme"].initial = self.chosen_scheme
        self.fields["ceremony"].initial = ceremony
        for position in range(1, holders + 1):
            label = _("保管人%(place)d姓名") % {"place": position}
            widget = forms.TextInput(attrs={"autocomplete": "off"})
            self.fields[f"holder_{position}"] = Typed(
                label=label,
                max_length=HOLDER_LIMIT,
                widget=widget,
                initial=names.get(position, ""),
            )

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("ceremony") != self.last_ceremony:
            raise forms.ValidationError(
                _("密钥在您打开本页之后已经生成。如确需作废重来，请从票决进程重新进入本页。"),
                code="made-before",
            )
        return self.cleaned_data

    @property
    def holders(self) -> list[str]:
        return [text for name, text in self.cleaned_data.items() if name.startswith("holder_")]


@step(
    "key",
    _("生成票箱密钥"),
    _("密钥分成几份，每位保管人各一份，只显示一次。系统不保存密钥。"),
    who=roles.has_office,
    phases=DRAFT,
)
def make_key(request: StaffRequest, poll: Poll) -> HttpResponse:
    """Make the key; the answer is the share sheets, which exist in this answer and nowhere else."""
    box = request.day.box
    data = posted(request)
    form = KeyForm(
        data,
        poll=poll,
        scheme=(request.GET if data is None else data).get("scheme", ""),
        ceremony=box.ceremony if box else 0,
        offered=box.holders if box else poll.holders,
    )

    def act() -> HttpResponse:
        sheets = ceremony.make_key(
            poll, holders=form.holders, threshold=form.threshold, by=request.user
        )
        shown = [{"sheet": sheet, "qr": qr_svg(sheet.text)} for sheet in sheets]
        context = {
            "sheets": shown,
            "box": BallotBox.objects.get(poll=poll),
            "holders": len(sheets),
            "head": journal.head(poll),
        }
        return show(request, poll, "preparing/key-sheets", gettext("密钥份额"), context)

    schemes = [
        {
            "name": name,
            "threshold": threshold,
            "holders": holders,
            "chosen": name == form.chosen_scheme,
        }
        for name, (threshold, holders) in KeyForm.SCHEMES.items()
    ]
    return take(request, poll, act, form, box=box, schemes=[] if poll.simple else schemes)


def _has_key(day: Day) -> bool:
    return day.box is not None


@step(
    "test",
    _("试开票箱密钥"),
    _("请保管人当场输入各自的份额，确认密钥可用，由一名监票人签名。未试开的密钥不能用于投票。"),
    who=roles.has_office,
    phases=DRAFT,
    fits=_has_key,
)
def try_key(request: StaffRequest, poll: Poll) -> HttpResponse:
    box = poll.box
    form = SharesForm(posted(request), threshold=box.threshold)
    # A scrutineer who does it himself has signed; in a rehearsal nobody need.
    is_signed = poll.is_rehearsal or roles.is_scrutineer(request.user)
    second = SecondPersonForm(posted(request), request=request, optional=is_signed)

    def act() -> str:
        ceremony.test_key(poll, texts=form.texts, by=request.user, second=second.person)
        return gettext("试开成功，票箱密钥可以使用。")

    filled = [form] if is_signed else [form, second]
    return take(request, poll, act, *filled, box=box)
