"""Setting a stage: a rehearsal with sample delegates and the real candidates, by the acts alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from ballots.acts import ceremony, roll
from ballots.acts.cards import IssuedCard
from ballots.management.commands._steps import open_poll
from projects import report_2024
from projects.choices import OF_GRADES
from projects.models import Poll

HOLDERS = ["示例保管人一", "示例保管人二", "示例保管人三", "示例保管人四", "示例保管人五"]
THRESHOLD = 3
# Nobody's number: the subscriber's part is all zeros.
PHONE = "0579-00000000"
# All that is not real says so, and only what says so is ever cleared away.
MARK = "示例"


@dataclass(frozen=True)
class Stage:
    """An open rehearsal, the cards of its delegates in their order, and the shares of its key."""

    poll: Poll
    cards: Sequence[IssuedCard]
    shares: list[str]


@transaction.atomic
def set_stage(cards: Sequence[IssuedCard], *, by: User, scrutineer: User, **columns: Any) -> Stage:
    """Open a rehearsal at which the delegates of `cards` are present.

    `columns` are those of the poll. The roll of a poll is everybody in office (design §4.1), so
    other delegates who are in office stand on it too, absent. Raises what the acts raise, and
    CommandError with the list of what is missing.
    """
    told = {"phone": PHONE, "show_votes": True} | columns | {"kind": Poll.Kind.REHEARSAL}
    if told.get("form") == Poll.Form.GRADES:
        told |= OF_GRADES
    poll = report_2024.new_draft(**told)
    on_roll = roll.draw_up_roll(poll, by=by)
    roll.mark_present(poll, numbers=[card.delegate.number for card in cards], by=by)
    poll.delegates_total = on_roll
    poll.save(update_fields=["delegates_total"])
    sheets = ceremony.make_key(poll, holders=HOLDERS, threshold=THRESHOLD, by=by)
    shares = [sheet.text for sheet in sheets]
    ceremony.test_key(poll, texts=shares[:THRESHOLD], by=scrutineer)
    return Stage(open_poll(poll, by=by), cards, shares)
