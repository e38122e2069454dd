"""The pages of recommendations before the vote: a delegate's own, and those of the office."""

import logging
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from ballots.acts import cards, recommending
from ballots.models import Delegate, Recommendation, Session
from ballots.pure.rules import Proposal
from projects.models import Poll
from tests.helpers.browsing import posted, read
from tests.helpers.desk import desk_of, messages_of
from tests.helpers.factories import (
    make_delegates,
    make_office,
    make_poll,
    make_project,
    make_scrutineer,
    make_stage,
    move_by_force,
)
from tests.helpers.looking import MARKS, lengths_looked_at
from tests.helpers.secrecy import snapshot, where

pytestmark = pytest.mark.django_db

R = Recommendation.Ruling
NOT_NOW = "目前不收集会前推荐。"


@pytest.fixture
def poll() -> Poll:
    """A draft that collects, with one candidate whose name many a recommendation is like."""
    poll = make_poll(candidates=2, collecting=True)
    make_project(poll, 7, title="社区老年食堂")
    return poll


@pytest.fixture
def delegate() -> Delegate:
    return make_delegates(1)[0]


@pytest.fixture
def client(poll, delegate) -> Client:
    """A delegate who stands on no roll yet, signed in with the card."""
    return browser_of(delegate)


def browser_of(delegate: Delegate, **options: Any) -> Client:
    [issued] = cards.issue_cards([delegate], by=make_office())
    client = Client(**options)
    assert client.post("/", {"code": issued.code}).status_code == 303
    return client


def sent(poll: Poll, title: str, detail: str = "", unit: str = "", **more: str) -> dict[str, str]:
    return {"poll": str(poll.pk), "title": title, "detail": detail, "unit": unit} | more


def problems_of(reply: Any) -> list[str]:
    return [problem.text for problem in reply.context["problems"]]


def recommended(poll: Poll, delegate: Delegate, title: str = "新建停车场") -> Recommendation:
    return recommending.recommend(poll, delegate=delegate, proposal=Proposal(title))


# --- how it looks ---------------------------------------------------------------------------------


@pytest.mark.parametrize("choice", [{"size": "xl"}, {"language": "en"}])
def test_another_look_keeps_what_is_typed_and_sends_nothing_in(client, poll, choice):
    page = read(client.post("/recommend/", sent(poll, "夜间公交", "内容") | choice))

    # A browser drops the line feed that Django puts before the text of a textarea.
    kept = {name: value.lstrip("\n") for name, value in page.form("/recommend/").fields}
    assert (kept["title"], kept["detail"]) == ("夜间公交", "内容")
    assert not Recommendation.objects.exists()


# --- the way to it --------------------------------------------------------------------------------


def test_without_a_poll_of_ones_own_the_home_page_leads_to_it(client):
    page = client.get("/home/")

    assert "目前没有进行中的票决" in page.text
    assert 'href="/recommend/"' in page.text


def test_the_home_page_of_a_poll_leads_to_it_while_another_collects(db):
    stage = make_stage(delegates=1)
    client = Client()
    client.post("/", {"code": stage.issued[0].code})
    assert "/recommend/" not in client.get("/home/").text

    make_poll(candidates=0, collecting=True)

    assert 'href="/recommend/"' in client.get("/home/").text


def test_where_nothing_collects_no_page_leads_to_it(client, poll):
    Poll.objects.update(collecting=False)

    assert "/recommend/" not in client.get("/home/").text
    assert NOT_NOW in client.get("/recommend/").text


# --- recommending ---------------------------------------------------------------------------------


def test_the_page_says_that_recommendations_carry_a_name_and_ballots_none(client):
    text = read(client.get("/recommend/")).text

    assert "会前推荐实名，会务组可以看到推荐人；表决票中的推荐不记名。" in text
    assert "还可推荐3项" in text
    assert "推荐项目1 项目名称（必填） 不超过30字，写明做什么、在哪里、做多少" in text
    assert "不超过200字" in text


