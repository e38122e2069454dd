"""How far a long piece of work has come: told by whoever does it, shown by whoever waits. Pure."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

# Told how much is done, and of how much: a bar in a shell, the moving page of a step.
Watch = Callable[[int, int], None]


def unwatched(done: int, whole: int) -> None:
    """Show nobody how far it has come."""


def watched(items: Iterable[Item], whole: int, watch: Watch, *, before: int = 0) -> Iterator[Item]:
    """Yield `items` and tell `watch` after each; `before` of the `whole` were done already."""
    for done, item in enumerate(items, start=before + 1):
        yield item
        watch(done, whole)


def half(watch: Watch, *, first: bool) -> Watch:
    """Return what tells `watch` of one of two parts that take about as long."""

    def told(done: int, whole: int) -> None:
        watch(done if first else whole + done, 2 * whole)

    return told
