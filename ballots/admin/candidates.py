"""The office's pages of candidates, with their import from a table: upload, preview, confirm.

The forms are those of `projects`, which may not know of the record that an import is put on.
"""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, reverse
from django.utils.translation import gettext

from ballots.acts.drafts import import_candidates
from ballots.admin.guard import StaffRequest
from projects import admin as projects_admin
from projects import candidate_table, importing
from projects.forms import ROWS, ConfirmImportForm, UploadForm
from projects.models import Poll, PollQuerySet, Project
from projects.naming import file_names, heading_of
from yiwu_vote.admin_pages import model_page, pages_of
from yiwu_vote.refusal import Refused
from yiwu_vote.tables.downloads import attachment
from yiwu_vote.tables.preview import (
    Previewed,
    digest_of,
    preview_of,
    problem_list,
    signed,
    tell_faults,
)


def import_page(request: StaffRequest) -> HttpResponse:
    """Upload, preview, confirm: nothing is written before the third."""
    if "rows" in request.POST:
        return _import(request)
    if request.method != "POST":
        return _upload_page(request, UploadForm(initial=_asked_poll(request)))
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _upload_page(request, form)
    poll = form.cleaned_data["poll"]
    content = form.cleaned_data["table"]
    parsed = candidate_table.parse(content)
    plan = importing.plan_import(poll, parsed.rows)
    rows = signed(parsed.rows, ROWS, seen=plan.seen, digest=digest_of(content))
    by_number = {
        project.number: project
        for project in poll.projects.prefetch_related("targets", "sub_items")
    }
    known = {new: by_number[old] for new, old in plan.was.items()}
    context = preview_of(parsed, plan.problems) | {
        "poll": poll,
        "plan": plan,
        "groups": [
            (gettext("新增"), [_shown(row) for row in plan.new]),
        ],
        "updated": [
            {
                "row": row,
                "project": known[row.number],
                "is_renamed": row.number in plan.renamed,
                "changes": importing.changes_of(known[row.number], row),
            }
            for row in plan.updated
        ],
        "confirm": ConfirmImportForm(initial={"poll": poll, "rows": rows}),
    }
    return model_page(request, Project, "import-preview", gettext("导入候选项目：预览"), context)


def _shown(row: candidate_table.Candidate) -> dict[str, Any]:
    """Return a candidate with its lines taken apart, and what else the file says of it."""
    sums = {
        gettext("总投资%(sum)s万元"): row.investment,
        gettext("本年投资%(sum)s万元"): row.investment_this_year,
    }
    costs = [words % {"sum": sum_} for words, sum_ in sums.items() if sum_]
    more = [row.category, row.lead_unit, *costs, row.funding, row.deadline, row.site]
    return {
        "row": row,
        "targets": [candidate_table.parts_of(line) for line in row.targets or ()],
        "more": [text for text in more if text],
    }


def _import(request: StaffRequest) -> HttpResponse:
    form = ConfirmImportForm(request.POST)
    if form.is_valid():
        poll: Poll = form.cleaned_data["poll"]
        previewed: Previewed[candidate_table.Candidate] = form.cleaned_data["rows"]
        try:
            plan = import_candidates(
                poll,
                previewed.rows,
                seen=previewed.seen,
                renames=[int(tick) for tick in request.POST.getlist("renames") if tick.isdecimal()],
                digest=previewed.digest,
                by=request.user,
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            _log(request, poll, plan)
            words = gettext("已导入%(count)d项：新增%(new)d项，更新%(updated)d项。") % {
                "count": len(previewed.rows) - len(plan.left_out),
                "new": len(plan.new),
                "updated": len(plan.updated),
            }
            messages.success(request, words)
            if plan.left_out:
                told = gettext("更名没有勾选，以下各行没有导入：%(which)s。")
                messages.warning(request, told % {"which": "；".join(plan.left_out)})
            address = reverse("admin:projects_project_changelist")
            return redirect(f"{address}?poll__id__exact={poll.pk}")
    tell_faults(request, form)
    return _upload_page(request, UploadForm())


def _log(request: StaffRequest, poll: Poll, plan: importing.ImportPlan) -> None:
    """Put the import into the history of each candidate, as Django does for its own form."""
    for rows, flag in ((plan.new, ADDITION), (plan.updated, CHANGE)):
        LogEntry.objects.log_actions(
            request.user.pk,
            Project.objects.filter(poll=poll, number__in=[row.number for row in rows]),
            flag,
            gettext("从表格导入。"),
        )


def import_errors(request: HttpRequest) -> HttpResponse:
    """Give out the list of problems of a preview as a file."""
    return problem_list(
        request,
        again="admin:projects_project_import",
        ascii_name="candidate-errors.csv",
        chinese_name=gettext("候选项目错误清单.csv"),
    )


def template_file(request: HttpRequest) -> HttpResponse:
    """Give out a table to fill in: with the candidates of the poll that is asked for, or empty."""
    poll = _asked_poll(request).get("poll")
    rows = [] if poll is None else importing.cells_of(poll)
    if poll is None or not rows:
        return attachment(
            candidate_table.template_xlsx(),
            ascii_name="candidates-template.xlsx",
            chinese_name=gettext("候选项目模板.xlsx"),
        )
    content = gettext("候选项目")
    ascii_name, chinese_name = file_names(poll, content, "candidates", "xlsx")
    return attachment(
        candidate_table.template_xlsx(rows, heading=heading_of(poll, content)),
        ascii_name=ascii_name,
        chinese_name=chinese_name,
    )


PAGES: dict[str, Callable[[StaffRequest], HttpResponse]] = {
    "import": import_page,
    "import-errors": import_errors,
    "template": template_file,
}


def _asked_poll(request: HttpRequest) -> dict[str, Poll]:
    """Return the draft that the address names, as initial data of a form, or nothing."""
    asked = request.GET.get("poll", "")
    is_number = asked.isascii() and asked.isdigit() and len(asked) < 18
    poll = _drafts().filter(pk=asked).first() if is_number else None
    return {} if poll is None else {"poll": poll}


def _upload_page(request: HttpRequest, form: forms.Form) -> HttpResponse:
    drafts = _drafts()
    filled = drafts.filter(projects__isnull=False).distinct()
    context = {"forms": [form], "drafts": drafts, "filled": filled}
    return model_page(request, Project, "import", gettext("导入候选项目"), context)


def _drafts() -> PollQuerySet:
    return Poll.objects.with_own_list()


admin.site.unregister(Project)


@admin.register(Project)
class ProjectAdmin(projects_admin.ProjectAdmin):
    """The pages of `projects`, with those of the import."""

    def get_urls(self) -> list[URLPattern]:
        return pages_of(self, PAGES, may=self.may_import) + super().get_urls()

    def may_import(self, request: HttpRequest) -> bool:
        """Tell whether the person may both add and change candidates."""
        return self.has_add_permission(request) and self.has_change_permission(request)
