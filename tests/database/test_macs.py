"""Whoever writes to the database without being the server is found by it at the close."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from ballots import triggers, verifier
from ballots.acts import lifecycle, sign_in
from ballots.acts.cards import reissue_card
from ballots.facts import keyed, preflight
from ballots.files import package
from ballots.models import AccessCard, Envelope, JournalEntry, RollEntry, Session
from ballots.pure import sealing
from projects.models import Poll
from tests.helpers.desk import at, desk_of, faults_of, signed_by
from tests.helpers.factories import Stage, confirm_count, make_stage, move_by_force, selection
from tests.helpers.refusals import error_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def day() -> Stage:
    """Ten delegates of whom eight have voted, all but one for the first two projects."""
    stage = make_stage(delegates=10, candidates=4, places=2)
    for place in range(8):
        stage.cast(place, selection(1, 2) if place else selection(3))
    return stage


def sealed_by_anybody(poll: Poll, chosen: int = 4) -> bytes:
    """Return a ballot sealed by whoever has read the public key in the database."""
    return sealing.seal(
        selection(chosen),
        public_key=bytes(poll.box.public_key),
        poll=poll.uuid,
        size=poll.box.ballot_size,
    )


def stuffed(stage: Stage, place: int, **changes: Any) -> Envelope:
    sealed = sealed_by_anybody(stage.poll)
    receipt = sealing.receipt(poll=stage.poll.uuid, sealed=sealed)
    columns: dict[str, Any] = {"sealed": sealed, "receipt": receipt, "token": "t", "mac": "f" * 32}
    columns["code"] = sealing.receipt_code(receipt)
    return Envelope(roll_entry=stage.entry(place), poll=stage.poll, **(columns | changes))


def stuff(stage: Stage) -> None:
    """Vote for somebody who is there and has not, by two plain statements."""
    stuffed(stage, 9).save(force_insert=True)
    stage.poll.roll.filter(number="010").update(voted=True, voted_at=timezone.now())


def exchange(stage: Stage) -> None:
    Envelope.objects.filter(roll_entry=stage.entry(1)).delete()
    stuffed(stage, 1).save(force_insert=True)


def exchange_with_its_mac(stage: Stage) -> None:
    old = Envelope.objects.get(roll_entry=stage.entry(1))
    old.delete()
    stuffed(stage, 1, mac=old.mac).save(force_insert=True)


def exchange_bytes_alone(stage: Stage) -> None:
    Envelope.objects.filter(roll_entry=stage.entry(1)).update(sealed=sealed_by_anybody(stage.poll))


def swap_two(stage: Stage) -> None:
    """Two delegates get each other's envelope."""
    entries = [stage.entry(1), stage.entry(2)]
    envelopes = [Envelope.objects.get(roll_entry=entry) for entry in entries]
    Envelope.objects.filter(roll_entry__in=entries).delete()
    for envelope, entry in zip(envelopes, reversed(entries), strict=True):
        envelope.roll_entry = entry
        envelope.save(force_insert=True)


def change_the_mark(stage: Stage) -> None:
    RollEntry.objects.filter(pk=stage.entry(1).pk).update(mac="0" * 32)


def rename_who_voted(stage: Stage) -> None:
    RollEntry.objects.filter(pk=stage.entry(1).pk).update(number="999")


def change_the_code(stage: Stage) -> None:
    Envelope.objects.filter(roll_entry=stage.entry(1)).update(code="0" * 16)


def change_a_card(stage: Stage) -> None:
    AccessCard.objects.filter(delegate=stage.delegates[1]).update(code_digest="f" * 64)


NAMED: dict[str, tuple[Callable[[Stage], None], dict[str, str]]] = {
    "a ballot for one who has not voted": (stuff, {"010": "envelope"}),
    "an envelope exchanged": (exchange, {"002": "envelope"}),
    "with the MAC of the old one": (exchange_with_its_mac, {"002": "envelope"}),
    "its bytes alone": (exchange_bytes_alone, {"002": "envelope"}),
    "two envelopes swapped": (swap_two, {"002": "envelope", "003": "envelope"}),
    "a mark written anew": (change_the_mark, {"002": "mark"}),
    "another number on the roll": (rename_who_voted, {"999": "envelope"}),
    "another code for the board": (change_the_code, {"002": "envelope"}),
    "a card that opens to another code": (change_a_card, {"002": "card"}),
}
each_named = pytest.mark.parametrize("name", NAMED)


