"""The files people take away (ux.md §10): rows in, CSV or xlsx bytes out.

Figures come from the frozen result alone and are not counted again here. Nothing in this module
sees a total before the count: until then it exports who has voted, receipts and the journal. Single
ballots stand in one file alone, 表决票明细, whose page asks for a reason (see `exporting`).
"""

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, Min, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ballots import counting, exporting, outcome, sealing
from ballots.models import Ballot, JournalEntry, Result, RollEntry, WriteIn
from projects.models import Poll
from yiwu_vote import sheets

REFUSALS = {
    "not-voting": gettext_lazy("只有投票期间才有未投票代表名单。"),
    "not-closed": gettext_lazy("投票截止后才有回执编号清单。"),
    "not-counted": gettext_lazy("计票完成后才能导出。"),
    "not-published": gettext_lazy("结果公布后才能导出公开数据包。"),
    "void": gettext_lazy("本次票决作废，没有票决结果。"),
}

OUTCOMES = {
    "adopted": gettext_lazy("通过"),
    "tied": gettext_lazy("得票相同，待定"),
    "short": gettext_lazy("未通过"),
    "out": gettext_lazy("未通过"),
}
SOURCES = {"candidate": gettext_lazy("候选"), "proposal": gettext_lazy("推荐")}

# What each entry of the journal is called, and which of its data can be said in a few words. Votes
# are not among them: after a count was sent back nobody sees a total until the next one.
ACTS = {
    "key-made": gettext_lazy("生成票箱密钥"),
    "key-tested": gettext_lazy("试开票箱"),
    "opened": gettext_lazy("开始投票"),
    "presence-raised": gettext_lazy("补报到"),
    "roll-added": gettext_lazy("增补名册"),
    "card-reissued": gettext_lazy("换发投票卡"),
    "paused": gettext_lazy("暂停投票"),
    "resumed": gettext_lazy("恢复投票"),
    "closed": gettext_lazy("截止投票"),
    "storage-rewritten": gettext_lazy("重写存储"),
    "box-opened": gettext_lazy("开启票箱"),
    "write-ins-ruled": gettext_lazy("处理推荐项目"),
    "write-in-ruled": gettext_lazy("处理推荐项目"),
    "canvass-closed": gettext_lazy("归并结束"),
    "counted": gettext_lazy("计票"),
    "confirmed": gettext_lazy("复核"),
    "sent-back": gettext_lazy("退回"),
    "decided": gettext_lazy("登记会议决定"),
    "second-round-made": gettext_lazy("发起再次票决或补充票决"),
    "draft-made": gettext_lazy("另建草稿"),
    "revealed": gettext_lazy("揭晓"),
    "exported": gettext_lazy("导出明细"),
    "archived": gettext_lazy("归档"),
    "published": gettext_lazy("公布结果"),
    "voided": gettext_lazy("作废"),
}
DETAILS = {
    "reason": gettext_lazy("原因"),
    "ceremony": gettext_lazy("第几次生成密钥"),
    "threshold": gettext_lazy("开箱所需份数"),
    "on_roll": gettext_lazy("名册人数"),
    "present": gettext_lazy("实到"),
    "added": gettext_lazy("新增"),
    "ballots": gettext_lazy("表决票"),
    "voted": gettext_lazy("已投票"),
    "invalid": gettext_lazy("无效"),
    "write_ins": gettext_lazy("推荐项目"),
    "result": gettext_lazy("数据校验码"),
    "words": gettext_lazy("决定内容"),
    "left_open": gettext_lazy("留空的名额"),
    "revealed": gettext_lazy("已揭晓项数"),
    "ruling": gettext_lazy("处理方式"),
    "into": gettext_lazy("并入"),
    "what": gettext_lazy("内容"),
    "key_destroyed": gettext_lazy("密钥销毁"),
    "cards": gettext_lazy("删除的投票卡"),
    "cards_in_use": gettext_lazy("仍在使用的投票卡"),
}
# What the entries of the journal store as a short name for programs.
SHORT_NAMES: dict[str, dict[str, Any]] = {
    "ruling": dict(WriteIn.Ruling.choices),
    "what": exporting.CONTENTS,
}
# How a place was filled, or why it was not, where the count alone could not say.
SETTLED = {
    "run-off": gettext_lazy("经再次票决通过"),
    "supplementary": gettext_lazy("经补充票决通过"),
    "decision": gettext_lazy("经会议决定确定"),
}
UNSETTLED = {
    "run-off": gettext_lazy("经再次票决未通过"),
    "supplementary": gettext_lazy("经补充票决未通过"),
    "decision": gettext_lazy("经会议决定未确定"),
}

