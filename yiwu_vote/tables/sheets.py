"""Tables that people take away: CSV and xlsx written (design §11.2)."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import openpyxl
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.utils import get_column_letter

from yiwu_vote.tables.grid import is_error

# Characters that XML 1.0 cannot hold, which openpyxl refuses to write.
NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# What Excel would read as a character that stands for another one: a text of “_x0041_” is no A.
ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")

FORMULA_SIGNS = frozenset("=+-@|%＝＋－＠")
INVISIBLE = frozenset({"Zs", "Zl", "Zp", "Cf"})

# What Excel and WPS, in Chinese or English, make a number, a date, a time or a truth of. Rather too
# much: an apostrophe too many is seen, a title that became a date is not.
VALUE_LIMIT = 300
VALUE = re.compile(
    r"true|false"
    r"|(?:[0-9.,:/\-+() $¥€£%年月日时分秒点〇零一二三四五六七八九十]|(?<=[0-9])[ed](?=[-+0-9])"
    r"|上午|下午|am|pm)+"
    r"|(?:[0-9]{1,4}[\-/ ,.]*)?"
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*(?:[\-/ ,.]*[0-9]{1,4}){0,2}"
)
HAS_FIGURE = re.compile(r"[0-9]|true|false|[〇零一二三四五六七八九十][年月日时点]")

# A column that is wider than so many digits breaks its lines, columns wider than so many in all stand
# on a page that lies, and Excel takes 255 signs for all that stands in a margin.
WIDEST, PORTRAIT, MARGIN_LIMIT = 44, 90, 80
# What a column is wider than its text, for the edges of a cell and fonts that run wide.
ROOM = 4
# No row is higher in points (ECMA-376 has no limit, Excel has).
TALLEST = 409

# A time is written as a date with hours, which is what it is to a spreadsheet program too.
Cell = str | int | Decimal | datetime | None


def guarded(cell: str) -> str:
    """Return `cell` so that a spreadsheet program leaves it the text it is (CWE-1236).

    An apostrophe goes before a text that begins with a control character, or whose first visible
    character is one of = + - @ | % or a full-width = + - @, for it would be a formula; before one
    that would become a number, a date, a time, a truth or an error (3-5, 1E5, 0012, 12:30, TRUE);
    and before a text that looks as if it had been guarded already, or `unguarded` could not tell
    the two apart.
    """
    return "'" + cell if _is_risky(cell.lstrip("'")) else cell


def unguarded(cell: str) -> str:
    """Return the text that `guarded` was given: `unguarded(guarded(text)) == text` for any text."""
    return cell[1:] if cell.startswith("'") and _is_risky(cell.lstrip("'")) else cell


def _is_risky(cell: str) -> bool:
    return _is_formula(cell) or _is_taken_for_another(cell)


def _is_formula(cell: str) -> bool:
    for char in cell:
        category = unicodedata.category(char)
        if category == "Cc" or char in FORMULA_SIGNS:
            return True
        if category not in INVISIBLE:
            return False
    return False


def _is_taken_for_another(cell: str) -> bool:
    """Tell whether a spreadsheet program makes something else than a text of `cell`."""
    if len(cell) > VALUE_LIMIT:
        return False
    plain = unicodedata.normalize("NFKC", cell).strip().casefold()
    return is_error(plain) or bool(VALUE.fullmatch(plain) and HAS_FIGURE.search(plain))


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return a CSV file that Excel and WPS open with its Chinese intact (design §11.2).

    UTF-8 with BOM, CRLF, commas. Texts are guarded; numbers stay numbers, a negative one too.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_csv_cell(cell) for cell in header])
    writer.writerows([_csv_cell(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _csv_cell(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case str():
            return guarded(cell)
        case Decimal():
            return format(cell, "f")
        case datetime():
            return f"{cell:%Y-%m-%d %H:%M}"
        case _:
            return str(cell)


def xlsx_bytes(
    title: str, header: Sequence[str], rows: Iterable[Sequence[Cell]], *, heading: str = ""
) -> bytes:
    r"""Return an .xlsx file of one sheet in which every text is stored as text.

    `title` is the sheet's name: at most 31 characters, none of \ / * ? : [ ]. A `heading` goes in a
    row above the header, where the reader of tables passes over it. The columns are formatted as
    text down to the last row, so that a 001 typed below keeps its zeros.
    """
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.title = title
    for position in range(1, len(header) + 1):
        column = sheet.column_dimensions[get_column_letter(position)]
        column.number_format = "@"
        column.width = 18
    _fill(sheet, [heading] if heading else [], header, rows)
    return _saved(book)


@dataclass(frozen=True)
class Sheet:
    r"""One of several sheets of a workbook: the lines `above` its header say what it is about.

    `name` has at most 31 characters, none of \ / * ? : [ ].
    """

    name: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    above: Sequence[str] = ()


def book_bytes(sheets: Iterable[Sheet], *, marks: str = "", foot: str = "") -> bytes:
    """Return an .xlsx file of several sheets to be read and printed; texts as `xlsx_bytes` has them.

    Each is as wide as a page of A4, with its first rows again on each page. `marks` stand at the top
    of each printed page and `foot` at the bottom, beside the page's number and the sheet's name.
    """
    book = openpyxl.Workbook()
    book.remove(book.active)
    for page in sheets:
        sheet: Any = book.create_sheet(page.name)
        _fill(sheet, page.above, page.header, page.rows)
        _lay_out(sheet, page)
        sheet.oddHeader.right.text = _in_margin(marks)
        sheet.oddFooter.left.text = _in_margin(foot)
        sheet.oddFooter.right.text = "&A　&P / &N"
    return _saved(book)


def _fill(
    sheet: Any, above: Sequence[str], header: Sequence[str], rows: Iterable[Sequence[Cell]]
) -> None:
    """Write the lines `above`, the header and the rows; all down to the header stays in sight."""
    bold = len(above) + 1
    sheet.freeze_panes = f"A{bold + 1}"
    for number, row in enumerate([*([line] for line in above), header, *rows], start=1):
        for position, value in enumerate(row, start=1):
            cell = sheet.cell(number, position)
            if not isinstance(value, str):
                _put(cell, value)
                continue
            cell.value = ESCAPE.sub("_x005F_", NOT_IN_XML.sub("\ufffd", value))
            # openpyxl takes "=1+1" for a formula and "#N/A" for an error unless it is told.
            cell.data_type = "s"
            cell.number_format = "@"
            # Nor does a spreadsheet program when somebody goes into the cell and out again.
            cell.quotePrefix = _is_formula(value)
            if number <= bold:
                cell.font = Font(name="Calibri", size=11, bold=True)


def _put(cell: Any, value: int | Decimal | datetime | None) -> None:
    """Write a figure or a time so that it is seen as the CSV file has it."""
    match value:
        case datetime():
            # A workbook knows no zones: it says what the clock on the wall said.
            cell.value = value.replace(tzinfo=None)
            cell.number_format = "yyyy-mm-dd hh:mm"
        case Decimal():
            cell.value = value
            places = -int(value.as_tuple().exponent)
            cell.number_format = f"0.{'0' * places}" if places > 0 else "0"
        case _:
            cell.value = value


def _lay_out(sheet: Any, page: Sheet) -> None:
    """Make columns, rows and pages of `sheet` fit for paper."""
    first = len(page.above) + 1
    table = [page.header, *page.rows]
    widths = [min(max(map(_width, column)), WIDEST) for column in zip(*table, strict=True)]
    for position, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(position)].width = width + ROOM
    for number, text in enumerate(page.above, start=1):
        sheet.merge_cells(start_row=number, end_row=number, start_column=1, end_column=len(widths))
        sheet.cell(number, 1).alignment = Alignment(vertical="center", wrap_text=True)
        sheet.row_dimensions[number].height = _height([text], [sum(widths)])
    line = Side(style="thin")
    for number, row in enumerate(table, start=first):
        sheet.row_dimensions[number].height = _height(row, widths)
        for cell in sheet[number]:
            # A figure stands under a figure, but beside its name in a list of two columns.
            right = isinstance(cell.value, int | Decimal) and len(widths) > 2
            cell.alignment = Alignment(
                horizontal="right" if right else "left", vertical="center", wrap_text=True, indent=1
            )
            cell.border = Border(line, line, line, line)
    sheet.print_title_rows = f"1:{first}"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.orientation = "landscape" if sum(widths) > PORTRAIT else "portrait"
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0


def _height(cells: Iterable[Cell], widths: Iterable[int]) -> int:
    """Return the height of a row in points: not every program finds it by itself, nor takes more."""
    lines = (-(-_width(cell) // width) for cell, width in zip(cells, widths, strict=True))
    return min(4 + 15 * max(1, *lines), TALLEST)


def _width(cell: Cell) -> int:
    """Return how many digits wide the longest line of a cell is; a Chinese sign is two."""
    return max(
        sum(1 + (unicodedata.east_asian_width(sign) in "WFA") for sign in line)
        for line in _csv_cell(cell).split("\n")
    )


def _in_margin(text: str) -> str | None:
    """Return `text` fit for the margin of a printed page, where & begins a code; None for nothing."""
    return NOT_IN_XML.sub("\ufffd", text)[:MARGIN_LIMIT].replace("&", "&&") or None


def _saved(book: openpyxl.Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
