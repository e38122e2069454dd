"""The only writer of the journal: each act appends one link in its own transaction.

A poll has its chain; acts on delegates and cards, which belong to no poll, have one of their own.
"""

import json
import secrets
from typing import Any

from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ballots.models import JournalEntry, PasswordDate
from ballots.pure import chain
from projects.models import Poll


class Kind(models.TextChoices):
    """What was done: the words that are hashed, stored and packed, and what each is called.

    The column has no choices: an entry of a kind that this code does not know is still a link.
    """

    HOLDERS_NAMED = "holders-named", _("登记密钥保管人")
    KEY_MADE = "key-made", _("生成票箱密钥")
    KEY_TESTED = "key-tested", _("试开票箱")
    ROLL_DRAWN_UP = "roll-drawn-up", _("生成名册")
    PRESENCE_MARKED = "presence-marked", _("记录到会")
    STAFF_LISTED = "staff-listed", _("登记工作人员账号")
    OPENED = "opened", _("开始投票")
    PRESENCE_CONFIRMED = "presence-confirmed", _("核对实到")
    PRESENCE_RAISED = "presence-raised", _("补报到")
    PRESENCE_LOWERED = "presence-lowered", _("撤销到会")
    LEAVE_GIVEN = "leave-given", _("登记请假")
    LEAVE_ENDED = "leave-ended", _("销假")
    ROLL_ADDED = "roll-added", _("增补名册")
    CARD_REISSUED = "card-reissued", _("换发投票卡")
    PAPERS_ISSUED = "papers-issued", _("发出纸质票")
    PAPER_TAKEN_BACK = "paper-taken-back", _("收回未用的纸质票")
    PAPERS_EXCHANGED = "papers-exchanged", _("更换污损的纸质票")
    PAUSED = "paused", _("暂停投票")
    RESUMED = "resumed", _("恢复投票")
    DEADLINE_MOVED = "deadline-moved", _("延长截止时间")
    DETAILS_CORRECTED = "details-corrected", _("更正会务组电话或票前说明")
    SET_APART = "set-apart", _("封存有疑问的表决票")
    VOTERS_HASHED = "voters-hashed", _("登记已投票代表的校验值")
    CLOSED = "closed", _("截止投票")
    STORAGE_REWRITTEN = "storage-rewritten", _("清除先后痕迹")
    PAPERS_COUNTED = "papers-counted", _("清点纸质票")
    PAPERS_SEALED = "papers-sealed", _("纸质票封存入箱")
    BOX_OPENED = "box-opened", _("开启票箱")
    WRITE_INS_RULED = "write-ins-ruled", _("处理推荐项目")
    WRITE_IN_RULED = "write-in-ruled", _("处理推荐项目")
    CANVASS_CLOSED = "canvass-closed", _("归并结束")
    CANVASS_SKIPPED = "canvass-skipped", _("没有推荐项目，略过归并")
    COUNTED = "counted", _("计票")
    CONFIRMED = "confirmed", _("复核")
    SENT_BACK = "sent-back", _("退回")
    DECIDED = "decided", _("登记会议决定")
    SECOND_ROUND_MADE = "second-round-made", _("发起再次票决或补充票决")
    CANDIDATES_IMPORTED = "candidates-imported", _("导入候选项目")
    DRAFT_MADE = "draft-made", _("另建草稿")
    DRAFT_DROPPED = "draft-dropped", _("删除草稿")
    DRAFT_DELETED = "draft-deleted", _("删除草稿")
    REVEALED = "revealed", _("揭晓")
    EXPORTED = "exported", _("导出明细")
    ARCHIVED = "archived", _("归档")
    CARDS_DESTROYED = "cards-destroyed", _("销毁投票卡")
    PUBLISHED = "published", _("公布结果")
    YEAR_MADE = "year-made", _("列为年度实事项目")
    YEAR_CLOSED = "year-closed", _("结束年度实事")
    VOIDED = "voided", _("作废")
    ACCOUNT_CHANGED = "account-changed", _("工作人员账号变动")
    # Acts on delegates and cards, which belong to no poll.
    ROLL_IMPORTED = "roll-imported", _("导入名册")
    IMPORT_UNDONE = "import-undone", _("撤销导入")
    CARDS_ISSUED = "cards-issued", _("发卡")
    DELEGATE_ADDED = "delegate-added", _("新增代表")
    DELEGATE_CHANGED = "delegate-changed", _("修改代表资料")
    DELEGATES_DELETED = "delegates-deleted", _("删除代表")
    DELEGATION_SAVED = "delegation-saved", _("新增或修改代表团")
    DELEGATION_DELETED = "delegation-deleted", _("删除代表团")
    DELEGATIONS_MERGED = "delegations-merged", _("合并代表团")
    TOLD_APART = "told-apart", _("同名核对")
    STATUS_SET = "status-set", _("更改代表状态")


