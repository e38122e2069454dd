"""The way in: a card's QR code shows whose it is, and only a press of the button signs in."""

from django.conf import settings
from playwright.sync_api import expect

from ballots.models import Session
from tests.helpers.factories import selection
from tests.helpers.judging import PHONE


def test_opening_the_address_of_a_card_leaves_no_session(phone, live_server, day):
    phone.goto(f"{live_server.url}/k/{day.issued[0].token}/")

    expect(phone.get_by_text("代表1", exact=True)).to_be_visible()
    names = {cookie["name"] for cookie in phone.context.cookies()}
    assert names == {settings.CSRF_COOKIE_NAME}
    assert not Session.objects.exists()
    phone.goto(f"{live_server.url}/home/")
    expect(phone.get_by_label("投票码")).to_be_visible()

    phone.go_back()
    phone.get_by_role("button", name="是本人，继续").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("填写表决票")


def test_the_address_of_a_card_is_told_to_nobody_and_its_forms_are_taken(phone, live_server, day):
    token = day.issued[0].token
    told = []
    phone.on("request", lambda request: told.append(request.headers.get("referer", "")))
    phone.goto(f"{live_server.url}/k/{token}/")
    for button in ("特大", "English"):
        phone.get_by_role("button", name=button).click()
    phone.get_by_role("button", name="This is me: continue").click()

    phone.wait_for_url(f"{live_server.url}/ballot/")
    assert len(told) > 3
    assert not any(token in referrer for referrer in told)


def test_whose_card_it_is_not_is_not_signed_in(phone, live_server, day):
    phone.goto(f"{live_server.url}/k/{day.issued[0].token}/")

    phone.get_by_role("button", name="不是本人").click()

    expect(phone.get_by_role("heading", name="请勿继续")).to_be_focused()
    assert not Session.objects.exists()


def test_a_mistyped_code_is_kept_and_the_page_starts_at_what_is_wrong(phone, live_server, day):
    phone.goto(live_server.url)
    phone.get_by_label("投票码").fill("0127 48")

    phone.keyboard.press("Enter")

    summary = phone.locator(".problems")
    expect(summary).to_be_focused()
    summary.get_by_role("link", name="投票码应为16位数字，您输入了6位").click()
    expect(phone.get_by_label("投票码")).to_be_focused()
    expect(phone.get_by_label("投票码")).to_have_value("0127 48")


# Whether a code fits into its field at each size of text, in px too many.
OVERFLOW = """() => ['m', 'l', 'xl'].map(size => {
    document.documentElement.dataset.size = size;
    const {scrollWidth, clientWidth} = document.getElementById('code');
    return scrollWidth - clientWidth;
})"""


def test_all_sixteen_signs_of_a_code_are_seen_at_every_size(phone, live_server, day):
    day.cast(0, selection(1))
    day.close()
    # The widest that there are, in a field that is wrong and so the narrowest.
    for path, code in (("/", "0" * 16), ("/board/", "W" * 16)):
        phone.goto(f"{live_server.url}{path}")
        phone.locator("#code").fill(code[:15])
        phone.locator("main form button").click()
        phone.locator("#code").fill(code)
        assert len(phone.locator("#code").input_value()) == 19
        for width in (320, 360, 820):
            phone.set_viewport_size({"width": width, "height": 640})
            assert phone.evaluate(OVERFLOW) == [0, 0, 0], (path, width)
    phone.set_viewport_size(PHONE)


def test_a_code_stands_in_groups_while_it_is_typed_and_the_caret_stays(phone, live_server, day):
    phone.goto(live_server.url)
    field = phone.get_by_label("投票码")
    field.press_sequentially("0127482109")
    expect(field).to_have_value("0127 4821 09")
    expect(phone.locator(".typed").first).to_have_text("已输入10位，共16位")
    expect(phone.get_by_role("status")).to_have_text("已输入10位，共16位")

    for _ in range(8):
        field.press("ArrowLeft")
    field.press("9")
    expect(field).to_have_value("0127 9482 109")
    field.press("Backspace")
    field.press("Backspace")
    expect(field).to_have_value("0124 8210 9")
    field.press("7")
    expect(field).to_have_value("0127 4821 09")
    for _ in range(2):
        field.press("Delete")
    expect(field).to_have_value("0127 8210 9")

    field.fill("投票码：0127")
    expect(field).to_have_value("投票码：0127")
    expect(phone.locator(".typed").first).to_be_empty()
