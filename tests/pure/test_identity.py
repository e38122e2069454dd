"""How the number and the name of a delegate are written down."""

import pytest

from ballots.pure import identity


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("００１", "001"), (" 0 01\u200b", "001"), ("A—01", "A—01"), ("\u200b", "")],
)
def test_a_number_is_kept_without_width_blanks_and_what_nobody_sees(typed, kept):
    assert identity.number_of(typed) == kept


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("张　三", "张三"),
        ("John  Smith", "John Smith"),
        ("阿卜杜 · 示例", "阿卜杜·示例"),
        ("张三\u202e", "张三"),
        ("\u200b", ""),
    ],
)
def test_a_name_is_kept_without_fillers_and_what_nobody_sees(typed, kept):
    assert identity.name_of(typed) == kept
