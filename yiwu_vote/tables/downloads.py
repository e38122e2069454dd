"""A file as the answer to a request: to be saved, under a Chinese name."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from urllib.parse import quote

from django.http import HttpResponse, StreamingHttpResponse

CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "pb": "text/plain; charset=utf-8",
    "py": "text/x-python; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
}


def attachment(content: bytes, *, ascii_name: str, chinese_name: str) -> HttpResponse:
    """Return `content` to be saved; its Chinese name as RFC 6266 has it, and a fallback."""
    return HttpResponse(content, headers=_headers(ascii_name, chinese_name))


def streamed(
    pieces: Iterator[bytes], *, ascii_name: str, chinese_name: str
) -> StreamingHttpResponse:
    """Return what is made while it is sent, to be saved in the same way."""
    return StreamingHttpResponse(pieces, headers=_headers(ascii_name, chinese_name))


def _headers(ascii_name: str, chinese_name: str) -> dict[str, str]:
    return {
        "Content-Type": CONTENT_TYPES[ascii_name.rpartition(".")[2]],
        "Content-Disposition": (
            f'attachment; filename="{ascii_name}"; '
            f"filename*=UTF-8''{quote(chinese_name, safe='')}"
        ),
    }


def names_of(
    year: int,
    parts: Iterable[str],
    ascii_parts: Iterable[str],
    at: datetime,
    *,
    extension: str,
    rehearsal: bool,
) -> tuple[str, str]:
    """Return the ASCII and the Chinese name of a file to download (design §11.2).

    `parts` are what it holds, such as 结果, and what tells its vote from others; empty ones do not
    count. `at` is the local time.
    """
    stamp = f"{at:%Y%m%d-%H%M}"
    chinese = "_".join(filter(None, [f"{year}年民生实事项目票决", *parts, stamp]))
    plain = "-".join(filter(None, [f"yiwu-{year}", *ascii_parts, stamp]))
    return (
        f"{'rehearsal_' if rehearsal else ''}{plain}.{extension}",
        f"{'演练_' if rehearsal else ''}{chinese}.{extension}",
    )
