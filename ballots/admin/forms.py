"""The forms of the admin's own pages: what staff type at each step of the day.

Secrets (passwords, shares, card codes) stand in masked fields, which are never filled in again.
"""

import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ballots.acts import sign_in
from ballots.models import AccessCard, Delegate
from ballots.pure.roll_table import Problem, RollRow
from ballots.refusal import Refused
from projects.models import Poll
from projects.phases import LAST
from yiwu_vote.tables.preview import unsigned

# What a scanner reads off a card: PUBLIC_URL/k/<token>/, in either case.
CARD_ADDRESS = re.compile(r"/k/([0-9a-z]+)/?\s*$", re.IGNORECASE)
ROWS = "ballots.roll-import.rows"
PROBLEMS = "ballots.roll-import.problems"


def secret(label: Any, **kwargs: Any) -> forms.CharField:
    """Return a masked field whose value is never sent back to the page."""
    widget = forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    return forms.CharField(label=label, widget=widget, **kwargs)


# --- two people -----------------------------------------------------------------------------------


class SecondPersonForm(forms.Form):
    """The signature of a second member of staff, typed into the first one's page.

    `person` is the user who signed, or None where the form is optional and was left empty. Whether
    that person may sign is asked by the act.
    """

    use_required_attribute = False
    second_name = forms.CharField(
        label=_("第二人用户名"), widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    second_password = secret(_("第二人密码"), strip=False)

    def __init__(self, data: Any = None, *, request: HttpRequest, optional: bool = False) -> None:
        super().__init__(data)
        self.request = request
        self.person: User | None = None
        for field in self.fields.values():
            field.required = not optional

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        name, password = cleaned.get("second_name"), cleaned.get("second_password")
        if not self.errors and (name or password):
            person = authenticate(self.request, username=name, password=password)
            if not isinstance(person, User):
                raise forms.ValidationError(_("第二人的用户名或密码不正确"), code="second-unknown")
            self.person = person
        return cleaned


# --- the day --------------------------------------------------------------------------------------


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("原因"), max_length=200, widget=forms.TextInput(attrs={"size": 60})
    )


class FigureForm(forms.Form):
    """A figure that the person must have read on the page (ux.md §9.2)."""

    figure = forms.IntegerField(
        min_value=0,
        max_value=100_000,
        widget=forms.NumberInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )

    def __init__(self, data: Any = None, *, label: str) -> None:
        super().__init__(data)
        self.fields["figure"].label = label


class SharesForm(forms.Form):
    """One masked field for each share that opens the box."""

    def __init__(self, data: Any = None, *, threshold: int) -> None:
        super().__init__(data)
        for place in range(1, threshold + 1):
            label = _("第%(place)d份密钥份额") % {"place": place}
            self.fields[f"share_{place}"] = secret(label, max_length=200)

    @property
    def texts(self) -> list[str]:
        return list(self.cleaned_data.values())


