"""Before the vote: a candidate is heard, and marked on a delegate's own device until it is a ballot (意向)."""

import pytest
from playwright.sync_api import Page, expect

from ballots.acts import lifecycle
from projects.models import Poll, Project
from tests.helpers.factories import Stage, make_stage
from tests.helpers.steps import drafts, let_in, review, submit, ticked

RESTORED = "#restored .words"


@pytest.fixture
def early(live_server) -> Stage:
    """A rehearsal of twelve candidates and five delegates that has not begun."""
    return make_stage(delegates=5, open_it=False)


def wish(page: Page, *numbers: int) -> None:
    for number in numbers:
        page.locator(f"[data-wish='{number}']").click()


@pytest.fixture
def wishing(phone, live_server, early) -> Page:
    """The list of candidates before the vote, on which three are marked."""
    let_in(phone, live_server.url, early)
    phone.goto(f"{live_server.url}/projects/")
    wish(phone, 2, 5, 7)
    return phone


def test_what_was_wished_for_is_on_the_ballot_and_gone_once_it_is_cast(wishing, live_server, early):
    base, sent = live_server.url, []
    expect(wishing.locator("#wishes")).to_contain_text("您已标意向3项。")
    wishing.on("request", lambda request: sent.append((request.url, request.post_data)))
    wish(wishing, 5)
    wishing.goto(f"{base}/projects/7/")
    expect(wishing.get_by_role("button", name="★ 已标意向")).to_be_visible()
    wishing.goto(f"{base}/home/")
    expect(wishing.get_by_text("您已标意向2项，投票开始后会带入表决票。")).to_be_visible()
    assert {data for _url, data in sent} == {None}, "nothing of it is ever sent"
    assert not [url for url, _data in sent if "?" in url]

    lifecycle.open_poll(early.poll, by=early.office)
    wishing.reload()
    expect(wishing.get_by_text("您事先选好的2项会带入表决票，请核对、提交。")).to_be_visible()
    wishing.get_by_role("link", name="填写表决票").click()
    expect(wishing.locator(RESTORED)).to_have_text("已带入您事先选好的2项。")
    assert ticked(wishing) == [2, 7]
    review(wishing)
    submit(wishing)
    assert drafts(wishing) == 0


def test_a_wish_is_for_a_project_and_not_for_its_number(wishing, live_server, early):
    project = Project.objects.get(poll=early.poll, number=5)
    project.title = "另一个项目"
    project.save()
    lifecycle.open_poll(early.poll, by=early.office)

    wishing.goto(f"{live_server.url}/ballot/")

    expect(wishing.locator(RESTORED)).to_have_text(
        "已带入您事先选好的2项。另有1项名称或编号有变动，没有带入。"
    )
    assert ticked(wishing) == [2, 7]


def test_no_more_is_wished_for_than_a_ballot_takes_and_signing_out_forgets_it(wishing):
    wish(wishing, 1, 3, 4, 6, 8, 9, 10, 11)

    expect(wishing.locator("#wishes")).to_contain_text("最多10项")
    expect(wishing.locator("[data-wish='11']")).to_have_attribute("aria-pressed", "false")
    expect(wishing.locator("[aria-pressed=true][data-wish]")).to_have_count(10)
    wishing.get_by_role("button", name="退出").click()
    expect(wishing.get_by_role("heading", name="您已退出")).to_be_visible()
    assert drafts(wishing) == 0


def test_what_another_delegate_wished_for_on_the_device_is_neither_seen_nor_kept(
    wishing, live_server, early
):
    wishing.context.clear_cookies()
    let_in(wishing, live_server.url, early, 1)

    wishing.goto(f"{live_server.url}/projects/")

    expect(wishing.locator("#wishes")).to_contain_text("您可以先标出打算选择的项目。")
    assert drafts(wishing) == 0


def test_while_people_vote_a_page_of_a_project_chooses_it_on_the_ballot(phone, live_server, day):
    let_in(phone, live_server.url, day)
    phone.goto(f"{live_server.url}/projects/4/")
    phone.get_by_role("button", name="选这一项").click()
    expect(phone.get_by_role("button", name="已选这一项")).to_be_visible()

    phone.get_by_role("link", name="去填写表决票").click()

    expect(phone.locator(RESTORED)).to_have_text("已恢复您在本机上未提交的选择（1项）。")
    assert ticked(phone) == [4]


def test_a_ballot_on_each_project_is_wished_for_too(phone, live_server):
    held = make_stage(delegates=1, open_it=False, form=Poll.Form.EACH)
    let_in(phone, live_server.url, held)
    phone.goto(f"{live_server.url}/projects/")
    wish(phone, 3)
    lifecycle.open_poll(held.poll, by=held.office)

    phone.goto(f"{live_server.url}/ballot/")

    expect(phone.locator(RESTORED)).to_have_text("已带入您事先选好的1项。")
    expect(phone.locator("#for-3")).to_be_checked()


# A browser with a voice that speaks Chinese; Chromium has none here.
VOICE = """window.said = [];
Object.defineProperty(window, 'speechSynthesis', {value: {
    speaking: false,
    getVoices: () => [{lang: 'en-US'}, {lang: 'zh-CN', localService: true}],
    addEventListener() {},
    cancel() { this.speaking = false; },
    speak(words) { this.speaking = true; said.push(words.voice.lang + words.text); },
}});
window.SpeechSynthesisUtterance = function (text) { this.text = text; };"""


def test_a_candidate_is_read_aloud_where_the_browser_speaks_chinese(open_page, live_server, day):
    page = open_page()
    let_in(page, live_server.url, day)
    page.goto(f"{live_server.url}/projects/4/")
    expect(page.locator("#aloud")).to_be_hidden()

    page.add_init_script(VOICE)
    page.reload()
    page.get_by_role("button", name="朗读").click()
    page.get_by_role("button", name="停止朗读").click()

    expect(page.get_by_role("button", name="朗读", exact=True)).to_be_visible()
    [said] = page.evaluate("said")
    assert said.startswith("zh-CN4. 候选项目4。")
    assert "建设内容4。" in said
