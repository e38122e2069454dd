"""Filling in, reviewing and submitting a ballot, and every page that says no on the way."""

import csv
import io
import logging
import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from ballots import verifier
from ballots.acts import amending, casting, lifecycle, roll
from ballots.facts import database
from ballots.files import package, tables
from ballots.models import Ballot, Envelope, RollEntry, SealedBallot, Session, rules_of
from ballots.pure import sealing
from ballots.pure.rules import Proposal, faults
from projects.models import Poll
from projects.wording import rules_in_words
from tests.helpers.browsing import (
    filled,
    marked,
    posted,
    read,
    ready_to_cast,
    signed_in,
    ticked,
    typed,
)
from tests.helpers.factories import Stage, make_project, make_stage, publish_count, selection
from tests.helpers.secrecy import snapshot, where

pytestmark = pytest.mark.django_db

CANARY = "金丝雀公园建设"
HIDDEN_ABSTENTION = 'aria-labelledby="abstain-title" hidden'


@pytest.fixture
def client(stage) -> Client:
    """The first delegate, signed in."""
    return signed_in(stage)


# --- the whole way --------------------------------------------------------------------------------


def test_a_ballot_goes_from_the_ticks_to_the_receipt(stage, client, poll):
    form = read(client.get("/ballot/")).form("/ballot/review/")
    assert [choice for choice in form.choices if choice[0] == "projects"] == [
        ("projects", str(number)) for number in range(1, 13)
    ]
    assert ("abstain", "on") in form.choices
    sent = posted(form) | {"projects": ["3", "7"], "proposal-0-title": ["老年食堂"]}

    review = read(client.post("/ballot/review/", sent))
    assert review.status == 200
    assert "您共选择3项：候选项目2项，推荐项目1项。" in review.text
    assert "还可再选7项，也可直接提交。" in review.text
    assert "提交后不能修改或撤回。" in review.text
    assert [place for place in ("3. 候选项目3", "7. 候选项目7", "老年食堂") if place in review.text]
    reply = client.post("/ballot/cast/", posted(review.form("/ballot/cast/")))

    assert (reply.status_code, reply["Location"]) == (303, "/receipt/")
    receipt = read(client.get("/receipt/"))
    code = receipt.ids["receipt-code"].strip()
    assert code.replace("-", "") == Envelope.objects.get(roll_entry=stage.entry()).code
    assert "表决票已提交" in receipt.text
    assert "候选项目3" not in receipt.text
    publish_count(stage)
    ballot = Ballot.objects.get(poll=poll)
    assert (ballot.chosen, ballot.invalid, len(ballot.write_ins)) == ([3, 7], "", 1)


def test_abstaining_goes_the_same_way(stage, client, poll):
    review = read(client.post("/ballot/review/", filled(poll, abstain="on")))
    assert "您确认弃权，不选择任何项目。" in review.text

    reply = client.post("/ballot/cast/", posted(review.form("/ballot/cast/")))

    assert reply.status_code == 303
    publish_count(stage)
    assert Ballot.objects.get(poll=poll).chosen == []


def test_a_proposal_keeps_its_lines_on_the_whole_way(stage, client, poll):
    given = Proposal("公园", "第一行\n第二行", "建设局")
    sent = ready_to_cast(client, poll, 1, proposals=[given])

    client.post("/ballot/cast/", sent)

    publish_count(stage)
    write_in = poll.write_ins.get()
    assert (write_in.title, write_in.detail, write_in.unit) == ("公园", "第一行\n第二行", "建设局")


def test_the_review_page_shows_all_that_is_about_to_be_submitted(client, poll):
    given = Proposal("公园", "第一行\n第二行", "建设局")

    page = read(client.post("/ballot/review/", filled(poll, 1, proposals=[given])))

    assert all(
        words in page.text for words in ("1. 候选项目1", "公园", "第一行", "建议责任单位：建设局")
    )


def test_a_title_is_text_and_never_markup(db):
    held = make_stage(open_it=False, candidates=0)
    make_project(held.poll, 1, title="<b>粗</b>{{ 7 }}", text="<script>alert(1)</script>")
    held.poll = lifecycle.open_poll(held.poll, by=held.office)
    client = signed_in(held)
    given = Proposal("<i>斜</i>{% now %}", "</textarea><script>", "\"'>")

    pages = [
        client.get("/ballot/"),
        client.post("/ballot/review/", filled(held.poll, 1, proposals=[given])),
        client.post("/ballot/", filled(held.poll, 1, proposals=[given])),
        client.get("/projects/"),
        client.get("/projects/1/"),
    ]

    for reply in pages:
        assert reply.status_code == 200
        for markup in ("<b>粗", "<script>alert", "<i>斜", "</textarea><script>"):
            assert markup not in reply.text


# --- what comes back ------------------------------------------------------------------------------


def test_too_many_ticks_come_back_all_of_them_with_what_is_wrong(client, poll):
    sent = filled(poll, *range(1, 13), proposals=[Proposal("公园", "一处", "建设局")], abstain="on")

    reply = client.post("/ballot/review/", sent)

    page = read(reply)
    assert reply.status_code == 422
    assert reply.text.count("您选了13项，最多选10项，请取消3项") == 2
    assert "<title>错误：填写表决票 - 民生实事项目票决</title>" in reply.text
    assert ticked(page) == [str(number) for number in range(1, 13)]
    assert typed(page) == ["公园", "一处", "建设局"]
    assert ("abstain", "on") in page.form("/ballot/review/").fields


def test_an_over_vote_that_reaches_the_cast_is_refused_with_all_ticks_kept(stage, client, poll):
    sent = ready_to_cast(client, poll, 1) | {"projects": [str(n) for n in range(1, 12)]}
    before = snapshot()

    reply = client.post("/ballot/cast/", sent)

    assert reply.status_code == 422
    assert ticked(read(reply)) == [str(number) for number in range(1, 12)]
    assert snapshot() == before


