"""What the opening froze, kept by each process: candidates, their lines, and the key (design §7.6).

The rule of this room: only what a trigger freezes. The phase, a person, a mark, and of the poll what
may still move (its deadline, the telephone, the words before the vote) are read in every request.
What is kept is kept under the digest of the opening, so that a rehearsal that was wiped and opened
again is another one; a draft is never kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

from ballots.journal import Kind
from ballots.models import BallotBox, JournalEntry
from ballots.pure import sealing
from projects.models import Poll, Project, by_category
from projects.phases import DRAFT

# So many polls take ballots or are looked at by delegates in one day at the most.
POLLS = 16
# Where a poll that was read together with its opening has the digest of it.
NOTED = "opening"


@dataclass(frozen=True, eq=False)
class Kept:
    """The list of a poll and the key of its box, as the opening froze them; two are the same where they are one.

    `titles` are those of the candidates by their number, `categories` where each begins
    (`by_category`), `public_key` is that of the box, `ballot_size` the bytes of a padded ballot.
    `is_bound` tells whether the key is the one on record. Nothing of it may be changed. A draft may
    have no key yet, has no size, and is not bound.
    """

    projects: tuple[Project, ...]
    titles: Mapping[int, str]
    categories: tuple[tuple[str, int], ...]
    public_key: bytes
    ballot_size: int
    is_bound: bool = False


def kept_of(poll: Poll) -> Kept:
    """Return the list and the key of `poll`: those of its opening, or of a draft as they are now."""
    opening = opening_of(poll)
    kept = _frozen(poll.pk, opening) if opening else _read(poll.pk)
    # A key that somebody has changed is looked at again each time, until it is put right.
    return kept if kept.is_bound or not opening else _with_its_key(poll.pk, _read(poll.pk))


def keys_on_record(poll: int) -> dict[str, str]:
    """Return the digest of the public key as the entries of the last ceremony name it, by their kind.

    The test and the opening of an earlier version name none.
    """
    kinds = (Kind.KEY_MADE, Kind.KEY_TESTED, Kind.OPENED)
    named: dict[str, str] = {}
    for entry in JournalEntry.objects.filter(poll=poll, kind__in=kinds).order_by("seq"):
        if entry.kind == Kind.KEY_MADE:
            named.clear()
        if key := entry.data.get("public_key"):
            named[entry.kind] = key
    return named


def is_on_record(poll: int, public_key: bytes) -> bool:
    """Tell whether a public key is the one that ceremony, test and opening put on record."""
    return set(keys_on_record(poll).values()) == {sealing.key_digest(public_key)}


def opening_of(poll: Poll) -> str:
    """Return the digest of the opening of `poll`, its entry in the journal; empty where there is none."""
    if poll.phase in DRAFT:
        return ""
    noted: str | None = getattr(poll, NOTED, None)
    if noted is None:
        entry = JournalEntry.objects.filter(poll=poll, kind=Kind.OPENED).only("hash").first()
        noted = entry.hash if entry else ""
        note_opening(poll, noted)
    return noted


def note_opening(poll: Poll, opening: str) -> None:
    """Note the digest of its opening on a `poll` that was read together with it."""
    setattr(poll, NOTED, opening)


@lru_cache(maxsize=POLLS)
def _frozen(poll: int, _opening: str) -> Kept:
    return _with_its_key(poll, _read(poll))


def _with_its_key(poll: int, kept: Kept) -> Kept:
    return replace(kept, is_bound=is_on_record(poll, kept.public_key))


def _read(poll: int) -> Kept:
    projects = tuple(
        Project.objects.filter(poll=poll)
        .order_by("number")
        .prefetch_related("targets", "sub_items")
    )
    box = BallotBox.objects.filter(poll=poll).only("public_key", "ballot_size").first()
    return Kept(
        projects=projects,
        titles=MappingProxyType({project.number: project.title for project in projects}),
        categories=tuple(by_category(projects)),
        public_key=bytes(box.public_key) if box else b"",
        ballot_size=box.ballot_size if box else 0,
    )
