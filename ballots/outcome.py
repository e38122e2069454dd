"""How the places of a poll are filled: by the count, a second round or a decision (DESIGN §4).

A tie across the last place and a shortfall are never settled by the program: people hold a second
round, record what the meeting decided, or leave the places open. All numbers come from the frozen
results of the rounds.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from ballots import journal, roles
from ballots.models import Decision, Result
from projects.models import Poll

How = Literal["count", "run-off", "supplementary", "decision"]

# What a filled place is marked with, by how it was filled.
FILLED = {
    "count": _("通过"),
    "run-off": _("再次票决通过"),
    "supplementary": _("补充票决通过"),
    "decision": _("按会议决定确定"),
}
REFUSALS = {
    "not-office": _("只有会务人员可以办理。"),
    "second-needed": _("会议决定须由会务和监票各一人签名登记。"),
    "wrong-phase": _("只有复核后、公布前可以登记会议决定。"),
    "nothing-open": _("名额已经全部确定，没有需要决定的事项。"),
    "decided-before": _("会议决定已经登记，不能再改。"),
    "second-round-runs": _("再次票决或补充票决已经开始，请等它揭晓完毕，或先宣布它作废。"),
    "words-needed": _("请写明会议决定的内容。"),
    "too-many": _("确定的项目超过了剩余的名额。"),
    "not-open-item": _("所选项目不在待定的项目中。"),
}


class DecisionRefused(Exception):
    """A decision cannot be recorded now, or not this one: `code` is for programs."""

    def __init__(self, code: str) -> None:
        super().__init__(str(REFUSALS[code]))
        self.code = code


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
    since. `round` is the second round that is not void, if there is one.
    """

    poll: Poll
    result: Result
    filled: tuple[Place, ...]
    rest: tuple[dict[str, Any], ...]
    pending: frozenset[str]
    round: Poll | None
    decision: Decision | None

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
        return not self.places_left or self.decision is not None or self._round_is_out

    @property
    def round_runs(self) -> bool:
        """Whether delegates have been called to a second round that is not out yet."""
        started = self.round is not None and self.round.phase != Poll.Phase.DRAFT
        return started and not self._round_is_out

    @property
    def may_settle(self) -> bool:
        """Whether a second round may still be made or a decision recorded."""
        return (
            self.poll.phase == Poll.Phase.CONFIRMED and not self.is_settled and not self.round_runs
        )

    @property
    def _round_is_out(self) -> bool:
        return self.round is not None and self.round.is_revealed


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


def outcome_of(poll: Poll) -> Outcome:
    """Return how the places of `poll` are filled; raises Result.DoesNotExist before the count."""
    result = standing_result(poll)
    decision = Decision.objects.select_related("by", "second").filter(poll=poll).first()
    second = poll.children.exclude(phase=Poll.Phase.VOID).first()
    rows = {row["item"]: row for row in result.figures["items"]}
    filled = [Place(row["item"], row, "count", poll) for row in adopted_items(result)]
    pending = {key for key, row in rows.items() if row["outcome"] == "tied"}
    if decision is not None:
        filled += [Place(key, rows[key], "decision", poll) for key in decision.items]
        pending = set()
    elif second is not None and second.is_revealed:
        # Not before the hall has seen it all: nothing may be ahead of the chair.
        after = outcome_of(second)
        origins = origins_of(second)
        filled += _filled_by(after, origins)
        pending = {origins[key] for key in after.pending}
    rest = tuple(_rest(result))
    return Outcome(poll, result, tuple(filled), rest, frozenset(pending), second, decision)


def origins_of(second: Poll) -> dict[str, str]:
    """Return, for each candidate of a second round, the key it had in the first one."""
    return {str(number): origin for number, origin in second.projects.values_list("number", "origin")}


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


@transaction.atomic
def decide(
    poll: Poll, *, items: Collection[str], words: str, by: User, second: User | None
) -> Decision:
    """Record what the meeting decided on the open places, signed by the office and a scrutineer.

    `items` are the keys of the projects that fill places; those left over stay open. After a tie
    only the tied can be named. Raises DecisionRefused.
    """
    if not roles.is_office(by):
        raise DecisionRefused("not-office")
    if second is None or second == by or not roles.is_scrutineer(second):
        raise DecisionRefused("second-needed")
    if not words.strip():
        raise DecisionRefused("words-needed")
    poll = Poll.objects.locked(poll)
    if poll.phase != Poll.Phase.CONFIRMED:
        raise DecisionRefused("wrong-phase")
    standing = outcome_of(poll)
    if standing.decision is not None:
        raise DecisionRefused("decided-before")
    if standing.round_runs:
        raise DecisionRefused("second-round-runs")
    if standing.is_settled:
        raise DecisionRefused("nothing-open")
    keys = _in_order(items, standing.rest)
    if len(keys) > standing.places_left:
        raise DecisionRefused("too-many")
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
        raise DecisionRefused("not-open-item")
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
