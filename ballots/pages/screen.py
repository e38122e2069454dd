"""The hall's big screen (design §10.4): turnout while open, then the reveal at the chair's pace.

It shows what the phase allows and nothing else; the result stays on the server until its steps are
taken, so that no source of a page is ahead of the chair.
"""

import math

import segno
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from ballots import journal
from ballots.facts import turnout, words
from ballots.facts.naming import numbered
from ballots.facts.outcome import Place, listed, outcome_of
from ballots.facts.polls import box_of
from ballots.journal import Kind
from ballots.pages.answers import LAST_MINUTES
from ballots.pages.middleware import VisitorRequest
from ballots.pure.figures import ItemFigures
from projects.models import Poll
from yiwu_vote import moments

# What a sheet of all the projects holds and can still be read from 20 metres.
ROWS_A_SHEET = 12
# A longer name is smaller and stands in two lines; one line where more rows than ROOMY share the screen.
# What is too long even so loses its middle: what tells two names apart stands at their ends.
LONG_NAME = 22
ROOMY = 10
TWO_LINES, ONE_LINE = 64, 32
TAIL = 12


@login_not_required
@require_safe
@vary_on_headers("HX-Request")
def screen(request: VisitorRequest, key: str) -> HttpResponse:
    """Show the screen; asked again every five seconds, only the part that changes."""
    poll = get_object_or_404(Poll.objects.select_related("box"), screen_key=key)
    # Every page knows its poll from the address, whoever may have signed in on this machine.
    request.poll = poll
    context = {"poll": poll, "now": timezone.localtime(), "key": key} | _shown(poll)
    context["hide_waiting"] = request.GET.get("waiting") == "no"
    name = "ballots/screen/_screen.html" if request.htmx else "ballots/screen/screen.html"
    return render(request, name, context)


def _shown(poll: Poll) -> dict[str, object]:
    match poll.phase:
        case Poll.Phase.DRAFT:
            return {"state": "before", "qr": _qr(), "key_code": _key_code(poll)}
        case Poll.Phase.OPEN | Poll.Phase.PAUSED:
            shown = {"state": poll.phase, "qr": _qr(), "key_code": _key_code(poll)}
            return shown | _turnout(poll)
        case Poll.Phase.PUBLISHED:
            return {"state": "published"} | _revealed(poll)
        case Poll.Phase.VOID:
            return {"state": "void"}
    return {
        "state": "counting",
        "returned": turnout.turnout_of(poll).voted,
        # Once, and to everybody: whoever writes it down can tell whether the record was cut or made
        # anew since the close.
        "head": journal.head(poll, Kind.CLOSED) if poll.phase == Poll.Phase.CLOSED else "",
    }


def _key_code(poll: Poll) -> str:
    """Return the signs of the key as the box has it, for the holders to compare; empty without one."""
    box = box_of(poll)
    return box.key_code if box else ""


def _qr() -> str:
    return segno.make(settings.PUBLIC_URL, error="m", micro=False).svg_inline(
        border=2, omitsize=True, light="#fff"
    )


def _turnout(poll: Poll) -> dict[str, object]:
    numbers = turnout.turnout_of(poll)
    left = (poll.closes_at - moments.now()).total_seconds() if poll.closes_at else None
    return {
        "voted": numbers.voted,
        "issued": numbers.issued,
        "waiting": numbers.waiting,
        "percent": turnout.percent(numbers.voted, numbers.issued),
        # Nothing is said of the last minutes before they come, and once the deadline has passed.
        "minutes": math.ceil(left / 60)
        if left is not None and 0 < left <= 60 * LAST_MINUTES
        else 0,
    }


def _revealed(poll: Poll) -> dict[str, object]:
    """Return the rows that the chair has revealed so far; every figure is the frozen result's."""
    outcome = outcome_of(poll)
    figures = outcome.result.figures
    places = list(outcome.filled)
    if not poll.show_votes:
        # In the order of votes the rows would tell them.
        places = listed(places)
    shown = places if poll.is_revealed else places[: poll.revealed]
    is_dense = len(places) > ROOMY
    limit = ONE_LINE if is_dense else TWO_LINES
    rows = [_row(poll, place, position, limit) for position, place in enumerate(shown, start=1)]
    context: dict[str, object] = {
        "figures": figures,
        "turnout": figures["turnout"],
        "rows": rows,
        "is_dense": is_dense,
        "open_words": words.open_words(outcome) if poll.is_revealed else "",
        "sheets": [],
    }
    if poll.is_revealed and poll.show_votes:
        names, valid = outcome.names, figures["turnout"]["valid"]
        whole = [
            _line(numbered(item["item"], names[item["item"]]), item, valid, TWO_LINES)
            for item in figures["items"]
        ]
        starts = range(0, len(whole), ROWS_A_SHEET)
        context["sheets"] = [whole[start : start + ROWS_A_SHEET] for start in starts]
    return context


def _row(poll: Poll, place: Place, position: int, limit: int) -> dict[str, object]:
    line = _line(numbered(place.key, place.name), place.row, place.valid, limit)
    by_votes = poll.show_votes and place.how == "count"
    if not by_votes:
        line |= {"place": position, "is_shared": False}
    # Votes of another round, or none, must not stand beside those of the first one.
    return line | {"how": "" if place.how == "count" else place.how_words, "by_votes": by_votes}


def _line(name: str, item: ItemFigures, valid: int, limit: int) -> dict[str, object]:
    return {
        "place": item["rank"],
        "is_shared": item["shared"],
        "name": name if len(name) <= limit else f"{name[: limit - TAIL]}…{name[-TAIL:]}",
        "is_long": len(name) > LONG_NAME,
        "votes": item["votes"],
        "width": turnout.percent(item["votes"], valid),
        "outcome": item["outcome"],
    }
