"""Who may vote: the roll, presence, the cards and signing in with one."""

import math
import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from ballots import journal
from ballots.models import AccessCard, Delegate, Delegation, RollEntry
from ballots.pure import cards
from ballots.pure.roll_table import Problem, RollRow
from ballots.refusal import Refusals, demand_colleague, demand_office, demand_reason, locked
from projects.models import Poll

refused = Refusals(
    {
        "not-draft": _("投票已开始，只能单个增补代表，并须注明依据。"),
        "voting-over": _("投票已截止，不能再修改。"),
        "present-stays": _("投票开始后，实到代表只能增加，不能减少。"),
        "not-active": _("该代表不是在任代表，不能列入名册。"),
        "card-not-active": _("该代表不是在任代表，不能发卡。"),
        "already-on-roll": _("该代表已在名册上。"),
        "number-taken": _("名册上另有代表使用这个代表证号，请先更正代表证号。"),
        "total-reached": _("名册人数不能超过全体代表人数。请核对全体代表人数和名册。"),
        "no-number-left": _("卡号已用完（最多10000个）。"),
        "problems": _("名册有错误，请更正后重新上传。"),
        "not-on-roll": _("名册上没有该代表。"),
    }
)

sign_in_refused = Refusals(
    {
        "empty": _("请输入投票码"),
        "length": _("投票码应为16位数字，您输入了%(count)d位"),
        "check-digit": _("投票码有误，请对照投票卡逐组核对"),
        "unknown": _("没有找到该投票码，请核对；仍不成功请到会务组办理"),
        "revoked": _("该投票卡已作废，请到会务组领取新卡"),
        "wait": _("尝试次数较多，请%(count)d分钟后再试。急需投票的，请到会务组办理。"),
    }
)

VOTING = (Poll.Phase.OPEN, Poll.Phase.PAUSED)

# Under this name a session keeps the card that signed in.
CARD_KEY = "card"

# The first wrong codes of a card number cost nothing; then waits of 1, 2, 4, 8, 10 minutes.
FREE_FAILURES = 5
LONGEST_WAIT = 10


# --- delegates ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ImportPlan:
    """What an import would do; nothing is written before it is confirmed."""

    new: tuple[RollRow, ...]
    updated: tuple[RollRow, ...]
    unchanged: tuple[RollRow, ...]
    new_delegations: tuple[str, ...]
    problems: tuple[Problem, ...] = field(default=())


def plan_import(rows: Sequence[RollRow], *, add_delegations: bool) -> ImportPlan:
    """Compare `rows` with the delegates there are; an unknown delegation is a problem of its row.

    With `add_delegations` unknown delegations will be added instead.
    """
    known = {delegation.name for delegation in Delegation.objects.all()}
    present = {delegate.number: delegate for delegate in _with_delegation(rows)}
    unknown = list(dict.fromkeys(row.delegation for row in rows if row.delegation not in known))
    problems = []
    if not add_delegations:
        problems = [
            Problem(
                row.line,
                str(_("没有“%(name)s”，请先新增或更正。")) % {"name": row.delegation},
                number=row.number,
            )
            for row in rows
            if row.delegation in unknown
        ]
    return ImportPlan(
        new=tuple(row for row in rows if row.number not in present),
        updated=tuple(
            row for row in rows if row.number in present and _differs(present[row.number], row)
        ),
        unchanged=tuple(
            row for row in rows if row.number in present and not _differs(present[row.number], row)
        ),
        new_delegations=tuple(unknown) if add_delegations else (),
        problems=tuple(problems),
    )


