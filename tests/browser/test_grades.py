"""The result of a 满意度测评 in a real browser: on a phone, on a desk, and on the hall's screen."""

from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Page, expect

from ballots.acts import hall
from projects.models import Poll
from tests.browser.test_screen import HALL, LAPTOP, LONG, OUTSIDE, OVER, SMALLEST
from tests.helpers.factories import make_office
from tests.helpers.figures import graded, make_counted
from tests.helpers.judging import COLOURS, EVERYTHING, SCHEMES, violations

TITLES = ("城乡公交一体化改造提升", "老旧小区综合改造提升与配套停车设施建设工程", LONG[:40])
VOTES = [((301, 40, 5, 4), "good"), ((160, 150, 30, 10), "fair"), ((40, 60, 200, 50), "poor")]


def judged(count: int, *, is_revealed: bool = True, **columns: Any) -> Poll:
    """Return a published 满意度测评 of so many projects by 350 delegates, with a screen."""
    rows = [
        graded(str(n), f"{TITLES[n % 3]}{n}", *VOTES[n % 3], base=350) for n in range(1, count + 1)
    ]
    given: dict[str, Any] = {
        "form": Poll.Form.GRADES,
        "delegates_total": 350,
        "phase": Poll.Phase.PUBLISHED,
    }
    poll = make_counted(*rows, **(given | columns))
    hall.open_screen(poll, by=make_office())
    if is_revealed:
        Poll.objects.filter(pk=poll.pk).update(revealed_at=timezone.now())
    poll.refresh_from_db()
    return poll


@pytest.mark.parametrize("votes", [True, False], ids=["votes", "grades"])
def test_the_result_fits_a_phone_in_the_largest_text_and_breaks_no_rule(
    open_page, live_server, votes
):
    poll = judged(10, show_votes=votes)
    page: Page = open_page()
    page.goto(f"{live_server.url}/results/?poll={poll.pk}")
    for width, size in [(360, "m"), (320, "xl"), (768, "xl"), (900, "xl"), (1280, "m")]:
        page.set_viewport_size({"width": width, "height": 740})
        page.evaluate("size => { document.documentElement.dataset.size = size }", size)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.add_cookies(
        [{"name": settings.LANGUAGE_COOKIE_NAME, "value": "en", "url": live_server.url}]
    )
    page.set_viewport_size({"width": 360, "height": 740})
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.context.clear_cookies()
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        page.reload()
        assert violations(page, EVERYTHING if scheme == "light" else COLOURS) == [], scheme


@pytest.mark.parametrize("votes", [True, False], ids=["votes", "grades"])
@pytest.mark.parametrize("size", [HALL, LAPTOP], ids=["1920", "1366"])
def test_the_grades_fit_the_screen_and_are_large_enough(open_page, live_server, size, votes):
    poll = judged(15, show_votes=votes)
    page: Page = open_page(viewport=size)
    page.goto(f"{live_server.url}/screen/{poll.screen_key}/")

    for place in range(2):
        assert page.evaluate(OUTSIDE) == []
        assert page.evaluate(OVER) == []
        assert page.evaluate(SMALLEST) >= min(0.028 * size["height"], 0.0162 * size["width"])
        expect(page.locator(".sheet:visible li")).to_have_count(8 - place)
        page.keyboard.press("ArrowRight")
    assert violations(page, EVERYTHING) == []


def test_the_screen_has_nothing_but_its_heading_until_all_is_revealed_in_one_step(
    open_page, live_server
):
    poll = judged(3, is_revealed=False)
    page: Page = open_page(viewport=HALL)
    page.goto(f"{live_server.url}/screen/{poll.screen_key}/")
    expect(page.locator("#stage")).to_contain_text("满意度测评结果")
    assert "城乡" not in page.content()

    hall.reveal_all(poll, by=make_office())

    expect(page.locator(".sheet:visible li")).to_have_count(3)
