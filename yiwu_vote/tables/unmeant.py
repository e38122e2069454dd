"""What a cell says that nobody can have meant: 〃, 暂缺, and what Excel has made of a text. Pure.

Each function returns what goes on from the title of the column and the cell, or nothing. Which of
them is asked of a column says the module that knows what the column holds: a title of 3-5 and a
deadline of 2026年12月 are meant, a name of 3月5日 is not.
"""

import re
import unicodedata
from collections.abc import Callable

from yiwu_vote.tables import grid

# Asks a cell in its normal form.
Unmeant = Callable[[str], str]

DITTO = re.compile(
    r"(?:[同仝][上前左右]|上同|同上一?[行栏格]|同上[述面]|仝|〃|々|′′|〞|〟|”|“|’’|''|'|\"|ditto|do\.)[。.]?",
    re.IGNORECASE,
)
# How people say in a cell that there is nothing to say, or not yet.
NOTHING = frozenset(
    {
        *("-", "--", "---", "/", "//", "\\", "—", "——", "–", "_", "__", ".", "..", "...", "......", "*", "?", "??"),
        *("无", "暂无", "没有", "略", "空", "空缺", "空白", "暂缺", "缺", "暂空", "待定", "未定", "暂未定", "待补"),
        *("待补充", "待填", "未填", "未知", "不详", "n/a", "na", "nil", "none", "null", "nan", "undefined"),
        *("x", "xx", "xxx", "××", "×××", "某某", "某某某", "○○", "tbd"),
    }
)  # fmt: skip
TRUTHS = frozenset({"true", "false"})
MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)[a-z]{0,6}"
TIME = r"(?:[上下]午)?\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:[ap]m)?"
# What stands in a CSV file where Excel or WPS took a text for a date; 1-2 stays what it is.
ENGLISH_DATE = re.compile(rf"(?:\d{{1,2}}-)?{MONTH}-\d{{2,4}}|\d{{1,2}}-{MONTH}")
DATE = re.compile(
    r"(?:\d{1,2}月\d{1,2}日|\d{4}年\d{1,2}月(?:\d{1,2}日)?|\d{4}/\d{1,2}/\d{1,2})"
    rf"(?:{TIME})?"
)
CLOCK = re.compile(TIME)
# Excel always writes the sign; 1E5 is a seat, and as a name it is nothing either way.
EXPONENT = re.compile(r"\d+(?:\.\d+)?e[+-]\d+")
UNSIGNED_EXPONENT = re.compile(r"\d+(?:\.\d+)?e\d+")
# Days since 1900 from 2009 to 2064: what a date is under the format General.
DAYS = re.compile(r"[45]\d{4}")
IDLE_POINT = re.compile(r"\d+\.0+")
# Seventeen digits and more, of which those behind the fifteenth are lost.
LOST_DIGITS = re.compile(r"\d{15}0{2,}")

AS_DATE = f"像是被 Excel 改成了日期或科学记数，{grid.AS_TEXT}"
AS_DAYS = f"像是日期的序列值，{grid.AS_TEXT}"
AS_NUMBER = f"像是被 Excel 改成了小数，{grid.AS_TEXT}"
DITTO_WORDS = "不能代替内容，请写出与上一行相同的内容"
NOTHING_WORDS = "不是具体内容，请补全"


def first_of(*asked: Unmeant) -> Unmeant:
    """Return the function that asks all of these, and tells what the first of them tells."""
    return lambda text: next(filter(None, (ask(text) for ask in asked)), "")


def ditto(text: str) -> str:
    """Tell of a sign that only points at the row above."""
    return DITTO_WORDS if DITTO.fullmatch(_plain(text)) else ""


def nothing(text: str) -> str:
    """Tell of words that stand where there is nothing to say."""
    return NOTHING_WORDS if _plain(text) in NOTHING else ""


def truth(text: str) -> str:
    """Tell of TRUE and FALSE."""
    return grid.TRUTH if _plain(text) in TRUTHS else ""


def spoilt(text: str) -> str:
    """Tell of a text of which Excel has made a date or a number with an exponent."""
    return AS_DATE if _is_one_of(text, ENGLISH_DATE, DATE, EXPONENT) else ""


def foreign_date(text: str) -> str:
    """Tell of a date as only Excel writes it (Dec-26): for a column of dates in words."""
    return AS_DATE if _is_one_of(text, ENGLISH_DATE, EXPONENT) else ""


def clock(text: str) -> str:
    """Tell of a time, which as a seat may be the thirtieth of row twelve."""
    return AS_DATE if _is_one_of(text, CLOCK) else ""


def days(text: str) -> str:
    """Tell of the number that a date is under the format General: 46357."""
    return AS_DAYS if DAYS.fullmatch(_plain(text)) else ""


def exponent(text: str) -> str:
    """Tell of 1E5, where it can be no code either."""
    return AS_DATE if _is_one_of(text, UNSIGNED_EXPONENT) else ""


def lost_digits(text: str) -> str:
    """Tell of a number that was kept as one: 1.0, or zeros behind its fifteenth digit."""
    plain = _plain(text)
    if LOST_DIGITS.fullmatch(plain):
        return grid.LONG
    return AS_NUMBER if IDLE_POINT.fullmatch(plain) else ""


def no_word(text: str) -> str:
    """Tell of a text without a letter or a character of any script: a name is none."""
    is_word = any(unicodedata.category(char).startswith("L") for char in text)
    return "" if is_word else "中没有文字，请核对"


# What is asked of every text of a row.
IN_ANY: Unmeant = first_of(ditto, truth)


def _is_one_of(text: str, *patterns: re.Pattern[str]) -> bool:
    plain = _plain(text)
    return any(pattern.fullmatch(plain) for pattern in patterns)


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
