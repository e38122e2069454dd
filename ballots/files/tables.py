"""The files people take away (design §11.2): rows in, CSV or xlsx bytes out.

Figures come from the frozen result alone and are not counted again here. Nothing in this module
sees a total before the count: until then it exports who has voted, receipts and the journal. Single
ballots stand in one file alone, 表决票明细, whose page asks for a reason (see `acts.details`).
"""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots.acts import details
from ballots.facts import grades, record
from ballots.facts.outcome import Outcome, first_keys, outcome_of, standing_result
from ballots.facts.paper.given import are_awaited
from ballots.facts.turnout import DelegationRow, turnout_by_delegation, turnout_row
from ballots.facts.vocabulary import OUTCOMES, Text
from ballots.facts.words import (
    counted_as,
    counts_of,
    in_the_end,
    remarks,
    remarks_on_items,
    source_words,
)
from ballots.files.download import Download
from ballots.models import ROLL_LISTED, Ballot, Delegate, JournalEntry, Result, RollEntry, WriteIn
from ballots.pure import sealing
from ballots.pure.figures import Figures, TurnoutFigures
from ballots.refusal import Refusals
from ballots.roles import named
from projects.models import Poll
from projects.naming import file_names, heading_of
from projects.phases import DRAFT, VOTING
from yiwu_vote.tables import sheets
from yiwu_vote.tables.sheets import Sheet

Rows = Sequence[Sequence[sheets.Cell]]

refused = Refusals(
    {
        "not-voting": _("只有投票期间才有未投票代表名单。"),
        "not-closed": _("投票截止后才有回执编号清单。"),
        "papers-out": _("还有纸质票在录入，录入完成、封存入箱后才有回执编号清单。"),
        "not-counted": _("计票完成后才能导出。"),
        "not-published": _("结果公布后才能导出公开数据包。"),
        "void": _("本次票决作废，没有票决结果。"),
    }
)

# Which lists of a ballot stand in 表决票明细, by its form, and their heads.
CHOSEN = _("所选项目编号（以“、”分隔）")
BALLOT_LISTS: dict[str, dict[str, Text]] = {
    "choose": {"chosen": CHOSEN},
    "each": {"chosen": CHOSEN, "against": _("反对项目编号（以“、”分隔）")},
    "grades": {
        "chosen": _("满意项目编号（以“、”分隔）"),
        "fair": _("基本满意项目编号（以“、”分隔）"),
        "against": _("不满意项目编号（以“、”分隔）"),
    },
}


def result_csv(poll: Poll) -> Download:
    """Return 结果 as a file; raises Refused before the count."""
    return _csv(poll, "result", results(poll))


def results(poll: Poll) -> Sheet:
    """Return 结果: one row an item, most votes first; raises Refused before the count.

    Of a 满意度测评 in the order of its list: grades have neither ranks nor places.
    """
    poll, result = counted(poll)
    if poll.is_graded:
        return _grades(poll, result)
    rules = result.figures["rules"]
    columns = counted_as(result.figures).columns
    members = {"members": poll.electorate.members}
    of_all, of_item = remarks(poll), remarks_on_items(poll)
    outcome = outcome_of(poll)
    origins = first_keys(poll)
    header = [
        gettext("名次"),
        gettext("是否并列"),
        gettext("项目编号"),
        gettext("项目名称"),
        gettext("类别"),
        gettext("来源（候选/推荐）"),
        gettext("责任单位"),
        *(str(column.in_files) for column in columns),
        gettext("得票率(%)"),
        gettext("占全体%(members)s(%%)") % members,
        gettext("是否过半数"),
        gettext("结果"),
        gettext("备注"),
    ]
    rows: list[Sequence[sheets.Cell]] = [
        [
            item["rank"],
            _yes_or_no(item["shared"]),
            _number(item["item"]),
            item["title"],
            item["category"],
            source_words(item, origins),
            item["lead_unit"],
            *counts_of(result.figures, item),
            Decimal(item["share_of_valid"]),
            Decimal(item["share_of_all"]),
            gettext("不要求") if rules["majority"] == "none" else _yes_or_no(item["majority"]),
            in_the_end(outcome, item),
            "；".join([*of_item[item["item"]], *of_all]),
        ]
        for item in result.figures["items"]
    ]
    return Sheet(gettext("结果"), header, rows)


