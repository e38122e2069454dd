"""Declare a poll void by two people; its box is never opened afterwards."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandParser
from django.utils.translation import gettext

from ballots.acts import lifecycle
from ballots.management.commands._steps import StepCommand
from projects.models import Poll
from projects.phases import MOVES


class Command(StepCommand):
    help = "作废本次票决（会务和监票各一人）"
    phases = MOVES["void"].before

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--reason", required=True, metavar="TEXT", help=gettext("作废的原因"))

    def step(self, poll: Poll, by: User, second: User | None, options: dict[str, Any]) -> None:
        lifecycle.void_poll(poll, reason=options["reason"], by=by, second=second)
        self.stdout.write(gettext("本次票决作废。操作记录和回执编号保留，票箱不再开启。"))
