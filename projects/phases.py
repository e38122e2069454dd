"""The phases of a poll and the steps between them, said once (design §3).

    draft → open ⇄ paused → closed → opened → counted → confirmed → published

From `open` to `confirmed` a poll may end as `void` instead, and a draft as `dropped`. Acts, triggers, admin and commands read
this table; the verifier has one of its own, for it shares no code with what it proves.
"""

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _


class Phase(models.TextChoices):
    DRAFT = "draft", _("准备")
    OPEN = "open", _("投票")
    PAUSED = "paused", _("暂停")
    CLOSED = "closed", _("截止")
    OPENED = "opened", _("开箱")
    COUNTED = "counted", _("计票")
    CONFIRMED = "confirmed", _("复核")
    PUBLISHED = "published", _("公布")
    VOID = "void", _("作废")
    DROPPED = "dropped", _("已删除")


EVERY = frozenset(Phase)
DRAFT = frozenset({Phase.DRAFT})
# Delegates may fill in a ballot, if not always submit it.
VOTING = frozenset({Phase.OPEN, Phase.PAUSED})
# Begun and not over: what can still be declared void.
RUNNING = VOTING | {Phase.CLOSED, Phase.OPENED, Phase.COUNTED, Phase.CONFIRMED}
# There is a count that stands.
COUNTED = frozenset({Phase.COUNTED, Phase.CONFIRMED, Phase.PUBLISHED})
# Two scrutineers have checked it.
CHECKED = COUNTED - {Phase.COUNTED}
# No phase follows.
LAST = frozenset({Phase.PUBLISHED, Phase.VOID, Phase.DROPPED})
# What came to nothing: its place may be taken by another.
FAILED = frozenset({Phase.VOID, Phase.DROPPED})


@dataclass(frozen=True)
class Move:
    """One step of a poll: the phases it may start from, and the one it leads to."""

    before: frozenset[Phase]
    after: Phase


MOVES = {
    "open": Move(DRAFT, Phase.OPEN),
    "pause": Move(frozenset({Phase.OPEN}), Phase.PAUSED),
    "resume": Move(frozenset({Phase.PAUSED}), Phase.OPEN),
    "close": Move(VOTING, Phase.CLOSED),
    "box": Move(frozenset({Phase.CLOSED}), Phase.OPENED),
    "count": Move(frozenset({Phase.OPENED}), Phase.COUNTED),
    "send-back": Move(frozenset({Phase.COUNTED}), Phase.OPENED),
    "confirm": Move(frozenset({Phase.COUNTED}), Phase.CONFIRMED),
    "publish": Move(frozenset({Phase.CONFIRMED}), Phase.PUBLISHED),
    "void": Move(RUNNING, Phase.VOID),
    "drop": Move(DRAFT, Phase.DROPPED),
}