def test_a_recommendation_is_taken_once_and_shown_to_wait(client, poll, delegate):
    form = posted(read(client.get("/recommend/")).form("/recommend/"))

    reply = client.post(
        "/recommend/", form | {"title": " 新建停车场 ", "detail": "一\r\n二", "unit": "市建设局"}
    )

    assert (reply.status_code, reply["Location"]) == (303, "/recommend/")
    made = Recommendation.objects.get()
    assert (made.title, made.detail, made.unit) == ("新建停车场", "一\n二", "市建设局")
    assert (made.poll, made.delegate) == (poll, delegate)
    text = read(client.get("/recommend/")).text
    assert "推荐已提交，由会务组研究处理。处理前可以撤回。" in text
    assert "您的推荐 新建停车场 待处理 一 二 建议责任单位：市建设局 撤回" in text
    assert "还可推荐2项" in text
    assert "推荐已提交" not in client.get("/recommend/").text


@pytest.mark.parametrize(
    ("texts", "problem", "field"),
    [
        (("",), "请填写推荐项目1的名称", "title"),
        (("", "有内容"), "请填写推荐项目1的名称", "title"),
        (("路" * 31,), "推荐项目1的名称超过30字，请缩短", "title"),
        (("路", "长" * 201), "推荐项目1的主要内容和目标超过200字，请缩短", "detail"),
        (("路", "", "局" * 31), "推荐项目1的建议责任单位超过30字，请缩短", "unit"),
        (("社区 老年食堂",), "候选项目中已有同名的项目，无须推荐。", "title"),
    ],
)
def test_what_is_wrong_is_said_in_the_words_of_the_ballot_and_nothing_typed_is_lost(
    client, poll, texts, problem, field
):
    reply = client.post("/recommend/", sent(poll, *texts))

    assert reply.status_code == 422
    assert problems_of(reply) == [problem]
    assert f'href="#{field}"' in reply.text
    form = dict(read(reply).form("/recommend/").fields)
    typed = dict(zip(("title", "detail", "unit"), texts, strict=False))
    assert {name: form[name].strip("\n") for name in typed} == typed
    assert "<title>错误：" in reply.text
    assert not Recommendation.objects.exists()


def test_what_was_pasted_along_unseen_is_taken_off(client, poll, delegate):
    # Cases 42 and 44.
    client.post("/recommend/", sent(poll, "停\u200b车\ufe0f场", "一\u00ad\u2800二"))
    again = client.post("/recommend/", sent(poll, "停车场\ufeff"))
    blank = client.post("/recommend/", sent(poll, "\u3164", "有内容"))

    made = Recommendation.objects.get()
    assert (made.title, made.detail) == ("停车场", "一二")
    assert problems_of(again) == ["您已经推荐过同名的项目，没有重复提交。"]
    assert problems_of(blank) == ["请填写推荐项目2的名称"]


def test_a_text_far_too_long_is_refused_without_being_looked_at(client, poll, monkeypatch):
    # Class E: 80 KB of combining marks kept a server process busy for seconds.
    lengths = lengths_looked_at(monkeypatch)

    reply = client.post("/recommend/", sent(poll, MARKS[:20_000], MARKS[:20_000], MARKS[:20_000]))

    assert problems_of(reply)[0] == "推荐项目1的名称超过30字，请缩短"
    assert max(lengths, default=0) < 1_000


def test_the_second_recommendation_is_named_as_such(client, poll, delegate):
    recommended(poll, delegate)

    assert problems_of(client.post("/recommend/", sent(poll, ""))) == ["请填写推荐项目2的名称"]
    again = client.post("/recommend/", sent(poll, "新建 停车场"))
    assert problems_of(again) == ["您已经推荐过同名的项目，没有重复提交。"]


def test_whoever_has_recommended_as_many_as_allowed_is_told_so(client, poll, delegate):
    for title in ("甲", "乙", "丙"):
        recommended(poll, delegate, title)

    page = client.get("/recommend/")
    assert "每位代表最多推荐3项，您已推荐3项。尚未处理的可以撤回。" in read(page).text
    assert 'name="title"' not in page.text
    reply = client.post("/recommend/", sent(poll, "丁"))
    assert problems_of(reply) == ["每位代表最多推荐3项，您的推荐没有提交。可以先撤回一项。"]


