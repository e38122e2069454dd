"""Research data: the ballots of a poll as a file of Pabulib (pabulib.org), without its proposals.

The keys and the comment are in English, as in every file of that library, and no interface text:
readers there take the format, not our pages, for granted.
"""

import csv
import io
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext

from ballots.acts import details
from ballots.facts import record
from ballots.facts.outcome import Outcome, kind_of_round, outcome_of
from ballots.facts.vocabulary import MAJORITIES_IN_ENGLISH, WAYS
from ballots.files.download import Download
from ballots.models import Ballot
from projects.models import Poll
from projects.naming import file_names


def research_file(poll: Poll) -> Download:
    """Return the ticks of all valid ballots of `poll` in the format of Pabulib.

    Each project costs 1 and the budget is the number of places. The votes of a project are those
    that a reader counts in the file; the comment says where the official total is another one.
    Raises Refused before everybody knows the result (see `acts.details.is_due`).
    """
    poll = Poll.objects.get(pk=poll.pk)
    details.demand_due(poll, record.PABULIB)
    outcome = outcome_of(poll)
    chosen = poll.ballots.filter(invalid=Ballot.Invalid.VALID).values_list("chosen", flat=True)
    votes = [sorted(numbers) for numbers in chosen if numbers]
    # Neither place nor number of a ballot may lead back to its row, or to another export's.
    randomness = secrets.SystemRandom()
    randomness.shuffle(votes)
    voters = randomness.sample(range(10**9, 10**10), len(votes))
    totals = Counter(number for numbers in votes for number in numbers)
    filled = {place.key for place in outcome.filled}
    projects = sorted(
        poll.projects.all(), key=lambda project: (-totals[project.number], project.number)
    )
    out = io.StringIO(newline="")
    # Quotation marks go round a text that holds a semicolon; no cell is guarded against
    # spreadsheets, because no reader of this format would take the apostrophe off again.
    writer = csv.writer(out, delimiter=";", lineterminator="\n")
    writer.writerows([["META"], ["key", "value"]])
    writer.writerows(_meta(outcome, num_votes=len(votes), totals=totals).items())
    writer.writerows([["PROJECTS"], ["project_id", "cost", "votes", "name", "selected"]])
    writer.writerows(
        [
            project.number,
            1,
            totals[project.number],
            _in_one_line(project.title),
            int(str(project.number) in filled),
        ]
        for project in projects
    )
    writer.writerows([["VOTES"], ["voter_id", "vote"]])
    writer.writerows(
        [voter, ",".join(map(str, numbers))] for voter, numbers in zip(voters, votes, strict=True)
    )
    names = file_names(poll, gettext("研究数据"), "pabulib", "pb")
    return Download(*names, out.getvalue().encode())


def _meta(outcome: Outcome, *, num_votes: int, totals: Mapping[int, int]) -> dict[str, object]:
    poll, figures = outcome.poll, outcome.result.figures
    exactly = poll.choice_rule == Poll.ChoiceRule.EXACTLY
    return {
        "description": _in_one_line(
            f"Vote of the {poll.electorate.in_english} on livelihood projects "
            f"(民生实事项目人大代表票决), {poll.meeting}"
        ),
        "country": "China",
        "unit": _in_one_line(poll.meeting),
        "instance": poll.year,
        "num_projects": poll.projects.count(),
        "num_votes": num_votes,
        "budget": poll.places,
        "vote_type": "approval",
        # Most votes first while there are places, from so many votes on: with a cost of 1 each.
        "rule": "greedy-threshold",
        "date_begin": _day(poll.opened_at),
        "date_end": _day(poll.closed_at),
        "min_length": poll.places if exactly else 1,
        "max_length": poll.places,
        "min_project_score_threshold": figures["needed"],
        "language": "zh",
        "comment": " ".join(
            f"#{position}: {text}"
            for position, text in enumerate(
                _comments(outcome, left_out=figures["turnout"]["valid"] - num_votes, totals=totals),
                start=1,
            )
        ),
    }


