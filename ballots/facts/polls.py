"""Which poll a page is about, who may see it, and what it puts to the vote."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.db.models import Exists, OuterRef, Q

from ballots.facts.kept import kept_of
from ballots.facts.outcome import round_of
from ballots.models import BallotBox, Delegate, RollEntry
from projects.models import Poll, PollQuerySet, Project
from projects.phases import DRAFT, VOTING

# The draft of a second round that nothing waits for any more: its first round is over, or the meeting
# has decided on the open places. It can never open, and is nobody's concern.
IDLE = Q(phase=Poll.Phase.DRAFT, parent__isnull=False) & (
    ~Q(parent__phase=Poll.Phase.CONFIRMED) | Q(parent__decision__isnull=False)
)


def is_idle(poll: Poll) -> bool:
    """Tell whether `poll` is the draft of a second round that nothing waits for any more."""
    return poll.parent_id is not None and Poll.objects.filter(IDLE, pk=poll.pk).exists()


def sharing_presence(poll: Poll) -> PollQuerySet:
    """Return `poll` and the others that take presence at its meeting: who sits in one, sits in all.

    They are of one body and one meeting, by its name; rehearsals go with rehearsals, and a second
    round, at which everybody is looked at once more, goes alone.
    """
    alone = Poll.objects.filter(pk=poll.pk)
    if poll.parent_id is not None:
        return alone
    rehearsals = Q(kind=Poll.Kind.REHEARSAL)
    return alone | Poll.objects.filter(
        rehearsals if poll.is_rehearsal else ~rehearsals,
        meeting=poll.meeting,
        body=poll.body,
        parent=None,
        phase__in=DRAFT | VOTING,
    )


def marked_with(poll: Poll) -> list[Poll]:
    """Return the other polls in which whoever is marked present in `poll` is marked as well."""
    others = sharing_presence(poll).exclude(pk=poll.pk).order_by("pk")
    return list(others.filter(Exists(RollEntry.objects.filter(poll=OuterRef("pk")))))


def published_to_all() -> list[Poll]:
    """Return the polls that a page may be about for nobody in particular, who sees no draft."""
    polls = Poll.objects.standing().exclude(phase=Poll.Phase.DRAFT)
    return in_order(polls, is_delegate=False)


def in_order(polls: Iterable[Poll], *, is_delegate: bool) -> list[Poll]:
    """Return `polls` with the one first that matters most to whoever asks (design §9).

    For a delegate first those taking ballots, a real one before a rehearsal; then what was closed,
    counted or published, a rehearsal never before a real poll, newest first; then drafts. Nobody in
    particular sees what is out before what is going on.
    """

    def rank(poll: Poll) -> tuple[int | float, ...]:
        # A first round is published after its second one, and its result is the whole.
        latest = poll.published_at or poll.closed_at or poll.opened_at
        concern = 2 if poll.phase in DRAFT else int(poll.takes_ballots != is_delegate)
        ranks = (concern, poll.is_rehearsal) if is_delegate else (poll.is_rehearsal, concern)
        return (*ranks, -latest.timestamp() if latest else 0.0, -poll.pk)

    return sorted(polls, key=rank)


def asked_for(polls: Sequence[Poll], asked: str) -> Poll | None:
    """Return that of `polls` whose number is `asked`, else the first where none is asked for."""
    if not asked:
        return next(iter(polls), None)
    if not asked.isdecimal() or len(asked) >= 18:
        return None
    return next((poll for poll in polls if poll.pk == int(asked)), None)


@dataclass(frozen=True)
class Described:
    """A poll as it is told from others of its meeting: its round and its list, and else its number."""

    poll: Poll
    round: str
    candidates: int
    first: str
    is_numbered: bool = False


def described(polls: Sequence[Poll]) -> list[Described]:
    """Return `polls` as they are told from each other, in their order."""
    titles: dict[int, list[str]] = {poll.pk: [] for poll in polls}
    for project in Project.objects.filter(poll__in=polls).order_by("number"):
        titles[project.poll_id].append(str(project))
    told = [
        Described(poll, round_of(poll), len(titles[poll.pk]), next(iter(titles[poll.pk]), ""))
        for poll in polls
    ]
    # Drafts of one meeting are called the same, and so are two that began in one minute.
    seen = Counter(_as_read(one) for one in told)
    return [
        replace(one, is_numbered=one.poll.phase in DRAFT or seen[_as_read(one)] > 1) for one in told
    ]


def _as_read(one: Described) -> tuple[str, str, int, str]:
    return str(one.poll), one.round, one.candidates, one.first


def box_of(poll: Poll) -> BallotBox | None:
    """Return the box of `poll` as it was fetched with it or is now; None before there is a key."""
    return getattr(poll, "box", None)


def candidates(poll: Poll) -> Mapping[int, str]:
    """Return the title of each candidate of `poll` by its number, in order."""
    return kept_of(poll).titles


def state_of(poll: Poll, entry: RollEntry) -> str:
    """Return where a delegate stands with a poll, the one question behind every page below.

    One of "before", "open", "paused", "time-up" (and nobody has closed), "suspended" and
    "not-in-office" (and cannot vote), "voted", "on-paper" (and holds a paper ballot), "closed" (and
    has not voted), "published", "void".
    """
    if poll.is_over:
        return poll.phase
    if entry.voted:
        return "voted"
    if entry.is_on_paper:
        return "on-paper"
    if barred := why_barred(entry.delegate) if poll.phase in DRAFT | VOTING else "":
        return barred
    if poll.is_time_up:
        return "time-up"
    match poll.phase:
        case Poll.Phase.DRAFT:
            return "before"
        case Poll.Phase.PAUSED:
            return "paused"
        case Poll.Phase.OPEN:
            return "open"
    return "closed"


def why_barred(delegate: Delegate) -> str:
    """Return why a delegate may not vote, whatever roll he stands on; empty for one in office."""
    match delegate.status:
        case Delegate.Status.ACTIVE:
            return ""
        case Delegate.Status.SUSPENDED:
            return "suspended"
    return "not-in-office"
