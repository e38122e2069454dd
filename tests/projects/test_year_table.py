"""The table of a quarter: what goes out comes in again, and whatever is not certain is a problem."""

from collections.abc import Sequence

import pytest

from projects.year import table
from projects.year.cells import Cell
from projects.year.models import AdoptedTarget, TargetFigure, Year
from projects.year.progress import progress_of
from tests.helpers.factories import make_year

pytestmark = pytest.mark.django_db


def pasted(*rows: Sequence[str], header: Sequence[str] = table.HEADER) -> str:
    return "\n".join("\t".join(row) for row in (header, *rows))


def row(
    number: str = "2", title: str = "候选项目2", target: str = "新建", **cells: str
) -> list[str]:
    given = {"planned": "", "done": "", "spent": "", "note": ""} | cells
    return [number, title, "", target, "2", "处", *given.values()]


def planned(*rows: Sequence[str]) -> table.Plan:
    parsed = table.parse(pasted(*rows))
    assert parsed.problems == ()
    return table.plan_import(progress_of(Year.objects.get()), 1, parsed.rows)


def test_the_template_holds_what_is_reported_and_changes_nothing_when_it_comes_back():
    make_year()
    year = Year.objects.get()
    target = AdoptedTarget.objects.get(project__number=2)
    TargetFigure.objects.create(target=target, quarter=1, planned="1.5", done=1, by=year.made_by)

    parsed = table.parse(table.template(progress_of(year), 1))

    assert parsed.problems == ()
    assert [(one.number, one.target, one.planned, one.done) for one in parsed.rows] == [
        (1, "新建", "", ""),
        (2, "新建", "1.5", "1"),
        (3, "新建", "", ""),
    ]
    plan = table.plan_import(progress_of(year), 1, parsed.rows)
    assert (plan.changes, plan.problems) == ((), ())


def test_the_template_of_a_lead_unit_has_its_projects_alone():
    make_year()
    year = Year.objects.get()
    year.projects.filter(number=3).update(lead_unit="市教育局")

    rows = table.parse(table.template(progress_of(year), 1, unit="市教育局")).rows

    assert [one.number for one in rows] == [3]


def test_a_project_without_targets_has_a_row_for_its_money_and_its_note():
    make_year()
    AdoptedTarget.objects.filter(project__number=2).delete()
    project = Year.objects.get().projects.get(number=2)

    rows = table.parse(table.template(progress_of(Year.objects.get()), 1)).rows
    plan = planned(row(target="", spent="120.5", note="已开工"))

    assert len(rows) == 3
    assert plan.cells == {Cell(project.pk, "spent"): "120.5", Cell(project.pk, "note"): "已开工"}


def test_what_a_table_says_is_told_from_old_to_new_and_what_it_leaves_empty_stays():
    make_year()
    year = Year.objects.get()
    target = AdoptedTarget.objects.get(project__number=2)
    TargetFigure.objects.create(target=target, quarter=1, planned=2, done=1, by=year.made_by)

    plan = planned(row(done="1.5"))

    (change,) = plan.changes
    assert (change.cell, change.old, change.new) == (Cell(target.pk, "done"), "1", "1.5")
    assert (change.about, change.title) == ("2. 候选项目2：新建2处", "本季度完成（累计）")


PROBLEMS = [
    (row(number="9"), "没有序号为9的实事项目"),
    (row(title="别的项目"), "第2项是“候选项目2”，与表格中的名称不同"),
    (row(target="改建"), "第2项没有年度目标“改建”"),
    (row(target="", done="1"), "没有写明是哪一条年度目标"),
]


@pytest.mark.parametrize(("cells", "words"), PROBLEMS)
def test_a_row_that_is_about_nothing_of_the_year_is_a_problem_of_its_line(cells, words):
    make_year()

    plan = planned(cells)

    (problem,) = plan.problems
    assert words in str(problem)
    assert str(problem).startswith("第2行")
    assert plan.changes == ()


def test_two_rows_that_say_different_things_of_one_project_are_a_problem():
    make_year()
    project = Year.objects.get().projects.get(number=2)
    AdoptedTarget.objects.create(project=project, position=2, text="完成主体工程")

    plan = planned(row(spent="10"), row(target="完成主体工程", spent="20"))

    assert [str(problem) for problem in plan.problems] == [
        "第3行：同一项目的已用资金（万元，累计）前后不一，请只填一处"
    ]


FAULTS = [
    ([row(done="-1")], "本季度完成（累计）“-1”不是数"),
    ([row(done="三处")], "本季度完成（累计）“三处”不是数"),
    ([row(spent="1.234")], "已用资金（万元，累计）“1.234”不是数"),
    ([row(number="二")], "序号“二”不是项目的序号"),
    ([row(done="1"), row(done="2")], "年度目标“新建”与第2行重复"),
]


@pytest.mark.parametrize(("rows", "words"), FAULTS)
def test_a_cell_that_is_no_figure_and_a_target_told_twice_are_problems(rows, words):
    parsed = table.parse(pasted(*rows))

    assert words in "\n".join(map(str, parsed.problems))


def test_the_columns_may_be_called_as_people_call_them_and_stand_in_any_order():
    make_year()
    header = ["编号", "完成", "项目", "目标"]

    parsed = table.parse(pasted(["2", "1", "候选项目2", "新建"], header=header))

    assert [(one.number, one.done) for one in parsed.rows] == [(2, "1")]
