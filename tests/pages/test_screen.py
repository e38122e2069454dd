"""The hall's big screen: turnout while open, the result at the chair's pace, nothing before it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ballots import journal
from ballots.acts import drafts, hall, lifecycle, storage
from ballots.refusal import Refused
from projects.models import Poll
from tests.helpers.factories import (
    Stage,
    make_confirmed,
    make_office,
    make_stage,
    move_by_force,
    play,
    selection,
)
from tests.helpers.figures import adopted, make_counted

pytestmark = pytest.mark.django_db


def address(poll: Poll) -> str:
    poll.refresh_from_db()
    return f"/screen/{poll.screen_key}/"


def seen(stage: Stage, **query: str) -> str:
    """What somebody who is signed in nowhere reads on the screen."""
    reply = Client().get(address(stage.poll), query)
    assert reply.status_code == 200
    return " ".join(reply.content.decode().split())


def counted(stage: Stage) -> None:
    stage.close()
    stage.open_box()
    stage.count()


def published(stage: Stage, **how: bool) -> None:
    counted(stage)
    lifecycle.confirm_result(stage.poll, by=stage.chief)
    lifecycle.publish_result(stage.poll, by=stage.office, leave_open=True, **how)


@pytest.fixture
def shown() -> Stage:
    """An open poll of three candidates with a screen; everybody is for the first two."""
    stage = make_stage(delegates=4, candidates=3, places=2, show_votes=True)
    hall.open_screen(stage.poll, by=stage.office)
    return stage


def voted(stage: Stage) -> Stage:
    for place in range(3):
        stage.cast(place, selection(1, 2))
    stage.cast(3, selection(1))
    return stage


def test_an_address_that_was_never_given_leads_nowhere(shown):
    assert Client().get("/screen/0123456789abcdef/").status_code == 404
    assert Client().get("/screen/None/").status_code == 404


def test_the_hall_sees_the_signs_of_the_key_before_and_while_people_vote():
    stage = make_stage(open_it=False)
    hall.open_screen(stage.poll, by=stage.office)
    code = stage.poll.box.key_code

    assert code in seen(stage)
    lifecycle.open_poll(stage.poll, by=stage.office)
    assert code in seen(stage)


def test_a_new_address_ends_the_old_one(shown):
    before = address(shown.poll)
    hall.open_screen(shown.poll, by=shown.office)

    assert Client().get(before).status_code == 404
    assert Client().get(address(shown.poll)).status_code == 200


def test_an_address_that_was_taken_back_leads_nowhere(shown):
    before = address(shown.poll)
    hall.end_screen(shown.poll, by=shown.office)

    assert Client().get(before).status_code == 404


def test_only_the_office_hands_out_the_address(shown):
    for act in (hall.open_screen, hall.end_screen):
        with pytest.raises(Refused):
            act(shown.poll, by=shown.scrutineer)


def test_a_draft_shows_that_it_will_begin_soon_and_where():
    stage = make_stage(open_it=False)
    hall.open_screen(stage.poll, by=stage.office)
    text = seen(stage)

    assert "即将开始" in text
    assert "请各位代表准备好投票卡" in text
    assert "<svg" in text


def test_while_open_it_shows_how_many_have_voted_and_nothing_of_their_choices(shown):
    shown.cast(0, selection(1, 2))
    text = seen(shown)

    assert "<b>1</b> / 4 人已投票" in text
    assert "投票率25.0%" in text
    assert "未投票3人" in text
    assert "候选项目1" not in text


def test_the_number_of_those_who_have_not_voted_can_be_left_out(shown):
    assert "未投票" not in seen(shown, waiting="no")


@pytest.mark.parametrize(
    ("minutes", "words"), [(4.5, "距截止还有5分钟"), (-1, "表决时间已到，等待主持人宣布截止")]
)
def test_the_last_minutes_are_announced(minutes, words):
    stage = make_stage(closes_at=timezone.now() + timedelta(hours=1))
    hall.open_screen(stage.poll, by=stage.office)
    assert words not in seen(stage)
    # A deadline that comes near: the trigger keeps it where it was, so the poll is made anew.
    late = make_stage(open_it=False, closes_at=timezone.now() + timedelta(minutes=minutes))
    hall.open_screen(late.poll, by=late.office)
    move_by_force(late.poll, Poll.Phase.OPEN)

    assert words in seen(late)
    # Nobody is asked to vote who could not submit.
    assert ("扫描投票卡二维码投票" in seen(late)) == (minutes > 0)


def test_a_pause_is_said(shown):
    lifecycle.pause_poll(shown.poll, reason="设备故障", by=shown.office)

    assert "投票暂停，请稍候" in seen(shown)


def test_from_the_close_to_the_publication_only_the_number_of_ballots_is_shown(shown):
    voted(shown).close()
    closed = seen(shown)
    shown.open_box()
    shown.count()
    lifecycle.confirm_result(shown.poll, by=shown.chief)

    assert "投票已截止，正在计票" in closed
    assert "收回表决票4张" in closed
    assert "候选项目" not in seen(shown)


@pytest.mark.django_db(transaction=True)
def test_the_hall_sees_the_number_of_the_record_once_at_the_close(shown):
    voted(shown)
    before = seen(shown)
    shown.close()
    number = journal.head(shown.poll)
    storage.rewrite_storage(shown.poll, by=shown.office)
    closed = seen(shown)
    shown.open_box()

    assert "核对号" not in before + seen(shown)
    assert f"截止时的操作记录核对号 {number}" in closed
    shown.count()
    assert "核对号" not in seen(shown)


def test_a_publication_shows_the_heading_and_no_project(shown):
    published(voted(shown))
    text = seen(shown)

    assert "2026年度民生实事项目票决结果" in text
    assert "候选项目" not in text
    assert "有效票" not in text


def test_each_step_of_the_reveal_shows_one_more_project(shown):
    published(voted(shown))
    hall.reveal_next(shown.poll, by=shown.office)
    first = seen(shown)
    hall.reveal_next(shown.poll, by=shown.office)

    assert "候选项目1" in first
    assert "4票" in first
    assert "候选项目2" not in first
    assert "全部项目" not in first
    assert "候选项目2" in seen(shown)


def test_no_phone_is_ahead_of_the_chair(shown):
    published(voted(shown))
    hall.reveal_next(shown.poll, by=shown.office)
    before = Client().get("/results/").content.decode()
    hall.reveal_next(shown.poll, by=shown.office)

    assert "候选项目1" not in before
    assert "候选项目1" in Client().get("/results/").content.decode()


def test_after_the_last_step_all_projects_can_be_paged_through_where_votes_are_shown(shown):
    published(voted(shown), at_once=True)
    text = seen(shown)

    assert "全部项目" in text
    assert "候选项目3" in text
    assert "收回表决票4张，有效票4张" in text


def test_without_votes_the_rows_stand_in_the_order_of_the_list():
    stage = make_stage(delegates=3, candidates=3, places=2)
    hall.open_screen(stage.poll, by=stage.office)
    for place in range(3):
        stage.cast(place, selection(*([1, 3] if place < 2 else [3])))
    published(stage, at_once=True)
    text = seen(stage)

    assert text.index("候选项目1") < text.index("候选项目3")
    assert "票</span>" not in text
    assert "全部项目" not in text


def test_a_void_poll_says_so(shown):
    lifecycle.void_poll(shown.poll, reason="停电", by=shown.office, second=shown.scrutineer)

    assert "本次票决作废" in seen(shown)


def test_what_asks_again_gets_the_changing_part_alone(shown):
    reply = Client().get(address(shown.poll), headers={"hx-request": "true"})

    assert "人已投票" in reply.content.decode()
    assert "<html" not in reply.content.decode()
    assert "HX-Request" in reply["Vary"]


def test_a_place_of_a_second_round_shows_how_it_was_filled_and_no_votes_of_it():
    stage = make_confirmed({1: 8, 2: 5, 3: 5, 4: 0}, places=2, show_votes=True)
    second = play(stage, drafts.run_off(stage.poll, by=stage.office), selection(3))
    lifecycle.publish_result(second.poll, by=stage.office, at_once=True)
    lifecycle.publish_result(stage.poll, by=stage.office, at_once=True)
    hall.open_screen(stage.poll, by=stage.office)
    first_sheet = seen(stage).partition("全部项目")[0]

    assert "8票" in first_sheet
    assert "再次票决通过" in first_sheet
    assert "1票" not in first_sheet


def test_the_screen_asks_no_more_for_more_rows():
    asked = set()
    for rows in (1, 9):
        poll = make_counted(*adopted(rows), phase="published", show_votes=True)
        hall.open_screen(poll, by=make_office())
        hall.reveal_all(poll, by=make_office())
        path = address(poll)
        with CaptureQueriesContext(connection) as queries:
            assert f"候选项目{rows}" in Client().get(path).content.decode()
        asked.add(len(queries))

    assert len(asked) == 1
