"""Which titles look alike: a hint to people, who always decide (design §3.3). Pure.

No method tells the same project from another by a threshold, so nothing here decides anything: it
only finds what is worth reading side by side.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

Key = TypeVar("Key")

# Words that stand in nearly every title and tell two of them apart in none.
STOP_WORDS = re.compile("项目|工程|建设|服务|提升|改造|推进|实施|开展|加快")
LEAST = 0.2
MOST = 3


@dataclass(frozen=True)
class Likeness(Generic[Key]):
    """One title that is like another: `score` from 0 to 1, by character bigrams."""

    key: Key
    title: str
    score: float

    @property
    def shown(self) -> str:
        """The score as pages show it: “相近度0.67”."""
        return f"{self.score:.2f}"


def nearest(title: str, others: Mapping[Key, str]) -> list[Likeness[Key]]:
    """Return the three of `others` (title by key) most like `title`, the nearest first.

    Left out are those under 0.2: of the pairs measured no two titles of one project had less. Equal
    scores keep the order of `others`.
    """
    found = [Likeness(key, other, likeness(title, other)) for key, other in others.items()]
    close = [hint for hint in found if hint.score >= LEAST]
    return sorted(close, key=lambda hint: -hint.score)[:MOST]


def beside_like(titles: Mapping[Key, str]) -> list[Key]:
    """Return the keys of `titles` so that titles which are like each other follow one another.

    Each stands with the first title of its group: the earlier one that it is most like, or itself.
    Groups and their members keep the order of `titles`.
    """
    groups: dict[Key, list[Key]] = {}
    # By each pair of characters those first titles that have it: others cannot be like it at all.
    firsts: dict[str, list[Key]] = {}
    for key, title in titles.items():
        pairs = _bigrams(title)
        rivals = {first: titles[first] for pair in pairs for first in firsts.get(pair, ())}
        closest = nearest(title, rivals)
        first = closest[0].key if closest else key
        groups.setdefault(first, []).append(key)
        if first == key:
            for pair in pairs:
                firsts.setdefault(pair, []).append(key)
    return [key for group in groups.values() for key in group]


def likeness(left: str, right: str) -> float:
    """Return Dice's coefficient of the character bigrams of two titles: 0 nothing shared, 1 all."""
    ours, theirs = _bigrams(left), _bigrams(right)
    total = ours.total() + theirs.total()
    return 2 * (ours & theirs).total() / total if total else 0.0


@lru_cache(maxsize=4096)
def _bigrams(text: str) -> Counter[str]:
    """Return the pairs of neighbouring characters that are letters or digits, in NFKC."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    plain = "".join(char for char in folded if char.isalnum())
    # A title of stop words alone is better compared as it stands than not at all.
    kept = STOP_WORDS.sub("", plain) or plain
    if len(kept) == 1:
        return Counter([kept])
    return Counter(kept[position : position + 2] for position in range(len(kept) - 1))
