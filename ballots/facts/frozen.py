"""What the opening of a poll puts on record: hashed in the journal, shown in a package."""

from datetime import UTC, datetime

from django.conf import settings

from ballots import journal, roles
from ballots.pure import chain
from projects.models import Poll

# Which rules an opening hashes, in each format so far: what was opened is shown in the format of its
# opening for good. The first is that of `5914733`. Whoever changes what is hashed adds the next one
# here and in the verifier, and keeps a database of the one before (CONTRIBUTING.md).
FIRST_RULES = (
    *("places", "choice_rule", "blank_allowed", "proposals", "proposal_limit", "voters"),
    *("majority", "delegates_total", "simple", "show_votes", "rules_name", "rules_adopted_on"),
)
RULES_OF_FORMAT = {1: FIRST_RULES, 2: (*FIRST_RULES, "form", "objection_days")}
FORMAT = max(RULES_OF_FORMAT)


def frozen_poll(poll: Poll) -> dict[str, object]:
    """Return what a poll is, as the opening hashes it and a package shows it."""
    return {
        "uuid": str(poll.uuid),
        "kind": poll.kind,
        "meeting": poll.meeting,
        "year": poll.year,
    }


def frozen_rules(poll: Poll, number: int = FORMAT) -> dict[str, object]:
    """Return the rules of `poll` as an opening of format `number` hashes them and a package shows them."""
    rules = {column: getattr(poll, column) for column in RULES_OF_FORMAT[number]}
    # A hash knows no dates: the day stands as text, and none as an empty one.
    return rules | {"rules_adopted_on": str(poll.rules_adopted_on or "")}


def opened_in(poll: Poll) -> int:
    """Return the format in which `poll` was opened: the one whose rules have the hash on record.

    Today's where no opening is on record, or one whose rules somebody has changed since.
    """
    hashes = journal.said(poll, journal.Kind.OPENED, "rules")
    for number in RULES_OF_FORMAT:
        if hashes and hashes[-1] == _rules_digest(poll, number):
            return number
    return FORMAT


def _rules_digest(poll: Poll, number: int = FORMAT) -> str:
    return chain.digest("rules", chain.canonical(frozen_rules(poll, number)))


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
        "rules": _rules_digest(poll),
        "candidates": chain.digest("candidates", chain.canonical(frozen_candidates(poll))),
        "roll": chain.digest("roll", chain.canonical(frozen_roll(poll))),
        "on_roll": poll.roll.count(),
        "present": poll.roll.filter(present=True).count(),
        "ceremony": poll.box.ceremony,
        "closes_at": moment(poll.closes_at),
        "staff": roles.accounts(),
        "plain_http": settings.PLAIN_HTTP,
    }
