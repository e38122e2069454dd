"""The roll as it is uploaded: every line a delegate or a problem that names the line."""

import io
from datetime import datetime

import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ballots.models import DelegateStatus
from ballots.pure.identity import name_of, number_of
from ballots.pure.roll_table import (
    STATUSES,
    TEMPLATE_HEADER,
    RollRow,
    fault_of,
    parse,
    template_xlsx,
)
from tests.helpers.looking import MARKS, lengths_looked_at
from tests.helpers.sheets import book_of, saved
from yiwu_vote.tables.problems import grouped
from yiwu_vote.tables.reading import read
from yiwu_vote.tables.sheets import csv_bytes, xlsx_bytes
from yiwu_vote.tables.upload import Parsed, Problem, shown
from yiwu_vote.texts import number_key, typed

SPOILT = "代表证号“{}”像是被 Excel 改成了日期或科学记数，请将该列设为文本后重新输入"
HEADER = "代表证号,姓名,代表团,序号,联系电话,座位,状态,常委会"


def roll(*lines: str, header: str = HEADER) -> Parsed[RollRow]:
    return parse("\n".join([header, *lines]).encode())


def only_row(line: str, header: str = HEADER) -> RollRow:
    parsed = roll(line, header=header)
    assert parsed.problems == ()
    (row,) = parsed.rows
    return row


def words(parsed: Parsed[RollRow]) -> list[str]:
    return [str(problem) for problem in parsed.problems]


def test_a_whole_line_is_read_into_its_fields():
    assert only_row("001,王伟,城区代表团,7,13800138000,5排12座,列席,是") == RollRow(
        line=2,
        number="001",
        name="王伟",
        delegation="城区代表团",
        order=7,
        phone="13800138000",
        seat="5排12座",
        status="observer",
        on_committee=True,
    )


def test_three_columns_are_enough_in_any_order():
    assert only_row("城区,001,王伟", header="代表团,代表证号,姓名") == RollRow(
        line=2, number="001", name="王伟", delegation="城区"
    )


def test_a_column_that_is_not_there_says_something_else_than_an_empty_cell():
    """Case 13."""
    absent = only_row("001,王伟,城区", header="代表证号,姓名,代表团")
    empty = only_row("001,王伟,城区")

    assert (absent.order, absent.phone, absent.seat, absent.status) == (None, None, None, None)
    assert (empty.order, empty.phone, empty.seat, empty.status) == (0, "", "", None)
    assert (absent.on_committee, empty.on_committee) == (None, False)


@pytest.mark.parametrize(
    ("written", "on_committee"),
    [("是", True), (" 是　", True), ("√", True), ("", False), ("否", False), ("—", False)],
)
def test_a_member_of_the_standing_committee_is_marked(written, on_committee):
    assert only_row(f"001,王伟,城区,,,,,{written}").on_committee is on_committee


def test_any_other_word_is_no_mark_of_a_member():
    assert words(roll("001,王伟,城区,,,,,主任")) == ["第2行：常委会“主任”应为“是”或空白"]


@pytest.mark.parametrize(
    ("written", "status"),
    [("在任", "active"), ("暂 停", "suspended"), ("列席", "observer"), ("终止", "ended")],
)
def test_a_status_is_read_by_its_name(written, status):
    assert only_row(f"001,王伟,城区,,,,{written}").status == status


def test_every_status_of_the_register_can_be_written_in_a_table():
    assert {value: name for name, value in STATUSES.items()} == {
        status.value: str(status.label) for status in DelegateStatus
    }


