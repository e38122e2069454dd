"""The table of a quarter: given out to the lead units, and taken in by upload, preview, confirm."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext

from ballots.acts.year import reporting
from ballots.admin.guard import StaffRequest
from ballots.admin.year.forms import ROWS, ConfirmForm, UploadForm
from ballots.admin.year.pages import address, page
from ballots.refusal import Refused
from projects.year import table
from projects.year.models import QUARTERS, Year
from projects.year.progress import progress_of
from yiwu_vote.tables.downloads import attachment
from yiwu_vote.tables.preview import (
    Previewed,
    digest_of,
    preview_of,
    problem_list,
    signed,
    tell_faults,
)


def template_file(request: HttpRequest) -> HttpResponse:
    """Give out the table of the year and quarter that are asked for, for one lead unit or for all."""
    year, quarter = _asked(request)
    if year is None:
        return redirect("admin:projects_year_changelist")
    unit = request.GET.get("unit", "")
    stamp = f"{timezone.localtime():%Y%m%d-%H%M}"
    name = gettext("%(year)d年民生实事项目_第%(quarter)d季度进度表") % {
        "year": year.year,
        "quarter": quarter,
    }
    chinese = "_".join(filter(None, [name, unit, stamp]))
    return attachment(
        table.template(progress_of(year), quarter, unit=unit),
        ascii_name=f"yiwu-{year.year}-q{quarter}-{stamp}.xlsx",
        chinese_name=f"{chinese}.xlsx",
    )


def import_page(request: StaffRequest) -> HttpResponse:
    """Upload, preview, confirm: nothing is written before the third."""
    if "rows" in request.POST:
        return _import(request)
    if request.method != "POST":
        year, quarter = _asked(request)
        return _upload_page(request, UploadForm(initial={"year": year, "quarter": quarter}))
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _upload_page(request, form)
    year, quarter = form.cleaned_data["year"], form.cleaned_data["quarter"]
    content = form.cleaned_data["table"]
    parsed = table.parse(content)
    plan = table.plan_import(progress_of(year), quarter, parsed.rows)
    rows = signed(parsed.rows, ROWS, seen=plan.seen, digest=digest_of(content))
    context = preview_of(parsed, plan.problems) | {
        "year": year,
        "quarter": quarter,
        "changes": plan.changes,
        "confirm": ConfirmForm(initial={"year": year, "quarter": quarter, "rows": rows}),
    }
    return page(request, "import-preview", gettext("导入季度进度：预览"), context)


def _import(request: StaffRequest) -> HttpResponse:
    form = ConfirmForm(request.POST)
    if form.is_valid():
        year, quarter = form.cleaned_data["year"], form.cleaned_data["quarter"]
        previewed: Previewed[table.Row] = form.cleaned_data["rows"]
        plan = table.plan_import(progress_of(year), quarter, previewed.rows)
        try:
            count = reporting.import_table(
                year, quarter, plan.cells, seen=previewed.seen, by=request.user
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            words = gettext("已导入第%(quarter)d季度进度，%(count)d处有变动。")
            messages.success(request, words % {"quarter": quarter, "count": count})
            return redirect(f"{address(year.year)}?quarter={quarter}")
    tell_faults(request, form)
    return _upload_page(request, UploadForm())


def import_errors(request: HttpRequest) -> HttpResponse:
    """Give out the list of problems of a preview as a file."""
    return problem_list(
        request,
        again="admin:projects_year_import",
        ascii_name="progress-errors.csv",
        chinese_name=gettext("季度进度错误清单.csv"),
    )


def _asked(request: HttpRequest) -> tuple[Year | None, int]:
    """Return the year and the quarter that the address names: the newest and the first without."""
    said: dict[str, Any] = {name: request.GET.get(name, "") for name in ("year", "quarter")}
    years = Year.objects.select_related("poll")
    is_year = said["year"].isascii() and said["year"].isdigit() and len(said["year"]) == 4
    year = years.filter(year=said["year"]).first() if is_year else years.first()
    quarter = int(said["quarter"]) if said["quarter"] in map(str, QUARTERS) else QUARTERS[0]
    return year, quarter


def _upload_page(request: StaffRequest, form: forms.Form) -> HttpResponse:
    is_any = Year.objects.filter(closed_at=None).exists()
    return page(request, "import", gettext("导入季度进度"), {"forms": [form], "is_any": is_any})
