"""The verifier: a package as it is passes, and each planted manipulation is found by its name."""

import ast
import base64
import hashlib
import io
import json
import os
import random
import re
import subprocess
import sys
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ballots import verifier
from ballots.acts import amending, lifecycle, unsealing
from ballots.acts.delegates import set_status
from ballots.acts.roll import add_to_roll, lower_presence, mark_absent, mark_present
from ballots.facts import frozen
from ballots.facts.turnout import percent
from ballots.files import package
from ballots.models import WriteIn
from ballots.pure import chain, sealing
from ballots.pure.rules import Rules
from ballots.pure.tally import Tally, Turnout, paper, tally
from ballots.refusal import Refused
from projects.models import Poll
from tests.files.packages import (
    Files,
    Proof,
    chain_again,
    drop_from_journal,
    edit_journal,
    findings,
    packed,
    proof_of,
    singly,
    undone,
    unpacked,
    wrong,
    zipped,
)
from tests.helpers.factories import (
    Stage,
    make_delegates,
    make_office,
    make_scrutineer,
    make_stage,
    publish_count,
    selection,
)
from tests.helpers.machine import ROOT

# What the ballots of `hold_a_vote` are against where they may be: the sixth is against candidate 4
# and proposes what is merged into it.
AGAINST: list[tuple[int, ...]] = [(3, 4, 5, 6), (4,), (), (6,), (5, 6), (4, 5), (2,), ()]

# --- a vote with everything in it, held once ------------------------------------------------------


def hold_a_vote(**columns: Any) -> Stage:
    """Hold a vote up to its publication: blank, tied, alone, merged, doubled, refused, all in it."""
    defaults: dict[str, Any] = {
        "delegates": 9,
        "candidates": 6,
        "places": 3,
        "majority": "valid",
    }
    stage = make_stage(**(defaults | columns))
    ballots = [
        selection(1, 2, proposals=["新建停车场"]),
        selection(1, 2, proposals=["新建公共停车场"]),
        selection(1, proposals=["新建停车场", "新建公共停车场"]),
        selection(1, 2, 3),
        selection(1, 4, proposals=["加装电梯"]),
        selection(2, 3, proposals=["把候选项目4做大"]),
        selection(1, 4, proposals=["把候选项目4做大"]),
        selection(),
    ]
    if stage.poll.form == "each":
        ballots = [replace(one, against=AGAINST[place]) for place, one in enumerate(ballots)]
    for place, ballot in enumerate(ballots):
        if stage.poll.blank_allowed or not ballot.is_blank:
            stage.cast(place, ballot)
    stage.close()
    stage.open_box()
    rule(stage.poll)
    stage.count()
    lifecycle.confirm_result(stage.poll, by=stage.chief)
    lifecycle.publish_result(stage.poll, by=stage.office, leave_open=True, at_once=True)
    stage.poll.refresh_from_db()
    return stage


def rule(poll: Poll) -> None:
    """Let one proposal stand alone, merge one into it and one into candidate 4, refuse one."""
    titled = {write_in.title: write_in for write_in in poll.write_ins.all()}
    rulings: dict[str, dict[str, Any]] = {
        "新建停车场": {"ruling": WriteIn.Ruling.ALONE},
        "新建公共停车场": {
            "ruling": WriteIn.Ruling.INTO_WRITE_IN,
            "into_write_in": titled.get("新建停车场"),
        },
        "把候选项目4做大": {
            "ruling": WriteIn.Ruling.INTO_PROJECT,
            "into_project": poll.projects.get(number=4),
        },
        "加装电梯": {"ruling": WriteIn.Ruling.REFUSED, "reason": "不属于民生实事"},
    }
    for title, write_in in titled.items():
        poll.write_ins.filter(pk=write_in.pk).update(**rulings[title])


# Made by real acts on the database of the run. What is then done to its bytes concerns no database:
# only the tests that look at it as it is, or hold a vote of their own, are marked with `django_db`.
@pytest.fixture(scope="module")
def proof(django_db_setup: None, django_db_blocker: Any) -> Proof:
    with django_db_blocker.unblock(), undone():
        return proof_of(hold_a_vote(show_votes=True))


def say(content: bytes, tmp_path: Path, capsys: Any, *options: str) -> tuple[int, str]:
    """Run the verifier as from the shell; return its status and what it printed."""
    path = tmp_path / "F.zip"
    path.write_bytes(content)
    status = verifier.main([str(path), *options])
    return status, capsys.readouterr().out


# --- a package as it is ---------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_honest_full_package_passes_both_levels(proof):
    assert [finding for finding in findings(proof.full, proof.shares) if finding.faults] == []


@pytest.mark.django_db
def test_an_honest_full_package_of_today_passes_both_levels(proof):
    assert [finding for finding in findings(proof.today, proof.shares) if finding.faults] == []


@pytest.mark.django_db
def test_an_honest_public_package_passes(proof):
    assert wrong(proof.public) == set()


@pytest.mark.django_db
def test_a_public_package_without_votes_passes_and_has_no_votes():
    stage = hold_a_vote(show_votes=False)

    content = proof_of(stage).public

    assert wrong(content) == set()
    result = unpacked(content)["result.json"]
    assert set(result) == {"digest", "adopted"}
    votes = {"counted", "sent-back"}
    assert all(
        row["body"] is None for row in unpacked(content)["journal.json"] if row["kind"] in votes
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    "columns",
    [
        {"proposals": "advisory"},
        {"majority": "all"},
        {"majority": "present"},
        {"majority": "none"},
        {"voters": "roll"},
        {"simple": True},
        {"places": 6},
        {"form": "each"},
        {"form": "each", "proposals": "advisory"},
        {"form": "each", "blank_allowed": False},
    ],
    ids=str,
)
def test_an_honest_package_passes_under_other_rules(columns):
    whole = proof_of(hold_a_vote(**columns))

    assert wrong(whole.full, whole.shares) == set()
    assert wrong(whole.public) == set()


@pytest.mark.django_db
def test_a_count_that_was_sent_back_and_made_again_passes():
    stage = hold_a_vote_to_the_count()
    lifecycle.send_back(stage.poll, reason="归并有误", by=stage.chief)
    stage.poll.write_ins.filter(title="加装电梯").update(ruling="alone", reason="")
    stage.count()

    content = package.full_package(stage.poll).content

    assert wrong(content, stage.shares) == set()


def hold_a_vote_to_the_count() -> Stage:
    stage = make_stage(delegates=4, candidates=4, places=2)
    stage.cast(0, selection(1, 2))
    stage.cast(1, selection(1, proposals=["加装电梯"]))
    stage.close()
    stage.open_box()
    rule(stage.poll)
    stage.count()
    return stage


@pytest.mark.django_db
def test_a_delegate_added_while_voting_is_known_from_the_journal():
    stage = make_stage(delegates=4, candidates=3, delegates_total=5)
    # Nobody but the office can put a newcomer on the roll, and the journal says who it was.
    from_outside = make_newcomer(stage)
    stage.cast(0, selection(1))
    stage.close()
    stage.open_box()
    stage.count()
    files = unpacked(package.full_package(stage.poll).content)

    assert wrong(packed(files)) == set()

    row = next(row for row in files["roll.json"] if row["number"] == from_outside)
    row["name"] = "另一人"
    assert "roll" in wrong(packed(files))


def as_before_delegations_were_hashed(files: Files) -> None:
    """Let the opening say what that of format 2 did, and the whole package be of that format."""
    as_before_sub_items(files)
    rows = [[row["number"], row["name"]] for row in files["roll.json"]]

    def older(body: Any) -> None:
        body["data"]["roll"] = chain.digest("roll", chain.canonical(rows))
        for name in ("format", "digest", "closes_at"):
            del body["data"][name]

    edit_journal(files, "opened", older)
    files["manifest.json"]["format"] = "yiwu-vote-package/2"


def test_a_package_whose_opening_had_no_digest_is_read_as_before(proof):
    files = proof.files
    as_before_delegations_were_hashed(files)

    assert wrong(packed(files), proof.shares) == set()
    files["roll.json"][0]["name"] = "另一人"
    assert wrong(packed(files)) == {"roll"}


def test_an_opening_of_a_version_to_come_is_said_to_be_unknown(proof):
    files = proof.files
    edit_journal(files, "opened", lambda body: body["data"].update(format=9))

    assert "opening" in wrong(packed(files))


def test_the_report_shows_the_signs_that_were_read_out(proof, tmp_path, capsys):
    _status, text = say(proof.public, tmp_path, capsys)

    [opened] = [row for row in proof.files["journal.json"] if row["kind"] == "opened"]
    assert f"开始投票核对码 {json.loads(opened['body'])['data']['digest']}" in text


@pytest.mark.django_db
def test_a_scrutineer_of_one_minute_is_found_unless_the_record_made_him_one(tmp_path, capsys):
    """M3: accounts made after the opening confirmed, and every check passed."""
    stage = make_stage()
    stage.cast(0, selection(1))
    stage.close()
    stage.open_box()
    stage.count()
    ghost = make_scrutineer("ghost", chief=True)
    lifecycle.confirm_result(stage.poll, by=ghost)
    ghost.groups.clear()
    stage.poll.refresh_from_db()
    stage.publish(leave_open=True)
    held = proof_of(stage)
    forged = held.files
    drop_from_journal(forged, "account-changed")

    assert wrong(held.full) == wrong(held.public) == set()
    assert wrong(packed(forged)) == {"signers"}
    _status, printed = say(held.full, tmp_path, capsys)
    assert "投票开始后工作人员账号变动" in printed
    _status, printed = say(held.public, tmp_path, capsys)
    assert "办理和签名的人当时有无相应职责（工作人员账号的记录没有公开）" in printed


def make_newcomer(stage: Stage) -> str:
    newcomer = make_delegates(1)[0]
    add_to_roll(
        stage.poll,
        delegate=newcomer,
        reason="补选",
        by=stage.office,
        second=stage.scrutineer,
    )
    return newcomer.number


@pytest.mark.django_db
def test_what_the_public_package_holds_back_is_said_to_be_unchecked(tmp_path, capsys):
    _status, text = say(proof_of(hold_a_vote(show_votes=False)).public, tmp_path, capsys)

    assert "计票人是否也参加了复核（计票的记录没有公开）" in text
    assert "5条操作记录的内容没有公开" in text
    assert "密钥份额由谁保管（保管人名单没有公开，只有校验值）" in text
    assert "办理和签名的人当时有无相应职责（工作人员账号的记录没有公开）" in text


def test_the_same_vote_gives_the_same_bytes(db):
    stage = hold_a_vote()

    assert package.full_package(stage.poll).content == package.full_package(stage.poll).content


# --- what a package holds back --------------------------------------------------------------------


