"""The list of the 2024 work report, word for word, as the fixture `yiwu-2024` holds it."""

import json
from pathlib import Path
from typing import Any

from django.db import transaction

from projects.models import Poll, Project, Target

FIXTURE = Path(__file__).parent / "fixtures" / "yiwu-2024.json"
# What the fixture says of the poll itself; everything else is as in any new draft.
TOLD = ("meeting", "year", "opening_words", "places")


@transaction.atomic
def new_draft(**columns: Any) -> Poll:
    """Return a new draft with the report's eight candidates and their targets.

    `columns` are those of the poll that differ from what the fixture says. The keys of the fixture
    are only how its rows name each other: here every row gets a new one, so that whatever polls
    there are stay as they are.
    """
    rows = json.loads(FIXTURE.read_text("utf-8"))
    told = next(row["fields"] for row in rows if row["model"] == "projects.poll")
    poll = Poll.objects.create(**({name: told[name] for name in TOLD} | columns))
    projects: dict[int, Project] = {}
    for row in rows:
        if row["model"] == "projects.project":
            projects[row["pk"]] = Project.objects.create(**(row["fields"] | {"poll": poll}))
        elif row["model"] == "projects.target":
            project = projects[row["fields"]["project"]]
            Target.objects.create(**(row["fields"] | {"project": project}))
    return poll
