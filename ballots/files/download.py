"""A file to hand out: its names, and its bytes."""

from dataclasses import dataclass

from django.utils import timezone

from projects.models import Poll
from yiwu_vote.tables import sheets


@dataclass(frozen=True)
class Download:
    """A file to hand out: `ascii_name` is what a header falls back to beside `chinese_name`."""

    ascii_name: str
    chinese_name: str
    content: bytes


def file_names(poll: Poll, content: str, ascii_content: str, extension: str) -> tuple[str, str]:
    """Return the ASCII and the Chinese name of a file of `poll`, made now."""
    ascii_name, chinese_name = sheets.download_names(
        poll.year,
        content,
        timezone.localtime(),
        poll.is_rehearsal,
        ascii_content=ascii_content,
    )
    return f"{ascii_name}.{extension}", f"{chinese_name}.{extension}"
