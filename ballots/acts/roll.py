"""The roll of one poll: drawn up from the delegates in office, who is present, who is added.

Presence is that of a meeting: polls of one meeting share it (`facts.polls.sharing_presence`), in one act
and each with an entry of its own.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from ballots import journal
from ballots.facts import polls, register, turnout
from ballots.models import Delegate, Register, RollEntry
from ballots.refusal import (
    SHARED,
    Refusals,
    demand_colleague,
    demand_office,
    demand_phase,
    demand_reason,
)
from projects.models import Poll
from projects.phases import VOTING

ROLL_MOVED = _("没有记录：您打开本页之后，名册有变动。请核对下面的名单，再次办理。")
refused = Refusals(
    {
        "not-draft": _("投票已开始，只能单个增补代表，并须注明依据。"),
        "voting-over": _("投票已截止，不能再修改。"),
        "present-stays": _("投票开始后，实到代表只能增加；误记的，由两人签名撤销。"),
        "not-in-office": _("%(who)s不是在任代表（暂停执行代表职务或已终止），不能记为到会。"),
        "has-voted": _("%(who)s已投票，不能撤销到会。"),
        "has-paper": _("%(who)s已领取纸质票，不能撤销到会。误发、尚未投入票箱的，请先收回纸质票。"),
        "has-voted-there": _("%(who)s在同一会议的“%(poll)s”中已投票，不能撤销到会。"),
        "has-paper-there": _(
            "%(who)s在同一会议的“%(poll)s”中已领取纸质票，不能撤销到会。"
            "误发、尚未投入票箱的，请先收回纸质票。"
        ),
        "presence-own": _("本次的实到已经核对过，不需要再确认。"),
        "figure-moved": _("实到人数已变为%(count)d，请核对后再确认。"),
        "nobody": _("请先勾选代表。"),
        "not-present": _("%(who)s没有记为到会。"),
        "is-present": _("%(who)s已记为到会，不能登记请假。"),
        "leave-over": _("投票已截止，不能再登记请假或销假。"),
        "not-active": _("该代表不是在任代表，不能列入名册。"),
        "not-on-committee": _(
            "该代表不是常委会组成人员，不能列入名册。确是的，请先在代表资料中勾选“常委会组成人员”。"
        ),
        "already-on-roll": _("该代表已在名册上。"),
        "number-taken": _("名册上另有代表使用这个代表证号，请先更正代表证号。"),
        "maybe-one-person": _(
            "没有增补：%(who)s可能是同一个人。请先在“同名核对”中逐一确认，或更正代表资料。"
        ),
        "total-reached": _(
            "没有增补：名册人数已等于全体代表人数。全体代表人数在开始投票时已经确定，"
            "过半数以此为准，不能再改；确需增补的，请作废本次票决，更正后重新开始。"
        ),
        "not-on-roll": _("名册上没有该代表。"),
        "roll-moved": ROLL_MOVED,
    }
)


@transaction.atomic
def draw_up_roll(poll: Poll, *, by: User) -> int:
    """Make the roll of a draft poll from those who may vote in it; return how many stand on it.

    May be repeated while the poll is in draft: presence already marked is kept. Whoever is new on it
    and has come to the meeting already, by another poll of it, is present here too.
    """
    demand_office(by)
    # Whoever is deleted or changed at this moment is waited for; of all locks this one comes first.
    Register.objects.locked()
    poll, others = _locked(poll, Poll.Phase.DRAFT, code="not-draft")
    active = list(Delegate.objects.filter(register.votes_in(poll)).select_related("delegation"))
    poll.roll.exclude(delegate__in=active).delete()
    there = {entry.delegate_id: entry for entry in poll.roll.all()}
    fresh, kept = [], []
    for delegate in active:
        entry = there.get(delegate.pk)
        if entry is None:
            fresh.append(entry_of(poll, delegate))
        else:
            entry.number, entry.name = delegate.number, delegate.name
            entry.delegation = delegate.delegation.name
            kept.append(entry)
    # A number may have moved from one delegate to another; the unique pair would refuse the update
    # of the first before the second has let go.
    RollEntry.objects.filter(pk__in=[entry.pk for entry in kept]).delete()
    RollEntry.objects.bulk_create(kept + fresh)
    on_roll = len(kept) + len(fresh)
    journal.append(poll, journal.Kind.ROLL_DRAWN_UP, by=by, data={"on_roll": on_roll})
    _take_over(poll, fresh, others, by=by)
    return on_roll


@transaction.atomic
def mark_present(
    poll: Poll,
    *,
    numbers: Collection[str],
    names: Mapping[str, str] | None = None,
    at_door: bool = False,
    by: User,
) -> int:
    """Mark the delegates with these 代表证号 present, in all polls of the meeting; return how many are now.

    `names` are those that somebody has read beside the numbers: nobody else is marked. Where
    presence was taken over from an earlier poll, this says that somebody has looked at it; not so
    where one person alone comes in `at_door`. While people vote the record says who they are,
    because a vote hangs on it; before, how many. Whoever comes is no longer on leave. Raises Refused
    after the close, for a number that is not on the roll, and for a delegate who is not in office
    any more.
    """
    demand_office(by)
    poll, others = _locked(poll, Poll.Phase.DRAFT, *VOTING, code="voting-over")
    entries = entries_of(poll, numbers)
    demand_names(entries, names)
    demand_none(
        [entry for entry in entries if entry.delegate.status != Delegate.Status.ACTIVE],
        "not-in-office",
    )
    total = _arrive(poll, entries, by=by)
    if poll.presence_assumed and not at_door:
        _own_presence(poll, total, by)
    for other in others:
        _arrive(other, _same_people(other, entries), by=by)
    return total


@transaction.atomic
def confirm_presence(poll: Poll, *, present: int | None = None, by: User) -> int:
    """Say that those taken over as present from an earlier poll still are; return how many.

    `present` is the figure that the person read: if it has moved, nothing happens. Raises Refused.
    """
    demand_office(by)
    poll, _others = _locked(poll, Poll.Phase.DRAFT, code="present-stays")
    if not poll.presence_assumed:
        raise refused("presence-own")
    total = poll.roll.filter(present=True).count()
    if present is not None and present != total:
        raise refused("figure-moved", count=total)
    _own_presence(poll, total, by)
    return total


@transaction.atomic
def mark_absent(
    poll: Poll, *, numbers: Collection[str], names: Mapping[str, str] | None = None, by: User
) -> int:
    """Take back the presence of these delegates while the poll is in draft; return who remain.

    In the other drafts of the meeting as well, and in none that has opened. `names` are those that
    somebody has read beside the numbers. Raises Refused once the poll has opened: 实到 may then only
    rise (design §3.2).
    """
    demand_office(by)
    poll, others = _locked(poll, Poll.Phase.DRAFT, code="present-stays")
    entries = list(poll.roll.filter(number__in=numbers))
    demand_names(entries, names)
    total = _go(poll, entries, by=by)
    if poll.presence_assumed:
        _own_presence(poll, total, by)
    for other in others:
        if not other.takes_ballots:
            _go(other, _same_people(other, entries), by=by)
    return total


@transaction.atomic
def lower_presence(
    poll: Poll, *, numbers: Collection[str], reason: str, by: User, second: User | None
) -> int:
    """Take back a presence that was marked by mistake while people vote; return who remain.

    Two people sign, and none of these delegates may have voted, in this poll or in another one of the
    meeting, where it is taken back too: 发出 would fall below 收回. Raises Refused.
    """
    demand_office(by)
    reason = demand_reason(reason)
    second = demand_colleague(by, second)
    poll, others = _locked(poll, *VOTING, code="voting-over")
    entries = entries_of(poll, numbers)
    if not entries:
        raise refused("nobody")
    demand_none([entry for entry in entries if entry.voted], "has-voted")
    demand_none([entry for entry in entries if entry.is_on_paper], "has-paper")
    demand_none([entry for entry in entries if not entry.present], "not-present")
    there = {other: _same_people(other, entries) for other in others}
    for other, same in there.items():
        named: dict[str, Any] = {"poll": str(other)}
        demand_none([entry for entry in same if entry.voted], "has-voted-there", **named)
        demand_none([entry for entry in same if entry.is_on_paper], "has-paper-there", **named)
    total = _lower(poll, entries, reason=reason, by=by, second=second)
    for other, same in there.items():
        came = [entry for entry in same if entry.present]
        if other.takes_ballots and came:
            _lower(other, came, reason=reason, by=by, second=second)
        elif came:
            _go(other, came, by=by)
    return total


@transaction.atomic
def give_leave(
    poll: Poll,
    *,
    numbers: Collection[str],
    reason: str,
    names: Mapping[str, str] | None = None,
    by: User,
) -> int:
    """Note that the delegates with these 代表证号 are on leave (请假), and why; return how many are now.

    In all polls of the meeting to which they have not come. It changes no right: whoever comes after all is marked present, which ends his leave. `names`
    are those that somebody has read beside the numbers. Raises Refused for somebody who is present,
    and after the close.
    """
    demand_office(by)
    reason = demand_reason(reason)
    poll, others = _locked(poll, Poll.Phase.DRAFT, *VOTING, code="leave-over")
    entries = entries_of(poll, numbers)
    if not entries:
        raise refused("nobody")
    demand_names(entries, names)
    demand_none([entry for entry in entries if entry.present], "is-present")
    total = _excuse(poll, entries, reason, by=by)
    for other in others:
        same = _same_people(other, entries)
        _excuse(other, [entry for entry in same if not entry.present], reason, by=by)
    return total


@transaction.atomic
def end_leave(
    poll: Poll, *, numbers: Collection[str], names: Mapping[str, str] | None = None, by: User
) -> int:
    """Take back the leave of these delegates, who have not come yet; return how many are on leave.

    `names` are those that somebody has read beside the numbers. Raises Refused after the close.
    """
    demand_office(by)
    poll, others = _locked(poll, Poll.Phase.DRAFT, *VOTING, code="leave-over")
    entries = entries_of(poll, numbers)
    demand_names(entries, names)
    _end_leave(poll, entries, by=by)
    for other in others:
        _end_leave(other, _same_people(other, entries), by=by)
    return turnout.on_leave(poll)


@transaction.atomic
def add_to_roll(
    poll: Poll, *, delegate: Delegate, reason: str, by: User, second: User | None
) -> RollEntry:
    """Add one delegate to the roll of a poll that takes ballots; two people sign (design §3.2).

    He is present where he has come to the meeting already, by another poll of it.
    Raises Refused, as the opening would, where he may be one person with somebody on the roll.
    """
    demand_office(by)
    Register.objects.locked()
    # The caller's copy may be older than the lock.
    delegate = Delegate.objects.select_related("delegation").get(pk=delegate.pk)
    poll, others = _locked(poll, *VOTING, code="voting-over")
    if delegate.status != Delegate.Status.ACTIVE:
        raise refused("not-active")
    if poll.body == Poll.Body.COMMITTEE and not delegate.on_committee:
        raise refused("not-on-committee")
    reason = demand_reason(reason)
    demand_colleague(by, second)
    if poll.roll.filter(delegate=delegate).exists():
        raise refused("already-on-roll")
    numbers = poll.roll.values_list("number", flat=True)
    if any(delegate.number in pair for pair in register.same_numbers([delegate.number, *numbers])):
        raise refused("number-taken")
    people = Delegate.objects.filter(roll_entries__poll=poll).select_related("delegation")
    doubles = [pair for pair in register.doubles([delegate, *people]) if delegate in pair]
    if doubles:
        raise refused("maybe-one-person", who=register.in_words(doubles))
    if poll.delegates_total is not None and poll.roll.count() >= poll.delegates_total:
        raise refused("total-reached")
    entry = entry_of(poll, delegate)
    entry.save(force_insert=True)
    journal.append(
        poll,
        journal.Kind.ROLL_ADDED,
        by=by,
        second=second,
        data={
            "number": entry.number,
            "name": entry.name,
            "delegation": entry.delegation,
            "reason": reason,
        },
    )
    _take_over(poll, [entry], others, by=by)
    return entry


# --- the meeting ----------------------------------------------------------------------------------


def locked_meeting(poll: Poll) -> list[Poll]:
    """Return `poll` and those that share its presence as they are now, under their locks.

    One that has joined them before the lock was had is locked too: nobody marked here may be missing
    there. Raises Refused where `poll` is gone.
    """
    there: list[Poll] = []
    while True:
        now = Poll.objects.filter(pk=poll.pk).first()
        if now is None:
            raise SHARED("gone")
        together = polls.sharing_presence(now)
        if {one.pk for one in there} == set(together.values_list("pk", flat=True)):
            return there
        there = together.all_locked()


def _locked(poll: Poll, *phases: str, code: str) -> tuple[Poll, list[Poll]]:
    """Lock, then look: return `poll` and the others that share its presence, as they are now.

    Raises Refused(`code`) unless `poll` is in one of `phases`.
    """
    there = {one.pk: one for one in locked_meeting(poll)}
    poll = there.pop(poll.pk)
    demand_phase(poll, *phases, code=code, words=refused)
    return poll, list(there.values())


def _same_people(poll: Poll, entries: Collection[RollEntry]) -> list[RollEntry]:
    """Return the lines on the roll of `poll` of those whom `entries` of another one are about."""
    people = [entry.delegate_id for entry in entries]
    return list(poll.roll.filter(delegate__in=people).order_by("number_order"))


def take_over_presence(poll: Poll, *, by: User) -> None:
    """Give the new draft `poll` what the others of its meeting, locked before, know of its roll."""
    others = polls.sharing_presence(poll).exclude(pk=poll.pk)
    _take_over(poll, list(poll.roll.all()), list(others), by=by)


def _take_over(
    poll: Poll, fresh: Collection[RollEntry], others: Collection[Poll], *, by: User
) -> None:
    """Mark those of `fresh`, new on the roll, present or on leave who are so at the meeting already.

    It is the same meeting and the same moment: nothing of it is to be confirmed once more.
    """
    known = RollEntry.objects.filter(
        poll__in=others,
        delegate__in=[entry.delegate_id for entry in fresh],
        delegate__status=Delegate.Status.ACTIVE,
    )
    here = set(known.filter(present=True).values_list("delegate", flat=True))
    excused = dict(known.exclude(leave="").values_list("delegate", "leave"))
    entries = _same_people(poll, fresh)
    _arrive(poll, [entry for entry in entries if entry.delegate_id in here], by=by)
    for reason in sorted(set(excused.values())):
        same = [entry for entry in entries if excused.get(entry.delegate_id) == reason]
        _excuse(poll, [entry for entry in same if entry.delegate_id not in here], reason, by=by)


# --- the status of delegates while a poll runs -----------------------------------------------------


def locked_polls_of(delegates: Collection[int]) -> list[Poll]:
    """Return, under their locks, the polls that run and have one of these keys on the roll.

    The caller holds the lock of the register, which comes before that of any poll.
    """
    on_roll = RollEntry.objects.filter(delegate__in=delegates).values("poll")
    return Poll.objects.holding_people().filter(pk__in=on_roll).all_locked()


def follow_status(
    poll: Poll,
    delegates: Collection[Delegate],
    status: str,
    *,
    reason: str,
    by: User,
    second: User | None,
) -> None:
    """Put on the record of `poll` that delegates on its roll have another status, given by two.

    `delegates` say what they were. Whoever is no longer in office and has not voted, while people
    vote, is no longer present either: no ballot is given out to him, and the figures say so.
    """
    before = {delegate.pk: delegate.status for delegate in delegates}
    entries = list(poll.roll.filter(delegate__in=before).order_by("number_order"))
    if not entries:
        return
    people = [[entry.number, entry.name, before[entry.delegate_id]] for entry in entries]
    data = {"status": status, "people": people, "reason": reason}
    journal.append(poll, journal.Kind.STATUS_SET, by=by, second=second, data=data)
    # Nobody sees whether a paper is in the box already: whoever holds one stays as one who voted.
    leaving = [
        entry for entry in entries if entry.present and not entry.voted and not entry.is_on_paper
    ]
    if poll.takes_ballots and status != Delegate.Status.ACTIVE and leaving:
        _lower(poll, leaving, reason=reason, by=by, second=second)


def _lower(
    poll: Poll, entries: Sequence[RollEntry], *, reason: str, by: User, second: User | None
) -> int:
    total = _set_present(poll, entries, False)
    data = {
        "present": total,
        "removed": len(entries),
        "people": people_of(entries),
        "reason": reason,
    }
    journal.append(poll, journal.Kind.PRESENCE_LOWERED, by=by, second=second, data=data)
    return total


def entry_of(poll: Poll, delegate: Delegate) -> RollEntry:
    """Return a new line of the roll of `poll`, not saved yet, with the register's words of today."""
    return RollEntry(
        poll=poll,
        delegate=delegate,
        number=delegate.number,
        name=delegate.name,
        delegation=delegate.delegation.name,
    )


