"""Texts that look alike in the box: one item to the eye is one, and no ballot is invalid afterwards."""

import json
import secrets
from typing import Any

import pytest
from django.db.models import TextField
from django.db.models.functions import Cast

from ballots import verifier
from ballots.acts import lifecycle
from ballots.acts.casting import refused
from ballots.files import package
from ballots.pure import opening, sealing
from ballots.pure.rules import Proposal, Selection
from ballots.refusal import Refused
from tests.helpers.factories import Stage, make_stage, selection
from tests.helpers.secrecy import snapshot
from yiwu_vote import texts

pytestmark = pytest.mark.django_db


def cast_before(stage: Stage, place: int, *titles: str) -> None:
    """Seal a ballot as it could be cast while signs that nobody sees made two texts of one."""
    stage.forge(place, sealed(stage, Selection(proposals=tuple(map(Proposal, titles)))))


def opened(stage: Stage) -> Stage:
    stage.close()
    stage.open_box()
    return stage


def is_verified(stage: Stage, tmp_path) -> bool:
    path = tmp_path / "package.zip"
    path.write_bytes(package.full_package(stage.poll).content)
    shares = tmp_path / "shares.txt"
    shares.write_text("\n".join(stage.shares[:3]), "utf-8")
    return verifier.main([str(path), "--shares", str(shares)]) == 0


@pytest.mark.parametrize("alike", ["建公园\ufe0f", "建\u3164公园", "建公园\ue000"])
def test_two_proposals_that_nobody_can_tell_apart_are_one_item(alike, tmp_path):
    # Case 42: from two ballots, one of which was cast before.
    stage = make_stage(delegates=4, candidates=3, places=2)
    stage.cast(0, selection(1, proposals=["建公园"]))
    cast_before(stage, 1, alike)
    cast_before(stage, 2, alike)
    opened(stage)

    write_in = stage.poll.write_ins.get()
    assert {ballot.invalid for ballot in stage.poll.ballots.all()} == {""}
    assert texts.same(write_in.title, "建公园")
    result = stage.count()
    votes = {item["item"]: item["votes"] for item in result.figures["items"]}
    assert votes["推1"] == 3
    assert is_verified(stage, tmp_path)


def test_the_usual_spelling_is_that_of_the_item_and_the_verifier_finds_it(tmp_path):
    stage = make_stage(delegates=4, candidates=3)
    stage.cast(0, selection(1, proposals=["AED急救站"]))
    stage.cast(1, selection(1, proposals=["ＡＥＤ急救站"]))
    stage.cast(2, selection(1, proposals=["ＡＥＤ急救站"]))
    opened(stage)
    stage.count()

    assert stage.poll.write_ins.get().title == "ＡＥＤ急救站"
    assert is_verified(stage, tmp_path)


@pytest.mark.parametrize(
    "titles",
    [["\u3164"], ["\u2800\u2800"], ["候选项目1\ufe0f"], ["建公园", "建公园\ufe0f"]],
    ids=["blank", "blank braille", "like a candidate", "two of one"],
)
def test_what_was_legal_when_it_was_cast_stays_valid_and_is_proved(titles, tmp_path):
    # Case 42: nobody's ballot becomes invalid because the rule is stricter today.
    stage = make_stage(delegates=3, candidates=3, places=3)
    stage.cast(0, selection(1, proposals=["建公园"]))
    cast_before(stage, 1, *titles)
    opened(stage)
    stage.count()

    assert {ballot.invalid for ballot in stage.poll.ballots.all()} == {""}
    assert set(titles) <= {write_in.title for write_in in stage.poll.write_ins.all()}
    assert is_verified(stage, tmp_path)


@pytest.mark.parametrize("title", ["\u3164", "\u0301", "\ufffd", "建公园\ufe0f", "建\u200b公园"])
def test_today_no_such_text_can_be_cast(title):
    # Case 42: whoever goes round the form meets the same judge.
    stage = make_stage(delegates=1, candidates=3)

    with pytest.raises(Refused) as refusal:
        stage.cast(0, selection(1, proposals=[title]))

    assert refusal.value.code == refused("faults").code


