"""Reading what people upload and writing what they download."""

import io
import random
import tracemalloc
import zipfile
from contextlib import suppress
from datetime import datetime
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.sheets import MAIN, SMALL, book_of, repacked, saved, sheet_xml, why_refused
from yiwu_vote.tables import reading
from yiwu_vote.tables.downloads import names_of
from yiwu_vote.tables.grid import REFUSALS, UPLOAD_LIMIT, Line, SheetRefused, seen
from yiwu_vote.tables.sheets import (
    Sheet,
    book_bytes,
    csv_bytes,
    guarded,
    unguarded,
    xlsx_bytes,
)
from yiwu_vote.tables.workbook import EXCEL_ROWS

HEADER = ("代表证号", "姓名")

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
# What XML can hold and does not change: it knows neither control characters nor CR.
printable_texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=12
)
# Texts of the characters that matter to the guard, far more often than chance would have them.
tricky_texts = st.text("'=+-@|%＝＋－＠ \t\r\n\u3000\u200b\ufeff\u202e\",a王", max_size=8)


def read(content: bytes | str) -> list[Line]:
    return list(reading.read(content).lines)


def assert_read_or_refused(content: bytes) -> None:
    """Any exception but SheetRefused, and an empty list of lines, fails the test."""
    with suppress(SheetRefused):
        assert read(content)


def with_shared_strings(strings: str, rows: str) -> bytes:
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    with zipfile.ZipFile(io.BytesIO(SMALL)) as archive:
        types = archive.read("[Content_Types].xml").decode()
    override = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
    return repacked(
        SMALL,
        {
            "[Content_Types].xml": types.replace("</Types>", override).encode(),
            "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{strings}</sst>'.encode(),
            **sheet_xml(rows),
        },
    )


# Text


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "gb18030"])
def test_text_is_read_in_each_encoding_that_excel_and_wps_write(codec):
    content = "代表证号,姓名\r\n001,䶮𠮷\r\n".encode(codec)

    assert read(content) == [Line(1, HEADER), Line(2, ("001", "䶮𠮷"))]


def test_gbk_as_old_excel_saves_it_is_read():
    assert read("代表证号,姓名\r\n001,王伟\r\n".encode("gbk"))[1].cells == ("001", "王伟")


def test_lines_may_end_in_three_ways_in_one_file():
    lines = read("代表证号,姓名\r\n001,王伟\n002,李娜\r003,张三".encode())

    assert [line.cells[0] for line in lines] == ["代表证号", "001", "002", "003"]


def test_a_line_number_is_where_the_row_begins_although_cells_hold_line_breaks_and_rows_are_blank():
    content = '代表证号,姓名\n001,"王\n伟"\n\n,,\n002,李娜\n'.encode()

    assert read(content) == [
        Line(1, HEADER),
        Line(2, ("001", "王\n伟")),
        Line(6, ("002", "李娜")),
    ]


def test_cells_are_stripped_and_blank_cells_at_the_end_are_dropped():
    assert read("代表证号 ,\u3000姓名,,\n 001,,\t,\n".encode()) == [
        Line(1, HEADER),
        Line(2, ("001",)),
    ]


def test_cells_copied_out_of_a_spreadsheet_are_separated_by_tabs():
    assert read("代表证号\t姓名\n001\t王,伟\n".encode())[1].cells == ("001", "王,伟")


def test_a_comma_in_the_header_means_commas_even_beside_a_tab():
    assert read("代表证号,\t姓名\n001,王\t伟\n".encode())[1].cells == ("001", "王\t伟")


