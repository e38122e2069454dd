"""The end of a poll: who archives it and when, what is deleted, and what stays and still verifies."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from ballots import journal, verifier
from ballots.acts import archiving, drafts, hall, lifecycle, roll
from ballots.files import package, tables
from ballots.models import AccessCard, JournalEntry, RollEntry, Session
from projects.models import Poll
from tests.helpers.browsing import read, signed_in
from tests.helpers.factories import (
    Stage,
    end_year,
    make_confirmed,
    make_office,
    make_poll,
    make_staff,
    make_stage,
    move_by_force,
    publish_count,
    second_stage,
    selection,
    walk_by_force,
)
from tests.helpers.refusals import refusal_of

pytestmark = pytest.mark.django_db

P = Poll.Phase


def over(**columns: Any) -> Stage:
    """Return a real poll whose result is out; all but the last delegate have voted."""
    real: dict[str, Any] = {"kind": Poll.Kind.MAIN, "simple": True, "objection_days": 0}
    held = make_stage(**(real | columns))
    for place in range(len(held.delegates) - 1):
        held.cast(place, selection(1))
    publish_count(held)
    end_year(held)
    return held


def archive(held: Stage, **changes: Any) -> Poll:
    given: dict[str, Any] = {
        "key_destroyed": "五份份额当场销毁，总监票人在场",
        "backups": ["机房备份一份", "", "U盘一个"],
        "by": held.office,
        "second": held.chief,
    }
    end_year(held)
    return archiving.archive(held.poll, **(given | changes))


# --- what goes and what stays ---------------------------------------------------------------------


def test_cards_and_times_go_and_who_has_voted_stays():
    held = over()

    archive(held)

    held.poll.refresh_from_db()
    assert held.poll.archived_at is not None
    assert not AccessCard.objects.exists()
    assert not RollEntry.objects.filter(voted_at__isnull=False).exists()
    assert held.poll.roll.filter(voted=True).count() == 4
    assert held.poll.ballots.count() == held.poll.sealed_ballots.count() == 4


def test_the_record_says_what_became_of_the_key_and_which_backups_are_left():
    held = over()

    archive(held)

    entry = JournalEntry.objects.get(kind="archived")
    assert (entry.by, entry.second) == (held.office, held.chief)
    assert json.loads(entry.body)["data"] == {
        "key_destroyed": "五份份额当场销毁，总监票人在场",
        "backups": ["机房备份一份", "U盘一个"],
        "cards": 5,
        "cards_in_use": 0,
        "sessions": 0,
        "times": 4,
    }


def test_the_sessions_that_the_cards_opened_end_and_those_of_staff_do_not(client):
    held = over()
    delegate = signed_in(held)
    client.force_login(held.office)
    assert delegate.get("/home/").status_code == 200

    archive(held)

    assert Session.objects.count() == 1
    assert delegate.get("/home/").status_code == 303
    assert client.get("/admin/").status_code == 200


def test_cards_of_a_poll_that_is_not_over_stay_with_their_sessions():
    held = over()
    other = make_poll(delegates_total=9)
    roll.draw_up_roll(other, by=held.office)
    other.roll.exclude(number__in=["001", "002"]).delete()
    stays, goes = signed_in(held, 0), signed_in(held, 3)

    archive(held)

    assert sorted(AccessCard.objects.values_list("delegate__number", flat=True)) == ["001", "002"]
    assert stays.get("/home/").status_code == 200
    assert goes.get("/home/").status_code == 303
    data = json.loads(JournalEntry.objects.get(kind="archived").body)["data"]
    assert (data["cards"], data["cards_in_use"], data["sessions"]) == (3, 2, 1)


# --- whose cards stay -----------------------------------------------------------------------------


def test_archiving_a_rehearsal_takes_no_card_and_no_session():
    """Case 34: the printed cards are those of the vote that was rehearsed."""
    held = over(kind=Poll.Kind.REHEARSAL)
    delegate = signed_in(held)

    archive(held)

    assert AccessCard.objects.count() == 5
    assert delegate.get("/home/").status_code == 200
    assert not RollEntry.objects.filter(voted_at__isnull=False).exists()
    data = json.loads(JournalEntry.objects.get(kind="archived").body)["data"]
    assert (data["cards"], data["cards_in_use"], data["sessions"]) == (0, 5, 0)


def beside(held: Stage, what: str) -> None:
    """Put another poll of the same delegates beside the one that is over."""
    match what:
        case "a draft without a roll":
            make_poll(delegates_total=5)
        case "a rehearsal without a roll":
            make_poll(kind=Poll.Kind.REHEARSAL)
        case "a draft of the year after":
            make_poll(year=2027)
        case "one that is published and not revealed" | "one within its days of objection":
            other = make_poll(delegates_total=5, objection_days=7)
            roll.draw_up_roll(other, by=held.office)
            walk_by_force(other, P.PUBLISHED)
            if what == "one within its days of objection":
                Poll.objects.filter(pk=other.pk).update(revealed_at=timezone.now())
        case "one past its days of objection":
            other = make_poll(delegates_total=5, objection_days=0)
            roll.draw_up_roll(other, by=held.office)
            walk_by_force(other, P.PUBLISHED)
            Poll.objects.filter(pk=other.pk).update(revealed_at=timezone.now())
        case "a dropped draft":
            other = make_poll(delegates_total=5)
            roll.draw_up_roll(other, by=held.office)
            move_by_force(other, P.DROPPED)
        case "an open poll":
            other = make_poll(delegates_total=5)
            roll.draw_up_roll(other, by=held.office)
            walk_by_force(other, P.OPEN)


BESIDE = {
    "a draft without a roll": 5,
    "a rehearsal without a roll": 5,
    "a draft of the year after": 5,
    "one that is published and not revealed": 5,
    "one within its days of objection": 5,
    "an open poll": 5,
    "one past its days of objection": 0,
    "a dropped draft": 0,
    "nothing": 0,
}


@pytest.mark.parametrize("what", BESIDE)
def test_archiving_a_poll_leaves_the_cards_that_another_one_needs(what):
    """Case 34, case 32: what is to come keeps its cards, what was dropped or is over keeps none."""
    held = over()
    beside(held, what)

    archive(held)

    assert AccessCard.objects.count() == BESIDE[what]


def test_archiving_refuses_where_the_number_of_cards_has_moved_since_it_was_read():
    """Case 34: what would go is said before, and is what goes."""
    held = over()
    read = len(archiving.cards_of(held.poll).gone)
    make_poll(delegates_total=5)

    assert refusal_of(lambda: archive(held, cards=read)) == "figure-moved"
    assert AccessCard.objects.count() == 5
    assert Poll.objects.get(pk=held.poll.pk).archived_at is None

    archive(held, cards=0)


def test_cards_that_stayed_are_destroyed_once_nothing_needs_them():
    """Case 32: they are not kept for ever for a draft that nobody wanted."""
    held = over()
    draft = make_poll(delegates_total=5)
    signed: dict[str, Any] = {"by": held.office, "second": held.chief}
    assert refusal_of(lambda: archiving.destroy_cards(held.poll, **signed)) == "not-archived"
    archive(held)
    assert refusal_of(lambda: archiving.destroy_cards(held.poll, **signed)) == "no-cards"
    delegate = signed_in(held)
    drafts.drop(draft, by=held.office)

    assert refusal_of(lambda: archiving.destroy_cards(held.poll, cards=4, **signed)) == (
        "figure-moved"
    )
    alone = refusal_of(lambda: archiving.destroy_cards(held.poll, **(signed | {"second": None})))
    done = archiving.destroy_cards(held.poll, cards=5, **signed)

    assert alone == "second-needed"
    assert done == {"cards": 5, "cards_in_use": 0, "sessions": 1}
    assert not AccessCard.objects.exists()
    assert delegate.get("/home/").status_code == 303
    assert held.poll.journal.get(kind="cards-destroyed").data == done
    assert verified(held.poll)


def verified(poll: Poll) -> bool:
    return journal.first_broken(poll) is None


def test_a_second_round_that_can_never_open_keeps_no_card():
    held = make_confirmed({1: 8, 2: 5, 3: 5}, places=2, kind=Poll.Kind.MAIN, objection_days=0)
    drafts.run_off(held.poll, by=held.office)
    lifecycle.publish_result(held.poll, by=held.office, leave_open=True, at_once=True)

    archive(held)

    assert not AccessCard.objects.exists()


def test_a_second_round_that_may_still_open_keeps_its_cards():
    held = make_confirmed({1: 8, 2: 5, 3: 5}, places=2, kind=Poll.Kind.MAIN, objection_days=0)
    second = second_stage(held, drafts.run_off(held.poll, by=held.office))
    ends: dict[str, Any] = {"reason": "断电", "by": held.office, "second": held.chief}
    ended = replace(held, poll=lifecycle.void_poll(second.poll, **ends))
    drafts.fresh_draft(ended.poll, by=held.office)

    archive(ended)

    assert AccessCard.objects.count() == 9


def test_the_pages_of_a_delegate_who_still_has_a_card_say_no_time():
    held = over()
    other = make_poll(delegates_total=9)
    roll.draw_up_roll(other, by=held.office)
    client = signed_in(held)

    archive(held)

    query = f"?poll={held.poll.pk}"
    home = read(client.get(f"/home/{query}")).text
    assert "✓ 您已提交表决票。" in home
    receipt = read(client.get(f"/receipt/{query}")).text
    assert "✓ 表决票已提交" in receipt
    assert "提交时间" not in receipt
    for path in ("/progress/", "/results/", "/board/", "/projects/"):
        assert client.get(path + query).status_code == 200
    assert "投票已截止" in read(client.get(f"/ballot/{query}")).text


def test_turnout_and_both_packages_still_stand_and_verify(tmp_path):
    held = over()
    before = tables.turnout_csv(held.poll).content

    archive(held)

    assert tables.turnout_csv(held.poll).content == before
    for make in (package.full_package, package.public_package):
        file = tmp_path / make.__name__
        file.write_bytes(make(held.poll).content)
        assert verifier.main([str(file)]) == 0


# --- when and by whom -----------------------------------------------------------------------------


REFUSED: dict[str, tuple[str, Callable[[Stage], dict[str, Any]]]] = {
    "a scrutineer's": ("not-office", lambda s: {"by": s.scrutineer}),
    "nobody's second": ("second-needed", lambda s: {"second": None}),
    "an office's second": ("second-needed", lambda s: {"second": make_office()}),
    "one's own second": (
        "second-needed",
        lambda s: dict.fromkeys(("by", "second"), make_staff("会务", "监票")),
    ),
    "without a word of the key": ("words-needed", lambda s: {"key_destroyed": " "}),
    "without a word of the backups": ("backups-needed", lambda s: {"backups": [" ", ""]}),
}


def test_archiving_is_refused_and_changes_nothing():
    held = over()
    for what, (code, changes) in REFUSED.items():
        act = partial(archive, held, **changes(held))
        assert (what, refusal_of(act)) == (what, code)


def test_a_poll_is_archived_once():
    held = over()
    archive(held)

    assert refusal_of(lambda: archive(held)) == "archived-before"


def test_a_poll_is_archived_when_it_is_over_and_the_hall_has_seen_it_all():
    held = make_confirmed({1: 8, 2: 6}, places=2)
    assert refusal_of(lambda: archive(held)) == "not-over"
    lifecycle.publish_result(held.poll, by=held.office)
    assert refusal_of(lambda: archive(held)) == "not-over"
    hall.reveal_all(held.poll, by=held.office)

    assert archive(held).archived_at is not None


@pytest.mark.parametrize("days", [0, 7])
def test_a_real_poll_waits_until_its_days_of_objection_are_over(days):
    held = over(kind=Poll.Kind.MAIN, simple=True, objection_days=days)
    until = archiving.objections_until(held.poll)
    assert until
    assert held.poll.revealed_at
    assert until == held.poll.revealed_at + timedelta(days=days)

    if days:
        with time_machine.travel(until - timedelta(seconds=5), tick=False):
            assert refusal_of(lambda: archive(held)) == "too-early"
    with time_machine.travel(until, tick=False):
        archive(held)


def test_the_days_of_a_void_poll_run_from_its_end():
    held = make_stage(kind=Poll.Kind.MAIN)
    held.poll = lifecycle.void_poll(
        held.poll, reason="断电", by=held.office, second=held.scrutineer
    )
    assert refusal_of(lambda: archive(held)) == "too-early"

    with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1)):
        archive(held)

    # What is archived is not lost: the roll is there for another draft, and new cards can be made.
    assert drafts.fresh_draft(held.poll, by=held.office).roll.count() == 5


def test_an_open_poll_has_no_days_of_objection():
    assert archiving.objections_until(make_stage().poll) is None
