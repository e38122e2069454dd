"""`make bench` and `make bench-long`: measure, and write docs/performance.md."""

import argparse
import datetime
import signal
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from tests.bench import cost, crowd, disk, growth, rates
from tests.bench.lab import ROOT, Lab, laboratory
from tests.bench.load import TOOL
from tests.bench.report import Part, commit, page

OLDER = "496c4f9"


class Form(NamedTuple):
    """How much is measured."""

    target: str
    page: str
    rounds: int
    seconds: float
    rushes: list[crowd.Rush]
    sizes: list[int]


SHORT = Form(
    "bench",
    "docs/performance.md",
    rounds=3,
    seconds=2,
    rushes=[crowd.Rush(350, 10), crowd.Rush(1000, 30)],
    sizes=[1_000, 10_000, 100_000],
)
LONG = Form(
    "bench-long",
    "docs/performance-long.md",
    rounds=5,
    seconds=3,
    rushes=[crowd.Rush(350, 10), crowd.Rush(2000, 60)],
    sizes=[1_000, 10_000, 100_000, 1_000_000],
)

PARTS: dict[str, Callable[[Lab, Form], Part]] = {
    "rates": lambda lab, form: rates.measure(lab, rounds=form.rounds, seconds=form.seconds),
    "cost": lambda lab, form: cost.measure(lab, rounds=form.rounds),
    "rush": lambda lab, form: crowd.measure_rush(lab, rushes=form.rushes),
    "burst": lambda lab, form: crowd.measure_burst(lab, rounds=form.rounds),
    "growth": lambda lab, form: growth.measure(lab, sizes=form.sizes),
    "disk": lambda lab, form: disk.measure(lab, rounds=form.rounds, seconds=form.seconds),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--long", action="store_true", help="larger sizes and more rounds")
    parser.add_argument("--only", metavar="PART,…", help=f"of {', '.join(PARTS)}; writes no page")
    parser.add_argument("--older", default=OLDER, metavar="COMMIT", help="what to measure beside")
    parser.add_argument("--port", type=int, default=8500, help="the first of some ten free ports")
    options = parser.parse_args()
    form = LONG if options.long else SHORT
    chosen = options.only.split(",") if options.only else list(PARTS)
    # Servers are ended by what stands around them, and only an exception gets there.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    start, parts, failed = time.monotonic(), [], False
    what = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC, {commit()}"
    with laboratory(older=options.older, first_port=options.port) as lab:
        for name in chosen:
            begun = time.monotonic()
            try:
                parts.append(PARTS[name](lab, form))
            except Exception as error:
                # What the others find is not lost for it.
                failed = True
                parts.append(Part(name, [f"Not measured: {error}"]))
                print(f"{name}: {error}", file=sys.stderr)
            print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
        facts = [
            f"{what}, in {(time.monotonic() - start) / 60:.1f} minutes",
            f"PostgreSQL {lab.cluster.setting('server_version')} as `initdb` sets it up, and load by {TOOL}, on "
            "the same machine",
            f"the older commit is {options.older}",
        ]
    text = page(parts, form=form.target, facts=facts)
    if options.only:
        print(text)
    else:
        (ROOT / form.page).write_text(text, encoding="utf-8")
    sys.exit(failed)


if __name__ == "__main__":
    main()
