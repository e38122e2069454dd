"""One sitting: last year's projects are judged and next year's chosen, with the same cards (design §4.6).

All counts are compared with ones made by hand from the ballots that were cast.
"""

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from ballots.acts import cards, drafts, roll
from ballots.acts.year import assessing
from ballots.facts.outcome import standing_result
from ballots.files import package
from ballots.models import AccessCard
from ballots.pure.rules import Selection
from projects.models import Poll
from projects.year.models import Year
from tests.files.packages import packed, proof_of, unpacked, wrong
from tests.helpers.factories import (
    Stage,
    confirm_count,
    join_committee,
    make_confirmed,
    make_delegates,
    make_project,
    second_stage,
    selection,
)

pytestmark = pytest.mark.django_db

MEETING = "示例市人民代表大会第六次会议"
TEN = range(1, 11)
RULES: dict[str, Any] = {"rules_name": "测评办法", "rules_adopted_on": "2026-12-20"}


def year_of_ten() -> Stage:
    """Return a published poll of twenty delegates whose ten projects are those of the year."""
    stage = make_confirmed(
        dict.fromkeys(TEN, 15), delegates=20, places=10, kind=Poll.Kind.MAIN, objection_days=0
    )
    stage.publish()
    return stage


def graded(chance: random.Random) -> Selection:
    """Return a ballot with a grade or none for each of the ten."""
    marks = {number: chance.choice(["good", "good", "good", "fair", "poor", ""]) for number in TEN}

    def of(grade: str) -> list[int]:
        return [number for number, mark in marks.items() if mark == grade]

    return selection(*of("good"), fair=of("fair"), against=of("poor"))


def by_hand(ballots: list[Selection], number: int) -> tuple[int, int, int, int]:
    good = sum(number in ballot.chosen for ballot in ballots)
    fair = sum(number in ballot.fair for ballot in ballots)
    poor = sum(number in ballot.against for ballot in ballots)
    return good, fair, poor, len(ballots) - good - fair - poor


def told(stage: Stage) -> dict[int, tuple[int, int, int, int]]:
    items = standing_result(stage.poll).figures["items"]
    return {
        int(item["item"]): (item["votes"], item["fair"], item["against"], item["abstained"])
        for item in items
    }


def ready(stage: Stage, draft: Poll, total: int) -> Stage:
    """Return `draft` on its day and open, its roll drawn up of whoever is to vote in it."""
    Poll.objects.filter(pk=draft.pk).update(delegates_total=total, **RULES)
    draft.refresh_from_db()
    roll.draw_up_roll(draft, by=stage.office)
    return second_stage(stage, draft)


def test_twenty_delegates_judge_the_ten_and_vote_on_the_next_in_one_sitting():
    stage = year_of_ten()
    chance = random.Random(20261220)
    year = Year.objects.get()
    draft = assessing.draft_assessment(
        year, meeting=MEETING, body=Poll.Body.CONGRESS, by=stage.office
    )
    following = drafts.copy(stage.poll, into=drafts.NEXT_YEAR, meeting=MEETING, by=stage.office)
    for number in range(1, 13):
        make_project(following, number)
    judging = ready(stage, draft, 20)
    choosing = ready(stage, following, 20)
    grades = [graded(chance) for _ in range(20)]
    chosen = [selection(*chance.sample(range(1, 13), 10)) for _ in range(20)]

    for place in range(20):
        judging.cast(place, grades[place])
        choosing.cast(place, chosen[place])
    confirm_count(judging)
    confirm_count(choosing)
    judging.publish()
    choosing.publish(leave_open=True)

    assert AccessCard.objects.count() == 20
    assert told(judging) == {number: by_hand(grades, number) for number in TEN}
    votes = Counter(number for ballot in chosen for number in ballot.chosen)
    items = standing_result(choosing.poll).figures["items"]
    assert {int(item["item"]): item["votes"] for item in items} == dict(votes)
    assert {one.year for one in Year.objects.all()} == {2026, 2027}
    for each in (judging, choosing):
        whole = proof_of(each)
        assert wrong(whole.today, whole.shares) == set()
        assert wrong(whole.public) == set()
    files = unpacked(proof_of(judging).today)
    files["result.json"]["figures"]["items"][0]["outcome"] = "poor"
    assert "ranks" in wrong(packed(files))


def test_a_committee_of_29_judges_by_its_own_roll_and_base():
    """The base is all 29, whoever came: 14 of 20 ballots are no half of it, as 镇海 counts."""
    stage = year_of_ten()
    members = make_delegates(29, delegation="常委会")
    join_committee(members)
    cards.issue_cards(members, by=stage.office)
    committee = replace(stage, delegates=members)
    draft = assessing.draft_assessment(
        Year.objects.get(), meeting="常委会第40次会议", body=Poll.Body.COMMITTEE, by=stage.office
    )
    held = ready(committee, draft, 29)
    assert held.poll.roll.count() == 29
    ballots = [selection(1, fair=[2]) for _ in range(14)] + [
        selection(2, fair=[1]) if place == 0 else selection(2, fair=[3]) for place in range(6)
    ]
    for place, ballot in enumerate(ballots):
        held.cast(place, ballot)
    confirm_count(held)

    figures = standing_result(held.poll).figures
    found = {item["item"]: item for item in figures["items"]}
    assert figures["needed"] == 15
    assert told(held) == {number: by_hand(ballots, number) for number in TEN}
    assert [found[key]["outcome"] for key in "1234"] == ["fair", "fair", "poor", "poor"]
    assert found["1"]["share_good"] == "48.3"
    assert figures["poll"]["body"] == "committee"
    assert wrong(package.full_package(held.poll).content, held.shares) == set()
