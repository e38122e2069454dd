"""Whether the site is well: for a proxy and a supervisor, and for its own processes as they start."""

import os
import signal
import time
from collections.abc import Iterable
from multiprocessing import parent_process
from threading import Thread

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from ballots.facts import database
from yiwu_vote.bodies import Application, Environ, StartResponse


class HealthFirst:
    """A WSGI application that answers `/healthz` by itself, for the process alone.

    In front of everything that may wait for the database: no silence of it can keep this back.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != "/healthz":
            return self._application(environ, start_response)
        head = {"Content-Type": "text/plain", "Content-Length": "2", "Cache-Control": "no-store"}
        start_response("200 OK", list(head.items()))
        return [b"ok"]


# Seconds for which one answer of /readyz stands: who asks without end writes no more for it.
READY_FOR = 1.0
_last = (float("-inf"), "")


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer whether the database takes a write, and whether its tables are those of this program."""
    global _last
    asked_at, lacking = _last
    if time.monotonic() - asked_at > READY_FOR:
        lacking = _lacking()
        _last = time.monotonic(), lacking
    response = HttpResponse(lacking or "ok", content_type="text/plain")
    if lacking:
        response.status_code = 503
        response.headers["Retry-After"] = "5"
    return response


def _lacking() -> str:
    try:
        if not database.tables_are_ready():
            return "migrations"
        database.demand_a_write()
    except Error:
        return "database"
    return ""


def demand_fit_database() -> None:
    """Refuse to start on a connection that drops what we rely on; a database that is away may come back."""
    try:
        reason = database.why_unfit()
    finally:
        connection.close()
    if reason:
        raise ImproperlyConfigured(reason)


def end_with_parent(grace: float = 5.0) -> None:
    """End as soon as the process that started this one has ended, however it did.

    Else it goes on to serve with yesterday's code and settings beside whatever is started next. After
    `grace` seconds it is killed: a worker that is still starting has its parent's handler of SIGTERM,
    which tells a parent to stop and does nothing here; and one may be held by an answer without end.
    """
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        for last in (signal.SIGTERM, signal.SIGKILL):
            os.kill(os.getpid(), last)
            time.sleep(grace)

    Thread(target=watch, name="parent", daemon=True).start()
