"""Opinions on the projects of a year: by name, within limits, answered, closed, and never changed."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from ballots.acts.year import adopting, opinions
from ballots.models import Delegate, Opinion
from projects.year.models import AdoptedProject, Year
from tests.helpers.factories import (
    Stage,
    end_year,
    make_delegates,
    make_office,
    make_opinion,
    make_scrutineer,
    make_year,
)
from tests.helpers.races import Race, codes, stop_in
from tests.helpers.refusals import refusal_of

pytestmark = pytest.mark.django_db

S = Opinion.Standing


@pytest.fixture
def stage() -> Stage:
    """A year in which delegates may write opinions."""
    stage = make_year()
    adopting.set_switches(Year.objects.get(), is_public=False, takes_opinions=True, by=stage.office)
    return stage


def project(number: int = 1) -> AdoptedProject:
    return AdoptedProject.objects.get(number=number)


def entered(stage: Stage, **changes: Any) -> Opinion:
    usual: dict[str, Any] = {
        "by_name": "督办一组",
        "text": "请加快进度。",
        "due": opinions.usual_due(),
    }
    return opinions.enter(project(), **(usual | {"by": stage.office} | changes))


# --- written --------------------------------------------------------------------------------------


def test_an_opinion_stands_under_the_name_of_its_delegate_and_is_to_be_answered_in_thirty_days(
    stage,
):
    [delegate, *_] = stage.delegates

    made = opinions.write(
        project(), delegate=delegate, text="  请说明\u200b迟缓的原因。\r\n另：验收 "
    )

    made.refresh_from_db()
    assert (made.delegate, made.by_name, made.entered_by) == (delegate, delegate.name, None)
    assert made.text == "请说明迟缓的原因。\n另：验收"
    assert made.due == timezone.localdate() + timedelta(days=30)


def test_delegates_write_only_where_the_office_lets_them_and_while_they_are_in_office(stage):
    delegate = stage.delegates[0]
    act = lambda: opinions.write(project(), delegate=delegate, text="请加快。")  # noqa: E731
    for status in (Delegate.Status.SUSPENDED, Delegate.Status.OBSERVER, Delegate.Status.ENDED):
        delegate.status = status
        assert refusal_of(act) == "not-delegate", status
    delegate.status = Delegate.Status.ACTIVE
    year = Year.objects.get()
    adopting.set_switches(year, is_public=True, takes_opinions=False, by=stage.office)
    assert refusal_of(act) == "not-taking"
    entered(stage)


def test_what_a_delegate_writes_is_neither_empty_nor_too_long_nor_said_before(stage):
    delegate = stage.delegates[0]
    for text, code in (
        ("", "text-needed"),
        ("\u200b", "text-needed"),
        ("路" * 501, "text-too-long"),
    ):
        assert refusal_of(opinions.write, project(), delegate=delegate, text=text) == code
    opinions.write(project(), delegate=delegate, text="请加快ＡＢ")

    again = {"delegate": delegate, "text": "请加快 ab"}
    assert refusal_of(opinions.write, project(), **again) == "written-before"
    opinions.write(project(2), **again)


def test_a_delegate_writes_twenty_a_year_and_no_more(stage):
    delegate = stage.delegates[0]
    for place in range(opinions.MOST):
        opinions.write(project(1 + place % 3), delegate=delegate, text=f"意见{place}")

    more: dict[str, Any] = {"delegate": delegate, "text": "还有"}
    assert refusal_of(opinions.write, project(), **more) == "too-many"
    opinions.write(project(), **(more | {"delegate": stage.delegates[1]}))


@pytest.mark.django_db(transaction=True)
def test_one_opinion_sent_twice_at_once_is_written_once(stage, monkeypatch):
    race = Race()
    stop_in(race, monkeypatch, Opinion.objects, "create")
    write = lambda: opinions.write(project(), delegate=stage.delegates[0], text="请加快。")  # noqa: E731

    answers = race.play(write, write)

    assert codes([one for one in answers if not isinstance(one, Opinion)]) == {"written-before": 1}
    assert Opinion.objects.count() == 1


# --- entered by the office ------------------------------------------------------------------------


def test_the_office_enters_the_opinion_of_a_group_under_its_name(stage):
    made = entered(stage)

    assert (made.delegate, made.by_name, made.entered_by) == (None, "督办一组", stage.office)


@pytest.mark.parametrize("typed", ["001", "1", "代表1"])
def test_the_office_names_a_delegate_by_number_or_by_name(stage, typed):
    made = entered(stage, by_name=typed)

    assert (made.delegate, made.by_name) == (stage.delegates[0], stage.delegates[0].name)


def test_of_two_of_one_name_the_office_is_asked_for_the_number(stage):
    Delegate.objects.filter(pk=stage.delegates[1].pk).update(name="代表1", name_key="代表1")

    assert refusal_of(entered, stage, by_name="代表1") == "several"
    assert entered(stage, by_name="002").delegate == stage.delegates[1]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"by_name": " "}, "name-needed"),
        ({"by_name": "组" * 61}, "name-too-long"),
        ({"text": ""}, "text-needed"),
        ({"due": timezone.localdate() - timedelta(days=1)}, "due-past"),
    ],
)
def test_what_the_office_enters_is_complete(stage, changes, code):
    assert refusal_of(entered, stage, **changes) == code


# --- answered and closed --------------------------------------------------------------------------


def test_an_answer_is_corrected_by_a_newer_one_until_the_opinion_is_closed(stage):
    made = make_opinion(stage)
    opinions.answer(made, text="月底完成。", by=stage.office)
    opinions.answer(made, text="下月五日完成。", by=stage.office)

    assert [one.text for one in made.answers.all()] == ["下月五日完成。", "月底完成。"]
    opinions.close(made, reason="已现场核实", by=stage.office)
    made.refresh_from_db()
    assert (made.reason, made.closed_by) == ("已现场核实", stage.office)
    for act in (
        lambda: opinions.answer(made, text="再答", by=stage.office),
        lambda: opinions.close(made, reason="再办", by=stage.office),
    ):
        assert refusal_of(act) == "closed-before"


def test_an_opinion_is_answered_and_closed_in_words(stage):
    made = make_opinion(stage)
    for text, code in ((" ", "answer-needed"), ("路" * 501, "answer-too-long")):
        assert refusal_of(opinions.answer, made, text=text, by=stage.office) == code
    assert refusal_of(opinions.close, made, reason="", by=stage.office) == "reason-needed"


def test_only_the_office_enters_answers_and_closes(stage):
    made, by = make_opinion(stage), make_scrutineer()
    for act in (
        lambda: entered(stage, by=by),
        lambda: opinions.answer(made, text="答", by=by),
        lambda: opinions.close(made, reason="办结", by=by),
    ):
        assert refusal_of(act) == "not-office"


def test_nothing_is_written_answered_or_closed_once_the_year_is(stage):
    made = make_opinion(stage)
    end_year(stage)
    for act in (
        lambda: opinions.write(project(), delegate=stage.delegates[0], text="请加快。"),
        lambda: entered(stage),
        lambda: opinions.answer(made, text="答", by=stage.office),
        lambda: opinions.close(made, reason="办结", by=stage.office),
    ):
        assert refusal_of(act) == "year-closed"


# --- how far they are -----------------------------------------------------------------------------


def standings() -> list[int]:
    return [one.standing for one in Opinion.objects.with_standing().order_by("pk")]


def test_an_opinion_is_overdue_the_day_after_its_term_unless_it_is_answered_or_closed(stage):
    due = timezone.localdate()
    waiting, answered, closed = (make_opinion(stage, due=due, text=each) for each in "甲乙丙")
    opinions.answer(answered, text="已办", by=make_office())
    opinions.close(closed, reason="重复", by=stage.office)
    assert standings() == [S.WAITING, S.ANSWERED, S.CLOSED]

    with time_machine.travel(timezone.now() + timedelta(days=1)):
        assert standings() == [S.OVERDUE, S.ANSWERED, S.CLOSED]
    assert waiting.due == due


def test_who_is_not_in_the_register_is_taken_as_typed_and_who_has_left_it_too(stage):
    [former] = make_delegates(1, delegation="原代表团")
    Delegate.objects.filter(pk=former.pk).update(status=Delegate.Status.ENDED)

    assert entered(stage, by_name=former.name + "原").delegate is None