# What the opening of the box found stays out of sight until the count: the canvass is blind.
BEFORE_THE_COUNT = {"invalid", "write_ins"}


class ExportRefused(Exception):
    """There is nothing to export yet, or never will be: `code` is for programs."""

    def __init__(self, code: str) -> None:
        super().__init__(str(REFUSALS[code]))
        self.code = code


@dataclass(frozen=True)
class Download:
    """A file to hand out: `ascii_name` is what a header falls back to beside `chinese_name`."""

    ascii_name: str
    chinese_name: str
    content: bytes


def result_csv(poll: Poll) -> Download:
    """Return 结果: one row an item, most votes first; raises ExportRefused before the count."""
    poll, result = counted(poll)
    rules = result.figures["rules"]
    is_each = rules["form"] == "each"
    settled = remarks_on_items(poll)
    header = [
        _("名次"),
        _("是否并列"),
        _("项目编号"),
        _("项目名称"),
        _("类别"),
        _("来源（候选/推荐）"),
        _("责任单位"),
        _("得票数"),
        *([_("反对票数"), _("弃权票数")] if is_each else []),
        _("得票率(%)"),
        _("占全体代表(%)"),
        _("是否过半数"),
        _("结果"),
        _("备注"),
    ]
    rows: list[Sequence[sheets.Cell]] = [
        [
            item["rank"],
            _yes_or_no(item["shared"]),
            item["item"],
            item["title"],
            item["category"],
            str(SOURCES[item["source"]]),
            item["lead_unit"],
            item["votes"],
            *([item["against"], item["abstained"]] if is_each else []),
            item["share_of_valid"],
            item["share_of_all"],
            _("不要求") if rules["majority"] == "none" else _yes_or_no(item["majority"]),
            str(OUTCOMES[item["outcome"]]),
            "；".join([*settled[item["item"]], *remarks(poll)]),
        ]
        for item in result.figures["items"]
    ]
    return _csv(poll, _("结果"), "result", header, rows)


def summary_csv(poll: Poll) -> Download:
    """Return 汇总: the figures of the count, when it was made and by whom; raises ExportRefused.

    归并项数 is how many items the 推荐件数 proposals came to (ux.md R11: 共收到…件，归并为…项). The next
    two lines are what the sum of the votes lacks beside them: ballots on which merging made two
    choices one, and proposals on ballots that were refused.
    """
    poll, result = counted(poll)
    figures = result.figures
    standing = outcome.outcome_of(poll)
    is_final = standing.is_settled or poll.phase == Poll.Phase.PUBLISHED
    turnout = figures["turnout"]
    confirmers = [confirmation.by for confirmation in result.confirmations.select_related("by")]
    rows: list[Sequence[sheets.Cell]] = [
        [_("全体代表"), turnout["delegates_total"]],
        [_("应到"), turnout["roll"]],
        [_("实到"), turnout["present"]],
        [_("发出"), turnout["issued"]],
        [_("收回"), turnout["returned"]],
        [_("有效"), turnout["valid"]],
        [_("弃权"), turnout["blank"]],
        [_("无效"), turnout["invalid"]],
        [_("应选项数"), figures["places"]],
        [_("通过所需票数"), figures["needed"]],
        [_("候选项目数"), figures["candidates"]],
        [_("推荐件数"), figures["proposals"]],
        [_("归并项数"), figures["proposed_items"]],
        [_("重复选择的表决票"), figures["doubled"]],
        [_("不予计票"), figures["refused"]],
        [_("留空名额"), standing.open_places if is_final else ""],
        [_("会议决定"), standing.decision.words if standing.decision else ""],
        [_("开始"), _moment(poll.opened_at)],
        [_("截止"), _moment(poll.closed_at)],
        [_("计票"), _moment(result.counted_at)],
        [_("公布"), _moment(poll.published_at)],
        [_("计票人"), named(result.counted_by)],
        [_("复核人"), "、".join(map(named, confirmers))],
        [_("数据校验码"), result.digest],
        [_("备注"), "；".join(remarks(poll))],
    ]
    return _csv(poll, _("汇总"), "summary", [_("项目"), _("数值")], rows)


