"""Count, confirmation and publication look back at what was put on record before."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from ballots import triggers, verifier
from ballots.acts import canvass, lifecycle
from ballots.facts import counting
from ballots.files import package
from ballots.models import BallotBox, Result, WriteIn
from projects.models import Poll
from tests.helpers.factories import Stage, make_stage, selection
from tests.helpers.refusals import error_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def canvassed() -> Stage:
    """A real poll whose two proposals are merged into candidate 1, as two people have signed."""
    stage = make_stage(delegates=5, candidates=3, places=2, kind=Poll.Kind.MAIN)
    for place in range(5):
        proposals = [["甲地建桥"], ["乙地建桥"], [], [], []][place]
        stage.cast(place, selection(1 if place > 1 else 2, proposals=proposals))
    stage.close()
    stage.open_box()
    for write_in in stage.poll.write_ins.all():
        into = stage.poll.projects.get(number=1)
        canvass.rule(stage.poll, write_in, ruling="into-project", into=into, by=stage.office)
    canvass.close_canvass(stage.poll, by=stage.office, second=stage.scrutineer)
    return stage


def by_force(act: Callable[[Poll], Any], poll: Poll) -> None:
    triggers.lift(connection)
    act(poll)
    triggers.install(connection)


def into_another(poll: Poll) -> None:
    poll.write_ins.filter(number=1).update(into_project=poll.projects.get(number=3))


def into_each_other(poll: Poll) -> None:
    one, other = poll.write_ins.order_by("number")
    WriteIn.objects.filter(pk=one.pk).update(
        ruling="into-write-in", into_project=None, into_write_in=other
    )


def swap_titles(poll: Poll) -> None:
    one, other = poll.projects.filter(number__in=[2, 3]).order_by("number")
    for project, title in ((one, "-"), (other, one.title), (one, other.title)):
        poll.projects.filter(pk=project.pk).update(title=title)


def change_the_voters(poll: Poll) -> None:
    poll.roll.filter(number="001").update(number="901")


CHANGED: dict[str, tuple[Callable[[Poll], Any], str]] = {
    "the target of a merger": (into_another, "unlike-canvass"),
    "a ruling": (into_each_other, "unlike-canvass"),
    "the reason of one": (lambda p: p.write_ins.update(reason="别的"), "unlike-canvass"),
    "the titles of two candidates": (swap_titles, "unlike-record"),
    "the majority": (
        lambda p: Poll.objects.filter(pk=p.pk).update(majority="none"),
        "unlike-record",
    ),
    "the places": (lambda p: Poll.objects.filter(pk=p.pk).update(places=3), "unlike-record"),
    "the meeting": (lambda p: Poll.objects.filter(pk=p.pk).update(meeting="别的"), "unlike-record"),
    "a name on the roll": (
        lambda p: p.roll.filter(number="001").update(name="别人"),
        "unlike-record",
    ),
    "a number on the roll": (change_the_voters, "unlike-record"),
}
each_change = pytest.mark.parametrize("name", CHANGED)


def confirmed(stage: Stage) -> None:
    lifecycle.count_poll(stage.poll, by=stage.office)
    for person in (stage.scrutineer, stage.chief):
        lifecycle.confirm_result(stage.poll, by=person)
    stage.poll.refresh_from_db()


@each_change
def test_what_was_changed_since_it_was_put_on_record_is_not_counted(canvassed, name):
    act, code = CHANGED[name]
    by_force(act, canvassed.poll)
    canvassed.poll.refresh_from_db()

    assert error_of(lifecycle.count_poll, canvassed.poll, by=canvassed.office).code == code


@each_change
def test_nor_confirmed(canvassed, name):
    act, code = CHANGED[name]
    lifecycle.count_poll(canvassed.poll, by=canvassed.office)
    by_force(act, canvassed.poll)

    refusal = error_of(lifecycle.confirm_result, canvassed.poll, by=canvassed.scrutineer)
    assert refusal.code == code


@each_change
def test_nor_published(canvassed, name):
    act, code = CHANGED[name]
    confirmed(canvassed)
    by_force(act, canvassed.poll)

    refusal = error_of(
        lifecycle.publish_result, canvassed.poll, by=canvassed.office, leave_open=True
    )
    assert refusal.code == code
    canvassed.poll.refresh_from_db()
    assert canvassed.poll.phase == Poll.Phase.CONFIRMED


def other_figures(poll: Poll) -> None:
    result = Result.objects.get(poll=poll)
    result.stored["items"][0]["votes"] += 1
    Result.objects.filter(pk=result.pk).update(stored=result.stored)


def other_figures_with_their_digest(poll: Poll) -> None:
    other_figures(poll)
    result = Result.objects.get(poll=poll)
    Result.objects.filter(pk=result.pk).update(digest=counting.digest(result.stored))


@pytest.mark.parametrize("act", [other_figures, other_figures_with_their_digest])
def test_figures_that_were_changed_after_the_confirmation_are_not_published(canvassed, act):
    """Manipulation 10."""
    confirmed(canvassed)
    by_force(act, canvassed.poll)

    refusal = error_of(
        lifecycle.publish_result, canvassed.poll, by=canvassed.office, leave_open=True
    )
    assert refusal.code == "unlike-count"


def test_what_nobody_changed_is_counted_confirmed_and_published(canvassed):
    confirmed(canvassed)

    assert canvassed.publish(leave_open=True).phase == Poll.Phase.PUBLISHED


def test_where_proposals_go_is_part_of_what_two_people_sign(canvassed):
    entry = canvassed.poll.journal.get(kind="canvass-closed")

    assert [row[1:] for row in entry.data["into"]] == [["1", ""], ["1", ""]]


def test_a_ruling_stays_once_the_canvass_is_closed_and_the_canvass_closed(canvassed):
    box = BallotBox.objects.filter(poll=canvassed.poll)
    for change in (
        lambda: into_another(canvassed.poll),
        lambda: box.update(canvassed=False),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_a_canvass_is_not_closed_before_the_box_is_open():
    stage = make_stage()
    with pytest.raises(DatabaseError), transaction.atomic():
        BallotBox.objects.filter(poll=stage.poll).update(canvassed=True)


def test_a_count_that_is_sent_back_is_ruled_on_again(canvassed):
    lifecycle.count_poll(canvassed.poll, by=canvassed.office)
    lifecycle.send_back(canvassed.poll, reason="并入有误", by=canvassed.scrutineer)
    write_in = canvassed.poll.write_ins.get(number=1)
    into = canvassed.poll.projects.get(number=3)
    canvass.rule(canvassed.poll, write_in, ruling="into-project", into=into, by=canvassed.office)
    canvass.close_canvass(canvassed.poll, by=canvassed.office, second=canvassed.scrutineer)

    lifecycle.count_poll(canvassed.poll, by=canvassed.office)


def test_the_verifier_names_a_merger_that_leads_elsewhere_than_two_people_signed(canvassed):
    lifecycle.count_poll(canvassed.poll, by=canvassed.office)
    by_force(into_another, canvassed.poll)

    read = verifier.read(io.BytesIO(package.full_package(canvassed.poll).content))
    wrong = {finding.code: finding.faults for finding in verifier.level_a(read) if finding.faults}
    assert any("并入" in fault for fault in wrong["write-ins"])
