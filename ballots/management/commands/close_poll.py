"""Close the vote, and then let the database rewrite its files.

Run again for a poll whose files could not be rewritten, it does only the second.
"""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext

from ballots.acts import lifecycle, storage
from ballots.management.commands._steps import StepCommand, bar, told
from ballots.refusal import Refused
from projects.models import Poll
from projects.phases import MOVES, Phase


class Command(StepCommand):
    help = "截止投票，封存表决票，再清除投票先后的痕迹（没有清除的，再运行一次只做这一步）"
    phases = MOVES["close"].before | {Phase.CLOSED}

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--decision",
            default="",
            metavar="TEXT",
            help=gettext("主席团的决定：有疑问的表决票封存、不予开启（总监票人以 --second 签名）"),
        )

        parser.add_argument(
            "--announced",
            action="store_true",
            help=gettext("主持人已宣布截止（正式票决还有代表没有投票时必须写）"),
        )

    def step(self, poll: Poll, by: User, second: User | None, options: dict[str, Any]) -> None:
        if poll.phase != Phase.CLOSED or storage.is_rewritten(poll):
            with bar(gettext("截止"), self.stdout) as watch:
                poll = lifecycle.close_poll(
                    poll,
                    by=by,
                    announced=told(poll, options["announced"]),
                    second=second,
                    decision=options["decision"],
                    watch=watch,
                )
            self.stdout.write(
                gettext("投票已截止。已封存%(count)d张表决票，次序已打乱。")
                % {"count": poll.sealed_ballots.count()}
            )
        self.stdout.write(gettext("正在清除投票先后的痕迹……"))
        try:
            storage.rewrite_storage(poll, by=by)
        except Refused as refusal:
            if refusal.code not in {"storage-busy", "storage-full"}:
                raise
            raise CommandError(
                gettext("投票已截止，表决票已封存，只有投票先后的痕迹没有清除。%(why)s")
                % {"why": refusal}
                + gettext("\n请再运行一次 close_poll --poll %(id)d，只做这一步。") % {"id": poll.pk}
            ) from None
        self.stdout.write(gettext("投票先后的痕迹已清除。"))