def entries_of(
    poll: Poll, numbers: Collection[str], *, words: Refusals = refused
) -> list[RollEntry]:
    """Return the entries with these numbers, in their order; raise `words`("not-on-roll") where one is missing."""
    entries = list(
        poll.roll.filter(number__in=numbers).select_related("delegate").order_by("number_order")
    )
    if len(entries) != len(set(numbers)):
        raise words("not-on-roll")
    return entries


def demand_names(
    entries: Sequence[RollEntry], names: Mapping[str, str] | None, *, words: Refusals = refused
) -> None:
    """Raise `words`("roll-moved") unless these are called what somebody has read beside their numbers."""
    if names is not None and any(entry.name != names.get(entry.number) for entry in entries):
        raise words("roll-moved")


def demand_none(
    entries: Sequence[RollEntry], code: str, *, words: Refusals = refused, **named: Any
) -> None:
    """Raise `words`(`code`) for `entries`, of whom something bars the act."""
    if entries:
        raise words(code, who="、".join(map(str, entries)), **named)


def _arrive(poll: Poll, entries: Sequence[RollEntry], *, by: User) -> int:
    """Mark those of `entries` present who are not yet, and put it on record; return how many are now."""
    newly = [entry for entry in entries if not entry.present]
    _end_leave(poll, newly, by=by)
    total = _set_present(poll, newly, True)
    if newly and poll.takes_ballots:
        data = {"present": total, "added": len(newly), "people": people_of(newly)}
        journal.append(poll, journal.Kind.PRESENCE_RAISED, by=by, data=data)
    elif newly:
        _note_in_draft(poll, total, added=len(newly), by=by)
    return total


