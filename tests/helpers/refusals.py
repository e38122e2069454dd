"""Acts and commands that say no: with which code or sentence, and that they have changed nothing."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

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


def run(name: str, *arguments: object, **options: object) -> str:
    """Run a command and return what it printed."""
    out = io.StringIO()
    call_command(name, *map(str, arguments), stdout=out, **options)
    return out.getvalue()


def refused(name: str, *arguments: object) -> str:
    """Run a command that must end with a sentence and exit code 1; return the sentence."""
    with pytest.raises(CommandError) as refusal:
        run(name, *arguments)
    assert refusal.value.returncode == 1
    return str(refusal.value)
