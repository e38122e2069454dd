"""Casting a ballot: what is taken, what is refused, in which order, and what is left behind."""

import json
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.forms import model_to_dict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ballots import triggers
from ballots.acts import cards, casting, ceremony, lifecycle, rehearsal, roll
from ballots.facts.polls import candidates
from ballots.models import AccessCard, BallotBox, Delegate, Envelope, RollEntry
from ballots.pure import sealing
from ballots.pure.rules import DETAIL_LIMIT, TITLE_LIMIT, UNIT_LIMIT, Proposal, Selection
from ballots.refusal import Refused
from projects import locks
from projects.models import Poll
from tests.helpers.browsing import asking
from tests.helpers.factories import (
    Stage,
    make_delegates,
    make_poll,
    make_stage,
    move_by_force,
    selection,
    set_closing_time,
    stage_without,
)
from tests.helpers.refusals import error_of
from tests.helpers.secrecy import snapshot, where

pytestmark = pytest.mark.django_db

P = Poll.Phase


def database_clock() -> datetime:
    """Ask PostgreSQL for the time of this moment, past our own code."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment


def opened(stage: Stage, place: int) -> Selection:
    """Return what stands in the envelope of the delegate at `place`."""
    key = ceremony.recover_key(stage.poll, stage.shares[:3])
    envelope = Envelope.objects.get(roll_entry=stage.entry(place))
    return sealing.unseal(bytes(envelope.sealed), key=key, poll=stage.poll.uuid)[0]


# --- what is taken --------------------------------------------------------------------------------


def test_a_ballot_goes_into_an_envelope_and_its_delegate_is_marked():
    stage = make_stage()

    receipt = stage.cast(0, selection(1, 2))

    entry = stage.entry(0)
    envelope = Envelope.objects.get()
    assert (envelope.roll_entry_id, envelope.poll_id) == (entry.pk, stage.poll.pk)
    assert (entry.voted, entry.voted_at) == (True, receipt.submitted_at)
    assert receipt.code == envelope.code == sealing.receipt_code(envelope.receipt)
    assert envelope.receipt == sealing.receipt(poll=stage.poll.uuid, sealed=bytes(envelope.sealed))
    assert RollEntry.objects.filter(voted=True).count() == 1


def test_the_envelope_unseals_to_what_was_chosen():
    stage = make_stage()
    chosen = selection(9, 1, proposals=[Proposal("夜间公交", "延长至零时", "交通局")])

    stage.cast(2, chosen)

    assert opened(stage, 2) == selection(1, 9, proposals=chosen.proposals)


def test_a_blank_ballot_is_a_ballot():
    stage = make_stage()

    stage.cast(0, selection())

    assert opened(stage, 0) == Selection()


def test_all_envelopes_are_of_one_size_whatever_is_in_them():
    stage = make_stage()
    longest = [
        Proposal(char * TITLE_LIMIT, char * DETAIL_LIMIT, char * UNIT_LIMIT)
        for char in ("\U00020000", "\U00020001", "\U00020002")
    ]

    stage.cast(0, selection())
    stage.cast(1, selection(1))
    stage.cast(2, selection(*range(3, 13)))
    stage.cast(3, selection(*range(6, 13), proposals=longest))

    assert (
        len({len(bytes(sealed)) for sealed in Envelope.objects.values_list("sealed", flat=True)})
        == 1
    )


def test_equal_choices_make_different_envelopes_and_receipts():
    stage = make_stage()

    codes = {stage.cast(place, selection(1, 2)).code for place in range(5)}

    assert len(codes) == 5
    assert len({bytes(row.sealed) for row in Envelope.objects.all()}) == 5


def test_nothing_but_the_choice_and_a_random_number_goes_into_the_envelope(monkeypatch):
    stage = make_stage()
    plain = []
    encode = sealing.encode

    def listen(*args: Any, **kwargs: Any) -> bytes:
        plain.append(encode(*args, **kwargs))
        return plain[-1]

    monkeypatch.setattr(sealing, "encode", listen)
    stage.cast(3, selection(5, 1))

    (ballot,) = [json.loads(text.rstrip(b"\0").removesuffix(b"\x80")) for text in plain]
    nonce = ballot.pop("n")
    assert ballot == {"v": 1, "r": str(stage.poll.uuid), "c": [1, 5], "a": [], "p": []}
    assert len(nonce) == 32


def test_a_cast_writes_an_envelope_and_a_mark_and_nothing_else():
    stage = make_stage()
    before = snapshot()

    stage.cast(0, selection(1))

    after = snapshot()
    changed = {table for table in after if after[table] != before[table]}
    assert changed == {"ballots_envelope", "ballots_rollentry"}
    # Above all no journal entry: who voted when is not for the record of acts.
    assert len(after["ballots_journalentry"]) == len(before["ballots_journalentry"])


def test_a_receipt_is_shown_again_until_the_close_takes_names_off():
    stage = make_stage()
    receipt = stage.cast(0, selection(1))

    assert [one.code for one in asking(stage.delegates[0]).standings] == [receipt.code]
    assert [one.code for one in asking(stage.delegates[1]).standings] == [None]
    stage.close()
    assert [one.code for one in asking(stage.delegates[0]).standings] == [None]


def test_the_receipts_given_are_the_sealed_ballots_after_the_close_and_no_others():
    stage = make_stage()
    codes = {stage.cast(place, selection(1, 2)).code for place in (4, 0, 2)}

    stage.close()

    assert set(stage.poll.sealed_ballots.values_list("code", flat=True)) == codes
    assert not Envelope.objects.exists()


# --- once -----------------------------------------------------------------------------------------


def test_the_same_token_gives_the_same_receipt_and_the_first_ballot_stands():
    stage = make_stage()
    token = casting.new_token()
    first = stage.cast(0, selection(1), token=token)
    before = snapshot()

    again = stage.cast(0, selection(2, 3), token=token)

    assert again == first
    assert snapshot() == before
    assert opened(stage, 0) == selection(1)


def test_another_token_is_told_that_the_ballot_is_in_the_box_and_since_when():
    stage = make_stage()
    first = stage.cast(0, selection(1))

    refusal = error_of(stage.cast, 0, selection(2))

    assert (refusal.code, refusal.at) == ("already-voted", first.submitted_at)
    assert opened(stage, 0) == selection(1)


def test_a_retry_is_answered_while_the_vote_is_paused():
    stage = make_stage()
    first = stage.cast(0, selection(1), token="mine")
    lifecycle.pause_poll(stage.poll, reason="停电", by=stage.office)

    assert stage.cast(0, selection(1), token="mine") == first
    assert error_of(stage.cast, 0, selection(1)).code == "already-voted"
    assert error_of(stage.cast, 1, selection(1)).code == "paused"


def test_who_has_voted_hears_so_after_the_close_too():
    stage = make_stage()
    first = stage.cast(0, selection(1), token="mine")
    stage.close()

    for token in ("mine", "other"):
        refusal = error_of(stage.cast, 0, selection(1), token=token)
        assert (refusal.code, refusal.at) == ("already-voted", first.submitted_at)
    assert error_of(stage.cast, 1, selection(1)).code == "closed"


def test_a_retry_with_a_card_replaced_meanwhile_is_still_no_second_ballot():
    stage = make_stage()
    card = stage.card(0)
    first = stage.cast(0, selection(1), token="mine")
    cards.reissue_card(stage.delegates[0], reason="遗失", by=stage.office, second=stage.scrutineer)

    again = casting.cast_ballot(poll=stage.poll, card=card, selection=selection(2), token="mine")

    assert again == first


def test_one_token_serves_one_delegate_only():
    stage = make_stage()
    first = stage.cast(0, selection(1), token="shared")

    second = stage.cast(1, selection(1), token="shared")

    assert first.code != second.code
    assert Envelope.objects.count() == 2


def test_a_delegate_votes_once_in_each_poll_of_the_day():
    stage = make_stage()
    other = make_poll(kind=Poll.Kind.REHEARSAL, delegates_total=5)
    roll.draw_up_roll(other, by=stage.office)
    roll.mark_present(other, numbers=["001"], by=stage.office)
    sheets = ceremony.make_key(other, holders=["甲", "乙", "丙"], threshold=2, by=stage.office)
    ceremony.test_key(other, texts=[sheet.text for sheet in sheets[:2]], by=stage.office)
    other = lifecycle.open_poll(other, by=stage.office)

    stage.cast(0, selection(1))
    casting.cast_ballot(
        poll=other, card=stage.card(0), selection=selection(2), token=casting.new_token()
    )

    assert Envelope.objects.filter(poll=stage.poll).count() == 1
    assert Envelope.objects.filter(poll=other).count() == 1


# --- what is refused ------------------------------------------------------------------------------


def test_who_is_not_on_the_roll_casts_nothing():
    stage = make_stage()
    (stranger,) = make_delegates(1)
    cards.issue_cards([stranger], by=stage.office)
    stage.delegates.append(stranger)

    assert error_of(stage.cast, 5, selection(1)).code == "not-on-roll"


REFUSING = {
    P.DRAFT: "not-open",
    P.PAUSED: "paused",
    P.CLOSED: "closed",
    P.OPENED: "closed",
    P.COUNTED: "closed",
    P.CONFIRMED: "closed",
    P.PUBLISHED: "closed",
    P.VOID: "void",
    P.DROPPED: "not-open",
}


@pytest.mark.parametrize(("phase", "code"), REFUSING.items())
def test_each_phase_but_the_open_one_refuses(phase, code):
    stage = make_stage(open_it=False)
    if phase != P.DRAFT:
        # A poll that has been open once knows the size of its ballots.
        BallotBox.objects.update(ballot_size=4096)
        stage.poll = move_by_force(stage.poll, phase)

    refusal = error_of(stage.cast, 0, selection(1))

    assert refusal.code == code
    assert refusal.at == stage.poll.closed_at


def test_every_phase_but_the_open_one_is_in_the_table_above():
    assert set(REFUSING) == set(P) - {P.OPEN}


def test_who_is_not_present_casts_nothing_where_presence_is_asked_for():
    stage = stage_without("002")

    assert error_of(stage.cast, 1, selection(1)).code == "not-present"
    roll.mark_present(stage.poll, numbers=["002"], by=stage.office)
    stage.cast(1, selection(1))


def test_the_whole_roll_votes_where_the_rules_say_so():
    stage = stage_without("001", "002", voters=Poll.Voters.ROLL)

    stage.cast(1, selection(1))

    assert opened(stage, 1) == selection(1)


def test_a_replaced_card_casts_nothing_and_the_new_one_does():
    stage = make_stage()
    old = stage.card(0)
    cards.reissue_card(stage.delegates[0], reason="遗失", by=stage.office, second=stage.scrutineer)

    with pytest.raises(Refused) as refusal:
        casting.cast_ballot(poll=stage.poll, card=old, selection=selection(1), token="t")

    assert refusal.value.code == "card-replaced"
    assert not Envelope.objects.exists()
    stage.cast(0, selection(1))


OVER = {
    "eleven projects": (selection(*range(1, 12)), {"too-many"}),
    "eight projects and three proposals": (
        selection(*range(1, 9), proposals=["甲", "乙", "丙"]),
        {"too-many"},
    ),
    "a project of another list": (selection(1, 13), {"not-on-list"}),
    "one project twice": (selection(1, 1), {"repeated"}),
    "votes against": (selection(1, against=[2]), {"no-against"}),
    "four proposals": (selection(proposals=["甲", "乙", "丙", "丁"]), {"too-many-proposals"}),
    "a candidate proposed": (selection(proposals=["候选项目 ３"]), {"proposal-is-candidate"}),
    "an unseen character": (selection(proposals=["甲\u200b"]), {"proposal-bad-text"}),
}


@pytest.mark.parametrize(("chosen", "codes"), OVER.values(), ids=OVER)
def test_a_ballot_against_the_rules_is_refused_whole_and_says_why(chosen, codes):
    stage = make_stage()

    refusal = error_of(stage.cast, 0, chosen)

    assert refusal.code == "faults"
    assert {fault.code for fault in refusal.faults} == codes


def test_the_rules_of_the_poll_decide_what_a_fault_is():
    stage = make_stage(
        places=3,
        choice_rule=Poll.ChoiceRule.EXACTLY,
        blank_allowed=False,
        proposals=Poll.Proposals.OFF,
    )

    def codes(chosen: Selection) -> set[str]:
        return {fault.code for fault in error_of(stage.cast, 0, chosen).faults}

    assert codes(selection(1, 2)) == {"too-few"}
    assert codes(selection(1, 2, 3, 4)) == {"too-many"}
    assert codes(selection()) == {"blank"}
    assert "proposals-off" in codes(selection(1, 2, 3, proposals=["甲"]))
    stage.cast(0, selection(1, 2, 3))


def test_the_refusals_come_in_the_order_of_the_design():
    """Mark on the roll, phase, presence, card, faults: each is told only if none before it holds."""
    stage = stage_without("001", "002")
    old = [stage.card(place) for place in range(2)]
    for place in range(2):
        cards.reissue_card(
            stage.delegates[place], reason="遗失", by=stage.office, second=stage.scrutineer
        )
    RollEntry.objects.filter(number="001").update(voted=True, voted_at=timezone.now())
    lifecycle.pause_poll(stage.poll, reason="停电", by=stage.office)

    def told(card: AccessCard) -> str:
        poll = Poll.objects.get(pk=stage.poll.pk)
        with pytest.raises(Refused) as refusal:
            casting.cast_ballot(poll=poll, card=card, selection=selection(*range(1, 12)), token="t")
        return refusal.value.code

    # For the first delegate all five hold, for the second all but the mark; then one after another
    # goes away.
    codes = [told(old[0]), told(old[1])]
    lifecycle.resume_poll(stage.poll, by=stage.office)
    codes.append(told(old[1]))
    roll.mark_present(stage.poll, numbers=["002"], by=stage.office)
    codes.append(told(old[1]))
    codes.append(told(stage.card(1)))

    assert codes == ["already-voted", "paused", "not-present", "card-replaced", "faults"]
    assert not Envelope.objects.exists()


def test_who_is_on_no_roll_is_told_so_before_anything_else():
    stage = make_stage()
    RollEntry.objects.filter(pk=stage.entry(0).pk).delete()
    stage.close()

    assert error_of(stage.cast, 0, selection(*range(1, 12))).code == "not-on-roll"


def test_a_poll_that_opened_after_the_page_read_it_takes_no_empty_envelope():
    stage = make_stage(open_it=False)
    stale = Poll.objects.get(pk=stage.poll.pk)
    lifecycle.open_poll(stage.poll, by=stage.office)

    with pytest.raises(Refused) as refusal:
        casting.cast_ballot(poll=stale, card=stage.card(0), selection=selection(1), token="t")

    assert refusal.value.code == "not-open"
    assert not stage.entry(0).voted
    assert not Envelope.objects.exists()


def test_a_poll_that_closed_after_the_page_read_it_takes_nothing():
    stage = make_stage()
    stale = Poll.objects.get(pk=stage.poll.pk)
    stage.close()

    with pytest.raises(Refused) as refusal:
        casting.cast_ballot(poll=stale, card=stage.card(0), selection=selection(1), token="t")

    assert (refusal.value.code, refusal.value.at) == ("closed", stage.poll.closed_at)


def test_what_happens_while_a_cast_waits_for_its_lock_counts(monkeypatch):
    stage = make_stage()
    take = locks.lock_for_cast

    def wait(poll: int) -> None:
        take(poll)
        Poll.objects.filter(pk=poll).update(phase=P.PAUSED)

    monkeypatch.setattr(locks, "lock_for_cast", wait)

    assert error_of(stage.cast, 0, selection(1)).code == "paused"


def test_an_error_while_the_envelope_is_written_takes_the_mark_back():
    stage = make_stage()
    before = snapshot()

    def fail(execute: Any, sql: str, *args: Any) -> Any:
        if "INSERT INTO ballots_envelope" in sql:
            assert stage.entry(0).voted
            raise OSError("disk full")
        return execute(sql, *args)

    with connection.execute_wrapper(fail), pytest.raises(OSError, match="disk full"):
        stage.cast(0, selection(1), token="mine")

    assert snapshot() == before
    stage.cast(0, selection(1), token="mine")


# --- the deadline ---------------------------------------------------------------------------------


def test_past_its_time_an_open_poll_takes_nothing():
    stage = make_stage()
    stage.cast(0, selection(1), token="mine")
    moment = timezone.now() - timedelta(microseconds=1)
    set_closing_time(stage.poll, moment)

    refusal = error_of(stage.cast, 1, selection(1))

    assert (refusal.code, refusal.at) == ("closed", moment)
    assert stage.poll.phase == P.OPEN
    # Who has voted hears that, and a retry gets its receipt.
    assert error_of(stage.cast, 0, selection(1)).code == "already-voted"
    stage.cast(0, selection(1), token="mine")


def test_before_its_time_it_does():
    stage = make_stage()
    set_closing_time(stage.poll, timezone.now() + timedelta(hours=1))

    stage.cast(1, selection(1))

    assert stage.entry(1).voted


def test_the_value_under_the_lock_counts_and_not_the_one_the_page_has_read():
    stage = make_stage()
    stale = Poll.objects.get(pk=stage.poll.pk)
    set_closing_time(stage.poll, timezone.now() - timedelta(seconds=1))

    with pytest.raises(Refused) as refusal:
        casting.cast_ballot(poll=stale, card=stage.card(0), selection=selection(1), token="t")

    assert refusal.value.code == "closed"


@pytest.mark.postgresql
def test_the_clock_is_the_databases_and_not_this_machines(time_machine):
    stage = make_stage()
    set_closing_time(stage.poll, timezone.now())
    time_machine.move_to(timezone.now() - timedelta(hours=1))

    assert error_of(stage.cast, 0, selection(1)).code == "closed"
    set_closing_time(stage.poll, database_clock() + timedelta(hours=1))
    time_machine.move_to(timezone.now() + timedelta(hours=3))
    stage.cast(0, selection(1))


@pytest.mark.postgresql
def test_the_clock_is_read_now_and_not_when_the_transaction_began():
    # This test itself is one transaction, which began before the time that is set here.
    stage = make_stage()
    set_closing_time(stage.poll, database_clock())

    assert error_of(stage.cast, 0, selection(1)).code == "closed"


@pytest.mark.postgresql
def test_the_clock_is_read_after_the_lock_was_taken():
    stage = make_stage()
    set_closing_time(stage.poll, database_clock() + timedelta(hours=1))

    with CaptureQueriesContext(connection) as queries:
        stage.cast(0, selection(1))

    statements = [query["sql"] for query in queries]
    lock = next(n for n, sql in enumerate(statements) if "pg_advisory_xact_lock_shared" in sql)
    clock = next(n for n, sql in enumerate(statements) if "clock_timestamp" in sql)
    envelope = next(n for n, sql in enumerate(statements) if sql.lstrip().startswith("INSERT"))
    assert lock < clock < envelope
    # Asked in the statement that writes the mark: nothing lies between the two.
    assert "UPDATE ballots_rollentry" in statements[clock]


# --- what the database sees -----------------------------------------------------------------------


def test_no_statement_that_reaches_the_database_holds_a_choice():
    stage = make_stage()
    words = "canary-夜间公交"

    with CaptureQueriesContext(connection) as queries:
        stage.cast(0, selection(1, proposals=[words]))

    assert not [
        query["sql"] for query in queries if "canary" in query["sql"] or words in query["sql"]
    ]
    assert where(words) == set()


def test_a_whole_cast_takes_few_statements_however_many_have_voted():
    stage = make_stage(delegates=8)
    stage.poll.refresh_from_db()
    for place in range(8):
        card = stage.card(place)
        with CaptureQueriesContext(connection) as queries:
            casting.cast_ballot(
                poll=stage.poll, card=card, selection=selection(1), token=casting.new_token()
            )
        begun = next(n for n, query in enumerate(queries) if "SAVEPOINT" in query["sql"])
        under_the_lock = [query["sql"] for query in queries][begun + 1 : -1]
        # The first cast of a process learns what was frozen; then the lock, mark and envelope.
        assert begun == (6 if place == 0 else 0)
        assert len(under_the_lock) == (3 if connection.vendor == "postgresql" else 2)


# --- the two statements, beside the plain way -----------------------------------------------------


def may_vote(poll: Poll, card: AccessCard, now: datetime) -> bool:
    """Ask in Django's own words whether nothing bars this cast."""
    entries = RollEntry.objects.filter(
        poll=poll,
        delegate=card.delegate_id,
        delegate__status=Delegate.Status.ACTIVE,
        delegate__cards=card.pk,
        delegate__cards__revoked_at=None,
        voted=False,
        poll__phase=P.OPEN,
    ).exclude(poll__closes_at__lte=now)
    return entries.exclude(poll__voters=Poll.Voters.PRESENT, present=False).exists()


