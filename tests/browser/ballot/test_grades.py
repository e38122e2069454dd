"""满意度测评 on a phone: three grades and a way back, the count, the draft, the looks."""

import pytest
from playwright.sync_api import Locator, Page, expect

from ballots.acts import lifecycle
from tests.helpers.factories import Stage, dress, make_stage
from tests.helpers.judging import (
    AXE,
    COLOURS,
    EVERYTHING,
    FOCUS,
    SCHEMES,
    SMALL,
    SMALL_TARGETS,
    tab_to,
    violations,
)
from tests.helpers.steps import drafts, open_ballot, ready, review, submit

VALUES = ("good", "fair", "poor")


@pytest.fixture
def held(live_server) -> Stage:
    """An open 满意度测评 of twelve projects, with titles and facts as long as real ones."""
    day = make_stage(open_it=False, delegates=3, form="grades")
    dress(day)
    day.poll = lifecycle.open_poll(day.poll, by=day.office)
    return day


def button(page: Page, value: str, number: int) -> Locator:
    return page.locator(f"label[for={value}-{number}]")


def grade(page: Page, value: str, *numbers: int) -> None:
    for number in numbers:
        button(page, value, number).click()


def grades(page: Page) -> dict[str, list[int]]:
    """The projects with each grade, as the browser holds them."""
    ready(page)
    return {
        value: [
            int((box.get_attribute("name") or "").removeprefix("vote-"))
            for box in page.locator(f"input[type=radio][value={value}]:checked").all()
        ]
        for value in VALUES
    }


def see_bar(page: Page, graded: int, left: int) -> None:
    expect(page.locator("#count > :first-child")).to_have_text(f"已评 {graded}项")
    expect(page.locator("#count .room")).to_have_text(f"未评{left}项")


def test_the_bar_and_the_live_region_follow_every_grade(phone, live_server, held):
    open_ballot(phone, live_server.url, held)
    see_bar(phone, 0, 12)

    for value, number, said in [
        ("good", 3, "第3项，满意。已评1项，未评11项。"),
        ("fair", 7, "第7项，基本满意。已评2项，未评10项。"),
        ("poor", 3, "第3项，不满意。已评2项，未评10项。"),
        ("abstain", 7, "第7项，弃权。已评1项，未评11项。"),
    ]:
        grade(phone, value, number)
        expect(phone.locator("#live")).to_have_text(said)
    grade(phone, "good", *range(1, 13))
    see_bar(phone, 12, 0)
    expect(phone.locator("#live")).to_have_text("第12项，满意。已评12项，全部已评。")
    expect(phone.locator("#refused")).to_be_hidden()


def test_a_draft_of_grades_survives_a_reload_and_is_gone_after_the_submission(
    phone, live_server, held
):
    open_ballot(phone, live_server.url, held)
    grade(phone, "good", 1, 4)
    grade(phone, "poor", 9)

    phone.reload()

    expect(phone.locator("#restored")).to_contain_text("已恢复您在本机上评过、未提交的3项。")
    assert grades(phone) == {"good": [1, 4], "fair": [], "poor": [9]}
    phone.get_by_role("button", name="清空已评").click()
    see_bar(phone, 0, 12)
    phone.get_by_role("button", name="撤销清空").click()
    review(phone)
    expect(phone.get_by_role("heading", level=2)).to_have_text(
        ["以下9项没有评，按弃权计", "满意2项", "不满意1项"]
    )
    assert drafts(phone) == 1
    submit(phone)
    assert drafts(phone) == 0


def test_grades_are_large_and_stand_in_a_row_at_every_size(open_page, live_server, held):
    page = open_page(viewport=SMALL, reduced_motion="reduce")
    open_ballot(page, live_server.url, held)
    page.evaluate(AXE)
    for number, value in enumerate(VALUES, start=1):
        grade(page, value, number)

    for size in ("m", "l", "xl"):
        page.evaluate("size => { document.documentElement.dataset.size = size }", size)
        found = [button(page, value, 1).bounding_box() for value in VALUES]
        boxes = [box for box in found if box]
        assert len(boxes) == 3
        assert min(box["height"] for box in boxes) >= 60
        assert len({box["y"] for box in boxes}) == 1
        assert max(box["width"] for box in boxes) - min(box["width"] for box in boxes) < 1
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, size
        assert page.evaluate(SMALL_TARGETS) == [], size
        assert page.evaluate("document.querySelector('.bar').offsetHeight / innerHeight") <= 0.33
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            options = EVERYTHING if scheme == "light" else COLOURS
            assert violations(page, options) == [], (size, scheme)


def test_the_review_of_grades_looks_well_on_a_small_phone(open_page, live_server, held):
    page = open_page(viewport=SMALL, reduced_motion="reduce")
    open_ballot(page, live_server.url, held)
    grade(page, "good", 1)
    grade(page, "poor", 2)
    review(page)

    for size in ("m", "xl"):
        page.evaluate("size => { document.documentElement.dataset.size = size }", size)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, size
        assert page.evaluate(SMALL_TARGETS) == [], size
        assert violations(page, EVERYTHING) == [], size


def test_the_whole_path_by_keyboard_with_every_focus_in_sight(open_page, live_server, held):
    page = open_page(viewport=SMALL)
    page.context.add_cookies([{"name": "size", "value": "xl", "url": live_server.url}])
    open_ballot(page, live_server.url, held)

    for number, presses, value in [(1, 1, "good"), (2, 2, "fair"), (3, 3, "poor")]:
        tab_to(page, page.locator(f"#abstain-{number}"))
        for _ in range(presses):
            page.keyboard.press("ArrowRight")
        expect(page.locator(f"#{value}-{number}")).to_be_focused()
        assert page.evaluate(FOCUS)["seen"]
    tab_to(page, page.locator("#submit"))
    assert grades(page) == {"good": [1], "fair": [2], "poor": [3]}
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="请核对，再提交")).to_be_focused()


def test_the_whole_path_without_script(plain, live_server, held):
    open_ballot(plain, live_server.url, held)
    expect(plain.locator("#count")).to_be_hidden()
    plain.get_by_role("button", name="下一步：核对").click()
    expect(plain.locator("#candidates-problem")).to_have_text(
        "您还没有评任何项目，请逐项评满意、基本满意或不满意。"
    )
    grade(plain, "good", *range(1, 12))
    grade(plain, "fair", 2)

    plain.get_by_role("button", name="特大").click()
    assert grades(plain)["fair"] == [2]
    review(plain)
    expect(plain.get_by_text("您评满意10项，基本满意1项，不满意0项，弃权1项。")).to_be_visible()
    expect(plain.get_by_role("heading", name="以下1项没有评，按弃权计")).to_be_visible()
    assert submit(plain)
