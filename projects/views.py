"""The candidates as delegates read them, before and during the vote."""

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from projects import wording
from projects.choices import MARKINGS, Form
from projects.models import Poll, Project, by_category


class PollRequest(HttpRequest):
    """A request on which a middleware has put the poll that it is about, if there is one."""

    poll: Poll | None


@require_safe
def project_list(request: PollRequest) -> HttpResponse:
    projects = list(_projects(request).prefetch_related("targets"))
    context = {
        "projects": projects,
        "poll": request.poll,
        "marking": request.poll.marking if request.poll else MARKINGS[Form.CHOOSE],
        "jumps": by_category(projects),
        "rules": wording.rules_by_question(request.poll) if request.poll else [],
    }
    return render(request, "projects/list.html", context)


@require_safe
def sample(request: PollRequest) -> HttpResponse:
    """Show the whole list as the paper ballot would have it, to be printed and read beforehand."""
    projects = _projects(request).prefetch_related("targets")
    return render(request, "projects/sample.html", {"projects": projects, "poll": request.poll})


@require_safe
def project_detail(request: PollRequest, number: int) -> HttpResponse:
    projects = _projects(request)
    project = get_object_or_404(projects.prefetch_related("targets", "sub_items"), number=number)
    numbers = list(projects.values_list("number", flat=True))
    place = numbers.index(number)
    context = {
        "project": project,
        "poll": request.poll,
        "tells_more": project.tells_more,
        "previous": numbers[place - 1] if place else None,
        "next": numbers[place + 1] if place + 1 < len(numbers) else None,
    }
    return render(request, "projects/detail.html", context)


def _projects(request: PollRequest) -> QuerySet[Project]:
    if not request.poll:
        raise Http404
    return request.poll.projects.order_by("number")
