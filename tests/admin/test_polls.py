"""The page of a poll's rules: what stands fast there once there are acts on record."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from ballots.acts import lifecycle
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


@pytest.mark.parametrize(
    ("day", "told"),
    [
        ("9999-12-31", ["截止时间与现在相差一年以上，请核对年份。"]),
        ("2099-01-01", ["截止时间与现在相差一年以上，请核对年份。"]),
        ("0001-01-01", ["截止时间与现在相差一年以上，请核对年份。"]),
        (f"{timezone.localdate() + timedelta(days=300)}", []),
    ],
)
def test_a_mistyped_year_of_the_deadline_is_said_and_not_saved(client, day, told):
    """A deadline never moves to earlier once the vote is open."""
    poll = make_poll()
    client.force_login(make_office())
    address = reverse("admin:projects_poll_change", args=[poll.pk])
    form = client.get(address).context["adminform"].form
    filled = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    filled = {name: value for name, value in filled.items() if value not in (None, False)}

    reply = client.post(address, filled | {"closes_at_0": day, "closes_at_1": "00:00"})

    faults = reply.context["adminform"].form.errors.get("closes_at", []) if reply.context else []
    assert faults == told
    assert (reply.status_code == 302) == (not told)
    assert Poll.objects.filter(pk=poll.pk, closes_at=None).exists() == bool(told)


def test_a_draft_with_a_deadline_in_the_last_year_there_is_can_still_be_mended(client):
    poll = make_poll(closes_at=datetime(9999, 12, 31, 15, 59, tzinfo=UTC))

    assert "closes_at" in fields_of(client, poll)


def test_a_candidate_that_stands_fast_shows_its_quantities_as_they_are_printed(client):
    day = make_stage(open_it=False)
    candidate = day.poll.projects.get(number=1)
    candidate.targets.create(position=9, text="新建泵站", quantity=2, unit="座")
    client.force_login(make_office())
    address = reverse("admin:projects_project_change", args=[candidate.pk])
    assert 'name="targets-0-quantity"' in client.get(address).content.decode()

    lifecycle.open_poll(day.poll, by=day.office)
    page = client.get(address).content.decode()

    assert "2座" in page
    assert "2.000" not in page
