"""Part (k): CPU of each request, of the application and of its database, in one process.

The steadiest of all figures: CPU time hardly moves when others use the machine.
"""

import json
import statistics

from tests.bench.lab import Lab, open_poll, take_votes_back
from tests.bench.load import jar_of
from tests.bench.rates import BALLOT, cast_of, review_of
from tests.bench.report import Part

WARM, TIMES = 10, 40
PAGES = ("home", "ballot", "review", "cast", "receipt")


def measure(lab: Lab, *, rounds: int) -> Part:
    """Measure both trees in turn; a request's cost is the median of a round."""
    sites = lab.pair()
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    jars = {}
    for site in sites:
        with site.serving():
            jars[site.name] = jar_of(site)[: WARM + TIMES]
    for _round in range(rounds):
        for site in sites:
            take_votes_back(lab.cluster, site)
            poll = open_poll(lab.cluster, site)
            jar = site.var / "cost.jar"
            jar.write_text("".join("\t".join(visitor) + "\n" for visitor in jars[site.name]))
            requests = site.var / "requests.json"
            asked = {
                "home": ("GET", "/home/", "", 200),
                "ballot": BALLOT[:4],
                "review": review_of(poll)[:4],
                "cast": cast_of(poll)[:4],
                "receipt": ("GET", "/receipt/", "", 200),
            }
            requests.write_text(json.dumps(asked))
            said = site.inside("wsgi", str(requests), str(jar), str(WARM))
            for page, figures in json.loads(said).items():
                found.setdefault((site.name, page), []).append(figures)
    return told(found, rounds)


def told(found: dict[tuple[str, str], list[dict[str, float]]], rounds: int) -> Part:
    part = Part("CPU a request")
    part.lines += [
        f"Milliseconds of CPU in one process, application + its PostgreSQL backend: medians of {rounds} rounds of {TIMES}",
        "requests, trees in turn; (least–most) is of the sum. *Statements* are those of the last request.",
    ]
    middle = {
        key: {
            figure: statistics.median(one[figure] for one in rounds_of)
            for figure in ("app", "database")
        }
        for key, rounds_of in found.items()
    }
    rows = []
    for page in PAGES:
        cells = []
        for name in ("now", "older"):
            sums = [one["app"] + one["database"] for one in found[name, page]]
            both = middle[name, page]
            cells += [
                f"{both['app']:.2f} + {both['database']:.2f} ({min(sums):.1f}–{max(sums):.1f})",
                f"{found[name, page][-1]['statements']:.0f}",
                f"{found[name, page][-1]['bytes']:,.0f}",
            ]
        now, older = (sum(middle[name, page].values()) for name in ("now", "older"))
        rows.append([page, *cells, f"{older / now:.1f}"])
    header = [
        "request",
        "now",
        "statements",
        "bytes",
        "older",
        "statements",
        "bytes",
        "older ÷ now",
    ]
    part.table(header, rows)
    part.goals["cpu"] = ", ".join(f"{sum(middle['now', page].values()):.1f}" for page in PAGES)
    return part
