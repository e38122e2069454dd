"""What pages, papers and files say of a result, in sentences of the words of `vocabulary`."""

from collections.abc import Mapping, Sequence
from typing import TypedDict

from django.utils.translation import gettext, ngettext

from ballots.facts.naming import names_of
from ballots.facts.outcome import (
    Outcome,
    Place,
    adopted_items,
    first_keys,
    in_list_order,
    kind_of_round,
    origins_of,
    outcome_of,
    round_of,
)
from ballots.facts.turnout import percent
from ballots.facts.vocabulary import (
    CHECKS,
    FORMS,
    OUTCOMES,
    SHARES,
    SHARES_EXPLAINED,
    SOURCES,
    SUPPORTED,
    SYSTEM_CHECKS,
    WAYS,
    Counted,
    How,
    Text,
)
from ballots.pure.figures import CheckFigures, Figures, ItemFigures, base_of
from ballots.pure.rules import Majority
from projects.choices import ELECTORATES, Electorate
from projects.models import Poll


def open_words(outcome: Outcome) -> str:
    """Return what is said of the places that nothing has filled; empty where all are filled.

    One sentence for papers, result page and screen (design §11.3). It promises a next step only
    where one can still be taken.
    """
    if not outcome.open_places:
        return ""
    numbers = {"places": outcome.result.figures["places"], "left": outcome.open_places}
    if outcome.last.decision is not None:
        return gettext("应确定%(places)d个项目，其余%(left)d项按会议决定不再补足。") % numbers
    if outcome.after is not None:
        sentence = gettext("应确定%(places)d个项目，%(round)s后仍有%(left)d项没有确定，不再补足。")
        return sentence % (numbers | {"round": round_of(outcome.last.poll)})
    return _why_open(outcome) + _what_next(outcome)


def _why_open(outcome: Outcome) -> str:
    """Return how the count left places open: a tie or a shortfall."""
    figures = outcome.result.figures
    if outcome.is_tied:
        tied = sorted(outcome.rest_names, key=lambda named: in_list_order(named[0]))
        return gettext("%(titles)s等%(count)d个项目得赞成票数相等，不能确定，") % {
            "titles": "".join(f"“{name}”" for _key, name in tied),
            "count": len(tied),
        }
    return gettext("%(supported)s的项目为%(count)d个，少于应确定的%(places)d个，") % {
        "supported": of_majority(SUPPORTED, figures),
        "count": len(adopted_items(outcome.result)),
        "places": figures["places"],
    }


def _what_next(outcome: Outcome) -> str:
    """Return how the sentence of `_why_open` ends; published without more, the places stay open."""
    left = {"left": outcome.open_places}
    if outcome.is_final:
        return gettext("不足的%(left)d项不再补足。") % left
    if outcome.is_tied:
        return gettext("就上述项目再次投票。")
    if outcome.round is not None:
        return gettext("不足的%(left)d项补充票决。") % left
    return gettext("不足部分由%(lead)s决定处理办法。") % {"lead": outcome.poll.electorate.lead}


def read_out(outcome: Outcome, place: Place) -> str:
    """Return what the chair reads as the hall is shown `place`; no votes where none are shown."""
    item = gettext("第%(key)s项") if place.key.isdecimal() else gettext("推荐项目%(key)s")
    named = {"item": item % {"key": place.key}, "name": place.name, "how": place.how_words}
    if place.how != "count":
        return gettext("%(item)s，%(name)s，%(how)s。") % named
    if not outcome.poll.show_votes:
        return gettext("%(item)s，%(name)s。") % named
    row = place.row
    rank = gettext("并列第%(rank)d名") if row["shared"] else gettext("第%(rank)d名")
    return gettext("%(rank)s，%(item)s，%(name)s，得%(votes)d票。") % {
        **named,
        "rank": rank % {"rank": row["rank"]},
        "votes": row["votes"],
    }


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