def test_no_proposal_stands_beside_the_choices_of_its_ballot(proof):
    files = proof.files

    assert all(set(row) == {"chosen", "against", "invalid"} for row in files["ballots.json"])
    assert "停车场" not in json.dumps(files["ballots.json"], ensure_ascii=False)


def test_the_places_used_stand_apart_from_the_ballots_in_their_own_order(proof):
    # Seven used all three places, some of them with proposals, and one was blank.
    assert proof.files["places.json"] == [0, 3, 3, 3, 3, 3, 3, 3]
    assert [ballot["chosen"] for ballot in proof.files["ballots.json"]] == [
        [1, 2, 3],
        [1, 2],
        [1, 2],
        [1, 4],
        [1, 4],
        [1],
        [2, 3],
        [],
    ]


def test_the_order_of_ballots_is_that_of_what_stands_on_them(proof):
    ballots = proof.files["ballots.json"]

    assert ballots == sorted(ballots, key=chain.canonical)


def test_the_public_package_names_no_delegate_and_quotes_no_refused_proposal(proof):
    with zipfile.ZipFile(io.BytesIO(proof.public)) as archive:
        text = "".join(archive.read(name).decode() for name in archive.namelist())

    assert "代表1" not in text
    assert "加装电梯" not in text
    assert set(unpacked(proof.public)) == {"manifest.json", *verifier.FILES["public"]}


@pytest.mark.django_db
def test_the_public_package_lists_neither_staff_nor_holders_and_the_full_one_does():
    """L2: whoever signs nothing has no reason to be known to strangers."""
    idle = make_office(name="idle-clerk")
    held = proof_of(hold_a_vote())
    texts = []
    for content in (held.public, held.today):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            texts.append("".join(archive.read(name).decode() for name in archive.namelist()))
    public, full = texts

    for name in (idle.username, "保管人甲"):
        assert name not in public
        assert name in full
    assert wrong(held.public) == wrong(held.today) == set()


def test_a_package_that_lists_staff_and_holders_where_earlier_versions_did_is_read_as_before(proof):
    files = proof.files
    as_before_names_stood_apart(files)

    assert wrong(packed(files), proof.shares) == set()
    files["poll.json"]["box"]["holders"][0] = "另一人"
    assert wrong(packed(files)) == {"key"}
    edit_journal(files, "opened", lambda body: body["data"]["staff"].clear())
    assert wrong(packed(files)) == {"key", "opening", "signers"}


def as_before_grades(files: Files) -> None:
    """Let the rules be what they were in format 5: without the body that votes and its boundaries."""
    rules = files["poll.json"]["rules"]
    for name in set(frozen.RULES_OF_FORMAT[6]) - set(frozen.RULES_OF_FORMAT[5]):
        del rules[name]
    said = chain.digest("rules", chain.canonical(rules))

    def older(body: Any) -> None:
        body["data"] |= {"format": 5, "rules": said}
        body["data"]["digest"] = frozen.short_digest(body["data"])

    edit_journal(files, "opened", older)
    files["manifest.json"]["format"] = "yiwu-vote-package/5"


def test_a_package_without_body_and_boundaries_is_read_as_before(proof):
    files = proof.files
    as_before_grades(files)

    assert wrong(packed(files), proof.shares) == set()
    files["poll.json"]["rules"]["form"] = "each"
    assert "rules" in wrong(packed(files))


def as_before_sub_items(files: Files) -> None:
    """Let candidates be what they were in format 4: without sub-items, source and this year's sum."""
    as_before_grades(files)
    files["poll.json"]["candidates"] = [
        [*candidate[:4], candidate[4][:5]] for candidate in files["poll.json"]["candidates"]
    ]
    said = chain.digest("candidates", chain.canonical(files["poll.json"]["candidates"]))

    def older(body: Any) -> None:
        body["data"] |= {"format": 4, "candidates": said}
        body["data"]["digest"] = frozen.short_digest(body["data"])

    edit_journal(files, "opened", older)
    files["manifest.json"]["format"] = "yiwu-vote-package/4"


def test_a_package_of_candidates_without_sub_items_is_read_as_before(proof):
    files = proof.files
    as_before_sub_items(files)

    assert wrong(packed(files), proof.shares) == set()
    files["poll.json"]["candidates"][0][4][0] = "别的类别"
    assert wrong(packed(files)) == {"candidates"}


def as_before_names_stood_apart(files: Files) -> None:
    """Let the entries of ceremony and opening hold the names, as those of format 3 did."""
    as_before_sub_items(files)
    for kind, what, holder in (
        ("staff-listed", "staff", "opened"),
        ("holders-named", "holders", "key-made"),
    ):
        for row in [row for row in files["journal.json"] if row["kind"] == kind]:
            names = json.loads(row["body"])["data"][what]
            edit_journal(files, holder, lambda body: body["data"].update({what: names}))  # noqa: B023
        drop_from_journal(files, kind)

    def older(body: Any) -> None:
        body["data"]["format"] = 3
        body["data"]["digest"] = frozen.short_digest(body["data"])

    edit_journal(files, "opened", older)
    files["manifest.json"]["format"] = "yiwu-vote-package/3"


def test_neither_package_has_a_time_of_voting(proof):
    for name in ("roll.json", "sealed.json", "ballots.json"):
        assert "_at" not in json.dumps(proof.files[name])


@pytest.mark.django_db
def test_there_is_no_package_before_the_count_and_no_public_one_before_the_publication():
    stage = make_stage(delegates=2, candidates=2)
    stage.cast(0, selection(1))
    stage.close()
    stage.open_box()
    with pytest.raises(Refused) as early:
        package.full_package(stage.poll)
    stage.count()
    with pytest.raises(Refused) as unpublished:
        package.public_package(stage.poll)

    assert early.value.code == "not-counted"
    assert unpublished.value.code == "not-published"


# --- the version of the figures -------------------------------------------------------------------


def test_figures_of_the_code_before_have_no_version_and_are_checked_as_strictly(proof):
    files = proof.files
    del files["result.json"]["figures"]["version"]
    cover_up(files)
    assert wrong(packed(files)) == set()

    move_a_vote(files)
    cover_up(files)
    assert "votes" in wrong(packed(files))


def test_a_version_that_was_taken_out_is_found_by_the_checksum(proof):
    files = proof.files
    del files["result.json"]["figures"]["version"]

    assert wrong(packed(files)) == {"digest"}


@pytest.mark.parametrize("version", [4, 0, "1", True, None])
@pytest.mark.parametrize("kind", ["full", "public"])
def test_figures_of_a_version_that_the_verifier_does_not_know_are_not_read(proof, kind, version):
    files = unpacked(getattr(proof, kind))
    files["result.json"]["figures"]["version"] = version

    with pytest.raises(verifier.Unreadable) as unreadable:
        verifier.read(io.BytesIO(packed(files)))

    assert str(unreadable.value) == "票决结果的数据版本无法识别"


# --- a deadline that was moved ----------------------------------------------------------------------


def hold_a_vote_past_its_time() -> Stage:
    """Hold a vote whose deadline is moved while it is open, and once more in a pause."""
    opens = timezone.now()
    stage = make_stage(
        delegates=2, candidates=4, places=2, closes_at=opens + timedelta(hours=1), show_votes=True
    )
    extend(stage, opens + timedelta(hours=2))
    lifecycle.pause_poll(stage.poll, reason="停电", by=stage.office)
    extend(stage, opens + timedelta(hours=3))
    lifecycle.resume_poll(stage.poll, by=stage.office)
    stage.cast(0, selection(1))
    publish_count(stage)
    return stage


def extend(stage: Stage, closes_at: datetime) -> None:
    amending.move_deadline(
        stage.poll,
        closes_at=closes_at,
        reason="讨论延长",
        by=stage.office,
        second=stage.scrutineer,
    )


@pytest.fixture(scope="module")
def extended(django_db_setup: None, django_db_blocker: Any) -> Proof:
    with django_db_blocker.unblock(), undone():
        return proof_of(hold_a_vote_past_its_time())


def test_a_vote_whose_deadline_was_moved_passes_and_its_public_package_is_whole(extended):
    """Case 31."""
    assert wrong(extended.full, extended.shares) == wrong(extended.public) == set()
    moves = [
        row for row in unpacked(extended.public)["journal.json"] if row["kind"] == "deadline-moved"
    ]
    assert [row["body"] is not None for row in moves] == [True, True]


def move_behind_the_close(files: Files) -> None:
    bodies = [json.loads(row["body"]) for row in files["journal.json"]]
    moved = next(body for body in bodies if body["kind"] == "deadline-moved")
    bodies.remove(moved)
    closed = next(body for body in bodies if body["kind"] == "closed")
    place = bodies.index(closed) + 1
    bodies.insert(place, moved | {"at": closed["at"]})
    chain_again(files, bodies)


def last_move(files: Files, change: Callable[[Any], None]) -> None:
    moves = [row for row in files["journal.json"] if row["kind"] == "deadline-moved"]
    last = json.loads(moves[-1]["body"])["data"]["old"]

    def change_last(body: Any) -> None:
        if body["data"]["old"] == last:
            change(body)

    edit_journal(files, "deadline-moved", change_last)


MOVES: dict[str, tuple[str, Callable[[Files], Any]]] = {
    "a move after the close": ("order", move_behind_the_close),
    "a move to earlier": (
        "deadline",
        lambda f: last_move(f, lambda b: b["data"].update(new="2020-01-01T00:00:00+00:00")),
    ),
    "a move by one person": ("deadline", lambda f: last_move(f, lambda b: b.update(second=""))),
    "a move signed twice by the same": (
        "deadline",
        lambda f: last_move(f, lambda b: b.update(second=b["by"])),
    ),
    "a move without a reason": (
        "deadline",
        lambda f: last_move(f, lambda b: b["data"].update(reason=" ")),
    ),
    "a move from another time": (
        "deadline",
        lambda f: last_move(f, lambda b: b["data"].update(old="2020-01-01T00:00:00+00:00")),
    ),
    "a move where there was no deadline": (
        "deadline",
        lambda f: edit_journal(f, "opened", lambda b: b["data"].update(closes_at="")),
    ),
    "a time that is none": ("deadline", lambda f: last_move(f, lambda b: b["data"].update(new=""))),
}


@pytest.mark.parametrize("name", MOVES)
@pytest.mark.parametrize("kind", ["full", "public"])
def test_a_planted_move_of_the_deadline_is_found_by_its_name(extended, kind, name):
    code, change = MOVES[name]
    files = unpacked(getattr(extended, kind))
    if kind == "public":
        # A forger of the public package knows no more of the entries held back than we do.
        files["journal.json"] = [row for row in files["journal.json"] if row["body"]]
    change(files)

    assert code in wrong(packed(files))


