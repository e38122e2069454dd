"""What came of a rehearsal: how long each step took, whether all agrees, whether it will do."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.db import connection
from django.utils.translation import gettext

from ballots.management.commands._visitor import Visit
from ballots.models import Result
from ballots.pure.rules import Selection

# What the slowest step may take for 99 of 100 delegates, in seconds: in a hall of the size for
# which this is made, and in a larger one. Both are meant for so many arrivals a second.
HALL, GOAL, GOAL_BEYOND = 350, 0.060, 0.100
GOAL_RATE = 35
# Up to a second nobody wonders whether his press was taken.
UNNOTICED = 1.0
# Seconds from which the measuring program itself, and not the site, is what was slow.
LATE = 0.05


@dataclass(frozen=True)
class Plan:
    """Who comes: how many, within how many seconds, and how long each looks before he presses."""

    delegates: int
    window: float
    think: float

    @property
    def rate(self) -> float:
        """Arrivals a second; those of one instant count as those of one second."""
        return self.delegates / max(1.0, self.window)

    @property
    def goal(self) -> float:
        return GOAL if self.delegates <= HALL else GOAL_BEYOND


@dataclass
class Outcome:
    """What came of the visits: who got a receipt for which ballot, and what failed.

    `board` holds the codes that the site lists after the close.
    """

    acknowledged: dict[str, Selection] = field(default_factory=dict)
    board: set[str] = field(default_factory=set)
    visits: list[Visit] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def times(self) -> dict[str, list[float]]:
        """Return the sorted seconds of each step, of visits that failed later too."""
        found: dict[str, list[float]] = {}
        for visit in self.visits:
            for step, seconds in visit.seconds.items():
                found.setdefault(step, []).append(seconds)
        return {step: sorted(times) for step, times in found.items()}


def percentile(times: Sequence[float], part: int) -> float:
    """Return the least of the sorted `times` that `part` percent of them do not exceed."""
    return times[max(0, math.ceil(len(times) * part / 100) - 1)]


def measures(outcome: Outcome) -> Iterator[str]:
    """Yield throughput and the percentiles of each step, in milliseconds."""
    cast = len(outcome.acknowledged)
    yield gettext("%(cast)d张表决票，用时%(seconds).1f秒，每秒%(rate).1f张") % {
        "cast": cast,
        "seconds": outcome.seconds,
        "rate": cast / outcome.seconds if outcome.seconds else 0,
    }
    yield f"{gettext('步骤'):　<4}  {'p50':>8} {'p95':>8} {'p99':>8}  ms"
    for step, times in outcome.times().items():
        shown = " ".join(f"{1000 * percentile(times, part):8.1f}" for part in (50, 95, 99))
        yield f"{step:　<4}  {shown}"
    if not cast:
        yield gettext("没有一人投票成功，请确认网站已启动、使用同一数据库和同一 SECRET_KEY。")
    for words, times_seen in outcome.errors.most_common(10):
        yield gettext("失败%(count)d次：%(words)s") % {"count": times_seen, "words": words}


def verdict(plan: Plan, outcome: Outcome, *, in_office: int, exact: bool) -> Iterator[str]:
    """Yield what was measured, whether it will do for the day, and what to do if not.

    `in_office` is how many will really come, `exact` whether receipts, board and count agree.
    """
    slowest = {step: percentile(times, 99) for step, times in outcome.times().items()}
    step = max(slowest, key=lambda name: slowest[name], default="")
    worst = slowest.get(step, 0.0)
    failed = outcome.errors.total()
    yield gettext(
        "结论：%(delegates)d名代表在%(window)g秒内到场（%(engine)s），最慢的一步（%(step)s）"
        "p99为%(worst).0f毫秒，目标%(goal).0f毫秒；失败%(failed)d次。"
    ) % {
        "delegates": plan.delegates,
        "window": plan.window,
        "engine": connection.display_name,
        "step": step or "—",
        "worst": 1000 * worst,
        "goal": 1000 * plan.goal,
        "failed": failed,
    }
    if failed or not exact:
        yield gettext("✗ 不能用于正式票决：先查明失败或不一致的原因（见网站日志），再演练。")
    elif worst <= plan.goal:
        yield gettext("✓ 达到目标，足够当天使用。")
    elif worst <= UNNOTICED:
        yield gettext("✓ 未达到目标，但每一步都在1秒以内，足够当天使用。")
    else:
        yield gettext("✗ 太慢，当天会有人等待。") + _remedy()
    yield from _reservations(plan, outcome, in_office)


def _remedy() -> str:
    if connection.vendor == "sqlite":
        return gettext("请改用 PostgreSQL（DATABASE_URL），或请代表按代表团分批投票，再演练。")
    return gettext("请换用核数更多的主机，或请代表按代表团分批投票，再演练。")


def _reservations(plan: Plan, outcome: Outcome, in_office: int) -> Iterator[str]:
    """Yield why the verdict may be better or worse than the day."""
    if plan.delegates < in_office:
        yield gettext(
            "△ 名册上有%(count)d名在任代表，本次演练人数较少，请用 --delegates %(count)d 再演练。"
        ) % {"count": in_office}
    if plan.rate > GOAL_RATE:
        yield gettext("△ 每秒到场%(rate).0f人，比目标所设的%(goal)d人更急。") % {
            "rate": plan.rate,
            "goal": GOAL_RATE,
        }
    late = max((visit.late for visit in outcome.visits), default=0.0)
    if late > LATE:
        yield gettext(
            "△ 演练程序最多迟%(late).0f毫秒才发出请求（已计入用时）：本机的处理器不够用。"
            "请在另一台主机上运行演练。"
        ) % {"late": 1000 * late}


def differences(outcome: Outcome, result: Result) -> Iterator[str]:
    """Yield where board and count differ from the ballots for which there was a receipt."""
    if outcome.errors:
        yield gettext("有%(count)d次失败") % {"count": outcome.errors.total()}
    if outcome.board != set(outcome.acknowledged):
        yield gettext("回执编号与清单不符（回执%(said)d，清单%(listed)d）") % {
            "said": len(outcome.acknowledged),
            "listed": len(outcome.board),
        }
    cast = outcome.acknowledged.values()
    figures = result.figures
    expected: Counter[str] = Counter()
    opposed: Counter[str] = Counter()
    for ballot in cast:
        opposed.update(str(number) for number in ballot.against)
        expected.update(str(number) for number in ballot.chosen)
        expected.update(proposal.title for proposal in ballot.proposals)
    counted = {
        item["item"] if item["source"] == "candidate" else item["title"]: item["votes"]
        for item in figures["items"]
    }
    for key in sorted(expected.keys() | counted.keys()):
        if expected[key] != counted.get(key, 0):
            yield gettext("“%(key)s”应为%(expected)d票，计得%(counted)d票") % {
                "key": key,
                "expected": expected[key],
                "counted": counted.get(key, 0),
            }
    for item in figures["items"]:
        if item["against"] != opposed[item["item"]]:
            yield gettext("“%(key)s”应为反对%(expected)d票，计得%(counted)d票") % {
                "key": item["item"],
                "expected": opposed[item["item"]],
                "counted": item["against"],
            }
    blank = sum(1 for ballot in cast if ballot.is_blank)
    if (figures["turnout"]["valid"], figures["turnout"]["blank"]) != (len(cast), blank):
        yield gettext("有效票或弃权票的张数不符")
    for check in figures["checks"]:
        if not check["holds"]:
            yield check["name"]