class KeyForm(forms.Form):
    """Who keeps the shares of a new key, a name for each, under one of the schemes offered.

    `ceremony` is the number of the key that the page was made for: a page that is sent twice, by a
    double click or by reloading the sheets, must not void the shares that were just printed.
    """

    SCHEMES = {"3-5": (3, 5), "2-3": (2, 3)}
    SIMPLE = {"1-2": (1, 2)}

    scheme = forms.CharField(widget=forms.HiddenInput)
    ceremony = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, poll: Poll, scheme: str, ceremony: int) -> None:
        super().__init__(data)
        self.last_ceremony = ceremony
        schemes = self.SIMPLE if poll.simple else self.SCHEMES
        self.chosen_scheme = scheme if scheme in schemes else next(iter(schemes))
        self.threshold, holders = schemes[self.chosen_scheme]
        self.fields["scheme"].initial = self.chosen_scheme
        self.fields["ceremony"].initial = ceremony
        for place in range(1, holders + 1):
            label = _("保管人%(place)d姓名") % {"place": place}
            widget = forms.TextInput(attrs={"autocomplete": "off"})
            self.fields[f"holder_{place}"] = forms.CharField(
                label=label, max_length=30, widget=widget
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


class PresenceForm(forms.Form):
    """Delegates of one delegation, some of them ticked, and what is to be done with the ticks."""

    ACTIONS = {
        "chosen": _("勾选的到会"),
        "all": _("全团到会"),
        "but": _("除勾选的外全团到会"),
        "undo": _("勾选的撤销到会"),
    }

    delegation = forms.CharField()
    do = forms.ChoiceField(choices=ACTIONS.items())
    numbers = forms.MultipleChoiceField(required=False)

    def __init__(self, data: Any = None, *, poll: Poll) -> None:
        super().__init__(data)
        rows = poll.roll.filter(delegation=self.data.get("delegation", ""))
        self.on_roll = list(rows.values_list("number", flat=True)) if self.is_bound else []
        self.fields["numbers"].choices = [(number, number) for number in self.on_roll]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("do") in {"chosen", "undo"} and not self.cleaned_data.get(
            "numbers"
        ):
            raise forms.ValidationError(_("请先勾选代表。"), code="none-chosen")
        return self.cleaned_data

    @property
    def meant(self) -> list[str]:
        """The 代表证号 that the chosen button is about."""
        ticked = self.cleaned_data["numbers"]
        match self.cleaned_data["do"]:
            case "all":
                return self.on_roll
            case "but":
                return [number for number in self.on_roll if number not in ticked]
            case _:
                return list(ticked)


class AddToRollForm(forms.Form):
    """One delegate in office who is not on the roll, and on what grounds he is added."""

    delegate = forms.ModelChoiceField(Delegate.objects.none(), label=_("代表"))
    reason = forms.CharField(
        label=_("依据"), max_length=200, widget=forms.TextInput(attrs={"size": 60})
    )

    def __init__(self, data: Any = None, *, poll: Poll) -> None:
        super().__init__(data)
        others = Delegate.objects.filter(status=Delegate.Status.ACTIVE).exclude(
            roll_entries__poll=poll
        )
        self.fields["delegate"].queryset = others.select_related("delegation")  # type: ignore[attr-defined]


# --- cards ----------------------------------------------------------------------------------------


class ChosenForm(forms.Form):
    """Delegates chosen on the list, carried from page to page; empty means all."""

    ids = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_ids(self) -> list[int]:
        parts = [part for part in self.cleaned_data["ids"].split(",") if part]
        if not all(part.isascii() and part.isdigit() and len(part) < 18 for part in parts):
            raise forms.ValidationError(_("所选代表有误，请从代表列表重新进入。"), code="bad-ids")
        return [int(part) for part in parts]


class HeadingForm(forms.Form):
    """The meeting whose name is printed on the cards; a card itself belongs to no one poll."""

    heading = forms.ModelChoiceField(
        Poll.objects.none(),
        label=_("卡片上的会议名称"),
        required=False,
        empty_label=_("不印会议名称"),
        help_text=_("投票卡属于代表，可用于以后的各次票决。选择演练时，卡片印有“演练，不计票”。"),
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        polls = Poll.objects.exclude(phase__in=LAST)
        self.fields["heading"].queryset = polls  # type: ignore[attr-defined]
        self.fields["heading"].initial = polls.first()


class ReissueForm(forms.Form):
    """Why a card is replaced (ux.md A3).

    `cards` names the cards that the page was made for: sent a second time, it must not void the
    new card that was just printed.
    """

    OTHER = "other"
    REASONS = {"lost": _("遗失"), "damaged": _("损坏"), "wrong": _("信息有误"), OTHER: _("其他")}

    cards = forms.CharField(required=False, widget=forms.HiddenInput)
    why = forms.ChoiceField(
        label=_("原卡立即作废。请说明原因："), choices=REASONS.items(), widget=forms.RadioSelect
    )
    words = forms.CharField(label=_("其他原因"), max_length=90, required=False)

    def __init__(self, data: Any = None, *, valid: Sequence[int]) -> None:
        super().__init__(data)
        self.valid = ",".join(str(card) for card in valid)
        self.fields["cards"].initial = self.valid

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if cleaned.get("cards") != self.valid:
            raise forms.ValidationError(
                _("这些代表的投票卡在您打开本页之后已经变动，请从代表列表重新进入。"),
                code="changed",
            )
        if cleaned.get("why") == self.OTHER and not cleaned.get("words"):
            self.add_error("words", _("请写明其他原因。"))
        return cleaned

    @property
    def reason(self) -> str:
        why, words = self.cleaned_data["why"], self.cleaned_data["words"]
        label = str(self.REASONS[why])
        return f"{label}：{words}" if words else label


# --- import of the roll ---------------------------------------------------------------------------


class UploadForm(forms.Form):
    file = forms.FileField(label=_("名册文件"), allow_empty_file=True)
    add_delegations = forms.BooleanField(
        label=_("一并新增代表团"),
        required=False,
        help_text=_("名册中有、系统中没有的代表团，导入时一并新增。"),
    )


class ConfirmImportForm(forms.Form):
    """The rows that were previewed, signed and handed back by the page itself."""

    rows = forms.CharField(widget=forms.HiddenInput)
    add_delegations = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def clean_rows(self) -> list[RollRow]:
        return [RollRow(*row) for row in unsigned(self.cleaned_data["rows"], ROWS)]


class ErrorListForm(forms.Form):
    """The problems of a preview, signed, to be downloaded as a file."""

    problems = forms.CharField(widget=forms.HiddenInput)

    def clean_problems(self) -> list[Problem]:
        return [Problem(*problem) for problem in unsigned(self.cleaned_data["problems"], PROBLEMS)]


# --- what the acts refuse -------------------------------------------------------------------------


def tell(form: forms.Form, refusal: Refused) -> None:
    """Put the words of a refused act on `form`, beside the share they are about if it is one."""
    field = f"share_{refusal.position}" if refusal.position else None
    form.add_error(field, str(refusal))
