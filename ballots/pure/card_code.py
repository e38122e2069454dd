"""The code on a card: sixteen digits in groups of four, the last a check digit. Pure."""

import secrets
import unicodedata

LENGTH = 16
CARD_NUMBER_LENGTH = 4
TOKEN_BYTES = 16
# Sixteen digits with any separators; what is longer is not even normalised, which could take long.
LONGEST_TYPED = 100


class CodeRefused(Exception):
    """What was typed cannot be a card's code: "empty", "length" (with `count`) or "check-digit"."""

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


def read_code(text: str) -> str:
    """Return the sixteen digits of what was typed; spaces, hyphens, full width are accepted.

    So are the invisible characters that copying may bring along. Raises CodeRefused before
    anything is looked up.
    """
    if len(text) > LONGEST_TYPED:
        raise CodeRefused("length", count=len(text))
    typed = [
        char
        for char in unicodedata.normalize("NFKC", text)
        if not char.isspace() and unicodedata.category(char) not in {"Pd", "Cf"}
    ]
    digits = "".join(char for char in typed if char in "0123456789")
    if not typed:
        raise CodeRefused("empty")
    if len(digits) != LENGTH or len(typed) != LENGTH:
        raise CodeRefused("length", count=len(digits))
    if check_digit(digits[:-1]) != digits[-1]:
        raise CodeRefused("check-digit")
    return digits