def electorate_of(figures: Figures) -> Electorate:
    """Return what those are called who voted in this count; an old one is of a congress."""
    return ELECTORATES[figures["poll"].get("body", "congress")]


def of_majority(table: Mapping[Majority, Text], figures: Figures, **named: object) -> str:
    """Return what `table` says of the majority that this count demands, and of the body that votes."""
    words = str(table[figures["rules"]["majority"]])
    return words % {"members": electorate_of(figures).members, **named}


def counted_as(figures: Figures) -> Counted:
    """Return what is said of this count by the form of its ballots."""
    return FORMS[figures["rules"]["form"]]


def counts_of(figures: Figures, row: ItemFigures) -> list[int]:
    """Return the votes of an item as the columns of its form have them."""
    return [row[column.figure] for column in counted_as(figures).columns]


def share_of(figures: Figures, row: ItemFigures) -> str:
    """Return the votes of an item in percent of those of whom the rule demands more than half."""
    match figures["rules"]["majority"]:
        case "all":
            return row["share_of_all"]
        case "present":
            return percent(row["votes"], base_of(figures))
    return row["share_of_valid"]


def share_name(figures: Figures) -> str:
    """Return what `share_of` is called at the head of its column."""
    return of_majority(SHARES, figures)


def share_words(figures: Figures) -> str:
    """Return the sentence that says of what `share_of` is a share, and how many those are."""
    return of_majority(SHARES_EXPLAINED, figures, base=base_of(figures))


def second_share(figures: Figures) -> str:
    """Return what `share_of` is called where it is another rate than 得票率; nothing where it is not."""
    name = share_name(figures)
    return "" if name == str(SHARES["valid"]) else name


def shares_words(figures: Figures) -> str:
    """Return the sentences on both rates that staff and papers show: 得票率, and that of the rule."""
    of_valid = str(SHARES_EXPLAINED["valid"]) % {"base": figures["turnout"]["valid"]}
    of_rule = share_words(figures)
    return of_valid if of_rule == of_valid else of_valid + of_rule


def ending(outcome: Outcome, row: ItemFigures) -> str:
    """Return what has become of an item of the count, by a second round or the meeting too."""
    key = row["item"]
    for place in outcome.filled:
        if place.key == key:
            return place.how_words
    if row["outcome"] != "tied":
        return verdict(row, outcome.result.figures)
    if key not in outcome.pending:
        return str(WAYS[_settled_by(outcome, key)].missed)
    return gettext("得票相同，未确定") if outcome.is_final else str(OUTCOMES["tied"])


def in_the_end(outcome: Outcome, row: ItemFigures) -> str:
    """Return what the column 结果 of a file says of an item: how its place was filled, if it was."""
    is_filled = any(place.key == row["item"] for place in outcome.filled)
    if is_filled or row["outcome"] == "tied":
        return ending(outcome, row)
    return str(OUTCOMES[row["outcome"]])


def _settled_by(outcome: Outcome, key: str) -> How:
    """Return what left the item `key` without a place, which the count had left level."""
    after = outcome.after
    if outcome.decision is not None or after is None:
        return "decision"
    keys = {origin: number for number, origin in origins_of(after.poll).items()}
    row = next(row for row in after.result.figures["items"] if row["item"] == keys[key])
    if row["outcome"] == "tied":
        return _settled_by(after, row["item"])
    return kind_of_round(after.poll)


