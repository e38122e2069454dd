"""How far a target has come: what the bar and the lines of its year are drawn from."""

from decimal import Decimal
from typing import Any

import pytest

from projects.year.chart import Bar, bar_of, chart_of
from projects.year.models import AdoptedTarget, TargetFigure
from projects.year.progress import TargetQuarter


def quarter(number: int, planned: Any = None, done: Any = None, goal: Any = 10) -> TargetQuarter:
    quantity: Any = None if goal is None else Decimal(goal)
    target = AdoptedTarget(text="新建", quantity=quantity, unit="处")
    given = {"planned": planned, "done": done}
    figures = {name: Decimal(figure) for name, figure in given.items() if figure is not None}
    return TargetQuarter(
        target, number, TargetFigure(quarter=number, **figures) if figures else None
    )


@pytest.mark.parametrize(
    ("target", "bar"),
    [
        (quarter(1), Bar(None, None)),
        (quarter(1, 5, 3), Bar(30, 50)),
        (quarter(1, 5, "3.99"), Bar(39, 50)),
        (quarter(1, None, 0), Bar(0, None)),
        (quarter(1, 10, 12), Bar(100, 100)),
        # Of a target without a quantity the figures are percent themselves.
        (quarter(1, 50, 40, goal=None), Bar(40, 50)),
        (quarter(1, 0, 0, goal=0), Bar(100, 100)),
    ],
)
def test_a_bar_is_as_long_as_the_share_of_the_goal_and_never_longer(target, bar):
    assert bar_of(target) == bar


def test_the_lines_of_a_year_start_at_nothing_and_pass_over_what_is_unknown():
    chart = chart_of([quarter(1, 5, 2), quarter(2, 7), quarter(3, 10, 10), quarter(4)])

    assert chart.planned == "6,108 78,58 150,38 222,8"
    assert chart.done == "6,108 78,88 222,8"
    assert chart.ends == ((78, 88), (222, 8))
    assert not chart.is_empty


def test_more_than_the_goal_stays_within_the_picture():
    chart = chart_of([quarter(1, 5, 20), quarter(2), quarter(3), quarter(4)])

    assert (chart.planned, chart.done) == ("6,108 78,83", "6,108 78,8")


def test_of_a_year_without_figures_nothing_is_drawn():
    assert chart_of([quarter(number) for number in (1, 2, 3, 4)]).is_empty
    assert chart_of([quarter(1, 0, 0, goal=0)]).done == "6,108 78,108"