def test_nothing_chosen_asks_for_the_tick_that_abstains(client, poll):
    reply = client.post("/ballot/review/", filled(poll))

    assert reply.status_code == 422
    assert '<a href="#candidates">您还没有选择项目，请勾选项目。</a>' in reply.text
    assert '<a href="#abstain">确需弃权的，请在页末确认弃权。</a>' in reply.text
    assert HIDDEN_ABSTENTION not in reply.text


def test_nobody_is_asked_whether_he_abstains_before_he_goes_on_with_nothing_chosen(client, poll):
    pages = [
        client.get("/ballot/"),
        client.post("/ballot/review/", filled(poll, *range(1, 13))),
        client.post("/ballot/", filled(poll, 2)),
    ]

    assert [HIDDEN_ABSTENTION in page.text for page in pages] == [True] * 3


def test_going_back_from_the_review_brings_every_tick_and_every_word(client, poll):
    sent = ready_to_cast(client, poll, 2, 5, 11, proposals=[Proposal("公园", "甲\n乙")])

    reply = client.post("/ballot/", sent)

    page = read(reply)
    assert reply.status_code == 200
    assert "请更正以下问题" not in reply.text
    assert ticked(page) == ["2", "5", "11"]
    assert typed(page) == ["公园", "甲\n乙"]


def test_going_back_from_the_review_of_a_blank_ballot_keeps_the_tick_that_abstains(client, poll):
    review = read(client.post("/ballot/review/", filled(poll, abstain="on")))

    page = read(client.post("/ballot/", posted(review.form("/ballot/cast/"))))

    assert ("abstain", "on") in page.form("/ballot/review/").fields


def test_an_item_is_removed_on_the_review_page_and_brought_back_without_script(client, poll):
    review = read(client.post("/ballot/review/", filled(poll, 2, 7, proposals=["公园"])))
    form = review.form("/ballot/cast/")
    assert form.buttons == [("remove", "2"), ("remove", "7"), ("remove", "p0")]

    for key, words, rest in [
        ("7", "已取消第7项。", ["2"]),
        ("p0", "已取消推荐项目1。", ["2", "7"]),
    ]:
        page = read(client.post("/ballot/review/", posted(form) | {"remove": key}))
        assert page.status == 200
        assert words in page.text
        assert [v for n, v in page.form("/ballot/cast/").fields if n == "projects"] == rest
        undone = read(client.post("/ballot/review/", posted(page.form("/ballot/review/"))))
        assert "公园" in undone.text
        assert "7. 候选项目7" in undone.text
        assert "已取消" not in undone.text


def test_removing_the_last_item_leads_back_to_the_ballot(client, poll):
    form = read(client.post("/ballot/review/", filled(poll, 7))).form("/ballot/cast/")

    reply = client.post("/ballot/review/", posted(form) | {"remove": "7"})

    assert reply.status_code == 422
    assert "您还没有选择项目，请勾选项目。" in reply.text
    assert ticked(read(reply)) == []


def test_removing_what_is_not_there_removes_nothing(client, poll):
    form = read(client.post("/ballot/review/", filled(poll, 7))).form("/ballot/cast/")

    for key in ("8", "p0", "p-1", "x", ""):
        page = read(client.post("/ballot/review/", posted(form) | {"remove": key}))
        assert "已取消" not in page.text
        assert ("projects", "7") in page.form("/ballot/cast/").fields


def test_removing_takes_a_new_token_so_that_an_old_answer_never_stands_for_the_new_ballot(
    client, poll
):
    first = ready_to_cast(client, poll, 2, 7)

    page = read(client.post("/ballot/review/", first | {"remove": "7"}))

    assert posted(page.form("/ballot/cast/"))["token"] != first["token"]


@pytest.mark.parametrize("path", ["/ballot/", "/ballot/review/"])
def test_the_size_of_text_changes_without_losing_a_tick(client, poll, path):
    reply = client.post(path, filled(poll, 2, 5, proposals=["公园"]) | {"size": "xl"})

    assert reply.status_code == 200
    assert 'data-size="xl"' in reply.text
    assert client.cookies["size"].value == "xl"
    form = read(reply).form("/ballot/review/" if path == "/ballot/" else "/ballot/cast/")
    assert [value for name, value in form.fields if name == "projects"] == ["2", "5"]
    assert "公园" in [value for _, value in form.fields]


@pytest.mark.parametrize("path", ["/ballot/review/", "/ballot/cast/"])
def test_a_reload_of_a_posted_page_by_its_address_leads_to_the_ballot(client, path):
    reply = client.get(path)

    assert (reply.status_code, reply["Location"]) == (303, "/ballot/")


# --- tampering ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"projects": ["99"]},
        {"projects": ["-1"]},
        {"projects": ["1e3"]},
        {"projects": [str(2**63)]},
        {"projects": ["1", "1"]},
        {"projects": ["1;--"]},
        {"projects": ["1\0"]},
        {"abstain": "0"},
        {"abstain": ["on", "on"]},
        {"proposal-0-title": ["甲", "乙"]},
        {"proposal-0-title": "甲\0"},
        {"proposal-0-title": "\u3164"},
        {"proposal-TOTAL_FORMS": "1000"},
        {"proposal-TOTAL_FORMS": ""},
        {"proposal-9-title": "甲"},
        {"proposal-0-title": "长" * 2000},
    ],
)
@pytest.mark.parametrize("path", ["/ballot/review/", "/ballot/cast/"])
def test_tampering_is_refused_and_nothing_is_stored(client, poll, change, path):
    sent = ready_to_cast(client, poll, 2, 5) if "cast" in path else filled(poll, 2, 5)
    before = snapshot()

    reply = client.post(path, sent | change)

    assert reply.status_code == 422
    assert "请更正以下问题" in reply.text
    assert snapshot() == before


