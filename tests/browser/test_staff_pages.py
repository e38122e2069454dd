"""What staff need on the day: the page of the day and the sheet of cards."""

import threading
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from ballots.acts import drafts, lifecycle
from ballots.admin.guard import qr_svg
from ballots.admin.register import card_sheets, cards
from projects.models import Poll
from tests.helpers.factories import make_delegates, make_poll, selection
from tests.helpers.judging import DESK, EVERYTHING, SCHEMES, violations
from tests.helpers.steps import let_in, log_in
from yiwu_vote import staff_session


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


ASK = """() => {
    const region = document.querySelector("[hx-get]");
    return htmx.ajax("GET", region.getAttribute("hx-get"), region).catch(() => {});
}"""


def ask_now(page: Page) -> None:
    """Let the page ask at once what it asks every ten seconds or every half minute."""
    page.evaluate(ASK)


@pytest.mark.parametrize("width", [1280, 820])
def test_the_page_of_the_day_is_accessible_and_silent(desk, live_server, day, width):
    # Open since half an hour, so that the curve has a shape.
    Poll.objects.filter(pk=day.poll.pk).update(opened_at=timezone.now() - timedelta(minutes=30))
    for place in range(3):
        day.cast(place, selection(1))
    desk.set_viewport_size(DESK | {"width": width})
    for scheme in SCHEMES:
        # Before the page is loaded: the admin's links take a moment to change their colour.
        desk.emulate_media(color_scheme=scheme)
        desk.goto(f"{live_server.url}/admin/ballots/pollday/{day.poll.pk}/")
        expect(desk.get_by_text("截止投票").first).to_be_visible()
        expect(desk.get_by_role("img", name="累计3人投票，共5人")).to_be_visible()
        desk.get_by_text("每分钟投票人数").click()

        assert violations(desk, EVERYTHING) == []
        assert desk.evaluate("document.documentElement.scrollWidth") == width


def test_the_figures_change_in_their_places_and_what_was_opened_stays_open(desk, live_server, day):
    desk.goto(f"{live_server.url}/admin/ballots/pollday/{day.poll.pk}/")
    desk.get_by_text("每分钟投票人数").click()
    pause = desk.get_by_role("link", name="暂停自动刷新")
    pause.focus()
    day.cast(0, selection(1))
    day.cast(1, selection(2))

    ask_now(desk)

    expect(desk.locator(".turnout strong")).to_have_text(["2", "40.0%"])
    cells = desk.locator("#turnout-by-delegation tr > *")
    expect(cells).to_have_text(["城区代表团", "5", "5", "2", "3", "40.0%"])
    expect(desk.locator("#turnout-by-minute tr").last).to_contain_text("2")
    expect(desk.locator("#turnout-by-minute")).to_be_visible()
    # Nothing of the answer lies about beside its place.
    expect(desk.get_by_text("城区代表团")).to_have_count(1)
    expect(desk.get_by_text("数据库正常")).to_have_count(1)
    expect(pause).to_be_focused()


def test_a_step_that_a_colleague_takes_brings_the_whole_page_anew(desk, live_server, day):
    desk.goto(f"{live_server.url}/admin/ballots/pollday/{day.poll.pk}/")
    lifecycle.pause_poll(day.poll, reason="停电", by=day.office)

    ask_now(desk)

    expect(desk.get_by_role("link", name="恢复投票", exact=True)).to_be_visible()


def test_paused_figures_stand_still_also_without_script(desk, open_page, live_server, day):
    address = f"{live_server.url}/admin/ballots/pollday/{day.poll.pk}/"
    plain = open_page(viewport=DESK, java_script_enabled=False)
    log_in(plain, live_server.url, day.office)
    for page in (desk, plain):
        page.goto(address)
        page.get_by_role("link", name="暂停自动刷新").click()

        expect(page.get_by_text("已暂停自动刷新。")).to_be_visible()
        expect(page.locator("[hx-get]")).to_have_count(0)

        page.get_by_role("link", name="恢复自动刷新").click()
        expect(page.get_by_role("link", name="暂停自动刷新")).to_be_visible()


