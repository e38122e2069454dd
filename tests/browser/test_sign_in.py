"""The way in: a card's QR code shows whose it is, and only a press of the button signs in."""

from django.conf import settings
from playwright.sync_api import expect

from ballots.models import Session


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
