"""Open every sealed ballot with the shares; nothing is counted."""

from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from ballots import lifecycle
from ballots.management.commands._steps import Phase, ShareCommand, typed_shares
from ballots.models import Ballot
from projects.models import Poll


class Command(ShareCommand):
    help = "用密钥份额开启票箱"
    phases = (Phase.CLOSED,)

    def step(self, poll: Poll, by: User, second: User | None, options: dict[str, Any]) -> None:
        poll = lifecycle.open_box(poll, texts=typed_shares(poll, options["shares"]), by=by)
        valid = poll.ballots.filter(invalid=Ballot.Invalid.VALID).count()
        self.stdout.write(
            _("票箱已开启：有效%(valid)d张，无效%(invalid)d张；推荐项目%(write_ins)d件待归并。")
            % {
                "valid": valid,
                "invalid": poll.ballots.count() - valid,
                "write_ins": poll.write_ins.count(),
            }
        )