def turnout_csv(poll: Poll) -> Download:
    """Return 投票情况: who has voted by delegation and in all, at any time; never how.

    未投票 is 实到 less 已投票, or 应到 less 已投票 where the whole roll may vote (ux.md §2).
    """
    poll = _fresh(poll)
    found = turnout_by_delegation(poll)
    whole = _figures_of(
        poll, **{name: sum(row[name] for row in found) for name in ("on_roll", "came", "marks")}
    )
    columns = ("delegation", "on_roll", "came", "marks", "waiting", "share")
    rows: list[Sequence[sheets.Cell]] = [
        [row[column] for column in columns] for row in [*found, {"delegation": _("合计")} | whole]
    ]
    header = [
        _("代表团"),
        _("应到人数"),
        _("实到人数"),
        _("已投票人数"),
        _("未投票人数"),
        _("投票率(%)"),
    ]
    return _csv(poll, _("投票情况"), "turnout", header, rows)


def waiting_xlsx(poll: Poll) -> Download:
    """Return 未投票代表名单: whom to look for while ballots come in; raises ExportRefused else.

    Those who may vote and have not: of everybody present, or of the whole roll (ux.md §2).
    """
    poll = _fresh(poll)
    if not poll.takes_ballots:
        raise ExportRefused("not-voting")
    entries = _roll(poll).filter(voted=False)
    if poll.voters == Poll.Voters.PRESENT:
        entries = entries.filter(present=True)
    header = [_("序号"), _("代表团"), _("代表证号"), _("姓名"), _("联系电话")]
    rows: list[Sequence[sheets.Cell]] = [
        [place, entry.delegation, entry.number, entry.name, entry.delegate.phone]
        for place, entry in enumerate(entries, start=1)
    ]
    return _xlsx(poll, _("未投票代表名单"), "waiting", header, rows)


def attendance_xlsx(poll: Poll) -> Download:
    """Return 签到情况表: the whole roll, who has come and who takes a paper ballot; at any time."""
    poll = _fresh(poll)
    header = [_("代表团"), _("代表证号"), _("姓名"), _("实到"), _("方式")]
    rows: list[Sequence[sheets.Cell]] = [
        [
            entry.delegation,
            entry.number,
            entry.name,
            _yes_or_no(entry.present),
            entry.get_channel_display(),
        ]
        for entry in _roll(poll)
    ]
    return _xlsx(poll, _("签到情况表"), "attendance", header, rows)


def ballots_csv(poll: Poll) -> Download:
    """Return 表决票明细: what each valid ballot says of the candidates, and nothing of proposals.

    Shuffled afresh for each file: no order of the rows can lead back to anything, and the number of
    a ballot in one file is not its number in the next. Raises DetailsRefused (see `exporting`).
    """
    poll = _fresh(poll)
    exporting.demand_due(poll, exporting.BALLOTS)
    ballots = list(poll.ballots.filter(invalid=Ballot.Invalid.VALID))
    secrets.SystemRandom().shuffle(ballots)
    each = poll.form == Poll.Form.EACH
    header = [_("票序（随机）"), _("所选项数"), _("所选项目编号（以“、”分隔）")]
    header += [_("反对项目编号（以“、”分隔）")] if each else []
    rows: list[Sequence[sheets.Cell]] = [
        [
            place,
            len(ballot.chosen),
            _listed(ballot.chosen),
            *([_listed(ballot.against)] if each else []),
        ]
        for place, ballot in enumerate(ballots, start=1)
    ]
    return _csv(poll, _("表决票明细"), "ballots", header, rows)


