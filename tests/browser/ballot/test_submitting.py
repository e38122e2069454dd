"""One delegate, one ballot: whatever is tapped twice, gone back to or left open."""

import pytest
from playwright.sync_api import Page, Route, expect

from ballots.pure.sealing import grouped
from tests.helpers.factories import Stage
from tests.helpers.steps import drafts, open_ballot, review, submit, tick, ticked


@pytest.fixture
def reviewing(phone, live_server, day) -> Page:
    """The first delegate's phone at the review of a ballot of two."""
    open_ballot(phone, live_server.url, day)
    tick(phone, 2, 3)
    review(phone)
    return phone


def in_the_box(day: Stage) -> list[str]:
    """The receipts of the ballots that were taken, as a page writes them."""
    return [grouped(code) for code in day.poll.envelopes.values_list("code", flat=True)]


def test_a_double_tap_sends_one_ballot_and_shows_its_receipt(reviewing, day):
    sent = reviewing.locator("#submit").evaluate(
        """button => {
            let sent = 0;
            // Heard after the form's own listener, which stops the second.
            addEventListener('submit', event => { sent += event.defaultPrevented ? 0 : 1 });
            button.click();
            button.click();
            return sent;
        }"""
    )

    expect(reviewing.get_by_role("heading", name="表决票已提交")).to_be_visible()
    assert sent == 1
    assert in_the_box(day) == [reviewing.locator("#receipt-code").inner_text()]


def test_a_double_tap_without_script_makes_one_ballot(plain, live_server, day):
    open_ballot(plain, live_server.url, day)
    tick(plain, 2)
    review(plain)

    plain.get_by_role("button", name="提交表决票").dblclick()

    expect(plain.get_by_role("heading", name="表决票已提交")).to_be_visible()
    shown = plain.locator("#receipt-code").inner_text()
    assert in_the_box(day) == [shown]


def test_the_button_says_that_it_is_sending(reviewing):
    shown = reviewing.locator("#submit").evaluate(
        "button => { button.click(); return [button.textContent, button.ariaDisabled] }"
    )

    assert shown == ["正在提交…", "true"]
    expect(reviewing.get_by_role("heading", name="表决票已提交")).to_be_visible()


def test_going_back_after_the_receipt_leads_to_no_second_ballot(reviewing, day):
    first = submit(reviewing)

    reviewing.go_back()

    again = reviewing.get_by_role("button", name="提交表决票")
    voted = reviewing.get_by_role("heading", name="您已提交表决票")
    expect(again.or_(voted)).to_be_visible()
    if again.is_visible():
        again.click()
        done = reviewing.get_by_role("heading", name="表决票已提交")
        expect(done.or_(voted).first).to_be_visible()
    assert in_the_box(day) == [first]


def test_a_review_left_open_elsewhere_is_told_that_the_ballot_is_in(reviewing, live_server, day):
    left_open = reviewing.context.new_page()
    left_open.goto(f"{live_server.url}/ballot/")
    review(left_open)
    first = submit(reviewing)

    left_open.get_by_role("button", name="提交表决票").click()

    expect(left_open.get_by_role("heading", name="您已提交表决票")).to_be_visible()
    expect(left_open.get_by_text("已提交的表决票有效。")).to_be_visible()
    assert in_the_box(day) == [first]
    left_open.goto(f"{live_server.url}/receipt/")
    expect(left_open.locator("#receipt-code")).to_have_text(first)


def test_the_same_form_sent_again_shows_the_same_receipt(reviewing, day):
    form = reviewing.locator("form#ballot")
    fields = form.evaluate("form => [...new FormData(form)]")
    first = submit(reviewing)

    # What a browser does that lost the answer and was told to send the form once more.
    reviewing.evaluate(
        """fields => {
            const form = document.createElement('form');
            form.method = 'post';
            form.action = '/ballot/cast/';
            for (const [name, value] of fields) {
                const field = document.createElement('input');
                Object.assign(field, {type: 'hidden', name, value});
                form.append(field);
            }
            document.body.append(form);
            form.submit();
        }""",
        fields,
    )

    expect(reviewing.locator("#receipt-code")).to_have_text(first)
    assert in_the_box(day) == [first]


def test_without_a_network_the_ballot_is_held_and_goes_out_afterwards(phone, live_server, day):
    open_ballot(phone, live_server.url, day)
    tick(phone, 2)
    banner = phone.locator("#offline")
    expect(banner).to_be_hidden()

    phone.context.set_offline(True)

    expect(banner).to_have_text("网络已断开。您填写的已保存在本机，请勿关闭本页，恢复后可继续。")
    phone.get_by_role("button", name="下一步：核对").click()
    expect(phone.locator("#alert")).to_have_text("网络未连接，刚才没有发出")
    expect(phone.locator(".bar #refused")).to_be_visible()
    assert phone.url.endswith("/ballot/")

    phone.context.set_offline(False)
    expect(banner).to_have_text("网络已恢复。")
    review(phone)
    phone.context.set_offline(True)
    phone.get_by_role("button", name="提交表决票").click()
    expect(phone.locator("#refused")).to_have_text("网络未连接，刚才没有发出")
    expect(phone.locator("#submit")).to_have_text("提交表决票")
    assert in_the_box(day) == []

    phone.context.set_offline(False)
    submit(phone)
    assert len(in_the_box(day)) == 1


@pytest.mark.parametrize("arrived", [True, False])
def test_after_an_answer_that_was_lost_the_home_page_says_whether_it_is_in(
    reviewing, live_server, day, arrived
):
    def lose(route: Route) -> None:
        if arrived:
            route.fetch(max_redirects=0)
        route.abort("connectionreset")

    reviewing.route("**/ballot/cast/", lose, times=1)
    with reviewing.expect_event("requestfailed"):
        reviewing.get_by_role("button", name="提交表决票").click(no_wait_after=True)
    while not reviewing.url.startswith("chrome-error:"):
        reviewing.wait_for_timeout(20)

    reviewing.goto(f"{live_server.url}/home/")

    received = reviewing.get_by_text("✓ 您的表决票已收到。")
    if arrived:
        expect(received).to_be_visible()
        expect(reviewing.locator(".receipt-inline")).to_have_text(in_the_box(day)[0])
        assert drafts(reviewing) == 0
        reviewing.reload()
        expect(received).to_be_hidden()
    else:
        expect(reviewing.get_by_text("表决票尚未提交，请重新提交。")).to_be_visible()
        expect(received).to_have_count(0)
        reviewing.get_by_role("link", name="继续填写").click()
        assert ticked(reviewing) == [2, 3]
