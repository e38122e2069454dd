"""What Excel and WPS show is what is read; the rest is a problem of its cell, or said. Class A."""

import io
import zipfile
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.comments import Comment
from openpyxl.styles import Font
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from tests.helpers.sheets import MAIN, SMALL, book_of, repacked, saved, sheet_xml, why_refused
from yiwu_vote.tables import grid
from yiwu_vote.tables.grid import Line, Table
from yiwu_vote.tables.reading import read
from yiwu_vote.tables.titles import Columns

HEADER = ("证号", "姓名", "团")
ROWS = [HEADER, ("001", "王伟", "城区"), ("002", "李娜", "城区"), ("003", "张三", "城南")]
COLUMNS = Columns(HEADER, required=HEADER, others={})


def table_of(book: Any) -> Table:
    return read(saved(book))


def cell_of(value: object, number_format: str = "General") -> tuple[str, str]:
    """Return how one cell is read: its text, and what is wrong with it."""
    book = book_of([("x", value)])
    book.worksheets[0]["B1"].number_format = number_format
    (line,) = table_of(book).lines
    return line.cells[1] if len(line.cells) > 1 else "", dict(line.faults).get(1, "")


def texts_of(content: bytes | str) -> list[tuple[str, ...]]:
    return [line.cells for line in read(content, COLUMNS.is_header).lines]


# --- a cell ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "number_format", "shown"),
    [
        (1, '"义"000', "义001"),
        (1, "000_ ", "001"),
        (1, "000;-000", "001"),
        (1, "[$-804]000", "001"),
        (12, "0-000", "0-012"),
        (13800138000, "00000000000", "13800138000"),
        (13800138000, "General", "13800138000"),
        (1234.5, "#,##0.00", "1,234.50"),
        ("001", "General", "001"),
        ("001", '"义"@', "义001"),
        ("2026年12月", 'yyyy"年"m"月"', "2026年12月"),
        (0, "0;-0;;@", ""),
        ("001\u00a0", "@", "001"),
    ],
)
def test_a_cell_is_read_as_it_is_shown(value, number_format, shown):
    """Case 3."""
    assert cell_of(value, number_format) == (shown, "")


@pytest.mark.parametrize(
    ("value", "number_format", "fault"),
    [
        (date(2026, 12, 1), 'yyyy"年"m"月"', grid.DATE),
        (datetime(2026, 12, 1, 9), "yyyy-mm-dd h:mm", grid.DATE),  # noqa: DTZ001
        (time(12, 30), "h:mm", grid.DATE),
        (timedelta(hours=30), "[h]:mm", grid.DATE),
        (46357, "mmm-yy", grid.DATE),
        ("#N/A", "General", grid.ERROR),
        ("#REF!", "General", grid.ERROR),
        ("#n/a", "@", grid.ERROR),
        ("######", "@", grid.ERROR),
        (True, "General", grid.TRUTH),
        (10**15, "0", grid.LONG),
        (330702199001011234, "0", grid.LONG),
        (1.5e20, "General", grid.LONG),
        ("=A1", "General", grid.FORMULA),
        ('="0"&"1"', "@", grid.FORMULA),
        (0.5, "# ?/?", grid.FORMAT),
        (100000, "0.00E+00", grid.FORMAT),
        (5, "[DBNum1][$-804]General", grid.FORMAT),
        (5, ";;;", grid.UNSEEN),
        ("王伟", ";;;", grid.UNSEEN),
    ],
)
def test_what_is_not_what_was_typed_is_a_problem_of_its_cell(value, number_format, fault):
    """Cases 1 and 4."""
    assert cell_of(value, number_format)[1] == fault