def test_an_opening_that_does_not_say_its_deadline_passes(extended):
    files = unpacked(extended.full)
    as_before_delegations_were_hashed(files)

    assert wrong(packed(files)) == set()


# --- presence that rose while people voted ---------------------------------------------------------


def hold_a_vote_with_latecomers() -> Stage:
    """Hold a vote in which three come late, one of them by mistake, which is taken back."""
    stage = make_stage(delegates=5, candidates=4, places=2, open_it=False, show_votes=True)
    late = [person.number for person in stage.delegates[2:]]
    mark_absent(stage.poll, numbers=late, by=stage.office)
    stage.poll = lifecycle.open_poll(stage.poll, by=stage.office)
    mark_present(stage.poll, numbers=late[:1], by=stage.office)
    mark_present(stage.poll, numbers=late[1:], by=stage.office)
    lower_presence(
        stage.poll,
        numbers=late[2:],
        reason="误记",
        by=stage.office,
        second=stage.scrutineer,
    )
    stage.cast(0, selection(1))
    stage.cast(2, selection(2))
    publish_count(stage)
    return stage


@pytest.fixture(scope="module")
def latecomers(django_db_setup: None, django_db_blocker: Any) -> Proof:
    with django_db_blocker.unblock(), undone():
        return proof_of(hold_a_vote_with_latecomers())


def test_who_came_late_stands_in_the_full_package_only(latecomers):
    """Case 28."""
    assert wrong(latecomers.full, latecomers.shares) == wrong(latecomers.public) == set()
    assert unpacked(latecomers.public)["result.json"]["figures"]["turnout"]["present"] == 4
    kinds = {"presence-raised", "presence-lowered"}
    held_back = [row for row in unpacked(latecomers.public)["journal.json"] if row["kind"] in kinds]
    assert [row["body"] for row in held_back] == [None, None, None]
    with zipfile.ZipFile(io.BytesIO(latecomers.public)) as archive:
        public = "".join(archive.read(name).decode() for name in archive.namelist())
    assert "代表3" not in public
    assert "代表3" in json.dumps(latecomers.files["journal.json"], ensure_ascii=False)


@pytest.mark.django_db
def test_a_vote_in_which_a_delegate_was_suspended_passes_and_names_him_in_the_full_package_only():
    """Case 28."""
    stage = make_stage(delegates=4, candidates=4, places=2, show_votes=True)
    stage.cast(1, selection(1))
    set_status(
        stage.delegates[:2],
        "suspended",
        reason="决定",
        by=stage.office,
        second=stage.scrutineer,
    )
    publish_count(stage)
    both = proof_of(stage)

    assert wrong(both.full, both.shares) == wrong(both.public) == set()
    assert "代表1" in json.dumps(both.files["journal.json"], ensure_ascii=False)
    assert "代表1" not in json.dumps(unpacked(both.public), ensure_ascii=False)


def as_before(files: Files) -> None:
    """Take from the journal what it says only since presence is told by name."""
    edit_journal(files, "presence-raised", lambda body: body["data"].pop("people"))
    edit_journal(files, "closed", lambda body: body["data"].pop("present"))


@pytest.mark.django_db
def test_a_record_of_before_that_names_nobody_still_passes():
    stage = make_stage(delegates=3, candidates=4, places=2, open_it=False, show_votes=True)
    mark_absent(stage.poll, numbers=["003"], by=stage.office)
    stage.poll = lifecycle.open_poll(stage.poll, by=stage.office)
    mark_present(stage.poll, numbers=["003"], by=stage.office)
    stage.cast(0, selection(1))
    publish_count(stage)
    whole = unpacked(proof_of(stage).full)
    public = unpacked(proof_of(stage).public)
    as_before(whole)
    public["journal.json"] = whole["journal.json"]

    assert wrong(packed(whole)) == wrong(packed(public)) == set()


def move_to(files: Files, kind: str, before: str) -> None:
    """Put the first entry of `kind` right before that of the kind `before`, and chain all anew."""
    bodies = [json.loads(row["body"]) for row in files["journal.json"]]
    moved = next(body for body in bodies if body["kind"] == kind)
    bodies.remove(moved)
    place = next(place for place, body in enumerate(bodies) if body["kind"] == before)
    bodies.insert(place, moved | {"at": bodies[place]["at"]})
    chain_again(files, bodies)


def first_rise(files: Files, **data: Any) -> None:
    def change(body: Any) -> None:
        if body["data"]["present"] == 3:
            body["data"].update(data)

    edit_journal(files, "presence-raised", change)


COMINGS: dict[str, tuple[str, Callable[[Files], Any]]] = {
    "a rise of one more": ("presence", lambda f: first_rise(f, added=2)),
    "another name": ("presence", lambda f: first_rise(f, people=[["004", "代表4"], ["1", "x"]])),
    "somebody else than who came": (
        "presence",
        lambda f: first_rise(f, people=[["005", "代表5"]]),
    ),
    "a mistake that one person took back": (
        "presence",
        lambda f: edit_journal(f, "presence-lowered", lambda b: b.update(second="")),
    ),
    "a mistake taken back without a reason": (
        "presence",
        lambda f: edit_journal(f, "presence-lowered", lambda b: b["data"].update(reason="")),
    ),
    "a mistake that was never taken back": (
        "presence",
        lambda f: drop_from_journal(f, "presence-lowered"),
    ),
    "another figure at the close": (
        "turnout",
        lambda f: edit_journal(f, "closed", lambda b: b["data"].update(present=5)),
    ),
    "somebody who came after the close": (
        "order",
        lambda f: move_to(f, "presence-raised", "box-opened"),
    ),
    "presence marked as in a draft once it is open": (
        "order",
        lambda f: move_to(f, "presence-marked", "closed"),
    ),
    "a mark on the roll": (
        "presence",
        lambda f: next(r for r in f["roll.json"] if r["number"] == "003").update(present=False),
    ),
}


@pytest.mark.parametrize("name", COMINGS)
def test_a_planted_presence_is_found_by_its_name(latecomers, name):
    code, change = COMINGS[name]
    files = latecomers.files
    change(files)

    assert code in wrong(packed(files))


def test_a_public_package_says_who_was_present_as_the_close_does(latecomers):
    files = unpacked(latecomers.public)
    turnout = files["result.json"]["figures"]["turnout"]
    turnout.update(present=5, issued=5)

    assert "turnout" in wrong(packed(files))


# --- planted manipulations, each alone ------------------------------------------------------------


def cover_up(files: Files) -> None:
    """Recompute everything that a forger of the whole package can: checksum, journal and chain."""
    result = files["result.json"]
    if "figures" in result:
        result["digest"] = chain.digest("result", chain.canonical(result["figures"]))
    bodies = [json.loads(row["body"]) for row in files["journal.json"]]
    for body in bodies:
        if "result" in body["data"]:
            body["data"]["result"] = result["digest"]
        if body["kind"] == "counted":
            items = result["figures"]["items"]
            body["data"]["votes"] = [[i["item"], i["title"], i["votes"]] for i in items]
    chain_again(files, bodies)


def cut_before(files: Files, kind: str) -> None:
    """Cut the end of the journal off, from the first entry of `kind` on."""
    kinds = [row["kind"] for row in files["journal.json"]]
    del files["journal.json"][kinds.index(kind) :]


def strip_groups(files: Files) -> None:
    """Take everybody's groups away in the list of staff, with a digest that fits."""

    def change(body: Any) -> None:
        body["data"]["staff"] = [[name, []] for name, _groups in body["data"]["staff"]]
        digests.append(chain.digest("staff", chain.canonical(body["data"])))

    digests: list[str] = []
    edit_journal(files, "staff-listed", change)
    edit_journal(files, "opened", lambda body: body["data"].update(staff=digests[0]))


def item(files: Files, key: str) -> Any:
    return next(item for item in files["result.json"]["figures"]["items"] if item["item"] == key)


def write_in(files: Files, title: str) -> Any:
    return next(row for row in files["write_ins.json"] if row["title"] == title)


def reseal(files: Files, place: int, sealed: bytes) -> None:
    """Put other bytes in the box, with the receipt that fits them."""
    poll = UUID(files["poll.json"]["uuid"])
    row = {
        "receipt": sealing.receipt(poll=poll, sealed=sealed),
        "sealed": base64.b64encode(sealed).decode(),
    }
    files["sealed.json"][place] = row
    files["sealed.json"].sort(key=lambda row: row["receipt"])


def sealed_bytes(files: Files, place: int) -> bytes:
    return base64.b64decode(files["sealed.json"][place]["sealed"])


def move_a_vote(files: Files) -> None:
    first, second = item(files, "1"), item(files, "2")
    first["votes"] -= 1
    second["votes"] += 1
    for one, other in (("1", -1), ("2", 1)):
        item(files, one)["abstained"] -= other


def break_the_tie(files: Files) -> None:
    tied = next(i for i in files["result.json"]["figures"]["items"] if i["shared"])
    tied["shared"] = False


def fewer_places(files: Files) -> None:
    files["places.json"] = [0] * len(files["places.json"])


def swap_entries(files: Files) -> None:
    rows = files["journal.json"]
    rows[3], rows[4] = rows[4], rows[3]


