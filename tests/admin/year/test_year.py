"""The office's pages of a year: how it stands, what is reported, the tables, and its end."""

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from ballots.acts import lifecycle
from ballots.acts.year import reporting
from projects.models import Poll
from projects.year.cells import cells_of
from projects.year.models import (
    AdoptedPart,
    AdoptedProject,
    AdoptedTarget,
    ProjectFigure,
    TargetFigure,
    Year,
)
from projects.year.progress import progress_of
from tests.helpers.browsing import read
from tests.helpers.desk import at, desk_of, messages_of, signed_by
from tests.helpers.factories import Stage, end_year, make_confirmed, make_year

pytestmark = pytest.mark.django_db

YEAR = "/admin/projects/year/2026/"
QUARTER = f"{YEAR}quarter/1/"
IMPORT = "/admin/projects/year/import/"


def target_of(number: int) -> AdoptedTarget:
    return AdoptedTarget.objects.get(project__number=number)


def typed(reply: Any, **changes: str) -> dict[str, str]:
    """Return what the page of a quarter sends with `changes` typed in, by the names of its fields."""
    form = reply.context["form"]
    return {name: str(form[name].value() or "") for name in form.fields} | changes


def report(stage: Stage, number: int, quarter: int = 1, **columns: Any) -> None:
    TargetFigure.objects.create(
        target=target_of(number), quarter=quarter, by=stage.office, **columns
    )


# --- how it stands --------------------------------------------------------------------------------


def test_the_page_says_how_each_project_stands_in_colour_sign_and_word_with_the_rule():
    stage = make_year()
    for number, done in ((1, 1), (2, "1.7"), (3, 1)):
        report(stage, number, planned=number, done=done)

    page = read(desk_of(stage.office).get(YEAR))

    for words in ("● 达到计划", "▲ 略慢于计划", "■ 落后于计划", "不足计划数的80%"):
        assert words in page.text
    assert "各条目标都已填报完成数。" in page.text
    assert "还有3条目标没有填报完成数。" in read(desk_of(stage.chief).get(f"{YEAR}?quarter=2")).text


def test_day_first_page_and_list_lead_to_the_year():
    stage = make_year()
    desk = desk_of(stage.office)

    for address in (at(stage.poll), "/admin/", "/admin/projects/year/"):
        assert f'href="{YEAR}"' in desk.get(address).text, address

    end_year(stage)
    assert f'href="{YEAR}"' not in desk.get("/admin/").text
    assert "不能再填报、修改" in desk.get(YEAR).text


def test_a_project_without_targets_and_a_figure_that_falls_are_pointed_at():
    stage = make_year()
    target_of(3).delete()
    report(stage, 2, 1, done=2)
    report(stage, 2, 2, done=1)

    page = desk_of(stage.office).get(YEAR)

    assert "△ 以下项目还没有年度目标，请补充：" in page.text
    assert "第2季度完成数1处小于此前的2处" in page.text


def test_the_office_makes_the_draft_of_an_assessment_and_goes_on_to_its_day():
    stage = make_year()
    desk = desk_of(stage.office)
    page = read(desk.get(f"{YEAR}assess/"))
    assert "以本年的3个实事项目（子项0个）建立一次满意度测评的草稿" in page.text

    refused = desk.post(f"{YEAR}assess/", {"meeting": " ", "body": "congress", "judged": "whole"})
    said = {"meeting": "第六次会议", "body": "committee", "judged": "part"}
    made = desk.post(f"{YEAR}assess/", said, follow=True)

    assert "meeting" in refused.context["forms"][0].errors
    poll = Poll.objects.get(form="grades")
    assert made.redirect_chain[-1][0] == at(poll)
    assert (poll.meeting, poll.body, poll.projects.count()) == ("第六次会议", "committee", 3)
    assert "满意度测评的草稿已建立，共3项。" in messages_of(made)[0]
    assert f'href="{at(poll)}"' in desk.get(YEAR).text


