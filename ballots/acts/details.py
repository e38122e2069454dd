"""Files for scrutineers: when they may be made, and the record of who took one and why.

Many ballots of a small electorate are the only ones of their kind, so that whoever cast one may
know it again, and the full package has the names of the roll and the sealed ballots. Such a file
goes to scrutineers alone, and each time the journal says why.
"""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from ballots import journal
from ballots.facts.record import BALLOTS, PABULIB, PACKAGE
from ballots.models import JournalEntry
from ballots.refusal import Refusals, demand_reason, demand_scrutineer, locked
from projects.models import Poll
from projects.phases import CHECKED, COUNTED

refused = Refusals(
    {
        "not-scrutineer": _("只有监票人可以导出明细。"),
        "reason-needed": _("请写明导出的原因。"),
        "void": _("本次票决作废，没有明细可以导出。"),
        "not-confirmed": _("复核后才能导出表决票明细。"),
        "not-counted": _("计票完成后才能导出监票数据包。"),
        "not-out": _("结果全部揭晓后才能导出研究数据；演练在计票后即可导出。"),
        "no-grades": _("满意度测评不导出研究数据：Pabulib 格式没有等次。请导出结果（CSV）。"),
        "tells-proposals": _(
            "本次票决须选足应选项数，所选项数较少的表决票一望而知写有推荐项目，因此不能导出明细。"
        ),
    }
)


def is_due(poll: Poll, what: str) -> bool:
    """Tell whether `poll` has come far enough for the file `what` (BALLOTS, PABULIB, PACKAGE).

    Research data wait until everybody knows the result; nobody has to wait for a rehearsal's.
    """
    if what == BALLOTS:
        return poll.phase in CHECKED
    if what == PACKAGE or poll.is_rehearsal:
        return poll.phase in COUNTED
    return poll.is_revealed


def demand_due(poll: Poll, what: str) -> None:
    """Raise Refused where the file `what` of `poll` may not be made now, or never."""
    if poll.phase == Poll.Phase.VOID:
        raise refused("void")
    if what == PABULIB and poll.is_graded:
        raise refused("no-grades")
    if not is_due(poll, what):
        raise refused({BALLOTS: "not-confirmed", PACKAGE: "not-counted"}.get(what, "not-out"))
    # A package leaves single ballots out by itself.
    if what != PACKAGE and _tells_proposals(poll):
        raise refused("tells-proposals")


@transaction.atomic
def note_export(poll: Poll, *, what: str, reason: str, by: User) -> JournalEntry:
    """Put on record that `by` takes the file `what` (BALLOTS, PABULIB, PACKAGE) away, and why.

    Raises Refused for anybody but a scrutineer, without a reason, and before the file may be
    made.
    """
    demand_scrutineer(by, words=refused)
    reason = demand_reason(reason, words=refused)
    poll = locked(poll)
    demand_due(poll, what)
    return journal.append(poll, journal.Kind.EXPORTED, by=by, data={"what": what, "reason": reason})


def _tells_proposals(poll: Poll) -> bool:
    """Tell whether the number of choices on a ballot gives away the proposals beside them.

    Where every ballot fills all places, one that names fewer candidates has proposals in the rest.
    To leave such ballots out is no help: the totals less the others are theirs (design §5.5).
    """
    return (
        poll.choice_rule == Poll.ChoiceRule.EXACTLY
        and poll.proposals == Poll.Proposals.COUNTED
        and poll.write_ins.exists()
    )
