"""Workbooks as people and programs make them, to be handed in."""

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import openpyxl
import pytest

from yiwu_vote.tables.grid import SheetRefused
from yiwu_vote.tables.reading import read

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def book_of(*sheets: Sequence[Sequence[Any]]) -> Any:
    """Return a workbook with a sheet for each of `sheets`, rows of values."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for rows in sheets:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    return book


def saved(book: Any) -> bytes:
    """Return the file of a workbook."""
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


# Two rows, to be spoilt or to have its parts replaced.
SMALL = saved(book_of([("代表证号", "姓名"), ("001", "王伟")]))


def repacked(content: bytes, changes: dict[str, bytes]) -> bytes:
    """Return the workbook with members replaced or added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in (members | changes).items():
            new.writestr(name, data)
    return out.getvalue()


def sheet_xml(rows: str, doctype: str = "") -> dict[str, bytes]:
    """Return the first sheet with these rows, as a member of a workbook."""
    xml = f'<?xml version="1.0"?>{doctype}<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData>'
    return {"xl/worksheets/sheet1.xml": f"{xml}</worksheet>".encode()}


def why_refused(content: bytes) -> str:
    """Return the code of the refusal of a file."""
    with pytest.raises(SheetRefused) as refusal:
        read(content)
    return refusal.value.code
