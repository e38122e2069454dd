"""Ruling on the proposals of an opened box, blind: nothing here knows or computes a total."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from ballots import journal, roles
from ballots.facts.rulings import as_signed, items_of, target_of
from ballots.models import BallotBox, WriteIn
from ballots.pure import similar
from ballots.refusal import Refusals, demand_any_office, demand_reason, locked
from projects.models import Poll, Project

refused = Refusals(
    {
        "not-opened": _("只有开箱后、计票前可以处理推荐项目。"),
        "already-closed": _("推荐项目的归并已经结束。"),
        "second-needed": _("归并结束须由会务和监票各一人签名确认。"),
        "open-rulings": _("还有推荐项目没有处理。"),
        "into-itself": _("不能并入自身，也不能与另一项互相并入。处理方式没有改变。"),
        "other-poll": _("只能并入同一次票决的项目。处理方式没有改变。"),
        "where-to": _("请选择并入哪一项。处理方式没有改变。"),
        "reason-needed": _("不予计票须注明理由。处理方式没有改变。"),
        "none-chosen": _("请先勾选推荐项目。处理方式没有改变。"),
        "changed": _("这一项刚刚由另一人处理过，请核对后再办理。处理方式没有改变。"),
    }
)


@dataclass(frozen=True)
class Hint:
    """A candidate or another proposal whose title is like that of a proposal; decides nothing."""

    target: Project | WriteIn
    shown: str


def hints(
    targets: Sequence[Project | WriteIn], write_ins: Iterable[WriteIn]
) -> dict[UUID, list[Hint]]:
    """Return, for the id of each of `write_ins`, the three of `targets` that are nearest to it.

    Only titles are compared: how often a proposal was written is not known here (design §3.3).
    """

    def near(write_in: WriteIn) -> list[Hint]:
        titles = {
            position: target.title for position, target in enumerate(targets) if target != write_in
        }
        nearest = similar.nearest(write_in.title, titles)
        return [Hint(targets[likeness.key], likeness.shown) for likeness in nearest]

    return {write_in.pk: near(write_in) for write_in in write_ins}


def queue(write_ins: Iterable[WriteIn]) -> list[WriteIn]:
    """Return `write_ins` in the order in which they are ruled on: like beside like, by their titles."""
    by_number = {write_in.number: write_in for write_in in write_ins}
    order = similar.beside_like({number: row.title for number, row in by_number.items()})
    return [by_number[number] for number in order]


@transaction.atomic
def rule(
    poll: Poll,
    write_in: WriteIn,
    *,
    ruling: str,
    into: Project | WriteIn | None = None,
    reason: str = "",
    seen: str | None = None,
    by: User,
) -> WriteIn:
    """Rule on one proposal, or take its ruling back (`ruling` empty); each change is logged.

    `into` is the candidate or the proposal of the same poll that it is merged into; a refusal needs
    a `reason`. `seen` is `ruling_text` as the person saw it: nobody overrules unknowingly what
    somebody else has just decided. Nothing is known of votes here (design §3.3). Raises
    Refused.
    """
    poll = _locked(poll)
    demand_any_office(by)
    write_in = poll.write_ins.select_related("into_project", "into_write_in").get(pk=write_in.pk)
    if seen is not None and seen != ruling_text(write_in):
        raise refused("changed")
    before = _ruling(write_in)
    _give(poll, [write_in], ruling, into, reason)
    if _ruling(write_in) == before:
        return write_in
    _demand_no_circle(poll, write_in)
    write_in.save(update_fields=["ruling", "reason", "into_project", "into_write_in"])
    journal.append(
        poll,
        journal.Kind.WRITE_IN_RULED,
        by=by,
        data={"write_in": write_in.key, "title": write_in.title, "before": before}
        | dict(zip(("ruling", "into", "reason"), _ruling(write_in), strict=True)),
    )
    return write_in


def _give(
    poll: Poll,
    write_ins: Iterable[WriteIn],
    ruling: str,
    into: Project | WriteIn | None,
    reason: str,
) -> None:
    """Set one ruling on `write_ins`, not saved yet; raises Refused for one that is not whole."""
    ruling = WriteIn.Ruling(ruling)
    refuses = ruling == WriteIn.Ruling.REFUSED
    reason = demand_reason(reason, words=refused) if refuses else ""
    project, other = _target(poll, ruling, into)
    for write_in in write_ins:
        write_in.ruling, write_in.reason = ruling, reason
        write_in.into_project, write_in.into_write_in = project, other


def _target(
    poll: Poll, ruling: str, into: Project | WriteIn | None
) -> tuple[Project | None, WriteIn | None]:
    """Return the candidate or the proposal that `ruling` merges into; both None for other rulings."""
    project = into if isinstance(into, Project) else None
    write_in = into if isinstance(into, WriteIn) else None
    match ruling:
        case WriteIn.Ruling.INTO_PROJECT:
            target: Project | WriteIn | None = project
            write_in = None
        case WriteIn.Ruling.INTO_WRITE_IN:
            target = write_in
            project = None
        case _:
            return None, None
    if target is None:
        raise refused("where-to")
    if target.poll_id != poll.pk:
        raise refused("other-poll")
    return project, write_in


def _demand_no_circle(poll: Poll, *write_ins: WriteIn) -> None:
    """Raise Refused where following the mergers from one of `write_ins` leads back to it."""
    into = dict(poll.write_ins.values_list("pk", "into_write_in"))
    into |= {write_in.pk: write_in.into_write_in_id for write_in in write_ins}
    for write_in in write_ins:
        seen: set[UUID] = set()
        step: UUID | None = write_in.pk
        while step is not None:
            if step in seen:
                raise refused("into-itself")
            seen.add(step)
            step = into[step]


def ruling_text(write_in: WriteIn) -> str:
    """Return the ruling of a proposal as one line, to see later whether it has changed."""
    return "|".join(_ruling(write_in))


def _ruling(write_in: WriteIn) -> list[str]:
    """Return ruling, target and reason of a proposal as the journal says them."""
    return [str(write_in.ruling), target_of(write_in), write_in.reason]


@transaction.atomic
def rule_several(
    poll: Poll,
    seen: Mapping[int, str],
    *,
    ruling: str,
    into: Project | WriteIn | None = None,
    reason: str = "",
    by: User,
) -> int:
    """Give several proposals one ruling, all of them or none; return how many it changed.

    `seen` is, for the number of each, its `ruling_text` as the person saw it; for the rest see
    `rule`. One entry of the record tells them all. Raises Refused.
    """
    poll = _locked(poll)
    demand_any_office(by)
    targets = poll.write_ins.select_related("into_project", "into_write_in")
    chosen = list(targets.filter(number__in=seen).order_by("number"))
    if not chosen or len(chosen) != len(seen):
        raise refused("none-chosen")
    if any(ruling_text(write_in) != seen[write_in.number] for write_in in chosen):
        raise refused("changed")
    _give(poll, chosen, ruling, into, reason)
    changed = [write_in for write_in in chosen if ruling_text(write_in) != seen[write_in.number]]
    if not changed:
        return 0
    _demand_no_circle(poll, *changed)
    WriteIn.objects.bulk_update(changed, ["ruling", "reason", "into_project", "into_write_in"])
    journal.append(
        poll,
        journal.Kind.WRITE_INS_RULED,
        by=by,
        # Of each the key comes first and the ruling last.
        data={
            "rulings": [
                [write_in.key, *_ruling(write_in)[1:], str(write_in.ruling)] for write_in in changed
            ]
        },
    )
    return len(changed)


@transaction.atomic
def rule_each_alone(poll: Poll, *, by: User) -> int:
    """Let every proposal that has no ruling yet stand alone; return how many that were."""
    poll = _locked(poll)
    demand_any_office(by)
    waiting = list(poll.write_ins.filter(ruling=WriteIn.Ruling.NONE))
    if waiting:
        poll.write_ins.filter(pk__in=[write_in.pk for write_in in waiting]).update(
            ruling=WriteIn.Ruling.ALONE
        )
        journal.append(
            poll,
            journal.Kind.WRITE_INS_RULED,
            by=by,
            data={"rulings": [[write_in.key, WriteIn.Ruling.ALONE.value] for write_in in waiting]},
        )
    return len(waiting)


@transaction.atomic
def close_canvass(poll: Poll, *, by: User, second: User | None) -> None:
    """End the canvass: one of the office and one scrutineer sign, and every proposal has a ruling.

    Only then may the ballots be counted (design §3.3).
    """
    poll = _locked(poll)
    if second is None or by == second or not _are_both_offices(by, second):
        raise refused("second-needed")
    if poll.write_ins.filter(ruling=WriteIn.Ruling.NONE).exists():
        raise refused("open-rulings")
    items_of(poll)
    BallotBox.objects.filter(poll=poll).update(canvassed=True)
    journal.append(
        poll,
        journal.Kind.CANVASS_CLOSED,
        by=by,
        second=second,
        data=as_signed(poll),
    )


def _are_both_offices(one: User, other: User) -> bool:
    return (roles.is_office(one) and roles.is_scrutineer(other)) or (
        roles.is_scrutineer(one) and roles.is_office(other)
    )


def _locked(poll: Poll) -> Poll:
    poll = locked(poll, Poll.Phase.OPENED, code="not-opened", words=refused)
    if poll.box.canvassed:
        raise refused("already-closed")
    return poll