def by_force(act: Callable[[Stage], Any], stage: Stage) -> None:
    triggers.lift(connection)
    act(stage)
    triggers.install(connection)


def test_of_a_day_on_which_nothing_was_changed_there_is_no_doubt(day):
    assert list(keyed.doubts(day.poll)) == []
    day.close()
    assert day.poll.journal.get(kind="closed").data["set_apart"] == 0


@each_named
def test_what_was_changed_is_named_and_the_close_waits_for_two_signatures(day, name):
    act, named = NAMED[name]
    by_force(act, day)

    assert {doubt.number: doubt.why for doubt in keyed.doubts(day.poll)} == named
    refusal = error_of(lifecycle.close_poll, day.poll, by=day.office)
    assert refusal.code == "unproven"
    assert all(number in str(refusal) for number in named)
    assert not day.poll.journal.filter(kind__in=["closed", "set-apart"]).exists()


# Another number on the roll is set apart too; then the count finds that the roll is not the opening's.
@pytest.mark.parametrize("name", [name for name in NAMED if name != "another number on the roll"])
def test_by_the_presidiums_decision_it_is_set_apart_unopened_and_the_rest_is_counted(day, name):
    act, named = NAMED[name]
    by_force(act, day)
    before = RollEntry.objects.filter(poll=day.poll, voted=True).count()

    close_apart(day)
    day.open_box()
    result = day.count()

    assert day.poll.ballots.filter(invalid="set-apart").count() == len(named)
    assert result.figures["turnout"]["returned"] == before
    assert result.figures["turnout"]["invalid"] == len(named)
    assert all(check["holds"] for check in result.figures["checks"])
    entry = day.poll.journal.get(kind="set-apart")
    assert (entry.by, entry.second) == (day.office, day.chief)
    assert [person[0] for person in entry.data["people"]] == list(named)
    # Neither its bytes nor whose it is go out.
    files = full(day.poll)
    assert wrong_in(files, day.shares) == []


def close_apart(stage: Stage) -> None:
    stage.poll = lifecycle.close_poll(
        stage.poll, by=stage.office, decision="主席团决定封存", second=stage.chief
    )


def full(poll: Poll) -> bytes:
    return package.full_package(poll).content


def wrong_in(content: bytes, shares: list[str]) -> list[str]:
    """Return the names of what the verifier finds wrong, with the shares that open the box."""
    read = verifier.read(io.BytesIO(content))
    found = [*verifier.level_a(read), *verifier.level_b(read, shares[:3])]
    return [finding.code for finding in found if finding.faults]


def test_only_the_chief_scrutineer_signs_and_the_decision_has_words():
    real = make_stage(kind=Poll.Kind.MAIN, open_it=False)
    move_by_force(real.poll, Poll.Phase.OPEN)
    forge(real)
    signed: Any = {"by": real.office, "decision": "主席团决定"}

    for second in (None, real.office, real.scrutineer):
        assert error_of(lifecycle.close_poll, real.poll, **signed, second=second).code == (
            "second-needed"
        )
    error = error_of(
        lifecycle.close_poll, real.poll, by=real.office, decision=" ", second=real.chief
    )
    assert error.code == "reason-needed"
    lifecycle.close_poll(real.poll, **signed, second=real.chief)


def forge(stage: Stage) -> None:
    """Let the roll say that somebody has voted, with an envelope whose bytes are not its receipt's."""
    stage.forge(0, b"noise")
    by_force(lambda s: Envelope.objects.update(code="0" * 16), stage)


def test_a_count_that_they_could_change_is_not_confirmed():
    stage = make_stage(delegates=9, candidates=3, places=1)
    for place, number in enumerate([1] * 5 + [2] * 4):
        stage.cast(place, selection(number))
    by_force(lambda s: RollEntry.objects.filter(number="001").update(mac=""), stage)
    close_apart(stage)
    stage.open_box()
    stage.count()

    refusal = error_of(lifecycle.confirm_result, stage.poll, by=stage.scrutineer)
    assert refusal.code == "set-apart-decides"
    stage.poll.refresh_from_db()
    lifecycle.void_poll(
        stage.poll, reason="封存的票足以改变结果", by=stage.office, second=stage.chief
    )


def test_a_count_that_they_could_not_change_is_confirmed(day):
    by_force(change_the_mark, day)
    close_apart(day)

    assert confirm_count(day).phase == Poll.Phase.CONFIRMED