def test_the_verifier_sees_of_a_text_what_everybody_else_sees():
    assert verifier.UNSEEN.pattern == texts.IGNORABLE.pattern
    assert verifier.SHAPELESS == texts.SHAPELESS
    assert verifier.MARKS == texts.MARKS
    for text in ("\u0301 \u20e3", "\ufffd", "建\ufffd", "1\ufe0f\u20e3"):
        assert verifier.seen(text) == texts.folded(text)
    for text in ("建公园\ufe0f", "\u3164", "ＡＢ c", "e\u0301\u200b", "㎡\ue000", "a\tb"):
        assert verifier.seen(text) == texts.folded(text)


# --- a large box ----------------------------------------------------------------------------------


@pytest.fixture
def in_lots(monkeypatch) -> None:
    """Let every box be opened as a large one is: by other processes, in small lots."""
    monkeypatch.setattr(opening, "FEW", 0)
    monkeypatch.setattr(opening, "LOT", 2)


def closed_stage() -> Stage:
    """Return a closed box of nine: two copies of a third in it, one against the rules, one of noise."""
    stage = make_stage(delegates=9, candidates=3, places=2)
    stage.cast(0, selection(1, 2))
    stage.cast(1, selection(1, proposals=["夜间公交"]))
    stage.cast(2, selection(proposals=["夜 间公交", "社区食堂"]))
    for place in range(3, 6):
        # One nonce, so that the three are one ballot under three receipts.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(secrets, "token_hex", lambda size: "ab" * size)
            stage.forge(place, sealed(stage, selection(3)))
    stage.forge(6, sealed(stage, selection(1, 2, 3)))
    stage.forge(7, b"noise")
    stage.close()
    return stage


def sealed(stage: Stage, chosen: Selection) -> bytes:
    """Seal a ballot past the judge of the cast."""
    box, poll = stage.poll.box, stage.poll
    return sealing.seal(
        chosen, public_key=bytes(box.public_key), poll=poll.uuid, size=box.ballot_size
    )


def contents(stage: Stage) -> list[tuple[Any, ...]]:
    """Return what was in the box, with proposals by their titles, in an order of its own."""
    titles = {str(row.id): row.title for row in stage.poll.write_ins.all()}
    return sorted(
        (row.invalid, row.chosen, row.against, sorted(titles[one] for one in row.write_ins))
        for row in stage.poll.ballots.all()
    )


OF_THE_STAGE: list[tuple[Any, ...]] = sorted(
    [
        ("", [1, 2], [], []),
        ("", [1], [], ["夜间公交"]),
        ("", [], [], ["夜间公交", "社区食堂"]),
        ("", [3], [], []),
        ("not-opened", [], [], []),
        ("repeated", [], [], []),
        ("repeated", [], [], []),
        ("rules", [], [], []),
    ]
)


def test_a_small_box_holds_what_was_cast_and_copies_count_once():
    stage = closed_stage()
    stage.open_box()

    assert contents(stage) == OF_THE_STAGE


def test_a_box_opened_by_other_processes_holds_the_same(in_lots):
    stage = closed_stage()
    told: list[tuple[int, int]] = []
    stage.poll = lifecycle.open_box(
        stage.poll,
        texts=stage.shares[:3],
        by=stage.scrutineer,
        watch=lambda *done: told.append(done),
    )

    assert contents(stage) == OF_THE_STAGE
    assert told == [(done, 8) for done in range(1, 9)]
    assert [str(row.id) for row in stage.poll.ballots.all()] == sorted(
        str(row.id) for row in stage.poll.ballots.all()
    )


def test_opened_ballots_lie_in_the_database_letter_by_letter_as_django_stores_them():
    stage = closed_stage()
    stage.open_box()
    lists = ("chosen", "against", "write_ins")

    for row in stage.poll.ballots.all():
        texts_of = (Cast(name, TextField()) for name in lists)
        stored = stage.poll.ballots.filter(pk=row.pk).values_list("pk", *texts_of).get()
        assert stored == (row.pk, *(json.dumps(getattr(row, name)) for name in lists))


def test_a_process_that_dies_leaves_the_box_closed_and_it_can_be_opened_again(in_lots, monkeypatch):
    stage = closed_stage()
    honest = opening._Worker.open

    def killed(worker: opening._Worker, lot: list[bytes]) -> list[opening.Opened]:
        worker.process.kill()
        return honest(worker, lot)

    with monkeypatch.context() as patch:
        patch.setattr(opening._Worker, "open", killed)
        before = snapshot()
        with pytest.raises(Refused) as refusal:
            stage.open_box()

    assert refusal.value.code == "interrupted"
    assert snapshot() == before
    stage.open_box()
    assert contents(stage) == OF_THE_STAGE
