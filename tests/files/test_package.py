"""The package as it is written: a row of a list a line, while it is taken, of one moment."""

import io
import json
import tracemalloc
import zipfile
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any

import pytest

from ballots import verifier
from ballots.acts import lifecycle
from ballots.files import package
from tests.helpers.factories import Stage, make_stage, selection

pytestmark = pytest.mark.django_db

LISTS = ["roll.json", "sealed.json", "ballots.json", "places.json"]


@pytest.fixture
def counted() -> Stage:
    stage = make_stage(delegates=9, candidates=12, places=3)
    ballots = [
        *(selection(2, 10), selection(10), selection(2), selection(1, 2, 3), selection(2)),
        *(selection(), selection(1), selection(11, 12)),
    ]
    for place, ballot in enumerate(ballots):
        stage.cast(place, ballot)
    for step in (stage.close, stage.open_box):
        step()
    stage.count()
    return stage


def texts(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def faults(content: bytes, shares: list[str]) -> list[verifier.Finding]:
    read = verifier.read(io.BytesIO(content))
    found = [*verifier.level_a(read), *verifier.level_b(read, shares)]
    return [finding for finding in found if finding.faults]


def test_each_row_of_a_list_stands_on_a_line_of_its_own(counted):
    written = texts(package.full_package(counted.poll).content)

    for name in LISTS:
        first, *lines, last, end = written[name].split("\n")
        assert (first, last, end) == ("[", "]", "")
        rows = [json.loads(line.removesuffix(",")) for line in lines]
        assert rows == json.loads(written[name])
        assert len(rows) == (9 if name == "roll.json" else 8)


def test_a_box_that_nobody_voted_into_has_empty_lists():
    stage = make_stage(delegates=2)
    for step in (stage.close, stage.open_box, stage.count):
        step()

    content = package.full_package(stage.poll).content

    assert texts(content)["sealed.json"] == "[]\n"
    assert faults(content, stage.shares) == []


def test_the_ballots_are_sorted_by_what_stands_on_them(counted):
    rows = json.loads(texts(package.full_package(counted.poll).content)["ballots.json"])

    # Sign by sign, whatever either database would make of a list: a bracket stands behind digits.
    assert [row["chosen"] for row in rows] == [
        *([1, 2, 3], [10], [11, 12], [1], [2, 10], [2], [2], []),
    ]
    assert json.loads(texts(package.full_package(counted.poll).content)["places.json"]) == [
        *(0, 1, 1, 1, 1, 2, 2, 3),
    ]


def test_the_hashes_come_last(counted):
    assert list(texts(package.full_package(counted.poll).content))[-1] == "manifest.json"


def test_it_is_handed_on_while_it_is_made(counted, monkeypatch):
    monkeypatch.setattr(package, "PIECE", 1)
    passed = []

    def watch(rows: Iterator[Any]) -> Iterator[Any]:
        for row in rows:
            passed.append(row)
            yield row

    file = package.full_package(counted.poll, watch=watch)
    early = next(file.pieces)

    assert passed == []
    assert faults(early + file.content, counted.shares) == []
    assert len(passed) == 8


def test_memory_does_not_grow_with_the_ballots(counted):
    peaks = []
    for times in (50, 1_000):

        def many(rows: Iterator[Any], times: int = times) -> Iterator[Any]:
            return chain.from_iterable(repeat(row, times) for row in rows)

        file = package.full_package(counted.poll, watch=many)
        tracemalloc.start()
        size = sum(map(len, file.pieces))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        # Sealed ballots are as good as random, but zip knows one that it has just seen.
        assert size > times * 100

    assert peaks[1] < peaks[0] + 512 * 1024


def test_a_package_on_its_way_stays_of_one_moment_though_the_count_is_sent_back(counted):
    file = package.full_package(counted.poll)
    lifecycle.send_back(counted.poll, reason="归并有误", by=counted.chief)

    assert faults(file.content, counted.shares) == []
