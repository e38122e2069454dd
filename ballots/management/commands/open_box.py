"""Open every sealed ballot with the shares; nothing is counted."""

from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext

from ballots.acts import lifecycle
from ballots.management.commands._steps import ShareCommand, bar, typed_shares
from projects.models import Poll
from projects.phases import MOVES


class Command(ShareCommand):
    help = "用密钥份额开启票箱"
    phases = MOVES["box"].before

    def step(self, poll: Poll, by: User, second: User | None, options: dict[str, Any]) -> None:
        texts = typed_shares(poll, options["shares"])
        with bar(gettext("开箱"), self.stdout) as watch:
            poll = lifecycle.open_box(poll, texts=texts, by=by, watch=watch)
        self.stdout.write(
            gettext("票箱已开启，共%(count)d张表决票。") % {"count": poll.ballots.count()}
        )
