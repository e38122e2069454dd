"""HTTP in, HTTP out, for a delegate: sign in, fill in a ballot, review, submit, keep a receipt.

What anybody may see stands in `ballots.public`, what a page says when it refuses in
`ballots.pages`. Choices live in the page's form alone: no view puts them anywhere else.
"""

import ipaddress
import logging
import math
import secrets
import sys
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseClientRefresh, HttpResponseStopPolling

from ballots import casting, counting, enrolment, sealing
from ballots.casting import BallotRefused
from ballots.enrolment import SignInRefused
from ballots.forms import BallotForm, CastForm, Line, without
from ballots.middleware import CARD_KEY, DelegateRequest, VisitorRequest
from ballots.models import AccessCard, Delegate, RollEntry
from ballots.pages import (
    REFUSALS,
    PageRefused,
    Refusal,
    SeeOther,
    View,
    asked_poll,
    clock,
    refusable,
    say_no,
)
from projects.models import Poll

logger = logging.getLogger("ballots")

SIZES = {"m", "l", "xl"}
A_YEAR = 365 * 24 * 60 * 60
LAST_MINUTES = 5


def sized(view: View) -> View:
    """Let a posted `size` change the size of text on the very page that `view` answers with.

    A page that holds choices sends them along with it, so that no tick is lost (ux.md §1).
    """

    @wraps(view)
    def with_size(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        size = request.POST.get("size", "")
        if size not in SIZES:
            return view(request, *args, **kwargs)
        request.COOKIES["size"] = size
        response = view(request, *args, **kwargs)
        response.set_cookie(
            "size", size, max_age=A_YEAR, samesite="Lax", secure=request.is_secure()
        )
        return response

    return with_size


@login_not_required
@require_POST
@sized
def text_size(request: VisitorRequest) -> HttpResponse:
    back = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(
        back, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return SeeOther(back if ours else reverse("ballots:sign-in"))


# --- signing in and out ---------------------------------------------------------------------------


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
def sign_in(request: VisitorRequest) -> HttpResponse:
    if request.method != "POST":
        return render(request, "ballots/sign_in.html")
    typed = request.POST.get("code", "")
    try:
        return _let_in(request, enrolment.card_by_code(typed))
    except SignInRefused as refusal:
        if refusal.code == "wait":
            page = say_no(request, heading=_("请稍后再试"), text=str(refusal), status=429)
            page.headers["Retry-After"] = str(refusal.count * 60)
            return page
        context = {"typed": typed, "error": str(refusal)}
        return render(request, "ballots/sign_in.html", context, status=422)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
def card(request: VisitorRequest, token: str) -> HttpResponse:
    """Show whose card it is; only the POST signs in, for scanners and previews GET (DESIGN §6)."""
    found = enrolment.card_by_token(token)
    if found is None:
        return render(request, "ballots/card_invalid.html", status=404)
    if request.method != "POST":
        _mark_seen(request, found)
        return render(request, "ballots/card.html", {"holder": found.delegate})
    if "not-mine" in request.POST:
        return render(request, "ballots/card_not_mine.html")
    return _let_in(request, found)


def _let_in(request: VisitorRequest, found: AccessCard) -> HttpResponse:
    request.session.cycle_key()
    # As Django's own log-in does: a token from before is of no use in the new session.
    rotate_token(request)
    request.session[CARD_KEY] = found.pk
    return SeeOther(reverse("ballots:home") + request.poll_query)


def _mark_seen(request: HttpRequest, found: AccessCard) -> None:
    """Note that a printed QR code was opened from another device, for the pre-flight list."""
    # Behind a proxy every request comes from the proxy, which adds the visitor's address last.
    forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    behind_proxy = settings.SECURE_PROXY_SSL_HEADER is not None
    try:
        address = ipaddress.ip_address(forwarded if behind_proxy else request.META["REMOTE_ADDR"])
    except ValueError:
        return
    if not found.seen and not address.is_loopback:
        AccessCard.objects.filter(pk=found.pk, seen=False).update(seen=True)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def sign_out(request: VisitorRequest) -> HttpResponse:
    if request.method == "POST":
        request.session.flush()
        return SeeOther(reverse("ballots:sign-out"))
    if request.delegate:
        return SeeOther(reverse("ballots:home") + request.poll_query)
    return render(request, "ballots/signed_out.html")


# --- which poll, and where the delegate stands with it --------------------------------------------


def _posted_poll(request: DelegateRequest) -> Poll:
    """Return the poll that the posted form names: a ballot never lands in another one's box."""
    asked = request.POST.get("poll", "")
    poll = enrolment.poll_for(request.delegate, asked=asked) if asked else None
    if poll is None or str(poll.pk) != asked or request.GET.get("poll", asked) != asked:
        raise PageRefused("other-poll")
    request.poll = poll
    return poll


def _entry(request: DelegateRequest, poll: Poll) -> RollEntry:
    return get_object_or_404(RollEntry, poll=poll, delegate=request.delegate)


def state_of(poll: Poll, entry: RollEntry) -> str:
    """Return where a delegate stands with a poll, the one question behind every page below.

    One of "before", "open", "paused", "voted", "closed" (and has not voted), "published", "void".
    """
    if poll.phase in {Poll.Phase.VOID, Poll.Phase.PUBLISHED}:
        return poll.phase
    if entry.voted:
        return "voted"
    over = poll.closes_at is not None and poll.closes_at <= timezone.now()
    match poll.phase:
        case Poll.Phase.DRAFT:
            return "before"
        case Poll.Phase.PAUSED:
            return "paused"
        case Poll.Phase.OPEN if not over:
            return "open"
    return "closed"


def _demand_fillable(poll: Poll, entry: RollEntry) -> None:
    """Raise PageRefused unless a ballot can be filled in now; what counts is asked by the cast."""
    match state_of(poll, entry):
        case "before":
            raise PageRefused("not-open")
        case "void":
            raise PageRefused("void")
        case "open" | "paused":
            return
    if entry.voted:
        raise PageRefused("already-voted", at=entry.voted_at)
    raise PageRefused("closed", at=poll.closed_at or poll.closes_at)


# --- home and progress ----------------------------------------------------------------------------


@require_safe
@vary_on_headers("HX-Request")
@refusable
def home(request: DelegateRequest) -> HttpResponse:
    polls = list(enrolment.polls_of(request.delegate))
    waiting = [poll for poll in polls if poll.takes_ballots]
    if len(waiting) > 1 and not request.poll_query:
        return render(request, "ballots/which_poll.html", {"polls": waiting})
    poll = asked_poll(request)
    entry = _entry(request, poll)
    context = _status(poll, entry)
    if request.htmx:
        return _fragment_of_home(request, context)
    context |= {
        "candidates": poll.projects.count(),
        "others": [other for other in polls if other != poll],
        "owner": owner_of_draft(request.delegate, poll),
    }
    return render(request, "ballots/home.html", context)


def _fragment_of_home(request: DelegateRequest, context: dict[str, Any]) -> HttpResponse:
    # The box holds no button: where the next step has changed, the whole page is fetched anew.
    if request.GET.get("state") != context["state"]:
        return HttpResponseClientRefresh()
    return render(request, "ballots/_status.html", context, status=_polled(context["poll"]))


def _polled(poll: Poll) -> int:
    """Return the status of a fragment that asks again and again: 286 tells htmx to stop."""
    over = poll.phase in {Poll.Phase.PUBLISHED, Poll.Phase.VOID}
    return HttpResponseStopPolling.status_code if over else 200


def _status(poll: Poll, entry: RollEntry) -> dict[str, Any]:
    receipt = casting.receipt_of(entry) if entry.voted else None
    return {
        "poll": poll,
        "state": state_of(poll, entry),
        "voted": entry.voted,
        "voted_at": clock(entry.voted_at),
        "receipt": sealing.grouped(receipt.code) if receipt else "",
        "closes_at": clock(poll.closes_at),
        "closed_at": clock(poll.closed_at or poll.closes_at),
        "seconds_left": _seconds_left(poll),
        "minutes_left": math.ceil(_seconds_left(poll) / 60),
        "last_minutes": LAST_MINUTES,
        "must_report": poll.voters == Poll.Voters.PRESENT and not entry.present,
    }


def _seconds_left(poll: Poll) -> int:
    """Return the seconds until the deadline; 0 after it, and where the chair announces the end."""
    left = (poll.closes_at - timezone.now()).total_seconds() if poll.closes_at else 0
    return max(0, int(left))


@require_safe
@vary_on_headers("HX-Request")
@refusable
def progress(request: DelegateRequest) -> HttpResponse:
    poll = asked_poll(request)
    turnout = counting.turnout(poll)
    context = {
        "poll": poll,
        "turnout": turnout,
        "percent": counting.percent(turnout.voted, turnout.issued),
        "now": timezone.localtime(),
    }
    if request.htmx:
        return render(request, "ballots/_turnout.html", context, status=_polled(poll))
    return render(request, "ballots/progress.html", context)


# --- the ballot -----------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sized
@refusable
def ballot(request: DelegateRequest) -> HttpResponse:
    """Show the ballot; posted from the review page (返回修改) it comes back with every tick."""
    posted = request.method == "POST"
    poll = _posted_poll(request) if posted else asked_poll(request)
    form = BallotForm(request.POST if posted else None, poll=poll, titles=casting.candidates(poll))
    return _ballot_page(request, form, _entry(request, poll))


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sized
@refusable
def review(request: DelegateRequest) -> HttpResponse:
    if request.method != "POST":
        return SeeOther(reverse("ballots:ballot") + request.poll_query)
    poll = _posted_poll(request)
    entry = _entry(request, poll)
    _demand_fillable(poll, entry)
    form = BallotForm(request.POST, poll=poll, titles=casting.candidates(poll))
    if not form.is_valid():
        return _ballot_page(request, form, entry)
    removed = form.line(request.POST.get("remove", ""))
    if removed is None:
        return _review_page(request, form, token=casting.new_token())
    rest = BallotForm(without(request.POST, removed), poll=poll, titles=form.titles)
    if not rest.is_valid():
        return _ballot_page(request, rest, entry)
    return _review_page(request, rest, token=casting.new_token(), removed=removed, previous=form)


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@refusable
def cast(request: DelegateRequest) -> HttpResponse:
    if request.method != "POST":
        return SeeOther(reverse("ballots:ballot") + request.poll_query)
    poll = _posted_poll(request)
    form = CastForm(request.POST, poll=poll, titles=casting.candidates(poll))
    if not form.is_valid():
        return _ballot_page(request, form, _entry(request, poll))
    token = form.cleaned_data["token"]
    try:
        casting.cast_ballot(poll=poll, card=request.card, selection=form.selection, token=token)
    except BallotRefused as refusal:
        return _cast_refused(request, form, refusal)
    except OperationalError as error:
        # The class alone: the database's own words may quote what it was given.
        logger.warning("a cast could not be stored: %s", type(error).__name__)
        return _review_page(request, form, token=token, problem=REFUSALS["busy"])
    return SeeOther(reverse("ballots:receipt") + _query_to(request, poll))


def _query_to(request: DelegateRequest, poll: Poll) -> str:
    """Return what leads on to `poll`: nothing where it is the one that pages are about anyway."""
    is_usual = not request.poll_query and enrolment.poll_for(request.delegate) == poll
    return "" if is_usual else f"?poll={poll.pk}"


def _cast_refused(request: DelegateRequest, form: CastForm, refusal: BallotRefused) -> HttpResponse:
    if refusal.code == "card-replaced":
        request.session.flush()
        messages.warning(request, _("您已领取新卡，请使用新卡进入。"), "card-replaced")
        return SeeOther(reverse("ballots:sign-in"))
    if refusal.code == "faults":
        form.refuse(refusal.faults)
        return _ballot_page(request, form, _entry(request, form.poll))
    problem = REFUSALS[refusal.code]
    if problem.keeps:
        return _review_page(request, form, token=form.cleaned_data["token"], problem=problem)
    is_void = form.poll.phase == Poll.Phase.VOID
    raise PageRefused("void" if is_void else refusal.code, at=refusal.at)


def _ballot_page(request: DelegateRequest, form: BallotForm, entry: RollEntry) -> HttpResponse:
    poll = form.poll
    _demand_fillable(poll, entry)
    context = _status(poll, entry) | {
        "form": form,
        "projects": poll.projects.prefetch_related("targets").order_by("number"),
        "owner": owner_of_draft(request.delegate, poll),
    }
    return render(request, "ballots/ballot.html", context, status=422 if form.problems else 200)


def _review_page(
    request: DelegateRequest,
    form: BallotForm,
    *,
    token: str,
    removed: Line | None = None,
    previous: BallotForm | None = None,
    problem: Refusal | None = None,
) -> HttpResponse:
    """Show what would be submitted; asks the database nothing, which may be what is in trouble."""
    context = {
        "form": form,
        "token": token,
        "removed": removed,
        "previous": previous,
        "problem": problem,
        "owner": owner_of_draft(request.delegate, form.poll),
    }
    response = render(
        request, "ballots/review.html", context, status=problem.status if problem else 200
    )
    if problem and problem.status == 503:
        response.headers["Retry-After"] = "5"
    return response


def owner_of_draft(delegate: Delegate, poll: Poll) -> str:
    """Return the mark of a draft on a device: whoever signs in there next must not see it."""
    return salted_hmac("ballots.draft", f"{poll.uuid}/{delegate.pk}").hexdigest()[:16]


@require_safe
@refusable
def receipt(request: DelegateRequest) -> HttpResponse:
    poll = asked_poll(request)
    entry = _entry(request, poll)
    if not entry.voted:
        return SeeOther(reverse("ballots:home") + request.poll_query)
    context = _status(poll, entry) | {"submitted_at": timezone.localtime(entry.voted_at)}
    return render(request, "ballots/receipt.html", context)


# --- errors ---------------------------------------------------------------------------------------


def page_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose CSRF token is not ours or no longer valid (ux.md X5)."""
    context = {"on_ballot": request.path.startswith(reverse("ballots:ballot"))}
    return render(request, "ballots/page_expired.html", context, status=403)


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
