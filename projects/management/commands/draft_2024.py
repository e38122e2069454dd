"""Make a new draft with the candidates of the 2024 work report; nothing that is there changes."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext

from projects import report_2024


class Command(BaseCommand):
    help = "新建一个草稿，候选项目为2024年政府工作报告所列的八项；已有的票决不变"

    def handle(self, *args: Any, **options: Any) -> None:
        poll = report_2024.new_draft()
        self.stdout.write(
            gettext("已新建草稿（编号%(id)d）：%(poll)s，候选项目%(count)d个。")
            % {"id": poll.pk, "poll": poll, "count": poll.projects.count()}
        )
