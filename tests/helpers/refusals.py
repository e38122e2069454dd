"""Acts that say no: with which code, and that they have changed nothing."""

from collections.abc import Callable
from typing import Any

import pytest

from ballots.refusal import Refused
from tests.helpers.secrecy import snapshot


def error_of(act: Callable[..., Any], *args: Any, **kwargs: Any) -> Refused:
    """Return how an act is refused, having changed nothing."""
    before = snapshot()
    with pytest.raises(Refused) as refusal:
        act(*args, **kwargs)
    assert snapshot() == before
    return refusal.value


def refusal_of(act: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """Return the code with which an act is refused, having changed nothing."""
    return error_of(act, *args, **kwargs).code