def test_blanks_in_the_header_do_not_matter():
    assert only_row("001,王伟,城区", header="代表 证号,姓\u3000名, 代表团").name == "王伟"


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("王　伟", "王伟"),
        ("王 伟", "王伟"),
        ("王\u00a0\u2003伟", "王伟"),
        ("买买提·阿不都", "买买提·阿不都"),
        ("阿凡提 · 江", "阿凡提·江"),
        ("John Smith", "John Smith"),
        ("𠮷䶮", "𠮷䶮"),
        ("㻗\U00030edd", "㻗\U00030edd"),
        ("e\u0301", "é"),
        ("王\u200b伟\ufeff", "王伟"),
        ("王伟\u00a0", "王伟"),
        ("阿卜杜\u2800", "阿卜杜"),
        ("王\U000323b0", "王\U000323b0"),
    ],
)
def test_names_lose_filling_blanks_and_keep_rare_characters(written, name):
    assert only_row(f"001,{written},城区").name == name


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("001", "001"),
        ("００１", "001"),
        ("Ａ－01", "A-01"),
        ("0 0 1", "001"),
        ("00\u202e1", "001"),
        ("1" * 20, "1" * 20),
    ],
)
def test_numbers_keep_leading_zeros_and_full_width_digits_become_ascii(written, number):
    assert only_row(f"{written},王伟,城区").number == number


@pytest.mark.parametrize(
    ("written", "phone"),
    [
        ("138 0013 8000", "13800138000"),
        ("138-0013-8000", "13800138000"),
        ("１３８００１３８０００", "13800138000"),
        ("+8613800138000", "13800138000"),
        ("+86 138-0013-8000", "13800138000"),
        ("(+86)13800138000", "13800138000"),
        ("008613800138000", "13800138000"),
        ("0579-85123456", "0579-85123456"),
        ("057985123456", "0579-85123456"),
        ("0579 8512 3456", "0579-85123456"),
        ("0579-8512-3456", "0579-85123456"),
        ("（0579）85123456", "0579-85123456"),
        ("010-85123456", "010-85123456"),
        ("0579-85123456-8001", "0579-85123456-8001"),
        ("0579—85123456转8001", "0579-85123456-8001"),
        ("85123456", "85123456"),
        ("+852 2123 4567", "+85221234567"),
    ],
)
def test_a_phone_number_may_be_written_in_any_usual_way(written, phone):
    """Case 16."""
    assert only_row(f"001,王伟,城区,,{written}").phone == phone


@pytest.mark.parametrize(
    "written", ["138", "abc", "57985123456", "13800138000/663456", "1" * 11, "1380013800", "x" * 90]
)
def test_what_cannot_be_dialled_is_no_phone_number(written):
    assert words(roll(f"001,王伟,城区,,{written}")) == [
        f"第2行：联系电话“{shown(written)}”不是一个电话号码，请填写一个11位手机号，或带区号的固定电话"
    ]


def test_every_problem_of_every_line_is_told_in_the_words_of_the_design():
    parsed = roll(
        "001,王伟,城区",
        "002,李娜,城区",
        "003,张三,城区",
        "004,,城区",
        "005,赵六,城区",
        "",
        "007,钱七,",
        "001,孙八,城区,,138",
        ",周九,城区,甲",
    )

    assert words(parsed) == [
        "第5行：姓名为空",
        "第8行：代表团为空",
        "第9行：联系电话“138”不是一个电话号码，请填写一个11位手机号，或带区号的固定电话",
        "第9行：代表证号“001”与第2行重复",
        "第10行：代表证号为空",
        "第10行：序号“甲”不是整数",
    ]
    assert [row.line for row in parsed.rows] == [2, 3, 4, 6]


def test_a_number_is_repeated_also_when_its_first_line_has_another_problem():
    assert words(roll("001,,城区", "００１,王伟,城区")) == [
        "第2行：姓名为空",
        "第3行：代表证号“001”与第2行重复",
    ]


