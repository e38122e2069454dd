"""The addresses of the site, as the resolver has them."""

from collections.abc import Iterable, Iterator

from django.urls import URLPattern, URLResolver, get_resolver

# What a delegate may open with an address alone, and the budget of each page: so many queries.
PAGES = {
    "/": 3,
    "/home/": 7,
    "/projects/": 5,
    "/projects/1/": 6,
    "/projects/sample/": 5,
    "/tablet/": 3,
    "/ballot/": 7,
    "/progress/": 4,
    "/recommend/": 5,
    "/results/": 3,
    "/board/": 4,
    "/nowhere/": 3,
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
    """Return the route of every address of the admin."""
    return [route for route in routes() if route.startswith("admin/")]
