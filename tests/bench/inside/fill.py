"""fill.py NUMBER SHARES: a poll on which so many have voted, and the shares of its key in a file."""

import json
import sys
import time
from pathlib import Path

import django

if __name__ == "__main__":
    django.setup()
    from django.core.management import call_command

    from tests.helpers.big_box import big_stage

    call_command("migrate", verbosity=0)
    start = time.perf_counter()
    stage = big_stage(int(sys.argv[1]))
    seconds = time.perf_counter() - start
    Path(sys.argv[2]).write_text("\n".join(stage.shares[: stage.poll.box.threshold]))
    names = {"office": stage.office.username, "scrutineer": stage.scrutineer.username}
    print(json.dumps({"seconds": seconds, **names}))