def _comments(outcome: Outcome, *, left_out: int, totals: Mapping[int, int]) -> Iterable[str]:
    """Yield what a reader has to know, each in a sentence or two."""
    poll, figures = outcome.poll, outcome.result.figures
    if poll.is_rehearsal:
        yield "Synthetic data: this was a rehearsal (演练), not a vote."
    if poll.phase == Poll.Phase.COUNTED:
        yield "The count had not been confirmed when this file was made."
    if poll.parent is not None:
        kind = kind_of_round(poll)
        yield f"This was {WAYS[kind].in_english} on places that an earlier vote had left open."
    yield "Every project costs 1 and the budget is the number of places to fill."
    members = poll.electorate.in_english
    majority = MAJORITIES_IN_ENGLISH[figures["rules"]["majority"]] % {"members": members}
    yield (
        f"A project needs {_many(figures['needed'], 'official vote')} ({majority}): "
        "see min_project_score_threshold."
    )
    if poll.form == Poll.Form.EACH:
        yield (
            f"{members.capitalize()} marked each project for, against or abstained; a vote holds the projects "
            "marked for."
        )
    yield from _about_proposals(outcome, totals)
    yield (
        f"Left out: {_many(left_out, 'valid ballot')} without a listed project (blank ballots among "
        f"them), and {_many(figures['turnout']['invalid'], 'invalid ballot')}."
    )
    yield from _about_open_places(outcome)


def _about_proposals(outcome: Outcome, totals: Mapping[int, int]) -> Iterable[str]:
    if outcome.poll.proposals == Poll.Proposals.OFF:
        return
    yield (
        f"{outcome.poll.electorate.in_english.capitalize()} could also propose projects on the "
        "ballot. Proposals are left out of this file, "
        "and a vote may use fewer places than its ballot did."
    )
    places = sum(place.source == "proposal" for place in outcome.filled)
    if places:
        yield f"{_many(places, 'place')} went to proposals: so many fewer projects are selected here."
    differing = [
        f"project {item['item']} has {_many(item['votes'], 'official vote')}, "
        f"{totals[int(item['item'])]} here"
        for item in outcome.result.figures["items"]
        if item["source"] == "candidate" and item["votes"] != totals[int(item["item"])]
    ]
    if differing:
        yield (
            "Officially a ballot also counts for the project that its proposal was merged into: "
            f"{', '.join(differing)}."
        )


def _about_open_places(outcome: Outcome) -> Iterable[str]:
    """Yield how a tie or a shortfall of the count was settled; the program never breaks a tie."""
    figures = outcome.result.figures
    tied = [item for item in figures["items"] if item["outcome"] == "tied"]
    if not outcome.places_left:
        return
    if tied:
        listed = [item["item"] for item in tied if item["source"] == "candidate"]
        others = len(tied) - len(listed)
        names = [f"project {key}" for key in listed]
        names += [_many(others, "proposal")] if others else []
        yield f"Tie: {', '.join(names)} were level for the last {_many(outcome.places_left, 'place')}."
    else:
        yield f"The count left {_many(outcome.places_left, 'place')} open."
    ways = {
        place.how: WAYS[place.how].in_english for place in outcome.filled if place.how != "count"
    }
    for how, way in ways.items():
        settled = sum(place.how == how for place in outcome.filled)
        yield f"Filled by {way}: {_many(settled, 'place')}."
    if outcome.open_places:
        state = "Left open" if outcome.is_final else "Unresolved when this file was made"
        yield f"{state}: {_many(outcome.open_places, 'place')}."


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _day(moment: datetime | None) -> str:
    return f"{timezone.localtime(moment):%d.%m.%Y}" if moment else ""


def _in_one_line(text: str) -> str:
    """Return `text` without line breaks: not every reader of these files knows quoted ones."""
    return " ".join(text.split())
