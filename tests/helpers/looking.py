"""How long the texts are that are looked at sign by sign: composing a long one takes seconds."""

import re
import sys
import unicodedata
from typing import Any

import pytest

# What stopped a server process for seconds: 80,000 marks to be put in order.
MARKS = "a" + "\u0301\u0316" * 40_000
# Whose regular expressions are ours.
OURS = ("ballots.", "projects.", "yiwu_vote.")


def lengths_looked_at(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows by the length of each text that is normalised from now on."""
    lengths: list[int] = []
    for name in ("normalize", "is_normalized"):
        original = getattr(unicodedata, name)

        def noting(form, text, original=original):
            lengths.append(len(text))
            return original(form, text)

        monkeypatch.setattr(unicodedata, name, noting)
    return lengths


def searched(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Return, by the name of each pattern of ours, how long the longest text is it is held against."""
    longest: dict[str, int] = {}
    for module in [one for name, one in sys.modules.items() if name.startswith(OURS)]:
        for name, value in vars(module).copy().items():
            if isinstance(value, re.Pattern):
                monkeypatch.setattr(module, name, Noting(name, value, longest))
    return longest


class Noting:
    """A pattern that notes how long the texts are."""

    def __init__(self, name: str, pattern: re.Pattern[str], longest: dict[str, int]) -> None:
        self._name, self._pattern, self._longest = name, pattern, longest

    def __getattr__(self, name: str) -> Any:
        original = getattr(self._pattern, name)
        if not callable(original):
            return original

        def noting(*args: Any, **named: Any) -> Any:
            length = max((len(arg) for arg in args if isinstance(arg, str)), default=0)
            self._longest[self._name] = max(self._longest.get(self._name, 0), length)
            return original(*args, **named)

        return noting
