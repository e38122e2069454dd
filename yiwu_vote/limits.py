"""What is refused before anything is read: a body larger than any form or file of ours."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

# Bytes; the largest upload is a roll of 2 MB.
LARGEST_BODY = 3_000_000


class BodyLimitMiddleware:
    """Answer 413 to a request that announces more than LARGEST_BODY, without reading it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            words = gettext("提交的内容过大，没有处理。请返回后重新提交。")
            return HttpResponse(words, status=413, content_type="text/plain; charset=utf-8")
        return self.get_response(request)
