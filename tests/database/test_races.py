"""Races: a ballot against another, against the close, and two people who press the same button."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from threading import Event
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from ballots import journal
from ballots.acts import (
    amending,
    canvass,
    cards,
    casting,
    ceremony,
    delegates,
    drafts,
    lifecycle,
    roll,
    sign_in,
)
from ballots.acts.casting import Receipt
from ballots.acts.paper import issuing
from ballots.facts.frozen import looked_at
from ballots.models import (
    AccessCard,
    BallotBox,
    Delegate,
    Envelope,
    JournalEntry,
    RollEntry,
    SealedBallot,
)
from ballots.pure import card_code, sealing
from ballots.refusal import Refused
from projects import importing, locks
from projects.admin import ProjectAdmin
from projects.candidate_table import Candidate
from projects.models import Poll
from tests.helpers import papers
from tests.helpers.desk import desk_of, fields_of
from tests.helpers.factories import (
    Stage,
    make_delegates,
    make_office,
    make_poll,
    make_stage,
    present_on,
    selection,
    set_closing_time,
    stage_beside,
)
from tests.helpers.races import (
    ON_POSTGRESQL,
    PATIENCE,
    Race,
    at_once,
    codes,
    stop_in,
    without_the_lock,
)

pytestmark = pytest.mark.django_db(transaction=True)


def cast(stage: Stage, place: int, *, token: str = "", chosen: int = 1) -> Callable[[], Receipt]:
    """Return a call that casts for the delegate at `place`, all looked up beforehand."""
    poll, card = Poll.objects.get(pk=stage.poll.pk), stage.card(place)
    return lambda: casting.cast_ballot(
        poll=poll, card=card, selection=selection(chosen), token=token or casting.new_token()
    )


# --- one delegate ---------------------------------------------------------------------------------


def test_of_fifty_casts_at_once_one_is_accepted_and_the_others_are_told_so():
    stage = make_stage(delegates=1)

    outcomes = at_once(*[cast(stage, 0, chosen=n % 12 + 1) for n in range(50)])

    (receipt,) = [outcome for outcome in outcomes if isinstance(outcome, Receipt)]
    refusals = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert codes(outcomes) == {"ok": 1, "already-voted": 49}
    assert {refusal.at for refusal in refusals} == {receipt.submitted_at}
    assert Envelope.objects.get().code == receipt.code


def test_fifty_casts_at_once_with_one_token_get_one_receipt_and_make_one_row():
    stage = make_stage(delegates=1)

    outcomes = at_once(*[cast(stage, 0, token="mine") for _ in range(50)])

    assert codes(outcomes) == {"ok": 50}
    assert len(set(outcomes)) == 1
    assert Envelope.objects.count() == 1


def test_wrong_codes_at_once_are_all_counted():
    stage = make_stage(delegates=1)
    number = stage.issued[0].code[:4]
    wrong = card_code.new_code(number)

    outcomes = at_once(*[lambda: sign_in.card_by_code(wrong) for _ in range(4)])

    assert codes(outcomes) == {"unknown": 4}
    assert Delegate.objects.get().failures == 4


# --- many casts against the close -----------------------------------------------------------------


def another_poll(stage: Stage) -> Poll:
    """Return another open rehearsal with the people, cards and public key of `stage`."""
    with transaction.atomic():
        poll = make_poll(candidates=1, kind=Poll.Kind.REHEARSAL, delegates_total=50)
        RollEntry.objects.bulk_create(present_on(poll, person) for person in stage.delegates)
        model = stage.poll.box
        BallotBox.objects.create(
            poll=poll,
            suite=model.suite,
            public_key=bytes(model.public_key),
            threshold=3,
            holders=model.holders,
            commitments=model.commitments,
            made_at=timezone.now(),
            ballot_size=1024,
        )
        # By it each cast knows the key again.
        on_record = {"public_key": sealing.key_digest(bytes(model.public_key))}
        for kind in (journal.Kind.KEY_MADE, journal.Kind.OPENED):
            journal.append(poll, kind, by=stage.office, data=on_record)
        Poll.objects.filter(pk=poll.pk).update(phase=Poll.Phase.OPEN, opened_at=timezone.now())
    poll.refresh_from_db()
    return poll


def race_against_the_close(stage: Stage, held: list[AccessCard], *, after: int) -> int:
    """Let some cast, and the others while it is closed; return how many ballots were sealed."""
    poll = another_poll(stage)
    acknowledged: list[str] = []
    enough = Event()

    def cast_with(place: int, card: AccessCard) -> None:
        if place >= after:
            assert after == 0 or enough.wait(PATIENCE)
            # Some come a moment before the close, some behind it, whatever the machine.
            time.sleep(0.004 * place)
        receipt = casting.cast_ballot(
            poll=poll, card=card, selection=selection(1), token=casting.new_token()
        )
        acknowledged.append(receipt.code)
        if len(acknowledged) >= after:
            enough.set()

    def close() -> Poll:
        assert after == 0 or enough.wait(PATIENCE)
        return lifecycle.close_poll(poll, by=stage.office)

    *casts, closed = at_once(*[partial(cast_with, *one) for one in enumerate(held)], close)

    assert isinstance(closed, Poll), closed
    assert set(codes(casts)) <= {"ok", "closed"}
    sealed = set(SealedBallot.objects.filter(poll=poll).values_list("code", flat=True))
    assert sealed == set(acknowledged)
    assert RollEntry.objects.filter(poll=poll, voted=True).count() == len(sealed)
    assert not Envelope.objects.filter(poll=poll).exists()
    body = JournalEntry.objects.get(poll=poll, kind="closed").body
    assert f'"ballots":{len(sealed)},' in body
    return len(sealed)


@pytest.mark.parametrize("races", [24, pytest.param(100, marks=pytest.mark.long)])
def test_in_every_race_the_close_takes_every_acknowledged_ballot_and_none_comes_later(races):
    stage = make_stage(delegates=6)
    held = [stage.card(place) for place in range(6)]

    sealed = Counter(race_against_the_close(stage, held, after=n % 6) for n in range(races))

    # Races that all end alike would show nothing.
    assert len(sealed) >= 3, sealed


# --- staged races ---------------------------------------------------------------------------------


def loss(stage: Stage, answer: Any) -> str:
    """Return what went wrong for a cast that answered `answer`; nothing if all is well."""
    if not isinstance(answer, Receipt):
        return "" if isinstance(answer, Refused) else type(answer).__name__
    sealed = SealedBallot.objects.filter(poll=stage.poll, code=answer.code).exists()
    return "" if sealed else "an acknowledged ballot is lost"


def close_amid_a_cast(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """Let the cast see an open poll and stop; then close; then let the cast go on."""
    race = Race()
    stop_in(race, monkeypatch, sealing, "receipt")
    return race.play(cast(stage, 0), lambda: lifecycle.close_poll(stage.poll, by=stage.office))


def cast_amid_the_close(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """Let the close read the envelopes and stop; then cast; then let the close go on."""
    race = Race()
    stop_in(race, monkeypatch, lifecycle, "_strip", after=True)
    return race.play(lambda: lifecycle.close_poll(stage.poll, by=stage.office), cast(stage, 0))


# These tests exist to ensure that the two after them can fail. If they fail, those prove nothing. On
# SQLite they cannot be staged: cast and close hold the one write lock as soon as they have written,
# in every mode, and the cast writes before it looks.
KINDS = pytest.mark.parametrize("kind", ["act", "cast", ""])


@pytest.mark.postgresql
@KINDS
def test_without_the_lock_of_either_kind_a_close_amid_a_cast_does_harm(monkeypatch, kind):
    stage = make_stage(delegates=1)
    with without_the_lock(monkeypatch, kind):
        answer, closed = close_amid_a_cast(stage, monkeypatch)

    assert isinstance(closed, Poll)
    # The trigger finds the poll closed: the delegate gets an error where a plain “closed” is due;
    # without the trigger, the ballot is lost.
    assert loss(stage, answer) == "IntegrityError"


@pytest.mark.postgresql
@KINDS
def test_without_the_lock_of_either_kind_a_cast_amid_the_close_loses_a_ballot(monkeypatch, kind):
    stage = make_stage(delegates=1)
    with without_the_lock(monkeypatch, kind):
        closed, answer = cast_amid_the_close(stage, monkeypatch)

    assert isinstance(closed, Poll)
    assert loss(stage, answer) == "an acknowledged ballot is lost"


@pytest.mark.postgresql
def test_of_two_casts_of_one_delegate_side_by_side_the_second_waits_for_the_mark(monkeypatch):
    stage = make_stage(delegates=1)
    race = Race()
    stop_in(race, monkeypatch, sealing, "receipt")

    answer, late = race.play(cast(stage, 0), cast(stage, 0))

    assert isinstance(answer, Receipt)
    assert codes([late]) == {"already-voted": 1}
    assert late.at == answer.submitted_at
    assert Envelope.objects.get().code == answer.code


# This test exists to ensure that the one before it can fail.
@pytest.mark.postgresql
def test_were_the_mark_asked_for_in_a_sub_query_two_casts_would_pass_and_the_key_refuse(
    monkeypatch,
):
    stage = make_stage(delegates=1)
    elsewhere = "id IN (SELECT id FROM ballots_rollentry WHERE NOT voted)"
    monkeypatch.setattr(casting, "MARK", casting.MARK.replace("NOT voted", elsewhere))
    race = Race()
    stop_in(race, monkeypatch, sealing, "receipt")

    answer, late = race.play(cast(stage, 0), cast(stage, 0))

    assert isinstance(answer, Receipt)
    assert isinstance(late, IntegrityError)
    assert Envelope.objects.get().code == answer.code


# --- casts beside each other, and the close in its turn -------------------------------------------


@pytest.mark.postgresql
def test_a_cast_does_not_wait_for_another_one(monkeypatch):
    stage = make_stage(delegates=2)
    race, receipt = Race(), sealing.receipt
    was_through: list[bool] = []

    def stopping(*args: Any, **kwargs: Any) -> str:
        race.stop_here()
        was_through.append(race.second_is_through.is_set())
        return receipt(*args, **kwargs)

    monkeypatch.setattr(sealing, "receipt", stopping)

    answers = race.play(cast(stage, 0), cast(stage, 1))

    assert codes(list(answers)) == {"ok": 2}
    # The second one asked for its receipt and was not through, the first one when it was.
    assert was_through == [False, True]
    assert Envelope.objects.count() == 2


def waiting() -> int:
    """Return how many connections to this database wait for a lock of ours."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s"
            " AND NOT granted AND database = (SELECT oid FROM pg_database"
            " WHERE datname = current_database())",
            [locks.CLASS],
        )
        count: int = cursor.fetchone()[0]
        return count


