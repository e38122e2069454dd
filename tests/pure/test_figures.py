"""Figures of every version are read in today's shape, and a second count finds them again."""

from typing import Any, cast

import pytest

from ballots.pure import figures
from ballots.pure.figures import Figures

SAID_SINCE_1 = {"merged": 2, "marks": 12, "doubled": 1, "turned": 0}


def counted(**more: Any) -> dict[str, Any]:
    """Return the figures that matter here, as version 0 put them down, with `more`."""
    rows: list[tuple[str, int]] = [("candidate", 7), ("candidate", 1), ("proposal", 1)]
    return {
        "rules": {"proposals": "counted"},
        "items": [{"source": source, "votes": votes} for source, votes in rows],
        "proposals": 4,
        "doubles": 1,
        "refused": 2,
        "checks": [{"holds": True}],
    } | more


@pytest.mark.parametrize(
    ("more", "merged", "marks", "doubled"),
    [
        # 4 proposals: 1 vote for the one that stands alone, 2 refused, so 1 went into a candidate.
        ({"doubles": 0}, 1, 11, 0),
        # One double is on one ballot; whether a candidate or a proposal took the merged is not said.
        ({}, None, 12, 1),
        ({"doubles": 2}, None, 13, None),
        ({"doubles": 0, "refused": 0, "rules": {"proposals": "advisory"}}, 0, 9, 0),
    ],
)
def test_figures_of_the_first_version_say_what_follows_for_certain_and_none_else(
    more, merged, marks, doubled
):
    """Case 35."""
    stored = counted(**more)

    read = figures.current(stored)

    told = {name: read[name] for name in ("merged", "marks", "doubled", "turned")}
    assert told == {"merged": merged, "marks": marks, "doubled": doubled, "turned": 0}
    assert stored == counted(**more)


def test_figures_of_today_come_back_as_they_are():
    stored = counted(version=figures.VERSION, **SAID_SINCE_1)

    assert figures.current(stored) == stored


@pytest.mark.parametrize(
    ("more", "version"),
    [
        ({}, 0),
        (SAID_SINCE_1, 1),
        ({"version": 1}, 1),
        ({"version": 0}, None),
        ({"version": True}, None),
        ({"version": "1"}, None),
        ({"version": figures.VERSION + 1}, figures.VERSION + 1),
    ],
)
def test_figures_tell_of_which_version_they_are(more, version):
    assert figures.version_of(counted(**more)) == version
    assert figures.is_known(counted(**more)) == (version in range(figures.VERSION + 1))


@pytest.mark.parametrize("more", [{}, SAID_SINCE_1, SAID_SINCE_1 | {"version": 1}])
def test_a_second_count_must_find_all_that_the_first_put_down_and_nothing_else(more):
    """Case 35."""
    stored = counted(salt="1f", **more)
    fresh = counted(version=1, **SAID_SINCE_1) | {"checks": []}

    assert figures.is_found_again(stored, cast("Figures", fresh))
    for name in {*counted(), *more} - {"checks", "version"}:
        assert not figures.is_found_again(stored | {name: 99}, cast("Figures", fresh))
        if name not in SAID_SINCE_1:
            less = {key: value for key, value in stored.items() if key != name}
            assert not figures.is_found_again(less, cast("Figures", fresh))
