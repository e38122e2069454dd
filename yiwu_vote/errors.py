"""The pages of what went wrong: each says what happened and what to do, and asks nothing of what has failed."""

import logging
import secrets
import sys

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse

logger = logging.getLogger("ballots")


def page_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose CSRF token is not ours or no longer valid."""
    context = {"on_ballot": request.path.startswith(reverse("ballots:ballot"))}
    return render(request, "page_expired.html", context, status=403)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "403.html", status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Say so with a number that the log holds too; asks nothing of database, session or poll."""
    number = secrets.token_hex(4)
    route = request.resolver_match.route if request.resolver_match else ""
    logger.error("error %s at %s", number, route)
    # Without a request the template cannot reach for anything that may be what has failed.
    away = isinstance(sys.exception(), OperationalError)
    page = render_to_string("500.html", {"error_number": number, "away": away})
    return HttpResponse(page, status=503 if away else 500)
