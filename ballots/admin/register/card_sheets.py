"""How cards and the lists to sign stand on paper, with the longest texts there can be (design §11.3)."""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext

from ballots.admin.guard import qr_svg
from ballots.models import Delegate

CARDS_A_PAGE = 10
# The sizes of the text on a card, each with how many Chinese signs a line has and how many lines
# there are. The last has the smallest letters that may be printed.
SIZES = (("", 11, 4), ("small", 14, 5), ("smallest", 17, 7))
# Of a list to sign, in mm: a row, each of its lines, and how much of a page rows may take under a
# head of three lines; each further line of the head takes as much as a row.
ROW, LINE, ROOM = 9.0, 5.1, 216.0
# How many signs stand in a line of the columns for number and name, and of the head.
IN_A_COLUMN, IN_THE_HEAD = 8, 28
# The width of a letter or digit in Chinese signs; capitals are the widest.
LETTER, CAPITAL = 0.6, 1.0


@dataclass(frozen=True)
class PrintedCard:
    """A card as it is printed: its code in groups of four, and the address in its QR code."""

    delegate: Delegate
    code: str
    address: str

    @property
    def qr(self) -> str:
        """The QR code as SVG, which takes as long to make as all else on the card."""
        return qr_svg(self.address)

    @property
    def size(self) -> str:
        """The class of the largest text that stands beside the QR code and above the typed one."""
        holder = self.delegate
        number = gettext("代表证号 %(number)s") % {"number": holder.number}
        texts = (holder.name, holder.delegation.name, number)
        for size, signs, lines in SIZES:
            if sum(_lines(text, signs) for text in texts) <= lines:
                return size
        return SIZES[-1][0]


def card_pages(cards: Sequence[PrintedCard]) -> list[Sequence[PrintedCard]]:
    """Return the cards page by page."""
    return [cards[start : start + CARDS_A_PAGE] for start in range(0, len(cards), CARDS_A_PAGE)]


def lists_to_sign(
    cards: Sequence[PrintedCard], *, meeting: str
) -> list[list[tuple[int, PrintedCard]]]:
    """Return the cards of one delegation, counted from 1, as they fill the pages of a list to sign."""
    head = _lines(cards[0].delegate.delegation.name, IN_THE_HEAD) + _lines(meeting, IN_THE_HEAD)
    room = ROOM - ROW * max(head - 2, 0)
    lists: list[list[tuple[int, PrintedCard]]] = [[]]
    used = 0.0
    for place, card in enumerate(cards, start=1):
        texts = (card.delegate.name, card.delegate.number)
        height = max(ROW, LINE * max(_lines(text, IN_A_COLUMN) for text in texts))
        if used + height > room:
            lists.append([])
            used = 0.0
        lists[-1].append((place, card))
        used += height
    return lists


def _lines(text: str, signs: int) -> int:
    """Return in how many lines of so many Chinese signs `text` stands at most."""
    return math.ceil(sum(_width(char) for char in text) / signs)


def _width(char: str) -> float:
    is_wide = unicodedata.east_asian_width(char) in "WF"
    return 1.0 if is_wide else CAPITAL if char.isupper() else LETTER