def _grades(poll: Poll, result: Result) -> Sheet:
    """Return the rows of 结果 of a 满意度测评."""
    figures, marks = result.figures, "；".join(remarks(poll))
    header = [
        gettext("项目编号"),
        gettext("项目名称"),
        gettext("类别"),
        gettext("责任单位"),
        gettext("等次"),
        *(str(column.in_files) for column in counted_as(figures).columns),
        gettext("满意率(%)"),
        gettext("满意和基本满意率(%)"),
        gettext("备注"),
    ]
    rows: list[Sequence[sheets.Cell]] = [
        [
            _number(item["item"]),
            item["title"],
            item["category"],
            item["lead_unit"],
            str(OUTCOMES[item["outcome"]]),
            *counts_of(figures, item),
            Decimal(item["share_good"]),
            Decimal(item["share_satisfied"]),
            marks,
        ]
        for item in figures["items"]
    ]
    return Sheet(gettext("结果"), header, rows)


def summary_csv(poll: Poll) -> Download:
    """Return 汇总 as a file; raises Refused before the count."""
    return _csv(poll, "summary", summary(poll))


def summary(poll: Poll) -> Sheet:
    """Return 汇总: the figures of the count, when it was made and by whom; raises Refused.

    归并项数 is how many items the 推荐件数 proposals came to (共收到…件，归并为…项). The next two lines are what the
    sum of the votes lacks beside them: ballots on which merging made two choices one, and proposals
    on ballots that were refused.
    """
    poll, result = counted(poll)
    figures = result.figures
    turnout = figures["turnout"]
    confirmers = [confirmation.by for confirmation in result.confirmations.select_related("by")]
    rows: list[Sequence[sheets.Cell]] = [
        [
            gettext("全体%(members)s") % {"members": poll.electorate.members},
            turnout["delegates_total"],
        ],
        [gettext("应到"), turnout["roll"]],
        [gettext("实到"), turnout["present"]],
        [gettext("发出"), turnout["issued"]],
        [gettext("收回"), turnout["returned"]],
        [gettext("有效"), turnout["valid"]],
        [gettext("弃权"), turnout["blank"]],
        [gettext("无效"), turnout["invalid"]],
        *_papers(turnout),
        *(_summary_of_grades(figures) if poll.is_graded else _summary_of_places(outcome_of(poll))),
        [gettext("开始"), _moment(poll.opened_at)],
        [gettext("截止"), _moment(poll.closed_at)],
        [gettext("计票"), _moment(result.counted_at)],
        [gettext("公布"), _moment(poll.published_at)],
        [gettext("计票人"), named(result.counted_by)],
        [gettext("复核人"), "、".join(map(named, confirmers))],
        [gettext("数据校验码"), result.digest],
        [gettext("备注"), "；".join(remarks(poll))],
    ]
    return Sheet(gettext("汇总"), [gettext("项目"), gettext("数值")], rows)


def _summary_of_places(outcome: Outcome) -> Iterator[Sequence[sheets.Cell]]:
    """Yield the lines of 汇总 on places and proposals."""
    figures, decision = outcome.result.figures, outcome.last.decision
    yield [gettext("应选项数"), figures["places"]]
    yield [gettext("通过所需票数"), figures["needed"]]
    yield [gettext("候选项目数"), figures["candidates"]]
    yield [gettext("推荐件数"), figures["proposals"]]
    yield [gettext("归并项数"), figures["proposed_items"]]
    yield [gettext("重复选择的表决票"), "" if figures["doubled"] is None else figures["doubled"]]
    yield [gettext("不予计票"), figures["refused"]]
    yield [gettext("留空名额"), outcome.open_places if outcome.is_final else ""]
    yield [gettext("会议决定"), decision.words if decision else ""]