@pytest.mark.parametrize("path", ["admin/ballots/pollday/{}/", "home/", "progress/"])
def test_a_page_says_that_it_cannot_be_brought_up_to_date_after_two_failures(
    desk, live_server, day, path
):
    if not path.startswith("admin"):
        let_in(desk, live_server.url, day)
    desk.goto(f"{live_server.url}/{path.format(day.poll.pk)}")
    note = desk.locator("[data-trouble]")

    desk.context.set_offline(True)
    ask_now(desk)
    expect(note).to_have_text("")
    ask_now(desk)
    expect(note).to_have_text("暂时无法更新，正在重试")
    assert violations(desk, EVERYTHING) == []
    desk.context.set_offline(False)
    ask_now(desk)

    expect(note).to_have_text("")


def test_the_sheet_of_cards_is_accessible_and_silent(desk, live_server):
    make_delegates(3)
    desk.goto(f"{live_server.url}/admin/ballots/delegate/issue/")
    assert grave(desk) == []

    desk.get_by_role("button", name="发卡并打印").click()

    expect(desk.locator(".card-code")).to_have_count(3)
    assert grave(desk) == []


def test_a_tap_marks_a_person_where_he_stands_and_the_page_stays(desk, live_server, day):
    day.poll = drafts.copy(day.poll, into="rehearsal", meeting="另一次会议", by=day.office)
    desk.set_viewport_size({"width": 390, "height": 600})
    desk.goto(f"{live_server.url}/admin/ballots/pollday/{day.poll.pk}/presence/")
    person = desk.locator("#n004")
    person.scroll_into_view_if_needed()
    top = person.bounding_box()["y"]

    person.click()

    expect(person).to_have_attribute("aria-pressed", "true")
    expect(person).to_be_focused()
    expect(desk.get_by_text("代表4（004）已记为到会。")).to_have_count(1)
    assert person.bounding_box()["height"] >= 48
    assert person.bounding_box()["y"] == top
    assert desk.evaluate("document.documentElement.scrollWidth") == 390
    desk.get_by_label("投票卡、代表证号或姓名").fill("代表2")
    expect(desk.locator(".board button.person:visible")).to_have_count(1)
    assert violations(desk, EVERYTHING) == []


def test_a_key_rules_and_the_next_proposal_is_up_where_the_last_one_was(desk, live_server, day):
    for place, title in enumerate(["新建老年食堂", "社区老年食堂", "夜间公交", "口袋公园"]):
        day.cast(place, selection(1, proposals=[title]))
    day.close()
    day.open_box()
    desk.goto(f"{live_server.url}/admin/ballots/pollday/{day.poll.pk}/canvass/")
    assert grave(desk) == []

    desk.keyboard.press("3")
    expect(desk.get_by_text("已处理 1/4")).to_be_visible()
    desk.keyboard.press("4")
    reason = desk.get_by_label("不予计票，理由：")
    expect(reason).to_be_focused()
    # Digits that are typed rule on nothing.
    reason.type("与第3项重复")
    expect(desk.get_by_text("已处理 1/4")).to_be_visible()
    reason.press("Enter")

    expect(desk.get_by_text("已处理 2/4")).to_be_in_viewport()
    expect(desk.get_by_role("status").filter(has_text="不予计票：与第3项重复")).to_be_in_viewport()
    assert day.poll.write_ins.filter(ruling="alone").count() == 1
    assert day.poll.write_ins.filter(ruling="refused").count() == 1
    assert grave(desk) == []


FILLED = """() => [...document.querySelectorAll("#content button, #content [type=submit]")]
    .filter(button => getComputedStyle(button).backgroundColor === "rgb(10, 87, 168)")
    .map(button => button.textContent || button.value)"""


