"""What the meeting decides on places that the count left open (会议决定)."""

from collections.abc import Collection, Sequence

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from ballots import journal
from ballots.facts.outcome import outcome_of
from ballots.models import Decision
from ballots.pure.figures import ItemFigures
from ballots.refusal import Refusals, demand_office, demand_second, locked
from projects.models import Poll
from yiwu_vote.texts import typed_within

# As long as the words of a decision may be; the page that asks for them judges it.
WORDS_LIMIT = 1000

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
    words = typed_within(words, WORDS_LIMIT, lines=True)
    if not words:
        raise refused("words-needed")
    poll = locked(poll, Poll.Phase.CONFIRMED, words=refused)
    outcome = outcome_of(poll)
    if outcome.decision is not None:
        raise refused("decided-before")
    if outcome.round_runs:
        raise refused("second-round-runs")
    if outcome.is_settled:
        raise refused("nothing-open")
    keys = _in_order(items, outcome.rest)
    if len(keys) > outcome.places_left:
        raise refused("too-many")
    decision = Decision.objects.create(
        poll=poll,
        places=outcome.places_left,
        items=keys,
        words=words,
        by=by,
        second=second,
    )
    journal.append(
        poll,
        journal.Kind.DECIDED,
        by=by,
        second=second,
        data={"places": decision.places, "items": keys, "words": decision.words},
    )
    return decision


def _in_order(items: Collection[str], rest: Sequence[ItemFigures]) -> list[str]:
    """Return the keys of `items` in the order of the count, or raise for one that is not open."""
    keys = [row["item"] for row in rest if row["item"] in items]
    if set(keys) != set(items):
        raise refused("not-open-item")
    return keys
