"""The working session of staff: renewed by use, asked for its password again after half an hour's rest.

What was typed is kept: the page that asks for the password carries the posted fields forward, but
no secret among them, and goes on where the person was. Nothing of it is stored on the server. The
moment of the last use stands in a signed cookie of the browser, so that no page costs a query more.
"""

import re
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate, login
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext

COOKIE = "staff-used"
SALT = "yiwu_vote.staff_session"
# Seconds after which a screen that nobody used asks who is there.
REST = 30 * 60
# How often, in seconds, a session in use is written anew, so that it does not end under the hands.
RENEWED = 5 * 60
# Pages of Django's own log-in, which ask for a password themselves or need none.
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
        if request.is_staff_use and request.user.is_authenticated:
            response.set_signed_cookie(
                COOKIE,
                f"{request.user.pk}.{int(time.time())}",
                salt=SALT,
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
        if match.app_name != "admin":
            return None
        # What a page asks for by itself every few seconds is no use.
        is_polling = request.headers.get("HX-Request") == "true"
        if match.url_name in OPEN or not self._is_locked(request):
            request.is_staff_use = not is_polling
            return None
        if is_polling:
            return HttpResponse(status=204, headers={"HX-Refresh": "true"})
        return self._unlock(request)

    def _is_locked(self, request: Any) -> bool:
        if not request.user.is_authenticated:
            # A page is asked for again after the log-in; what was posted would be lost there.
            return request.method == "POST" and COOKIE in request.COOKIES
        used = request.get_signed_cookie(COOKIE, default=None, salt=SALT)
        if used is None:
            # Until the first page there is none; one that is not ours says nothing.
            return COOKIE in request.COOKIES
        who, _dot, moment = used.partition(".")
        if who != str(request.user.pk):
            # Somebody else has just logged in.
            return False
        rest = time.time() - int(moment)
        if RENEWED <= rest < REST:
            request.session.modified = True
        return bool(rest >= REST)

    def _unlock(self, request: Any) -> HttpResponse | None:
        """Let the person in again and go on, or ask for the password with what was posted."""
        fault = ""
        if f"{OWN}password" in request.POST:
            person = self._person(request)
            if person is not None:
                return self._go_on(request, person)
            fault = gettext("密码不正确，或尝试次数较多须稍候。填写的内容仍保留在本页。")
        context = {
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