UNEQUAL: dict[str, Callable[[Stage], Any]] = {
    "an envelope gone": lambda s: Envelope.objects.filter(roll_entry=s.entry(1)).delete(),
    "a mark gone": lambda s: RollEntry.objects.filter(pk=s.entry(1).pk).update(
        voted=False, voted_at=None
    ),
    "a mark alone": lambda s: s.poll.roll.filter(number="010").update(
        voted=True, voted_at=timezone.now()
    ),
    "an envelope alone": lambda s: stuffed(s, 9).save(force_insert=True),
}


@pytest.mark.parametrize("name", UNEQUAL)
def test_where_marks_and_envelopes_are_not_as_many_nothing_can_be_set_apart(day, name):
    by_force(UNEQUAL[name], day)

    for how in ({}, {"decision": "封存", "second": day.chief}):
        refusal = error_of(lifecycle.close_poll, day.poll, by=day.office, **how)
        assert refusal.code == "box-unlike-roll"
        assert "（0" in str(refusal)


def test_fewer_than_there_were_at_a_pause_are_not_closed(day):
    """Mark and envelope both, of which nothing is left that could prove anything."""
    lifecycle.pause_poll(day.poll, reason="休息", by=day.office)
    assert day.poll.journal.latest("seq").data["voted"] == 8

    def take_away(stage: Stage) -> None:
        Envelope.objects.filter(roll_entry=stage.entry(1)).delete()
        RollEntry.objects.filter(pk=stage.entry(1).pk).update(voted=False, voted_at=None, mac="")

    by_force(take_away, day)

    assert error_of(lifecycle.close_poll, day.poll, by=day.office).code == "fewer-than-before"


def test_with_another_secret_key_nothing_is_judged(day, settings):
    right = settings.SECRET_KEY
    settings.SECRET_KEY = "another" * 10
    refusal = error_of(lifecycle.close_poll, day.poll, by=day.office)
    assert refusal.code == "other-server-key"

    settings.SECRET_KEY = right
    day.close()


def test_a_poll_that_an_earlier_version_opened_is_closed_without_macs(day):
    """Its opening says so by what it does not say; nobody can take that off a new one."""
    triggers.lift(connection)
    opened = day.poll.journal.get(kind="opened")
    body = opened.body.replace(f'"server_key":"{keyed.key_check()}",', "")
    assert body != opened.body
    JournalEntry.objects.filter(pk=opened.pk).update(body=body)
    Envelope.objects.update(mac="")
    RollEntry.objects.update(mac="")
    triggers.install(connection)

    assert list(keyed.doubts(day.poll)) == []
    exchange_bytes = {doubt.why for doubt in _after(exchange_bytes_alone, day)}
    assert exchange_bytes == {"envelope"}


def _after(act: Callable[[Stage], None], stage: Stage) -> list[keyed.Doubt]:
    by_force(act, stage)
    return list(keyed.doubts(stage.poll))


def test_a_poll_does_not_open_with_a_mark_on_its_roll():
    stage = make_stage(open_it=False)
    stage.poll.roll.filter(number="001").update(voted=True, voted_at=timezone.now())

    assert error_of(lifecycle.open_poll, stage.poll, by=stage.office).code == "not-empty"


# --- what a MAC tells -----------------------------------------------------------------------------


def test_the_mac_of_a_mark_outlives_the_names_and_is_the_same_whatever_was_cast():
    """It binds no receipt and no token: nothing that it is compared with is on the ballot."""
    stage = make_stage(delegates=2)
    stage.cast(0, selection(1))
    mac = stage.entry(0).mac
    assert mac == keyed.mark_mac(stage.poll.uuid, stage.delegates[0].pk, "001")
    stage.close()

    assert stage.entry(0).mac == mac
    assert not Envelope.objects.exists()


def test_a_mark_keeps_its_mac():
    stage = make_stage(delegates=2)
    stage.cast(0, selection(1))
    with pytest.raises(Exception, match="a mark on the roll stays"):
        RollEntry.objects.filter(pk=stage.entry(0).pk).update(mac="")


# --- cards and sessions ---------------------------------------------------------------------------


def test_a_card_whose_row_was_pointed_at_somebody_else_signs_nobody_in():
    """Manipulation 20: one's own card for somebody who is absent, and back."""
    stage = make_stage(delegates=3)
    mine, card = stage.issued[0], stage.card(0)
    AccessCard.objects.filter(delegate=stage.delegates[2]).update(revoked_at=timezone.now())
    stage.delegates[2].refresh_from_db()
    AccessCard.objects.filter(pk=card.pk).update(delegate=stage.delegates[2])

    assert sign_in.card_by_token(mine.token) is None


