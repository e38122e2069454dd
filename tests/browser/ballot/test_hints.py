"""A proposal that is like a candidate: said once the name is typed, and never in the way."""

import pytest
from playwright.sync_api import Page, expect

from ballots.acts import lifecycle
from ballots.pure import similar
from tests.helpers.factories import Stage, make_project, make_stage
from tests.helpers.judging import EVERYTHING, SMALL, SMALL_TARGETS, violations
from tests.helpers.steps import drafts, open_ballot, propose, review, submit, tick, ticked, titles

LIKE = "城区新增停车泊位一批"
HINT = "与候选项目第3项“城区新增公共停车泊位3000个”相近。"


def held(**columns) -> Stage:
    day = make_stage(open_it=False, candidates=2, **columns)
    make_project(day.poll, 3, title="城区新增公共停车泊位3000个")
    day.poll = lifecycle.open_poll(day.poll, by=day.office)
    return day


@pytest.fixture
def ballot(phone, live_server) -> Page:
    open_ballot(phone, live_server.url, held())
    return phone


def propose_alike(page: Page) -> None:
    propose(page, LIKE).get_by_label("主要内容和目标（选填）").fill("缓解停车难。")
    expect(page.locator(".alike")).to_contain_text(HINT)


def test_what_a_name_is_like_is_said_without_asking_anybody(ballot):
    asked = []
    ballot.on("request", lambda request: asked.append(request.url))
    tick(ballot, 1)

    propose_alike(ballot)

    expect(ballot.locator("#live")).to_contain_text(HINT)
    expect(ballot.locator("[name=instead]")).to_have_attribute("value", "0-3")
    assert not asked


NAMES = [
    "停车",
    "建设工程",
    "城区新增公共停车泊位3000个",
    "城区新增公共停车泊位３０００个",
    "農村 公路 ABC",
    "abc路",
    "老年食堂",
    "改造老旧小区和老年食堂",
    "ＡＢＣ路・提升",
    "食",
    "𠮷𠮷小区",
    "—…。",
]
TITLES = [
    "农村公路ABC路",
    "老旧小区改造",
    "老年食堂",
    "老年食堂提升",
    "𠮷𠮷",
    "建设",
    "食",
    "公共停车",
]


def test_script_finds_the_same_as_the_server(phone, live_server):
    day = make_stage(open_it=False, candidates=0)
    for number, title in enumerate(TITLES, start=1):
        make_project(day.poll, number, title=title)
    day.poll = lifecycle.open_poll(day.poll, by=day.office)
    open_ballot(phone, live_server.url, day)
    field = propose(phone, "甲乙").get_by_label("项目名称（必填）")
    known = dict(enumerate(TITLES, start=1))

    found = {}
    for name in NAMES:
        field.fill(name)
        field.dispatch_event("change")
        buttons = phone.locator(".alike [name=instead]").all()
        found[name] = [int(str(button.get_attribute("value")).split("-")[1]) for button in buttons]

    wanted = {name: [hint.key for hint in similar.nearest(name, known)] for name in NAMES}
    assert found == wanted
    assert {0, 1, 3} <= set(map(len, wanted.values()))


def test_a_name_like_none_gets_no_hint_and_a_hint_goes_with_its_name(ballot):
    propose_alike(ballot)

    title = ballot.get_by_label("项目名称（必填）")
    title.fill("社区老年食堂")
    title.blur()

    expect(ballot.locator(".alike")).to_have_count(0)


def test_the_candidate_takes_the_place_of_the_proposal_and_that_can_be_taken_back(ballot):
    tick(ballot, 1)
    propose_alike(ballot)

    ballot.get_by_role("button", name="改选第3项").click()

    expect(ballot.get_by_text("已改选第3项，删除了相近的推荐项目。")).to_be_visible()
    assert (ticked(ballot), titles(ballot)) == ([1, 3], [])
    undo = ballot.get_by_role("button", name="撤销", exact=True)
    expect(undo).to_be_focused()
    assert violations(ballot, EVERYTHING) == []
    undo.click()
    expect(ballot.get_by_text("已改选第3项")).to_have_count(0)
    assert (ticked(ballot), titles(ballot)) == ([1], [LIKE])
    expect(ballot.get_by_label("主要内容和目标（选填）")).to_have_value("缓解停车难。")
    assert drafts(ballot) == 1


