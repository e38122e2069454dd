"""Recompute the hash chain of the journal; exit 1 at the first broken link."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext

from ballots import journal
from ballots.management.commands._steps import ReadyCommand, the_poll
from ballots.models import JournalEntry
from ballots.pure.chain import check_number
from projects.models import Poll


class Command(ReadyCommand):
    help = "校验操作记录"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--poll", type=int, metavar="ID", help=gettext("只校验一个票决"))

    def handle(self, *args: Any, **options: Any) -> None:
        if options["poll"] is None:
            polls: list[Poll | None] = [
                *Poll.objects.filter(journal__isnull=False).distinct(),
                *([None] if JournalEntry.objects.filter(poll=None).exists() else []),
            ]
        else:
            polls = [the_poll(options["poll"], ())]
        broken = []
        for poll in polls:
            place = journal.first_broken(poll)
            last = JournalEntry.objects.filter(poll=poll).order_by("-seq").first()
            name = poll or gettext("代表名录")
            if place is not None:
                broken.append(
                    gettext("%(poll)s：第%(place)d条不符") % {"poll": name, "place": place}
                )
            elif last is not None:
                self.stdout.write(
                    gettext("✓ %(poll)s：%(count)d条，末条校验码 %(hash)s，核对号 %(number)s")
                    % {
                        "poll": name,
                        "count": last.seq,
                        "hash": last.hash,
                        "number": check_number(last.hash),
                    }
                )
        if broken:
            raise CommandError(
                gettext("操作记录校验不通过。") + "".join(f"\n✗ {line}" for line in broken)
            )
        if not polls:
            self.stdout.write(gettext("还没有操作记录。"))
