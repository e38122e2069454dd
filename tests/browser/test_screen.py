"""The big screen in a real browser: it fits, it survives a lost network, it can be turned over."""

import re
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from ballots.acts import hall, lifecycle
from tests.helpers.desk import at
from tests.helpers.factories import Stage, make_office, make_stage, selection
from tests.helpers.figures import adopted, item, make_counted, make_judged
from tests.helpers.judging import EVERYTHING, violations

HALL = {"width": 1920, "height": 1080}
LAPTOP = {"width": 1366, "height": 768}
LONG = (
    "城乡接合部老旧片区综合改造提升工程（含雨污分流、道路白改黑、弱电入地、停车位及充电桩建设）" * 2
)

# In px: what does not fit its box, and what lies outside the screen.
OUTSIDE = """() => [...document.querySelectorAll('#stage *')].filter(part => {
    const {bottom, right, left, top} = part.getBoundingClientRect();
    return bottom > innerHeight + 1 || right > innerWidth + 1 || left < -1 || top < -1;
}).map(part => part.tagName + part.className)"""
# The sizes of the names on the sheet that is shown, but for the newest, which stands out.
SIZES = """() => [...document.querySelectorAll('.sheet:not([hidden]) li:not(.newest) .title')]
    .map(part => getComputedStyle(part).fontSize)"""
SMALLEST = """() => Math.min(...[...document.querySelectorAll('#stage p, #stage li, #stage h1')]
    .filter(part => part.getClientRects().length)
    .map(part => parseFloat(getComputedStyle(part).fontSize)))"""


# What of a row stands over the edge of its row, and the texts that are shown in full or in part.
OVER = """() => [...document.querySelectorAll('.sheet:not([hidden]) li')].filter(row => {
    const outer = row.getBoundingClientRect();
    return [...row.querySelectorAll('.title, .votes')].some(part => {
        const inner = part.getBoundingClientRect();
        return inner.top < outer.top - 1 || inner.bottom > outer.bottom + 1;
    });
}).map(row => row.textContent)"""


def screen_of(stage: Stage, base: str) -> str:
    return f"{base}/screen/{hall.open_screen(stage.poll, by=stage.office).screen_key}/"


def tenfold(**columns: Any) -> Stage:
    """A poll of twelve candidates with long names, ten of which everybody is for."""
    stage = make_stage(delegates=4, places=10, show_votes=True, open_it=False, **columns)
    for project in stage.poll.projects.all():
        project.title = f"{project.number}号片区老旧小区综合改造提升与配套停车设施建设工程"
        project.save()
    lifecycle.open_poll(stage.poll, by=stage.office)
    return stage


def vote_and_publish(stage: Stage) -> None:
    for place in range(4):
        stage.cast(place, selection(*range(1, 11)))
    stage.close()
    stage.open_box()
    stage.count()
    lifecycle.confirm_result(stage.poll, by=stage.chief)
    lifecycle.publish_result(stage.poll, by=stage.office)


@pytest.mark.parametrize("size", [HALL, LAPTOP], ids=["1920", "1366"])
def test_every_state_fits_the_screen_without_scrolling(open_page, live_server, size):
    stage = tenfold()
    address = screen_of(stage, live_server.url)
    page: Page = open_page(viewport=size)
    least = min(0.028 * size["height"], 0.017 * size["width"])

    def look() -> None:
        page.goto(address)
        assert page.evaluate(OUTSIDE) == []
        assert page.evaluate(SMALLEST) >= least

    look()
    vote_and_publish(stage)
    look()
    for _ in range(9):
        hall.reveal_next(stage.poll, by=stage.office)
    look()
    hall.reveal_all(stage.poll, by=stage.office)
    look()
    expect(page.locator(".sheet:visible li")).to_have_count(10)
    page.keyboard.press("ArrowRight")
    expect(page.locator(".sheet:visible h1")).to_have_text("全部项目")
    expect(page.locator(".sheet:visible li")).to_have_count(12)
    assert page.evaluate(OUTSIDE) == []
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".sheet:visible h1")).to_contain_text("票决结果")


def test_the_screen_breaks_no_rule_of_accessibility(open_page, live_server):
    stage = tenfold()
    address = screen_of(stage, live_server.url)
    page: Page = open_page(viewport=HALL)
    page.goto(address)
    voting = violations(page, EVERYTHING)
    vote_and_publish(stage)
    hall.reveal_all(stage.poll, by=stage.office)
    page.goto(address)

    assert voting == []
    assert violations(page, EVERYTHING) == []


