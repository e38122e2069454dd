"""One message for one fault, however many rows of a table have it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from yiwu_vote.tables.grid import ranges
from yiwu_vote.tables.upload import Problem

# So many cells are quoted where rows differ in what they say.
QUOTED_LIMIT = 3


@dataclass(frozen=True)
class Fault:
    """What is wrong with one row or with many, in one sentence; `problems` are told row by row."""

    problems: tuple[Problem, ...]

    @property
    def remedy(self) -> str:
        """What the page can offer against it, by name; empty for most."""
        return self.problems[0].remedy

    def __str__(self) -> str:
        first = self.problems[0]
        lines = {problem.line for problem in self.problems}
        if len(lines) == 1:
            return str(first)
        values = list(dict.fromkeys(problem.value for problem in self.problems))
        quoted = "".join(f"“{value}”" for value in values[:QUOTED_LIMIT])
        more = "等" if len(values) > QUOTED_LIMIT else ""
        return f"第{ranges(lines)}行：{first.text.replace('{value}', quoted + more)}"


def grouped(problems: Iterable[Problem]) -> list[Fault]:
    """Return the faults in the order of their first rows."""
    alike: dict[str, list[Problem]] = {}
    for problem in sorted(problems, key=lambda problem: problem.line):
        alike.setdefault(problem.text, []).append(problem)
    return [Fault(tuple(same)) for same in alike.values()]