@pytest.mark.postgresql
def test_a_close_waits_for_the_casts_that_run_and_later_ones_queue_behind_it(monkeypatch):
    stage = make_stage(delegates=2)
    receipt = sealing.receipt
    casting_now, closing, through = Event(), Event(), Event()

    def until_so_many_wait(count: int) -> None:
        end = time.monotonic() + PATIENCE
        # Whoever is through waits for nothing; the answers below tell what came of it.
        while waiting() < count and not through.is_set():
            assert time.monotonic() < end
            time.sleep(0.01)

    def stopping(*args: Any, **kwargs: Any) -> str:
        if not casting_now.is_set():
            casting_now.set()
            until_so_many_wait(1)
            closing.set()
            until_so_many_wait(2)
        return receipt(*args, **kwargs)

    monkeypatch.setattr(sealing, "receipt", stopping)

    def close() -> Poll:
        assert casting_now.wait(PATIENCE)
        return lifecycle.close_poll(stage.poll, by=stage.office)

    def cast_late() -> Receipt:
        assert closing.wait(PATIENCE)
        try:
            return cast(stage, 1)()
        finally:
            through.set()

    running, closed, late = at_once(cast(stage, 0), close, cast_late)

    assert isinstance(closed, Poll)
    assert loss(stage, running) == ""
    assert codes([running, late]) == {"ok": 1, "closed": 1}