def test_a_closed_year_takes_no_assessment_and_says_so():
    stage = make_year()
    end_year(stage)
    desk = desk_of(stage.office)

    reply = desk.post(
        f"{YEAR}assess/", {"meeting": "第六次会议", "body": "congress", "judged": "whole"}
    )

    assert "已经结束，不能再修改" in read(reply).text
    assert "没有进行测评。" in desk.get(YEAR).text
    assert not Poll.objects.filter(form="grades").exists()


def test_a_year_of_many_projects_costs_no_more_statements_than_one_of_few():
    stage = make_year()
    few = queries(desk_of(stage.office))
    year = Year.objects.get()
    for number in range(4, 14):
        project = AdoptedProject.objects.create(
            year=year, number=number, key=str(number), title=f"项目{number}", text="内容"
        )
        for position in (1, 2):
            target = AdoptedTarget.objects.create(
                project=project, position=position, text="新建", quantity=9, unit="处"
            )
            report_on = {"target": target, "quarter": 1, "planned": 3, "done": 1}
            TargetFigure.objects.create(**report_on, by=stage.office)

    many = queries(desk_of(stage.office))

    assert many == few
    assert all(count <= 14 for count in few.values()), few


def queries(desk: Client) -> dict[str, int]:
    counts = {}
    for address in ("/admin/projects/year/", YEAR, QUARTER, f"{YEAR}record/1/"):
        desk.get(address)
        with CaptureQueriesContext(connection) as asked:
            assert desk.get(address).status_code == 200
        counts[address] = len(asked)
    return counts


# --- a result of an earlier version ---------------------------------------------------------------


def test_a_result_of_an_earlier_version_is_listed_by_one_press(monkeypatch):
    stage = make_confirmed({1: 7, 2: 2}, places=1, kind=Poll.Kind.MAIN)
    with monkeypatch.context() as patch:
        patch.setattr(lifecycle, "adopt_published", lambda *_, **__: None)
        stage.publish()
    desk = desk_of(stage.office)
    assert "的结果列为本年实事项目" in desk.get("/admin/projects/year/").text
    address = reverse("admin:projects_year_adopt", args=[stage.poll.pk])

    reply = desk.post(address, follow=True)

    assert messages_of(reply) == ["已列为2026年实事项目，共1项。"]
    assert reply.request["PATH_INFO"] == YEAR
    assert messages_of(desk.post(address, follow=True)) == [
        "没有办理：2026年的实事项目已经列入，来自《示例市人民代表大会会议》。"
    ]


# --- the form of a quarter ------------------------------------------------------------------------


def test_the_form_shows_what_there_is_and_keeps_what_was_typed_otherwise():
    stage = make_year()
    report(stage, 2, planned=2, done=1)
    desk = desk_of(stage.office)
    key = target_of(2).pk
    page = desk.get(QUARTER)
    assert page.context["form"][f"done-{key}"].value() == "1"

    note = f"note-{target_of(1).project_id}"
    # A comma stands between thousands.
    desk.post(QUARTER, typed(page, **{f"done-{key}": "1,500", note: "已开工"}))

    assert TargetFigure.objects.latest("pk").done == 1500
    assert ProjectFigure.objects.get().note == "已开工"
    assert TargetFigure.objects.count() == 2


def test_what_is_no_figure_and_what_was_emptied_is_told_beside_its_field_and_nothing_is_saved():
    stage = make_year()
    report(stage, 2, planned=2, done=1)
    desk = desk_of(stage.office)
    one, two = target_of(1).pk, target_of(2).pk

    reply = desk.post(
        QUARTER, typed(desk.get(QUARTER), **{f"done-{one}": "三处", f"planned-{two}": ""})
    )

    errors = reply.context["form"].errors
    assert "不是数" in errors[f"done-{one}"][0]
    assert "不能清空" in errors[f"planned-{two}"][0]
    assert 'value="三处"' in reply.text
    assert TargetFigure.objects.count() == 1


