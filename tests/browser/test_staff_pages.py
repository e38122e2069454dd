"""What staff need on the day: the page of the day and the sheet of cards."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import log_in
from tests.browser.test_every_page import EVERYTHING, violations
from tests.factories import make_delegates

DESK = {"width": 1280, "height": 900}


@pytest.fixture
def desk(open_page, live_server, day) -> Page:
    """A computer at which the secretariat has logged in."""
    page = open_page(viewport=DESK)
    log_in(page, live_server.url, day.office)
    return page


def grave(page: Page) -> list[str]:
    return [
        found for found in violations(page, EVERYTHING) if found.startswith(("serious", "crit"))
    ]


def test_the_page_of_the_day_is_accessible_and_silent(desk, live_server, day):
    desk.goto(f"{live_server.url}/admin/ballots/pollday/{day.poll.pk}/")
    expect(desk.get_by_role("heading", level=1)).to_be_visible()
    expect(desk.get_by_text("截止投票").first).to_be_visible()

    assert grave(desk) == []


def test_the_sheet_of_cards_is_accessible_and_silent(desk, live_server):
    make_delegates(3)
    desk.goto(f"{live_server.url}/admin/ballots/delegate/issue/")
    assert grave(desk) == []

    desk.get_by_role("button", name="发卡并打印").click()

    expect(desk.locator(".card-code")).to_have_count(3)
    assert grave(desk) == []
