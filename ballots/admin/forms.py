"""The forms of the admin's own pages: what staff type at each step of the day.

Secrets (passwords, shares, card codes) stand in masked fields, which are never filled in again; but
for shares that are right, beside one that is not.
"""

from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ballots import roles
from ballots.models import BallotBox
from ballots.pure import shares
from ballots.refusal import REASON_LIMIT, SHARED, Refused
from projects.models import Poll
from yiwu_vote.fields import Typed


def secret(label: Any, **kwargs: Any) -> forms.CharField:
    """Return a masked field whose value is not sent back to the page."""
    widget = forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    return forms.CharField(label=label, widget=widget, **kwargs)


# --- two people -----------------------------------------------------------------------------------


class SecondPersonForm(forms.Form):
    """The signature of a second member of staff, who types his password into the first one's page.

    `person` is the user who signed, or None where the form is optional and was left empty. Whether
    that person may sign is asked by the act. With a name alone it is `asked` who signs on a screen
    of his own (`ballots.admin.staff.waiting`).
    """

    use_required_attribute = False
    second_name = forms.CharField(
        label=_("第二人用户名"), widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    second_password = secret(
        _("第二人密码"),
        strip=False,
        help_text=_("留空的，由第二人登录自己的设备，在“待签名”中签名。"),
    )

    def __init__(self, data: Any = None, *, request: HttpRequest, optional: bool = False) -> None:
        super().__init__(data)
        self.request = request
        self.person: User | None = None
        self.asked: User | None = None
        self.fields["second_name"].required = not optional
        self.fields["second_password"].required = False

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        name, password = cleaned.get("second_name"), cleaned.get("second_password")
        if not self.errors and name and not password:
            self.asked = User.objects.filter(username=name, is_staff=True, is_active=True).first()
            if self.asked is None or self.asked == self.request.user:
                raise forms.ValidationError(_("第二人的用户名不正确"), code="second-unknown")
        elif not self.errors and (name or password):
            try:
                person = authenticate(self.request, username=name, password=password)
            except Refused as refusal:
                raise forms.ValidationError(str(refusal), code=refusal.code) from None
            if not isinstance(person, User):
                raise forms.ValidationError(_("第二人的用户名或密码不正确"), code="second-unknown")
            if roles.owes_password(person):
                owes = SHARED["second-owes"]
                raise forms.ValidationError(str(owes), code="second-owes")
            # He has signed in just now, though into no session; the record says so, the table not.
            person.last_login = timezone.now()
            self.person = person
        return cleaned


# --- the day --------------------------------------------------------------------------------------


class ReasonForm(forms.Form):
    reason = Typed(
        label=_("原因"), max_length=REASON_LIMIT, widget=forms.TextInput(attrs={"size": 60})
    )


class FigureForm(forms.Form):
    """A figure that the person must have read on the page, where a password is typed by habit."""

    figure = forms.IntegerField(
        min_value=0,
        max_value=100_000_000,
        widget=forms.NumberInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )

    def __init__(self, data: Any = None, *, label: str) -> None:
        super().__init__(data)
        self.fields["figure"].label = label


class SharesForm(forms.Form):
    """One masked field for each share of the key, and each judged by itself.

    The right ones alone come back to whoever has just sent them, in their masked fields, so that one
    slip does not make every holder type again (design §5.5).
    """

    # What the page's own script says of a share as soon as its field is left.
    refusals = shares.REFUSALS

    def __init__(self, data: Any = None, *, box: BallotBox, poll: Poll) -> None:
        super().__init__(data)
        self.poll, self.box = poll, box
        tag = shares.tag_of(poll=poll.uuid, ceremony=box.ceremony)
        for position in range(1, box.threshold + 1):
            label = _("第%(place)d份密钥份额") % {"place": position}
            field = secret(label, max_length=200)
            field.widget.attrs["data-share"] = tag
            self.fields[f"share_{position}"] = field

    def clean(self) -> dict[str, Any]:
        typed = {name: text for name, text in self.cleaned_data.items() if name in self.names}
        wrong = shares.faults(
            list(typed.values()),
            poll=self.poll.uuid,
            ceremony=self.box.ceremony,
            commitments=self.box.commitments,
        )
        faults = {list(typed)[refusal.position - 1]: refusal for refusal in wrong}
        for name in typed:
            if name in faults:
                self.add_error(name, forms.ValidationError(str(faults[name]), faults[name].code))
            else:
                self.fields[name].widget.render_value = True
                self[name].help_text = _("已核对，无须重新输入。")
        return self.cleaned_data

    @property
    def names(self) -> list[str]:
        return [name for name in self.fields if name.startswith("share_")]

    @property
    def texts(self) -> list[str]:
        return [self.cleaned_data[name] for name in self.names]


class BoxForm(SharesForm):
    """The shares that open the box, and that the chair has declared the vote valid before."""

    declared = forms.BooleanField(
        label=_("主持人已宣布本次表决有效"),
        error_messages={"required": _("请在主持人宣布本次表决有效后勾选。")},
    )


# --- what the acts refuse -------------------------------------------------------------------------


def tell(form: forms.Form, refusal: Refused) -> None:
    """Put the words of a refused act on `form`, beside the share they are about if it is one."""
    field = f"share_{refusal.position}" if refusal.position else None
    form.add_error(field, str(refusal))
