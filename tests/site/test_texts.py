"""One normal form for what people type, and when two things they typed are the same (design §11.4)."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yiwu_vote import texts


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        ("  建 公园\t", "建 公园"),
        ("建公园\ufe0f", "建公园"),  # case 42: a selector of variants
        ("\u3164", ""),  # case 42: a Hangul filler
        ("\u2800", ""),  # case 42: an empty braille pattern
        ("\ue000建公园", "建公园"),  # private use
        ("建\u0378公园", "建公园"),  # unassigned
        ("建\u200b公\u200e园\ufeff\u00ad", "建公园"),  # case 44: pasted along
        ("建\ufffc公\ufff9园", "建公园"),  # a picture that was lost, marks of notes
        ("👨\u200d👩\u200d👧", "👨👩👧"),  # case 44: a family falls into its people, all seen
        ("e\u0301", "é"),
        ("\u0301", ""),  # marks without a letter, and signs of a lost text
        (" \u20e3 \u0301\ufe0f", ""),
        ("\ufffd\ufffd \ufffd", ""),
        ("建\ufffd园", "建\ufffd园"),
        ("1\ufe0f\u20e3", "1\u20e3"),
        *[(text, text) for text in ("thế", "ที่", "ཧཱུྃ", "شَدّ", "हिन्दी")],
        ("阿卜杜·示例 𠮷䶮", "阿卜杜·示例 𠮷䶮"),
        ("a\x00b\x07", "ab"),
        ("a\u3000 b", "a b"),
        ("一\r\n二", "一 二"),
    ],
)
def test_what_nobody_sees_goes_and_what_they_see_stays(raw, seen):
    assert texts.typed(raw) == seen


def test_lines_end_in_a_line_feed_however_they_were_typed():
    assert texts.typed("\r\n 一 \r二\u200b\r\n\r\n三\n", lines=True) == "一\n二\n\n三"


@given(st.text())
def test_the_normal_form_of_a_normal_form_is_itself(text):
    once = texts.typed(text)

    assert texts.typed(once) == once
    assert unicodedata.is_normalized("NFC", once)


@pytest.mark.parametrize(
    "spellings",
    [
        # Cases 11 and 16: zeros, width, case, hyphens, what nobody sees.
        ["1", "001", "００１", "0 01", "001\u200b"],
        ["A-01", "a-01", "A—01", "a－1", "A01"],
        ["1-12", "1－12", "01-012"],
    ],
)
def test_numbers_that_are_one_to_the_eye_are_one(spellings):
    assert len({texts.number_key(text) for text in spellings}) == 1


@pytest.mark.parametrize(
    "numbers", [["1-12", "11-2", "112"], ["甲1", "乙1", "1"], ["10", "1", "100"], ["#", "*", ""]]
)
def test_numbers_that_are_several_to_the_eye_stay_several(numbers):
    assert len({texts.number_key(text) for text in numbers}) == len(numbers)


def test_delegations_and_titles_are_compared_without_width_case_and_blanks():
    assert texts.folded("第１代表团（甲 ）") == texts.folded("第1代表团(甲)\u200b")
    assert texts.folded("第1代表团") != texts.folded("第11代表团")


@pytest.mark.parametrize("name", ["阿卜杜•示例", "阿卜杜・示例", "阿卜杜示例", "阿卜杜 . 示例"])
def test_the_dots_in_a_name_do_not_count(name):
    assert texts.name_key(name) == texts.name_key("阿卜杜·示例")


def test_numbers_sort_as_numbers():
    # Case 50.
    numbers = ["12", "10", "2", "1", "甲10", "甲2", "002-1"]

    assert sorted(numbers, key=texts.number_order) == ["1", "2", "002-1", "10", "12", "甲2", "甲10"]


def test_a_text_that_is_far_too_long_is_told_without_being_looked_at():
    marks = "a" + "\u0301\u0316" * 40_000

    assert not texts.is_within(marks, 30)
    assert texts.is_within("\u0301" * 100, 30)
