"""Files that take a page of their own: those for scrutineers, whose reason is put on record, and the backup."""

from collections.abc import Callable
from typing import cast

from django import forms
from django.db import transaction
from django.http import HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import roles
from ballots.acts import details
from ballots.admin.forms import ReasonForm
from ballots.admin.guard import Day, StaffRequest, download, posted, step, stream, take
from ballots.facts import record
from ballots.files import backup, pabulib, package, tables
from ballots.files.download import Download, Streamed
from projects.models import Poll
from projects.phases import CHECKED, COUNTED, EVERY, VOTING


@step(
    "export-package",
    _("导出监票数据包"),
    _("含名册、密封票和开票数据，供核验程序使用。须写明原因，并记入操作记录。"),
    who=roles.is_scrutineer,
    phases=COUNTED,
)
def export_package(request: StaffRequest, poll: Poll) -> HttpResponse:
    return _export(request, poll, record.PACKAGE, package.full_package)


class BackupForm(forms.Form):
    """Whether the backup is to be taken away at once; each button of the page says which."""

    fetch = forms.BooleanField(required=False, widget=forms.HiddenInput)


@step(
    "backup",
    _("备份数据库"),
    _("把整个数据库备份成一个文件，放在服务器的备份位置；网站可以照常使用，投票期间也可以办理。"),
    who=roles.is_office,
    phases=EVERY,
    listed=False,
)
def back_up(request: StaffRequest, poll: Poll) -> HttpResponse:
    form = BackupForm(posted(request))

    def act() -> str | HttpResponse:
        copy = backup.make()
        if form.cleaned_data["fetch"]:
            return cast(HttpResponse, stream(backup.to_take_away(copy)))
        return gettext("已备份：%(file)s") % {"file": copy.path.name}

    is_voting = Poll.objects.filter(phase__in=VOTING).exists()
    return take(request, poll, act, form, is_voting=is_voting)


def _may_be_researched(day: Day) -> bool:
    return details.is_due(day.poll, record.PABULIB) and not day.poll.is_graded


@step(
    "export-ballots",
    _("导出表决票明细"),
    _("逐张列出有效表决票对各项目作的标记，次序随机。须写明原因，并记入操作记录。"),
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
    request: StaffRequest, poll: Poll, what: str, make: Callable[[Poll], Download | Streamed]
) -> HttpResponse:
    form = ReasonForm(posted(request))

    def act() -> HttpResponse:
        reason = form.cleaned_data["reason"]
        # Both or neither: what could not be made must not stand on record as taken away, and a
        # package holds the entry of its own export.
        with transaction.atomic():
            details.note_export(poll, what=what, reason=reason, by=request.user)
            file = make(poll)
        return cast(HttpResponse, stream(file)) if isinstance(file, Streamed) else download(file)

    return take(request, poll, act, form)
