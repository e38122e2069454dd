"""The language of a page: what its reader chose, else Chinese, whatever the browser asks for.

A delegate's phone that was once set to English must not put an English ballot before him. The admin
stays in Chinese: the journal, the files and the papers made there are records of the congress.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

# As `yiwu_vote.urls` has it.
ADMIN = "/admin/"


class LanguageMiddleware:
    """Answer each request in the language of its cookie, if it is one of `settings.LANGUAGES`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with translation.override(language_of(request)):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language_of(request))
        return response


def language_of(request: HttpRequest) -> str:
    """Return the code of the language in which `request` is answered."""
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    is_ours = chosen in dict(settings.LANGUAGES)
    return chosen if is_ours and not request.path.startswith(ADMIN) else settings.LANGUAGE_CODE