def test_a_problem_may_name_the_delegate_beside_the_line():
    problem = Problem(line=4, text="没有“城南代表团”，请先新增或更正。", number="003")

    assert str(problem) == "第4行（代表证号 003）：没有“城南代表团”，请先新增或更正。"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f"{'1' * 21},王伟,城区", "代表证号超过20个字"),
        (f"001,{'王' * 31},城区", "姓名超过30个字"),
        (f"001,王伟,{'城' * 51}", "代表团超过50个字"),
        (f"001,王伟,城区,,,{'座' * 21}", "座位超过20个字"),
        ('001,"王\n伟",城区', "姓名“王↵伟”分成几行，请改为一行"),
        ("001,王\ue863,城区", "姓名“王\ufffd”含有不可见或无法显示的字符"),
        ("001,王\ufffd,城区", "姓名“王\ufffd”含有不可见或无法显示的字符"),
        ("00\ue8631,王伟,城区", "代表证号“00\ufffd1”含有不可见或无法显示的字符"),
        ("1月2日,王伟,城区", SPOILT.format("1月2日")),
        ("2-Jan,王伟,城区", SPOILT.format("2-Jan")),
        ("1.23457E+11,王伟,城区", SPOILT.format("1.23457E+11")),
        ("#N/A,王伟,城区", "代表证号是错误值，请更正后重新上传"),
        ("001,#N/A,城区", "姓名是错误值，请更正后重新上传"),
        ("001,王伟,#ref!", "代表团是错误值，请更正后重新上传"),
        ("001,王伟,城区,,#######", "联系电话是错误值，请更正后重新上传"),
        (
            "001,=B2,城区",
            "姓名是没有结果的公式，请在 Excel 或 WPS 中打开并保存，或粘贴为数值",
        ),
        ("001,王伟,城区,1.5", "序号“1.5”不是整数"),
        ("001,王伟,城区,-1", "序号“-1”不是整数"),
        ("001,王伟,城区,٣", "序号“٣”不是整数"),
        ("001,王伟,城区,1234567", "序号“1234567”不是整数"),
        ("001,王伟,城区,,,,请假", "状态“请假”不是在任、暂停、列席、终止中的一种"),
        ("001,王伟,城区,1,,5排,在任,,多出", "有9格内容，表头只有8列"),
    ],
)
def test_a_cell_that_will_not_do_is_told(line, told):
    parsed = roll(line)

    assert [problem.words for problem in parsed.problems] == [told]
    assert parsed.rows == ()


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("代表证号,姓名,序列", "表头缺少“代表团”列。已识别：代表证号、姓名。"),
        ("姓名,单位", "表头缺少“代表证号”“代表团”列。已识别：姓名。"),
        ("001,王伟,城区", "表头缺少“代表证号”“姓名”“代表团”列。已识别：无。"),
        ("代表证号,姓名,代表团,姓名", "表头有多个“姓名”列，请只保留一个。"),
    ],
)
def test_a_header_that_will_not_do_is_told_before_anything_else(header, told):
    parsed = roll(",,,", "002,,", header=header)

    assert words(parsed) == [told]
    assert parsed.rows == ()


@pytest.mark.parametrize(
    "header",
    [
        "代表证号*,姓名（必填）,代表团＊",
        "*代表证号(必填),1.姓名：,3、代表团（请填写全称）",
        "\ufeff代表证号,姓\u200b名,【必填】代表团",
        "证号,名字,所属代表团",
        "代表证编号,代表姓名,团组",
    ],
)
def test_a_header_with_marks_or_in_other_usual_words_is_understood(header):
    """Case 9."""
    assert only_row("001,王伟,城区", header=header) == RollRow(2, "001", "王伟", "城区")


def test_other_names_of_the_optional_columns_are_understood():
    row = only_row(
        "1,001,王伟,城区,13800138000,5座,列席", header="序,证号,姓名,代表团,手机号码,座次,代表状态"
    )

    assert (row.order, row.phone, row.seat, row.status) == (1, "13800138000", "5座", "observer")


def test_two_columns_that_may_be_the_same_one_are_both_named():
    parsed = roll("001,王伟,城区,1,2", header="代表证号,姓名,代表团,手机,联系方式")

    assert words(parsed) == [
        "表头中“手机”“联系方式”都可以是“联系电话”列，请只保留一个，或给不导入的列换一个名称。"
    ]


@pytest.mark.parametrize(
    "header", ["姓名（拼音）,代表证号,代表团", "姓名,代表证号,选举单位（代表团）"]
)
def test_a_bracket_that_says_more_than_how_to_fill_in_makes_another_column(header):
    assert "表头缺少" in words(roll("王伟,001,城区", header=header))[0]


