"""Who a delegate is: how number and name are written down, and who may be one person. Pure.

When two numbers or two names are the same says `yiwu_vote.texts`.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from yiwu_vote import texts

# A blank between two Latin letters parts two words; any other blank in a name is a filler.
FILLER = re.compile(r"(?<![A-Za-z])\s+|\s+(?![A-Za-z])")
# As far as people are placed within a delegation (序号): the column, its form and a table take no more.
PLACE_LIMIT = 999_999
# Of more people than these each is held against the one before alone: ten thousand of one name make
# fifty million pairs.
MANY = 12
# Of landlines whole offices have one, and a mobile telephone has one owner.
MOBILE = re.compile(r"1\d{10}", re.ASCII)


def number_of(text: str) -> str:
    """Return a 代表证号 as it is kept: no blanks, full-width signs as ASCII, leading zeros stay."""
    return "".join(unicodedata.normalize("NFKC", texts.typed(text)).split())


def name_of(text: str) -> str:
    """Return the name of a person or of a delegation as it is kept, without fillers in it."""
    return FILLER.sub("", texts.typed(text))


@dataclass(frozen=True)
class Person:
    """A delegate as the register has him.

    `order`, `phone`, `seat` are 0 or empty where nothing is known; `status` is a value of
    `DelegateStatus`, and `on_committee` tells a member of the standing committee. Whoever `holds_card` has a printed card that says number and name; whoever is
    `at_the_vote` stands on the roll of a poll that takes ballots.
    """

    number: str
    name: str
    delegation: str
    order: int = 0
    phone: str = ""
    seat: str = ""
    status: str = "active"
    on_committee: bool = False
    holds_card: bool = False
    at_the_vote: bool = False

    def __str__(self) -> str:
        return f"{self.name}（{self.number}，{self.delegation}）"


def alike(people: Sequence[Person]) -> list[tuple[int, int]]:
    """Return the places of every two of `people` who may be one person under two numbers.

    They have one name, and one delegation or telephone; or they have one mobile telephone.
    """
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, person in enumerate(people):
        for mark in _marks(person):
            groups[mark].append(place)
    pairs: set[tuple[int, int]] = set()
    for places in groups.values():
        pairs.update(pairwise(places) if len(places) > MANY else combinations(places, 2))
    return sorted(pairs)


def _marks(person: Person) -> Iterator[tuple[str, ...]]:
    name = texts.name_key(person.name)
    yield "delegation", name, texts.folded(person.delegation)
    if person.phone:
        yield "phone", name, person.phone
    if MOBILE.fullmatch(person.phone):
        yield "mobile", person.phone


def likeness(one: Person, other: Person) -> str:
    """Return in words what makes the two alike."""
    if texts.name_key(one.name) != texts.name_key(other.name):
        return "联系电话相同"
    if texts.folded(one.delegation) == texts.folded(other.delegation):
        return "姓名、代表团相同"
    return "姓名、联系电话相同"
