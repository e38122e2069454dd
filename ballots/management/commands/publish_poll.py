"""Publish a confirmed result; it cannot be taken back."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandParser
from django.utils.translation import gettext

from ballots.acts import lifecycle
from ballots.facts import grades
from ballots.facts.naming import numbered
from ballots.facts.outcome import outcome_of
from ballots.management.commands._steps import StepCommand
from projects.models import Poll
from projects.phases import MOVES


class Command(StepCommand):
    help = "公布结果"
    phases = MOVES["publish"].before

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--leave-open",
            action="store_true",
            help=gettext("没有确定的不再补足（演练无须注明）"),
        )
        parser.add_argument(
            "--step-by-step",
            action="store_true",
            help=gettext("只公布标题，由会场逐项揭晓；不写则一次公布全部结果"),
        )

    def step(self, poll: Poll, by: User, second: User | None, options: dict[str, Any]) -> None:
        lifecycle.publish_result(
            poll,
            by=by,
            # A rehearsal has no legal outcome that anybody would have to settle.
            leave_open=options["leave_open"] or poll.is_rehearsal,
            at_once=not options["step_by_step"],
        )
        outcome = outcome_of(poll)
        if poll.is_graded:
            self.stdout.write(gettext("测评结果已公布："))
            for line in grades.read_out(outcome):
                self.stdout.write(f"  {line}")
            return
        sentence = gettext("结果已公布，%(count)d个项目通过：") % {"count": len(outcome.filled)}
        self.stdout.write(sentence)
        for place in outcome.filled:
            self.stdout.write(f"  {numbered(place.key, place.name)}")
        if outcome.open_places:
            sentence = gettext("%(count)d项没有确定。") % {"count": outcome.open_places}
            self.stdout.write(sentence)