def test_rows_above_the_header_are_titles_and_said():
    """Case 8."""
    parsed = roll("2026年1月,,", HEADER, "001,王伟,城区", header="义乌市代表名册")

    assert parsed.rows == (only_row("001,王伟,城区", header="\n\n" + HEADER),)
    assert parsed.notes == ("第1、2行在表头之上，未读取。",)


def test_a_title_merged_above_a_header_of_two_rows_is_understood():
    """Case 8."""
    book = book_of(
        [
            ("义乌市代表名册", None, None, None, None),
            ("代表证号", "姓名", "代表团", "联系方式", None),
            (None, None, None, "手机", "邮箱"),
            ("001", "王伟", "城区代表团", "13800138000", "w@example.cn"),
            ("002", "李娜", None, None, None),
            ("第二组", None, None, None, None),
            ("003", "张三", "城南代表团", None, None),
        ]
    )
    sheet = book.worksheets[0]
    for merged in ("A1:E1", "A2:A3", "B2:B3", "C2:C3", "D2:E2", "C4:C5", "A6:E6"):
        sheet.merge_cells(merged)

    parsed = parse(saved(book))

    assert parsed.problems == ()
    assert [(row.line, row.name, row.delegation, row.phone) for row in parsed.rows] == [
        (4, "王伟", "城区代表团", "13800138000"),
        (5, "李娜", "城区代表团", ""),
        (7, "张三", "城南代表团", ""),
    ]
    assert parsed.ignored == ("邮箱",)
    assert parsed.notes[1:] == ("第1行在表头之上，未读取。", "第6行是合并的整行，未读取。")


def test_sums_remarks_and_repeated_headers_below_are_left_out_and_said():
    parsed = roll(
        "001,王伟,城区",
        HEADER,
        "002,李娜,城区",
        "合 计,2,",
        "共2人",
        "注：以上为全体代表",
        "制表人：王",
    )

    assert [row.number for row in parsed.rows] == ["001", "002"]
    assert parsed.notes == (
        "第3行与表头相同，未读取。",
        "第5、6行是合计，未读取。",
        "第7、8行是表格下方的说明，未读取。",
    )


def test_whoever_fills_all_columns_is_no_sum_whatever_he_is_called():
    assert only_row("001,共计,城区").name == "共计"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        *((line, "是合计") for line in (
            "合计,1人,1个团", "总计,350,12", "总 计：,350,12", "总数,2,2", "总人数,350,12",
            "人数合计,2,2", "以上共12人,12,12", "共12人,12,1个团", "合计（人）,12,1",
            "城区代表团小计,12,1", "总计：350人,350,12", "累计,3,3", "总数,2,",
        )),
        *((line, "是表格下方的说明") for line in (
            "填表人：,李四,联系电话：0579", "填表人：李,审核人：王,2026年1月5日", "制表：李,审核,王",
            "审核人（签字）：,李,王", "填表人：李,,王", "负责人签字:,李,王", "日期：,2026年,1月5日",
        )),
        *((line, "只有横线，没有内容") for line in (
            "---,---,---", ":---:,---:,:--", "-,-,-", "————,————,————", "----,,", "/,/,/", "…,…,…",
        )),
    ],
)  # fmt: skip
def test_a_sum_a_signature_or_a_line_that_fills_every_column_is_left_out_and_said(line, why):
    parsed = roll("001,王伟,城区", line)

    assert [row.number for row in parsed.rows] == ["001"]
    assert (parsed.problems, parsed.notes) == ((), (f"第3行{why}，未读取。",))


@pytest.mark.parametrize("table", ["|代表证号|姓名|代表团|\n|---|:---:|---|\n|001|王伟|城区|"])
def test_the_line_below_a_header_in_markdown_is_nobody(table):
    assert [row.name for row in parse(table).rows] == ["王伟"]


@pytest.mark.parametrize("name", ["王小计", "陈共", "总小明", "审核", "日期明", "无尽", "梅-3"])
def test_a_name_with_such_a_word_in_it_stays_somebody(name):
    header = "姓名,代表证号,代表团"

    assert only_row(f"甲{name},001,城区", header=header).name == f"甲{name}"
    assert only_row(f"001,{name},城区").name == name


