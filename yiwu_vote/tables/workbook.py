"""An .xlsx workbook as a table of what Excel and WPS show of it (ECMA-376). Pure.

Read from its parts and not by openpyxl, which tells what a file stores: a number without its format, a
formula that was never reckoned as an empty cell, rows and columns that nobody sees like any other.
"""

import io
import posixpath
import re
import zipfile
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import Element

from defusedxml import ElementTree

from yiwu_vote.tables import grid, number_formats
from yiwu_vote.tables.grid import Line, SheetRefused, Table

UNZIPPED_LIMIT = 20 * 1024 * 1024
# Real tables unpack to five to twenty times their size; a bomb of blanks to a thousand.
RATIO_LIMIT = 100
MEMBERS_LIMIT = 200
CELLS_LIMIT = grid.ROWS_LIMIT * grid.COLUMNS_LIMIT
EXCEL_ROWS = 1_048_576
EXCEL_COLUMNS = 16_384
MERGES_LIMIT = 10_000
HIDINGS_LIMIT = 1_000
# A number of more digits has lost those behind the fifteenth.
TOO_LONG = Decimal(10) ** number_formats.DIGITS
PLAIN_COMPRESSION = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
MACRO_PARTS = re.compile(r"vbaproject\.bin$|^xl/macrosheets/", re.IGNORECASE)

WORKBOOK = "xl/workbook.xml"
REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]{1,7})")
# How a text holds signs that XML has no place for: _x000D_ is a carriage return.
ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
# So many places are named in a sentence about merged cells.
NAMED_LIMIT = 5


@dataclass(frozen=True)
class Style:
    """What of the look of a cell matters: its format, None for a date, and a line through its text."""

    code: str | None = "General"
    is_struck: bool = False


@dataclass
class Shown:
    """One cell: its text, what keeps it from being read, and whether a line goes through it."""

    text: str
    fault: str = ""
    is_struck: bool = False
    is_from_above: bool = False


@dataclass
class Sheet:
    """The cells of one sheet that hold something, by row and column, both counted from 1."""

    rows: dict[int, dict[int, Shown]] = field(default_factory=dict)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)


