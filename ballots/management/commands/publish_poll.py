"""Publish a confirmed result; it cannot be taken back."""

from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from ballots import lifecycle
from ballots.management.commands._steps import Phase, StepCommand
from projects.models import Poll


class Command(StepCommand):
    help = "公布结果"
    phases = (Phase.CONFIRMED,)

    def step(self, poll: Poll, by: User, second: User | None, options: dict[str, Any]) -> None:
        adopted = lifecycle.adopted_items(lifecycle.publish_result(poll, by=by))
        self.stdout.write(_("结果已公布，%(count)d个项目通过：") % {"count": len(adopted)})
        for item in adopted:
            self.stdout.write(f"  {item['item']}. {item['title']}")
