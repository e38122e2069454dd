"""The receipt of a ballot in the browser that cast it, for an hour: the close takes the name off the one in the box.

Whoever casts in the last second is led to his receipt when the vote may have been closed already,
and nobody could tell him his number any more. So the answer to the cast carries it, signed, for the
page of the receipt alone.
"""

from django.http import HttpResponse
from django.urls import reverse

from ballots.acts.casting import Receipt
from ballots.pages.middleware import DelegateRequest
from projects.models import Poll

COOKIE = "receipt"
SALT = "ballots.receipt"
# Seconds; long enough to come back from a dead network, and no longer on somebody's phone.
AN_HOUR = 60 * 60


def keep_receipt(
    response: HttpResponse, request: DelegateRequest, poll: Poll, receipt: Receipt
) -> HttpResponse:
    """Return `response` with the receipt of this delegate for his own browser."""
    response.set_signed_cookie(
        COOKIE,
        f"{_whose(request, poll)}{receipt.code}",
        salt=SALT,
        max_age=AN_HOUR,
        path=reverse("ballots:receipt"),
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return response


def kept_receipt(request: DelegateRequest, poll: Poll) -> str:
    """Return the code that this very delegate got for `poll` in this browser; empty for any other."""
    kept = request.get_signed_cookie(COOKIE, "", salt=SALT, max_age=AN_HOUR) or ""
    whose = _whose(request, poll)
    return kept.removeprefix(whose) if kept.startswith(whose) else ""


def forget_receipt(response: HttpResponse) -> None:
    """Let the browser forget it: somebody else may sign in there next."""
    response.delete_cookie(COOKIE, path=reverse("ballots:receipt"))


def _whose(request: DelegateRequest, poll: Poll) -> str:
    return f"{poll.pk}/{request.delegate.pk}/"
