"""Every page: who may see it, its frame, its headers, what it asks of the database, what it hides."""

import gzip
import logging
import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings as site_settings
from django.core.exceptions import PermissionDenied
from django.test import Client, RequestFactory
from django.urls import get_resolver
from django.utils import timezone

from ballots.acts import canvass, deciding, drafts, hall, lifecycle, roll
from ballots.facts import turnout
from ballots.facts.words import proposals_words
from ballots.models import Envelope, SealedBallot
from ballots.pages import answers, results
from ballots.pure import sealing
from ballots.refusal import Refused
from projects.models import Poll, Project
from projects.wording import rules_in_words
from tests.helpers import browsing
from tests.helpers.browsing import read, ready_to_cast, signed_in
from tests.helpers.factories import (
    make_confirmed,
    make_poll,
    make_project,
    make_stage,
    make_sub_item,
    move_by_force,
    play,
    publish_count,
    second_stage,
    selection,
)
from tests.helpers.looking import MARKS, lengths_looked_at
from tests.helpers.machine import ROOT
from tests.helpers.routes import PAGES, routes
from yiwu_vote import errors

pytestmark = pytest.mark.django_db

# Each route and whether anybody may see it without a card. A route that is missing here fails.
ROUTES = {
    "": True,
    "k/<str:token>/": True,
    "K/<str:token>/": True,
    "sign-out/": True,
    "text-size/": True,
    "language/": True,
    "tablet/": True,
    "screen/<str:key>/": True,
    "home/": False,
    "progress/": False,
    "ballot/": False,
    "ballot/review/": False,
    # To nobody in particular it says nothing, so that nobody is led away while he types.
    "ballot/deadline/": True,
    "ballot/cast/": False,
    "receipt/": False,
    "recommend/": False,
    "recommend/withdraw/": False,
    "results/": True,
    "results/check/": True,
    "results/package/": True,
    "results/verifier/": True,
    "board/": True,
    # Where the office makes a year public, anybody may see how it stands: year/test_year.py.
    "year/<int:year>/": False,
    "year/<int:year>/opinions/": False,
    "year/<int:year>/<int:number>/": False,
    "year/<int:year>/<int:number>/opinions/": False,
    "readyz": True,
    "projects/": False,
    "projects/sample/": False,
    "projects/<int:number>/": False,
}


@pytest.fixture
def client(stage) -> Client:
    """The first delegate, signed in."""
    return signed_in(stage)


def address(route: str) -> str:
    route = route.replace("<str:token>", "x").replace("<int:year>", "2026")
    return "/" + route.replace("<int:number>", "1")


# --- who may see what -----------------------------------------------------------------------------


def test_every_route_is_in_the_table():
    assert {route for route in routes() if not route.startswith("admin/")} == ROUTES.keys()


@pytest.mark.parametrize("method", ["get", "post", "head"])
def test_a_page_is_closed_unless_the_table_says_that_anybody_may_see_it(stage, method):
    for route, is_public in ROUTES.items():
        reply = getattr(Client(), method)(address(route), {"next": "/board/"})
        led_away = reply.status_code == 303 and reply["Location"] == "/"
        assert led_away == (not is_public), route


def test_an_htmx_request_without_a_card_is_led_away_by_the_browser(stage):
    reply = Client().get("/home/", headers={"HX-Request": "true"})

    assert reply["HX-Redirect"] == "/"


def test_staff_without_a_card_see_no_delegates_page(stage):
    client = Client()
    client.force_login(stage.office)

    assert client.get("/home/").status_code == 303
    assert client.get("/ballot/").status_code == 303


# --- the frame ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
def test_each_page_has_its_frame(client, path):
    reply = client.get(path)

    assert '<html lang="zh-Hans"' in reply.text
    assert re.search(r"<title>[^<\s][^<]{0,9} - 民生实事项目票决</title>", reply.text)
    assert reply.text.count("<h1") == 1
    assert "演练，不计票" in reply.text
    assert "示例市人民代表大会会议" in reply.text
    assert "需要帮助？会务组电话" in reply.text
    assert 'name="format-detection" content="telephone=no"' in reply.text
    assert "跳到主要内容" in reply.text
    assert "退出" in reply.text


def test_the_ribbon_of_a_rehearsal_is_on_no_real_poll(stage):
    poll = move_by_force(make_poll(delegates_total=9), Poll.Phase.OPEN)

    assert "演练" not in Client().get(f"/board/?poll={poll.pk}").text


