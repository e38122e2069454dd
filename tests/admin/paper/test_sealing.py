"""After the close: what came back is counted and announced, and what was read is sealed into the box."""

import re

import pytest
from django.test import Client

from ballots import journal
from ballots.acts import hall
from ballots.acts.paper import issuing
from ballots.files import papers as sheets
from ballots.files import tables
from ballots.models import PaperReading
from projects.models import Poll
from tests.helpers import papers
from tests.helpers.desk import at, desk_of, faults_of, messages_of, signed_by
from tests.helpers.factories import Stage, confirm_count, make_stage, selection
from tests.helpers.small_vote import table

pytestmark = pytest.mark.django_db


@pytest.fixture
def closed() -> Stage:
    """Two have voted here, three hold papers, one of which was exchanged, and the poll is closed."""
    stage = make_stage(delegates=6, candidates=5, places=2)
    stage.cast(0, selection(1, 2))
    stage.cast(1, selection(1))
    papers.issue(stage, 2, 3, 4)
    issuing.exchange_papers(stage.poll, more=1, by=stage.office, second=stage.scrutineer)
    stage.close()
    return stage


def rewritten(stage: Stage) -> None:
    """Note that the traces are gone, which in the transaction of a test nobody can do."""
    journal.append(stage.poll, journal.Kind.STORAGE_REWRITTEN, by=stage.office)


def count(stage: Stage, returned: int, unused: int = 0):
    sent = {"returned": returned, "unused": unused} | signed_by(stage.scrutineer)
    return desk_of(stage.office).post(at(stage.poll, "count-papers"), sent, follow=True)


def next_step(stage: Stage) -> str:
    coming = desk_of(stage.office).get(at(stage.poll)).context["next"]
    return coming.name


# --- counting -------------------------------------------------------------------------------------


def test_the_day_leads_from_the_papers_to_the_box(closed):
    rewritten(closed)
    met = [next_step(closed)]
    count(closed, 3)
    met.append(next_step(closed))
    assert desk_of(closed.office).get(at(closed.poll, "box")).status_code == 302
    papers.key(closed, [selection(1)] * 3)
    met.append(next_step(closed))
    papers.seal(closed)
    met.append(next_step(closed))
    rewritten(closed)
    met.append(next_step(closed))

    assert met == ["count-papers", "key-papers", "seal-papers", "rewrite", "box"]


def test_the_page_says_what_was_given_out_and_what_the_chair_announces(closed):
    before = desk_of(closed.office).get(at(closed.poll, "count-papers")).text
    after = count(closed, 2).text

    assert "待清点" in before
    assert "其中污损更换1张" in before
    assert "共发出表决票6张，收回4张（其中纸质票发出3张、收回2张）" in after
    assert "收回的表决票数少于发出的表决票数，本次表决有效" in after


def test_more_back_than_given_out_is_void_and_leads_there_with_its_reason(closed):
    rewritten(closed)
    page = count(closed, 4)

    assert "多于发出的3张" in page.text
    said = page.context["announced"]
    assert said.endswith("收回的纸质票多于发出的纸质票，本次表决无效。")
    assert next_step(closed) == "void"
    void = desk_of(closed.office).get(at(closed.poll, "void"))
    reason = void.context["forms"][0]["reason"].value()
    assert reason == "收回纸质票4张，多于发出的3张，本次表决无效。"
    sent = {"reason": reason} | signed_by(closed.scrutineer)
    desk_of(closed.office).post(at(closed.poll, "void"), sent)
    closed.poll.refresh_from_db()
    assert closed.poll.phase == Poll.Phase.VOID


def test_papers_are_counted_again_until_somebody_keys(closed):
    count(closed, 4)
    assert next_step(closed) != "box"
    count(closed, 3)
    papers.key(closed, [selection(1)] * 3)

    page = count(closed, 2)

    assert page.redirect_chain
    assert "当前阶段不能办理" in messages_of(page)[0]