@pytest.mark.parametrize("width", [360, 1280])
def test_the_canvass_fits_the_screen_and_has_its_chief_button_at_the_end(
    desk, live_server, day, width
):
    for place, title in enumerate(["A" * 30, "新建老年食堂" * 5, "夜间公交"]):
        day.cast(place, selection(1, proposals=[title]))
    day.close()
    day.open_box()
    desk.set_viewport_size({"width": width, "height": 740})
    desk.goto(f"{live_server.url}/admin/ballots/pollday/{day.poll.pk}/canvass/")

    assert desk.evaluate("document.documentElement.scrollWidth") == width
    # While proposals wait no ruling is nearer than another, and none is the chief one.
    assert desk.evaluate(FILLED) == []
    for button in desk.locator(".proposal button").all():
        assert button.bounding_box()["height"] >= 48
    assert desk.get_by_label("其他项目…").bounding_box()["width"] >= 150
    for title in desk.locator(".proposal h2").all():
        assert title.evaluate("it => it.scrollWidth <= it.clientWidth")
    desk.locator(".rest button").click()
    tick = desk.locator(".entries [type=checkbox]").first.bounding_box()
    assert min(tick["width"], tick["height"]) >= 20
    assert desk.evaluate(FILLED) == ["归并结束"]
    assert desk.evaluate("document.documentElement.scrollWidth") == width


def test_a_screen_left_alone_asks_for_the_password_and_no_browser_complains(
    desk, live_server, day, monkeypatch
):
    monkeypatch.setattr(staff_session, "REST", -1)

    desk.goto(f"{live_server.url}/admin/ballots/pollday/{day.poll.pk}/")

    expect(desk.get_by_text("民生实事项目票决管理")).to_be_visible()
    expect(desk.get_by_label("密码")).to_be_focused()
    assert violations(desk, EVERYTHING) == []


# What a form of the admin looks like: bars over its fields, buttons too low to hit or too narrow to read.
LOOKS = """() => ({
    bars: [...document.querySelectorAll(".fieldset-heading, .inline-heading")]
        .filter(head => getComputedStyle(head).backgroundColor !== "rgba(0, 0, 0, 0)").length,
    low: [...document.querySelectorAll(".submit-row input, .submit-row button, .submit-row a")]
        .filter(button => button.offsetHeight < 40 || button.offsetHeight > 60).length,
    ways: [...document.querySelectorAll(".breadcrumbs a")]
        .filter(link => link.offsetWidth).map(link => link.textContent),
    wide: document.documentElement.scrollWidth,
})"""


def test_forms_steps_first_page_and_handbook_can_be_used_on_a_phone(desk, live_server, day):
    desk.set_viewport_size({"width": 390, "height": 844})
    made, told = {"bars": 0, "low": 0, "wide": 390}, str(day.poll)
    draft = make_poll(candidates=1, kind=Poll.Kind.MAIN)
    pages = {
        "": [],
        "handbook/": ["首页"],
        f"projects/poll/{draft.pk}/change/": ["票决"],
        f"projects/project/{draft.projects.get().pk}/change/": ["候选项目"],
        f"ballots/pollday/{day.poll.pk}/screen/": [told],
        f"ballots/pollday/{day.poll.pk}/pause/": [told],
    }
    for path, way in pages.items():
        desk.goto(f"{live_server.url}/admin/{path}")

        assert desk.evaluate(LOOKS) == made | {"ways": way}, path
        # Forms that Django makes give no label to a cell of a table or a part of a moment.
        assert path.startswith("projects") or grave(desk) == [], path


def test_the_page_that_makes_many_cards_shows_how_far_it_has_come_until_they_stand_there(
    desk, live_server, day, monkeypatch
):
    def slowly(address: str) -> str:
        # Of 22 cards ten fill a page; the bar is looked at while the second is drawn.
        seen.wait(0 if len(drawn) < 15 else 20)
        drawn.append(address)
        return qr_svg(address)

    seen, drawn = threading.Event(), list[str]()
    monkeypatch.setattr(cards, "LONG_EACH", 20)
    monkeypatch.setattr(card_sheets, "qr_svg", slowly)
    make_delegates(22, delegation="第二代表团")
    desk.goto(f"{live_server.url}/admin/ballots/delegate/issue/")
    # A click would wait for the whole page.
    desk.get_by_role("button", name="发卡并打印").click(no_wait_after=True)

    expect(desk.get_by_text("33%", exact=True)).to_be_visible()
    expect(desk.get_by_text("不要关闭本页")).to_be_visible()
    seen.set()
    expect(desk.locator(".card")).to_have_count(22)
    expect(desk.locator(".moves")).to_be_hidden()
    assert grave(desk) == []