@pytest.mark.parametrize("number", [14, 22, 27, 31, 36, 45, 50, 57, 58])
def test_the_formats_for_dates_that_a_file_names_by_number_alone_are_dates(number):
    """Case 1: 57 is what Chinese Excel gives 2026年12月, and openpyxl takes it for no format."""
    styles = (
        f'<styleSheet xmlns="{MAIN}"><cellXfs>'
        f'<xf numFmtId="0"/><xf numFmtId="{number}"/></cellXfs></styleSheet>'
    )
    cell = '<row r="1"><c r="A1" s="1"><v>46357</v></c></row>'

    (line,) = read(repacked(SMALL, {"xl/styles.xml": styles.encode(), **sheet_xml(cell)})).lines

    assert line.faults == ((0, grid.DATE),)


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        ('<c r="A1" t="e"><f>VLOOKUP(1,B:B,1)</f><v>#N/A</v></c>', grid.ERROR),
        ('<c r="A1" t="d"><v>2026-12-01</v></c>', grid.DATE),
        ('<c r="A1" t="b"><f>1=1</f><v>1</v></c>', grid.TRUTH),
        ('<c r="A1"><f>1+1</f></c>', grid.FORMULA),
        ('<c r="A1"><f>1+1</f><v/></c>', grid.FORMULA),
    ],
)
def test_what_a_formula_left_in_its_cell_is_read_only_if_it_is_a_value(cell, fault):
    """Case 4."""
    (line,) = read(repacked(SMALL, sheet_xml(f'<row r="1">{cell}</row>'))).lines

    assert line.faults == ((0, fault),)


def test_a_formula_whose_result_is_an_empty_text_is_an_empty_cell():
    row = '<row r="1"><c r="A1" t="str"><f>""</f><v></v></c><c r="B1"><v>5</v></c></row>'

    assert read(repacked(SMALL, sheet_xml(row))).lines == (Line(1, ("", "5")),)


def test_signs_that_xml_cannot_hold_are_read_as_what_they_stand_for():
    book = book_of([("一、新建。_x000D_\n二、改建。", "_x005F_x0041_")])

    assert table_of(book).lines[0].cells == ("一、新建。\r\n二、改建。", "_x0041_")


def test_the_looks_of_a_text_change_nothing_of_it():
    book = book_of([("x", "y", "001", "王\n伟")])
    sheet = book.worksheets[0]
    sheet["A1"] = CellRichText("王", TextBlock(InlineFont(b=True), "伟"))
    sheet["B1"].comment = Comment("请假", "会务")
    sheet["C1"].style = "Normal"
    sheet["C1"].quotePrefix = True

    assert table_of(book).lines == (Line(1, ("王伟", "y", "001", "王\n伟")),)


def test_a_workbook_that_counts_from_1904_shows_its_dates_as_dates_too():
    book = book_of([("x", date(2026, 12, 1))])
    book.epoch = CALENDAR_MAC_1904

    assert table_of(book).lines[0].faults == ((1, grid.DATE),)


# --- rows and columns -----------------------------------------------------------------------------


def test_hidden_filtered_and_folded_rows_are_left_out_and_said():
    """Case 7."""
    book = book_of([*ROWS, ("004", "李四", "城南"), ("005", "王五", "城南")])
    sheet = book.worksheets[0]
    sheet.auto_filter.ref = "A1:C6"
    sheet.row_dimensions[2].hidden = True
    sheet.row_dimensions.group(4, 5, hidden=True)
    sheet.row_dimensions[7].hidden = True

    table = table_of(book)

    assert [line.number for line in table.lines] == [1, 3, 6]
    assert table.notes == ("第2、4、5行是隐藏行，未读取。",)


def test_a_row_without_any_height_is_hidden_too():
    rows = '<row r="1"><c><v>1</v></c></row><row r="2" ht="0"><c><v>2</v></c></row>'

    assert read(repacked(SMALL, sheet_xml(rows))).notes == ("第2行是隐藏行，未读取。",)


def test_a_hidden_column_is_left_out_and_said():
    """Case 7."""
    book = book_of(ROWS)
    book.worksheets[0].column_dimensions["B"].hidden = True

    table = table_of(book)

    assert table.lines[1].cells == ("001", "", "城区")
    assert table.notes == ("B列是隐藏列，未读取。",)


def test_a_sheet_of_which_nothing_is_seen_is_refused_with_the_reason():
    book = book_of(ROWS)
    for row in range(1, 5):
        book.worksheets[0].row_dimensions[row].hidden = True

    assert why_refused(saved(book)) == "all-hidden"


