"""Which poll a page is about, for whom."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from ballots.acts import roll
from ballots.models import RollEntry
from projects.models import Poll
from tests.helpers import browsing
from tests.helpers.factories import (
    make_delegates,
    make_office,
    make_poll,
    make_stage,
    walk_by_force,
)

pytestmark = pytest.mark.django_db


P = Poll.Phase


ORDER = [
    ("main", P.OPEN),
    ("main", P.PAUSED),
    ("rehearsal", P.OPEN),
    ("main", P.CLOSED),
    ("main", P.OPENED),
    ("main", P.COUNTED),
    ("main", P.CONFIRMED),
    ("main", P.PUBLISHED),
    ("main", P.VOID),
    ("rehearsal", P.CLOSED),
    ("rehearsal", P.PUBLISHED),
    ("main", P.DRAFT),
    ("rehearsal", P.DRAFT),
]


def move_clock(poll: Poll, moment: datetime) -> None:
    """Let all that has happened to `poll` have happened at `moment`."""
    row = Poll.objects.filter(pk=poll.pk)
    for column in ("opened_at", "closed_at", "published_at"):
        row.filter(**{f"{column}__isnull": False}).update(**{column: moment})


def test_the_poll_that_matters_most_comes_first_and_the_newest_of_its_kind():
    (delegate,) = make_delegates(1)
    office, start = make_office(), timezone.now()
    expected = []
    for place, (kind, phase) in enumerate(ORDER):
        poll = make_poll(kind=kind, candidates=1, delegates_total=1)
        roll.draw_up_roll(poll, by=office)
        if phase != P.DRAFT:
            walk_by_force(poll, phase)
            # Made first to last, moved last to first: it is the last step that counts.
            move_clock(poll, start - timedelta(minutes=place))
        expected.append(poll)
    # Another real one that is over, long before all the others of its rank.
    later = make_poll(kind="main", candidates=1, delegates_total=1)
    roll.draw_up_roll(later, by=office)
    walk_by_force(later, P.PUBLISHED)
    move_clock(later, start - timedelta(days=365))
    expected.insert(9, later)

    assert list(browsing.polls_of(delegate)) == expected
    # Nobody in particular sees what is out first, and no rehearsal before a real poll.
    real, practice = expected[3:10], expected[10:12]
    assert list(browsing.polls_of(None)) == [*real, *expected[:2], *practice, expected[2]]
    assert browsing.poll_for(delegate) == expected[0]


def test_every_phase_has_its_place_in_the_order():
    assert {phase for _kind, phase in ORDER} == set(P) - {P.DROPPED}


def test_a_delegate_sees_the_polls_on_whose_roll_he_stands():
    stage = make_stage()
    (stranger,) = make_delegates(1)

    assert browsing.poll_for(stage.delegates[0]) == stage.poll
    assert browsing.poll_for(stranger) is None
    assert browsing.poll_for(None) == stage.poll


def test_a_poll_that_is_asked_for_is_shown_only_to_those_on_its_roll():
    stage = make_stage()
    first = stage.poll
    second = make_poll(kind="rehearsal", delegates_total=1)
    RollEntry.objects.create(
        poll=second, delegate=stage.delegates[0], number="001", name="代表1", delegation="x"
    )
    on_both, on_one = stage.delegates[:2]

    assert browsing.poll_for(on_both) == first
    assert browsing.poll_for(on_both, asked=str(second.pk)) == second
    assert browsing.poll_for(on_one, asked=str(second.pk)) is None
    assert browsing.poll_for(None, asked=str(second.pk)) is None
    for nonsense in ("x", "-1", "1e3", "9" * 30, "²", "1;--", " 1", str(first.pk + 1000)):
        assert browsing.poll_for(on_both, asked=nonsense) is None
