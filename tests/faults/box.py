"""A program of its own beside the site under test: `python -m tests.faults.box look|count FOLDER`.

It reads the product's models and takes the steps of the day by its commands, and prints JSON.
"""

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import django


def look() -> dict[str, Any]:
    """Return the marks and the envelopes by the numbers of their delegates."""
    from ballots.models import Envelope, RollEntry

    return {
        "marked": list(RollEntry.objects.filter(voted=True).values_list("number", flat=True)),
        "envelopes": list(Envelope.objects.values_list("roll_entry__number", "code")),
    }


def count(folder: Path) -> dict[str, Any]:
    """Take the poll from the close to its count; return what came out of the box."""
    from django.core.management import call_command

    from ballots.models import Ballot, SealedBallot, WriteIn
    from projects.models import Project

    quiet = {"stdout": io.StringIO()}
    call_command("close_poll", user="office", **quiet)
    call_command("open_box", user="scrutineer", shares=folder / "shares.txt", **quiet)
    call_command("canvass_poll", user="office", second="scrutineer", each_alone=True, **quiet)
    call_command("count_poll", user="office", **quiet)
    call_command("export_tally", output=folder / "tally.csv", **quiet)
    call_command("verify_journal", **quiet)
    with (folder / "tally.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    proposed = {str(item.pk): item.title for item in WriteIn.objects.all()}
    return {
        "receipts": list(SealedBallot.objects.values_list("code", flat=True)),
        "ballots": [
            (chosen, [proposed[key] for key in write_ins])
            for chosen, write_ins in Ballot.objects.filter(invalid="").values_list(
                "chosen", "write_ins"
            )
        ],
        "votes": {row["项目名称"]: int(row["得票数"]) for row in rows},
        "titles": list(Project.objects.values_list("number", "title")),
    }


if __name__ == "__main__":
    django.setup()
    what = look() if sys.argv[1] == "look" else count(Path(sys.argv[2]))
    json.dump(what, sys.stdout)