@pytest.mark.postgresql
def test_no_ballot_lands_after_a_close_beside_thirty_two_casting_clients():
    clients, each, before = 32, 6, 48
    stage = make_stage(delegates=clients * each)
    held = list(AccessCard.objects.order_by("pk"))
    acknowledged: list[str] = []
    enough = Event()

    def cast_in_turn(client: int) -> None:
        for card in held[client::clients]:
            receipt = casting.cast_ballot(
                poll=stage.poll, card=card, selection=selection(1), token=casting.new_token()
            )
            acknowledged.append(receipt.code)
            if len(acknowledged) >= before:
                enough.set()

    def close() -> Poll:
        assert enough.wait(PATIENCE)
        return lifecycle.close_poll(stage.poll, by=stage.office)

    *casts, closed = at_once(*[partial(cast_in_turn, client) for client in range(clients)], close)

    assert isinstance(closed, Poll), closed
    assert set(codes(casts)) <= {"ok", "closed"}
    # Closed in the middle of it: else there was no race.
    assert codes(casts)["closed"]
    sealed = list(SealedBallot.objects.values_list("code", flat=True))
    assert sorted(sealed) == sorted(acknowledged)
    assert RollEntry.objects.filter(voted=True).count() == len(sealed)
    assert not Envelope.objects.exists()


@pytest.mark.postgresql
def test_who_waits_too_long_for_a_poll_is_told_busy(monkeypatch):
    """Of both kinds: the time limit of locks holds for ours too."""
    stage = make_stage(delegates=2)
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "options", "-c lock_timeout=100ms")
    inside, done = Event(), Event()

    def hold() -> None:
        with transaction.atomic():
            Poll.objects.locked(stage.poll)
            inside.set()
            assert done.wait(PATIENCE)

    def wait_in_vain(act: Callable[[], Any]) -> Any:
        assert inside.wait(PATIENCE)
        return act()

    def all_wait() -> list[Any]:
        answers = at_once(
            partial(wait_in_vain, cast(stage, 0)),
            partial(wait_in_vain, lambda: lifecycle.close_poll(stage.poll, by=stage.office)),
        )
        done.set()
        return answers

    _held, answers = at_once(hold, all_wait)

    assert [type(answer) for answer in answers] == [OperationalError, OperationalError]
    assert not stage.entry(0).voted


