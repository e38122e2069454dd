"""What the opening of a poll puts on record: hashed in the journal, shown in a package."""

from datetime import UTC, datetime

from django.conf import settings

from ballots import roles
from ballots.pure import chain
from projects.models import Poll


def frozen_poll(poll: Poll) -> dict[str, object]:
    """Return what a poll is, as the opening hashes it and a package shows it."""
    return {
        "uuid": str(poll.uuid),
        "kind": poll.kind,
        "meeting": poll.meeting,
        "year": poll.year,
    }


def frozen_rules(poll: Poll) -> dict[str, object]:
    """Return the rules of `poll` as the opening hashes them and a package shows them."""
    rules = {column: getattr(poll, column) for column in Poll.RULES}
    # A hash knows no dates: the day stands as text, and none as an empty one.
    return rules | {"rules_adopted_on": str(poll.rules_adopted_on or "")}


def frozen_candidates(poll: Poll) -> list[list[object]]:
    """Return number, title, text, targets and the rest of each candidate, in order of number."""
    return [
        [
            project.number,
            project.title,
            project.text,
            [str(line) for line in project.targets.all()],
            [
                project.category,
                project.lead_unit,
                "" if project.investment is None else str(project.investment),
                project.deadline,
                project.site,
            ],
        ]
        for project in poll.projects.order_by("number").prefetch_related("targets")
    ]


def frozen_roll(poll: Poll) -> list[list[str]]:
    """Return number and name of everybody on the roll, in order of number."""
    return [list(row) for row in poll.roll.order_by("number").values_list("number", "name")]


def moment(at: datetime | None) -> str:
    """Return a moment as the journal says it, in UTC; empty for none, since a hash knows no times."""
    return "" if at is None else at.astimezone(UTC).isoformat()


def frozen(poll: Poll) -> dict[str, object]:
    """Return what the opening fixes: hashes of poll, rules, candidates and roll, and the staff."""
    return {
        "poll": chain.digest("poll", chain.canonical(frozen_poll(poll))),
        "rules": chain.digest("rules", chain.canonical(frozen_rules(poll))),
        "candidates": chain.digest("candidates", chain.canonical(frozen_candidates(poll))),
        "roll": chain.digest("roll", chain.canonical(frozen_roll(poll))),
        "on_roll": poll.roll.count(),
        "present": poll.roll.filter(present=True).count(),
        "ceremony": poll.box.ceremony,
        "closes_at": moment(poll.closes_at),
        "staff": roles.accounts(),
        "plain_http": settings.PLAIN_HTTP,
    }
