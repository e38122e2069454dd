"""The code on a card: sixteen digits in groups of four, the last a check digit. Pure."""

import re
import secrets
import unicodedata

LENGTH = 16
CARD_NUMBER_LENGTH = 4
TOKEN_BYTES = 16
# Sixteen digits with any separators and a label; more is not even looked at, which could take long.
LONGEST_TYPED = 100
# A label before the code, such as “投票码（16位）：”, has letters and ends in a colon.
LABEL = re.compile(r"^[^:]*[^\W\d_][^:]*:")
# One without a colon, such as “投票码（16位）” or “1、”, ends where the last sixteen digits begin.
LAST_DIGITS = re.compile(r"(?<![0-9])(?:[0-9][\W_]*){16}$")
LOOSE_LABEL = re.compile(r".*[^\W\d_].*|\W*[0-9]{1,2}[、.)]\W*", re.DOTALL)
# The address in the card's QR code, or its token alone.
ADDRESS = re.compile(r"://|/k/|(?=[0-9]*[a-f])[0-9a-f]{32}", re.IGNORECASE)
LONGEST_ADDRESS = 300


class CodeRefused(Exception):
    """What was typed cannot be a card's code.

    "empty", "length" (with `count`), "check-digit", or "address": that of the card, which is a secret.
    """

    def __init__(self, code: str, count: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.count = count


def check_digit(digits: str) -> str:
    """Return the Luhn digit (ISO/IEC 7812-1) of `digits`, which finds every single mistyped one."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def new_code(card_number: str) -> str:
    """Return a fresh code for the four-digit `card_number`: it, 11 random digits, a check digit."""
    body = card_number + "".join(secrets.choice("0123456789") for _ in range(11))
    return body + check_digit(body)


def new_token() -> str:
    """Return 128 fresh random bits for a QR address, in upper case so that the QR stays small."""
    return secrets.token_hex(TOKEN_BYTES).upper()


def grouped(code: str) -> str:
    """Return a code as printed: 0127 4821 0937 5526."""
    return " ".join(code[start : start + 4] for start in range(0, len(code), 4))


def regrouped(text: str) -> str:
    """Return what was typed in groups as printed where it is digits and what parts them, else as it is."""
    if len(text) > LONGEST_TYPED:
        return text
    plain = "".join(unicodedata.normalize("NFKC", text).replace("-", " ").split())
    return grouped(plain) if plain.isascii() and plain.isdigit() else text


def read_code(text: str) -> str:
    """Return the sixteen digits of what was typed, whatever parts them or stands around them.

    Full-width and circled digits count, letters for digits that they look like do not: no code has
    a letter, and a guess could be wrong. Raises CodeRefused before anything is looked up, with the
    number of digits that were typed where it is not sixteen.
    """
    if ADDRESS.search(text[:LONGEST_ADDRESS]):
        raise CodeRefused("address")
    if len(text) > LONGEST_TYPED:
        raise CodeRefused("length", count=sum(char in "0123456789" for char in text))
    plain = "".join(_plain(char) for char in unicodedata.normalize("NFKC", text))
    digits = "".join(char for char in LABEL.sub("", plain) if char in "0123456789")
    if not any(char.isalnum() for char in plain):
        raise CodeRefused("empty")
    if len(digits) != LENGTH:
        digits = _after_loose_label(plain) or digits
    if len(digits) != LENGTH:
        raise CodeRefused("length", count=len(digits))
    if check_digit(digits[:-1]) != digits[-1]:
        raise CodeRefused("check-digit")
    return digits


def _after_loose_label(plain: str) -> str:
    """Return the last sixteen digits where a label stands before them and the check digit is right."""
    last = LAST_DIGITS.search(plain)
    if last is None or not LOOSE_LABEL.fullmatch(plain[: last.start()]):
        return ""
    digits = "".join(char for char in last[0] if char in "0123456789")
    return digits if check_digit(digits[:-1]) == digits[-1] else ""


def _plain(char: str) -> str:
    """Return the digit of a sign that shows one in a shape of its own, such as ❶; else the sign."""
    is_shaped = unicodedata.category(char) == "No"
    return str(unicodedata.digit(char, char)) if is_shaped else char
