"""Count the ballots and show the figures with their checks."""

from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext

from ballots.acts import lifecycle
from ballots.facts import words
from ballots.management.commands._steps import StepCommand, bar
from projects.models import Poll
from projects.phases import MOVES


class Command(StepCommand):
    help = "计票"
    phases = MOVES["count"].before

    def step(self, poll: Poll, by: User, second: User | None, options: dict[str, Any]) -> None:
        with bar(gettext("计票"), self.stdout) as watch:
            result = lifecycle.count_poll(poll, by=by, watch=watch)
        figures = result.figures
        for check in figures["checks"]:
            mark = "✓" if check["holds"] else "✗"
            self.stdout.write(
                f"{mark} {check['name']}（{check['left']} {check['relation']} {check['right']}）"
            )
        self.stdout.write(
            gettext("收回%(returned)d张，有效%(valid)d张；得%(needed)d票以上通过。")
            % (figures["turnout"] | {"needed": figures["needed"]})
        )
        for item in figures["items"]:
            verdict = words.verdict(item, figures)
            self.stdout.write(
                f"{item['rank']:>3}  {item['item']:<4} {item['title']}  {item['votes']}  {verdict}"
            )
        self.stdout.write(gettext("数据校验码：%(digest)s（未复核）") % {"digest": result.digest})
