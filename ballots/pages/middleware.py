"""Who is asking: the delegate whose card signed in, and the poll the page is about."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.crypto import salted_hmac
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from ballots.facts.polls import asked_for, in_order, published_to_all, state_of
from ballots.models import AccessCard, Delegate
from ballots.pages.asking import Asking, Standing, who_asks
from ballots.refusal import Refused
from ballots.sessions import CARD_KEY, HOLDER_KEY, SessionStore
from projects.models import Poll
from yiwu_vote.language import ADMIN


class VisitorRequest(HttpRequest):
    """Anybody's request as the middleware hands it on; `poll` is false where there is none."""

    session: SessionStore
    card: AccessCard | None
    delegate: Delegate | None
    standings: Mapping[int, Standing]
    is_collecting: bool
    newest_year: int | None
    polls: Sequence[Poll]
    poll: Poll | None
    poll_query: str
    is_shared: bool
    draft_owner: str
    htmx: HtmxDetails


class DelegateRequest(VisitorRequest):
    """The request of somebody who has signed in, which the middleware has seen to."""

    card: AccessCard
    delegate: Delegate


class DelegateMiddleware:
    """Set on each request who asks and which poll it is about; close every page by default.

    Of a delegate everything is read by one statement (`pages.asking`): `request.card`,
    `request.delegate`, `request.standings` by the number of their polls, `request.is_collecting`,
    `request.newest_year` of adopted projects.
    `request.polls` are those a page may be about, `request.poll` is the one that this page is
    about. Of anybody else the polls are read once a page asks for one.
    `request.poll_query` is what a link adds to stay with the poll that was asked for, or nothing;
    `request.is_shared` tells a tablet that many use in turn, which keeps no draft.
    `request.draft_owner` marks what this delegate may choose and keep on his own device for that
    poll; it is empty where there is nothing to keep.
    A view that anybody may see says `login_not_required`; the admin asks for its own log-in. Every
    other page needs a card that is still valid: a replaced one ends its sessions at once.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        asking = _who_asks(request)
        request.card = asking.card if asking else None
        request.delegate = request.card.delegate if request.card else None
        standings = asking.standings if asking else ()
        request.standings = {one.poll.pk: one for one in standings}
        request.is_collecting = asking is not None and asking.is_collecting
        request.newest_year = asking.newest_year if asking else None
        if request.delegate:
            request.polls = in_order((one.poll for one in standings), is_delegate=True)
        else:
            request.polls = SimpleLazyObject(published_to_all)
        asked = request.GET.get("poll", "")
        request.poll_query = "?" + urlencode({"poll": asked}) if asked else ""
        request.is_shared = request.COOKIES.get("tablet") == "1"
        request.poll = SimpleLazyObject(lambda: asked_for(request.polls, asked))
        request.draft_owner = SimpleLazyObject(lambda: _draft_owner(request))
        return self.get_response(request)

    def process_view(
        self, request: Any, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        is_public = not getattr(view, "login_required", True)
        if is_public or request.delegate or request.resolver_match.app_name == "admin":
            return None
        return led_to_sign_in(request)


def led_to_sign_in(request: Any) -> HttpResponse:
    """Answer whoever asks for a page that is closed to him: the sign-in, and why he is out if he was in."""
    if CARD_KEY in request.session:
        request.session.flush()
        messages.warning(request, gettext("您已领取新卡，请使用新卡进入。"), "card-replaced")
    elif settings.SESSION_COOKIE_NAME in request.COOKIES and not request.user.is_authenticated:
        messages.warning(request, _expired(request), "expired")
    if request.htmx:
        return HttpResponseClientRedirect("/")
    response = redirect(settings.LOGIN_URL)
    response.status_code = 303
    return response


class RefusalMiddleware:
    """Say on a page of its own what no view has said in place: a refusal is never an error."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, Refused):
            return None
        context = {"heading": gettext("不能继续"), "text": str(error)}
        return render(request, "ballots/refused.html", context, status=409)


def owner_of_draft(delegate: Delegate, poll: Poll) -> str:
    """Return the mark of a draft on a device: whoever signs in there next must not see it."""
    return salted_hmac("ballots.draft", f"{poll.uuid}/{delegate.pk}").hexdigest()[:16]


def _draft_owner(request: VisitorRequest) -> str:
    poll = request.poll
    # A grade is given on the ballot alone: the page of a project has one button, to choose it.
    if request.is_shared or not request.delegate or not poll or poll.is_graded:
        return ""
    state = state_of(poll, request.standings[poll.pk].entry)
    may_choose = state in {"open", "paused"} or (state == "before" and poll.wishes)
    return owner_of_draft(request.delegate, poll) if may_choose else ""


def _expired(request: HttpRequest) -> str:
    # Nobody is told that he has not submitted: he may have before, and the answer was lost.
    # `kept` is set by the script that has just kept the choices on the device.
    if request.POST.get("kept"):
        return gettext(
            "登录已过期。您填写的仍保存在本机。请重新扫描投票卡，进入后首页会显示您是否已提交表决票。"
        )
    return gettext("登录已过期。请重新扫描投票卡，进入后首页会显示您是否已提交表决票。")


def _who_asks(request: VisitorRequest) -> Asking | None:
    """Return who asks for a page of delegates; the office's pages ask nothing of who has voted."""
    key = request.session.session_key
    if key is None or request.path.startswith(ADMIN):
        return None
    if "\0" in key:
        # Nobody was ever given such a key, and PostgreSQL takes no text with this sign.
        request.session.found(None)
        return None
    asking = who_asks(key)
    request.session.found(asking.session_data if asking else None)
    if asking is None or asking.card is None:
        return asking
    signed = (request.session.get(CARD_KEY), request.session.get(HOLDER_KEY))
    # Signed by another SECRET_KEY it ended with that key, as its card did; and where the row of the
    # session or of the card leads to somebody else by now, nobody of ours has written that.
    return asking if signed == (asking.card.pk, asking.card.delegate_id) else None
