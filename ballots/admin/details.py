"""Guard pages of the files of single ballots: a reason is asked for and put on record (ux.md §10)."""

from collections.abc import Callable

from django.http import HttpResponse

from ballots.acts import details
from ballots.admin.forms import ReasonForm
from ballots.admin.guard import StaffRequest, download, posted, take
from ballots.facts import record
from ballots.files import pabulib, tables
from ballots.files.download import Download
from projects.models import Poll


def export_ballots(request: StaffRequest, poll: Poll) -> HttpResponse:
    return _export(request, poll, record.BALLOTS, tables.ballots_csv)


def export_research(request: StaffRequest, poll: Poll) -> HttpResponse:
    return _export(request, poll, record.PABULIB, pabulib.research_file)


def _export(
    request: StaffRequest, poll: Poll, what: str, make: Callable[[Poll], Download]
) -> HttpResponse:
    form = ReasonForm(posted(request))

    def act() -> HttpResponse:
        # The file first: what could not be made must not stand on record as taken away.
        file = make(poll)
        details.note_export(poll, what=what, reason=form.cleaned_data["reason"], by=request.user)
        return download(file)

    return take(request, poll, act, form)