def test_what_another_has_reported_meanwhile_refuses_once_and_is_told_beside_what_was_typed():
    stage = make_year()
    desk = desk_of(stage.office)
    page = desk.get(QUARTER)
    one, two = target_of(1).pk, target_of(2).pk
    year = Year.objects.get()
    shown = cells_of(progress_of(year), 1)
    theirs = {cell: "5" for cell in shown if cell.name in (f"done-{one}", f"done-{two}")}
    reporting.report(year, 1, theirs, shown=shown, by=stage.office)

    reply = desk.post(QUARTER, typed(page, **{f"done-{one}": "7"}))

    form = reply.context["form"]
    assert "刚才已改为“5”，您填的是“7”" in form.errors[f"done-{one}"][0]
    # What nobody typed here is shown as it is now.
    assert form[f"done-{two}"].value() == "5"
    assert json.loads(form["shown"].value())[f"done-{one}"] == "5"
    assert TargetFigure.objects.filter(done=7).count() == 0

    desk.post(QUARTER, typed(reply))

    assert TargetFigure.objects.latest("pk").done == 7
    assert TargetFigure.objects.filter(target=two).count() == 1


def test_a_closed_year_takes_no_figures_and_says_so():
    stage = make_year()
    desk = desk_of(stage.office)
    page = desk.get(QUARTER)
    end_year(stage)

    reply = desk.post(QUARTER, typed(page, **{f"done-{target_of(1).pk}": "1"}), follow=True)

    assert messages_of(reply) == ["没有这个季度，或该年度已经结束，不能填报。"]
    assert not TargetFigure.objects.exists()


# --- the record -----------------------------------------------------------------------------------


def test_the_record_of_a_project_says_who_when_and_what_before():
    stage = make_year()
    for done in (1, 2):
        report(stage, 2, planned=2, done=done)
    ProjectFigure.objects.create(
        project=target_of(2).project, quarter=1, spent=10, note="已开工", by=stage.office
    )

    lines = desk_of(stage.chief).get(f"{YEAR}record/2/").context["lines"]

    assert [(line.about, line.old, line.new) for line in lines] == [
        ("第1季度：进展说明", "", "已开工"),
        ("第1季度：已用资金（万元）", "", "10"),
        ("第1季度：新建，完成", "1处", "2处"),
        ("第1季度：新建，完成", "", "1处"),
        ("第1季度：新建，计划", "", "2处"),
    ]
    assert {line.by for line in lines} == {stage.office.username}


# --- tables ---------------------------------------------------------------------------------------


def uploaded(content: bytes) -> dict[str, Any]:
    return {
        "year": str(Year.objects.get().pk),
        "quarter": "1",
        "file": SimpleUploadedFile("进度.xlsx", content),
    }


def test_a_table_goes_out_is_filled_in_and_comes_in_by_preview_and_confirmation():
    stage = make_year()
    desk = desk_of(stage.office)
    table = desk.get("/admin/projects/year/template/?year=2026&quarter=1")
    assert "第1季度" in read(desk.get(IMPORT)).text
    assert desk.post(IMPORT, uploaded(table.content)).context["changes"] == ()
    filled = "序号\t项目名称\t年度目标\t完成\n2\t候选项目2\t新建\t1.5\n"
    given = {"year": str(Year.objects.get().pk), "quarter": "1", "pasted": filled}

    preview = desk.post(IMPORT, given)

    assert "2. 候选项目2：新建2处" in preview.text
    assert not TargetFigure.objects.exists()
    confirm = preview.context["confirm"].initial
    sent = {"year": confirm["year"].pk, "quarter": 1, "rows": confirm["rows"]}
    reply = desk.post(IMPORT, sent, follow=True)

    assert messages_of(reply) == ["已导入第1季度进度，1处有变动。"]
    assert TargetFigure.objects.get().done == 1.5

    late = desk.post(IMPORT, sent, follow=True)
    assert messages_of(late) == ["没有导入：本季度的数据在预览之后有变动，请重新上传。"]


