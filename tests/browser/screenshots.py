"""The pictures of the README and of the handbook, taken anew by `make screenshots`; no test, so its name keeps it out.

They are taken of the real candidates, on a phone and at a desk, by the very fixtures of the tests.
"""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from playwright.sync_api import Page

from ballots.acts import hall, lifecycle, roll
from ballots.acts.paper import keying
from ballots.models import Delegate
from ballots.pure.keying import Read
from projects.candidate_table import parts_of
from projects.models import Poll
from projects.year.models import AdoptedTarget, TargetFigure, Year
from tests.helpers import papers
from tests.helpers.factories import Stage, make_office, make_stage, make_year, selection
from tests.helpers.steps import let_in, log_in, propose, review, submit, tick

FOLDER = Path(settings.BASE_DIR) / "docs" / "screenshots"
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 860}
HALL = {"width": 1920, "height": 1080}
# Pages of the office as the handbook shows them, in two columns where a page has two.
HANDBOOK = Path(settings.BASE_DIR) / "static" / "handbook"
PAGE = {"width": 1120, "height": 700}


def prepared() -> Stage:
    """Return a draft of the eight candidates of the 2024 report, with names to be read."""
    call_command("loaddata", "yiwu-2024", verbosity=0)
    listed = Poll.objects.get()
    stage = make_stage(delegates=20, candidates=0, open_it=False, year=2024, show_votes=True)
    listed.projects.update(poll=stage.poll)
    listed.delete()
    Delegate.objects.filter(pk=stage.delegates[0].pk).update(name="示例代表")
    roll.draw_up_roll(stage.poll, by=stage.office)
    named = {stage.office: "会务", stage.scrutineer: "监票人", stage.chief: "总监票人"}
    for user, office in named.items():
        User.objects.filter(pk=user.pk).update(last_name="示例", first_name=office)
    return stage


@pytest.fixture
def day(live_server: Any) -> Stage:
    """That draft, opened."""
    stage = prepared()
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


def test_take_the_pictures_of_the_handbook(new_context, live_server):
    base = live_server.url

    def desk_of(user: User) -> Page:
        desk = new_context(viewport=PAGE, locale="zh-CN").new_page()
        log_in(desk, base, user)
        return desk

    def keep(desk: Page, name: str) -> None:
        path = HANDBOOK / f"{name}.jpg"
        desk.screenshot(path=path, type="jpeg", quality=55, animations="disabled")

    def page_of_day(desk: Page, name: str, step: str = "") -> None:
        desk.goto(f"{base}/admin/ballots/pollday/{stage.poll.pk}/{step}")
        keep(desk, name)

    HANDBOOK.mkdir(exist_ok=True)
    nobody_yet = make_office()
    User.objects.filter(pk=nobody_yet.pk).update(last_name="示例", first_name="会务")
    keep(desk_of(nobody_yet), "start")
    User.objects.filter(pk=nobody_yet.pk).update(is_active=False)

    stage = prepared()
    office, scrutineer = desk_of(stage.office), desk_of(stage.scrutineer)
    page_of_day(office, "draft")
    page_of_day(office, "presence", "presence/")
    page_of_day(office, "open", "open/")
    stage.poll = lifecycle.open_poll(stage.poll, by=stage.office)
    for place in range(14):
        stage.cast(place, selection(*[n for n in range(1, 9) if (place * n) % 5 or n < 5]))
    hall.open_screen(stage.poll, by=stage.office)
    page_of_day(office, "voting")
    papers.issue(stage, *range(14, 20))
    stage.close()
    papers.count(stage, 6)
    keying.take_bundle(stage.poll, by=stage.office)
    read: dict[str, Any] = {"read": Read(selection(1, 3)), "by": stage.office}
    for place in (1, 2):
        keying.record_reading(stage.poll, bundle=1, place=place, **read)
    office.goto(f"{base}/admin/ballots/pollday/{stage.poll.pk}/key-paper/?bundle=1&place=3")
    office.keyboard.type("1 3 7")
    keep(office, "papers")
    other = make_office()
    keying.take_bundle(stage.poll, by=other)
    for reader in (stage.office, other):
        for place in range(1, 7):
            read["by"] = reader
            keying.record_reading(stage.poll, bundle=1, place=place, **read)
    papers.seal(stage)
    page_of_day(office, "box", "box/")
    stage.open_box()
    stage.count()
    page_of_day(scrutineer, "count", "confirm/")
    lifecycle.confirm_result(stage.poll, by=stage.chief)
    lifecycle.publish_result(stage.poll, by=stage.office, leave_open=True)
    page_of_day(office, "reveal", "reveal/")


def test_take_the_picture_of_a_year_for_the_handbook(new_context, live_server):
    stage = make_year()
    titles = ("新增公办学位9000个", "改造老旧小区12个", "新建口袋公园20个")
    figures = ((3000, 3000), (6, 5), (10, 4))
    for number, (title, (planned, done)) in enumerate(zip(titles, figures, strict=True), start=1):
        target = AdoptedTarget.objects.select_related("project").get(project__number=number)
        said = parts_of(title)
        AdoptedTarget.objects.filter(pk=target.pk).update(
            text=said.text, quantity=said.quantity, unit=said.unit
        )
        given: dict[str, Any] = {"target": target, "quarter": 2, "by": stage.office}
        TargetFigure.objects.create(planned=planned, done=done, **given)
    desk = new_context(viewport=PAGE, locale="zh-CN").new_page()
    log_in(desk, live_server.url, stage.office)
    desk.goto(f"{live_server.url}/admin/projects/year/{Year.objects.get().year}/")
    path = HANDBOOK / "year.jpg"
    desk.screenshot(path=path, type="jpeg", quality=55, animations="disabled")
