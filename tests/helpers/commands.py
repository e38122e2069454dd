"""Commands as somebody gives them in a shell."""

import io

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError


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
