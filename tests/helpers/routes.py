"""The addresses of the site, as the resolver has them."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.urls import URLPattern, URLResolver, get_resolver

from ballots.models import Opinion
from projects.models import Poll

# What a delegate may open with an address alone, and the budget of each page: so many queries.
PAGES = {
    "/": 1,
    "/home/": 1,
    "/projects/": 3,
    "/projects/1/": 5,
    "/projects/sample/": 3,
    "/tablet/": 1,
    "/ballot/": 1,
    "/progress/": 2,
    "/recommend/": 3,
    "/results/": 1,
    "/board/": 2,
    "/nowhere/": 1,
}


def routes(
    patterns: Iterable[URLPattern | URLResolver] | None = None, start: str = ""
) -> Iterator[str]:
    """Yield the route of every address there is."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = start + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route


def admin_routes() -> list[str]:
    """Return the route of every address of the admin; of two alike only the first is ever asked."""
    return list(dict.fromkeys(route for route in routes() if route.startswith("admin/")))


def address(route: str) -> str:
    """Return an address of `route`, one of the admin, that is about an object there is."""
    _admin, app, name, *_rest = [*route.split("/"), "", ""]
    is_about_a_row = app in {"projects", "ballots", "auth"} and name not in {"pollday", "year"}
    rows: Any = apps.get_model(app, name)._default_manager if is_about_a_row else Poll.objects
    # A page about a row that is not there is asked for all the same.
    key = str(getattr(rows.order_by("pk").first(), "pk", 1))
    return "/" + (
        route.replace("<path:content_type_id>/<path:object_id>", "1/1")
        .replace("<path:object_id>", key)
        .replace("<int:object_id>", key)
        .replace("<int:poll_id>", key)
        .replace("<id>", key)
        .replace("<str:what>", "turnout")
        .replace("<int:year>", "2026")
        .replace("<int:quarter>", "1")
        .replace("<int:number>", "1")
        .replace("<int:opinion>", str(getattr(Opinion.objects.first(), "pk", 1)))
        .replace("^(?P<app_label>projects|ballots|auth)/$", "ballots/")
        .replace("(?P<url>.*)$", "nowhere/")
    )
