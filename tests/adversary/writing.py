"""What somebody who has the database and not the server writes into it, each as one function."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, models
from django.db.models import F
from django.utils import timezone

from ballots import roles
from ballots.acts import casting, lifecycle, sign_in
from ballots.facts import counting
from ballots.facts.outcome import standing_result
from ballots.models import (
    AccessCard,
    Ballot,
    BallotBox,
    Confirmation,
    Decision,
    Delegate,
    Envelope,
    JournalEntry,
    Result,
    RollEntry,
    SealedBallot,
    WriteIn,
)
from ballots.pure import chain, sealing
from ballots.refusal import Refused
from projects.models import Poll, Project
from tests.adversary.machine import ALONE, AWAY, MERGED, VOTED, WAITS, Answered, Course, RefusedBy
from tests.helpers.factories import make_delegates, make_staff, selection

Act = Callable[[Course], None]
WHAT_HE_WANTS = selection(4)


def asked(who: str, act: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Let somebody who knows of nothing do `act`; if he is refused, that is the verdict."""
    try:
        return act(*args, **kwargs)
    except Refused as refusal:
        raise Answered(RefusedBy(who, refusal.code)) from None


def set_poll(**columns: Any) -> Act:
    return lambda course: _set(Poll.objects.filter(pk=course.stage.poll.pk), columns)


def set_box(**columns: Any) -> Act:
    return lambda course: _set(BallotBox.objects.filter(poll=course.stage.poll), columns)


def set_roll(place: int, **columns: Any) -> Act:
    return lambda course: _set(RollEntry.objects.filter(pk=course.stage.entry(place).pk), columns)


def set_envelope(**columns: Any) -> Act:
    return lambda course: _set(_envelope(course), columns)


def set_project(number: int, **columns: Any) -> Act:
    return lambda course: _set(
        Project.objects.filter(poll=course.stage.poll, number=number), columns
    )


def set_write_in(which: str, **columns: Any) -> Act:
    return lambda course: _set(WriteIn.objects.filter(poll=course.stage.poll, title=which), columns)


def set_result(**columns: Any) -> Act:
    return lambda course: _set(Result.objects.filter(poll=course.stage.poll), columns)


def _set(rows: "models.QuerySet[Any]", columns: dict[str, Any]) -> None:
    assert rows.update(**columns) == 1


def both(*acts: Act) -> Act:
    def do(course: Course) -> None:
        for act in acts:
            act(course)

    return do


def swap_titles(course: Course) -> None:
    # By way of a third title, for no two of a poll may be the same.
    for number, title in ((1, "—"), (4, "候选项目1"), (1, "候选项目4")):
        set_project(number, title=title)(course)


# --- the key --------------------------------------------------------------------------------------


def his_key(course: Course) -> bytes:
    """The public half of a key whose private half the attacker has."""
    return sealing.derive(b"\1" * 16, poll=course.stage.poll.uuid).public


def put_his_key(course: Course) -> None:
    set_box(public_key=his_key(course))(course)


def put_his_key_as_a_new_ceremony(course: Course) -> None:
    set_box(public_key=his_key(course), ceremony=F("ceremony") + 1)(course)


def put_his_key_and_its_record(course: Course) -> None:
    """The key and every entry that names it: whoever compares finds one and the same."""
    box = course.poll.box
    old = sealing.key_digest(bytes(box.public_key))
    put_his_key(course)
    rewrite(course, lambda body: body.replace(old, sealing.key_digest(his_key(course))))


def put_his_key_while_one_votes(course: Course) -> None:
    put_his_key(course)
    asked("cast", course.stage.cast, WAITS, selection(1))


# --- the record -----------------------------------------------------------------------------------


def rewrite(course: Course, change: Callable[[str], str] = lambda body: body) -> None:
    """Write the whole record anew, each entry as `change` makes it, and every hash right again."""
    prev = chain.GENESIS
    for entry in JournalEntry.objects.filter(poll=course.stage.poll).order_by("seq"):
        said = json.loads(change(entry.body)) | {"prev": prev}
        body = chain.canonical(said)
        prev = chain.digest("journal", body)
        JournalEntry.objects.filter(pk=entry.pk).update(body=body, hash=prev)


