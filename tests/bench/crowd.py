"""Parts (e) and (f): a rush with arrivals that wait for nobody, and everybody in one instant."""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from tests.bench.lab import ROOT, Lab, Site, database_of, open_poll, take_votes_back
from tests.bench.load import Waits, burst, rush, signed_in
from tests.bench.rates import TICKS, cast_of
from tests.bench.report import Part, seconds

THINK = 2.0
HALL = 350


class Rush(NamedTuple):
    voters: int
    window: float


def measure_rush(lab: Lab, *, rushes: Sequence[Rush]) -> Part:
    """Let so many arrive within so many seconds, each once, and compare the box with receipts."""
    site = lab.pair()[0]
    part = Part("A rush")
    part.lines += [
        "Each arrives at a random moment of the window, signs in by the code of a card, goes the whole way to the",
        f"receipt and thinks up to {THINK:g} s before each step. A step's time runs from the moment that was planned",
        "for it. One run of each, on PostgreSQL. *Exact*: the receipts that people saw are those in the box, and as",
        "many marks stand on the roll.",
    ]
    rows, said = [], []
    with site.serving():
        poll = open_poll(lab.cluster, site)
        for voters, window in rushes:
            take_votes_back(lab.cluster, site)
            waits = rush(
                site.port,
                site.codes[:voters],
                window=window,
                think=THINK,
                poll=poll,
                ticks=TICKS,
            )
            exact = is_exact(lab, site, waits, voters)
            worst = max(waits.seconds, key=lambda step: percentile(waits.seconds[step], 99))
            p99 = percentile(waits.seconds[worst], 99)
            errors = waits.errors.total()
            said.append(
                f"{seconds(p99)} ({voters:,} in {window:g} s; errors {errors}, "
                f"{'exact' if exact else 'NOT EXACT'})"
            )
            rows.append(
                [f"{voters:,} in {window:g} s", f"{waits.took:.1f} s"]
                + [
                    " / ".join(f"{percentile(times, part) * 1000:.0f}" for part in (50, 99))
                    for times in waits.seconds.values()
                ]
                + [str(errors), "yes" if exact else "no"]
            )
            part.lines += [f"Errors: {words} ({times})." for words, times in waits.errors.items()]
    steps = [f"{name}, p50 / p99 ms" for name in waits.seconds]
    part.table(["rush", "took", *steps, "errors", "exact"], rows)
    part.goals["rush"] = " · ".join(said)
    return part


def is_exact(lab: Lab, site: Site, waits: Waits, voters: int) -> bool:
    with lab.cluster.connect(database_of(site)) as connection:
        codes = {str(code) for (code,) in connection.execute("SELECT code FROM ballots_envelope")}
        marks = connection.execute("SELECT count(*) FROM ballots_rollentry WHERE voted").fetchone()
    return codes == waits.receipts and len(codes) == voters and marks == (voters,)


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
        jars = {
            name: signed_in(site.port, site.codes[: rounds * HALL])
            for name, (site, _poll) in sites.items()
        }
        for number in range(rounds):
            for name, (site, its_poll) in sites.items():
                people = jars[name][number * HALL : (number + 1) * HALL]
                waits = burst(site.port, cast_of(its_poll), people)
                errors += waits.errors.total()
                times = waits.seconds.get("cast", [math.inf])
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