@pytest.mark.parametrize("token", [None, "", "x", "A" * 32, "a" * 33, ["a" * 32, "b" * 32], "\0"])
def test_a_cast_without_a_token_of_ours_is_refused(client, poll, token):
    sent = ready_to_cast(client, poll, 2)
    sent = {name: value for name, value in sent.items() if name != "token"}
    before = snapshot()

    reply = client.post("/ballot/cast/", sent if token is None else sent | {"token": token})

    assert reply.status_code == 422
    assert snapshot() == before


@pytest.mark.parametrize("asked", ["", "0", "-1", "1e3", "x", "１", str(2**63), "9" * 400, "1\0"])
@pytest.mark.parametrize("path", ["/ballot/", "/ballot/review/", "/ballot/cast/"])
def test_a_form_for_no_poll_of_ours_is_refused(client, poll, asked, path):
    reply = client.post(path, filled(poll, 2) | {"poll": asked})

    assert reply.status_code == 400
    assert "表决票与票决不符" in reply.text
    assert "刚才的内容没有提交。" in reply.text
    assert not Envelope.objects.exists()


def test_a_form_without_its_poll_or_for_another_address_is_refused(client, poll):
    sent = ready_to_cast(client, poll, 2)
    without_poll = {name: value for name, value in sent.items() if name != "poll"}

    assert client.post("/ballot/cast/", without_poll).status_code == 400
    assert client.post(f"/ballot/cast/?poll={poll.pk + 1}", sent).status_code == 400
    assert client.post(f"/ballot/cast/?poll={poll.pk}", sent).status_code == 303


def test_the_ballot_of_a_poll_on_whose_roll_one_does_not_stand_is_refused(stage, client, poll):
    other = make_stage(delegates=1, delegates_total=9)
    RollEntry.objects.filter(poll=other.poll, delegate=stage.delegates[0]).delete()

    reply = client.post("/ballot/cast/", ready_to_cast(client, poll, 2) | {"poll": other.poll.pk})

    assert reply.status_code == 400
    assert not Envelope.objects.exists()


def test_too_many_fields_and_too_large_a_body_are_refused_with_a_page(client, poll):
    many = client.post("/ballot/review/", {f"x{place}": "1" for place in range(2_001)})
    large = client.post("/ballot/review/", {"proposal-0-detail": "x" * 2_600_000})

    for reply in (many, large):
        assert reply.status_code == 413
        assert "请求有误" in reply.text
        assert "提交的内容过大，没有处理。请返回后重新提交。" in reply.text


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
@pytest.mark.parametrize("path", ["/ballot/", "/ballot/review/", "/ballot/cast/", "/receipt/"])
def test_other_methods_are_not_allowed(client, method, path):
    assert getattr(client, method)(path).status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/ballot/",
        "/ballot/review/",
        "/ballot/cast/",
        "/sign-out/",
        "/text-size/",
    ],
)
def test_every_post_needs_the_token_of_its_own_form(stage, poll, path):
    client = signed_in(stage)
    client.handler.enforce_csrf_checks = True

    reply = client.post(path, filled(poll, 2, size="l", code=stage.issued[1].code))

    assert reply.status_code == 403
    assert "页面已过期" in reply.text
    # Whether it is was asked, of this very delegate.
    assert ("表决票尚未提交，请返回后重新提交。" in reply.text) == path.startswith("/ballot/")
    assert not Envelope.objects.exists()
    assert client.get("/home/").status_code == 200


def test_who_pressed_twice_and_lost_the_first_answer_is_not_told_that_he_has_not_voted(stage, poll):
    client = signed_in(stage)
    sent = ready_to_cast(client, poll, 2)
    assert client.post("/ballot/cast/", sent).status_code == 303
    client.handler.enforce_csrf_checks = True

    reply = client.post("/ballot/cast/", sent | {"csrfmiddlewaretoken": ["that of an old page"]})

    assert reply.status_code == 403
    assert "尚未提交" not in reply.text
    assert re.search(r"您已于\d\d:\d\d提交，已提交的表决票有效。", reply.text)
    assert "/receipt/" in reply.text


def test_of_whom_nobody_knows_no_page_says_that_he_has_not_voted(stage, poll):
    client = Client(enforce_csrf_checks=True)

    reply = client.post("/ballot/cast/", {"poll": str(poll.pk)})

    assert reply.status_code == 403
    assert "尚未提交" not in reply.text
    assert "尚不能确认表决票是否已提交。请返回首页" in reply.text


def test_a_foreign_origin_is_refused(stage, poll):
    client = Client(enforce_csrf_checks=True)
    form = read(client.get("/")).form("/")

    reply = client.post(
        "/",
        posted(form) | {"code": stage.issued[0].code},
        headers={"Origin": "https://evil.example"},
    )

    assert reply.status_code == 403
    assert client.post("/", posted(form) | {"code": stage.issued[0].code}).status_code == 303


# --- the pages that say no ------------------------------------------------------------------------


def test_x1_a_ballot_after_the_close_says_that_it_did_not_count(stage, client, poll):
    sent = ready_to_cast(client, poll, 2)
    stage.close()
    at = timezone.localtime(stage.poll.closed_at).strftime("%H:%M")

    for reply in (client.post("/ballot/cast/", sent), client.get("/ballot/")):
        assert reply.status_code == 403
        assert f"投票已于{at}截止，您的表决票未提交。如有疑问，请联系会务组。" in reply.text
        assert "0579-12345678" in reply.text
        assert "返回首页" in reply.text


TIME_IS_UP = "表决时间已到，等待主持人宣布截止"


@pytest.fixture
def timed(db) -> Stage:
    """An open poll whose deadline comes in ten minutes."""
    return make_stage(delegates=2, closes_at=timezone.now() + timedelta(minutes=10))


def after(stage: Stage, **more: int) -> Any:
    """Travel to the deadline of the poll, or so much after it."""
    assert stage.poll.closes_at is not None
    return time_machine.travel(stage.poll.closes_at + timedelta(**more), tick=False)