def table_of(content: bytes) -> Table:
    """Return the rows of the one visible sheet that holds something; raises SheetRefused.

    A second such sheet is refused, because to leave its rows out would go unnoticed. Hidden sheets do
    not count: they hold the lists behind drop-down cells.
    """
    check_archive(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _only_table(archive)
    except SheetRefused:
        raise
    except Exception as error:
        # A damaged workbook raises whatever its parts raise: KeyError, ParseError, zlib.error and
        # more. defusedxml's refusal of entities ends here as well.
        raise SheetRefused("damaged") from error


def check_archive(content: bytes) -> None:
    """Judge a workbook by its table of contents, before anything is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
    except Exception as error:
        # zipfile raises more than BadZipFile when the table of contents is damaged.
        raise SheetRefused("damaged") from error
    names = {member.filename for member in members}
    if WORKBOOK not in names:
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


# --- the parts of a workbook ----------------------------------------------------------------------


def _only_table(archive: zipfile.ZipFile) -> Table:
    parts = _parts(archive)
    strings = _strings(archive, parts.get("sharedStrings", "xl/sharedStrings.xml"))
    styles = _styles(archive, parts.get("styles", "xl/styles.xml"))
    found: Table | None = None
    concealed = []
    hidden = []
    for element in _named(ElementTree.fromstring(archive.read(WORKBOOK)), "sheet"):
        path = parts.get(_attribute(element, "id"))
        if path is None or path not in archive.namelist():
            continue
        if element.get("state", "visible") != "visible":
            hidden.append(element.get("name", ""))
            continue
        sheet = _sheet(archive, path, strings, styles)
        table = _table(sheet)
        if found and table.lines:
            raise SheetRefused("several-sheets")
        concealed.append(bool(sheet.rows) and not table.lines)
        found = table if table.lines else found
    if found is None:
        raise SheetRefused("all-hidden" if any(concealed) else "empty")
    if hidden:
        note = f"隐藏的工作表未读取：{'、'.join(hidden[:NAMED_LIMIT])}。"
        found = Table(found.lines, (*found.notes, note))
    return found


def _parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return where the parts of the workbook lie: sheets by the id, the others by their kind."""
    root = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    parts = {}
    for element in root:
        target = posixpath.normpath(posixpath.join("/xl", element.get("Target", "")))
        kind = element.get("Type", "").rpartition("/")[2]
        parts[element.get("Id", "") if kind == "worksheet" else kind] = target.lstrip("/")
    return parts


def _strings(archive: zipfile.ZipFile, path: str) -> list[str]:
    if path not in archive.namelist():
        return []
    strings = []
    with archive.open(path) as source:
        for _event, element in ElementTree.iterparse(source):
            if _name(element) == "si":
                strings.append(_text(element))
                element.clear()
    return strings


def _text(element: Element) -> str:
    """Return a text in all its runs, without the readings (pinyin) that stand above it."""
    told = [
        (part.text or "")
        for child in element
        for part in ([child] if _name(child) == "t" else _named(child, "t"))
        if _name(child) in {"t", "r"}
    ]
    return _unescaped("".join(told))


def _unescaped(text: str) -> str:
    """Return a text with the signs that XML has no place for; halves of one are put together."""
    text = ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _styles(archive: zipfile.ZipFile, path: str) -> list[Style]:
    if path not in archive.namelist():
        return []
    root = ElementTree.fromstring(archive.read(path))
    own = {
        int(element.get("numFmtId", "0")): element.get("formatCode", "")
        for formats in _named(root, "numFmts")
        for element in formats
    }
    struck = [
        any(line.get("val", "1") not in {"0", "false"} for line in _named(font, "strike"))
        for fonts in _named(root, "fonts")
        for font in fonts
    ]
    styles = []
    for formats in _named(root, "cellXfs"):
        for element in formats:
            number = int(element.get("numFmtId", "0"))
            code = own.get(number, number_formats.BUILT_IN.get(number, UNKNOWN_FORMAT))
            is_date = number in number_formats.DATES and number not in own
            font = int(element.get("fontId", "0"))
            styles.append(Style(None if is_date else code, struck[font : font + 1] == [True]))
    return styles


# No program writes it, and no number can be shown in it.
UNKNOWN_FORMAT = "["


# --- one sheet ------------------------------------------------------------------------------------


def _sheet(archive: zipfile.ZipFile, path: str, strings: list[str], styles: list[Style]) -> Sheet:
    sheet = Sheet()
    number = cells = hidden = 0
    data: Any = None
    with archive.open(path) as source:
        for event, element in ElementTree.iterparse(source, events=("start", "end")):
            name = _name(element)
            if event == "start":
                data = element if name == "sheetData" else data
            elif name == "row":
                number = int(element.get("r", number + 1))
                # Each step is bounded: a few bytes can name a far place, and many blank ones.
                if number > EXCEL_ROWS:
                    raise SheetRefused("damaged")
                row, width = _row(element, strings, styles)
                cells += width
                if cells > CELLS_LIMIT:
                    raise SheetRefused("inflated")
                if row:
                    sheet.rows[number] = row
                    if len(sheet.rows) > 2 * grid.ROWS_LIMIT:
                        raise SheetRefused("too-many-rows")
                if _is_hidden(element, "ht"):
                    sheet.hidden_rows.add(number)
                data.clear()
            elif name == "col" and _is_hidden(element, "width"):
                hidden += 1
                last = min(int(element.get("max", "0")), EXCEL_COLUMNS)
                sheet.hidden_columns.update(range(int(element.get("min", "0")), last + 1))
                if hidden > HIDINGS_LIMIT:
                    raise SheetRefused("inflated")
            elif name == "mergeCell":
                sheet.merged.append(_rectangle(element.get("ref", "")))
                if len(sheet.merged) > MERGES_LIMIT:
                    raise SheetRefused("inflated")
    return sheet


def _is_hidden(element: Element, size: str) -> bool:
    # Filtered and folded rows are marked as hidden too; what was drawn to nothing is seen no more.
    return element.get("hidden", "0") in {"1", "true"} or float(element.get(size, "1")) == 0


def _row(element: Element, strings: list[str], styles: list[Style]) -> tuple[dict[int, Shown], int]:
    """Return the cells of a row that show or hide something, and the last column it names."""
    row: dict[int, Shown] = {}
    column = 0
    for cell in element:
        if _name(cell) != "c":
            continue
        reference = REFERENCE.fullmatch(cell.get("r", ""))
        column = _column(reference[1]) if reference else column + 1
        if column > EXCEL_COLUMNS:
            raise SheetRefused("damaged")
        place = int(cell.get("s", "0"))
        shown = _shown(cell, strings, styles[place] if place < len(styles) else Style())
        if shown.fault or grid.seen(shown.text):
            row[column] = shown
    return row, column


def _shown(cell: Element, strings: list[str], style: Style) -> Shown:
    kind = cell.get("t", "n")
    raw = next((child.text or "" for child in cell if _name(child) == "v"), "")
    is_formula = any(_name(child) == "f" for child in cell)
    if is_formula and not raw and kind != "str":
        return Shown("", grid.FORMULA)
    match kind:
        case "s":
            text = strings[int(raw)] if raw else ""
        case "inlineStr":
            text = "".join(_text(child) for child in cell if _name(child) == "is")
        case "str":
            text = _unescaped(raw)
        case "e":
            return Shown(raw, grid.ERROR)
        case "b":
            return Shown("TRUE" if raw == "1" else "FALSE", grid.TRUTH)
        case "d":
            return Shown(raw, grid.DATE)
        case _:
            return _number_shown(raw, style) if raw else Shown("")
    return _text_shown(text, style)


def _text_shown(text: str, style: Style) -> Shown:
    if grid.is_error(text.strip()):
        return Shown(text, grid.ERROR)
    if not text.strip() or style.code in {None, "General", "@"}:
        return Shown(text, is_struck=style.is_struck)
    try:
        shown = number_formats.text_shown(text, str(style.code))
    except number_formats.NotShown:
        # A format that is not understood is one for numbers, and says nothing of texts.
        shown = text
    return Shown(shown, "" if shown.strip() else grid.UNSEEN, style.is_struck)


def _number_shown(raw: str, style: Style) -> Shown:
    value = Decimal(repr(float(raw)))
    if style.code is None:
        return Shown(raw, grid.DATE)
    if abs(value) >= TOO_LONG:
        return Shown(raw, grid.LONG)
    try:
        text = number_formats.number_shown(value, style.code)
    except number_formats.IsDate:
        return Shown(raw, grid.DATE)
    except number_formats.NotShown:
        return Shown(raw, grid.FORMAT)
    # 0 under a format that hides zeros is blank to everybody; any other number was not to be lost.
    return Shown(text, "" if text or not value else grid.UNSEEN, style.is_struck)


# --- from a sheet to a table ----------------------------------------------------------------------


def _table(sheet: Sheet) -> Table:
    notes = []
    visible = [row for row in sorted(sheet.rows) if row not in sheet.hidden_rows]
    hidden = [row for row in sheet.rows if row in sheet.hidden_rows]
    spread, filled = _spread_merged(sheet, visible)
    lines = []
    columns: set[int] = set()
    for number in visible:
        row = sheet.rows[number]
        concealed = {column for column in row if column in sheet.hidden_columns}
        columns |= concealed
        seen = {column: cell for column, cell in row.items() if column not in concealed}
        width = max(seen, default=0)
        cells = [seen[place].text if place in seen else "" for place in range(1, width + 1)]
        faults = [(place - 1, cell.fault) for place, cell in sorted(seen.items()) if cell.fault]
        # A cell that shows nothing but is wrong still makes its row one.
        texts = grid.trimmed(cells) or (("",) * width if faults else ())
        merged = tuple(place - 1 for place, cell in seen.items() if cell.is_from_above)
        is_spread = number in spread and len(seen) == 1
        lines.append(Line(number, texts, tuple(faults), merged, is_spread))
    kept = tuple(grid.checked(lines))
    if hidden:
        notes.append(f"第{grid.ranges(hidden)}行是隐藏行，未读取。")
    if columns:
        letters = "、".join(_letters(column) for column in sorted(columns))
        notes.append(f"{letters}列是隐藏列，未读取。")
    if filled:
        more = f"等{len(filled)}处" if len(filled) > NAMED_LIMIT else ""
        named = "、".join(filled[:NAMED_LIMIT])
        notes.append(f"合并单元格{named}{more}按各行都填写读取。")
    struck = [n for n in visible if any(cell.is_struck for cell in sheet.rows[n].values())]
    if struck and kept:
        notes.append(f"第{grid.ranges(struck)}行有删除线，仍已读取；不需要的行请删去后重新上传。")
    return Table(kept, tuple(notes))


def _spread_merged(sheet: Sheet, visible: list[int]) -> tuple[set[int], list[str]]:
    """Give the text of merged cells to each row that shows it, if that row holds something else.

    `visible` are the rows that hold something, in order. Return the rows in which a text goes over
    several columns, and the places that were filled.
    """
    spread: set[int] = set()
    filled = []
    for top, left, bottom, right in sheet.merged:
        cell = sheet.rows.get(top, {}).get(left)
        if cell is None:
            continue
        # Where its first column is hidden, the text is seen in the next one.
        column = next((n for n in range(left, right + 1) if n not in sheet.hidden_columns), left)
        rows = visible[bisect_left(visible, top) : bisect_right(visible, bottom)]
        for row in rows:
            there = sheet.rows[row]
            there.setdefault(column, replace(cell, is_from_above=row != top))
        below = [row for row in rows if row != top]
        if below:
            filled.append(f"{_letters(left)}{top}:{_letters(right)}{bottom}")
        if right > left:
            spread.update(rows)
    return spread, filled


def _rectangle(reference: str) -> tuple[int, int, int, int]:
    """Return the top, left, bottom and right of A1:B2."""
    corners = [REFERENCE.fullmatch(corner) for corner in reference.split(":")]
    first, last = corners[0], corners[-1]
    if first is None or last is None:
        raise SheetRefused("damaged")
    return int(first[2]), _column(first[1]), int(last[2]), _column(last[1])


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _letters(column: int) -> str:
    letters = ""
    while column:
        column, digit = divmod(column - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters


def _name(element: Element) -> str:
    """Return the name of an element without its namespace: strict files have another one."""
    return str(element.tag).rpartition("}")[2]


def _named(element: Element, name: str) -> Iterator[Element]:
    return (child for child in element.iter() if _name(child) == name)


def _attribute(element: Element, name: str) -> str:
    attributes: Mapping[str, str] = element.attrib
    return next((value for key, value in attributes.items() if key.endswith(f"}}{name}")), "")
