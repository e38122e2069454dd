"""HTTP in, HTTP out: the projects of a year and how they stand, for whoever may see them (design §10.2)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from ballots import roles
from ballots.acts.year import opinions
from ballots.models import Delegate, Opinion
from ballots.pages.answers import SeeOther, preferring
from ballots.pages.forms import Problem, Words
from ballots.pages.middleware import VisitorRequest, led_to_sign_in
from ballots.refusal import Refused
from projects.year.chart import Bar, Chart, bar_of, chart_of
from projects.year.colour import RULE
from projects.year.models import AdoptedProject, Year
from projects.year.progress import ProjectProgress, ProjectQuarter, TargetQuarter, progress_of

View = Callable[..., HttpResponse]

# So many opinions stand on a page, which is under 40 KB then whatever they say.
ON_A_PAGE = 6


def about_a_year(*, for_public: bool) -> Callable[[View], View]:
    """Make a view a page about one year, for delegates and staff, and for anybody where it may be.

    Whoever may not see it is led to the sign-in, whether there is such a year or not.
    """

    def declared(view: View) -> View:
        @login_not_required
        @wraps(view)
        def answer(request: VisitorRequest, year: int, **kwargs: int) -> HttpResponse:
            row = Year.objects.select_related("poll").filter(year=year).first()
            is_open = for_public and row is not None and row.is_public
            if not is_open and not is_inside(request):
                return led_to_sign_in(request)
            if row is None:
                raise Http404
            # The masthead and the telephone are those of the poll that made the year.
            request.poll = row.poll
            return view(request, row, **kwargs)

        return answer

    return declared


def is_inside(request: VisitorRequest) -> bool:
    """Tell whether a delegate or somebody of the staff asks, who see opinions and all years."""
    return request.delegate is not None or roles.has_office(request.user)


# --- how the projects stand -----------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """A project of the list: how it stood at the end of the quarter, with a bar for each target."""

    at: ProjectQuarter
    latest_note: str
    bars: tuple[tuple[TargetQuarter, Bar], ...]


def _shown(each: ProjectProgress, quarter: int) -> Shown:
    at = each.at(quarter)
    return Shown(at, each.latest_note, tuple((target, bar_of(target)) for target in at.targets))


@about_a_year(for_public=True)
@require_safe
def year_page(request: VisitorRequest, year: Year) -> HttpResponse:
    """Show every project of the year as it stood at the end of the last quarter reported."""
    progress = progress_of(year)
    quarter = progress.quarter
    context = {
        "year": year,
        "quarter": quarter,
        "is_reported": any(one.is_reported for one in progress.at(quarter)),
        "rows": [_shown(each, quarter) for each in progress.projects],
        "rule": RULE,
    }
    return render(request, "ballots/year/year.html", context)


@dataclass(frozen=True)
class TargetYear:
    """A target through the four quarters, as a picture and as rows."""

    quarters: tuple[TargetQuarter, ...]
    chart: Chart

    @property
    def target(self) -> Any:
        return self.quarters[0].target


@about_a_year(for_public=True)
@require_safe
def project_page(request: VisitorRequest, year: Year, number: int) -> HttpResponse:
    """Show one project: what was adopted, and its quarters as a line and as a table."""
    progress = progress_of(year, number)
    if not progress.projects:
        raise Http404
    [each] = progress.projects
    by_target = zip(*(one.targets for one in each.quarters), strict=True)
    context = {
        "year": year,
        "project": each.project,
        "at": each.at(progress.quarter),
        "quarters": each.quarters,
        "targets": [TargetYear(quarters, chart_of(quarters)) for quarters in by_target],
        "rule": RULE,
        "opinions": Opinion.objects.filter(project=each.project).count()
        if is_inside(request)
        else None,
    }
    return render(request, "ballots/year/project.html", context)


# --- opinions -------------------------------------------------------------------------------------


class OpinionForm(forms.Form):
    """What a delegate demands; how long it may be is for the act to say."""

    text = Words(
        limit=Opinion.LIMIT,
        lines=True,
        label=_("督办意见（必填）"),
        help_text=_("不超过500字，写明发现的问题和要求"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
    )


@about_a_year(for_public=False)
@require_safe
def own_opinions(request: VisitorRequest, year: Year) -> HttpResponse:
    """Show a delegate what he has written on any project of the year, and what was answered."""
    if request.delegate is None:
        raise Http404
    mine = Opinion.objects.filter(project__year=year, delegate=request.delegate)
    context = {"year": year, "page": _page_of(request, mine.select_related("project"))}
    return render(request, "ballots/year/own_opinions.html", context)


@about_a_year(for_public=False)
@require_http_methods(["GET", "HEAD", "POST"])
@preferring
def opinions_page(request: VisitorRequest, year: Year, number: int) -> HttpResponse:
    """Show all opinions on a project; posted by a delegate, take one more."""
    project = get_object_or_404(AdoptedProject, year=year, number=number)
    project.year = year
    form = OpinionForm(request.POST if request.method == "POST" else None, auto_id="%s")
    if request.method != "POST" or request.POST.keys() & {"size", "language"}:
        # Another look at what is typed, which comes back and is not sent in yet.
        return _opinions(request, project, form)
    try:
        if request.delegate is None:
            raise opinions.refused("not-delegate")
        text = form.cleaned_data["text"] if form.is_valid() else ""
        opinions.write(project, delegate=request.delegate, text=text)
    except Refused as refusal:
        return _opinions(request, project, form, refusal)
    messages.success(request, gettext("督办意见已提交，由会务组转责任单位答复。"))
    return SeeOther(reverse("ballots:year-opinions", args=[year.year, number]))


def _opinions(
    request: VisitorRequest,
    project: AdoptedProject,
    form: OpinionForm,
    refusal: Refused | None = None,
) -> HttpResponse:
    year, delegate = project.year, request.delegate
    may_write = (
        delegate is not None
        and delegate.status == Delegate.Status.ACTIVE
        and year.is_open
        and year.takes_opinions
    )
    problems = []
    if refusal:
        problems = [Problem(refusal.code, "text" if may_write else "main", str(refusal))]
        form.add_error("text", str(refusal))
    context = {
        "year": year,
        "project": project,
        "form": form,
        # Where nothing can be sent any more, what was typed can still be read and copied.
        "typed": "opinion" if may_write or problems else "",
        "problems": problems,
        "days": opinions.DAYS,
        "page": _page_of(request, Opinion.objects.filter(project=project)),
    }
    status = 422 if problems else 200
    return render(request, "ballots/year/opinions.html", context, status=status)


def _page_of(request: VisitorRequest, rows: "QuerySet[Opinion]") -> Any:
    told = rows.with_standing().told()  # type: ignore[attr-defined]
    return Paginator(told, ON_A_PAGE).get_page(request.GET.get("page"))
