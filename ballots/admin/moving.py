"""The page of work that takes a while: it moves, streamed by the very request that asked for the work.

No script and no style stands in it: each new line hides the one before it, and what comes after the
lines hides them all. The work is done by a thread with a connection of its own, so that it goes
through, or is refused, whether anybody still looks at the page or not.
"""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, cast

from django.db import connection
from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext

from ballots.admin.guard import Done, StaffRequest, address, done_for, note, show
from ballots.pure.progress import Watch, unwatched
from ballots.refusal import Refused
from projects.models import Poll

logger = logging.getLogger("ballots")

# Below so many rows a step has been taken before anybody could look at a bar.
LONG = 1000
# What goes through casts, or prints, takes as long with so many.
LONG_EACH = 50
# Where the lines of the page come in, one by one, and what follows them.
HERE, END = "<!-- here it moves -->", "<!-- here it ends -->"
FOLDER = "admin/ballots/moving"

# What is told beside how far it has come: the words of the line that is shown next.
Say = Callable[[str], None]


@dataclass(frozen=True)
class Then:
    """What follows a step that stands already: the line shown meanwhile, and what came of it."""

    words: str
    act: Callable[[], str]


def moving(
    request: StaffRequest,
    poll: Poll,
    act: Callable[[Watch], str | Done],
    *,
    over: QuerySet[Any],
    long: int | None = None,
    then: Then | None = None,
) -> Callable[[], str | Done | HttpResponse]:
    """Return what `guard.take` calls: `act` itself, or an answer that moves where it takes a while.

    `over` are the rows that the step goes through, a while from `long` of them on; `then` is what
    follows it by itself.
    """

    def taken() -> str | Done | HttpResponse:
        if over.count() < (LONG if long is None else long):
            return with_rest(act(unwatched))
        page = show(request, poll, "moving", request.step.label, {"here": HERE, "end": END})

        def work(watch: Watch, say: Say) -> str:
            done = act(watch)
            if then:
                say(then.words)
            return ended(with_rest(done))

        return moves(page, work, back=address(poll, "change"))

    def with_rest(done: str | Done) -> Done:
        if isinstance(done, Done):
            return done
        return done_for(poll, done + then.act() if then else done)

    return taken


def moves(
    page: HttpResponse, work: Callable[[Watch, Say], str], *, back: str, broken: str = ""
) -> HttpResponse:
    """Answer with `page`, which moves at HERE while `work` is done, and ends with what that returns.

    `work` returns HTML. What it refuses is said on the page, with the way `back`; `broken` is what is
    said of a fault where it may have left something behind.
    """
    broken = broken or gettext(
        "办理时出错，没有改动任何内容。请再办理一次；仍不行的，请联系技术人员。"
    )
    # A proxy that gathers what it passes on would show nothing until the end.
    headers = {"X-Accel-Buffering": "no"}
    lines = _lines(page.content.decode(), work, back, broken)
    answer = StreamingHttpResponse(lines, headers=headers)
    # Views answer with either; only the types of Django part them.
    return cast(HttpResponse, answer)


def ended(done: Done) -> str:
    """Return the end of a page that moved: what came of the work, and the way on."""
    return _end(done, is_refused=False)


def _end(done: Done, *, is_refused: bool) -> str:
    context = {"notes": done.notes, "address": done.leads_to, "refused": is_refused}
    return render_to_string(f"{FOLDER}/_end.html", context)


def _lines(whole: str, work: Callable[[Watch, Say], str], back: str, broken: str) -> Iterator[str]:
    before, _here, rest = whole.partition(HERE)
    between, _there, after = rest.partition(END)
    # Nobody has told yet how far it has come.
    yield before + render_to_string(f"{FOLDER}/_line.html")
    news: SimpleQueue[int | str | None] = SimpleQueue()

    def do() -> str:
        try:
            return work(lambda done, of: news.put(100 * done // of), news.put)
        finally:
            connection.close()
            news.put(None)

    # Whoever leaves the page waits here for the work, unseen: it is never broken off half-way.
    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(do)
        shown = -1
        while (new := news.get()) is not None:
            if isinstance(new, str):
                yield render_to_string(f"{FOLDER}/_line.html", {"words": new})
            elif new > shown:
                shown = new
                yield render_to_string(f"{FOLDER}/_line.html", {"percent": new})
        try:
            last = done.result()
        except Refused as refusal:
            last = _end(Done(back, [note(str(refusal))]), is_refused=True)
        except Exception:
            # The head of the page is long out: no page of errors can follow it.
            logger.exception("work on a page that moves failed")
            last = _end(Done(back, [note(broken)]), is_refused=True)
    yield between
    yield last
    yield after
