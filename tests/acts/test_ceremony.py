"""The key of the box: who makes it, when it may be made, and that the server cannot open it."""

from base64 import b64encode
from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from ballots import journal, triggers
from ballots.acts import ceremony, lifecycle
from ballots.facts import kept, preflight
from ballots.models import BallotBox, JournalEntry
from ballots.pure import chain, sealing, shares
from ballots.refusal import Refused
from projects.models import Poll
from tests.helpers.factories import (
    Stage,
    make_office,
    make_poll,
    make_scrutineer,
    make_staff,
    make_stage,
    move_by_force,
    selection,
)
from tests.helpers.refusals import error_of
from tests.helpers.secrecy import where

pytestmark = pytest.mark.django_db

FIVE = ["保管人甲", "保管人乙", "保管人丙", "保管人丁", "保管人戊"]


def make_key(poll: Poll, *, by: User, holders: list[str] = FIVE, threshold: int = 3) -> list[str]:
    return [
        sheet.text for sheet in ceremony.make_key(poll, holders=holders, threshold=threshold, by=by)
    ]


def mistyped(text: str) -> str:
    return text[:-1] + ("0" if text[-1] != "0" else "1")


# What may be typed that opens nothing: made of the five shares and of one that nobody was given;
# then the code and the place (from 1) of the share that is named.
WRONG: dict[str, tuple[Callable[[list[str], str], list[str]], str, int]] = {
    "none": (lambda texts, stranger: [], "too-few", 0),
    "two": (lambda texts, stranger: texts[:2], "too-few", 0),
    "one twice": (lambda texts, stranger: [texts[0], texts[0], texts[1]], "repeated", 2),
    "mistyped": (lambda texts, stranger: [texts[0], mistyped(texts[1]), texts[2]], "mistyped", 2),
    "cut short": (lambda texts, stranger: [*texts[:2], texts[2][:-4]], "length", 3),
    "a stranger": (lambda texts, stranger: [stranger, *texts[1:3]], "foreign", 1),
    "one too many": (lambda texts, stranger: [*texts[:3], stranger], "foreign", 4),
}
each_wrong = pytest.mark.parametrize(("typed", "code", "position"), WRONG.values(), ids=WRONG)


def stranger(poll: Poll) -> str:
    """Return a share that is well formed, of this very poll and ceremony, and of another key."""
    return shares.to_text(shares.Share(1, bytes(16)), poll=poll.uuid, ceremony=1)


# --- making a key ---------------------------------------------------------------------------------


@pytest.mark.parametrize("make_one", [make_office, make_scrutineer])
def test_office_and_scrutineers_make_a_key_and_get_one_sheet_a_holder(make_one):
    poll = make_poll()

    sheets = ceremony.make_key(poll, holders=FIVE, threshold=3, by=make_one())

    assert [sheet.holder for sheet in sheets] == FIVE
    assert len({sheet.text for sheet in sheets}) == 5
    made = BallotBox.objects.get()
    assert (made.poll, made.ceremony, made.threshold, made.holders) == (poll, 1, 3, FIVE)
    assert made.suite == sealing.SUITE
    assert made.tested_at is None
    assert len(made.commitments) == 5


def test_any_three_of_five_open_and_no_two_do():
    poll, office = make_poll(), make_office()
    texts = make_key(poll, by=office)

    for three in combinations(texts, 3):
        assert ceremony.recover_key(poll, three).public == bytes(poll.box.public_key)
        assert ceremony.recover_key(poll, three[::-1]).public == bytes(poll.box.public_key)
    for two in combinations(texts, 2):
        with pytest.raises(Refused) as refusal:
            ceremony.recover_key(poll, two)
        assert refusal.value.code == "too-few"
    assert ceremony.recover_key(poll, texts)


@pytest.mark.parametrize(
    ("threshold", "holders", "allowed"),
    [
        (0, 3, False),
        (1, 2, False),
        (1, 5, False),
        (2, 2, False),
        (2, 3, True),
        (3, 4, False),
        (3, 5, True),
        (3, 15, True),
        (3, 16, False),
        (8, 15, True),
        (9, 15, False),
    ],
)
def test_a_few_lost_shares_never_lock_the_box_and_no_one_opens_it_alone(
    threshold, holders, allowed
):
    poll, office = make_poll(), make_office()
    names = [f"保管人{n}" for n in range(holders)]

    if allowed:
        assert len(make_key(poll, by=office, holders=names, threshold=threshold)) == holders
    else:
        refusal = error_of(ceremony.make_key, poll, holders=names, threshold=threshold, by=office)
        assert refusal.code == "threshold"


