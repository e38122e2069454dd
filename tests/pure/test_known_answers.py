"""Real ballots of other votes, whose totals and winners somebody else has published."""

import json
import re
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from ballots.facts import counting
from ballots.models import Ballot
from ballots.pure.rules import Fault, Rules, Selection, faults
from ballots.pure.tally import Tally, Turnout, paper, tally
from projects.models import Poll, Project
from tests.files.pabulib import city_vote
from tests.helpers.factories import make_poll, move_by_force
from tests.helpers.machine import lacking


def counted(ballots: list[list[int]], numbers: list[int], places: int) -> Tally:
    return tally(
        [paper(chosen=ballot, rulings={}) for ballot in ballots],
        items=[str(number) for number in numbers],
        rules=Rules(places=places, majority="none"),
        turnout=Turnout(
            roll=len(ballots), present=len(ballots), issued=len(ballots), voted=len(ballots)
        ),
    )


def votes(result: Tally) -> dict[int, int]:
    return {int(line.item): line.votes for line in result.standings}


AMSTERDAM = "Netherlands_Amsterdam_166.pb"
TARGOWEK = "Poland_Warszawa_2019_Targowek_Mieszkaniowy.pb"
RAKOWIEC = "Poland_Warszawa_2026_Rakowiec.pb"


@pytest.mark.parametrize(("name", "ballots"), [(AMSTERDAM, 426), (TARGOWEK, 623)])
def test_the_totals_are_those_that_the_city_published(shared_data, name, ballots):
    vote = city_vote(shared_data / "pabulib" / name)

    result = counted(vote.ballots, list(vote.published), places=10)

    assert result.valid == ballots
    assert votes(result) == vote.published


def test_three_projects_tied_for_places_nine_and_ten_are_reported_as_tied(shared_data):
    vote = city_vote(shared_data / "pabulib" / TARGOWEK)

    result = counted(vote.ballots, list(vote.published), places=10)

    assert sorted(result.with_outcome("tied")) == ["1159", "797", "845"]
    assert {line.votes for line in result.standings if line.outcome == "tied"} == {173}
    assert {line.rank for line in result.standings if line.outcome == "tied"} == {9}
    assert (len(result.with_outcome("adopted")), result.places_left) == (8, 2)


def test_a_project_named_twice_on_one_ballot_makes_that_ballot_illegal(shared_data):
    vote = city_vote(shared_data / "pabulib" / RAKOWIEC)
    rules, candidates = Rules(places=10), {number: str(number) for number in vote.published}

    found = [faults(Selection(tuple(ballot)), rules, candidates) for ballot in vote.ballots]

    assert [fault for fault in found if fault] == [[Fault("repeated", number=1812)]]


def test_a_project_named_twice_on_one_ballot_has_one_vote_of_it(shared_data):
    vote = city_vote(shared_data / "pabulib" / RAKOWIEC)

    result = counted(vote.ballots, list(vote.published), places=5)

    assert vote.published[1812] == 492
    assert votes(result) == vote.published | {1812: 491}
    assert result.doubles == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "ballots", "repeated"),
    [(AMSTERDAM, 426, {}), (TARGOWEK, 623, {}), (RAKOWIEC, 1040, {1812: 491})],
)
def test_the_database_counts_what_the_city_published_but_for_the_repeat(
    shared_data, name, ballots, repeated
):
    vote = city_vote(shared_data / "pabulib" / name)
    poll = make_poll(candidates=0, kind=Poll.Kind.REHEARSAL, delegates_total=ballots)
    Project.objects.bulk_create(
        Project(poll=poll, number=number, title=f"项目{number}", text="内容")
        for number in vote.published
    )
    poll = move_by_force(poll, Poll.Phase.OPENED)
    rows = Ballot.objects.bulk_create(Ballot(poll=poll, chosen=chosen) for chosen in vote.ballots)

    assert len(rows) == ballots
    assert counting.count_in_sql(poll) == {
        str(number): (total, 0, 0) for number, total in (vote.published | repeated).items()
    }
    assert votes(counting.count(poll)) == vote.published | repeated


# Approval voting: all winning committees of small profiles (abcvoting, MIT)


@dataclass(frozen=True)
class Profile:
    ballots: list[list[int]]
    candidates: int
    places: int
    committees: set[frozenset[int]]


def profile(path: Path) -> Profile:
    """Read what of abcvoting's YAML we need, which is JSON but for the names of the fields."""
    text = path.read_text("utf-8")

    def value(pattern: str) -> Any:
        match = re.search(pattern, text, re.DOTALL)
        assert match, pattern
        return json.loads(match[1])

    return Profile(
        ballots=value(r"\nprofile: (\[.*?\])\nnum_cand"),
        candidates=value(r"\nnum_cand: (\d+)"),
        places=value(r"\ncommitteesize: (\d+)"),
        committees={
            frozenset(committee)
            for committee in value(r"\n- rule_id: av\n  result: (\[.*?\])\n  resolute: false")
        },
    )


PROFILES = ["L0000", "L0012", "L0020", "M0018", "M0028", "S0002", "VL0012", "VL0013"]


@pytest.mark.parametrize("name", PROFILES)
def test_adopted_and_tied_make_all_committees_that_approval_voting_elects(shared_data, name):
    known = profile(shared_data / "abcvoting" / f"instance{name}.abc.yaml")

    result = counted(known.ballots, list(range(known.candidates)), known.places)

    adopted, tied = result.with_outcome("adopted"), result.with_outcome("tied")
    ways = combinations(tied, result.places_left)
    assert {frozenset(map(int, [*adopted, *way])) for way in ways} == known.committees


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_listed_backwards_elects_the_same_committees(shared_data, name):
    known = profile(shared_data / "abcvoting" / f"instance{name}.abc.yaml")
    listing = list(range(known.candidates))

    one = counted(known.ballots, listing, known.places)
    other = counted(known.ballots[::-1], listing[::-1], known.places)

    assert set(one.standings) == set(other.standings)


def test_every_profile_on_the_shelf_is_used_and_some_have_ties(shared_data):
    shelf = {path.name: profile(path) for path in (shared_data / "abcvoting").glob("*.yaml")}

    assert set(shelf) == {f"instance{name}.abc.yaml" for name in PROFILES}
    assert sum(len(known.committees) > 1 for known in shelf.values()) >= 3


@pytest.mark.parametrize(
    ("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)]
)
def test_missing_ballots_skip_a_test_at_home_and_fail_it_in_ci(monkeypatch, ci, outcome):
    monkeypatch.setenv("CI", ci)

    with pytest.raises(outcome, match="the ballots in /nowhere"):
        lacking("the ballots in /nowhere")
