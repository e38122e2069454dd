"""The pages of a year: who sees them, what they say, what they ask, and what the public never reads."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from ballots.acts import cards
from ballots.acts.year import adopting, opinions
from ballots.models import Delegate, Opinion
from projects.year.models import AdoptedPart, AdoptedProject, ProjectFigure, Year
from tests.helpers.browsing import read, signed_in
from tests.helpers.factories import (
    Stage,
    end_year,
    make_confirmed,
    make_delegates,
    make_opinion,
    make_scrutineer,
    make_year,
    report,
)

pytestmark = pytest.mark.django_db

YEAR, ONE = "/year/2026/", "/year/2026/1/"
OPINIONS, MINE = "/year/2026/1/opinions/", "/year/2026/opinions/"
ALL = (YEAR, ONE, OPINIONS, MINE)


@pytest.fixture
def stage() -> Stage:
    stage = make_year()
    report(stage, 1, 1, 1)
    return stage


def switch(stage: Stage, **switches: bool) -> None:
    usual = {"is_public": False, "takes_opinions": False}
    adopting.set_switches(Year.objects.get(), **(usual | switches), by=stage.office)


def staff_of(stage: Stage) -> Client:
    client = Client()
    client.force_login(stage.office)
    return client


# --- who sees what --------------------------------------------------------------------------------


def test_a_year_is_shown_to_delegates_and_staff_until_the_office_makes_it_public(stage):
    visitor, delegate, staff = Client(), signed_in(stage), staff_of(stage)
    for path in (YEAR, ONE):
        assert visitor.get(path).status_code == 303
        assert delegate.get(path).status_code == staff.get(path).status_code == 200

    switch(stage, is_public=True)

    for path in (YEAR, ONE):
        assert visitor.get(path).status_code == 200
        assert visitor.post(path).status_code == 405


def test_a_year_that_is_none_is_told_apart_only_inside(stage):
    for path in ("/year/2031/", "/year/2031/1/", "/year/2031/1/opinions/", "/year/2026/99/"):
        reply = Client().get(path)
        assert (reply.status_code, reply["Location"]) == (303, "/"), path
        assert signed_in(stage).get(path).status_code == 404, path


def test_the_public_reads_no_opinion_and_not_how_many_there_are(stage):
    made = make_opinion(stage, text="请说明迟缓的原因")
    opinions.answer(made, text="月底完成主体", by=stage.office)
    switch(stage, is_public=True, takes_opinions=True)
    visitor = Client()
    for path in (YEAR, ONE):
        text = visitor.get(path).text
        for word in ("督办意见", made.text, "月底完成主体", made.by_name):
            assert word not in text, (path, word)
    for path in (OPINIONS, MINE):
        assert visitor.get(path).status_code == visitor.post(path).status_code == 303

    for client in (signed_in(stage), staff_of(stage)):
        assert "1条" in client.get(ONE).text
        assert "月底完成主体" in client.get(OPINIONS).text


def test_an_account_without_an_office_is_a_visitor(stage, django_user_model):
    client = Client()
    client.force_login(django_user_model.objects.create_user("nobody"))

    assert client.get(YEAR).status_code == 303


# --- what they say --------------------------------------------------------------------------------


def test_the_year_lists_each_project_with_colour_figures_and_note(stage):
    report(stage, 2, 10, 2, number=2)

    page = signed_in(stage).get(YEAR).text

    text = " ".join(read(signed_in(stage).get(YEAR)).text.split())
    assert "2026年民生实事项目" in text
    assert "截至第2季度末的进度" in text
    assert "1. 候选项目1 未列计划 新建 全年1处，未报完成数" in text
    assert "2. 候选项目2 ■ 落后于计划 新建 完成2处，全年2处 （计划10处）" in text
    assert "第1季度完成1处" in text, "the latest note, also of a quarter before"
    assert "略慢于计划，不足计划数但不少于其80%" in text, "the rule stands on the page"
    assert '<rect class="fill red" width="100%"' in page


def test_a_year_of_which_nothing_is_reported_says_so():
    stage = make_year()

    assert "还没有填报进度。" in signed_in(stage).get(YEAR).text


def test_a_project_shows_its_quarters_as_lines_and_as_a_table(stage):
    report(stage, 2, 1, 0)
    project = AdoptedProject.objects.get(number=1)
    AdoptedPart.objects.create(project=project, position=1, text="新建停车楼", investment=1200)
    AdoptedProject.objects.filter(pk=project.pk).update(lead_unit="市教育局", investment=1800)

    reply = signed_in(stage).get(ONE)

    text = " ".join(read(reply).text.split())
    for words in (
        "截至第2季度末 ■ 落后于计划",
        "季度 1 计划 1处 完成 1处 ● 达到计划 季度 2 计划 1处 完成 0处 ■ 落后于计划 季度 3",
        "季度 1 已用资金 100万元 第1季度完成1处 季度 2 已用资金 0万元 第2季度完成0处",
        *("新建停车楼 1,200万元", "总投资 1,800万元", "责任单位 市教育局"),
    ):
        assert words in text
    assert '<polyline class="planned" points="6,108 78,8 150,8"' in reply.text
    assert '<polyline class="done-line" points="6,108 78,8 150,108"' in reply.text
    assert 'role="img"' in reply.text


def test_the_pages_speak_english_and_mark_what_is_chinese(stage):
    client = signed_in(stage)
    client.cookies["django_language"] = "en"
    make_opinion(stage)
    for path in ALL:
        text = re.sub(
            r"<(\w+)[^>]* lang=.zh-Hans.[^>]*>.*?</\1>", "", client.get(path).text, flags=re.S
        )
        body = text.partition("<main")[2].partition("</main>")[0]
        bare = re.sub(r"aria-label=\"[^\"]*\"", "", body)
        assert not re.search(r"[\u4e00-\u9fff]{2,}", bare), (path, bare)


# --- opinions -------------------------------------------------------------------------------------


def test_a_delegate_writes_an_opinion_and_reads_it_with_its_answer(stage):
    switch(stage, is_public=False, takes_opinions=True)
    client = signed_in(stage)

    reply = client.post(OPINIONS, {"text": "请说明原因。"}, follow=True)

    assert "督办意见已提交" in reply.text
    made = Opinion.objects.get()
    assert made.delegate == stage.delegates[0]
    for path in (OPINIONS, MINE):
        text = client.get(path).text
        assert "请说明原因。" in text
        assert "待答复" in text
    opinions.answer(made, text="月底完成。", by=stage.office)
    opinions.close(made, reason="已现场核实", by=stage.office)
    text = " ".join(read(client.get(MINE)).text.split())
    assert "1. 候选项目1" in text
    assert "已办结" in text
    assert "月底完成。" in text
    assert "办结：已现场核实" in text
    assert "请说明原因。" not in signed_in(stage, 1).get(MINE).text


def test_what_is_refused_comes_back_with_all_that_was_typed(stage):
    switch(stage, takes_opinions=True)
    client = signed_in(stage)
    for text, words in (("", "请填写督办意见。"), ("路" * 501, "现有501字"), ("\0", "请填写")):
        reply = client.post(OPINIONS, {"text": text})
        assert (reply.status_code, Opinion.objects.count()) == (422, 0)
        assert words in reply.text
        assert "错误：" in reply.text
    reply = client.post(OPINIONS, {"text": "写了一半", "size": "xl"})
    assert "写了一半" in reply.text
    assert 'data-size="xl"' in reply.text
    assert not Opinion.objects.exists()


@pytest.mark.parametrize("how", ["switched off", "closed", "suspended"])
def test_whoever_can_write_no_longer_is_told_and_keeps_his_words(stage, how):
    switch(stage, takes_opinions=True)
    client = signed_in(stage)
    assert "提交督办意见" in client.get(OPINIONS).text
    if how == "switched off":
        switch(stage)
    elif how == "closed":
        end_year(stage)
    else:
        Delegate.objects.update(status=Delegate.Status.SUSPENDED)

    assert "提交督办意见" not in client.get(OPINIONS).text
    reply = client.post(OPINIONS, {"text": "写了很久"})

    assert (reply.status_code, Opinion.objects.count()) == (422, 0)
    assert "写了很久" in reply.text


def test_staff_read_opinions_and_write_none_here(stage):
    switch(stage, takes_opinions=True)
    client = staff_of(stage)

    assert "提交督办意见" not in client.get(OPINIONS).text
    assert client.post(OPINIONS, {"text": "请加快"}).status_code == 422
    assert client.get(MINE).status_code == 404
    scrutineer = Client()
    scrutineer.force_login(make_scrutineer())
    assert scrutineer.get(OPINIONS).status_code == 200


# --- the ways there -------------------------------------------------------------------------------


def test_home_and_result_lead_to_the_year_and_for_the_public_once_it_is_public(stage):
    link = f'href="{YEAR}"'
    client, query = signed_in(stage), f"?poll={stage.poll.pk}"
    type(stage.poll).objects.filter(pk=stage.poll.pk).update(revealed=3, revealed_at=timezone.now())

    assert link in client.get("/home/").text
    assert link in client.get(f"/results/{query}").text
    assert link not in Client().get(f"/results/{query}").text
    switch(stage, is_public=True)
    assert link in Client().get(f"/results/{query}").text


def test_a_delegate_on_no_roll_finds_the_year_too(stage):
    [newcomer] = make_delegates(1, delegation="补选")
    [card] = cards.issue_cards([newcomer], by=stage.office)
    client = Client()
    client.post(f"/k/{card.token}/")

    text = client.get("/home/").text

    assert "目前没有进行中的票决" in text
    assert f'href="{YEAR}"' in text


# --- what they ask and weigh ----------------------------------------------------------------------

BUDGET = {YEAR: 7, ONE: 8, OPINIONS: 6, MINE: 5}


def full_year(projects: int) -> Stage:
    stage = make_confirmed(
        dict.fromkeys(range(1, projects + 1), 8),
        places=projects,
        kind="main",
        objection_days=0,
    )
    stage.publish(leave_open=True)
    for number in range(1, projects + 1):
        for quarter in (1, 2, 3, 4):
            report(stage, quarter, quarter, quarter, number=number)
    return stage


@pytest.mark.parametrize("projects", [2, 10])
def test_no_page_asks_more_for_more_projects_figures_and_opinions(
    projects, django_assert_num_queries
):
    stage = full_year(projects)
    for place in range(projects):
        made = make_opinion(stage, text=f"意见{place}", delegate=stage.delegates[0])
        opinions.answer(made, text="已办", by=stage.office)
    client = signed_in(stage)
    for path in ALL:
        client.get(path)
    for path in ALL:
        with django_assert_num_queries(BUDGET[path]):
            client.get(path)


def test_every_page_is_under_forty_kilobytes_with_ten_projects_that_say_all_they_may():
    stage = full_year(10)
    full: dict[str, Any] = {"note": "路" * 500, "quarter": 4, "by": stage.office}
    for project in AdoptedProject.objects.all():
        ProjectFigure.objects.create(project=project, **full)
    for place in range(9):
        made = make_opinion(
            stage, text=f"{place}" + "路" * 499, delegate=stage.delegates[0], by_name="路" * 30
        )
        opinions.answer(made, text="路" * 500, by=stage.office)
    switch(stage, takes_opinions=True)
    client = signed_in(stage)

    for path in ALL:
        reply = client.get(path)
        assert len(reply.content) < 40 * 1024, path
        assert "<script" not in reply.text
    assert "上一页" in client.get(f"{OPINIONS}?page=2").text
