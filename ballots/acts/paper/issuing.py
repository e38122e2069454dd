"""Giving papers out while people vote, and counting what came back after the close (design §5.8)."""

from collections.abc import Collection, Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from ballots import journal
from ballots.acts.roll import demand_names, demand_none, entries_of, people_of
from ballots.facts.paper.given import Papers, issued_by_paper, numbers_on_record, papers_of
from ballots.models import BUNDLE_LIMIT, Delegate, PaperBundle, PaperReading, RollEntry
from ballots.refusal import (
    Refusals,
    demand_colleague,
    demand_office,
    demand_reason,
    demand_second,
    locked,
)
from projects.models import Poll
from projects.phases import VOTING

refused = Refusals(
    {
        "voting-over": _("没有办理：只有投票进行中（或暂停时）可以发出、收回、更换纸质票。"),
        "nobody": _("请先勾选代表。"),
        "not-on-roll": _("没有发出：名册上没有所选的代表。"),
        "roll-moved": _("没有发出：您打开本页之后，名册有变动。请核对下面的名单，再次办理。"),
        "not-present": _("没有发出：%(who)s尚未报到，请先记为到会。"),
        "not-in-office": _("没有发出：%(who)s不是在任代表（暂停执行代表职务或已终止）。"),
        "has-voted": _("没有发出：%(who)s已在网上提交表决票，不能再领纸质票。"),
        "has-paper": _("没有发出：%(who)s已领取纸质票。污损的，请办理“更换”。"),
        "box-not-shown": _("没有发出：请先当众查验投票箱为空并封好，再勾选。"),
        "no-paper": _("没有办理：%(who)s没有领取纸质票。"),
        "no-papers": _("没有办理：没有发出过纸质票。"),
        "too-many-exchanged": _("没有办理：更换的张数请填1至%(limit)d。"),
        "not-closed": _("没有办理：请在截止投票后、开箱前清点纸质票。"),
        "keying-begun": _("没有办理：纸质票已经开始录入，张数不能再改。"),
        "figure-wrong": _("没有办理：张数请填0至%(limit)d。"),
        "unlike-record": _(
            "没有办理：名册上领取纸质票的代表与操作记录不符，请联系技术人员；"
            "查不清的，请宣布本次票决作废。"
        ),
    }
)
# More than any meeting prints.
PAPERS_LIMIT = 10_000


@transaction.atomic
def issue_papers(
    poll: Poll,
    *,
    numbers: Collection[str],
    names: Mapping[str, str] | None = None,
    box_shown: bool = True,
    by: User,
    second: User | None,
) -> int:
    """Note that the delegates with these 代表证号 have signed for a paper; return how many have now.

    From now on they cast nothing here. Two people sign each batch. `names` are those that somebody
    has read beside the numbers; `box_shown` is whether the paper box was shown to be empty and
    sealed, which the first batch must say. Raises Refused, for the whole batch, where one of them
    has voted, holds a paper already, is not present or not in office.
    """
    demand_office(by)
    second = demand_colleague(by, second)
    poll = locked(poll, *VOTING, code="voting-over", words=refused)
    entries = _entries(poll, numbers)
    demand_names(entries, names, words=refused)
    demand_none([entry for entry in entries if entry.voted], code="has-voted", words=refused)
    demand_none([entry for entry in entries if entry.is_on_paper], code="has-paper", words=refused)
    if poll.voters == Poll.Voters.PRESENT:
        demand_none(
            [entry for entry in entries if not entry.present], code="not-present", words=refused
        )
    away = [entry for entry in entries if entry.delegate.status != Delegate.Status.ACTIVE]
    demand_none(away, code="not-in-office", words=refused)
    is_first = not poll.journal.filter(kind=journal.Kind.PAPERS_ISSUED).exists()
    if is_first and not box_shown:
        raise refused("box-not-shown")
    total = _set_channel(poll, entries, RollEntry.Channel.PAPER)
    data: dict[str, Any] = {"people": people_of(entries), "issued": total}
    if is_first:
        data["box_shown"] = True
    journal.append(poll, journal.Kind.PAPERS_ISSUED, by=by, second=second, data=data)
    return total


