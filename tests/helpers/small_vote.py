"""A small vote with a tie in it, on its way to each table that the office takes out of it."""

import csv
import io
from collections.abc import Callable
from typing import Any

from ballots.acts import drafts, lifecycle
from ballots.files import download
from projects.models import Poll
from tests.helpers.factories import Stage, make_stage, second_stage, selection

Export = Callable[[Poll], download.Download | download.Streamed]


def make_opened(**columns: Any) -> Stage:
    """A box just opened: six ballots for five candidates and two places, with two proposals."""
    settings: dict[str, Any] = {"delegates": 8, "candidates": 5, "places": 2}
    stage = make_stage(**(settings | columns))
    stage.cast(0, selection(1, 2))
    stage.cast(1, selection(1, 3))
    stage.cast(2, selection(1, proposals=["=cmd|'/C calc'!A0"]))
    stage.cast(3, selection(1, proposals=["新建停车场"]))
    stage.cast(4, selection(1))
    stage.cast(5, selection())
    stage.close()
    stage.open_box()
    return stage


def count(stage: Stage) -> Stage:
    stage.count()
    return stage


def confirm(stage: Stage) -> Stage:
    lifecycle.confirm_result(stage.poll, by=stage.chief)
    stage.poll.refresh_from_db()
    return stage


def make_tied() -> Stage:
    """A confirmed count: one place filled, and items 2, 3, 推1 and 推2 level for the other."""
    return confirm(count(make_opened(majority="none", places=2)))


def run_off(first: Stage) -> None:
    """Hold the run-off of a tied poll and publish it: its items 2 and 3 have two votes and one."""
    second = second_stage(first, drafts.run_off(first.poll, by=first.office))
    for place, number in enumerate([2, 2, 3]):
        second.cast(place, selection(number))
    second.close()
    second.open_box()
    confirm(count(second))
    second.publish()


def decide(stage: Stage, *items: str) -> None:
    stage.decide(*items, words="主席团决定选取第3项。", second=stage.scrutineer)


def lines_of(export: Export, stage: Stage) -> list[list[str]]:
    """Return the cells of a table line by line, its header first."""
    return list(csv.reader(io.StringIO(export(stage.poll).content.decode("utf-8-sig"))))


def table(export: Export, stage: Stage) -> list[dict[str, str]]:
    """Return the rows of a table, each by the names of its columns."""
    header, *rows = lines_of(export, stage)
    return [dict(zip(header, row, strict=True)) for row in rows]
