"""The deadline in Chromium: it passes and is moved while somebody fills in a ballot."""

from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import expect

from ballots.acts import amending
from tests.helpers.factories import Stage, set_closing_time
from tests.helpers.steps import let_in, open_ballot, review, tick, ticked

TIME_IS_UP = "表决时间已到，等待主持人宣布截止"


def let_the_time_run_out(day: Stage) -> None:
    set_closing_time(day.poll, timezone.now() - timedelta(seconds=1))


def extend(day: Stage) -> None:
    amending.move_deadline(
        day.poll,
        closes_at=timezone.now() + timedelta(minutes=3),
        reason="讨论延长",
        by=day.office,
        second=day.scrutineer,
    )


def test_a_ballot_follows_the_deadline_and_keeps_every_tick(phone, live_server, day):
    """Case 31."""
    set_closing_time(day.poll, timezone.now() + timedelta(hours=1))
    open_ballot(phone, live_server.url, day)
    tick(phone, 2, 5)
    deadline = phone.locator("#deadline")

    let_the_time_run_out(day)
    # The same as every half minute: a phone that is back on the network asks at once.
    phone.evaluate("dispatchEvent(new Event('online'))")
    expect(deadline).to_contain_text(TIME_IS_UP)
    expect(phone.locator("#live")).to_contain_text(TIME_IS_UP)
    extend(day)
    phone.evaluate("dispatchEvent(new Event('online'))")
    expect(deadline).to_contain_text("距截止还有3分钟，请尽快提交。")
    assert ticked(phone) == [2, 5]


def test_whoever_is_far_down_the_ballot_is_told_in_its_foot_that_time_is_up(
    phone, live_server, day
):
    """Case 31."""
    set_closing_time(day.poll, timezone.now() + timedelta(hours=1))
    open_ballot(phone, live_server.url, day)
    tick(phone, 2, 5)
    phone.evaluate("scrollTo(0, document.body.scrollHeight)")
    submit, count, said = (phone.locator(part) for part in ("#submit", "#count", "#live"))
    colour = "button => getComputedStyle(button).backgroundColor"
    filled = submit.evaluate(colour)

    let_the_time_run_out(day)
    # The answer comes while the script still waits to say what was ticked.
    tick(phone, 5)
    phone.evaluate("dispatchEvent(new Event('online'))")
    expect(phone.locator("#up")).to_contain_text(TIME_IS_UP)
    phone.wait_for_timeout(400)

    expect(phone.locator("#up")).to_be_in_viewport()
    expect(said).to_contain_text(TIME_IS_UP)
    expect(count).to_be_hidden()
    assert submit.evaluate(colour) != filled
    assert ticked(phone) == [2]

    extend(day)
    phone.evaluate("dispatchEvent(new Event('online'))")
    expect(phone.locator("#up")).to_be_hidden()
    expect(count).to_be_visible()
    phone.wait_for_timeout(200)
    assert submit.evaluate(colour) == filled


def test_a_submission_past_the_deadline_is_kept_and_goes_in_once_it_is_moved(
    phone, live_server, day
):
    """Case 31."""
    set_closing_time(day.poll, timezone.now() + timedelta(hours=1))
    open_ballot(phone, live_server.url, day)
    tick(phone, 2)
    review(phone)
    let_the_time_run_out(day)
    phone.evaluate("dispatchEvent(new Event('online'))")
    expect(phone.locator("#up")).to_contain_text(TIME_IS_UP)
    with phone.expect_response("**/ballot/cast/"):
        phone.get_by_role("button", name="提交表决票").click()
    expect(phone.get_by_role("alert").first).to_contain_text(TIME_IS_UP)

    extend(day)
    phone.get_by_role("button", name="提交表决票").click()

    expect(phone.locator("#receipt-code")).to_be_visible()


def test_without_script_home_and_ballot_say_that_time_is_up(open_page, live_server, day):
    """Case 31."""
    set_closing_time(day.poll, timezone.now() + timedelta(hours=1))
    page = open_page(java_script_enabled=False)
    let_in(page, live_server.url, day)
    let_the_time_run_out(day)

    page.goto(f"{live_server.url}/home/")
    expect(page.get_by_text(f"{TIME_IS_UP}。")).to_be_visible()
    extend(day)
    page.reload()

    expect(page.get_by_text("投票正在进行。")).to_be_visible()
    expect(page.get_by_text(TIME_IS_UP)).to_have_count(0)
