"""What papers were given out and came back, as roll and record say it (design §5.8)."""

from dataclasses import dataclass
from typing import Any

from ballots.journal import Kind
from ballots.models import RollEntry
from projects.models import Poll

# Fewer papers than this, and whoever keys them may know whose they are.
FEW = 5


@dataclass(frozen=True)
class Papers:
    """The papers of a poll: who holds one, and what the last count of the paper box found.

    `issued` is how many delegates were given one, `exchanged` how many of these brought a spoilt one
    back for another. `returned` and `unused` are None until the papers are counted, `sealed` tells
    whether they lie in the box.
    """

    issued: int
    exchanged: int = 0
    returned: int | None = None
    unused: int | None = None
    sealed: bool = False

    @property
    def are_out(self) -> bool:
        """Whether papers were given out that are not in the box yet: it must not be opened."""
        return self.issued > 0 and not self.sealed

    @property
    def are_too_many(self) -> bool:
        """Whether more came back than were given out: such a vote is void."""
        return self.returned is not None and self.returned > self.issued


def papers_of(poll: Poll) -> Papers:
    """Return the papers of `poll` in this moment."""
    return papers_given(poll, issued_by_paper(poll))


def papers_given(poll: Poll, issued: int) -> Papers:
    """Return the papers of `poll`, of whose roll so many were seen to hold one: asks nothing for none."""
    if not issued:
        return Papers(0)
    kinds = (Kind.PAPERS_EXCHANGED, Kind.PAPERS_COUNTED, Kind.PAPERS_SEALED)
    said: dict[str, Any] = {}
    for entry in poll.journal.filter(kind__in=kinds).order_by("seq"):
        said[entry.kind] = entry.data
    counted = said.get(Kind.PAPERS_COUNTED, {})
    return Papers(
        issued,
        exchanged=said.get(Kind.PAPERS_EXCHANGED, {}).get("exchanged", 0),
        returned=counted.get("returned"),
        unused=counted.get("unused"),
        sealed=Kind.PAPERS_SEALED in said,
    )


def are_awaited(poll: Poll) -> bool:
    """Tell whether a closed poll waits for papers: until they are in, nobody sees which receipts are.

    What came later would be the papers.
    """
    return poll.phase == Poll.Phase.CLOSED and papers_of(poll).are_out


def issued_by_paper(poll: Poll) -> int:
    """Return how many delegates on the roll hold a paper ballot."""
    return poll.roll.filter(channel=RollEntry.Channel.PAPER).count()


def numbers_on_record(poll: Poll) -> set[str]:
    """Return the 代表证号 of those to whom, by the record, a paper was given and not taken back."""
    numbers: set[str] = set()
    kinds = (Kind.PAPERS_ISSUED, Kind.PAPER_TAKEN_BACK)
    for entry in poll.journal.filter(kind__in=kinds).order_by("seq"):
        people = {number for number, _name in entry.data["people"]}
        numbers = numbers | people if entry.kind == Kind.PAPERS_ISSUED else numbers - people
    return numbers


def keyers_of(poll: Poll) -> set[str]:
    """Return the user names of those who have keyed the papers of `poll`, as the record says."""
    sealed = poll.journal.filter(kind=Kind.PAPERS_SEALED).first()
    return set(sealed.data["keyers"]) if sealed else set()