MANIPULATIONS: dict[str, tuple[str, Callable[[Files], Any]]] = {
    "a word of the journal": (
        "journal",
        lambda f: f["journal.json"][2].update(body=f["journal.json"][2]["body"] + " "),
    ),
    "an entry cut out of the journal": ("journal", lambda f: f["journal.json"].pop(3)),
    "two entries of the journal exchanged": ("journal", swap_entries),
    "a hash of the journal": ("journal", lambda f: f["journal.json"][1].update(hash="0" * 64)),
    "the whole journal emptied": ("journal", lambda f: f["journal.json"].clear()),
    "the key test left out and all chained anew": (
        "order",
        lambda f: drop_from_journal(f, "key-tested"),
    ),
    "the close left out and all chained anew": ("order", lambda f: drop_from_journal(f, "closed")),
    "the canvass signed by one person": (
        "order",
        lambda f: edit_journal(f, "canvass-closed", lambda body: body.update(second=body["by"])),
    ),
    "a canvass skipped though there were proposals": (
        "order",
        lambda f: edit_journal(
            f,
            "canvass-closed",
            lambda body: body.update(kind="canvass-skipped", second="", data={}),
        ),
    ),
    "a draft that was dropped": (
        "order",
        lambda f: edit_journal(f, "key-tested", lambda body: body.update(kind="draft-dropped")),
    ),
    "a clock that runs back": (
        "journal",
        lambda f: edit_journal(
            f, "closed", lambda body: body.update(at="2001-01-01T00:00:00+00:00")
        ),
    ),
    "the meeting of the poll": ("poll", lambda f: f["poll.json"].update(meeting="另一次会议")),
    "a rehearsal passed off as real": ("poll", lambda f: f["poll.json"].update(kind="main")),
    "the unit in charge of a candidate": (
        "candidates",
        lambda f: f["poll.json"]["candidates"][0][4].__setitem__(1, "另一单位"),
    ),
    "the title of a candidate": (
        "candidates",
        lambda f: f["poll.json"]["candidates"][0].__setitem__(1, "另一项目"),
    ),
    "a target of a candidate": (
        "candidates",
        lambda f: f["poll.json"]["candidates"][0][3].append("新建99处"),
    ),
    "a candidate added": (
        "candidates",
        lambda f: f["poll.json"]["candidates"].append([7, "候选项目7", "", [], [], []]),
    ),
    "the source of a candidate's money": (
        "candidates",
        lambda f: f["poll.json"]["candidates"][0][4].__setitem__(6, "自筹"),
    ),
    "a sub-item of a candidate": (
        "candidates",
        lambda f: f["poll.json"]["candidates"][0][5].append(["新建停车楼", "1200.00"]),
    ),
    "the number of places": ("rules", lambda f: f["poll.json"]["rules"].update(places=9)),
    "the rule of the majority": (
        "rules",
        lambda f: f["poll.json"]["rules"].update(majority="none"),
    ),
    "the signs that were read out": (
        "opening",
        lambda f: edit_journal(f, "opened", lambda body: body["data"].update(digest="0" * 14)),
    ),
    "no signs to be read out": (
        "opening",
        lambda f: edit_journal(f, "opened", lambda body: body["data"].pop("digest")),
    ),
    "an account of the staff at the opening": (
        "opening",
        lambda f: edit_journal(f, "staff-listed", lambda body: body["data"]["staff"].pop()),
    ),
    "the digest of the staff at the opening": (
        "opening",
        lambda f: edit_journal(f, "opened", lambda body: body["data"].update(staff="0" * 64)),
    ),
    "the list of staff left out": ("opening", lambda f: drop_from_journal(f, "staff-listed")),
    "a holder in the record": (
        "key",
        lambda f: edit_journal(
            f, "holders-named", lambda body: body["data"]["holders"].__setitem__(0, "另一人")
        ),
    ),
    "the salt of the holders": (
        "key",
        lambda f: edit_journal(f, "holders-named", lambda body: body["data"].update(salt="0" * 32)),
    ),
    "the list of holders left out": ("key", lambda f: drop_from_journal(f, "holders-named")),
    "a holder of the box": (
        "key",
        lambda f: f["poll.json"]["box"]["holders"].__setitem__(0, "另一人"),
    ),
    "a delegation on the roll": ("roll", lambda f: f["roll.json"][0].update(delegation="另一团")),
    "a name on the roll": ("roll", lambda f: f["roll.json"][0].update(name="另一人")),
    "a delegate struck off the roll": ("roll", lambda f: f["roll.json"].pop()),
    "a stranger on the roll": (
        "roll",
        lambda f: f["roll.json"].append(f["roll.json"][0] | {"number": "900"}),
    ),
    "a mark taken off the roll": ("marks", lambda f: f["roll.json"][0].update(voted=False)),
    "a mark set on the roll": ("marks", lambda f: f["roll.json"][-1].update(voted=True)),
    "a voter who was absent": ("marks", lambda f: f["roll.json"][0].update(present=False)),
    "the public key": ("key", lambda f: f["poll.json"]["box"].update(public_key="00" * 1216)),
    "the commitments of the shares": (
        "key",
        lambda f: f["poll.json"]["box"]["commitments"].__setitem__(0, "0" * 64),
    ),
    "the threshold": ("key", lambda f: f["poll.json"]["box"].update(threshold=1)),
    "a test of another key": (
        "key",
        lambda f: edit_journal(f, "key-tested", lambda body: body["data"].update(ceremony=9)),
    ),
    "a byte of a sealed ballot": (
        "sealed",
        lambda f: f["sealed.json"][0].update(
            sealed=base64.b64encode(sealed_bytes(f, 0)[:-1] + b"?").decode()
        ),
    ),
    "a sealed ballot twice": (
        "receipts",
        lambda f: f["sealed.json"].insert(0, f["sealed.json"][0]),
    ),
    "the order of the box": ("receipts", lambda f: f["sealed.json"].reverse()),
    "a receipt that is no digest": ("receipts", lambda f: f["sealed.json"][0].update(receipt="甲")),
    "a sealed ballot replaced": (
        "root",
        lambda f: reseal(f, 0, sealed_bytes(f, 0)[:-1] + b"?"),
    ),
    "a sealed ballot taken out": ("root", lambda f: f["sealed.json"].pop()),
    "a sealed ballot of another size": ("sizes", lambda f: reseal(f, 0, b"?" * 99)),
    "a ballot added": ("marks", lambda f: f["ballots.json"].append(f["ballots.json"][0])),
    "a ballot taken out": ("marks", lambda f: f["ballots.json"].pop()),
    "a ballot declared invalid": (
        "marks",
        lambda f: f["ballots.json"][0].update(chosen=[], invalid="rules"),
    ),
    "a choice on an invalid ballot": (
        "ballots",
        lambda f: f["ballots.json"][0].update(invalid="rules"),
    ),
    "a ballot with too many choices": (
        "ballots",
        lambda f: f["ballots.json"][0].update(chosen=[1, 2, 3, 4]),
    ),
    "a ballot for a stranger": (
        "ballots",
        lambda f: f["ballots.json"][-1].update(chosen=[1, 2, 99]),
    ),
    "a ballot with a choice twice": (
        "ballots",
        lambda f: f["ballots.json"][-1].update(chosen=[1, 1]),
    ),
    "a choice changed on a ballot": (
        "votes",
        lambda f: f["ballots.json"][-1].update(chosen=[5, 6]),
    ),
    "a place more than there are": ("ballots", lambda f: f["places.json"].__setitem__(-1, 4)),
    "a ballot fewer among the places used": ("ballots", lambda f: f["places.json"].pop(0)),
    "places that no ballot can have used": (
        "ballots",
        lambda f: f["poll.json"]["rules"].update(proposal_limit=1),
    ),
    "a blank ballot where none is allowed": (
        "ballots",
        lambda f: f["poll.json"]["rules"].update(blank_allowed=False),
    ),
    "the order of the places used": ("ballots", lambda f: f["places.json"].reverse()),
    "places fewer than were chosen": ("ballots", fewer_places),
    "one place more than proposals were made": (
        "write-ins",
        lambda f: f["places.json"].__setitem__(0, 1),
    ),
    "the ruling of a proposal": (
        "write-ins",
        lambda f: write_in(f, "加装电梯").update(ruling="alone", reason=""),
    ),
    "the text of a proposal": (
        "write-ins",
        lambda f: write_in(f, "加装电梯").update(title="加装扶梯"),
    ),
    "a refusal without its reason": (
        "write-ins",
        lambda f: write_in(f, "加装电梯").update(reason=""),
    ),
    "where a proposal was merged into": (
        "votes",
        lambda f: write_in(f, "把候选项目4做大").update(into="5"),
    ),
    "a proposal merged into itself": (
        "write-ins",
        lambda f: write_in(f, "新建公共停车场").update(into=write_in(f, "新建公共停车场")["key"]),
    ),
    "how many ballots name a proposal": (
        "write-ins",
        lambda f: write_in(f, "新建停车场").update(ballots=7),
    ),
    "a proposal left out": ("write-ins", lambda f: f["write_ins.json"].pop()),
    "how many were present": (
        "turnout",
        lambda f: f["result.json"]["figures"]["turnout"].update(present=10, issued=10),
    ),
    "how many were blank": (
        "turnout",
        lambda f: f["result.json"]["figures"]["turnout"].update(blank=0),
    ),
    "a vote moved from one project to another": ("votes", move_a_vote),
    "the votes of the last": ("votes", lambda f: item(f, "6").update(votes=1)),
    "the doubles": ("votes", lambda f: f["result.json"]["figures"].update(doubles=0)),
    "an item left out of the result": (
        "votes",
        lambda f: f["result.json"]["figures"]["items"].pop(),
    ),
    "the majority line": ("ranks", lambda f: f["result.json"]["figures"].update(needed=4)),
    "an outcome": ("ranks", lambda f: item(f, "3").update(outcome="adopted")),
    "a rank": ("ranks", lambda f: item(f, "2").update(rank=1)),
    "a tie that is denied": ("ranks", break_the_tie),
    "a percentage": ("ranks", lambda f: item(f, "1").update(share_of_all="99.9")),
    "the places left": ("ranks", lambda f: f["result.json"]["figures"].update(places_left=0)),
    "an identity that does not hold": (
        "identities",
        lambda f: f["result.json"]["figures"]["checks"][0].update(left=0),
    ),
    "the checksum": ("digest", lambda f: f["result.json"].update(digest="0" * 64)),
    "the votes that the journal has of the count": (
        "digest",
        lambda f: edit_journal(f, "counted", lambda body: body["data"]["votes"].pop()),
    ),
    "the figures of another poll": (
        "digest",
        lambda f: f["result.json"]["figures"]["poll"].update(year=1999),
    ),
    "a confirmation by the one who counted": (
        "people",
        lambda f: edit_journal(
            f,
            "confirmed",
            lambda body: body.update(by=json.loads(f["journal.json"][0]["body"])["by"]),
        ),
    ),
    "a stranger who confirms": (
        "signers",
        lambda f: edit_journal(f, "confirmed", lambda body: body.update(by="ghost")),
    ),
    "an office that nobody gave": (
        "signers",
        strip_groups,
    ),
    "a second signature by a stranger": (
        "signers",
        lambda f: edit_journal(f, "canvass-closed", lambda body: body.update(second="ghost")),
    ),
    "a canvass that two of the office have closed": (
        "signers",
        lambda f: edit_journal(
            f,
            "canvass-closed",
            lambda body: body.update(by=body["second"], second=body["by"] + "2"),
        ),
    ),
    "a place filled by a decision that nobody signed": (
        "decision",
        lambda f: edit_journal(
            f, "published", lambda body: body["data"]["projects"][0].__setitem__(2, "decision")
        ),
    ),
    "the confirmation left out": ("people", lambda f: drop_from_journal(f, "confirmed")),
    "the publication left out": ("state", lambda f: drop_from_journal(f, "published")),
    "the confirmation and all after it cut off": ("state", lambda f: cut_before(f, "confirmed")),
    "a state that there is not": ("state", lambda f: f["poll.json"].update(phase="甲")),
    "a state before that of the record": (
        "state",
        lambda f: f["poll.json"].update(phase="confirmed"),
    ),
    "an archiving that is not on record": (
        "state",
        lambda f: f["poll.json"].update(is_archived=True),
    ),
    "a reveal that is not on record": (
        "state",
        lambda f: edit_journal(f, "published", lambda body: body["data"].update(at_once=False)),
    ),
}
# What a forger cannot cover up by recomputing checksum and chain, because another record tells.
BEYOND_COVER = {
    name for name, (code, _change) in MANIPULATIONS.items() if code not in {"journal", "digest"}
}