@pytest.mark.parametrize(
    "holders",
    [
        ["保管人甲", "保管人乙", "保管人甲"],
        ["保管人甲", "保管人乙", " 保管人甲 "],
        ["保管人甲", "保管人乙", " "],
        ["保管人甲", "保管人乙", ""],
    ],
)
def test_each_share_has_a_holder_of_its_own(holders):
    refusal = error_of(
        ceremony.make_key, make_poll(), holders=holders, threshold=2, by=make_office()
    )

    assert refusal.code == "holders"


@pytest.mark.parametrize(("threshold", "holders"), [(2, 3), (3, 5), (1, 1), (1, 3), (2, 2)])
def test_the_simple_way_is_two_holders_of_whom_either_opens(threshold, holders):
    poll, office = make_poll(simple=True), make_office()

    refusal = error_of(
        ceremony.make_key, poll, holders=FIVE[:holders], threshold=threshold, by=office
    )
    texts = make_key(poll, by=office, holders=FIVE[:2], threshold=1)

    assert refusal.code == "threshold"
    for text in texts:
        assert ceremony.recover_key(poll, [text]).public == bytes(poll.box.public_key)


@pytest.mark.parametrize("twin", ["保管人 甲", "保管人甲\u200b", "保管人·甲"])
def test_two_holders_whose_names_look_alike_are_one(twin):
    poll, office = make_poll(), make_office()

    refusal = error_of(
        ceremony.make_key, poll, holders=["保管人甲", twin, "丙"], threshold=2, by=office
    )

    assert refusal.code == "holders"


def test_in_the_simple_way_the_clerk_holds_no_share():
    poll, clerk = make_poll(simple=True), make_office("zhangsan")
    clerk.last_name, clerk.first_name = "张", "三"
    clerk.save()

    # Case 47: whichever of the two names comes first, and whatever parts them.
    for name in ("张三", "张 三", "张·三", clerk.get_full_name(), "zhangsan", " zhangsan "):
        refusal = error_of(
            ceremony.make_key, poll, holders=["保管人甲", name], threshold=1, by=clerk
        )
        assert refusal.code == "clerk-holds"


def test_staff_without_an_office_and_a_superuser_make_and_test_no_key():
    stage = make_stage(open_it=False)
    for by in (make_staff(), User.objects.create_superuser("root", password="x")):
        made = error_of(ceremony.make_key, stage.poll, holders=FIVE, threshold=3, by=by)
        tested = error_of(ceremony.test_key, stage.poll, texts=stage.shares[:3], by=by)
        assert (made.code, tested.code) == ("not-staff", "not-staff")


@pytest.mark.parametrize("phase", [phase for phase in Poll.Phase if phase != Poll.Phase.DRAFT])
def test_once_the_poll_has_opened_no_key_is_made_or_tested(phase):
    stage = make_stage(open_it=False)
    poll = move_by_force(stage.poll, phase)

    made = error_of(ceremony.make_key, poll, holders=FIVE, threshold=3, by=stage.office)
    tested = error_of(ceremony.test_key, poll, texts=stage.shares[:3], by=stage.office)

    assert (made.code, tested.code) == ("not-draft", "not-draft")


# --- testing it -----------------------------------------------------------------------------------


def test_a_poll_does_not_open_before_its_key_was_tested():
    stage = make_stage(open_it=False)
    BallotBox.objects.update(tested_at=None)

    with pytest.raises(Refused) as refusal:
        lifecycle.open_poll(stage.poll, by=stage.office)
    assert refusal.value.code == "incomplete"

    ceremony.test_key(stage.poll, texts=stage.shares[2:], by=stage.scrutineer)
    lifecycle.open_poll(stage.poll, by=stage.office)


@each_wrong
def test_a_test_that_fails_names_the_share_that_is_wrong_and_changes_nothing(typed, code, position):
    stage = make_stage(open_it=False)
    BallotBox.objects.update(tested_at=None)
    texts = typed(stage.shares, stranger(stage.poll))

    refusal = error_of(ceremony.test_key, stage.poll, texts=texts, by=stage.scrutineer)

    assert (refusal.code, refusal.position) == (code, position)
    assert BallotBox.objects.get().tested_at is None


@each_wrong
def test_wrong_shares_leave_a_closed_box_closed(typed, code, position):
    stage = make_stage()
    stage.cast(0, selection(1))
    poll = stage.close()
    texts = typed(stage.shares, stranger(poll))

    refusal = error_of(lifecycle.open_box, poll, texts=texts, by=stage.scrutineer)

    assert (refusal.code, refusal.position) == (code, position)
    poll.refresh_from_db()
    assert poll.phase == Poll.Phase.CLOSED
    assert not poll.ballots.exists()


