"""Every page of a delegate, as it looks: one tour from the sign-in to the result, judged at each stop.

The tour is made once and the tests ask of what it saw: 标准 and 特大, light and dark.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from django.core.management import call_command
from playwright.sync_api import Page, expect

from ballots.acts import lifecycle, roll
from ballots.acts.year import adopting, opinions
from ballots.facts import turnout
from ballots.models import Delegate
from projects.year.models import Year
from tests.helpers.factories import (
    Stage,
    dress,
    make_opinion,
    make_poll,
    make_project,
    make_stage,
    make_year,
    publish_count,
    report,
    selection,
    stage_beside,
)
from tests.helpers.judging import (
    COLOURS,
    DESK,
    EVERYTHING,
    PHONE,
    SCHEMES,
    SMALL,
    SMALL_TARGETS,
    listen,
    violations,
)
from tests.helpers.steps import let_in, propose, review, submit, tick


@dataclass
class Tour:
    """What was seen: complaints by where they were seen, none of them where all is well."""

    stops: list[str] = field(default_factory=list)
    violations: dict[str, list[str]] = field(default_factory=dict)
    sideways: dict[str, int] = field(default_factory=dict)
    small_targets: dict[str, list[str]] = field(default_factory=dict)
    console: list[str] = field(default_factory=list)

    def look(self, page: Page, stop: str, viewport: dict[str, int] = PHONE) -> None:
        """Judge the page that is shown, at both sizes of text and in both schemes."""
        self.stops.append(stop)
        self.judge(page, f"{stop}, 标准", "m", viewport)
        self.judge(page, f"{stop}, 特大", "xl", SMALL if viewport is PHONE else viewport)

    def judge(self, page: Page, where: str, size: str, viewport: dict[str, int]) -> None:
        page.set_viewport_size({"width": viewport["width"], "height": viewport["height"]})
        page.evaluate("size => { document.documentElement.dataset.size = size }", size)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            options = EVERYTHING if scheme == "light" else COLOURS
            if found := violations(page, options):
                self.violations[f"{where}, {scheme}"] = found
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > viewport["width"]:
            self.sideways[where] = wide
        if small := page.evaluate(SMALL_TARGETS):
            self.small_targets[where] = small


@pytest.fixture(scope="module")
def tour(browser, live_server, django_db_setup, django_db_blocker) -> Iterator[Tour]:
    with django_db_blocker.unblock():
        context = browser.new_context(viewport=PHONE, locale="zh-CN", reduced_motion="reduce")
        try:
            yield travel(context.new_page(), live_server.url)
        finally:
            context.close()
            call_command("flush", interactive=False, verbosity=0)


def travel(page: Page, base: str) -> Tour:
    tour = Tour()
    listen(page, tour.console)
    # Of another meeting, whose delegates are not of this one.
    last = make_year()
    Delegate.objects.update(status=Delegate.Status.ENDED)
    day = make_stage(
        open_it=False,
        delegates=5,
        places=2,
        majority="valid",
        show_votes=True,
        opening_words="坚持尽力而为、量力而行，提出以下候选项目。",
    )
    dress(day)
    day.poll = lifecycle.open_poll(day.poll, by=day.office)
    see_the_way_in(tour, page, base, day)
    let_in(page, base, day)
    see_the_vote(tour, page, base)
    see_the_recommendations(tour, page, base)
    see_two_votes(tour, page, base, day)
    see_the_outcome(tour, page, base, day)
    see_the_year(tour, page, base, day, last)
    return tour


def see_the_way_in(tour: Tour, page: Page, base: str, day: Stage) -> None:
    page.goto(base)
    tour.look(page, "sign-in")
    page.get_by_label("投票码").fill("1234")
    page.get_by_role("button", name="进入").click()
    expect(page.locator(".problems")).to_be_visible()
    tour.look(page, "sign-in refused")
    page.goto(f"{base}/k/{day.issued[0].token}/")
    tour.look(page, "card")
    page.get_by_role("button", name="不是本人").click()
    tour.look(page, "card of another")
    page.goto(f"{base}/k/no-such-card/")
    tour.look(page, "bad card")
    page.goto(f"{base}/nowhere/")
    tour.look(page, "not found")
    page.goto(f"{base}/board/?poll={day.poll.pk}")
    tour.look(page, "board before the close")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("button", name="简体中文")).to_be_visible()
    tour.look(page, "board in English")
    page.goto(f"{base}/board/")
    tour.look(page, "board after the close, in English")
    page.get_by_role("button", name="简体中文").click()
    page.goto(f"{base}/tablet/")
    tour.look(page, "shared tablet")


def see_the_vote(tour: Tour, page: Page, base: str) -> None:
    page.goto(f"{base}/home/")
    for summary in page.locator("summary").all():
        summary.click()
    tour.look(page, "home")
    page.goto(f"{base}/projects/")
    tour.look(page, "list")
    page.goto(f"{base}/projects/2/")
    tour.look(page, "detail")
    page.goto(f"{base}/projects/sample/")
    tour.look(page, "sample of the ballot")

    page.goto(f"{base}/ballot/")
    tick(page, 2)
    propose(page, "新建停车场")
    page.locator(".row summary").first.click()
    tick(page, 3)
    expect(page.locator("#refused")).to_be_visible()
    tour.look(page, "ballot")
    page.locator("#proposal-0-title").fill("路" * 33)
    page.get_by_role("button", name="下一步：核对").click()
    expect(page.locator(".problems")).to_be_visible()
    tour.look(page, "ballot with a problem")
    page.locator("#proposal-0-title").fill("新建停车场")
    page.locator("#proposal-0-detail").fill("在老城区新建公共停车场，缓解停车难。")
    page.locator("#proposal-0-unit").fill("市建设局")
    review(page)
    page.get_by_role("button", name="取消第2项").click()
    expect(page.get_by_text("已取消第2项。")).to_be_visible()
    tour.look(page, "review")
    submit(page)
    tour.look(page, "receipt")
    page.context.add_cookies([{"name": "tablet", "value": "1", "url": base}])
    page.reload()
    expect(page.get_by_text("秒后自动退出")).to_be_visible()
    tour.look(page, "receipt on a shared tablet")
    page.context.clear_cookies(name="tablet")
    page.goto(f"{base}/progress/")
    tour.look(page, "progress")
    page.goto(f"{base}/ballot/")
    tour.look(page, "already voted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(turnout, "turnout_of", None)
        page.goto(f"{base}/progress/")
    expect(page.get_by_role("heading", name="系统出现错误")).to_be_visible()
    tour.look(page, "error of the server")


def see_the_recommendations(tour: Tour, page: Page, base: str) -> None:
    poll = make_poll(candidates=0, collecting=True)
    make_project(poll, 7, title="农村义务教育学校学生午休躺睡条件改善和校园环境提升工程")
    page.goto(f"{base}/home/")
    tour.look(page, "home while another poll collects")
    page.get_by_role("link", name="推荐项目").click()
    tour.look(page, "recommend")
    page.get_by_role("button", name="提交推荐").click()
    expect(page.locator(".problems")).to_be_visible()
    tour.look(page, "recommend with a problem")
    page.get_by_label("项目名称（必填）").fill("学校学生午休躺睡条件改善")
    page.get_by_role("button", name="提交推荐").click()
    expect(page.get_by_text("与候选项目第7项")).to_be_visible()
    tour.look(page, "recommend with a hint")
    page.get_by_role("button", name="仍然推荐").click()
    expect(page.get_by_text("推荐已提交")).to_be_visible()
    tour.look(page, "recommended")


def see_two_votes(tour: Tour, page: Page, base: str, day: Stage) -> None:
    """Beside the vote in which he has voted there is one more, and one that has not begun."""
    second = stage_beside(day, places=2)
    third = make_poll(kind=day.poll.kind, year=2027)
    roll.draw_up_roll(third, by=day.office)
    page.goto(f"{base}/home/")
    expect(page.get_by_text("还有1项表决等您投票。")).to_be_visible()
    tour.look(page, "home with two votes")
    page.goto(f"{base}/home/?poll={day.poll.pk}")
    tour.look(page, "home of a vote beside another")
    page.goto(f"{base}/receipt/?poll={day.poll.pk}")
    expect(page.get_by_role("link", name="填写这一项表决票")).to_be_visible()
    tour.look(page, "receipt before another vote")
    third.roll.all().delete()
    lifecycle.void_poll(second.poll, reason="停电", by=day.office, second=day.scrutineer)


def see_the_outcome(tour: Tour, page: Page, base: str, day: Stage) -> None:
    for place in (1, 2, 3):
        day.cast(place, selection(1, 2))
    day.close()
    page.goto(f"{base}/board/?code=F636-PR72-12S3-117N")
    tour.look(page, "board after the close")
    publish_count(day)
    page.goto(f"{base}/home/")
    tour.look(page, "home at the end")
    page.goto(f"{base}/results/")
    expect(page.locator(".results")).to_be_visible()
    tour.look(page, "results")
    tour.look(page, "results on a desk", DESK)
    page.get_by_role("button", name="退出").click()
    tour.look(page, "signed out")


def see_the_year(tour: Tour, page: Page, base: str, day: Stage, stage: Stage) -> None:
    year = Year.objects.get()
    for quarter, done in ((1, 1), (2, 1), (3, 2)):
        report(stage, quarter, quarter, done)
    report(stage, 3, 2, 2, number=2)
    made = make_opinion(stage)
    opinions.answer(made, text="月底完成主体工程。", by=stage.office)
    adopting.set_switches(year, is_public=True, takes_opinions=True, by=stage.office)
    page.goto(f"{base}/year/2026/")
    tour.look(page, "year for anybody")
    let_in(page, base, day)
    page.goto(f"{base}/year/2026/")
    tour.look(page, "year")
    page.get_by_role("link", name="1. 候选项目1").click()
    tour.look(page, "project of the year")
    tour.look(page, "project of the year on a desk", DESK)
    page.get_by_role("link", name="督办意见").click()
    page.get_by_role("button", name="提交督办意见").click()
    expect(page.locator(".problems")).to_be_visible()
    tour.look(page, "opinions with a problem")
    page.get_by_label("督办意见（必填）").fill("请说明进度落后的原因。")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_label("Supervision remark")).to_have_value("请说明进度落后的原因。")
    tour.look(page, "opinions in English")
    page.get_by_role("button", name="简体中文").click()
    page.get_by_role("button", name="提交督办意见").click()
    expect(page.get_by_text("督办意见已提交")).to_be_visible()
    tour.look(page, "opinions")
    page.goto(f"{base}/year/2026/opinions/")
    tour.look(page, "own opinions")


def test_no_page_breaks_a_rule_of_accessibility(tour):
    assert tour.violations == {}


def test_no_page_scrolls_sideways_on_the_smallest_phone_in_the_largest_text(tour):
    assert tour.sideways == {}


def test_every_target_is_large_enough_for_a_finger(tour):
    assert tour.small_targets == {}


def test_no_page_says_anything_in_the_console(tour):
    assert tour.console == []