DATED = "像是被 Excel 改成了日期或科学记数，请将该列设为文本后重新输入"
POINTS = "不能代替内容，请写出与上一行相同的内容"
LEFT_OPEN = "不是具体内容，请补全"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("002,同上,城区", f"姓名“同上”{POINTS}"),
        ("002,李娜,〃", f"代表团“〃”{POINTS}"),
        ('002,李娜,""""', f'代表团“"”{POINTS}'),
        ("002,李娜,同 上", f"代表团“同 上”{POINTS}"),
        ("002,李娜,″", f"代表团“″”{POINTS}"),
        ("002,李娜,城区,,,同上", f"座位“同上”{POINTS}"),
        ("002,暂缺,城区", f"姓名“暂缺”{LEFT_OPEN}"),
        ("002,-,城区", f"姓名“-”{LEFT_OPEN}"),
        ("002,Ｎ/Ａ,城区", f"姓名“Ｎ/Ａ”{LEFT_OPEN}"),
        ("002,李娜,待定", f"代表团“待定”{LEFT_OPEN}"),
        ("待定,李娜,城区", f"代表证号“待定”{LEFT_OPEN}"),
        ("002,45321,城区", "姓名“45321”中没有文字，请核对"),
        ("002,·,城区", "姓名“·”中没有文字，请核对"),
        ("002,TRUE,城区", "姓名“TRUE”是逻辑值（TRUE、FALSE），请将该列设为文本后重新输入"),
        ("FALSE,李娜,城区", "代表证号“FALSE”是逻辑值（TRUE、FALSE），请将该列设为文本后重新输入"),
        ("002,3月5日,城区", f"姓名“3月5日”{DATED}"),
        ("002,1E5,城区", f"姓名“1E5”{DATED}"),
        ("002,李娜,3月1日", f"代表团“3月1日”{DATED}"),
        ("002,李娜,1-Mar", f"代表团“1-Mar”{DATED}"),
        ("002,李娜,12:30", f"代表团“12:30”{DATED}"),
        ("002,李娜,45321", "代表团“45321”像是日期的序列值，请将该列设为文本后重新输入"),
        ("12:30,李娜,城区", f"代表证号“12:30”{DATED}"),
        ("1.0,李娜,城区", "代表证号“1.0”像是被 Excel 改成了小数，请将该列设为文本后重新输入"),
        (
            "330702199001011000,李娜,城区",
            "代表证号“330702199001011000”超过15位，Excel 和 WPS 已将后面的数字改为0，"
            "请将该列设为文本后重新输入",
        ),
        ("002,李娜,城区,,,3月5日", f"座位“3月5日”{DATED}"),
        ("002,李娜,城区,,,5-Mar", f"座位“5-Mar”{DATED}"),
        ("002,李娜,城区,,,1.2E+11", f"座位“1.2E+11”{DATED}"),
        ("002,＃N/A,城区", "姓名是错误值，请更正后重新上传"),
        ("002,李娜,城区,,,＃＃＃", "座位是错误值，请更正后重新上传"),
    ],
)
def test_what_nobody_can_have_meant_is_a_fault_of_its_cell(line, told):
    parsed = roll("001,王伟,城区", line)

    assert [problem.words for problem in parsed.problems] == [told]


@pytest.mark.parametrize("seat", ["3-5", "12:30", "1E5", "0012", "3排5座", "45321", "无"])
def test_a_seat_is_what_it_says(seat):
    assert only_row(f"001,王伟,城区,,,{seat}").seat == seat


@pytest.mark.parametrize(
    "number", ["1E5", "3-5", "1.2", "330702199001011234", "2026-01-02", "甲02"]
)
def test_a_number_is_what_it_says(number):
    assert only_row(f"{number},王伟,城区").number == number


def test_blanks_left_where_delegations_were_merged_are_told_as_such():
    parsed = roll("001,王伟,城区", "002,李娜,", "003,张三,", "004,赵六,城南", "005,钱七,")

    assert {str(fault) for fault in grouped(parsed.problems)} == {
        "第3、4、6行：代表团为空；如原来是合并的单元格，请逐行填写"
    }


