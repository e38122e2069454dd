"""From a tie at place ten to the printed announcement, in a real Chromium: a run-off decides."""

from io import BytesIO

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from projects.models import Poll
from tests.helpers.factories import Stage, make_ready, make_stage
from tests.helpers.reading import unspaced
from tests.helpers.steps import log_in, review, sign_in, step, submit, tick

# One to nine are on every ballot; 10 and 11 are on as many ballots as each other.
FIRST = [[*range(1, 10), 10 + place % 2] for place in range(4)]
SECOND = [[11], [11], [10]]


@pytest.fixture
def day(live_server) -> Stage:
    """An open rehearsal of twelve candidates for ten places and four delegates."""
    return make_stage(delegates=4, majority="none")


def vote(phone: Page, base: str, day: Stage, ballots: list[list[int]]) -> None:
    for place, numbers in enumerate(ballots):
        phone.context.clear_cookies()
        sign_in(phone, base, day, place)
        phone.get_by_role("link", name="填写表决票").first.click()
        tick(phone, *numbers)
        review(phone)
        submit(phone)


def count(office: Page, scrutineer: Page, address: str, day: Stage, voted: int) -> None:
    """Close the poll at `address`, open its box, count it and let the scrutineer confirm."""
    announced = ["announced"] if voted < len(day.delegates) else []
    step(office, f"{address}close/", "截止投票", *announced, figure=str(voted))
    shares = {f"share_{place}": text for place, text in enumerate(day.shares[:3], start=1)}
    step(scrutineer, f"{address}box/", "开启票箱", "declared", **shares)
    # Nobody proposed anything: the count comes next.
    step(office, f"{address}count/", "计票")
    step(scrutineer, f"{address}confirm/", "确认无误")


def press(page: Page, name: str) -> None:
    page.locator("#content-main").get_by_role("button", name=name).click()


def test_a_tie_at_place_ten_goes_through_a_run_off_to_the_announcement(
    phone, open_page, live_server, day
):
    base = live_server.url
    admin = f"{base}/admin/ballots/pollday/"
    first = f"{admin}{day.poll.pk}/"
    office, scrutineer = open_page(), open_page()
    log_in(office, base, day.office)
    log_in(scrutineer, base, day.scrutineer)

    vote(phone, base, day, FIRST)
    count(office, scrutineer, first, day, voted=4)
    office.goto(f"{first}publish/")
    expect(office.get_by_text("第10名得票相同，尚未处理。")).to_be_visible()
    office.get_by_role("link", name="发起再次票决").click()
    press(office, "再次票决")
    expect(office.get_by_text("已发起再次票决。")).to_be_visible()

    # The ceremony of the key and the reporting at the door have tests of their own.
    draft = Poll.objects.get(parent=day.poll)
    again = make_ready(day, draft)
    second = f"{admin}{draft.pk}/"
    step(office, f"{second}open/", "开始投票")
    vote(phone, base, again, SECOND)
    count(office, scrutineer, second, again, voted=3)
    step(office, f"{second}publish/", "公布结果", "at_once", figure="1")

    step(office, f"{first}publish/", "公布结果", figure="10")
    phone.goto(f"{base}/results/?poll={day.poll.pk}")
    expect(phone.get_by_text("结果尚未公布")).to_be_visible()
    office.goto(f"{first}reveal/")
    for shown in range(10):
        expect(office.get_by_text(f"已揭晓{shown}/10项")).to_be_visible()
        press(office, "揭晓下一项")
    expect(office.get_by_text("结果已全部揭晓")).to_be_visible()
    phone.goto(f"{base}/results/?poll={day.poll.pk}")
    expect(phone.get_by_role("listitem").filter(has_text="再次票决通过")).to_contain_text(
        "候选项目11"
    )

    office.goto(f"{first}notice/")
    pdf = PdfReader(BytesIO(office.pdf(prefer_css_page_size=True)))
    notice = unspaced("".join(page.extract_text() for page in pdf.pages))
    assert "公告" in notice
    listed = [
        unspaced(f"{place}.候选项目{number}（第{number}项）")
        for place, number in enumerate([*range(1, 10), 11], 1)
    ]
    assert "".join(listed[:9]) in notice
    assert f"{listed[9]}现予公告" in notice
