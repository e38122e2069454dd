"""How staff sign in: Django's passwords, with growing waits after wrong ones (design §6.2)."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef
from django.http import HttpRequest

from ballots import roles
from ballots.models import PasswordDate
from ballots.staff import gate, waits

# As long as the column of a name; a longer one, or one with a sign that no text has, is nobody's.
LONGEST_NAME = 150


class PatientBackend(ModelBackend):
    """Check a password, unless whoever types it has to wait or too many are being checked.

    Raises Refused("wait") with the minutes, or Refused("busy") with the seconds, and then has looked
    at no password. A wrong one is None, as everywhere in Django.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        if username is None or password is None:
            return None
        if len(username) > LONGEST_NAME or "\0" in username:
            return None
        key = waits.key_of(request, username)
        with gate.place(is_known=waits.is_known(request, username)):
            waits.take_place(key)
            user = super().authenticate(request, username=username, password=password, **kwargs)
        if not isinstance(user, User):
            return None
        waits.give_back(key)
        return user

    def get_user(self, user_id: int) -> User | None:
        """Return who is signed in, with what every page asks of him, in one statement."""
        owes = PasswordDate.objects.filter(user=OuterRef("pk"), is_own=False)
        user = User.objects.annotate(**{roles.OWES: Exists(owes)}).filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None
