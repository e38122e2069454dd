"""Which vote is this: several of one meeting are told apart wherever one is chosen (case 53)."""

from typing import Any

import pytest
from django.urls import reverse

from ballots.acts import drafts, roll
from ballots.facts.outcome import round_of
from ballots.models import Recommendation
from projects.models import Poll
from tests.helpers.browsing import read, signed_in
from tests.helpers.desk import desk_of
from tests.helpers.factories import (
    Stage,
    confirm_count,
    make_office,
    make_poll,
    make_project,
    make_stage,
    move_by_force,
    second_stage,
    selection,
)

pytestmark = pytest.mark.django_db


def collecting(**columns: Any) -> Poll:
    return make_poll(collecting=True, candidates=0, **columns)


def test_two_open_votes_of_one_meeting_are_told_apart_by_their_lists():
    held = make_stage(delegates=2, candidates=3)
    other = make_poll(candidates=0, delegates_total=9)
    make_project(other, 1, title="新建停车场")
    roll.draw_up_roll(other, by=held.office)
    move_by_force(other, Poll.Phase.OPEN)

    page = read(signed_in(held).get("/home/"))

    assert "请选择要参加的票决" in page.text
    assert "首次票决，候选项目3项：1. 候选项目1等" in page.text
    assert "首次票决，候选项目1项：1. 新建停车场" in page.text
    assert len({str(held.poll), str(Poll.objects.get(pk=other.pk))}) == 2


def test_of_two_drafts_that_collect_both_are_offered_and_each_takes_its_own():
    held = make_stage(delegates=1, candidates=1, open_it=False, collecting=True)
    older, newer, client = held.poll, collecting(), signed_in(held)

    reply = client.get("/recommend/")
    chosen = read(reply)
    form = read(client.get(f"/recommend/?poll={older.pk}"))
    sent = client.post("/recommend/", {"poll": older.pk, "title": "加装电梯"})

    for poll in (older, newer):
        assert f'href="/recommend/?poll={poll.pk}"' in reply.text
        assert f"，编号{poll.pk}" in chosen.text
    assert "候选项目1项：1. 候选项目1" in chosen.text
    assert dict(form.form("/recommend/").fields)["poll"] == str(older.pk)
    assert sent["Location"] == f"/recommend/?poll={older.pk}"
    assert Recommendation.objects.get().poll == older


def test_two_votes_that_began_in_one_minute_with_one_list_are_told_apart_by_their_numbers():
    held = make_stage(delegates=2, candidates=1)
    other = make_poll(kind=Poll.Kind.REHEARSAL, candidates=1, delegates_total=9)
    roll.draw_up_roll(other, by=held.office)
    move_by_force(other, Poll.Phase.OPEN)
    Poll.objects.filter(pk=other.pk).update(opened_at=held.poll.opened_at)
    third = make_poll(kind=Poll.Kind.REHEARSAL, candidates=2, delegates_total=9)
    roll.draw_up_roll(third, by=held.office)
    move_by_force(third, Poll.Phase.OPEN)

    page = read(signed_in(held).get("/home/"))

    for poll in (held.poll, other):
        assert f"，编号{poll.pk}" in page.text
    assert f"，编号{third.pk}" not in page.text


def run_off(first: Stage) -> Stage:
    """A run-off of a tied poll in which both are level once more, confirmed."""
    held = second_stage(first, drafts.run_off(first.poll, by=first.office))
    held.cast(0, selection(1))
    held.cast(1, selection(2))
    confirm_count(held)
    return held


def test_a_third_round_says_which_one_it_is():
    first = make_stage(delegates=2, candidates=2, places=1, majority="none")
    first.cast(0, selection(1))
    first.cast(1, selection(2))
    confirm_count(first)
    second = run_off(first)
    third = drafts.run_off(second.poll, by=second.office)

    assert second.poll.opening_words.startswith("首次票决中，下列项目得票相同")
    assert third.opening_words.startswith("再次票决中，下列项目得票相同")
    assert [round_of(poll) for poll in (first.poll, second.poll, third)] == [
        "首次票决",
        "再次票决",
        "第2次再次票决",
    ]


def test_drafts_of_one_meeting_have_their_number_where_one_is_chosen():
    older, newer = make_poll(candidates=0), make_poll(candidates=0)
    desk = desk_of(make_office())

    for page in ("projects_project_import", "projects_project_add"):
        text = desk.get(reverse(f"admin:{page}")).text
        for poll in (older, newer):
            assert f"{poll} 编号{poll.pk}</option>" in text, page
    for page in ("projects_poll_changelist", "ballots_pollday_changelist", "index"):
        text = read(desk.get(reverse(f"admin:{page}"))).text
        assert str(older.pk) in text.split(), page
