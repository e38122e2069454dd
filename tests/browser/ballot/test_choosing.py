"""Choosing candidates: the count, the limit, and what is wrong with a ballot."""

from playwright.sync_api import Page, expect

from tests.helpers.steps import open_ballot, review, row, tick, ticked

SUMMARY = ".problems"


def test_the_eleventh_tick_does_not_take_and_says_why(phone, live_server, day):
    open_ballot(phone, live_server.url, day)
    tick(phone, *range(1, 11))

    tick(phone, 11)

    why = "最多选10项。如需改选，请先取消一项。"
    assert ticked(phone) == list(range(1, 11))
    expect(phone.locator("#alert")).to_have_text(why)
    expect(phone.locator(".bar #refused")).to_have_text(why)
    expect(phone.locator(".bar #refused")).to_be_visible()
    expect(phone.locator("#count")).to_contain_text("10/10")
    expect(phone.locator("#project-11")).to_be_enabled()
    # One fewer makes room, and takes the refusal back.
    tick(phone, 3)
    expect(phone.locator("#refused")).to_be_hidden()
    expect(phone.locator("#alert")).to_be_empty()
    tick(phone, 11)
    assert ticked(phone) == [1, 2, 4, 5, 6, 7, 8, 9, 10, 11]


def test_every_change_is_said_in_one_sentence(phone, live_server, day):
    open_ballot(phone, live_server.url, day)
    live = phone.locator("#live")
    expect(live).to_be_empty()

    for act, number, said in [
        ("tick", 3, "已选第3项。已选1项，还可选9项。"),
        ("tick", 7, "已选第7项。已选2项，还可选8项。"),
        ("untick", 3, "已取消第3项。已选1项，还可选9项。"),
    ]:
        row(phone, number).click()
        expect(live, act).to_have_text(said)
    tick(phone, *(number for number in range(1, 11) if number != 7))
    expect(live).to_have_text("已选第10项。已选10项，已选满。")
    expect(phone.locator("#count")).to_contain_text("已选 10/10 选满")
    expect(phone.locator("#count .dots")).to_have_text("●" * 10)
    tick(phone, 4)
    expect(phone.locator("#count")).not_to_contain_text("选满")
    expect(phone.locator("#count .dots")).to_have_text("●" * 9 + "○")


def test_clearing_the_ballot_can_be_undone(phone, live_server, day):
    open_ballot(phone, live_server.url, day)
    tick(phone, 2, 5)

    phone.get_by_role("button", name="清空已选").click()
    assert ticked(phone) == []
    expect(phone.locator("#live")).to_have_text("已清空2项。")
    undo = phone.get_by_role("button", name="撤销清空")
    expect(undo).to_be_focused()

    undo.click()
    assert ticked(phone) == [2, 5]


def see_summary(page: Page, said: str, field: str) -> None:
    """Check that the page starts at its error summary, and that its line leads to the field."""
    expect(page).to_have_title("错误：填写表决票 - 民生实事项目票决")
    expect(page.locator(SUMMARY)).to_be_focused()
    expect(page.locator(f"#{field}-problem")).to_have_text(said)
    page.locator(SUMMARY).get_by_role("link", name=said, exact=True).click()
    expect(page.locator(f"#{field}")).to_be_focused()
    expect(page.locator(f"#{field}")).to_be_in_viewport()


def test_a_ballot_of_no_choice_is_asked_whether_it_abstains(phone, live_server, day):
    open_ballot(phone, live_server.url, day)

    phone.get_by_role("button", name="下一步：核对").click()

    see_summary(phone, "您还没有选择项目，请勾选项目。", "candidates")
    phone.locator(SUMMARY).get_by_role("link", name="确需弃权的，请在页末确认弃权。").click()
    expect(phone.locator("#abstain")).to_be_focused()
    phone.keyboard.press("Space")
    review(phone)
    expect(phone.get_by_text("您确认弃权，不选择任何项目。")).to_be_visible()


def test_abstaining_and_choosing_at_once_is_refused_and_loses_nothing(phone, live_server, day):
    open_ballot(phone, live_server.url, day)
    expect(phone.locator("label[for=abstain]")).to_be_hidden()
    phone.get_by_role("button", name="下一步：核对").click()
    phone.locator("label[for=abstain]").click()
    tick(phone, 4, 8)

    phone.get_by_role("button", name="下一步：核对").click()

    see_summary(phone, "您勾选了弃权，又选择了项目，请只保留其中一种。", "abstain")
    expect(phone.locator("#abstain")).to_be_checked()
    assert ticked(phone) == [4, 8]


def test_too_many_ticks_without_script_come_back_with_what_to_cancel(plain, live_server, day):
    open_ballot(plain, live_server.url, day)
    tick(plain, *range(1, 13))

    plain.get_by_role("button", name="下一步：核对").click()

    see_summary(plain, "您选了12项，最多选10项，请取消2项", "candidates")
    assert ticked(plain) == list(range(1, 13))
    tick(plain, 1, 2)
    review(plain)
    expect(plain.get_by_text("您共选择10项")).to_be_visible()
