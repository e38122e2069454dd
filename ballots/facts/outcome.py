"""How the places of a poll are filled: by the count, a second round or a decision (design §4.3).

A tie across the last place and a shortfall are never settled by the program: people hold a second
round, record what the meeting decided, or leave the places open. All numbers come from the frozen
results of the rounds.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots.facts.naming import names_of
from ballots.facts.vocabulary import WAYS, How
from ballots.models import Decision, Result
from ballots.pure.figures import ItemFigures, Source, base_of, is_known
from ballots.pure.tally import ItemOutcome
from ballots.refusal import Refusals
from projects.models import Poll
from projects.phases import FAILED

refused = Refusals(
    {
        "figures-unknown": _(
            "这份票决结果由其他版本的程序写成（数据版本%(version)s），本程序不能读取，请联系技术人员。"
        ),
    }
)


@dataclass(frozen=True)
class Place:
    """One filled place: the item, the round that settled it and how.

    `key` is the item's key in the first round (“7”, “推3”). `row` is its line in the figures of the
    round that settled it, with the votes it had there; `poll` is that round, and `base` of how many
    its votes are a share (`figures.base_of`). `name` is its title, and what tells it from others of
    that title.
    """

    key: str
    row: ItemFigures
    how: How
    poll: Poll
    base: int
    name: str

    @property
    def title(self) -> str:
        return self.row["title"]

    @property
    def source(self) -> Source:
        return self.row["source"]

    @property
    def how_words(self) -> str:
        return str(WAYS[self.how].filled)


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
    rest: tuple[ItemFigures, ...]
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
        return _is_tied(self.result)

    @property
    def places_left(self) -> int:
        """How many places the count itself left open."""
        return self.result.figures["places_left"]

    @property
    def names(self) -> dict[str, str]:
        """The name of each item by its key: see `naming.names_of`."""
        return names_of(self.result.figures["items"])

    @property
    def rest_names(self) -> list[tuple[str, str]]:
        """Key and name of each item that the count left for an open place."""
        names = self.names
        return [(row["item"], names[row["item"]]) for row in self.rest]

    @property
    def open_places(self) -> int:
        """How many places nothing has filled so far."""
        return self.result.figures["places"] - len(self.filled)

    @property
    def announced(self) -> int:
        """How many projects the publication announces: those with a place, or those graded 满意."""
        if self.poll.is_graded:
            return sum(grade == "good" for _key, _title, grade in graded_items(self.result))
        return len(self.filled)

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


def is_for_chief(poll: Poll, result: Result) -> bool:
    """Tell whether whoever confirms `result` next must be the chief: of two one is (design §4.4)."""
    before = list(result.confirmations.values_list("chief", flat=True))
    return 1 < poll.confirmers <= len(before) + 1 and not any(before)


def standing_result(poll: Poll) -> Result:
    """Return the count of `poll` that was not sent back.

    Raises Result.DoesNotExist before one, and Refused where this code cannot read it.
    """
    people = ("counted_by", "published_by", "poll__decision__by", "poll__decision__second")
    results = Result.objects.select_related(*people)
    return readable(results.get(poll=poll, sent_back=""))


def readable(result: Result) -> Result:
    """Return `result`, or raise Refused("figures-unknown") rather than misread its figures."""
    if not is_known(result.stored):
        raise refused("figures-unknown", version=result.stored.get("version"))
    return result


def adopted_items(result: Result) -> list[ItemFigures]:
    """Return the items that a count itself adopted, most votes first."""
    return [item for item in result.figures["items"] if item["outcome"] == "adopted"]


def graded_items(result: Result) -> list[tuple[str, str, ItemOutcome]]:
    """Return key, title and grade of each item of a 满意度测评, in the order of its list."""
    items = result.figures["items"]
    return [(item["item"], item["title"], item["outcome"]) for item in items]


def in_list_order(key: str) -> tuple[bool, int]:
    """Return where an item stands on the list, which tells nothing of the votes.

    Candidates come first by their number, then proposals by theirs.
    """
    return not key.isdecimal(), int(key.removeprefix("推"))


def listed(places: Iterable[Place]) -> list[Place]:
    """Return `places` in the order of the list, for wherever votes are not shown."""
    return sorted(places, key=lambda place: in_list_order(place.key))


def in_turn(outcome: Outcome) -> list[Place]:
    """Return the filled places in the order in which the hall is shown them.

    The order of votes would tell them, so that of the list where votes are not shown.
    """
    return list(outcome.filled) if outcome.poll.show_votes else listed(outcome.filled)


def outcome_of(poll: Poll) -> Outcome:
    """Return how the places of `poll` are filled; raises Result.DoesNotExist before the count."""
    result = standing_result(poll)
    # Fetched with the result: the hall's screen asks every five seconds.
    decision: Decision | None = getattr(result.poll, "decision", None)
    second = poll.children.exclude(phase__in=FAILED).first()
    rows = {row["item"]: row for row in result.figures["items"]}
    base = base_of(result.figures)
    names = names_of(rows.values())
    filled = [
        Place(row["item"], row, "count", poll, base, names[row["item"]])
        for row in adopted_items(result)
    ]
    pending = {key for key, row in rows.items() if row["outcome"] == "tied"}
    after = None
    if second is not None and second.is_revealed:
        # Not before the hall has seen it all: nothing may be ahead of the chair.
        after = outcome_of(second)
    if decision is not None:
        filled += [
            Place(key, rows[key], "decision", poll, base, names[key]) for key in decision.items
        ]
        pending = set()
    elif after is not None:
        origins = origins_of(after.poll)
        way = way_of(after.poll, is_tied=bool(pending))
        filled += _filled_by(after, origins, way, names)
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
    if poll.kind != Poll.Kind.REHEARSAL or poll.parent is None:
        return way_of(poll, is_tied=False)
    return way_of(poll, is_tied=_is_tied(standing_result(poll.parent)))


def round_of(poll: Poll) -> str:
    """Return what a round is called: 首次票决, 再次票决, and the second run-off 第2次再次票决."""
    if poll.parent is None:
        return gettext("首次票决")
    how = kind_of_round(poll)
    before = 0
    earlier = poll.parent
    while earlier.parent is not None:
        before += kind_of_round(earlier) == how
        earlier = earlier.parent
    name = str(WAYS[how].name)
    return (
        gettext("第%(count)d次%(round)s") % {"count": before + 1, "round": name} if before else name
    )


def way_of(second: Poll, *, is_tied: bool) -> How:
    """Return what the second round `second` is, where its first round was tied or short."""
    if second.kind == Poll.Kind.REHEARSAL:
        return "run-off" if is_tied else "supplementary"
    return "supplementary" if second.kind == Poll.Kind.SUPPLEMENTARY else "run-off"


def _is_tied(result: Result) -> bool:
    return any(item["outcome"] == "tied" for item in result.figures["items"])


# --- decisions ------------------------------------------------------------------------------------


def _rest(result: Result) -> list[ItemFigures]:
    if not result.figures["places_left"]:
        return []
    rows = result.figures["items"]
    tied = [row for row in rows if row["outcome"] == "tied"]
    return tied or [row for row in rows if row["outcome"] == "short"]


def _filled_by(
    after: Outcome, origins: dict[str, str], by_vote: How, names: dict[str, str]
) -> list[Place]:
    """Return the places that a second round filled, each under its key and name in the first one."""
    return [
        Place(
            origins[place.key],
            place.row | {"source": _source(origins[place.key])},
            by_vote if place.how == "count" else place.how,
            place.poll,
            place.base,
            names[origins[place.key]],
        )
        for place in after.filled
    ]


def _source(key: str) -> Source:
    return "candidate" if key.isdecimal() else "proposal"
