"""Pages go by the clock that judges the casts, which is the database's."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from projects.models import Poll
from tests.helpers.browsing import ready_to_cast, signed_in
from tests.helpers.factories import make_stage
from yiwu_vote import moments

A_DAY, AN_HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.mark.django_db
@pytest.mark.parametrize(("ahead", "is_up"), [(2 * AN_HOUR, True), (timedelta(), False)])
def test_a_deadline_has_passed_when_the_clock_of_the_database_says_so(ahead, is_up):
    stage = make_stage(closes_at=timezone.now() + AN_HOUR)
    moments.note_clock(timezone.now() + ahead)

    assert Poll.objects.get().is_time_up == is_up
    words = "表决时间已到，等待主持人宣布截止"
    assert (words in signed_in(stage).get("/ballot/", follow=True).text) == is_up


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("wrong_by", [A_DAY, -A_DAY])
def test_a_site_whose_clock_is_wrong_by_a_day_takes_the_ballots_that_the_database_takes(wrong_by):
    now = timezone.now()
    stage = make_stage(closes_at=now + AN_HOUR)
    with time_machine.travel(now + wrong_by):
        # Every connection is opened with the wrong clock, where it is wrong.
        connection.close()
        client = signed_in(stage)
        assert client.post("/ballot/cast/", ready_to_cast(client, stage.poll, 2)).status_code == 303
        assert abs(moments.now() - now) < timedelta(minutes=5)
    connection.close()
    at = stage.poll.roll.get(voted=True).voted_at
    assert at is not None
    assert abs(at - now) < timedelta(minutes=5)