def _summary_of_grades(figures: Figures) -> Iterator[Sequence[sheets.Cell]]:
    """Yield the lines of 汇总 on where 满意 begins and on the whole, which is a sum over all items."""
    whole = figures["whole"]
    yield [gettext("测评项目数"), figures["candidates"]]
    yield [gettext("满意率基数"), grades.base_words(figures)]
    yield [gettext("评为满意所需票数"), figures["needed"]]
    yield [gettext("合计满意票数"), whole["good"]]
    yield [gettext("合计基本满意票数"), whole["fair"]]
    yield [gettext("合计不满意票数"), whole["poor"]]
    yield [gettext("合计弃权票数"), whole["abstained"]]
    yield [gettext("总体基数"), whole["base"]]
    yield [gettext("总体评为满意所需票数"), whole["needed"]]
    yield [gettext("总体满意率(%)"), Decimal(whole["share_good"])]
    yield [gettext("总体满意和基本满意率(%)"), Decimal(whole["share_satisfied"])]
    yield [gettext("总体等次"), grades.grade_of_whole(figures)]


def _papers(turnout: TurnoutFigures) -> Iterator[Sequence[sheets.Cell]]:
    """Yield how many of the ballots were papers, where there were any."""
    if turnout.get("papers"):
        yield [gettext("其中发出纸质票"), turnout["papers"]]
        yield [gettext("其中收回纸质票"), turnout["papers_returned"]]


def turnout_csv(poll: Poll) -> Download:
    """Return 投票情况 as a file, at any time."""
    return _csv(poll, "turnout", turnout(poll))


def turnout(poll: Poll) -> Sheet:
    """Return 投票情况: who has voted by delegation and in all, at any time; never how.

    未投票 is 实到 less 领纸质票 and 已投票, or 应到 less these where the whole roll may vote; 投票率 is of
    those who hold no paper (design §4.2).
    """
    poll = _fresh(poll)
    delegations = turnout_by_delegation(poll)
    total: DelegationRow = {
        "delegation": gettext("合计"),
        **turnout_row(
            on_roll=sum(row["on_roll"] for row in delegations),
            came=sum(row["came"] for row in delegations),
            issued=sum(row["issued"] for row in delegations),
            marks=sum(row["marks"] for row in delegations),
            papers=sum(row["papers"] for row in delegations),
        ),
    }
    rows: list[Sequence[sheets.Cell]] = [
        [
            row["delegation"],
            row["on_roll"],
            row["came"],
            row["marks"],
            row["papers"],
            row["waiting"],
            Decimal(row["share"]),
        ]
        for row in [*delegations, total]
    ]
    header = [
        gettext("代表团"),
        gettext("应到人数"),
        gettext("实到人数"),
        gettext("已投票人数"),
        gettext("领纸质票人数"),
        gettext("未投票人数"),
        gettext("投票率(%)"),
    ]
    return Sheet(gettext("投票情况"), header, rows)


def waiting_xlsx(poll: Poll) -> Download:
    """Return 未投票代表名单: whom to look for while ballots come in; raises Refused else.

    Those who may vote and have not: of everybody present, or of the whole roll (design §4.2), less
    whoever is not in office any more, or holds a paper.
    """
    poll = _fresh(poll)
    if not poll.takes_ballots:
        raise refused("not-voting")
    online = RollEntry.Channel.ONLINE
    entries = _roll(poll).filter(
        voted=False, channel=online, delegate__status=Delegate.Status.ACTIVE
    )
    if poll.voters == Poll.Voters.PRESENT:
        entries = entries.filter(present=True)
    header = [
        gettext("序号"),
        gettext("代表团"),
        gettext("代表证号"),
        gettext("姓名"),
        gettext("联系电话"),
    ]
    rows: list[Sequence[sheets.Cell]] = [
        [position, entry.delegation, entry.number, entry.name, entry.delegate.phone]
        for position, entry in enumerate(entries, start=1)
    ]
    return _xlsx(poll, gettext("未投票代表名单"), "waiting", header, rows)


