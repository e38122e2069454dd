"""The budget of the pages that are asked for again every few seconds: so many queries, no more."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from ballots.acts import canvass, drafts, hall, lifecycle
from projects.models import Poll
from tests.helpers.factories import Stage, make_confirmed, make_stage, play, selection

pytestmark = pytest.mark.django_db

# A desk asks every ten seconds, the hall's screen every five.
DAY_PAGE = 25
SCREEN = 4
# Two results, what joins them, and each one's own second round.
SCREEN_OF_TWO_ROUNDS = 6


def asked(client: Client, address: str) -> int:
    """Return how many queries a page makes once the process is warm."""
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


def day_page(stage: Stage, poll: Poll) -> int:
    desk = Client()
    desk.force_login(stage.office)
    return asked(desk, reverse("admin:ballots_pollday_change", args=[poll.pk]))


def screen(stage: Stage, poll: Poll) -> int:
    key = hall.open_screen(Poll.objects.get(pk=poll.pk), by=stage.office).screen_key
    return asked(Client(), f"/screen/{key}/")


def whole_day(stage: Stage) -> Iterator[str]:
    """Take a poll through all its phases, and yield at each."""
    poll, office = stage.poll, stage.office
    yield "draft"
    stage.poll = lifecycle.open_poll(poll, by=office)
    for place in range(8):
        stage.cast(place, selection(*range(1, 10), 10 if place < 4 else 11))
    stage.cast(8, selection(1, proposals=["夜间公交"]))
    yield "open"
    lifecycle.pause_poll(poll, reason="停电", by=office)
    yield "paused"
    stage.close()
    yield "closed"
    stage.open_box()
    yield "opened"
    canvass.rule_each_alone(poll, by=office)
    canvass.close_canvass(poll, by=office, second=stage.scrutineer)
    lifecycle.count_poll(poll, by=office)
    yield "counted"
    for person in (stage.scrutineer, stage.chief)[-poll.confirmers :]:
        lifecycle.confirm_result(poll, by=person)
    yield "confirmed"
    lifecycle.publish_result(poll, by=office, leave_open=True)
    yield "published"
    hall.reveal_all(poll, by=office)
    yield "revealed"


def test_in_no_phase_do_the_days_page_and_the_screen_ask_more_than_their_budget():
    stage = make_stage(delegates=9, candidates=14, places=10, show_votes=True, open_it=False)

    spent = {
        phase: (day_page(stage, stage.poll), screen(stage, stage.poll))
        for phase in whole_day(stage)
    }

    assert len(spent) == 9
    assert {phase: both for phase, both in spent.items() if both > (DAY_PAGE, SCREEN)} == {}
    assert {phase: both for phase, both in spent.items() if both[1] > SCREEN} == {}


def test_a_second_round_costs_the_days_page_nothing_beyond_its_budget():
    first = make_confirmed({1: 7, 2: 7, 3: 7, 4: 5, 5: 5, 6: 1}, places=4, show_votes=True)
    draft = drafts.run_off(first.poll, by=first.office)
    # On PostgreSQL the checklist of a draft compares two clocks, and connections with threads.
    more = 2 if connection.vendor == "postgresql" else 0

    assert day_page(first, draft) <= DAY_PAGE + more
    assert day_page(first, first.poll) <= DAY_PAGE

    second = play(first, draft, selection(4), selection(4), selection(5))
    lifecycle.publish_result(second.poll, by=first.office, at_once=True)
    assert day_page(first, second.poll) <= DAY_PAGE
    assert day_page(first, first.poll) <= DAY_PAGE

    lifecycle.publish_result(first.poll, by=first.office, at_once=True)
    assert day_page(first, first.poll) <= DAY_PAGE
    assert screen(first, first.poll) <= SCREEN_OF_TWO_ROUNDS
