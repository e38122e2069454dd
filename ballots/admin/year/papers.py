"""The papers of a year: the table of progress to be printed, and the sheet for the hall (design §11.3)."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from ballots.admin.guard import StaffRequest
from ballots.admin.year.pages import asked_quarter, of_year
from projects.year.chart import bar_of
from projects.year.colour import RULE
from projects.year.models import Year
from projects.year.progress import progress_of


@of_year()
def sheet(request: StaffRequest, year: Year) -> HttpResponse:
    """One landscape table of every project as it stood at the end of a quarter."""
    return _paper(request, year, "sheet")


@of_year()
def hall(request: StaffRequest, year: Year) -> HttpResponse:
    """Every project on one sheet that is read from afar: a bar of its slowest target, and its colour."""
    return _paper(request, year, "hall")


def _paper(request: StaffRequest, year: Year, name: str) -> HttpResponse:
    progress = progress_of(year)
    quarter = asked_quarter(request, progress)
    rows = [
        {"at": at, "slowest": at.slowest, "bar": at.slowest and bar_of(at.slowest)}
        for at in progress.at(quarter)
    ]
    context: dict[str, Any] = {"year": year, "quarter": quarter, "rows": rows, "rule": RULE}
    return render(request, f"admin/projects/year/{name}.html", context)
