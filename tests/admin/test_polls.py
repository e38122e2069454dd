"""The page of a poll's rules: what stands fast there once there are acts on record."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from ballots.acts import lifecycle
from projects import importing
from projects.models import Poll, Project
from tests.helpers.desk import fields_of as filled_in
from tests.helpers.factories import make_office, make_poll, make_stage, make_sub_item

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
    make_sub_item(candidate, investment=1200)
    Project.objects.filter(pk=candidate.pk).update(investment=1800, investment_this_year=950)
    client.force_login(make_office())
    address = reverse("admin:projects_project_change", args=[candidate.pk])
    assert 'name="targets-0-quantity"' in client.get(address).content.decode()

    lifecycle.open_poll(day.poll, by=day.office)
    page = client.get(address).content.decode()

    for figure in ("2座", "1,200", "1,800", "950"):
        assert f">{figure}<" in page
    assert ".00" not in page


def test_the_form_of_a_candidate_shows_no_idle_zeros_and_takes_all_that_a_table_has(client):
    """B13; and what the form has kept is what a table that goes out says."""
    poll = make_poll(candidates=1)
    candidate = poll.projects.get()
    Project.objects.filter(pk=candidate.pk).update(investment="1800.50")
    client.force_login(make_office())
    address = reverse("admin:projects_project_change", args=[candidate.pk])
    page = client.get(address)
    filled = filled_in(page)
    assert (filled["investment"], filled["targets-0-quantity"]) == ("1800.5", "1")

    sent = {"investment_this_year": "950", "funding": "市级财政"}
    parts = {"sub_items-0-text": "新建停车楼", "sub_items-0-investment": "1200.00"}
    client.post(address, filled | sent | parts | {"sub_items-1-text": "管理平台"})

    [cells] = importing.cells_of(poll)
    assert cells[5:8] == ("1800.5", "950", "市级财政")
    assert cells[-1] == "新建停车楼，1,200万元\n管理平台"


def test_more_this_year_than_in_all_is_told_beside_the_form(client):
    candidate = make_poll(candidates=1).projects.get()
    client.force_login(make_office())
    address = reverse("admin:projects_project_change", args=[candidate.pk])
    sums = {"investment": "100", "investment_this_year": "100.01"}

    reply = client.post(address, filled_in(client.get(address)) | sums)

    assert "本年投资不能多于总投资。" in reply.text
    assert Project.objects.get().investment is None
