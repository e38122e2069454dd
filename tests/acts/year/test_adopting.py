"""A published result becomes its year's projects: which, in what order, with what, and until when."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from ballots import journal
from ballots.acts import archiving, drafts, lifecycle
from ballots.acts.year import adopting, assessing
from ballots.models import AccessCard
from ballots.pure.rules import Proposal
from projects.choices import Body
from projects.models import Poll
from projects.year.models import AdoptedProject, Year
from tests.helpers.factories import (
    Stage,
    confirm_count,
    end_year,
    make_confirmed,
    make_office,
    make_scrutineer,
    make_stage,
    make_sub_item,
    make_year,
    play,
    selection,
    walk_by_force,
)
from tests.helpers.refusals import refusal_of

pytestmark = pytest.mark.django_db

REAL: dict[str, Any] = {"kind": Poll.Kind.MAIN, "objection_days": 0}


def again(first: Stage, into: str = drafts.REAL) -> Stage:
    """Return a confirmed poll of the same people on the same list, in which project 1 has all votes."""
    draft = drafts.copy(first.poll, into=into, by=first.office)
    return play(first, draft, *[selection(1)] * 9)


def listed(year: Year) -> list[tuple[int, str, str]]:
    return list(year.projects.values_list("number", "key", "title"))


def test_a_publication_makes_the_adopted_projects_those_of_the_year():
    stage = make_confirmed({1: 6, 2: 8, 3: 0, 4: 7}, places=3, **REAL)
    assert not Year.objects.exists()

    stage.publish()

    year = Year.objects.get()
    assert (year.year, year.poll, year.made_by) == (2026, stage.poll, stage.office)
    assert (year.is_public, year.takes_opinions, year.is_open) == (False, False, True)
    # In the order of the list, which tells nothing of the votes.
    assert listed(year) == [(1, "1", "候选项目1"), (2, "2", "候选项目2"), (3, "4", "候选项目4")]


def test_a_candidate_brings_all_that_its_list_says():
    stage = make_stage(candidates=2, places=1, delegates=3, open_it=False, **REAL)
    project = stage.poll.projects.get(number=2)
    said = {
        "category": "教育",
        "lead_unit": "市教育局",
        "investment": 1800,
        "investment_this_year": 900,
        "funding": "财政",
        "deadline": "2026年12月",
        "site": "城区",
    }
    type(project).objects.filter(pk=project.pk).update(**said)
    make_sub_item(project)
    stage.poll = lifecycle.open_poll(stage.poll, by=stage.office)
    for place in range(3):
        stage.cast(place, selection(2))
    confirm_count(stage)

    stage.publish()

    adopted = AdoptedProject.objects.get()
    assert {name: getattr(adopted, name) for name in said} == said
    assert [str(target) for target in adopted.targets.all()] == ["新建2处"]
    assert [str(part) for part in adopted.parts.all()] == ["新建停车楼，1,200万元"]
    # Beside what the vote froze: both are there.
    assert stage.poll.projects.get(number=2).lead_unit == "市教育局"


def test_a_proposal_that_won_comes_after_the_candidates_with_what_it_said():
    stage = make_stage(candidates=2, places=2, delegates=5, **REAL)
    proposal = Proposal("社区食堂", "每个街道一处", "民政局")
    for place in range(5):
        stage.cast(place, selection(2, proposals=[proposal]))
    confirm_count(stage)

    stage.publish()

    year = Year.objects.get()
    assert listed(year) == [(1, "2", "候选项目2"), (2, "推1", "社区食堂")]
    adopted = year.projects.get(key="推1")
    assert (adopted.text, adopted.lead_unit) == ("每个街道一处", "民政局")
    assert not adopted.targets.exists()


def test_what_a_second_round_filled_is_adopted_with_its_first_one():
    first = make_confirmed({1: 8, 2: 5, 3: 5}, places=2, **REAL)
    second = play(first, drafts.run_off(first.poll, by=first.office), *[selection(3)] * 9)
    second.publish()
    assert not Year.objects.exists()

    first.publish()

    assert listed(Year.objects.get(poll=first.poll)) == [
        (1, "1", "候选项目1"),
        (2, "3", "候选项目3"),
    ]


def test_a_rehearsal_and_a_result_without_a_project_make_no_year():
    nothing = make_confirmed({1: 1}, places=1, **REAL)
    nothing.publish(leave_open=True)
    again(nothing, drafts.REHEARSAL).publish()

    assert not Year.objects.exists()
    assert refusal_of(lambda: adopting.adopt(nothing.poll, by=nothing.office)) == "nothing-adopted"


def test_a_year_that_has_its_projects_keeps_them():
    first = make_year()
    other = again(first)

    other.publish(leave_open=True)

    assert Year.objects.get().poll == first.poll
    assert refusal_of(lambda: adopting.adopt(other.poll, by=other.office)) == "year-taken"


# --- the press for a poll of an earlier version ---------------------------------------------------


def as_by_an_earlier_version(monkeypatch: pytest.MonkeyPatch, **columns: Any) -> Stage:
    """Return a published poll that has made no year."""
    stage = make_confirmed({1: 7, 2: 2}, **({"places": 1} | REAL | columns))
    with monkeypatch.context() as patch:
        patch.setattr(lifecycle, "adopt_published", lambda *_, **__: None)
        stage.publish()
    return stage


def test_the_result_of_an_earlier_version_is_adopted_by_one_press(monkeypatch):
    stage = as_by_an_earlier_version(monkeypatch)

    year = adopting.adopt(stage.poll, by=stage.office)

    assert listed(year) == [(1, "1", "候选项目1")]
    entry = stage.poll.journal.get(kind=journal.Kind.YEAR_MADE)
    assert (entry.by, entry.data) == (stage.office, {"year": 2026, "projects": ["1"]})


def test_only_a_published_first_round_that_counts_is_adopted_and_by_the_office(monkeypatch):
    real = as_by_an_earlier_version(monkeypatch)
    rehearsal = again(real, drafts.REHEARSAL)
    rehearsal.publish()
    confirmed = again(real)

    for poll, by, code in (
        (rehearsal.poll, real.office, "not-out"),
        (confirmed.poll, real.office, "not-out"),
        (real.poll, real.scrutineer, "not-office"),
    ):
        assert refusal_of(lambda poll=poll, by=by: adopting.adopt(poll, by=by)) == code


def test_a_year_is_never_made_of_the_grades_of_another():
    stage = make_year()
    graded = assessing.draft_assessment(
        Year.objects.get(), meeting="会议", body=Body.CONGRESS, by=stage.office
    )
    Poll.objects.filter(pk=graded.pk).update(year=2027, delegates_total=9)
    walk_by_force(graded, Poll.Phase.PUBLISHED)

    assert refusal_of(lambda: adopting.adopt(graded, by=stage.office)) == "not-out"
    with pytest.raises(IntegrityError, match="published result"), transaction.atomic():
        Year.objects.create(year=2027, poll=graded, made_by=stage.office)


# --- the end of a year ----------------------------------------------------------------------------


def test_a_year_is_closed_by_two_and_then_nothing_of_it_is_written():
    stage = make_year()
    year = Year.objects.get()
    signed: dict[str, Any] = {"by": stage.office, "second": stage.chief}
    for changes, code in (
        ({"by": stage.scrutineer}, "not-office"),
        ({"second": None}, "second-needed"),
        ({"second": make_office()}, "second-needed"),
    ):
        act = lambda changes=changes: adopting.close_year(year, **(signed | changes))  # noqa: E731
        assert refusal_of(act) == code

    adopting.close_year(year, **signed)

    year.refresh_from_db()
    assert (year.is_open, year.closed_by) == (False, stage.office)
    entry = stage.poll.journal.get(kind=journal.Kind.YEAR_CLOSED)
    assert (entry.by, entry.second, entry.data) == (stage.office, stage.chief, {"year": 2026})
    assert refusal_of(lambda: adopting.close_year(year, **signed)) == "year-closed"
    assert refusal_of(lambda: adopting.locked_year(year)) == "year-closed"


def test_the_office_says_who_sees_a_year_and_who_writes_opinions():
    stage = make_year()
    year = Year.objects.get()

    adopting.set_switches(year, is_public=True, takes_opinions=True, by=stage.office)

    year.refresh_from_db()
    assert (year.is_public, year.takes_opinions) == (True, True)
    switch: dict[str, Any] = {"is_public": False, "takes_opinions": True}
    by = make_scrutineer()
    assert refusal_of(lambda: adopting.set_switches(year, **switch, by=by)) == "not-office"

    end_year(stage)

    adopting.set_switches(year, **switch, by=stage.office)
    assert not Year.objects.get().is_public
    switch["takes_opinions"] = False
    assert refusal_of(lambda: adopting.set_switches(year, **switch, by=stage.office)) == (
        "year-closed"
    )


# --- cards ----------------------------------------------------------------------------------------


def archive(stage: Stage) -> None:
    words: dict[str, Any] = {"key_destroyed": "当场销毁", "backups": ["无"]}
    archiving.archive(stage.poll, **words, by=stage.office, second=stage.chief)


def test_cards_live_on_until_the_year_is_closed_and_can_go_then():
    stage = make_year()

    archive(stage)

    assert AccessCard.objects.count() == 9
    assert archiving.cards_of(stage.poll).needed_by == (stage.poll,)
    signed: dict[str, Any] = {"by": stage.office, "second": stage.chief}
    assert refusal_of(lambda: archiving.destroy_cards(stage.poll, **signed)) == "no-cards"

    end_year(stage)

    assert archiving.destroy_cards(stage.poll, **signed)["cards"] == 9
    assert not AccessCard.objects.exists()


def test_another_poll_leaves_the_cards_of_those_who_follow_the_year():
    stage = make_year()
    other = again(stage)
    other.publish(leave_open=True)

    archive(other)

    assert archiving.cards_of(other.poll).needed_by == (stage.poll,)
    assert AccessCard.objects.count() == 9
