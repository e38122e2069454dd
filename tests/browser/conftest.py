"""The day of a vote and the browsers that look at it; no page may complain in the console."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.helpers.factories import Stage, make_stage
from tests.helpers.judging import PHONE, listen

Open = Callable[..., Page]


@pytest.fixture
def day(live_server) -> Stage:
    """An open rehearsal of twelve candidates and five delegates, and a server that shows it."""
    return make_stage(delegates=5)


@pytest.fixture
def open_page(new_context) -> Iterator[Open]:
    """Open a page of a device of its own; at the end no page may have complained."""
    complaints: list[str] = []

    def open_page(**options: Any) -> Page:
        page = new_context(**({"viewport": PHONE, "locale": "zh-CN"} | options)).new_page()
        listen(page, complaints)
        return page

    yield open_page
    assert complaints == []


@pytest.fixture(scope="session")
def handset(browser) -> Iterator[Page]:
    """The one device behind `phone`: a browser that starts anew for each test takes half its time."""
    context = browser.new_context(viewport=PHONE, locale="zh-CN")
    yield context.new_page()
    context.close()


@pytest.fixture
def phone(handset, live_server) -> Iterator[Page]:
    """A delegate's phone, on which nothing is left of an earlier test.

    What cannot be taken off it again, such as a clock or a script that runs first, is for `open_page`.
    """
    complaints: list[str] = []
    hear, fail = listen(handset, complaints)
    handset.context.set_offline(False)
    handset.unroute_all()
    # Of this site, and asks no database.
    handset.goto(f"{live_server.url}/static/site.css")
    handset.context.clear_cookies()
    handset.evaluate("localStorage.clear()")
    yield handset
    handset.remove_listener("console", hear)
    handset.remove_listener("pageerror", fail)
    for page in handset.context.pages:
        if page is not handset:
            page.close()
    assert complaints == []


@pytest.fixture
def plain(open_page) -> Page:
    """A phone that runs no script."""
    return open_page(java_script_enabled=False)
