"""A file as the answer to a request: to be saved, under a Chinese name."""

from urllib.parse import quote

from django.http import HttpResponse

CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "pb": "text/plain; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
}


def attachment(content: bytes, *, ascii_name: str, chinese_name: str) -> HttpResponse:
    """Return `content` to be saved; its Chinese name as RFC 6266 has it, and a fallback."""
    return HttpResponse(
        content,
        content_type=CONTENT_TYPES[ascii_name.rpartition(".")[2]],
        headers={
            "Content-Disposition": (
                f'attachment; filename="{ascii_name}"; '
                f"filename*=UTF-8''{quote(chinese_name, safe='')}"
            )
        },
    )
