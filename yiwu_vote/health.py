"""Whether the site is well: for a proxy and a supervisor, and for its own processes as they start."""

import os
import signal
from multiprocessing import parent_process
from threading import Thread

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connection
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


def demand_fit_database() -> None:
    """Refuse to start on a connection that drops what we rely on; a database that is away may come back."""
    try:
        reason = database.why_unfit()
    finally:
        connection.close()
    if reason:
        raise ImproperlyConfigured(reason)


def end_with_parent() -> None:
    """End as soon as the process that started this one has ended, however it did.

    Else it goes on to serve with yesterday's code and settings beside whatever is started next.
    """
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=watch, name="parent", daemon=True).start()
