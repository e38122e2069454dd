"""`make faults`: the long form of the campaign, whose figures go to docs/faults.md.

Its short form is `pytest -m faults`; what is struck and how it is judged is the same.
"""

import argparse
import datetime
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.bench.report import commit, machine
from tests.faults.campaign import LASTS, Campaign, Strike, held, judged, rounds
from tests.faults.postgres import Cluster, Line
from tests.faults.site import VOTERS, Site, steps_killed
from tests.faults.volume import Volume
from tests.helpers.machine import ROOT

PAGE = ROOT / "docs" / "faults.md"
SEED = 11
# Delegates who vote between two strikes, and the rounds after the last.
ROUND = 6
STEPS = 9


@dataclass
class Found:
    """What the parts found: lines of two tables, and all that was wrong."""

    campaigns: list[list[str]] = field(default_factory=list)
    steps: list[list[str]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class Place:
    """A folder, and what is started in it and ended after it."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-site-")))

    def cluster(self, within: Path | None = None) -> Cluster:
        cluster = Cluster(within)
        self._stack.callback(cluster.close)
        cluster.start()
        cluster.create("vote")
        return cluster

    def line(self, cluster: Cluster) -> Line:
        line = Line(cluster.port)
        self._stack.callback(line.close)
        return line

    def volume(self, megabytes: int) -> Volume:
        volume = Volume(megabytes)
        self._stack.callback(volume.close)
        return volume


# --- campaigns ------------------------------------------------------------------------------------

Make = Callable[[Place, int], Campaign]


def on_postgresql(strikes: list[Strike], *, has_twin: bool = False, **more: Any) -> Make:
    """Return what makes a campaign on a PostgreSQL of its own, reached by a line that can be cut."""

    def make(place: Place, times: int) -> Campaign:
        cluster = place.cluster()
        line = place.line(cluster)
        address = [cluster.address("vote", port) for port in (None, line.port)]
        site = Site(
            place.folder, address[0], line=address[1], delegates=voters(strikes, times), **more
        )
        twin = site.twin() if has_twin else None
        return Campaign(
            site, strikes * times, SEED, cluster=cluster, line=line, twin=twin, limit=600 * times
        )

    return make


def on_sqlite(strikes: list[Strike], *, has_twin: bool = False) -> Make:
    def make(place: Place, times: int) -> Campaign:
        database = f"sqlite:///{place.folder / 'vote.sqlite3'}"
        site = Site(place.folder, database, delegates=voters(strikes, times))
        twin = site.twin() if has_twin else None
        return Campaign(site, strikes * times, SEED, twin=twin, limit=600 * times)

    return make


def full_postgresql(place: Place, times: int) -> Campaign:
    volume = place.volume(400)
    cluster = place.cluster(volume.folder)
    strikes: list[Strike] = ["full volume"] * times
    site = Site(place.folder, cluster.address("vote"), delegates=voters(strikes, 1))
    return Campaign(site, strikes, SEED, cluster=cluster, volume=volume, limit=600 * times)


def full_sqlite(place: Place, times: int) -> Campaign:
    volume = place.volume(64)
    strikes: list[Strike] = ["full volume"] * times
    database = f"sqlite:///{volume.folder / 'vote.sqlite3'}"
    site = Site(place.folder, database, delegates=voters(strikes, 1))
    return Campaign(site, strikes, SEED, volume=volume, limit=600 * times)


def voters(strikes: Sequence[Strike], times: int) -> int:
    """Return how many delegates there must be that each strike meets a round of casts."""
    return ROUND * rounds([*strikes] * times)


CAMPAIGNS: dict[str, tuple[str, str, Make]] = {
    "kills": (
        "kill -9 of database, worker, server; line cut at COMMIT",
        "PostgreSQL",
        on_postgresql(["database", "answer lost", "worker", "COMMIT lost", "server"] * 2),
    ),
    "kills-sqlite": (
        "kill -9 of worker, server",
        "SQLite",
        on_sqlite(["worker", "server"] * 2),
    ),
    "twins": (
        "two servers on one database; kill -9, restart",
        "PostgreSQL",
        on_postgresql(["server", "database", "worker", "restart"], has_twin=True),
    ),
    "twins-sqlite": (
        "two servers on one database; kill -9",
        "SQLite",
        on_sqlite(["server", "worker"], has_twin=True),
    ),
    "lines": (
        f"line silent for {LASTS} s; connections half open for good",
        "PostgreSQL",
        on_postgresql(["silence", "half-open"]),
    ),
    "full": (f"volume full for {LASTS} s", "PostgreSQL", full_postgresql),
    "full-sqlite": (f"volume full for {LASTS} s", "SQLite", full_sqlite),
    "ahead": (
        "server's clock 48 h ahead; kill -9 of a worker",
        "PostgreSQL",
        on_postgresql(["worker"], settings="tests.faults.clock", CLOCK_HOURS="48"),
    ),
    "behind": (
        "server's clock 48 h behind; kill -9 of a worker",
        "PostgreSQL",
        on_postgresql(["worker"], settings="tests.faults.clock", CLOCK_HOURS="-48"),
    ),
    "copies": ("copy by `pg_dump`", "PostgreSQL", on_postgresql(["copy"] * 2)),
    "copies-sqlite": ("copy by SQLite's backup", "SQLite", on_sqlite(["copy"] * 2)),
}

HEADER = (
    "fault, while people vote",
    "database",
    "strikes",
    "delegates",
    "casts without an answer",
    "acknowledged",
    "counted",
    "lost",
    "double or made up",
    "half",
    "other",
    "without a receipt",
    "next ballot after, median (worst)",
)
KINDS = {"LOST": "lost", "TWICE or GHOST": "made up", "GHOST": "made up", "HALF": "half"}


def run_campaign(name: str, place: Place, times: int, found: Found) -> None:
    what, database, make = CAMPAIGNS[name]
    campaign = make(place, times)
    held(campaign)
    verdict = judged(campaign)
    kinds = Counter(KINDS.get(fault.partition(":")[0], "other") for fault in verdict.faults)
    casts = [one.said for history in campaign.histories.values() for one in history]
    backs = campaign.backs
    found.campaigns.append(
        [
            what,
            database,
            f"{campaign.done.total()} of {len(campaign.strikes)}",
            str(len(campaign.ballots)),
            str(casts.count("open")),
            str(campaign.acknowledged()),
            str(verdict.counted),
            *(str(kinds[kind]) for kind in ("lost", "made up", "half", "other")),
            str(len(campaign.stuck)),
            f"{statistics.median(backs):.1f} s ({max(backs):.1f} s)" if backs else "–",
        ]
    )
    found.faults += [f"{name}: {fault}" for fault in verdict.faults]
    found.faults += [f"{name}: {number} has no receipt" for number in campaign.stuck]
    if campaign.done.total() != len(campaign.strikes):
        found.faults.append(f"{name}: only {dict(campaign.done)} came")
    if not len(campaign.ballots) == campaign.acknowledged() == verdict.counted:
        found.faults.append(f"{name}: not everybody's ballot is counted")


# --- steps ----------------------------------------------------------------------------------------


def run_steps(name: str, place: Place, _times: int, found: Found) -> None:
    if name == "steps":
        database, address = "PostgreSQL", place.cluster().address("vote")
    else:
        database, address = "SQLite", f"sqlite:///{place.folder / 'vote.sqlite3'}"
    for row in steps_killed(place.folder, address, most=STEPS):
        kinds = Counter(fault.partition(":")[0] for fault in row["faults"])
        found.steps.append(
            [
                f"`{row['command']}`",
                database,
                str(row["kills"]),
                str(kinds["HALF"]),
                str(kinds.total() - kinds["HALF"]),
                str(row["done before"]),
            ]
        )
        found.faults += [f"{name}: {fault}" for fault in row["faults"]]


STEPS_HEADER = (
    "step",
    "database",
    "kills",
    "other than the last COMMIT left",
    "not the same end when run again",
    "said that it had been done",
)

# --- the page -------------------------------------------------------------------------------------

PARTS: dict[str, Callable[[str, Place, int, Found], None]] = {
    **dict.fromkeys(CAMPAIGNS, run_campaign),
    "steps": run_steps,
    "steps-sqlite": run_steps,
}


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|---|---|{'--:|' * (len(header) - 2)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def page(found: Found, facts: Sequence[str]) -> str:
    """Return the whole page."""
    lines = [
        "# Faults",
        "",
        "Written by `make faults`; how it strikes and judges is in `tests/faults/` (design §7.5). A",
        "demo is served as [operations](operations.md) says; twelve phones vote, do not give up, and each ballot is",
        "foretold. *Lost*, *double*, *half* and *other* are what the judge found in box, count and copies, and in what",
        "delegates were told; they must be 0, and delegates, acknowledged and counted the same number. *Next ballot*: seconds",
        "from the end of a strike to the next receipt, of a cast that was on its way or of another.",
        "",
        *(f"- {fact}" for fact in [*machine(), *facts]),
        "",
        *table(HEADER, found.campaigns),
        "",
        "## Steps killed at every statement",
        "",
        "Each command gets kill -9 before each of its statements, before each COMMIT and right after it, with",
        f"{VOTERS - 1} ballots in the box; then it is run again, and the journal verified.",
        "",
        *table(STEPS_HEADER, found.steps),
    ]
    if found.left_out:
        lines += ["", "## Not run", "", *(f"- {line}" for line in found.left_out)]
    if found.faults:
        lines += ["", "## Wrong", "", *(f"- {line}" for line in found.faults)]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", metavar="PART,…", help=f"of {', '.join(PARTS)}; writes no page")
    parser.add_argument("--times", type=int, default=8, help="how many times as many strikes")
    options = parser.parse_args()
    # Servers are ended by what stands around them, and only an exception gets there.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    begun, found = time.monotonic(), Found()
    what = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC, {commit()}"
    for name in options.only.split(",") if options.only else PARTS:
        start = time.monotonic()
        try:
            with ExitStack() as stack:
                PARTS[name](name, Place(stack), options.times, found)
        except pytest.skip.Exception as reason:
            found.left_out.append(f"{name}: {reason}")
        except Exception as error:
            # What the others find is not lost for it.
            found.faults.append(f"{name}: not finished: {error}")
        print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr)
        # A run that is ended early has said what it found so far.
        print(*found.campaigns[-1:], *found.faults, sep="\n", file=sys.stderr, flush=True)
    minutes = (time.monotonic() - begun) / 60
    text = page(found, [f"{what}, in {minutes:.0f} minutes, `--times {options.times}`"])
    if not options.only:
        PAGE.write_text(text, encoding="utf-8")
    print(text)
    sys.exit(bool(found.faults))


if __name__ == "__main__":
    main()
