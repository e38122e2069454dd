"""What holds for every request and every answer: no body too large, one policy, no copy kept."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

# Bytes; the largest upload is a roll of 2 MB.
LARGEST_BODY = 3_000_000


class ContentSecurityPolicyMiddleware:
    """Send the one policy of `settings.SECURE_CSP`, and keep pages out of every cache.

    Django 6 has the first half built in, under the same setting.

    Static files are answered by WhiteNoise with their own caching; what a view makes may hold a
    delegate's choices or a share of the key, so nothing of it may be kept.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.policy = "; ".join(f"{name} {value}" for name, value in settings.SECURE_CSP.items())

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers["Content-Security-Policy"] = self.policy
        response.headers.setdefault("Cache-Control", "no-store")
        return response


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
