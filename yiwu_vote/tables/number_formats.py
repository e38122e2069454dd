"""A number as Excel and WPS show it under its number format. Pure.

What cannot be shown here exactly as they do is refused, so that no cell is read as something else
than what its author saw. The codes are those of ECMA-376 part 1, 18.8.31.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

# A double holds fifteen digits for sure, and no spreadsheet program keeps more.
DIGITS = 15
FIFTEEN = Context(prec=DIGITS, rounding=ROUND_HALF_UP)
# As many signs has a number in the widest cell without a format; one with more is rounded.
GENERAL_WIDTH = 11

# Formats that files name by number alone. 27 to 36 and 50 to 58 are dates in Chinese, such as
# 2026年12月; of 5 to 8, 42 and 44 the sign of the currency is that of the machine.
BUILT_IN = {
    0: "General",
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    9: "0%",
    10: "0.00%",
    37: "#,##0_);(#,##0)",
    38: "#,##0_);[Red](#,##0)",
    39: "#,##0.00_);(#,##0.00)",
    40: "#,##0.00_);[Red](#,##0.00)",
    41: '#,##0;-#,##0;"-";@',
    43: '#,##0.00;-#,##0.00;"-";@',
    49: "@",
}
DATES = frozenset([*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)])

TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"'
    r"|\\(?P<escaped>.)"
    r"|_(?P<blank>.)"
    r"|\*(?P<fill>.)"
    r"|\[(?P<bracket>[^\]]*)\]"
    r"|(?P<general>General|G/通用格式)"
    r"|(?P<exponent>E[+-])"
    r"|(?P<date>AM/PM|A/P|上午/下午|[ymdhsbgea])"
    r"|(?P<digit>[0#?])"
    r"|(?P<sign>[.,%@/])"
    r"|(?P<literal>[^A-Za-z\"\\!_*\[\]])",
    re.IGNORECASE | re.DOTALL,
)
COLOUR = re.compile(
    r"black|blue|cyan|green|magenta|red|white|yellow|colou?r ?\d+|[黑蓝青绿红白黄]色|洋红|颜色 ?\d+",
    re.IGNORECASE,
)
CONDITION = re.compile(r"(<=|>=|<>|<|>|=)(-?\d+(?:\.\d+)?)")
CURRENCY = re.compile(r"\$([^-]*)(?:-([0-9A-Fa-f]{1,4}))?")
ELAPSED = re.compile(r"h+|m+|s+", re.IGNORECASE)


class NotShown(Exception):
    """The format is one that cannot be applied here."""


class IsDate(NotShown):
    """The format makes a date or a time of a number."""


@dataclass(frozen=True)
class Section:
    """One of the up to four parts of a format; `when` is its own condition."""

    tokens: tuple[tuple[str, str], ...]
    when: tuple[str, Decimal] | None = None

    def has(self, kind: str, sign: str = "") -> bool:
        """Tell whether there is a token of that kind, and of that sign if one is given."""
        return any(k == kind and (not sign or s == sign) for k, s in self.tokens)


def number_shown(value: Decimal, code: str) -> str:
    """Return `value` as a cell of the format `code` shows it, without the blanks around it.

    Raises IsDate for a date, a time or a span of time, NotShown for what cannot be told.
    """
    sections = _sections(code)
    value = FIFTEEN.plus(value)
    numeric = _numeric(sections)
    if not numeric:  # “@” alone: text, under which a number is shown as without a format
        return general(value)
    section, magnitude, sign = _choice(numeric, value)
    if section.has("general") or section.has("sign", "@"):
        words = "".join(
            general(magnitude) if kind == "general" or text == "@" else _plain(kind, text)
            for kind, text in section.tokens
        )
    else:
        words = _rendered(section, magnitude)
    return f"{sign}{words}".strip()


def text_shown(text: str, code: str) -> str:
    """Return `text` as a cell of the format `code` shows it; most formats leave texts alone."""
    section = _text_section(_sections(code))
    if section is None:
        return text
    return "".join(
        text if (kind, sign) == ("sign", "@") else _plain(kind, sign)
        for kind, sign in section.tokens
    )


def general(value: Decimal) -> str:
    """Return `value` as a cell without a format shows it.

    One of twelve to fifteen digits is shown as 1.23457E+11 there; its digits are what was typed,
    and are told instead. Others have at most eleven signs, if they have more digits than anybody
    types.
    """
    plain = f"{value.normalize():f}"
    if "." not in plain or len(value.normalize().as_tuple().digits) < DIGITS:
        return plain
    whole = plain.lstrip("-").partition(".")[0]
    places = max(0, GENERAL_WIDTH - 1 - len(whole))
    return f"{value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP).normalize():f}"


# --- the parts of a format ------------------------------------------------------------------------


def _sections(code: str) -> list[Section]:
    parts: list[list[tuple[str, str]]] = [[]]
    conditions: list[tuple[str, Decimal] | None] = [None]
    place = 0
    while place < len(code):
        if code[place] == ";":
            parts.append([])
            conditions.append(None)
            place += 1
            continue
        match = TOKEN.match(code, place)
        if match is None:
            raise NotShown(code)
        kind = str(match.lastgroup)
        text = match[kind]
        if kind == "bracket":
            condition = CONDITION.fullmatch(text)
            if condition:
                conditions[-1] = (condition[1], Decimal(condition[2]))
            parts[-1].append(("literal", _bracket(text)))
        else:
            parts[-1].append((kind, text))
        place = match.end()
    if len(parts) > 4:
        raise NotShown(code)
    return [Section(tuple(part), when) for part, when in zip(parts, conditions, strict=True)]


def _bracket(text: str) -> str:
    """Return what a bracket puts into the cell: nothing, or the sign of a currency."""
    if COLOUR.fullmatch(text) or CONDITION.fullmatch(text):
        return ""
    if ELAPSED.fullmatch(text):
        raise IsDate(text)
    currency = CURRENCY.fullmatch(text)
    if currency is None:  # DBNum1 (一二三), other calendars, whatever else there is
        raise NotShown(text)
    if (currency[2] or "").upper() in {"F400", "F800"}:
        raise IsDate(text)
    return currency[1]


def _text_section(sections: Sequence[Section]) -> Section | None:
    last = sections[-1]
    return last if len(sections) == 4 or last.has("sign", "@") else None


def _numeric(sections: Sequence[Section]) -> Sequence[Section]:
    return sections if _text_section(sections) is None else sections[:-1]


def _choice(sections: Sequence[Section], value: Decimal) -> tuple[Section, Decimal, str]:
    """Return the section that shows `value`, what of it is shown, and the sign before all."""
    if any(section.when for section in sections):
        if value < 0:  # whether a sign is shown then depends on the condition
            raise NotShown
        for place, section in enumerate(sections):
            is_last = place == len(sections) - 1
            if section.when is None and (is_last or not place):
                return section, value, ""
            if section.when is not None and _holds(section.when, value):
                return section, value, ""
        raise NotShown  # shown as ####
    if len(sections) == 1 or value > 0:
        return sections[0], abs(value), "-" if value < 0 else ""
    if value == 0:
        return sections[2 if len(sections) > 2 else 0], value, ""
    return sections[1], -value, ""


def _holds(condition: tuple[str, Decimal], value: Decimal) -> bool:
    sign, limit = condition
    return {
        "<": value < limit,
        "<=": value <= limit,
        ">": value > limit,
        ">=": value >= limit,
        "=": value == limit,
        "<>": value != limit,
    }[sign]


def _plain(kind: str, text: str) -> str:
    match kind:
        case "quoted" | "escaped" | "literal":
            return text
        case "blank":
            return " "
        case "fill" if text == " ":
            return ""  # any other sign would be shown as often as the column is wide
        case "sign" if text == "%":
            raise NotShown  # beside General it would have to multiply
        case "date":
            raise IsDate
        case _:
            raise NotShown


# --- digits ---------------------------------------------------------------------------------------


def _rendered(section: Section, value: Decimal) -> str:
    tokens = section.tokens
    if section.has("date"):
        raise IsDate
    if section.has("exponent") or section.has("sign", "/"):
        raise NotShown  # 1E5 and 1/2 were not typed as they are shown
    digits = [place for place, (kind, _text) in enumerate(tokens) if kind == "digit"]
    points = [place for place, token in enumerate(tokens) if token == ("sign", ".")]
    commas = [place for place, token in enumerate(tokens) if token == ("sign", ",")]
    if not digits:
        return "".join(_plain(kind, text) for kind, text in tokens)
    if len(points) > 1 or any(place < digits[0] for place in commas):
        raise NotShown
    point = points[0] if points else len(tokens)
    before = [place for place in digits if place < point]
    after = [place for place in digits if place > point]
    # A comma between digits groups them by thousands, one behind the last of them divides by it.
    thousands = sum(not any(place > comma for place in before) for comma in commas)
    percent = sum(token == ("sign", "%") for token in tokens)
    scaled = value.scaleb(2 * percent - 3 * thousands)
    rounded = scaled.quantize(Decimal(1).scaleb(-len(after)), ROUND_HALF_UP)
    if value and not rounded:
        raise NotShown  # -0.2 as 0, or as -0: programs differ
    whole, _point, fraction = f"{rounded:f}".partition(".")
    put = _whole_digits(tokens, before, whole.lstrip("0"), grouping=len(commas) > thousands)
    put |= _fraction_digits(tokens, after, fraction)
    put |= dict.fromkeys(commas, "")
    put |= {
        place: text for place, (kind, text) in enumerate(tokens) if kind == "sign" and text in ".%"
    }
    return "".join(
        put[place] if place in put else _plain(kind, text)
        for place, (kind, text) in enumerate(tokens)
    )


def _whole_digits(
    tokens: Sequence[tuple[str, str]], places: Sequence[int], digits: str, *, grouping: bool
) -> dict[int, str]:
    """Return what stands at each place before the point, filled from the right."""
    put: dict[int, str] = {}
    for at, place in enumerate(reversed(places)):
        is_first = place == places[0]
        own = digits[: len(digits) - at] if is_first else digits[len(digits) - at - 1 :][:1]
        if at >= len(digits):
            own = {"0": "0", "?": " ", "#": ""}[tokens[place][1]]
        # The first place takes all digits that are left over: each has its own comma.
        signs = []
        for behind, sign in enumerate(reversed(own)):
            if grouping and sign.isdigit() and at + behind and (at + behind) % 3 == 0:
                signs.append(",")
            signs.append(sign)
        put[place] = "".join(reversed(signs))
    return put


def _fraction_digits(
    tokens: Sequence[tuple[str, str]], places: Sequence[int], digits: str
) -> dict[int, str]:
    """Return what stands at each place behind the point; idle zeros only where the format wants."""
    put: dict[int, str] = {}
    idle = True
    for place, digit in reversed(list(zip(places, digits, strict=True))):
        idle = idle and digit == "0"
        put[place] = {"0": digit, "?": " ", "#": ""}[tokens[place][1]] if idle else digit
        # A zero that the format wants is not idle, nor is what stands before it.
        idle = idle and tokens[place][1] != "0"
    return put
