"""Casting a ballot: the one act a delegate performs (design §5.2)."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from ballots.facts import database
from ballots.facts.polls import candidates
from ballots.models import AccessCard, Delegate, Envelope, RollEntry, rules_of
from ballots.pure import sealing
from ballots.pure.rules import Selection, faults
from ballots.refusal import Refusals
from projects.models import Poll

refused = Refusals(
    {
        "already-voted": _("您已提交表决票"),
        "not-open": _("投票尚未开始"),
        "paused": _("投票暂停"),
        "closed": _("投票已截止"),
        "void": _("本次票决作废"),
        "not-on-roll": _("您不在本次票决的名册上，请联系会务组。"),
        "not-present": _("您尚未报到，请先到会务组报到。"),
        "card-replaced": _("投票卡已更换"),
        "faults": _("表决票不符合票决规则"),
    }
)


@dataclass(frozen=True)
class Receipt:
    """What a delegate keeps: sixteen characters that show presence and never content."""

    code: str
    submitted_at: datetime


def new_token() -> str:
    """Return the one-time token of a review page: the same token never makes a second ballot."""
    return secrets.token_hex(16)


def cast_ballot(*, poll: Poll, card: AccessCard, selection: Selection, token: str) -> Receipt:
    """Seal one whole ballot into the box, or raise Refused and record nothing.

    `token` comes from the review page. The same token gives the same receipt again, so that a
    double tap or a lost answer is no second attempt; any other token is told "already-voted", also
    after the close.
    """
    wrong = faults(selection, rules_of(poll), candidates(poll))
    # Sealed before the lock is taken: nobody waits for another delegate's arithmetic.
    sealed = _seal(poll, selection) if poll.takes_ballots and not wrong else None
    with transaction.atomic():
        # Lock, then look: close_poll() takes the same row, so no ballot can land after the close.
        poll = Poll.objects.locked(poll)
        entry = RollEntry.objects.filter(poll=poll, delegate_id=card.delegate_id).first()
        if entry is None:
            raise refused("not-on-roll")
        if entry.voted:
            return _receipt_again(entry, token)
        _demand_open(poll)
        if poll.voters == Poll.Voters.PRESENT and not entry.present:
            raise refused("not-present")
        held = AccessCard.objects.select_related("delegate").get(pk=card.pk)
        if held.revoked_at:
            raise refused("card-replaced")
        if held.delegate.status != Delegate.Status.ACTIVE:
            # 代表法 art. 61: a deputy whose duties are suspended does not vote, roll or no roll.
            raise refused("not-on-roll")
        if wrong:
            raise refused("faults", faults=wrong)
        if sealed is None:
            # The poll opened while this request was under way: the rules it was judged by are old.
            raise refused("not-open")
        now = timezone.now()
        receipt = sealing.receipt(poll=poll.uuid, sealed=sealed)
        code = sealing.receipt_code(receipt)
        Envelope.objects.create(
            roll_entry=entry, poll=poll, sealed=sealed, receipt=receipt, code=code, token=token
        )
        RollEntry.objects.filter(pk=entry.pk).update(voted=True, voted_at=now)
    return Receipt(code=code, submitted_at=now)


def receipt_of(entry: RollEntry) -> Receipt | None:
    """Return the receipt of a delegate who has voted, until the close takes names off."""
    envelope = Envelope.objects.filter(roll_entry=entry).only("code").first()
    if envelope is None or entry.voted_at is None:
        return None
    return Receipt(code=envelope.code, submitted_at=entry.voted_at)


def _seal(poll: Poll, selection: Selection) -> bytes:
    box = poll.box
    return sealing.seal(
        selection, public_key=bytes(box.public_key), poll=poll.uuid, size=box.ballot_size
    )


def _receipt_again(entry: RollEntry, token: str) -> Receipt:
    envelope = Envelope.objects.filter(roll_entry=entry).only("code", "token").first()
    if (
        envelope is None
        or entry.voted_at is None
        or not constant_time_compare(envelope.token, token)
    ):
        raise refused("already-voted", at=entry.voted_at)
    return Receipt(code=envelope.code, submitted_at=entry.voted_at)


def _demand_open(poll: Poll) -> None:
    match poll.phase:
        case Poll.Phase.DRAFT | Poll.Phase.DROPPED:
            raise refused("not-open")
        case Poll.Phase.PAUSED:
            raise refused("paused")
        case Poll.Phase.VOID:
            raise refused("void", at=poll.closed_at)
        case Poll.Phase.OPEN:
            if poll.closes_at is not None and poll.closes_at <= database.now():
                raise refused("closed", at=poll.closes_at)
        case _:
            raise refused("closed", at=poll.closed_at)
