"""The door of the reader: the bytes of a file, or the text that was pasted, as a table. Pure."""

from collections.abc import Sequence

from yiwu_vote.tables import grid, text_table, workbook
from yiwu_vote.tables.grid import SheetRefused, Table
from yiwu_vote.tables.text_table import IsHeader

OLE_MAGIC = b"\xd0\xcf\x11\xe0"
ZIP_MAGIC = b"PK\x03\x04"
# An xlsx with an opening password is an OLE file too; its directory names this stream.
ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")


def _is_none(cells: Sequence[str]) -> bool:
    return False


def read(content: bytes | str, is_header: IsHeader = _is_none) -> Table:
    """Return the rows of an uploaded .xlsx or text file, or of a text that was pasted; never none.

    What Excel and WPS show is what is read. The kind of file is told by its content, never by its
    name. Text is UTF-8, UTF-16 with its mark or, as Chinese Excel and WPS save it, GB18030; its columns
    are parted by the sign under which a row `is_header`, or else by commas or tabs. Raises
    SheetRefused. A row is never skipped unless all its cells are blank, or it is hidden and a note
    says so.
    """
    size = len(content if isinstance(content, bytes) else content.encode("utf-8", "replace"))
    if size > grid.UPLOAD_LIMIT:
        raise SheetRefused("too-big")
    if isinstance(content, str):
        return text_table.table_of(content, is_header)
    if content.startswith(OLE_MAGIC):
        raise SheetRefused("encrypted" if ENCRYPTED_STREAM in content else "xls")
    if content.startswith(ZIP_MAGIC):
        return workbook.table_of(content)
    return text_table.table_of(content, is_header)
