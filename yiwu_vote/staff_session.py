"""The working session of staff: renewed by use, asked for its password again after half an hour's rest.

And before anything of an account is touched, unless the password was typed a few minutes ago.

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
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext

from yiwu_vote.refusal import Refused

# Tells after the end of a session whose of the staff had worked in this browser, by a mark for each
# that only this site can make; it unlocks nothing.
COOKIE = "staff-used"
# For how long a browser keeps that, and of how many: desks are shared.
COOKIE_AGE = 180 * 24 * 60 * 60
MOST_NAMES = 8
# Where the session keeps the moment of its last use, in seconds since 1970.
USED = "staff-used"
# Seconds after which a screen that nobody used asks who is there.
REST = 30 * 60
# Seconds for which a use is not written again. A write renews the session as well, so that it does
# not end under the hands.
WRITTEN = 60
# Where it keeps when its person last typed the password, and how many seconds that is good for.
CONFIRMED = "staff-confirmed"
FRESH = 10 * 60
# What makes somebody else able to sign in: accounts, their groups, a password, one's own too.
ACCOUNTS = {
    *(f"auth_{kind}_{page}" for kind in ("user", "group") for page in ("add", "change", "delete")),
    "auth_user_password_change",
    "auth_user_staff_add",
    "auth_user_staff_one",
    "password_change",
    "second_factor",
}
# Pages of Django's own log-in, which ask for a password themselves or need none. They are no use.
OPEN = {"login", "logout", "jsi18n"}
# Passwords, shares of the key, codes of cards: typed again, never sent back to a page.
SECRET = re.compile("password|share|code|token|^card$")
OWN = "unlock_"


class StaffSessionMiddleware:
    """Guard the admin's pages against a screen that was left alone (design §6.3)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        request.is_staff_use = False
        response = self.get_response(request)
        has_logged_in = _has_logged_in(request, response)
        if has_logged_in:
            request.session[CONFIRMED] = int(time.time())
        if has_logged_in or (
            request.is_staff_use
            and request.user.is_authenticated
            # Also where a clock was set back since.
            and not 0 <= time.time() - _moment(request, USED) < WRITTEN
        ):
            request.session[USED] = int(time.time())
            response.set_cookie(
                COOKIE,
                _marks_with(request, request.user.get_username()),
                max_age=COOKIE_AGE,
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
        # What a page asks for by itself every few seconds is no use; what a hand sends is.
        is_part = request.headers.get("HX-Request") == "true"
        is_at_rest = self._is_at_rest(request)
        if not is_at_rest and not self._wants_password(request, match.url_name):
            request.is_staff_use = not is_part or request.method == "POST"
            return None
        if is_part:
            return HttpResponse(status=204, headers={"HX-Refresh": "true"})
        return self._unlock(request, is_at_rest=is_at_rest)

    def _is_at_rest(self, request: Any) -> bool:
        if not request.user.is_authenticated:
            # A page is asked for again after the log-in; what was posted would be lost there.
            return request.method == "POST" and COOKIE in request.COOKIES
        return time.time() - _moment(request, USED) >= REST

    def _wants_password(self, request: Any, page: str) -> bool:
        """Tell whether an account would be touched by whoever sits there, who need not be its person."""
        is_staff = request.user.is_authenticated and request.user.is_staff
        return (
            is_staff
            and page in ACCOUNTS
            and not 0 <= time.time() - _moment(request, CONFIRMED) < FRESH
        )

    def _unlock(self, request: Any, *, is_at_rest: bool) -> HttpResponse | None:
        """Let the person in again and go on, or ask for the password with what was posted."""
        fault, refusal = "", None
        if f"{OWN}password" in request.POST:
            try:
                person = self._person(request)
            except Refused as error:
                refusal, fault = error, str(error)
            else:
                if person is not None:
                    return self._go_on(request, person)
                fault = gettext("密码不正确。填写的内容仍保留在本页。")
        context = {
            "is_at_rest": is_at_rest,
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
        page = render(request, "admin/unlock.html", context, status=403)
        return say_when(page, refusal) if refusal else page

    def _person(self, request: Any) -> User | None:
        name = request.POST.get(f"{OWN}name", "")
        if request.user.is_authenticated:
            name = request.user.get_username()
        person = authenticate(request, username=name, password=request.POST[f"{OWN}password"])
        return person if isinstance(person, User) and person.is_staff else None

    def _go_on(self, request: Any, person: User) -> HttpResponse | None:
        login(request, person)
        request.session[CONFIRMED] = int(time.time())
        request.is_staff_use = True
        if f"{OWN}get" in request.POST:
            return redirect(request.get_full_path())
        kept = QueryDict(mutable=True)
        for name, values in request.POST.lists():
            if not name.startswith(OWN):
                kept.setlist(name, values)
        request.POST = kept
        return None


def say_when(page: HttpResponse, refusal: Refused) -> HttpResponse:
    """Give a page the status of a password that was not looked at, and when to try again."""
    is_busy = refusal.code == "busy"
    page.status_code = 503 if is_busy else 429
    page.headers["Retry-After"] = str(refusal.count * (1 if is_busy else 60))
    return page


def has_worked_here(request: HttpRequest, name: str) -> bool:
    """Tell whether the member of staff `name` has signed in with this browser in the last months."""
    mark = _mark(name)
    return any(constant_time_compare(mark, one) for one in _marks(request))


def _marks_with(request: HttpRequest, name: str) -> str:
    mark = _mark(name)
    return ".".join([mark, *(one for one in _marks(request) if one != mark)][:MOST_NAMES])


def _marks(request: HttpRequest) -> list[str]:
    return request.COOKIES.get(COOKIE, "").split(".")[:MOST_NAMES]


def _mark(name: str) -> str:
    return salted_hmac("staff-used", name, algorithm="sha256").hexdigest()[:32]


def _moment(request: Any, what: str) -> float:
    """Return when the session was last used (USED) or confirmed (CONFIRMED), in seconds since 1970.

    One in which neither was yet counts from the log-in of its person.
    """
    moment = request.session.get(what)
    if moment is not None:
        return float(moment)
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
