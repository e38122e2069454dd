"""What people type, and when two things they typed are the same. Pure.

One normal form for every field, cell and address (design §11.4), and one sense of sameness for
forms, imports, checklists and searches: two texts that look the same to a person are one.
"""

import re
import unicodedata

# How much longer than its limit a text may be sent: what is stripped and composed counts in it, and
# nobody's machine is kept busy with more.
SLACK = 4

# Unicode's Default_Ignorable_Code_Point (UAX #44), which Python's tables lack, and signs that look
# like a blank or like nothing: the braille pattern without dots, marks of notes, a lost object.
IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# Nothing has a shape for them: control, format, surrogate, private use, unassigned.
SHAPELESS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
# Marks show nothing that can be read without a letter to stand on.
MARKS = frozenset({"Mn", "Me"})
# In the planes of rare ideographs, what Python's tables do not know yet is a newer character.
IDEOGRAPHS = range(0x20000, 0x3FFFE)
# The dots that part the names of a person whose language is not Chinese, as keyboards offer them.
NAME_DOTS = frozenset("·•・･‧∙⋅●．.。")
# Digits of a number as it is sorted: as many as the longest 代表证号 has.
ORDER_WIDTH = 20
RUNS = re.compile(r"\d+|[^\W\d_]+")


def is_within(text: str, limit: int) -> bool:
    """Tell whether `text` is short enough to be looked at, for a field of `limit` characters.

    Asked before anything else: to compose 80 KB of combining marks takes seconds.
    """
    return len(text) <= SLACK * limit + SLACK


def typed(text: str, *, lines: bool = False) -> str:
    """Return `text` in the one normal form of what people type.

    Composed (NFC), without what nobody can see, blanks single and none around it. With `lines` it
    may have several, each ended by a line feed. The caller has asked `is_within`.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if lines:
        return "\n".join(_one_line(line) for line in text.split("\n")).strip("\n")
    return _one_line(text)


def typed_within(text: str, limit: int, *, lines: bool = False) -> str:
    """Return the normal form of `text`, or `text` as it is where it is far longer than `limit`.

    For whoever judges the length afterwards: what is refused anyway is not looked at.
    """
    return typed(text, lines=lines) if is_within(text, limit) else text


def _one_line(text: str) -> str:
    # Blanks become one before signs without a shape go: a tab is both.
    spaced = " ".join(IGNORABLE.sub("", text).split())
    seen = "".join(
        char
        for char in spaced
        if unicodedata.category(char) not in SHAPELESS or ord(char) in IDEOGRAPHS
    )
    if all(char in " \ufffd" or unicodedata.category(char) in MARKS for char in seen):
        # Marks alone, or the signs that stand where a text was lost, are no text.
        return ""
    return unicodedata.normalize("NFC", " ".join(seen.split()))


# --- sameness -------------------------------------------------------------------------------------


def folded(text: str) -> str:
    """Return `text` as it is compared: without width, case, blanks and what nobody can see.

    Two delegations, two titles, two units are the same when theirs are equal.
    """
    return "".join(unicodedata.normalize("NFKC", typed(text)).casefold().split())


def same(left: str, right: str) -> bool:
    """Tell whether two texts are the same to a person: see `folded`."""
    return folded(left) == folded(right)


def number_key(text: str) -> str:
    """Return a 代表证号 as it is compared: `1`, `001` and `００１` are one, `A-01`, `a—1` and `A01` too.

    What parts it (hyphens of any kind, dots) only shows where its runs of digits and of letters end,
    so that `1-12` and `11-2` stay two. Leading zeros of a run of digits do not count.
    """
    runs = RUNS.findall(folded(text))
    parts = [run.lstrip("0") or "0" if run.isdecimal() else run for run in runs]
    return "-".join(parts) or folded(text)


def full_name(family: str, given: str) -> str:
    """Return the name of a person, the family name first and nothing between the two (王小明).

    Names in letters are said the other way round and parted (John Smith).
    """
    family, given = family.strip(), given.strip()
    if any(unicodedata.east_asian_width(char) == "W" for char in family + given):
        return family + given
    return f"{given} {family}".strip()


def name_key(text: str) -> str:
    """Return the name of a person as it is compared: the dots and blanks in it do not count."""
    return "".join(char for char in folded(text) if char not in NAME_DOTS)


def number_order(text: str) -> str:
    """Return a text that sorts as `text` does by its numbers: 2 before 10, 甲2 before 甲10."""
    parts = re.split(r"([0-9]+)", folded(text))
    return "".join(part.zfill(ORDER_WIDTH) if part.isdecimal() else part for part in parts)
