"""Write the package that `python -m ballots.verifier` checks."""

from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.utils.translation import gettext

from ballots.acts import details
from ballots.facts import record
from ballots.files import package
from ballots.management.commands._steps import PollCommand, person, track, write_whole
from projects.models import Poll
from projects.phases import COUNTED


class Command(PollCommand):
    help = "导出数据包，供监票人或公众核对"
    phases = COUNTED

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path, metavar="F.zip")
        parser.add_argument("--user", metavar="NAME", help=gettext("导出人的用户名（监票人）"))
        parser.add_argument("--reason", default="", help=gettext("导出监票数据包的原因"))
        parser.add_argument(
            "--public", action="store_true", help=gettext("公开数据包：不含名册、密封票和表决票")
        )

    def work(self, poll: Poll, options: dict[str, Any]) -> None:
        file: Path = options["file"]
        is_full = not options["public"]
        make = package.full_package if is_full else package.public_package
        watch = partial(
            track,
            total=poll.sealed_ballots.count(),
            what=gettext("导出数据包"),
            unit=gettext("张"),
            out=self.stdout,
        )
        # The full package has the roll and every sealed ballot: for the scrutineers' eyes only, and
        # on record. What a rehearsal leaves is nobody's secret.
        with transaction.atomic():
            if is_full and (options["user"] or not poll.is_rehearsal):
                self._note(poll, options)
            made = make(poll, watch=watch)
        write_whole(file, made.pieces, private=True)
        self.stdout.write(
            gettext("已写入 %(file)s。核对：python -m ballots.verifier %(file)s") % {"file": file}
        )

    def _note(self, poll: Poll, options: dict[str, Any]) -> None:
        if not options["user"]:
            raise CommandError(
                gettext("正式票决的监票数据包须写明导出人和原因：--user、--reason。")
            )
        by = person(options["user"], poll)
        details.note_export(poll, what=record.PACKAGE, reason=options["reason"], by=by)
