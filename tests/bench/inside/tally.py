"""tally.py PACKAGES: the count of an opened box by both roads, beside counters of lists in memory.

PACKAGES is the folder where those lie that count beside us; one that is missing is left out.
"""

import importlib
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from itertools import chain
from types import ModuleType
from typing import Any

import django

ROUNDS = 3


def medians(ways: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Return the seconds of each way, the median of interleaved rounds."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _round in range(ROUNDS):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            took[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in took.items()}


def peers(ballots: list[list[str]]) -> dict[str, Callable[[], Any]]:
    """Return the ways of other packages, as far as they are installed."""
    places = {item: place for place, item in enumerate(sorted({*chain(*ballots)}))}
    numbered = [[places[item] for item in ballot] for ballot in ballots]
    ways: dict[str, Callable[[], Any]] = {}
    try:
        numpy = importlib.import_module("numpy")
        flat = numpy.fromiter(chain.from_iterable(numbered), dtype=numpy.intp)
        ways["numpy.bincount"] = lambda: numpy.bincount(flat, minlength=len(places))
    except ImportError:
        pass
    # It asks for these at once and uses them for other rules alone.
    for name in ("gurobipy", "networkx", "pulp"):
        sys.modules.setdefault(name, ModuleType(name))
    try:
        rules = importlib.import_module("abcvoting.abcrules")
        preferences = importlib.import_module("abcvoting.preferences")

        def approval() -> Any:
            profile = preferences.Profile(num_cand=len(places))
            profile.add_voters([ballot for ballot in numbered if ballot])
            seats = min(5, len(places))
            return rules.compute("av", profile, committeesize=seats, resolute=True)

        ways["abcvoting"] = approval
    except ImportError:
        pass
    return ways


if __name__ == "__main__":
    sys.path.append(sys.argv[1])
    django.setup()
    from ballots.facts import counting
    from projects.models import Poll

    poll = Poll.objects.latest("pk")
    rows = poll.ballots.filter(invalid="").values_list("chosen", "write_ins")
    ballots = [[*map(str, chosen), *write_ins] for chosen, write_ins in rows.iterator()]
    found = medians(
        {
            "Counter": lambda: Counter(chain.from_iterable(ballots)),
            "SQL": lambda: counting.count_in_sql(poll),
            "Python": lambda: counting.count(poll),
            **peers(ballots),
        }
    )
    print(json.dumps(found))