def test_a_name_merged_over_two_numbers_is_a_problem():
    book = book_of([("代表证号", "姓名", "代表团"), ("001", "王伟", "城区"), ("002", None, "城区")])
    book.worksheets[0].merge_cells("B2:B3")

    assert words(parse(saved(book))) == [
        "第3行：姓名与上一行同在合并的单元格中，请取消合并，逐行填写"
    ]


typed_texts = st.sampled_from(
    ["同上", "〃", "-", "合计", "TRUE", "3月5日", "12:30", "1E5", "1.0", "=1+1", "'1", "#N/A", "\ufffd",
     "Dec-26", "45321", "１２", "王伟", "3-5", "待定", "填表人：", "---", "共3人", "注：", "@a", "0012"]
) | st.text("王1-:/.'=#E+月日〃", min_size=1, max_size=6)  # fmt: skip


@settings(max_examples=150)
@given(st.lists(st.tuples(*[typed_texts] * 4), min_size=1, max_size=4))
# As a number it is what stands before a signature below a table.
@example([("填表人：", "王伟", "1E5", "3-5")])
def test_whatever_the_form_of_a_delegate_takes_a_table_takes_too(people):
    kept: list[tuple[str, ...]] = []
    for number, name, delegation, seat in people:
        row = (number_of(number), name_of(name), name_of(delegation), "", "", typed(seat), "在任")
        texts_of = zip(("代表证号", "姓名", "代表团", "座位"), (*row[:3], row[5]), strict=True)
        is_new = number_key(row[0]) not in {number_key(each[0]) for each in kept}
        if all(row[:3]) and is_new and not any(fault_of(*each) for each in texts_of):
            kept.append(row)

    parsed = parse(csv_bytes(TEMPLATE_HEADER, kept)) if kept else Parsed()

    assert parsed.problems == ()
    assert [(row.number, row.name, row.delegation, row.seat) for row in parsed.rows] == [
        (*row[:3], row[5]) for row in kept
    ]


def test_a_lone_cell_that_says_nothing_of_itself_is_a_problem_and_not_left_out():
    assert words(roll("004")) == ["第2行：姓名为空", "第2行：代表团为空"]


def test_numbers_that_are_one_to_a_person_are_told_with_both():
    assert words(roll("001,王伟,城区", "１,李娜,城区", "A-01,张三,城区", "a—1,李四,城区")) == [
        "第3行：代表证号“1”与第2行的“001”是同一个",
        "第5行：代表证号“a—1”与第4行的“A-01”是同一个",
    ]


def test_a_hidden_column_that_is_needed_is_named_beside_what_is_missing():
    """Case 7."""
    book = book_of([("代表证号", "姓名", "代表团"), ("001", "王伟", "城区")])
    book.worksheets[0].column_dimensions["A"].hidden = True

    parsed = parse(saved(book))

    assert words(parsed) == ["表头缺少“代表证号”列。已识别：姓名、代表团。"]
    assert parsed.notes == ("A列是隐藏列，未读取。",)


def test_a_cell_that_cannot_be_read_counts_only_in_a_column_that_is_imported():
    """Cases 1 and 4."""
    born = datetime(1970, 1, 2)  # noqa: DTZ001
    book = book_of([("代表证号", "姓名", "代表团", "出生日期"), (1, "王伟", "#REF!", born)])
    book.worksheets[0]["A2"].number_format = '"义"000'

    parsed = parse(saved(book))

    assert words(parsed) == ["第2行：代表团是错误值，请更正后重新上传"]


def test_a_roll_may_be_pasted():
    pasted = "代表证号\t姓名\t代表团\r\n001\t王伟\t城区\r\n002\t\t城区\r\n"

    parsed = parse(pasted)

    assert [row.name for row in parsed.rows] == ["王伟"]
    assert words(parsed) == ["第3行：姓名为空"]


