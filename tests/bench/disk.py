"""Part (j): casts on a disk whose every flush takes longer, and how long a close waits beside them."""

import json
import random
import statistics
import subprocess
import sys
from contextlib import ExitStack

from tests.bench.lab import HERE, Lab, LabError, Site, open_poll, take_votes_back
from tests.bench.load import Visitor, jar_of, rate
from tests.bench.rates import cast_of
from tests.bench.report import Part, ratios, short, spread

FLUSH = 5.0
CLIENTS = 32


def measure(lab: Lab, *, rounds: int, seconds: float) -> Part:
    """Measure with the cluster started anew on a slow disk; it is fast again afterwards."""
    sites = lab.pair()
    rates: dict[str, list[float]] = {}
    waits: dict[str, list[float]] = {}
    lab.cluster.stop()
    lab.cluster.start(slow=True)
    with ExitStack() as stack:
        stack.callback(lab.cluster.start)
        stack.callback(lab.cluster.stop)
        for site in sites:
            stack.enter_context(site.serving())
        polls = {site.name: open_poll(lab.cluster, site) for site in sites}
        jars = {site.name: jar_of(site) for site in sites}
        for number in range(rounds + 1):
            random.Random(number).shuffle(sites)
            for site in sites:
                jar, poll = jars[site.name], polls[site.name]
                figure = casts(lab, site, poll, jar, seconds)
                if number:
                    rates.setdefault(site.name, []).append(figure)
                    waits.setdefault(site.name, []).extend(
                        waits_of_a_close(lab, site, poll, jar, seconds)
                    )
    return told(rates, waits, rounds, seconds)


def casts(lab: Lab, site: Site, poll: int, jar: list[Visitor], seconds: float) -> float:
    lab.cluster.delay(0)
    take_votes_back(lab.cluster, site)
    lab.cluster.delay(FLUSH)
    try:
        return rate(site.port, cast_of(poll), jar, seconds=seconds, connections=CLIENTS)
    finally:
        lab.cluster.delay(0)


def waits_of_a_close(
    lab: Lab, site: Site, poll: int, jar: list[Visitor], seconds: float
) -> list[float]:
    """Return how many seconds each of several closes waited while the same casts went on."""
    closer = subprocess.Popen(
        [sys.executable, str(HERE / "inside" / "close_waits.py"), str(poll)],
        cwd=site.tree,
        env=site.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        # It says when it is ready, and goes on until it is told to end.
        assert closer.stdout is not None
        closer.stdout.readline()
        casts(lab, site, poll, jar, seconds)
        said, _errors = closer.communicate("end\n", timeout=60)
    finally:
        if closer.poll() is None:
            closer.kill()
            closer.wait()
    if closer.returncode:
        raise LabError(f"close_waits.py ended with {closer.returncode}")
    return [float(one) for one in json.loads(said)]


def told(
    rates: dict[str, list[float]], waits: dict[str, list[float]], rounds: int, seconds: float
) -> Part:
    part = Part("A slow disk")
    gained = {name: ratios(figures, rates["older"]) for name, figures in rates.items()}
    part.lines += [
        f"PostgreSQL whose every flush takes {FLUSH:g} ms longer, {CLIENTS} connections, {rounds} rounds of "
        f"{seconds:g} s, sites in turn; median",
        "(least–most). A close takes the lock of the poll four times a second while the casts go on, and gives it back.",
    ]
    part.table(
        ["what", "casts/s", "÷ older", "a close waits, median", "worst"],
        [
            [
                name,
                spread(rates[name]),
                spread(gained[name]),
                f"{statistics.median(waits[name]) * 1000:.0f} ms",
                f"{max(waits[name]) * 1000:.0f} ms",
            ]
            for name in ("now", "older")
        ],
    )
    part.goals["slow-disk"] = short(statistics.median(gained["now"]))
    return part