def test_the_close_waits_for_a_cast_that_is_under_way_and_takes_its_ballot(monkeypatch):
    stage = make_stage(delegates=1)

    answer, closed = close_amid_a_cast(stage, monkeypatch)

    assert isinstance(closed, Poll)
    assert isinstance(answer, Receipt)
    assert loss(stage, answer) == ""
    assert stage.entry(0).voted


def test_a_cast_waits_for_a_close_that_is_under_way_and_is_told_that_it_came_late(monkeypatch):
    stage = make_stage(delegates=1)

    closed, answer = cast_amid_the_close(stage, monkeypatch)

    assert isinstance(closed, Poll)
    assert codes([answer]) == {"closed": 1}
    assert not stage.entry(0).voted
    assert not SealedBallot.objects.exists()


def clock() -> datetime:
    """Ask the database for the time of this moment, past our own code; SQLite has none."""
    if not ON_POSTGRESQL:
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment


def later() -> datetime:
    return timezone.now() + timedelta(hours=1)


def move_deadline(stage: Stage) -> Callable[[], Poll]:
    return lambda: amending.move_deadline(
        stage.poll,
        closes_at=later(),
        reason="讨论延长",
        by=stage.office,
        second=stage.scrutineer,
    )


def test_a_cast_that_waits_for_a_later_deadline_is_taken(monkeypatch):
    """Case 31."""
    stage = make_stage(delegates=1)
    set_closing_time(stage.poll, timezone.now())
    race = Race()
    stop_in(race, monkeypatch, journal, "append")

    moved, answer = race.play(move_deadline(stage), cast(stage, 0))

    assert codes([moved, answer]) == {"ok": 2}


# On SQLite the mark waits for the one write lock in every mode.
@pytest.mark.postgresql
def test_without_the_lock_a_cast_amid_the_move_of_a_deadline_is_lost(monkeypatch):
    stage = make_stage(delegates=1)
    set_closing_time(stage.poll, timezone.now())
    race = Race()
    stop_in(race, monkeypatch, journal, "append")

    with without_the_lock(monkeypatch):
        _moved, answer = race.play(move_deadline(stage), cast(stage, 0))

    assert codes([answer]) == {"closed": 1}


def test_a_deadline_is_not_moved_past_a_close_that_is_under_way(monkeypatch):
    stage = make_stage(delegates=1, closes_at=timezone.now() + timedelta(minutes=1))
    race = Race()
    stop_in(race, monkeypatch, journal, "append")

    closed, moved = race.play(
        lambda: lifecycle.close_poll(stage.poll, by=stage.office), move_deadline(stage)
    )

    assert isinstance(closed, Poll)
    assert codes([moved]) == {"voting-over": 1}


def test_a_cast_that_began_before_the_deadline_and_got_the_lock_after_it_is_refused():
    stage = make_stage(delegates=1)
    race = Race()

    def let_the_time_run_out() -> None:
        with transaction.atomic():
            Poll.objects.locked(stage.poll)
            race.stop_here()
            # The cast has begun, and now its time is up.
            set_closing_time(stage.poll, clock())

    _nothing, answer = race.play(let_the_time_run_out, cast(stage, 0))

    assert codes([answer]) == {"closed": 1}
    assert not Envelope.objects.exists()


# --- two people press the same button -------------------------------------------------------------


def until(stage: Stage, *steps: str) -> None:
    ready: dict[str, Callable[[], Any]] = {
        "open": lambda: lifecycle.open_poll(stage.poll, by=stage.office),
        "pause": lambda: lifecycle.pause_poll(stage.poll, reason="停电", by=stage.office),
        "proposal": lambda: stage.cast(0, selection(1, proposals=["夜间公交"])),
        "close": stage.close,
        "open box": stage.open_box,
        "rule": lambda: canvass.rule_each_alone(stage.poll, by=stage.office),
        "canvass": lambda: canvass.close_canvass(
            stage.poll, by=stage.office, second=stage.scrutineer
        ),
        "count": lambda: lifecycle.count_poll(stage.poll, by=stage.office),
        "confirm": lambda: lifecycle.confirm_result(stage.poll, by=stage.scrutineer),
    }
    for step in steps:
        ready[step]()
        stage.poll = Poll.objects.get(pk=stage.poll.pk)


