"""A year at the office's desk: a quarter by form, the next by table, and one project falls behind."""

import io
from pathlib import Path

import openpyxl
import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from projects.year.models import AdoptedProject, AdoptedTarget, ProjectFigure, Year
from tests.helpers.factories import Stage, make_confirmed, make_opinion, make_year, report
from tests.helpers.judging import DESK, EVERYTHING, SCHEMES, violations
from tests.helpers.steps import log_in

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


def test_a_quarter_is_reported_by_form_and_the_next_by_table_and_who_falls_behind_shows(
    desk, live_server, stage
):
    desk.goto(live_server.url + YEAR)
    desk.get_by_role("link", name="填报第1季度").click()
    line = desk.get_by_role("group", name="新建2处")
    line.get_by_label("计划").fill("1")
    line.get_by_label("完成").fill("1")
    desk.get_by_label("进展说明").nth(1).fill("已开工")
    desk.get_by_role("button", name="保存").click()

    expect(desk.get_by_text("第1季度已保存3处变动。")).to_be_visible()
    expect(desk.get_by_text("● 达到计划").first).to_be_visible()

    desk.get_by_role("link", name="第2季度").click()
    with desk.expect_download() as download:
        desk.get_by_role("link", name="市住房和城乡建设局").click()
    book = openpyxl.load_workbook(io.BytesIO(Path(download.value.path()).read_bytes()))
    sheet = book.worksheets[0]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    header = next(place for place, row in enumerate(rows) if "序号" in row)
    columns = rows[header]
    row = header + 2
    sheet.cell(row, columns.index("本季度计划（累计）") + 1, "2")
    sheet.cell(row, columns.index("本季度完成（累计）") + 1, "1")
    sheet.cell(row, columns.index("进展说明") + 1, "征地受阻")
    filled = io.BytesIO()
    book.save(filled)

    desk.get_by_role("link", name="从表格导入").click()
    file = {"name": "二季度.xlsx", "mimeType": "application/octet-stream"}
    desk.get_by_label("表格文件").set_input_files(file | {"buffer": filled.getvalue()})
    desk.get_by_role("button", name="上传并预览").click()
    expect(desk.get_by_text("将变动3处，错误0行。")).to_be_visible()
    desk.get_by_role("button", name="导入1行").click()

    expect(desk.get_by_text("已导入第2季度进度，3处有变动。")).to_be_visible()
    expect(desk.get_by_text("■ 落后于计划").first).to_be_visible()
    expect(desk.get_by_text("征地受阻")).to_be_visible()
    assert Year.objects.get().is_open


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