def test_a_file_that_opens_a_quote_and_never_closes_it_is_refused_with_the_line():
    content = '代表证号,姓名\n001,王伟\n002,"李娜\n003,张三\n'.encode()

    assert why_refused(content) == "quotes"
    with pytest.raises(SheetRefused, match="从第3行起"):
        read(content)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf\r\n , ,\r\n", "empty"),
        ("代表证号,姓名\n".encode("utf-16")[:-1], "encoding"),
        ("代表证号,姓名\n".encode("utf-16-be"), "not-text"),
        ("代表证号,姓名\n".encode() + b"\xff\xff", "encoding"),
        (b"\xef\xbb\xbf\xd0\xd5\xc3", "encoding"),
        ("代表证号,姓\0名\n".encode(), "not-text"),
        (b"MZ\x90\0\x03\0\0\0", "not-text"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "xls"),
        (b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
        (b"a,b\n" * (UPLOAD_LIMIT // 4 + 1), "too-big"),
        (b"a," * 100 + b"b\n", "too-wide"),
    ],
)
def test_what_is_no_table_is_refused_by_name(content, code):
    assert why_refused(content) == code


def test_the_words_for_old_excel_files_and_strange_encodings_are_those_of_the_design():
    assert REFUSALS["xls"] == "不支持 .xls 文件，请在 Excel 或 WPS 中另存为 .xlsx 后再上传。"
    assert REFUSALS["encoding"] == "文件编码无法识别，请另存为 .xlsx 后再上传。"


def test_ten_thousand_rows_below_the_header_are_read_and_one_more_is_refused():
    content = b"number,name\n" + b"001,x\n" * 10_000

    assert len(read(content)) == 10_001
    assert why_refused(content + b"\n\n001,x") == "too-many-rows"


@given(st.binary(max_size=300))
def test_random_bytes_are_read_or_refused_and_nothing_else(content):
    assert_read_or_refused(content)


@given(st.sampled_from([b"PK\x03\x04", b"\xef\xbb\xbf", b"\xd0\xcf\x11\xe0", b'a,"']), st.binary())
def test_random_bytes_behind_a_known_beginning_are_read_or_refused_too(start, content):
    assert_read_or_refused(start + content)


# Workbooks


def test_a_workbook_is_read_with_the_row_numbers_that_excel_shows():
    book = book_of([])
    sheet = book.worksheets[0]
    for place, value in {"B3": "代表证号", "C3": " 姓名 ", "B7": "001", "C7": "王伟"}.items():
        sheet[place] = value

    assert read(saved(book)) == [Line(3, ("", *HEADER)), Line(7, ("", "001", "王伟"))]


def test_plain_numbers_become_the_text_that_the_sheet_shows():
    row = (1, 1.0, -3, 3.5, 1e-7, 13800138000.0, 123456789012345, 0.1 + 0.2, 1 / 3, None, "x")

    (line,) = read(saved(book_of([row])))

    assert line.cells == (
        *("1", "1", "-3", "3.5", "0.0000001", "13800138000", "123456789012345"),
        *("0.3", "0.333333333", "", "x"),
    )
    assert line.faults == ()


def test_a_formula_is_read_as_the_value_that_was_last_shown():
    cell = '<row r="1"><c r="A1" t="str"><f>"0"&amp;"1"</f><v>01</v></c></row>'

    assert read(repacked(SMALL, sheet_xml(cell))) == [Line(1, ("01",))]


def test_shared_rich_and_annotated_text_is_read_as_excel_stores_it():
    strings = (
        "<si><t>代表证号</t></si><si><r><t>王</t></r><r><t>伟</t></r></si>"
        '<si><t>李娜</t><rPh sb="0" eb="1"><t>li</t></rPh></si>'
    )
    cells = "".join(f'<c r="{name}1" t="s"><v>{n}</v></c>' for n, name in enumerate("ABC"))

    content = with_shared_strings(strings, f'<row r="1">{cells}</row>')

    assert read(content) == [Line(1, ("代表证号", "王伟", "李娜"))]


def test_rows_beyond_the_size_that_the_workbook_states_are_read():
    xml = zipfile.ZipFile(io.BytesIO(SMALL)).read("xl/worksheets/sheet1.xml")
    understated = xml.replace(b'<dimension ref="A1:B2"', b'<dimension ref="A1:A1"')
    assert understated != xml

    assert read(repacked(SMALL, {"xl/worksheets/sheet1.xml": understated})) == read(SMALL)


def test_a_formatted_but_blank_last_row_of_the_sheet_does_no_harm():
    book = book_of([HEADER, ("001", "王伟")])
    book.worksheets[0].row_dimensions[EXCEL_ROWS].height = 12.8

    assert read(saved(book)) == [Line(1, HEADER), Line(2, ("001", "王伟"))]


def test_hidden_sheets_and_blank_sheets_are_passed_over():
    book = book_of([("城区",), ("城南",)], [], [HEADER], [])
    book.worksheets[0].sheet_state = "hidden"

    assert read(saved(book)) == [Line(1, HEADER)]


def test_a_second_sheet_with_content_is_refused_and_not_lost():
    assert why_refused(saved(book_of([HEADER], [("002", "李娜")]))) == "several-sheets"


def test_a_workbook_without_content_is_refused():
    assert why_refused(saved(book_of([], []))) == "empty"


def test_a_workbook_with_too_many_rows_or_columns_is_refused():
    assert why_refused(saved(book_of([(1,)] * 10_002))) == "too-many-rows"
    assert why_refused(saved(book_of([("",) * 100 + ("x",)]))) == "too-wide"


@pytest.mark.parametrize("part", ["xl/vbaProject.bin", "xl/macrosheets/sheet1.xml"])
def test_macros_are_refused(part):
    assert why_refused(repacked(SMALL, {part: b"x"})) == "macros"


def test_another_kind_of_zip_file_is_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("content.xml", "<x/>")

    assert why_refused(out.getvalue()) == "not-xlsx"


def test_a_small_file_that_unpacks_to_something_huge_is_refused_before_it_is_unpacked():
    out = io.BytesIO(SMALL)
    with (
        zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/sharedStrings2.xml", "w") as member,
    ):
        for _ in range(60):
            member.write(bytes(1024 * 1024))
    bomb = out.getvalue()
    assert len(bomb) < 100_000

    tracemalloc.start()
    assert why_refused(bomb) == "inflated"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


def test_a_file_that_unpacks_to_a_hundred_times_its_size_is_refused():
    out = io.BytesIO(SMALL)
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/blank.xml", " " * 5_000_000)

    assert why_refused(out.getvalue()) == "inflated"


def test_a_file_that_unpacks_to_more_than_twenty_megabytes_is_refused_at_any_ratio():
    out = io.BytesIO(SMALL)
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/noise.png", random.Random(1).randbytes(400_000))
        for number in range(20):
            archive.writestr(f"xl/{number}.xml", bytes(1024 * 1024))

    assert why_refused(out.getvalue()) == "inflated"


def test_a_file_of_very_many_parts_is_refused():
    assert why_refused(repacked(SMALL, {f"xl/{n}.xml": b"" for n in range(201)})) == "inflated"


def test_a_million_blank_rows_are_refused():
    blanks = "".join(f'<row r="{number}"/>' for number in range(1, 1_000_001))

    assert why_refused(repacked(SMALL, sheet_xml(blanks))) in {"too-big", "inflated"}


def test_a_row_numbered_beyond_the_end_of_any_sheet_is_refused_without_counting_up_to_it():
    far = '<row r="1"><c><v>1</v></c></row><row r="999999999999"><c><v>1</v></c></row>'

    assert why_refused(repacked(SMALL, sheet_xml(far))) == "damaged"


def test_blank_cells_far_to_the_right_are_refused_before_all_gaps_are_filled():
    far = "".join(f'<row r="{row}"><c r="XFD{row}"/></row>' for row in range(1, 100))

    assert why_refused(repacked(SMALL, sheet_xml(far))) == "inflated"


def test_entities_are_refused_whoever_parses():
    doctype = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    cell = '<row r="1"><c r="A1" t="inlineStr"><is><t>&b;</t></is></c></row>'

    assert openpyxl.DEFUSEDXML
    assert why_refused(repacked(SMALL, sheet_xml(cell, doctype))) == "damaged"


@pytest.mark.parametrize("at", range(0, len(SMALL), 97))
def test_a_workbook_cut_short_is_refused(at):
    # Cut at 0 it is an empty file, and before the fourth byte it is no zip file.
    assert why_refused(SMALL[:at]) in {"empty", "damaged"}


@given(st.data())
def test_a_workbook_with_one_wrong_byte_is_read_or_refused(data):
    place = data.draw(st.integers(0, len(SMALL) - 1))
    content = SMALL[:place] + data.draw(st.binary(min_size=1, max_size=1)) + SMALL[place + 1 :]
    assert_read_or_refused(content)


# Writing


@pytest.mark.parametrize("sign", list("=+-@|%＝＋－＠\t\r\n\0"))
@pytest.mark.parametrize(
    "before", ["", " ", "\u3000", "\ufeff", "\u200b", "\u202e", "\u200b \ufeff"]
)
def test_a_text_whose_first_visible_character_begins_a_formula_gets_an_apostrophe(sign, before):
    assert guarded(f"{before}{sign}1+1") == f"'{before}{sign}1+1"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "王伟",
            "1=1",
            "(=1)",
            "'",
            "'王",
            "\u200b王",
            "1号楼",
            "3-5座",
            "第1项",
            "A1",
            "推3",
        ),
        *("7×24小时", "五一", "二环路", "may be", "march", "2026年度", "1、2", "3~5", "B-12", "真"),
    ],
)
def test_any_other_text_stays_as_it_is(text):
    assert guarded(text) == text
    assert unguarded(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "3-5",
            "1E5",
            "1e+5",
            "0012",
            "12:30",
            "2026-1-2",
            "1/2",
            "TRUE",
            "false",
            "330702199001011234",
        ),
        *("7", "1.5", ".5", "1,000", "50%", "(5)", "$5", "¥100", "1 1/2", "12:30 PM", "下午3:05"),
        *(
            "2026年12月",
            "1月2日",
            "三月八日",
            "二〇二六年一月一日",
            "8时30分",
            "2-Jan",
            "MAR1",
            "Dec-26",
        ),
        *("１２", "３－５", " 0012", "#N/A", "#REF!", "1d5", "5月", "2026/1/2 10:30", "1.2.3"),
    ],
)
def test_a_text_that_would_become_a_number_or_a_date_gets_an_apostrophe(text):
    """Case 54."""
    assert guarded(text) == f"'{text}"
    assert unguarded(guarded(text)) == text


