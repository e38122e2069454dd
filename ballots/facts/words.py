"""What pages, papers and files say of a result, in sentences of the words of `vocabulary`."""

from collections.abc import Mapping

from django.utils.translation import gettext

from ballots.facts import outcome
from ballots.facts.outcome import (
    Outcome,
    adopted_items,
    in_list_order,
    kind_of_round,
    origins_of,
)
from ballots.facts.vocabulary import OUTCOMES, SOURCES, SUPPORTED, WAYS, How
from ballots.pure.figures import Figures, ItemFigures
from projects.models import Poll


def open_words(standing: Outcome) -> str:
    """Return what is said of the places that nothing has filled; empty where all are filled.

    One sentence for papers, result page and screen (rules.md §3.3). It promises a next step only
    where one can still be taken.
    """
    if not standing.open_places:
        return ""
    places = {"places": standing.result.figures["places"], "left": standing.open_places}
    if standing.last.decision is not None:
        return gettext("应确定%(places)d个项目，其余%(left)d个名额按会议决定留空。") % places
    if standing.after is not None:
        named = {"round": WAYS[kind_of_round(standing.last.poll)].name}
        words = gettext("应确定%(places)d个项目，%(round)s后仍有%(left)d个名额没有确定，名额留空。")
        return words % (places | named)
    return _found(standing) + _what_next(standing)


def _found(standing: Outcome) -> str:
    """Return how the count left places open: a tie or a shortfall (rules.md §3.3)."""
    figures = standing.result.figures
    if standing.is_tied:
        tied = sorted(standing.rest, key=lambda row: in_list_order(row["item"]))
        return gettext("%(titles)s等%(count)d个项目得赞成票数相等，不能确定，") % {
            "titles": "".join(f"“{row['title']}”" for row in tied),
            "count": len(tied),
        }
    return gettext("%(supported)s的项目为%(count)d个，少于应确定的%(places)d个，") % {
        "supported": SUPPORTED[figures["rules"]["majority"]],
        "count": len(adopted_items(standing.result)),
        "places": figures["places"],
    }


def _what_next(standing: Outcome) -> str:
    """Return how the sentence of `_found` ends; published without more, the places stay open."""
    left = {"left": standing.open_places}
    if standing.is_final:
        return gettext("不足的%(left)d个名额留空。") % left
    if standing.is_tied:
        return gettext("就上述项目再次投票。")
    if standing.round is not None:
        return gettext("不足的%(left)d个名额补充票决。") % left
    return gettext("不足部分由主席团决定处理办法。")


def verdict(row: ItemFigures, figures: Figures) -> str:
    """Return what the count itself says of one of its items: each outcome in words of its own."""
    match row["outcome"]:
        case "out":
            return gettext("未进入前%(places)d名") % {"places": figures["places"]}
        case "short" if figures["rules"]["majority"] == "none":
            return gettext("未得票")
        case "short":
            return gettext("未过半数")
    return str(OUTCOMES[row["outcome"]])


def ending(standing: Outcome, row: ItemFigures) -> str:
    """Return what has become of an item of the count, by a second round or the meeting too."""
    key = row["item"]
    for place in standing.filled:
        if place.key == key:
            return place.how_words
    if row["outcome"] != "tied":
        return verdict(row, standing.result.figures)
    if key not in standing.pending:
        return str(WAYS[_settled_by(standing, key)].missed)
    return gettext("得票相同，未确定") if standing.is_final else str(OUTCOMES["tied"])


def _settled_by(standing: Outcome, key: str) -> How:
    """Return what left the item `key` without a place, which the count had left level."""
    after = standing.after
    if standing.decision is not None or after is None:
        return "decision"
    keys = {origin: own for own, origin in origins_of(after.poll).items()}
    row = next(row for row in after.result.figures["items"] if row["item"] == keys[key])
    if row["outcome"] == "tied":
        return _settled_by(after, row["item"])
    return kind_of_round(after.poll)


def proposals_words(figures: Figures) -> str:
    """Return what became of the proposals on the ballots (ux.md R11)."""
    if not figures["proposals"]:
        return gettext("本次没有推荐项目。")
    if figures["proposed_items"]:
        words = gettext("共收到%(proposals)d件，归并为%(proposed_items)d项。") % figures
    else:
        words = gettext("共收到%(proposals)d件，没有单列的项目。") % figures
    parts = []
    if figures["merged"]:
        parts.append(gettext("%(merged)d件并入候选项目") % figures)
    if figures["refused"]:
        parts.append(gettext("%(refused)d件不予计票") % figures)
    if not parts:
        return words
    named = {"parts": "、".join(parts), "items": figures["proposed_items"]}
    if figures["proposed_items"]:
        return words + gettext("其中%(parts)s，不在%(items)d项之内。") % named
    return words + gettext("其中%(parts)s。") % named


def remarks(poll: Poll) -> list[str]:
    """Return what every figure of this poll must carry beside it."""
    found = []
    if poll.is_rehearsal:
        found.append(gettext("演练，不计票"))
    if poll.phase == Poll.Phase.COUNTED:
        found.append(gettext("未复核"))
    return found


def remarks_on_items(poll: Poll) -> dict[str, list[str]]:
    """Return what to say of each item of a counted poll beside its outcome, by the item's key.

    How a second round or a decision filled a place, and why an item has none: level and not settled
    in its favour, short of the majority, or behind too many others.
    """
    standing = outcome.outcome_of(poll)
    figures = standing.result.figures
    ways = {place.key: place.how for place in standing.filled}
    found: dict[str, list[str]] = {}
    for item in figures["items"]:
        way = ways.get(item["item"], "count")
        words = []
        if way != "count":
            words.append(str(WAYS[way].remark))
        elif item["outcome"] == "out":
            words.append(
                gettext("得票已达通过所需，未进入前%(places)d名") % {"places": figures["places"]}
            )
        elif item["outcome"] == "short" or (item["outcome"] == "tied" and standing.is_final):
            words.append(ending(standing, item))
        found[item["item"]] = words
    return found


class DescribedItem(ItemFigures):
    """An item of a count with what the count says of it and where it comes from, in words."""

    outcome_words: str
    source_words: str


def described(poll: Poll, figures: Figures) -> list[DescribedItem]:
    """Return the items of a count of `poll` as staff and papers see them, most votes first."""
    origins = outcome.first_keys(poll)
    return [
        {
            **item,
            "outcome_words": verdict(item, figures),
            "source_words": source_words(item, origins),
        }
        for item in figures["items"]
    ]


def source_words(item: ItemFigures, origins: Mapping[str, str]) -> str:
    """Return where an item comes from; `origins` are the keys that candidates had at first."""
    key = origins.get(item["item"], "")
    if key.startswith("推"):
        return gettext("推荐（首次票决%(key)s）") % {"key": key}
    return str(SOURCES[item["source"]])