@transaction.atomic
def import_roll(rows: Sequence[RollRow], *, by: User, add_delegations: bool) -> ImportPlan:
    """Write the whole roll or nothing, and return what was done.

    Raises Refused if a row has a problem or `by` is not of the office.
    """
    demand_office(by)
    plan = plan_import(rows, add_delegations=add_delegations)
    if plan.problems:
        raise refused("problems")
    offset = Delegation.objects.count()
    Delegation.objects.bulk_create(
        Delegation(name=name, position=offset + place)
        for place, name in enumerate(plan.new_delegations, start=1)
    )
    delegations = {delegation.name: delegation for delegation in Delegation.objects.all()}
    Delegate.objects.bulk_create(
        Delegate(number=row.number, **_columns(row, delegations)) for row in plan.new
    )
    existing = {delegate.number: delegate for delegate in _with_delegation(plan.updated)}
    for row in plan.updated:
        for column, value in _columns(row, delegations).items():
            setattr(existing[row.number], column, value)
    Delegate.objects.bulk_update(
        existing.values(), ["name", "delegation", "position", "phone", "seat"]
    )
    return plan


def _with_delegation(rows: Iterable[RollRow]) -> Any:
    numbers = [row.number for row in rows]
    return Delegate.objects.filter(number__in=numbers).select_related("delegation")


def _columns(row: RollRow, delegations: dict[str, Delegation]) -> dict[str, Any]:
    return {
        "name": row.name,
        "delegation": delegations[row.delegation],
        "position": row.order or 0,
        "phone": row.phone,
        "seat": row.seat,
    }


def _differs(delegate: Delegate, row: RollRow) -> bool:
    return (delegate.name, delegate.delegation.name, delegate.phone, delegate.seat) != (
        row.name,
        row.delegation,
        row.phone,
        row.seat,
    ) or delegate.position != (row.order or 0)


# --- the roll of one poll -------------------------------------------------------------------------


@transaction.atomic
def draw_up_roll(poll: Poll, *, by: User) -> int:
    """Make the roll of a draft poll from the delegates in office; return how many stand on it.

    May be repeated while the poll is in draft: presence already marked is kept.
    """
    demand_office(by)
    poll = locked(poll, Poll.Phase.DRAFT, code="not-draft", words=refused)
    active = list(
        Delegate.objects.filter(status=Delegate.Status.ACTIVE).select_related("delegation")
    )
    poll.roll.exclude(delegate__in=active).delete()
    there = {entry.delegate_id: entry for entry in poll.roll.all()}
    fresh, kept = [], []
    for delegate in active:
        entry = there.get(delegate.pk)
        if entry is None:
            fresh.append(_entry(poll, delegate))
        else:
            entry.number, entry.name = delegate.number, delegate.name
            entry.delegation = delegate.delegation.name
            kept.append(entry)
    # A number may have moved from one delegate to another; the unique pair would refuse the update
    # of the first before the second has let go.
    RollEntry.objects.filter(pk__in=[entry.pk for entry in kept]).delete()
    RollEntry.objects.bulk_create(kept + fresh)
    return len(kept) + len(fresh)


@transaction.atomic
def mark_present(poll: Poll, *, numbers: Collection[str], by: User) -> int:
    """Mark the delegates with these 代表证号 present; return how many are present now.

    Raises Refused after the close, or for a number that is not on the roll.
    """
    demand_office(by)
    poll = locked(poll, Poll.Phase.DRAFT, *VOTING, code="voting-over", words=refused)
    entries = poll.roll.filter(number__in=numbers)
    if len(entries) != len(set(numbers)):
        raise refused("not-on-roll")
    newly = [entry.number for entry in entries if not entry.present]
    poll.roll.filter(number__in=newly).update(present=True)
    total = poll.roll.filter(present=True).count()
    if newly and poll.takes_ballots:
        journal.append(poll, "presence-raised", by=by, data={"present": total, "added": len(newly)})
    return total


@transaction.atomic
def mark_absent(poll: Poll, *, numbers: Collection[str], by: User) -> int:
    """Take back the presence of these delegates while the poll is in draft; return who remain.

    Raises Refused once the poll has opened: 实到 may then only rise (DESIGN §3).
    """
    demand_office(by)
    poll = locked(poll, Poll.Phase.DRAFT, code="present-stays", words=refused)
    poll.roll.filter(number__in=numbers).update(present=False)
    return poll.roll.filter(present=True).count()


