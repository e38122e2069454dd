"""The page of a step that takes a while: it moves, streamed by the very request that takes the step.

No script and no style stands in it: each new line hides the one before it. The step is taken by a
thread with a connection of its own, so that it goes through, or is refused, whether anybody still
looks at the page or not.
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

from ballots.admin.guard import StaffRequest, show
from ballots.pure.progress import Watch, unwatched
from ballots.refusal import Refused
from projects.models import Poll

logger = logging.getLogger("ballots")

# Below so many rows a step has been taken before anybody could look at a bar.
LONG = 5000
# Where the lines of the page come in, one by one.
HERE = "<!-- here it moves -->"
FOLDER = "admin/ballots/pollday/moving"


@dataclass(frozen=True)
class Then:
    """What follows a step that stands already: the line shown meanwhile, and what came of it."""

    words: str
    act: Callable[[], str]


def moving(
    request: StaffRequest,
    poll: Poll,
    act: Callable[[Watch], str],
    *,
    over: QuerySet[Any],
    then: Then | None = None,
) -> Callable[[], str | HttpResponse]:
    """Return what `guard.take` calls: `act` itself, or an answer that moves where it takes a while.

    `over` are the rows that the step goes through; `then` is what follows it by itself.
    """

    def taken() -> str | HttpResponse:
        if over.count() < LONG:
            done = act(unwatched)
            return done + then.act() if then else done
        # A proxy that gathers what it passes on would show nothing until the end.
        headers = {"X-Accel-Buffering": "no"}
        answer = StreamingHttpResponse(_page(request, poll, act, then), headers=headers)
        # Views answer with either; only the types of Django part them.
        return cast(HttpResponse, answer)

    return taken


def _page(
    request: StaffRequest, poll: Poll, act: Callable[[Watch], str], then: Then | None
) -> Iterator[str]:
    whole = show(
        request, poll, "moving/page", request.step.label, {"step": request.step, "here": HERE}
    )
    before, _here, after = whole.content.decode().partition(HERE)
    yield before
    news: SimpleQueue[int | Then | None] = SimpleQueue()

    def take() -> str:
        try:
            done = act(lambda done, of: news.put(100 * done // of))
            if then:
                news.put(then)
                done += then.act()
            return done
        finally:
            connection.close()
            news.put(None)

    # Whoever leaves the page waits here for the step, unseen: it is never broken off half-way.
    with ThreadPoolExecutor(1) as thread:
        taken = thread.submit(take)
        shown = -1
        while (new := news.get()) is not None:
            if isinstance(new, Then):
                yield render_to_string(f"{FOLDER}/_line.html", {"words": new.words})
            elif new > shown:
                shown = new
                yield render_to_string(f"{FOLDER}/_line.html", {"percent": new})
        context: dict[str, Any] = {"poll": poll, "step": request.step}
        try:
            context["done"] = taken.result()
        except Refused as refusal:
            context["refused"] = str(refusal)
        except Exception:
            # The head of the page is long out: no page of errors can follow it.
            logger.exception("a step of the day failed: %s", request.step.name)
            context["refused"] = gettext(
                "办理时出错，没有改动任何内容。请再办理一次；仍不行的，请联系技术人员。"
            )
    yield render_to_string(f"{FOLDER}/_end.html", context)
    yield after