def rewrite_with_other_salts(course: Course) -> None:
    rewrite(course, lambda body: json.dumps(json.loads(body) | {"salt": "0" * 32}))


def edit_an_entry(course: Course) -> None:
    entry = JournalEntry.objects.get(poll=course.stage.poll, kind="roll-drawn-up")
    body = entry.body.replace('"seq":', '"note":"x","seq":')
    JournalEntry.objects.filter(pk=entry.pk).update(body=body)


def blame_another(course: Course) -> None:
    """The column that pages show, beside what was hashed."""
    opened = JournalEntry.objects.filter(poll=course.stage.poll, kind="opened")
    opened.update(by=course.stage.chief)


def drop_last_entries(number: int) -> Act:
    def do(course: Course) -> None:
        last = JournalEntry.objects.filter(poll=course.stage.poll).order_by("-seq")[:number]
        for entry in list(last):
            entry.delete()

    return do


# --- the box --------------------------------------------------------------------------------------


def _envelope(course: Course, place: int = VOTED) -> "models.QuerySet[Envelope]":
    return Envelope.objects.filter(roll_entry=course.stage.entry(place))


def _sealed_by_him(course: Course) -> bytes:
    box = course.poll.box
    size = box.ballot_size or 1024
    return sealing.seal(
        WHAT_HE_WANTS,
        public_key=bytes(box.public_key),
        poll=course.stage.poll.uuid,
        size=size,
    )


def put_envelope(course: Course, place: int = WAITS, **columns: Any) -> None:
    sealed = columns.setdefault("sealed", _sealed_by_him(course))
    receipt = sealing.receipt(poll=course.stage.poll.uuid, sealed=sealed)
    Envelope.objects.create(
        roll_entry=course.stage.entry(place),
        poll=course.stage.poll,
        **({"receipt": receipt, "code": sealing.receipt_code(receipt), "token": "t"} | columns),
    )


def mark(place: int = WAITS) -> Act:
    return lambda course: set_roll(place, voted=True, voted_at=timezone.now())(course)


def stuff(course: Course) -> None:
    put_envelope(course)
    mark()(course)


def stuff_for_the_absent(course: Course) -> None:
    set_roll(AWAY, present=True)(course)
    put_envelope(course, AWAY)
    mark(AWAY)(course)


def replace_envelope(course: Course) -> None:
    mac = _envelope(course).get().mac
    delete_envelope(course)
    put_envelope(course, VOTED, mac=mac)


def delete_envelope(course: Course) -> None:
    _envelope(course).delete()


def take_back(course: Course) -> None:
    """Envelope and mark both: as if he had never voted."""
    delete_envelope(course)
    set_roll(VOTED, voted=False, voted_at=None, mac="")(course)


def copy_envelope(course: Course) -> None:
    old = _envelope(course).get()
    put_envelope(course, sealed=bytes(old.sealed), mac=old.mac)


def swap_envelopes(course: Course) -> None:
    one, other = _envelope(course).get(), _envelope(course, VOTED + 1).get()
    Envelope.objects.filter(pk__in=[one.pk, other.pk]).delete()
    one.roll_entry, other.roll_entry = other.roll_entry, one.roll_entry
    for envelope in (one, other):
        envelope.save(force_insert=True)


def envelope_with_the_servers_key(course: Course) -> None:
    """Whoever has SECRET_KEY as well, which stands in no database."""
    course.stage.forge(WAITS, _sealed_by_him(course))


# --- people ---------------------------------------------------------------------------------------


def point_his_card_at_another(course: Course) -> None:
    """His own card for somebody who waits, a vote with it, and back."""
    stage = course.stage
    mine, other = stage.card(VOTED), stage.card(WAITS)
    AccessCard.objects.filter(pk=other.pk).update(revoked_at=timezone.now())
    AccessCard.objects.filter(pk=mine.pk).update(delegate=other.delegate)
    number = Delegate.objects.get(pk=mine.delegate_id).card_number
    Delegate.objects.filter(pk=mine.delegate_id).update(card_number=None)
    Delegate.objects.filter(pk=other.delegate_id).update(card_number=number)
    card = asked("sign-in", sign_in.card_by_code, stage.issued[VOTED].code)
    casting.cast_ballot(
        poll=course.poll, card=card, selection=WHAT_HE_WANTS, token=casting.new_token()
    )


