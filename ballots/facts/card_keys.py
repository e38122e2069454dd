"""Under which key the secrets of cards are kept, and how to tell that it is another one."""

from django.utils.crypto import salted_hmac


def digest(what: str, secret: str) -> str:
    """Return what is kept of a card's `secret`, its "code" or its "token", keyed by SECRET_KEY."""
    return salted_hmac(f"ballots.card.{what}", secret, algorithm="sha256").hexdigest()


def key_check() -> str:
    """Return sixteen digits that tell the key of today from any other, and nothing of it.

    Kept with each card: on a machine with another SECRET_KEY no card of before signs anybody in.
    """
    return digest("key", "")[:16]
