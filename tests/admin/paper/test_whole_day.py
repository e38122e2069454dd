"""A whole vote with papers by its pages, against a count by hand; and one repeated wholly on paper."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from django.test import Client

from ballots import journal
from ballots.acts import lifecycle
from projects.models import Poll
from tests.helpers import papers
from tests.helpers.browsing import signed_in
from tests.helpers.desk import at, desk_of, signed_by
from tests.helpers.factories import Stage, make_office, make_ready, make_stage, selection

pytestmark = pytest.mark.django_db

# What twelve delegates wrote: the ninth blank, the eleventh a proposal, the twelfth spoilt.
WRITTEN: list[dict[str, Any]] = [
    *({"typed_chosen": text} for text in ("1 2", "1 3", "1", "2 3", "1 2", "4", "1 5", "1 2")),
    {"is_blank": "on"},
    {"typed_chosen": "1"},
    {"typed_chosen": "3", "title_0": "新建停车场"},
    {"is_doubtful": "on", "doubt": "涂改，无法辨认"},
]
# What the second reader misreads at first.
SLIPS = {2: "1 4", 5: "1", 8: "1 3"}


def press(user: Any, stage: Stage, step: str, **sent: Any) -> Any:
    """Send the form of a step at somebody's desk, and follow to what is shown then."""
    return desk_of(user).post(at(stage.poll, step), sent, follow=True)


def give_out(stage: Stage, places: Sequence[int]) -> None:
    people = [str(stage.entry(place)) for place in places]
    second = signed_by(stage.scrutineer)
    press(stage.office, stage, "issue-papers", people=people, box_shown="on", **second)


def counted(stage: Stage, returned: int) -> Any:
    """Close the vote, and count what lay in the paper box."""
    voted = stage.poll.roll.filter(voted=True).count()
    press(stage.office, stage, "close", figure=str(voted), announced="on")
    journal.append(stage.poll, journal.Kind.STORAGE_REWRITTEN, by=stage.office)
    second = signed_by(stage.scrutineer)
    return press(stage.office, stage, "count-papers", returned=returned, unused="8", **second)


def keyed(stage: Stage, desk: Client, written: Sequence[dict[str, Any]], **slips: str) -> Any:
    """Take a bundle and key every paper of it, page after page; a slip is typed instead."""
    page = desk.post(at(stage.poll, "key-papers"), follow=True)
    for place, paper in enumerate(written, start=1):
        sent = {"typed_chosen": slips[f"at_{place}"]} if f"at_{place}" in slips else paper
        [address, _status] = page.redirect_chain[-1]
        assert f"第1扎 第{place}张" in page.text
        page = desk.post(address, sent, follow=True)
    return page


def to_the_end(stage: Stage, *, adopted: int) -> None:
    """From the sealing to the publication, by the pages."""
    second = signed_by(stage.scrutineer)
    press(stage.office, stage, "seal-papers", **second)
    shares = {f"share_{place}": stage.shares[place - 1] for place in (1, 2, 3)}
    press(stage.office, stage, "box", declared="on", **shares)
    if stage.poll.write_ins.exists():
        press(stage.office, stage, "alone")
        press(stage.office, stage, "canvass", **second)
    press(stage.office, stage, "count")
    press(stage.scrutineer, stage, "confirm")
    press(stage.office, stage, "publish", figure=str(adopted), leave_open="on", at_once="on")
    stage.poll.refresh_from_db()
    assert stage.poll.phase == Poll.Phase.PUBLISHED


def votes(stage: Stage) -> dict[str, int]:
    items = stage.poll.results.get().figures["items"]
    return {row["item"]: row["votes"] for row in items if row["votes"]}