def _go(poll: Poll, entries: Sequence[RollEntry], *, by: User) -> int:
    """Take back in a draft the presence of `entries`, and put it on record; return how many remain."""
    there = [entry for entry in entries if entry.present]
    total = _set_present(poll, there, False)
    if there:
        _note_in_draft(poll, total, removed=len(there), by=by)
    return total


def _set_present(poll: Poll, entries: Sequence[RollEntry], present: bool) -> int:
    """Mark `entries`, and return how many of the roll are present now."""
    poll.roll.filter(pk__in=[entry.pk for entry in entries]).update(present=present)
    return poll.roll.filter(present=True).count()


def _end_leave(poll: Poll, entries: Sequence[RollEntry], *, by: User) -> None:
    excused = [entry for entry in entries if entry.leave]
    if excused:
        data = {"people": people_of(excused)}
        _set_leave(poll, excused, "", journal.Kind.LEAVE_ENDED, data, by=by)


def _excuse(poll: Poll, entries: Sequence[RollEntry], reason: str, *, by: User) -> int:
    """Note why `entries` are on leave; return how many are now."""
    if not entries:
        return turnout.on_leave(poll)
    data = {"people": people_of(entries), "reason": reason}
    return _set_leave(poll, entries, reason, journal.Kind.LEAVE_GIVEN, data, by=by)


def _set_leave(
    poll: Poll,
    entries: Sequence[RollEntry],
    reason: str,
    kind: journal.Kind,
    data: dict[str, Any],
    *,
    by: User,
) -> int:
    """Write the leave of `entries` and put it on record; return how many are on leave now."""
    poll.roll.filter(pk__in=[entry.pk for entry in entries]).update(leave=reason)
    total = turnout.on_leave(poll)
    journal.append(poll, kind, by=by, data=data | {"on_leave": total})
    return total


def _own_presence(poll: Poll, total: int, by: User) -> None:
    poll.presence_assumed = False
    poll.save(update_fields=["presence_assumed"])
    journal.append(poll, journal.Kind.PRESENCE_CONFIRMED, by=by, data={"present": total})


def _note_in_draft(poll: Poll, total: int, *, by: User, added: int = 0, removed: int = 0) -> None:
    data = {"present": total, "added": added, "removed": removed}
    journal.append(poll, journal.Kind.PRESENCE_MARKED, by=by, data=data)


def people_of(entries: Sequence[RollEntry]) -> list[list[str]]:
    """Return number and name of each, as the record names people."""
    return [[entry.number, entry.name] for entry in entries]
