"""Who is asking: the delegate whose card signed in, and the poll the page is about."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from ballots import enrolment
from ballots.models import AccessCard

CARD_KEY = "card"


class DelegateMiddleware:
    """Set `request.card`, `request.delegate` and `request.poll`; close every page by default.

    A view that anybody may see says `login_not_required`; the admin asks for its own log-in. Every
    other page needs a card that is still valid: a replaced one ends its sessions at once.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        request.card = _card(request)
        request.delegate = request.card.delegate if request.card else None
        request.poll = SimpleLazyObject(
            lambda: enrolment.poll_for(request.delegate, asked=request.GET.get("poll", ""))
        )
        return self.get_response(request)

    def process_view(
        self, request: Any, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        is_public = not getattr(view, "login_required", True)
        if is_public or request.delegate or request.resolver_match.app_name == "admin":
            return None
        if CARD_KEY in request.session:
            request.session.flush()
            messages.warning(request, _("您已领取新卡，请使用新卡进入。"), "card-replaced")
        elif settings.SESSION_COOKIE_NAME in request.COOKIES and not request.user.is_authenticated:
            messages.warning(
                request,
                _("登录已过期，表决票尚未提交。您的选择仍保存在本机，请重新扫描投票卡。"),
                "expired",
            )
        if request.htmx:
            return HttpResponseClientRedirect("/")
        response = redirect(settings.LOGIN_URL)
        response.status_code = 303
        return response


def _card(request: HttpRequest) -> AccessCard | None:
    pk = request.session.get(CARD_KEY)
    if pk is None:
        return None
    return (
        AccessCard.objects.filter(pk=pk, revoked_at__isnull=True)
        .select_related("delegate__delegation")
        .first()
    )