def test_forty_delegates_twelve_of_them_on_paper_are_counted_as_by_hand():
    stage = make_stage(delegates=40, candidates=5, places=2, majority="valid")
    on_phones = [(1, 2), (1, 3), (2, 3), (4,)] * 7
    for place, chosen in enumerate(on_phones):
        stage.cast(place, selection(*chosen))
    give_out(stage, range(28, 40))
    announced = counted(stage, 12).text
    assert "共发出表决票40张，收回40张（其中纸质票发出12张、收回12张）" in announced

    one, other = desk_of(make_office()), desk_of(make_office())
    keyed(stage, one, WRITTEN)
    keyed(stage, other, WRITTEN, **{f"at_{place}": text for place, text in SLIPS.items()})
    compare = f"{at(stage.poll, 'compare-papers')}?bundle=1"
    for place in SLIPS:
        [paper, *_rest] = other.get(compare).context["differing"]
        assert paper["place"] == place
        other.post(paper["correct"], WRITTEN[place - 1])
    page = desk_of(stage.chief).get(at(stage.poll, "rule-papers"), follow=True)
    ruling = page.context["shown"]
    spoilt = {"is_doubtful": "on", "doubt": "涂改，无法辨认"}
    desk_of(stage.chief).post(ruling["address"], spoilt)
    to_the_end(stage, adopted=1)

    by_hand = Counter(number for chosen in on_phones for number in chosen)
    by_hand.update([1, 2, 1, 3, 1, 2, 3, 1, 2, 4, 1, 5, 1, 2, 1, 3])
    assert votes(stage) == {str(number): got for number, got in by_hand.items()} | {"推1": 1}
    turnout = stage.poll.results.get().figures["turnout"]
    told = [turnout[name] for name in ("issued", "returned", "valid", "blank", "invalid")]
    assert told == [40, 40, 39, 1, 1]
    assert journal.first_broken(stage.poll) is None
    home = signed_in(stage, 39).get("/home/").text
    assert "票决结果已公布。" in home


def test_thirteen_papers_of_twelve_end_as_void():
    stage = make_stage(delegates=14, candidates=3, places=1)
    stage.cast(0, selection(1))
    give_out(stage, range(1, 13))

    page = counted(stage, 13)

    assert "多于发出的12张" in page.text
    assert desk_of(stage.office).get(at(stage.poll)).context["next"].name == "void"
    reason = desk_of(stage.office).get(at(stage.poll, "void")).context["forms"][0]["reason"].value()
    press(stage.office, stage, "void", reason=reason, **signed_by(stage.scrutineer))
    stage.poll.refresh_from_db()
    assert stage.poll.phase == Poll.Phase.VOID
    assert "13张" in stage.poll.journal.get(kind=journal.Kind.VOIDED).data["reason"]


def test_a_vote_that_was_voided_is_repeated_wholly_on_paper_with_the_same_pages():
    stage = make_stage(delegates=6, candidates=3, places=1, majority="valid")
    stage.cast(0, selection(1))
    second = signed_by(stage.scrutineer)
    press(stage.office, stage, "void", reason="网络中断", **second)
    press(stage.office, stage, "fresh")
    again = make_ready(stage, Poll.objects.exclude(pk=stage.poll.pk).get())
    again.poll = lifecycle.open_poll(again.poll, by=again.office)
    press(again.office, again, "pause", reason="网络中断")

    page = desk_of(again.office).get(at(again.poll, "issue-papers"), {"all": "1"})
    ticked = [
        str(person["entry"])
        for delegation in page.context["delegations"]
        for person in delegation["people"]
        if person["is_ticked"]
    ]
    assert len(ticked) == 6
    press(again.office, again, "issue-papers", people=ticked, box_shown="on", **second)
    counted(again, 5)
    papers.key(again, [selection(1)] * 3 + [selection(2)] * 2)
    to_the_end(again, adopted=1)

    assert votes(again) == {"1": 3, "2": 2}
    turnout = again.poll.results.get().figures["turnout"]
    assert (turnout["issued"], turnout["returned"], turnout["voted"]) == (6, 5, 0)
