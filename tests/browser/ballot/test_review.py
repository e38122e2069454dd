"""The review: the one look at a ballot before it is submitted."""

import pytest
from playwright.sync_api import Page, expect

from tests.helpers.steps import open_ballot, propose, ready, review, tick, ticked, titles


@pytest.fixture
def reviewing(phone, live_server, day) -> Page:
    """The review of three candidates and a proposal."""
    open_ballot(phone, live_server.url, day)
    tick(phone, 2, 5, 7)
    propose(phone, "新建停车场")
    review(phone)
    return phone


def listed(page: Page) -> list[str]:
    return [name.inner_text() for name in page.locator(".chosen bdi").all()]


def test_one_item_can_be_cancelled_and_taken_back(reviewing):
    everything = ["2. 候选项目2", "5. 候选项目5", "7. 候选项目7", "新建停车场"]
    assert listed(reviewing) == everything
    expect(reviewing.get_by_role("heading", name="请核对，再提交")).to_be_focused()

    reviewing.get_by_role("button", name="取消第5项 5. 候选项目5").click()

    expect(reviewing.get_by_text("已取消第5项。")).to_be_visible()
    assert listed(reviewing) == ["2. 候选项目2", "7. 候选项目7", "新建停车场"]
    expect(reviewing.get_by_text("您共选择3项：候选项目2项，推荐项目1项。")).to_be_visible()
    undo = reviewing.get_by_role("button", name="撤销")
    expect(undo).to_be_focused()

    undo.click()

    expect(reviewing.get_by_text("您共选择4项：候选项目3项，推荐项目1项。")).to_be_visible()
    assert listed(reviewing) == everything


def test_a_cancelled_item_stays_cancelled_after_a_reload(reviewing):
    reviewing.get_by_role("button", name="取消推荐项目1 新建停车场").click()
    expect(reviewing.get_by_text("已取消推荐项目1。")).to_be_visible()
    ready(reviewing)

    # Asks for the ballot and its draft, instead of asking whether to send the form again.
    reviewing.reload()

    expect(reviewing.locator("#restored")).to_contain_text("（3项）")
    assert (ticked(reviewing), titles(reviewing)) == ([2, 5, 7], [])


def test_going_back_to_change_something_loses_nothing(reviewing):
    reviewing.get_by_role("button", name="返回修改").first.click()

    expect(reviewing.get_by_role("heading", name="填写表决票")).to_be_focused()
    assert (ticked(reviewing), titles(reviewing)) == ([2, 5, 7], ["新建停车场"])
    expect(reviewing.locator("#restored")).to_be_hidden()
