"""Back the database up into one file, while the site runs."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error
from django.utils.translation import gettext

from ballots.files import backup
from yiwu_vote.refusal import Refused


class Command(BaseCommand):
    help = "备份整个数据库，网站可以照常运行"
    # A backup comes before an update, whose tables are not there yet.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--output",
            type=Path,
            metavar="F",
            help=gettext("写入的文件或文件夹；不写则写入备份位置（BACKUP_DIR）"),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            copy = backup.make(options["output"])
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        except Error:
            raise CommandError(
                gettext("数据库没有应答，或其中没有本程序的数据表，没有备份。")
            ) from None
        self.stdout.write(gettext("已备份：%(file)s") % {"file": copy.path})
        for poll in copy.held.polls:
            self.stdout.write(f"  {copy.of(poll)}")
        if copy.while_voting:
            self.stderr.write(
                gettext("△ 备份是投票期间制作的，含姓名和密封票：请离线保管，归档时销毁。")
            )
