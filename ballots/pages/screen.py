"""The hall's big screen (design §10.4): turnout while open, then the reveal at the chair's pace.

It shows what the phase allows and nothing else; the result stays on the server until its steps are
taken, so that no source of a page is ahead of the chair.
"""

import math
import unicodedata
from collections.abc import Iterable

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from ballots import journal
from ballots.facts import grades, turnout, words
from ballots.facts.outcome import Outcome, Place, in_turn, outcome_of
from ballots.facts.paper.given import are_awaited
from ballots.facts.polls import box_of
from ballots.journal import Kind
from ballots.pages.answers import LAST_MINUTES
from ballots.pages.middleware import VisitorRequest
from ballots.pure.figures import Figures, ItemFigures, base_of
from projects.models import Poll
from yiwu_vote import moments

Row = dict[str, object]

# What one sheet holds and can still be read from 20 metres: places, with the figures below them; so
# many where the words on open places take lines of their own; and projects in the list of all.
PLACES_A_SHEET, PLACES_BESIDE_WORDS, PROJECTS_A_SHEET = 10, 6, 12
LONG_WORDS = 90
# How wide the widest name may be, in signs as wide as they are high, for each class of `screen.css`;
# a wider one stands in two lines, and all names of a sheet have one size. The column beside the names,
# which has the bars, gives way before they do; where it is empty they have its room.
BESIDE_BARS = ((21.0, "wide"), (23.5, "whole"), (28.5, "middle"))
ALONE = ((32.0, "whole"), (39.5, "middle"))
# The same beside the columns of a 满意度测评, and beside the grade alone.
BESIDE_GRADES = ((16.0, "whole"), (20.0, "middle"))
BESIDE_A_GRADE = ((30.0, "whole"), (37.0, "middle"))


@login_not_required
@require_safe
@vary_on_headers("HX-Request")
def screen(request: VisitorRequest, key: str) -> HttpResponse:
    """Show the screen; asked again every five seconds, only the part that changes.

    While a result is being revealed it is asked more often, with how much of it is `seen`: as long
    as there is no more, the answer is empty and has cost one query.
    """
    poll = get_object_or_404(Poll.objects.select_related("box"), screen_key=key)
    if _is_being_revealed(poll) and request.GET.get("seen") == str(poll.revealed):
        return HttpResponse(status=204)
    # Every page knows its poll from the address, whoever may have signed in on this machine.
    request.poll = poll
    context = {"poll": poll, "now": timezone.localtime(), "key": key} | _shown(poll)
    context["hide_waiting"] = request.GET.get("waiting") == "no"
    name = "ballots/screen/_screen.html" if request.htmx else "ballots/screen/screen.html"
    return render(request, name, context)


def _is_being_revealed(poll: Poll) -> bool:
    return poll.phase == Poll.Phase.PUBLISHED and not poll.is_revealed


def _shown(poll: Poll) -> dict[str, object]:
    match poll.phase:
        case Poll.Phase.DRAFT:
            return {
                "state": "before",
                "address": settings.PUBLIC_URL,
                "key_code": _key_code(poll),
            }
        case Poll.Phase.OPEN | Poll.Phase.PAUSED:
            return {"state": poll.phase, "key_code": _key_code(poll)} | _turnout(poll)
        case Poll.Phase.PUBLISHED:
            return {"state": "published"} | _revealed(poll)
        case Poll.Phase.VOID:
            return {"state": "void"}
    numbers = turnout.turnout_of(poll)
    return {
        "state": "counting",
        "voted": numbers.voted,
        "papers": numbers.papers,
        "returned": numbers.voted + numbers.papers_returned,
        "waits_for_papers": numbers.papers > 0 and are_awaited(poll),
        # Once, and to everybody: whoever writes it down can tell whether the record was cut or made
        # anew since the close.
        "head": journal.head(poll, Kind.CLOSED) if poll.phase == Poll.Phase.CLOSED else "",
    }


def _key_code(poll: Poll) -> str:
    """Return the signs of the key as the box has it, for the holders to compare; empty without one."""
    box = box_of(poll)
    return box.key_code if box else ""


def _turnout(poll: Poll) -> dict[str, object]:
    numbers = turnout.turnout_of(poll)
    left = (poll.closes_at - moments.now()).total_seconds() if poll.closes_at else None
    return {
        "voted": numbers.voted,
        "waiting": numbers.waiting,
        "papers": numbers.papers,
        "online": numbers.online,
        "percent": turnout.percent(numbers.voted, numbers.online),
        # Nothing is said of the last minutes before they come, and once the deadline has passed.
        "minutes": math.ceil(left / 60)
        if left is not None and 0 < left <= 60 * LAST_MINUTES
        else 0,
    }


# --- the result -----------------------------------------------------------------------------------