@pytest.mark.parametrize("name", MANIPULATIONS)
def test_a_manipulation_is_found_by_its_name(proof, name):
    code, change = MANIPULATIONS[name]
    files = proof.files
    change(files)

    assert code in wrong(packed(files))


@pytest.mark.parametrize("name", sorted(BEYOND_COVER))
def test_a_manipulation_is_found_though_checksum_and_chain_were_made_anew(proof, name):
    code, change = MANIPULATIONS[name]
    files = proof.files
    change(files)
    cover_up(files)

    assert code in wrong(packed(files))


def total(files: Files, number: int, **change: int) -> None:
    """Change how many are for or against a candidate in the totals."""
    row = files["totals.json"]["candidates"][number - 1]
    row[1] += change.get("votes", 0)
    row[2] += change.get("against", 0)


MANIPULATIONS_OF_TOTALS: dict[str, tuple[str, Callable[[Files], Any]]] = {
    "a valid ballot more": ("marks", lambda f: f["totals.json"].update(valid=9)),
    "a ballot declared invalid": ("marks", lambda f: f["totals.json"].update(valid=7, invalid=1)),
    "a vote more in the totals": ("votes", lambda f: total(f, 5, votes=1)),
    "a vote against where none can be": ("ballots", lambda f: total(f, 5, against=1)),
    "more votes than ballots": ("ballots", lambda f: total(f, 1, votes=9)),
    "fewer votes than none": ("ballots", lambda f: total(f, 6, votes=-1)),
    "more marks than places": ("ballots", lambda f: f["poll.json"]["rules"].update(places=1)),
    "a candidate left out of the totals": (
        "ballots",
        lambda f: f["totals.json"]["candidates"].pop(),
    ),
    "more blank ballots than can be": (
        "turnout",
        lambda f: f["result.json"]["figures"]["turnout"].update(blank=4),
    ),
    "a ballot beside the totals": ("manifest", lambda f: f.update({"ballots.json": []})),
}


@pytest.mark.parametrize("name", MANIPULATIONS_OF_TOTALS)
def test_a_manipulation_of_the_totals_is_found_by_its_name(proof, name):
    code, change = MANIPULATIONS_OF_TOTALS[name]
    files = unpacked(proof.today)
    change(files)
    cover_up(files)

    assert code in wrong(packed(files))


def test_totals_that_only_the_box_contradicts_fail_level_b(proof):
    files = unpacked(proof.today)
    # A proposal that was merged into candidate 4 said to be on a ballot that had ticked it as well.
    total(files, 4, votes=-1)

    assert "opened" in wrong(packed(files), proof.shares)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "columns", [{}, {"proposals": "advisory", "blank_allowed": False}, {"form": "each"}]
)
def test_no_package_leads_from_a_proposal_to_its_ballot(columns):
    """Two votes alike but for the ballot that a proposal stands on give the same package."""
    told = []
    for author in (0, 1):
        with undone():
            stage = make_stage(delegates=3, candidates=4, places=3, **columns)
            for place, chosen in enumerate([(1,), (2, 3), (4,)]):
                proposals = ["新建停车场"] if place == author else []
                stage.cast(place, selection(*chosen, proposals=proposals))
            publish_count(stage)
            files = unpacked(package.full_package(stage.poll).content)
        figures = files["result.json"]["figures"]
        figures.pop("salt")
        figures.pop("poll")
        told.append([files["totals.json"], files["write_ins.json"], figures, sorted(files)])

    assert told[0] == told[1]


@pytest.mark.django_db
def test_where_every_place_must_be_filled_no_short_ballot_tells_who_proposed():
    stage = make_stage(delegates=3, candidates=4, places=3, choice_rule="exactly")
    stage.cast(0, selection(1, 2, proposals=["新建停车场"]))
    stage.cast(1, selection(2, 3, 4))
    stage.cast(2, selection(1, 3, 4))
    publish_count(stage)

    files = unpacked(package.full_package(stage.poll).content)

    assert not {"ballots.json", "places.json"} & files.keys()
    assert files["totals.json"]["candidates"] == [[1, 2, 0], [2, 2, 0], [3, 2, 0], [4, 2, 0]]
    assert wrong(packed(files), stage.shares) == set()


@pytest.mark.django_db
def test_where_nobody_proposed_anything_each_ballot_is_listed():
    stage = make_stage(delegates=2, candidates=3, places=2)
    stage.cast(0, selection(1, 2))
    stage.cast(1, selection())
    publish_count(stage)

    files = unpacked(package.full_package(stage.poll).content)

    assert [row["chosen"] for row in files["ballots.json"]] == [[1, 2], []]
    assert files["places.json"] == [0, 2]
    assert "totals.json" not in files


def test_a_file_that_differs_from_the_manifest_is_found(proof):
    with zipfile.ZipFile(io.BytesIO(proof.full)) as archive:
        texts = {name: archive.read(name) for name in archive.namelist()}
    texts["roll.json"] += b"\n"

    assert wrong(zipped(texts)) == {"manifest"}


PUBLIC_MANIPULATIONS: dict[str, tuple[str, Callable[[Files], Any]]] = {
    "a receipt taken off the list": ("root", lambda f: f["receipts.json"].pop()),
    "a receipt invented": (
        "root",
        lambda f: f["receipts.json"].append("f" * 64),
    ),
    "the title of a candidate": MANIPULATIONS["the title of a candidate"],
    "the number of places": MANIPULATIONS["the number of places"],
    "an outcome": MANIPULATIONS["an outcome"],
    "the checksum": MANIPULATIONS["the checksum"],
    "an entry cut out of the journal": MANIPULATIONS["an entry cut out of the journal"],
    "the publication cut off": ("state", lambda f: cut_before(f, "published")),
    "the digest of the holders": (
        "key",
        lambda f: f["poll.json"]["box"].update(holders="0" * 64),
    ),
    "the hash of an entry held back": (
        "journal",
        lambda f: next(row for row in f["journal.json"] if row["body"] is None).update(
            hash="1" * 64
        ),
    ),
}


def test_a_public_package_of_before_that_lost_its_publication_is_found(proof):
    files = unpacked(proof.public)
    for name in ("phase", "is_revealed", "is_archived"):
        del files["poll.json"][name]
    assert wrong(packed(files)) == set()

    cut_before(files, "published")

    assert wrong(packed(files)) == {"state"}


# --- the number that people wrote down ------------------------------------------------------------


def numbers(files: Files) -> list[str]:
    """The 核对号 of each entry, as the pages show it."""
    return [chain.check_number(row["hash"]) for row in files["journal.json"]]


def test_the_last_number_of_the_record_is_printed_and_found_again(proof, tmp_path, capsys):
    last = numbers(proof.files)[-1]

    _status, text = say(proof.full, tmp_path, capsys)
    assert f"末条核对号 {last}，" in text
    assert "没有给出当场记下的核对号（--head 核对号）" in text

    status, text = say(proof.full, tmp_path, capsys, "--head", last)
    assert status == 0
    assert "✓ 当场记下的核对号在操作记录中（head）" in text
    assert "--head" not in text


def test_a_number_of_an_earlier_moment_says_how_many_entries_came_after_it(proof, tmp_path, capsys):
    wide = numbers(proof.files)[-3].translate(str.maketrans("0123456789 ", "０１２３４５６７８９-"))

    status, text = say(proof.public, tmp_path, capsys, "--head", wide)

    assert status == 0
    assert "操作记录最后2条是否完整" in text


@pytest.mark.parametrize("kind", ["full", "public"])
def test_a_record_made_anew_is_found_by_the_number_that_was_written_down(
    proof, tmp_path, capsys, kind
):
    files = unpacked(getattr(proof, kind))
    written = numbers(files)
    cut_before(files, "published")
    files["poll.json"].update(phase="confirmed", is_revealed=False)
    content = packed(files)
    if kind == "full":
        assert wrong(content) == set()

    status, text = say(content, tmp_path, capsys, "--head", written[3], "--head", written[-1])

    assert status == 1
    assert f"✗ 当场记下的核对号在操作记录中（head）：{written[-1]} 不在操作记录中" in text


@pytest.mark.parametrize("typed", ["", "1234", "甲" * 16, "1" * 10_000])
def test_what_is_no_number_is_said_to_be_none(proof, tmp_path, capsys, typed):
    status, text = say(proof.full, tmp_path, capsys, f"--head={typed}")

    assert status == 1
    assert "核对号应为16位数字" in text


@pytest.mark.parametrize("name", PUBLIC_MANIPULATIONS)
def test_a_manipulation_of_the_public_package_is_found_by_its_name(proof, name):
    code, change = PUBLIC_MANIPULATIONS[name]
    files = unpacked(proof.public)
    change(files)

    assert code in wrong(packed(files))


# --- level B --------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_places_that_only_the_box_contradicts_pass_level_a_and_fail_level_b():
    stage = make_stage(delegates=3, candidates=4, places=3)
    stage.cast(0, selection(1, proposals=["新建停车场"]))
    stage.cast(1, selection(1, 2))
    stage.close()
    stage.open_box()
    rule(stage.poll)
    stage.count()
    files = unpacked(singly(stage))
    assert files["places.json"] == [2, 2]

    # The same sum, and as legal: the proposal on the other ballot.
    files["places.json"] = [1, 3]

    assert wrong(packed(files)) == set()
    assert wrong(packed(files), stage.shares) == {"opened"}


# --- 赞成, 反对, 弃权 on each project -----------------------------------------------------------------


@pytest.fixture(scope="module")
def proof_of_each(django_db_setup: None, django_db_blocker: Any) -> Proof:
    with django_db_blocker.unblock(), undone():
        return proof_of(hold_a_vote(show_votes=True, form="each"))


def test_who_proposes_what_joins_a_project_is_not_counted_against_it(proof_of_each):
    files = proof_of_each.files

    marked = [ballot for ballot in files["ballots.json"] if 4 in ballot["against"]]
    figures = item(files, "4")

    assert len(marked) == 3
    assert (figures["votes"], figures["against"], figures["abstained"]) == (3, 2, 3)
    assert wrong(proof_of_each.full, proof_of_each.shares) == set()


def oppose(files: Files, number: int | str, change: int) -> None:
    """Publish other figures of 反对 that add up with 弃权 all the same."""
    figures = item(files, str(number))
    figures["against"] += change
    figures["abstained"] -= change