def test_what_is_like_a_candidate_is_said_once_and_never_blocked(client, poll):
    hinted = client.post("/recommend/", sent(poll, "新建老年食堂", "在城南"))

    assert hinted.status_code == 200
    text = read(hinted).text
    assert "与候选项目第7项“社区老年食堂”相近。" in text
    assert "您的推荐尚未提交。" in text
    assert not Recommendation.objects.exists()
    form = read(hinted).form("/recommend/")
    assert form.buttons == [("anyway", "新建老年食堂"), ("revise", "on")]
    revised = client.post("/recommend/", posted(form) | {"revise": "on"})
    [detail] = posted(read(revised).form("/recommend/"))["detail"]
    assert detail.strip() == "在城南", "nothing is thrown away"
    assert "相近" not in revised.text
    assert not Recommendation.objects.exists()
    reply = client.post("/recommend/", posted(form) | {"anyway": "新建老年食堂"})
    assert reply.status_code == 303
    assert Recommendation.objects.get().detail == "在城南"


def test_another_title_typed_beside_the_hint_is_hinted_at_anew(client, poll):
    make_project(poll, 8, title="夜间公交线路")
    form = sent(poll, "夜间公交", anyway="新建老年食堂")

    reply = client.post("/recommend/", form)

    assert "与候选项目第8项“夜间公交线路”相近。" in read(reply).text
    assert not Recommendation.objects.exists()


def test_what_is_wrong_is_said_before_what_is_like_it(client, poll):
    reply = client.post("/recommend/", sent(poll, "新建老年食堂", "长" * 201))

    assert problems_of(reply) == ["推荐项目1的主要内容和目标超过200字，请缩短"]
    assert "相近" not in reply.text


def test_nobody_is_shown_what_others_recommend(client, poll):
    recommended(poll, make_delegates(1)[0], "新建地下停车场")

    reply = client.post("/recommend/", sent(poll, "新建停车场"))

    assert reply.status_code == 303
    assert "新建地下停车场" not in client.get("/recommend/").text


@pytest.mark.parametrize("status", [Delegate.Status.SUSPENDED, Delegate.Status.OBSERVER])
def test_only_a_delegate_in_office_is_offered_the_form(client, poll, delegate, status):
    Delegate.objects.update(status=status)

    page = client.get("/recommend/")

    assert "只有在任代表可以推荐。" in page.text
    assert 'name="title"' not in page.text
    reply = client.post("/recommend/", sent(poll, "甲"))
    assert problems_of(reply) == ["只有在任代表可以推荐，您的推荐没有提交。"]


def test_a_recommendation_lands_in_no_other_poll_than_the_page_was_about(client, poll):
    newer = make_poll(candidates=0, collecting=True)
    Poll.objects.filter(pk=poll.pk).update(collecting=False)
    reply = client.post("/recommend/", sent(poll, "甲"))

    assert problems_of(reply) == ["目前不收集会前推荐，您的推荐没有提交。"]
    assert dict(read(reply).form("/recommend/").fields)["poll"] == str(newer.pk)
    assert dict(read(reply).form("/recommend/").fields)["title"] == "甲"
    Poll.objects.update(collecting=False)
    assert client.post("/recommend/", sent(poll, "甲")).status_code == 422
    assert client.post("/recommend/", {}).status_code == 422
    assert not Recommendation.objects.exists()


def test_a_rehearsal_that_collects_shows_its_ribbon(client, poll):
    assert "演练，不计票" not in client.get("/recommend/").text
    Poll.objects.update(kind=Poll.Kind.REHEARSAL)

    assert "演练，不计票" in client.get("/recommend/").text


# --- what became of it ----------------------------------------------------------------------------


def test_a_delegate_reads_what_became_of_each_and_why(client, poll, delegate):
    office = make_office()
    made = {title: recommended(poll, delegate, title) for title in ("甲", "乙", "丙")}
    recommending.adopt(made["甲"], by=office)
    into = poll.projects.get(number=7)
    recommending.merge(made["乙"], into=into, reason="内容已包括", by=office)
    recommending.decline(made["丙"], reason="不属于本级事权", by=office)
    Poll.objects.update(collecting=False)

    text = read(client.get("/recommend/")).text

    assert NOT_NOW in text
    assert "甲 列为候选项目 候选项目第8项：甲" in text
    assert "乙 并入候选项目 候选项目第7项：社区老年食堂 说明：内容已包括" in text
    assert "丙 未采纳 说明：不属于本级事权" in text
    assert "撤回" not in text


