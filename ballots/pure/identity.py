"""How the number and the name of a delegate are written down. Pure.

One normal form for the form and for an import; when two of them are the same says `yiwu_vote.texts`.
"""

import re
import unicodedata

from yiwu_vote import texts

# A blank between two Latin letters parts two words; any other blank in a name is a filler.
FILLER = re.compile(r"(?<![A-Za-z])\s+|\s+(?![A-Za-z])")


def number_of(text: str) -> str:
    """Return a 代表证号 as it is kept: no blanks, full-width signs as ASCII, leading zeros stay."""
    return "".join(unicodedata.normalize("NFKC", texts.typed(text)).split())


def name_of(text: str) -> str:
    """Return the name of a person or of a delegation as it is kept, without fillers in it."""
    return FILLER.sub("", texts.typed(text))