COUNTED = ("open", "proposal", "close", "open box", "rule", "canvass", "count")
PRESSED: dict[str, tuple[tuple[str, ...], str, Callable[[Stage, User], Any]]] = {
    "open": ((), "opened", lambda s, by: lifecycle.open_poll(s.poll, by=by)),
    "pause": (("open",), "paused", lambda s, by: lifecycle.pause_poll(s.poll, reason="x", by=by)),
    "resume": (("open", "pause"), "resumed", lambda s, by: lifecycle.resume_poll(s.poll, by=by)),
    "close": (("open",), "closed", lambda s, by: lifecycle.close_poll(s.poll, by=by)),
    "open box": (
        ("open", "close"),
        "box-opened",
        lambda s, by: lifecycle.open_box(s.poll, texts=s.shares[:3], by=by),
    ),
    "close canvass": (
        COUNTED[:-2],
        "canvass-closed",
        lambda s, by: canvass.close_canvass(s.poll, by=by, second=s.scrutineer),
    ),
    "count": (COUNTED[:-1], "counted", lambda s, by: lifecycle.count_poll(s.poll, by=by)),
    "publish": (
        (*COUNTED, "confirm"),
        "published",
        lambda s, by: lifecycle.publish_result(s.poll, by=by, leave_open=True),
    ),
    "void": (
        ("open",),
        "voided",
        lambda s, by: lifecycle.void_poll(s.poll, reason="x", by=by, second=s.scrutineer),
    ),
}


@pytest.mark.parametrize("step", PRESSED)
def test_of_two_people_who_press_at_once_one_moves_the_poll_and_the_other_is_told(
    step, monkeypatch
):
    before, kind, act = PRESSED[step]
    stage = make_stage(delegates=2, open_it=False)
    other = make_office()
    until(stage, *before)
    race = Race()
    stop_in(race, monkeypatch, journal, "append")

    answer, refused = race.play(lambda: act(stage, stage.office), lambda: act(stage, other))

    assert not isinstance(answer, Exception), answer
    assert codes([refused]) == {"already-closed" if step == "close canvass" else "wrong-phase": 1}
    entry = JournalEntry.objects.get(kind=kind)
    assert entry.by == stage.office
    assert journal.first_broken(stage.poll) is None


def test_two_acts_of_different_kind_at_once_make_an_unbroken_journal():
    stage = make_stage(delegates=8, open_it=False)
    office = stage.office
    numbers = [delegate.number for delegate in stage.delegates]
    roll.mark_absent(stage.poll, numbers=numbers[1:], by=office)
    poll = lifecycle.open_poll(stage.poll, by=office)

    def present(number: str) -> Callable[[], Any]:
        return lambda: roll.mark_present(poll, numbers=[number], by=office)

    def new_card(place: int) -> Callable[[], Any]:
        return lambda: cards.reissue_card(
            stage.delegates[place], reason="遗失", by=office, second=stage.chief
        )

    outcomes = at_once(
        *[present(number) for number in numbers[1:]], *[new_card(place) for place in range(8)]
    )

    assert codes(outcomes) == {"ok": 15}
    assert journal.first_broken(poll) is None
    # Before it: the roll, presence twice, holders, key and test, staff and opening.
    assert poll.journal.count() == 8 + 15


def test_two_keys_made_at_once_are_two_ceremonies_and_the_second_counts():
    stage = make_stage(delegates=1, open_it=False)
    poll, holders = stage.poll, ["甲", "乙", "丙"]

    outcomes = at_once(
        *[
            lambda: ceremony.make_key(poll, holders=holders, threshold=2, by=stage.office)
            for _ in range(2)
        ]
    )

    assert codes(outcomes) == {"ok": 2}
    assert BallotBox.objects.get().ceremony == 3
    texts = [[sheet.text for sheet in sheets[:2]] for sheets in outcomes]
    assert sorted(opens(poll, two) for two in texts) == [False, True]


def opens(poll: Poll, texts: list[str]) -> bool:
    try:
        return bool(ceremony.recover_key(poll, texts))
    except Refused:
        return False


# --- a new card during a cast ---------------------------------------------------------------------


def new_card(stage: Stage) -> Callable[[], Any]:
    delegate = stage.delegates[0]
    return lambda: cards.reissue_card(
        delegate, reason="遗失", by=stage.office, second=stage.scrutineer
    )


def test_a_cast_under_way_is_before_the_new_card(monkeypatch):
    stage = make_stage(delegates=1)
    old = stage.card(0)
    race = Race()
    stop_in(race, monkeypatch, sealing, "receipt")

    answer, issued = race.play(cast(stage, 0), new_card(stage))

    assert isinstance(answer, Receipt)
    assert isinstance(issued, cards.IssuedCard)
    assert Envelope.objects.get().code == answer.code
    old.refresh_from_db()
    assert old.revoked_at is not None


