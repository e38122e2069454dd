"""What is looked at and read out before a poll opens: rules, candidates, roll, staff (design §3.2)."""

from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils.translation import gettext

from ballots import journal
from ballots.facts.frozen import frozen, staff_as_shown
from ballots.facts.polls import box_of
from ballots.facts.turnout import quorum_of, turnout_by_delegation
from ballots.models import BallotBox
from projects import wording
from projects.models import Poll, Project


@dataclass(frozen=True)
class DelegationRow:
    """How many of one delegation stand on the roll, have come, and hold a card."""

    name: str
    on_roll: int
    came: int
    cards: int


@dataclass(frozen=True)
class Sheet:
    """Everything that the opening fixes, in full words, and the short digest of it."""

    rules: list[str]
    candidates: list[Project]
    delegations: list[DelegationRow]
    quorum: int | None
    staff: list[tuple[str, str, str]]
    box: BallotBox | None
    digest: str
    head: str

    @property
    def all(self) -> DelegationRow:
        """The figures of all delegations together."""
        rows = self.delegations
        return DelegationRow(
            gettext("合计"),
            sum(row.on_roll for row in rows),
            sum(row.came for row in rows),
            sum(row.cards for row in rows),
        )


def sheet_of(poll: Poll) -> Sheet:
    """Return what the opening of the draft `poll` would fix now."""
    valid = Count("delegate__cards", filter=Q(delegate__cards__revoked_at__isnull=True))
    cards = dict(poll.roll.values_list("delegation").annotate(held=valid))
    return Sheet(
        rules=wording.rules_in_words(poll),
        candidates=list(poll.projects.order_by("number").prefetch_related("targets", "sub_items")),
        delegations=[
            DelegationRow(row["delegation"], row["on_roll"], row["came"], cards[row["delegation"]])
            for row in turnout_by_delegation(poll)
        ],
        quorum=quorum_of(poll),
        staff=staff_as_shown(),
        box=box_of(poll),
        digest=frozen(poll)["digest"],
        head=journal.head(poll),
    )
