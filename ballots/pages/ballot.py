"""HTTP in, HTTP out, for a delegate: sign in, fill in a ballot, review, submit, keep a receipt.

What anybody may see stands in `ballots.pages.results`, what a page says when it refuses in
`ballots.pages.answers`. Choices live in the page's form alone: no view puts them anywhere else.
"""

import ipaddress
import logging
import math
import secrets
import sys
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
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseClientRefresh, HttpResponseStopPolling

from ballots.acts import casting, recommending
from ballots.acts.sign_in import CARD_KEY, card_by_code, card_by_token
from ballots.facts.polls import candidates, poll_for, polls_of
from ballots.facts.turnout import percent, turnout_of
from ballots.models import AccessCard, Delegate, RollEntry
from ballots.pages.answers import (
    REFUSALS,
    PageRefused,
    Refusal,
    SeeOther,
    asked_poll,
    clock,
    preferring,
    refusable,
    say_no,
)
from ballots.pages.forms import (
    TITLE_FIELD,
    BallotForm,
    CastForm,
    Exchange,
    Line,
    ProposalForm,
    exchanged,
    without,
)
from ballots.pages.middleware import DelegateRequest, VisitorRequest
from ballots.pure import sealing, similar
from ballots.pure.rules import TITLE_LIMIT
from ballots.refusal import Refused
from projects.models import Poll, by_category
from projects.wording import rules_in_words

logger = logging.getLogger("ballots")

LAST_MINUTES = 5


@login_not_required
@require_POST
@preferring
def preferences(request: VisitorRequest) -> HttpResponse:
    """Keep the size of text or the language that was chosen, and go back to where it was chosen."""
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
        return _let_in(request, card_by_code(typed))
    except Refused as refusal:
        if refusal.code == "wait":
            page = say_no(request, heading=gettext("请稍后再试"), text=str(refusal), status=429)
            page.headers["Retry-After"] = str(refusal.count * 60)
            return page
        context = {"typed": typed, "error": str(refusal)}
        return render(request, "ballots/sign_in.html", context, status=422)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
def card(request: VisitorRequest, token: str) -> HttpResponse:
    """Show whose card it is; only the POST signs in, for scanners and previews GET (DESIGN §6)."""
    found = card_by_token(token)
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
    poll = poll_for(request.delegate, asked=asked) if asked else None
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
    if poll.phase == Poll.Phase.VOID or poll.is_revealed:
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
    if entry.voted_at is not None:
        raise PageRefused("already-voted", at=entry.voted_at)
    raise PageRefused("closed", at=poll.closed_at or poll.closes_at)


# --- home and progress ----------------------------------------------------------------------------


@require_safe
@vary_on_headers("HX-Request")
@refusable
def home(request: DelegateRequest) -> HttpResponse:
    polls = list(polls_of(request.delegate))
    waiting = [poll for poll in polls if poll.takes_ballots]
    if len(waiting) > 1 and not request.poll_query:
        return render(request, "ballots/which_poll.html", {"polls": waiting})
    if not polls and not request.poll_query and recommending.collecting_poll():
        # Before any roll is drawn up, a delegate has no poll and may still recommend.
        return _nothing_but_recommending(request)
    poll = asked_poll(request)
    entry = _entry(request, poll)
    context = _status(poll, entry)
    if request.htmx:
        return _fragment_of_home(request, context)
    context |= {
        "candidates": poll.projects.count(),
        "others": [other for other in polls if other != poll],
        "owner": owner_of_draft(request.delegate, poll),
        "collecting": recommending.collecting_poll(),
    }
    return render(request, "ballots/home.html", context)


def _nothing_but_recommending(request: DelegateRequest) -> HttpResponse:
    nothing = REFUSALS["no-poll"]
    context = {"heading": nothing.heading, "text": nothing.text, "collecting": True}
    return render(request, "ballots/refused.html", context)


def _fragment_of_home(request: DelegateRequest, context: dict[str, Any]) -> HttpResponse:
    # The box holds no button: where the next step has changed, the whole page is fetched anew.
    if request.GET.get("state") != context["state"]:
        return HttpResponseClientRefresh()
    return render(request, "ballots/_status.html", context, status=_polled(context["poll"]))


def _polled(poll: Poll) -> int:
    """Return the status of a fragment that asks again and again: 286 tells htmx to stop."""
    over = poll.phase == Poll.Phase.VOID or poll.is_revealed
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
    turnout = turnout_of(poll)
    context = {
        "poll": poll,
        "turnout": turnout,
        "percent": percent(turnout.voted, turnout.issued),
        "now": timezone.localtime(),
    }
    if request.htmx:
        return render(request, "ballots/_turnout.html", context, status=_polled(poll))
    return render(request, "ballots/progress.html", context)


# --- the ballot -----------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@preferring
@refusable
def ballot(request: DelegateRequest) -> HttpResponse:
    """Show the ballot; posted from the review page (返回修改) it comes back with every tick.

    Posted by [改选第7项] it comes back with that candidate in the place of a proposal.
    """
    posted = request.method == "POST"
    poll = _posted_poll(request) if posted else asked_poll(request)
    form = BallotForm(request.POST if posted else None, poll=poll, titles=candidates(poll))
    exchange = exchanged(form, request.POST)
    if exchange and not exchange.is_full:
        form = BallotForm(exchange.data, poll=poll, titles=form.titles)
    return _ballot_page(request, form, _entry(request, poll), exchange=exchange)


