"""A year in a browser, from the publication to the assessment; and how the office's pages of it look."""

import io
from pathlib import Path

import openpyxl
import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from ballots.acts import roll
from projects.models import Poll
from projects.year.models import AdoptedProject, AdoptedTarget, ProjectFigure
from tests.helpers.factories import (
    Stage,
    confirm_count,
    make_confirmed,
    make_opinion,
    make_year,
    report,
    second_stage,
    selection,
)
from tests.helpers.judging import DESK, EVERYTHING, SCHEMES, violations
from tests.helpers.steps import let_in, log_in, press, review, step, submit

YEAR = "/admin/projects/year/2026/"


@pytest.fixture
def stage(live_server) -> Stage:
    """A published poll whose three projects are the year's."""
    made = make_year()
    AdoptedProject.objects.filter(number=2).update(lead_unit="市住房和城乡建设局")
    return made


@pytest.fixture
def desk(open_page, live_server, stage) -> Page:
    page = open_page(viewport=DESK)
    log_in(page, live_server.url, stage.office)
    return page


def test_a_year_from_the_publication_to_its_assessment(open_page, live_server):
    """Publish, report three quarters, fall behind, be asked why, answer, be judged, and print it."""
    base = live_server.url
    stage = make_confirmed({1: 9, 2: 8, 3: 7, 4: 0}, places=3, kind=Poll.Kind.MAIN)
    desk, phone = open_page(viewport=DESK), open_page(java_script_enabled=False)
    log_in(desk, base, stage.office)
    publish = f"{base}/admin/ballots/pollday/{stage.poll.pk}/publish/"
    step(desk, publish, "公布结果", "at_once", figure="3")

    desk.goto(f"{base}{YEAR}")
    report_by_form(desk, 1, {2: ("1", "1")}, note="已开工")
    expect(desk.get_by_text("● 达到计划").first).to_be_visible()
    report_by_table(desk, 2, {2: ("2", "1")}, note="征地受阻")
    expect(desk.get_by_text("■ 落后于计划").first).to_be_visible()
    press(desk, "保存", "公开进度", "代表可以填写督办意见", says="已保存。")

    phone.goto(f"{base}/year/2026/")
    expect(phone.get_by_text("■ 落后于计划").first).to_be_visible()
    expect(phone.get_by_text("征地受阻")).to_be_visible()
    let_in(phone, base, stage, 0)
    phone.goto(f"{base}/year/2026/2/opinions/")
    phone.get_by_label("督办意见（必填）").fill("征地何时完成？")
    phone.get_by_role("button", name="提交").click()
    expect(phone.get_by_text("督办意见已提交")).to_be_visible()

    desk.goto(f"{base}{YEAR}opinions/")
    desk.get_by_role("link", name="征地何时完成？").click()
    press(desk, "录入答复", 责任单位的答复="八月底完成。", says="答复已录入，代表可以看到。")
    press(desk, "办结", 办结说明="征地已完成", says="意见已办结。")
    phone.goto(f"{base}/year/2026/opinions/")
    expect(phone.get_by_text("八月底完成。")).to_be_visible()

    desk.goto(f"{base}{YEAR}")
    report_by_form(desk, 3, {2: ("2", "2")}, note="主体完工")
    phone.goto(f"{base}/year/2026/2/")
    expect(phone.get_by_text("● 达到计划").first).to_be_visible()

    held = assessed(desk, base, stage)
    grade_on_a_phone(phone, base, held)
    for place in range(1, 9):
        held.cast(place, selection(1, fair=[2], against=[3]))
    confirm_count(held)
    held.publish()
    phone.goto(f"{base}/results/?poll={held.poll.pk}")
    expect(phone.locator("main")).to_contain_text(
        "各项目合计，满意9票，基本满意8票，不满意8票，弃权2票"
    )

    desk.goto(f"{base}/admin/ballots/pollday/{held.poll.pk}/notice/")
    desk.get_by_label("附得票情况").check()
    desk.get_by_role("button", name="保存公告").click()
    expect(desk.locator("body")).to_contain_text("满意9票，基本满意0票，不满意0票，弃权0票")
    desk.goto(f"{base}{YEAR}sheet/?quarter=3")
    desk.emulate_media(media="print")
    expect(desk.get_by_text("截至2026年第3季度末")).to_be_visible()
    expect(desk.get_by_text("主体完工")).to_be_visible()


def report_by_form(
    desk: Page, quarter: int, figures: dict[int, tuple[str, str]], *, note: str
) -> None:
    """Type planned and done of some projects on the page of a quarter, and a note on the second."""
    desk.goto(desk.url.partition("/year/2026/")[0] + f"/year/2026/quarter/{quarter}/")
    for number, (planned, done) in figures.items():
        line = desk.get_by_role("group", name=f"新建{number}处")
        line.get_by_label("计划").fill(planned)
        line.get_by_label("完成").fill(done)
    desk.get_by_label("进展说明").nth(1).fill(note)
    desk.get_by_role("button", name="保存").click()
    expect(desk.get_by_text(f"第{quarter}季度已保存3处变动。")).to_be_visible()


