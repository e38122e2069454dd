"""Casting a ballot: the one act a delegate performs (design §5.2)."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from ballots.facts import database
from ballots.facts.kept import is_on_record, kept_of
from ballots.facts.keyed import envelope_mac, mark_mac
from ballots.facts.polls import candidates
from ballots.models import AccessCard, Delegate, Envelope, RollEntry, rules_of
from ballots.pure import sealing
from ballots.pure.rules import Fault, Selection, faults
from ballots.refusal import Refusals
from projects import locks
from projects.models import Poll
from yiwu_vote import moments

refused = Refusals(
    {
        "already-voted": _("您已提交表决票"),
        "not-open": _("投票尚未开始"),
        "paused": _("投票暂停"),
        "closed": _("投票已截止"),
        "void": _("本次票决作废"),
        "not-on-roll": _("您不在本次票决的名册上，请联系会务组。"),
        "not-present": _("您尚未报到，请先到会务组报到。"),
        "on-paper": _(
            "您已领取纸质表决票，请填写后投入投票箱，不能再在网上提交。票面污损的，请到会务组更换。"
        ),
        "card-replaced": _("投票卡已更换"),
        "key-changed": _("票箱公钥与开始投票时记录的不符"),
        "faults": _("表决票不符合票决规则"),
    }
)

# The two statements of every cast are not Django's: the first one takes it at least five times the
# processor time of lock, mark and envelope together, the second adds half of it (both databases).

# All that bars a cast, in one look under the lock. `voted` stands on the row that is written: of two
# casts of one delegate the second waits for the row, and PostgreSQL then asks again what stands on
# it, but not what a sub-query has said of it.
MARK = """
UPDATE ballots_rollentry SET voted = TRUE, voted_at = %(now)s, mac = %(mac)s
 WHERE poll_id = %(poll)s AND delegate_id = %(delegate)s AND NOT voted
   AND channel = 'online'
   AND EXISTS (
     SELECT 1 FROM projects_poll poll
      WHERE poll.id = %(poll)s AND poll.phase = 'open'
        AND (poll.closes_at IS NULL OR poll.closes_at > {clock})
        AND (poll.voters <> 'present' OR ballots_rollentry.present))
   AND EXISTS (
     SELECT 1 FROM ballots_ballotbox box
      WHERE box.poll_id = %(poll)s AND box.public_key = %(key)s)
   AND EXISTS (
     SELECT 1 FROM ballots_accesscard card JOIN ballots_delegate person ON person.id = card.delegate_id
      WHERE card.id = %(card)s AND card.revoked_at IS NULL
        AND person.id = %(delegate)s AND person.status = 'active')
"""
# SQLite has no clock of its own.
CLOCK = {"postgresql": "clock_timestamp()", "sqlite": "%(now)s"}
STORE = """
INSERT INTO ballots_envelope (roll_entry_id, poll_id, sealed, receipt, code, token, mac)
SELECT id, poll_id, %s, %s, %s, %s, %s FROM ballots_rollentry WHERE poll_id = %s AND delegate_id = %s
"""


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
    may_seal = poll.takes_ballots and not wrong and kept_of(poll).is_bound
    sealed = _seal(poll, selection) if may_seal else None
    with transaction.atomic():
        # Lock, then look: the close waits for this cast, and no ballot can land after it. Other
        # casts go on beside it.
        locks.lock_for_cast(poll.pk)
        if sealed is not None and (at := _mark(poll, card)) is not None:
            return _store(poll, card, sealed, token, at)
        return _why_not(poll, card, token, wrong)


def _seal(poll: Poll, selection: Selection) -> bytes:
    kept = kept_of(poll)
    return sealing.seal(
        selection, public_key=kept.public_key, poll=poll.uuid, size=kept.ballot_size
    )


def _mark(poll: Poll, card: AccessCard) -> datetime | None:
    """Mark the delegate as having voted; return when, or None where something bars him."""
    now = moments.now()
    params = {
        "now": connection.ops.adapt_datetimefield_value(now),
        "poll": poll.pk,
        "delegate": card.delegate_id,
        "card": card.pk,
        "key": kept_of(poll).public_key,
        "mac": mark_mac(poll.uuid, card.delegate_id, card.delegate.number),
    }
    with connection.cursor() as cursor:
        cursor.execute(MARK.format(clock=CLOCK[connection.vendor]), params)
        return now if cursor.rowcount else None


def _store(poll: Poll, card: AccessCard, sealed: bytes, token: str, at: datetime) -> Receipt:
    receipt = sealing.receipt(poll=poll.uuid, sealed=sealed)
    code = sealing.receipt_code(receipt)
    mac = envelope_mac(poll.uuid, card.delegate_id, card.delegate.number, receipt)
    with connection.cursor() as cursor:
        cursor.execute(STORE, [sealed, receipt, code, token, mac, poll.pk, card.delegate_id])
    return Receipt(code=code, submitted_at=at)


def _why_not(poll: Poll, card: AccessCard, token: str, wrong: Sequence[Fault]) -> Receipt:
    """Return the receipt of a ballot sent twice; else raise Refused for the first reason that holds.

    Under the lock of the cast that marked nothing, one look after the other.
    """
    # Of a rehearsal that was wiped meanwhile there is no roll either.
    entry = RollEntry.objects.filter(poll=poll, delegate_id=card.delegate_id).first()
    if entry is None:
        raise refused("not-on-roll")
    poll = Poll.objects.get(pk=poll.pk)
    if entry.voted:
        return _receipt_again(entry, token)
    _demand_open(poll)
    if entry.is_on_paper:
        raise refused("on-paper")
    if poll.voters == Poll.Voters.PRESENT and not entry.present:
        raise refused("not-present")
    held = AccessCard.objects.select_related("delegate").get(pk=card.pk)
    if held.revoked_at:
        raise refused("card-replaced")
    if held.delegate.status != Delegate.Status.ACTIVE:
        # 代表法 art. 61: a deputy whose duties are suspended does not vote, roll or no roll.
        raise refused("not-on-roll")
    if not is_on_record(poll.pk, bytes(poll.box.public_key)):
        raise refused("key-changed")
    if wrong:
        raise refused("faults", faults=wrong)
    # The poll opened while this request was under way: the rules it was judged by are old.
    raise refused("not-open")


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