def extend(stage: Stage, **more: int) -> None:
    closes_at = timezone.now() + timedelta(**(more or {"minutes": 10}))
    stage.poll = amending.move_deadline(
        Poll.objects.get(pk=stage.poll.pk),
        closes_at=closes_at,
        reason="讨论延长",
        by=stage.office,
        second=stage.scrutineer,
    )


def test_x1_after_the_deadline_nobody_begins_a_ballot_and_pages_say_what_is_awaited(timed):
    """Case 31."""
    client = signed_in(timed)

    with after(timed):
        ballot, home = client.get("/ballot/"), client.get("/home/")
        progress = client.get("/progress/")

    assert ballot.status_code == 403
    assert f"{TIME_IS_UP}，您的表决票未提交。" in ballot.text
    assert "截止，您未提交表决票" not in home.text
    assert f"{TIME_IS_UP}。" in home.text
    assert "data-forget" not in home.text
    assert f"{TIME_IS_UP}。" in progress.text


def test_what_was_filled_in_when_the_time_was_up_is_kept_for_a_later_deadline(timed, monkeypatch):
    """Case 31."""
    # PostgreSQL has a clock of its own, which does not travel.
    monkeypatch.setattr(database, "now", timezone.now)
    monkeypatch.setitem(casting.CLOCK, "postgresql", casting.CLOCK["sqlite"])
    client = signed_in(timed)
    sent = ready_to_cast(client, timed.poll, 2, 5)

    with after(timed, seconds=1):
        late = client.post("/ballot/cast/", sent)
        changed = client.post("/ballot/review/", filled(timed.poll, 2, 5))
        for reply in (late, changed):
            assert reply.status_code == 403
            assert TIME_IS_UP in reply.text
        assert ticked(read(changed)) == ["2", "5"]
        assert read(late).form("/ballot/cast/")
        extend(timed)
        assert client.get("/ballot/").status_code == 200
        assert client.post("/ballot/cast/", sent).status_code == 303


def test_phones_follow_a_deadline_that_is_moved(timed):
    """Case 31."""
    client = signed_in(timed)

    with after(timed, minutes=1):
        assert client.get("/home/?state=open", headers={"HX-Request": "true"}).headers["HX-Refresh"]
        extend(timed, minutes=4)
        stale = client.get("/home/?state=time-up", headers={"HX-Request": "true"})
        assert stale.headers["HX-Refresh"]
        assert "距截止还有4分钟" in client.get("/home/").text
        assert TIME_IS_UP not in client.get("/progress/").text


def test_whoever_has_voted_is_told_that_time_is_up_as_well(timed):
    timed.cast(0, selection(2))

    with after(timed):
        home = signed_in(timed).get("/home/").text

    assert TIME_IS_UP in home
    assert "提交表决票。" in home


def test_x2_another_ballot_is_refused_and_the_first_stands(stage, client, poll):
    late = ready_to_cast(client, poll, 9)
    stage.cast(0, selection(2))
    before = snapshot()

    for reply in (
        client.post("/ballot/cast/", late),
        client.get("/ballot/"),
        client.post("/ballot/review/", filled(poll, 1)),
    ):
        assert reply.status_code == 409
        assert "不能重复提交。已提交的表决票有效。" in reply.text
        assert "如非本人提交，请立即联系总监票人。" in reply.text
    assert snapshot() == before


def test_the_same_submission_twice_gives_the_same_receipt(client, poll):
    sent = ready_to_cast(client, poll, 2)

    first, second = client.post("/ballot/cast/", sent), client.post("/ballot/cast/", sent)

    assert first["Location"] == second["Location"] == "/receipt/"
    assert Envelope.objects.count() == 1


def test_the_same_submission_after_the_close_is_told_that_it_stands(stage, client, poll):
    sent = ready_to_cast(client, poll, 2)
    client.post("/ballot/cast/", sent)
    stage.close()

    reply = client.post("/ballot/cast/", sent)

    assert reply.status_code == 409
    assert "已提交的表决票有效。" in reply.text


def test_x8_a_busy_database_keeps_the_review_page_and_its_token(client, poll, monkeypatch, caplog):
    sent = ready_to_cast(client, poll, 2, proposals=[CANARY])

    def busy(**kwargs):
        raise OperationalError(f"canceling statement: {CANARY}")

    with monkeypatch.context() as patch:
        patch.setattr(casting, "cast_ballot", busy)
        reply = client.post("/ballot/cast/", sent)

    assert reply.status_code == 503
    assert reply["Retry-After"] == "5"
    assert "系统繁忙" in reply.text
    assert "尚不能确认表决票是否已提交，请稍候再按一次“提交表决票”，不会重复计票。" in reply.text
    again = posted(read(reply).form("/ballot/cast/"))
    assert {**again, "csrfmiddlewaretoken": 0} == {**sent, "csrfmiddlewaretoken": 0}
    assert [record.getMessage() for record in caplog.records] == [
        "Service Unavailable: /ballot/cast/"
    ]
    assert CANARY not in caplog.text
    assert client.post("/ballot/cast/", again).status_code == 303


def test_x8_the_review_page_asks_a_database_in_trouble_nothing(
    client, poll, monkeypatch, django_assert_num_queries
):
    sent = ready_to_cast(client, poll, 2)

    def busy(**kwargs):
        raise OperationalError

    monkeypatch.setattr(casting, "cast_ballot", busy)

    with django_assert_num_queries(1):  # before the cast: who asks
        assert client.post("/ballot/cast/", sent).status_code == 503


def test_x9_a_poll_that_has_not_begun_takes_no_ballot(db):
    early = make_stage(delegates=1, open_it=False)
    client = signed_in(early)

    for reply in (
        client.get("/ballot/"),
        client.post("/ballot/review/", filled(early.poll, 2)),
        client.post("/ballot/cast/", filled(early.poll, 2, token=casting.new_token())),
    ):
        assert reply.status_code == 403
        assert "投票尚未开始。开始后可在首页进入。" in reply.text
        assert "表决票" not in read(reply).text.split("投票尚未开始", 1)[1].split("返回首页")[0]


