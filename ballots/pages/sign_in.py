"""HTTP in, HTTP out: signing in with a card, and out; how a reader likes his pages."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from ballots import roles
from ballots.acts.sign_in import card_by_code, card_by_token
from ballots.facts.polls import asked_for, in_order
from ballots.facts.turnout import entries_at_the_door
from ballots.models import AccessCard
from ballots.pages.answers import SeeOther, may_cast, preferring, say_no
from ballots.pages.asking import Standing, who_asks
from ballots.pages.faces import face
from ballots.pages.middleware import VisitorRequest
from ballots.pages.own_receipt import forget_receipt
from ballots.pure import card_code
from ballots.refusal import Refused
from yiwu_vote.middleware import visitor_address


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


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: VisitorRequest) -> HttpResponse:
    if request.method != "POST":
        return _sign_in_page(request)
    typed = request.POST.get("code", "")
    try:
        _begin(request, card_by_code(typed))
        return SeeOther(reverse("ballots:home") + request.poll_query)
    except Refused as refusal:
        if refusal.code == "wait":
            page = say_no(request, heading=gettext("请稍后再试"), text=str(refusal), status=429)
            page.headers["Retry-After"] = str(refusal.count * 60)
            return page
        # An address holds the card's token, which no page repeats.
        shown = "" if refusal.code == "address" else card_code.regrouped(typed)
        context = {"typed": shown, "error": str(refusal)}
        return render(request, "ballots/sign_in/sign_in.html", context, status=422)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def card(request: VisitorRequest, token: str) -> HttpResponse:
    """Show whose card it is; only the POST signs in: scanners and previews GET (design §6.1).

    Whoever has signed in with this very card goes on where he was: he scans it whenever he is lost.
    To a member of staff it is the card of somebody who comes in at the door: nobody votes by it in
    a working session.
    """
    found = card_by_token(token)
    if found is None:
        return render(request, "ballots/sign_in/card_invalid.html", status=404)
    if request.method != "POST":
        _mark_seen(request, found)
    if request.user.is_authenticated:
        return _at_the_door(request, found)
    if request.method != "POST":
        if request.card == found:
            return SeeOther(_way_on(request, request.standings))
        return render(request, "ballots/sign_in/card.html", {"holder": found.delegate})
    if "not-mine" in request.POST:
        return render(request, "ballots/sign_in/card_not_mine.html")
    _begin(request, found)
    asking = who_asks(str(request.session.session_key))
    standings = asking.standings if asking else ()
    return SeeOther(_way_on(request, {one.poll.pk: one for one in standings}))


def _at_the_door(request: VisitorRequest, found: AccessCard) -> HttpResponse:
    """Let a member of staff mark the holder present, or end the working session to vote himself."""
    if "own-card" in request.POST:
        request.session.flush()
        return SeeOther(request.get_full_path())
    may_mark = roles.is_office(request.user)
    entries = entries_at_the_door(found.delegate) if may_mark else []
    context = {"holder": found.delegate, "may_mark": may_mark, "entries": entries}
    return render(request, "ballots/sign_in/card_at_the_door.html", context)


def _sign_in_page(request: VisitorRequest) -> HttpResponse:
    """Show the form: its face, unless something is to be said to this very visitor."""
    told = list(messages.get_messages(request))
    if told or request.delegate:
        return render(request, "ballots/sign_in/sign_in.html", {"messages": told})
    return face(request, "ballots/sign_in/sign_in.html", shown={}, personal={})


def _begin(request: VisitorRequest, found: AccessCard) -> None:
    request.session.begin(found)
    # As Django's own log-in does: a token from before is of no use in the new session.
    rotate_token(request)


def _way_on(request: VisitorRequest, standings: Mapping[int, Standing]) -> str:
    """Return where whoever has scanned his card goes: to his ballot where he can cast it now, else home.

    Home says what there is to wait for or to do first, and asks which of several votes is meant.
    """
    polls = in_order((one.poll for one in standings.values()), is_delegate=True)
    asked = request.GET.get("poll", "")
    poll = asked_for(polls, asked)
    is_one = asked or sum(poll.takes_ballots for poll in polls) == 1
    is_next = poll is not None and is_one and may_cast(standings[poll.pk])
    return reverse("ballots:ballot" if is_next else "ballots:home") + request.poll_query


def _mark_seen(request: HttpRequest, found: AccessCard) -> None:
    """Note that a printed QR code was opened from another device at the address of today.

    For the checklist: what was opened under another name proves nothing of PUBLIC_URL.
    """
    address = visitor_address(request)
    if address is None or address.is_loopback or found.reached_at == settings.PUBLIC_URL:
        return
    asked, public = urlsplit(f"//{request.get_host()}"), urlsplit(settings.PUBLIC_URL)
    if asked.hostname == public.hostname and public.port in {None, asked.port}:
        AccessCard.objects.filter(pk=found.pk).update(reached_at=settings.PUBLIC_URL)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def sign_out(request: VisitorRequest) -> HttpResponse:
    if request.method == "POST":
        request.session.flush()
        left = SeeOther(reverse("ballots:sign-out"))
        forget_receipt(left)
        if request.is_shared:
            # Also what the browser keeps to go back to. The mark of the tablet is a cookie, and stays.
            left.headers["Clear-Site-Data"] = '"cache", "storage"'
        return left
    if request.delegate:
        return SeeOther(reverse("ballots:home") + request.poll_query)
    return render(request, "ballots/sign_in/signed_out.html")
