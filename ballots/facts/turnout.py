"""Who has come and who has voted, in all and by delegation; never how."""

from decimal import ROUND_HALF_UP, Decimal
from typing import TypedDict

from django.db.models import Count, Min, Q

from ballots.models import Ballot
from ballots.pure.tally import Turnout
from projects.models import Poll
from projects.phases import DRAFT, VOTING


def turnout_of(poll: Poll) -> Turnout:
    """Return 应到, 实到, 发出, marks on the roll and invalid ballots of `poll` in this moment."""
    marks = poll.roll.aggregate(
        roll=Count("pk"),
        present=Count("pk", filter=Q(present=True)),
        voted=Count("pk", filter=Q(voted=True)),
    )
    return Turnout(
        **marks,
        issued=marks["present" if poll.voters == Poll.Voters.PRESENT else "roll"],
        # Before the box is opened there are no ballots to ask about.
        invalid=0
        if poll.phase in DRAFT | VOTING | {Poll.Phase.CLOSED}
        else poll.ballots.exclude(invalid=Ballot.Invalid.VALID).count(),
    )


def percent(part: int, whole: int) -> str:
    """Return `part` of `whole` in percent with one decimal, halves rounded up; “0.0” of nothing."""
    if not whole:
        return "0.0"
    exact = Decimal(part * 100) / Decimal(whole)
    return str(exact.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP))


class TurnoutRow(TypedDict):
    """One row of 投票情况: 应到, 实到, 已投票, 未投票 and the rate in percent."""

    on_roll: int
    came: int
    marks: int
    waiting: int
    share: str


class DelegationRow(TurnoutRow):
    """The row of one delegation, or of all of them together."""

    delegation: str


def turnout_by_delegation(poll: Poll) -> list[DelegationRow]:
    """Return the figures of each delegation in the order of the roll; who has voted, never how."""
    rows = (
        poll.roll.values("delegation")
        .annotate(
            # The roll keeps its own words, also of somebody who has changed delegation since.
            position=Min("delegate__delegation__position"),
            on_roll=Count("pk"),
            came=Count("pk", filter=Q(present=True)),
            marks=Count("pk", filter=Q(voted=True)),
        )
        .order_by("position", "delegation")
    )
    return [
        {
            "delegation": row["delegation"],
            **turnout_row(poll, on_roll=row["on_roll"], came=row["came"], marks=row["marks"]),
        }
        for row in rows
    ]


def turnout_row(poll: Poll, *, on_roll: int, came: int, marks: int) -> TurnoutRow:
    """Return one row of 投票情况: what is typed in, who is still awaited, and the rate in percent."""
    base = came if poll.voters == Poll.Voters.PRESENT else on_roll
    return {
        "on_roll": on_roll,
        "came": came,
        "marks": marks,
        "waiting": max(base - marks, 0),
        "share": percent(marks, base),
    }