@given(st.one_of(st.text(), tricky_texts, st.text("'0123456789-/:.eE年月TRUE ", max_size=8)))
def test_taking_the_guard_off_gives_back_any_text(text):
    assert unguarded(guarded(text)) == text


@given(st.lists(st.tuples(texts | tricky_texts, texts | tricky_texts), max_size=6))
def test_what_is_written_as_csv_is_read_back_the_same_but_for_what_nobody_sees(rows):
    lines = read(csv_bytes(HEADER, rows))

    def padded(line):
        return line.cells + ("",) * (2 - len(line.cells))

    stripped = [tuple(cell.strip() if seen(cell) else "" for cell in row) for row in rows]
    assert [padded(line) for line in lines] == [HEADER, *filter(any, stripped)]


def test_a_csv_file_has_a_bom_and_crlf_and_keeps_numbers_numbers():
    content = csv_bytes(
        ["名次", "得票率(%)", "备注"],
        [
            [1, Decimal("99.4"), None],
            [-3, Decimal("-1E+1"), "-3"],
            [7, datetime.fromisoformat("2026-01-18 10:42"), "7"],
        ],
    )

    assert (
        content
        == (
            "\ufeff名次,得票率(%),备注\r\n1,99.4,\r\n-3,-10,'-3\r\n7,2026-01-18 10:42,'7\r\n"
        ).encode()
    )