def test_x10_a_pause_keeps_the_review_page_to_submit_again(stage, client, poll):
    sent = ready_to_cast(client, poll, 2, 5)
    lifecycle.pause_poll(poll, reason="停电", by=stage.office)

    reply = client.post("/ballot/cast/", sent)

    assert reply.status_code == 503
    assert "投票暂停" in reply.text
    assert "表决票尚未提交。恢复后请重新提交，您填写的没有丢失。" in reply.text
    lifecycle.resume_poll(poll, by=stage.office)
    again = client.post("/ballot/cast/", posted(read(reply).form("/ballot/cast/")))
    assert again.status_code == 303


def test_a_ballot_can_be_filled_in_during_a_pause(stage, client, poll):
    lifecycle.pause_poll(poll, reason="停电", by=stage.office)

    assert "投票暂停，可以继续填写，恢复后再提交。" in client.get("/ballot/").text
    assert client.post("/ballot/review/", filled(poll, 2)).status_code == 200


def test_x11_a_card_replaced_during_the_cast_leads_to_the_first_page(client, poll, monkeypatch):
    sent = ready_to_cast(client, poll, 2)

    def replaced(**kwargs):
        raise casting.refused("card-replaced")

    monkeypatch.setattr(casting, "cast_ballot", replaced)
    reply = client.post("/ballot/cast/", sent, follow=True)

    assert reply.redirect_chain == [("/", 303)]
    assert "投票卡已更换" in reply.text
    assert not Session.objects.exists()


def test_who_has_not_reported_keeps_the_review_page_until_he_has(db):
    stage = make_stage(open_it=False)
    absent = stage.delegates[0].number
    roll.mark_absent(stage.poll, numbers=[absent], by=stage.office)
    poll = lifecycle.open_poll(stage.poll, by=stage.office)
    client = signed_in(stage)
    assert "您尚未报到，请先到会务组报到" in client.get("/home/").text
    sent = ready_to_cast(client, poll, 2)

    reply = client.post("/ballot/cast/", sent)

    assert reply.status_code == 403
    assert "您尚未报到" in reply.text
    roll.mark_present(poll, numbers=[absent], by=stage.office)
    again = client.post("/ballot/cast/", posted(read(reply).form("/ballot/cast/")))
    assert again.status_code == 303


def test_who_was_taken_off_the_roll_during_the_cast_is_told(client, poll, monkeypatch):
    sent = ready_to_cast(client, poll, 2)

    def not_on_roll(**kwargs):
        raise casting.refused("not-on-roll")

    monkeypatch.setattr(casting, "cast_ballot", not_on_roll)
    reply = client.post("/ballot/cast/", sent)

    assert reply.status_code == 403
    assert "您不在本次票决的名册上" in reply.text


def test_a_void_poll_takes_no_ballot_and_promises_nothing(stage, client, poll):
    sent = ready_to_cast(client, poll, 2)
    client.post("/ballot/cast/", sent)
    neighbour = signed_in(stage, 1)
    theirs = ready_to_cast(neighbour, poll, 3)
    lifecycle.void_poll(poll, reason="故障", by=stage.office, second=stage.scrutineer)

    for reply in (
        client.post("/ballot/cast/", sent),
        neighbour.post("/ballot/cast/", theirs),
        neighbour.get("/ballot/"),
    ):
        assert reply.status_code == 403
        assert "本次票决作废" in reply.text
        assert "有效" not in reply.text
    assert "本次票决作废" in client.get("/receipt/").text


def test_a_fault_that_only_the_act_finds_comes_back_as_a_ballot_to_correct(
    client, poll, monkeypatch
):
    sent = ready_to_cast(client, poll, 2, 5)
    monkeypatch.setattr(casting, "cast_ballot", _refuse_two)

    reply = client.post("/ballot/cast/", sent)

    assert reply.status_code == 422
    assert ticked(read(reply)) == ["2", "5"]


def _refuse_two(*, poll, selection, **kwargs):
    found = faults(selection, rules_of(poll), {5: "候选项目5"})
    raise casting.refused("faults", faults=found)


# --- the receipt ----------------------------------------------------------------------------------


def test_the_receipt_is_shown_again_after_signing_in_again_until_the_close(stage, client, poll):
    client.post("/ballot/cast/", ready_to_cast(client, poll, 2))
    code = read(client.get("/receipt/")).ids["receipt-code"]

    again = signed_in(stage)
    assert read(again.get("/receipt/")).ids["receipt-code"] == code
    assert code.strip() in again.get("/home/").text


def test_who_casts_in_the_last_second_learns_his_receipt_after_the_close(stage, client, poll):
    reply = client.post("/ballot/cast/", ready_to_cast(client, poll, 2))
    assert reply.cookies["receipt"]["path"] == "/receipt/"
    assert reply.cookies["receipt"]["httponly"]

    stage.close()

    code = read(client.get(reply["Location"])).ids["receipt-code"].strip()
    (sealed,) = SealedBallot.objects.filter(poll=poll)
    assert code == sealing.grouped(sealed.code)


def test_the_receipt_that_a_browser_keeps_is_shown_to_its_delegate_alone(stage, client, poll):
    neighbour = signed_in(stage, 1)
    for voter in (client, neighbour):
        voter.post("/ballot/cast/", ready_to_cast(voter, poll, 2))
    stage.close()
    kept = client.cookies["receipt"].value

    for value in (kept, kept.replace("/", "0", 1), kept[:-1], "x"):
        neighbour.cookies["receipt"] = value
        assert "receipt-code" not in neighbour.get("/receipt/").text

    client.post("/sign-out/")
    assert not client.cookies["receipt"].value


def test_a_void_vote_shows_no_receipt(stage, client, poll):
    client.post("/ballot/cast/", ready_to_cast(client, poll, 2))
    lifecycle.void_poll(poll, reason="重来", by=stage.office, second=stage.scrutineer)

    assert "请记下" not in client.get("/receipt/").text


