"""The proof of a 满意度测评: an honest one passes, and a changed grade is named (design §4.6, §5.6)."""

from collections.abc import Callable
from typing import Any

import pytest

from ballots.acts import lifecycle
from tests.files.packages import (
    Files,
    Proof,
    edit_journal,
    packed,
    proof_of,
    undone,
    unpacked,
    wrong,
)
from tests.helpers.factories import Stage, make_stage, selection

BALLOTS = [
    selection(1, 2, 3),
    selection(1, fair=[2], against=[3]),
    selection(1, 2, against=[3]),
    selection(fair=[1, 2]),
    selection(),
]


def hold(**columns: Any) -> Stage:
    """Hold a 满意度测评 of five ballots on three projects up to its publication."""
    defaults: dict[str, Any] = {"delegates": 6, "candidates": 3, "form": "grades"}
    stage = make_stage(**(defaults | columns))
    for place, ballot in enumerate(BALLOTS):
        stage.cast(place, ballot)
    stage.close()
    stage.open_box()
    stage.count()
    lifecycle.confirm_result(stage.poll, by=stage.chief)
    lifecycle.publish_result(stage.poll, by=stage.office, at_once=True)
    stage.poll.refresh_from_db()
    return stage


@pytest.fixture(scope="module")
def proof(django_db_setup: None, django_db_blocker: Any) -> Proof:
    with django_db_blocker.unblock(), undone():
        return proof_of(hold())


@pytest.mark.django_db
@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"majority": "present", "boundary": "2/3", "boundary_included": False},
        {"majority": "valid", "whole_boundary": "9/10"},
        {"show_votes": False},
        {"body": "committee"},
    ],
    ids=str,
)
def test_an_honest_assessment_passes_both_levels(columns):
    whole = proof_of(hold(**columns))

    assert wrong(whole.full, whole.shares) == set()
    assert wrong(whole.public) == set()


@pytest.mark.django_db
def test_without_votes_the_public_package_has_the_grades_and_no_figure():
    public = unpacked(proof_of(hold(show_votes=False)).public)

    assert public["result.json"].keys() == {"digest", "grades"}
    assert public["result.json"]["grades"] == [
        ["1", "候选项目1", "good"],
        ["2", "候选项目2", "fair"],
        ["3", "候选项目3", "poor"],
    ]
    public["result.json"]["grades"][2][2] = "good"
    assert wrong(packed(public)) == {"digest"}


def item(files: Files, number: int) -> Any:
    return files["result.json"]["figures"]["items"][number - 1]


def row(files: Files, **said: Any) -> Any:
    """The published ballot that says so."""
    return next(one for one in files["ballots.json"] if said.items() <= one.items())


def regrade(files: Files) -> None:
    item(files, 3)["outcome"] = "good"


def move_a_vote(files: Files) -> None:
    item(files, 2).update(votes=3, fair=1, share_good="50.0")


def whole_is_good(files: Files) -> None:
    files["result.json"]["figures"]["whole"]["grade"] = "good"


def lower_the_boundary(files: Files) -> None:
    files["poll.json"]["rules"]["boundary"] = "3/5"


def odd_boundary(files: Files) -> None:
    files["poll.json"]["rules"]["boundary"] = "1/0"


def change_a_ballot(files: Files) -> None:
    row(files, against=[3], fair=[2]).update(fair=[], chosen=[1, 2])


def grade_twice(files: Files) -> None:
    row(files, chosen=[1, 2, 3])["fair"] = [1]


def take_out_a_ballot(files: Files) -> None:
    files["ballots.json"].remove(row(files, chosen=[], fair=[]))


def record_other_votes(files: Files) -> None:
    edit_journal(files, "counted", lambda body: body["data"]["votes"][0].__setitem__(3, 0))


@pytest.mark.parametrize(
    ("forge", "found", "opened"),
    [
        (regrade, {"ranks", "digest"}, set()),
        (move_a_vote, {"votes", "ranks", "digest"}, {"recount"}),
        (whole_is_good, {"ranks", "digest"}, set()),
        (lower_the_boundary, {"rules", "ranks", "digest"}, set()),
        (odd_boundary, {"rules", "ranks", "digest"}, set()),
        (change_a_ballot, {"votes"}, {"opened"}),
        (grade_twice, {"ballots", "votes"}, {"opened"}),
        (take_out_a_ballot, {"marks", "turnout", "ballots"}, {"opened"}),
        (record_other_votes, {"digest"}, set()),
    ],
)
def test_a_changed_grade_is_named(
    proof: Proof, forge: Callable[[Files], None], found: set[str], opened: set[str]
):
    files = proof.files
    forge(files)

    assert wrong(packed(files)) >= found
    assert wrong(packed(files), proof.shares) >= found | opened


def test_figures_of_grades_and_rules_of_another_form_do_not_pass(proof):
    files = proof.files
    files["poll.json"]["rules"] |= {"form": "each", "places": 3}

    assert {"rules", "ranks"} <= wrong(packed(files))
