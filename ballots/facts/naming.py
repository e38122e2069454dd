"""What an item of a count is called, so that nobody can take it for another one (design §4.2)."""

from collections import Counter
from collections.abc import Iterable

from django.utils.translation import gettext

from ballots.pure.figures import ListedItem
from yiwu_vote.texts import folded


def names_of(items: Iterable[ListedItem]) -> dict[str, str]:
    """Return the name of each item of a count by its key (“7”, “推3”).

    It is the title; where the titles of several are the same to the eye, with what tells them
    apart: the unit of a proposal, “建设社区食堂（建议单位：城东街道）”, or else the number.
    """
    items = list(items)
    titles = {item["item"]: folded(item["title"]) for item in items}
    bearers = Counter(titles.values())
    repeated = [item for item in items if bearers[titles[item["item"]]] > 1]
    units = Counter((titles[item["item"]], folded(item["lead_unit"])) for item in repeated)
    names = {item["item"]: item["title"] for item in items}
    for item in repeated:
        key, unit = item["item"], item["lead_unit"]
        tells = unit and units[titles[key], folded(unit)] == 1
        names[key] = _told_apart(item, by_unit=bool(tells))
    return names


def numbered(key: str, name: str) -> str:
    """Return an item as a list shows it, its number first: “7. 建设社区食堂”."""
    return f"{key}. {name}"


def with_number(key: str, name: str) -> str:
    """Return an item as a paper lists it that has numbers of its own: “建设社区食堂（第7项）”.

    A name that tells its item from another by the number has it already.
    """
    mark = gettext("第%(key)s项") % {"key": key} if key.isdecimal() else key
    return name if name.endswith((f"{mark}）", f"（{mark}）")) else f"{name}（{mark}）"


def _told_apart(item: ListedItem, *, by_unit: bool) -> str:
    parts = {"title": item["title"], "key": item["item"], "unit": item["lead_unit"]}
    if item["source"] == "candidate":
        return gettext("%(title)s（候选项目第%(key)s项）") % parts
    if by_unit:
        return gettext("%(title)s（建议单位：%(unit)s）") % parts
    return gettext("%(title)s（%(key)s）") % parts
