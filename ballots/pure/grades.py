"""How a 满意度测评 is judged: grades of an item and of the whole, and where 满意 begins. Pure (design §4.6)."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Literal

Grade = Literal["good", "fair", "poor"]


@dataclass(frozen=True)
class Whole:
    """What all items came to together; the figures are sums over them, `base` too."""

    good: int
    fair: int
    poor: int
    abstained: int
    base: int
    needed: int

    @property
    def grade(self) -> Grade:
        return grade_of(self.good, self.fair, needed=self.needed)


def least(boundary: str, *, included: bool, base: int) -> int:
    """Return the least number of votes that reaches the `boundary` of `base`, one at least.

    `boundary` is a fraction such as “1/2”. Where it is not `included` the number must be more than
    that part: “半数以上（含半数）” is included, “过半数” is not. Raises ValueError for no fraction.
    """
    part = Fraction(boundary) * base
    return max(ceil(part) if included else floor(part) + 1, 1)


def grade_of(good: int, fair: int, *, needed: int) -> Grade:
    """Return the grade of an item with so many votes for 满意 and 基本满意.

    As the standing committee of Zhenhai (宁波市镇海区人大常委会) has ruled: 满意 where as many are
    satisfied as are needed, else 基本满意 where they are together with the fairly satisfied, else
    不满意.
    """
    if good >= needed:
        return "good"
    return "fair" if good + fair >= needed else "poor"
