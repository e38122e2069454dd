"""The forms of the admin's own pages: what staff type at each step of the day.

Secrets (passwords, shares, card codes) stand in masked fields, which are never filled in again.
"""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ballots.pure.roll_table import Problem, RollRow
from ballots.refusal import Refused
from projects.models import Poll
from projects.phases import LAST
from yiwu_vote.tables.preview import unsigned

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
