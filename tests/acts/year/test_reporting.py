"""What is reported of a quarter: newer rows, by the office, nothing put back unseen, none once closed."""

from typing import Any

import pytest

from ballots.acts.year import reporting
from projects.year.cells import Cell, cells_of, fingerprint_of
from projects.year.models import AdoptedTarget, ProjectFigure, TargetFigure, Year
from projects.year.progress import progress_of
from tests.helpers.factories import Stage, end_year, make_year
from tests.helpers.refusals import refusal_of

pytestmark = pytest.mark.django_db


class Desk:
    """A year, and the page of its first quarter as somebody has it open."""

    def __init__(self, stage: Stage | None = None) -> None:
        self.stage = stage or make_year()
        self.year = Year.objects.get()
        self.target = AdoptedTarget.objects.get(project__number=2)
        self.shown = cells_of(progress_of(self.year), 1)

    def cell(self, column: str) -> Cell:
        key = self.target.pk if column in ("planned", "done") else self.target.project_id
        return Cell(key, column)

    def save(self, by: Any = None, quarter: int = 1, **typed: Any) -> int:
        cells = self.shown | {self.cell(column): text for column, text in typed.items()}
        by = by or self.stage.office
        return reporting.report(self.year, quarter, cells, shown=self.shown, by=by)


def newest() -> tuple[Any, Any]:
    row = TargetFigure.objects.latest("pk")
    return row.planned, row.done


def test_only_what_was_typed_otherwise_becomes_a_row():
    desk = Desk()

    assert desk.save(planned="2", done="1", note="已开工") == 3
    assert (TargetFigure.objects.count(), ProjectFigure.objects.count()) == (1, 1)
    assert newest() == (2, 1)

    again = Desk(desk.stage)
    assert again.save() == 0
    assert again.save(done="1.5") == 1
    # The newest row stands with both its figures, and the older one stays.
    assert [str(row) for row in TargetFigure.objects.all()] == ["1/2", "1.5/2"]
    assert TargetFigure.objects.latest("pk").by == desk.stage.office


def test_two_who_report_at_once_put_nothing_back():
    first, second = (desk := Desk()), Desk(desk.stage)
    first.save(done="2")

    second.save(planned="2")

    assert newest() == (2, 2)


def test_a_cell_that_two_have_changed_is_refused_once():
    first, second = (desk := Desk()), Desk(desk.stage)
    first.save(done="2")

    assert refusal_of(lambda: second.save(done="1")) == "changed"
    # Both typed the same: nothing is lost.
    assert second.save(done="2") == 0


@pytest.mark.parametrize("column", ["planned", "done", "spent"])
def test_a_figure_is_corrected_and_never_emptied(column):
    desk = Desk()
    typed: dict[str, Any] = {column: "2"}
    desk.save(**typed)
    emptied: dict[str, Any] = {column: ""}

    assert refusal_of(lambda: Desk(desk.stage).save(**emptied)) == "emptied"


def test_a_note_may_go_where_a_sum_stays_and_not_else():
    desk = Desk()
    desk.save(note="已开工")
    assert refusal_of(lambda: Desk(desk.stage).save(note="")) == "emptied"
    Desk(desk.stage).save(spent="10")

    Desk(desk.stage).save(note="")

    assert str(ProjectFigure.objects.latest("pk")) == "10"


def test_the_office_alone_reports_while_the_year_is_open():
    desk = Desk()
    assert refusal_of(lambda: desk.save(by=desk.stage.chief, done="1")) == "not-office"
    assert refusal_of(lambda: desk.save(quarter=5, done="1")) == "no-quarter"

    end_year(desk.stage)

    assert refusal_of(lambda: desk.save(done="1")) == "year-closed"


def test_a_target_that_is_gone_meanwhile_refuses_the_page():
    desk = Desk()
    desk.target.delete()

    assert refusal_of(lambda: desk.save(done="1")) == "changed"


def test_a_table_is_written_as_it_was_previewed_or_not_at_all():
    desk = Desk()
    seen = fingerprint_of(desk.shown)
    cells = {desk.cell("done"): "1", desk.cell("note"): "已开工"}
    given: dict[str, Any] = {"seen": seen, "by": desk.stage.office}

    assert reporting.import_table(desk.year, 1, cells, **given) == 2

    late = lambda: reporting.import_table(desk.year, 1, cells, **given)  # noqa: E731
    assert refusal_of(late) == "table-changed"
    by_chief = given | {"by": desk.stage.chief}
    assert refusal_of(lambda: reporting.import_table(desk.year, 1, cells, **by_chief)) == (
        "not-office"
    )