def append(
    poll: Poll | None, kind: Kind, *, by: User | None, second: User | None = None, data: Any = None
) -> JournalEntry:
    """Record that `by` (and `second`, where two people sign) did `kind` on `poll`, or the register.

    Nobody, where an account was changed by other ways than our pages (`ballots.accounts`).

    The caller holds the lock on that row, which gives the chain its order, and is inside the
    act's transaction, so that no act stands without its entry and no entry without its act. `data`
    holds strings, integers, booleans, lists and dictionaries, and never a delegate's choices.
    """
    last = JournalEntry.objects.filter(poll=poll).order_by("-seq").first()
    seq = last.seq + 1 if last else 1
    at = timezone.now().replace(microsecond=0)
    if last and last.at > at:
        # A clock that was set back must not make the record run backwards.
        at = last.at
    link = chain.link(
        seq=seq,
        prev=last.hash if last else chain.GENESIS,
        kind=kind,
        at=at.isoformat(),
        by=by.get_username() if by else "",
        second=second.get_username() if second else "",
        salt=secrets.token_hex(16),
        data={} if data is None else data,
        signed=_signed(by=by, second=second),
    )
    return JournalEntry.objects.create(
        poll=poll, seq=seq, kind=kind, at=at, by=by, second=second, body=link.body, hash=link.hash
    )


def _signed(**people: User | None) -> dict[str, dict[str, str]]:
    """Return when each of `people` signed in last and set his password, as far as that is known.

    Whoever has just set somebody's password could sign in his name; the record lets that be seen.
    """
    persons = {side: person for side, person in people.items() if person}
    dates = dict(PasswordDate.objects.filter(user__in=persons.values()).values_list("user", "at"))
    moments = {
        side: {"login": person.last_login, "password": dates.get(person.pk)}
        for side, person in persons.items()
    }
    return {
        side: {what: at.isoformat() for what, at in known.items() if at}
        for side, known in moments.items()
        if any(known.values())
    }


def head(poll: Poll, kind: Kind | None = None) -> str:
    """Return the 核对号 of the last entry of `poll`, or of its last one of `kind`; empty for none.

    Whoever has written it down can tell later whether the record still leads up to that entry.
    """
    entries = poll.journal.filter(kind=kind) if kind else poll.journal
    last = entries.order_by("-seq").values_list("hash", flat=True).first()
    return chain.check_number(last) if last else ""


def said(poll: Poll, kind: Kind, name: str) -> list[Any]:
    """Return what the entries of that kind say under `name`, in the order of the record."""
    return [entry.data[name] for entry in poll.journal.filter(kind=kind).order_by("seq")]


def first_broken(poll: Poll | None) -> int | None:
    """Return the position (from 1) of the first entry that does not fit, else None.

    Of the chain of `poll`, or of that of the register, where no poll is named.
    """
    rows = JournalEntry.objects.filter(poll=poll).order_by("seq").select_related("by", "second")
    broken = chain.first_broken(chain.Link(body=row.body, hash=row.hash) for row in rows)
    # The pages show the columns, so they too have to say what was hashed.
    for position, row in enumerate(rows[: broken - 1 if broken else None], start=1):
        if not _says_its_body(row):
            return position
    return broken


def _says_its_body(row: JournalEntry) -> bool:
    body = json.loads(row.body)
    columns = {
        "seq": row.seq,
        "kind": row.kind,
        "at": row.at.isoformat(),
        "by": row.by.get_username() if row.by else "",
        "second": row.second.get_username() if row.second else "",
    }
    return all(body.get(name) == value for name, value in columns.items())
