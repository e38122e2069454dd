"""The one file of a backup: a zip with what the database gave, and beside it what is said of that.

Whatever reads a zip gets at the copy, also where this program is not at hand.
"""

import hashlib
import json
import os
import secrets
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from django.utils.translation import gettext_lazy as _

from yiwu_vote.refusal import Refusals

FORMAT = 1
SAID = "backup.json"
PIECE = 1 << 20
# Seconds after which a draft belongs to a backup that was killed: it holds names beside ballots.
ABANDONED = 6 * 60 * 60

refused = Refusals(
    {
        "exists": _("文件 %(file)s 已存在，请换一个文件名。"),
        "not-written": _("备份没有写成：%(file)s，%(why)s。请检查磁盘空间和写入权限。"),
        "no-copy": _("数据库没有给出或没有接受副本：%(why)s。没有备份或恢复。"),
        "not-read": _("备份文件 %(file)s 打不开：%(why)s。"),
        "not-a-backup": _("%(file)s 不是 manage.py backup 制作的备份，或者已损坏。"),
        "newer": _("%(file)s 是用本程序更新的版本制作的，请先更新程序。"),
        "damaged": _(
            "备份文件 %(file)s 已损坏：内容与制作时记下的校验码不符，没有恢复。请换一份备份。"
        ),
    }
)


class Sink(Protocol):
    """Where the bytes of a copy go."""

    def write(self, piece: bytes, /) -> Any:
        """Take the next piece."""


class Hashed:
    """A sink that passes on what it gets, with its size and SHA-256."""

    def __init__(self, out: Sink) -> None:
        self._out, self._hash, self.size = out, hashlib.sha256(), 0

    def write(self, piece: bytes, /) -> int:
        self._hash.update(piece)
        self.size += len(piece)
        self._out.write(piece)
        return len(piece)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


def draft_of(path: Path) -> Path:
    """Return an empty file beside `path` that its owner alone reads; raises OSError."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return draft


def write(
    path: Path, name: str, fill: Callable[[Sink], Mapping[str, Any]], **said: Any
) -> dict[str, Any]:
    """Write to `path` what `fill` puts out, called `name`, with `said` and what `fill` returns; return all that.

    The owner alone reads it; it is there whole or not at all. Raises Refused, and what `fill` raises.
    """
    if path.exists():
        raise refused("exists", file=path)
    draft = None
    try:
        _clear_abandoned(path.parent)
        draft = draft_of(path)
        with draft.open("wb") as out:
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                with archive.open(name, "w", force_zip64=True) as inner:
                    hashed = Hashed(inner)
                    more = fill(hashed)
                whole = {"format": FORMAT, "file": name, **said, **more}
                whole |= {"size": hashed.size, "sha256": hashed.sha256}
                archive.writestr(SAID, json.dumps(whole, ensure_ascii=False, indent=1))
            out.flush()
            os.fsync(out.fileno())
        draft.replace(path)
    except OSError as error:
        raise refused("not-written", file=path, why=error.strerror or error) from None
    finally:
        if draft is not None:
            draft.unlink(missing_ok=True)
    return whole


def _clear_abandoned(folder: Path) -> None:
    for draft in folder.glob(".*.zip*"):
        if time.time() - draft.stat().st_mtime > ABANDONED:
            draft.unlink(missing_ok=True)


def read(path: Path) -> dict[str, Any]:
    """Return what is said of the copy in `path`; raises Refused where it is none of ours."""
    try:
        with zipfile.ZipFile(path) as archive:
            said = json.loads(archive.read(SAID))
            if said["format"] > FORMAT:
                raise refused("newer", file=path)
            archive.getinfo(said["file"])
    except OSError as error:
        raise refused("not-read", file=path, why=error.strerror or error) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, TypeError):
        raise refused("not-a-backup", file=path) from None
    return dict(said)


def pieces(path: Path, said: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield the copy itself piece by piece; raises Refused where it is damaged, at its end at the latest."""
    found = hashlib.sha256()
    try:
        with zipfile.ZipFile(path) as archive, archive.open(said["file"]) as inner:
            while piece := inner.read(PIECE):
                found.update(piece)
                yield piece
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError):
        raise refused("damaged", file=path) from None
    if found.hexdigest() != said["sha256"]:
        raise refused("damaged", file=path)


def whole(path: Path) -> Iterator[bytes]:
    """Yield the file itself, piece by piece; raises OSError."""
    with path.open("rb") as held:
        while piece := held.read(PIECE):
            yield piece


def demand_whole(path: Path, said: Mapping[str, Any]) -> None:
    """Raise Refused unless the copy is byte for byte what it was."""
    for _piece in pieces(path, said):
        pass
