"""Separated text as a table: files of Excel and WPS, and what is pasted from Excel and Word. Pure."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from yiwu_vote.tables import grid, titles
from yiwu_vote.tables.grid import Line, SheetRefused, Table
from yiwu_vote.tables.sheets import unguarded

UTF8_BOM = b"\xef\xbb\xbf"
UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
# A BOM, and what becomes of one when a program takes UTF-8 for Latin text and saves it again.
BOMS = re.compile("^(?:\ufeff|ï»¿)+")
# The same in GBK: then Chinese beyond the first column is spoilt as well.
SPOILT = ("锘", "ï¿½")
MARKUP = re.compile(r"\s*<(?:!doctype|html|head|body|table|meta|\?xml|style)\b", re.IGNORECASE)
SEP_LINE = re.compile(r'"?sep=(.)"?[ \t]*(?:\r\n|\r|\n|$)', re.IGNORECASE)

# In this order, for a header of several columns with a comma in it means commas.
SEPARATORS = (",", "\t", ";", "，", "|", "；", "、")
# How other programs write a text that spreadsheets should leave alone: ="0012".
QUOTED_FORMULA = re.compile(r'="((?:[^"]|"")*)"')

# A cell up to its tab or the end of its line; quotes count where they go around all of it.
TABBED_CELL = re.compile(
    r'(?:"(?P<quoted>(?:[^"\t]|"")*)"(?=[\t\n]|\Z)|(?P<plain>[^\t\n]*))(?P<end>[\t\n]|\Z)'
)
# What people write below a table, in a line of its own.
BELOW = re.compile("注|备注|说明|填表|制表|审核|合计|总计|小计|共计")

IsHeader = Callable[[Sequence[str]], bool]


def table_of(content: bytes | str, is_header: IsHeader) -> Table:
    """Return the rows of a text file, or of the text that was pasted into a page.

    They are parted by the sign under which one of the first rows is a header. Raises SheetRefused.
    """
    text = decoded(content) if isinstance(content, bytes) else content.removeprefix("\ufeff")
    head = text[: grid.LONGEST_CELL]
    if MARKUP.match(head):
        raise SheetRefused("markup")
    told = SEP_LINE.match(head)
    start, text = (2, text[told.end() :]) if told else (1, text)
    separators = (told[1],) if told and told[1] not in '"\r\n' else SEPARATORS
    notes: list[str] = []
    if isinstance(content, str) and "\t" in text:
        rows = list(_pasted(text, notes))
    else:
        rows = list(_records(text, start, _separator(text, start, separators, is_header)))
    lines = tuple(grid.checked(_line(number, cells) for number, cells in rows))
    if not lines:
        raise SheetRefused("empty")
    return Table(lines, tuple(notes))


def decoded(content: bytes) -> str:
    """Return a text file as text, without the marks that programs put before it."""
    if content.startswith(UTF16_BOMS):
        # “Unicode 文本” of Excel. Its mark says what it is; without one nothing does.
        codecs = ["utf-16"]
    elif b"\0" in content:
        raise SheetRefused("not-text")
    elif content.startswith(UTF8_BOM):
        codecs = ["utf-8"]
    else:
        # UTF-8 goes first: 姓名 in GB18030 is no legal UTF-8, but most UTF-8 is legal GB18030.
        # GB18030 and not GBK, which lacks surnames such as 䶮. There is no third guess.
        codecs = ["utf-8", "gb18030"]
    for codec in codecs:
        try:
            text = BOMS.sub("", content.decode(codec))
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            raise SheetRefused("not-text")
        if not text.startswith(SPOILT):
            return text
    raise SheetRefused("encoding")


def _separator(text: str, start: int, separators: Sequence[str], is_header: IsHeader) -> str:
    for separator in separators:
        if separator not in text:
            continue
        try:
            first = list(islice(_records(text, start, separator), titles.WITHIN))
        except SheetRefused:
            continue  # its quotes do not pair: another sign parts the cells, or the reader will say so
        if any(is_header(_line(number, cells).cells) for number, cells in first):
            return separator
    # No header anywhere: what is wrong with it is told of the usual two.
    line = text.lstrip("\r\n").splitlines()[:1]
    is_tabbed = any("\t" in cell and "," not in cell for cell in line)
    return separators[0] if len(separators) == 1 else "\t" if is_tabbed else ","


def _records(text: str, start: int, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        first = start + reader.line_num
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise SheetRefused("quotes", line=first) from error
        yield first, record


# --- what is pasted -------------------------------------------------------------------------------


def _pasted(text: str, notes: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of cells copied out of Excel, WPS or Word, counted from 1.

    Excel puts quotes around a cell with line breaks, and leaves those inside other cells alone. Word
    parts the paragraphs of a cell by line breaks and says nothing: there a row goes on until it has as
    many cells as the first row of several has.
    """
    rows: list[list[str]] = []
    joined = set()
    width = 0
    for cells in _tabbed_rows(text.replace("\r\n", "\n").replace("\r", "\n")):
        width = width or (len(cells) if len(cells) > 1 else 0)
        goes_on = width and rows and not BELOW.match(cells[0]) and cells != [""]
        # A paragraph behind a whole row belongs to its last cell.
        if goes_on and len(rows[-1]) > 1 and len(rows[-1]) + len(cells) - 1 <= width:
            rows[-1][-1] += f"\n{cells[0]}"
            rows[-1].extend(cells[1:])
            joined.add(len(rows))
        else:
            rows.append(cells)
    if joined:
        notes.append(f"第{grid.ranges(joined)}行有的格内分成几行，已接在一起。")
    yield from enumerate(rows, start=1)


def _tabbed_rows(text: str) -> Iterator[list[str]]:
    cells: list[str] = []
    place = 0
    while place <= len(text):
        match = TABBED_CELL.match(text, place)
        if match is None:
            return
        quoted = match["quoted"]
        cells.append(match["plain"] if quoted is None else quoted.replace('""', '"'))
        if match["end"] != "\t":
            yield cells
            cells = []
        place = match.end() + (not match["end"])


# --- a row ----------------------------------------------------------------------------------------


def _line(number: int, cells: Sequence[str]) -> Line:
    texts, faults = [], []
    for position, cell in enumerate(cells):
        text, fault = _shown(cell)
        texts.append(text)
        if fault:
            faults.append((position, fault))
    return Line(number, grid.trimmed(texts), tuple(faults))


def _shown(cell: str) -> tuple[str, str]:
    """Return what a spreadsheet program would show of a cell, and what is wrong with it."""
    bare = cell.strip()
    if len(bare) > grid.LONGEST_CELL:
        return bare, ""
    quoted = QUOTED_FORMULA.fullmatch(bare)
    if quoted:
        return quoted[1].replace('""', '"'), ""
    if grid.is_error(bare):
        return bare, grid.ERROR
    if bare.startswith("=") and len(bare) > 1:
        return bare, grid.FORMULA
    return unguarded(cell), ""
