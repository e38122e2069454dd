"""A ballot that is not finished: kept on the device of the delegate who made it, and nowhere else."""

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from ballots.models import Session
from ballots.sessions import CARD_KEY, HOLDER_KEY
from tests.helpers.steps import (
    drafts,
    open_ballot,
    propose,
    review,
    sign_in,
    submit,
    tick,
    ticked,
    titles,
    type_code,
)

RESTORED = "#restored"


@pytest.fixture
def filling(phone, live_server, day) -> Page:
    """The phone of the first delegate, with three ticks and a proposal on the ballot."""
    open_ballot(phone, live_server.url, day)
    tick(phone, 1, 4, 9)
    propose(phone, "新建停车场")
    return phone


def see_restored(page: Page) -> None:
    expect(page.locator(RESTORED)).to_contain_text("已恢复您在本机上未提交的选择（4项）。")
    assert ticked(page) == [1, 4, 9]
    assert titles(page) == ["新建停车场"]
    expect(page.locator("#count")).to_contain_text("4/10")


def test_a_draft_survives_a_reload(filling):
    expect(filling.locator(RESTORED)).to_be_hidden()

    filling.reload()

    see_restored(filling)


def test_a_restored_draft_can_be_cleared_for_good(filling):
    filling.reload()

    filling.locator(RESTORED).get_by_role("button", name="清空").click()

    expect(filling.locator(RESTORED)).to_be_hidden()
    assert (ticked(filling), titles(filling), drafts(filling)) == ([], [], 0)


def test_a_draft_survives_a_session_that_expired_before_the_review(filling, day):
    Session.objects.all().delete()

    filling.get_by_role("button", name="下一步：核对").click()

    expect(
        filling.get_by_text(
            "登录已过期。您填写的仍保存在本机。请重新扫描投票卡，进入后首页会显示您是否已提交表决票。"
        )
    ).to_be_visible()
    type_code(filling, day, 0)
    expect(filling.get_by_text("您有未提交的表决票，已选4项。")).to_be_visible()
    filling.get_by_role("link", name="继续填写").click()
    see_restored(filling)


def test_a_draft_survives_a_session_that_expired_before_the_submission(filling, live_server, day):
    review(filling)
    Session.objects.all().delete()

    filling.get_by_role("button", name="提交表决票").click()

    expect(filling.get_by_text("登录已过期。")).to_be_visible()
    type_code(filling, day, 0)
    expect(filling.get_by_text("表决票尚未提交，请重新提交。")).to_be_visible()
    filling.get_by_role("link", name="继续填写").click()
    see_restored(filling)
    assert day.poll.envelopes.count() == 0


def test_another_delegate_on_the_same_device_sees_nothing_of_a_draft(filling, live_server, day):
    Session.objects.all().delete()

    sign_in(filling, live_server.url, day, 1)

    expect(filling.locator("[data-draft]")).to_be_hidden()
    expect(filling.get_by_role("link", name="继续填写")).to_have_count(0)
    filling.get_by_role("link", name="填写表决票").first.click()
    expect(filling.locator("#count")).to_contain_text("0/10")
    expect(filling.locator(RESTORED)).to_be_hidden()
    assert (ticked(filling), titles(filling)) == ([], [])
    # It is gone from the device too, and not only from sight.
    assert drafts(filling) == 0


def test_nothing_of_a_draft_is_left_after_the_submission(filling):
    assert drafts(filling) == 1

    review(filling)
    submit(filling)

    assert drafts(filling) == 0


def test_nothing_of_a_draft_is_left_after_signing_out(filling, live_server, day):
    filling.get_by_role("button", name="退出").click()
    expect(filling.get_by_role("heading", name="您已退出")).to_be_visible()

    assert drafts(filling) == 0
    open_ballot(filling, live_server.url, day)
    assert (ticked(filling), titles(filling)) == ([], [])


def test_choices_are_in_no_cookie_no_address_and_no_session_before_the_submission(filling, day):
    addresses = []
    filling.on("request", lambda request: addresses.append(request.url))
    review(filling)
    filling.get_by_role("button", name="返回修改").first.click()
    expect(filling.get_by_role("heading", name="填写表决票")).to_be_visible()

    [stored] = Session.objects.all()
    held = {cookie["name"]: cookie["value"] for cookie in filling.context.cookies()}

    assert held.keys() == {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME}
    assert held[settings.SESSION_COOKIE_NAME] == stored.session_key
    assert len(held[settings.CSRF_COOKIE_NAME]) == 32
    assert stored.get_decoded() == {CARD_KEY: day.card(0).pk, HOLDER_KEY: day.card(0).delegate_id}
    assert not [address for address in addresses if "?" in address or "#" in address]