def _revealed(poll: Poll) -> dict[str, object]:
    """Return the rows that the chair has revealed so far; every figure is the frozen result's."""
    outcome = outcome_of(poll)
    figures = outcome.result.figures
    if poll.is_graded:
        return _graded(outcome)
    places = in_turn(outcome)
    words_of_open = words.open_words(outcome) if poll.is_revealed else ""
    rows = [
        _row(poll, place, position)
        for position, place in enumerate(
            places if poll.is_revealed else places[: poll.revealed], start=1
        )
    ]
    context: dict[str, object] = {
        "what": words.counted_as(figures).result,
        "turnout": figures["turnout"],
        "layout": _layout(outcome),
        "open_words": words_of_open,
        "slots": figures["places"],
    }
    if poll.show_votes and (rows or poll.is_revealed):
        # Not before the first row: the half of the valid ballots tells how many there are.
        context |= _half(figures)
    if poll.is_revealed:
        most = PLACES_BESIDE_WORDS if len(words_of_open) > LONG_WORDS else PLACES_A_SHEET
        return context | {
            "sheets": _sheets(rows, most) or [[]],
            "whole": _whole(outcome) if poll.show_votes else [],
        }
    if rows:
        rows[-1]["is_newest"] = True
    # As many slots as places: how many of them are filled is not said before the last.
    slots: list[Row] = [
        {"place": position, "is_free": True}
        for position in range(len(rows) + 1, figures["places"] + 1)
    ]
    # The hall turns no leaf during the reveal: the sheet with the newest is the one that is shown.
    newest = rows[-1] if rows else slots[0]
    sheets = _sheets(rows + slots, PLACES_A_SHEET)
    return context | {"sheets": [next(sheet for sheet in sheets if newest in sheet)], "whole": []}


def _graded(outcome: Outcome) -> dict[str, object]:
    """Return the sheets of a 满意度测评, which is revealed in one step; nothing before that."""
    poll, figures = outcome.poll, outcome.result.figures
    context: dict[str, object] = {"what": words.counted_as(figures).result, "sheets": []}
    if not poll.is_revealed:
        return context
    rows: list[Row] = [dict(item) for item in words.described(poll, figures)]
    steps = BESIDE_GRADES if poll.show_votes else BESIDE_A_GRADE
    return context | {
        "turnout": figures["turnout"],
        "columns": words.counted_as(figures).columns,
        "sheets": _sheets(rows, PLACES_A_SHEET),
        "layout": _class_of(outcome.names.values(), steps),
        "whole_words": grades.whole_words(figures, with_votes=poll.show_votes),
    }


def _sheets(rows: list[Row], most: int) -> list[list[Row]]:
    """Return `rows` on as few sheets of at most `most` as there must be, each about as full."""
    if not rows:
        return []
    size = math.ceil(len(rows) / math.ceil(len(rows) / most))
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _whole(outcome: Outcome) -> list[list[Row]]:
    """Return the sheets of all projects, adopted or not."""
    figures, names = outcome.result.figures, outcome.names
    base = base_of(figures)
    rows = [
        _line(item["item"], names[item["item"]], item, base) | {"by_votes": True}
        for item in figures["items"]
    ]
    return _sheets(rows, PROJECTS_A_SHEET)


def _half(figures: Figures) -> dict[str, object]:
    """Return where on the bars the majority lies, and how many votes it is; nothing without one."""
    if figures["rules"]["majority"] == "none":
        return {}
    needed = figures["needed"]
    return {"needed": needed, "half": turnout.percent(needed, base_of(figures))}


def _row(poll: Poll, place: Place, position: int) -> Row:
    line = _line(place.key, place.name, place.row, place.base)
    by_votes = poll.show_votes and place.how == "count"
    if not by_votes:
        line |= {"place": position, "is_shared": False}
    # Votes of another round, or none, must not stand beside those of the first one.
    return line | {"how": "" if place.how == "count" else place.how_words, "by_votes": by_votes}


def _line(key: str, name: str, item: ItemFigures, base: int) -> Row:
    return {
        "place": item["rank"],
        "is_shared": item["shared"],
        "key": key,
        "name": name,
        "votes": item["votes"],
        "width": turnout.percent(min(item["votes"], base), base),
        "outcome": item["outcome"],
    }


def _layout(outcome: Outcome) -> str:
    """Return the class of the sheets, by the widest of all names of the count.

    Of all, not of those that passed: a sheet that makes room for a name would tell that it comes.
    """
    has_column = outcome.poll.show_votes or any(place.how != "count" for place in outcome.filled)
    steps = BESIDE_BARS if has_column else ALONE
    name = _class_of(outcome.names.values(), steps)
    return f"{name} barred" if has_column else name


def _class_of(names: Iterable[str], steps: tuple[tuple[float, str], ...]) -> str:
    """Return the class of the sheets on which all of `names` have the largest size that fits."""
    widest = widest_of(names)
    return next((name for limit, name in steps if widest <= limit), "small")


def widest_of(names: Iterable[str]) -> float:
    """Return how wide the widest of `names` is, in signs as wide as they are high."""
    return max(
        (
            sum(1 if unicodedata.east_asian_width(sign) in "WFA" else 0.55 for sign in name)
            for name in names
        ),
        default=0,
    )