def test_who_recommends_all_the_same_goes_on_and_is_not_asked_again(ballot):
    propose_alike(ballot)

    ballot.get_by_role("button", name="仍然推荐").click()

    expect(ballot.locator(".alike")).to_be_hidden()
    expect(ballot.get_by_label("主要内容和目标（选填）")).to_be_focused()
    review(ballot)
    expect(ballot.locator(".alike")).to_have_count(0)
    assert submit(ballot)


def test_a_hint_that_was_seen_stops_nobody(ballot):
    propose_alike(ballot)

    review(ballot)

    expect(ballot.locator(".chosen")).to_contain_text(LIKE)
    expect(ballot.locator(".alike")).to_have_count(0)


def test_a_hint_counts_as_no_proposal_of_its_own(ballot):
    propose_alike(ballot)
    for name in ("项目名称（必填）", "主要内容和目标（选填）"):
        ballot.get_by_label(name).fill("")

    expect(ballot.locator("#count")).to_contain_text("0/")


def test_without_script_the_review_page_asks(plain, live_server):
    open_ballot(plain, live_server.url, held())
    tick(plain, 1)
    plain.get_by_label("项目名称（必填）").first.fill(LIKE)
    review(plain)
    expect(plain.locator(".alike")).to_contain_text(HINT)

    plain.get_by_role("button", name="仍然推荐").click()
    expect(plain.locator(".alike")).to_have_count(0)
    expect(plain.locator(".chosen")).to_contain_text(LIKE)

    plain.get_by_role("button", name="返回修改").first.click()
    review(plain)
    expect(plain.locator(".alike")).to_have_count(0)


def test_without_script_the_candidate_takes_the_place_of_the_proposal(plain, live_server):
    open_ballot(plain, live_server.url, held(form="each"))
    plain.get_by_label("项目名称（必填）").first.fill(LIKE)
    review(plain)

    plain.get_by_role("button", name="改选第3项").click()

    expect(plain.get_by_text("已改为赞成第3项，删除了相近的推荐项目。")).to_be_visible()
    expect(plain.locator("#for-3")).to_be_checked()
    review(plain)
    expect(plain.get_by_text("您赞成1项，反对0项，弃权2项。")).to_be_visible()


def test_a_full_ballot_says_that_there_is_no_room_and_loses_nothing(phone, live_server):
    open_ballot(phone, live_server.url, held(places=2, proposals="advisory"))
    tick(phone, 1, 2)
    propose_alike(phone)

    phone.get_by_role("button", name="改选第3项").click()

    full = phone.get_by_text("已选满2项，没有改选。如需选第3项，请先取消一项。")
    expect(full).to_be_focused()
    assert (ticked(phone), titles(phone)) == ([1, 2], [LIKE])


def test_a_ballot_without_a_deadline_loads_no_htmx(phone, live_server):
    open_ballot(phone, live_server.url, held())

    assert phone.evaluate("'htmx' in window") is False
    assert "hx-" not in phone.content()


def test_the_hint_looks_well_on_the_smallest_phone(open_page, live_server):
    page = open_page(viewport=SMALL, reduced_motion="reduce")
    open_ballot(page, live_server.url, held())
    propose_alike(page)
    for where in ("ballot", "review"):
        for size in ("m", "xl"):
            page.evaluate("size => { document.documentElement.dataset.size = size }", size)
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, (where, size)
            assert page.evaluate(SMALL_TARGETS) == [], (where, size)
            assert violations(page, EVERYTHING) == [], (where, size)
        if where == "ballot":
            page.evaluate("document.querySelectorAll('[name=anyway]').forEach(x => x.remove())")
            review(page)
            expect(page.locator(".alike")).to_contain_text(HINT)