def test_a_cast_with_the_old_card_is_refused_from_the_moment_a_new_one_is_made(monkeypatch):
    stage = make_stage(delegates=1)
    race = Race()
    stop_in(race, monkeypatch, journal, "append")

    issued, answer = race.play(new_card(stage), cast(stage, 0))

    assert isinstance(issued, cards.IssuedCard)
    assert codes([answer]) == {"card-replaced": 1}
    assert not Envelope.objects.exists()
    stage.cast(0, selection(1))


def test_two_new_cards_at_once_leave_one_valid_card():
    stage = make_stage(delegates=1)

    outcomes = at_once(new_card(stage), new_card(stage))

    assert codes(outcomes) == {"ok": 2}
    valid = [card for card in outcomes if sign_in.card_by_token(card.token)]
    assert len(valid) == 1
    assert {card.code[:4] for card in outcomes} == {stage.issued[0].code[:4]}


# --- the opening ----------------------------------------------------------------------------------


def change_the_rules(poll: Poll) -> None:
    """What the form of the rules does when a second clerk saves it."""
    with transaction.atomic():
        Poll.objects.filter(pk=poll.pk).update(majority=Poll.Majority.NONE, places=1)


def test_rules_changed_between_the_look_and_the_press_are_not_opened(monkeypatch):
    """Case 24: clerk B saves other rules while clerk A, who has read the old ones, presses."""
    stage = make_stage(open_it=False)
    looked = looked_at(stage.poll)
    race = Race()
    # A stands under the lock, about to compare; B wants to save.
    stop_in(race, monkeypatch, lifecycle, "looked_at")

    opened, saved = race.play(
        lambda: lifecycle.open_poll(stage.poll, by=stage.office, looked=looked),
        lambda: change_the_rules(stage.poll),
    )

    # B came too late: the poll is open with the rules that A has read.
    poll = Poll.objects.get(pk=stage.poll.pk)
    assert isinstance(opened, Poll)
    assert isinstance(saved, IntegrityError)
    assert (poll.phase, poll.majority, poll.places) == ("open", "all", 10)


@pytest.mark.postgresql
def test_without_its_lock_the_opening_would_open_rules_that_nobody_has_read(monkeypatch):
    stage = make_stage(open_it=False)
    looked = looked_at(stage.poll)
    race = Race()
    stop_in(race, monkeypatch, lifecycle, "looked_at", after=True)

    with without_the_lock(monkeypatch):
        opened, saved = race.play(
            lambda: lifecycle.open_poll(stage.poll, by=stage.office, looked=looked),
            lambda: change_the_rules(stage.poll),
        )

    poll = Poll.objects.get(pk=stage.poll.pk)
    assert (type(opened), saved, poll.phase, poll.majority) == (Poll, None, "open", "none")


def test_rules_saved_before_the_press_are_told_to_whoever_presses(monkeypatch):
    stage = make_stage(open_it=False)
    looked = looked_at(stage.poll)
    change_the_rules(stage.poll)

    outcomes = at_once(lambda: lifecycle.open_poll(stage.poll, by=stage.office, looked=looked))

    assert codes(outcomes) == {"changed-since": 1}


# --- a presence taken back ------------------------------------------------------------------------


def lower(stage: Stage) -> Callable[[], int]:
    return lambda: roll.lower_presence(
        stage.poll,
        numbers=["001"],
        reason="误记",
        by=stage.office,
        second=stage.scrutineer,
    )


def test_a_presence_is_not_taken_back_behind_a_cast_that_is_under_way(monkeypatch):
    """Case 28."""
    stage = make_stage(delegates=2)
    race = Race()
    stop_in(race, monkeypatch, sealing, "receipt")

    answer, lowered = race.play(cast(stage, 0), lower(stage))

    assert isinstance(answer, Receipt)
    assert codes([lowered]) == {"has-voted": 1}
    assert stage.entry(0).present


def test_a_cast_waits_for_the_taking_back_of_a_presence_and_is_told(monkeypatch):
    """Case 28."""
    stage = make_stage(delegates=2)
    race = Race()
    # Nobody has voted yet, as it has just seen; nothing is written.
    stop_in(race, monkeypatch, roll, "_lower")

    lowered, answer = race.play(lower(stage), cast(stage, 0))

    assert lowered == 1
    assert codes([answer]) == {"not-present": 1}
    assert not Envelope.objects.exists()


def hand_out(stage: Stage) -> Callable[[], int]:
    return lambda: papers.issue(stage, 0)


