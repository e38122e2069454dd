"""Whether the site is well: for a proxy, a supervisor and the office's checklist."""

from django.contrib.auth.decorators import login_not_required
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from ballots.facts import database


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer for the process alone."""
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer whether the database does, and whether its tables are those of this program."""
    try:
        waiting = not database.tables_are_ready()
    except Error:
        return HttpResponse("database", content_type="text/plain", status=503)
    if waiting:
        return HttpResponse("migrations", content_type="text/plain", status=503)
    return HttpResponse("ok", content_type="text/plain")