def attendance_xlsx(poll: Poll) -> Download:
    """Return 签到情况表: the whole roll, who has come, who is on leave, who takes a paper ballot."""
    poll = _fresh(poll)
    header = [
        gettext("代表团"),
        gettext("代表证号"),
        gettext("姓名"),
        gettext("实到"),
        gettext("请假事由"),
        gettext("方式"),
    ]
    rows: list[Sequence[sheets.Cell]] = [
        [
            entry.delegation,
            entry.number,
            entry.name,
            _yes_or_no(entry.present),
            entry.leave,
            entry.get_channel_display(),
        ]
        for entry in _roll(poll)
    ]
    return _xlsx(poll, gettext("签到情况表"), "attendance", header, rows)


def ballots_csv(poll: Poll) -> Download:
    """Return 表决票明细: what each valid ballot says of the candidates, and nothing of proposals.

    Shuffled afresh for each file: no order of the rows can lead back to anything, and the number of
    a ballot in one file is not its number in the next. Raises Refused (see `acts.details`).
    """
    poll = _fresh(poll)
    details.demand_due(poll, record.BALLOTS)
    ballots = list(poll.ballots.filter(invalid=Ballot.Invalid.VALID))
    secrets.SystemRandom().shuffle(ballots)
    lists = BALLOT_LISTS[poll.form]
    # Of a limit, which a 满意度测评 has not, one sees how much of it a ballot used.
    has_limit = not poll.is_graded
    header = [
        gettext("票序（随机）"),
        *([gettext("所选项数")] if has_limit else []),
        *map(str, lists.values()),
    ]
    rows: list[Sequence[sheets.Cell]] = [
        [
            position,
            *([len(ballot.chosen)] if has_limit else []),
            *(_listed(getattr(ballot, name)) for name in lists),
        ]
        for position, ballot in enumerate(ballots, start=1)
    ]
    return _csv(poll, "ballots", Sheet(gettext("表决票明细"), header, rows))


def receipts_csv(poll: Poll) -> Download:
    """Return 回执编号清单, sorted by number so that it tells no order; raises before the close.

    It raises until the papers are in the box, too: what came later would be those.
    """
    poll = _fresh(poll)
    if poll.phase in DRAFT | VOTING:
        raise refused("not-closed")
    if are_awaited(poll):
        raise refused("papers-out")
    codes = sorted(poll.sealed_ballots.values_list("code", flat=True))
    rows: list[Sequence[sheets.Cell]] = [
        [position, sealing.grouped(code)] for position, code in enumerate(codes, start=1)
    ]
    header = [gettext("序号"), gettext("回执编号")]
    return _csv(poll, "receipts", Sheet(gettext("回执编号清单"), header, rows))


def write_ins_csv(poll: Poll) -> Download:
    """Return 推荐项目 as a file; raises Refused before the count."""
    return _csv(poll, "proposals", write_ins(poll))


def write_ins(poll: Poll) -> Sheet:
    """Return 推荐项目 with their rulings; one that stands alone has its votes. Raises before that.

    A proposal merged into another item has no votes of its own: they stand with that item.
    """
    poll, result = counted(poll)
    votes = {item["item"]: item["votes"] for item in result.figures["items"]}
    header = [
        gettext("推荐编号"),
        gettext("项目名称"),
        gettext("主要内容"),
        gettext("建议责任单位"),
        gettext("处理方式"),
        gettext("并入项目"),
        gettext("理由"),
        gettext("得票数"),
    ]
    rows: list[Sequence[sheets.Cell]] = [
        [
            write_in.key,
            write_in.title,
            write_in.detail,
            write_in.unit,
            write_in.get_ruling_display(),
            _into(write_in),
            write_in.reason,
            votes.get(write_in.key),
        ]
        for write_in in poll.write_ins.select_related("into_project", "into_write_in")
    ]
    return Sheet(gettext("推荐项目"), header, rows)


