"""What may still be changed of a poll that has opened, always on record: its deadline, by two people;
whom to call and the words before the vote, by one."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from ballots import journal
from ballots.facts import database
from ballots.facts.frozen import moment
from ballots.refusal import Refusals, demand_colleague, demand_office, demand_reason, locked
from projects.models import Poll
from projects.phases import RUNNING, VOTING
from yiwu_vote.moments import to_the_minute

refused = Refusals(
    {
        "voting-over": _("投票不在进行中，不能延长截止时间。"),
        "no-deadline": _("本次票决没有预定截止时间，由主持人宣布截止，不需要延长。"),
        "not-later": _("新的截止时间须晚于原定的截止时间（%(when)s）。"),
        "unchanged": _("没有改动。"),
        "past": _("新的截止时间已经过去，请填写晚于现在的时间。"),
        "too-far": _(
            "截止时间没有改动：最多延长到24小时以后（%(when)s），延长后不能提前或取消。请核对年月日。"
        ),
    }
)
# A deadline is never moved to earlier again: a mistyped year would stand for good.
FURTHEST = timedelta(hours=24)


@transaction.atomic
def move_deadline(
    poll: Poll, *, closes_at: datetime, reason: str, by: User, second: User | None
) -> Poll:
    """Move the deadline of a poll that takes ballots to later, by two people (design §3.2).

    Also after it has passed, until somebody closes. Raises Refused for a poll that has none, for
    a moment that is not later than the old one and than the database's clock, and for one more than
    `FURTHEST` after that clock.
    """
    demand_office(by)
    reason = demand_reason(reason)
    second = demand_colleague(by, second)
    poll = locked(poll, *VOTING, code="voting-over", words=refused)
    before = poll.closes_at
    if before is None:
        raise refused("no-deadline")
    if closes_at <= before:
        raise refused("not-later", when=to_the_minute(before))
    now = database.now()
    if closes_at <= now:
        raise refused("past")
    if closes_at > now + FURTHEST:
        raise refused("too-far", when=to_the_minute(now + FURTHEST))
    poll.closes_at = closes_at
    poll.save(update_fields=["closes_at"])
    journal.append(
        poll,
        journal.Kind.DEADLINE_MOVED,
        by=by,
        second=second,
        data={"old": moment(before), "new": moment(closes_at), "reason": reason},
    )
    return poll


@transaction.atomic
def correct_details(poll: Poll, *, phone: str, opening_words: str, by: User) -> Poll:
    """Correct whom to call and the words before the vote, while the poll runs (design §3.2).

    Neither is a rule, and no hash of the opening holds them; the record keeps what stood there.
    Raises refused("unchanged") where both are what they were.
    """
    demand_office(by)
    poll = locked(poll, *RUNNING)
    given = {"phone": phone, "opening_words": opening_words}
    changed = [
        [column, getattr(poll, column), value]
        for column, value in given.items()
        if value != getattr(poll, column)
    ]
    if not changed:
        raise refused("unchanged")
    for column, _old, value in changed:
        setattr(poll, column, value)
    poll.save(update_fields=[column for column, _old, _new in changed])
    journal.append(poll, journal.Kind.DETAILS_CORRECTED, by=by, data={"changed": changed})
    return poll
