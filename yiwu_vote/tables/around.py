"""What stands around the rows of an uploaded table: its sums, signatures, remarks and lines. Pure."""

import re
import unicodedata
from collections.abc import Sequence

from yiwu_vote.tables.grid import Line
from yiwu_vote.tables.titles import Columns

# The words of a sum are short; a longer text is none.
LONGEST = 40
COUNTED = r"\d+[人名位项件个团]"
# 总计划 and 总数据 are no sums.
TOTAL = re.compile(
    rf"(?:[合总小共]计|累计|总额|总数|总?人数(?:合计|总计)?|总和|(?:以上|总|一)?共(?:计|有)?{COUNTED}|以上[合共]?计?)"
    r"(?![划算据])"
)
# A sum of something; 王小计 is somebody's name.
WHOSE = r"(?:.{0,20}(?:团|组|类|页|市|县|区|项目|代表|人数|投资))"
# Whoever fills every column that must be there is a sum only if the words are nothing else.
BARE_TOTAL = re.compile(
    rf"(?:{WHOSE}?[合总小共]计|累计|总额|总数|总人数|人数|总和|以上[合共]计)[:：]?(?:{COUNTED})?"
    rf"|(?:以上|总|一)?共(?:计|有)?[:：]?{COUNTED}"
)
BRACKETS = re.compile(r"[(（][^()（）]*[)）]")
REMARKS = re.compile(
    r"[*＊※]?(?:注[:：0-9]|备注|说明|填表|填报|制表|审核|联系人|数据来源|打印|第\d+页)|[(（]?(?:盖章|公章)"
)
# With a colon, or alone in its cell: a project may be called 审核系统改造.
SIGNATURE = re.compile(
    r"(?:(?:填表|填报|制表|编制|审核|审批|复核|校对|经办|负责|主管|联系|报送|统计|打印|签发)"
    r"(?:人员?|单位|部门|领导|日期|时间|电话)?(?:签[名字章])?(?:\([^()]*\))?"
    r"|单位负责人|联系方式|签[名字章]|盖章|公章|日期)(?::.*)?"
)
# Such as |---|:---:| below a header in Markdown, +----+ of a terminal, a row of dashes.
RULE = re.compile(r"[-‐‑‒–—―─━═=_:+*~…/|.·\s]+")


def why_no_row(line: Line, own: Sequence[str], columns: Columns) -> str:
    """Return why a line is no row of the table, or nothing. `own` are the titles of its columns.

    Whoever fills all that must be there is a row, unless his first cell, or what he would be called
    by, is nothing but the words of a sum or of a signature.
    """
    if columns.is_header(line.cells):
        return "与表头相同"
    filled = [cell for cell in line.cells if cell]
    if not filled:
        return ""
    if all(RULE.fullmatch(cell) for cell in filled):
        return "只有横线，没有内容"
    by_title = {title: cell for title, cell in zip(own, line.cells, strict=False) if cell}
    unread = {own[position] for position, _fault in line.faults if position < len(own)}
    first, called = _bare(filled[0]), _bare(by_title.get(columns.required[0], ""))
    if total(first) or total(called):
        return "是合计"
    if SIGNATURE.fullmatch(first):
        return "是表格下方的说明"
    if (unread | by_title.keys()).issuperset(columns.required):
        return ""
    # What stands beside a sum may be anything, a formula too.
    if TOTAL.match(first):
        return "是合计"
    if len(filled) > 1:
        return ""
    if REMARKS.match(first):
        return "是表格下方的说明"
    return "是合并的整行" if line.is_spread else ""


def total(text: str) -> str:
    """Tell of a text that is nothing but the words of a sum; what goes on from it, or nothing."""
    is_total = BARE_TOTAL.fullmatch(BRACKETS.sub("", _bare(text)))
    return "在表格中会被当作合计" if is_total else ""


def signature(text: str) -> str:
    """Tell of a text that is nothing but the words before a signature; what goes on from it, or nothing."""
    return "在表格中会被当作表格下方的说明" if SIGNATURE.fullmatch(_bare(text)) else ""


def _bare(cell: str) -> str:
    return "".join(unicodedata.normalize("NFKC", cell[:LONGEST]).split())
