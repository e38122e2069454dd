"""A vote with papers in it: its packages check, and whatever is changed about its papers is named."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from ballots.acts.paper import keying
from ballots.facts.paper.keyed import bundles_of
from ballots.pure.keying import Read
from ballots.pure.rules import Selection
from tests.files.packages import (
    Files,
    Proof,
    drop_from_journal,
    edit_journal,
    packed,
    proof_of,
    undone,
    unpacked,
    wrong,
)
from tests.helpers import papers
from tests.helpers.factories import Stage, make_office, make_stage, publish_count, selection

pytestmark = pytest.mark.django_db

# Forty delegates: 28 vote on phones, 12 on paper; of the papers the last is spoilt.
BY_PHONE = [
    *(selection(*sorted({1 + place % 6, 1 + (2 * place + 1) % 6})) for place in range(27)),
    selection(),
]
ON_PAPER = [
    *[selection(1, 2)] * 4,
    *[selection(3)] * 3,
    selection(4, 5, 6),
    selection(6, proposals=["新建停车场"]),
    selection(proposals=["新建停车场"]),
    selection(),
]
MISREAD = {1: selection(1), 5: selection(3, 4), 9: selection(proposals=["新建停车厂"])}


def hold_a_vote_with_papers() -> Stage:
    """Hold a vote on phones and paper, with three slips of the keyers and one spoilt paper."""
    stage = make_stage(delegates=40, candidates=6, places=3, majority="valid", show_votes=True)
    for place, ballot in enumerate(BY_PHONE):
        stage.cast(place, ballot)
    papers.issue(stage, *range(28, 40))
    stage.close()
    papers.count(stage, 12, unused=8)
    key_with_slips(stage)
    papers.seal(stage)
    publish_count(stage)
    return stage


def key_with_slips(stage: Stage) -> None:
    """Let two people key the papers; the second misreads three, corrects them, and doubts the last."""
    pair = [make_office(), make_office()]
    for side, keyer in enumerate(pair):
        keying.take_bundle(stage.poll, by=keyer)
        for place, ballot in enumerate(ON_PAPER):
            seen = MISREAD.get(place, ballot) if side else ballot
            record(stage, place, Read(seen), keyer)
        record(stage, 11, Read(Selection(), "划了四项以上" if side else "涂改"), keyer)
    (bundle,) = bundles_of(stage.poll)
    differing = [place for place in bundle.places if bundle.state(place) == "differs"]
    assert differing == [place + 1 for place in MISREAD]
    for place in MISREAD:
        record(stage, place, Read(ON_PAPER[place]), pair[1])
    keying.rule_paper(
        stage.poll, bundle=1, place=12, read=Read(Selection(), "多选"), by=stage.chief
    )


def record(stage: Stage, place: int, read: Read, keyer: Any) -> None:
    keying.record_reading(stage.poll, bundle=1, place=place + 1, read=read, by=keyer)


@pytest.fixture(scope="module")
def stage(django_db_setup: None, django_db_blocker: Any) -> Any:
    with django_db_blocker.unblock(), undone():
        yield hold_a_vote_with_papers()


@pytest.fixture(scope="module")
def proof(stage: Stage, django_db_blocker: Any) -> Proof:
    with django_db_blocker.unblock():
        return proof_of(stage)


def test_forty_delegates_twelve_of_them_on_paper_are_counted_as_by_hand(stage):
    by_hand: Counter[str] = Counter()
    for ballot in [*BY_PHONE, *ON_PAPER]:
        by_hand.update(map(str, ballot.chosen))
        by_hand.update("推1" for _proposal in ballot.proposals)

    figures = stage.poll.results.get().figures

    assert {row["item"]: row["votes"] for row in figures["items"]} == dict(by_hand)
    turnout = figures["turnout"]
    assert (turnout["issued"], turnout["returned"]) == (40, 40)
    assert (turnout["valid"], turnout["invalid"], turnout["blank"]) == (39, 1, 2)
    assert (turnout["voted"], turnout["papers"], turnout["papers_returned"]) == (28, 12, 12)


def test_both_packages_of_a_vote_with_papers_pass_at_every_level(proof):
    assert wrong(proof.today, proof.shares) == wrong(proof.public) == set()


def test_nothing_in_a_package_tells_which_ballot_was_on_paper(proof):
    for package in (proof.today, proof.public):
        files = unpacked(package)
        told = {name for name, value in files.items() if "paper" in json.dumps(value)}
        # Who was given one stands on the roll, how many in record and result; of ballots nothing.
        assert told <= {"roll.json", "journal.json", "result.json"}
        assert "bundle" not in json.dumps(files)


def test_who_was_given_a_paper_is_told_to_scrutineers_alone(proof):
    issued = [
        row for row in unpacked(proof.public)["journal.json"] if row["kind"] == "papers-issued"
    ]
    sealed = [
        row for row in unpacked(proof.public)["journal.json"] if row["kind"] == "papers-sealed"
    ]

    assert [row["body"] for row in issued] == [None]
    assert sealed[0]["body"]


def drop_a_ballot(files: Files) -> None:
    files["sealed.json"].pop()


def add_a_ballot(files: Files) -> None:
    files["sealed.json"].append(files["sealed.json"][-1] | {"receipt": "f" * 64})


def change_a_ballot(files: Files) -> None:
    first, second = files["sealed.json"][:2]
    first["sealed"] = second["sealed"]


def one_more_holder(files: Files) -> None:
    row = next(row for row in files["roll.json"] if row["channel"] == "online" and row["voted"])
    row["channel"] = "paper"


def said(kind: str, **data: Any) -> Callable[[Files], None]:
    return lambda files: edit_journal(files, kind, lambda body: body["data"].update(data))


PLANTED: dict[str, tuple[str, Callable[[Files], Any]]] = {
    "a ballot taken out after the papers": ("root", drop_a_ballot),
    "a ballot put in after the papers": ("root", add_a_ballot),
    "a ballot changed after the papers": ("sealed", change_a_ballot),
    "more papers sealed than came back": ("papers", said("papers-counted", returned=11)),
    "more papers back than given out": ("papers", said("papers-counted", issued=11)),
    "another box before the papers": ("papers", said("papers-sealed", receipts_before="0" * 64)),
    "one ballot fewer before the papers": ("papers", said("papers-sealed", before=27)),
    "papers that nobody signed for": ("papers", one_more_holder),
    "papers that one person sealed": (
        "papers",
        lambda f: edit_journal(f, "papers-sealed", lambda body: body.update(second="")),
    ),
    "papers that one person gave out": (
        "papers",
        lambda f: edit_journal(f, "papers-issued", lambda body: body.update(second="")),
    ),
    "papers never counted": ("order", lambda f: drop_from_journal(f, "papers-counted")),
    "papers never sealed": ("papers", lambda f: drop_from_journal(f, "papers-sealed")),
    "other figures of papers": (
        "turnout",
        lambda f: f["result.json"]["figures"]["turnout"].update(papers_returned=11),
    ),
    "an invalid paper counted as valid": ("papers", said("papers-sealed", invalid=2)),
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_was_planted_about_the_papers_is_found_by_its_name(proof, name):
    code, change = PLANTED[name]
    files = unpacked(proof.today)
    change(files)

    assert code in wrong(packed(files))


def test_a_keyer_who_confirmed_is_found(proof):
    files = unpacked(proof.today)
    bodies = [json.loads(row["body"]) for row in files["journal.json"]]
    confirmer = next(body["by"] for body in bodies if body["kind"] == "confirmed")
    edit_journal(files, "papers-sealed", lambda body: body["data"]["keyers"].append(confirmer))

    assert "people" in wrong(packed(files))