def change_card_of_a_voter(course: Course) -> None:
    AccessCard.objects.filter(pk=course.stage.card(VOTED).pk).update(token_digest="f" * 64)


def vote_with_a_card_of_the_absent(course: Course) -> None:
    """Whoever prints cards has one, and the database says that its holder has come."""
    set_roll(AWAY, present=True)(course)
    asked("cast", course.stage.cast, AWAY, WHAT_HE_WANTS)


def suspend(course: Course) -> None:
    delegate = course.stage.delegates[WAITS]
    Delegate.objects.filter(pk=delegate.pk).update(status=Delegate.Status.SUSPENDED)


def suspend_for_an_hour(course: Course) -> None:
    suspend(course)
    with pytest.raises(Refused):
        course.stage.cast(WAITS, selection(1))
    delegate = course.stage.delegates[WAITS]
    Delegate.objects.filter(pk=delegate.pk).update(status=Delegate.Status.ACTIVE)


def void_a_card_for_an_hour(course: Course) -> None:
    card = AccessCard.objects.filter(pk=course.stage.card(WAITS).pk)
    card.update(revoked_at=timezone.now())
    with pytest.raises(Refused):
        sign_in.card_by_code(course.stage.issued[WAITS].code)
    card.update(revoked_at=None)


def put_on_the_roll(course: Course) -> None:
    (stranger,) = make_delegates(1)
    RollEntry.objects.create(
        poll=course.stage.poll,
        delegate=stranger,
        number=stranger.number,
        name=stranger.name,
        delegation="城区代表团",
    )


def take_off_the_roll(course: Course) -> None:
    course.stage.entry(AWAY).delete()


def move_mark(course: Course) -> None:
    at = course.stage.entry(VOTED).voted_at
    set_roll(VOTED, voted=False, voted_at=None)(course)
    set_roll(WAITS, voted=True, voted_at=at)(course)


# --- staff ----------------------------------------------------------------------------------------


def _into_group(user: User, group: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO auth_user_groups (user_id, group_id)"
            " SELECT %s, id FROM auth_group WHERE name = %s",
            [user.pk, group],
        )


def give_an_office(course: Course) -> None:
    """By SQL, of which no signal hears: the chief scrutineer becomes the office too."""
    _into_group(course.stage.chief, roles.OFFICE)


def give_and_take_an_office(course: Course) -> None:
    """One of the office confirms as the chief scrutineer that he is for a minute."""
    (clerk,) = User.objects.bulk_create([User(username="clerk", is_staff=True)])
    _into_group(clerk, roles.CHIEF)
    lifecycle.confirm_result(course.poll, by=User.objects.get(pk=clerk.pk))
    clerk.groups.through.objects.filter(user=clerk).delete()
    User.objects.filter(pk=clerk.pk).update(is_active=False)


def make_an_account_that_counts(course: Course) -> None:
    make_staff(roles.SCRUTINEER, name="late")


def set_a_password(course: Course) -> None:
    User.objects.filter(pk=course.stage.scrutineer.pk).update(password=course.stage.office.password)


# --- after the close ------------------------------------------------------------------------------


def _sealed(course: Course) -> "models.QuerySet[SealedBallot]":
    return SealedBallot.objects.filter(poll=course.stage.poll, code=course.receipts[VOTED])


def put_sealed(course: Course) -> None:
    sealed = _sealed_by_him(course)
    receipt = sealing.receipt(poll=course.stage.poll.uuid, sealed=sealed)
    SealedBallot.objects.create(
        poll=course.stage.poll, receipt=receipt, code=sealing.receipt_code(receipt), sealed=sealed
    )


def delete_sealed(course: Course) -> None:
    _sealed(course).delete()


def replace_sealed(course: Course) -> None:
    delete_sealed(course)
    put_sealed(course)


def replace_sealed_bytes(course: Course) -> None:
    _sealed(course).update(sealed=_sealed_by_him(course))


