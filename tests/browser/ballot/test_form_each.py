"""赞成, 反对 or 弃权 on each project: the three buttons, the count, the limit, the draft, the looks."""

import pytest
from playwright.sync_api import Locator, Page, expect

from ballots.acts import lifecycle
from tests.helpers.factories import Stage, dress, make_stage, publish_count, selection
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
from tests.helpers.steps import drafts, open_ballot, propose, ready, review, submit

LIMIT = "赞成最多10项。如需改选，请先把一项改为反对或弃权。"
NOTHING: dict[str, list[int]] = {"for": [], "against": []}


@pytest.fixture
def each(live_server) -> Stage:
    """An open poll of twelve candidates, with titles and facts as long as real ones."""
    day = make_stage(open_it=False, delegates=5, form="each", show_votes=True, majority="valid")
    dress(day)
    day.poll = lifecycle.open_poll(day.poll, by=day.office)
    return day


def button(page: Page, vote: str, number: int) -> Locator:
    return page.locator(f"label[for={vote}-{number}]")


def vote(page: Page, vote: str, *numbers: int) -> None:
    for number in numbers:
        button(page, vote, number).click()


def votes(page: Page) -> dict[str, list[int]]:
    """The projects that are marked 赞成 and 反对 on the page, as the browser holds them."""
    ready(page)
    return {
        value: [
            int((box.get_attribute("name") or "").removeprefix("vote-"))
            for box in page.locator(f"input[type=radio][value={value}]:checked").all()
        ]
        for value in NOTHING
    }


def see_bar(page: Page, figure: str, others: str) -> None:
    expect(page.locator("#count > :first-child")).to_have_text(f"赞成 {figure}")
    expect(page.locator("#count .room")).to_have_text(others)


def test_the_bar_and_the_live_region_follow_every_vote(phone, live_server, each):
    open_ballot(phone, live_server.url, each)
    see_bar(phone, "0/10", "反对0项，弃权12项")

    for kind, number, said in [
        ("for", 3, "第3项，赞成。赞成1项，还可赞成9项。"),
        ("against", 7, "第7项，反对。赞成1项，还可赞成9项。"),
        ("abstain", 3, "第3项，弃权。赞成0项，还可赞成10项。"),
    ]:
        vote(phone, kind, number)
        expect(phone.locator("#live")).to_have_text(said)
    see_bar(phone, "0/10", "反对1项，弃权11项")
    vote(phone, "for", 1, 2, 3, 4, 5, 6, 8)
    see_bar(phone, "7/10", "反对1项，弃权4项")
    propose(phone, "新建停车场")
    see_bar(phone, "8/10", "反对1项，弃权4项")


def test_the_eleventh_in_favour_goes_back_to_what_it_was_and_says_why(phone, live_server, each):
    open_ballot(phone, live_server.url, each)
    vote(phone, "against", 11)
    vote(phone, "for", *range(1, 11))
    see_bar(phone, "10/10 已满", "反对1项，弃权1项")

    for number in (11, 12):
        vote(phone, "for", number)
        assert votes(phone) == {"for": list(range(1, 11)), "against": [11]}
        expect(phone.locator("#alert")).to_have_text(LIMIT)
        expect(phone.locator(".bar #refused")).to_have_text(LIMIT)
        expect(phone.locator(".bar #refused")).to_be_visible()
    expect(phone.locator("#abstain-12")).to_be_checked()
    # One fewer makes room, and takes the refusal back.
    vote(phone, "against", 3)
    expect(phone.locator("#refused")).to_be_hidden()
    vote(phone, "for", 12)
    assert votes(phone) == {"for": [1, 2, *range(4, 11), 12], "against": [3, 11]}


def test_the_arrow_keys_get_past_a_vote_that_is_refused(phone, live_server, each):
    open_ballot(phone, live_server.url, each)
    vote(phone, "for", *range(1, 11))
    phone.locator("#abstain-12").focus()

    phone.keyboard.press("ArrowRight")
    assert votes(phone)["against"] == []
    expect(phone.locator("#abstain-12")).to_be_checked()
    phone.keyboard.press("ArrowRight")

    assert votes(phone) == {"for": list(range(1, 11)), "against": [12]}


def test_a_draft_of_votes_survives_a_reload_and_is_gone_after_the_submission(
    phone, live_server, each
):
    open_ballot(phone, live_server.url, each)
    vote(phone, "for", 1, 4)
    vote(phone, "against", 9)
    propose(phone, "新建停车场")

    phone.reload()

    expect(phone.locator("#restored")).to_contain_text("已恢复您在本机上未提交的选择（4项）。")
    assert votes(phone) == {"for": [1, 4], "against": [9]}
    see_bar(phone, "3/10", "反对1项，弃权9项")
    review(phone)
    expect(phone.get_by_role("heading", level=2)).to_have_text(["赞成3项", "反对1项", "弃权9项"])
    assert drafts(phone) == 1
    submit(phone)
    assert drafts(phone) == 0