def test_what_waits_is_withdrawn_by_its_own_delegate(client, poll, delegate):
    mine = recommended(poll, delegate)
    other = recommended(poll, make_delegates(1)[0], "别人的")
    form = read(client.get("/recommend/")).form("/recommend/withdraw/")

    reply = client.post("/recommend/withdraw/", posted(form))

    assert (reply.status_code, reply["Location"]) == (303, "/recommend/")
    assert "推荐已撤回。" in client.get("/recommend/").text
    assert not Recommendation.objects.filter(pk=mine.pk).exists()
    for asked in (other.pk, mine.pk, "", "x", "9" * 30):
        client.post("/recommend/withdraw/", {"recommendation": asked})
        assert "只能撤回本人尚未处理的推荐。" in client.get("/recommend/").text
    assert Recommendation.objects.get() == other
    assert client.get("/recommend/withdraw/").status_code == 303


def test_a_post_needs_its_token_and_a_card(poll, delegate):
    strict = browser_of(delegate)
    strict.handler.enforce_csrf_checks = True
    made = recommended(poll, delegate)
    before = Recommendation.objects.count()

    for path, data in (
        ("/recommend/", sent(poll, "甲")),
        ("/recommend/withdraw/", {"recommendation": made.pk}),
    ):
        assert strict.post(path, data).status_code == 403
        assert Client().post(path, data).status_code == 303
    assert Recommendation.objects.count() == before


def test_the_texts_stand_in_their_row_and_in_no_session_message_or_log(client, poll, caplog):
    with caplog.at_level(logging.DEBUG):
        client.post("/recommend/", sent(poll, "金丝雀公园" * 7, "金丝雀内容", "金丝雀局"))
        reply = client.post("/recommend/", sent(poll, "金丝雀公园", "金丝雀内容", "金丝雀局"))
        client.get("/recommend/")

    assert where("金丝雀") == {
        "ballots_recommendation.title",
        "ballots_recommendation.detail",
        "ballots_recommendation.unit",
    }
    assert "金丝雀" not in caplog.text
    assert "金丝雀" not in str(reply.cookies)
    sessions = [row.get_decoded() for row in Session.objects.all()]
    assert sessions
    assert "金丝雀" not in str(sessions)


# --- the office -----------------------------------------------------------------------------------


def page_of(made: Recommendation) -> str:
    return reverse("admin:ballots_recommendation_change", args=[made.pk])


@pytest.fixture
def made(poll, delegate) -> Recommendation:
    return recommending.recommend(
        poll, delegate=delegate, proposal=Proposal("新建老年食堂", "城区五处", "市民政局")
    )


def test_the_office_finds_what_waits_by_poll_and_ruling(made, delegate):
    office = make_office()
    recommending.decline(
        recommended(make_poll(candidates=0, collecting=True), delegate), reason="x", by=office
    )
    listed = reverse("admin:ballots_recommendation_changelist")

    page = desk_of(office).get(f"{listed}?poll__id__exact={made.poll_id}&ruling__exact=waiting")

    assert [row.title for row in page.context["cl"].result_list] == ["新建老年食堂"]
    assert f"{delegate.name}（{delegate.number}）" in page.text
    assert "会前推荐" in desk_of(office).get("/admin/").text


def test_the_page_shows_the_text_the_name_and_what_is_like_it(made, delegate, poll):
    [other] = make_delegates(1)
    recommended(poll, other, "乡镇老年食堂")

    text = read(desk_of(make_office()).get(page_of(made))).text

    assert "新建老年食堂 待处理 城区五处 建议责任单位：市民政局" in text
    assert f"推荐人：{delegate.name}（{delegate.number}），城区代表团" in text
    assert re.search("候选项目第7项 社区老年食堂 相近度0.[0-9]{2}", text)
    assert re.search("会前推荐 乡镇老年食堂 相近度0.[0-9]{2}", text)