def report_by_table(
    desk: Page, quarter: int, figures: dict[int, tuple[str, str]], *, note: str
) -> None:
    """Download the table of a quarter, fill it in as a lead unit does, and import it."""
    desk.get_by_role("link", name=f"第{quarter}季度", exact=True).click()
    with desk.expect_download() as download:
        desk.get_by_role("link", name=f"下载第{quarter}季度进度表").click()
    book = openpyxl.load_workbook(io.BytesIO(Path(download.value.path()).read_bytes()))
    sheet = book.worksheets[0]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    header = next(place for place, row in enumerate(rows) if "序号" in row)
    columns = rows[header]
    for number, (planned, done) in figures.items():
        row = header + 1 + number
        sheet.cell(row, columns.index("本季度计划（累计）") + 1, planned)
        sheet.cell(row, columns.index("本季度完成（累计）") + 1, done)
        sheet.cell(row, columns.index("进展说明") + 1, note)
    filled = io.BytesIO()
    book.save(filled)

    desk.get_by_role("link", name="从表格导入").click()
    desk.get_by_label("表格文件").set_input_files(
        {
            "name": "二季度.xlsx",
            "mimeType": "application/octet-stream",
            "buffer": filled.getvalue(),
        }
    )
    desk.get_by_role("button", name="上传并预览").click()
    expect(desk.get_by_text("将变动3处，错误0行。")).to_be_visible()
    desk.get_by_role("button", name="导入").click()
    expect(desk.get_by_text(f"已导入第{quarter}季度进度，3处有变动。")).to_be_visible()


def assessed(desk: Page, base: str, stage: Stage) -> Stage:
    """Make the draft of the assessment at the desk, and open it with the same people and cards."""
    desk.goto(f"{base}{YEAR}assess/")
    press(
        desk, "建立测评草稿", 会议名称="示例市人民代表大会第六次会议", says="满意度测评的草稿已建立"
    )
    draft = Poll.objects.get(form=Poll.Form.GRADES)
    Poll.objects.filter(pk=draft.pk).update(
        rules_name="测评办法", rules_adopted_on="2026-12-20", delegates_total=9
    )
    draft.refresh_from_db()
    roll.draw_up_roll(draft, by=stage.office)
    return second_stage(stage, draft)


def grade_on_a_phone(phone: Page, base: str, held: Stage) -> None:
    """Grade the first project 满意 and nothing else, without a script; the review says so."""
    phone.goto(f"{base}/ballot/?poll={held.poll.pk}")
    phone.locator("input[name=vote-1][value=good]").check(force=True)
    review(phone)
    expect(phone.locator("main")).to_contain_text("2项没有评")
    submit(phone)


@pytest.mark.parametrize("width", [360, 1280])
def test_the_pages_of_a_year_fit_a_phone_and_are_accessible_in_both_schemes(
    desk, live_server, stage, width
):
    project = reverse(
        "admin:projects_adoptedproject_change", args=[AdoptedProject.objects.get(number=2).pk]
    )
    desk.set_viewport_size({"width": width, "height": 740})
    pages = [
        *("/admin/projects/year/", YEAR, f"{YEAR}quarter/1/", f"{YEAR}record/2/"),
        *(f"{YEAR}close/", "/admin/projects/year/import/"),
        *(f"{YEAR}opinions/", f"{YEAR}opinions/enter/"),
        f"{YEAR}opinions/{make_opinion(stage).pk}/",
    ]
    for scheme in SCHEMES:
        desk.emulate_media(color_scheme=scheme)
        for page in pages:
            desk.goto(live_server.url + page)
            assert violations(desk, EVERYTHING) == [], page
            assert desk.evaluate("document.documentElement.scrollWidth") == width, page
    desk.goto(live_server.url + project)
    assert desk.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.django_db(transaction=True)
def test_ten_projects_stand_on_one_landscape_sheet_and_on_one_screen_of_the_hall(
    open_page, live_server
):
    stage = make_confirmed(dict.fromkeys(range(1, 11), 8), places=10, kind="main", objection_days=0)
    stage.publish(leave_open=True)
    note = "已完成选址和设计，主体工程正在施工，其中三处已封顶，预计九月底前全部投入使用。"
    for project in AdoptedProject.objects.all():
        report(stage, 2, project.number, project.number - 1, number=project.number)
        AdoptedTarget.objects.create(project=project, position=2, text="完成主体工程")
        ProjectFigure.objects.create(
            project=project, quarter=2, spent=320, note=note, by=stage.office
        )
    AdoptedProject.objects.update(lead_unit="市住房和城乡建设局", investment=1800)
    desk = open_page(viewport=DESK)
    log_in(desk, live_server.url, stage.office)
    for name in ("sheet", "hall"):
        desk.goto(f"{live_server.url}{YEAR}{name}/")
        assert violations(desk, EVERYTHING) == [], name
        pages = PdfReader(io.BytesIO(desk.pdf(prefer_css_page_size=True))).pages
        assert len(pages) == 1, name
        assert pages[0].mediabox.width > pages[0].mediabox.height, name
    sheet = desk.locator(".sheet").bounding_box()
    assert sheet is not None
    assert sheet["height"] <= DESK["height"] + 1
