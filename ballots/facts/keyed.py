"""What only this server can have written: digests and MACs under keys that come from SECRET_KEY.

Whoever writes to the database without being the server can make no row that bears the right one. It
tells nothing of a vote: that of a mark knows no receipt, and that of an envelope goes with the name.
"""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from ballots.journal import Kind
from ballots.models import MAC_LENGTH, AccessCard, RollEntry
from ballots.pure import chain, sealing
from ballots.pure.progress import Watch, unwatched, watched
from projects.models import Poll

# So many rows are fetched at a time.
FETCHED = 500


# --- keys and MACs --------------------------------------------------------------------------------


def digest(what: str, secret: str) -> str:
    """Return what is kept of a card's `secret`, its "code" or its "token", keyed by SECRET_KEY."""
    return salted_hmac(f"ballots.card.{what}", secret, algorithm="sha256").hexdigest()


def key_check() -> str:
    """Return sixteen digits that tell the key of today from any other, and nothing of it.

    Kept with each card and with each opening: with another SECRET_KEY no card signs anybody in and
    no row proves itself.
    """
    return digest("key", "")[:16]


def card_mac(delegate: int, code_digest: str, token_digest: str) -> str:
    """Return the MAC of a valid card: it binds whose it is and by what it is found."""
    return _mac("card", delegate, code_digest, token_digest)


def mark_mac(poll: UUID, delegate: int, number: str) -> str:
    """Return the MAC of a mark on the roll; it outlives the names, and so knows no receipt."""
    return _mac("mark", poll, delegate, number)


def envelope_mac(poll: UUID, delegate: int, number: str, receipt: str) -> str:
    """Return the MAC of an envelope, which binds a receipt to a name until the names go off."""
    return _mac("envelope", poll, delegate, number, receipt)


def reading_mac(poll: UUID, bundle: int, place: int, side: int, by: int, read: Any) -> str:
    """Return the MAC of what one person read on a paper, so that nobody else can have read it."""
    return _mac("reading", poll, bundle, place, side, by, chain.canonical(read))


def _mac(what: str, *bound: object) -> str:
    text = "\0".join(map(str, bound)).encode()
    return hmac.digest(_key(what, settings.SECRET_KEY), text, "sha256").hex()[:MAC_LENGTH]


@lru_cache(maxsize=16)
def _key(what: str, secret: str) -> bytes:
    return hmac.digest(secret.encode(), f"ballots.mac.{what}".encode(), "sha256")


def withheld(poll: UUID, what: str, names: list[Any]) -> tuple[dict[str, Any], str]:
    """Return what an entry of its own says of a list of `names`, and the digest that stands for it.

    That entry is withheld from the public, who see the digest alone. The salt keeps anybody from
    trying who may be on the list; it is that of the poll, for the opening says its signs before it.
    """
    data = {what: names, "salt": _mac("names", poll, what)}
    return data, chain.digest(what, chain.canonical(data))


def is_genuine(card: AccessCard) -> bool:
    """Tell whether a valid card is, in all by which it is found, the one that was made."""
    mac = card_mac(card.delegate_id, card.code_digest, card.token_digest)
    return hmac.compare_digest(card.mac, mac)


# --- the box, row by row --------------------------------------------------------------------------

REASONS = {
    "no-envelope": _("有投票标记而没有密封票"),
    "no-mark": _("有密封票而没有投票标记"),
    "envelope": _("密封票不是本系统收下的"),
    "mark": _("投票标记不是本系统记下的"),
    "card": _("投票卡记录被改动过"),
}
# By these the box holds more or fewer ballots than the roll has marks: nothing can be set apart.
UNEQUAL = {"no-envelope", "no-mark"}


@dataclass(frozen=True)
class Doubt:
    """A delegate whose mark, envelope or card cannot prove itself, and which of them; never how."""

    entry: int
    number: str
    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.name}（{self.number}）：{REASONS[self.why]}"


def key_of_opening(poll: Poll) -> str | None:
    """Return the check of the key under which `poll` was opened; None where a version without did."""
    opened = poll.journal.filter(kind=Kind.OPENED).first()
    return opened.data.get("server_key") if opened else None


def doubts(poll: Poll, watch: Watch = unwatched) -> Iterator[Doubt]:
    """Yield whoever's mark, envelope or card cannot prove itself, row by row over the whole roll.

    Of a poll that an earlier version opened only what needs no MAC: its rows were written without.
    """
    is_keyed = key_of_opening(poll) is not None
    forged = set(_forged_cards(poll)) if is_keyed else set()
    rows = (
        RollEntry.objects.filter(poll=poll)
        .filter(Q(voted=True) | Q(envelope__isnull=False))
        .values_list(
            *("pk", "delegate_id", "number", "name", "voted", "mac", "envelope__poll_id"),
            *("envelope__receipt", "envelope__code", "envelope__mac", "envelope__sealed"),
        )
    )
    for row in watched(rows.iterator(FETCHED), rows.count(), watch):
        entry, delegate, number, name, voted, mac, in_poll, receipt, code, envelope, sealed = row
        why = ""
        if receipt is None:
            why = "no-envelope"
        elif not voted:
            why = "no-mark"
        elif (
            in_poll != poll.pk
            or sealing.receipt(poll=poll.uuid, sealed=bytes(sealed)) != receipt
            or sealing.receipt_code(receipt) != code
        ) or (is_keyed and envelope != envelope_mac(poll.uuid, delegate, number, receipt)):
            why = "envelope"
        elif is_keyed and mac != mark_mac(poll.uuid, delegate, number):
            why = "mark"
        elif delegate in forged:
            why = "card"
        if why:
            yield Doubt(entry, number, name, why)


def _forged_cards(poll: Poll) -> Iterator[int]:
    """Yield the delegates on the roll of `poll` whose valid card is not the one that was made."""
    cards = AccessCard.objects.filter(delegate__roll_entries__poll=poll, revoked_at__isnull=True)
    columns = cards.values_list("delegate_id", "code_digest", "token_digest", "mac")
    for delegate, code, token, mac in columns.iterator(FETCHED):
        if mac != card_mac(delegate, code, token):
            yield delegate
