"""A file to hand out: its names, and its bytes, at once or piece by piece."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Download:
    """A file to hand out: `ascii_name` is what a header falls back to beside `chinese_name`."""

    ascii_name: str
    chinese_name: str
    content: bytes


@dataclass(frozen=True)
class Streamed:
    """A file that is made while it is handed out, once, because it may be larger than memory."""

    ascii_name: str
    chinese_name: str
    pieces: Iterator[bytes]

    @property
    def content(self) -> bytes:
        """The whole file, for whoever knows that it is a small one."""
        return b"".join(self.pieces)
