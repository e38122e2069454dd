"""End the canvass of the proposals, if wished with each of those that wait standing alone."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandParser
from django.db import transaction
from django.utils.translation import gettext

from ballots.acts import canvass
from ballots.management.commands._steps import StepCommand
from projects.models import Poll
from projects.phases import MOVES


class Command(StepCommand):
    help = "结束推荐项目的归并（会务和监票各一人）"
    phases = MOVES["count"].before

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--each-alone", action="store_true", help=gettext("尚未处理的推荐项目都单列一项")
        )

    def step(self, poll: Poll, by: User, second: User | None, options: dict[str, Any]) -> None:
        if poll.phase in self.phases and poll.box.canvassed and not poll.write_ins.exists():
            self.stdout.write(gettext("没有推荐项目，不需要归并，可以计票。"))
            return
        with transaction.atomic():
            alone = canvass.rule_each_alone(poll, by=by) if options["each_alone"] else 0
            canvass.close_canvass(poll, by=by, second=second)
        self.stdout.write(
            gettext("归并结束：推荐项目%(count)d件，其中%(alone)d件刚刚单列。")
            % {"count": poll.write_ins.count(), "alone": alone}
        )