def test_a_lost_network_leaves_the_last_figures_and_says_of_when_they_are(
    open_page, live_server, day
):
    address = screen_of(day, live_server.url)
    page: Page = open_page(viewport=HALL)
    page.goto(address)
    page.context.set_offline(True)
    expect(page.locator("#lost")).to_have_text(
        re.compile(r"网络中断，显示 \d\d:\d\d:\d\d 的数据，正在重新连接"), timeout=12_000
    )
    expect(page.locator(".figure")).to_contain_text("人已投票")
    page.context.set_offline(False)
    day.cast(0, selection(1))

    expect(page.locator("#lost")).to_be_hidden(timeout=12_000)
    expect(page.locator(".figure b")).to_have_text("1")


@pytest.mark.parametrize("size", [HALL, LAPTOP], ids=["1920", "1366"])
@pytest.mark.parametrize("count", [10, 15])
def test_no_name_is_cut_and_all_of_a_sheet_have_one_size(open_page, live_server, size, count):
    # The longest names, equal but for their last signs (case 41), each with its number.
    names = {n: f"{LONG[:54]}第{n:02}标段"[:60] for n in range(1, count + 2)}
    rows = [item(str(n), name, votes=30 - n, rank=n) for n, name in names.items()]
    rows[-1]["outcome"] = "short"
    poll = make_counted(*rows, phase="published", show_votes=True, places=count, delegates_total=30)
    office = make_office()
    page: Page = open_page(viewport=size)
    address = f"{live_server.url}/screen/{hall.open_screen(poll, by=office).screen_key}/"

    def look() -> list[int]:
        shown = page.locator(".sheet:visible li:not(.free)").all()
        numbers = [int(row.locator(".number").inner_text()) for row in shown]
        assert [row.locator("bdi").inner_text() for row in shown] == [names[n] for n in numbers]
        assert page.evaluate(OVER) == []
        assert page.evaluate(OUTSIDE) == []
        assert len(set(page.evaluate(SIZES))) <= 1
        return numbers

    for _step in range(3):
        hall.reveal_next(poll, by=office)
    page.goto(address)
    assert look() == [1, 2, 3]
    hall.reveal_all(poll, by=office)
    page.goto(address)
    seen = []
    for _sheet in range(page.locator(".sheet").count()):
        seen += look()
        page.keyboard.press("ArrowRight")
    assert seen == [*range(1, count + 1), *names]


def test_the_screen_follows_the_operators_enter_within_a_second(open_page, live_server, client):
    poll = make_counted(*adopted(4), phase="published", show_votes=True)
    office = make_office()
    screen: Page = open_page(viewport=HALL)
    screen.goto(f"{live_server.url}/screen/{hall.open_screen(poll, by=office).screen_key}/")
    client.force_login(office)
    desk: Page = open_page(viewport=LAPTOP)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    desk.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
    )
    desk.goto(f"{live_server.url}{at(poll, 'reveal')}")

    for number in (1, 2):
        # The answer to Enter is on its way while the screen asks: the second begins when it is there.
        desk.keyboard.press("Enter")
        expect(desk.get_by_text(f"已揭晓{number}/4项")).to_be_visible()
        screen.locator(f"bdi:text-is('候选项目{number}')").first.wait_for(timeout=1000)
    desk.keyboard.down("Enter")
    expect(desk.get_by_text("已揭晓3/4项")).to_be_visible()
    # The key is still down on the page of the fourth, and a keyboard repeats it.
    desk.keyboard.down("Enter")
    desk.keyboard.down("Enter")
    desk.keyboard.up("Enter")
    desk.reload()

    expect(desk.get_by_text("已揭晓3/4项")).to_be_visible()


# --- a 满意度测评 ---------------------------------------------------------------------------------


@pytest.mark.parametrize("votes", [True, False], ids=["votes", "grades"])
@pytest.mark.parametrize("size", [HALL, LAPTOP], ids=["1920", "1366"])
def test_the_grades_fit_the_screen_and_are_large_enough(open_page, live_server, size, votes):
    poll = make_judged(15, show_votes=votes)
    page: Page = open_page(viewport=size)
    page.goto(f"{live_server.url}/screen/{poll.screen_key}/")

    for place in range(2):
        assert page.evaluate(OUTSIDE) == []
        assert page.evaluate(OVER) == []
        assert page.evaluate(SMALLEST) >= min(0.028 * size["height"], 0.0162 * size["width"])
        expect(page.locator(".sheet:visible li")).to_have_count(8 - place)
        page.keyboard.press("ArrowRight")
    assert violations(page, EVERYTHING) == []


def test_the_screen_has_nothing_but_its_heading_until_all_is_revealed_in_one_step(
    open_page, live_server
):
    poll = make_judged(3, is_revealed=False)
    page: Page = open_page(viewport=HALL)
    page.goto(f"{live_server.url}/screen/{poll.screen_key}/")
    expect(page.locator("#stage")).to_contain_text("满意度测评结果")
    assert "城乡" not in page.content()

    hall.reveal_all(poll, by=make_office())

    expect(page.locator(".sheet:visible li")).to_have_count(3)