def test_a_cell_is_measured_before_it_is_composed(monkeypatch):
    lengths = lengths_looked_at(monkeypatch)

    parsed = roll(
        f"001,王{MARKS},城区",
        f"002,李,城{MARKS}",
        f"{MARKS},张,城",
        f"004,赵,城区,{MARKS},{MARKS},{MARKS},{MARKS}",
        header=f"{HEADER},{MARKS}",
    )

    assert words(parsed) == [
        "第2行：姓名超过30个字",
        "第3行：代表团超过50个字",
        "第4行：代表证号超过20个字",
        *(f"第5行：{title}" for title in ("序号超过20个字", "联系电话超过30个字")),
        *(f"第5行：{title}" for title in ("座位超过20个字", "状态超过20个字")),
    ]
    assert 0 < max(lengths) < 500


def test_a_header_alone_is_no_roll():
    assert words(roll()) == ["表头之下没有内容。"]


def test_unknown_columns_are_ignored_and_named():
    parsed = roll("001,甲,王伟,,城区,x", header="代表证号,性别,姓名,,代表团,备注")
    unnamed = roll("001,甲,王伟,乙,城区,x", header="代表证号,性别,姓名,,代表团,备注")

    assert parsed.ignored == ("性别", "备注")
    assert unnamed.ignored == ("性别", "第4列", "备注")
    assert parsed.rows == unnamed.rows == (RollRow(2, "001", "王伟", "城区"),)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (f"{HEADER}\n".encode()[:-2] + b"\xff", "文件编码无法识别，请另存为 .xlsx 后再上传。"),
        (
            b"\xd0\xcf\x11\xe0" + bytes(64),
            "不支持 .xls 文件，请在 Excel 或 WPS 中另存为 .xlsx 后再上传。",
        ),
        (b"", "文件中没有内容。"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_problem_of_the_whole_file(content, told):
    assert words(parse(content)) == [told]


def test_one_row_too_many_is_refused_as_a_whole():
    lines = [f"{number:05},王伟,城区" for number in range(10_001)]

    assert len(roll(*lines[:10_000]).rows) == 10_000
    assert words(roll(*lines)) == ["表格超过10000行，请检查后再上传。"]


def test_the_template_is_the_header_alone_and_keeps_leading_zeros():
    content = template_xlsx()

    assert [line.cells for line in read(content).lines] == [TEMPLATE_HEADER]
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    assert {sheet.column_dimensions[name].number_format for name in "ABCDEFGH"} == {"@"}


names = st.text("王伟䶮𠮷㻗李·", min_size=1, max_size=6).filter(lambda name: name.strip("·"))
cells = st.sampled_from(
    ["", " ", "001", "002", "００１", "王伟", "䶮𠮷", "=1+1", "'", "138", "13800138000", "x\u200b"]
)


@given(st.lists(names, min_size=1, max_size=5))
def test_the_same_roll_is_read_from_every_kind_of_file(people):
    table = [[f"{n:03}", name, "城区", None, "", "甲"] for n, name in enumerate(people)]
    plain = "\n".join([HEADER, *(",".join(cell or "" for cell in row) for row in table)])
    expected = parse(plain.encode())

    assert [row.name for row in expected.rows] == people
    assert parse(plain.encode("gb18030")) == expected
    assert parse(csv_bytes(TEMPLATE_HEADER, table)) == expected
    assert parse(xlsx_bytes("代表名册", TEMPLATE_HEADER, table)) == expected


@given(st.lists(st.lists(cells, min_size=3, max_size=9), min_size=1, max_size=8))
def test_no_line_is_dropped_silently(table):
    parsed = parse(csv_bytes(TEMPLATE_HEADER, table))
    filled = {n for n, row in enumerate(table, start=2) if any(cell.strip() for cell in row)}
    as_rows = [row.line for row in parsed.rows]
    as_problems = {problem.line for problem in parsed.problems}

    if filled:
        assert as_problems.isdisjoint(as_rows)
        assert as_problems | set(as_rows) == filled
        assert len(as_rows) == len(set(as_rows))
    else:
        assert as_problems == {0}


@given(st.binary(max_size=200))
def test_random_bytes_end_in_problems_and_never_in_an_error(content):
    parsed = parse(content)

    assert parsed.problems
    assert not parsed.rows