@pytest.mark.parametrize("path", [*PAGES, "/readyz", "/text-size/"])
def test_each_reply_is_kept_nowhere_and_loads_nothing_from_elsewhere(client, path):
    reply = client.get(path)

    assert reply["Cache-Control"] == "no-store"
    policy = reply["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert reply["X-Content-Type-Options"] == "nosniff"
    assert reply["Referrer-Policy"] == "same-origin"
    assert reply["X-Frame-Options"] == "DENY"


def test_no_template_needs_what_the_policy_forbids():
    templates = [path for path in (ROOT / "templates").rglob("*.html") if "admin" not in path.parts]
    assert len(templates) > 20
    for path in templates:
        text = path.read_text("utf-8")
        assert not re.search(r"\sstyle=|<style|\son\w+=|hx-on|javascript:|https?://", text), path
        assert not re.search(r"<script(?![^>]*\ssrc=)", text), path


def test_every_word_of_a_template_is_marked_for_translation():
    marked = re.compile(
        r"{%-? *blocktranslate.*?endblocktranslate *%}|{%.*?%}|{{.*?}}|{#.*?#}", re.DOTALL
    )
    for path in (ROOT / "templates").rglob("*.html"):
        if "admin" in path.parts:
            continue
        bare = re.findall(r"[\u4e00-\u9fff]+", marked.sub("", path.read_text("utf-8")))
        assert not bare, (path, bare)


def test_the_words_are_official(client, stage):
    client.post("/ballot/cast/", ready_to_cast(client, stage.poll, 2))
    for path in [*PAGES, "/receipt/"]:
        text = re.sub(r"\s+", " ", read(client.get(path)).text)
        assert not re.search(r"[！!]", text), path
        assert not re.search(r"[\u4e00-\u9fff][,;:?][\u4e00-\u9fff]", text), path
        assert not re.search(r"选举|选票|当选|候选人", text), path


def test_styles_and_scripts_stay_small():
    def weight(*names: str) -> int:
        return sum(len(gzip.compress((ROOT / "static" / name).read_bytes())) for name in names)

    assert weight("site.css") <= 12 * 1024
    # What a page of the vote loads of our own: the ballot, home, and the receipt on a shared tablet.
    # The ballot compares what is typed with its list by itself, so that no hint travels.
    for limit, page in ((6, ["ballot.js"]), (4, ["draft.js", "polling.js", "tablet.js"])):
        assert weight(*page) <= limit * 1024, page


def test_htmx_is_loaded_only_where_a_page_asks_again(client, stage):
    for path in PAGES:
        text = client.get(path).text
        asks = path in {"/home/", "/progress/"}
        # The ballot asks again where there is a deadline that may be moved; here is none.
        assert ("htmx-2" in text) == asks, path
        assert ('name="htmx-config"' in text) == asks, path
        assert ('hx-trigger="every' in text) == asks, path


# --- text size ------------------------------------------------------------------------------------


def test_the_size_of_text_is_kept_and_leads_back(client):
    reply = client.post("/text-size/", {"size": "xl", "next": "/projects/?poll=1"})

    assert (reply.status_code, reply["Location"]) == (303, "/projects/?poll=1")
    page = client.get("/projects/").text
    assert 'data-size="xl"' in page
    assert re.search(r'value="xl"\s+aria-pressed="true"', page)
    client.post("/text-size/", {"size": "m", "next": "/"})
    assert "data-size" not in client.get("/projects/").text


@pytest.mark.parametrize(
    "elsewhere", ["//evil.example/", "https://evil.example/", "javascript:alert(1)", "", "\\\\evil"]
)
def test_the_size_of_text_leads_to_no_other_site(client, elsewhere):
    reply = client.post("/text-size/", {"size": "l", "next": elsewhere})

    assert reply["Location"] == "/"


def test_a_size_that_is_none_changes_nothing(client):
    client.cookies["size"] = 'x" onload="'

    assert "size" not in client.post("/text-size/", {"size": "huge", "next": "/"}).cookies
    assert "data-size" not in client.get("/").text


# --- what a page asks of the database -------------------------------------------------------------


def test_no_page_asks_more_for_more_candidates_or_more_delegates(django_assert_num_queries):
    small = make_stage(delegates=2, candidates=3)
    large = make_stage(delegates=30, candidates=40, delegates_total=50)

    for held in (small, large):
        client = signed_in(held)
        # The first answers of a process learn what the opening has frozen.
        for path in PAGES:
            client.get(f"{path}?poll={held.poll.pk}")
        for path, number in PAGES.items():
            with django_assert_num_queries(number):
                client.get(f"{path}?poll={held.poll.pk}")


def test_the_pages_after_the_count_ask_no_more_for_more_ballots(django_assert_num_queries):
    few = make_stage(delegates=3, show_votes=True)
    many = make_stage(delegates=12, delegates_total=20, show_votes=True)
    for held, number in ((few, 1), (many, 9)):
        for place in range(number):
            held.cast(place, selection(1, 2, proposals=[f"项目{place}"]))
        publish_count(held)

    for held in (few, many):
        query = f"?poll={held.poll.pk}"
        for path, number in (("/results/", 4), ("/board/", 2)):
            with django_assert_num_queries(number):
                assert Client().get(path + query).status_code == 200


# --- home -----------------------------------------------------------------------------------------


def test_home_says_where_things_stand(stage):
    client, poll = signed_in(stage), stage.poll
    text = read(client.get("/home/")).text
    assert "投票正在进行。" in text
    assert "候选项目 12项" in text

    lifecycle.pause_poll(poll, reason="停电", by=stage.office)
    assert "投票暂停，请稍候。您填写的不会丢失。" in client.get("/home/").text
    lifecycle.resume_poll(poll, by=stage.office)

    client.post("/ballot/cast/", ready_to_cast(client, poll, 2))
    text = read(client.get("/home/")).text
    at = timezone.localtime(stage.entry().voted_at).strftime("%H:%M")
    assert f"您已于{at}提交表决票。" in text

    neighbour = signed_in(stage, 1)
    stage.close()
    at = timezone.localtime(stage.poll.closed_at).strftime("%H:%M")
    assert f"投票已于{at}截止，您未提交表决票。" in neighbour.get("/home/").text
    text = client.get("/home/").text
    assert f"投票已于{at}截止，正在计票。" in text
    assert "未提交表决票" not in text

    publish_count(stage)
    for browser in (client, neighbour):
        assert "票决结果已公布。" in browser.get("/home/").text
        assert 'href="/results/"' in browser.get("/home/").text


def filled_buttons(client: Client) -> list[str]:
    return re.findall(r'class="button primary"[^>]*>([^<]+)<', client.get("/home/").text)


def test_home_offers_the_one_thing_to_do_in_each_state(db):
    held = make_stage(delegates=2, open_it=False)
    voter, late = signed_in(held), signed_in(held, 1)
    assert filled_buttons(voter) == ["先看候选项目"]

    lifecycle.open_poll(held.poll, by=held.office)
    assert filled_buttons(voter) == ["填写表决票"]
    lifecycle.pause_poll(held.poll, reason="停电", by=held.office)
    assert filled_buttons(voter) == ["填写表决票"]
    lifecycle.resume_poll(held.poll, by=held.office)
    held.cast(0, selection(1))
    assert filled_buttons(voter) == ["查看回执"]

    held.close()
    assert filled_buttons(voter) == ["查看回执"]
    assert filled_buttons(late) == ["查看投票进度"]
    assert "填写表决票" not in late.get("/home/").text, "what can be done no more is not listed"

    publish_count(held)
    assert filled_buttons(voter) == filled_buttons(late) == ["查看结果"]
    assert 'href="/receipt/"' in voter.get("/home/").text
    assert 'href="/receipt/"' not in late.get("/home/").text


def test_home_tells_the_rules_under_the_questions_that_they_answer(client):
    text = read(client.get("/home/")).text

    questions = [
        text.index(words) for words in ("怎么选", "谁能投", "怎样算通过", "怎样计票和公布")
    ]
    assert questions == sorted(questions)
    assert questions[1] < text.index("已报到的代表可以投票。") < questions[2]


def test_home_before_the_opening_sends_to_the_candidates(db):
    early = make_stage(delegates=1, open_it=False)

    text = signed_in(early).get("/home/").text

    assert "投票尚未开始。开始后本页会自动更新。" in text
    assert "先看候选项目" in text
    assert "投票只要三步" in text, "and on the sheet that is printed beforehand"
    assert "投票只要三步" in signed_in(early).get("/projects/sample/").text


def test_the_receipt_has_one_way_out_and_says_how_to_see_it_again(stage, client):
    stage.cast(0, selection(1))

    page = client.get("/receipt/").text

    assert re.findall(r'class="button primary">([^<]+)<', page) == ["完成，退出"]
    assert "记不住也没关系：截止前重新扫卡可再看。" in page
    assert "保存为图片" in page
    stage.close()
    assert "截止前重新扫卡可再看" not in client.get("/receipt/").text


def test_home_of_a_void_poll_says_so(stage, client):
    lifecycle.void_poll(stage.poll, reason="故障", by=stage.office, second=stage.scrutineer)

    assert "本次票决作废。" in client.get("/home/").text
    for path in ("/progress/", "/results/", "/board/"):
        assert "本次票决作废" in client.get(path).text


def test_home_tells_how_the_vote_is_kept_secret(client):
    text = client.get("/home/").text

    assert "表决票提交时即加密封存，截止后先去除姓名、打乱次序，再由保管人共同开箱" in text
    assert "任一持有人可单独开启" not in text


def test_a_simple_poll_says_that_each_holder_can_open_alone(db):
    simple = make_stage(delegates=1, simple=True)

    assert "任一持有人可单独开启" in signed_in(simple).get("/home/").text


def test_a_delegate_on_no_roll_is_told_that_no_poll_is_running(stage):
    card = stage.issued[0]
    client = signed_in(stage)
    stage.poll.roll.filter(delegate=card.delegate).delete()

    for path in ("/home/", "/ballot/", "/receipt/", "/progress/"):
        reply = client.get(path)
        assert reply.status_code == 200
        assert "目前没有进行中的票决" in reply.text
    assert client.get("/projects/").status_code == 404


def test_home_asks_which_of_two_polls_and_links_keep_the_answer(stage):
    other = make_stage(delegates=1, delegates_total=9)
    client = signed_in(stage)

    text = client.get("/home/").text
    assert "还有2项表决等您投票。" in text
    for poll in (stage.poll, other.poll):
        assert f'href="/home/?poll={poll.pk}"' in text

    query = f"?poll={stage.poll.pk}"
    home = client.get(f"/home/{query}").text
    assert f'href="/ballot/{query}"' in home
    assert f'href="/home/?poll={other.poll.pk}"' in home, "the other poll is listed"
    form = read(client.get(f"/ballot/{query}")).form("/ballot/review/")
    assert form.action.endswith(query)
    sent = ready_to_cast(client, stage.poll, 3)
    assert client.post(f"/ballot/cast/{query}", sent)["Location"] == f"/receipt/{query}"
    assert Envelope.objects.get().poll == stage.poll


def test_a_cast_for_the_second_of_two_polls_leads_to_its_own_receipt(stage):
    other = make_stage(delegates=1, delegates_total=9)
    client = signed_in(stage)
    usual = browsing.poll_for(stage.delegates[0])
    second = next(poll for poll in (stage.poll, other.poll) if poll != usual)

    reply = client.post("/ballot/cast/", ready_to_cast(client, second, 3))

    assert reply["Location"] == f"/receipt/?poll={second.pk}"
    assert client.get(reply["Location"]).status_code == 200


@pytest.mark.parametrize("asked", ["0", "999999", "x", "-1", "1e3", "9" * 30, "１x", "%00"])
def test_a_poll_of_others_is_not_found(stage, client, asked):
    stranger = make_poll()
    for path in ("/home/", "/ballot/", "/receipt/", "/progress/", "/projects/", "/projects/1/"):
        assert client.get(f"{path}?poll={asked}").status_code == 404, path
        assert client.get(f"{path}?poll={stranger.pk}").status_code == 404, path
    for path in ("/results/", "/board/"):
        assert Client().get(f"{path}?poll={asked}").status_code == 404, path


def test_a_draft_is_shown_to_nobody_in_particular(db):
    draft = make_poll()

    for path in ("/results/", "/board/"):
        assert Client().get(f"{path}?poll={draft.pk}").status_code == 404
        assert "目前没有进行中的票决" in Client().get(path).text


# --- what is asked for again and again ------------------------------------------------------------

HTMX = {"HX-Request": "true"}


def test_the_status_box_comes_alone_and_says_so(client):
    reply = client.get("/home/?state=open", headers=HTMX)

    assert reply.status_code == 200
    assert "投票正在进行。" in reply.text
    assert "<html" not in reply.text
    assert not re.search(r"<(a|button|input)\b", reply.text), "nothing in it can hold the focus"
    assert "HX-Request" in reply["Vary"]
    assert "HX-Request" in client.get("/home/")["Vary"]


def test_the_status_box_asks_for_the_whole_page_once_the_next_step_is_another(stage, client):
    stage.close()

    reply = client.get("/home/?state=open", headers=HTMX)

    assert reply["HX-Refresh"] == "true"


def test_asking_stops_at_the_publication(stage, client):
    assert client.get("/progress/", headers=HTMX).status_code == 200
    publish_count(stage)

    for path in ("/home/?state=published", "/progress/"):
        assert client.get(path, headers=HTMX).status_code == 286
    for path in ("/home/", "/progress/"):
        assert "hx-trigger" not in client.get(path).text
        assert "htmx" not in client.get(path).text


# --- progress -------------------------------------------------------------------------------------


def test_progress_is_how_many_and_never_who(stage, client):
    stage.cast(1, selection(3))

    for reply in (client.get("/progress/"), client.get("/progress/", headers=HTMX)):
        text = re.sub(r"<[^>]+>", "", reply.text)
        assert "已投票1人，共5人" in text
        assert "投票率20.0%" in text
        assert "代表2" not in text
        assert "城区代表团" not in text
    assert 'width="20.0%"' in reply.text


# --- the result -----------------------------------------------------------------------------------


def nothing_leaks(poll: Poll, *browsers: Client) -> None:
    for browser in browsers:
        for path in ("/results/", "/board/", "/progress/", "/home/"):
            text = browser.get(f"{path}?poll={poll.pk}").text
            # The rules say how votes are counted, and not what came of it.
            for rule in rules_in_words(poll):
                text = text.replace(rule, "")
            assert not re.search(r"候选项目\d|金丝雀|得票|获得通过|有效票", text), path
    expected = "本次票决作废。" if poll.phase == "void" else "结果尚未公布。"
    assert expected in Client().get("/results/").text


def test_before_its_publication_no_page_holds_anything_of_a_result(db):
    held = make_stage(show_votes=True)
    poll, browsers = held.poll, (Client(), signed_in(held), signed_in(held, 1))
    held.cast(0, selection(3, 4, proposals=["金丝雀公园"]))
    steps = [
        lambda: None,
        lambda: lifecycle.pause_poll(poll, reason="停电", by=held.office),
        held.close,
        held.open_box,
        lambda: canvass.rule_each_alone(poll, by=held.office),
        lambda: canvass.close_canvass(poll, by=held.office, second=held.scrutineer),
        lambda: lifecycle.count_poll(poll, by=held.office),
        lambda: lifecycle.confirm_result(poll, by=held.chief),
    ]
    for step in steps:
        step()
        poll.refresh_from_db()
        nothing_leaks(poll, *browsers)
    assert poll.phase == Poll.Phase.CONFIRMED

    lifecycle.publish_result(poll, by=held.office, leave_open=True)
    poll.refresh_from_db()
    # The hall is shown it first, at the chair's pace.
    nothing_leaks(poll, *browsers)
    assert "正在会场揭晓结果" in browsers[1].get("/home/").text
    hall.reveal_all(poll, by=held.office)
    text = Client().get("/results/").text
    assert "金丝雀公园" in text
    assert "得票数" in text


def test_a_poll_voided_after_the_count_shows_nothing_of_it(db):
    held = make_stage(show_votes=True)
    held.cast(0, selection(3, 4, proposals=["金丝雀公园"]))
    held.close()
    held.open_box()
    held.count()

    poll = lifecycle.void_poll(held.poll, reason="故障", by=held.office, second=held.scrutineer)

    nothing_leaks(poll, Client(), signed_in(held))


def outcome(*, votes: dict[int, int], delegates: int = 9, **columns) -> Poll:
    """Return a published poll in which each candidate got that many votes.

    The votes are dealt out in turn, so that nobody gets more of them than anybody else by two.
    """
    held = make_stage(delegates=delegates, **({"candidates": len(votes)} | columns))
    dealt = [number for number, got in votes.items() for _ in range(got)]
    for place in range(min(delegates, len(dealt))):
        held.cast(place, selection(*dealt[place::delegates]))
    return publish_count(held)


def test_the_public_sees_the_adopted_projects_and_no_votes_unless_the_poll_says_so(db):
    poll = outcome(votes={1: 5, 2: 8, 3: 2}, places=2)

    text = Client().get("/results/").text

    # A line breaks between these words and never within one.
    title = ("2026年度", "民生实事项目", "票决结果")
    assert "".join(f'<span class="nowrap">{word}</span>' for word in title) in text
    assert "应到代表9人，实到代表9人；发出表决票9张，收回9张，其中有效票9张（含弃权票0张）。" in (
        re.sub(r"\s", "", text)
    )
    assert "以下2个项目获得通过。" in text
    numbered = re.findall(r'class="number"[^>]*>(\d+)</span> <bdi>([^<]+)<', text)
    assert numbered == [("1", "候选项目1"), ("2", "候选项目2")], "the order tells nothing"
    assert "候选项目3" not in text
    assert not re.search(r"得票数|得票率|名次|\d票|\d%|<svg|<rect", text)
    assert poll.published_at


def test_votes_are_shown_where_the_poll_says_so(db):
    outcome(votes={1: 5, 2: 8, 3: 2}, places=2, show_votes=True)

    reply = Client().get("/results/")

    page = read(reply)
    for words in (
        *("名次", "占全体代表", "过半数5票", "以下项目未通过：未过半数"),
        "占全体代表＝得票数÷全体代表9人。",
    ):
        assert words in page.text
    titles = [page.text.index(f"候选项目{number}") for number in (2, 1, 3)]
    assert titles == sorted(titles)
    assert all(f'width="{share}%"' in reply.text for share in ("88.9", "55.6", "22.2"))
    assert reply.text.count('x1="55.6%"') == 3, "more than half of nine is five"
    # What the headings say is not said of each project again.
    assert page.text.count("通过") == 2


def test_without_a_majority_rule_no_mark_stands_on_the_bars(db):
    outcome(votes={1: 5, 2: 8, 3: 2}, places=2, show_votes=True, majority="none")

    text = Client().get("/results/").text

    assert "过半数" not in text
    assert "<line" not in text


@pytest.mark.parametrize(
    ("majority", "share", "half", "words"),
    [
        ("all", "50.0%", "60.0", "占全体代表＝得票数÷全体代表10人。"),
        ("present", "62.5%", "62.5", "占实到代表＝得票数÷实到代表8人。"),
        ("valid", "83.3%", "66.7", "得票率＝得票数÷有效票6张。"),
        ("none", "83.3%", "", "得票率＝得票数÷有效票6张。"),
    ],
)
def test_a_rate_is_one_of_those_of_whom_the_rule_asks_more_than_half(
    db, majority, share, half, words
):
    held = make_stage(
        delegates=8, delegates_total=10, candidates=1, places=1, show_votes=True, majority=majority
    )
    for place in range(6):
        held.cast(place, selection(1) if place < 5 else selection())
    publish_count(held)

    reply = Client().get("/results/")

    assert re.findall(r"(\d+\.\d%)</td>", reply.text) == [share]
    assert words in read(reply).text
    assert re.findall(r'class="half" x1="([\d.]+)%"', reply.text) == [half] * bool(half)


def test_a_tie_across_the_last_place_is_said_and_left_open(db):
    outcome(votes={1: 8, 2: 5, 3: 5}, places=2, show_votes=True)

    text = Client().get("/results/").text

    words = "“候选项目2”“候选项目3”等2个项目得赞成票数相等，不能确定，不足的1项不再补足。"
    assert words in text
    assert text.count("得票相同，待定") == 2
    assert text.count("并列") == 2


def test_a_tie_without_votes_names_the_projects_and_no_figure(db):
    outcome(votes={1: 8, 2: 5, 3: 5}, places=2)

    text = Client().get("/results/").text

    assert "等2个项目得赞成票数相等，不能确定，不足的1项不再补足。" in text
    assert not re.search(r"[58] ?票", text)
    assert text.index("得票相同，待定") < text.index("<bdi>候选项目2</bdi>")


def settled(how: str, **columns) -> Poll:
    """Return a published poll whose second place was settled by a run-off or by the meeting."""
    held = make_confirmed({1: 8, 2: 5, 3: 5}, places=2, **columns)
    if how == "run-off":
        draft = drafts.run_off(held.poll, by=held.office)
        second = play(held, draft, selection(3), selection(3), selection(2))
        lifecycle.publish_result(second.poll, by=held.office, at_once=True)
    else:
        deciding.decide(
            held.poll, items=["3"], words="主席团决定", by=held.office, second=held.chief
        )
    lifecycle.publish_result(held.poll, by=held.office, at_once=True)
    return held.poll


@pytest.mark.parametrize(
    ("how", "tag", "lead"),
    [
        ("run-off", "再次票决通过", "以下2个项目获得通过。"),
        ("decision", "按会议决定确定", "以下2个项目已确定。"),
    ],
)
def test_the_result_says_how_each_place_was_filled(db, how, tag, lead):
    poll = settled(how)

    text = Client().get(f"/results/?poll={poll.pk}").text

    assert lead in text
    assert re.search(rf"候选项目3</bdi>\s*<span class=\"tag yes\">{tag}", text)
    assert text.count('class="tag yes"') == 1
    assert "得票相同" not in text
    assert "候选项目2" not in text
    assert ("主席团决定" in text) == (how == "decision")


def test_where_votes_are_shown_the_second_round_has_a_table_of_its_own(db):
    poll = settled("run-off", show_votes=True)

    page = read(Client().get(f"/results/?poll={poll.pk}"))

    first, second = page.text.split("再次票决得票") if "再次票决得票" in page.text else ("", "")
    assert "第 2 名 并列 3 候选项目3" in first
    assert "✓ 再次票决通过" in first
    assert "以下项目未通过" in first
    # Of the run-off no majority is asked, so that its rate is one of its valid ballots.
    assert "第 1 名 3 候选项目3 2 票 66.7%" in second
    assert "得票率＝得票数÷有效票3张。" in second
    assert "候选项目1" not in second


def test_a_round_says_which_one_it_is_and_why(db):
    held = make_confirmed({1: 8, 2: 5, 3: 5}, places=2)
    second = second_stage(held, drafts.run_off(held.poll, by=held.office))
    client = signed_in(second)

    for path in ("/home/", "/projects/"):
        text = read(client.get(f"{path}?poll={second.poll.pk}")).text
        assert "首次票决中，下列项目得票相同，不能确定。现就这些项目再次票决，从中确定1项。" in text


def test_a_place_that_the_meeting_left_open_is_said(db):
    held = make_confirmed({1: 8, 2: 5, 3: 5}, places=2)
    deciding.decide(held.poll, items=[], words="不再票决", by=held.office, second=held.chief)
    lifecycle.publish_result(held.poll, by=held.office, at_once=True)

    text = read(Client().get("/results/")).text

    assert "应确定2个项目，其余1项按会议决定不再补足。" in text
    assert "不再票决" in text
    assert "待定" not in text


@pytest.mark.parametrize(
    ("majority", "words"),
    [
        (
            "all",
            "获得全体代表过半数赞成票的项目为1个，少于应确定的2个，不足的1项不再补足。",
        ),
        ("none", "获得赞成票的项目为1个，少于应确定的2个，不足的1项不再补足。"),
    ],
)
def test_fewer_projects_than_places_are_said(db, majority, words):
    outcome(votes={1: 8, 2: 0}, places=2, majority=majority)

    assert words in Client().get("/results/").text


def test_an_item_in_no_place_says_why(db):
    outcome(votes={1: 6, 2: 6, 3: 5, 4: 1}, places=2, show_votes=True)

    text = read(Client().get("/results/")).text

    behind, short = "以下项目未通过：未进入前2名", "以下项目未通过：未过半数"
    assert f"{behind} 第 3 名 3 候选项目3 5 票 55.6% {short} 第 4 名 4 候选项目4 1 票 11.1%" in text


def test_what_the_meeting_decided_in_the_second_round_stands_with_the_first(db):
    held = make_confirmed({1: 8, 2: 5, 3: 5}, places=2, show_votes=True)
    draft = drafts.run_off(held.poll, by=held.office)
    second = play(held, draft, selection(2), selection(3))
    deciding.decide(
        second.poll, items=["3"], words="主席团取第3项", by=held.office, second=held.chief
    )
    for poll in (second.poll, held.poll):
        lifecycle.publish_result(poll, by=held.office, at_once=True)

    text = read(Client().get(f"/results/?poll={held.poll.pk}")).text

    assert "主席团取第3项" in text
    assert "✓ 按会议决定确定" in text
    assert "以下项目未通过：经会议决定未确定" in text
    assert "以下2个项目已确定。" in text


def test_a_refusal_that_no_view_expected_is_a_page_with_its_sentence(db, monkeypatch):
    def refuse(request: Any) -> None:
        raise Refused("not-here", "这里不能办理。")

    monkeypatch.setattr(results, "asked_poll", refuse)

    reply = Client().get("/results/")

    assert reply.status_code == 409
    assert "这里不能办理。" in reply.text


def test_proposals_that_went_into_a_candidate_are_told_from_those_that_stand_alone():
    found: Any = {"proposals": 16, "proposed_items": 3, "merged": 8, "refused": 2}

    assert proposals_words(found) == (
        "共收到16件，归并为3项。其中8件并入候选项目、2件不予计票，不在3项之内。"
    )
    assert proposals_words(found | {"proposed_items": 0, "refused": 0}) == (
        "共收到16件，没有单列的项目。其中8件并入候选项目。"
    )


def test_a_proposal_that_passed_carries_its_tag(db):
    held = make_stage(delegates=3, candidates=2)
    for place in range(3):
        held.cast(place, selection(1, proposals=["老年食堂"]))
    publish_count(held)

    text = Client().get("/results/").text

    assert re.search(r"老年食堂</bdi>\s*<span class=\"tag\">推荐", text)
    assert "共收到3件，归并为1项。" in text


def test_a_poll_without_proposals_says_so(db):
    outcome(votes={1: 5, 2: 8}, places=2)

    assert "本次没有推荐项目。" in Client().get("/results/").text


# --- the board ------------------------------------------------------------------------------------


def test_the_board_is_empty_until_the_close_and_then_lists_every_receipt_in_order(stage):
    codes = [stage.cast(place, selection(place + 1)).code for place in range(4)]
    before = Client().get("/board/").text
    assert "投票截止后，这里将公布已收到的回执编号清单。" in before
    assert not any(code[:4] in before for code in codes)

    stage.close()

    text = Client().get("/board/").text
    listed = re.findall(r"<li>(\S{19})</li>", text)
    assert [code.replace("-", "") for code in listed] == sorted(codes)
    assert "共收到4张表决票。" in text


@pytest.mark.parametrize(
    "spelling",
    [
        str,
        str.lower,
        lambda code: "-".join(re.findall("....", code)),
        lambda code: " ".join(re.findall("....", code)).lower(),
        lambda code: code.replace("0", "O").replace("1", "l"),
        lambda code: "".join(chr(ord(char) + 0xFEE0) for char in code),
        # Case 45.
        lambda code: "·".join(re.findall("....", code)),
        lambda code: "：".join(re.findall("....", code)),
        lambda code: "ー".join(re.findall("....", code)) + "。",
        lambda code: f"回执编号：{code}\u200b",
        lambda code: f"Receipt number: {code}.",
    ],
)
def test_a_receipt_is_found_however_it_is_typed(stage, spelling):
    code = stage.cast(0, selection(1)).code
    stage.close()

    reply = Client().post("/board/", {"code": spelling(code)})

    assert "✓ 该编号在清单内，您的表决票已收到。" in reply.text
    assert f'value="{sealing.grouped(code)}"' in reply.text, "as it stands on the receipt"


def test_a_receipt_that_is_not_in_the_box_is_said_to_be_missing(stage):
    stage.cast(0, selection(1))
    stage.close()

    assert "该编号不在清单内。" in Client().post("/board/", {"code": "0" * 16}).text
    for typed in ("0" * 15, "U" * 16, "编号", "<b>", "\0"):
        assert "回执编号应为16位字母和数字" in Client().post("/board/", {"code": typed}).text


def test_a_text_far_too_long_is_no_receipt_and_not_looked_at(stage, monkeypatch):
    # Class E: 80 KB of combining marks in this field kept a server process busy for seconds.
    stage.close()
    lengths = lengths_looked_at(monkeypatch)

    fits = MARKS[:10_000]
    assert "回执编号应为16位字母和数字" in Client().post("/board/", {"code": fits}).text
    assert Client().post("/board/", {"code": MARKS}).status_code == 413
    assert not lengths


def test_a_receipt_is_never_looked_up_by_an_address_which_a_proxy_would_log(stage):
    code = stage.cast(0, selection(1)).code
    stage.close()

    reply = Client().get("/board/", {"code": code})

    assert reply.status_code == 200
    assert "该编号在清单内" not in reply.text
    assert 'value="' + code not in reply.text


def test_the_look_up_of_a_receipt_needs_its_token(stage):
    stage.close()
    strict = Client(enforce_csrf_checks=True)

    assert strict.post("/board/", {"code": "0" * 16}).status_code == 403
    token = read(strict.get("/board/")).form("/board/").fields
    assert strict.post("/board/", dict(token) | {"code": "0" * 16}).status_code == 200


def test_the_look_up_keeps_the_poll_that_was_asked_for(stage):
    stage.close()

    page = read(Client().get(f"/board/?poll={stage.poll.pk}"))

    assert page.form("/board/").action.endswith(f"/board/?poll={stage.poll.pk}")


def test_the_board_of_a_void_poll_keeps_its_receipts(stage):
    code = stage.cast(0, selection(1)).code
    lifecycle.void_poll(stage.poll, reason="故障", by=stage.office, second=stage.scrutineer)

    reply = Client().post("/board/", {"code": code})

    assert "✓ 该编号在清单内" in reply.text
    assert "所有表决票都不计票" in reply.text
    assert SealedBallot.objects.count() == 1


# --- the candidates -------------------------------------------------------------------------------


def test_the_candidates_are_listed_by_number_with_what_is_known_of_them(stage, client):
    early = make_poll(candidates=0)
    make_project(early, 9, title="第九项")
    make_project(
        early,
        2,
        title="第二项",
        category="教育",
        lead_unit="教育局",
        investment="1800.00",
        deadline="2026年11月底",
    )
    roll.draw_up_roll(early, by=stage.office)

    text = read(client.get(f"/projects/?poll={early.pk}")).text

    assert "共2个候选项目，按编号排列，排列先后与重要程度无关。" in text
    assert text.index("2. 第二项") < text.index("9. 第九项")
    for words in ("投资1,800万元", "责任单位：教育局", "2026年11月底前完成", "新建 9处 。"):
        assert words in text


def test_a_candidate_leads_to_its_neighbours_and_leaves_out_what_is_not_known(client):
    text = client.get("/projects/3/").text

    assert 'href="/projects/2/"' in text
    assert 'href="/projects/4/"' in text
    assert "<b>3处</b>" in text
    for unknown in ("责任单位", "投资", "资金来源", "子项", "完成时限", "实施范围", "None"):
        assert unknown not in text
    assert "上一项" not in client.get("/projects/1/").text
    assert "下一项" not in client.get("/projects/12/").text


def test_a_candidate_shows_its_sub_items_and_its_money_as_they_are_read(stage, client):
    draft = make_poll(candidates=0)
    sums = {"investment": "1800.00", "investment_this_year": "950.50", "funding": "市级财政"}
    project = make_project(draft, 7, **sums)
    make_sub_item(project, investment="1200.00")
    make_sub_item(project, position=2, text="管理平台", investment=None)
    roll.draw_up_roll(draft, by=stage.office)

    text = " ".join(read(client.get(f"/projects/7/?poll={draft.pk}")).text.split())

    for words in ("新建停车楼 1,200万元 管理平台", "总投资 1,800万元", "本年投资 950.5万元"):
        assert words in text
    assert "资金来源 市级财政" in text


@pytest.mark.parametrize("number", [0, 13, 2**31, 2**63, 10**30])
def test_a_candidate_that_is_none_is_not_found(client, number):
    assert client.get(f"/projects/{number}/").status_code == 404


def wishes_on(client: Client, path: str) -> int:
    return client.get(path).text.count("data-wish=")


def test_candidates_can_be_marked_beforehand_where_the_poll_says_so_and_never_on_a_tablet(db):
    held = make_stage(delegates=1, open_it=False)
    client = signed_in(held)
    assert wishes_on(client, "/projects/") == 12
    assert wishes_on(client, "/projects/3/") == 1

    client.cookies["tablet"] = "1"
    assert wishes_on(client, "/projects/") == wishes_on(client, "/projects/3/") == 0
    del client.cookies["tablet"]
    Poll.objects.update(wishes=False)
    assert wishes_on(client, "/projects/") == wishes_on(client, "/projects/3/") == 0


def test_a_candidate_can_be_chosen_on_its_own_page_until_the_ballot_is_cast(stage, client):
    assert wishes_on(client, "/projects/") == 0, "the ballot is the list to choose from"
    assert wishes_on(client, "/projects/3/") == 1

    stage.cast(0, selection(1))

    assert wishes_on(client, "/projects/3/") == 0


def test_a_text_that_says_no_more_than_the_targets_is_left_out(db):
    held = make_stage(delegates=1, open_it=False, candidates=3)
    client = signed_in(held)
    for text, is_told in (("新建3处。", False), ("新建3处，年内建成。", True)):
        Project.objects.filter(poll=held.poll, number=3).update(text=text)
        page = client.get("/projects/3/").text
        assert ("建设内容" in page, text in page) == (is_told, is_told)
        assert "<b>3处</b>" in page


def test_categories_are_places_to_jump_to(db):
    held = make_stage(delegates=1, open_it=False, candidates=4)
    Project.objects.filter(poll=held.poll, number__lte=2).update(category="教育")
    Project.objects.filter(poll=held.poll, number=4).update(category="交通")

    text = signed_in(held).get("/projects/").text

    assert 'href="#item-1">教育' in text
    assert 'href="#item-4">交通' in text


# --- errors ---------------------------------------------------------------------------------------


def test_a_page_that_is_none_says_so(client):
    reply = client.get("/nowhere/")

    assert reply.status_code == 404
    assert "没有找到该页面" in reply.text
    assert 'href="/home/"' in reply.text
    assert 'href="/home/"' not in Client().get("/nowhere/").text


@pytest.fixture
def broken(stage, monkeypatch) -> Client:
    """A delegate at a site whose progress page fails."""
    client = signed_in(stage, raise_request_exception=False)

    def fails(poll):
        raise RuntimeError("made to fail")

    monkeypatch.setattr(turnout, "turnout_of", fails)
    return client


def test_x13_an_error_has_a_number_that_the_log_holds_too(broken, caplog):
    reply = broken.get("/progress/")

    assert reply.status_code == 500
    assert "系统出现错误" in reply.text
    assert "如刚才在提交表决票，请返回首页查看是否已提交。" in reply.text
    shown = re.search(r"编号 ([0-9a-f]{8})", reply.text)
    assert shown
    assert [r.message for r in caplog.records if r.name == "ballots"] == [
        f"error {shown[1]} at progress/"
    ]


def test_the_page_of_an_error_asks_the_database_nothing(rf: RequestFactory):
    request = rf.get("/")
    request.resolver_match = None

    reply = errors.server_error(request)

    assert reply.status_code == 500
    assert "</html>" in reply.text
    assert "csrf" not in reply.text


def test_the_page_of_an_error_says_whom_to_call_where_the_site_knows_it(broken, settings):
    assert "会务组电话" not in broken.get("/progress/").text
    settings.HELP_PHONE = "0579-87654321"

    assert '<a href="tel:0579-87654321">0579-87654321</a>' in broken.get("/progress/").text


def test_the_error_pages_are_those_of_the_urlconf():
    handlers = {code: get_resolver().resolve_error_handler(code) for code in (403, 404, 500)}

    names = {code: handler.__name__ for code, handler in handlers.items()}
    assert names == {403: "forbidden", 404: "not_found", 500: "server_error"}
    assert site_settings.CSRF_FAILURE_VIEW == "yiwu_vote.errors.page_expired"


def test_a_page_that_is_forbidden_says_so(stage, client, monkeypatch):
    def forbids(poll):
        raise PermissionDenied

    monkeypatch.setattr(turnout, "turnout_of", forbids)
    reply = client.get("/progress/")

    assert reply.status_code == 403
    assert "不能访问该页面" in reply.text


def test_nothing_of_an_address_with_a_token_reaches_the_log_of_an_error(stage, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG, logger="ballots")

    def fails(token):
        raise RuntimeError("made to fail")

    monkeypatch.setattr("ballots.pages.sign_in.card_by_token", fails)
    Client(raise_request_exception=False).get("/k/SECRETTOKEN/")

    assert "error" in caplog.text
    assert not any("SECRETTOKEN" in r.getMessage() for r in caplog.records if r.name == "ballots")


def test_times_of_another_day_carry_their_date(stage, client):
    client.post("/ballot/cast/", ready_to_cast(client, stage.poll, 2))
    voted_at = timezone.localtime(stage.entry().voted_at)
    date = f"{voted_at.year}年{voted_at.month}月{voted_at.day}日 {voted_at:%H:%M}"

    assert date not in client.get("/home/").text
    with time_machine.travel(voted_at + timedelta(days=1), tick=False):
        tomorrow = answers.clock(voted_at)
    assert tomorrow == date
