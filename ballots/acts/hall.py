"""The address of the hall's big screen: anybody who has it may look, until it is ended."""

import secrets

from django.contrib.auth.models import User
from django.db import transaction

from ballots.refusal import demand_office, locked
from projects.models import Poll


@transaction.atomic
def open_screen(poll: Poll, *, by: User) -> Poll:
    """Give the big screen of `poll` a new address; one that was given before is of no use now."""
    return _give(poll, secrets.token_hex(8), by)


@transaction.atomic
def end_screen(poll: Poll, *, by: User) -> Poll:
    """Take the address of the big screen back."""
    return _give(poll, None, by)


def _give(poll: Poll, key: str | None, by: User) -> Poll:
    demand_office(by)
    poll = locked(poll)
    poll.screen_key = key
    poll.save(update_fields=["screen_key"])
    return poll