def test_no_paper_is_given_out_behind_a_cast_that_is_under_way(monkeypatch):
    stage = make_stage(delegates=2)
    race = Race()
    stop_in(race, monkeypatch, sealing, "receipt")

    answer, issued = race.play(cast(stage, 0), hand_out(stage))

    assert isinstance(answer, Receipt)
    assert codes([issued]) == {"has-voted": 1}


def test_a_cast_waits_for_the_paper_that_is_given_out_and_is_told(monkeypatch):
    stage = make_stage(delegates=2)
    race = Race()
    stop_in(race, monkeypatch, issuing, "_set_channel")

    issued, answer = race.play(hand_out(stage), cast(stage, 0))

    assert issued == 1
    assert codes([answer]) == {"on-paper": 1}
    assert not Envelope.objects.exists()


# On SQLite the mark waits for the one write lock in every mode.
@pytest.mark.postgresql
@KINDS
def test_without_the_lock_a_presence_is_taken_back_from_somebody_who_votes(monkeypatch, kind):
    stage = make_stage(delegates=2)
    race = Race()
    stop_in(race, monkeypatch, roll, "_lower")

    with without_the_lock(monkeypatch, kind):
        lowered, answer = race.play(lower(stage), cast(stage, 0))

    assert isinstance(answer, Receipt)
    # The trigger keeps the presence of who has voted; whoever pressed gets an error for a sentence.
    assert isinstance(lowered, IntegrityError)


# --- the presence of one meeting -------------------------------------------------------------------


def test_a_presence_is_not_taken_back_behind_a_cast_in_another_poll_of_the_meeting(monkeypatch):
    first = make_stage(delegates=2)
    second = stage_beside(first)
    race = Race()
    stop_in(race, monkeypatch, sealing, "receipt")

    answer, lowered = race.play(cast(second, 0), lower(first))

    assert isinstance(answer, Receipt)
    assert codes([lowered]) == {"has-voted-there": 1}
    assert first.entry(0).present
    assert second.entry(0).present


def come(poll: Poll, office: User) -> Callable[[], int]:
    return lambda: roll.mark_present(poll, numbers=["001"], by=office)


@pytest.mark.parametrize("is_late", [False, True])
def test_nobody_is_missing_on_a_roll_that_is_drawn_up_while_he_comes(monkeypatch, is_late):
    make_delegates(2)
    office, one, other = make_office(), make_poll(), make_poll()
    roll.draw_up_roll(one, by=office)
    draw_up = partial(roll.draw_up_roll, other, by=office)
    race = Race()
    stop_in(race, monkeypatch, roll, "_set_present", after=True)
    if is_late:
        stop_in(race, monkeypatch, roll, "_take_over", after=True)

    acts = (draw_up, come(one, office)) if is_late else (come(one, office), draw_up)
    outcomes = race.play(*acts)

    assert codes(list(outcomes)) == {"ok": 2}
    for poll in (one, other):
        assert list(poll.roll.filter(present=True).values_list("number", flat=True)) == ["001"]
        assert journal.first_broken(poll) is None


def test_nobody_is_missing_in_a_copy_that_is_made_while_he_comes(monkeypatch):
    """The copy is not there yet as he is looked for, and has locked what he is marked in."""
    make_delegates(2)
    office, one = make_office(), make_poll()
    roll.draw_up_roll(one, by=office)
    race = Race()
    stop_in(race, monkeypatch, drafts, "_choose_roll", after=True)

    copied, came = race.play(
        lambda: drafts.copy(one, into=drafts.REAL, by=office), come(one, office)
    )

    assert (came, copied.roll.filter(present=True).count()) == (1, 1)


def test_marking_the_same_people_in_both_polls_at_once_ends():
    """Each takes the locks of both in the order of their keys, whichever it was asked for."""
    make_delegates(8)
    office, one, other = make_office(), make_poll(), make_poll()
    for poll in (one, other):
        roll.draw_up_roll(poll, by=office)
    numbers = list(one.roll.values_list("number", flat=True))

    outcomes = at_once(
        *[
            partial(roll.mark_present, poll, numbers=[number], by=office)
            for number in numbers
            for poll in (one, other)
        ]
    )

    assert codes(outcomes) == {"ok": 16}
    for poll in (one, other):
        assert poll.roll.filter(present=True).count() == 8
        assert poll.journal.filter(kind="presence-marked").count() == 8
        assert journal.first_broken(poll) is None


# --- a status that changes ------------------------------------------------------------------------


def suspend(stage: Stage) -> Callable[[], int]:
    return lambda: delegates.set_status(
        stage.delegates[:1],
        "suspended",
        reason="决定",
        by=stage.office,
        second=stage.scrutineer,
    )