def test_after_the_close_the_receipt_page_leads_to_the_board(stage, client, poll):
    client.post("/ballot/cast/", ready_to_cast(client, poll, 2))
    code = read(client.get("/receipt/")).ids["receipt-code"].strip()
    # Another browser than the one that cast, or an hour later.
    del client.cookies["receipt"]
    stage.close()

    reply = client.get("/receipt/")

    assert reply.status_code == 200
    assert "receipt-code" not in reply.text
    assert "已收到的回执编号清单已经公布" in reply.text
    assert 'href="/board/"' in reply.text
    assert code in client.get("/board/").text


def test_who_has_not_voted_has_no_receipt(client):
    assert client.get("/receipt/")["Location"] == "/home/"


def test_a_delegate_sees_his_own_receipt_only(stage, client, poll):
    client.post("/ballot/cast/", ready_to_cast(client, poll, 2))
    code = read(client.get("/receipt/")).ids["receipt-code"].strip()

    neighbour = signed_in(stage, 1)

    for path in ("/home/", "/receipt/", "/progress/", "/board/", "/results/"):
        assert code not in neighbour.get(path, follow=True).text


# --- where choices may not be ---------------------------------------------------------------------


def walk(client, poll, **fields) -> None:
    """Fill in, review, change, go back, review again and submit with a canary on the ballot."""
    sent = filled(poll, 2, 5, proposals=[Proposal(CANARY, CANARY, CANARY)])
    client.post("/ballot/review/", sent | {"projects": [str(n) for n in range(1, 13)]})
    page = read(client.post("/ballot/review/", sent))
    form = posted(page.form("/ballot/cast/"))
    client.post("/ballot/review/", form | {"remove": "2"})
    client.post("/ballot/", form)
    client.post("/ballot/cast/", form | fields)


def test_choices_are_in_no_session_no_table_and_no_log(client, poll, caplog):
    caplog.set_level(logging.DEBUG)
    session_before = dict(client.session)

    walk(client, poll)

    assert Envelope.objects.count() == 1
    assert not where(CANARY)
    assert CANARY not in caplog.text
    assert dict(client.session) == session_before
    assert not any(CANARY in cookie.value for cookie in client.cookies.values())


@pytest.mark.parametrize(
    "step",
    [
        "acts.casting.cast_ballot",
        "acts.casting.candidates",
        "acts.casting.new_token",
        "pages.ballot.status_of",
        "pages.middleware.in_order",
    ],
)
def test_an_error_on_the_way_puts_no_choice_into_log_or_page(
    stage, poll, caplog, monkeypatch, step
):
    caplog.set_level(logging.DEBUG)
    client = signed_in(stage, raise_request_exception=False)
    sent = ready_to_cast(client, poll, 2, 5, proposals=[CANARY])

    def fails(*args, **kwargs):
        raise RuntimeError("made to fail")

    monkeypatch.setattr(f"ballots.{step}", fails)
    replies = [
        client.post("/ballot/review/", sent),
        client.post("/ballot/cast/", sent),
        client.get("/receipt/"),
    ]

    assert any(reply.status_code == 500 for reply in replies)
    assert CANARY not in caplog.text
    assert all(CANARY not in reply.text for reply in replies if reply.status_code == 500)
    assert not where(CANARY)


def test_no_address_holds_a_choice(client, poll):
    pages = [
        read(client.get("/ballot/")),
        read(client.post("/ballot/review/", filled(poll, 2, proposals=[CANARY]))),
    ]

    assert all(form.method == "post" for page in pages for form in page.forms)


def test_a_draft_is_marked_for_its_delegate_and_its_poll_alone(stage, poll):
    other = make_stage(delegates=1, delegates_total=9).poll

    def owner(place, asked):
        page = signed_in(stage, place).get(f"/ballot/?poll={asked.pk}").text
        return re.findall('data-owner="([0-9a-f]{16})"', page)[0]

    marks = [owner(place, asked) for place in (0, 1) for asked in (poll, other)]
    again = owner(0, poll)

    assert len(set(marks)) == 4
    assert again == marks[0]


# --- time -----------------------------------------------------------------------------------------


def test_the_last_five_minutes_are_said_on_the_ballot_and_at_home(db):
    closes_at = timezone.now() + timedelta(minutes=30)
    held = make_stage(delegates=1, closes_at=closes_at)
    client = signed_in(held)
    assert "距截止还有" not in client.get("/home/").text
    assert "截止时间" in client.get("/home/").text

    with time_machine.travel(closes_at - timedelta(minutes=3, seconds=30), tick=False):
        for path in ("/home/", "/ballot/"):
            assert "距截止还有4分钟，请尽快提交。" in client.get(path).text


HTMX = {"HX-Request": "true"}


def test_beside_a_ballot_the_deadline_is_asked_for_and_only_news_is_told(timed):
    """Case 31."""
    client = signed_in(timed)
    asked = {"poll": timed.poll.pk, "live": "live"}

    def told(said: str) -> tuple[int, str]:
        reply = client.get("/ballot/deadline/", asked | {"said": said}, headers=HTMX)
        return reply.status_code, reply.text

    assert told("") == (204, "")
    with after(timed, minutes=-2):
        near = told("")
        assert near[0] == 200
        # Where reading starts, in the foot, and to whoever listens.
        assert near[1].count("距截止还有2分钟，请尽快提交。") == 3
        assert 'hx-swap-oob="innerHTML:#soon">距截止' in near[1]
        assert 'hx-swap-oob="innerHTML:#live"' in near[1]
        assert told("2") == (204, "")
    with after(timed):
        assert TIME_IS_UP in told("2")[1]
        assert told("up") == (204, "")
        extend(timed, minutes=30)
        moved = told("up")
        assert moved[0] == 200
        assert TIME_IS_UP not in moved[1]


def test_a_ballot_without_a_deadline_asks_for_none(client):
    assert "/ballot/deadline/" not in client.get("/ballot/").text


