"""HTTP in, HTTP out: where a delegate stands with his poll, and how far the vote has come."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import time_format
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseClientRefresh, HttpResponseStopPolling

from ballots.facts import turnout
from ballots.facts.outcome import round_of
from ballots.facts.polls import candidates, described
from ballots.pages.answers import (
    REFUSALS,
    asked_poll,
    refusable,
    standing_of,
    status_of,
    still_waiting,
)
from ballots.pages.faces import face
from ballots.pages.middleware import DelegateRequest, owner_of_draft
from projects.models import Poll
from projects.phases import DRAFT
from projects.wording import rules_by_question, title_of
from yiwu_vote.language import data

# Where a delegate can vote, or could in a moment.
WAITING = {"open", "paused"}


@require_safe
@vary_on_headers("HX-Request")
@refusable
def home(request: DelegateRequest) -> HttpResponse:
    running = [poll for poll in request.polls if poll.takes_ballots]
    if len(running) > 1 and not request.poll_query:
        return _all_of_them(request, running)
    has_more = request.is_collecting or request.newest_year
    if not request.polls and not request.poll_query and has_more:
        # Before any roll is drawn up, a delegate has no poll and may still recommend and follow a year.
        return _no_poll(request)
    poll = asked_poll(request)
    shown, personal = status_of(standing_of(request, poll))
    personal["time"] = time_format(timezone.localtime(), "H:i:s")
    if request.htmx:
        return _fragment_of_home(request, shown | personal)
    shown |= {
        "candidates": len(candidates(poll)),
        "waiting": still_waiting(request, poll),
        "others": tuple(map(_other, (other for other in request.polls if other != poll))),
        "round_name": round_of(poll) if poll.parent_id else "",
        "collecting": request.is_collecting,
        "newest_year": request.newest_year,
        "rules": tuple((lead, tuple(words)) for lead, words in rules_by_question(poll)),
    }
    personal |= {
        "name": data(request.delegate.name),
        "owner": owner_of_draft(request.delegate, poll),
    }
    return face(request, "ballots/home/home.html", shown=shown, personal=personal)


def _all_of_them(request: DelegateRequest, running: Sequence[Poll]) -> HttpResponse:
    """Show each vote that runs, and those of the same meeting that have not begun, each with its one step.

    Those that wait for this delegate come first. Asked again and again it answers nothing while nothing
    has changed, and else that the whole page is to be fetched anew.
    """
    meetings = {poll.meeting for poll in running}
    begins = [poll for poll in request.polls if poll.phase in DRAFT and poll.meeting in meetings]
    cards = [_card(request, poll) for poll in [*running, *begins]]
    cards.sort(key=lambda card: card["state"] not in WAITING)
    key = "-".join(
        f"{card['poll'].pk}{card['state']}{card['closing'].said}{int(card['must_report'])}"
        for card in cards
    )
    if request.htmx:
        return HttpResponse(status=204) if request.GET.get("state") == key else _anew()
    titles = Counter(card["title"] for card in cards)
    if len(meetings) > 1 or len(titles) < len(cards):
        told = {one.poll.pk: one for one in described([*running, *begins])}
        cards = [card | {"described": told[card["poll"].pk]} for card in cards]
    context = {
        "name": data(request.delegate.name),
        "cards": cards,
        "left": sum(card["state"] in WAITING for card in cards),
        "key": key,
        "newest_year": request.newest_year,
    }
    return render(request, "ballots/home/which_poll.html", context)


def _card(request: DelegateRequest, poll: Poll) -> dict[str, Any]:
    """Return what home says of one of several votes: what it is called, and where its delegate stands."""
    shown, personal = status_of(standing_of(request, poll))
    return {"title": title_of(poll), "query": f"?poll={poll.pk}"} | shown | personal


def _anew() -> HttpResponse:
    return HttpResponseClientRefresh()


class Other(NamedTuple):
    """Another poll of the same delegate, as a line that leads there."""

    pk: int
    words: str
    phase: str


def _other(poll: Poll) -> Other:
    return Other(poll.pk, str(poll), poll.get_phase_display())


def _no_poll(request: DelegateRequest) -> HttpResponse:
    nothing = REFUSALS["no-poll"]
    context = {
        "heading": nothing.heading,
        "text": nothing.text,
        "collecting": request.is_collecting,
        "newest_year": request.newest_year,
    }
    return render(request, "ballots/refused.html", context)


def _fragment_of_home(request: DelegateRequest, context: dict[str, Any]) -> HttpResponse:
    # The box holds no button: where the next step has changed, the whole page is fetched anew.
    if request.GET.get("state") != context["state"]:
        return _anew()
    status = _polled(request.poll)
    return render(request, "ballots/home/_status.html", context, status=status)


def _polled(poll: Poll | None) -> int:
    """Return the status of a fragment that asks again and again: 286 tells htmx to stop."""
    return HttpResponseStopPolling.status_code if poll and poll.is_over else 200


@require_safe
@vary_on_headers("HX-Request")
@refusable
def progress(request: DelegateRequest) -> HttpResponse:
    poll = asked_poll(request)
    figures = turnout.turnout_of(poll)
    context = {
        "poll": poll,
        "turnout": figures,
        "percent": turnout.percent(figures.voted, figures.online),
        "now": timezone.localtime(),
    }
    if request.htmx:
        return render(request, "ballots/home/_turnout.html", context, status=_polled(poll))
    return render(request, "ballots/home/progress.html", context)
