"""The end of a poll: who archives it and when, what is deleted, and what stays and still verifies."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.utils import timezone

from ballots import verifier
from ballots.acts import archiving, drafts, hall, lifecycle, roll
from ballots.files import package, tables
from ballots.models import AccessCard, JournalEntry, RollEntry
from projects.models import Poll
from tests.helpers.browsing import read, signed_in
from tests.helpers.factories import (
    Stage,
    make_confirmed,
    make_office,
    make_poll,
    make_staff,
    make_stage,
    publish_count,
    second_stage,
    selection,
)
from tests.helpers.refusals import refusal_of

pytestmark = pytest.mark.django_db

P = Poll.Phase


def over(**columns: Any) -> Stage:
    """Return a rehearsal whose result is out; all but the last delegate have voted."""
    held = make_stage(**columns)
    for place in range(len(held.delegates) - 1):
        held.cast(place, selection(1))
    publish_count(held)
    return held


def archive(held: Stage, **changes: Any) -> Poll:
    given: dict[str, Any] = {
        "key_destroyed": "五份份额当场销毁，总监票人在场",
        "backups": ["机房备份一份", "", "U盘一个"],
        "by": held.office,
        "second": held.chief,
    }
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


def test_a_second_round_that_can_never_open_keeps_no_card():
    held = make_confirmed({1: 8, 2: 5, 3: 5}, places=2)
    drafts.run_off(held.poll, by=held.office)
    lifecycle.publish_result(held.poll, by=held.office, leave_open=True, at_once=True)

    archive(held)

    assert not AccessCard.objects.exists()


def test_a_second_round_that_may_still_open_keeps_its_cards():
    held = make_confirmed({1: 8, 2: 5, 3: 5}, places=2)
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