def test_a_cast_under_way_is_before_the_suspension_and_stands(monkeypatch):
    """Case 28."""
    stage = make_stage(delegates=2)
    race = Race()
    stop_in(race, monkeypatch, sealing, "receipt")

    answer, changed = race.play(cast(stage, 0), suspend(stage))

    assert isinstance(answer, Receipt)
    assert changed == 1
    assert stage.entry(0).voted
    assert stage.entry(0).present


def test_a_cast_waits_for_a_suspension_that_is_under_way_and_is_refused(monkeypatch):
    """Case 28."""
    stage = make_stage(delegates=2)
    race = Race()
    stop_in(race, monkeypatch, journal, "append")

    changed, answer = race.play(suspend(stage), cast(stage, 0))

    assert changed == 1
    assert codes([answer]) == {"not-present": 1}
    assert not Envelope.objects.exists()


def test_a_suspension_and_a_new_card_at_once_do_not_lock_each_other_out():
    stage = make_stage(delegates=2)

    outcomes = at_once(suspend(stage), new_card(stage))

    assert codes(outcomes) in ({"ok": 2}, {"ok": 1, "card-not-active": 1})
    assert journal.first_broken(stage.poll) is None


def test_an_opening_waits_for_a_candidate_that_is_being_saved_and_tells_it(monkeypatch):
    """Case 24: else a title could be saved into a poll that has just been opened with another."""
    stage = make_stage(open_it=False)
    desk, looked = desk_of(stage.office), looked_at(stage.poll)
    page = reverse("admin:projects_project_change", args=[stage.poll.projects.get(number=1).pk])
    typed = fields_of(desk.get(page)) | {"title": "另一个名称"}
    race = Race()
    # The row is written, the transaction of the page not over.
    stop_in(race, monkeypatch, ProjectAdmin, "log_change")

    saved, opened = race.play(
        lambda: desk.post(page, typed),
        lambda: lifecycle.open_poll(stage.poll, by=stage.office, looked=looked),
    )

    assert saved.status_code == 302
    assert codes([opened]) == {"changed-since": 1}
    assert Poll.objects.get(pk=stage.poll.pk).phase == Poll.Phase.DRAFT


def test_of_two_tables_of_candidates_at_once_the_second_is_told():
    """Both were compared with the same list; no error page, and one entry on record."""
    poll, office = make_poll(candidates=2), make_office()
    tables = [[Candidate(2, number, f"新增{number}", "新建。")] for number in (3, 4)]
    seen = importing.plan_import(poll, tables[0]).seen

    outcomes = at_once(
        *(partial(drafts.import_candidates, poll, rows, seen=seen, by=office) for rows in tables)
    )

    assert codes(outcomes) == {"ok": 1, "changed": 1}
    assert poll.projects.count() == 3
    assert poll.journal.count() == 1


def test_a_draft_that_is_dropped_while_somebody_opens_it_does_not_open(monkeypatch):
    """Case 32: by two people, with its key; the other press is told."""
    stage = make_stage(delegates=2, open_it=False, kind="main")
    race = Race()
    stop_in(race, monkeypatch, journal, "append")

    dropped, opened = race.play(
        lambda: drafts.drop(stage.poll, by=stage.office, second=stage.chief, reason="误建"),
        lambda: lifecycle.open_poll(stage.poll, by=stage.office),
    )

    assert dropped is None
    assert codes([opened]) == {"wrong-phase": 1}
    assert Poll.objects.get().phase == Poll.Phase.DROPPED
    assert journal.first_broken(stage.poll) is None


def test_whoever_works_on_a_draft_that_is_deleted_meanwhile_is_told(monkeypatch):
    """Case 32: by one person, with nothing on record; no error page for the other."""
    office, poll = make_office(), make_poll()
    race = Race()
    stop_in(race, monkeypatch, journal, "append")

    deleted, drawn_up = race.play(
        lambda: drafts.drop(poll, by=office), lambda: roll.draw_up_roll(poll, by=office)
    )

    assert deleted is None
    assert codes([drawn_up]) == {"gone": 1}
    assert not Poll.objects.exists()


def test_nobody_is_deleted_while_a_roll_is_drawn_up_with_him(monkeypatch):
    office, poll = make_office(), make_poll()
    people = make_delegates(2)
    race = Race()
    stop_in(race, monkeypatch, RollEntry.objects, "bulk_create")

    drawn_up, deleted = race.play(
        lambda: roll.draw_up_roll(poll, by=office),
        lambda: delegates.delete_delegates(people[:1], by=office),
    )

    assert drawn_up == 2
    assert codes([deleted]) == {"delegate-used": 1}
    assert Delegate.objects.count() == poll.roll.count() == 2
