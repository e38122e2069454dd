"""A file to hand out: its names, and its bytes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Download:
    """A file to hand out: `ascii_name` is what a header falls back to beside `chinese_name`."""

    ascii_name: str
    chinese_name: str
    content: bytes
