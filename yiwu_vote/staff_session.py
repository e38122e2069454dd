"""The working session of staff: renewed by use, asked for its password again after half an hour's rest.

What was typed is kept: the page that asks for the password carries the posted fields forward, but
no secret among them, and goes on where the person was. Nothing of it is stored on the server. The
moment of the last use stands in the session, out of the browser's reach, and is written once a
minute at most, so that hardly a page costs a query more.
"""

import re
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import authenticate, login
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext

# Tells after the end of a session that staff had worked in this browser; it unlocks nothing.
COOKIE = "staff-used"
# Where the session keeps the moment of its last use, in seconds since 1970.
USED = "staff-used"
# Seconds after which a screen that nobody used asks who is there.
REST = 30 * 60
# Seconds for which a use is not written again. A write renews the session as well, so that it does
# not end under the hands.
WRITTEN = 60
# Pages of Django's own log-in, which ask for a password themselves or need none. They are no use.
OPEN = {"login", "logout", "jsi18n"}
# Passwords, shares of the key, codes of cards: typed again, never sent back to a page.
SECRET = re.compile("password|share|code|token")
OWN = "unlock_"


class StaffSessionMiddleware:
    """Guard the admin's pages against a screen that was left alone (design §6.3)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        request.is_staff_use = False
        response = self.get_response(request)
        if _has_logged_in(request, response) or (
            request.is_staff_use
            and request.user.is_authenticated
            # Also where a clock was set back since.
            and not 0 <= time.time() - _last_use(request) < WRITTEN
        ):
            request.session[USED] = int(time.time())
            response.set_cookie(
                COOKIE,
                "1",
                path="/admin/",
                secure=bool(settings.SESSION_COOKIE_SECURE),
                httponly=True,
                samesite="Lax",
            )
        return response

    def process_view(
        self, request: Any, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        match = request.resolver_match
        if match.app_name != "admin" or match.url_name in OPEN:
            return None
        # What a page asks for by itself every few seconds is no use.
        is_polling = request.headers.get("HX-Request") == "true"
        if not self._is_locked(request):
            request.is_staff_use = not is_polling
            return None
        if is_polling:
            return HttpResponse(status=204, headers={"HX-Refresh": "true"})
        return self._unlock(request)

    def _is_locked(self, request: Any) -> bool:
        if not request.user.is_authenticated:
            # A page is asked for again after the log-in; what was posted would be lost there.
            return request.method == "POST" and COOKIE in request.COOKIES
        return time.time() - _last_use(request) >= REST

    def _unlock(self, request: Any) -> HttpResponse | None:
        """Let the person in again and go on, or ask for the password with what was posted."""
        fault = ""
        if f"{OWN}password" in request.POST:
            person = self._person(request)
            if person is not None:
                return self._go_on(request, person)
            fault = gettext("密码不正确，或尝试次数较多须稍候。填写的内容仍保留在本页。")
        context = {
            "site_header": admin.site.site_header,
            "site_title": admin.site.site_title,
            "title": gettext("请再次输入密码"),
            "fault": fault,
            "asks_name": not request.user.is_authenticated,
            "was_posted": request.method == "POST" and f"{OWN}get" not in request.POST,
            "fields": [
                (name, value)
                for name, values in request.POST.lists()
                if name != "csrfmiddlewaretoken"
                and not name.startswith(OWN)
                and not SECRET.search(name)
                for value in values
            ],
            "had_files": bool(request.FILES),
        }
        return render(request, "admin/unlock.html", context, status=403)

    def _person(self, request: Any) -> User | None:
        name = request.POST.get(f"{OWN}name", "")
        if request.user.is_authenticated:
            name = request.user.get_username()
        person = authenticate(request, username=name, password=request.POST[f"{OWN}password"])
        return person if isinstance(person, User) and person.is_staff else None

    def _go_on(self, request: Any, person: User) -> HttpResponse | None:
        login(request, person)
        request.is_staff_use = True
        if f"{OWN}get" in request.POST:
            return redirect(request.get_full_path())
        kept = QueryDict(mutable=True)
        for name, values in request.POST.lists():
            if not name.startswith(OWN):
                kept.setlist(name, values)
        request.POST = kept
        return None


def _last_use(request: Any) -> float:
    """Return when the session was last used, in seconds since 1970.

    One in which nothing was used yet counts from the log-in of its person.
    """
    used = request.session.get(USED)
    if used is not None:
        return float(used)
    last_login = request.user.last_login
    return last_login.timestamp() if last_login else 0.0


def _has_logged_in(request: Any, response: HttpResponse) -> bool:
    """Tell whether this is the log-in page's answer to a right password: a wrong one stays there."""
    match = request.resolver_match
    return (
        match is not None
        and (match.app_name, match.url_name) == ("admin", "login")
        and request.method == "POST"
        and response.status_code == 302
        and request.user.is_authenticated
    )
