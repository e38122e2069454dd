"""What a run found, as the page docs/performance.md: goals first, then each part with its way."""

import platform
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.bench.lab import CORES, ROOT, program, run


class Goal(NamedTuple):
    """One line of the table of goals: what was measured before, what must be, what we aim for."""

    what: str
    before: str
    must: str
    aim: str


GOALS = {
    "cast": Goal(
        "cast POST rate ÷ commit limit (one statement: roll, ballot, ten choices)",
        "0.014 · 0.023",
        "0.13",
        "0.25",
    ),
    "slow-disk": Goal("casts/s at 5 ms a flush, 32 clients ÷ the older commit", "1", "8", "10"),
    "page": Goal("ballot page ÷ tutorial's detail page", "0.48 · 0.57", "5", "8"),
    "flow": Goal("cast flow (review, cast) ÷ tutorial (vote, results)", "0.52 · 0.57", "2.4", "5"),
    "sign-in": Goal("sign-in POST ÷ PBKDF2 log-in", "31", "–", "–"),
    "rush": Goal(
        "rush, 350 in 10 s · 2,000 in 60 s: worst p99 of a step; errors 0, exact",
        "3.4 s · 42 s",
        "60 ms · 100 ms",
        "30 ms · 50 ms",
    ),
    "burst": Goal(
        "350 submit in one instant: slowest answer, PostgreSQL · SQLite `FULL`",
        "6.2 s · 6.6 s",
        "1 s · 2.3 s",
        "0.5 s · 1 s",
    ),
    "opening": Goal("opening ÷ (bare decrypt × cores) at 10⁵", "0.15", "0.40", "0.50"),
    "count": Goal(
        "count of 10⁵ from the database, SQL · Python ÷ `Counter` (`count_poll`)",
        "23 · 85 (890)",
        "6 · 20 (60)",
        "3.3 · 10 (20)",
    ),
    "memory": Goal(
        "peak memory of close, opening, count, package at 10⁵, a process",
        "1.5–3.0 GB",
        "200 MB",
        "150 MB at 10⁶",
    ),
    "verifier": Goal("verifier, full package of 10⁵", "refused", "60 s, 300 MB", "30 s"),
    "cpu": Goal(
        "CPU a request, application + database: home, ballot, review, cast, receipt (ms)",
        "11, 16, 9, 15, 7",
        "3, 2, 4, 4, 2",
        "2, 1, 3, 2, 1",
    ),
}


@dataclass
class Part:
    """What one part of a run found: its text, and the goals that it speaks to."""

    title: str
    lines: list[str] = field(default_factory=list)
    goals: dict[str, str] = field(default_factory=dict)

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Add a table whose first column is words and whose others are figures."""
        self.lines += [
            "",
            f"| {' | '.join(header)} |",
            f"|---|{'--:|' * (len(header) - 1)}",
            *(f"| {' | '.join(row)} |" for row in rows),
            "",
        ]


def spread(figures: Sequence[float], scale: float = 1) -> str:
    """Return median and range: `118 (104–132)`."""
    low, middle, high = min(figures), statistics.median(figures), max(figures)
    return f"{short(middle * scale)} ({short(low * scale)}–{short(high * scale)})"


def ratios(figures: Sequence[float], beside: Sequence[float]) -> list[float]:
    """Return the ratio of each round, whose noise both share."""
    return [one / other for one, other in zip(figures, beside, strict=True)]


def short(figure: float) -> str:
    """Return three digits that count: 1234 → 1,234, 0.01234 → 0.0123."""
    if figure >= 99.95:
        return f"{figure:,.0f}"
    if figure >= 9.995:
        return f"{figure:.1f}"
    return f"{figure:.2f}" if figure >= 0.9995 else f"{figure:.3g}"


def seconds(figure: float) -> str:
    return f"{short(figure)} s" if figure >= 1 else f"{short(figure * 1000)} ms"


def power(number: int) -> str:
    """Return 10⁵ for 100000, and any other number as it is usually written."""
    digits = str(number)
    if digits == "1" + "0" * (len(digits) - 1):
        return "10" + str(len(digits) - 1).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{number:,}"


def machine() -> list[str]:
    """Describe what was measured on."""
    processors = re.findall(r"^model name\s*: (.*)$", read("/proc/cpuinfo"), re.MULTILINE)
    model = processors[0] if processors else platform.machine()
    memory = int(read("/proc/meminfo").split()[1]) / 2**20
    return [f"{CORES} cores ({model}), {memory:.0f} GB, {platform.system()} {platform.release()}"]


def read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


def commit() -> str:
    """Name what is measured."""
    git = program("git")
    short_name = run([git, "log", "-1", "--format=%h"], cwd=ROOT).strip()
    changed = run([git, "status", "--porcelain", "--untracked-files=no"], cwd=ROOT).strip()
    return f"commit {short_name}" + (" and changes that are not committed" if changed else "")


def page(parts: Sequence[Part], *, form: str, facts: Sequence[str]) -> str:
    """Return the whole page."""
    measured = {key: text for part in parts for key, text in part.goals.items()}
    lines = [
        "# Performance",
        "",
        f"Written by `make {form}`; how and why is in",
        "[tests/bench/README.md](../tests/bench/README.md), what it means for more voters in [scale.md](scale.md).",
        "Read the ratios: each is of one run, in which what is compared took turns, and figures of different days or",
        "machines say little. “Older” is the older commit, measured in the same run.",
        "",
        *(f"- {fact}" for fact in [*machine(), *facts]),
        "",
        "| what | before (shipped · best) | must | aim | measured |",
        "|---|--:|--:|--:|--:|",
        *(
            f"| {goal.what} | {goal.before} | {goal.must} | {goal.aim} | {measured.get(key, 'not measured')} |"
            for key, goal in GOALS.items()
        ),
    ]
    if form == "bench" and (ROOT / "docs" / "performance-long.md").exists():
        lines += ["", "Larger sizes are in [performance-long.md](performance-long.md)."]
    for part in parts:
        lines += ["", f"## {part.title}", "", *part.lines]
    text = "\n".join(lines)
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.rstrip() + "\n"
