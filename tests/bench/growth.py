"""Parts (g) to (i): close, opening, count, package and verifier, as the box grows."""

import json
import os
import subprocess
import sys
import time
from typing import NamedTuple

from tests.bench.lab import CORES, ROOT, Lab, LabError, Site, database_of
from tests.bench.report import Part, power, seconds, short

# What is told of a step beside its seconds: the memory of a process at most, in MB.
STEPS = {
    "close": ("close_poll", "--user", "{office}"),
    "open": ("open_box", "--user", "{scrutineer}", "--shares", "{shares}"),
    "canvass": ("canvass_poll", "--each-alone", "--user", "{office}", "--second", "{scrutineer}"),
    "count": ("count_poll", "--user", "{office}"),
    "package": ("export_package", "{package}"),
}
TOLD = ("close", "open", "count", "package", "verify")
# Where `make bench` puts what counts beside us.
PACKAGES = ROOT / "var" / "bench" / "packages"
# The size that the goals speak of.
GOAL_SIZE = 100_000


class Step(NamedTuple):
    seconds: float
    megabytes: float


class Grown(NamedTuple):
    """What was found at one size."""

    steps: dict[str, Step]
    tally: dict[str, float]
    bare: float
    sealed_bytes: int
    package_megabytes: float
    verdict: int
    stored_bytes: float


def measure(lab: Lab, *, sizes: list[int]) -> Part:
    """Take a poll of each size from its last cast to its verified package."""
    found: dict[int, Grown] = {}
    failures = []
    for size in sizes:
        try:
            found[size] = grown(lab, size)
        except LabError as error:
            failures.append(f"{power(size)} ballots: {error}")
    if not found:
        raise LabError("\n".join(failures))
    part = told(found)
    part.lines += [f"Not measured: {failure}" for failure in failures]
    return part


def grown(lab: Lab, size: int) -> Grown:
    site = lab.new_site(f"box-{size}", ROOT, lab.cluster.create(f"bench_box_{size}"), 0)
    site.var.mkdir()
    shares, package = site.var / "shares.txt", site.var / "package.zip"
    filled = json.loads(site.inside("fill", str(size), str(shares)))
    with lab.cluster.connect(database_of(site)) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
        row = connection.execute("SELECT pg_total_relation_size('ballots_envelope')").fetchone()
    stored = float(row[0]) / size if row else 0.0
    names = {"shares": str(shares), "package": str(package)} | filled
    steps, tally, bare = {}, {}, {}
    for name, words in STEPS.items():
        if name == "open":
            bare = json.loads(site.inside("decrypt", str(shares)))
        elif name == "count":
            tally = json.loads(site.inside("tally", str(PACKAGES)))
        found = json.loads(site.inside("step", *(word.format(**names) for word in words)))
        steps[name] = Step(found["seconds"], max(found["own"], found["workers"]))
    steps["verify"], verdict = verified(site, str(package))
    megabytes = package.stat().st_size / 1e6
    return Grown(steps, tally, bare["rate"], bare["bytes"], megabytes, verdict, stored)


def verified(site: Site, package: str) -> tuple[Step, int]:
    """Let the verifier read the full package; return what it took and its exit code."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "ballots.verifier", package],
        cwd=site.tree,
        env=site.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _pid, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode < 0:
        raise LabError(f"the verifier was ended by signal {-process.returncode}")
    return Step(time.perf_counter() - start, used.ru_maxrss / 1024), process.returncode


def told(found: dict[int, Grown]) -> Part:
    part, last = Part("Close, opening, count, package, verifier"), list(found.values())[-1]
    part.lines += [
        "Each step by its command in a fresh process: seconds of the command, in brackets for each ballot, and the most",
        "memory that any one of its processes held. One run of each. A sealed ballot has "
        f"{last.sealed_bytes:,} bytes, which is",
        f"{last.stored_bytes:,.0f} bytes in the database with its indexes before the close.",
    ]
    part.table(
        ["ballots", *TOLD, "package", "verified"],
        [
            [
                power(size),
                *(cell(grown.steps[name], size) for name in TOLD),
                f"{short(grown.package_megabytes)} MB",
                "yes" if grown.verdict == 0 else f"no (exit {grown.verdict})",
            ]
            for size, grown in found.items()
        ],
    )
    part.lines.append(
        "Opening: ballots a second, beside the bare HPKE decryption of one core of CPU times the cores."
    )
    part.table(
        ["ballots", "opened /s", "bare /s a core", f"opening ÷ (bare × {CORES})"],
        [
            [
                power(size),
                short(opened(size, grown)),
                short(grown.bare),
                short(opening(size, grown)),
            ]
            for size, grown in found.items()
        ],
    )
    part.lines.append(
        "Counting an opened box: seconds, and in brackets the ratio to `Counter` over lists that are in memory "
        "already."
    )
    ways = list(dict.fromkeys(name for grown in found.values() for name in grown.tally))
    part.table(
        ["ballots", *ways, "`count_poll`"],
        [
            [power(size), *(beside(grown, name) for name in ways), beside(grown, "count_poll")]
            for size, grown in found.items()
        ],
    )
    missing = [name for name in ("numpy.bincount", "abcvoting") if name not in ways]
    if missing:
        part.lines.append(f"Not installed, so not measured: {', '.join(missing)}.")
    if GOAL_SIZE in found:
        part.goals |= goals(found)
    return part


def cell(step: Step, size: int) -> str:
    each = step.seconds / size * 1000
    return f"{seconds(step.seconds)} ({short(each)} ms), {step.megabytes:.0f} MB"


def opened(size: int, grown: Grown) -> float:
    return size / grown.steps["open"].seconds


def opening(size: int, grown: Grown) -> float:
    return opened(size, grown) / (grown.bare * CORES)


def ratio(grown: Grown, name: str) -> float:
    took = grown.steps["count"].seconds if name == "count_poll" else grown.tally[name]
    return took / grown.tally["Counter"]


def beside(grown: Grown, name: str) -> str:
    took = ratio(grown, name) * grown.tally["Counter"]
    return f"{seconds(took)} ({short(ratio(grown, name))})"


def goals(found: dict[int, Grown]) -> dict[str, str]:
    at = found[GOAL_SIZE]
    peak = {
        size: max(grown.steps[name].megabytes for name in TOLD if name != "verify")
        for size, grown in found.items()
        if size >= GOAL_SIZE
    }
    verify = at.steps["verify"]
    return {
        "opening": short(opening(GOAL_SIZE, at)),
        "count": f"{short(ratio(at, 'SQL'))} · {short(ratio(at, 'Python'))} ({short(ratio(at, 'count_poll'))})",
        "memory": "; ".join(f"{most:.0f} MB at {power(size)}" for size, most in peak.items()),
        "verifier": f"{seconds(verify.seconds)}, {verify.megabytes:.0f} MB"
        + ("" if at.verdict == 0 else f", exit {at.verdict}"),
    }
