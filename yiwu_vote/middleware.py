"""What holds for every request and answer: nothing too long, no broken text, one policy, no copy kept.

And what may be compressed, and where a request came from.
"""

import re
import zlib
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, QueryDict
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.text import smart_split
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from yiwu_vote.language import ADMIN
from yiwu_vote.logs import SECRET_PATHS

# What zlib calls the format of gzip, with its largest window.
GZIP = zlib.MAX_WBITS | 16
# Bytes; what is shorter travels in one packet anyway.
WORTH_IT = 1_000
# How a browser says that it does not take what it names.
REFUSED_CODING = re.compile(r"\s*q=0(\.0*)?\s*")
# What no page of ours asks a device for.
NOTHING_ALLOWED = ", ".join(
    f"{name}=()" for name in ("camera", "geolocation", "microphone", "payment", "usb")
)
# Bytes; the largest upload is a roll of 2 MB.
LARGEST_BODY = 3_000_000
# Of whoever is not signed in as staff: bytes and fields of a form, characters of an address. The
# longest legal ballot has some 40 KB and, of a hundred candidates, some two hundred fields.
LARGEST_FORM = 128 * 1024
MOST_FIELDS = 500
LONGEST_ADDRESS = 2_000
# What Python puts where bytes are no text.
LOST = "\ufffd"
# Where an address of the admin holds what somebody looks for: its characters and its words, each of
# which a list compares with every column that it searches.
SEARCHES = ("q", "term")
LONGEST_SEARCH = 100
MOST_WORDS = 10
# What a list of Django filters by; the longest of our own is the name of a delegation.
LONGEST_FILTER = 200

TOO_LARGE = _("提交的内容过大，没有处理。请返回后重新提交。")


