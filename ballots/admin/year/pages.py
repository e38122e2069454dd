"""The pages of a year: the list, one year with its colours, its record, its switches and its end."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from ballots import roles
from ballots.acts.year import adopting, reporting
from ballots.admin.forms import SecondPersonForm, tell
from ballots.admin.guard import POSTING, READING, StaffRequest, posted
from ballots.admin.staff.waiting import is_signed
from ballots.admin.year.forms import QuarterForm, SwitchesForm
from ballots.models import Opinion
from ballots.refusal import Refused
from projects.models import Poll
from projects.sums import as_figure, as_sum
from projects.year.cells import falls_of
from projects.year.colour import RULE
from projects.year.models import (
    QUARTERS,
    AdoptedProject,
    AdoptedTarget,
    ProjectFigure,
    TargetFigure,
    Year,
)
from projects.year.progress import Progress, progress_of
from yiwu_vote.admin_pages import model_page

View = Callable[..., HttpResponse]


def of_year(*, by_office: bool = False) -> Callable[[View], View]:
    """Make a view a page about one year, for whoever may look, or for the office alone."""

    def declared(view: View) -> View:
        @wraps(view)
        def answer(request: StaffRequest, year: int, **kwargs: int) -> HttpResponse:
            demand_look(request)
            if by_office and not roles.is_office(request.user):
                raise PermissionDenied
            row = get_object_or_404(Year.objects.select_related("poll"), year=year)
            return view(request, row, **kwargs)

        return require_http_methods(list(POSTING if by_office else READING))(answer)

    return declared


def demand_look(request: StaffRequest) -> None:
    """Raise PermissionDenied for whoever may not look at the years."""
    if not request.user.has_perm("projects.view_year"):
        raise PermissionDenied
    prefetch_related_objects([request.user], "groups")


def address(year: int, name: str = "one", **kwargs: int) -> str:
    """Return the address of a page of a year."""
    return reverse(f"admin:projects_year_{name}", kwargs={"year": year, **kwargs})


def page(request: StaffRequest, name: str, title: str, context: dict[str, Any]) -> HttpResponse:
    """Show a page of a year: what the person may do goes along."""
    may = {"is_office": roles.is_office(request.user), "rule": RULE}
    return model_page(request, Year, name, title, may | context)


def asked_quarter(request: StaffRequest, progress: Progress) -> int:
    """Return the quarter that a page was asked for; without one, the last of which anything is reported."""
    asked = request.GET.get("quarter", "")
    return int(asked) if asked in map(str, QUARTERS) else progress.quarter


# --- all years ------------------------------------------------------------------------------------


@require_http_methods(list(READING))
def list_page(request: StaffRequest) -> HttpResponse:
    """Show every year, and the published results that are in none yet."""
    demand_look(request)
    years = list(Year.objects.select_related("poll"))
    waiting = (
        Poll.objects.filter(
            kind=Poll.Kind.MAIN, parent=None, phase=Poll.Phase.PUBLISHED, made_year=None
        )
        .exclude(form=Poll.Form.GRADES)
        .exclude(year__in=[year.year for year in years])
        .order_by("-pk")
    )
    return page(request, "list", gettext("年度实事"), {"years": years, "waiting": waiting})


@require_http_methods(["POST"])
def adopt(request: StaffRequest, poll_id: int) -> HttpResponse:
    """Make the result of a poll that an earlier version has published the projects of its year."""
    demand_look(request)
    if not roles.is_office(request.user):
        raise PermissionDenied
    poll = get_object_or_404(Poll.objects.standing(), pk=poll_id)
    try:
        year = adopting.adopt(poll, by=request.user)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("admin:projects_year_changelist")
    words = gettext("已列为%(year)d年实事项目，共%(count)d项。")
    messages.success(request, words % {"year": year.year, "count": year.projects.count()})
    return redirect(address(year.year))


# --- one year -------------------------------------------------------------------------------------


@of_year()
def year_page(request: StaffRequest, year: Year) -> HttpResponse:
    """Show the projects as they stood at the end of a quarter, the last one reported unless asked."""
    progress = progress_of(year)
    quarter = asked_quarter(request, progress)
    units = {each.project.lead_unit for each in progress.projects if each.project.lead_unit}
    context = {
        "year": year,
        "quarter": quarter,
        "quarters": QUARTERS,
        "rows": progress.at(quarter),
        "missing": sum(len(one.missing) for one in progress.at(quarter)),
        "bare": [each.project for each in progress.projects if not each.quarters[0].targets],
        "falls": falls_of(progress),
        "units": sorted(units),
        "switches": SwitchesForm(instance=year),
        "overdue": Opinion.objects.filter(project__year=year).overdue().count(),
        "assessments": list(Poll.objects.standing().filter(form=Poll.Form.GRADES, year=year.year)),
    }
    return page(request, "one", str(year), context)


@of_year(by_office=True)
def switches(request: StaffRequest, year: Year) -> HttpResponse:
    """Keep who sees the year and who writes opinions."""
    form = SwitchesForm(request.POST, instance=year)
    if request.method == "POST" and form.is_valid():
        try:
            adopting.set_switches(year, **form.cleaned_data, by=request.user)
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, gettext("已保存。"))
    return redirect(address(year.year))


@of_year(by_office=True)
def close(request: StaffRequest, year: Year) -> HttpResponse:
    """Close a year, signed by a scrutineer too."""
    second = SecondPersonForm(posted(request), request=request)
    title = gettext("结束%(year)d年实事项目") % {"year": year.year}
    if request.method == "POST" and second.is_valid() and is_signed(request, title, (second,)):
        try:
            adopting.close_year(year, by=request.user, second=second.person)
        except Refused as refusal:
            tell(second, refusal)
        else:
            messages.success(request, gettext("%(year)d年实事项目已结束。") % {"year": year.year})
            return redirect(address(year.year))
    return page(request, "close", title, {"year": year, "forms": [second]})


@of_year(by_office=True)
def quarter_page(request: StaffRequest, year: Year, quarter: int) -> HttpResponse:
    """Fill in the figures of a quarter; what is saved is a newer row beside the older ones."""
    if quarter not in QUARTERS or not year.is_open:
        messages.error(request, gettext("没有这个季度，或该年度已经结束，不能填报。"))
        return redirect(address(year.year))
    form = QuarterForm(progress_of(year), quarter, posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            count = reporting.report(year, quarter, form.typed, shown=form.was, by=request.user)
        except Refused as refusal:
            tell(form, refusal)
            if refusal.code == "changed":
                form.tell_changed(progress_of(year))
        else:
            words = (
                gettext("第%(quarter)d季度已保存%(count)d处变动。")
                if count
                else gettext("没有变动。")
            )
            messages.success(request, words % {"quarter": quarter, "count": count})
            return redirect(f"{address(year.year)}?quarter={quarter}")
    title = gettext("%(year)d年第%(quarter)d季度填报") % {"year": year.year, "quarter": quarter}
    return page(request, "quarter", title, {"year": year, "quarter": quarter, "form": form})


# --- the record -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One entry of the record of a project: when, by whom, about what, from and to."""

    at: datetime
    by: str
    about: str
    old: str
    new: str


