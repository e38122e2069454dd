"""HTTP in, HTTP out, for anybody: the result, once the hall has seen it all."""

from collections.abc import Iterable

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from ballots.facts import grades, turnout, words
from ballots.facts.outcome import Outcome, in_list_order, outcome_of, round_of
from ballots.facts.words import share_of
from ballots.pages.answers import asked_poll, clock, refusable
from ballots.pages.middleware import VisitorRequest
from ballots.pure.figures import Figures, ItemFigures, base_of
from projects.models import Poll
from projects.year.models import Year

# --- the result -----------------------------------------------------------------------------------


@login_not_required
@require_safe
@refusable
def results(request: VisitorRequest) -> HttpResponse:
    """Show the result once the hall has seen it all; before that the page holds no figure at all."""
    poll = asked_poll(request)
    context: dict[str, object] = {"poll": poll}
    if poll.is_revealed:
        context |= _outcome(poll)
    return render(request, "ballots/results/results.html", context)


def _outcome(poll: Poll) -> dict[str, object]:
    outcome = outcome_of(poll)
    figures = outcome.result.figures
    usual = {
        "what": words.counted_as(figures).result,
        "turnout": figures["turnout"],
        "published_at": clock(poll.published_at),
        "year": Year.objects.filter(poll=poll).first(),
    }
    if poll.is_graded:
        return usual | _grades(poll, figures)
    return (
        usual
        | _table(outcome)
        | {
            "open_words": words.open_words(outcome),
            "is_by_vote": all(place.how != "decision" for place in outcome.filled),
            "proposals_words": words.proposals_words(outcome.result.figures),
            "decision": outcome.last.decision,
            "rounds": _rounds(outcome) if poll.show_votes else [],
        }
    )


def _grades(poll: Poll, figures: Figures) -> dict[str, object]:
    """Return the items of a 满意度测评 with their grades, and the whole; no ranks and no places."""
    return grades.table(figures) | {
        "figures": figures,
        "items": [
            {**item, "named": _named_counts(figures, item)}
            for item in words.described(poll, figures)
        ],
    }


def _named_counts(figures: Figures, item: ItemFigures) -> list[tuple[object, int]]:
    """Return the votes of an item, each with the name of its column in the form of its ballots."""
    columns = words.counted_as(figures).columns
    return [
        (column.name, count)
        for column, count in zip(columns, words.counts_of(figures, item), strict=True)
    ]


def _table(outcome: Outcome) -> dict[str, object]:
    """Return the items of one round as they ended: in a place, still level, or in none."""
    poll, figures = outcome.poll, outcome.result.figures
    names = outcome.names
    filled = {place.key: place for place in outcome.filled}
    adopted = [item for item in figures["items"] if item["item"] in filled]
    others = [item for item in figures["items"] if item["item"] not in filled]
    tied = [item for item in others if item["item"] in outcome.pending]
    if not poll.show_votes:
        # In the order of votes only where votes are shown: the order alone would tell them.
        adopted.sort(key=_in_list_order)
        tied.sort(key=_in_list_order)

    def shown(item: ItemFigures) -> dict[str, object]:
        key = item["item"]
        # The votes for it have a bar of their own.
        beside = _named_counts(figures, item)[1:]
        return {**item, "name": names[key], "share": share_of(figures, item), "beside": beside}

    columns = words.counted_as(figures).columns
    return {
        "figures": figures,
        "beside": [column.name for column in columns[1:]],
        # Rank, name and share stand beside them.
        "width": 3 + len(columns),
        "adopted": [shown(item) | {"how": filled[item["item"]]} for item in adopted],
        "tied": [shown(item) for item in tied],
        "failed": _by_reason(
            (words.ending(outcome, item), shown(item)) for item in others if item not in tied
        ),
        "needs_majority": figures["rules"]["majority"] != "none",
        "half": _half(figures),
        "share_name": words.share_name(figures),
        "share_words": words.share_words(figures),
    }


def _by_reason(
    failed: Iterable[tuple[str, dict[str, object]]],
) -> list[tuple[str, list[dict[str, object]]]]:
    """Return the items that have no place by why they have none, so that it is said once."""
    groups: dict[str, list[dict[str, object]]] = {}
    for reason, item in failed:
        groups.setdefault(reason, []).append(item)
    return list(groups.items())


def _rounds(outcome: Outcome) -> list[dict[str, object]]:
    """Return the tables of the second rounds that are out, as far as all before show their votes."""
    tables = []
    for later in outcome.rounds[1:]:
        if not later.poll.show_votes:
            break
        tables.append(_table(later) | {"kind": round_of(later.poll), "poll": later.poll})
    return tables


def _in_list_order(item: ItemFigures) -> tuple[bool, int]:
    return in_list_order(item["item"])


def _half(figures: Figures) -> str:
    """Return where on the bars the majority lies, in percent; nothing without a ballot to count."""
    base = base_of(figures)
    return turnout.percent(figures["needed"], base) if base else ""
