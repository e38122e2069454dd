"""Which vote is this: several of one meeting are told apart wherever one is chosen (case 53)."""

import re
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from ballots.acts import drafts, lifecycle, roll
from ballots.facts.outcome import round_of
from ballots.models import Envelope, Recommendation
from projects.models import Poll
from tests.helpers import papers
from tests.helpers.browsing import read, ready_to_cast, signed_in
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
    stage_beside,
)

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


def collecting(**columns: Any) -> Poll:
    return make_poll(collecting=True, candidates=0, **columns)


def test_two_open_votes_of_one_meeting_are_told_apart_by_their_lists():
    held = make_stage(delegates=2, candidates=3)
    other = make_poll(candidates=0, delegates_total=9)
    make_project(other, 1, title="新建停车场")
    roll.draw_up_roll(other, by=held.office)
    move_by_force(other, Poll.Phase.OPEN)

    page = read(signed_in(held).get("/home/"))

    assert "还有2项表决等您投票。" in page.text
    assert "首次票决，候选项目3项：1. 候选项目1等" in page.text
    assert "首次票决，候选项目1项：1. 新建停车场" in page.text
    assert len({str(held.poll), str(Poll.objects.get(pk=other.pk))}) == 2


# --- two votes of one sitting -----------------------------------------------------------------------


@pytest.fixture
def sitting() -> tuple[Stage, Stage]:
    """A vote on the next year's projects, begun first, and one on those of the last year."""
    first = make_stage(delegates=2, candidates=3, places=2)
    return first, stage_beside(first, year=2025, candidates=4, places=2)


def cards_of(text: str) -> dict[str, str]:
    """Return what each panel of the home page says, by the title of its vote."""
    panels = re.findall(r'<section class="panel status[^>]*>(.*?)</section>', text, re.DOTALL)
    titles = [re.sub(r"<.*?>", " ", panel.split("</h2>")[0]) for panel in panels]
    return {" ".join(title.split()): panel for title, panel in zip(titles, panels, strict=True)}


def buttons(text: str) -> list[tuple[str, str]]:
    return re.findall(r'class="button[^"]*"\s+href="([^"]*)"[^>]*>([^<]+)<', text)


def vote(client: Client, held: Stage) -> str:
    """Cast by the page; return the receipt to which it leads."""
    query = f"?poll={held.poll.pk}"
    reply = client.post(f"/ballot/cast/{query}", ready_to_cast(client, held.poll, 1), follow=True)
    assert "✓ 表决票已提交" in reply.text
    return reply.text


def test_home_lists_both_votes_with_their_state_and_one_step_each(sitting):
    first, second = sitting
    client = signed_in(first)

    text = client.get("/home/").text
    cards = cards_of(text)

    assert "还有2项表决等您投票。" in text
    assert set(cards) == {
        "2026年度民生实事项目票决 待投 演练，不计票",
        "2025年度民生实事项目票决 待投 演练，不计票",
    }
    for title, held in zip(sorted(cards, reverse=True), sitting, strict=True):
        assert buttons(cards[title]) == [(f"/ballot/?poll={held.poll.pk}", "填写表决票")]
    vote(client, second)
    text = client.get("/home/").text
    cards = cards_of(text)
    assert "还有1项表决等您投票。" in text
    assert next(iter(cards)).startswith("2026"), "what waits comes first"
    assert buttons(cards["2026年度民生实事项目票决 待投 演练，不计票"])[0][1] == "填写表决票"
    assert buttons(cards["2025年度民生实事项目票决 已投票 演练，不计票"]) == [
        (f"/receipt/?poll={second.poll.pk}", "查看回执")
    ]
    vote(client, first)
    assert "现在没有等您投票的表决。" in client.get("/home/").text
    assert Envelope.objects.count() == 2


def test_a_vote_of_the_sitting_that_has_not_begun_is_on_home_too_and_one_of_another_meeting_not(
    sitting,
):
    first, _second = sitting
    for columns in ({"year": 2030}, {"year": 2031, "meeting": "另一次会议"}):
        draft = make_poll(kind=first.poll.kind, **columns)
        roll.draw_up_roll(draft, by=first.office)

    cards = cards_of(signed_in(first).get("/home/").text)

    assert "2030年度民生实事项目票决 未开始 演练，不计票" in cards
    assert not [title for title in cards if title.startswith("2031")]


