"""The pages on which staff sign in: Django's own, which also says when to try again, and the second factor's."""

from typing import Any
from urllib.parse import urlencode

import segno
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from ballots.pure.card_code import grouped
from ballots.refusal import Refused
from ballots.staff import second_factor
from yiwu_vote.staff_session import say_when


class LogInForm(AdminAuthenticationForm):
    """Name and password; `refusal` says why none was looked at, where none was."""

    refusal: Refused | None = None

    def clean(self) -> dict[str, Any]:
        try:
            return super().clean()
        except Refused as refusal:
            self.refusal = refusal
            raise ValidationError(str(refusal), code=refusal.code) from None


def answered(page: HttpResponse) -> HttpResponse:
    """Return the log-in page with the status of what it says, where somebody has to wait."""
    form = (getattr(page, "context_data", None) or {}).get("form")
    return say_when(page, form.refusal) if isinstance(form, LogInForm) and form.refusal else page


def to_second_factor(request: HttpRequest) -> HttpResponse:
    """Send somebody whose password was right to the page of the second factor, and on from there."""
    return redirect(f"{reverse('admin:second_factor')}?{urlencode({'next': _next(request)})}")


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def second_factor_page(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor, or bind a phone where there is none or another one is wanted."""
    user = request.user
    if not isinstance(user, User) or not user.is_staff:
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    if not second_factor.is_asked_of(user):
        return redirect("admin:index")
    phone = second_factor.phone_of(user)
    is_through = not second_factor.is_due(request)
    is_binding = phone is None or (is_through and "another" in request.GET)
    if is_through and not is_binding:
        return _page(request, {"left": second_factor.codes_left(user)})
    if request.method != "POST":
        return _ask(request, user, is_binding=is_binding)
    try:
        if is_binding:
            codes = second_factor.bind(request, user, request.POST.get("code", ""))
            return _page(request, {"codes": [grouped(code).split() for code in codes]})
        second_factor.check(request, user, request.POST.get("code", ""))
    except Refused as refusal:
        page = _ask(request, user, is_binding=is_binding, fault=str(refusal))
        page.status_code = 422
        return say_when(page, refusal) if refusal.code == "wait" else page
    return redirect(_next(request))


def _ask(request: HttpRequest, user: User, *, is_binding: bool, fault: str = "") -> HttpResponse:
    context: dict[str, Any] = {"asks": True, "fault": fault}
    if is_binding:
        address = second_factor.begin_binding(user).config_url
        secret = address.partition("secret=")[2].partition("&")[0]
        context["secret"] = grouped(secret).split()
        context["qr"] = segno.make(address, error="m", micro=False).svg_inline(
            border=0, omitsize=True
        )
    return _page(request, context)


def _page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    shown = {"title": gettext("第二重验证"), "next": _next(request)} | context
    return render(request, "admin/second_factor.html", admin.site.each_context(request) | shown)


def _next(request: HttpRequest) -> str:
    """Return where somebody was going, if that is a page of ours."""
    wanted = request.GET.get("next", "")
    ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if ours else reverse("admin:index")
