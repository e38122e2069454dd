"""Giving papers out, as the office sees it and as everybody else does."""

import io
import re

import openpyxl
import pytest
from django.test import Client
from django.urls import reverse

from ballots.acts import hall, lifecycle
from ballots.acts.paper import issuing
from ballots.files import tables
from ballots.models import RollEntry
from tests.helpers import papers
from tests.helpers.browsing import filled, ready_to_cast, signed_in
from tests.helpers.desk import at, desk_of, faults_of, messages_of, signed_by
from tests.helpers.factories import Stage, make_stage, selection, stage_without
from tests.helpers.small_vote import table

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Stage:
    return make_stage(delegates=6, candidates=5, places=2, phone="85512345")


def people(stage: Stage, *places: int) -> list[str]:
    return [str(stage.entry(place)) for place in places]


def give(stage: Stage, *places: int, **sent: str):
    """Post the ticks of these delegates, signed by the scrutineer, and follow."""
    desk = desk_of(stage.office)
    ticked = {"people": people(stage, *places)} | sent | signed_by(stage.scrutineer)
    return desk.post(at(stage.poll, "issue-papers"), ticked, follow=True)


def on_paper(stage: Stage) -> list[str]:
    held = stage.poll.roll.filter(channel=RollEntry.Channel.PAPER)
    return list(held.order_by("number_order").values_list("number", flat=True))


