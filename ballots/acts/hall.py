"""The hall's big screen: who may look at it, and how much of the result it has been shown."""

import secrets

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ballots import journal
from ballots.facts import outcome
from ballots.refusal import Refusals, demand_office, locked
from projects.models import Poll

refused = Refusals(
    {
        "all-revealed": _("结果已经全部揭晓。"),
    }
)


@transaction.atomic
def open_screen(poll: Poll, *, by: User) -> Poll:
    """Give the big screen of `poll` a new address; one that was given before is of no use now."""
    return _give(poll, secrets.token_hex(8), by)


@transaction.atomic
def end_screen(poll: Poll, *, by: User) -> Poll:
    """Take the address of the big screen back."""
    return _give(poll, None, by)


def _give(poll: Poll, key: str | None, by: User) -> Poll:
    demand_office(by)
    poll = locked(poll)
    poll.screen_key = key
    poll.save(update_fields=["screen_key"])
    return poll


@transaction.atomic
def reveal_next(poll: Poll, *, by: User, position: int = 0) -> Poll:
    """Show the hall one more project; after the last everybody may see the result (design §3.4).

    `position` is that of the one (from 1) that the page offered: a double click shows it once.
    """
    return _reveal(poll, by=by, position=position)


@transaction.atomic
def reveal_all(poll: Poll, *, by: User) -> Poll:
    """Show the hall, and everybody else, the whole result at once."""
    return _reveal(poll, by=by, everything=True)


def _reveal(poll: Poll, *, by: User, position: int = 0, everything: bool = False) -> Poll:
    demand_office(by)
    poll = locked(poll, Poll.Phase.PUBLISHED)
    if 0 < position <= poll.revealed:
        return poll
    if poll.is_revealed:
        raise refused("all-revealed")
    total = len(outcome.outcome_of(poll).filled)
    poll.revealed = total if everything else min(poll.revealed + 1, total)
    poll.revealed_at = timezone.now() if poll.revealed == total else None
    poll.save(update_fields=["revealed", "revealed_at"])
    data = {"revealed": poll.revealed, "is_all": poll.is_revealed}
    journal.append(poll, journal.Kind.REVEALED, by=by, data=data)
    return poll
