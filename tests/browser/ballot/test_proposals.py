"""推荐新项目: blocks that come and go, how much may be typed, and how many."""

import pytest
from playwright.sync_api import Page, expect

from ballots.pure.rules import TITLE_LIMIT
from tests.helpers.steps import open_ballot, propose, review, tick, titles


@pytest.fixture
def ballot(phone, live_server, day) -> Page:
    open_ballot(phone, live_server.url, day)
    return phone


def legends(page: Page) -> list[str]:
    return [legend.inner_text() for legend in page.locator(".proposal legend").all()]


def test_a_proposal_is_added_removed_and_taken_back_with_its_text(ballot):
    expect(ballot.locator(".proposal")).to_have_count(0)
    first = propose(ballot, "新建停车场")
    first.get_by_label("建议责任单位（选填）").fill("市建设局")
    propose(ballot, "老旧小区加装电梯")
    assert legends(ballot) == ["推荐项目1", "推荐项目2"]
    expect(ballot.locator("#count")).to_contain_text("2/10")

    first.get_by_role("button", name="删除本项").click()

    expect(ballot.get_by_text("已删除推荐项目1。")).to_be_visible()
    assert (legends(ballot), titles(ballot)) == (["推荐项目1"], ["老旧小区加装电梯"])
    expect(ballot.locator("#count")).to_contain_text("1/10")
    undo = ballot.locator(".undone").get_by_role("button", name="撤销")
    expect(undo).to_be_focused()

    undo.click()

    assert titles(ballot) == ["新建停车场", "老旧小区加装电梯"]
    assert legends(ballot) == ["推荐项目1", "推荐项目2"]
    back = ballot.locator(".proposal").first
    expect(back.get_by_label("项目名称（必填）")).to_be_focused()
    expect(back.get_by_label("建议责任单位（选填）")).to_have_value("市建设局")


def test_a_removed_proposal_is_not_submitted(ballot):
    propose(ballot, "新建停车场").get_by_role("button", name="删除本项").click()
    propose(ballot, "老旧小区加装电梯")

    review(ballot)

    expect(ballot.locator(".chosen li")).to_have_count(1)
    expect(ballot.locator(".chosen li")).to_contain_text("老旧小区加装电梯")


def test_the_characters_left_are_shown_and_said_and_too_many_come_back(ballot):
    block = propose(ballot, "")
    title = block.get_by_label("项目名称（必填）")
    left = block.locator(".left").first
    expect(left).to_have_text(f"还可输入{TITLE_LIMIT}字")
    # 𠮷 is one character and two units of UTF-16.
    title.fill("𠮷" * 20)
    expect(left).to_have_text("还可输入10字")
    expect(ballot.locator("#live")).to_have_text("还可输入10字")
    # Case 44: what was pasted along unseen does not count, as it does not for the server.
    title.fill("停\u200b车\ufe0f场\u3164" + "\U000e0041" * 30)
    expect(left).to_have_text("还可输入27字")

    title.fill("路" * 33)

    expect(left).to_have_text("已超出3字")
    expect(ballot.locator("#live")).to_have_text("已超出3字")
    ballot.get_by_role("button", name="下一步：核对").click()
    summary = ballot.locator(".problems")
    expect(summary).to_be_focused()
    summary.get_by_role("link", name="推荐项目1的名称超过30字，请缩短").click()
    expect(ballot.locator("#proposal-0-title")).to_be_focused()
    expect(ballot.locator("#proposal-0-title")).to_have_attribute("aria-invalid", "true")
    expect(ballot.locator("#proposal-0-title")).to_have_value("路" * 33)


def test_no_more_proposals_are_offered_than_the_poll_takes(ballot):
    add = ballot.get_by_role("button", name="推荐一个新项目")
    for place in range(3):
        expect(add).to_be_visible()
        propose(ballot, f"新建停车场{place}")

    expect(add).to_be_hidden()
    ballot.locator(".proposal").last.get_by_role("button", name="删除本项").click()
    expect(add).to_be_visible()


def test_a_full_ballot_offers_no_proposal_and_a_proposal_takes_a_place(ballot):
    propose(ballot, "新建停车场")
    tick(ballot, *range(1, 10))
    expect(ballot.locator("#count")).to_contain_text("10/10")
    expect(ballot.get_by_role("button", name="推荐一个新项目")).to_be_hidden()

    tick(ballot, 10)

    expect(ballot.locator("#project-10")).not_to_be_checked()
    expect(ballot.locator("#alert")).to_have_text("最多选10项。如需改选，请先取消一项。")
