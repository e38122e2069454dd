"""Write the package that `python -m ballots.verifier` checks."""

from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext

from ballots.files import package
from ballots.management.commands._steps import PollCommand, track, write_whole
from projects.models import Poll
from projects.phases import COUNTED


class Command(PollCommand):
    help = "导出数据包，供监票人或公众核对"
    phases = COUNTED

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path, metavar="F.zip")
        parser.add_argument(
            "--public", action="store_true", help=gettext("公开数据包：不含名册、密封票和表决票")
        )

    def work(self, poll: Poll, options: dict[str, Any]) -> None:
        file: Path = options["file"]
        make = package.public_package if options["public"] else package.full_package
        watch = partial(
            track,
            total=poll.sealed_ballots.count(),
            what=gettext("导出数据包"),
            unit=gettext("张"),
            out=self.stdout,
        )
        # The full package has the roll and every ballot: for the scrutineers' eyes only.
        write_whole(file, make(poll, watch=watch).pieces, private=True)
        self.stdout.write(
            gettext("已写入 %(file)s。核对：python -m ballots.verifier %(file)s") % {"file": file}
        )