def test_a_session_does_not_follow_its_card_to_somebody_else():
    stage = make_stage(delegates=3)
    client = Client()
    client.post("/", {"code": stage.issued[0].code})
    assert client.get("/ballot/").status_code == 200

    AccessCard.objects.filter(delegate=stage.delegates[2]).update(revoked_at=timezone.now())
    AccessCard.objects.filter(pk=stage.card(0).pk).update(delegate=stage.delegates[2])

    assert client.get("/ballot/").status_code == 303


def test_a_session_that_is_pointed_at_another_card_is_over():
    stage = make_stage(delegates=2)
    client = Client()
    client.post("/", {"code": stage.issued[0].code})
    Session.objects.update(card=stage.card(1))

    assert client.get("/ballot/").status_code == 303


def test_a_typed_code_put_on_another_card_is_told_to_go_to_the_desk_and_the_checklist_names_it():
    stage = make_stage(open_it=False)
    other = stage.card(1)
    mine = stage.issued[0]
    digest = keyed.digest("code", mine.code)
    AccessCard.objects.filter(pk=stage.card(0).pk).update(code_digest="0" * 64)
    AccessCard.objects.filter(pk=other.pk).update(code_digest=digest)
    type(stage.delegates[1]).objects.filter(pk=stage.delegates[0].pk).update(card_number=None)
    type(stage.delegates[1]).objects.filter(pk=other.delegate_id).update(card_number=mine.code[:4])

    assert error_of(sign_in.card_by_code, mine.code).code == "unproven"
    named = [one.text for one in preflight.what_is_missing(stage.poll) if one.level == "blocks"]
    assert any("投票卡记录被改动过" in text and "代表2" in text for text in named)


def test_a_card_that_was_replaced_does_not_come_back():
    stage = make_stage(open_it=False)
    old = stage.issued[0]
    reissue_card(stage.delegates[0], reason="遗失", by=stage.office)
    AccessCard.objects.filter(revoked_at=None, delegate=stage.delegates[0]).update(
        revoked_at=timezone.now()
    )
    AccessCard.objects.filter(token_digest=keyed.digest("token", old.token)).update(revoked_at=None)

    assert sign_in.card_by_token(old.token) is None


# --- on the page ----------------------------------------------------------------------------------


def test_the_page_of_the_close_names_them_and_leads_to_where_two_sign(day):
    by_force(change_the_mark, day)
    desk = desk_of(day.office)

    refused = desk.post(at(day.poll, "close"), {"figure": "8", "announced": "on"})
    assert "代表2（002）" in " ".join(faults_of(refused))
    assert at(day.poll, "close-apart") in refused.content.decode()
    page = desk.get(at(day.poll, "close-apart")).content.decode()
    assert "代表2（002）：投票标记不是本系统记下的" in page
    said = {"figure": "8", "announced": "on", "decision": "主席团决定封存"}
    fields = said | signed_by(day.chief)
    assert desk.post(at(day.poll, "close-apart"), fields).status_code == 302

    day.poll.refresh_from_db()
    assert day.poll.phase == Poll.Phase.CLOSED
    assert day.poll.sealed_ballots.filter(set_apart=True).count() == 1


def test_where_there_is_no_doubt_that_page_leads_back_to_the_close(day):
    reply = desk_of(day.office).get(at(day.poll, "close-apart"))

    assert reply["Location"] == at(day.poll, "close")


# --- who has voted -------------------------------------------------------------------------------


def test_a_mark_that_moves_after_the_close_is_named_by_the_verifier(day):
    confirm_count(day)
    assert wrong_in(full(day.poll), day.shares) == []

    def move(stage: Stage) -> None:
        rows = stage.poll.roll
        at_ = stage.entry(1).voted_at
        rows.filter(number="002").update(voted=False, voted_at=None)
        rows.filter(number="010").update(voted=True, voted_at=at_)

    by_force(move, day)
    assert wrong_in(full(day.poll), day.shares) == ["marks"]


def test_who_has_voted_is_not_in_the_public_package(day):
    confirm_count(day)
    day.publish(leave_open=True)
    public = verifier.read(io.BytesIO(package.public_package(day.poll).content))

    assert public.last("voters-hashed").body is None