def mark(files: Files, **marks: Any) -> None:
    """Let one published ballot, with three marks of 赞成, have other marks."""
    ballot = next(row for row in files["ballots.json"] if row["chosen"] == [1, 2, 3])
    ballot.update(marks)
    files["ballots.json"].sort(key=chain.canonical)


MANIPULATIONS_OF_EACH: dict[str, tuple[str, Callable[[Files], Any]]] = {
    "one against more": ("votes", lambda f: oppose(f, 5, 1)),
    "one against less": ("votes", lambda f: oppose(f, 6, -1)),
    "more against less than merging can take away": ("votes", lambda f: oppose(f, 4, -2)),
    "none against less where merging took one away": ("ranks", lambda f: oppose(f, 4, 4)),
    "a proposal opposed": ("ranks", lambda f: oppose(f, write_in(f, "新建停车场")["key"], 1)),
    "against what one is for": ("ballots", lambda f: mark(f, against=[3])),
    "against what is not listed": ("ballots", lambda f: mark(f, against=[99])),
    "against out of order": ("ballots", lambda f: mark(f, against=[6, 5])),
    "against twice": ("ballots", lambda f: mark(f, against=[6, 6])),
    "a mark against left out": ("votes", lambda f: mark(f, against=[])),
    "a blank ballot more": (
        "turnout",
        lambda f: f["result.json"]["figures"]["turnout"].update(blank=2),
    ),
    "ballots with doubles more": (
        "votes",
        lambda f: f["result.json"]["figures"].update(doubled=9),
    ),
    "a vote against more that merging turned": (
        "votes",
        lambda f: f["result.json"]["figures"].update(turned=5),
    ),
    "a proposal more that was merged": (
        "votes",
        lambda f: f["result.json"]["figures"].update(merged=9),
    ),
    "a mark more": ("votes", lambda f: f["result.json"]["figures"].update(marks=99)),
    "another form": ("rules", lambda f: f["poll.json"]["rules"].update(form="choose")),
}


@pytest.mark.parametrize("name", MANIPULATIONS_OF_EACH)
def test_a_manipulation_of_what_is_against_is_found_though_it_was_covered_up(proof_of_each, name):
    code, change = MANIPULATIONS_OF_EACH[name]
    files = proof_of_each.files
    change(files)
    cover_up(files)

    assert code in wrong(packed(files))


def test_a_ballot_that_only_ticks_has_nothing_against(proof):
    files = proof.files
    mark(files, against=[4])
    cover_up(files)

    assert "ballots" in wrong(packed(files))


def test_what_merging_took_from_the_against_is_exact_only_with_the_box_open(
    proof_of_each, tmp_path, capsys
):
    files = proof_of_each.files
    oppose(files, 4, 1)
    assert wrong(packed(files)) >= {"votes"}, "the votes that merging turned no longer fit"
    files["result.json"]["figures"]["turned"] -= 1
    cover_up(files)

    assert wrong(packed(files)) == set()
    assert wrong(packed(files), proof_of_each.shares) == {"recount"}
    _status, text = say(proof_of_each.full, tmp_path, capsys)
    assert "只核对了上下限" in text


@pytest.mark.django_db
def test_how_many_ballots_are_blank_is_exact_only_with_the_box_open():
    stage = make_stage(delegates=4, candidates=4, places=2, form="each")
    for place, ballot in enumerate(
        [selection(against=[1]), selection(), selection(proposals=["新建停车场"])]
    ):
        stage.cast(place, ballot)
    stage.close()
    stage.open_box()
    rule(stage.poll)
    stage.count()
    files = unpacked(package.full_package(stage.poll).content)
    turnout = files["result.json"]["figures"]["turnout"]
    assert turnout["blank"] == 1
    assert wrong(packed(files), stage.shares[:3]) == set()

    # That the one against something has the proposal, and not the one without a mark.
    turnout["blank"] = 2
    cover_up(files)

    assert wrong(packed(files)) == set()
    assert wrong(packed(files), stage.shares[:3]) == {"recount"}


@pytest.mark.django_db
def test_a_ballot_against_everything_uses_no_place_and_is_not_blank():
    stage = make_stage(delegates=4, candidates=3, places=2, form="each", blank_allowed=False)
    stage.cast(0, selection(against=[1, 2, 3]))
    stage.cast(1, selection(1, 2))
    stage.close()
    stage.open_box()
    stage.count()
    content = package.full_package(stage.poll).content

    assert wrong(content, stage.shares[:3]) == set()
    # With its marks taken away it would be a blank ballot, which this poll does not take.
    files = unpacked(content)
    for row in files["ballots.json"]:
        row["against"] = []
    files["ballots.json"].sort(key=chain.canonical)
    assert "ballots" in wrong(packed(files))


@pytest.mark.django_db
def test_who_must_fill_every_place_cannot_be_against_alone():
    stage = make_stage(delegates=4, candidates=4, places=2, form="each", choice_rule="exactly")
    stage.cast(0, selection(1, 2, against=[3, 4]))
    stage.cast(1, selection())
    stage.close()
    stage.open_box()
    stage.count()
    content = package.full_package(stage.poll).content
    assert wrong(content, stage.shares[:3]) == set()

    files = unpacked(content)
    next(row for row in files["ballots.json"] if not row["chosen"])["against"] = [4]
    files["ballots.json"].sort(key=chain.canonical)

    assert "ballots" in wrong(packed(files))


@pytest.mark.django_db
def test_a_server_that_swaps_opened_ballots_passes_level_a_and_fails_level_b(monkeypatch):
    honest = unsealing._opened

    def swapped(*args: Any) -> Any:
        for ballot in honest(*args):
            yield ballot._replace(chosen=[5, 6]) if ballot.chosen == [1, 2, 3] else ballot

    monkeypatch.setattr(unsealing, "_opened", swapped)
    stage = hold_a_vote()

    content = package.full_package(stage.poll).content

    assert wrong(content) == set()
    assert wrong(content, stage.shares[:3]) == {"opened", "recount"}


@pytest.mark.django_db
def test_a_server_that_swaps_proposals_fails_level_b(monkeypatch):
    honest = unsealing.distinct

    def renamed(poll: Poll, contents: Any) -> Any:
        found = honest(poll, contents)
        for write_in in found.values():
            write_in.title = write_in.title.replace("加装电梯", "加装路灯")
        return found

    monkeypatch.setattr(unsealing, "distinct", renamed)
    stage = make_stage(delegates=3, candidates=3)
    stage.cast(0, selection(1, proposals=["加装电梯"]))
    stage.close()
    stage.open_box()
    stage.count()

    content = package.full_package(stage.poll).content

    assert wrong(content) == set()
    assert "proposed" in wrong(content, stage.shares[:3])


def test_any_three_shares_open_and_their_order_does_not_matter(db):
    stage = hold_a_vote()
    content = package.full_package(stage.poll).content

    assert wrong(content, [stage.shares[4], stage.shares[0], stage.shares[2]]) == set()
    assert wrong(content, stage.shares) == set()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda shares: shares[:2], "需要3份，只有2份可用"),
        (lambda shares: [shares[0], shares[0], shares[1]], "第2份重复"),
        (lambda shares: [*shares[:2], shares[2][:-6] + "0" + shares[2][-5:]], ""),
        (lambda shares: [*shares[:2], "甲" * 32], "第3份不是密钥份额"),
        (lambda shares: [*shares[:2], "0" * 32], "第3份与生成密钥时记录的校验值不符"),
    ],
    ids=["too few", "twice", "a slip in the checksum", "no share", "a forged share"],
)
def test_a_share_that_does_not_belong_is_named(proof, change, words):
    found = findings(proof.full, change(proof.shares))
    shares = next(finding for finding in found if finding.code == "shares")

    # The last groups of a share are its checksum, which the commitment makes needless here.
    assert words in "；".join(shares.faults)
    assert bool(shares.faults) == bool(words)


def test_a_copied_envelope_is_found(proof):
    files = proof.files
    files["sealed.json"].insert(1, files["sealed.json"][0])

    assert "envelopes" in wrong(packed(files), proof.shares)


def test_an_envelope_that_does_not_open_is_found(proof):
    files = proof.files
    reseal(files, 0, sealed_bytes(files, 0)[:-1] + b"?")

    assert {"envelopes", "opened"} <= wrong(packed(files), proof.shares)


def test_the_public_package_cannot_be_opened(proof):
    assert wrong(proof.public, proof.shares) == {"shares"}


# --- whatever it is given -------------------------------------------------------------------------


def test_the_command_says_what_it_checked_and_what_it_could_not(proof, tmp_path, capsys):
    status, text = say(proof.full, tmp_path, capsys)

    assert status == 0
    assert "✓ 操作记录首尾相接、未经改动（journal）" in text
    assert "演练，不计票" in text
    assert "须用密钥份额开启" in text
    assert "核对通过：未开启密封票。" in text


def test_the_command_opens_the_box_with_a_file_of_shares(proof, tmp_path, capsys):
    (tmp_path / "shares.txt").write_text("\n".join([*proof.shares, "", ""]))

    status, text = say(proof.full, tmp_path, capsys, "--shares", str(tmp_path / "shares.txt"))

    assert status == 0
    assert "核对通过：已开启密封票比对。" in text


def test_the_command_names_what_is_wrong_and_returns_one(proof, tmp_path, capsys):
    files = proof.files
    files["roll.json"][0]["name"] = "另一人"

    status, text = say(packed(files), tmp_path, capsys)

    assert status == 1
    assert "✗ 代表名册与开始投票时一致（roll）：与开始投票时记录的校验值不符" in text
    assert text.rstrip().endswith("核对不通过：roll")


def test_level_b_prints_no_single_ballot(proof, tmp_path, capsys):
    files = proof.files
    files["ballots.json"][-1].update(chosen=[5, 6])
    (tmp_path / "shares.txt").write_text("\n".join(proof.shares))

    _status, text = say(packed(files), tmp_path, capsys, "--shares", str(tmp_path / "shares.txt"))

    assert "公布的表决票有1张不在票箱中，票箱中有1张没有公布（" not in text
    assert not any(row["receipt"] in text for row in files["sealed.json"])
    assert "[5, 6]" not in text


def test_it_runs_on_a_bare_python_without_cryptography(proof, tmp_path):
    (tmp_path / "F.zip").write_bytes(proof.full)
    (tmp_path / "shares.txt").write_text("\n".join(proof.shares))
    # -I -S: no site-packages, no environment. The one file is all that a scrutineer needs.
    command = [sys.executable, "-I", "-S", str(ROOT / "ballots/verifier.py"), "F.zip"]
    environment = {"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"}

    bare = subprocess.run(command, cwd=tmp_path, capture_output=True, env=environment)
    opening = subprocess.run(
        [*command, "--shares", "shares.txt"], cwd=tmp_path, capture_output=True, env=environment
    )

    assert (bare.returncode, bare.stderr) == (0, b"")
    assert opening.returncode == 1
    assert "cryptography" in opening.stdout.decode()


