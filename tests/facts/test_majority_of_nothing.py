"""A project that nobody voted for is never adopted, however many places are open (design §4.1)."""

from typing import Any

import pytest
from django.utils import timezone

from ballots import verifier
from ballots.facts.counting import count_in_sql
from ballots.facts.outcome import outcome_of
from ballots.facts.words import open_words, verdict
from ballots.files import package, tables
from ballots.models import Result
from ballots.pure.rules import Majority, Rules
from ballots.pure.tally import Turnout, paper, tally
from projects.models import Poll
from tests.helpers.factories import confirm_count, make_stage, selection

# The votes of each of four projects, where the cut of so many places lies at zero: how many are
# adopted, tied and short.
PROFILES = [
    ([0, 0, 0, 0], 2, (0, 0, 4)),
    ([0, 0, 0, 0], 4, (0, 0, 4)),
    ([3, 0, 0, 0], 2, (1, 0, 3)),
    ([3, 0, 0, 0], 4, (1, 0, 3)),
    ([3, 1, 0, 0], 3, (2, 0, 2)),
    ([3, 1, 1, 0], 2, (1, 2, 1)),
    ([1, 1, 1, 1], 4, (4, 0, 0)),
]


@pytest.mark.parametrize(("votes", "places", "expected"), PROFILES)
@pytest.mark.parametrize("form", ["choose", "each"])
def test_where_the_cut_lies_at_zero_nothing_fills_a_place_without_a_vote(
    votes, places, expected, form
):
    ballots = max(votes, default=0)
    papers = [
        paper(chosen=[n for n, got in enumerate(votes, 1) if got > ballot], rulings={})
        for ballot in range(ballots)
    ]
    rules = Rules(places=places, form=form, majority="none")
    turnout = Turnout(roll=9, present=9, issued=9, voted=ballots)

    result = tally(papers, items=list("1234"), rules=rules, turnout=turnout)

    found = [len(result.with_outcome(outcome)) for outcome in ("adopted", "tied", "short")]
    assert tuple(found) == expected
    assert all(line.votes for line in result.standings if line.outcome in {"adopted", "tied"})


@pytest.mark.parametrize("majority", ["all", "present", "valid", "none"])
def test_half_of_nothing_is_no_majority(majority: Majority):
    rules = Rules(places=4, majority=majority, delegates_total=1)

    result = tally(
        [], items=list("1234"), rules=rules, turnout=Turnout(roll=1, present=0, issued=0, voted=0)
    )

    assert result.needed == 1
    assert result.with_outcome("short") == list("1234")


@pytest.mark.django_db
@pytest.mark.parametrize("voters", [0, 2])
def test_both_counts_the_words_and_the_verifier_agree_on_it(voters, tmp_path):
    held = make_stage(delegates=3, candidates=3, places=2, majority="none")
    for place in range(voters):
        held.cast(place, selection(1))
    confirm_count(held)
    outcome = outcome_of(held.poll)
    rows = {row["item"]: row for row in outcome.result.figures["items"]}
    path = tmp_path / "package.zip"
    path.write_bytes(package.full_package(held.poll).content)

    assert [place.key for place in outcome.filled] == ["1"] * bool(voters)
    assert count_in_sql(held.poll)["2"] == (0, 0, 0)
    assert verdict(rows["2"], outcome.result.figures) == "未得票"
    assert open_words(outcome).startswith(
        f"获得赞成票的项目为{bool(voters):d}个，少于应确定的2个，"
    )
    assert verifier.main([str(path)]) == 0


@pytest.mark.django_db
def test_a_result_frozen_by_another_rule_is_shown_as_it_was():
    held = make_stage(delegates=3, candidates=3, places=2, majority="none")
    held.cast(0, selection(1))
    confirm_count(held)
    stored: Any = dict(Result.objects.get(poll=held.poll).stored)
    stored.pop("version", None)
    stored["items"] = [
        row | ({"outcome": "adopted", "majority": True} if row["item"] == "2" else {})
        for row in stored["items"]
    ]
    old = Poll.objects.create(
        meeting="会议", year=2026, delegates_total=8, opened_at=held.poll.opened_at,
        closed_at=held.poll.opened_at, phase=Poll.Phase.CONFIRMED,
    )  # fmt: skip
    Result.objects.create(
        poll=old, stored=stored, digest="0" * 64, counted_at=timezone.now(), counted_by=held.office
    )

    assert [place.key for place in outcome_of(old).filled] == ["1", "2"]
    lines = tables.result_csv(old).content.decode("utf-8-sig").splitlines()
    assert ",通过," in next(line for line in lines if "候选项目2" in line)
