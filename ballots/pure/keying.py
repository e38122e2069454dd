"""When a paper is read: two who read it independently agree, or the chief scrutineer rules. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ballots.pure.rules import Proposal, Selection

State = Literal["missing", "half", "differs", "doubtful", "read"]
FIRST, SECOND, RULED = 1, 2, 3
# What an invalid paper is sealed as: it names a candidate that no list has, so that every program
# that opens it, older ones too, finds a ballot that breaks the rules.
SPOILT = Selection(chosen=(0,))


@dataclass(frozen=True)
class Read:
    """What somebody read on a paper; `doubt` says why it is spoilt or doubtful, if it is.

    In a ruling `doubt` is the reason for which the paper is invalid.
    """

    selection: Selection
    doubt: str = ""

    def as_data(self) -> dict[str, Any]:
        """Return what is kept of it: four lists and a text."""
        return {
            "chosen": sorted(self.selection.chosen),
            "against": sorted(self.selection.against),
            "fair": sorted(self.selection.fair),
            "proposals": [list(proposal.texts) for proposal in self.selection.proposals],
            "doubt": self.doubt,
        }

    @classmethod
    def of(cls, *, chosen: Any, against: Any, proposals: Any, doubt: str, fair: Any = ()) -> "Read":
        """Return what stands in the columns that `as_data` has filled."""
        return cls(
            Selection(
                chosen=tuple(sorted(chosen)),
                against=tuple(sorted(against)),
                fair=tuple(sorted(fair)),
                # In no order that tells who wrote, so that two who read the same agree.
                proposals=tuple(Proposal(*texts) for texts in sorted(map(list, proposals))),
            ),
            doubt,
        )


def state_of(reads: Mapping[int, Read]) -> State:
    """Return how far one paper is; `reads` maps FIRST, SECOND and RULED to what each read."""
    if RULED in reads:
        return "read"
    if not {FIRST, SECOND} <= reads.keys():
        return "half" if reads else "missing"
    first, second = reads[FIRST], reads[SECOND]
    if first.doubt or second.doubt:
        return "doubtful"
    return "read" if first.selection == second.selection else "differs"


def outcome_of(reads: Mapping[int, Read]) -> Selection:
    """Return what is sealed for a paper whose state is “read”."""
    ruled = reads.get(RULED)
    if ruled is None:
        return reads[FIRST].selection
    return SPOILT if ruled.doubt else ruled.selection
