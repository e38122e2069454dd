"""A page of our own among those that Django admin has for a model."""

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path

Page = Callable[..., HttpResponse]


# The questions that a filter of a list asks of its column.
QUESTIONS = frozenset({"", "exact", "id__exact", "isnull"})


def asks_a_filter(model: admin.ModelAdmin, lookup: str) -> bool:
    """Tell whether an address filters a list only as the filters of the list do.

    Django lets it filter by any column of the row itself, with any comparison: that would tell by
    halving when somebody voted, what a hashed text holds, or the number of a card.
    """
    column, _separator, question = lookup.partition("__")
    columns = [
        # A filter of our own asks by a name of its own.
        getattr(name, "parameter_name", name[0] if isinstance(name, tuple) else name)
        for name in model.list_filter
    ]
    return column in columns and question in QUESTIONS


def without_filtered(columns: Iterable[Any], column: str, request: HttpRequest) -> list[Any]:
    """Return the columns of a list, without the one that names the poll where one poll is asked for.

    Twenty rows would else say one long name twenty times, and leave no width for what differs.
    """
    is_of_one = any(name in request.GET for name in ("poll__id__exact", "poll__isnull"))
    return [name for name in columns if not (is_of_one and name == column)]


def pages_of(
    model: admin.ModelAdmin, pages: Mapping[str, Page], *, may: Callable[[Any], bool]
) -> list[URLPattern]:
    """Return the addresses of `pages` among those of a model, for whoever `may` lets in by his request."""
    opts = model.opts
    return [
        path(
            f"{name}/",
            model.admin_site.admin_view(_guarded(page, may)),
            name=f"{opts.app_label}_{opts.model_name}_{name}",
        )
        for name, page in pages.items()
    ]


def _guarded(page: Page, may: Callable[[Any], bool]) -> Page:
    @wraps(page)
    def answer(request: HttpRequest) -> HttpResponse:
        if not may(request):
            raise PermissionDenied
        return page(request)

    return answer


def model_page(
    request: HttpRequest,
    model: type[Model],
    name: str,
    title: str,
    context: dict[str, Any],
    *,
    bare: bool = False,
) -> HttpResponse:
    """Render the page `name` of `model`; its template lies where Django looks for the model's own.

    A `bare` one is its content alone, to stand in a page that is there already.
    """
    opts = model._meta
    template = f"admin/{opts.app_label}/{opts.model_name}/{name}.html"
    page = {"title": title, "opts": opts, "bare": bare} | context
    return render(request, template, admin.site.each_context(request) | page)
