"""Paper ballots in a real Chromium: printed on a sheet each, and keyed by the keyboard alone."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from ballots.acts.paper import keying
from ballots.facts.paper.keyed import bundles_of
from ballots.pure.keying import Read
from projects.models import Poll
from tests.helpers import papers
from tests.helpers.desk import at
from tests.helpers.factories import Stage, make_office, make_poll, make_stage, selection
from tests.helpers.judging import COLOURS, DESK, EVERYTHING, SMALL, violations
from tests.helpers.reading import unspaced
from tests.helpers.steps import let_in, log_in

LONG = "城乡公共服务设施补短板和老旧小区适老化改造提升工程"


# --- printed --------------------------------------------------------------------------------------


@pytest.fixture
def desk(open_page, live_server) -> Page:
    page = open_page(viewport=DESK)
    log_in(page, live_server.url, make_office())
    return page


@pytest.fixture
def printed(desk, live_server) -> Callable[..., list[str]]:
    """Print three copies of a ballot from number 8 on, and return the text of each sheet."""

    def printed(candidates: int, **columns: Any) -> list[str]:
        poll = make_poll(candidates=candidates, **columns)
        for project in poll.projects.all():
            project.title = f"{LONG}（第{project.number}批）"
            project.investment = 18_000
            project.save()
        desk.goto(f"{live_server.url}{at(poll, 'paper-ballots')}?copies=3&first=8")
        pdf = desk.pdf(prefer_css_page_size=True)
        return [unspaced(page.extract_text()) for page in PdfReader(BytesIO(pdf)).pages]

    return printed


# A ballot of twenty on each of which one votes for, against or neither has two sides.
@pytest.mark.parametrize(
    ("candidates", "form", "sides"),
    [(10, "choose", 1), (10, "each", 1), (20, "choose", 1), (20, "each", 2)],
)
def test_a_ballot_with_places_for_proposals_is_on_one_sheet(printed, desk, candidates, form, sides):
    pages = printed(candidates, form=form)

    sheets = ["".join(pages[at : at + sides]) for at in range(0, len(pages), sides)]
    assert len(sheets) == 3
    for number, sheet in zip(("0008", "0009", "0010"), sheets, strict=True):
        assert sheet.count("No.") == sheet.count(f"No.{number}") == 1
        assert f"第{candidates}批" in sheet
        assert "推荐新项目" in sheet
    assert violations(desk, EVERYTHING) == []


def test_a_ballot_with_grades_has_a_column_of_each_and_says_how_it_is_marked(printed):
    sheets = printed(20, form="grades")

    assert len(sheets) == 3
    for sheet in sheets:
        assert "满意度测评票" in sheet
        assert "满意基本满意不满意" in sheet
        assert "请在相应栏内画“○”,每项限评一个等次;没有画的按弃权计。" in sheet
        assert "最多" not in sheet
        assert "推荐" not in sheet


def test_a_rehearsal_says_so_on_the_ballot_itself_and_no_name_stands_on_it(printed):
    [sheet, *_others] = printed(4, kind=Poll.Kind.REHEARSAL, proposals="off")

    assert "演练" in sheet.partition("表决票")[2]
    assert "姓名" not in sheet
    assert "推荐新项目" not in sheet


# --- keyed ----------------------------------------------------------------------------------------


@pytest.fixture
def out(live_server) -> Stage:
    """A closed poll with papers: of three that came back the first two have been read by somebody."""
    stage = make_stage(delegates=6, candidates=5, places=2)
    papers.issue(stage, 0, 1, 2)
    stage.close()
    papers.count(stage, 3)
    other = make_office()
    keying.take_bundle(stage.poll, by=other)
    for place, read in ((1, Read(selection(1, 4))), (2, Read(selection(), "涂改"))):
        keying.record_reading(stage.poll, bundle=1, place=place, read=read, by=other)
    return stage


def typed(page: Page, text: str, place: int) -> None:
    """Type the numbers of one paper and go on, without a hand at the mouse."""
    expect(page.get_by_text(f"第1扎 第{place}张")).to_be_visible()
    expect(page.locator("[data-numbers]")).to_be_focused()
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def test_papers_are_keyed_by_the_keyboard_alone_and_each_page_is_accessible(
    open_page, live_server, out
):
    page, base = open_page(viewport=DESK), live_server.url
    log_in(page, base, out.chief)
    seen: dict[str, list[str]] = {}

    def look(name: str, query: str = "") -> None:
        page.goto(f"{base}{at(out.poll, name)}{query}")
        page.set_viewport_size(DESK)
        seen[name] = violations(page, EVERYTHING)
        page.set_viewport_size(SMALL)
        wide = page.evaluate("document.documentElement.scrollWidth")
        seen[f"{name}, narrow"] = [] if wide <= SMALL["width"] else [f"{wide} wide"]
        page.emulate_media(color_scheme="dark")
        page.reload()
        seen[f"{name}, dark"] = violations(page, COLOURS)
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(DESK)

    look("key-papers")
    page.get_by_role("button", name="领一扎").click()
    typed(page, "1 3", 1)
    typed(page, "2", 2)
    expect(page.get_by_text("第1扎 第3张")).to_be_visible()
    page.get_by_label("候选项目5").check()
    expect(page.locator("[data-numbers]")).to_have_value("5")
    expect(page.locator("#ticked")).to_have_text("已勾选1项")
    look("key-paper", "?bundle=1&place=3")
    look("compare-papers", "?bundle=1")
    expect(page.locator(".differs")).to_have_count(2)
    look("rule-papers")

    read = bundles_of(out.poll)[0].reads
    assert [reads[2].selection.chosen for _place, reads in sorted(read.items())] == [(1, 3), (2,)]
    assert {where: found for where, found in seen.items() if found} == {}


def test_the_pages_of_giving_out_and_of_whoever_holds_a_paper_are_accessible(
    open_page, live_server
):
    page, base = open_page(viewport=DESK), live_server.url
    stage = make_stage(delegates=6, candidates=5, places=2)
    log_in(page, base, stage.office)
    page.goto(f"{base}{at(stage.poll, 'issue-papers')}")
    page.get_by_label("查找代表").fill("006")
    page.keyboard.press("Enter")
    expect(page.locator("#chosen")).to_have_text("已勾选1人")
    found = violations(page, EVERYTHING)
    papers.issue(stage, 0, 1)
    phone = open_page()
    let_in(phone, base, stage)
    phone.goto(f"{base}/home/")
    expect(phone.get_by_text("您已领取纸质表决票。")).to_be_visible()
    found += violations(phone, EVERYTHING)
    stage.close()
    phone.goto(f"{base}/board/")
    expect(phone.get_by_text("还有纸质票在录入")).to_be_visible()
    found += violations(phone, EVERYTHING)
    papers.count(stage, 2)
    page.goto(f"{base}{at(stage.poll, 'count-papers')}")

    assert found + violations(page, EVERYTHING) == []
