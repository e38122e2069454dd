"""The result of a 满意度测评 in a real browser: on the smallest phone, on a desk, and in English."""

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from tests.helpers.figures import make_judged
from tests.helpers.judging import COLOURS, EVERYTHING, SCHEMES, violations


@pytest.mark.parametrize("votes", [True, False], ids=["votes", "grades"])
def test_the_result_fits_a_phone_in_the_largest_text_and_breaks_no_rule(
    open_page, live_server, votes
):
    poll = make_judged(10, show_votes=votes)
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