def replace_sealed_and_its_root(course: Course) -> None:
    """The close says another root then, and the whole record after it another hash."""
    closed = JournalEntry.objects.get(poll=course.stage.poll, kind="closed")
    replace_sealed(course)
    receipts = SealedBallot.objects.filter(poll=course.stage.poll).order_by("receipt")
    root = sealing.receipts_root(receipts.values_list("receipt", flat=True))
    rewrite(course, lambda body: body.replace(closed.data["receipts"], root))


def set_one_apart(course: Course) -> None:
    _sealed(course).update(set_apart=True)


def take_the_vote_again(course: Course) -> None:
    """Back to open, a vote more, and closed as if for the first time."""
    set_poll(phase="open", closed_at=None)(course)
    course.stage.cast(WAITS, WHAT_HE_WANTS)
    asked("close", lifecycle.close_poll, course.poll, by=course.stage.office)


# --- after the opening of the box -----------------------------------------------------------------


def _ballots(course: Course) -> "models.QuerySet[Ballot]":
    found = [ballot for ballot in course.poll.ballots.all() if ballot.chosen == [1, 2, 3]]
    return Ballot.objects.filter(pk__in=[ballot.pk for ballot in found])


def change_ballot(course: Course) -> None:
    assert _ballots(course).update(chosen=[1, 3, 4]) == 1


def void_ballot(course: Course) -> None:
    assert _ballots(course).update(chosen=[], invalid=Ballot.Invalid.NOT_OPENED) == 1


def put_ballot(course: Course) -> None:
    Ballot.objects.create(poll=course.stage.poll, chosen=[4])


def exchange_ballot(course: Course) -> None:
    _ballots(course).delete()
    put_ballot(course)


def merge_elsewhere(course: Course) -> None:
    into = Project.objects.get(poll=course.stage.poll, number=4)
    set_write_in(MERGED, into_project=into)(course)


refuse_a_proposal = set_write_in(ALONE, ruling=WriteIn.Ruling.REFUSED, reason="不予计票")


# --- the count ------------------------------------------------------------------------------------


def change_figures(course: Course) -> None:
    """Candidate 4 is in with all votes; the digest is that of the figures as they then stand."""
    result = standing_result(course.poll)
    figures: Any = json.loads(json.dumps(result.stored))
    for item in figures["items"]:
        if item["item"] == "4":
            item |= {"votes": 6, "majority": True, "outcome": "adopted"}
    set_result(stored=figures, digest=counting.digest(figures))(course)


def let_another_have_published(course: Course) -> None:
    set_result(published_by=course.stage.chief)(course)


def send_back(course: Course) -> None:
    set_result(sent_back="退回")(course)


def confirm_for_the_chief(course: Course) -> None:
    """A row that says that he has; the other scrutineer then is the last that was missing."""
    result = standing_result(course.poll)
    Confirmation.objects.create(result=result, by=course.stage.chief, chief=True)


def confirm_without_anybody(course: Course) -> None:
    confirm_for_the_chief(course)
    result = standing_result(course.poll)
    Confirmation.objects.create(result=result, by=course.stage.scrutineer)
    set_poll(phase="confirmed")(course)


def let_another_have_counted(course: Course) -> None:
    """So that who counted may confirm: the scrutineer made himself the counter of nothing."""
    set_result(counted_by=course.stage.chief)(course)


def decide_alone(course: Course) -> None:
    """A decision of the presidium of which nobody has heard fills the open place."""
    Decision.objects.create(
        poll=course.stage.poll,
        places=1,
        items=["4"],
        words="主席团决定",
        by=course.stage.office,
        second=course.stage.chief,
    )


# --- triggers -------------------------------------------------------------------------------------


def switch_a_trigger_off(course: Course) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE ballots_envelope DISABLE TRIGGER USER")
        else:
            cursor.execute("DROP TRIGGER ballots_envelope_guard_delete")


def later(**columns: timedelta) -> Act:
    """Move columns of the poll by so much."""
    return lambda course: set_poll(
        **{
            name: (getattr(course.poll, name) or timezone.now()) + by
            for name, by in columns.items()
        }
    )(course)
