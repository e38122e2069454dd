"""How the places of a poll are filled: by the count, a second round or a decision (DESIGN §4).

A tie across the last place and a shortfall are never settled by the program: people hold a second
round, record what the meeting decided, or leave the places open. All numbers come from the frozen
results of the rounds.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import journal
from ballots.models import Decision, Result
from ballots.refusal import Refusals, demand_office, demand_second, locked
from projects.models import Poll

How = Literal["count", "run-off", "supplementary", "decision"]

# What a filled place is marked with, by how it was filled.
FILLED = {
    "count": _("通过"),
    "run-off": _("再次票决通过"),
    "supplementary": _("补充票决通过"),
    "decision": _("按会议决定确定"),
}
ROUNDS = {"run-off": _("再次票决"), "supplementary": _("补充票决")}
# What became of an item that was level and got no place, by what settled it.
UNSETTLED = {
    "run-off": _("经再次票决未通过"),
    "supplementary": _("经补充票决未通过"),
    "decision": _("经会议决定未确定"),
}
# What a shortfall is short of: where no majority is demanded, one vote is enough.
SUPPORTED = {
    "all": _("获得全体代表过半数赞成票"),
    "present": _("获得实到代表过半数赞成票"),
    "valid": _("获得有效票过半数赞成票"),
    "none": _("获得赞成票"),
}
refused = Refusals(
    {
        "second-needed": _("会议决定须由会务和监票各一人签名登记。"),
        "wrong-phase": _("只有复核后、公布前可以登记会议决定。"),
        "nothing-open": _("名额已经全部确定，没有需要决定的事项。"),
        "decided-before": _("会议决定已经登记，不能再改。"),
        "second-round-runs": _("再次票决或补充票决已经开始，请等它揭晓完毕，或先宣布它作废。"),
        "words-needed": _("请写明会议决定的内容。"),
        "too-many": _("确定的项目超过了剩余的名额。"),
        "not-open-item": _("所选项目不在待定的项目中。"),
    }
)


@dataclass(frozen=True)
class Place:
    """One filled place: the item, the round that settled it and how.

    `key` is the item's key in the first round (“7”, “推3”). `row` is its line in the figures of the
    round that settled it, with the votes it had there; `poll` is that round.
    """

    key: str
    row: dict[str, Any]
    how: How
    poll: Poll

    @property
    def title(self) -> str:
        return str(self.row["title"])

    @property
    def source(self) -> str:
        return str(self.row["source"])

    @property
    def how_words(self) -> str:
        return str(FILLED[self.how])


@dataclass(frozen=True)
class Outcome:
    """What a confirmed or published result comes to: who fills the places, and what is open.

    `rest` are the rows of the items that the count left for an open place: those tied for the last
    places, or all that were short. `pending` are the keys of the tied that nothing has settled
    since. `round` is the second round that is not void, if there is one, and `after` what it came to
    once it is out.
    """

    poll: Poll
    result: Result
    filled: tuple[Place, ...]
    rest: tuple[dict[str, Any], ...]
    pending: frozenset[str]
    round: Poll | None
    after: "Outcome | None"
    decision: Decision | None

    @property
    def rounds(self) -> list["Outcome"]:
        """What the rounds that are out came to, this one first and each round of a round after it."""
        return [self, *(self.after.rounds if self.after else [])]

    @property
    def last(self) -> "Outcome":
        """What the last round that is out came to: whatever the meeting decided stands there."""
        return self.rounds[-1]

    @property
    def is_tied(self) -> bool:
        """Whether the count left more items level than there were places."""
        return any(item["outcome"] == "tied" for item in self.result.figures["items"])

    @property
    def places_left(self) -> int:
        """How many places the count itself left open."""
        return int(self.result.figures["places_left"])

    @property
    def open_places(self) -> int:
        """How many places nothing has filled so far."""
        return int(self.result.figures["places"]) - len(self.filled)

    @property
    def is_settled(self) -> bool:
        """Whether every place is filled, or a second round or the meeting has had its say."""
        return not self.places_left or self.decision is not None or self.after is not None

    @property
    def is_final(self) -> bool:
        """Whether nothing can fill an open place any more."""
        return self.is_settled or self.poll.phase == Poll.Phase.PUBLISHED

    @property
    def round_runs(self) -> bool:
        """Whether delegates have been called to a second round that is not out yet."""
        started = self.round is not None and self.round.phase != Poll.Phase.DRAFT
        return started and self.after is None

    @property
    def may_settle(self) -> bool:
        """Whether a second round may still be made or a decision recorded."""
        return (
            self.poll.phase == Poll.Phase.CONFIRMED and not self.is_settled and not self.round_runs
        )


def standing_result(poll: Poll) -> Result:
    """Return the count of `poll` that was not sent back; raises Result.DoesNotExist before one."""
    return Result.objects.select_related("counted_by", "published_by").get(poll=poll, sent_back="")


def adopted_items(result: Result) -> list[dict[str, Any]]:
    """Return the items that a count itself adopted, most votes first."""
    return [item for item in result.figures["items"] if item["outcome"] == "adopted"]


def in_list_order(key: str) -> tuple[bool, int]:
    """Return where an item stands on the list, which tells nothing of the votes.

    Candidates come first by their number, then proposals by theirs.
    """
    return not key.isdecimal(), int(key.removeprefix("推"))


def listed(places: Iterable[Place]) -> list[Place]:
    """Return `places` in the order of the list, for wherever votes are not shown."""
    return sorted(places, key=lambda place: in_list_order(place.key))


def outcome_of(poll: Poll) -> Outcome:
    """Return how the places of `poll` are filled; raises Result.DoesNotExist before the count."""
    result = standing_result(poll)
    decision = Decision.objects.select_related("by", "second").filter(poll=poll).first()
    second = poll.children.exclude(phase=Poll.Phase.VOID).first()
    rows = {row["item"]: row for row in result.figures["items"]}
    filled = [Place(row["item"], row, "count", poll) for row in adopted_items(result)]
    pending = {key for key, row in rows.items() if row["outcome"] == "tied"}
    after = None
    if second is not None and second.is_revealed:
        # Not before the hall has seen it all: nothing may be ahead of the chair.
        after = outcome_of(second)
    if decision is not None:
        filled += [Place(key, rows[key], "decision", poll) for key in decision.items]
        pending = set()
    elif after is not None:
        origins = origins_of(after.poll)
        filled += _filled_by(after, origins)
        pending = {origins[key] for key in after.pending}
    rest = tuple(_rest(result))
    return Outcome(poll, result, tuple(filled), rest, frozenset(pending), second, after, decision)


def origins_of(second: Poll) -> dict[str, str]:
    """Return, for each candidate of a second round, the key it had in the first one."""
    return {
        str(number): origin for number, origin in second.projects.values_list("number", "origin")
    }


def first_keys(poll: Poll) -> dict[str, str]:
    """Return, for each candidate of a second round, the key it had in the first poll of all."""
    if poll.parent is None:
        return {}
    earlier = first_keys(poll.parent)
    return {key: earlier.get(origin, origin) for key, origin in origins_of(poll).items()}


def kind_of_round(poll: Poll) -> How:
    """Return what a second round is: a rehearsed one shows it by what its first round left open."""
    if poll.kind == Poll.Kind.SUPPLEMENTARY:
        return "supplementary"
    if poll.kind == Poll.Kind.REHEARSAL and poll.parent is not None:
        tied = any(
            item["outcome"] == "tied" for item in standing_result(poll.parent).figures["items"]
        )
        return "run-off" if tied else "supplementary"
    return "run-off"


# --- in words -------------------------------------------------------------------------------------


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
        named = {"round": ROUNDS[kind_of_round(standing.last.poll)]}
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


def verdict(row: dict[str, Any], figures: dict[str, Any]) -> str:
    """Return what the count itself says of one of its items: each outcome in words of its own."""
    match row["outcome"]:
        case "adopted":
            return gettext("通过")
        case "tied":
            return gettext("得票相同，待定")
        case "out":
            return gettext("未进入前%(places)d名") % {"places": figures["places"]}
    return gettext("未得票") if figures["rules"]["majority"] == "none" else gettext("未过半数")


def ending(standing: Outcome, row: dict[str, Any]) -> str:
    """Return what has become of an item of the count, by a second round or the meeting too."""
    key = row["item"]
    for place in standing.filled:
        if place.key == key:
            return place.how_words
    if row["outcome"] != "tied":
        return verdict(row, standing.result.figures)
    if key not in standing.pending:
        return str(UNSETTLED[_settled_by(standing, key)])
    return gettext("得票相同，未确定") if standing.is_final else gettext("得票相同，待定")


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


def proposals_words(figures: dict[str, Any]) -> str:
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


# --- decisions ------------------------------------------------------------------------------------


@transaction.atomic
def decide(
    poll: Poll, *, items: Collection[str], words: str, by: User, second: User | None
) -> Decision:
    """Record what the meeting decided on the open places, signed by the office and a scrutineer.

    `items` are the keys of the projects that fill places; those left over stay open. After a tie
    only the tied can be named. Raises Refused.
    """
    demand_office(by)
    second = demand_second(by, second, words=refused)
    if not words.strip():
        raise refused("words-needed")
    poll = locked(poll, Poll.Phase.CONFIRMED, words=refused)
    standing = outcome_of(poll)
    if standing.decision is not None:
        raise refused("decided-before")
    if standing.round_runs:
        raise refused("second-round-runs")
    if standing.is_settled:
        raise refused("nothing-open")
    keys = _in_order(items, standing.rest)
    if len(keys) > standing.places_left:
        raise refused("too-many")
    decision = Decision.objects.create(
        poll=poll,
        places=standing.places_left,
        items=keys,
        words=words.strip(),
        by=by,
        second=second,
    )
    journal.append(
        poll,
        "decided",
        by=by,
        second=second,
        data={"places": decision.places, "items": keys, "words": decision.words},
    )
    return decision


def _in_order(items: Collection[str], rest: Sequence[dict[str, Any]]) -> list[str]:
    """Return the keys of `items` in the order of the count, or raise for one that is not open."""
    keys = [row["item"] for row in rest if row["item"] in items]
    if set(keys) != set(items):
        raise refused("not-open-item")
    return keys


def _rest(result: Result) -> list[dict[str, Any]]:
    if not result.figures["places_left"]:
        return []
    rows = result.figures["items"]
    tied = [row for row in rows if row["outcome"] == "tied"]
    return tied or [row for row in rows if row["outcome"] == "short"]


def _filled_by(after: Outcome, origins: dict[str, str]) -> list[Place]:
    """Return the places that a second round filled, each under its key in the first one."""
    by_vote = kind_of_round(after.poll)
    return [
        Place(
            origins[place.key],
            place.row | {"source": _source(origins[place.key])},
            by_vote if place.how == "count" else place.how,
            place.poll,
        )
        for place in after.filled
    ]


def _source(key: str) -> str:
    return "candidate" if key.isdecimal() else "proposal"
