"""Open the vote; a refusal lists what is missing."""

from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext

from ballots.management.commands._steps import StepCommand, open_poll
from projects.models import Poll
from projects.phases import MOVES


class Command(StepCommand):
    help = "开始投票"
    phases = MOVES["open"].before

    def step(self, poll: Poll, by: User, second: User | None, options: dict[str, Any]) -> None:
        poll = open_poll(poll, by=by)
        self.stdout.write(gettext("投票已开始：%(poll)s") % {"poll": poll})