def test_the_mark_is_made_just_where_the_plain_way_finds_nothing_that_bars():
    """All ways in which what it asks for can stand, by rows that are written past the triggers."""
    stage = make_stage(delegates=2)
    stage.cast(1, selection(1))
    now, hour = timezone.now(), timedelta(hours=1)
    poll, card, entry = stage.poll, stage.card(0), stage.entry(0)
    marked = set()
    triggers.lift(connection)
    for state in product(
        [P.OPEN, P.PAUSED],
        [None, now - hour, now + hour],
        [Poll.Voters.PRESENT, Poll.Voters.ROLL],
        [True, False],
        [None, now],
        [Delegate.Status.ACTIVE, Delegate.Status.SUSPENDED],
        [False, True],
    ):
        phase, closes_at, voters, present, revoked_at, status, voted = state
        Poll.objects.filter(pk=poll.pk).update(phase=phase, closes_at=closes_at, voters=voters)
        AccessCard.objects.filter(pk=card.pk).update(revoked_at=revoked_at)
        Delegate.objects.filter(pk=card.delegate_id).update(status=status)
        RollEntry.objects.filter(pk=entry.pk).update(
            present=present, voted=voted, voted_at=now if voted else None
        )

        expected = may_vote(poll, card, now)
        assert (casting._mark(poll, card) is not None) == expected, state
        assert stage.entry(0).voted == (voted or expected)
        if expected:
            marked.add(state)

    # No deadline or a later one; present, or a poll for the whole roll.
    assert len(marked) == 2 * 3
    assert RollEntry.objects.filter(voted=True, voted_at=None).count() == 0