def test_a_box_without_a_key_cannot_be_tested():
    refusal = error_of(ceremony.test_key, make_poll(), texts=["x"], by=make_scrutineer())

    assert refusal.code == "no-key"


def test_shares_that_make_another_key_than_the_boxs_open_nothing():
    stage = make_stage(open_it=False)
    other = make_poll()
    make_key(other, by=stage.office)
    swap_key(stage.poll, bytes(other.box.public_key))

    refusal = error_of(ceremony.test_key, stage.poll, texts=stage.shares[:3], by=stage.scrutineer)

    assert refusal.code == "wrong-key"


def swap_key(poll: Poll, public_key: bytes, **columns: Any) -> None:
    """Put another key into the box, as whoever writes to the database may: the triggers are lifted."""
    triggers.lift(connection)
    BallotBox.objects.filter(poll=poll).update(public_key=public_key, **columns)
    triggers.install(connection)


def foreign_key(poll: Poll) -> bytes:
    return sealing.derive(sealing.new_seed(), poll=poll.uuid).public


@pytest.mark.parametrize("columns", [{}, {"ceremony": 2}])
def test_a_poll_does_not_open_with_another_key_than_its_ceremony_made(columns):
    """H3: in a draft, after the test, while the checklist says ✓."""
    stage = make_stage(open_it=False)
    swap_key(stage.poll, foreign_key(stage.poll), **columns)

    assert error_of(lifecycle.open_poll, stage.poll, by=stage.office).code == "incomplete"


def test_with_another_key_in_the_box_no_ballot_is_taken_and_nothing_opened_until_it_is_put_right():
    """H3, while people vote: also in a process that has learnt the right key before."""
    stage = make_stage(delegates=3)
    right = bytes(stage.poll.box.public_key)
    stage.cast(0, selection(1))
    for forget in (lambda: None, kept._frozen.cache_clear):
        forget()
        swap_key(stage.poll, foreign_key(stage.poll))
        assert error_of(stage.cast, 1, selection(1)).code == "key-changed"
        stage.poll.refresh_from_db()
        named = [finding.text for finding in preflight.changes_since_opening(stage.poll)]
        assert any("票箱公钥" in text for text in named)
    stage.close()
    refusal = error_of(lifecycle.open_box, stage.poll, texts=stage.shares, by=stage.office)
    assert refusal.code == "key-changed"

    swap_key(stage.poll, right)
    stage.open_box()
    assert stage.poll.ballots.filter(invalid="").count() == 1


def test_once_the_key_is_put_right_ballots_are_taken_again():
    stage = make_stage(delegates=2)
    right = bytes(stage.poll.box.public_key)
    swap_key(stage.poll, foreign_key(stage.poll))
    assert error_of(stage.cast, 0, selection(1)).code == "key-changed"

    swap_key(stage.poll, right)

    stage.cast(0, selection(1))


def test_making_testing_and_opening_put_the_same_key_on_record_and_sheets_bear_its_signs():
    stage = make_stage(open_it=False)
    sheets = ceremony.make_key(stage.poll, holders=FIVE, threshold=3, by=stage.office)
    texts = [sheet.text for sheet in sheets]
    ceremony.test_key(stage.poll, texts=texts[:3], by=stage.scrutineer)
    stage.poll.refresh_from_db()
    poll = lifecycle.open_poll(stage.poll, by=stage.office)

    digest = sealing.key_digest(bytes(poll.box.public_key))
    for kind in ("key-made", "key-tested", "opened"):
        assert poll.journal.filter(kind=kind).latest("seq").data["public_key"] == digest
    assert {sheet.key.replace("-", "") for sheet in sheets} == {digest[:16]}
    assert poll.box.key_code == sheets[0].key


def test_of_a_real_poll_a_scrutineer_signs_the_test_and_of_a_rehearsal_nobody_need():
    """M7: one clerk alone could else make a key and keep it."""
    real = make_stage(kind=Poll.Kind.MAIN, open_it=False)
    texts = real.shares[:3]

    for second in (None, real.office, make_office()):
        refusal = error_of(ceremony.test_key, real.poll, texts=texts, by=real.office, second=second)
        assert refusal.code == "second-needed"
    ceremony.test_key(real.poll, texts=texts, by=real.office, second=real.scrutineer)
    assert real.poll.journal.latest("seq").second == real.scrutineer
    ceremony.test_key(real.poll, texts=texts, by=real.chief)

    rehearsal = make_stage(open_it=False)
    ceremony.test_key(rehearsal.poll, texts=rehearsal.shares[:3], by=rehearsal.office)


