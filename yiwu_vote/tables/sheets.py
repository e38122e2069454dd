"""Tables that people take away: CSV and xlsx written (design §11.2)."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import openpyxl
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

# Characters that XML 1.0 cannot hold, which openpyxl refuses to write.
NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

FORMULA_SIGNS = frozenset("=+-@|%＝＋－＠")
INVISIBLE = frozenset({"Zs", "Zl", "Zp", "Cf"})

Cell = str | int | Decimal | None


def guarded(cell: str) -> str:
    """Return `cell` so that no spreadsheet program takes it for a formula (CWE-1236).

    An apostrophe goes before a text that begins with a control character, or whose first visible
    character is one of = + - @ | % or a full-width = + - @; and before a text that looks as if it
    had been guarded already, or `unguarded` could not tell the two apart.
    """
    return "'" + cell if _is_risky(cell) else cell


def unguarded(cell: str) -> str:
    """Return the text that `guarded` was given: `unguarded(guarded(text)) == text` for any text."""
    return cell[1:] if cell.startswith("'") and _is_risky(cell[1:]) else cell


def _is_risky(cell: str) -> bool:
    for char in cell.lstrip("'"):
        category = unicodedata.category(char)
        if category == "Cc" or char in FORMULA_SIGNS:
            return True
        if category not in INVISIBLE:
            return False
    return False


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
        case _:
            return str(cell)


def xlsx_bytes(title: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    r"""Return an .xlsx file of one sheet in which every text is stored as text.

    `title` is the sheet's name: at most 31 characters, none of \ / * ? : [ ]. The columns are
    formatted as text down to the last row, so that a 001 typed below keeps its zeros.
    """
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.title = title
    sheet.freeze_panes = "A2"
    for position in range(1, len(header) + 1):
        column = sheet.column_dimensions[get_column_letter(position)]
        column.number_format = "@"
        column.width = 18
    for number, row in enumerate([header, *rows], start=1):
        for position, value in enumerate(row, start=1):
            cell = sheet.cell(number, position)
            if not isinstance(value, str):
                cell.value = value
                continue
            cell.value = NOT_IN_XML.sub("\ufffd", value)
            # openpyxl takes "=1+1" for a formula and "#N/A" for an error unless it is told.
            cell.data_type = "s"
            cell.number_format = "@"
            if number == 1:
                cell.font = Font(bold=True)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def download_names(
    year: int, content: str, at: datetime, rehearsal: bool, *, ascii_content: str
) -> tuple[str, str]:
    """Return the ASCII and the Chinese name of a file to download, without its extension.

    `content` is the 内容 of design §11.2, such as 结果, and `ascii_content` the same for the name that
    the header falls back to, such as result; `at` is the local time.
    """
    stamp = f"{at:%Y%m%d-%H%M}"
    return (
        f"{'rehearsal_' if rehearsal else ''}yiwu-{year}-{ascii_content}-{stamp}",
        f"{'演练_' if rehearsal else ''}{year}年民生实事项目票决_{content}_{stamp}",
    )
