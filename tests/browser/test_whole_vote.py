"""A vote from the first code typed to the published result, in a real Chromium."""

import re

from playwright.sync_api import expect

from tests.helpers.factories import PASSWORD, selection
from tests.helpers.steps import (
    drafts,
    let_in,
    log_in,
    propose,
    review,
    row,
    sign_in,
    step,
    submit,
    tick,
)


def test_from_the_qr_code_to_the_receipt_are_four_screens_and_thirteen_taps(
    open_page, live_server, day
):
    """The least there can be: who it is, ten ticks, on to the review, submitted."""
    phone, screens, taps = open_page(), [], []
    phone.on("load", lambda page: screens.append(page.url.removeprefix(live_server.url)))
    phone.expose_function("tapped", lambda: taps.append(1))
    phone.add_init_script("addEventListener('pointerup', () => window.tapped(), true)")

    phone.goto(f"{live_server.url}/k/{day.issued[0].token}/")
    phone.get_by_role("button", name="是本人，继续").click()
    tick(phone, *range(1, 11))
    review(phone)
    submit(phone)

    paths = ["/k/" + day.issued[0].token + "/", "/ballot/", "/ballot/review/", "/receipt/"]
    assert screens == paths
    assert len(taps) == 13


def test_the_receipt_is_drawn_as_a_picture_on_the_device(phone, live_server, day):
    day.cast(0, selection(1))
    let_in(phone, live_server.url, day)
    phone.goto(f"{live_server.url}/receipt/")

    phone.get_by_role("button", name="保存为图片").click()

    code = phone.locator("#receipt-code").inner_text()
    picture = phone.get_by_role("img", name=f"✓ 表决票已提交 {code}")
    expect(picture).to_be_visible()
    assert picture.evaluate("picture => picture.naturalWidth") == 1080
    assert picture.get_attribute("src").startswith("data:image/png;base64,")
    expect(phone.get_by_text("长按图片，可保存到手机")).to_be_visible()


def test_a_vote_from_the_first_code_to_the_published_result(
    phone, plain, open_page, live_server, day
):
    base = live_server.url
    sign_in(phone, base, day, 0)
    phone.get_by_role("link", name="填写表决票").first.click()
    tick(phone, *range(1, 11))
    expect(phone.locator("#live")).to_contain_text("已选10项")
    row(phone, 11).click()
    expect(phone.locator("#project-11")).not_to_be_checked()
    expect(phone.locator("#alert")).to_contain_text("最多选10项")
    row(phone, 10).click()
    propose(phone, "新建停车场")
    review(phone)
    expect(phone.get_by_text("您共选择10项：候选项目9项，推荐项目1项。")).to_be_visible()
    first = submit(phone)
    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}", first)
    assert drafts(phone) == 0
    phone.goto(f"{base}/receipt/")
    assert phone.locator("#receipt-code").inner_text() == first

    sign_in(plain, base, day, 1)
    plain.get_by_role("link", name="填写表决票").first.click()
    tick(plain, 1, 2)
    review(plain)
    submit(plain)

    office, scrutineer = open_page(), open_page()
    log_in(office, base, day.office)
    log_in(scrutineer, base, day.scrutineer)
    address = f"{base}/admin/ballots/pollday/{day.poll.pk}/"
    step(office, f"{address}close/", "截止投票", "announced", figure="2")
    shares = {f"share_{place}": text for place, text in enumerate(day.shares[2:5], start=1)}
    step(scrutineer, f"{address}box/", "开启票箱", "declared", **shares)
    office.goto(f"{address}canvass/")
    expect(office.get_by_role("heading", name="新建停车场")).to_be_visible()
    office.get_by_role("button", name="单列一项").click()
    step(
        office,
        f"{address}canvass/",
        "归并结束",
        second_name=day.scrutineer.get_username(),
        second_password=PASSWORD,
    )
    step(office, f"{address}count/", "计票")
    phone.goto(f"{base}/results/")
    expect(phone.get_by_text("结果尚未公布")).to_be_visible()
    step(scrutineer, f"{address}confirm/", "确认无误")
    # Two votes of five delegates are no majority: nothing is adopted, and the page says so.
    step(office, f"{address}publish/", "公布结果", "leave_open", "at_once", figure="0")
    phone.goto(f"{base}/results/")
    expect(phone.get_by_text("少于应确定的10个")).to_be_visible()
    phone.goto(f"{base}/board/")
    expect(phone.get_by_text(first)).to_be_visible()
