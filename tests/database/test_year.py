"""What the database keeps of a year's projects and of what is reported on them, by whatever road."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from ballots.models import Opinion, OpinionAnswer
from projects.models import Poll
from projects.year.models import (
    AdoptedPart,
    AdoptedProject,
    AdoptedTarget,
    ProjectFigure,
    TargetFigure,
    Year,
)
from tests.helpers.factories import (
    end_year,
    make_confirmed,
    make_opinion,
    make_poll,
    make_year,
    move_by_force,
    walk_by_force,
)
from tests.helpers.secrecy import in_sql

pytestmark = pytest.mark.django_db


def refused(act: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        act(*args, **kwargs)
    return str(refusal.value)


class Rows:
    """A year with a row in every table."""

    def __init__(self) -> None:
        self.stage = make_year()
        self.year = Year.objects.get()
        self.project = self.year.projects.get(number=1)
        self.target = self.project.targets.get()
        self.part = AdoptedPart.objects.create(project=self.project, position=1, text="停车楼")
        self.figure = self.reported(planned=1, done=1)
        self.spent = self.told(note="已开工")
        self.opinion = make_opinion(self.stage)
        self.answer = self.answered("月底完成。")

    def reported(self, **columns: Any) -> TargetFigure:
        given: dict[str, Any] = {"target": self.target, "quarter": 1, "by": self.stage.office}
        return TargetFigure.objects.create(**(given | columns))

    def told(self, **columns: Any) -> ProjectFigure:
        given: dict[str, Any] = {"project": self.project, "quarter": 1, "by": self.stage.office}
        return ProjectFigure.objects.create(**(given | columns))

    def answered(self, text: str) -> OpinionAnswer:
        return OpinionAnswer.objects.create(opinion=self.opinion, text=text, by=self.stage.office)

    def close_opinion(self) -> None:
        Opinion.objects.update(closed_at=NOW, closed_by=self.stage.office, reason="已核实")


NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
TABLES = (
    *("projects_year", "projects_adoptedproject", "projects_adoptedtarget"),
    *("projects_adoptedpart", "projects_targetfigure", "projects_projectfigure"),
    *("ballots_opinion", "ballots_opinionanswer"),
)


# --- figures --------------------------------------------------------------------------------------


def test_a_figure_is_corrected_by_a_newer_one_and_never_overwritten():
    rows = Rows()
    for statement in (
        "UPDATE projects_targetfigure SET quarter = 2",
        "UPDATE projects_projectfigure SET quarter = 2",
        "DELETE FROM projects_targetfigure",
        "DELETE FROM projects_projectfigure",
    ):
        assert "newer" in refused(in_sql, statement)

    rows.reported(planned=1, done=2)

    assert rows.target.figures.count() == 2


# --- opinions -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        *("text = '别的'", "by_name = '别人'", "due = '2030-01-01'", "at = '2020-01-01'"),
        *("entered_by_id = entered_by_id + 1", "project_id = project_id + 1"),
    ],
)
def test_an_opinion_stays_as_it_was_written(change):
    Rows()

    assert "as it was written" in refused(in_sql, f"UPDATE ballots_opinion SET {change}")  # noqa: S608


def test_neither_an_opinion_nor_an_answer_goes_and_an_answer_is_never_overwritten():
    Rows()

    for statement, words in (
        ("DELETE FROM ballots_opinion", "never deleted"),
        ("DELETE FROM ballots_opinionanswer", "newer"),
        ("UPDATE ballots_opinionanswer SET text = '别的'", "newer"),
    ):
        assert words in refused(in_sql, statement)


def test_a_closed_opinion_takes_no_answer_and_is_not_opened_again():
    rows = Rows()
    rows.answered("下月完成。")
    rows.close_opinion()

    assert "closed" in refused(rows.answered, "再答")
    assert "closed" in refused(
        in_sql, "UPDATE ballots_opinion SET closed_at = NULL, closed_by_id = NULL, reason = ''"
    )
    closed: dict[str, Any] = {"closed_at": NOW, "closed_by": rows.stage.office, "reason": "已核实"}
    assert "closed" in refused(make_opinion, rows.stage, **closed)


# --- what the vote has settled --------------------------------------------------------------------


@pytest.mark.parametrize(
    "change", ["number = 9", "title = '别的'", "key = '99'", "year_id = year_id + 1"]
)
def test_what_the_vote_has_settled_of_a_project_stays(change):
    rows = Rows()
    where = f"WHERE id = {rows.project.pk}"

    words = refused(in_sql, f"UPDATE projects_adoptedproject SET {change} {where}")  # noqa: S608

    assert "settled" in words
    in_sql(f"UPDATE projects_adoptedproject SET lead_unit = '市教育局' {where}")  # noqa: S608


@pytest.mark.parametrize("change", ["year = 2027", "poll_id = poll_id + 1", "made_by_id = 1"])
def test_a_year_stays_the_year_of_its_poll(change):
    Rows()
    if change == "made_by_id = 1":
        change = "made_at = '2020-01-01'"

    refused(in_sql, f"UPDATE projects_year SET {change}")  # noqa: S608


@pytest.mark.parametrize("table", ["projects_year", "projects_adoptedproject"])
def test_neither_a_year_nor_a_project_is_ever_deleted(table):
    Rows()

    assert "never deleted" in refused(in_sql, f"DELETE FROM {table}")  # noqa: S608


def test_a_year_is_made_of_a_published_result_of_its_year_alone():
    real = make_confirmed({1: 8}, places=1, kind=Poll.Kind.MAIN)
    of_real: dict[str, Any] = {"poll": real.poll, "made_by": real.office}
    assert "published" in refused(Year.objects.create, year=2026, **of_real)
    rehearsal = make_poll(kind=Poll.Kind.REHEARSAL, delegates_total=9)
    walk_by_force(rehearsal, Poll.Phase.PUBLISHED)
    assert "published" in refused(
        Year.objects.create, year=2026, poll=rehearsal, made_by=real.office
    )
    move_by_force(real.poll, Poll.Phase.PUBLISHED)
    assert "published" in refused(Year.objects.create, year=2027, **of_real)

    Year.objects.create(year=2026, **of_real)


# --- targets --------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["unit = '个'", "quantity = NULL, unit = ''"])
def test_a_target_that_has_figures_keeps_what_they_are_counted_in(change):
    rows = Rows()
    where = f"WHERE id = {rows.target.pk}"

    assert "figures" in refused(
        in_sql,
        f"UPDATE projects_adoptedtarget SET {change} {where}",  # noqa: S608
    )
    in_sql(f"UPDATE projects_adoptedtarget SET quantity = 7, text = '改建' {where}")  # noqa: S608

    rows.target.refresh_from_db()
    assert str(rows.target) == "改建7处"


def test_a_target_goes_only_while_it_has_no_figures():
    rows = Rows()
    bare = AdoptedTarget.objects.create(project=rows.project, position=2, text="完成主体")

    assert "figures" in refused(
        in_sql,
        f"DELETE FROM projects_adoptedtarget WHERE id = {rows.target.pk}",  # noqa: S608
    )
    bare.delete()


# --- a closed year --------------------------------------------------------------------------------


def test_nothing_of_a_closed_year_is_written():
    rows = Rows()
    end_year(rows.stage)

    for statement in (
        "UPDATE projects_year SET closed_at = NULL, closed_by_id = NULL",
        "UPDATE projects_year SET takes_opinions = NOT takes_opinions",
        "UPDATE projects_adoptedproject SET lead_unit = '市教育局'",
        "UPDATE projects_adoptedtarget SET quantity = 7",
        "UPDATE projects_adoptedpart SET text = '别的'",
        "DELETE FROM projects_adoptedpart",
        "DELETE FROM projects_adoptedtarget",
    ):
        assert "closed" in refused(in_sql, statement), statement
    for act in (
        lambda: rows.reported(done=2),
        lambda: rows.told(note="完工"),
        lambda: make_opinion(rows.stage),
        lambda: rows.answered("已完成。"),
        rows.close_opinion,
        lambda: AdoptedTarget.objects.create(project=rows.project, position=2, text="完成"),
        lambda: AdoptedPart.objects.create(project=rows.project, position=2, text="完成"),
        lambda: AdoptedProject.objects.create(
            year=rows.year, number=9, key="9", title="别的", text="别的"
        ),
    ):
        assert "closed" in refused(act)
    in_sql("UPDATE projects_year SET is_public = NOT is_public")


@pytest.mark.postgresql
@pytest.mark.parametrize("table", TABLES)
def test_no_table_of_a_year_is_truncated(table):
    Rows()
    connection.check_constraints()

    assert "never truncated" in refused(in_sql, f"TRUNCATE {table} CASCADE")