def proposals_words(figures: Figures) -> str:
    """Return what became of the proposals on the ballots."""
    if not figures["proposals"]:
        return gettext("本次没有推荐项目。")
    if figures["proposed_items"]:
        sentence = ngettext(
            "共收到%(proposals)d件，归并为%(proposed_items)d项。",
            "共收到%(proposals)d件，归并为%(proposed_items)d项。",
            figures["proposals"],
        )
    else:
        sentence = ngettext(
            "共收到%(proposals)d件，没有单列的项目。",
            "共收到%(proposals)d件，没有单列的项目。",
            figures["proposals"],
        )
    sentence %= figures
    parts = []
    if figures["merged"]:
        parts.append(gettext("%(merged)d件并入候选项目") % figures)
    if figures["refused"]:
        parts.append(gettext("%(refused)d件不予计票") % figures)
    if not parts:
        return sentence
    named = {"parts": "、".join(parts), "items": figures["proposed_items"]}
    if figures["proposed_items"]:
        return sentence + gettext("其中%(parts)s，不在%(items)d项之内。") % named
    return sentence + gettext("其中%(parts)s。") % named


def remarks(poll: Poll) -> list[str]:
    """Return what every figure of this poll must carry beside it."""
    marks = []
    if poll.is_rehearsal:
        marks.append(gettext("演练，不计票"))
    if poll.phase == Poll.Phase.COUNTED:
        marks.append(gettext("未复核"))
    return marks


def remarks_on_items(poll: Poll) -> dict[str, list[str]]:
    """Return what to say of each item of a counted poll beside its outcome, by the item's key.

    How a second round or a decision filled a place, and why an item has none: level and not settled
    in its favour, short of the majority, or behind too many others.
    """
    outcome = outcome_of(poll)
    figures = outcome.result.figures
    ways = {place.key: place.how for place in outcome.filled}
    by_item: dict[str, list[str]] = {}
    for item in figures["items"]:
        way = ways.get(item["item"], "count")
        marks = []
        if way != "count":
            marks.append(str(WAYS[way].remark))
        elif item["outcome"] == "out":
            marks.append(
                gettext("得票已达通过所需，未进入前%(places)d名") % {"places": figures["places"]}
            )
        elif item["outcome"] == "short" or (item["outcome"] == "tied" and outcome.is_final):
            marks.append(ending(outcome, item))
        by_item[item["item"]] = marks
    return by_item


class DescribedItem(ItemFigures):
    """An item of a count with its name, what the count says of it and where it comes from, in words.

    `counts` are its votes in the columns of the form (`vocabulary.FORMS`).
    """

    name: str
    counts: list[int]
    outcome_words: str
    source_words: str
    share: str


class CheckWords(TypedDict):
    """One identity of a count as a sentence without its verdict, and whether it holds."""

    words: str
    holds: bool


class Checked(TypedDict):
    """The checks of a count: of ballots and people, of the system, and whether these all hold."""

    people: list[CheckWords]
    system: list[CheckWords]
    system_holds: bool


def checked(checks: Sequence[CheckFigures]) -> Checked:
    """Return the checks of a frozen count in words; one of an old count by its name and figures."""
    people: list[CheckWords] = []
    system: list[CheckWords] = []
    for check in checks:
        name = check["name"]
        known = (CHECKS | SYSTEM_CHECKS).get(name, f"{name}：%(left)d，%(right)d")
        group = system if name in SYSTEM_CHECKS else people
        group.append({"words": str(known) % check, "holds": check["holds"]})
    holds = all(check["holds"] for check in system)
    return {"people": people, "system": system, "system_holds": holds}


def described(poll: Poll, figures: Figures) -> list[DescribedItem]:
    """Return the items of a count of `poll` as staff and papers see them, most votes first."""
    origins, names = first_keys(poll), names_of(figures["items"])
    return [
        {
            **item,
            "name": names[item["item"]],
            "counts": counts_of(figures, item),
            "outcome_words": verdict(item, figures),
            "source_words": source_words(item, origins),
            "share": share_of(figures, item),
        }
        for item in figures["items"]
    ]


def source_words(item: ItemFigures, origins: Mapping[str, str]) -> str:
    """Return where an item comes from; `origins` are the keys that candidates had at first."""
    key = origins.get(item["item"], "")
    if key.startswith("推"):
        return gettext("推荐（首次票决%(key)s）") % {"key": key}
    return str(SOURCES[item["source"]])
