"""The pages of what went wrong: each says what happened and what to do, and asks nothing of what has failed."""

import logging
import secrets
import sys
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse

from ballots.facts.polls import asked_for
from ballots.pages.answers import clock
from ballots.pages.forms import fields_of
from ballots.pages.sizes import fill_up
from yiwu_vote.postgresql.trouble import is_away

# Bytes of an answer that holds a ballot: its length must not tell the choices, and how long the
# longest of its poll would be is not asked of a database that is away.
SIZE_WITH_BALLOT = 32 * 1024

logger = logging.getLogger("ballots")


def page_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose CSRF token is not ours or no longer valid.

    The ballot of that form may be in the box all the same, by an earlier press whose answer was
    lost: whether it is was asked in this very request, where somebody is signed in.
    """
    poll = asked_for(getattr(request, "polls", ()), request.POST.get("poll", ""))
    standing = getattr(request, "standings", {}).get(poll.pk) if poll else None
    context = {
        "on_ballot": request.path.startswith(reverse("ballots:ballot")),
        "asked": standing is not None,
        "voted_at": clock(standing.entry.voted_at) if standing else "",
        "poll_query": f"?poll={poll.pk}" if poll else "",
    }
    return render(request, "page_expired.html", context, status=403)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "403.html", status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Say so with a number that the log holds too; asks nothing of database, session or poll.

    Of a database that is away it says that it passes; whatever of a ballot was posted can be sent
    again from that very page, as it was.
    """
    number = secrets.token_hex(4)
    route = request.resolver_match.route if request.resolver_match else ""
    error = sys.exception()
    away = is_away(error)
    # The class alone: the database's own words may quote what it was given.
    logger.error("error %s at %s%s", number, route, f": {type(error).__name__}" if away else "")
    # Without a request the template cannot reach for anything that may be what has failed.
    again = _again(request) if away else None
    context = {
        "error_number": number,
        "away": away,
        "again": again,
        "phone": settings.HELP_PHONE,
    }
    response = HttpResponse(render_to_string("500.html", context), status=503 if away else 500)
    if away:
        response.headers["Retry-After"] = "5"
    if again:
        fill_up(response, SIZE_WITH_BALLOT)
    return response


def _again(request: HttpRequest) -> dict[str, Any] | None:
    """Return what was posted to a page of the ballot, to be posted again; None for any other."""
    if request.method != "POST" or not request.path.startswith(reverse("ballots:ballot")):
        return None
    return {"action": request.get_full_path(), "fields": fields_of(request.POST)}
