"""Ruling on the proposals of an opened box, blind: nothing here knows or computes a total."""

from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from ballots import journal, roles
from ballots.models import BallotBox, WriteIn
from projects.models import Poll

REFUSALS = {
    "not-opened": _("只有开箱后、计票前可以处理推荐项目。"),
    "already-closed": _("推荐项目的归并已经结束。"),
    "not-staff": _("只有会务或监票人员可以办理。"),
    "second-needed": _("归并结束须由会务和监票各一人签名确认。"),
    "open-rulings": _("还有推荐项目没有处理。"),
    "circle": _("有推荐项目互相并入，请更正后再结束归并。"),
}


class CanvassRefused(Exception):
    """A ruling is not allowed now, or not by this person: `code` is for programs."""

    def __init__(self, code: str) -> None:
        super().__init__(str(REFUSALS[code]))
        self.code = code


@transaction.atomic
def rule_each_alone(poll: Poll, *, by: User) -> int:
    """Let every proposal that has no ruling yet stand alone; return how many that were."""
    poll = _locked(poll)
    if not (roles.is_office(by) or roles.is_scrutineer(by)):
        raise CanvassRefused("not-staff")
    waiting = list(poll.write_ins.filter(ruling=WriteIn.Ruling.NONE))
    if waiting:
        poll.write_ins.filter(pk__in=[write_in.pk for write_in in waiting]).update(
            ruling=WriteIn.Ruling.ALONE
        )
        journal.append(
            poll,
            "write-ins-ruled",
            by=by,
            data={"rulings": [[write_in.key, WriteIn.Ruling.ALONE.value] for write_in in waiting]},
        )
    return len(waiting)


@transaction.atomic
def close_canvass(poll: Poll, *, by: User, second: User | None) -> None:
    """End the canvass: one of the office and one scrutineer sign, and every proposal has a ruling.

    Only then may the ballots be counted (DESIGN §3).
    """
    poll = _locked(poll)
    if second is None or by == second or not _are_both_offices(by, second):
        raise CanvassRefused("second-needed")
    if poll.write_ins.filter(ruling=WriteIn.Ruling.NONE).exists():
        raise CanvassRefused("open-rulings")
    places_of(poll)
    BallotBox.objects.filter(poll=poll).update(canvassed=True)
    rulings = [
        [write_in.key, write_in.title, write_in.ruling]
        for write_in in poll.write_ins.order_by("number")
    ]
    journal.append(poll, "canvass-closed", by=by, second=second, data={"rulings": rulings})


def places_of(poll: Poll) -> dict[str, str | None]:
    """Return, for each proposal's id, the key of the item it counts for; None where refused.

    A proposal merged into another follows it to where that one went. Raises KeyError for one
    without a ruling, so that nothing can be counted before the canvass is done, and CanvassRefused
    ("circle") for one that was merged, over others, into itself.
    """
    write_ins = {write_in.pk: write_in for write_in in poll.write_ins.all()}
    numbers = {pk: str(number) for pk, number in poll.projects.values_list("pk", "number")}

    def place(write_in: WriteIn, followed: frozenset[UUID] = frozenset()) -> str | None:
        if write_in.pk in followed:
            raise CanvassRefused("circle")
        match write_in.ruling:
            case WriteIn.Ruling.ALONE:
                return write_in.key
            case WriteIn.Ruling.INTO_PROJECT if write_in.into_project_id:
                return numbers[write_in.into_project_id]
            case WriteIn.Ruling.INTO_WRITE_IN if write_in.into_write_in_id:
                return place(write_ins[write_in.into_write_in_id], followed | {write_in.pk})
            case WriteIn.Ruling.REFUSED:
                return None
            case _:
                raise KeyError(write_in.key)

    return {str(pk): place(write_in) for pk, write_in in write_ins.items()}


def _are_both_offices(one: User, other: User) -> bool:
    return (roles.is_office(one) and roles.is_scrutineer(other)) or (
        roles.is_scrutineer(one) and roles.is_office(other)
    )


def _locked(poll: Poll) -> Poll:
    poll = Poll.objects.locked(poll)
    if poll.phase != Poll.Phase.OPENED:
        raise CanvassRefused("not-opened")
    if poll.box.canvassed:
        raise CanvassRefused("already-closed")
    return poll
