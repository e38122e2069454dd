"""How the projects of a year stand in each quarter: the newest figures and their colours."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from projects.sums import as_figure, as_sum
from projects.year.colour import WORST_FIRST, Colour, colour_of, worst_of
from projects.year.models import (
    QUARTERS,
    AdoptedProject,
    AdoptedTarget,
    ProjectFigure,
    TargetFigure,
    Year,
)


@dataclass(frozen=True)
class TargetQuarter:
    """A target at the end of one quarter; `row` are its newest figures, if there are any."""

    target: AdoptedTarget
    quarter: int
    row: TargetFigure | None

    @property
    def planned(self) -> Decimal | None:
        return self.row.planned if self.row else None

    @property
    def done(self) -> Decimal | None:
        return self.row.done if self.row else None

    @property
    def planned_words(self) -> str:
        return as_figure(self.planned, self.target.measure)

    @property
    def done_words(self) -> str:
        return as_figure(self.done, self.target.measure)

    @property
    def goal_words(self) -> str:
        return as_figure(self.target.goal, self.target.measure)

    @property
    def colour(self) -> Colour:
        return colour_of(self.planned, self.done)

    @property
    def share(self) -> int | None:
        """How much of the year's goal is done, in whole percent rounded down; None where unknown."""
        if self.done is None:
            return None
        return int(self.done * 100 / self.target.goal) if self.target.goal else 100


@dataclass(frozen=True)
class ProjectQuarter:
    """A project at the end of one quarter: its targets, and the newest of what is said of itself."""

    project: AdoptedProject
    quarter: int
    targets: tuple[TargetQuarter, ...]
    row: ProjectFigure | None

    @property
    def colour(self) -> Colour:
        return worst_of(target.colour for target in self.targets)

    @property
    def slowest(self) -> TargetQuarter | None:
        """The target that gives the project its colour; of several the one with the least done."""
        return min(
            self.targets,
            key=lambda target: (WORST_FIRST.index(target.colour), target.share or 0),
            default=None,
        )

    @property
    def spent(self) -> Decimal | None:
        return self.row.spent if self.row else None

    @property
    def spent_words(self) -> str:
        return as_sum(self.spent)

    @property
    def note(self) -> str:
        return self.row.note if self.row else ""

    @property
    def is_reported(self) -> bool:
        """Whether anything of the quarter is known but its plan."""
        return self.row is not None or any(target.done is not None for target in self.targets)

    @property
    def missing(self) -> tuple[TargetQuarter, ...]:
        """The targets of which nobody has said yet what was done."""
        return tuple(target for target in self.targets if target.done is None)


@dataclass(frozen=True)
class ProjectProgress:
    """A project through the year: one `ProjectQuarter` for each of the four."""

    project: AdoptedProject
    quarters: tuple[ProjectQuarter, ...]

    def at(self, quarter: int) -> ProjectQuarter:
        return self.quarters[quarter - 1]

    @property
    def latest_note(self) -> str:
        """The note of the last quarter that has one."""
        return next((one.note for one in reversed(self.quarters) if one.note), "")


@dataclass(frozen=True)
class Progress:
    """The projects of a year through its quarters."""

    year: Year
    projects: tuple[ProjectProgress, ...]

    @property
    def quarter(self) -> int:
        """The last quarter of which anything is reported; the first one before anything is."""
        reported = (
            one.quarter for each in self.projects for one in each.quarters if one.is_reported
        )
        return max(reported, default=QUARTERS[0])

    def at(self, quarter: int) -> list[ProjectQuarter]:
        """Return every project as it stood at the end of `quarter`."""
        return [each.at(quarter) for each in self.projects]


def progress_of(year: Year, project: int | None = None) -> Progress:
    """Return how the projects of `year` stand, or the one with the number `project`.

    Asks five statements, however many projects and figures there are.
    """
    projects = year.projects.prefetch_related("targets", "parts")
    if project is not None:
        projects = projects.filter(number=project)
    mine = list(projects)
    of_targets = {
        # The rows come in the order in which they were written, so that the newest one stands.
        (row.target_id, row.quarter): row
        for row in TargetFigure.objects.filter(target__project__in=mine).select_related("by")
    }
    of_projects = {
        (row.project_id, row.quarter): row
        for row in ProjectFigure.objects.filter(project__in=mine).select_related("by")
    }

    def at(each: AdoptedProject, targets: Sequence[AdoptedTarget], quarter: int) -> ProjectQuarter:
        return ProjectQuarter(
            each,
            quarter,
            tuple(
                TargetQuarter(target, quarter, of_targets.get((target.pk, quarter)))
                for target in targets
            ),
            of_projects.get((each.pk, quarter)),
        )

    return Progress(
        year,
        tuple(
            ProjectProgress(
                each, tuple(at(each, list(each.targets.all()), quarter) for quarter in QUARTERS)
            )
            for each in mine
        ),
    )
