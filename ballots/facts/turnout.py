"""Who has come and who has voted, in all and by delegation; never how."""

from decimal import ROUND_HALF_UP, Decimal
from typing import TypedDict

from django.db.models import Count, Min, Q

from ballots.facts.paper import given
from ballots.models import Ballot, Delegate, RollEntry
from ballots.pure.tally import Turnout, quorum
from projects.models import Poll
from projects.phases import DRAFT, VOTING

ON_PAPER = Q(channel=RollEntry.Channel.PAPER)
# On the roll, no longer in office, and has not voted.
BARRED = ~Q(delegate__status=Delegate.Status.ACTIVE) & Q(voted=False) & ~ON_PAPER


def turnout_of(poll: Poll) -> Turnout:
    """Return 应到, 实到, 发出, marks on the roll and invalid ballots of `poll` in this moment."""
    marks = poll.roll.aggregate(
        roll=Count("pk"),
        present=Count("pk", filter=Q(present=True)),
        voted=Count("pk", filter=Q(voted=True)),
        papers=Count("pk", filter=ON_PAPER),
    )
    barred = poll.roll.filter(BARRED).count() if _leaves_out(poll) else 0
    return Turnout(
        **marks,
        issued=_issued(poll, marks["present"], marks["roll"] - barred),
        # Before the box is opened there are no ballots to ask about.
        invalid=0
        if poll.phase in DRAFT | VOTING | {Poll.Phase.CLOSED}
        else poll.ballots.exclude(invalid=Ballot.Invalid.VALID).count(),
        papers_returned=given.papers_given(poll, marks["papers"]).returned or 0,
    )


def is_complete(poll: Poll, figures: Turnout) -> bool:
    """Tell whether nobody may vote any more: whoever holds a ballot has, or the time is over."""
    return not figures.waiting or poll.is_time_up


def _issued(poll: Poll, present: int, on_roll: int) -> int:
    return present if poll.voters == Poll.Voters.PRESENT else on_roll


def _leaves_out(poll: Poll) -> bool:
    """Tell whether 发出 leaves out those on the roll who may not vote any more.

    Where those present vote, they are not present (`acts.roll.follow_status`). A count does not
    ask: the status of today is not that of the vote.
    """
    return poll.voters == Poll.Voters.ROLL and poll.phase in VOTING


def quorum_of(poll: Poll) -> int | None:
    """Return how many have to be present; None while nobody has typed how many there are in all."""
    if poll.delegates_total is None:
        return None
    return quorum(poll.delegates_total, poll.body)  # type: ignore[arg-type]  # the constraint holds the literal


def on_leave(poll: Poll) -> int:
    """Return how many of the roll are on leave (请假); none of them is present."""
    return poll.roll.exclude(leave="").count()


def entries_at_the_door(delegate: Delegate) -> list[RollEntry]:
    """Return the lines of `delegate` on the rolls that still take presence, the poll that runs first."""
    polls = Poll.objects.standing().filter(phase__in=DRAFT | VOTING)
    entries = RollEntry.objects.filter(delegate=delegate, poll__in=polls).select_related("poll")
    return sorted(entries, key=lambda entry: (not entry.poll.takes_ballots, -entry.poll.pk))


def percent(part: int, whole: int) -> str:
    """Return `part` of `whole` in percent with one decimal, halves rounded up; “0.0” of nothing."""
    if not whole:
        return "0.0"
    exact = Decimal(part * 100) / Decimal(whole)
    return str(exact.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP))


class TurnoutRow(TypedDict):
    """One row of 投票情况: 应到, 实到, 发出, 已投票, 纸质票, 未投票 and the rate in percent."""

    on_roll: int
    came: int
    issued: int
    marks: int
    papers: int
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
            name_order=Min("delegate__delegation__name_order"),
            on_roll=Count("pk"),
            came=Count("pk", filter=Q(present=True)),
            marks=Count("pk", filter=Q(voted=True)),
            papers=Count("pk", filter=ON_PAPER),
            barred=Count("pk", filter=BARRED),
        )
        .order_by("position", "name_order", "delegation")
    )
    return [
        {
            "delegation": row["delegation"],
            **turnout_row(
                on_roll=row["on_roll"],
                came=row["came"],
                issued=_issued(
                    poll,
                    row["came"],
                    row["on_roll"] - (row["barred"] if _leaves_out(poll) else 0),
                ),
                marks=row["marks"],
                papers=row["papers"],
            ),
        }
        for row in rows
    ]


def turnout_row(*, on_roll: int, came: int, issued: int, marks: int, papers: int = 0) -> TurnoutRow:
    """Return one row of 投票情况: what is typed in, who is still awaited, and the rate in percent.

    Whoever holds a paper is not awaited, nor is it known whether he has voted: the rate is of the
    others.
    """
    return {
        "on_roll": on_roll,
        "came": came,
        "issued": issued,
        "marks": marks,
        "papers": papers,
        "waiting": max(issued - papers - marks, 0),
        "share": percent(marks, issued - papers),
    }
