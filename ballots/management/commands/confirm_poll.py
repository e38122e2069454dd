"""Confirm the count as a scrutineer; `--second` confirms after `--user` where two must."""

from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext

from ballots.acts import lifecycle
from ballots.management.commands._steps import StepCommand, bar
from projects.models import Poll
from projects.phases import MOVES, Phase


class Command(StepCommand):
    help = "复核计票结果（监票人）"
    phases = MOVES["confirm"].before

    def step(self, poll: Poll, by: User, second: User | None, options: dict[str, Any]) -> None:
        with bar(gettext("复核"), self.stdout) as watch:
            result = lifecycle.confirm_result(poll, by=by, watch=watch)
        poll.refresh_from_db()
        if second is not None and poll.phase == Phase.COUNTED:
            with bar(gettext("复核"), self.stdout) as watch:
                lifecycle.confirm_result(poll, by=second, watch=watch)
            poll.refresh_from_db()
        if poll.phase == Phase.CONFIRMED:
            self.stdout.write(gettext("复核完成，可以公布。"))
        else:
            left = poll.confirmers - result.confirmations.count()
            self.stdout.write(gettext("已复核，还需%(left)d名监票人复核。") % {"left": left})
