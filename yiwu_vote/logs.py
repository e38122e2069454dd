"""What may stand in a log: a card's token or the screen's key never does (design §6.4).

And how much: what anybody can bring about from outside takes one line, and no page of frames. For
whoever collects logs (`LOG_FORMAT=json`) each line is an object, and each request is one.
"""

import json
import logging
import re
import secrets
import time
import traceback
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse

logger = logging.getLogger(__name__)

# Characters of a refusal; an address may have thousands.
LONGEST_LINE = 300
# Of anything else: a page that is asked for something odd may say all of it.
LONGEST_MESSAGE = 2_000
SECRET_PATHS = re.compile(r"/(k|screen)/[^/\s?]+", re.IGNORECASE)
# A path may be the code of a card, typed behind the address of the site.
LONG_NUMBERS = re.compile(r"\d(?:[\s-]?\d){11,}")
# What a browser or a supervisor of ours sends; any other word was made up outside.
METHODS = {"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"}
# Frames of a fault, from where it happened upwards.
MOST_FRAMES = 12
HERE = f"{Path(__file__).resolve().parent.parent}/"

_asked: ContextVar[HttpRequest | None] = ContextVar("asked", default=None)


class HideTokens(logging.Filter):
    """Put the route in place of a path that carries a secret, and end a line that is far too long.

    Every record passes.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        message = SECRET_PATHS.sub(r"/\1/<token>", record.getMessage()[:LONGEST_MESSAGE])
        record.msg = LONG_NUMBERS.sub("<number>", message)
        record.args = None
        return True


class OneLine(logging.Filter):
    """Leave out where the program stood when it refused something: only a fault of ours needs that.

    Whoever asks for a page of staff, or by a name that is not the site's, could else fill a disk.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.ERROR or record.name.startswith("django.security"):
            record.exc_info = record.exc_text = None
            message = record.getMessage()
            record.msg, record.args = message[:LONGEST_LINE], None
        return True


# --- JSON -----------------------------------------------------------------------------------------


class RequestLogMiddleware:
    """Give each request a number, say it in the answer, and log one line of each request.

    The number is random and made here alone: one that a visitor sends could be another's, or a page
    of text. It is of one request, so that no two of a delegate's are known to be his.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.META[NUMBER] = secrets.token_hex(8)
        begun = time.monotonic()
        token = _asked.set(request)
        try:
            response = self.get_response(request)
            took = {"milliseconds": round((time.monotonic() - begun) * 1000)}
            logger.info("request", extra={"status_code": response.status_code, "took": took})
        finally:
            _asked.reset(token)
        response.headers["X-Request-Id"] = request.META[NUMBER]
        return response


# Where a request keeps its number: no header of a visitor comes to lie under such a name.
NUMBER = "yiwu_vote.request_id"


class JsonLines(logging.Formatter):
    """Write each record as one JSON object on one line: when, what, and of which request.

    Of a request it says number, method, the name of its route and the status, and never its path,
    its address behind `?`, its body, its headers or who asks. Django's own words on a request quote
    some of these, so that the meaning of the status stands in their place; and of a fault only its
    class and the lines of code are told, for its words may quote what was typed.
    """

    def format(self, record: logging.LogRecord) -> str:
        given = getattr(record, "request", None)
        about_request = isinstance(given, HttpRequest)
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        status = getattr(record, "status_code", None)
        if about_request:
            line["message"] = HTTPStatus(status).phrase if status else "request"
        request = given if about_request else _asked.get()
        if request is not None:
            line |= _of_request(request)
        if status is not None:
            line["status"] = status
        line |= getattr(record, "took", {})
        if record.exc_info and record.exc_info[0]:
            line |= _of_fault(record.exc_info[0], record.exc_info[2])
        return json.dumps(line, ensure_ascii=False)


def _of_request(request: HttpRequest) -> dict[str, Any]:
    match = request.resolver_match
    return {
        "request_id": request.META.get(NUMBER),
        "method": request.method if request.method in METHODS else "other",
        "route": match.view_name if match else None,
    }


def _of_fault(kind: type[BaseException], tb: Any) -> dict[str, Any]:
    frames = traceback.extract_tb(tb)[-MOST_FRAMES:]
    return {
        "error": f"{kind.__module__}.{kind.__qualname__}",
        "where": [
            f"{frame.filename.removeprefix(HERE)}:{frame.lineno} {frame.name}" for frame in frames
        ],
    }