def test_it_prints_on_a_terminal_that_knows_no_chinese(proof, tmp_path):
    (tmp_path / "F.zip").write_bytes(proof.full)

    done = subprocess.run(
        [sys.executable, "-m", "ballots.verifier", str(tmp_path / "F.zip")],
        cwd=ROOT,
        capture_output=True,
        env={"PATH": os.environ["PATH"], "PYTHONIOENCODING": "ascii"},
    )

    assert (done.returncode, done.stderr) == (0, b"")


def test_a_forged_text_cannot_drive_the_terminal(proof, tmp_path, capsys):
    files = proof.files
    files["poll.json"]["meeting"] = "\x1b[2J\ud800核对通过"

    status, text = say(packed(files), tmp_path, capsys)

    assert status == 1
    assert "\x1b" not in text


def test_a_zip_bomb_is_refused_unread(tmp_path, capsys):
    bomb = zipped({"poll.json": b" " * (verifier.UNPACKED_LIMIT + 1)})

    status, text = say(bomb, tmp_path, capsys)

    assert status == 1
    assert "解压后过大" in text


# --- a package of any size ------------------------------------------------------------------------

LISTS = ["roll.json", "sealed.json", "ballots.json", "places.json"]
LAYOUTS: dict[str, Callable[[Any], str]] = {
    "one line": lambda rows: json.dumps(rows, separators=(",", ":")),
    "a row a line": lambda rows: "[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n",
    "indented, as packages were once": lambda rows: json.dumps(rows, indent=1) + "\n",
    "blanks everywhere": lambda rows: " \t[ \r\n" + " , ".join(map(json.dumps, rows)) + "\n\n] ",
}


def texts_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def with_lists(content: bytes, lists: dict[str, bytes]) -> bytes:
    """Put other bytes in the place of some of the files, with a manifest that fits them."""
    texts = texts_of(content) | lists
    manifest = json.loads(texts.pop("manifest.json"))
    manifest["files"] = {name: hashlib.sha256(text).hexdigest() for name, text in texts.items()}
    return zipped(texts | {"manifest.json": json.dumps(manifest).encode()})


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("piece", [1, 7, verifier.PIECE])
def test_a_list_is_read_whatever_its_layout_and_wherever_it_is_cut(
    proof, monkeypatch, layout, piece
):
    monkeypatch.setattr(verifier, "PIECE", piece)
    lists = {name: LAYOUTS[layout](proof.files[name]).encode() for name in LISTS}

    assert wrong(with_lists(proof.full, lists), proof.shares) == set()


@pytest.mark.parametrize(
    "text",
    [
        *(
            b"",
            b" ",
            b"[",
            b"[1",
            b"[1,",
            b"[1,]",
            b"[,1]",
            b"[1 2]",
            b"[1]]",
            b"[1] 2",
            b"1",
            b"{}",
        ),
        *(b"[1]\xff", b"[1]\xe7", b"\xef\xbb\xbf[1]", b"[01]", b"[1][2]", b"[[1]", b'["1]'),
        *(b"[" * 100_000, b"[" + b"1" * 5_000 + b"]"),
    ],
)
def test_what_is_no_list_is_refused_wherever_it_is_cut(proof, monkeypatch, text):
    monkeypatch.setattr(verifier, "PIECE", 2)

    with pytest.raises(verifier.Unreadable):
        verifier.read(io.BytesIO(with_lists(proof.full, {"places.json": text})))


def test_the_digits_of_a_number_are_read_on_in_the_next_piece(proof, monkeypatch):
    monkeypatch.setattr(verifier, "PIECE", 3)
    content = with_lists(proof.full, {"places.json": b"[0,123456,1234567]"})

    assert verifier.read(io.BytesIO(content)).published.used == {0: 1, 123456: 1, 1234567: 1}


@pytest.mark.parametrize("bomb", [b" ", b"[", b"[0,", b'[{"x":"', b"1"])
def test_a_row_that_never_ends_is_not_held(proof, bomb):
    content = with_lists(proof.full, {"sealed.json": b"[" + bomb + b" " * 20 * 1024 * 1024})

    with measured() as peak, pytest.raises(verifier.Unreadable):
        verifier.read(io.BytesIO(content))

    assert peak() < 12 * 1024 * 1024


