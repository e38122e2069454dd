"""The office's day of a 满意度测评, from the checklist to the last step of the reveal (design §4.6)."""

import pytest
from django.conf import settings
from django.test import Client

from ballots.acts import details, hall, lifecycle
from ballots.facts import preflight, record
from ballots.files import pabulib, tables
from ballots.journal import Kind
from projects.models import Poll
from tests.helpers.desk import at, desk_of, messages_of
from tests.helpers.factories import Stage, make_poll, make_stage, selection
from tests.helpers.refusals import refusal_of, run

pytestmark = pytest.mark.django_db

GRADES = Poll.Form.GRADES


@pytest.fixture
def confirmed() -> Stage:
    """Three of five delegates judge two projects: the first 满意, the second 基本满意."""
    stage = make_stage(delegates=5, candidates=2, form=GRADES, majority="valid")
    stage.cast(0, selection(1, 2))
    stage.cast(1, selection(1, fair=[2]))
    stage.cast(2, selection(1, against=[2]))
    stage.close()
    stage.open_box()
    stage.count()
    lifecycle.confirm_result(stage.poll, by=stage.chief)
    stage.poll.refresh_from_db()
    return stage


def test_it_is_published_by_how_many_are_satisfied_and_revealed_in_one_step(confirmed):
    poll, desk = confirmed.poll, desk_of(confirmed.office)

    day = desk.get(at(poll, "change")).text
    page = desk.get(at(poll, "publish")).text
    wrong = desk.post(at(poll, "publish"), {"figure": 2}, follow=True)
    done = desk.post(at(poll, "publish"), {"figure": 1}, follow=True)

    assert "测评2项，评为满意1项。" in day
    for step in ("run-off", "supplementary", "decide", "export-research"):
        assert at(poll, step) not in day
    assert "请输入评为满意的项目数以确认：" in page
    assert "名额" not in page
    assert "leave_open" not in page
    assert "结果已公布。" not in messages_of(wrong)
    assert messages_of(done) == ["结果已公布。"]
    # One step, with what the chair reads; none that shows the next place.
    assert at(poll, "reveal-all") in done.text
    assert f'href="{at(poll, "reveal")}"' not in done.text
    told = desk.get(at(poll, "reveal-all")).text
    assert "满意3票，基本满意0票，不满意0票，弃权0票" in told
    assert desk.get(at(poll, "reveal"), follow=True).redirect_chain
    shown = desk.post(at(poll, "reveal-all"), follow=True)
    assert messages_of(shown) == ["结果已全部揭晓，代表和公众可以看到。"]


def test_the_record_says_nothing_of_places(confirmed):
    poll = lifecycle.publish_result(confirmed.poll, by=confirmed.office, adopted=1).poll
    hall.reveal_all(poll, by=confirmed.office)

    for kind in (Kind.PUBLISHED, Kind.REVEALED):
        words = record.in_words(poll.journal.get(kind=kind))
        assert "名额" not in words
        assert "项数" not in words


def test_the_list_of_ballots_has_three_lists_and_there_are_no_research_data(confirmed):
    poll = lifecycle.publish_result(confirmed.poll, by=confirmed.office, at_once=True).poll

    header, *rows = tables.ballots_csv(poll).content.decode("utf-8-sig").splitlines()

    assert header == (
        "票序（随机）,满意项目编号（以“、”分隔）,基本满意项目编号（以“、”分隔）,不满意项目编号（以“、”分隔）"
    )
    assert sorted(row.partition(",")[2] for row in rows) == ["1,,2", "1,2,", "1、2,,"]
    assert refusal_of(lambda: pabulib.research_file(poll)) == "no-grades"
    reason = {"what": record.PABULIB, "reason": "研究", "by": confirmed.chief}
    assert refusal_of(lambda: details.note_export(poll, **reason)) == "no-grades"


def test_the_command_that_publishes_says_each_grade(confirmed):
    said = run("publish_poll", "--user", confirmed.office.username)

    assert "满意3票，基本满意0票，不满意0票，弃权0票" in said
    assert "总体评定为满意。" in said
    assert "通过" not in said


def test_the_checklist_speaks_of_projects_to_judge_and_not_of_places():
    empty = make_poll(candidates=0, form=GRADES)
    poll = make_poll(candidates=2, form=GRADES, year=2027)

    words = [found.text for found in preflight.what_is_missing(empty)]
    assert "还没有测评项目" in words
    assert not [word for word in words if "候选" in word or "应选" in word]
    words = [found.text for found in preflight.what_is_missing(poll)]
    assert not [word for word in words if "候选" in word or "应选" in word]


def test_the_result_asks_no_more_of_the_database_and_is_there_in_english(
    confirmed, django_assert_max_num_queries
):
    poll = lifecycle.publish_result(confirmed.poll, by=confirmed.office, at_once=True).poll
    poll = hall.open_screen(poll, by=confirmed.office)
    client = Client()
    client.get("/results/")
    client.get(f"/screen/{poll.screen_key}/")
    with django_assert_max_num_queries(4):
        client.get(f"/results/?poll={poll.pk}")
    with django_assert_max_num_queries(4):
        client.get(f"/screen/{poll.screen_key}/")
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    page = client.get(f"/results/?poll={poll.pk}").text
    assert "Results of the satisfaction assessment" in page
    assert "The whole is rated: Satisfied." in page
