"""Whether the site is well: for a proxy and a supervisor, and for its own processes as they start."""

import logging
import os
import signal
import time
from collections.abc import Iterable, Iterator
from multiprocessing import parent_process
from threading import Thread

from django.apps import apps
from django.contrib.auth.decorators import login_not_required
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from ballots import triggers
from ballots.facts import database
from ballots.facts.copies import known
from yiwu_vote.bodies import Application, Environ, StartResponse

logger = logging.getLogger("ballots")


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
# Of the migrations that are pending, those which are named.
MOST_NAMES = 5
_last = (float("-inf"), "")


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer “ok”, or a line for each thing without which this site does not serve.

    A line begins with a word for programs. Anybody may ask: no line tells an address, a name, a path
    or the words of a fault.
    """
    global _last
    asked_at, lacking = _last
    if time.monotonic() - asked_at > READY_FOR:
        lacking = "".join(f"{kind}: {words}\n" for kind, words in _lacking())
        _last = time.monotonic(), lacking
    response = HttpResponse(lacking or f"ok{_age()}", content_type="text/plain; charset=utf-8")
    if lacking:
        response.status_code = 503
        response.headers["Retry-After"] = "5"
    return response


def _lacking() -> Iterator[tuple[str, str]]:
    if not static_is_collected():
        yield (
            "static",
            "静态文件没有收集齐，请运行 manage.py collectstatic 并重新启动 (static files)",
        )
    try:
        pending = database.pending_migrations()
        guarded = bool(pending) or triggers.are_installed(connection)
    except Error:
        yield "database", "数据库没有回应，恢复后自动继续 (the database does not answer)"
        return
    if pending:
        names = "、".join(pending[:MOST_NAMES]) + ("……" if pending[MOST_NAMES:] else "")
        yield "migrations", f"数据库还没有升级，请运行 manage.py migrate (pending): {names}"
    if not guarded:
        yield "triggers", "数据库的保护规则缺失，请运行 manage.py migrate (triggers are missing)"
    try:
        database.demand_a_write()
    except Error:
        yield "write", "数据库现在不能写入：只读，或者磁盘已满 (the database takes no write)"


def static_is_collected() -> bool:
    """Tell whether this process knows every static file of this version, as it was when it started.

    A page that names one which it does not know fails.
    """
    if not isinstance(staticfiles_storage, ManifestFilesMixin):
        return True
    collected = staticfiles_storage.hashed_files
    ignored = apps.get_app_config("staticfiles").ignore_patterns
    return all(
        path in collected
        for finder in finders.get_finders()
        for path, _storage in finder.list(ignored)
    )


def _age() -> str:
    """Say where the database is older than when it was last used; the site goes on, for its pages say more."""
    return "; the database is older than when it was last used" if known.glance() else ""


def tell_age() -> None:
    """Say in the log where the database is older than when it was last used, and note what is there."""
    try:
        older = known.look()
    except Error:
        # It may come back, and has no tables before the first `migrate`; the page of the day looks again.
        return
    finally:
        connection.close()
    if older:
        logger.warning("the database is older than when it was last used: %s", older.words)


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
        # Windows has no SIGKILL; there SIGTERM ends a process at once.
        for last in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
            os.kill(os.getpid(), last)
            time.sleep(grace)

    Thread(target=watch, name="parent", daemon=True).start()
