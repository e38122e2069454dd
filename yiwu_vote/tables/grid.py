"""What a table is before anybody asks what its columns mean: rows of shown texts, and what was left out."""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from yiwu_vote.texts import IGNORABLE

UPLOAD_LIMIT = 2 * 1024 * 1024
ROWS_LIMIT = 10_000
COLUMNS_LIMIT = 100

REFUSALS = {
    "all-hidden": "表格的内容都在隐藏的行或列中，请取消隐藏和筛选后再上传。",
    "damaged": "文件已损坏，无法读取。请在 Excel 或 WPS 中另存为 .xlsx 后再上传。",
    "empty": "文件中没有内容。",
    "encoding": "文件编码无法识别，请另存为 .xlsx 后再上传。",
    "encrypted": "文件设有打开密码，请取消密码后再上传。",
    "inflated": "文件解压后过大，请将内容复制到新的表格中，另存为 .xlsx 后再上传。",
    "macros": "文件含有宏，请在 Excel 或 WPS 中另存为不含宏的 .xlsx 后再上传。",
    "markup": "文件实际上是网页或 XML，请用 Excel 或 WPS 打开，另存为 .xlsx 后再上传。",
    "not-text": "文件不是表格，或编码无法识别，请另存为 .xlsx 后再上传。",
    "not-xlsx": "压缩文件不是 .xlsx 表格，请在 Excel 或 WPS 中另存为 .xlsx 后再上传。",
    "quotes": "从第{line}行起双引号不成对，请更正，或另存为 .xlsx 后再上传。",
    "several-sheets": "有多张工作表有内容，请只保留一张后再上传。",
    "too-big": "文件超过2MB，请删去图片等无关内容后再上传。",
    "too-many-rows": "表格超过10000行，请检查后再上传。",
    "too-wide": "第{line}行超过100列，请检查后再上传。",
    "xls": "不支持 .xls 文件，请在 Excel 或 WPS 中另存为 .xlsx 后再上传。",
}

# What Excel and WPS show where a formula has no value. As text too: a CSV file has nothing else.
ERRORS = frozenset(
    {
        *("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA"),
        *("#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!", "#CONNECT!", "#BUSY!", "#UNKNOWN!"),
    }
)

# Asked of no longer text: it is composed first, for #Ｎ/Ａ is typed in full width too.
LONGEST_ERROR = 20
# A cell that is longer is beyond the limit of every column: it is something, and not looked at.
LONGEST_CELL = 10_000

# What may be wrong with a cell: each goes on from the title of its column, and says what to do.
AS_TEXT = "请将该列设为文本后重新输入"
DATE = f"是日期或时间，不能确定原来的写法，{AS_TEXT}"
ERROR = "是错误值，请更正后重新上传"
FORMULA = "是没有结果的公式，请在 Excel 或 WPS 中打开并保存，或粘贴为数值"
FORMAT = f"的数字格式不能照样读取，{AS_TEXT}"
LONG = f"超过15位，Excel 和 WPS 已将后面的数字改为0，{AS_TEXT}"
TRUTH = f"是逻辑值（TRUE、FALSE），{AS_TEXT}"
UNSEEN = f"的格式使内容不显示，{AS_TEXT}"


class SheetRefused(Exception):
    """The file cannot be read: `code` is for programs, the text says what to do instead."""

    def __init__(self, code: str, *, line: int = 0) -> None:
        super().__init__(REFUSALS[code].format(line=line))
        self.code = code


@dataclass(frozen=True)
class Line:
    """One row that holds something.

    `number` is the row as Excel shows it; in a text file the line, counted from 1, on which the
    row begins. `cells` are stripped texts as they are shown, without the blank ones at the end.
    `faults` are what keeps a cell from being read, by its position; it goes on from the title of
    the column. `merged` are the positions of cells that only show what stands above them. `is_spread`:
    its one text is merged across the row, as that of a heading is.
    """

    number: int
    cells: tuple[str, ...]
    faults: tuple[tuple[int, str], ...] = ()
    merged: tuple[int, ...] = ()
    is_spread: bool = False


@dataclass(frozen=True)
class Table:
    """The rows of an uploaded table, never none, and what to tell of how it was read (`notes`)."""

    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()


def checked(lines: Iterable[Line]) -> Iterator[Line]:
    """Yield the lines that hold something; raises SheetRefused when they are too many or too wide."""
    kept = 0
    for line in lines:
        if not line.cells:
            continue
        kept += 1
        if kept > ROWS_LIMIT + 1:  # the header is a row as well
            raise SheetRefused("too-many-rows")
        if len(line.cells) > COLUMNS_LIMIT:
            raise SheetRefused("too-wide", line=line.number)
        yield line


def is_error(text: str) -> bool:
    """Tell whether a spreadsheet program shows `text` where it has no value to show, ##### included."""
    if len(text) > LONGEST_ERROR:
        return not text.strip("#＃")
    plain = unicodedata.normalize("NFKC", text).upper()
    return plain in ERRORS or (len(plain) > 1 and not plain.strip("#"))


def seen(text: str) -> bool:
    """Tell whether there is anything to see in `text`."""
    return len(text) > LONGEST_CELL or bool(IGNORABLE.sub("", text).strip())


def trimmed(cells: Iterable[str]) -> tuple[str, ...]:
    """Return the cells without the blanks around each, and without the blank ones at the end.

    A cell in which there is nothing to see is blank too.
    """
    kept = [cell.strip() if seen(cell) else "" for cell in cells]
    while kept and not kept[-1]:
        kept.pop()
    return tuple(kept)


def ranges(numbers: Iterable[int]) -> str:
    """Return numbers as people list them: “2、5至9”."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    # Two in a row are two; three and more are a range.
    told = [
        str(first) if first == last else f"{first}{'、' if last == first + 1 else '至'}{last}"
        for first, last in runs
    ]
    return "、".join(told)