@contextmanager
def measured() -> Iterator[Callable[[], int]]:
    """Measure how much memory Python holds at most, in bytes beside what there was."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    try:
        yield lambda: tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def of_size(proof: Proof, ballots: int) -> bytes:
    """Return a package that says it has so many ballots, each of the size of its box."""
    files = proof.files
    size = files["poll.json"]["box"]["ballot_size"] + verifier.OVERHEAD
    chance = random.Random(4)
    edit_journal(files, "closed", lambda body: body["data"].update(ballots=ballots))
    edit_journal(files, "opened", lambda body: body["data"].update(on_roll=ballots))
    person = files["roll.json"][0]
    files["roll.json"] = [person | {"number": f"{number:06}"} for number in range(ballots)]
    files["ballots.json"] = [{"chosen": [1, 2], "against": [], "invalid": ""}] * ballots
    files["places.json"] = [2] * ballots
    files["sealed.json"] = [
        {
            "receipt": f"{number:064x}",
            "sealed": base64.b64encode(chance.randbytes(size)).decode(),
        }
        for number in range(ballots)
    ]
    return packed(files)


def test_memory_does_not_grow_with_the_ballots(proof):
    peaks = []
    for ballots in (300, 1_500):
        content = of_size(proof, ballots)
        with measured() as peak:
            read = verifier.read(io.BytesIO(content))
            assert (read.receipts.count, read.published.valid) == (ballots, ballots)
            assert list(verifier.level_a(read))
            # One place a ballot that is not that of its receipt, and one number a person.
            peaks.append(peak() - 200 * ballots)

    assert peaks[1] < peaks[0] + 1024 * 1024


def test_a_package_may_unpack_to_what_its_journal_says_was_cast(proof, monkeypatch):
    content = of_size(proof, 300)
    whole = sum(len(text) for name, text in texts_of(content).items() if name not in LISTS)
    monkeypatch.setattr(verifier, "UNPACKED_LIMIT", whole)

    assert verifier.read(io.BytesIO(content)).receipts.count == 300

    # The same lists under a journal that says of fewer ballots.
    files = unpacked(content)
    edit_journal(files, "closed", lambda body: body["data"].update(ballots=10))
    edit_journal(files, "opened", lambda body: body["data"].update(on_roll=10))
    with pytest.raises(verifier.Unreadable, match="解压后过大"):
        verifier.read(io.BytesIO(packed(files)))


@pytest.mark.parametrize("name", LISTS)
def test_a_list_far_beyond_the_ballots_of_the_journal_is_refused_unread(proof, monkeypatch, name):
    bomb = with_lists(proof.full, {name: b" " * (verifier.UNPACKED_LIMIT + 1024 * 1024)})
    monkeypatch.setattr(verifier, "_read_lists", lambda *_: pytest.fail("it was read"))

    with measured() as peak, pytest.raises(verifier.Unreadable, match="解压后过大"):
        verifier.read(io.BytesIO(bomb))

    assert peak() < 2 * 1024 * 1024


@pytest.mark.parametrize("said", [True, "9", -9, 1.5, None, 10**30, []])
def test_odd_numbers_of_ballots_in_the_journal_are_no_crash(proof, said):
    files = proof.files
    edit_journal(
        files,
        "closed",
        lambda body: body["data"].update(ballots=str(said) if said == 1.5 else said),
    )

    assert "root" in wrong(packed(files))


def test_a_list_that_unpacks_to_more_than_the_zip_states_is_refused(proof, monkeypatch):
    rows = b"[" + b"0," * 10_000_000 + b"0]"
    content = bytearray(with_lists(proof.full, {"places.json": rows}))
    # In the local header and in the directory.
    stated = len(rows).to_bytes(4, "little")
    assert content.count(stated) == 2
    lie = bytes(content.replace(stated, (1_000).to_bytes(4, "little")))

    with measured() as peak, pytest.raises(verifier.Unreadable):
        verifier.read(io.BytesIO(lie))

    assert peak() < 2 * 1024 * 1024


@pytest.fixture
def in_processes(monkeypatch):
    """Let even a small box be opened by several processes, in batches of three envelopes."""
    monkeypatch.setattr(verifier, "WORTH_IT", 0)
    monkeypatch.setattr(verifier, "BATCH", 3)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    started = []

    def pool(*arguments: Any, **options: Any) -> Any:
        started.append(arguments)
        return ProcessPoolExecutor(*arguments, **options)

    monkeypatch.setattr(verifier, "ProcessPoolExecutor", pool)
    return started


def test_a_large_box_is_opened_by_several_processes(proof, in_processes):
    assert wrong(proof.full, proof.shares) == set()
    assert in_processes


def test_a_copy_is_found_though_another_process_opens_it(proof, in_processes):
    files = proof.files
    files["sealed.json"].append(files["sealed.json"][0])

    found = findings(packed(files), proof.shares)

    assert in_processes
    [envelopes] = [each for each in found if each.code == "envelopes"]
    assert envelopes.faults == ("1张密封票无效（repeated）",)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_whose_blocks_cannot_be_bounded_is_refused_unread(tmp_path, capsys, method):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("poll.json", "{}")

    status, text = say(out.getvalue(), tmp_path, capsys)

    assert status == 1
    assert "压缩方式无法识别" in text


def test_a_file_that_is_not_there_is_a_sentence_and_not_a_traceback(tmp_path, capsys):
    status = verifier.main([str(tmp_path / "nowhere.zip")])

    assert status == 1
    assert "无法读取文件" in capsys.readouterr().out


@pytest.mark.parametrize(
    "texts",
    [
        {},
        {"manifest.json": b"{}"},
        {"manifest.json": b"\xff"},
        {"manifest.json": b"[" * 100_000},
        {"poll.json": b"{}", "surprise.txt": b""},
        {"manifest.json": b'{"format":"yiwu-vote-package/1","package":"full","files":{}}'},
        {"manifest.json": b'{"format":"yiwu-vote-package/9","package":"full","files":{}}'},
    ],
    ids=["empty", "bare", "not text", "deep", "strange", "nothing in it", "another version"],
)
def test_what_is_no_package_is_refused(tmp_path, capsys, texts):
    status, text = say(zipped(texts), tmp_path, capsys)

    assert status == 1
    assert text.rstrip().endswith("核对不通过：package")


@given(st.binary(max_size=400))
def test_random_bytes_are_refused(content):
    with pytest.raises(verifier.Unreadable):
        verifier.read(io.BytesIO(content))


@given(st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_zip_is_refused_or_found(proof, data):
    content = bytearray(proof.public)
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))

    with suppress(verifier.Unreadable):
        list(verifier.level_a(verifier.read(io.BytesIO(bytes(content)))))


ODD: list[Any] = [None, True, False, 0, -1, 2**70, 1.5, "", "甲", "\ud800", [], {}, [[]], "0" * 64]


@pytest.mark.parametrize("kind", ["full", "public"])
def test_odd_json_anywhere_is_refused_or_found_and_never_a_crash(proof, kind, capsys):
    """Put odd values in the place of others; the verifier must come to a verdict each time.

    Whether each is found is the question of the manipulations above: a few values, such as the
    number of a category, are proved by nothing.
    """
    chance = random.Random(7)
    source = proof.full if kind == "full" else proof.public
    for _ in range(150):
        files = unpacked(source)
        name = chance.choice(sorted(files))
        spoil(files[name], chance)
        try:
            read = verifier.read(io.BytesIO(packed(files)))
        except verifier.Unreadable:
            continue
        found = [*verifier.level_a(read), *verifier.level_b(read, proof.shares)]
        for line in verifier.report(read, found, opened=False):
            verifier.say(line)


def spoil(value: Any, chance: random.Random) -> None:
    """Replace or remove one value somewhere inside `value`."""
    while True:
        keys = list(value) if isinstance(value, dict) else range(len(value))
        if not keys:
            return
        key = chance.choice(list(keys))
        inner = value[key]
        if isinstance(inner, dict | list) and inner and chance.random() < 0.8:
            value = inner
            continue
        if chance.random() < 0.2:
            del value[key]
        else:
            value[key] = chance.choice(ODD)
        return


# --- the count, by another road -------------------------------------------------------------------

ROUNDS = 10_000


@dataclass(frozen=True)
class Round:
    """One random vote: its rules, its ballots with the keys of their write-ins, and the rulings."""

    rules: Rules
    candidates: list[int]
    rulings: dict[str, tuple[str, str]]
    ballots: list[tuple[list[int], list[int], list[str]]]
    roll: int


def random_round(chance: random.Random) -> Round:
    candidates = list(range(1, chance.randint(1, 9)))
    keys = [f"推{n}" for n in range(1, chance.randint(1, 5))]
    rules = Rules(
        places=chance.randint(1, 6),
        form=chance.choice(["choose", "each"]),
        proposals=chance.choice(["counted", "counted", "advisory"]),
        majority=chance.choice(["all", "present", "valid", "none"]),
        delegates_total=chance.randint(12, 15),
    )
    ballots = []
    for _ in range(chance.randint(0, 12)):
        written = chance.sample(keys, chance.randint(0, min(3, len(keys), rules.places)))
        room = rules.places - (len(written) if rules.proposals == "counted" else 0)
        ticked = chance.sample(candidates, chance.randint(0, min(room, len(candidates))))
        others = [number for number in candidates if number not in ticked]
        against = chance.sample(others, chance.randint(0, len(others)))
        if rules.form == "choose":
            against = []
        ballots.append((sorted(ticked), sorted(against), sorted(written)))
    return Round(rules, candidates, random_rulings(chance, candidates, keys), ballots, 12)


def random_rulings(
    chance: random.Random, candidates: list[int], keys: list[str]
) -> dict[str, tuple[str, str]]:
    rulings: dict[str, tuple[str, str]] = {}
    for place, key in enumerate(keys):
        targets = {"alone": [""], "refused": [""]}
        if candidates:
            targets["into-project"] = [str(number) for number in candidates]
        if place:
            targets["into-write-in"] = keys[:place]
        kind = chance.choice(list(targets))
        rulings[key] = (kind, chance.choice(targets[kind]))
    return rulings


def counted_by_us(this: Round) -> tuple[Tally, Turnout]:
    """Count as the application does: merge, then tally."""

    def place(key: str) -> str | None:
        kind, into = this.rulings[key]
        if kind == "into-write-in":
            return place(into)
        return {"alone": key, "into-project": into}.get(kind)

    counts = this.rules.proposals == "counted"
    places = {key: place(key) for key in this.rulings} if counts else {}
    papers = [
        paper(chosen=ticked, against=no, write_ins=written if counts else (), rulings=places)
        for ticked, no, written in this.ballots
    ]
    alone = [key for key, (kind, _into) in this.rulings.items() if kind == "alone" and counts]
    items = [str(number) for number in this.candidates] + alone
    turnout = Turnout(roll=this.roll, present=this.roll, issued=this.roll, voted=len(papers))
    return tally(papers, items=items, rules=this.rules, turnout=turnout), turnout


def merged_in(this: Round, mentions: Counter[str]) -> int:
    """Return how many mentions stand on candidates in the end, followed from ruling to ruling."""

    def end(key: str) -> str:
        kind, into = this.rulings[key]
        return end(into) if kind == "into-write-in" else kind

    if this.rules.proposals != "counted":
        return 0
    return sum(count for key, count in mentions.items() if end(key) == "into-project")


def as_package(this: Round, result: Tally, turnout: Turnout) -> verifier.Package:
    """Write the round down as a package would, with the application's figures."""
    total = this.rules.delegates_total or 0
    mentions = Counter(key for _ticked, _no, written in this.ballots for key in written)
    figures = {
        "turnout": {"present": turnout.present, "valid": result.valid, "blank": result.blank},
        "needed": result.needed,
        "places": result.places,
        "candidates": len(this.candidates),
        "proposals": mentions.total(),
        "merged": merged_in(this, mentions),
        "proposed_items": sum(1 for kind, _into in this.rulings.values() if kind == "alone"),
        "items": [
            {
                "item": line.item,
                "title": f"项目{line.item}",
                "source": "proposal" if line.item.startswith("推") else "candidate",
                "rank": line.rank,
                "shared": line.shared,
                "votes": line.votes,
                "against": line.against,
                "abstained": line.abstained,
                "share_of_valid": percent(line.votes, result.valid),
                "share_of_all": percent(line.votes, total),
                "majority": line.votes >= result.needed,
                "outcome": line.outcome,
            }
            for line in result.standings
        ],
        "places_left": result.places_left,
        "shortfall": result.shortfall,
        "marks": result.marks,
        "doubles": result.doubles,
        "doubled": result.doubled,
        "refused": result.refused,
        "turned": result.turned,
    }
    parsed = {
        "poll.json": {
            "candidates": [[number, f"项目{number}", "", []] for number in this.candidates],
            "rules": {
                "places": this.rules.places,
                "form": this.rules.form,
                "proposals": this.rules.proposals,
                "majority": this.rules.majority,
                "delegates_total": total,
            },
        },
        "write_ins.json": [
            {
                "key": key,
                "title": f"项目{key}",
                "detail": "",
                "unit": "",
                "ruling": kind,
                "into": into,
                "ballots": mentions[key],
            }
            for key, (kind, into) in this.rulings.items()
        ],
        "result.json": {"figures": figures},
    }
    package = verifier.Package("full", {}, parsed, [], zipfile.ZipFile(io.BytesIO(), "w"))
    for ticked, no, _written in this.ballots:
        row = {"chosen": ticked, "against": no, "invalid": ""}
        package.published.add(row, package.terms)
    return package


def opened(this: Round, package: verifier.Package) -> verifier.Contents:
    box = verifier.Contents(package)
    for ticked, no, written in this.ballots:
        proposals = tuple((f"项目{key}", "", "") for key in written)
        box.add(
            verifier.Opened(reason="", chosen=tuple(ticked), against=tuple(no), proposals=proposals)
        )
    return box


def counted_otherwise(package: verifier.Package, box: verifier.Contents) -> list[str]:
    return [
        *verifier.check_votes(package),
        *verifier.check_ranks(package),
        *verifier.compare_votes(package, box),
    ]


def test_the_verifier_and_the_application_count_ten_thousand_votes_alike():
    chance = random.Random(59)
    for _ in range(ROUNDS):
        this = random_round(chance)
        package = as_package(this, *counted_by_us(this))

        assert counted_otherwise(package, opened(this, package)) == [], this


def test_a_single_vote_more_or_less_is_never_overlooked_by_the_exact_count():
    chance = random.Random(60)
    for _ in range(500):
        this = random_round(chance)
        package = as_package(this, *counted_by_us(this))
        if not package.figures["items"]:
            continue
        changed = chance.choice(["votes", "against"])
        chance.choice(package.figures["items"])[changed] += chance.choice([-1, 1])

        assert list(verifier.compare_votes(package, opened(this, package))), this


# --- in English -----------------------------------------------------------------------------------


def sentences() -> set[str]:
    """What the verifier can say in Chinese: each text of its code, with {} for what is put in."""
    tree = ast.parse(Path(verifier.__file__).read_text())
    parts = {
        part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values
    }
    quoted = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    said = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            said.add(
                "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "{}"
                    for part in node.values
                )
            )
        elif isinstance(node, ast.Constant) and node not in parts | quoted:
            said.add(str(node.value))
    return {text for text in said if re.search("[\u4e00-\u9fff]", text)}


# Parts of sentences, what is no sentence, and the help, which is in both languages.
NOT_SAID = {
    "中文 / English",
    "公开",
    "监票",
    "推{}",
    "，至多少{}票",
    "{}年 {}（{}数据包）",
    "{} 反对应为{}票",
}


def test_each_sentence_of_the_verifier_has_its_english():
    without = {
        said
        for said in sentences() - NOT_SAID
        if re.search("[\u4e00-\u9fff]", verifier.in_english(said.replace("{}", "7")))
        and not re.search("[a-z]{3} [a-z]", said)
    }

    assert without == set()


def test_what_is_put_into_a_sentence_stays_in_its_english():
    for said, english in verifier.ENGLISH.items():
        assert said.count("{}") == english.count("{}"), said


def test_the_report_is_in_english_where_that_is_asked_for(proof, tmp_path, capsys):
    files = unpacked(proof.today)
    files["roll.json"][0]["name"] = "Zhang San"
    files["poll.json"]["meeting"] = "Meeting"

    status, text = say(packed(files), tmp_path, capsys, "--lang", "en")

    assert status == 1
    assert "✗ the roll is as at the opening（roll）：not what the opening recorded" in text
    assert "NOT in order: poll、roll" in text
    assert not re.search("[\u4e00-\u9fff]", text.replace("核对号", ""))


def test_a_forged_text_is_not_matched_for_ever():
    said = "甲 应为" * 100_000

    assert verifier.in_english(said) == said