@pytest.mark.parametrize("other", ["card", "delegate"])
def test_no_mark_is_made_with_the_card_of_somebody_else(other):
    stage = make_stage(delegates=2)
    card, stranger = stage.card(0), stage.card(1)
    if other == "card":
        card.pk = stranger.pk
    else:
        card.delegate_id = stranger.delegate_id

    assert casting._mark(stage.poll, card) is None
    assert not RollEntry.objects.filter(voted=True).exists()


def test_the_envelope_is_what_the_plain_way_would_store():
    stage = make_stage(delegates=2)
    receipt = stage.cast(1, selection(1), token="mine")

    cast = Envelope.objects.get()
    plain = Envelope(
        roll_entry=stage.entry(1),
        poll=stage.poll,
        sealed=bytes(cast.sealed),
        receipt=sealing.receipt(poll=stage.poll.uuid, sealed=bytes(cast.sealed)),
        code=receipt.code,
        token="mine",
    )
    stored = model_to_dict(cast) | {"sealed": bytes(cast.sealed)}
    assert stored == model_to_dict(plain) | {"sealed": plain.sealed}


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["suspended", "ended", "observer"])
def test_a_delegate_suspended_while_the_poll_is_open_does_not_vote(status):
    stage = make_stage()
    type(stage.delegates[0]).objects.filter(pk=stage.delegates[0].pk).update(status=status)

    with pytest.raises(Refused) as refusal:
        stage.cast(0, selection(1))

    assert refusal.value.code == "not-on-roll"
    assert not stage.entry(0).voted


def test_whoever_casts_into_a_rehearsal_that_was_just_wiped_is_on_no_roll():
    stage = make_stage(kind="rehearsal")
    before, card = asking(stage.delegates[0]).standings[0].poll, stage.card(0)
    # As the other page of the same vote has, so that the ballot is sealed before the look.
    candidates(before)
    rehearsal.wipe_rehearsal(stage.poll, by=stage.office)

    error = error_of(
        casting.cast_ballot,
        poll=before,
        card=card,
        selection=selection(1),
        token=casting.new_token(),
    )

    assert error.code == "not-on-roll"