@login_not_required
@require_POST
@sensitive_post_parameters()
@sensitive_variables()
def alike(request: VisitorRequest) -> HttpResponse:
    """Answer htmx with the candidates that the posted name of a proposal is like (ux.md D6.7).

    The name goes into the answer and nowhere else. Who is no longer signed in gets no hint instead
    of being led away: the ballot is still being filled in.
    """
    sent = next((name for name in request.POST if TITLE_FIELD.fullmatch(name)), "")
    proposal = ProposalForm({"title": request.POST.get(sent, "")})
    asked = request.POST.get("poll", "")
    poll = poll_for(request.delegate, asked=asked) if asked else None
    if request.delegate is None:
        # The browser must keep the cookie of a session that has ended: by it the next page knows
        # that it has, and says so.
        request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
        return HttpResponse()
    if poll is None or not sent or not proposal.is_valid():
        return HttpResponse()
    title = proposal.cleaned_data["title"]
    context = {
        "place": sent.split("-")[1],
        "title": title,
        "alike": similar.nearest(title[:TITLE_LIMIT], candidates(poll)),
    }
    return render(request, "ballots/_hints.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@preferring
@refusable
def review(request: DelegateRequest) -> HttpResponse:
    if request.method != "POST":
        return SeeOther(reverse("ballots:ballot") + request.poll_query)
    poll = _posted_poll(request)
    entry = _entry(request, poll)
    _demand_fillable(poll, entry)
    form = BallotForm(request.POST, poll=poll, titles=candidates(poll))
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
    form = CastForm(request.POST, poll=poll, titles=candidates(poll))
    if not form.is_valid():
        return _ballot_page(request, form, _entry(request, poll))
    token = form.cleaned_data["token"]
    try:
        casting.cast_ballot(poll=poll, card=request.card, selection=form.selection, token=token)
    except Refused as refusal:
        return _cast_refused(request, form, refusal)
    except OperationalError as error:
        # The class alone: the database's own words may quote what it was given.
        logger.warning("a cast could not be stored: %s", type(error).__name__)
        return _review_page(request, form, token=token, problem=REFUSALS["busy"])
    return SeeOther(reverse("ballots:receipt") + _query_to(request, poll))


def _query_to(request: DelegateRequest, poll: Poll) -> str:
    """Return what leads on to `poll`: nothing where it is the one that pages are about anyway."""
    is_usual = not request.poll_query and poll_for(request.delegate) == poll
    return "" if is_usual else f"?poll={poll.pk}"


def _cast_refused(request: DelegateRequest, form: CastForm, refusal: Refused) -> HttpResponse:
    if refusal.code == "card-replaced":
        request.session.flush()
        messages.warning(request, gettext("您已领取新卡，请使用新卡进入。"), "card-replaced")
        return SeeOther(reverse("ballots:sign-in"))
    if refusal.code == "faults":
        form.refuse(refusal.faults)
        return _ballot_page(request, form, _entry(request, form.poll))
    problem = REFUSALS[refusal.code]
    if problem.keeps:
        return _review_page(request, form, token=form.cleaned_data["token"], problem=problem)
    is_void = form.poll.phase == Poll.Phase.VOID
    raise PageRefused("void" if is_void else refusal.code, at=refusal.at)


def _ballot_page(
    request: DelegateRequest,
    form: BallotForm,
    entry: RollEntry,
    *,
    exchange: Exchange | None = None,
) -> HttpResponse:
    poll = form.poll
    _demand_fillable(poll, entry)
    projects = list(poll.projects.prefetch_related("targets").order_by("number"))
    context = _status(poll, entry) | {
        "form": form,
        "projects": projects,
        "categories": by_category(projects),
        "exchange": exchange,
        "rules": rules_in_words(poll),
        "owner": owner_of_draft(request.delegate, poll),
        "shared": request.COOKIES.get("tablet") == "1",
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
        "hints": _hints(form),
        "removed": removed,
        "previous": previous,
        "problem": problem,
        "owner": owner_of_draft(request.delegate, form.poll),
        "shared": request.COOKIES.get("tablet") == "1",
    }
    response = render(
        request, "ballots/review.html", context, status=problem.status if problem else 200
    )
    if problem and problem.status == 503:
        response.headers["Retry-After"] = "5"
    return response


@sensitive_variables()
def _hints(form: BallotForm) -> list[dict[str, Any]]:
    """Return what each proposal is like, for whoever was not told on the ballot."""
    hints = [
        {
            "place": place,
            "title": proposal.title,
            "alike": similar.nearest(proposal.title, form.titles),
        }
        for place, proposal in enumerate(form.selection.proposals)
        if proposal.title not in form.confirmed
    ]
    return [hint for hint in hints if hint["alike"]]


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
    context = _status(poll, entry) | {"submitted_at": entry.voted_at}
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
