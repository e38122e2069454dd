"""A box larger than any statement holds values for, from the close to the confirmation."""

import pytest

from ballots.acts import lifecycle
from tests.helpers import big_box
from tests.helpers.big_box import big_stage
from tests.helpers.factories import Stage, selection

# A statement of PostgreSQL takes 65,535 values, which is so many sealed ballots and a bit.
BEYOND = 16_384


def taken_to_its_end(stage: Stage) -> dict[str, int]:
    """Close, open, count and confirm; return the turnout, every check of which has held."""
    stage.close()
    stage.open_box()
    result = stage.count()
    assert all(check["holds"] for check in result.figures["checks"])
    lifecycle.confirm_result(stage.poll, by=stage.scrutineer)
    stage.poll.refresh_from_db()
    assert stage.poll.phase == "confirmed"
    return dict(result.figures["turnout"])  # type: ignore[arg-type]


@pytest.mark.long
@pytest.mark.django_db
def test_a_box_of_twenty_thousand_is_closed_opened_counted_and_confirmed():
    turnout = taken_to_its_end(big_stage(20_000))

    assert (turnout["returned"], turnout["valid"], turnout["invalid"]) == (20_000, 20_000, 0)


# The limit is PostgreSQL's; SQLite takes the box of twenty thousand by `make long`.
@pytest.mark.postgresql
@pytest.mark.django_db
def test_a_box_beyond_the_values_of_a_statement_is_closed_opened_counted_and_confirmed():
    stage = big_stage(BEYOND, open_it=False, delegates_total=BEYOND + 2)
    stage.poll = lifecycle.open_poll(stage.poll, by=stage.office)
    stage.cast(0, selection(1, 2))
    stuffed = list(stage.poll.roll.filter(voted=False))
    # What holds no ballot, and takes no time to seal: opened, it is invalid.
    big_box.write(stage.poll, stuffed, (b"noise %d" % entry.pk for entry in stuffed))

    turnout = taken_to_its_end(stage)

    assert (turnout["returned"], turnout["valid"], turnout["invalid"]) == (BEYOND + 1, 1, BEYOND)
    assert stage.poll.ballots.filter(invalid="not-opened").count() == BEYOND
