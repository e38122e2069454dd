"""The whole path by keyboard alone, and with JavaScript off."""

from playwright.sync_api import expect

from ballots.pure import card_code
from tests.helpers.judging import FOCUS, SMALL, tab_to
from tests.helpers.steps import review, row, sign_in, submit, tick, ticked


def test_the_whole_path_by_keyboard_with_every_focus_in_sight(open_page, live_server, day):
    page = open_page(viewport=SMALL)
    page.context.add_cookies([{"name": "size", "value": "xl", "url": live_server.url}])
    keys = page.keyboard
    page.goto(live_server.url)
    tab_to(page, page.get_by_label("投票码"))
    keys.type(card_code.grouped(day.issued[0].code))
    tab_to(page, page.get_by_role("button", name="进入"))
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("代表1代表，您好")
    tab_to(page, page.get_by_role("link", name="填写表决票").first)
    keys.press("Enter")

    expect(page.get_by_role("heading", name="填写表决票")).to_be_focused()
    for number in (1, 2, 12):
        tab_to(page, page.locator(f"#project-{number}"))
        keys.press("Space")
    tab_to(page, page.get_by_role("button", name="推荐一个新项目"))
    keys.press("Enter")
    expect(page.locator("#proposal-0-title")).to_be_focused()
    keys.type("新建停车场")
    met = tab_to(page, page.locator("#submit"))
    assert {"proposal-0-detail", "proposal-0-unit"} <= set(met)
    assert ticked(page) == [1, 2, 12]
    # And all the way back, where a bar at the bottom hides nothing and one at the top would.
    for _ in range(12):
        keys.press("Shift+Tab")
        assert page.evaluate(FOCUS)["seen"]
    tab_to(page, page.locator("#submit"))
    keys.press("Enter")

    expect(page.get_by_role("heading", name="请核对，再提交")).to_be_focused()
    tab_to(page, page.get_by_role("button", name="提交表决票"))
    keys.press("Enter")
    expect(page.get_by_role("heading", name="表决票已提交")).to_be_focused()
    expect(page.locator("#receipt-code")).to_be_visible()


def test_enter_in_a_text_field_goes_on_to_the_review_and_changes_no_size(phone, live_server, day):
    sign_in(phone, live_server.url, day, 0)
    phone.goto(f"{live_server.url}/ballot/")
    row(phone, 3).click()
    phone.get_by_role("button", name="推荐一个新项目").click()

    phone.keyboard.type("新建停车场")
    phone.keyboard.press("Enter")

    expect(phone.get_by_role("heading", name="请核对，再提交")).to_be_focused()
    expect(phone.get_by_text("您共选择2项：候选项目1项，推荐项目1项。")).to_be_visible()


def test_the_bar_leaves_most_of_a_small_screen_to_the_ballot(open_page, live_server, day):
    page = open_page(viewport=SMALL)
    sign_in(page, live_server.url, day, 0)
    page.goto(f"{live_server.url}/ballot/")
    page.get_by_role("button", name="特大").click()
    share = "document.querySelector('.bar').offsetHeight / innerHeight"

    assert page.evaluate(share) <= 0.33
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate(share) <= 0.25


def test_the_whole_path_without_script_and_a_larger_text_on_the_way(plain, live_server, day):
    sign_in(plain, live_server.url, day, 0)
    plain.get_by_role("link", name="填写表决票").first.click()
    expect(plain.locator("#count")).to_be_hidden()
    tick(plain, 3, 8)
    plain.get_by_label("项目名称（必填）").first.fill("新建停车场")

    plain.get_by_role("button", name="特大").click()

    expect(plain.locator("html")).to_have_attribute("data-size", "xl")
    expect(plain.get_by_role("button", name="特大")).to_have_attribute("aria-pressed", "true")
    assert ticked(plain) == [3, 8]
    expect(plain.get_by_label("项目名称（必填）").first).to_have_value("新建停车场")
    tick(plain, 12)
    review(plain)
    expect(plain.get_by_text("您共选择4项：候选项目3项，推荐项目1项。")).to_be_visible()
    plain.get_by_role("button", name="标准").click()
    expect(plain.locator("html")).not_to_have_attribute("data-size", "xl")
    plain.get_by_role("button", name="取消第8项 8. 候选项目8").click()
    expect(plain.get_by_text("已取消第8项。")).to_be_visible()
    code = submit(plain)
    plain.goto(f"{live_server.url}/receipt/")
    expect(plain.locator("#receipt-code")).to_have_text(code)


def test_a_larger_text_with_script_keeps_the_ballot_and_is_remembered(phone, live_server, day):
    sign_in(phone, live_server.url, day, 0)
    phone.goto(f"{live_server.url}/ballot/")
    tick(phone, 5)

    phone.get_by_role("button", name="特大").click()

    expect(phone.locator("html")).to_have_attribute("data-size", "xl")
    assert ticked(phone) == [5]
    phone.goto(f"{live_server.url}/home/")
    expect(phone.locator("html")).to_have_attribute("data-size", "xl")
