"""The colour of a target and of a project: what was done, beside what was planned by then. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# From this share of the plan on a target is only a little slow.
NEARLY = Decimal("0.8")


@dataclass(frozen=True)
class Colour:
    """How something stands: a colour where there is a plan, and always a word, with a sign or none."""

    name: str
    sign: str
    word: Promise

    def __str__(self) -> str:
        return f"{self.sign} {self.word}" if self.sign else f"{self.word}"


BEHIND = Colour("red", "■", _("落后于计划"))
SLOW = Colour("yellow", "▲", _("略慢于计划"))
UNREPORTED = Colour("", "", _("未报"))
ON_PLAN = Colour("green", "●", _("达到计划"))
UNPLANNED = Colour("", "", _("未列计划"))
# The worst first: what nobody has reported cannot be said to be on plan.
WORST_FIRST = (BEHIND, SLOW, UNREPORTED, ON_PLAN, UNPLANNED)

# The rule, as each page says it that shows a colour.
RULE = _(
    "颜色表示截至该季度末的累计完成数与该季度计划数之比：● 达到计划，完成数不少于计划数；"
    "▲ 略慢于计划，不足计划数但不少于其80%；■ 落后于计划，不足计划数的80%。"
    "没有列计划的不标颜色。一个项目以各项目标中最慢的为准。"
)


def colour_of(planned: Decimal | None, done: Decimal | None) -> Colour:
    """Return how a target stands that was to have come to `planned` by the end of the quarter."""
    if planned is None:
        return UNPLANNED
    if done is None:
        return UNREPORTED
    if done >= planned:
        return ON_PLAN
    return SLOW if done >= planned * NEARLY else BEHIND


def worst_of(colours: Iterable[Colour]) -> Colour:
    """Return the colour of a project by those of its targets; of one without any, 未列计划."""
    return min(colours, key=WORST_FIRST.index, default=UNPLANNED)
