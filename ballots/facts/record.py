"""What the entries of the journal say in Chinese, for its page and its file; never any votes."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils.functional import Promise
from django.utils.timezone import localdate
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots.journal import Kind
from ballots.models import Delegate, JournalEntry, WriteIn
from projects.models import Poll
from projects.phases import COUNTED
from yiwu_vote.moments import to_the_minute

# Which of the data of an entry can be said in a few words. Votes are not among them: after a count
# was sent back nobody sees a total until the next one.
DETAILS = {
    "reason": _("原因"),
    "ceremony": _("第几次生成密钥"),
    "threshold": _("开箱所需份数"),
    "on_roll": _("名册人数"),
    "present": _("实到"),
    "on_leave": _("请假人数"),
    "digest": _("核对码"),
    "total_reason": _("全体代表人数与名册不一致的说明"),
    "added": _("新增"),
    "removed": _("撤销到会人数"),
    "ballots": _("表决票"),
    "voted": _("已投票"),
    "papers": _("领纸质票"),
    "invalid": _("无效"),
    "write_ins": _("推荐项目"),
    "result": _("数据校验码"),
    "words": _("决定内容"),
    "left_open": _("留空的名额"),
    "revealed": _("已揭晓项数"),
    "ruling": _("处理方式"),
    "into": _("并入"),
    "what": _("内容"),
    "key_destroyed": _("密钥销毁"),
    "cards": _("删除的投票卡"),
    "cards_in_use": _("仍在使用的投票卡"),
    "status": _("状态"),
    "draft": _("草稿"),
    "copied_as": _("复制为"),
    "candidates": _("候选项目"),
    "recommendations": _("会前推荐"),
    "former": _("原名称"),
    "moved": _("人数"),
    "others": _("另改资料项数"),
    "issued": _("发卡张数"),
    "rows": _("行数"),
    "new": _("新增人数"),
    "changed": _("更新人数"),
    "same": _("不变人数"),
    "left_out": _("未导入行数"),
    "delegations": _("新增代表团"),
    "file": _("文件校验码（SHA-256）"),
}
# The columns of a poll that may be corrected while it runs.
CORRECTED = {"phone": _("会务组电话"), "opening_words": _("票前说明")}
# How many people a line of the record names before it only counts them.
NAMED = 20
MINUTE = timedelta(minutes=1)
# What only scrutineers take away, with a reason, by the short name that the journal keeps.
BALLOTS = "ballots"
PABULIB = "pabulib"
PACKAGE = "package"
CONTENTS = {
    BALLOTS: _("表决票明细"),
    PABULIB: _("研究数据（Pabulib 格式）"),
    PACKAGE: _("监票数据包"),
}
# What the entries of the journal store as a short name for programs.
SHORT_NAMES: dict[str, Mapping[str, str | Promise]] = {
    "copied_as": {
        "rehearsal": _("演练"),
        "real": _("正式票决的草稿"),
        "next-year": _("下一年度的草稿"),
        "assessment": _("满意度测评的草稿"),
    },
    "ruling": dict(WriteIn.Ruling.choices),
    "what": CONTENTS,
    "status": dict(Delegate.Status.choices),
}
# What of an account was changed (`ballots.accounts`).
ACCOUNT = {
    "added": _("新增"),
    "deleted": _("删除"),
    "name": _("组更名"),
    "groups": _("职责"),
    "password": _("密码"),
    "username": _("用户名"),
    "last_name": _("姓"),
    "first_name": _("名"),
    "is_active": _("启用或停用"),
    "is_staff": _("能否登录管理页面"),
    "is_superuser": _("系统管理员权限"),
}
# What the opening of the box found stays out of sight until the count: the canvass is blind.
BEFORE_THE_COUNT = {"invalid", "write_ins"}
# A 满意度测评 has no places, and is revealed in one step.
OF_PLACES = {"left_open", "revealed"}
# These say it in sentences of their own.
OF_PAPERS = {
    Kind.PAPERS_ISSUED,
    Kind.PAPER_TAKEN_BACK,
    Kind.PAPERS_EXCHANGED,
    Kind.PAPERS_COUNTED,
    Kind.PAPERS_SEALED,
}


def act(entry: JournalEntry) -> str:
    """Return what the act of an entry is called; its short name where this code knows no other."""
    return str(Kind(entry.kind).label) if entry.kind in Kind else entry.kind


def subject(entry: JournalEntry) -> str:
    """Return the delegate or proposal an entry is about; most are about the poll as a whole."""
    data = entry.data
    if "number" in data and "name" in data:
        return f"{data['name']}（{data['number']}）"
    if entry.kind == Kind.ACCOUNT_CHANGED:
        return str(data.get("account") or data["group"])
    if "write_in" in data:
        return f"{data['write_in']}. {data['title']}"
    return ""


def in_words(entry: JournalEntry) -> str:
    """Return what an entry says beside its subject, never any votes."""
    if entry.kind in OF_PAPERS:
        return "；".join(_of_papers(entry))
    data = entry.data
    is_opened = entry.poll is not None and entry.poll.phase == Poll.Phase.OPENED
    hidden = BEFORE_THE_COUNT if is_opened else set()
    if entry.poll is not None and entry.poll.is_graded:
        hidden = hidden | OF_PLACES
    parts = [
        f"{label}：{SHORT_NAMES.get(key, {}).get(data[key], data[key])}"
        for key, label in DETAILS.items()
        if key not in hidden and isinstance(data.get(key), str | int)
        # An empty word says nothing, unless it has a name of its own (待处理).
        if data[key] != "" or key in SHORT_NAMES
    ]
    match entry.kind:
        case Kind.CLOSED if data.get("announced"):
            parts.append(gettext("主持人已宣布截止"))
        case Kind.BOX_OPENED if data.get("declared"):
            parts.append(gettext("主持人已宣布本次表决有效"))
        case Kind.WRITE_INS_RULED | Kind.CANVASS_CLOSED:
            parts.append(_rulings(data["rulings"]))
        case Kind.HOLDERS_NAMED:
            parts.append("、".join(data["holders"]))
        case Kind.STAFF_LISTED:
            parts.append("、".join(account for account, _groups in data["staff"]))
        case Kind.ROLL_IMPORTED:
            parts += _import(data)
        case Kind.TOLD_APART:
            parts.append(_apart(data["told_apart"]))
        case Kind.DELEGATE_CHANGED:
            parts.append("，".join(f"{what}：{old}→{new}" for what, old, new in data["changes"]))
        case Kind.DELEGATE_ADDED | Kind.DELEGATION_SAVED | Kind.DELEGATION_DELETED:
            parts.append(gettext("代表团：%(name)s") % {"name": data["delegation"]})
            if data.get("on_committee"):
                parts.append(gettext("常委会组成人员"))
        case Kind.DELEGATIONS_MERGED:
            words = {"names": "、".join(data["delegations"]), "name": data["delegation"]}
            parts.append(gettext("%(names)s合并到%(name)s") % words)
        case (
            Kind.STATUS_SET
            | Kind.DELEGATES_DELETED
            | Kind.PRESENCE_RAISED
            | Kind.PRESENCE_LOWERED
            | Kind.LEAVE_GIVEN
            | Kind.LEAVE_ENDED
        ) if "people" in data:
            parts.append(_people(data["people"]))
        case Kind.DETAILS_CORRECTED:
            parts += [_corrected(*change) for change in data["changed"]]
        case Kind.CANDIDATES_IMPORTED:
            parts += _candidates(data)
        case Kind.ACCOUNT_CHANGED:
            parts.insert(0, _account(data))
        case Kind.DEADLINE_MOVED:
            parts.insert(0, _moved(data["old"], data["new"]))
        case Kind.DRAFT_MADE | Kind.SECOND_ROUND_MADE:
            parts.append(_draft(data["poll"]))
    if entry.kind in {Kind.SECOND_ROUND_MADE, Kind.DECIDED} and data["items"]:
        parts.append(gettext("项目：%(keys)s") % {"keys": "、".join(data["items"])})
    return "；".join(filter(None, parts))


def line(entry: JournalEntry) -> str:
    """Return in one line what an entry is about and says, for pages that have one column for both."""
    return "；".join(filter(None, [subject(entry), in_words(entry)]))


def signature(entry: JournalEntry, side: str) -> str:
    """Return how long ago `by` or `second` of an entry had signed in and set his password.

    △ where that was after the opening. Nothing where the entry does not know.
    """
    known = json.loads(entry.body).get("signed", {}).get(side, {})
    parts = []
    if "login" in known:
        minutes = max(entry.at - datetime.fromisoformat(known["login"]), timedelta()) // MINUTE
        words = gettext("登录%(count)d分钟") if minutes < 60 else gettext("登录%(count)d小时")
        parts.append(words % {"count": minutes if minutes < 60 else minutes // 60})
    if "password" in known:
        moment = datetime.fromisoformat(known["password"])
        days = (localdate(entry.at) - localdate(moment)).days
        words = gettext("密码设于%(count)d日前") if days > 0 else gettext("密码设于当日")
        opened = entry.poll.opened_at if entry.poll else None
        mark = "△" if opened and moment > opened else ""
        parts.append(mark + words % {"count": days})
    return "，".join(parts)


def _of_papers(entry: JournalEntry) -> Iterator[str]:
    """Say what was done with papers; how many were invalid not before the count (`BEFORE_THE_COUNT`)."""
    data = entry.data
    match entry.kind:
        case Kind.PAPERS_ISSUED:
            yield _people(data["people"])
            yield gettext("共有%(issued)d名代表领取纸质票") % data
            if data.get("box_shown"):
                yield gettext("投票箱已当众查验为空并封好")
        case Kind.PAPER_TAKEN_BACK:
            yield _people(data["people"])
            yield gettext("还有%(issued)d名代表持有纸质票") % data
            yield gettext("原因：%(reason)s") % data
        case Kind.PAPERS_EXCHANGED:
            yield gettext("更换%(added)d张，共更换%(exchanged)d张") % data
        case Kind.PAPERS_COUNTED:
            yield gettext("发出纸质票%(issued)d张") % data
            if data["exchanged"]:
                yield gettext("另更换污损的%(exchanged)d张") % data
            yield gettext("收回%(returned)d张，作废未用的%(unused)d张") % data
            yield gettext("收回电子票%(voted)d张") % data
        case Kind.PAPERS_SEALED:
            yield gettext("纸质票%(papers)d张入箱，票箱原有%(before)d张，现有%(ballots)d张") % data
            if entry.poll and entry.poll.phase in COUNTED:
                yield gettext("其中认定无效%(invalid)d张") % data
            yield gettext("录入人：%(keyers)s") % {"keyers": "、".join(data["keyers"])}


def _corrected(column: str, old: str, new: str) -> str:
    """Return what was corrected, from what to what."""
    words = {"what": CORRECTED.get(column, column), "old": old, "new": new}
    return gettext("%(what)s：“%(old)s”改为“%(new)s”") % words


def _candidates(data: Mapping[str, Any]) -> Iterator[str]:
    """Say what a table of candidates did."""
    yield gettext("新增%(new)d项，更新%(changed)d项，不变%(same)d项") % data["candidates"]
    if data["moved"]:
        numbers = "、".join(f"{old}→{new}" for old, new in data["moved"])
        yield gettext("编号：%(numbers)s") % {"numbers": numbers}
    if data["renamed"]:
        numbers = "、".join(map(str, data["renamed"]))
        yield gettext("更名：第%(numbers)s项") % {"numbers": numbers}


def _moved(old: str, new: str) -> str:
    """Return from when to when the deadline was moved, by the clock of the hall."""
    words = {"old": _local(old), "new": _local(new)}
    return gettext("原定%(old)s，延至%(new)s") % words


def _local(moment: str) -> str:
    return to_the_minute(datetime.fromisoformat(moment))


def _rulings(rulings: list[list[str]]) -> str:
    """Return what was done with each proposal; of each, the key comes first and the ruling last."""
    if not rulings:
        return gettext("没有推荐项目")
    names = SHORT_NAMES["ruling"]
    return "；".join(f"{ruling[0]} {names[ruling[-1]]}" for ruling in rulings)


def _people(people: list[list[str]]) -> str:
    """Return whom an entry names, by name and number; of many the first ones, and how many."""
    named = "、".join(f"{name}（{number}）" for number, name, *_rest in people[:NAMED])
    if len(people) <= NAMED:
        return named
    return gettext("%(people)s等%(count)d人") % {"people": named, "count": len(people)}


def _import(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a table changed of those on whom a vote hangs, by their names."""
    statuses = dict(Delegate.Status.choices)
    renamed = [f"{number} {old}→{new}" for number, old, new in data["renamed"]]
    renumbered = [f"{old}→{new}" for old, new in data["renumbered"]]
    status = [
        f"{name}（{number}）{statuses[old]}→{statuses[new]}"
        for number, name, old, new in data["status"]
    ]
    # An entry of an earlier version knows nothing of a committee.
    members = [
        f"{name}（{number}）{gettext('是') if is_member else gettext('否')}"
        for number, name, is_member in data.get("on_committee", ())
    ]
    for label, items in [
        (gettext("更名"), renamed),
        (gettext("改代表证号"), renumbered),
        (gettext("改状态"), status),
        (gettext("常委会组成人员"), members),
    ]:
        if items:
            yield f"{label}：{'，'.join(items)}"
    if data["told_apart"]:
        yield _apart(data["told_apart"])


def _apart(pairs: list[list[str]]) -> str:
    named = "，".join("、".join(pair) for pair in pairs)
    return gettext("确认为不同的人：%(pairs)s") % {"pairs": named}


def _account(data: Mapping[str, Any]) -> str:
    """Return what of an account or a group was changed, and what the account may do since then."""
    what = "、".join(str(ACCOUNT.get(code, code)) for code in data["what"])
    words = gettext("变动：%(what)s") % {"what": what}
    if "account" not in data or "deleted" in data["what"]:
        return words
    offices = list(data["groups"]) + ([gettext("系统管理员")] if data["superuser"] else [])
    if not data["staff"]:
        offices = [gettext("不能登录管理页面")]
    return f"{words}；{gettext('职责')}：{'、'.join(offices) or gettext('无职责')}"


def _draft(uuid: str) -> str:
    """Return which poll was drafted, unless the draft was dropped since."""
    draft = Poll.objects.standing().filter(uuid=uuid).first()
    return gettext("票决：%(poll)s") % {"poll": draft} if draft else gettext("草稿已删除")
