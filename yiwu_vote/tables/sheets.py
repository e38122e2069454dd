"""Tables that people hand in and take away: CSV and xlsx read, CSV and xlsx written (design §11).

Nothing here knows what a column means; that is the question of the module that asked.
"""

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any

import openpyxl
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

UPLOAD_LIMIT = 2 * 1024 * 1024
UNZIPPED_LIMIT = 20 * 1024 * 1024
# Real tables unpack to five to twenty times their size; a bomb of blanks to a thousand.
RATIO_LIMIT = 100
MEMBERS_LIMIT = 200
ROWS_LIMIT = 10_000
PLAIN_COMPRESSION = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
COLUMNS_LIMIT = 100
CELLS_LIMIT = ROWS_LIMIT * COLUMNS_LIMIT
EXCEL_ROWS = 1_048_576

REFUSALS = {
    "damaged": "文件已损坏，无法读取。请在 Excel 或 WPS 中另存为 .xlsx 后再上传。",
    "empty": "文件中没有内容。",
    "encoding": "文件编码无法识别，请另存为 .xlsx 后再上传。",
    "encrypted": "文件设有打开密码，请取消密码后再上传。",
    "inflated": "文件解压后过大，请将内容复制到新的表格中，另存为 .xlsx 后再上传。",
    "macros": "文件含有宏，请在 Excel 或 WPS 中另存为不含宏的 .xlsx 后再上传。",
    "not-text": "文件不是表格，或编码无法识别，请另存为 .xlsx 后再上传。",
    "not-xlsx": "压缩文件不是 .xlsx 表格，请在 Excel 或 WPS 中另存为 .xlsx 后再上传。",
    "quotes": "从第{line}行起双引号不成对，请更正，或另存为 .xlsx 后再上传。",
    "several-sheets": "有多张工作表有内容，请只保留一张后再上传。",
    "too-big": "文件超过2MB，请删去图片等无关内容后再上传。",
    "too-many-rows": "表格超过10000行，请检查后再上传。",
    "too-wide": "第{line}行超过100列，请检查后再上传。",
    "xls": "不支持 .xls 文件，请在 Excel 或 WPS 中另存为 .xlsx 后再上传。",
}

OLE_MAGIC = b"\xd0\xcf\x11\xe0"
ZIP_MAGIC = b"PK\x03\x04"
UTF8_BOM = b"\xef\xbb\xbf"
UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
# An xlsx with an opening password is an OLE file too; its directory names this stream.
ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
MACRO_PARTS = re.compile(r"vbaproject\.bin$|^xl/macrosheets/", re.IGNORECASE)
# Characters that XML 1.0 cannot hold, which openpyxl refuses to write.
NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

FORMULA_SIGNS = frozenset("=+-@|%＝＋－＠")
INVISIBLE = frozenset({"Zs", "Zl", "Zp", "Cf"})

Cell = str | int | Decimal | None


class SheetRefused(Exception):
    """The file cannot be read: `code` is for programs, the text says what to do instead."""

    def __init__(self, code: str, *, line: int = 0) -> None:
        super().__init__(REFUSALS[code].format(line=line))
        self.code = code


@dataclass(frozen=True)
class Line:
    """One row that holds something.

    `number` is the row as Excel shows it; in a text file the line, counted from 1, on which the
    row begins. `cells` are stripped texts, without the blank ones at the end.
    """

    number: int
    cells: tuple[str, ...]


def read(content: bytes) -> list[Line]:
    """Return the rows of an uploaded .xlsx, or of comma- or tab-separated text, never empty.

    The kind of file is told by its content, never by its name. Text is UTF-8 or, as Chinese Excel
    and WPS save it, GB18030. An apostrophe that `csv_bytes` put before a cell is taken off again.
    Raises SheetRefused. A row is never skipped unless all its cells are blank.
    """
    if len(content) > UPLOAD_LIMIT:
        raise SheetRefused("too-big")
    if content.startswith(OLE_MAGIC):
        raise SheetRefused("encrypted" if ENCRYPTED_STREAM in content else "xls")
    is_workbook = content.startswith(ZIP_MAGIC)
    lines = _lines_of_workbook(content) if is_workbook else list(_lines(_records(_text(content))))
    if not lines:
        raise SheetRefused("empty")
    return lines


def _lines(rows: Iterable[tuple[int, Iterable[str]]]) -> Iterator[Line]:
    kept = 0
    for number, texts in rows:
        cells = [text.strip() for text in texts]
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            continue
        kept += 1
        if kept > ROWS_LIMIT + 1:  # the header is a row as well
            raise SheetRefused("too-many-rows")
        if len(cells) > COLUMNS_LIMIT:
            raise SheetRefused("too-wide", line=number)
        yield Line(number, tuple(cells))