def test_a_workbook_written_here_holds_text_as_text_and_numbers_as_numbers():
    dangers = ["=1+1", "#N/A", "007", "@x", "𠮷\x07", ""]
    book = openpyxl.load_workbook(io.BytesIO(xlsx_bytes("名单", ["甲"] * 8, [[*dangers, 3, None]])))
    sheet = book["名单"]
    cells = sheet[2]

    assert [cell.value for cell in cells] == [
        "=1+1",
        "#N/A",
        "007",
        "@x",
        "𠮷\ufffd",
        None,
        3,
        None,
    ]
    assert [cell.data_type for cell in cells[:5]] == ["s"] * 5
    assert {cell.number_format for cell in cells[:5]} == {"@"}
    assert cells[6].data_type == "n"


def test_columns_are_formatted_as_text_below_the_last_row():
    book = openpyxl.load_workbook(io.BytesIO(xlsx_bytes("名单", HEADER, [])))

    assert [book["名单"].column_dimensions[name].number_format for name in "AB"] == ["@", "@"]


@given(st.lists(st.tuples(printable_texts, printable_texts), max_size=4))
def test_what_is_written_as_xlsx_is_read_back_the_same_but_for_what_nobody_sees(rows):
    lines = read(xlsx_bytes("名单", HEADER, [("x", *row, "y") for row in rows]))

    stripped = [tuple(cell.strip() if seen(cell) else "" for cell in row) for row in rows]
    assert [line.cells for line in lines[1:]] == [("x", *row, "y") for row in stripped]


def test_a_download_is_named_for_its_year_content_vote_and_time():
    at = datetime.fromisoformat("2026-01-18 10:42")

    assert names_of(
        2026, ["结果", "", "会议"], ["result", ""], at, extension="csv", rehearsal=False
    ) == (
        "yiwu-2026-result-20260118-1042.csv",
        "2026年民生实事项目票决_结果_会议_20260118-1042.csv",
    )
    assert names_of(
        2026, ["结果", "再次票决"], ["result", "run-off"], at, extension="csv", rehearsal=True
    ) == (
        "rehearsal_yiwu-2026-result-run-off-20260118-1042.csv",
        "演练_2026年民生实事项目票决_结果_再次票决_20260118-1042.csv",
    )


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_workbook_whose_blocks_cannot_be_bounded_is_refused_unread(method):
    out = io.BytesIO(SMALL)
    with zipfile.ZipFile(out, "a", method) as archive:
        archive.writestr("xl/more.xml", b"")

    assert why_refused(out.getvalue()) == "damaged"


@pytest.mark.parametrize("text", ["=1+1", "＝1", "\t=1", "+1", "@SUM(A1)"])
def test_a_text_like_a_formula_stays_text_when_somebody_goes_into_its_cell(text):
    book = openpyxl.load_workbook(io.BytesIO(xlsx_bytes("表", ["列"], [[text], ["公园"]])))
    cells = [row[0] for row in book.active.iter_rows(min_row=2)]

    assert [bool(cell.quotePrefix) for cell in cells] == [True, False]
    assert cells[0].data_type == "s"


def test_a_printed_row_is_as_high_as_its_lines_and_no_higher_than_excel_takes():
    rows = [["一行"], ["字" * 100], ["字" * 3000]]
    book = openpyxl.load_workbook(io.BytesIO(book_bytes([Sheet("表", ["列"], rows)])))
    heights = [book["表"].row_dimensions[number].height for number in (2, 3, 4)]

    assert heights == [19, 4 + 15 * 5, 409]
