"""Copies of SQLite's file by its own online backup: safe while people write, whole, of one moment."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from yiwu_vote.backup.file import Sink, draft_of, refused

NAME = "database.sqlite3"

Ask = Callable[[str], list[tuple[Any, ...]]]


def dump(
    database: Path,
    out: Sink,
    describe: Callable[[Ask], dict[str, Any]],
    *,
    near: Path,
    without: Iterable[str],
) -> dict[str, Any]:
    """Write a copy of `database` to `out`, no rows of the tables `without`; return what `describe` finds in it.

    It lies as a draft beside `near` meanwhile, for SQLite copies into files alone. Raises Refused.
    """
    draft = draft_of(near)
    try:
        with (
            closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(draft)) as copy,
        ):
            # All pages in one step: a copy that stops in between begins anew after each write.
            source.backup(copy)
            _leave_out(copy, without)
        # Nobody else knows of the draft, so that it needs no lock and no file beside it.
        only = f"{draft.absolute().as_uri()}?immutable=1"
        with closing(sqlite3.connect(only, uri=True)) as copy:
            found = describe(lambda sql: copy.execute(sql).fetchall())
        with draft.open("rb") as file:
            shutil.copyfileobj(file, out, 1 << 20)
    except sqlite3.Error as error:
        raise refused("no-copy", why=error) from None
    finally:
        draft.unlink(missing_ok=True)
    return found


def _leave_out(copy: sqlite3.Connection, tables: Iterable[str]) -> None:
    """Empty `tables` of the copy, down to the bytes of their pages, and let it be one file again."""
    copy.executescript("PRAGMA journal_mode = DELETE; PRAGMA secure_delete = ON;")
    there = {name for (name,) in copy.execute("SELECT name FROM sqlite_master")}
    for table in there.intersection(tables):
        copy.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names.
    copy.commit()


def load(database: Path, pieces: Iterable[bytes]) -> None:
    """Put the copy that `pieces` are in the place of all that `database` holds, whole or not at all.

    Raises Refused, and what `pieces` raises.
    """
    draft = draft_of(database)
    try:
        with draft.open("wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        only = f"{draft.absolute().as_uri()}?immutable=1"
        with (
            closing(sqlite3.connect(only, uri=True)) as source,
            closing(sqlite3.connect(database)) as target,
        ):
            source.backup(target)
    except sqlite3.Error as error:
        raise refused("no-copy", why=error) from None
    finally:
        draft.unlink(missing_ok=True)
