"""The face of a page: all of it that is the same for everybody, rendered once, and the personal parts put in.

A face sees nothing but what it is kept under: `shown`, and of the request what `Asked` has. So it
can be out of date in nothing, and hold nobody's name or choice. What is personal stands in it as a
mark, and takes its place in each answer (design §7.6).
"""

import re
import secrets
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.db.models import Model
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from ballots.pages.middleware import VisitorRequest
from projects.choices import MARKINGS, Marking
from projects.models import Poll

# Some tens of polls, sizes, languages, states and answers; a page of 30 KB each.
FACES = 256
# Nobody can write a mark: it is another one in each process.
SIGN = secrets.token_hex(8)
MARK = re.compile(rf"{SIGN}-(\w+)-")
PATH, TOKEN = "path", "csrf_token"
# As a cookie says it; the usual size of text needs none.
LARGER = ("l", "xl")


def _mark(name: str) -> SafeString:
    return mark_safe(f"{SIGN}-{name}-")  # noqa: S308  # digits and letters of our own


@dataclass(frozen=True)
class ShownPoll:
    """What pages show of a poll; another telephone or another phase is another face."""

    pk: int
    meeting: str
    phone: str
    opening_words: str
    phase: str
    form: str
    is_graded: bool
    parent_id: int | None
    is_rehearsal: bool
    simple: bool
    is_time_up: bool
    closes_at: datetime | None
    closed_at: datetime | None

    @property
    def marking(self) -> Marking:
        return MARKINGS[self.form]


def shown_poll(poll: Poll) -> ShownPoll:
    return ShownPoll(**{name: getattr(poll, name) for name in ShownPoll.__dataclass_fields__})


@dataclass(frozen=True)
class Asked:
    """All that a face knows of a request; templates find it where the request stands else."""

    poll: ShownPoll | None
    poll_query: str
    is_shared: bool
    delegate: bool
    size: str

    @property
    def get_full_path(self) -> SafeString:
        return _mark(PATH)

    @property
    def COOKIES(self) -> dict[str, str]:  # noqa: N802  # as a request calls them
        return {"size": self.size}


def face(
    request: VisitorRequest,
    template: str,
    *,
    shown: Mapping[str, Hashable],
    personal: Mapping[str, str],
    status: int = 200,
) -> HttpResponse:
    """Answer with `template`, of which everything but `personal` is rendered once and then kept.

    `shown` is what else the template sees: values that say all of themselves, never a row. Personal
    texts are put in as they are, escaped unless they are safe; a template may put them out and ask
    whether they are there, and nothing else.
    """
    asked = Asked(
        poll=shown_poll(request.poll) if request.poll else None,
        poll_query=request.poll_query,
        is_shared=request.is_shared,
        delegate=request.delegate is not None,
        size=next((size for size in LARGER if size == request.COOKIES.get("size")), ""),
    )
    there = tuple((name, bool(text)) for name, text in personal.items())
    pieces = _drawn(template, get_language(), asked, tuple(shown.items()), there)
    texts = {**personal, PATH: request.get_full_path(), TOKEN: get_token(request)}
    # Text and the names of marks take turns.
    parts = [
        conditional_escape(texts[piece]) if place % 2 else piece
        for place, piece in enumerate(pieces)
    ]
    return HttpResponse("".join(parts), status=status)


@lru_cache(maxsize=FACES)
def _drawn(
    template: str,
    _language: str | None,
    asked: Asked,
    shown: tuple[tuple[str, Hashable], ...],
    there: tuple[tuple[str, bool], ...],
) -> tuple[str, ...]:
    if any(isinstance(value, Model) for _name, value in shown):
        raise TypeError("two rows are one to a cache as soon as they have one key")
    marks = {name: _mark(name) if is_there else "" for name, is_there in there}
    context = {**dict(shown), **marks, "request": asked, TOKEN: _mark(TOKEN)}
    return tuple(MARK.split(render_to_string(template, context)))
