"""The arithmetic of the benchmarks: what a page of figures says of what was measured."""

import pytest

from tests.bench.crowd import percentile
from tests.bench.rates import flow
from tests.bench.report import GOALS, Part, page, power, seconds, short, spread


@pytest.mark.parametrize(
    ("figure", "said"),
    [(1234.5, "1,234"), (118.4, "118"), (14.26, "14.3"), (1.0, "1.00"), (0.01437, "0.0144")],
)
def test_a_figure_has_three_digits_that_count(figure, said):
    assert short(figure) == said


def test_a_spread_is_the_median_with_the_least_and_the_most():
    assert spread([130, 104, 118]) == "118 (104–130)"


@pytest.mark.parametrize(("number", "said"), [(1000, "10³"), (100_000, "10⁵"), (3000, "3,000")])
def test_a_power_of_ten_is_written_as_one(number, said):
    assert power(number) == said


@pytest.mark.parametrize(("took", "said"), [(0.0312, "31.2 ms"), (2.5, "2.50 s")])
def test_what_takes_less_than_a_second_is_told_in_milliseconds(took, said):
    assert seconds(took) == said


def test_a_percentile_is_a_time_that_somebody_waited():
    times = [float(n) for n in range(350)]

    assert percentile(times, 99) == 346
    assert percentile([3.0, 1.0], 50) == 1.0


def test_a_flow_takes_the_time_of_all_its_steps():
    assert flow({"review": [200, 100], "cast": [200, 300]}, "review", "cast") == [100, 75]


def test_the_page_says_of_each_goal_what_was_measured_or_that_it_was_not():
    part = Part("Sign-in", goals={"sign-in": "42.0"})
    part.table(["what", "/s"], [["sign-in", "667"]])

    text = page([part], form="bench", facts=["a fact"])

    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert sum(line.endswith("| not measured |") for line in rows) == len(GOALS) - 1
    assert "| sign-in POST ÷ PBKDF2 log-in | 31 | – | – | 42.0 |" in rows
    assert "| sign-in | 667 |" in rows
