"""A number under its format: read as it is shown, or not at all. Case 3."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yiwu_vote.tables.number_formats import IsDate, NotShown, number_shown, text_shown


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        ("1", "General", "1"),
        ("1", "@", "1"),
        ("1", "0", "1"),
        ("7", "000", "007"),
        ("1234", "000", "1234"),
        ("1", '"义"000', "义001"),
        ("1", "义000", "义001"),
        ("1", r"\A000", "A001"),
        ("1", '00"号"', "01号"),
        ("1", "000_ ", "001"),
        ("1", "000;-000", "001"),
        ("-1", "000;-000", "-001"),
        ("-1", "000", "-001"),
        ("1", "[$-804]000", "001"),
        ("1", "[Red]000", "001"),
        ("1", "[红色]000", "001"),
        ("12", "0-000", "0-012"),
        ("12345", "0-000", "12-345"),
        ("13800138000", "00000000000", "13800138000"),
        ("57985123456", "0000-00000000", "0579-85123456"),
        ("20261201", "0000-00-00", "2026-12-01"),
        ("202612", '0000"年"00"月"', "2026年12月"),
        ("7", '"义"General', "义7"),
        ("7", "G/通用格式", "7"),
        ("1234567", "#,##0", "1,234,567"),
        ("123", "#,##0", "123"),
        ("0", "#,##0", "0"),
        ("12.345", "0.00", "12.35"),
        ("2.5", "0", "3"),
        ("1234.5", "#,##0.###", "1,234.5"),
        ("5", "0.0#", "5.0"),
        ("100", "0.##", "100."),
        ("0.5", "#.##", ".5"),
        ("0.7", "0%", "70%"),
        ("0.705", "0.0%", "70.5%"),
        ("-5", "#,##0_);(#,##0)", "(5)"),
        ("-5", "0;[Red]-0", "-5"),
        ("0", '0;-0;"无"', "无"),
        ("1800", "[$¥-804]#,##0.00", "¥1,800.00"),
        ("1800", '"¥"#,##0', "¥1,800"),
        ("18000000", r'0\.0,"万"', "1800.0万"),
        ("1234567.891", "#,##0,", "1,235"),
        ("1800", '* #,##0" 万元"', "1,800 万元"),
        ("200", '[>100]"大"0;"小"0', "大200"),
        ("50", '[>100]"大"0;"小"0', "小50"),
        ("50", '[=1]"甲";[=50]"乙";0', "乙"),
        ("5", '0;-0;;@', "5"),
        ("13800138000", "[<=9999999]###-####;(###) ###-####", "(1380) 013-8000"),
    ],
)  # fmt: skip
def test_a_number_is_shown_as_excel_shows_it(value, code, shown):
    assert number_shown(Decimal(value), code) == shown


@pytest.mark.parametrize(
    "code",
    [
        *('yyyy"年"m"月"', "yyyy-mm-dd", "m/d/yy", "mmm-yy", "d-mmm", "[$-804]yyyy\\年m\\月d\\日"),
        *(
            "h:mm",
            "[h]:mm",
            "[mm]:ss",
            "[ss].00",
            "h:mm AM/PM",
            "上午/下午h:mm",
            "aaaa",
            "[$-F800]d",
        ),
        *("[$-F400]h:mm:ss", '0"天"h', "e"),
    ],
)
def test_a_date_or_a_time_is_no_number(code):
    with pytest.raises(IsDate):
        number_shown(Decimal(46000), code)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        *(
            ("100000", code)
            for code in ("0.00E+00", "##0.0E+0", "# ?/?", "# ?/8", "[DBNum1]General")
        ),
        *(("5", code) for code in ('"未完', "[", "[x]0", "[$-30804]0", "Q0", "0;0;0;0;0", "0.0.0")),
        *(("5", code) for code in (",0", "*0#", '[>9]"大"0;[>7]0', "0!.0", "General%")),
        ("-5", '[<0]"负"0;0'),
        ("-0.2", "0"),
        ("0.2", "0"),
    ],
)
def test_what_cannot_be_shown_for_certain_is_refused(value, code):
    with pytest.raises(NotShown):
        number_shown(Decimal(value), code)


@pytest.mark.parametrize(
    ("text", "code", "shown"),
    [
        ("001", "@", "001"),
        ("001", '"义"@', "义001"),
        ("001", '0;-0;0;"代"@"号"', "代001号"),
        ("001", "000", "001"),
        ("001", ";;;", ""),
    ],
)
def test_a_text_is_changed_only_by_a_format_for_texts(text, code, shown):
    assert text_shown(text, code) == shown


@given(st.integers(0, 10**15 - 1), st.integers(1, 15))
def test_a_whole_number_under_zeros_has_as_many_digits_and_is_the_same(value, zeros):
    shown = number_shown(Decimal(value), "0" * zeros)

    assert int(shown) == value
    assert len(shown) == max(zeros, len(str(value)))


@given(st.integers(-(10**14), 10**14))
def test_groups_of_thousands_are_those_of_python(value):
    assert number_shown(Decimal(value), "#,##0") == f"{value:,}"


@given(st.decimals(-9999, 9999, places=6), st.text('0#?.,%@;-_*"[]$>E+/年义hG ', max_size=12))
def test_any_format_shows_something_or_is_refused(value, code):
    with suppress(NotShown):
        assert isinstance(number_shown(value, code), str)