def unmarked(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", "", text).split())


# --- the office -----------------------------------------------------------------------------------


def test_ticked_delegates_are_given_a_paper_and_their_sheet_to_sign(stage):
    sheet = give(stage, 1, 2, box_shown="on")

    assert on_paper(stage) == ["002", "003"]
    assert "纸质票签领表" in sheet.text
    assert "代表2" in sheet.text
    assert "代表4" not in sheet.text


def test_the_second_person_may_sign_on_a_screen_of_his_own(stage):
    desk, other = desk_of(stage.office), desk_of(stage.scrutineer)
    sent = {"people": people(stage, 1, 2), "box_shown": "on"}
    sent |= {"second_name": stage.scrutineer.username}
    waits = reverse("admin:ballots_journalentry_signatures")

    desk.post(at(stage.poll, "issue-papers"), sent)
    assert on_paper(stage) == []
    [step] = other.get(waits).context["waiting"]
    assert ["代表", "代表2（002）、代表3（003）"] in step.words
    other.post(waits, {"step": step.pk})
    desk.post(at(stage.poll, "issue-papers"), sent)

    assert on_paper(stage) == ["002", "003"]


def test_only_those_who_have_come_and_not_voted_are_offered():
    stage = stage_without("004", delegates=5, candidates=5, places=2)
    stage.cast(0, selection(1))
    papers.issue(stage, 1)

    page = desk_of(stage.office).get(at(stage.poll, "issue-papers"))

    offered = re.findall(r'name="people" value="([^"]+)"', page.text)
    assert offered == people(stage, 2, 4)


def test_all_who_have_not_voted_are_ticked_for_a_whole_round_on_paper(stage):
    stage.cast(0, selection(1))
    lifecycle.pause_poll(stage.poll, reason="网络中断", by=stage.office)

    page = desk_of(stage.office).get(at(stage.poll, "issue-papers"), {"all": "1"})

    assert page.text.count(" checked") == 5
    assert "投票已暂停" in page.text


def test_the_first_batch_asks_for_the_empty_box_and_later_ones_do_not(stage):
    assert "请先当众查验投票箱为空并封好" in give(stage, 0).text
    assert on_paper(stage) == []
    give(stage, 0, box_shown="on")
    give(stage, 1)
    assert on_paper(stage) == ["001", "002"]


def test_what_was_ticked_is_still_ticked_where_nobody_has_signed(stage):
    desk = desk_of(stage.office)
    sent = {"people": people(stage, 1, 2), "box_shown": "on"}

    page = desk.post(at(stage.poll, "issue-papers"), sent)

    assert on_paper(stage) == []
    assert page.text.count(" checked") == 3


def test_whoever_has_voted_meanwhile_is_named_and_nobody_is_given_one(stage):
    ticked = people(stage, 0, 1)
    stage.cast(0, selection(1))
    desk = desk_of(stage.office)
    sent = {"people": ticked, "box_shown": "on"} | signed_by(stage.scrutineer)

    page = desk.post(at(stage.poll, "issue-papers"), sent)

    assert "代表1（001）已在网上提交表决票" in unmarked(" ".join(faults_of(page)))
    assert on_paper(stage) == []


def test_fewer_than_five_papers_are_warned_of_and_the_tablet_offered(stage):
    desk = desk_of(stage.office)
    assert "/tablet/" in desk.get(at(stage.poll, "issue-papers")).text

    papers.issue(stage, 0, 1, 2, 3, 4)

    assert "/tablet/" not in desk.get(at(stage.poll, "issue-papers")).text


def test_each_batch_has_a_sheet_of_its_own(stage):
    papers.issue(stage, 0, 1)
    papers.issue(stage, 2)
    desk = desk_of(stage.office)
    last = desk.get(at(stage.poll, "papers-signed"))

    [first] = re.findall(r'href="([^"]+batch=\d+)"', last.text)
    names = [re.findall(r"<td>(代表\d)</td>", page.text) for page in (last, desk.get(first))]

    assert names == [["代表3"], ["代表1", "代表2"]]


def test_an_unused_paper_is_taken_back_with_a_reason(stage):
    papers.issue(stage, 0, 1)
    desk = desk_of(stage.office)
    sent = {"people": people(stage, 0), "reason": "误发"} | signed_by(stage.scrutineer)

    page = desk.post(at(stage.poll, "take-back-papers"), sent, follow=True)

    assert on_paper(stage) == ["002"]
    assert "还有1名代表持有纸质票" in messages_of(page)[0]


def test_spoilt_papers_are_exchanged_by_number_alone(stage):
    papers.issue(stage, 0, 1)
    desk = desk_of(stage.office)

    page = desk.post(
        at(stage.poll, "exchange-papers"), {"more": "1"} | signed_by(stage.scrutineer), follow=True
    )

    assert messages_of(page) == ["已记录，共更换1张。"]
    assert "更换污损的1张" in unmarked(page.text)


def test_the_record_says_in_sentences_what_was_done(stage):
    papers.issue(stage, 0, 1)
    given = {"by": stage.office, "second": stage.scrutineer}
    issuing.exchange_papers(stage.poll, more=1, **given)
    issuing.take_back_paper(stage.poll, numbers=["001"], reason="误发", **given)

    page = unmarked(desk_of(stage.office).get(at(stage.poll, "journal")).text)

    assert "代表1（001）、代表2（002）；共有2名代表领取纸质票；投票箱已当众查验为空并封好" in page
    assert "更换1张，共更换1张" in page
    assert "代表1（001）；还有1名代表持有纸质票；原因：误发" in page
    assert "发卡张数" not in page.rpartition("开始投票")[2]


# --- figures --------------------------------------------------------------------------------------


def test_the_day_and_the_screen_say_how_many_hold_a_paper(stage):
    stage.cast(0, selection(1))
    papers.issue(stage, 1, 2)
    key = hall.open_screen(stage.poll, by=stage.office).screen_key

    day = unmarked(desk_of(stage.office).get(at(stage.poll)).text)
    screen = unmarked(Client().get(f"/screen/{key}/").text)

    assert "未投票3人。领纸质票2人，不计入未投票。" in day
    assert "1 / 4人已投票" in day
    assert "1 / 4 人已投票" in screen
    assert "领纸质票2人" in screen
    assert "未投票3人" in screen


def test_the_close_page_says_it_too(stage):
    papers.issue(stage, 1, 2)

    page = unmarked(desk_of(stage.office).get(at(stage.poll, "close")).text)

    assert "已投票0人，未投票4人。领纸质票2人。" in page


def test_who_holds_a_paper_is_in_no_list_of_those_to_look_for(stage):
    papers.issue(stage, 1, 2)

    book = openpyxl.load_workbook(io.BytesIO(tables.waiting_xlsx(stage.poll).content))
    waiting = [row[2] for row in book.active.iter_rows(min_row=3, values_only=True)]
    total = table(tables.turnout_csv, stage)[-1]

    assert waiting == ["001", "004", "005", "006"]
    assert (total["领纸质票人数"], total["未投票人数"]) == ("2", "4")
    day = desk_of(stage.office).get(at(stage.poll)).text
    assert "voted__exact=0&amp;channel__exact=online" in day


# --- the delegate ---------------------------------------------------------------------------------


def test_whoever_holds_a_paper_is_told_so_at_home_and_can_fill_in_nothing(stage):
    papers.issue(stage, 0)
    client = signed_in(stage)

    home = client.get("/home/")
    ballot = client.get("/ballot/")

    assert "您已领取纸质表决票。" in home.text
    assert 'href="/ballot/"' not in home.text
    assert ballot.status_code == 403
    assert "不能再在网上提交，这里没有提交任何内容" in ballot.text


def test_a_ballot_that_was_filled_in_before_is_refused_and_nothing_is_cast(stage):
    client = signed_in(stage)
    review = ready_to_cast(client, stage.poll, 1)
    papers.issue(stage, 0)

    for path, sent in (
        ("/ballot/cast/", review),
        ("/ballot/review/", filled(stage.poll, 1)),
    ):
        reply = client.post(path, sent)
        assert reply.status_code == 403, path
        assert "您已领取纸质表决票" in reply.text
    assert not stage.entry(0).voted


def test_after_the_close_a_paper_is_not_called_a_vote_that_was_missed(stage):
    papers.issue(stage, 0)
    stage.close()

    home = signed_in(stage).get("/home/").text

    assert "截止前投入投票箱的，照常计票" in home
    assert "您未提交表决票" not in home


# --- receipts -------------------------------------------------------------------------------------


def test_nobody_sees_a_list_of_receipts_before_the_papers_are_in_the_box(stage):
    receipt = stage.cast(0, selection(1))
    papers.issue(stage, 1)
    stage.close()
    desk = desk_of(stage.office)
    download = at(stage.poll).replace("/change/", "/") + "download/receipts/"

    def seen() -> list[str]:
        asked = {"code": receipt.code}
        replies = [
            Client().get("/board/", {"poll": stage.poll.pk}),
            Client().post(f"/board/?poll={stage.poll.pk}", asked),
            desk.get(download, follow=True),
        ]
        return [reply.content.decode("utf-8") for reply in replies]

    kept = seen()
    assert all("还有纸质票在录入" in page for page in kept)
    assert not any(receipt.code[:4] in page.replace("-", "") for page in kept)

    papers.count(stage, 1)
    papers.key(stage, [selection(2)])
    assert all("还有纸质票在录入" in page for page in seen())
    papers.seal(stage)
    assert all(receipt.code[:4] in page for page in seen())


def test_ones_own_receipt_stays_to_be_seen_in_the_browser_that_cast_it(stage):
    client = signed_in(stage)
    client.post("/ballot/cast/", ready_to_cast(client, stage.poll, 1))
    papers.issue(stage, 1)
    stage.close()

    assert 'id="receipt-code"' in client.get("/receipt/").text
    client.cookies.pop("receipt")
    assert "还有纸质票在录入" in client.get("/receipt/").text
