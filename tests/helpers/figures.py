"""Frozen results made by hand, for pages, papers and files that only show what a count has found."""

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from ballots.acts.hall import open_screen
from ballots.facts import counting
from ballots.facts.turnout import percent
from ballots.models import Result
from ballots.pure.figures import VERSION, ItemFigures
from ballots.pure.grades import grade_of, least
from projects.models import Poll
from tests.helpers.factories import make_office, make_poll, make_project, walk_by_force

TITLE = "候选项目"


def item(key: str, title: str, votes: int = 5, outcome: str = "adopted", **more: Any) -> Any:
    """Return one row of the figures; a key that is no number is that of a proposal."""
    row = {
        "item": key,
        "title": title,
        "source": "candidate" if key.isdecimal() else "proposal",
        "category": "",
        "lead_unit": "",
        "rank": 1,
        "shared": False,
        "votes": votes,
        "against": 0,
        "abstained": 0,
        "share_of_valid": "50.0",
        "share_of_all": "40.0",
        "majority": outcome != "short",
        "outcome": outcome,
    }
    return row | more


def graded(
    key: str, title: str, votes: tuple[int, int, int, int], outcome: str = "good", base: int = 10
) -> Any:
    """Return one row of a 满意度测评: its votes are 满意, 基本满意, 不满意 and 弃权."""
    good, fair, poor, abstained = votes
    return item(
        *(key, title, good, outcome),
        fair=fair,
        against=poor,
        abstained=abstained,
        share_good=percent(good, base),
        share_satisfied=percent(good + fair, base),
    )


def _whole(rows: Sequence[Any], base: int) -> dict[str, Any]:
    """Return the sums over graded rows; the whole is 满意 from a half of the base on."""
    sums = [sum(row[key] for row in rows) for key in ("votes", "fair", "against", "abstained")]
    good, fair = sums[:2]
    base *= len(rows)
    needed = least("1/2", included=True, base=base)
    return {
        **dict(zip(("good", "fair", "poor", "abstained"), sums, strict=True)),
        "base": base,
        "needed": needed,
        "share_good": percent(good, base),
        "share_satisfied": percent(good + fair, base),
        "grade": grade_of(good, fair, needed=needed),
    }


def figures(poll: Poll, items: Sequence[ItemFigures], **more: Any) -> Any:
    """Return the figures of a count of ten delegates of whom nine came and eight voted."""
    found: Any = {
        "version": VERSION,
        "poll": {
            "uuid": str(poll.uuid),
            "meeting": poll.meeting,
            "year": poll.year,
            "kind": poll.kind,
            "simple": poll.simple,
        },
        "rules": {
            "places": poll.places,
            "form": poll.form,
            "exactly": False,
            "blank_allowed": True,
            "proposals": poll.proposals,
            "proposal_limit": poll.proposal_limit,
            "majority": poll.majority,
            "delegates_total": poll.delegates_total,
        },
        "turnout": {
            "delegates_total": poll.delegates_total,
            "roll": 10,
            "present": 9,
            "issued": 9,
            "returned": 8,
            "valid": 8,
            "invalid": 0,
            "blank": 0,
            "voted": 8,
            "cards_reissued": 0,
        },
        "needed": 6,
        "places": poll.places,
        "candidates": poll.projects.count(),
        "proposals": 0,
        "merged": 0,
        "proposed_items": 0,
        "items": list(items),
        "places_left": poll.places - sum(row["outcome"] == "adopted" for row in items),
        "shortfall": 0,
        "marks": sum(row["votes"] for row in items),
        "doubles": 0,
        "doubled": 0,
        "refused": 0,
        "turned": 0,
        "checks": [
            {
                "name": "收回表决票＝已投票人数",
                "left": 8,
                "right": 8,
                "relation": "=",
                "holds": True,
            }
        ],
    }
    if poll.is_graded:
        found["rules"] |= {
            "boundary": "1/2",
            "boundary_included": True,
            "whole_boundary": "1/2",
            "whole_boundary_included": True,
        }
        found["places_left"] = 0
        found["whole"] = _whole(items, poll.delegates_total or 0)
    return found | more


def make_result(poll: Poll, items: Sequence[Any], **more: Any) -> Result:
    """Return the standing result of `poll`; `more` replaces figures by their name."""
    found = figures(poll, items, **more)
    return Result.objects.create(
        poll=poll,
        stored=found,
        digest=counting.digest(found),
        counted_at=timezone.now(),
        counted_by=make_office(),
    )


def make_counted(
    *items: Any,
    phase: str = Poll.Phase.CONFIRMED,
    more: dict[str, Any] | None = None,
    **columns: Any,
) -> Poll:
    """Return a poll in `phase` with that count, a project for each of its candidates."""
    defaults: dict[str, Any] = {"candidates": 0, "delegates_total": 10}
    if columns.get("form") != Poll.Form.GRADES:
        defaults["places"] = max(len(items), 1)
    poll = make_poll(**(defaults | columns))
    for row in items:
        if row["source"] == "candidate":
            make_project(poll, int(row["item"]), title=row["title"])
    walk_by_force(poll, phase)
    make_result(poll, items, **(more or {}))
    return poll


def adopted(count: int, title: str = TITLE) -> list[Any]:
    """Return that many adopted candidates, the first with the most votes."""
    return [
        item(str(number), f"{title}{number}", votes=count + 10 - number, rank=number)
        for number in range(1, count + 1)
    ]


# --- a 满意度测评 that is out -----------------------------------------------------------------------

JUDGED = (
    "城乡公交一体化改造提升",
    "老旧小区综合改造提升与配套停车设施建设工程",
    "城乡接合部老旧片区综合改造提升工程（含雨污分流、道路白改黑、弱电入地、停车位及充",
)
JUDGEMENTS = [((301, 40, 5, 4), "good"), ((160, 150, 30, 10), "fair"), ((40, 60, 200, 50), "poor")]


def make_judged(count: int, *, is_revealed: bool = True, **columns: Any) -> Poll:
    """Return a published 满意度测评 of so many projects by 350 delegates, with a screen."""
    rows = [
        graded(str(n), f"{JUDGED[n % 3]}{n}", *JUDGEMENTS[n % 3], base=350)
        for n in range(1, count + 1)
    ]
    given: dict[str, Any] = {
        "form": Poll.Form.GRADES,
        "delegates_total": 350,
        "phase": Poll.Phase.PUBLISHED,
    }
    poll = make_counted(*rows, **(given | columns))
    open_screen(poll, by=make_office())
    if is_revealed:
        Poll.objects.filter(pk=poll.pk).update(revealed_at=timezone.now())
    poll.refresh_from_db()
    return poll
