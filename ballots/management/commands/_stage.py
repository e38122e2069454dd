"""Setting a stage: a rehearsal with sample delegates and the real candidates, by the acts alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from ballots.acts import ceremony, roll
from ballots.acts.cards import IssuedCard, issue_cards, reissue_card
from ballots.acts.register.importing import import_roll
from ballots.management.commands._steps import open_poll
from ballots.models import Delegate
from ballots.pure.roll_table import RollRow
from projects import report_2024
from projects.models import Poll

HOLDERS = ["示例保管人一", "示例保管人二", "示例保管人三", "示例保管人四", "示例保管人五"]
THRESHOLD = 3
# Nobody's number: the subscriber's part is all zeros.
PHONE = "0579-00000000"
# All that is not real says so, and only what says so is ever cleared away.
MARK = "示例"
ANEW = "重新生成示例数据"


@dataclass(frozen=True)
class Stage:
    """An open rehearsal, the cards of its delegates in their order, and the shares of its key."""

    poll: Poll
    cards: list[IssuedCard]
    shares: list[str]


@transaction.atomic
def set_stage(rows: Sequence[RollRow], *, by: User, scrutineer: User, **columns: Any) -> Stage:
    """Enrol the delegates of `rows`, all present with fresh cards, and open a rehearsal for them.

    `columns` are those of the poll. The roll of a poll is everybody in office (design §4.1), so
    other delegates who are in office stand on it too, absent. Raises what the acts raise, and
    CommandError with the list of what is missing.
    """
    import_roll(rows, by=by, add_delegations=True)
    numbers = [row.number for row in rows]
    Delegate.objects.filter(number__in=numbers).update(status=Delegate.Status.ACTIVE)
    delegates = list(Delegate.objects.filter(number__in=numbers).order_by("number"))
    cards = [
        # Of a card made before only digests are left, so that its holder gets another.
        reissue_card(delegate, reason=ANEW, by=by, second=scrutineer)
        for delegate in delegates
        if delegate.card_number
    ]
    cards += issue_cards(delegates, by=by)
    cards.sort(key=lambda card: card.delegate.number)
    told = {"phone": PHONE, "show_votes": True} | columns | {"kind": Poll.Kind.REHEARSAL}
    poll = report_2024.new_draft(**told)
    on_roll = roll.draw_up_roll(poll, by=by)
    roll.mark_present(poll, numbers=numbers, by=by)
    Poll.objects.filter(pk=poll.pk).update(delegates_total=on_roll)
    sheets = ceremony.make_key(poll, holders=HOLDERS, threshold=THRESHOLD, by=by)
    shares = [sheet.text for sheet in sheets]
    ceremony.test_key(poll, texts=shares[:THRESHOLD], by=scrutineer)
    return Stage(open_poll(poll, by=by), cards, shares)
