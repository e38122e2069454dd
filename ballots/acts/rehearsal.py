"""A rehearsal: ballots of nobody, seeded so that their count is known beforehand; and its removal."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from ballots.acts import casting
from ballots.acts.cards import IssuedCard, make_cards
from ballots.facts import polls
from ballots.models import (
    AccessCard,
    Announcement,
    Ballot,
    BallotBox,
    Confirmation,
    Decision,
    Delegate,
    Delegation,
    Envelope,
    JournalEntry,
    PaperBundle,
    Register,
    Result,
    RollEntry,
    SealedBallot,
    WriteIn,
    rules_of,
)
from ballots.pure.rules import Proposal, Rules, Selection, same_text
from ballots.refusal import Refusals, demand_office, demand_phase, locked
from projects.models import Poll, Project

refused = Refusals(
    {
        "not-rehearsal": _("只有演练可以使用示例表决票。"),
        "not-to-wipe": _("只有演练可以清除。"),
        "not-open": _("只有投票进行中可以投示例表决票。"),
    }
)

# The delegation of the delegates who are nobody; whoever is in it goes with the rehearsal.
CROWD = "示例演练代表团"

SEED = 7
# How many of a hundred delegates tick the first candidate, and the last; the others lie between, so
# that some candidates pass every usual majority and some fail it.
FIRST, LAST = 92, 22
# Of the projects that a delegate is not for, where each takes 赞成, 反对 or 弃权.
AGAINST = 60
# Of those that he does not call 满意 in a 满意度测评.
FAIR, POOR = 60, 25
BLANK, FULL, PROPOSING = 4, 8, 35
# Titles that differ and mean the same, as people write them: work for the canvass.
PROPOSALS = (
    Proposal("新建停车场"),
    Proposal("新建公共停车场", "在老城区新建公共停车场。"),
    Proposal("老城区新建公共停车场", "缓解老城区停车难。", "市建设局"),
    Proposal("老旧小区加装电梯"),
    Proposal("既有住宅加装电梯", "支持既有多层住宅加装电梯。"),
    Proposal("增设社区老年食堂", "方便老年人就近用餐。"),
    Proposal("社区老年食堂建设"),
    Proposal("学校周边交通整治"),
)


def vote_for_the_rest(
    poll: Poll,
    *,
    by: User,
    track: Callable[[Sequence[AccessCard]], Iterable[AccessCard]] = iter,
) -> int:
    """Cast a sample ballot for all but one of those who may vote and have not; return how many.

    The one left out, the first by number, still sees an open poll. `track` may show the progress.
    Each ballot goes the way of every other, by its own transaction, so that a rehearsal that is
    closed meanwhile keeps what was cast. Raises Refused, for such a close too.
    """
    demand_office(by)
    poll = Poll.objects.get(pk=poll.pk)
    if not poll.is_rehearsal:
        raise refused("not-rehearsal")
    demand_phase(poll, Poll.Phase.OPEN, code="not-open", words=refused)
    waiting = poll.roll.filter(voted=False)
    if poll.voters == Poll.Voters.PRESENT:
        waiting = waiting.filter(present=True)
    cards = AccessCard.objects.filter(
        revoked_at__isnull=True, delegate__in=waiting.values("delegate")
    )
    voters = list(cards.order_by("delegate__number"))[1:]
    ballots = iter(sample_ballots(len(voters), rules_of(poll), polls.candidates(poll)))
    for card in track(voters):
        casting.cast_ballot(
            poll=poll, card=card, selection=next(ballots), token=casting.new_token()
        )
    return len(voters)


def sample_ballots(
    count: int, rules: Rules, candidates: Mapping[int, str], *, seed: int = SEED
) -> list[Selection]:
    """Return `count` legal ballots, the same ones for the same arguments: blank, full and between."""
    # Not for secrets: a rehearsal must be repeatable.
    chance = random.Random(seed)  # noqa: S311
    titles = candidates.values()
    new = [one for one in PROPOSALS if not any(same_text(one.title, title) for title in titles)]
    return [_sample(chance, rules, sorted(candidates), new) for _ in range(count)]


def _sample(
    chance: random.Random, rules: Rules, numbers: list[int], new: list[Proposal]
) -> Selection:
    kind = chance.randrange(100)
    if kind < BLANK and rules.blank_allowed:
        return Selection()
    step = (FIRST - LAST) / max(1, len(numbers) - 1)
    ticked = [
        number
        for position, number in enumerate(numbers)
        if chance.randrange(100) < FIRST - position * step
    ]
    others = [number for number in numbers if number not in ticked]
    chance.shuffle(others)
    if rules.is_graded:
        return _graded(chance, ticked, sorted(others), is_full=kind >= 100 - FULL)
    proposals = _proposals(chance, rules, len(numbers), new)
    room = rules.places - (len(proposals) if rules.proposals == "counted" else 0)
    if rules.exactly or kind >= 100 - FULL or not (ticked or proposals):
        ticked += others
    ticked = sorted(chance.sample(ticked, max(0, min(room, len(ticked)))))
    against = _against(chance, [number for number in numbers if number not in ticked], rules)
    return Selection(tuple(ticked), against, proposals)


def _against(chance: random.Random, others: list[int], rules: Rules) -> tuple[int, ...]:
    if rules.form != "each":
        return ()
    return tuple(number for number in others if chance.randrange(100) < AGAINST)


def _graded(
    chance: random.Random, good: list[int], others: list[int], *, is_full: bool
) -> Selection:
    """Return grades of all projects, or of some: `good` are 满意, and of the others each takes its chance."""
    if is_full or not (good or others):
        return Selection(chosen=tuple(sorted(good + others)))
    fair, poor = [], []
    for number in others:
        drawn = chance.randrange(100)
        if drawn < FAIR or not good:
            fair.append(number)
        elif drawn < FAIR + POOR:
            poor.append(number)
    return Selection(chosen=tuple(good), fair=tuple(fair), against=tuple(poor))


def _proposals(
    chance: random.Random, rules: Rules, candidates: int, new: list[Proposal]
) -> tuple[Proposal, ...]:
    if rules.proposals == "off":
        return ()
    # Who must fill every place may need proposals for it.
    count = max(0, rules.places - candidates) if rules.exactly else 0
    if chance.randrange(100) < PROPOSING:
        count = max(count, chance.choice([1, 1, 1, 2, 3]))
    return tuple(chance.sample(new, min(count, len(new), rules.proposal_limit, rules.places)))


@transaction.atomic
def wipe_rehearsal(poll: Poll, *, by: User) -> None:
    """Remove a rehearsal with everything in it, its second round too.

    The triggers refuse this for a real poll.
    """
    demand_office(by)
    poll = locked(poll)
    if not poll.is_rehearsal:
        raise refused("not-to-wipe")
    for second_round in poll.children.all():
        wipe_rehearsal(second_round, by=by)
    Confirmation.objects.filter(result__poll=poll).delete()
    # A proposal that others were merged into is protected by them, so they part first.
    poll.write_ins.update(ruling=WriteIn.Ruling.NONE, into_project=None, into_write_in=None)
    counted = (Decision, Announcement, Result, Ballot, WriteIn)
    for model in (
        *counted,
        PaperBundle,
        SealedBallot,
        Envelope,
        BallotBox,
        RollEntry,
        JournalEntry,
    ):
        model._default_manager.filter(poll=poll).delete()
    poll.recommendations.all().delete()
    # Candidates are frozen in every phase but the first, so the poll steps back before it goes.
    Poll.objects.filter(pk=poll.pk).update(
        phase=Poll.Phase.DRAFT,
        opened_at=None,
        closed_at=None,
        published_at=None,
        revealed=0,
        revealed_at=None,
        archived_at=None,
    )
    Project.objects.filter(poll=poll).delete()
    poll.delete()


@transaction.atomic
def enrol_crowd(count: int, *, by: User) -> list[IssuedCard]:
    """Put `count` delegates who are nobody into the register, each with a card.

    The record of the register, from which nothing is ever taken, says nothing of them: they are
    gone with their rehearsal. Raises Refused.
    """
    demand_office(by)
    Register.objects.locked()
    crowd, _made = Delegation.objects.get_or_create(
        name=CROWD, defaults={"position": Delegation.objects.count() + 1}
    )
    delegates = Delegate.objects.bulk_create(
        Delegate(number=f"演练{place:04}", name=f"示例{place:04}", delegation=crowd, position=place)
        for place in range(1, count + 1)
    )
    return make_cards(delegates, by=by)


@transaction.atomic
def dismiss_crowd(*, by: User) -> int:
    """Take those delegates away with their cards and sessions; return how many went.

    Whoever stands on the roll of a poll that is not wiped stays. Raises Refused.
    """
    demand_office(by)
    Register.objects.locked()
    crowd = Delegate.objects.filter(delegation__name=CROWD, roll_entries__isnull=True)
    gone = crowd.count()
    AccessCard.objects.filter(delegate__in=crowd).delete()
    crowd.delete()
    Delegation.objects.filter(name=CROWD, delegates__isnull=True).delete()
    return gone
