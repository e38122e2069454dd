"""The end of a poll: what is of no more use goes, and the journal says so (design §3.5)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ballots import journal
from ballots.facts.copies.made import made_while_voting
from ballots.facts.polls import IDLE
from ballots.models import AccessCard, Register, RollEntry, Session
from ballots.refusal import Refusals, demand_office, demand_second, locked
from projects.models import Poll
from projects.phases import LAST
from yiwu_vote.moments import to_the_minute

# As long as each of its words may be; the page that asks for them judges it.
WORDS_LIMIT = 1000

refused = Refusals(
    {
        "second-needed": _("归档须由会务和监票各一人签名。"),
        "not-over": _("只有结果已全部揭晓或已作废的票决可以归档。"),
        "archived-before": _("本次票决已经归档。"),
        "too-early": _("异议期到%(until)s为止，期满后才能归档。"),
        "not-archived": _("投票卡在归档时删除；归档后仍有不再需要的，才能在这里销毁。"),
        "no-cards": _("没有可以销毁的投票卡：其余的，别的票决或还没有结束的年度实事还要用。"),
        "figure-moved": _("将删除的投票卡已变为%(count)d张，请核对后重新办理。"),
        "words-needed": _("请写明密钥份额如何销毁。"),
        "backups-needed": _("请列出尚待销毁的备份；没有的请写“无”。"),
        "copies-left": _(
            "备份位置上还有投票期间制作的备份：%(names)s。请先销毁，或列入尚待销毁的备份。"
        ),
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


# --- cards ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cards:
    """What becomes of the cards of a poll's roll: the keys of those that go and of those that stay.

    `needed_by` are the polls for which some of them stay, the newest first.
    """

    gone: frozenset[int]
    kept: frozenset[int]
    needed_by: tuple[Poll, ...]


def cards_of(poll: Poll) -> Cards:
    """Return which cards go when `poll` is archived, and which stay, as it is now.

    A card belongs to a delegate and to no poll. A rehearsal never takes one away; a real poll only
    those that no other poll still needs, and none until the year of its projects is closed.
    """
    rows = AccessCard.objects.filter(delegate__roll_entries__poll=poll)
    cards = dict(rows.values_list("pk", "delegate"))
    if poll.is_rehearsal:
        return Cards(frozenset(), frozenset(cards), ())
    needed: set[int] = set()
    needed_by = []
    for other, on_roll in _needing_cards(poll):
        # Before its roll is drawn up nobody knows whose cards a draft needs.
        mine = set(cards.values()) & on_roll if on_roll else set(cards.values())
        needed |= mine
        needed_by += [other] if mine else []
    kept = frozenset(pk for pk, delegate in cards.items() if delegate in needed)
    return Cards(frozenset(cards) - kept, kept, tuple(needed_by))


def _needing_cards(poll: Poll) -> list[tuple[Poll, set[int]]]:
    """Return each poll whose delegates still need their cards, with those on its roll.

    Another one that is to come or to end; a real one within its days of objection, for with the card
    a delegate sees his receipt; and any, `poll` too, whose year is not closed: delegates follow its
    projects and judge them. What was dropped, or can never open, needs none.
    """
    polls = Poll.objects.standing().exclude(IDLE).select_related("made_year")
    waiting = [
        other
        for other in polls
        if _is_followed(other)
        or (other != poll and (not other.is_over or _may_be_objected_to(other)))
    ]
    rolls: dict[int, set[int]] = {other.pk: set() for other in waiting}
    entries = RollEntry.objects.filter(poll__in=waiting)
    for key, delegate in entries.values_list("poll", "delegate"):
        rolls[key].add(delegate)
    return [(other, rolls[other.pk]) for other in waiting]


def _is_followed(poll: Poll) -> bool:
    """Tell whether the projects of a poll are those of a year that is not closed."""
    year = getattr(poll, "made_year", None)
    return year is not None and year.is_open


def _may_be_objected_to(poll: Poll) -> bool:
    until = objections_until(poll)
    return until is not None and timezone.now() < until


# --- the two acts ---------------------------------------------------------------------------------


@transaction.atomic
def archive(
    poll: Poll,
    *,
    key_destroyed: str,
    backups: Collection[str],
    cards: int | None = None,
    by: User,
    second: User | None,
) -> Poll:
    """Archive a poll that is over, signed by the office and a scrutineer.

    The times of the roll are deleted; of a real poll also the cards that no other poll needs, and
    the sessions they opened. `cards` is how many would go, as the person read it on the page: if
    that has moved, nothing happens. Ballots, result and journal stay, and with them both packages.
    `key_destroyed` says how the shares were destroyed, `backups` which copies of the database still
    hold what is deleted here: those that hold names beside sealed ballots, and lie where backups lie,
    by the names of their files. Raises Refused.
    """
    demand_office(by)
    second = demand_second(by, second, words=refused)
    if not key_destroyed.strip():
        raise refused("words-needed")
    copies = [line.strip() for line in backups if line.strip()]
    if not copies:
        raise refused("backups-needed")
    names = [copy.path.name for copy in made_while_voting(poll)]
    if left := [name for name in names if not any(name in line for line in copies)]:
        raise refused("copies-left", names="、".join(left))
    Register.objects.locked()
    poll = locked(poll)
    if poll.archived_at is not None:
        raise refused("archived-before")
    until = objections_until(poll)
    if until is None:
        raise refused("not-over")
    if timezone.now() < until:
        raise refused("too-early", until=to_the_minute(until))
    poll.archived_at = timezone.now()
    poll.save(update_fields=["archived_at"])
    times = poll.roll.filter(voted_at__isnull=False).update(voted_at=None)
    journal.append(
        poll,
        journal.Kind.ARCHIVED,
        by=by,
        second=second,
        data={
            "key_destroyed": key_destroyed.strip(),
            "backups": copies,
            **_take_away(poll, cards),
            "times": times,
        },
    )
    return poll


@transaction.atomic
def destroy_cards(
    poll: Poll, *, cards: int | None = None, by: User, second: User | None
) -> dict[str, int]:
    """Delete the cards that stayed when `poll` was archived and that no other poll needs any more.

    Signed like the archiving; `cards` as there. Returns what was deleted. Raises Refused.
    """
    demand_office(by)
    second = demand_second(by, second, words=refused)
    Register.objects.locked()
    poll = locked(poll)
    if poll.archived_at is None:
        raise refused("not-archived")
    if not cards_of(poll).gone:
        raise refused("no-cards")
    data = _take_away(poll, cards)
    journal.append(poll, journal.Kind.CARDS_DESTROYED, by=by, second=second, data=data)
    return data


def _take_away(poll: Poll, read: int | None) -> dict[str, int]:
    """Delete the cards that go and end their sessions; return how many went and how many stay."""
    cards = cards_of(poll)
    if read is not None and read != len(cards.gone):
        raise refused("figure-moved", count=len(cards.gone))
    gone = AccessCard.objects.filter(pk__in=cards.gone)
    sessions = Session.objects.filter(card__in=gone).count()
    # Its sessions go with a card.
    gone.delete()
    return {"cards": len(cards.gone), "cards_in_use": len(cards.kept), "sessions": sessions}
