"""What an office does with a roll whose zeros were lost, up to the opening, in a real Chromium."""

import csv
import io

import pytest
from playwright.sync_api import Page, expect

from ballots.acts import ceremony
from ballots.journal import Kind
from ballots.models import Delegate, JournalEntry
from projects.models import Poll
from tests.helpers.factories import make_office, make_poll, make_scrutineer
from tests.helpers.judging import DESK
from tests.helpers.steps import log_in, step

SIZE = 350
HEADER = ["代表证号", "姓名", "代表团", "座位"]
SURNAMES = "赵钱孙李周吴郑王冯陈"


def table(*, width: int, names: dict[int, str] | None = None) -> bytes:
    """Return a roll of 350 as CSV, its numbers padded with zeros to `width` digits."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(HEADER)
    for place in range(1, SIZE + 1):
        name = (names or {}).get(place, f"{SURNAMES[place % 10]}代表{place}")
        writer.writerow([f"{place:0{width}}", name, f"第{place % 7 + 1}代表团", f"{place}座"])
    return out.getvalue().encode("utf-8-sig")


@pytest.fixture
def poll(live_server) -> Poll:
    """A rehearsal in draft with its key, and nobody in the register."""
    draft = make_poll(kind=Poll.Kind.REHEARSAL, delegates_total=SIZE)
    office = make_office()
    holders = [f"保管人{name}" for name in "甲乙丙"]
    sheets = ceremony.make_key(draft, holders=holders, threshold=2, by=office)
    ceremony.test_key(draft, texts=[sheet.text for sheet in sheets[:2]], by=make_scrutineer())
    return draft


def preview(page: Page, base: str, content: bytes) -> None:
    page.goto(f"{base}/admin/ballots/delegate/import/")
    page.set_input_files(
        "[name=file]", {"name": "名册.csv", "mimeType": "text/csv", "buffer": content}
    )
    page.get_by_role("button", name="上传并预览").click()


def add_delegations(page: Page) -> None:
    """Answer the preview, which says once of each that the delegation is not known yet."""
    expect(page.locator(".problems li")).to_have_count(7)
    page.get_by_label("一并新增代表团").check()
    page.get_by_role("button", name="重新预览").click()


def confirm(page: Page) -> None:
    page.get_by_role("button", name=f"导入{SIZE}行").click()
    expect(page.locator(".messagelist .success")).to_be_visible()


def test_a_wrong_roll_is_noticed_undone_and_mended_before_the_poll_opens(
    open_page, live_server, poll
):
    base, desk = live_server.url, open_page(viewport=DESK)
    office = make_office()
    log_in(desk, base, office)
    address = f"{base}/admin/ballots/pollday/{poll.pk}/"

    # The zeros were lost when the file was opened in Excel and saved as CSV.
    preview(desk, base, table(width=1))
    add_delegations(desk)
    confirm(desk)
    assert Delegate.objects.filter(number="1").exists()

    # The right file says that they are the same people, which is how the office notices.
    preview(desk, base, table(width=3))
    expect(desk.get_by_text("如 001 → 1 同一代表证号")).to_be_visible()
    desk.goto(f"{base}/admin/ballots/delegate/import-undo/")
    desk.get_by_role("button", name="撤销上次导入").click()
    expect(desk.locator(".messagelist .success")).to_be_visible()
    assert not Delegate.objects.exists()

    preview(desk, base, table(width=3))
    add_delegations(desk)
    confirm(desk)
    assert Delegate.objects.count() == SIZE

    # A later file corrects one name, and no other row is a question.
    preview(desk, base, table(width=3, names={7: "吴更名"}))
    expect(desk.locator("[name=ticks]")).to_have_count(1)
    desk.get_by_label("是同一个人，姓名由“王代表7”更正为“吴更名”").check()
    confirm(desk)
    assert Delegate.objects.get(number="007").name == "吴更名"

    desk.goto(f"{base}/admin/ballots/delegate/issue/")
    desk.locator("#content-main [type=submit]").click()
    step(desk, f"{address}roll/", "更新名册")
    desk.goto(f"{address}presence/")
    for place in range(7):
        part = desk.locator(".delegation").nth(place)
        part.locator("summary").click()
        part.get_by_role("button", name="全团到会", exact=True).click()
        expect(part.locator("summary")).to_contain_text("50/50 ✓")

    # The register is corrected after the roll was drawn up: the roll is no longer what it says.
    desk.goto(f"{base}/admin/ballots/delegate/{Delegate.objects.get(number='008').pk}/change/")
    desk.fill("[name=name]", "冯更正")
    desk.get_by_role("button", name="保存", exact=True).click()
    desk.goto(f"{address}open/")
    expect(desk.locator(".checklist .blocks")).to_contain_text("冯更正")
    expect(desk.get_by_role("button", name="开始投票")).to_have_count(0)
    desk.locator(".checklist").get_by_role("button", name="更新名册").click()
    expect(desk.locator(".messagelist .success")).to_be_visible()
    assert poll.roll.filter(present=True).count() == SIZE

    desk.goto(f"{address}open/")
    digest = desk.locator(".digest strong").first.inner_text()
    desk.locator("#content-main").get_by_role("button", name="开始投票").click()
    expect(desk.locator(".messagelist .success")).to_be_visible()

    poll.refresh_from_db()
    assert poll.phase == Poll.Phase.OPEN
    assert poll.roll.get(number="007").name == "吴更名"
    assert poll.roll.get(number="008").name == "冯更正"
    kinds = list(
        JournalEntry.objects.filter(poll=None).order_by("seq").values_list("kind", flat=True)
    )
    assert kinds[:4] == [
        Kind.ROLL_IMPORTED,
        Kind.IMPORT_UNDONE,
        Kind.ROLL_IMPORTED,
        Kind.ROLL_IMPORTED,
    ]
    desk.goto(f"{address}journal/")
    expect(desk.get_by_text(digest).first).to_be_visible()
