"""What the items of a count are called: nobody takes one for another (case 40)."""

from typing import Any

import pytest

from ballots.acts import hall
from ballots.facts.naming import names_of
from ballots.facts.outcome import outcome_of
from ballots.facts.words import open_words
from ballots.files import papers
from ballots.pure.figures import ListedItem
from ballots.pure.rules import Proposal, Selection
from tests.helpers.browsing import read
from tests.helpers.factories import Stage, confirm_count, make_stage


def item(key: str, title: str, unit: str = "") -> ListedItem:
    source: Any = "candidate" if key.isdecimal() else "proposal"
    return {"item": key, "title": title, "source": source, "category": "", "lead_unit": unit}


@pytest.mark.parametrize(
    ("items", "names"),
    [
        ([item("1", "甲"), item("推1", "乙", "城东")], ["甲", "乙"]),
        (
            [item("推1", "食堂", "城东"), item("推2", "食堂", "城西")],
            ["食堂（建议单位：城东）", "食堂（建议单位：城西）"],
        ),
        (
            [item("推1", "食堂"), item("推2", "食堂", "城西")],
            ["食堂（推1）", "食堂（建议单位：城西）"],
        ),
        (
            [item("推1", "食堂", "城 东"), item("推2", "食堂", "城东")],
            ["食堂（推1）", "食堂（推2）"],
        ),
        (
            [item("3", "食堂 ", "民政局"), item("推2", "食堂\ufe0f", "民政局")],
            ["食堂 （候选项目第3项）", "食堂\ufe0f（推2）"],
        ),
        ([item("推1", "ＡＥＤ"), item("推2", "aed")], ["ＡＥＤ（推1）", "aed（推2）"]),
    ],
)
def test_titles_that_look_the_same_are_told_apart_by_unit_or_number(items, names):
    assert list(names_of(items).values()) == names


def two_canteens(**columns: Any) -> Stage:
    """A confirmed poll in which the same title was proposed for two districts, and both are level."""
    settings: dict[str, Any] = {"delegates": 4, "candidates": 3, "places": 2, "majority": "none"}
    held = make_stage(**(settings | columns))
    for place, unit in enumerate(["城东街道", "城西街道", "城东街道", "城西街道"]):
        proposal = Proposal("建设社区食堂", unit=unit)
        held.cast(place, Selection(chosen=(1,), proposals=(proposal,)))
    confirm_count(held)
    return held


@pytest.mark.django_db
def test_two_proposals_of_one_title_are_told_apart_in_every_sentence_and_list(client):
    held = two_canteens()
    keys = {write_in.unit: write_in.key for write_in in held.poll.write_ins.all()}
    level = open_words(outcome_of(held.poll))

    for unit in ("城东街道", "城西街道"):
        assert f"“建设社区食堂（建议单位：{unit}）”" in level
    held.decide(keys["城西街道"])
    chosen = "建设社区食堂（建议单位：城西街道）"
    assert papers.notice(held.poll)["titles"] == [
        "候选项目1（第1项）",
        f"{chosen}（{keys['城西街道']}）",
    ]
    parts: Any = papers.chair_words(held.poll)["parts"]
    assert parts[-1]["titles"] == [f"{chosen}（{keys['城西街道']}）"]
    report: Any = papers.report(held.poll)
    assert {row["name"] for row in report["items"]} >= {chosen}
    assert chosen in {row["title"] for row in report["rulings"]}
    held.publish()
    assert chosen in read(client.get("/results/")).text
    poll = hall.open_screen(held.poll, by=held.office)
    screen = read(client.get(f"/screen/{poll.screen_key}/")).text
    assert f"{keys['城西街道']} {chosen}" in screen
