"""Signing in with a card: by its QR token or its typed code, with waits after wrong codes."""

import math
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ballots.facts.keyed import digest, is_genuine, key_check
from ballots.models import AccessCard, Delegate
from ballots.pure import card_code
from ballots.refusal import Refusals, demand_office

refused = Refusals(
    {
        "empty": _("请输入投票码"),
        "length": _("投票码应为16位数字，您输入了%(count)d位"),
        "address": _("这是投票卡上的网址，请直接打开它，或输入16位投票码。"),
        "check-digit": _("投票码有误，请对照投票卡逐组核对"),
        "unknown": _("没有找到该投票码，请核对；仍不成功请到会务组办理"),
        "revoked": _("该投票卡已作废，请到会务组领取新卡"),
        "unproven": _("该投票卡的记录有异常，不能使用，请到会务组换发新卡"),
        "wait": _("尝试次数较多，请%(count)d分钟后再试。急需投票的，请到会务组办理。"),
    }
)

# The first wrong codes of a card number cost nothing; then waits of 1, 2, 4, 8, 10 minutes.
FREE_FAILURES = 5
LONGEST_WAIT = 10


def card_by_token(token: str) -> AccessCard | None:
    """Return the valid card whose QR address holds `token`; never throttled (design §6.2).

    None for one whose row somebody has changed: it may lead to another delegate than it was made for.
    """
    card = (
        AccessCard.objects.filter(
            token_digest=digest("token", token.upper()), revoked_at__isnull=True
        )
        .select_related("delegate__delegation")
        .first()
    )
    if card is None or not is_genuine(card):
        return None
    _note_key(card)
    return card


def card_by_code(text: str) -> AccessCard:
    """Return the valid card whose typed code is `text`, or raise Refused.

    Failures are counted per card number, never per address: a hall shares one (design §6.2). A
    wrong check digit is a slip of the finger and not a failure.
    """
    try:
        code = card_code.read_code(text)
    except card_code.CodeRefused as refusal:
        raise refused(refusal.code, count=refusal.count) from None
    card = _held(code).first()
    # On whose card no wrong code was tried is let in without a lock: 350 right codes have nothing
    # to wait for.
    if card is not None and not card.revoked_at and not card.delegate.failures and is_genuine(card):
        _note_key(card)
        return card
    with transaction.atomic():
        card, refusal_code, minutes = _look_up(code)
    # Raised outside the transaction, which would otherwise forget the failure it has counted.
    if card is None:
        raise refused(refusal_code, count=minutes)
    return card


def _held(code: str) -> QuerySet[AccessCard]:
    """Return the card whose typed code is `code`, if there is one, a replaced one too."""
    return AccessCard.objects.filter(
        code_digest=digest("code", code),
        delegate__card_number=code[: card_code.CARD_NUMBER_LENGTH],
    ).select_related("delegate__delegation")


def _look_up(code: str) -> tuple[AccessCard | None, str, int]:
    """Say who holds `code`, under the lock of whoever has the card's number."""
    delegate = (
        Delegate.objects.select_for_update()
        .filter(card_number=code[: card_code.CARD_NUMBER_LENGTH])
        .first()
    )
    if delegate is None:
        return None, "unknown", 0
    now = timezone.now()
    if delegate.locked_until and delegate.locked_until > now:
        longest = now + timedelta(minutes=LONGEST_WAIT)
        if delegate.locked_until > longest:
            # The clock was set back since: nobody waits longer than the rule says.
            delegate.locked_until = longest
            delegate.save(update_fields=["locked_until"])
        seconds = (delegate.locked_until - now).total_seconds()
        return None, "wait", math.ceil(seconds / 60)
    card = _held(code).first()
    if card is None:
        _count_failure(delegate)
        return None, "unknown", 0
    if card.revoked_at:
        return None, "revoked", 0
    if not is_genuine(card):
        return None, "unproven", 0
    _note_key(card)
    if delegate.failures:
        Delegate.objects.filter(pk=delegate.pk).update(failures=0, locked_until=None)
    return card, "", 0


def _note_key(card: AccessCard) -> None:
    """Note of a card of an earlier version that the key of today is its own: it was found by it."""
    if not card.key_check:
        AccessCard.objects.filter(pk=card.pk).update(key_check=key_check())


def _count_failure(delegate: Delegate) -> None:
    delegate.failures = min(delegate.failures + 1, FREE_FAILURES + 4)
    if delegate.failures >= FREE_FAILURES:
        minutes = min(2 ** (delegate.failures - FREE_FAILURES), LONGEST_WAIT)
        delegate.locked_until = timezone.now() + timedelta(minutes=minutes)
    delegate.save(update_fields=["failures", "locked_until"])


def end_wait(delegate: Delegate, *, by: User) -> None:
    """Let a delegate try again at once: the desk has seen who it is."""
    demand_office(by)
    Delegate.objects.filter(pk=delegate.pk).update(failures=0, locked_until=None)
