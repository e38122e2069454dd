"""How long the texts are that Unicode's tables are asked about: composing a long one takes seconds."""

import unicodedata

import pytest

# What stopped a server process for seconds: 80,000 marks to be put in order.
MARKS = "a" + "\u0301\u0316" * 40_000


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