def test_ballot_and_review_with_a_deadline_ask_for_it(timed):
    client = signed_in(timed)

    review = client.post("/ballot/review/", filled(timed.poll, 2))

    for page in (client.get("/ballot/"), review):
        assert f"/ballot/deadline/?poll={timed.poll.pk}" in page.text


def test_whoever_is_signed_out_over_his_ballot_is_not_led_away_by_the_deadline(timed):
    reply = Client().get("/ballot/deadline/", {"poll": timed.poll.pk}, headers=HTMX)

    assert (reply.status_code, reply.content) == (204, b"")
    assert "HX-Redirect" not in reply.headers


def test_no_other_part_of_a_page_is_put_in_its_place(timed):
    client = signed_in(timed)

    with after(timed):
        reply = client.get(
            "/ballot/deadline/", {"poll": timed.poll.pk, "live": "main"}, headers=HTMX
        )

    assert "hx-swap-oob" not in reply.text


def test_without_a_deadline_the_chair_announces_the_end(client):
    assert "由主持人宣布截止" in client.get("/home/").text


# --- 赞成, 反对, 弃权 on each project -----------------------------------------------------------------


@pytest.fixture
def each(db) -> Stage:
    """An open poll in which each of twelve projects takes 赞成, 反对 or 弃权."""
    return make_stage(form="each", show_votes=True, majority="valid", delegates_total=5)


def votes(page, action: str = "/ballot/review/") -> dict[str, str]:
    """The votes that a page would send untouched, without those that abstain."""
    fields = page.form(action).fields
    return {
        name: value for name, value in fields if name.startswith("vote-") and value != "abstain"
    }


def test_each_project_offers_three_votes_and_abstains_until_one_is_taken(each):
    page = read(signed_in(each).get("/ballot/"))

    form = page.form("/ballot/review/")
    assert [choice for choice in form.choices if choice[0] == "vote-7"] == [
        ("vote-7", "for"),
        ("vote-7", "against"),
        ("vote-7", "abstain"),
    ]
    assert [value for name, value in form.fields if name.startswith("vote-")] == ["abstain"] * 12
    assert not [choice for choice in form.choices if choice[0] == "projects"]
    assert "请对12个候选项目逐项表决，赞成最多10项；未作选择的按弃权计。" in page.text
    assert "每项计入赞成的10项之内" in page.text
    assert "我确认弃权，不赞成也不反对任何项目" in page.text
    assert "新建 7处" in page.text
    assert "建设内容7。" in page.text


def test_a_ballot_of_votes_goes_from_sign_in_to_the_files_and_the_verifier(each, tmp_path):
    client = signed_in(each)
    form = read(client.get("/ballot/")).form("/ballot/review/")
    filled_in = form.filled(
        *[("vote-3", "for"), ("vote-7", "for"), ("vote-5", "against")],
        **{"proposal-0-title": "老年食堂"},
    )
    sent: dict[str, list[str]] = {}
    for name, value in filled_in:
        sent.setdefault(name, []).append(value)

    review = read(client.post("/ballot/review/", sent))
    assert review.status == 200
    assert "您赞成3项（其中推荐1项），反对1项，弃权9项。" in review.text
    places = [review.text.index(words) for words in ("赞成3项 3.", "反对1项 5.", "弃权9项 1.")]
    assert places == sorted(places)
    assert "还可" not in review.text
    reply = client.post("/ballot/cast/", posted(review.form("/ballot/cast/")))
    assert (reply.status_code, reply["Location"]) == (303, "/receipt/")
    receipt = read(client.get("/receipt/")).ids["receipt-code"].strip()
    for place, other in enumerate([selection(3, against=[5]), selection(5), selection()], start=1):
        each.cast(place, other)

    poll = publish_count(each)

    assert receipt in client.get("/board/").text
    lines = tables.result_csv(poll).content.decode("utf-8-sig").splitlines()
    assert "得票数,反对票数,弃权票数,得票率(%)" in lines[0]
    rows = {row["项目编号"]: row for row in csv.DictReader(io.StringIO("\n".join(lines)))}
    figures = ("得票数", "反对票数", "弃权票数")
    assert [rows["3"][name] for name in figures] == ["2", "0", "2"]
    assert [rows["5"][name] for name in figures] == ["1", "2", "1"]
    assert [rows["推1"][name] for name in figures] == ["1", "0", "3"]
    proof = tmp_path / "full.zip"
    proof.write_bytes(package.full_package(poll).content)
    shares = tmp_path / "shares.txt"
    shares.write_text("\n".join(each.shares[:3]))
    assert verifier.main([str(proof), "--shares", str(shares)]) == 0


def test_the_result_of_votes_says_how_many_were_against_and_abstained(each):
    each.cast(0, selection(3, against=[5]))
    each.cast(1, selection(3))
    publish_count(each)

    page = read(Client().get("/results/"))

    assert "得票数 反对 弃权 得票率" in page.text
    assert "反对 1 票 弃权 1 票" in page.text


def test_a_result_of_ticks_has_no_column_of_votes_against(stage):
    stage.cast(0, selection(3))
    poll = publish_count(stage)

    assert "反对" not in Client().get("/results/").text
    assert "反对" not in tables.result_csv(poll).content.decode("utf-8-sig")


def test_too_many_in_favour_come_back_with_every_vote(each):
    client = signed_in(each)
    sent = marked(each.poll, *range(1, 12), against=[12], proposals=["公园"])

    reply = client.post("/ballot/review/", sent)

    page = read(reply)
    assert reply.status_code == 422
    assert "您赞成和推荐了12项，合计最多10项，请把2项改为反对或弃权，或删除推荐项目" in page.text
    assert votes(page) == {f"vote-{number}": "for" for number in range(1, 12)} | {
        "vote-12": "against"
    }
    assert typed(page) == ["公园"]


