"""公用平板: one device, many delegates, and nothing of any is left for the next."""

import time

import pytest
from playwright.sync_api import Page, expect

from tests.helpers.judging import EVERYTHING, SMALL, SMALL_TARGETS, violations
from tests.helpers.steps import (
    drafts,
    open_ballot,
    propose,
    review,
    row,
    sign_in,
    submit,
    tick,
    ticked,
    titles,
)

SIGNED_OUT = "您已退出"


@pytest.fixture
def phone(open_page) -> Page:
    """A device of its own: a clock that a test has set and stopped cannot be taken off again."""
    return open_page()


@pytest.fixture
def tablet(phone, live_server, day) -> Page:
    """A shared tablet with the ballot of the first delegate, two ticks and a proposal on it."""
    share(phone, live_server.url)
    open_ballot(phone, live_server.url, day)
    tick(phone, 2, 5)
    propose(phone, "新建停车场")
    return phone


def share(page: Page, base: str) -> None:
    page.goto(f"{base}/tablet/")
    page.get_by_role("button", name="设为公用平板").click()
    expect(page.get_by_text("本机已设为公用平板。")).to_be_visible()


def test_the_device_keeps_nothing_on_the_whole_way(tablet, live_server, day):
    assert drafts(tablet) == 0
    review(tablet)
    assert drafts(tablet) == 0
    tablet.get_by_role("button", name="返回修改").first.click()
    expect(tablet.get_by_role("heading", name="填写表决票")).to_be_visible()
    assert (ticked(tablet), titles(tablet)) == ([2, 5], ["新建停车场"])
    assert drafts(tablet) == 0
    review(tablet)
    submit(tablet)
    assert drafts(tablet) == 0


def test_no_page_of_a_tablet_speaks_of_what_the_device_keeps(tablet):
    tablet.context.set_offline(True)
    expect(tablet.locator("#offline")).to_have_text("网络已断开。请勿关闭本页，恢复后可继续。")
    tablet.context.set_offline(False)

    assert "已保存在本机" not in tablet.content()
    review(tablet)
    assert "已保存在本机" not in tablet.content()


def test_the_next_delegate_sees_nothing_of_a_ballot_that_was_left(tablet, live_server, day):
    sign_in(tablet, live_server.url, day, 1)
    tablet.get_by_role("link", name="填写表决票").first.click()

    expect(tablet.locator("#count")).to_contain_text("0/10")
    assert (ticked(tablet), titles(tablet)) == ([], [])
    tablet.go_back()
    tablet.go_back()
    expect(tablet.get_by_role("heading", level=1)).to_be_visible()
    assert "新建停车场" not in tablet.content()


def test_back_to_the_ballot_of_another_brings_back_no_tick(tablet, live_server, day):
    review(tablet)
    sign_in(tablet, live_server.url, day, 1)

    for _ in range(4):
        # A moment later, or the page may be gone before it has answered.
        tablet.evaluate("setTimeout(() => history.back())")
        tablet.wait_for_timeout(150)
        if "chrome-error" in tablet.url:
            break
        assert tablet.locator("input:checked").count() == 0
        assert "新建停车场" not in tablet.content()
        tablet.wait_for_load_state()


def test_after_the_receipt_it_signs_out_by_itself(tablet, live_server):
    review(tablet)
    tablet.clock.install()
    code = submit(tablet)
    expect(tablet.locator(".seconds")).to_have_text("60秒后自动退出")

    tablet.clock.run_for(30_000)
    expect(tablet.locator(".seconds")).to_have_text("30秒后自动退出")
    expect(tablet.locator("#live")).to_have_text("30秒后自动退出")
    tablet.get_by_role("button", name="继续停留").click()
    tablet.clock.run_for(31_000)
    expect(tablet.locator(".seconds")).to_have_text("29秒后自动退出")
    assert code in tablet.content()
    tablet.clock.run_for(30_000)

    expect(tablet.get_by_role("heading", name=SIGNED_OUT)).to_be_visible()
    expect(tablet.get_by_text("请将平板交还会务人员。")).to_be_visible()
    assert drafts(tablet) == 0
    tablet.go_back()
    expect(tablet.get_by_label("投票码")).to_be_visible()
    assert code not in tablet.content()
    for path in ("/receipt/", "/home/", "/ballot/"):
        tablet.goto(f"{live_server.url}{path}")
        expect(tablet.get_by_label("投票码")).to_be_visible()


