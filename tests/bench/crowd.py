"""Parts (e) and (f): a rush with arrivals that wait for nobody, and everybody in one instant."""

import asyncio
import math
import random
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

from ballots.management.commands._visitor import VisitFailed, Visitor
from ballots.pure.rules import Selection
from tests.bench.lab import ROOT, Lab, Site, database_of, open_poll, take_votes_back
from tests.bench.load import burst, jar_of
from tests.bench.rates import cast_of
from tests.bench.report import Part, seconds

THINK = 1.0
HALL = 350
CANDIDATES, TICKED = 8, 6
# The steps of a visit, as `rehearse` names them.
STEPS = {
    "登录页": "door",
    "登录": "sign-in",
    "首页": "home",
    "表决票": "ballot",
    "核对": "review",
    "提交": "cast",
    "回执": "receipt",
}


class Rush(NamedTuple):
    voters: int
    window: float


@dataclass
class Came:
    """What a crowd lived through: seconds by step, the receipts it saw, what failed."""

    steps: dict[str, list[float]] = field(default_factory=dict)
    receipts: set[str] = field(default_factory=set)
    errors: Counter[str] = field(default_factory=Counter)
    took: float = 0.0
    late: float = 0.0


def rush(site: Site, crowd: Rush) -> Came:
    """Let everybody arrive at a moment of his own, by the same visitors as `manage.py rehearse`."""
    came, chance = Came(), random.Random(1)
    selections = [
        Selection(tuple(sorted(chance.sample(range(1, CANDIDATES + 1), TICKED))))
        for _ in range(crowd.voters)
    ]

    async def everybody() -> None:
        clock = asyncio.get_running_loop().time
        start = clock()
        await asyncio.gather(
            *(
                one(code, selection, start + chance.random() * crowd.window)
                for code, selection in zip(site.codes, selections, strict=False)
            )
        )
        came.took = clock() - start

    async def one(code: str, selection: Selection, arrival: float) -> None:
        visitor = Visitor(urlsplit(site.address), think=THINK)
        try:
            await visitor.vote(code, selection, arrival=arrival)
            came.receipts.add(visitor.visit.receipt)
        except (VisitFailed, OSError) as failure:
            came.errors[str(failure) or type(failure).__name__] += 1
        came.late = max(came.late, visitor.visit.late)
        for step, seconds_of_it in visitor.visit.seconds.items():
            came.steps.setdefault(step, []).append(seconds_of_it)

    asyncio.run(everybody())
    return came


def measure_rush(lab: Lab, *, rushes: Sequence[Rush]) -> Part:
    """Let so many arrive within so many seconds, each once, and compare the box with receipts."""
    site = lab.pair()[0]
    part = Part("A rush")
    part.lines += [
        "Each arrives at a random moment of the window, signs in by the code of a card, goes the whole way to the",
        f"receipt and looks about {THINK:g} s at each page before he presses: the visitors are those of `rehearse`. A",
        "step's time runs from the moment that was planned for it. One run of each, on PostgreSQL. *Exact*: the",
        "receipts that people saw are those in the box, and as many marks stand on the roll.",
    ]
    rows, said = [], []
    with site.serving():
        for crowd in rushes:
            take_votes_back(lab.cluster, site)
            came = rush(site, crowd)
            exact = is_exact(lab, site, came, crowd.voters)
            worst = max(percentile(times, 99) for times in came.steps.values())
            errors = came.errors.total()
            said.append(
                f"{seconds(worst)} ({crowd.voters:,} in {crowd.window:g} s; errors {errors}, "
                f"{'exact' if exact else 'NOT EXACT'})"
            )
            rows.append(
                [
                    f"{crowd.voters:,} in {crowd.window:g} s",
                    f"{came.took:.1f} s",
                    *(
                        " / ".join(f"{percentile(times, part) * 1000:.0f}" for part in (50, 99))
                        for times in came.steps.values()
                    ),
                    f"{came.late * 1000:.0f}",
                    str(errors),
                    "yes" if exact else "no",
                ]
            )
            part.lines += [f"Errors: {words} ({times})." for words, times in came.errors.items()]
    steps = [f"{STEPS.get(name, name)}, p50 / p99 ms" for name in came.steps]
    part.table(["rush", "took", *steps, "load tool late, ms", "errors", "exact"], rows)
    part.goals["rush"] = " · ".join(said)
    return part


def is_exact(lab: Lab, site: Site, came: Came, voters: int) -> bool:
    with lab.cluster.connect(database_of(site)) as connection:
        codes = {str(code) for (code,) in connection.execute("SELECT code FROM ballots_envelope")}
        marks = connection.execute("SELECT count(*) FROM ballots_rollentry WHERE voted").fetchone()
    return codes == came.receipts and len(codes) == voters and marks == (voters,)


def measure_burst(lab: Lab, *, rounds: int) -> Part:
    """Let a whole hall press the last button in one instant, on both databases in turn."""
    on_postgresql = lab.pair()[0]
    on_sqlite = lab.new_site(
        "sqlite", ROOT, f"sqlite:///{lab.folder / 'bench.sqlite3'}", rounds * HALL
    ).prepare()
    slowest: dict[str, list[float]] = {}
    middle: dict[str, list[float]] = {}
    errors = 0
    take_votes_back(lab.cluster, on_postgresql)
    poll = open_poll(lab.cluster, on_postgresql)
    with on_postgresql.serving(), on_sqlite.serving():
        # The demo's poll is the first of its database.
        sites = {"PostgreSQL": (on_postgresql, poll), "SQLite": (on_sqlite, 1)}
        jars = {name: jar_of(site) for name, (site, _poll) in sites.items()}
        for number in range(rounds):
            for name, (site, its_poll) in sites.items():
                people = jars[name][number * HALL : (number + 1) * HALL]
                waits = burst(site.port, cast_of(its_poll), people)
                errors += waits.errors.total()
                times = waits.seconds or [math.inf]
                slowest.setdefault(name, []).append(max(times))
                middle.setdefault(name, []).append(statistics.median(times))
    part = Part(f"{HALL} submit in one instant")
    part.lines += [
        f"Every connection is open before; {rounds} rounds, other people in each; seconds from the instant to the",
        f"answer, median (least–most) of the rounds. Errors: {errors}.",
    ]
    part.table(
        ["database", "half have their answer after", "the last has it after"],
        [
            [name, *(f"{statistics.median(x):.2f} s ({min(x):.2f}–{max(x):.2f})" for x in both)]
            for name, both in ((name, (middle[name], slowest[name])) for name in slowest)
        ],
    )
    part.goals["burst"] = " · ".join(seconds(statistics.median(x)) for x in slowest.values())
    return part


def percentile(times: Sequence[float], part: int) -> float:
    """Return the least of `times` that `part` percent of them do not exceed."""
    return sorted(times)[max(0, math.ceil(len(times) * part / 100) - 1)]
