"""How a year stands: the colour by plan and deed, the newest figures, and what a quarter lacks."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from projects.year.cells import falls_of, figure_of
from projects.year.colour import (
    BEHIND,
    ON_PLAN,
    SLOW,
    UNPLANNED,
    UNREPORTED,
    Colour,
    colour_of,
    worst_of,
)
from projects.year.models import AdoptedTarget, ProjectFigure, TargetFigure, Year
from projects.year.progress import progress_of
from tests.helpers.factories import make_year

COLOURS = [
    # planned by the end of the quarter, done by then
    (None, None, UNPLANNED),
    (None, "5", UNPLANNED),
    ("10", None, UNREPORTED),
    ("0", None, UNREPORTED),
    ("0", "0", ON_PLAN),
    ("10", "10", ON_PLAN),
    ("10", "12", ON_PLAN),
    ("10", "9.999", SLOW),
    ("10", "8", SLOW),
    ("10", "7.999", BEHIND),
    ("10", "0", BEHIND),
    ("0.5", "0.4", SLOW),
    ("0.5", "0.399", BEHIND),
]


@pytest.mark.parametrize(("planned", "done", "colour"), COLOURS)
def test_the_colour_compares_what_was_done_with_what_was_planned_by_then(planned, done, colour):
    figures = [None if one is None else Decimal(one) for one in (planned, done)]

    assert colour_of(*figures) == colour


WORST: list[tuple[list[Colour], Colour]] = [
    ([], UNPLANNED),
    ([ON_PLAN], ON_PLAN),
    ([ON_PLAN, UNPLANNED], ON_PLAN),
    # What nobody has reported cannot be said to be on plan.
    ([ON_PLAN, UNREPORTED], UNREPORTED),
    ([UNREPORTED, SLOW], SLOW),
    ([SLOW, BEHIND, ON_PLAN], BEHIND),
]


@pytest.mark.parametrize(("targets", "project"), WORST)
def test_a_project_has_the_worst_of_its_targets(targets, project):
    assert worst_of(targets) == project


def test_each_colour_has_a_sign_and_a_word():
    for colour in (ON_PLAN, SLOW, BEHIND):
        assert colour.sign
        assert str(colour) == f"{colour.sign} {colour.word}"
    assert str(UNREPORTED) == "未报"


@pytest.mark.parametrize(
    ("typed", "column", "figure"),
    [
        ("1,200", "done", "1200"),
        ("１２．５０", "done", "12.5"),
        ("60%", "done", "60"),
        ("300万元", "spent", "300"),
        ("0", "planned", "0"),
        ("—", "planned", ""),
        ("无", "spent", ""),
    ],
)
def test_a_figure_is_read_as_people_write_it(typed, column, figure):
    assert figure_of(typed, column) == (figure, "")


@pytest.mark.parametrize(
    ("typed", "column"),
    [("-1", "done"), ("1.2345", "done"), ("1.234", "spent"), ("12个", "done"), ("1e5", "done")],
)
def test_what_is_no_figure_is_said(typed, column):
    figure, fault = figure_of(typed, column)

    assert not figure
    assert "不是数" in fault


# --- a year ---------------------------------------------------------------------------------------


def report(target: AdoptedTarget, quarter: int, **columns: Any) -> None:
    by = target.project.year.made_by
    TargetFigure.objects.create(target=target, quarter=quarter, by=by, **columns)


@pytest.mark.django_db
def test_the_newest_figures_of_a_quarter_stand_and_those_of_others_beside_them():
    make_year()
    year = Year.objects.get()
    target = AdoptedTarget.objects.get(project__number=2)
    report(target, 1, planned=2, done=1)
    report(target, 2, planned=2)
    report(target, 1, planned=2, done=2)

    progress = progress_of(year)

    quarters = [one.targets[0] for one in progress.projects[1].quarters]
    assert [(one.planned, one.done) for one in quarters] == [(2, 2), (2, None)] + 2 * [(None, None)]
    assert [one.colour for one in quarters[:2]] == [ON_PLAN, UNREPORTED]
    # A plan alone is no report: the year stands at its first quarter.
    assert progress.quarter == 1
    assert [len(one.missing) for one in progress.at(1)] == [1, 0, 1]


@pytest.mark.django_db
def test_a_target_without_a_quantity_is_followed_in_percent():
    make_year()
    year = Year.objects.get()
    target = AdoptedTarget.objects.create(
        project=year.projects.get(number=1), position=2, text="完成主体工程"
    )
    report(target, 1, planned=50, done=40)

    (one,) = [
        each for each in progress_of(year, project=1).at(1)[0].targets if each.target == target
    ]

    assert (one.planned_words, one.done_words, one.share) == ("50%", "40%", 40)


@pytest.mark.django_db
def test_the_last_note_of_a_year_is_the_one_that_is_told():
    make_year()
    year = Year.objects.get()
    project = year.projects.get(number=1)
    for quarter, note in ((1, "已开工"), (3, "主体封顶"), (1, "年初已开工")):
        ProjectFigure.objects.create(project=project, quarter=quarter, note=note, by=year.made_by)

    progress = progress_of(year)

    assert progress.projects[0].latest_note == "主体封顶"
    assert progress.quarter == 3


@pytest.mark.django_db
def test_a_figure_that_falls_through_the_year_is_pointed_at():
    make_year()
    target = AdoptedTarget.objects.get(project__number=2)
    report(target, 1, done=2)
    report(target, 3, done=1)

    assert falls_of(progress_of(Year.objects.get())) == [
        "第2项“新建”第3季度完成数1处小于此前的2处，请核对。"
    ]


@pytest.mark.django_db
def test_how_a_year_stands_takes_as_many_statements_for_ten_projects_as_for_three():
    make_year()
    year = Year.objects.get()

    with CaptureQueriesContext(connection) as queries:
        progress_of(year)

    assert len(queries) == 5
