"""The words for the endings of a vote: none is missing, and those of the CSV files stay."""

from typing import get_args

from ballots.facts import vocabulary
from ballots.facts.vocabulary import WAYS, How
from ballots.pure.figures import Source
from ballots.pure.rules import Majority
from ballots.pure.tally import ItemOutcome


def test_every_table_has_a_word_for_each_of_its_things():
    assert set(WAYS) == set(get_args(How))
    assert set(vocabulary.OUTCOMES) == set(get_args(ItemOutcome))
    assert set(vocabulary.SOURCES) == set(get_args(Source))
    for table in (
        vocabulary.SUPPORTED,
        vocabulary.DECLARED,
        vocabulary.MAJORITIES_IN_ENGLISH,
    ):
        assert set(table) == set(get_args(Majority))


def test_whatever_fills_a_place_beside_the_count_has_all_its_words():
    for how, way in WAYS.items():
        assert str(way.name)
        assert str(way.filled)
        beside = [str(way.remark), str(way.missed), way.in_english]
        assert not any(beside) if how == "count" else all(beside)


def test_the_words_of_the_csv_files_are_those_that_programs_know():
    assert {key: str(word) for key, word in vocabulary.OUTCOMES.items()} == {
        "adopted": "通过",
        "tied": "得票相同，待定",
        "short": "未通过",
        "out": "未通过",
        "good": "满意",
        "fair": "基本满意",
        "poor": "不满意",
    }
    assert [str(word) for word in vocabulary.SOURCES.values()] == ["候选", "推荐"]
    assert [str(way.remark) for way in WAYS.values()] == [
        "",
        "经再次票决通过",
        "经补充票决通过",
        "经会议决定确定",
    ]
