"""The language of a page: what its reader chose, else Chinese, whatever the browser asks for.

A delegate's phone that was once set to English must not put an English ballot before him. The admin
stays in Chinese: the journal, the files and the papers made there are records of the congress.

What the congress has written (titles, names, deadlines) is Chinese in whatever language the page is, and
an English voice cannot read it: templates say so with `data`, which every one of them knows.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template import Library
from django.utils import translation
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

# As `yiwu_vote.urls` has it.
ADMIN = "/admin/"
IN_CHINESE = mark_safe(' lang="zh-Hans"')
# What a sentence quotes: the names of candidates and of proposals.
QUOTED = re.compile("(?<=“)[^”]+")

register = Library()


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


# --- Chinese data in English pages (WCAG 2.2, 3.1.2) ----------------------------------------------


@register.simple_tag(name="data")
def of_data() -> SafeString:
    """Return the attribute of an element that shows data: `<p class="name"{% data %}>`; none in Chinese."""
    return SafeString("") if _is_chinese() else IN_CHINESE


@register.filter
def data(text: Any) -> SafeString:
    """Return data for a sentence, escaped, and on an English page in an element that says it is Chinese.

    Whatever it is: how long a page is must not hang on what somebody has typed.
    """
    escaped = conditional_escape(text)
    return escaped if _is_chinese() else _marked(escaped)


@register.filter
def quoting(sentence: str) -> SafeString:
    """Return a sentence escaped, in which what stands between quotation marks is data."""
    escaped = conditional_escape(sentence)
    if _is_chinese():
        return escaped
    return mark_safe(QUOTED.sub(lambda found: _marked(found[0]), escaped))  # noqa: S308  # escaped


@register.filter
def money(amount: Decimal) -> str:
    """Return a sum that is kept in 万元 as the language of the page says it: 1,800万元, ¥18 million."""
    if _is_chinese():
        return f"{amount.normalize():,f}万元"
    yuan = amount * 10_000
    for unit, name in ((1_000_000_000, " billion"), (1_000_000, " million")):
        if yuan >= unit:
            return f"¥{(yuan / unit).normalize():,f}{name}"
    return f"¥{yuan.normalize():,f}"


def _marked(escaped: str) -> SafeString:
    return mark_safe(f"<span{IN_CHINESE}>{escaped}</span>")  # noqa: S308  # escaped


def _is_chinese() -> bool:
    return translation.get_language() == settings.LANGUAGE_CODE
