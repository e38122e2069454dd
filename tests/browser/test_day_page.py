"""The day's page at a desk in a real Chromium: while people vote all of it is on one screen."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from ballots.acts import lifecycle, roll
from ballots.models import Delegate, Delegation, PasswordTries
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
    # Somebody waits and somebody guesses: all that the system has to say is said.
    waits = {"failures": 5, "locked_until": timezone.now() + timedelta(minutes=1)}
    Delegate.objects.filter(pk=people[-1].pk).update(**waits)
    PasswordTries.objects.create(key="x", failures=3, last_at=timezone.now())
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


def test_a_share_is_checked_as_its_field_is_left_and_seen_only_while_its_button_is_held(
    open_page, live_server
):
    stage = make_stage()
    stage.close()
    page = open_page(viewport=DESK)
    log_in(page, live_server.url, stage.scrutineer)
    page.goto(live_server.url + at(stage.poll, "box"))
    first, second, third = (page.locator(f"[name=share_{place}]") for place in (1, 2, 3))
    said = page.locator("[role=status]")

    # As somebody types it: small letters, no hyphens, O for 0 and l for 1.
    first.fill(stage.shares[0].replace("-", " ").replace("0", "o").replace("1", "l").lower())
    wrong = "0" if stage.shares[1][-1] != "0" else "2"
    second.fill(stage.shares[1][:-1] + wrong)
    third.fill(stage.shares[0])
    page.locator("[name=declared]").focus()

    expect(said.nth(0)).to_have_text("格式正确 ✓")
    expect(said.nth(1)).to_have_text("这份密钥份额输入有误，请逐组核对。")
    expect(said.nth(2)).to_have_text("这份密钥份额已经输入，请输入另一份。")
    button = page.get_by_role("button", name="按住显示：第1份密钥份额")
    button.hover()
    page.mouse.down()
    assert first.get_attribute("type") == "text"
    page.mouse.up()
    assert first.get_attribute("type") == "password"
    # What this page cannot know it leaves to the server, which keeps what is right.
    page.locator("[name=declared]").check()
    page.locator("#content-main").get_by_role("button", name="开启票箱").click()
    expect(page.get_by_text("已核对，无须重新输入。")).to_have_count(1)
    expect(said.nth(0)).to_have_text("格式正确 ✓")
    assert second.input_value() == ""