@transaction.atomic
def add_to_roll(
    poll: Poll, *, delegate: Delegate, reason: str, by: User, second: User | None
) -> RollEntry:
    """Add one delegate to the roll of a poll that is taking ballots; two people sign (DESIGN §3)."""
    demand_office(by)
    poll = locked(poll, *VOTING, code="voting-over", words=refused)
    if delegate.status != Delegate.Status.ACTIVE:
        raise refused("not-active")
    reason = demand_reason(reason)
    demand_colleague(by, second)
    if poll.roll.filter(delegate=delegate).exists():
        raise refused("already-on-roll")
    if poll.roll.filter(number=delegate.number).exists():
        raise refused("number-taken")
    if poll.delegates_total is not None and poll.roll.count() >= poll.delegates_total:
        raise refused("total-reached")
    entry = _entry(poll, delegate)
    entry.save(force_insert=True)
    journal.append(
        poll,
        "roll-added",
        by=by,
        second=second,
        data={"number": entry.number, "name": entry.name, "reason": reason},
    )
    return entry


def _entry(poll: Poll, delegate: Delegate) -> RollEntry:
    return RollEntry(
        poll=poll,
        delegate=delegate,
        number=delegate.number,
        name=delegate.name,
        delegation=delegate.delegation.name,
    )


# --- cards ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class IssuedCard:
    """A card just made: the only moment at which its code and its token exist in the clear."""

    delegate: Delegate
    code: str
    token: str


@transaction.atomic
def issue_cards(delegates: Iterable[Delegate], *, by: User) -> list[IssuedCard]:
    """Make a card for each of `delegates` in office who holds no valid one, in the order given.

    Of two people who issue the same cards at once, the second gets none.
    """
    demand_office(by)
    # Every delegate and not the takers alone: card numbers are drawn from those that are free.
    rows = Delegate.objects.select_for_update().order_by("pk")
    current = {row.pk: row for row in rows}
    holders = set(
        AccessCard.objects.filter(revoked_at__isnull=True).values_list("delegate_id", flat=True)
    )
    takers = []
    for delegate in delegates:
        # The caller's copy may be older than the lock.
        delegate.card_number = current[delegate.pk].card_number
        in_office = current[delegate.pk].status == Delegate.Status.ACTIVE
        if in_office and delegate.pk not in holders:
            takers.append(delegate)
    _give_card_numbers(takers)
    made = [_fresh_card(delegate) for delegate in takers]
    AccessCard.objects.bulk_create(_row(card, by=by) for card in made)
    return made


@transaction.atomic
def reissue_card(
    delegate: Delegate, *, reason: str, by: User, second: User | None = None
) -> IssuedCard:
    """Void the delegate's card and make a new one; the old card's sessions end with it (DESIGN §6).

    While a poll with this delegate on its roll takes ballots, `second`, another member of staff,
    must sign: whoever prints cards could otherwise vote for the absent.
    """
    demand_office(by)
    reason = demand_reason(reason)
    polls = list(
        Poll.objects.select_for_update(no_key=True, of=("self",))
        .filter(
            roll__delegate=delegate,
            phase__in=[Poll.Phase.DRAFT, Poll.Phase.OPEN, Poll.Phase.PAUSED],
            box__isnull=False,
        )
        .order_by("pk")
    )
    if any(poll.takes_ballots for poll in polls):
        demand_colleague(by, second)
    # Read again under its lock: the card number stays, whatever the caller's copy says.
    delegate = Delegate.objects.select_for_update().get(pk=delegate.pk)
    if delegate.status != Delegate.Status.ACTIVE:
        raise refused("card-not-active")
    delegate.cards.filter(revoked_at__isnull=True).update(revoked_at=timezone.now())
    Delegate.objects.filter(pk=delegate.pk).update(failures=0, locked_until=None)
    if delegate.card_number is None:
        _give_card_numbers([delegate])
    card = _fresh_card(delegate)
    _row(card, by=by, reason=reason).save(force_insert=True)
    for poll in polls:
        journal.append(
            poll,
            "card-reissued",
            by=by,
            second=second,
            data={"number": delegate.number, "name": delegate.name, "reason": reason},
        )
    return card


