"""The cards that delegates sign in with: issued, and issued anew; only digests of them are kept."""

import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ballots import journal
from ballots.facts import register
from ballots.facts.keyed import card_mac, digest, key_check
from ballots.models import AccessCard, Delegate, Register
from ballots.pure import card_code
from ballots.refusal import Refusals, demand_colleague, demand_office, demand_reason
from projects.models import Poll
from projects.phases import DRAFT, VOTING

refused = Refusals(
    {
        "card-not-active": _("该代表不是在任代表，不能发卡。"),
        "no-number-left": _("卡号已用完（最多10000个）。"),
        "maybe-one-person": _(
            "没有发卡：%(who)s可能是同一个人。请先在“同名核对”中逐一确认，或更正代表资料。"
        ),
        "one-number": _("没有发卡：代表证号%(who)s看上去是同一个，请先更正。"),
    }
)


@dataclass(frozen=True)
class IssuedCard:
    """A card just made: the only moment at which its code and its token exist in the clear."""

    delegate: Delegate
    code: str
    token: str


@transaction.atomic
def issue_cards(delegates: Iterable[Delegate], *, by: User) -> list[IssuedCard]:
    """Make a card for each of `delegates` in office who holds no valid one, in the order given.

    Of two people who issue the same cards at once, the second gets none. Raises Refused where one
    of them may be one person with somebody else (design §6.5), or has somebody else's number.
    """
    demand_office(by)
    Register.objects.locked()
    # Every delegate and not the takers alone: card numbers are drawn from those that are free.
    rows = Delegate.objects.select_for_update(of=("self",)).select_related("delegation")
    current = {row.pk: row for row in rows.order_by("pk")}
    holders = set(
        AccessCard.objects.filter(revoked_at__isnull=True).values_list("delegate_id", flat=True)
    )
    takers = []
    for delegate in delegates:
        # The caller's copy may be older than the lock.
        delegate.card_number = current[delegate.pk].card_number
        in_office = current[delegate.pk].status == Delegate.Status.ACTIVE
        if in_office and delegate.pk not in holders:
            takers.append(delegate)
    if not takers:
        return []
    _demand_one_card_each({taker.pk for taker in takers}, list(current.values()))
    issued = make_cards(takers, by=by)
    journal.append(None, journal.Kind.CARDS_ISSUED, by=by, data={"issued": len(issued)})
    return issued


def make_cards(delegates: Sequence[Delegate], *, by: User) -> list[IssuedCard]:
    """Make a card for each of `delegates`, who have none, under the lock of the register.

    Of nothing but the acts that put it on record, or take it away again with its delegates.
    """
    _give_card_numbers(delegates)
    made = [_fresh_card(delegate) for delegate in delegates]
    AccessCard.objects.bulk_create(_row(card, by=by) for card in made)
    return made


def _demand_one_card_each(takers: Collection[int], everybody: Sequence[Delegate]) -> None:
    """Raise Refused where one of `takers` (keys) may be one person with another of `everybody`."""
    there = [person for person in everybody if person.status != Delegate.Status.ENDED]
    mine = {person.number for person in there if person.pk in takers}
    same = [pair for pair in register.same_numbers([one.number for one in there]) if mine & {*pair}]
    if same:
        raise refused("one-number", who="；".join("、".join(pair) for pair in same))
    pairs = [pair for pair in register.doubles(there) if {one.pk for one in pair} & {*takers}]
    if pairs:
        raise refused("maybe-one-person", who=register.in_words(pairs))


@transaction.atomic
def reissue_card(
    delegate: Delegate, *, reason: str, by: User, second: User | None = None
) -> IssuedCard:
    """Void the delegate's card, whose sessions end with it, and make a new one (design §6.1).

    While a poll with this delegate on its roll takes ballots, `second`, another member of staff,
    must sign: whoever prints cards could otherwise vote for the absent.
    """
    demand_office(by)
    reason = demand_reason(reason)
    Register.objects.locked()
    polls = Poll.objects.filter(
        roll__delegate=delegate, phase__in=DRAFT | VOTING, box__isnull=False
    ).all_locked()
    if second is not None or any(poll.takes_ballots for poll in polls):
        demand_colleague(by, second)
    # Read again under its lock: the card number stays, whatever the caller's copy says.
    delegate = Delegate.objects.select_for_update().get(pk=delegate.pk)
    if delegate.status != Delegate.Status.ACTIVE:
        raise refused("card-not-active")
    if not delegate.cards.filter(revoked_at__isnull=True).exists():
        _demand_one_card_each({delegate.pk}, register.in_office())
    # Without its MAC no replaced card comes back, whoever takes that moment off its row.
    delegate.cards.filter(revoked_at__isnull=True).update(revoked_at=timezone.now(), mac="")
    Delegate.objects.filter(pk=delegate.pk).update(failures=0, locked_until=None)
    if delegate.card_number is None:
        _give_card_numbers([delegate])
    card = _fresh_card(delegate)
    _row(card, by=by, reason=reason).save(force_insert=True)
    # On the chain of the register whatever the polls do, and on that of each poll with a key.
    for poll in (None, *polls):
        journal.append(
            poll,
            journal.Kind.CARD_REISSUED,
            by=by,
            second=second,
            data={"number": delegate.number, "name": delegate.name, "reason": reason},
        )
    return card


def _give_card_numbers(delegates: Iterable[Delegate]) -> None:
    without = [delegate for delegate in delegates if delegate.card_number is None]
    if not without:
        return
    taken = set(
        Delegate.objects.filter(card_number__isnull=False).values_list("card_number", flat=True)
    )
    free = [number for n in range(10_000) if (number := f"{n:04}") not in taken]
    if len(free) < len(without):
        raise refused("no-number-left")
    # Random numbers: nobody can lock out a neighbour by adding one to his own card number.
    numbers = secrets.SystemRandom().sample(free, len(without))
    for delegate, number in zip(without, numbers, strict=True):
        delegate.card_number = number
    Delegate.objects.bulk_update(without, ["card_number"], batch_size=500)


def _fresh_card(delegate: Delegate) -> IssuedCard:
    if delegate.card_number is None:
        raise ValueError("a card needs its delegate's card number first")
    return IssuedCard(delegate, card_code.new_code(delegate.card_number), card_code.new_token())


def _row(card: IssuedCard, *, by: User, reason: str = "") -> AccessCard:
    code, token = digest("code", card.code), digest("token", card.token)
    return AccessCard(
        delegate=card.delegate,
        code_digest=code,
        token_digest=token,
        mac=card_mac(card.delegate.pk, code, token),
        key_check=key_check(),
        address=settings.PUBLIC_URL,
        issued_by=by,
        reason=reason,
    )