@pytest.mark.parametrize("where", ["ballot", "review", "projects"])
def test_a_page_that_nobody_touches_signs_out_by_itself(phone, live_server, day, where):
    share(phone, live_server.url)
    phone.clock.install()
    open_ballot(phone, live_server.url, day)
    if where == "projects":
        phone.goto(f"{live_server.url}/projects/")
    else:
        tick(phone, 2)
    if where == "review":
        review(phone)
    note = phone.locator("#leave")
    expect(note).to_be_hidden()

    phone.clock.run_for(250_000)
    expect(note).to_contain_text("秒后自动退出")
    expect(note.get_by_role("status")).not_to_be_empty()
    phone.mouse.wheel(0, 50)
    phone.keyboard.press("Shift")
    # A page that gets shorter as the note goes scrolls in its next frame, which is a touch like any other.
    phone.clock.run_for(2_000)
    expect(note).to_be_hidden()
    phone.wait_for_timeout(300)
    phone.clock.run_for(198_000)
    expect(note).to_be_hidden()
    phone.clock.run_for(103_000)

    expect(phone.get_by_role("heading", name=SIGNED_OUT)).to_be_visible()
    phone.goto(f"{live_server.url}/ballot/")
    expect(phone.get_by_label("投票码")).to_be_visible()


def test_whoever_wakes_a_tablet_that_slept_too_long_is_not_let_on(phone, live_server, day):
    share(phone, live_server.url)
    phone.clock.install()
    open_ballot(phone, live_server.url, day)

    phone.clock.pause_at(int(time.time() * 1000) + 3_600_000)
    phone.keyboard.press("Shift")
    phone.clock.run_for(2_000)

    expect(phone.get_by_role("heading", name=SIGNED_OUT)).to_be_visible()


def test_the_warning_of_a_tablet_looks_well_wherever_it_is_read(open_page, live_server, day):
    page = open_page(viewport=SMALL, reduced_motion="reduce")
    share(page, live_server.url)
    page.clock.install()
    open_ballot(page, live_server.url, day)
    # The scroll is a touch like any other, and comes in the next frame: not after the clock has run.
    page.evaluate(
        "new Promise(done => { addEventListener('scroll', done, {once: true}); scrollTo(0, 400); })"
    )
    page.clock.run_for(260_000)

    expect(page.locator("#leave")).to_be_in_viewport()
    assert violations(page, EVERYTHING) == []


def test_the_way_out_can_be_taken_at_once(tablet):
    review(tablet)
    submit(tablet)

    tablet.get_by_role("button", name="退出，交还平板").click()

    expect(tablet.get_by_role("heading", name=SIGNED_OUT)).to_be_visible()


@pytest.mark.parametrize("path", ["/ballot/", "/receipt/", "/home/"])
def test_a_page_that_the_browser_kept_alive_is_fetched_anew(phone, live_server, day, path):
    share(phone, live_server.url)
    open_ballot(phone, live_server.url, day)
    tick(phone, 2)
    if path != "/ballot/":
        review(phone)
        submit(phone)
        phone.goto(f"{live_server.url}{path}")
    phone.context.clear_cookies()

    # Chromium is started without the cache that keeps a page alive, so the page is told what it is.
    phone.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")

    expect(phone.get_by_label("投票码")).to_be_visible()


def test_a_device_of_ones_own_does_neither(phone, live_server, day):
    open_ballot(phone, live_server.url, day)
    row(phone, 2).click()
    assert drafts(phone) == 1
    review(phone)
    phone.clock.install()
    submit(phone)

    phone.clock.run_for(120_000)

    expect(phone.get_by_role("heading", name="表决票已提交")).to_be_visible()
    expect(phone.get_by_text("秒后自动退出")).to_have_count(0)


def test_the_receipt_of_a_tablet_looks_well(open_page, live_server, day):
    page = open_page(viewport=SMALL, reduced_motion="reduce")
    share(page, live_server.url)
    open_ballot(page, live_server.url, day)
    tick(page, 2)
    review(page)
    submit(page)
    for size in ("m", "xl"):
        page.evaluate("size => { document.documentElement.dataset.size = size }", size)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, size
        assert page.evaluate(SMALL_TARGETS) == [], size
        assert violations(page, EVERYTHING) == [], size