def test_a_table_with_a_problem_offers_no_button_and_its_problems_as_a_file():
    stage = make_year()
    desk = desk_of(stage.office)
    wrong = "序号\t项目名称\t年度目标\t完成\n2\t候选项目2\t改建\t1\n3\t候选项目3\t新建\t三\n"

    preview = desk.post(
        IMPORT, {"year": str(Year.objects.get().pk), "quarter": "1", "pasted": wrong}
    )

    assert "第2行：第2项没有年度目标“改建”" in preview.text
    assert "第3行：本季度完成（累计）“三”不是数" in preview.text
    assert 'name="rows"' not in preview.text
    errors = {"problems": preview.context["errors"].initial["problems"]}
    file = desk.post("/admin/projects/year/import-errors/", errors)
    assert "改建" in file.content.decode("utf-8-sig")


# --- what may be mended ---------------------------------------------------------------------------


def page_of(project: AdoptedProject) -> str:
    return reverse("admin:projects_adoptedproject_change", args=[project.pk])


def sent(reply: Any, **changes: str) -> dict[str, Any]:
    """Return what the page of an adopted project sends with `changes` typed in."""
    form = reply.context["adminform"].form
    data = {name: form[name].value() for name in form.fields}
    for inline in reply.context["inline_admin_formsets"]:
        formset = inline.formset
        for each in [formset.management_form, *formset.forms]:
            data |= {each.add_prefix(name): each[name].value() for name in each.fields}
    return {name: "" if value is None else value for name, value in (data | changes).items()}


def test_the_office_mends_an_adopted_project_and_its_record_says_old_and_new():
    stage = make_year()
    project = AdoptedProject.objects.get(number=2)
    desk = desk_of(stage.office)

    desk.post(
        page_of(project),
        sent(
            desk.get(page_of(project)),
            **{
                "lead_unit": "市教育局",
                "targets-0-quantity": "3",
                "parts-0-text": "新建停车楼",
                "parts-0-investment": "1200",
            },
        ),
    )

    project.refresh_from_db()
    assert project.lead_unit == "市教育局"
    assert str(target_of(2)) == "新建3处"
    assert AdoptedPart.objects.get().investment == 1200
    (line,) = desk.get(f"{YEAR}record/2/").context["lines"]
    assert line.new == (
        "责任单位：— → 市教育局；年度目标：新建2处 → 新建3处；子项：— → 新建停车楼，1,200万元"
    )
    # The list that was voted on stays as it was.
    assert stage.poll.projects.get(number=2).lead_unit == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"targets-0-unit": "个"}, "单位不能更改"),
        ({"targets-0-quantity": "", "targets-0-unit": ""}, "单位不能更改"),
        ({"targets-0-DELETE": "on"}, "受保护"),
    ],
)
def test_a_target_that_has_figures_keeps_its_unit_and_stays(changes, words):
    stage = make_year()
    report(stage, 2, done=1)
    project = AdoptedProject.objects.get(number=2)
    desk = desk_of(stage.office)

    reply = desk.post(page_of(project), sent(desk.get(page_of(project)), **changes))

    assert reply.status_code == 200
    assert words in reply.text
    assert str(target_of(2)) == "新建2处"


def test_a_project_of_a_closed_year_is_only_read():
    stage = make_year()
    project = AdoptedProject.objects.get(number=2)
    desk = desk_of(stage.office)
    form = sent(desk.get(page_of(project)), lead_unit="市教育局")
    end_year(stage)

    reply = desk.post(page_of(project), form, follow=True)

    assert messages_of(reply) == ["没有保存：该年度的实事项目已经结束。"]
    assert not AdoptedProject.objects.filter(lead_unit="市教育局").exists()


# --- switches and the end -------------------------------------------------------------------------


def test_the_office_says_who_sees_the_year():
    stage = make_year()
    desk = desk_of(stage.office)

    desk.post(f"{YEAR}switches/", {"is_public": "on"})

    year = Year.objects.get()
    assert (year.is_public, year.takes_opinions) == (True, False)


def test_a_year_is_closed_by_two():
    stage = make_year()
    desk = desk_of(stage.office)
    close = f"{YEAR}close/"

    alone = desk.post(close, signed_by(stage.office))
    assert Year.objects.get().is_open
    assert alone.status_code == 200

    reply = desk.post(close, signed_by(stage.chief), follow=True)

    assert messages_of(reply) == ["2026年实事项目已结束。"]
    assert not Year.objects.get().is_open
