"""Pages of the files of single ballots: a reason is asked for and put on record."""

from collections.abc import Callable

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from ballots import roles
from ballots.acts import details
from ballots.admin.forms import ReasonForm
from ballots.admin.guard import Day, StaffRequest, download, posted, step, take
from ballots.facts import record
from ballots.files import pabulib, tables
from ballots.files.download import Download
from projects.models import Poll
from projects.phases import CHECKED, COUNTED


def _may_be_researched(day: Day) -> bool:
    return details.is_due(day.poll, record.PABULIB)


@step(
    "export-ballots",
    _("导出表决票明细"),
    _("逐张列出有效表决票所选的候选项目，次序随机。须写明原因，并记入操作记录。"),
    who=roles.is_scrutineer,
    phases=CHECKED,
)
def export_ballots(request: StaffRequest, poll: Poll) -> HttpResponse:
    return _export(request, poll, record.BALLOTS, tables.ballots_csv)


@step(
    "export-research",
    _("导出研究数据"),
    _("按 Pabulib 格式导出有效表决票所选的候选项目。须写明原因，并记入操作记录。"),
    who=roles.is_scrutineer,
    phases=COUNTED,
    fits=_may_be_researched,
)
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
