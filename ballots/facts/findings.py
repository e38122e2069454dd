"""One line of a checklist: what was found, how grave it is, and where it is mended."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.utils.translation import gettext

from projects.models import Poll

Level = Literal["ok", "warns", "blocks"]


@dataclass(frozen=True)
class Finding:
    """One line of a checklist: ✓ is fine, △ warns, ✗ blocks.

    `mend` names the page that mends it, with the field of the page after a “#”; `admin.state`
    knows the addresses.
    """

    level: Level
    text: str
    mend: str = ""

    @property
    def mark(self) -> str:
        return {"ok": "✓", "warns": "△", "blocks": "✗"}[self.level]


def blocks(findings: list[Finding]) -> bool:
    """Tell whether any of `findings` forbids the opening."""
    return any(finding.level == "blocks" for finding in findings)


def some(names: Sequence[str], *, most: int, between: str = "、") -> str:
    """Return the first few of `names`, to stand in a sentence; where there are more, it says so."""
    return between.join(names[:most]) + (gettext("等") if len(names) > most else "")


def unless_rehearsal(poll: Poll) -> Level:
    """Return how grave a fault is that a rehearsal may live with and a real poll may not."""
    return "warns" if poll.is_rehearsal else "blocks"
