"""The day's page at a desk in a real Chromium: while people vote all of it is on one screen."""

import pytest

from ballots.acts import lifecycle, roll
from ballots.models import Delegate, Delegation
from tests.helpers.desk import at
from tests.helpers.factories import Stage, make_stage, selection
from tests.helpers.steps import log_in

DESK = {"width": 1280, "height": 860}


@pytest.fixture
def city(live_server) -> Stage:
    """An open rehearsal of 350 delegates in twelve delegations, some of whom have voted."""
    stage = make_stage(delegates=350, open_it=False)
    homes = Delegation.objects.bulk_create(
        Delegation(name=f"第{place}街道和镇联合代表团", position=place) for place in range(12)
    )
    people = list(Delegate.objects.order_by("position"))
    for place, person in enumerate(people):
        person.delegation = homes[place % 12]
    Delegate.objects.bulk_update(people, ["delegation"])
    roll.draw_up_roll(stage.poll, by=stage.office)
    stage.poll = lifecycle.open_poll(stage.poll, by=stage.office)
    for place in range(1, 12):
        stage.cast(place, selection(1))
    return stage


def test_while_a_city_votes_the_whole_page_stands_on_one_screen(open_page, live_server, city):
    page = open_page(viewport=DESK)
    log_in(page, live_server.url, city.office)
    page.goto(live_server.url + at(city.poll))

    size = page.evaluate(
        "[document.documentElement.scrollHeight, document.documentElement.scrollWidth]"
    )
    assert size[0] <= DESK["height"]
    assert size[1] <= DESK["width"]
    # The turnout is larger than whatever else can be read.
    sizes = page.evaluate(
        """() => {
            const size = (element) => parseFloat(getComputedStyle(element).fontSize);
            const all = [...document.querySelectorAll("#content *")];
            const largest = all.reduce((one, other) => size(other) > size(one) ? other : one);
            return [largest.textContent.trim(), size(largest)];
        }"""
    )
    assert sizes[0] == "11"
    # Of those who have all still to vote one delegation stands first.
    assert "第0街道" in page.locator("#turnout-by-delegation tr").first.inner_text()
