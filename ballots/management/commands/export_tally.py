"""Write the result, or its summary, as CSV: to a file, or to standard output byte for byte."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext

from ballots.files import tables
from ballots.management.commands._steps import PollCommand, write_whole
from projects.models import Poll
from projects.phases import COUNTED


class Command(PollCommand):
    help = "导出票决结果（CSV）"
    phases = COUNTED

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--output", type=Path, metavar="F", help=gettext("写入文件"))
        parser.add_argument("--summary", action="store_true", help=gettext("导出汇总"))

    def work(self, poll: Poll, options: dict[str, Any]) -> None:
        export = tables.summary_csv if options["summary"] else tables.result_csv
        content = export(poll).content
        output: Path | None = options["output"]
        if output is None:
            self.print_bytes(content)
            return
        write_whole(output, [content])
        self.stdout.write(gettext("已写入 %(file)s") % {"file": output})

    def print_bytes(self, content: bytes) -> None:
        """Hand on the bytes as they are: text would lose the BOM or double the line ends."""
        raw = getattr(self.stdout, "buffer", None)
        if raw is None:
            self.stdout.write(content.decode(), ending="")
            return
        self.stdout.flush()
        raw.write(content)
        raw.flush()
