"""Each manipulation of the table is refused, named or conceded; none is silent."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.db import transaction

from tests.adversary import machine
from tests.adversary.machine import PHASES, UNNOTICED, Conceded, Course, verdict_on
from tests.adversary.table import MANIPULATIONS, Manipulation
from tests.helpers.machine import ROOT

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def prepared(request, django_db_setup, django_db_blocker) -> Iterator[Course]:
    """The poll in the phase of the test, walked there once for all tests of that phase."""
    with django_db_blocker.unblock(), transaction.atomic():
        course = machine.begin()
        machine.walk(course, request.param)
        yield course
        transaction.set_rollback(True)


@pytest.fixture
def course(prepared: Course) -> Course:
    return replace(prepared, stage=replace(prepared.stage), heads=list(prepared.heads))


def nothing(course: Course) -> None:
    """What a day is without anybody who writes to the database."""


@pytest.mark.parametrize("prepared", PHASES, indirect=True)
def test_without_a_manipulation_nothing_is_refused_and_nothing_named(course):
    assert verdict_on(course, nothing, lifted=True) == UNNOTICED


@pytest.mark.parametrize(
    ("prepared", "manipulation"),
    [pytest.param(one.phase, one, id=str(one)) for one in MANIPULATIONS],
    indirect=["prepared"],
)
def test_a_manipulation_comes_to_what_the_table_says(course, manipulation: Manipulation):
    found = verdict_on(course, manipulation.act, lifted=manipulation.lifted)

    assert manipulation.expected.is_met_by(found), found


def test_what_is_conceded_stands_in_the_docs_with_its_reason_and_nothing_else_does():
    """Section 4 is a table of numbers; each of its numbers is tried."""
    page = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    numbers = set(re.findall(r"^\| (4\.\d+) \|", page, re.M))
    conceded = {one.expected.where for one in MANIPULATIONS if isinstance(one.expected, Conceded)}

    assert conceded == numbers


def test_there_are_forty_manipulations_and_some_in_every_phase():
    assert len(MANIPULATIONS) >= 40
    assert {one.phase for one in MANIPULATIONS} == set(PHASES)
    assert len({str(one) for one in MANIPULATIONS}) == len(MANIPULATIONS)