def test_whoever_is_not_on_the_second_roll_sees_one_vote(sitting):
    first, second = sitting
    second.poll.roll.filter(number="001").delete()
    client = signed_in(first)

    assert 'id="poll-' not in client.get("/home/").text
    assert "还有一项表决" not in vote(client, first)
    assert len(cards_of(signed_in(first, 1).get("/home/").text)) == 2


def test_the_receipt_of_the_first_leads_on_to_the_second_and_that_of_the_second_out(sitting):
    first, second = sitting
    client = signed_in(first)

    receipt = vote(client, second)

    assert "还有一项表决：2026年度民生实事项目票决" in receipt
    assert (f"/ballot/?poll={first.poll.pk}", "填写这一项表决票") in buttons(receipt)
    home = client.get(f"/home/?poll={second.poll.pk}").text
    assert (f"/ballot/?poll={first.poll.pk}", "填写这一项表决票") in buttons(home)
    assert "还有一项表决" not in vote(client, first)
    assert "还有一项表决" not in client.get(f"/receipt/?poll={second.poll.pk}").text


def test_a_shared_tablet_does_not_sign_out_by_itself_between_two_votes(sitting):
    """Where nobody touches it any more it does, as on every other page."""
    first, second = sitting
    client = signed_in(first)
    client.post("/tablet/", {"shared": "on"})

    between, after = vote(client, second), vote(client, first)

    assert 'data-rest="240"' in between
    assert between.count('id="leave"') == after.count('id="leave"') == 1
    assert "继续停留" not in between
    assert "data-rest" not in after
    assert "继续停留" in after
    for text in (between, after):
        assert "退出，交还平板" in text


@pytest.mark.parametrize("kind", ["main", "rehearsal"])
def test_nobody_who_has_voted_is_sent_on_to_a_rehearsal(kind):
    held = make_stage(delegates=1, kind=kind, open_it=False)
    move_by_force(held.poll, Poll.Phase.OPEN)
    held.poll.roll.update(voted=True, voted_at=timezone.now())
    other = make_poll(kind=Poll.Kind.REHEARSAL, delegates_total=9)
    roll.draw_up_roll(other, by=held.office)
    move_by_force(other, Poll.Phase.OPEN)

    text = signed_in(held).get(f"/receipt/?poll={held.poll.pk}").text

    assert ("还有一项表决" in text) == (kind == "rehearsal")


def test_a_paper_ballot_of_one_vote_leaves_the_other_to_be_cast(sitting):
    first, second = sitting
    papers.issue(second, 0)
    client = signed_in(first)

    cards = cards_of(client.get("/home/").text)

    assert "您已领取纸质表决票。" in cards["2025年度民生实事项目票决 纸质票 演练，不计票"]
    assert buttons(cards["2026年度民生实事项目票决 待投 演练，不计票"])[0][1] == "填写表决票"
    assert "还有一项表决" not in vote(client, first)


def test_home_of_both_is_fetched_anew_once_either_has_moved(sitting):
    first, second = sitting
    client = signed_in(first)
    [address] = re.findall(r'hx-get="([^"]+)"', client.get("/home/").text)
    address = unescape(address)

    assert client.get(address, headers=HTMX).status_code == 204
    lifecycle.pause_poll(second.poll, reason="停电", by=first.office)
    reply = client.get(address, headers=HTMX)
    assert (reply.status_code, reply["HX-Refresh"]) == (200, "true")


def test_both_votes_are_read_by_the_one_statement(sitting):
    first, _second = sitting
    client = signed_in(first)
    vote(client, first)
    client.get("/home/")

    with CaptureQueriesContext(connection) as home:
        client.get("/home/")
    with CaptureQueriesContext(connection) as receipt:
        client.get(f"/receipt/?poll={first.poll.pk}")

    assert (len(home), len(receipt)) == (1, 1)


# --- where one is chosen ----------------------------------------------------------------------------


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
