"""Close the vote, and then let the database rewrite its files, as two steps."""

from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from ballots import lifecycle
from ballots.management.commands._steps import Phase, StepCommand
from projects.models import Poll


class Command(StepCommand):
    help = "截止投票，封存表决票，再重写存储"
    phases = (Phase.OPEN, Phase.PAUSED)

    def step(self, poll: Poll, by: User, second: User | None, options: dict[str, Any]) -> None:
        poll = lifecycle.close_poll(poll, by=by)
        self.stdout.write(
            _("投票已截止。已封存%(count)d张表决票，次序已打乱。")
            % {"count": poll.sealed_ballots.count()}
        )
        self.stdout.write(_("正在重写存储……"))
        lifecycle.rewrite_storage(poll, by=by)
        self.stdout.write(_("存储已重写。"))
