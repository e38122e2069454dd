"""Say what the database holds, and whether it is older than when it was last used."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext

from ballots.facts.copies import held, known
from ballots.management.commands._steps import ReadyCommand


class Command(ReadyCommand):
    help = "核对数据库是不是上次使用的那一个，有没有变旧"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--accept",
            action="store_true",
            help=gettext("确认今后使用现在这个数据库，虽然它比上次的旧"),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        older = known.look()
        for poll in held.held(held.here).polls:
            self.stdout.write(str(poll))
        if older is None:
            self.stdout.write(gettext("✓ 数据库不比上次使用时旧。"))
        elif options["accept"]:
            known.accept()
            accepted = gettext("已确认今后使用现在这个数据库。")
            self.stdout.write(f"△ {older.words}{accepted}")
        else:
            raise CommandError(f"✗ {older.words}{older.advice}")
