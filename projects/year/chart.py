"""How far a target has come, as a bar beside its words and as two lines through the year. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from projects.year.progress import TargetQuarter

# The picture of a year: its lines begin at the foot on the first of January.
LEFT, STEP, TOP, FOOT = 6, 72, 8, 108


@dataclass(frozen=True)
class Bar:
    """What was done and planned of a year's goal, in percent that fit on a bar; None where unknown."""

    done: int | None
    planned: int | None


def bar_of(target: TargetQuarter) -> Bar:
    """Return the bar of a target at the end of a quarter: more than all of it is all of the bar."""
    return Bar(*(_percent(figure, target) for figure in (target.done, target.planned)))


def _percent(figure: Decimal | None, target: TargetQuarter) -> int | None:
    if figure is None:
        return None
    goal = target.target.goal
    return min(int(figure * 100 / goal), 100) if goal else 100


@dataclass(frozen=True)
class Chart:
    """The points of two lines, as an SVG draws them; `ends` are where what was done is known."""

    planned: str
    done: str
    ends: tuple[tuple[int, int], ...]

    @property
    def is_empty(self) -> bool:
        return not (self.planned or self.done)


def chart_of(quarters: Iterable[TargetQuarter]) -> Chart:
    """Return the picture of a target's year: a quarter of which nothing is known is passed over.

    Its height is the goal, or the largest figure where there was more planned or done.
    """
    quarters = tuple(quarters)
    figures = [one.planned for one in quarters] + [one.done for one in quarters]
    largest = max([quarters[0].target.goal, *(f for f in figures if f is not None)])

    def at(quarter: int, figure: Decimal) -> tuple[int, int]:
        return LEFT + STEP * quarter, FOOT - int((FOOT - TOP) * figure / (largest or 1))

    planned = tuple(at(one.quarter, one.planned) for one in quarters if one.planned is not None)
    done = tuple(at(one.quarter, one.done) for one in quarters if one.done is not None)
    return Chart(_line(planned), _line(done), done)


def _line(points: tuple[tuple[int, int], ...]) -> str:
    return " ".join(f"{x},{y}" for x, y in ((LEFT, FOOT), *points)) if points else ""
