"""Write the result or its summary as CSV, or all tables as one workbook.

To a file, or to standard output byte for byte; a workbook to a file alone.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext

from ballots.files import tables, workbook
from ballots.files.download import Download
from ballots.management.commands._steps import PollCommand, write_whole
from projects.models import Poll
from projects.phases import COUNTED


class Command(PollCommand):
    help = "导出票决结果（CSV 或 XLSX）"
    phases = COUNTED

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--output", type=Path, metavar="F", help=gettext("写入文件"))
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--summary", action="store_true", help=gettext("导出汇总"))
        which.add_argument(
            "--workbook", action="store_true", help=gettext("导出结果工作簿（XLSX）")
        )

    def work(self, poll: Poll, options: dict[str, Any]) -> None:
        output: Path | None = options["output"]
        if options["workbook"] and output is None:
            raise CommandError(gettext("工作簿须写入文件，请用 --output 指明。"))
        content = _export(options)(poll).content
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


def _export(options: dict[str, Any]) -> Callable[[Poll], Download]:
    if options["workbook"]:
        return workbook.workbook
    return tables.summary_csv if options["summary"] else tables.result_csv