def test_hidden_sheets_are_named():
    book = book_of(ROWS, [("城区",)], [("城南",)])
    book.worksheets[1].sheet_state = "hidden"
    book.worksheets[2].sheet_state = "veryHidden"

    assert table_of(book).notes == ("隐藏的工作表未读取：Sheet1、Sheet2。",)


def test_what_is_merged_down_rows_stands_in_each_of_them():
    """Case 8."""
    book = book_of([*ROWS, ("004", "李四", None)])
    sheet = book.worksheets[0]
    sheet["C3"] = sheet["C4"] = None
    sheet.merge_cells("C2:C5")

    table = table_of(book)

    assert [line.cells[2] for line in table.lines] == ["团", "城区", "城区", "城区", "城区"]
    assert table.notes == ("合并单元格C2:C5按各行都填写读取。",)


def test_what_is_merged_down_blank_or_hidden_rows_makes_no_rows_of_them():
    book = book_of([*ROWS[:2], ("002", "李娜", None)])
    sheet = book.worksheets[0]
    sheet.merge_cells("C2:C900")
    sheet.row_dimensions[2].hidden = True

    table = table_of(book)

    # The text of merged cells is seen although their first row is not.
    assert [line.cells for line in table.lines] == [HEADER, ("002", "李娜", "城区")]


def test_a_row_that_is_struck_out_is_read_and_said():
    book = book_of(ROWS)
    book.worksheets[0]["B3"].font = Font(strike=True)

    table = table_of(book)

    assert len(table.lines) == 4
    assert table.notes == ("第3行有删除线，仍已读取；不需要的行请删去后重新上传。",)


def test_a_row_in_which_there_is_nothing_to_see_is_no_row():
    book = book_of([*ROWS, ("\u200b", "\u3000", "\u2800")])

    assert len(table_of(book).lines) == 4
    assert texts_of(f"{PLAIN}\u200b,\u3000,\ufeff\r\n".encode()) == READ


def test_a_strict_workbook_is_read_like_any_other():
    strict = "http://purl.oclc.org/ooxml"
    names = {
        "http://schemas.openxmlformats.org/spreadsheetml/2006": f"{strict}/spreadsheetml",
        "http://schemas.openxmlformats.org/officeDocument/2006": f"{strict}/officeDocument",
    }
    content = saved(book_of(ROWS))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name).decode() for name in archive.namelist()}
    for usual, other in names.items():
        members = {name: text.replace(usual, other) for name, text in members.items()}

    changed = repacked(content, {name: text.encode() for name, text in members.items()})

    assert read(changed).lines == read(content).lines


def test_merges_and_hidings_without_end_are_refused():
    many = "".join(f'<mergeCell ref="A{n}:B{n}"/>' for n in range(1, 10_002))
    columns = '<col min="1" max="16384" hidden="1"/>' * 1_001
    rows = "<sheetData><row r='1'><c r='A1'><v>1</v></c></row></sheetData>"
    noise = "".join(f"<!--{n * 7919 % 100_003}-->" for n in range(20_000))
    for inside in (
        f"{rows}{noise}<mergeCells>{many}</mergeCells>",
        f"<cols>{columns}</cols>{noise}",
    ):
        xml = f'<worksheet xmlns="{MAIN}">{inside}</worksheet>'

        assert (
            why_refused(repacked(SMALL, {"xl/worksheets/sheet1.xml": xml.encode()})) == "inflated"
        )


# --- text -----------------------------------------------------------------------------------------

PLAIN = "证号,姓名,团\r\n001,王伟,城区\r\n"
READ = [HEADER, ("001", "王伟", "城区")]


@pytest.mark.parametrize("separator", list(",\t;，|；、"))
def test_any_usual_separator_is_understood(separator):
    """Case 9."""
    assert texts_of(PLAIN.replace(",", separator).encode()) == READ