def test_no_vote_at_all_asks_for_the_tick_that_abstains(each):
    client = signed_in(each)

    reply = client.post("/ballot/review/", marked(each.poll))

    assert reply.status_code == 422
    assert '<a href="#candidates">您还没有赞成或反对任何项目，请逐项表决。</a>' in reply.text
    assert '<a href="#abstain">确需对全部项目弃权的，请在页末确认弃权。</a>' in reply.text
    review = read(client.post("/ballot/review/", marked(each.poll, abstain="on")))
    assert "您确认弃权，不赞成也不反对任何项目。" in review.text
    cast = client.post("/ballot/cast/", posted(review.form("/ballot/cast/")))
    assert cast.status_code == 303


def test_ticks_are_refused_where_each_project_takes_a_vote(each):
    client = signed_in(each)
    ticks = filled(each.poll, 2, 5, token=casting.new_token())

    for path in ("/ballot/review/", "/ballot/cast/"):
        assert client.post(path, ticks).status_code == 422
    assert not Envelope.objects.exists()


def test_votes_are_refused_where_projects_are_ticked(client, poll):
    given = marked(poll, 2, token=casting.new_token())

    for path in ("/ballot/review/", "/ballot/cast/"):
        assert client.post(path, given).status_code == 422
    assert not Envelope.objects.exists()


def test_going_back_from_the_review_of_votes_brings_every_one(each):
    client = signed_in(each)
    review = read(client.post("/ballot/review/", marked(each.poll, 2, 5, against=[1])))

    page = read(client.post("/ballot/", posted(review.form("/ballot/cast/"))))

    assert votes(page) == {"vote-1": "against", "vote-2": "for", "vote-5": "for"}


def test_a_vote_is_taken_back_on_the_review_page_and_brought_back_without_script(each):
    client = signed_in(each)
    sent = marked(each.poll, 2, 7, against=[4], proposals=["公园"])
    review = read(client.post("/ballot/review/", sent))
    form = review.form("/ballot/cast/")
    assert form.buttons == [("remove", "2"), ("remove", "7"), ("remove", "p0"), ("remove", "4")]

    for key, words, rest in [
        ("7", "已把第7项改为弃权。", {"vote-2": "for", "vote-4": "against"}),
        ("4", "已把第4项改为弃权。", {"vote-2": "for", "vote-7": "for"}),
        ("p0", "已取消推荐项目1。", {"vote-2": "for", "vote-7": "for", "vote-4": "against"}),
    ]:
        page = read(client.post("/ballot/review/", posted(form) | {"remove": key}))
        assert page.status == 200
        assert words in page.text
        assert votes(page, "/ballot/cast/") == rest
        undone = read(client.post("/ballot/review/", posted(page.form("/ballot/review/"))))
        assert posted(undone.form("/ballot/cast/")).keys() == posted(form).keys()
        assert votes(undone, "/ballot/cast/") == votes(review, "/ballot/cast/")


def test_a_vote_that_is_not_taken_cannot_be_taken_back(each):
    client = signed_in(each)
    review = read(client.post("/ballot/review/", marked(each.poll, 2)))

    page = read(
        client.post("/ballot/review/", posted(review.form("/ballot/cast/")) | {"remove": "9"})
    )

    assert "改为弃权。" not in page.text
    assert votes(page, "/ballot/cast/") == {"vote-2": "for"}


def test_the_office_sees_votes_against_beside_the_count(each):
    each.cast(0, selection(3, against=[5]))
    publish_count(each)
    client = Client()
    client.force_login(each.office)

    page = read(client.get(f"/admin/ballots/pollday/{each.poll.pk}/"))

    assert "赞成 反对 弃权 得票率" in page.text


# --- the rules, and what is not there


def test_the_ballot_holds_the_rules_of_the_poll(client, poll):
    page = client.get("/ballot/")

    assert '<details class="rules">' in page.text
    assert all(rule in page.text for rule in rules_in_words(poll))
    assert '<details class="rules">' in client.post("/ballot/review/", filled(poll)).text


@pytest.mark.parametrize("form", ["choose", "each"])
@pytest.mark.parametrize(
    ("candidates", "places", "proposals", "limit"),
    [
        (8, 10, "off", 3),
        (8, 10, "counted", 3),
        (8, 10, "counted", 1),
        (8, 10, "advisory", 3),
        (12, 10, "off", 3),
        (12, 10, "counted", 3),
        (12, 2, "counted", 3),
        (12, 10, "advisory", 3),
    ],
)
def test_no_page_sends_anybody_looking_for_what_is_not_there(
    form, candidates, places, proposals, limit
):
    held = make_stage(
        delegates=1,
        form=form,
        candidates=candidates,
        places=places,
        proposals=proposals,
        proposal_limit=limit,
    )
    client = signed_in(held)
    counted = limit if proposals == "counted" else 0
    reach = min(places, candidates + counted)
    all_chosen = range(1, min(candidates, places) + 1)
    few, full = [
        marked(held.poll, *numbers, candidates=candidates)
        if form == "each"
        else filled(held.poll, *numbers)
        for numbers in ([1], all_chosen)
    ]
    if proposals == "off":
        few, full = [
            {name: value for name, value in sent.items() if not name.startswith("proposal")}
            for sent in (few, full)
        ]
    pages = {
        "ballot": read(client.get("/ballot/")),
        "few": read(client.post("/ballot/review/", few)),
        "full": read(client.post("/ballot/review/", full)),
    }

    assert all(page.status == 200 for page in pages.values())
    words = "".join(page.text for page in pages.values())
    # The rules of the poll say what they are, also where the candidates are too few for them.
    for rule in rules_in_words(held.poll):
        words = words.replace(rule, "")
    for number in range(reach + 1, 21):
        assert f"最多{number}项" not in words
        assert f"最多选{number}项" not in words
    if proposals == "off":
        assert "推荐" not in words
    else:
        assert f"最多推荐{min(limit, places) if counted else limit}项" in pages["ballot"].text
    # A ballot that holds every candidate is asked for more only where a proposal may be added.
    may_add = proposals == "counted" and reach > candidates
    assert ("还可" in pages["full"].text) == (may_add and form == "choose")
    assert f"0/{reach}" in client.get("/ballot/").text
