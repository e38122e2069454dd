"""An uploaded table under its header: which columns it has, and what its cells may hold. Pure.

What a column means is the question of the module that asked: the roll, the candidates.
"""

import unicodedata
from collections.abc import Sequence

from yiwu_vote.tables.sheets import Line

# Control, format, surrogate and private-use characters: on a card and on a phone nobody sees
# them, or everybody sees something else. An old encoding turns rare surnames into private use.
UNREADABLE = frozenset({"Cc", "Cf", "Cs", "Co"})
SHOWN_LIMIT = 20


def faults_of_header(
    titles: Sequence[str], *, columns: Sequence[str], required: Sequence[str]
) -> list[str]:
    """Return what is wrong with a header: `required` columns that are missing, known ones twice."""
    known = [title for title in titles if title in columns]
    missing = "".join(f"“{title}”" for title in required if title not in known)
    if missing:
        recognised = "、".join(dict.fromkeys(known)) or "无"
        return [f"表头缺少{missing}列。已识别：{recognised}。"]
    return [f"表头有多个“{title}”列，请只保留一个。" for title in columns if known.count(title) > 1]


def ignored_columns(
    titles: Sequence[str], lines: Sequence[Line], *, columns: Sequence[str]
) -> tuple[str, ...]:
    """Name the unknown columns; one without a title only if something stands in it."""
    return tuple(
        title or f"第{place + 1}列"
        for place, title in enumerate(titles)
        if title not in columns
        and (title or any(any(line.cells[place : place + 1]) for line in lines))
    )


def is_readable(text: str) -> bool:
    """Tell whether every character of `text` is one that a reader can see as it was meant."""
    return "\ufffd" not in text and not any(
        unicodedata.category(char) in UNREADABLE for char in text
    )


def code(text: str) -> str:
    """Return `text` as a number or a code is compared: no blanks, full-width signs as ASCII.

    Leading zeros stay: it is text.
    """
    return "".join(unicodedata.normalize("NFKC", text).split())


def spaced(text: str) -> str:
    """Return `text` with single blanks only, and its characters composed (NFC)."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def shown(text: str) -> str:
    """Return `text` fit to be quoted in a message: not too long, and nothing unseen in it."""
    seen = "".join(char if is_readable(char) else "\ufffd" for char in text)
    return seen if len(seen) <= SHOWN_LIMIT else seen[:SHOWN_LIMIT] + "…"
