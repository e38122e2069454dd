"""The hall's big screen: turnout while open, the result at the chair's pace, nothing before it."""

import re
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
from tests.helpers.figures import adopted, item, make_counted

pytestmark = pytest.mark.django_db

# Of a city of eight delegates four came, and all of them are for the one project.
TURNOUT = {
    "delegates_total": 8,
    **dict.fromkeys(("roll", "present", "issued", "returned", "valid", "voted"), 4),
    **dict.fromkeys(("invalid", "blank", "cards_reissued"), 0),
}


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


def test_a_draft_shows_a_card_and_that_its_own_code_is_to_be_scanned(settings):
    settings.PUBLIC_URL = "https://vote.example.cn"
    stage = make_stage(open_it=False)
    hall.open_screen(stage.poll, by=stage.office)
    text = seen(stage)

    assert "即将开始" in text
    assert 'aria-label="投票卡，右上方是二维码"' in text
    assert "请扫描您手中投票卡上的二维码" in text
    assert "不能扫描的，请打开 https://vote.example.cn，输入投票卡上的16位投票码" in text


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
    assert ("请扫描您手中投票卡上的二维码" in seen(late)) == (minutes > 0)
    assert "打开" not in seen(late)


def test_a_pause_is_said(shown):
    lifecycle.pause_poll(shown.poll, reason="设备故障", by=shown.office)

    assert "投票暂停，请稍候" in seen(shown)
    assert "请各位代表在座位等候。" in seen(shown)


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


def test_a_publication_shows_the_heading_a_slot_for_each_place_and_no_project():
    stage = make_stage(delegates=4, candidates=3, places=3, show_votes=True)
    hall.open_screen(stage.poll, by=stage.office)
    published(voted(stage))
    text = seen(stage)

    assert "2026年度民生实事项目票决结果" in text
    # Two are adopted: that the third place stays empty is not said before the last of them.
    assert text.count("free") == 3
    assert "已揭晓0/3" in text
    assert "候选项目" not in text
    assert "有效票" not in text
    assert "过半数" not in text


def test_each_step_of_the_reveal_shows_one_more_project_in_its_slot(shown):
    published(voted(shown))
    hall.reveal_next(shown.poll, by=shown.office)
    first = seen(shown)
    hall.reveal_next(shown.poll, by=shown.office)
    last = seen(shown)

    assert "候选项目1" in first
    assert "4票" in first
    assert "过半数3票" in first
    assert "已揭晓1/2" in first
    assert (first.count("newest"), first.count("free")) == (1, 1)
    assert "候选项目2" not in first
    assert "全部项目" not in first
    assert "候选项目2" in last
    # Nothing is the newest any more: those that passed stand alike.
    assert "newest" not in last
    assert "free" not in last


def test_the_length_of_a_bar_is_what_the_votes_are_of_those_whose_half_is_asked():
    counted_as = {
        "all": ("50.0", "62.5"),
        "present": ("100.0", "75.0"),
        "valid": ("100.0", "75.0"),
    }
    for majority, (width, half) in counted_as.items():
        row = item("1", "学校", votes=4)
        poll = make_counted(
            row,
            phase="published",
            majority=majority,
            delegates_total=8,
            show_votes=True,
            more={"needed": 5 if majority == "all" else 3, "turnout": TURNOUT},
        )
        hall.open_screen(poll, by=make_office())
        hall.reveal_all(poll, by=make_office())
        text = Client().get(address(poll)).text
        assert f'class="fill" y="15%" width="{width}%"' in text
        assert f'x1="{half}%"' in text


def test_of_more_places_than_a_sheet_holds_the_one_with_the_newest_is_shown():
    poll = make_counted(*adopted(15), phase="published", show_votes=True)
    office = make_office()
    hall.open_screen(poll, by=office)
    shown = []
    for _step in range(9):
        hall.reveal_next(poll, by=office)
        shown.append(Client().get(address(poll)).text)

    assert "候选项目1<" in shown[0]
    assert shown[0].count("<li class") == 8
    assert "候选项目8<" in shown[7]
    assert "候选项目8<" not in shown[8]
    assert "候选项目9<" in shown[8]
    assert shown[8].count("<li class") == 7


def test_room_for_a_long_name_does_not_tell_that_it_comes():
    long = (
        "城乡接合部老旧片区综合改造提升工程（含雨污分流、道路白改黑、弱电入地、停车位及充电桩建设）"
    )
    layouts = set()
    for verdict in ("adopted", "short"):
        rows = [item("1", "学校"), item("2", long, outcome=verdict)]
        poll = make_counted(*rows, phase="published", show_votes=True)
        hall.open_screen(poll, by=make_office())
        layouts |= set(re.findall('class="sheet[^"]*"', Client().get(address(poll)).text))

    assert layouts == {'class="sheet small barred"'}


def test_what_has_seen_all_that_is_revealed_gets_an_empty_answer_for_one_query(shown):
    published(voted(shown))
    path = address(shown.poll)
    browser = Client(headers={"hx-request": "true"})
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(path, {"seen": "0"}).status_code == 204
    assert len(queries) == 1
    hall.reveal_next(shown.poll, by=shown.office)
    reply = browser.get(path, {"seen": "0"})

    assert "候选项目1" in reply.text
    # What comes back asks on with what it shows; after the last step nothing is asked for faster.
    assert f'hx-get="{path}?seen=1"' in reply.text
    hall.reveal_all(shown.poll, by=shown.office)
    assert "?seen=" not in browser.get(path, {"seen": "1"}).text


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


def test_where_nothing_passed_the_list_of_all_still_shows_how_many_votes_were_asked():
    poll = make_counted(item("1", "学校", 2, "short"), phase="published", show_votes=True)
    hall.open_screen(poll, by=make_office())
    hall.reveal_all(poll, by=make_office())
    text = Client().get(address(poll)).text

    assert "没有项目获得通过。" in text
    assert "过半数6票" in text.partition("全部项目")[2]


def test_without_votes_the_rows_stand_in_the_order_of_the_list():
    stage = make_stage(delegates=3, candidates=3, places=2)
    hall.open_screen(stage.poll, by=stage.office)
    for place in range(3):
        stage.cast(place, selection(*([1, 3] if place < 2 else [3])))
    published(stage, at_once=True)
    text = seen(stage)

    assert text.index("候选项目1") < text.index("候选项目3")
    assert "各项目按编号排列，排列先后与得票多少无关。" in text
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
