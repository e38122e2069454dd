"""What a preview showed, on its way through the page and back."""

from dataclasses import dataclass

import pytest
from django import forms

from yiwu_vote.tables.preview import Previewed, signed, unsigned

SALT = "tests.preview"


@dataclass(frozen=True)
class Row:
    line: int
    name: str
    targets: tuple[str, ...] | None = None


@dataclass(frozen=True)
class LaterRow:
    """The same, after somebody put a column into the middle of it."""

    line: int
    title: str
    name: str
    targets: tuple[str, ...] | None = None


def test_rows_come_back_as_they_were_shown_and_with_what_was_seen():
    rows = [Row(2, "张三", ("新建3所", "改建")), Row(3, "002", ()), Row(4, "=1+1")]

    assert unsigned(signed(rows, SALT, seen="abc"), SALT, Row) == Previewed(rows, "abc")


def test_rows_go_by_the_names_of_their_columns_and_not_by_their_places():
    shown_before = signed([Row(2, "张三")], SALT)

    with pytest.raises(forms.ValidationError) as refusal:
        unsigned(shown_before, SALT, LaterRow)

    assert refusal.value.code == "expired"


@pytest.mark.parametrize("text", ["", "x", signed([Row(2, "张三")], "another page")])
def test_what_was_not_signed_for_this_page_is_refused(text):
    with pytest.raises(forms.ValidationError) as refusal:
        unsigned(text, SALT, Row)

    assert refusal.value.code == "expired"