@of_year()
def record(request: StaffRequest, year: Year, number: int) -> HttpResponse:
    """Show who has reported what of a project, and what it was before, the newest first."""
    project = get_object_or_404(
        AdoptedProject.objects.prefetch_related(
            Prefetch(
                "targets",
                AdoptedTarget.objects.prefetch_related(
                    Prefetch("figures", TargetFigure.objects.select_related("by"))
                ),
            ),
            Prefetch("figures", ProjectFigure.objects.select_related("by")),
        ),
        year=year,
        number=number,
    )
    lines = sorted([*_of_targets(project), *_of_project(project), *_edits(project)], key=_when)
    context = {"year": year, "project": project, "lines": lines[::-1]}
    return page(request, "record", gettext("填报记录：%(project)s") % {"project": project}, context)


def _when(line: Line) -> datetime:
    return line.at


def _of_targets(project: AdoptedProject) -> Iterator[Line]:
    for target in project.targets.all():
        before: dict[int, TargetFigure] = {}
        for row in target.figures.all():
            last = before.get(row.quarter)
            for words, column in ((gettext("计划"), "planned"), (gettext("完成"), "done")):
                old = as_figure(getattr(last, column, None), target.measure)
                new = as_figure(getattr(row, column), target.measure)
                if old != new:
                    about = _about(row.quarter, f"{target.text}，{words}")
                    yield Line(row.at, roles.named(row.by), about, old, new)
            before[row.quarter] = row


def _of_project(project: AdoptedProject) -> Iterator[Line]:
    before: dict[int, ProjectFigure] = {}
    for row in project.figures.all():
        last = before.get(row.quarter)
        pairs = {
            gettext("已用资金（万元）"): (as_sum(last.spent) if last else "", as_sum(row.spent)),
            gettext("进展说明"): (last.note if last else "", row.note),
        }
        for words, (old, new) in pairs.items():
            if old != new:
                about = _about(row.quarter, words)
                yield Line(row.at, roles.named(row.by), about, old, new)
        before[row.quarter] = row


def _about(quarter: int, what: str) -> str:
    return gettext("第%(quarter)d季度：%(what)s") % {"quarter": quarter, "what": what}


def _edits(project: AdoptedProject) -> Iterator[Line]:
    """What the office has mended of the project itself, as its own form puts it on record."""
    entries = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(AdoptedProject), object_id=str(project.pk)
    ).select_related("user")
    for entry in entries:
        user: Any = entry.user
        yield Line(
            entry.action_time,
            roles.named(user),
            gettext("项目资料"),
            "",
            entry.get_change_message(),
        )
