"""Open a blank trial ballot with the shares; without this a poll cannot open."""

from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext

from ballots.acts import ceremony
from ballots.management.commands._steps import ShareCommand, typed_shares
from projects.models import Poll
from projects.phases import DRAFT


class Command(ShareCommand):
    help = "用密钥份额试开票箱"
    phases = DRAFT

    def step(self, poll: Poll, by: User, second: User | None, options: dict[str, Any]) -> None:
        ceremony.test_key(poll, texts=typed_shares(poll, options["shares"]), by=by, second=second)
        self.stdout.write(gettext("试开成功。"))
