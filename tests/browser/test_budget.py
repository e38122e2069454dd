"""What the page of the ballot weighs, asks for and moves, with twenty candidates (design §10.6)."""

import gzip

import pytest
from playwright.sync_api import Page, Response, Route

from ballots.acts import lifecycle
from tests.helpers.factories import Stage, dress, make_stage
from tests.helpers.machine import ROOT
from tests.helpers.steps import open_ballot, propose, ready, tick

STATIC = ROOT / "static"
SCREENS = [(320, 568), (360, 740), (820, 1180)]
KIB = 1024
SHIFTS = """
    window.shifts = [];
    new PerformanceObserver(list => {
        for (const entry of list.getEntries()) {
            shifts.push([entry.value, ...entry.sources.map(source => (source.node || {}).outerHTML)]);
        }
    }).observe({type: 'layout-shift', buffered: true});
"""


@pytest.fixture
def twenty(live_server) -> Stage:
    day = make_stage(open_it=False, delegates=2, candidates=20)
    dress(day)
    day.poll = lifecycle.open_poll(day.poll, by=day.office)
    return day


def weights(page: Page, base: str, day: Stage) -> dict[str, int]:
    """Load the ballot; return the size of each answer in bytes, gzipped, by its address."""
    found: dict[str, int] = {}

    def weigh(response: Response) -> None:
        if not response.url.startswith("data:"):
            found[response.url] = len(gzip.compress(response.body(), 9, mtime=0))

    page.on("response", weigh)
    open_ballot(page, base, day)
    ready(page)
    propose(page, "新建停车场").get_by_label("建议责任单位（选填）").fill("市建设局")
    page.wait_for_load_state("networkidle")
    page.remove_listener("response", weigh)
    return found


@pytest.mark.parametrize("shared", [False, True], ids=["own device", "shared tablet"])
def test_the_ballot_is_small(open_page, live_server, twenty, shared):
    # A device of its own, which has nothing of the site in its cache.
    phone = open_page()
    if shared:
        phone.context.add_cookies([{"name": "tablet", "value": "1", "url": live_server.url}])

    found = weights(phone, live_server.url, twenty)

    scripts = {url: size for url, size in found.items() if url.endswith(".js")}
    own = sum(size for url, size in scripts.items() if "django_htmx" not in url)
    styles = sum(size for url, size in found.items() if url.endswith(".css"))
    assert all(url.startswith(f"{live_server.url}/") for url in found)
    assert 0 < own <= 6 * KIB, scripts
    assert 0 < styles <= 12 * KIB
    assert 10 * KIB < sum(found.values()) <= 60 * KIB, found


# The marks of grades are those of `each`, of which one screen is enough.
@pytest.mark.parametrize(
    ("form", "width", "height"),
    [
        *((form, *screen) for form in ("choose", "each") for screen in SCREENS),
        ("grades", 360, 740),
    ],
)
@pytest.mark.parametrize("size", ["m", "xl"])
def test_nothing_moves_while_the_page_loads_or_a_candidate_is_chosen(
    open_page, live_server, form, width, height, size
):
    day = make_stage(open_it=False, delegates=2, candidates=20, form=form)
    dress(day)
    day.poll = lifecycle.open_poll(day.poll, by=day.office)
    page = open_page(viewport={"width": width, "height": height})
    page.context.add_cookies([{"name": "size", "value": size, "url": live_server.url}])
    page.add_init_script(SHIFTS)
    page.route("**/*.js", come_late)

    open_ballot(page, live_server.url, day)
    page.wait_for_load_state("load")
    page.wait_for_timeout(100)
    assert page.evaluate("shifts") == []
    page.evaluate("scrollTo(0, document.querySelector('#item-3').offsetTop)")
    page.wait_for_timeout(50)
    page.evaluate("shifts.length = 0")
    if form == "choose":
        tick(page, 3, 4, 3)
    else:
        first, *_others, last = day.poll.marking.marks
        for mark in (f"{first.value}-3", f"{first.value}-4", f"{last.value}-3"):
            page.locator(f"label[for={mark}]").click()
    page.wait_for_timeout(400)
    assert page.evaluate("shifts") == []


def come_late(route: Route) -> None:
    """Let a page be painted before its script arrives, as a slow network does."""
    route.request.frame.page.wait_for_timeout(300)
    route.continue_()
