"""Where sessions are kept (`SESSION_ENGINE`): in our own table, whose rows say which card opened them.

So the question who asks is answered by one statement (`pages.asking`), and a session ends with the
card that opened it.
"""

from typing import Any, cast

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.db import InternalError, OperationalError

from ballots.models import AccessCard, Session

# Under these names a session keeps the card that signed in and whose it was then: both are signed,
# so that no card that is pointed at somebody else meanwhile casts for him.
CARD_KEY, HOLDER_KEY = "card", "holder"


class SessionStore(db.SessionStore):
    """Django's store of sessions in the database, with the card as a column."""

    # What `begin` has written; nothing that a session holds is None.
    _written: dict[str, Any] | None = None
    # What `found` was given, unread so far.
    _stored: str | None = None

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row = cast(Session, super().create_model_instance(data))
        row.card_id = data.get(CARD_KEY)
        return row

    def found(self, stored: str | None) -> None:
        """Take over what was read of this session's row beside other things; None where it has ended."""
        self.accessed = True
        if stored is None:
            self._session_key = None
            self._session_cache: dict[str, Any] = {}
        self._stored = stored

    def load(self) -> dict[str, Any]:
        return super().load() if self._stored is None else self.decode(self._stored)

    def begin(self, card: AccessCard) -> None:
        """Begin the session of `card` under a fresh key, in one write; the one before it ends.

        As `cycle_key` does, it takes over what the session held: a person of the staff may try a
        card.
        """
        before = self.session_key
        self[CARD_KEY], self[HOLDER_KEY] = card.pk, card.delegate_id
        self.create()
        self._written = dict(self.items())
        if before is not None:
            self.delete(before)

    def save(self, must_create: bool = False) -> None:
        # What has just begun is written already: the middleware asks once more, for the cookie's sake.
        if must_create or dict(self.items()) != self._written:
            try:
                super().save(must_create)
            except UpdateError as error:
                # Django takes any trouble of the database for a session that has ended, and answers
                # that the request was bad.
                if isinstance(error.__context__, (InternalError, OperationalError)):
                    raise error.__context__ from None
                raise
