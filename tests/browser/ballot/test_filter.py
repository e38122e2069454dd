"""类别 and 只看已选: what a delegate sees of a list beyond twelve, and that no choice is hidden in silence."""

import pytest
from playwright.sync_api import Page, expect

from ballots.acts import lifecycle
from tests.helpers.factories import Stage, dress, make_stage
from tests.helpers.judging import SMALL
from tests.helpers.steps import drafts, open_ballot, propose, review, row, tick, ticked

HIDING = "#hiding"
SHOWN = ".row:not([hidden])[data-category]"


def held(**columns) -> Stage:
    """An open poll of thirteen: one to six are 教育, the rest 交通出行."""
    day = make_stage(open_it=False, candidates=13, **columns)
    dress(day)
    day.poll = lifecycle.open_poll(day.poll, by=day.office)
    return day


@pytest.fixture
def ballot(phone, live_server) -> Page:
    open_ballot(phone, live_server.url, held())
    return phone


def shown(page: Page) -> list[int]:
    """The numbers of the candidates that can be seen."""
    cards = page.locator(SHOWN).all()
    return [int((card.get_attribute("id") or "").removeprefix("item-")) for card in cards]


def test_a_category_is_shown_alone_and_what_is_chosen_elsewhere_is_said(ballot):
    assert ballot.locator("#category option").all_inner_texts() == ["全部", "教育", "交通出行"]
    tick(ballot, 2, 8, 9)
    expect(ballot.locator(HIDING)).to_be_hidden()

    ballot.get_by_label("类别").select_option("教育")

    assert shown(ballot) == [1, 2, 3, 4, 5, 6]
    said = "另有2项已选项目未显示。"
    expect(ballot.locator(f"{HIDING} .words")).to_have_text(said)
    expect(ballot.locator("#live")).to_have_text(said)
    expect(ballot.locator("#count")).to_contain_text("3/10")

    ballot.get_by_role("button", name="显示全部").click()

    assert shown(ballot) == list(range(1, 14))
    expect(ballot.locator(HIDING)).to_be_hidden()
    expect(ballot.get_by_label("只看已选")).to_be_focused()
    expect(ballot.get_by_label("类别")).to_have_value("")


def test_an_unticked_row_stays_to_be_ticked_again_until_the_filter_is_applied_again(ballot):
    tick(ballot, 2, 8)
    ballot.get_by_label("只看已选").check()
    assert shown(ballot) == [2, 8]
    note = ballot.locator("#item-2 .dropped")
    expect(note).to_be_hidden()

    row(ballot, 2).click()

    assert shown(ballot) == [2, 8]
    expect(note).to_have_text("已取消，可重新勾选")
    expect(note).to_be_visible()
    row(ballot, 2).click()
    expect(note).to_be_hidden()
    row(ballot, 2).click()
    ballot.get_by_label("类别").select_option("教育")
    assert shown(ballot) == []
    said = "没有符合条件的项目。另有1项已选项目未显示。"
    expect(ballot.locator(f"{HIDING} .words")).to_have_text(said)
    ballot.get_by_label("类别").select_option("")
    assert shown(ballot) == [8]
    ballot.get_by_label("只看已选").uncheck()
    assert ballot.locator(".dropped:visible").count() == 0


def test_nothing_chosen_says_so_and_leads_back(ballot):
    ballot.get_by_label("只看已选").check()

    expect(ballot.locator(f"{HIDING} .words")).to_have_text("没有符合条件的项目。")
    ballot.get_by_role("button", name="显示全部").click()
    assert shown(ballot) == list(range(1, 14))


def test_clearing_under_the_filter_keeps_every_row_and_says_what_is_so(ballot):
    tick(ballot, 2, 3, 8)
    ballot.get_by_label("类别").select_option("教育")
    ballot.get_by_label("只看已选").check()

    ballot.get_by_role("button", name="清空已选").click()

    assert shown(ballot) == [2, 3]
    assert ballot.locator(".dropped:visible").count() == 2
    expect(ballot.locator(HIDING)).to_be_hidden()
    ballot.get_by_role("button", name="撤销清空").click()
    assert ticked(ballot) == [2, 3, 8]
    expect(ballot.locator(f"{HIDING} .words")).to_have_text("另有1项已选项目未显示。")


def test_what_the_filter_hides_is_submitted_and_kept_all_the_same(ballot):
    tick(ballot, 2, 8)
    propose(ballot, "新建停车场")
    ballot.get_by_label("类别").select_option("教育")
    assert drafts(ballot) == 1

    review(ballot)

    expect(ballot.get_by_text("您共选择3项：候选项目2项，推荐项目1项。")).to_be_visible()
    # The fields of the filter are sent nowhere.
    ballot.get_by_role("button", name="返回修改").first.click()
    expect(ballot.get_by_label("类别")).to_have_value("")
    assert ticked(ballot) == [2, 8]


def test_of_votes_on_each_the_filter_shows_those_for_and_against(phone, live_server):
    open_ballot(phone, live_server.url, held(form="each"))
    phone.locator("label[for=for-2]").click()
    phone.locator("label[for=against-8]").click()

    phone.get_by_label("只看已选").check()

    assert shown(phone) == [2, 8]
    phone.locator("label[for=abstain-8]").click()
    assert shown(phone) == [2, 8]
    expect(phone.locator("#item-8 .dropped")).to_have_text("已改为弃权，可重新选择")
    phone.get_by_label("类别").select_option("交通出行")
    expect(phone.locator(f"{HIDING} .words")).to_contain_text("另有1项已选项目未显示。")


def test_one_category_is_nothing_to_choose_between(phone, live_server):
    open_ballot(phone, live_server.url, make_stage(candidates=13))

    expect(phone.locator("#category")).to_be_hidden()
    expect(phone.get_by_label("只看已选")).to_be_visible()


def test_the_filter_is_one_row_at_every_size(open_page, live_server):
    page = open_page(viewport=SMALL)
    open_ballot(page, live_server.url, held())
    for size in ("m", "l", "xl"):
        page.evaluate("size => { document.documentElement.dataset.size = size }", size)
        boxes = [page.locator(part).bounding_box() for part in ("#category", ".only")]
        first, second = (box["y"] + box["height"] / 2 for box in boxes if box)
        assert abs(first - second) < 4, size
        assert page.locator("#category").evaluate("select => select.offsetWidth") >= 80
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, size


def test_without_script_links_lead_to_the_categories(plain, live_server):
    open_ballot(plain, live_server.url, held())

    expect(plain.locator("#filter")).to_be_hidden()
    plain.get_by_role("navigation", name="按类别查看").get_by_role("link", name="交通出行").click()
    expect(plain.locator("#item-7")).to_be_in_viewport()


def test_with_script_there_are_no_such_links(ballot):
    expect(ballot.get_by_role("navigation", name="按类别查看")).to_have_count(0)