@pytest.mark.parametrize(
    ("typed", "ruling", "words"),
    [
        ({"do": "adopt"}, R.ADOPTED, "已列为候选项目第8项，请补充年度目标和建设内容。"),
        ({"do": "merge", "reason": "内容已包括"}, R.MERGED, "已并入候选项目第7项。"),
        (
            {"do": "decline", "reason": "不属于本级事权"},
            R.DECLINED,
            "已记录：不采纳。代表可以看到理由。",
        ),
    ],
)
def test_the_office_rules_and_goes_on_with_what_waits(made, poll, typed, ruling, words):
    desk = desk_of(make_office())
    if typed["do"] == "merge":
        typed = typed | {"project": str(poll.projects.get(number=7).pk)}

    reply = desk.post(page_of(made), typed, follow=True)

    made.refresh_from_db()
    assert (made.ruling, made.reason) == (ruling, typed.get("reason", ""))
    assert messages_of(reply) == [words]
    assert reply.redirect_chain[0][0].endswith(f"?poll__id__exact={poll.pk}&ruling__exact=waiting")
    text = read(desk.get(page_of(made))).text
    assert "重新处理" in text
    assert "不采纳" not in text
    desk.post(page_of(made), {"do": "reopen"})
    made.refresh_from_db()
    assert (made.ruling, made.project) == (R.WAITING, None)


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ({"do": "merge", "project": "", "reason": "x"}, "这个字段是必填项。"),
        ({"do": "decline", "reason": ""}, "这个字段是必填项。"),
        ({"do": "decline", "reason": "长" * 201}, "200"),
    ],
)
def test_what_is_missing_is_said_at_its_form(made, typed, fault):
    before = snapshot()
    desk = desk_of(make_office())
    reply = desk.post(page_of(made), typed)

    assert reply.status_code == 200
    form = reply.context["forms"][typed["do"]]
    assert any(fault in str(faults) for faults in form.errors.values())
    assert not any(
        other.errors for name, other in reply.context["forms"].items() if name != typed["do"]
    )
    made.refresh_from_db()
    assert made.ruling == R.WAITING
    assert snapshot()["ballots_recommendation"] == before["ballots_recommendation"]


def test_a_title_that_is_taken_is_said(made, poll):
    make_project(poll, 9, title="新建老年食堂")

    reply = desk_of(make_office()).post(page_of(made), {"do": "adopt"})

    assert "候选项目中已有同名的项目，请改为并入该项目。" in reply.text
    assert poll.projects.count() == 4


def test_whoever_rules_on_what_was_just_ruled_on_is_told(made):
    recommending.decline(made, reason="重复", by=make_office())

    reply = desk_of(make_office()).post(page_of(made), {"do": "adopt"})

    assert "这项推荐已经处理过，请刷新页面。" in reply.text
    assert "未采纳" in reply.text


def test_a_candidate_of_another_poll_is_not_offered(made):
    elsewhere = make_poll(candidates=1).projects.get()

    reply = desk_of(make_office()).post(
        page_of(made), {"do": "merge", "project": str(elsewhere.pk)}
    )

    assert reply.context["forms"]["merge"].errors["project"]


def test_scrutineers_and_a_superuser_read_and_rule_on_nothing(made):
    for user in (make_scrutineer(), User.objects.create_superuser("root")):
        desk = desk_of(user)
        page = desk.get(page_of(made))
        assert "由会务人员办理。" in page.text
        assert 'name="do"' not in page.text
        for do in ("adopt", "merge", "decline", "reopen", ""):
            assert desk.post(page_of(made), {"do": do, "reason": "x"}).status_code == 403
    made.refresh_from_db()
    assert made.ruling == R.WAITING


def test_once_the_vote_has_begun_the_page_can_only_be_read(made, poll):
    Poll.objects.update(delegates_total=9)
    move_by_force(poll, Poll.Phase.OPEN)
    desk = desk_of(make_office())

    page = desk.get(page_of(made))
    reply = desk.post(page_of(made), {"do": "adopt"})

    assert "投票已经开始，不能再处理会前推荐。" in page.text
    assert 'name="do"' not in page.text
    assert reply.status_code == 200
    made.refresh_from_db()
    assert made.ruling == R.WAITING


def test_an_act_that_is_none_changes_nothing(made):
    reply = desk_of(make_office()).post(page_of(made), {"do": "delete"})

    assert reply.status_code == 200
    made.refresh_from_db()
    assert made.ruling == R.WAITING


def test_a_recommendation_that_was_withdrawn_is_not_found(made):
    recommending.withdraw(made, delegate=made.delegate)
    made.pk = 4711

    assert desk_of(make_office()).get(page_of(made)).status_code == 404
