"""What is said of a poll once and read everywhere: its columns, its choices, its phases."""

import itertools
from typing import get_args

import pytest

from ballots.pure import rules
from projects.models import Poll
from projects.phases import COUNTED, EVERY, LAST, MOVES, RUNNING, VOTING

LISTS = {
    "ABOUT": Poll.ABOUT,
    "RULES": Poll.RULES,
    "OWN": Poll.OWN,
    "DEADLINE": Poll.DEADLINE,
    "STATE": Poll.STATE,
}


def test_each_column_of_a_poll_is_in_exactly_one_list():
    columns = sorted(field.name for field in Poll._meta.concrete_fields)

    assert sorted(column for names in LISTS.values() for column in names) == columns


@pytest.mark.parametrize(
    ("literal", "choices"),
    [
        (rules.Form, Poll.Form),
        (rules.Proposals, Poll.Proposals),
        (rules.Majority, Poll.Majority),
    ],
)
def test_the_pure_rules_know_the_values_that_a_poll_can_have(literal, choices):
    assert set(get_args(literal)) == set(choices.values)


def test_phases_follow_each_other_as_the_design_draws_them():
    steps = {(before, move.after) for move in MOVES.values() for before in move.before}
    forward = ["draft", "open", "closed", "opened", "counted", "confirmed", "published"]
    drawn = set(itertools.pairwise(forward))
    drawn |= {("open", "paused"), ("paused", "open"), ("paused", "closed"), ("counted", "opened")}
    drawn |= {(phase, "void") for phase in ["paused", *forward[1:-1]]} | {("draft", "dropped")}

    assert steps == drawn


def test_no_step_leads_out_of_a_last_phase_and_one_leads_out_of_each_other():
    starts = {before for move in MOVES.values() for before in move.before}

    assert starts == EVERY - LAST


def test_a_poll_that_takes_ballots_is_running_and_one_that_is_counted_takes_none():
    assert VOTING < RUNNING
    assert not VOTING & COUNTED
    assert RUNNING | LAST | {Poll.Phase.DRAFT} == EVERY


def test_an_assessment_is_told_from_the_vote_beside_it_by_its_name():
    poll = Poll(year=2026, meeting="第六次会议", form="grades")

    assert str(poll) == "2026年 第六次会议（满意度测评）"
    assert str(Poll(year=2027, meeting="第六次会议")) == "2027年 第六次会议"
