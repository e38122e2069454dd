"""The office's pages of opinions, and the papers of a year: what they show, take and ask."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ballots.acts.year import opinions
from ballots.models import Opinion
from projects.year.models import AdoptedProject, AdoptedTarget
from tests.helpers.browsing import read
from tests.helpers.desk import desk_of
from tests.helpers.factories import Stage, end_year, make_opinion, make_year, report

pytestmark = pytest.mark.django_db

YEAR = "/admin/projects/year/2026/"
OPINIONS = f"{YEAR}opinions/"
SHEET, HALL = f"{YEAR}sheet/", f"{YEAR}hall/"


@pytest.fixture
def stage() -> Stage:
    return make_year()


@pytest.fixture
def desk(stage) -> Client:
    return desk_of(stage.office)


def words_of(desk: Client, address: str) -> str:
    return " ".join(read(desk.get(address)).text.split())


# --- opinions -------------------------------------------------------------------------------------


def test_the_office_enters_answers_and_closes_an_opinion(stage, desk):
    due = timezone.localdate() + timedelta(days=10)
    project = AdoptedProject.objects.get(number=2)
    sent = {"project": project.pk, "by_name": "001", "text": "请说明原因。", "due": f"{due}"}

    reply = desk.post(f"{OPINIONS}enter/", sent)

    made = Opinion.objects.get()
    assert (made.delegate, made.project, made.due) == (stage.delegates[0], project, due)
    assert "已录入代表1的督办意见。" in desk.get(reply["Location"]).text
    page = f"{OPINIONS}{made.pk}/"
    desk.post(f"{page}answer/", {"text": "月底完成。"})
    desk.post(f"{page}answer/", {"text": "下月完成。"})
    text = words_of(desk, page)
    assert "已答复" in text
    assert text.index("下月完成。") < text.index("月底完成。", text.index("下月完成。") + 5)
    desk.post(f"{page}close/", {"reason": "已核实"})
    text = words_of(desk, page)
    assert "已核实" in text
    assert "录入答复" not in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"text": ""}, "这个字段是必填项"),
        ({"text": "路" * 501}, "最多500个字"),
        ({"by_name": "\u200b"}, "这个字段是必填项"),
        ({"due": "2020-01-01"}, "答复期限不能早于今天"),
        ({"due": "下周"}, "日期"),
        ({"project": "999"}, "选择"),
    ],
)
def test_what_is_wrong_comes_back_beside_what_was_typed(stage, desk, changes, words):
    sent = {
        "project": AdoptedProject.objects.get(number=1).pk,
        "by_name": "督办一组",
        "text": "请加快进度。",
        "due": f"{opinions.usual_due()}",
    }

    reply = desk.post(f"{OPINIONS}enter/", sent | changes)

    assert (reply.status_code, Opinion.objects.count()) == (200, 0)
    assert words in reply.text
    assert ("by_name" in changes) or "督办一组" in reply.text


def test_the_list_has_what_is_overdue_first_and_the_year_says_how_many(stage, desk):
    late = timezone.localdate() - timedelta(days=1)
    closed, answered, waiting = (make_opinion(stage, text=each) for each in "甲乙丙")
    overdue = make_opinion(stage, text="丁", due=late)
    opinions.close(closed, reason="重复", by=stage.office)
    opinions.answer(answered, text="已办", by=stage.office)

    rows = desk.get(OPINIONS).context["rows"].object_list

    assert list(rows) == [overdue, waiting, answered, closed]
    assert "△ 超期未答复" in words_of(desk, OPINIONS)
    assert "△ 有1条意见超过期限没有答复。" in words_of(desk, YEAR)


def test_of_a_closed_year_opinions_are_only_read(stage, desk):
    made = make_opinion(stage)
    end_year(stage)

    for address in (OPINIONS, f"{OPINIONS}{made.pk}/", YEAR):
        text = words_of(desk, address)
        assert "录入督办意见" not in text
        assert "录入答复" not in text
    page = desk.post(f"{OPINIONS}{made.pk}/answer/", {"text": "写了很久的答复"}).text
    assert "已经结束" in page
    assert "写了很久的答复" in page


def test_an_opinion_of_another_year_or_none_is_not_found(desk):
    assert desk.get(f"{OPINIONS}999/").status_code == 404
    assert desk.get("/admin/projects/year/2031/opinions/").status_code == 404


# --- papers ---------------------------------------------------------------------------------------


def test_the_printed_table_has_number_task_goal_plan_done_money_and_progress(stage, desk):
    report(stage, 2, 2, 1, number=2)
    project = AdoptedProject.objects.get(number=2)
    AdoptedTarget.objects.create(project=project, position=2, text="完成主体工程")
    AdoptedProject.objects.filter(pk=project.pk).update(lead_unit="市教育局", investment=1800)

    text = words_of(desk, SHEET)

    assert "2026年民生实事项目进度表 截至2026年第2季度末" in text
    assert "序号 任务 目标 计划 完成 进度 资金（万元） 进展" in text
    assert (
        "2 候选项目2 市教育局 新建2处 2处 1处 ■ 落后于计划 100 /1,800 第2季度完成1处"
        " 完成主体工程 — — 未列计划" in text
    )
    assert "第2季度完成1处" not in words_of(desk, f"{SHEET}?quarter=1")


def test_the_sheet_for_the_hall_shows_the_slowest_target_of_each_project(stage, desk):
    report(stage, 1, 2, 1, number=2)
    report(stage, 1, 1, 1, number=1)

    page = desk.get(HALL).text

    text = " ".join(read(desk.get(HALL)).text.split())
    assert "1. 候选项目1 100% ● 达到计划 2. 候选项目2 50% ■ 落后于计划" in text
    assert "3. 候选项目3 — 未列计划" in text
    assert re.search(r'<li class="red">.*?<rect class="done" width="50"', page, re.DOTALL)
    assert "不足计划数的80%" in text


# --- what they ask --------------------------------------------------------------------------------


def test_no_page_asks_more_for_more_opinions_and_targets(stage, desk):
    def asked() -> dict[str, int]:
        counts = {}
        first = Opinion.objects.earliest("pk").pk
        for address in (OPINIONS, f"{OPINIONS}enter/", f"{OPINIONS}{first}/", SHEET, HALL):
            desk.get(address)
            with CaptureQueriesContext(connection) as queries:
                assert desk.get(address).status_code == 200
            counts[address] = len(queries)
        return counts

    make_opinion(stage, delegate=stage.delegates[0])
    few = asked()
    for place in range(20):
        made = make_opinion(stage, text=f"意见{place}", delegate=stage.delegates[place % 9])
        opinions.answer(made, text="已办", by=stage.office)
        AdoptedTarget.objects.create(
            project=AdoptedProject.objects.get(number=1), position=place + 2, text=f"目标{place}"
        )
    assert asked() == few
    assert all(count <= 12 for count in few.values()), few
