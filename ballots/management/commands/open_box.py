"""Open every sealed ballot with the shares; nothing is counted."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandParser
from django.utils.translation import gettext

from ballots.acts import lifecycle
from ballots.management.commands._steps import ShareCommand, bar, told, typed_shares
from projects.models import Poll
from projects.phases import MOVES


class Command(ShareCommand):
    help = "用密钥份额开启票箱"
    phases = MOVES["box"].before

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--declared",
            action="store_true",
            help=gettext("主持人已宣布本次表决有效（正式票决必须写）"),
        )

    def step(self, poll: Poll, by: User, second: User | None, options: dict[str, Any]) -> None:
        texts = typed_shares(poll, options["shares"])
        with bar(gettext("开箱"), self.stdout) as watch:
            poll = lifecycle.open_box(
                poll, texts=texts, by=by, declared=told(poll, options["declared"]), watch=watch
            )
        self.stdout.write(
            gettext("票箱已开启，共%(count)d张表决票。") % {"count": poll.ballots.count()}
        )
