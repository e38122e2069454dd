"""The end of a poll: what is of no more use goes, and the journal says so (design §3.5)."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ballots import journal
from ballots.acts.sign_in import CARD_KEY
from ballots.facts.polls import IDLE
from ballots.models import AccessCard
from ballots.refusal import Refusals, demand_office, demand_second, locked
from projects.models import Poll
from projects.phases import LAST
from yiwu_vote.texts import typed_within

# As long as each of its words may be; the page that asks for them judges it.
WORDS_LIMIT = 1000

refused = Refusals(
    {
        "second-needed": _("归档须由会务和监票各一人签名。"),
        "not-over": _("只有结果已全部揭晓或已作废的票决可以归档。"),
        "archived-before": _("本次票决已经归档。"),
        "too-early": _("异议期到%(until)s为止，期满后才能归档。"),
        "words-needed": _("请写明密钥份额如何销毁。"),
        "backups-needed": _("请列出尚待销毁的备份；没有的请写“无”。"),
    }
)


def objections_until(poll: Poll) -> datetime | None:
    """Return the moment from which a poll may be archived; None before it is over.

    The days run from the end of the reveal, or from the close of a void poll. A rehearsal waits
    for nobody.
    """
    over = poll.revealed_at if poll.phase == Poll.Phase.PUBLISHED else poll.closed_at
    if over is None or poll.phase not in LAST:
        return None
    return over if poll.is_rehearsal else over + timedelta(days=poll.objection_days)


@transaction.atomic
def archive(
    poll: Poll, *, key_destroyed: str, backups: Collection[str], by: User, second: User | None
) -> Poll:
    """Archive a poll that is over, signed by the office and a scrutineer.

    Cards, the sessions they opened and the times of the roll are deleted. Cards of delegates who
    stand on the roll of a poll that is not over stay: they still need them. Ballots, result and
    journal stay, and with them both packages. `key_destroyed` says how the shares were destroyed,
    `backups` which copies of the database still hold what is deleted here. Raises Refused.
    """
    demand_office(by)
    second = demand_second(by, second, words=refused)
    key_destroyed = typed_within(key_destroyed, WORDS_LIMIT, lines=True)
    if not key_destroyed:
        raise refused("words-needed")
    copies = list(filter(None, (typed_within(line, WORDS_LIMIT) for line in backups)))
    if not copies:
        raise refused("backups-needed")
    poll = locked(poll)
    if poll.archived_at is not None:
        raise refused("archived-before")
    until = objections_until(poll)
    if until is None:
        raise refused("not-over")
    if timezone.now() < until:
        raise refused("too-early", until=f"{timezone.localtime(until):%Y-%m-%d %H:%M}")
    poll.archived_at = timezone.now()
    poll.save(update_fields=["archived_at"])
    cards = AccessCard.objects.filter(delegate__roll_entries__poll=poll)
    in_use = cards.filter(delegate__in=still_needed(poll))
    kept = set(in_use.values_list("pk", flat=True))
    gone = set(cards.values_list("pk", flat=True)) - kept
    sessions = _end_sessions(gone)
    AccessCard.objects.filter(pk__in=gone).delete()
    times = poll.roll.filter(voted_at__isnull=False).update(voted_at=None)
    journal.append(
        poll,
        journal.Kind.ARCHIVED,
        by=by,
        second=second,
        data={
            "key_destroyed": key_destroyed,
            "backups": copies,
            "cards": len(gone),
            "cards_in_use": len(kept),
            "sessions": sessions,
            "times": times,
        },
    )
    return poll


def still_needed(poll: Poll) -> list[int]:
    """Return the delegates on the roll of any other poll that is still to come or to end."""
    running = Poll.objects.exclude(pk=poll.pk).exclude(phase__in=LAST).exclude(IDLE)
    return list(running.values_list("roll__delegate", flat=True).exclude(roll__delegate=None))


def _end_sessions(cards: Collection[int]) -> int:
    """Delete the sessions that these cards opened; return how many."""
    ended = [
        session.pk
        for session in Session.objects.all()
        if session.get_decoded().get(CARD_KEY) in cards
    ]
    Session.objects.filter(pk__in=ended).delete()
    return len(ended)
