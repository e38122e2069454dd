"""What the office changes of a poll that has opened: the deadline, by two people; the telephone."""

import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from ballots import verifier
from ballots.files.package import full_package
from projects.models import Poll
from tests.helpers.browsing import signed_in
from tests.helpers.desk import at, desk_of, faults_of, messages_of, signed_by
from tests.helpers.factories import (
    Stage,
    make_stage,
    move_by_force,
    publish_count,
    selection,
    set_closing_time,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def late(db) -> Stage:
    """An open poll whose deadline has just passed."""
    stage = make_stage(delegates=2)
    set_closing_time(stage.poll, timezone.now() - timedelta(minutes=1))
    return stage


def moved(stage: Stage, **more: str) -> dict[str, str]:
    """The form of a later deadline, signed by the scrutineer."""
    closes_at = timezone.localtime() + timedelta(minutes=30)
    filled = {"closes_at": closes_at.strftime("%Y-%m-%dT%H:%M"), "reason": "讨论延长"}
    return filled | signed_by(stage.scrutineer) | more


def test_the_page_says_that_time_is_up_and_offers_to_close_or_to_move_the_deadline(late):
    """Case 31."""
    desk = desk_of(late.office)

    for_office = desk.get(at(late.poll)).text
    for_watch = desk_of(late.scrutineer).get(at(late.poll)).text

    assert "投票（时间已到）" in for_office
    for text in (for_office, for_watch):
        assert "表决时间已到" in text
    assert at(late.poll, "deadline") in for_office
    assert at(late.poll, "deadline") not in for_watch
    assert desk.get(at(late.poll)).context["next"].name == "close"


def test_the_page_is_fetched_anew_when_time_is_up_and_when_the_deadline_moves(late):
    desk = desk_of(late.office)
    seen = desk.get(at(late.poll)).context["seen"]
    quiet = desk.get(at(late.poll), {"seen": seen}, headers={"HX-Request": "true"})
    desk.post(at(late.poll, "deadline"), moved(late))
    stale = desk.get(at(late.poll), {"seen": seen}, headers={"HX-Request": "true"})

    assert "HX-Refresh" not in quiet.headers
    assert stale.headers["HX-Refresh"] == "true"


def test_the_office_moves_a_deadline_that_has_passed(late):
    """Case 31."""
    desk = desk_of(late.office)
    page = desk.get(at(late.poll, "deadline"))
    assert "表决时间已到，延长后代表可以继续提交。" in page.text
    [offered] = re.findall(r'value="([^"]+)"[^>]* id="id_closes_at"', page.text)
    left = timezone.make_aware(datetime.fromisoformat(offered)) - timezone.now()
    assert timedelta(minutes=8) < left <= timedelta(minutes=10)

    reply = desk.post(at(late.poll, "deadline"), moved(late), follow=True)

    assert "截止时间已延至" in messages_of(reply)[0]
    assert "表决时间已到" not in reply.text
    late.poll.refresh_from_db()
    assert not late.poll.is_time_up
    record = desk.get(at(late.poll, "journal")).text
    assert "延长截止时间" in record
    assert "讨论延长" in record


def test_what_is_wrong_with_a_new_deadline_is_said_on_its_page(late):
    desk = desk_of(late.office)
    earlier = moved(late, closes_at="2020-01-01T09:00")

    assert "须晚于原定的截止时间" in desk.post(at(late.poll, "deadline"), earlier).text
    assert faults_of(desk.post(at(late.poll, "deadline"), moved(late, closes_at="明天"))) == [
        "请填写年月日和时间，例如 2026-01-18 11:30。"
    ]
    for year in ("9999-12-31T23:59", "2099-01-01T09:00"):
        far = desk.post(at(late.poll, "deadline"), moved(late, closes_at=year))
        assert "截止时间没有改动：最多延长到24小时以后" in far.text
    first = desk.post(at(late.poll, "deadline"), moved(late, closes_at="0001-01-01T00:00"))
    assert "须晚于原定的截止时间" in first.text


@pytest.mark.parametrize("phase", [Poll.Phase.OPEN, Poll.Phase.PAUSED])
def test_a_deadline_in_the_last_year_there_is_breaks_no_page(late, phase):
    """A vote that an earlier version opened may have one."""
    set_closing_time(late.poll, datetime(9999, 12, 31, 15, 59, tzinfo=UTC))
    move_by_force(late.poll, phase)
    desk = desk_of(late.office)

    for page in ("deadline", "journal", "close"):
        assert desk.get(at(late.poll, page)).status_code == 200
    assert "9999-12-31 23:59" in desk.get(at(late.poll)).text


def test_resuming_past_the_deadline_asks_for_a_new_one(late):
    """Case 31."""
    desk = desk_of(late.office)
    Poll.objects.filter(pk=late.poll.pk).update(phase=Poll.Phase.PAUSED)

    for ask in (desk.get, desk.post):
        reply = ask(at(late.poll, "resume"), follow=True)
        assert messages_of(reply) == [
            "表决时间已到，恢复后也不能提交。请先延长截止时间，再恢复投票；不延长的，请截止投票。"
        ]
        assert "新的截止时间" in reply.text
    assert Poll.objects.get().phase == Poll.Phase.PAUSED
    desk.post(at(late.poll, "deadline"), moved(late))
    assert messages_of(desk.post(at(late.poll, "resume"), follow=True))[-1] == "投票已恢复。"


def test_a_poll_without_a_deadline_offers_none_to_move():
    stage = make_stage(delegates=1)

    page = desk_of(stage.office).get(at(stage.poll)).text

    assert at(stage.poll, "deadline") not in page


# --- telephone and words --------------------------------------------------------------------------


def test_a_wrong_telephone_is_corrected_while_people_vote_and_phones_show_the_right_one():
    stage = make_stage(delegates=1)
    stage.cast(0, selection(1))
    desk, phone = desk_of(stage.office), signed_in(stage)

    reply = desk.post(
        at(stage.poll, "correct"), {"phone": "0579-87654321", "opening_words": ""}, follow=True
    )

    assert messages_of(reply) == ["已更正。"]
    assert "0579-87654321" in phone.get("/home/").text
    assert "0579-12345678" in desk.get(at(stage.poll, "journal")).text
    publish_count(stage)
    package = full_package(stage.poll).content
    assert not [found for found in findings(package) if found.faults]


def findings(content: bytes) -> list[verifier.Finding]:
    return list(verifier.level_a(verifier.read(io.BytesIO(content))))


def test_a_telephone_that_is_too_long_is_refused_on_its_page():
    stage = make_stage(delegates=1)

    reply = desk_of(stage.office).post(at(stage.poll, "correct"), {"phone": "1" * 31})

    assert reply.status_code == 200
    assert faults_of(reply)
    assert Poll.objects.get().phone == "0579-12345678"