def test_a_new_key_voids_the_old_shares_and_the_old_test():
    stage = make_stage(open_it=False)
    poll, office = stage.poll, stage.office
    old = bytes(poll.box.public_key)

    fresh = make_key(poll, by=office)

    poll.box.refresh_from_db()
    assert (poll.box.ceremony, poll.box.tested_at) == (2, None)
    assert bytes(poll.box.public_key) != old
    refusal = error_of(ceremony.test_key, poll, texts=stage.shares[:3], by=office)
    assert (refusal.code, refusal.position) == ("foreign", 1)
    refusal = error_of(ceremony.test_key, poll, texts=[*fresh[:2], stage.shares[2]], by=office)
    assert (refusal.code, refusal.position) == ("foreign", 3)
    ceremony.test_key(poll, texts=fresh[:3], by=office)
    lifecycle.open_poll(poll, by=office)


def test_shares_of_another_poll_open_nothing_here():
    stage = make_stage(open_it=False)
    texts = make_key(make_poll(), by=stage.office)

    refusal = error_of(ceremony.test_key, stage.poll, texts=texts[:3], by=stage.office)

    assert (refusal.code, refusal.position) == ("foreign", 1)


def test_a_key_made_anew_between_two_polls_of_one_day_serves_its_own_poll_only():
    stage = make_stage()
    stage.cast(0, selection(1))
    other = make_poll(kind=Poll.Kind.REHEARSAL)
    texts = make_key(other, by=stage.office)
    stage.close()

    refusal = error_of(lifecycle.open_box, stage.poll, texts=texts[:3], by=stage.scrutineer)

    assert refusal.code == "foreign"


# --- what stays on the server ---------------------------------------------------------------------


def all_that_opens(stage: Stage, seed: bytes) -> list[str | bytes]:
    """Return the seed and the shares in each way they could have been written down."""
    poll, texts = stage.poll, stage.shares
    values = [shares.from_text(text, poll=poll.uuid, ceremony=1).value for text in texts]
    raw = [seed, *values]
    return [
        *texts,
        *["".join(filter(str.isalnum, text)) for text in texts],
        *raw,
        *map(b64encode, raw),
        *[str(int.from_bytes(value, "big")) for value in raw],
    ]


def test_the_server_keeps_nothing_that_opens_the_box(monkeypatch):
    seed = sealing.new_seed()
    monkeypatch.setattr(sealing, "new_seed", lambda: seed)
    stage = make_stage()
    stage.cast(0, selection(1))

    assert where(*all_that_opens(stage, seed)) == set()
    stage.close()
    stage.open_box()

    assert where(*all_that_opens(stage, seed)) == set()
    # And the search does find what stands there.
    assert where(bytes(stage.poll.box.public_key)) == {"ballots_ballotbox.public_key"}


def test_the_journal_has_the_commitments_and_no_share():
    poll, scrutineer = make_poll(), make_scrutineer("li")
    texts = make_key(poll, by=scrutineer)
    ceremony.test_key(poll, texts=texts[1:4], by=scrutineer)

    named, made, tested = JournalEntry.objects.order_by("seq")
    assert [named.kind, made.kind, tested.kind] == ["holders-named", "key-made", "key-tested"]
    assert (made.by, tested.by) == (scrutineer, scrutineer)
    for text, commitment in zip(texts, poll.box.commitments, strict=True):
        share = shares.from_text(text, poll=poll.uuid, ceremony=1)
        assert shares.commitment(share, poll=poll.uuid, ceremony=1) == commitment
        assert commitment in made.body
        assert text not in made.body + tested.body
        assert share.value.hex() not in made.body + tested.body
    assert named.data["holders"] == FIVE
    assert made.data["holders"] == chain.digest("holders", chain.canonical(named.data))
    assert not any(name in made.body for name in FIVE)
    assert journal.first_broken(poll) is None


def test_every_ceremony_is_in_the_journal():
    poll, office = make_poll(), make_office()
    for _ in range(3):
        make_key(poll, by=office)

    bodies = JournalEntry.objects.filter(kind="key-made").values_list("body", flat=True)

    assert [f'"ceremony":{n}' in body for n, body in enumerate(bodies, start=1)] == [True] * 3
    assert BallotBox.objects.get().ceremony == 3
