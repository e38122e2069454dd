"""The pictures of the README, taken anew by `make screenshots`; no test, so its name keeps it out.

They are taken of the real candidates, on a phone and at a desk, by the very fixtures of the tests.
"""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from playwright.sync_api import Page

from ballots.acts import hall, lifecycle
from ballots.models import Delegate
from projects.models import Poll
from tests.helpers.factories import Stage, make_stage, selection
from tests.helpers.steps import let_in, log_in, propose, review, submit, tick

FOLDER = Path(settings.BASE_DIR) / "docs" / "screenshots"
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 860}
HALL = {"width": 1920, "height": 1080}


@pytest.fixture
def day(live_server: Any) -> Stage:
    """An open poll on the eight candidates of the 2024 report, with names to be read."""
    call_command("loaddata", "yiwu-2024", verbosity=0)
    listed = Poll.objects.get()
    stage = make_stage(delegates=20, candidates=0, open_it=False, year=2024, show_votes=True)
    listed.projects.update(poll=stage.poll)
    listed.delete()
    Delegate.objects.filter(pk=stage.delegates[0].pk).update(name="示例代表")
    stage.poll = lifecycle.open_poll(stage.poll, by=stage.office)
    return stage


def picture(page: Page, name: str, **options: Any) -> None:
    FOLDER.mkdir(exist_ok=True)
    page.screenshot(path=FOLDER / f"{name}.png", animations="disabled", **options)


def test_take_the_pictures(day, new_context, live_server):
    phone = new_context(viewport=PHONE, locale="zh-CN").new_page()
    base = live_server.url
    phone.goto(base)
    picture(phone, "sign-in")
    let_in(phone, base, day)
    phone.goto(f"{base}/ballot/")
    tick(phone, 1, 2, 3, 5, 6, 7, 8)
    phone.evaluate("scrollTo(0, 0)")
    picture(phone, "ballot")
    propose(phone, "新建城区公共停车位1000个")
    review(phone)
    picture(phone, "review")
    submit(phone)
    picture(phone, "receipt")

    for place in range(1, 19):
        day.cast(place, selection(*[n for n in range(1, 9) if (place * n) % 5 or n < 5]))
    screen = new_context(viewport=HALL).new_page()
    address = f"{base}/screen/{hall.open_screen(day.poll, by=day.office).screen_key}/"
    screen.goto(address)
    picture(screen, "screen-open", scale="css")

    desk = new_context(viewport=DESK, locale="zh-CN").new_page()
    log_in(desk, base, day.office)
    desk.goto(f"{base}/admin/ballots/pollday/{day.poll.pk}/")
    picture(desk, "day")
    day.close()
    day.open_box()
    day.count()
    desk.goto(f"{base}/admin/ballots/pollday/{day.poll.pk}/")
    lifecycle.confirm_result(day.poll, by=day.chief)
    lifecycle.publish_result(day.poll, by=day.office, leave_open=True, at_once=True)
    screen.goto(address)
    picture(screen, "screen-result", scale="css")
    phone.goto(f"{base}/results/")
    picture(phone, "results")
