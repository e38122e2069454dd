"""The opening, as a page: all that it fixes is shown, and nothing else is opened than was looked at."""

from typing import Any

from django import forms
from django.http import HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import roles
from ballots.acts import lifecycle
from ballots.admin.guard import StaffRequest, posted, step, take
from ballots.admin.moving import moving
from ballots.admin.state import checklist
from ballots.facts import preflight
from ballots.facts.findings import blocks
from ballots.facts.frozen import Looked, looked_at
from ballots.facts.opening import sheet_of
from ballots.pure.progress import Watch
from projects.models import Poll
from projects.phases import MOVES


class OpeningForm(forms.Form):
    """What the page of the opening showed, carried back with the press of its button.

    Shown again, it carries what the page shows then: only what was looked at is opened.
    """

    looked = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, poll: Poll) -> None:
        self.now = looked_at(poll).as_text()
        super().__init__(data, initial={"looked": self.now})

    def clean_looked(self) -> Looked:
        text = self.cleaned_data["looked"]
        self.data = {"looked": self.now}
        try:
            return Looked.from_text(text)
        except ValueError:
            words = _("没有开始投票：请在本页核对后再按“开始投票”。")
            raise forms.ValidationError(words, code="not-looked") from None


@step(
    "open",
    _("开始投票"),
    _("开始后，候选项目、票决规则（包括总人数）和名册不能再修改。请核对本页，可打印宣读。"),
    who=roles.is_office,
    phases=MOVES["open"].before,
)
def open_poll(request: StaffRequest, poll: Poll) -> HttpResponse:
    """Show all that the opening fixes; the press says what it was, and opens nothing else."""
    form = OpeningForm(posted(request), poll=poll)

    def act(_watch: Watch) -> str:
        lifecycle.open_poll(poll, by=request.user, looked=form.cleaned_data["looked"])
        return gettext("投票已开始。")

    found = preflight.what_is_missing(poll)
    return take(
        request,
        poll,
        moving(request, poll, act, over=poll.roll.all()),
        form,
        findings=checklist(found, poll, request.user),
        blocked=blocks(found),
        sheet=sheet_of(poll),
    )
