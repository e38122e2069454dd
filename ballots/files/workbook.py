"""The tables of a count as one workbook, to be read and printed (design §11.2).

Each sheet has the very rows of its CSV file; 核对 has what the 报告单 says of checks and check numbers.
"""

from collections.abc import Sequence
from dataclasses import replace

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from ballots import journal
from ballots.facts import frozen
from ballots.facts.outcome import round_of
from ballots.facts.words import checked, remarks
from ballots.files import tables
from ballots.files.download import Download
from ballots.models import Result
from ballots.refusal import locked
from projects.models import Poll
from projects.naming import file_names, place_of
from yiwu_vote.moments import to_the_minute
from yiwu_vote.tables import sheets
from yiwu_vote.tables.sheets import Sheet


def workbook(poll: Poll) -> Download:
    """Return 结果, 汇总, 推荐 (but of a 满意度测评), 到会 and 核对 as the sheets of one file; raises Refused before the count.

    All are of one moment: under the lock of the poll nobody confirms it between two sheets.
    """
    with transaction.atomic():
        poll, result = tables.counted(locked(poll))
        found = [
            tables.results(poll),
            tables.summary(poll),
            # A 满意度测评 takes no proposals.
            *(
                [replace(tables.write_ins(poll), name=gettext("推荐"))]
                if not poll.is_graded
                else []
            ),
            replace(tables.turnout(poll), name=gettext("到会")),
            checks(poll, result),
        ]
        of_which = [round_of(poll), place_of(poll), *remarks(poll)]
        made = gettext("制表时间 %(at)s") % {"at": to_the_minute(timezone.now())}
        below = "　".join([*filter(None, of_which), made])
        headed = [replace(one, above=[f"{poll}　{one.name}", below]) for one in found]
    content = sheets.book_bytes(headed, marks="　".join(remarks(poll)), foot=str(poll))
    return Download(*file_names(poll, gettext("结果工作簿"), "workbook", "xlsx"), content)


def checks(poll: Poll, result: Result) -> Sheet:
    """Return 核对: each identity of the count with its verdict, and what is written down beside it."""
    figures = result.figures
    said = checked(figures["checks"])
    holds, fails = gettext("相符"), gettext("不符")
    rows: list[Sequence[sheets.Cell]] = [
        [check["words"], holds if check["holds"] else fails]
        for check in (*said["people"], *said["system"])
    ]
    if poll.is_graded:
        rows.append([gettext("各票所作测评数之和"), figures["marks"]])
    else:
        rows += [
            [gettext("各票所选项数之和"), figures["marks"]],
            [gettext("并入后重复"), figures["doubles"]],
            [gettext("不予计票"), figures["refused"]],
        ]
    rows += [
        [gettext("开始投票核对码"), frozen.digest_on_record(poll)],
        [gettext("数据校验码"), result.digest],
        [gettext("制表时的操作记录核对号"), journal.head(poll)],
    ]
    return Sheet(gettext("核对"), [gettext("项目"), gettext("核对")], rows)
