"""Shared tablets (公用平板): a device that many delegates use one after another keeps nothing of any.

The mark is a cookie of the device, set by whoever prepares it. Without it a device is somebody's own.
"""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from ballots.pages.answers import SeeOther
from ballots.pages.middleware import VisitorRequest

# Longer than any session of a congress, shorter than until the next one.
A_MONTH = 30 * 24 * 60 * 60


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def tablet(request: VisitorRequest) -> HttpResponse:
    """Show whether this device is a shared tablet, and make it one or no longer one."""
    if request.method != "POST":
        return render(request, "ballots/tablet.html")
    response = SeeOther(reverse("ballots:tablet"))
    if request.POST.get("shared") == "on":
        response.set_cookie(
            "tablet",
            "1",
            max_age=A_MONTH,
            samesite="Lax",
            secure=request.is_secure(),
            httponly=True,
        )
    else:
        response.delete_cookie("tablet", samesite="Lax")
    return response
