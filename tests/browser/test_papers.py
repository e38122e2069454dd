"""The printed papers in a real Chromium: size, margins, page numbers, and what stays together."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect
from pypdf import PageObject, PdfReader

from ballots import journal
from ballots.files import papers
from ballots.models import Result
from projects.models import Poll
from tests.helpers.factories import make_office, make_poll, make_sub_item
from tests.helpers.figures import adopted, item, make_counted
from tests.helpers.judging import DESK, EVERYTHING, violations
from tests.helpers.reading import unspaced
from tests.helpers.steps import log_in

POINTS = 72 / 25.4  # in a millimetre
LONG = "城乡公共服务设施补短板和老旧小区适老化改造提升工程及配套道路管网建设示范项目"
PAPERS = ["report", "notice", "words"]


@dataclass
class Sheet:
    """One printed page: its text without spaces, and where each piece of it begins, in mm."""

    page: PageObject
    pieces: list[tuple[str, float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        def note(text: str, cm: Any, tm: Any, *_font: Any) -> None:
            if text.strip():
                left = (tm[4] * cm[0] + cm[4]) / POINTS
                up = (tm[5] * cm[3] + cm[5]) / POINTS
                self.pieces.append((unspaced(text), left, up))

        self.text = unspaced(self.page.extract_text(visitor_text=note))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in whole millimetres."""
        box = self.page.mediabox
        return round(float(box.width) / POINTS), round(float(box.height) / POINTS)


Print = Callable[[Poll, str], list[Sheet]]


@pytest.fixture
def desk(open_page, live_server) -> Page:
    """A computer at which the secretariat has logged in."""
    page = open_page(viewport=DESK)
    log_in(page, live_server.url, make_office())
    return page


@pytest.fixture
def show(desk, live_server) -> Callable[[Poll, str], Page]:
    def show(poll: Poll, name: str) -> Page:
        desk.goto(f"{live_server.url}/admin/ballots/pollday/{poll.pk}/{name}/")
        return desk

    return show


@pytest.fixture
def printed(show) -> Print:
    """Print a paper of a poll and return its sheets."""

    def printed(poll: Poll, name: str) -> list[Sheet]:
        pdf = show(poll, name).pdf(prefer_css_page_size=True)
        return [Sheet(page) for page in PdfReader(BytesIO(pdf)).pages]

    return printed


# --- the sheet ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAPERS)
def test_a_paper_is_printed_on_a4_with_its_number_on_every_page(printed, name):
    sheets = printed(make_counted(*adopted(20, LONG)), name)

    assert len(sheets) > 1
    assert {sheet.size for sheet in sheets} == {(210, 297)}
    assert all(f"—{number}—" in sheet.text for number, sheet in enumerate(sheets, start=1))


def test_the_notice_keeps_the_margins_and_lines_of_official_papers(printed):
    for sheet in printed(make_counted(*adopted(20, LONG)), "notice"):
        body = [piece for piece in sheet.pieces if piece[2] > 30]
        numbers = [left for text, left, up in sheet.pieces if up < 30 and text.isdecimal()]
        lines = sorted({round(up) for text, _left, up in body if text.isalpha()}, reverse=True)

        assert min(left for _text, left, _up in body) >= 27.9
        # A piece begins here, and a character of 16 pt is 5.6 mm wide.
        assert max(left for _text, left, _up in body) <= 210 - 26 - 5
        assert 297 - 37 - 15 <= max(lines) <= 297 - 37
        assert min(lines) >= 35
        assert len(lines) <= 22
        assert len(numbers) == 1


def test_the_number_of_a_notice_stands_outside(printed):
    first, second, *_rest = printed(make_counted(*adopted(20, LONG)), "notice")

    def place(sheet: Sheet) -> float:
        return next(left for text, left, up in sheet.pieces if up < 30 and text.isdecimal())

    assert place(first) > 160
    assert place(second) < 45


def test_the_notice_is_set_in_the_sizes_of_official_papers(show):
    page = show(make_counted(*adopted(3)), "notice")

    sizes = page.evaluate(
        """() => ["h1", ".text"].map(name => {
            const style = getComputedStyle(document.querySelector("main " + name));
            return [style.fontSize, style.lineHeight, style.textIndent].map(parseFloat);
        })"""
    )

    px = 96 / 72
    assert sizes[0][0] == pytest.approx(22 * px, abs=0.1)
    assert sizes[1] == pytest.approx([16 * px, 29 * px, 32 * px], abs=0.1)


