"""The page of a poll's rules: what stands fast there once there are acts on record."""

import pytest
from django.urls import reverse

from projects.models import Poll
from tests.helpers.factories import make_office, make_poll, make_stage

pytestmark = pytest.mark.django_db


def fields_of(client, poll: Poll) -> set[str]:
    """Return what the office can still change about `poll`."""
    client.force_login(make_office())
    page = client.get(reverse("admin:projects_poll_change", args=[poll.pk]))
    return set(page.context["adminform"].form.fields)


def test_a_draft_can_become_a_rehearsal_until_its_key_is_made(client):
    untouched = make_poll()
    with_key = make_stage(kind=Poll.Kind.MAIN, open_it=False).poll

    assert fields_of(client, untouched) - fields_of(client, with_key) == {"kind"}


def test_a_second_round_stays_one(client):
    first = make_poll(delegates_total=3)
    second = make_poll(kind=Poll.Kind.RUN_OFF, parent=first, candidates=0)

    assert fields_of(client, first) - fields_of(client, second) == {"kind"}