def test_nothing_is_announced_before_the_papers_are_counted(closed):
    desk = desk_of(closed.office)
    assert desk.get(at(closed.poll, "returned")).status_code == 302
    assert "打印清点报告" not in desk.get(at(closed.poll)).text

    count(closed, 3)

    report = desk.get(at(closed.poll, "returned")).text
    assert "纸质票发出3张、收回3张" in report
    assert re.findall(r"<td>(电子票|纸质票|\d+)</td>", report)[-6:] == [
        *["电子票", "3", "2"],
        *["纸质票", "3", "3"],
    ]


def test_the_screen_says_that_papers_are_being_keyed(closed):
    key = hall.open_screen(closed.poll, by=closed.office).screen_key

    def screen() -> str:
        return Client().get(f"/screen/{key}/").text

    assert "已投票2人，领纸质票3人" in screen()
    papers.count(closed, 3)
    papers.key(closed, [selection(1)] * 3)
    papers.seal(closed)
    assert "收回表决票5张" in screen()


# --- sealing --------------------------------------------------------------------------------------


def test_sealing_lays_all_into_one_box_and_wipes_what_was_read(closed):
    papers.count(closed, 3)
    papers.key(closed, [selection(1)] * 3)
    desk = desk_of(closed.office)

    page = desk.post(at(closed.poll, "seal-papers"), signed_by(closed.scrutineer), follow=True)

    assert "票箱共5张表决票。" in messages_of(page)[0]
    assert "痕迹" in messages_of(page)[0]
    assert not PaperReading.objects.exists()


def test_nobody_seals_before_all_is_read_nor_alone(closed):
    papers.count(closed, 3)
    desk = desk_of(closed.office)
    assert desk.get(at(closed.poll, "seal-papers")).status_code == 302
    papers.key(closed, [selection(1)] * 3)

    page = desk.post(at(closed.poll, "seal-papers"))

    assert faults_of(page)
    assert closed.poll.sealed_ballots.count() == 2


# --- afterwards -----------------------------------------------------------------------------------


@pytest.fixture
def confirmed(closed) -> Stage:
    papers.count(closed, 3)
    papers.key(closed, [selection(1), selection(1, 3), selection()])
    papers.seal(closed)
    confirm_count(closed)
    return closed


def test_every_paper_of_the_count_says_how_many_were_papers(confirmed):
    clause = "（其中纸质票发出3张、收回3张）"

    assert clause in str(sheets.notice(confirmed.poll)["figures_words"])
    assert clause in str(sheets.chair_words(confirmed.poll)["turnout_words"])
    report = desk_of(confirmed.office).get(at(confirmed.poll, "report")).text
    assert "其中纸质票发出3张，收回3张。" in report
    pairs = {row["项目"]: row["数值"] for row in table(tables.summary_csv, confirmed)}
    assert (pairs["其中发出纸质票"], pairs["其中收回纸质票"]) == ("3", "3")


def test_a_count_without_papers_says_nothing_of_them():
    stage = make_stage(delegates=2, candidates=3, places=1)
    stage.cast(0, selection(1))
    confirm_count(stage)

    assert "纸质" not in str(sheets.notice(stage.poll)["figures_words"])
    assert "纸质" not in str(sheets.chair_words(stage.poll)["turnout_words"])
    assert "纸质" not in desk_of(stage.office).get(at(stage.poll, "report")).text
    assert "纸质" not in str(table(tables.summary_csv, stage))


def test_the_record_says_how_they_came_in_and_not_how_many_were_invalid_before_the_count(closed):
    papers.count(closed, 3, unused=7)
    papers.key(closed, [selection(1)] * 3)
    papers.seal(closed)
    closed.open_box()
    desk = desk_of(closed.office)

    blind = desk.get(at(closed.poll, "journal")).text
    closed.count()
    told = desk.get(at(closed.poll, "journal")).text

    assert "发出纸质票3张；另更换污损的1张；收回3张，作废未用的7张；收回电子票2张" in blind
    assert "纸质票3张入箱，票箱原有2张，现有5张" in blind
    assert "其中认定无效" not in blind
    assert "其中认定无效0张" in told