@transaction.atomic
def take_back_paper(
    poll: Poll, *, numbers: Collection[str], reason: str, by: User, second: User | None
) -> int:
    """Take back papers that were given out by mistake and are not in the box; return how many are out.

    They are cancelled, and these delegates may vote here again. Two people sign, with a reason.
    """
    demand_office(by)
    reason = demand_reason(reason)
    second = demand_colleague(by, second)
    poll = locked(poll, *VOTING, code="voting-over", words=refused)
    entries = _entries(poll, numbers)
    demand_none(
        [entry for entry in entries if not entry.is_on_paper], code="no-paper", words=refused
    )
    total = _set_channel(poll, entries, RollEntry.Channel.ONLINE)
    data = {"people": people_of(entries), "issued": total, "reason": reason}
    journal.append(poll, journal.Kind.PAPER_TAKEN_BACK, by=by, second=second, data=data)
    return total


@transaction.atomic
def exchange_papers(poll: Poll, *, more: int, by: User, second: User | None) -> int:
    """Note that `more` spoilt papers were exchanged and cancelled; return how many were so far.

    Nobody holds more than one for that. Whose they were is not noted.
    """
    demand_office(by)
    second = demand_colleague(by, second)
    poll = locked(poll, *VOTING, code="voting-over", words=refused)
    papers = papers_of(poll)
    if not papers.issued:
        raise refused("no-papers")
    if not 1 <= more <= papers.issued:
        raise refused("too-many-exchanged", limit=papers.issued)
    total = papers.exchanged + more
    data = {"added": more, "exchanged": total}
    journal.append(poll, journal.Kind.PAPERS_EXCHANGED, by=by, second=second, data=data)
    return total


@transaction.atomic
def count_papers(
    poll: Poll, *, returned: int, unused: int, by: User, second: User | None
) -> Papers:
    """Put on record how many papers came out of the paper box, and how many were left and cancelled.

    A scrutineer signs; both figures are announced before anything is keyed. Until then they may be
    counted again. The papers lie in bundles of 25 from then on; more returned than given out make
    the vote void, which is a step of its own, and nothing is keyed. Raises Refused.
    """
    demand_office(by)
    second = demand_second(by, second)
    poll = locked(poll, Poll.Phase.CLOSED, code="not-closed", words=refused)
    papers = papers_of(poll)
    if not papers.are_out:
        raise refused("no-papers")
    if not (0 <= returned <= PAPERS_LIMIT and 0 <= unused <= PAPERS_LIMIT):
        raise refused("figure-wrong", limit=PAPERS_LIMIT)
    if PaperReading.objects.filter(bundle__poll=poll).exists():
        raise refused("keying-begun")
    on_paper = poll.roll.filter(channel=RollEntry.Channel.PAPER)
    if set(on_paper.values_list("number", flat=True)) != numbers_on_record(poll):
        raise refused("unlike-record")
    data = {
        "issued": papers.issued,
        "exchanged": papers.exchanged,
        "returned": returned,
        "unused": unused,
        "voted": poll.roll.filter(voted=True).count(),
    }
    journal.append(poll, journal.Kind.PAPERS_COUNTED, by=by, second=second, data=data)
    poll.bundles.all().delete()
    counted = papers_of(poll)
    if not counted.are_too_many:
        _bundle(poll, returned)
    return counted


def _bundle(poll: Poll, papers: int) -> None:
    starts = range(0, papers, BUNDLE_LIMIT)
    PaperBundle.objects.bulk_create(
        PaperBundle(poll=poll, number=number, size=min(BUNDLE_LIMIT, papers - start))
        for number, start in enumerate(starts, start=1)
    )


# --- shared ---------------------------------------------------------------------------------------


def _entries(poll: Poll, numbers: Collection[str]) -> list[RollEntry]:
    if not numbers:
        raise refused("nobody")
    return entries_of(poll, numbers, words=refused)


def _set_channel(poll: Poll, entries: Collection[RollEntry], channel: str) -> int:
    """Write the way in which these vote; return how many hold a paper now."""
    poll.roll.filter(pk__in=[entry.pk for entry in entries]).update(channel=channel)
    return issued_by_paper(poll)