def receipts_csv(poll: Poll) -> Download:
    """Return 回执编号清单, sorted by number so that it tells no order; raises before the close."""
    poll = _fresh(poll)
    if poll.phase == Poll.Phase.DRAFT or poll.takes_ballots:
        raise ExportRefused("not-closed")
    codes = sorted(poll.sealed_ballots.values_list("code", flat=True))
    rows: list[Sequence[sheets.Cell]] = [
        [place, sealing.grouped(code)] for place, code in enumerate(codes, start=1)
    ]
    return _csv(poll, _("回执编号清单"), "receipts", [_("序号"), _("回执编号")], rows)


def write_ins_csv(poll: Poll) -> Download:
    """Return 推荐项目 with their rulings; one that stands alone has its votes. Raises before that.

    A proposal merged into another item has no votes of its own: they stand with that item.
    """
    poll, result = counted(poll)
    votes = {item["item"]: item["votes"] for item in result.figures["items"]}
    header = [
        _("推荐编号"),
        _("项目名称"),
        _("主要内容"),
        _("建议责任单位"),
        _("处理方式"),
        _("并入项目"),
        _("理由"),
        _("得票数"),
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
    return _csv(poll, _("推荐项目"), "proposals", header, rows)


def journal_csv(poll: Poll) -> Download:
    """Return 操作记录: the acts on a poll with their checksums, at any time, without any votes."""
    poll = _fresh(poll)
    header = [
        _("序号"),
        _("时间"),
        _("操作人"),
        _("操作"),
        _("对象"),
        _("说明"),
        _("校验码"),
    ]
    rows: list[Sequence[sheets.Cell]] = [
        [
            entry.seq,
            _moment(entry.at),
            "、".join(named(user) for user in (entry.by, entry.second) if user),
            str(ACTS.get(entry.kind, entry.kind)),
            subject(entry),
            in_words(entry),
            entry.hash,
        ]
        for entry in poll.journal.select_related("by", "second").order_by("seq")
    ]
    return _csv(poll, _("操作记录"), "journal", header, rows)


# --- shared with the pages of the day and the packages ---------------------------------------------------------------------


def turnout_by_delegation(poll: Poll) -> list[dict[str, Any]]:
    """Return the figures of each delegation in the order of the roll; who has voted, never how."""
    rows = (
        poll.roll.values("delegation")
        .annotate(
            # The roll keeps its own words, also of somebody who has changed delegation since.
            place=Min("delegate__delegation__position"),
            on_roll=Count("pk"),
            came=Count("pk", filter=Q(present=True)),
            marks=Count("pk", filter=Q(voted=True)),
        )
        .order_by("place", "delegation")
    )
    return [
        {"delegation": row["delegation"]}
        | _figures_of(poll, on_roll=row["on_roll"], came=row["came"], marks=row["marks"])
        for row in rows
    ]


def _figures_of(poll: Poll, *, on_roll: int, came: int, marks: int) -> dict[str, Any]:
    base = came if poll.voters == Poll.Voters.PRESENT else on_roll
    return {
        "on_roll": on_roll,
        "came": came,
        "marks": marks,
        "waiting": max(base - marks, 0),
        "share": counting.percent(marks, base),
    }


def counted(poll: Poll) -> tuple[Poll, Result]:
    """Return `poll` as it is now and its standing count, or raise ExportRefused if there is none."""
    poll = _fresh(poll)
    if poll.phase == Poll.Phase.VOID:
        raise ExportRefused("void")
    try:
        return poll, outcome.standing_result(poll)
    except Result.DoesNotExist:
        raise ExportRefused("not-counted") from None


def remarks(poll: Poll) -> list[str]:
    """Return what every figure of this poll must carry beside it."""
    found = []
    if poll.is_rehearsal:
        found.append(_("演练，不计票"))
    if poll.phase == Poll.Phase.COUNTED:
        found.append(_("未复核"))
    return found


def remarks_on_items(poll: Poll) -> dict[str, list[str]]:
    """Return what to say of each item of a counted poll beside its outcome, by the item's key.

    How a second round or a decision filled a place, and which item that was level got none; and why
    an item with votes enough has no place.
    """
    standing = outcome.outcome_of(poll)
    figures = standing.result.figures
    ways = {place.key: place.how for place in standing.filled}
    found: dict[str, list[str]] = {}
    for item in figures["items"]:
        way = ways.get(item["item"], "count")
        words = []
        if way != "count":
            words.append(str(SETTLED[way]))
        elif item["outcome"] == "tied" and standing.is_settled:
            words.append(str(UNSETTLED[_settled_by(standing)]))
        elif item["outcome"] == "out":
            words.append(
                _("得票已达通过所需，未进入前%(places)d名") % {"places": figures["places"]}
            )
        found[item["item"]] = words
    return found


def _settled_by(standing: outcome.Outcome) -> str:
    if standing.decision is not None or standing.round is None:
        return "decision"
    return outcome.kind_of_round(standing.round)


def file_names(poll: Poll, content: str, ascii_content: str, extension: str) -> tuple[str, str]:
    """Return the ASCII and the Chinese name of a file of `poll`, made now."""
    ascii_name, chinese_name = sheets.download_names(
        poll.year,
        content,
        timezone.localtime(),
        poll.is_rehearsal,
        ascii_content=ascii_content,
    )
    return f"{ascii_name}.{extension}", f"{chinese_name}.{extension}"


def named(user: User) -> str:
    """Return how a member of staff stands in a file."""
    return user.get_full_name() or user.get_username()


# --- details --------------------------------------------------------------------------------------


def _fresh(poll: Poll) -> Poll:
    # The page that asks may be older than the phase: what may be exported is asked of the database.
    return Poll.objects.get(pk=poll.pk)


Rows = Iterable[Sequence[sheets.Cell]]


def _csv(
    poll: Poll, content: str, ascii_content: str, header: Sequence[str], rows: Rows
) -> Download:
    names = file_names(poll, content, ascii_content, "csv")
    return Download(*names, sheets.csv_bytes(header, rows))


def _xlsx(
    poll: Poll, content: str, ascii_content: str, header: Sequence[str], rows: Rows
) -> Download:
    """Return a workbook: Excel would drop the zeros before a 代表证号 that stands in a CSV file."""
    names = file_names(poll, content, ascii_content, "xlsx")
    return Download(*names, sheets.xlsx_bytes(content, header, rows))


def _roll(poll: Poll) -> QuerySet[RollEntry]:
    """Return the roll by delegation, each in the order of its own list."""
    return poll.roll.select_related("delegate").order_by(
        "delegate__delegation__position", "delegation", "delegate__position", "number"
    )


def _listed(numbers: Iterable[int]) -> str:
    return "、".join(map(str, sorted(numbers)))


def _moment(moment: datetime | None) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M}" if moment else ""


def _yes_or_no(value: bool) -> str:
    return _("是") if value else _("否")


def _into(write_in: WriteIn) -> str:
    if write_in.into_project:
        return str(write_in.into_project)
    return str(write_in.into_write_in) if write_in.into_write_in else ""


def subject(entry: JournalEntry) -> str:
    """Return the delegate or proposal an entry is about; most are about the poll as a whole."""
    data = json.loads(entry.body)["data"]
    if "number" in data and "name" in data:
        return f"{data['name']}（{data['number']}）"
    if "write_in" in data:
        return f"{data['write_in']}. {data['title']}"
    return ""


def in_words(entry: JournalEntry) -> str:
    """Return what an entry says beside its subject, never any votes."""
    data = json.loads(entry.body)["data"]
    hidden = BEFORE_THE_COUNT if entry.poll.phase == Poll.Phase.OPENED else set()
    return "；".join(
        f"{words}：{SHORT_NAMES.get(key, {}).get(data[key], data[key])}"
        for key, words in DETAILS.items()
        if key not in hidden and isinstance(data.get(key), str | int)
        # An empty word says nothing, unless it has a name of its own (待处理).
        if data[key] != "" or key in SHORT_NAMES
    )
