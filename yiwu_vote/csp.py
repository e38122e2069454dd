"""Content Security Policy on every response; Django 6 has this built in (setting SECURE_CSP)."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class ContentSecurityPolicyMiddleware:
    """Send the one policy of `settings.SECURE_CSP`, and keep pages out of every cache.

    Static files are answered by WhiteNoise with their own caching; what a view makes may hold a
    delegate's choices or a share of the key, so nothing of it may be kept (security.md T38).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.policy = "; ".join(f"{name} {value}" for name, value in settings.SECURE_CSP.items())

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers["Content-Security-Policy"] = self.policy
        response.headers.setdefault("Cache-Control", "no-store")
        return response