def journal_csv(poll: Poll) -> Download:
    """Return 操作记录: the acts on a poll with their checksums, at any time, without any votes."""
    poll = _fresh(poll)
    header, rows = _journal(poll)
    return _csv(poll, "journal", Sheet(gettext("操作记录"), header, rows))


def register_journal_csv() -> Download:
    """Return the acts on delegates and cards, which belong to no poll, with their checksums."""
    header, rows = _journal(None)
    stamp = f"{timezone.localtime():%Y%m%d-%H%M}"
    name = gettext("代表名录操作记录_%(stamp)s.csv") % {"stamp": stamp}
    return Download(f"register-journal-{stamp}.csv", name, sheets.csv_bytes(header, rows))


def _journal(poll: Poll | None) -> tuple[list[str], Rows]:
    """Return the header and the rows of the chain of `poll`, or of the register."""
    header = [
        gettext("序号"),
        gettext("时间"),
        gettext("操作人"),
        gettext("操作"),
        gettext("对象"),
        gettext("说明"),
        gettext("校验码"),
    ]
    entries = JournalEntry.objects.filter(poll=poll).select_related("by", "second")
    return header, [
        [
            entry.seq,
            _moment(entry.at),
            "、".join(named(user) for user in (entry.by, entry.second) if user),
            record.act(entry),
            record.subject(entry),
            record.in_words(entry),
            entry.hash,
        ]
        for entry in entries.order_by("seq")
    ]


# --- shared with the pages of the day and the packages ---------------------------------------------------------------------


def counted(poll: Poll) -> tuple[Poll, Result]:
    """Return `poll` as it is now and its standing count, or raise Refused if there is none."""
    poll = _fresh(poll)
    if poll.phase == Poll.Phase.VOID:
        raise refused("void")
    try:
        return poll, standing_result(poll)
    except Result.DoesNotExist:
        raise refused("not-counted") from None


# --- details --------------------------------------------------------------------------------------


def _fresh(poll: Poll) -> Poll:
    # The page that asks may be older than the phase: what may be exported is asked of the database.
    return Poll.objects.get(pk=poll.pk)


def _csv(poll: Poll, ascii_content: str, table: Sheet) -> Download:
    names = file_names(poll, table.name, ascii_content, "csv")
    return Download(*names, sheets.csv_bytes(table.header, table.rows))


def _xlsx(
    poll: Poll, content: str, ascii_content: str, header: Sequence[str], rows: Rows
) -> Download:
    """Return a workbook, in which a 代表证号 keeps its zeros; its first row says of which vote it is."""
    names = file_names(poll, content, ascii_content, "xlsx")
    heading = heading_of(poll, content)
    return Download(*names, sheets.xlsx_bytes(content, header, rows, heading=heading))


def _roll(poll: Poll) -> QuerySet[RollEntry]:
    """Return the roll by delegation, each in the order of its own list."""
    return poll.roll.select_related("delegate").order_by(*ROLL_LISTED)


def _listed(numbers: Iterable[int]) -> sheets.Cell:
    return _number("、".join(map(str, sorted(numbers))))


def _number(text: str) -> sheets.Cell:
    """Return the number of a candidate as one; 推3 and 1、7 are texts."""
    return int(text) if text.isdecimal() else text


def _moment(moment: datetime | None) -> datetime | None:
    return timezone.localtime(moment) if moment else None


def _yes_or_no(value: bool) -> str:
    return gettext("是") if value else gettext("否")


def _into(write_in: WriteIn) -> str:
    if write_in.into_project:
        return str(write_in.into_project)
    return str(write_in.into_write_in) if write_in.into_write_in else ""