def visitor_address(request: HttpRequest) -> IPv4Address | IPv6Address | None:
    """Return the address of whoever asks, or None where a request names none.

    Behind a proxy every request comes from the proxy, which adds the visitor's address last.
    """
    behind_proxy = settings.SECURE_PROXY_SSL_HEADER is not None
    forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    try:
        address = ip_address(forwarded if behind_proxy else request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


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
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers["Permissions-Policy"] = NOTHING_ALLOWED
        if SECRET_PATHS.match(request.path):
            # Not even our own style sheet is asked for with an address that is a secret.
            response.headers["Referrer-Policy"] = "no-referrer"
        return response


class PlainHttpMiddleware:
    """Answer whoever comes without encryption with a page that says so and where to go instead.

    A redirect would lead where often nobody answers: to a site without a proxy, or round in a circle
    behind one that does not say what it has decrypted. Django's own redirect stays behind this one.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.exempt = re.compile("|".join(settings.SECURE_REDIRECT_EXEMPT))

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_exempt = self.exempt.match(request.path.lstrip("/"))
        if not settings.SECURE_SSL_REDIRECT or request.is_secure() or is_exempt:
            return self.get_response(request)
        url = settings.PUBLIC_URL
        # Nothing of the address that was asked for: a card's token may stand in it.
        context = {"address": url if url.startswith("https:") else ""}
        # Without a request the page asks nothing of a visitor, whose session is not read here.
        return HttpResponse(render_to_string("plain_http.html", context), status=403)


class CompressionMiddleware:
    """Compress pages that were asked for by GET, and never what answers a form.

    The length of a compressed page tells whoever watches the line which choices stand in it, through
    any encryption. Every page that can hold choices answers a POST: the ballot that comes back, the
    review, a refusal of either, an exchange, a hint. A page that is fetched holds none (design §10.1).
    Nor is a page with anything in its address behind `?` compressed: it says again what was asked, and
    beside a secret (a receipt) somebody who can make a browser ask could guess that sign by sign.
    Static files are compressed beforehand, and what is taken away as a file stays as it is.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if may_be_compressed(request, response):
            patch_vary_headers(response, ["Accept-Encoding"])
            if _takes_gzip(request.headers.get("Accept-Encoding", "")):
                # The fastest level: the slowest makes the ballot 6 % smaller for twice the work.
                response.content = zlib.compress(response.content, level=1, wbits=GZIP)
                response.headers["Content-Encoding"] = "gzip"
                response.headers["Content-Length"] = str(len(response.content))
        return response


def may_be_compressed(request: HttpRequest, response: HttpResponse) -> bool:
    """Tell whether `response` is a page without choices that is worth it."""
    return (
        request.method in {"GET", "HEAD"}
        and not request.META.get("QUERY_STRING")
        and not response.streaming
        and response.headers.get("Content-Type", "").startswith("text/html")
        and "Content-Encoding" not in response.headers
        and len(response.content) >= WORTH_IT
    )


def _takes_gzip(accepted: str) -> bool:
    codings = (coding.partition(";") for coding in accepted[:LONGEST_ADDRESS].split(","))
    return any(
        name.strip().lower() == "gzip" and not REFUSED_CODING.fullmatch(quality.lower())
        for name, _, quality in codings
    )


class BodyLimitMiddleware:
    """Answer 413 to a request that announces more than LARGEST_BODY, without reading it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            return HttpResponse(TOO_LARGE, status=413, content_type="text/plain; charset=utf-8")
        return self.get_response(request)


class InputLimitMiddleware:
    """Refuse what nobody can have typed here, before any of it is taken apart or looked at.

    An address, a form or a number of fields far beyond any page of ours; staff alone may send more,
    a table or a tick for each delegate. And bytes that are no UTF-8: Django would put a sign in
    their place, so that what is read is not what was sent.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not _is_of_staff(request):
            if len(request.path) + len(request.META.get("QUERY_STRING", "")) > LONGEST_ADDRESS:
                words = gettext("网址过长，没有处理。请返回首页重新进入。")
                return _turned_away(request, words, status=414)
            # As it was announced, and was asked of BodyLimitMiddleware to be a number.
            if (
                int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_FORM
                or _fields(request) > MOST_FIELDS
            ):
                return _turned_away(request, TOO_LARGE, status=413)
        if _is_broken(request):
            words = gettext("提交的内容有无法识别的字符，没有处理。请返回后重新填写。")
            return _turned_away(request, words, status=400)
        return self.get_response(request)


def _turned_away(request: HttpRequest, words: Any, *, status: int) -> HttpResponse:
    return render(request, "400.html", {"words": words}, status=status)


def _is_of_staff(request: Any) -> bool:
    return request.path.startswith(ADMIN) and bool(request.user.is_authenticated)


def _fields(request: HttpRequest) -> int:
    """Return at least how many fields were sent, without taking them apart."""
    if request.method != "POST":
        return 0
    if request.content_type == "multipart/form-data":
        return request.body.count(b"form-data;")
    return request.body.count(b"&") + 1


def _is_broken(request: HttpRequest) -> bool:
    """Tell whether address or form hold bytes that are no UTF-8."""
    query = request.META.get("QUERY_STRING", "").encode("latin-1", "replace")
    if not _is_utf8(query, request.GET):
        return True
    if request.method != "POST":
        return False
    if request.content_type == "multipart/form-data":
        # Only Django takes such a form apart: a text with the sign of something lost must have been
        # sent with that sign. The body is asked for first; afterwards it is gone.
        body = request.body
        return any(text.encode() not in body for text in _lost(request.POST))
    return not _is_utf8(request.body, request.POST)


def _lost(read: QueryDict) -> Iterator[str]:
    """Yield each name and each value in which Python has put its sign, or somebody has typed it."""
    return (text for name in read for text in (name, *read.getlist(name)) if LOST in text)


def _is_utf8(encoded: bytes, read: QueryDict) -> bool:
    """Tell whether `encoded`, as which `read` was sent, is text; it is decoded only on suspicion."""
    if encoded.isascii() and not any(_lost(read)):
        return True
    try:
        unquote_to_bytes(encoded.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        return False
    return True


class SearchLimitMiddleware:
    """Answer a search of the admin that is far too long with the whole list and a sentence.

    A database takes seconds for it or refuses its pattern, and to fold a long text takes seconds too.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: Callable[..., Any], _args: Any, _kwargs: Any
    ) -> HttpResponse | None:
        match = request.resolver_match
        if match is None or match.app_name != "admin" or not request.GET:
            return None
        if not _is_search_too_long(request, is_list=str(match.url_name).endswith("_changelist")):
            return None
        words = gettext(
            "查找的内容太长，没有查找，下面是全部内容。最多%(characters)d个字、%(words)d个词。"
        )
        words %= {"characters": LONGEST_SEARCH, "words": MOST_WORDS}
        if match.url_name == "autocomplete":
            return HttpResponseBadRequest(words, content_type="text/plain; charset=utf-8")
        messages.warning(request, words)
        return redirect(request.path)


def _is_search_too_long(request: HttpRequest, *, is_list: bool) -> bool:
    for name, values in request.GET.lists():
        if name in SEARCHES:
            for value in values:
                if len(value) > LONGEST_SEARCH or len(list(smart_split(value))) > MOST_WORDS:
                    return True
        elif is_list and any(len(value) > LONGEST_FILTER for value in values):
            return True
    return False