def test_a_draft_of_votes_survives_the_way_to_the_review_and_out(phone, live_server, each):
    open_ballot(phone, live_server.url, each)
    vote(phone, "for", 2)
    vote(phone, "against", 5)
    review(phone)
    phone.get_by_role("button", name="改为弃权第5项").click()
    expect(phone.get_by_text("已把第5项改为弃权。")).to_be_visible()
    ready(phone)

    phone.goto(f"{live_server.url}/ballot/")

    assert votes(phone) == {"for": [2], "against": []}


def test_clearing_the_votes_can_be_undone(phone, live_server, each):
    open_ballot(phone, live_server.url, each)
    expect(phone.get_by_role("button", name="清空已选")).to_be_hidden()
    vote(phone, "against", 2)
    expect(phone.get_by_role("button", name="清空已选")).to_be_visible()
    vote(phone, "for", 5)

    phone.get_by_role("button", name="清空已选").click()
    assert votes(phone) == NOTHING
    see_bar(phone, "0/10", "反对0项，弃权12项")
    expect(phone.locator("#live")).to_have_text("已清空2项。")

    phone.get_by_role("button", name="撤销清空").click()
    assert votes(phone) == {"for": [5], "against": [2]}


def test_the_three_votes_are_large_and_stand_in_a_row_at_every_size(open_page, live_server, each):
    page = open_page(viewport=SMALL, reduced_motion="reduce")
    open_ballot(page, live_server.url, each)
    page.evaluate(AXE)
    vote(page, "for", 1)
    vote(page, "against", 2)

    for size in ("m", "l", "xl"):
        page.evaluate("size => { document.documentElement.dataset.size = size }", size)
        first, second, third = (
            button(page, kind, 1).bounding_box() for kind in ("for", "against", "abstain")
        )
        assert first
        assert second
        assert third
        assert min(box["height"] for box in (first, second, third)) >= 60
        assert first["y"] == second["y"] == third["y"]
        assert abs(first["width"] - third["width"]) < 1
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, size
        assert page.evaluate(SMALL_TARGETS) == [], size
        assert page.evaluate("document.querySelector('.bar').offsetHeight / innerHeight") <= 0.33
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            options = EVERYTHING if scheme == "light" else COLOURS
            assert violations(page, options) == [], (size, scheme)


def test_review_and_result_of_votes_look_well_on_a_small_phone(open_page, live_server, each):
    page = open_page(viewport=SMALL, reduced_motion="reduce")
    open_ballot(page, live_server.url, each)
    vote(page, "for", 1)
    vote(page, "against", 2)
    review(page)
    look(page)
    submit(page)
    each.cast(1, selection(1, 3, against=[2]))
    publish_count(each)

    page.goto(f"{live_server.url}/results/")

    expect(page.locator(".results")).to_contain_text("反对2票")
    look(page)


def look(page: Page) -> None:
    """Judge the page that is shown, for its narrowest screen, at every size of text."""
    for size in ("m", "xl"):
        page.evaluate("size => { document.documentElement.dataset.size = size }", size)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, size
        assert page.evaluate(SMALL_TARGETS) == [], size
        assert violations(page, EVERYTHING) == [], size


def test_the_whole_path_by_keyboard_with_every_focus_in_sight(open_page, live_server, each):
    page = open_page(viewport=SMALL)
    page.context.add_cookies([{"name": "size", "value": "xl", "url": live_server.url}])
    open_ballot(page, live_server.url, each)

    for number, presses, kind in [(1, 1, "for"), (2, 2, "against"), (12, 0, "abstain")]:
        tab_to(page, page.locator(f"#abstain-{number}"))
        for _ in range(presses):
            page.keyboard.press("ArrowRight")
        expect(page.locator(f"#{kind}-{number}")).to_be_focused()
        assert page.evaluate(FOCUS)["seen"]
    tab_to(page, page.locator("#submit"))
    assert votes(page) == {"for": [1], "against": [2]}
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="请核对，再提交")).to_be_focused()


def test_the_whole_path_without_script(plain, live_server, each):
    open_ballot(plain, live_server.url, each)
    expect(plain.locator("#count")).to_be_hidden()
    vote(plain, "for", *range(1, 13))
    plain.get_by_role("button", name="下一步：核对").click()
    expect(plain.locator("#candidates-problem")).to_have_text(
        "您赞成了12项，赞成最多10项，请把2项改为反对或弃权"
    )
    assert votes(plain)["for"] == list(range(1, 13))
    vote(plain, "against", 1, 2)

    plain.get_by_role("button", name="特大").click()
    assert votes(plain) == {"for": list(range(3, 13)), "against": [1, 2]}
    review(plain)
    expect(plain.get_by_text("您赞成10项，反对2项，弃权0项。")).to_be_visible()
    assert submit(plain)