@pytest.mark.parametrize("name", PAPERS)
def test_a_rehearsal_is_marked_on_every_page(printed, name):
    poll = make_counted(*adopted(20, LONG), kind=Poll.Kind.REHEARSAL)

    assert all("演练,不计票" in sheet.text for sheet in printed(poll, name))


def test_an_unconfirmed_report_is_marked_on_every_page(printed):
    sheets = printed(make_counted(*adopted(20, LONG), phase=Poll.Phase.COUNTED), "report")

    assert len(sheets) > 1
    assert all("未复核" in sheet.text for sheet in sheets)


def test_what_is_for_the_screen_is_not_printed_and_its_button_prints_the_rest(show):
    page = show(make_counted(*adopted(3)), "notice")
    expect(page.get_by_role("button", name="保存公告")).to_be_visible()
    page.evaluate("window.print = () => document.body.dataset.printed = 'yes'")
    page.get_by_role("button", name="打印本页").click()
    assert page.evaluate("document.body.dataset.printed") == "yes"

    page.emulate_media(media="print")

    expect(page.locator(".bar")).to_be_hidden()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


# --- what stays together --------------------------------------------------------------------------


def demand_company(sheets: list[Sheet], last: str) -> None:
    """Fail unless the signature of a notice has the closing words and the last item by it."""
    signed = [sheet.text for sheet in sheets if "主席团" in sheet.text]
    assert len(signed) == 1
    assert "现予公告。" in signed[0]
    assert unspaced(last) in signed[0]


@pytest.mark.parametrize("title", ["候选项目", LONG])
def test_the_signature_of_a_notice_never_stands_alone(printed, title):
    for count in (1, 8, 10, 12, 20):
        sheets = printed(make_counted(*adopted(count, title)), "notice")

        demand_company(sheets, f"{count}. {title}{count}（第{count}项）")