def _text(content: bytes) -> str:
    if content.startswith(UTF16_BOMS):
        raise SheetRefused("encoding")
    if b"\0" in content:
        raise SheetRefused("not-text")
    # UTF-8 goes first: 姓名 in GB18030 is no legal UTF-8, but most UTF-8 is legal GB18030.
    # GB18030 and not GBK, which lacks surnames such as 䶮. There is no third guess.
    codecs = ["utf-8-sig"] if content.startswith(UTF8_BOM) else ["utf-8", "gb18030"]
    for codec in codecs:
        try:
            return content.decode(codec)
        except UnicodeDecodeError:
            continue
    raise SheetRefused("encoding")


def _records(text: str) -> Iterator[tuple[int, Iterable[str]]]:
    header = text.lstrip("\r\n").splitlines()[:1]
    # Cells copied out of WPS or Excel and saved as text are separated by tabs.
    is_tabbed = any("\t" in line and "," not in line for line in header)
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter="\t" if is_tabbed else ",", strict=True
    )
    while True:
        first = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise SheetRefused("quotes", line=first) from error
        yield first, map(unguarded, record)


def _lines_of_workbook(content: bytes) -> list[Line]:
    _check_archive(content)
    try:
        return _lines_of_only_sheet(content)
    except SheetRefused:
        raise
    except Exception as error:
        # A damaged workbook makes openpyxl raise whatever its parts raise: KeyError, ParseError,
        # zlib.error and more. defusedxml's refusal of entities ends here as well.
        raise SheetRefused("damaged") from error


def _check_archive(content: bytes) -> None:
    """Judge a workbook by its table of contents, before anything is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
    except Exception as error:
        # zipfile raises more than BadZipFile when the table of contents is damaged.
        raise SheetRefused("damaged") from error
    names = {member.filename for member in members}
    if "xl/workbook.xml" not in names:
        raise SheetRefused("not-xlsx")
    if any(MACRO_PARTS.search(name) for name in names):
        raise SheetRefused("macros")
    # Of bzip2 and LZMA zipfile unpacks a whole block before it looks at the stated size.
    if any(member.compress_type not in PLAIN_COMPRESSION for member in members):
        raise SheetRefused("damaged")
    # Of the others it never unpacks more than the stated size, so that a lie gains nothing.
    unzipped = sum(member.file_size for member in members)
    if (
        len(members) > MEMBERS_LIMIT
        or unzipped > UNZIPPED_LIMIT
        or unzipped > RATIO_LIMIT * len(content)
    ):
        raise SheetRefused("inflated")


def _lines_of_only_sheet(content: bytes) -> list[Line]:
    """Return the lines of the one visible sheet that holds something.

    A second such sheet is refused, because to leave its rows out would go unnoticed. Hidden
    sheets do not count: they hold the lists behind drop-down cells.
    """
    found: list[Line] = []
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    with closing(book):
        for sheet in book.worksheets:
            if sheet.sheet_state != "visible":
                continue
            if found and any(islice(_lines(_rows(sheet)), 1)):
                raise SheetRefused("several-sheets")
            found = found or list(_lines(_rows(sheet)))
    return found


def _rows(sheet: Any) -> Iterator[tuple[int, Iterable[str]]]:
    # The size that a workbook states for its sheet may be wrong, and rows beyond it would be lost.
    sheet.reset_dimensions()
    cells = 0
    for number, row in enumerate(sheet.iter_rows(), start=1):
        # openpyxl fills each gap before a row or a cell. Without these two limits, a few bytes
        # that name a far place would keep it busy for minutes.
        cells += len(row)
        if cells > CELLS_LIMIT:
            raise SheetRefused("inflated")
        if number > EXCEL_ROWS:
            raise SheetRefused("damaged")
        if row:
            yield number, map(_text_of_cell, row)


def _text_of_cell(cell: Any) -> str:
    match cell.value:
        case None:
            return ""
        case bool() as value:
            return "TRUE" if value else "FALSE"
        case int() | float() as value if value == int(value):
            # A column formatted 000 shows 1 as 001, and what is shown is what was meant.
            zeros = len(cell.number_format) if set(cell.number_format) == {"0"} else 0
            return str(int(value)).zfill(zeros)
        case float() as value:
            return format(Decimal(repr(value)), "f")
        case datetime() as value if value.hour or value.minute:
            return value.isoformat(" ", "minutes")
        case datetime() as value:
            return value.date().isoformat()
        case value:
            return str(value)


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