def end_wait(delegate: Delegate, *, by: User) -> None:
    """Let a delegate try again at once: the desk has seen who it is."""
    demand_office(by)
    Delegate.objects.filter(pk=delegate.pk).update(failures=0, locked_until=None)


def _give_card_numbers(delegates: Iterable[Delegate]) -> None:
    without = [delegate for delegate in delegates if delegate.card_number is None]
    if not without:
        return
    taken = set(
        Delegate.objects.filter(card_number__isnull=False).values_list("card_number", flat=True)
    )
    free = [number for n in range(10_000) if (number := f"{n:04}") not in taken]
    if len(free) < len(without):
        raise refused("no-number-left")
    # Random numbers: nobody can lock out a neighbour by adding one to his own card number.
    numbers = secrets.SystemRandom().sample(free, len(without))
    for delegate, number in zip(without, numbers, strict=True):
        delegate.card_number = number
    Delegate.objects.bulk_update(without, ["card_number"])


def _fresh_card(delegate: Delegate) -> IssuedCard:
    if delegate.card_number is None:
        raise ValueError("a card needs its delegate's card number first")
    return IssuedCard(delegate, cards.new_code(delegate.card_number), cards.new_token())


def _row(card: IssuedCard, *, by: User, reason: str = "") -> AccessCard:
    return AccessCard(
        delegate=card.delegate,
        code_digest=_digest("code", card.code),
        token_digest=_digest("token", card.token),
        issued_by=by,
        reason=reason,
    )


def _digest(what: str, secret: str) -> str:
    return salted_hmac(f"ballots.card.{what}", secret, algorithm="sha256").hexdigest()


# --- signing in -----------------------------------------------------------------------------------


def card_by_token(token: str) -> AccessCard | None:
    """Return the valid card whose QR address holds `token`; never throttled (DESIGN §6)."""
    return (
        AccessCard.objects.filter(
            token_digest=_digest("token", token.upper()), revoked_at__isnull=True
        )
        .select_related("delegate__delegation")
        .first()
    )


def card_by_code(text: str) -> AccessCard:
    """Return the valid card whose typed code is `text`, or raise Refused.

    Failures are counted per card number, never per address: a hall shares one (DESIGN §6). A wrong
    check digit is a slip of the finger and not a failure.
    """
    try:
        code = cards.read_code(text)
    except cards.CodeRefused as refusal:
        raise sign_in_refused(refusal.code, count=refusal.count) from None
    with transaction.atomic():
        card, refusal_code, minutes = _look_up(code)
    # Raised outside the transaction, which would otherwise forget the failure it has counted.
    if card is None:
        raise sign_in_refused(refusal_code, count=minutes)
    return card


def _look_up(code: str) -> tuple[AccessCard | None, str, int]:
    delegate = (
        Delegate.objects.select_for_update()
        .filter(card_number=code[: cards.CARD_NUMBER_LENGTH])
        .first()
    )
    if delegate is None:
        return None, "unknown", 0
    now = timezone.now()
    if delegate.locked_until and delegate.locked_until > now:
        seconds = (delegate.locked_until - now).total_seconds()
        return None, "wait", math.ceil(seconds / 60)
    card = (
        delegate.cards.filter(code_digest=_digest("code", code))
        .select_related("delegate__delegation")
        .first()
    )
    if card is None:
        _count_failure(delegate)
        return None, "unknown", 0
    if card.revoked_at:
        return None, "revoked", 0
    if delegate.failures:
        Delegate.objects.filter(pk=delegate.pk).update(failures=0, locked_until=None)
    return card, "", 0


def _count_failure(delegate: Delegate) -> None:
    delegate.failures = min(delegate.failures + 1, FREE_FAILURES + 4)
    if delegate.failures >= FREE_FAILURES:
        minutes = min(2 ** (delegate.failures - FREE_FAILURES), LONGEST_WAIT)
        delegate.locked_until = timezone.now() + timedelta(minutes=minutes)
    delegate.save(update_fields=["failures", "locked_until"])


# --- which poll a page is about -------------------------------------------------------------------
