"""`python -m tests.bench.long_input`: what a page costs that is sent far too much, beside the same page sent nothing.

CPU of one process on an empty demo of its own, so it can be read on a busy machine too. Ends with 1
where any answer takes more than MOST times the empty one.
"""

import os
import statistics
import sys
import tempfile
import time
from typing import Any
from urllib.parse import urlencode

MOST = 20
TIMES = 5


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"DEMO": "1", "VAR_DIR": folder, "DATABASE_URL": "sqlite://:memory:"}
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        import django

        django.setup()
        sys.exit(measure())


def measure() -> int:
    """Print a line a page; return how many are beyond MOST."""
    import logging

    from django.core.management import call_command
    from django.test import Client

    from tests.helpers.browsing import filled, signed_in
    from tests.helpers.factories import make_poll, make_stage
    from tests.helpers.looking import MARKS

    logging.disable()
    call_command("migrate", verbosity=0)
    stage = make_stage(candidates=20)
    make_poll(candidates=1, collecting=True, kind="main")
    client, desk = signed_in(stage), Client()
    desk.force_login(stage.office)
    ballot = filled(stage.poll, 1)
    deep = {f"proposal-{place}-title": "新建停车场" for place in range(20)}
    sent: dict[str, Any] = {
        "18,000 marks": lambda name: ballot | {name: MARKS[:18_000]},
        "40,000 marks": lambda name: ballot | {name: MARKS[:40_000]},
        "10⁶ characters": lambda name: ballot | {name: "x" * 1_000_000},
        "2,000 fields": lambda _name: [("projects", "1")] * 2_000,
        "499 fields": lambda _name: [("poll", stage.poll.pk)] + [("projects", "1")] * 498,
        "deep formset": lambda _name: ballot | deep | {"proposal-TOTAL_FORMS": "999999999"},
    }
    pages = {
        "/": "code",
        "/board/": "code",
        "/text-size/": "next",
        "/ballot/": "proposal-0-detail",
        "/ballot/review/": "proposal-0-title",
        "/ballot/cast/": "proposal-0-title",
        "/recommend/": "detail",
        "/admin/login/": "next",
    }
    beyond = 0
    for path, name in pages.items():
        empty = cpu(client, path, ballot)
        cells = []
        for what, fields in sent.items():
            times = cpu(client, path, fields(name)) / empty
            beyond += times > MOST
            cells.append(f"{what} {times:.1f} ×")
        print(f"{path:16} empty {1000 * empty:.1f} ms; {'; '.join(cells)}")
    return beyond


def cpu(client: Any, path: str, fields: Any) -> float:
    """Return the median CPU seconds of an answer."""
    body = urlencode(fields, doseq=True).encode()
    spent = []
    for _time in range(TIMES):
        start = time.process_time()
        client.post(path, body, content_type="application/x-www-form-urlencoded")
        spent.append(time.process_time() - start)
    return statistics.median(spent)


if __name__ == "__main__":
    main()