def test_wherever_the_page_of_a_notice_ends_its_signature_has_company(printed):
    poll = make_counted(*adopted(10))
    words = papers.announcement_of(poll)
    line = "民生实事项目须经全体代表认真审议后以无记名投票的方式表决。"
    ends = set()
    for lines in range(12):
        words.opening = line * (lines + 1)
        words.save()

        sheets = printed(poll, "notice")

        demand_company(sheets, "10. 候选项目10（第10项）")
        ends.add(min(up for text, _left, up in sheets[0].pieces if up > 30) // 10)
    assert len(ends) > 1, "the page ended in one place only"


def test_the_block_to_sign_on_the_report_never_stands_alone(printed):
    pages = set()
    for count in (6, 10, 14, 20, 24):
        sheets = printed(make_counted(*adopted(count)), "report")

        [end] = [sheet.text for sheet in sheets if "总监票人" in sheet.text]
        assert re.search(r"收回表决票\d+张,已投票\d+人", end)
        pages.add(len(sheets))
    assert len(pages) > 1, "the page ended in one place only"


def test_the_heads_of_a_table_stand_on_each_of_its_pages(printed):
    sheets = printed(make_counted(*adopted(40)), "report")

    pages = [sheet.text for sheet in sheets if "候选项目" in sheet.text]
    assert len(pages) > 1
    assert all("编号项目来源得票得票率" in text for text in pages)


def test_a_row_is_never_torn(printed):
    sheets = printed(make_counted(*adopted(20, LONG)), "report")

    # The lines of a cell follow each other in the text, and its last one is followed by 候选.
    rows = [f"{LONG}{number}候选" for number in range(1, 21)]
    assert [sum(row in sheet.text for sheet in sheets) for row in rows] == [1] * 20


# What is wider than its cell or stands over the edge of the paper, whose width is that of the window.
WIDE = """() => [...document.querySelectorAll('article *, section *, td, th, p, li')].filter(part =>
    part.getClientRects().length && (part.scrollWidth > part.clientWidth + 1 && part.clientWidth
    || part.getBoundingClientRect().right > innerWidth + 1)
).map(part => part.tagName + ': ' + part.textContent.trim().slice(0, 40))"""
# In px at 96 dpi: the width of A4 without the margins of each paper.
INNER = {"report": 650, "notice": 589, "words": 612}


@pytest.mark.parametrize("name", PAPERS)
def test_the_longest_texts_stay_in_their_cells_and_on_the_paper(show, desk, name):
    # Case 49: names without a place to break them, of items, units, staff and the meeting.
    rows = [
        *adopted(3, "W" * 58),
        item("推1", "重" * 30, lead_unit="W" * 30),
        item("推2", "重" * 30, lead_unit="单" * 30),
    ]
    poll = with_votes(make_counted(*rows, show_votes=True, meeting="W" * 80))
    User.objects.update(last_name="W" * 60, first_name="M" * 60)
    page = show(poll, name)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": INNER[name], "height": 900})

    assert page.evaluate(WIDE) == []


def with_votes(poll: Poll) -> Poll:
    """Return `poll` with the votes of its projects annexed to its notice."""
    words = papers.announcement_of(poll)
    words.with_votes = True
    words.save()
    return poll


def test_the_annex_begins_on_a_page_of_its_own(printed):
    sheets = printed(with_votes(make_counted(*adopted(3), show_votes=True)), "notice")

    assert len(sheets) == 2
    assert sheets[1].text.startswith(("附件民生实事项目得票情况", "—2—附件"))
    assert "附件:民生实事项目得票情况" in sheets[0].text


def test_the_end_of_the_annex_is_never_a_row_or_two(printed):
    torn = 0
    for year, count in enumerate(range(18, 28), start=2010):
        poll = make_counted(*adopted(count), show_votes=True, year=year)

        sheets = printed(with_votes(poll), "notice")

        rows = [sheet.text.count("%通过") for sheet in sheets if "占全体代表结果" in sheet.text]
        assert sum(rows) == count
        assert min(rows) >= 3
        torn += len(rows) > 1
    assert torn, "no annex went on on a second page"


def test_what_was_ruled_anew_never_stands_apart_from_its_heading(printed):
    ends = set()
    for year, count in enumerate(range(12, 24), start=2010):
        poll = make_counted(*adopted(count), year=year)
        send_back(poll)

        sheets = printed(poll, "report")

        [place] = [n for n, sheet in enumerate(sheets) if "退回后改动的处理方式:" in sheet.text]
        assert "甲:由“待处理”改为“单列一项”" in sheets[place].text
        ends.add(place)
    assert len(ends) > 1, "the page ended in one place only"


def send_back(poll: Poll) -> None:
    """Give `poll` an earlier count that was sent back and a proposal that was ruled anew after it."""
    Result.objects.create(
        poll=poll,
        stored=poll.results.get().stored,
        digest="0" * 64,
        counted_at=timezone.now(),
        counted_by=make_office(),
        sent_back="重核",
    )
    journal.append(poll, journal.Kind.SENT_BACK, by=make_office(), data={"reason": "重核"})
    ruled = {"write_in": "推1", "title": "甲", "ruling": "alone", "into": "", "reason": ""}
    data = ruled | {"before": ["", "", ""]}
    journal.append(poll, journal.Kind.WRITE_IN_RULED, by=make_office(), data=data)


def test_the_title_of_a_notice_never_tears_apart_what_it_is_about(printed):
    whole = "示例市第一届人民代表大会第二次会议"
    for length in range(3, len(whole) + 1):
        poll = make_counted(*adopted(2), meeting=whole[:length], year=2010 + length)

        [sheet] = printed(poll, "notice")

        lines: dict[int, str] = {}
        for text, _left, up in sheet.pieces:
            lines[round(up)] = lines.get(round(up), "") + text.replace("\u2060", "")
        title = [line for up, line in sorted(lines.items(), reverse=True) if up > 220]
        assert title[-2:] == [f"关于{2010 + length}年度民生实事项目", "票决结果的公告"], title


# --- on the screen --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAPERS)
def test_a_paper_is_accessible_on_the_screen(show, name):
    tied = [item(str(number), f"并列{number}", outcome="tied") for number in (4, 5)]
    page = show(make_counted(*adopted(3), *tied, places=4), name)

    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert violations(page, EVERYTHING) == []


def test_a_booklet_of_candidates_tears_no_project_and_numbers_its_pages(printed):
    poll = make_poll(candidates=9)
    for project in poll.projects.all():
        project.text, project.lead_unit = "新建停车楼。\n" * 5, f"第{project.number}责任单位"
        project.save()
        make_sub_item(project)

    sheets = printed(poll, "booklet")

    assert len(sheets) > 1
    assert {sheet.size for sheet in sheets} == {(210, 297)}
    assert all(f"—{number}—" in sheet.text for number, sheet in enumerate(sheets, start=1))
    for number in range(1, 10):
        [whole] = [sheet.text for sheet in sheets if f"{number}.候选项目{number}" in sheet.text]
        assert f"责任单位第{number}责任单位" in whole.partition(f"{number}.候选项目{number}")[2]