@pytest.mark.parametrize("start", ["sep=;", '"sep=;"', "SEP=;", "\ufeffsep=;"])
def test_the_line_that_names_the_separator_is_understood(start):
    """Case 9."""
    lines = read(f"{start}\r\n证号;姓名;团\r\n001;王,伟;城区\r\n".encode(), COLUMNS.is_header).lines

    assert lines == (Line(2, HEADER), Line(3, ("001", "王,伟", "城区")))


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf\xef\xbb\xbf" + PLAIN.encode(),
        b"\xef\xbb\xbf" + "ï»¿".encode() + PLAIN.encode(),
        f"\ufeff{PLAIN}".encode("gb18030"),
        f"\ufeff{PLAIN}".encode("utf-16-le"),
        f"\ufeff{PLAIN}".encode("utf-16-be"),
        f"\ufeff{PLAIN}".replace(",", "\t").encode("utf-16"),
        PLAIN.replace("\r\n", "\r").encode("gbk"),
    ],
    ids=["two", "latin", "gb18030", "utf-16-le", "utf-16-be", "unicode text", "mac"],
)
def test_marks_before_the_first_cell_and_every_usual_encoding_are_understood(content):
    """Case 9."""
    assert texts_of(content) == READ


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("<html><table><tr><td>证号</td></tr></table></html>".encode(), "markup"),
        (b'<?xml version="1.0"?><Workbook/>', "markup"),
        (f"\ufeff{PLAIN}".encode().decode("gbk", "replace").encode(), "encoding"),
        (b"\xff\xfe\0\0" + PLAIN.encode("utf-32-le"), "not-text"),
    ],
)
def test_what_only_looks_like_text_is_refused_with_the_way_out(content, code):
    assert why_refused(content) == code


@pytest.mark.parametrize(
    ("cell", "text", "fault"),
    [
        ('="0012"', "0012", ""),
        ('"=""a""""b"""', 'a"b', ""),
        ("=A1&B1", "=A1&B1", grid.FORMULA),
        ("#N/A", "#N/A", grid.ERROR),
        ("########", "########", grid.ERROR),
        ("#1楼", "#1楼", ""),
    ],
)
def test_a_cell_of_text_is_read_as_a_spreadsheet_would_show_it(cell, text, fault):
    """Case 4."""
    (line,) = read(f"x,{cell}\r\n".encode()).lines

    assert (line.cells[1], dict(line.faults).get(1, "")) == (text, fault)


# --- what is pasted -------------------------------------------------------------------------------


def test_cells_pasted_from_a_spreadsheet_keep_their_line_breaks_and_their_quotes():
    pasted = '证号\t姓名\t团\r\n001\t"王\r\n伟"\t"城""区"""\r\n002\t"绿色"家园\t"未完\r\n003\t张三\t城南\r\n'

    assert read(pasted, COLUMNS.is_header).lines == (
        Line(1, HEADER),
        Line(2, ("001", "王\n伟", '城"区"')),
        Line(3, ("002", '"绿色"家园', '"未完')),
        Line(4, ("003", "张三", "城南")),
    )


def test_paragraphs_of_a_cell_pasted_from_word_stay_in_it():
    pasted = (
        "2026年名册\n证号\t姓名\t团\n001\t王伟\n第二段\t城区\n002\t李娜\t城南\n又一段\n注：说明\n"
    )

    table = read(pasted, COLUMNS.is_header)

    assert [line.cells for line in table.lines] == [
        ("2026年名册",),
        HEADER,
        ("001", "王伟\n第二段", "城区"),
        ("002", "李娜", "城南\n又一段"),
        ("注：说明",),
    ]
    assert table.notes == ("第3、4行有的格内分成几行，已接在一起。",)


def test_rows_that_are_short_of_cells_are_not_joined_to_the_next():
    pasted = "证号\t姓名\t团\n001\t王伟\n002\t李娜\t城南"

    assert [line.cells for line in read(pasted, COLUMNS.is_header).lines] == [
        HEADER,
        ("001", "王伟"),
        ("002", "李娜", "城南"),
    ]


def test_a_csv_text_may_be_pasted_as_well():
    assert texts_of(PLAIN) == READ


@pytest.mark.parametrize("pasted", ["", "  \n \n", "\t\t\n\t"])
def test_nothing_pasted_is_said(pasted):
    with pytest.raises(grid.SheetRefused, match="文件中没有内容"):
        read(pasted)
