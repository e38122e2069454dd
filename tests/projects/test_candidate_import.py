"""Candidates from a table: the file by itself, the plan, the act, and the pages around them."""

import hashlib
import random
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from ballots.acts import drafts
from ballots.facts import record
from ballots.refusal import Refused
from projects import candidate_table, importing
from projects.candidate_table import Candidate, Item, Parts, item_of, parts_of
from projects.forms import ROWS
from projects.models import Poll, Project, SubItem, Target
from tests.helpers.desk import confirmation, messages_of, upload
from tests.helpers.factories import (
    make_office,
    make_poll,
    make_project,
    make_scrutineer,
    move_by_force,
)
from tests.helpers.looking import MARKS, lengths_looked_at
from tests.helpers.sheets import book_of, saved
from yiwu_vote import texts
from yiwu_vote.tables.grid import is_error
from yiwu_vote.tables.preview import signed
from yiwu_vote.tables.problems import grouped
from yiwu_vote.tables.sheets import csv_bytes, xlsx_bytes
from yiwu_vote.tables.unmeant import ditto
from yiwu_vote.tables.upload import Parsed

HEADER = (
    "编号,项目名称,建设内容,类别,责任单位,总投资（万元）,本年投资（万元）,资金来源,完成时限,实施范围,"
    "年度目标,子项"
)
SHORT = "编号,项目名称,建设内容"
IMPORT = "admin:projects_project_import"


def parsed(*lines: str, header: str = SHORT) -> Parsed[Candidate]:
    return candidate_table.parse("\n".join([header, *lines]).encode())


def words(found: Parsed[Candidate]) -> list[str]:
    return [str(problem) for problem in found.problems]


def rows_of(*lines: str, header: str = SHORT) -> tuple[Candidate, ...]:
    found = parsed(*lines, header=header)
    assert found.problems == ()
    return found.rows


def written(poll: Poll, rows, **given) -> importing.ImportPlan:
    """Write what was previewed, as somebody of the office."""
    return drafts.import_candidates(poll, rows, by=make_office(), **given)


def brought(poll: Poll, rows) -> importing.ImportPlan:
    """Preview and confirm, as one."""
    plan = importing.plan_import(poll, rows)
    return written(poll, rows, seen=plan.seen, renames=plan.renamed)


def listed(poll: Poll) -> list[tuple[int, str, str]]:
    return list(poll.projects.order_by("number").values_list("number", "title", "text"))


def whole(poll: Poll) -> list[tuple[object, ...]]:
    """Return all that a ballot shows of each candidate, its targets in their parts."""
    columns = ("number", *importing.WORDS, *importing.SUMS)
    return [
        (
            *(getattr(project, column) for column in columns),
            *project.targets.order_by("position").values_list(*Target.SAID),
            *project.sub_items.order_by("position").values_list(*SubItem.SAID),
        )
        for project in poll.projects.order_by("number")
    ]


# --- the file by itself ---------------------------------------------------------------------------


def test_a_whole_line_is_read_into_its_fields():
    line = (
        "7,停车便民,新建停车场。,交通,市城管局,1800,950,市级财政,2026年底,主城区,"
        '新增泊位3000个；新建公园5个,"新建停车楼，1,200万元；改造路内泊位（600万元）；管理平台"'
    )

    assert rows_of(line, header=HEADER) == (
        Candidate(
            line=2,
            number=7,
            title="停车便民",
            text="新建停车场。",
            category="交通",
            lead_unit="市城管局",
            investment="1800",
            investment_this_year="950",
            funding="市级财政",
            deadline="2026年底",
            site="主城区",
            targets=("新增泊位3000个", "新建公园5个"),
            sub_items=("新建停车楼，1,200万元", "改造路内泊位，600万元", "管理平台"),
        ),
    )


def test_two_columns_are_enough_in_any_order_and_the_others_are_left_alone():
    assert rows_of("新建停车场。,停车便民", header="建设内容,项目 名称") == (
        Candidate(line=2, number=0, title="停车便民", text="新建停车场。"),
    )


def test_an_empty_cell_of_a_column_that_is_there_says_that_it_is_empty():
    (row,) = rows_of("1,停车便民,新建停车场。", header=HEADER)

    assert (row.category, row.investment, row.investment_this_year) == ("", "", "")
    assert (row.funding, row.targets, row.sub_items) == ("", (), ())


@pytest.mark.parametrize("bracket", ["总投资(万元)", "总投资 （万元）"])
def test_the_brackets_of_the_header_may_be_of_either_width(bracket):
    (row,) = rows_of("停车,新建。,5", header=f"项目名称,建设内容,{bracket}")

    assert row.investment == "5"


def test_a_sum_without_its_unit_in_the_header_is_not_taken_for_the_sum():
    found = parsed("停车,新建。,5", header="项目名称,建设内容,总投资")

    assert found.ignored == ("总投资",)
    assert found.rows[0].investment is None


@pytest.mark.parametrize(
    ("written", "figure"),
    [
        ("1800", "1800"),
        ('"1,800.50"', "1800.5"),
        ("１８００万元", "1800"),
        ("0", "0"),
        ("9999999999.99", "9999999999.99"),
        ("1.8亿元", "18000"),
        ("2亿", "20000"),
        ("1800万", "1800"),
        ("—", ""),
    ],
)
def test_a_sum_is_read_as_people_write_it(written, figure):
    (row,) = rows_of(f"停车,新建。,{written}", header="项目名称,建设内容,总投资（万元）")

    assert row.investment == figure


@pytest.mark.parametrize(
    "written", ["约2亿", "-5", "1.234", "10000000000", "1e3", "20000000亿元", "五", "500元"]
)
def test_a_sum_that_is_no_sum_is_told(written):
    found = parsed(f"停车,新建。,{written}", header="项目名称,建设内容,总投资（万元）")

    assert words(found) == [
        f"第2行：总投资“{written}”不是以万元计的数（最多10位整数、2位小数，不能为负）"
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("1,,新建。", "项目名称为空"),
        ("1,停车便民,", "建设内容为空"),
        ("一,停车便民,新建。", "编号“一”不是1至32767的整数"),
        ("0,停车便民,新建。", "编号“0”不是1至32767的整数"),
        ("1.5,停车便民,新建。", "编号“1.5”不是1至32767的整数"),
        ("32768,停车便民,新建。", "编号“32768”不是1至32767的整数"),
        (f"1,{'停' * 61},新建。", "项目名称超过60个字"),
        (f"1,停车便民,{'新' * 2001}", "建设内容超过2000个字"),
        ("1,停\ue863车,新建。", "项目名称“停\ufffd车”含有不可见或无法显示的字符"),
        ("1,停车便民,新建。,,,,,,,,,,多", "有13格内容，表头只有12列"),
        (f"1,停车便民,新建。,{'类' * 21}", "类别超过20个字"),
        (f"1,停车便民,新建。,,{'局' * 61}", "责任单位超过60个字"),
        (
            "1,停车便民,新建。,,,,约五",
            "本年投资“约五”不是以万元计的数（最多10位整数、2位小数，不能为负）",
        ),
        (f"1,停车便民,新建。,,,,,{'财' * 101}", "资金来源超过100个字"),
        (f"1,停车便民,新建。,,,,,,{'年' * 31}", "完成时限超过30个字"),
        (f"1,停车便民,新建。,,,,,,,{'区' * 101}", "实施范围超过100个字"),
        (f"1,停车便民,新建。,,,,,,,,新建5个；{'新' * 101}", "年度目标第2条超过100个字"),
        (f"1,停车便民,新建。,,,,,,,,{'新建；' * 21}", "年度目标超过20条"),
        (
            "1,停车便民,新建。,,,,,,,,新\ue863建",
            "年度目标第1条“新\ufffd建”含有不可见或无法显示的字符",
        ),
        (f"1,停车便民,新建。,,,,,,,,,新建，5万元；{'新' * 101}，5万元", "子项第2条超过100个字"),
        (f"1,停车便民,新建。,,,,,,,,,{'新建；' * 21}", "子项超过20条"),
    ],
)
def test_a_cell_that_will_not_do_is_told_with_its_line(line, told):
    found = parsed(line, header=HEADER)

    assert words(found) == [f"第2行：{told}"]
    assert found.rows == ()


def test_numbers_and_titles_that_come_twice_are_told_with_the_first_line():
    found = parsed("1,停车便民,甲。", "01,就餐便民,乙。", "", "3,停车便民,丙。", ",助餐,丁。")

    assert words(found) == ["第3行：编号“1”与第2行重复", "第5行：项目名称“停车便民”与第2行重复"]
    assert [row.line for row in found.rows] == [2, 6]


def test_a_table_that_will_not_do_is_one_problem_of_the_whole_file():
    many = [f"{number},项目{number},新建。" for number in range(1, 102)]

    assert words(parsed("1,停车", header="编号,项目名称")) == [
        "表头缺少“建设内容”列。已识别：编号、项目名称。"
    ]
    assert words(parsed(header=SHORT)) == ["表头之下没有内容。"]
    assert words(parsed(*many)) == ["表格超过100个项目，请检查后再上传。"]
    assert len(rows_of(*many[:100])) == 100
    assert words(candidate_table.parse(b"\xd0\xcf\x11\xe0" + bytes(600))) == [
        "不支持 .xls 文件，请在 Excel 或 WPS 中另存为 .xlsx 后再上传。"
    ]


def test_cells_that_look_like_formulas_stay_the_text_they_are():
    row = ["1", "=1+1", "@SUM(A1)", "+类", "-局", "", "", "=财", "", "", "=新建5个", "=新建"]
    header = HEADER.split(",")

    from_workbook = candidate_table.parse(xlsx_bytes("候选项目", header, [row]))
    from_text = candidate_table.parse(csv_bytes(header, [row]))

    assert from_workbook.rows == from_text.rows
    assert (from_workbook.rows[0].title, from_workbook.rows[0].text) == ("=1+1", "@SUM(A1)")
    assert from_workbook.rows[0].targets == ("=新建5个",)


def test_the_lines_of_a_cell_stay_lines_of_the_text_and_make_targets():
    content = xlsx_bytes(
        "候选项目",
        ["项目名称", "建设内容", "年度目标"],
        [
            [
                "停车",
                "一、新建。\n\n二、 改建。",
                "1. 新建10所。\n2、改建5所；\n（3）培训1.5万人；加强管理",
            ]
        ],
    )

    (row,) = candidate_table.parse(content).rows

    assert row.text == "一、新建。\n二、 改建。"
    assert row.targets == ("新建10所", "改建5所", "培训1.5万人", "加强管理")


@pytest.mark.parametrize(
    ("cell", "targets"),
    [
        ("1、2号泵站改造3座", ["1、2号泵站改造3座"]),
        ("1、2、3号楼加装电梯", ["1、2、3号楼加装电梯"]),
        ("10、11号地块平整", ["10、11号地块平整"]),
        ("3、4季度完工", ["3、4季度完工"]),
        ("1、二号泵站改造；新建5个", ["1、二号泵站改造", "新建5个"]),
        ("（1）号楼改造", ["（1）号楼改造"]),
        ("3#楼改造", ["3#楼改造"]),
        ("1.5万套", ["1.5万套"]),
        ("①号地块", ["①号地块"]),
        (
            "新建5个；1、2号泵站改造；3、4号泵站新建",
            ["新建5个", "1、2号泵站改造", "3、4号泵站新建"],
        ),
        # A list, whatever its lines begin with.
        ("1、2号泵站改造\n2、3号楼改造\n3、新建5个", ["2号泵站改造", "3号楼改造", "新建5个"]),
        ("①2号泵站；②3号泵站", ["2号泵站", "3号泵站"]),
        ("1. 新建10所\n2. 改建5所", ["新建10所", "改建5所"]),
        # Nothing else can be meant.
        ("1、新建10所", ["新建10所"]),
        ("（3）培训1.5万人", ["培训1.5万人"]),
        ("2.改建5所", ["改建5所"]),
    ],
)
def test_only_what_numbers_a_list_is_taken_off_a_target(cell, targets):
    """Case 21."""
    content = xlsx_bytes("表", ["项目名称", "建设内容", "年度目标"], [["停车", "新建。", cell]])

    (row,) = candidate_table.parse(content).rows

    assert row.targets == tuple(targets)


@pytest.mark.parametrize(
    "header",
    [
        "名称,内容,单位,投资（万元）,2026年投资（万元）,资金渠道,完成时间,建设地点,2026年度目标,子项目",
        "*项目,主要内容（必填）,牵头单位：,总投资额（万元）,年度计划投资（万元）,经费来源,时限,范围,"
        "年度目标任务,分项",
        "1.实事项目,2.建设内容及规模,3.责任部门,4.估算投资(万元),5.2026年度计划投资(万元),6.资金来源,"
        "7.完成期限,8.地点,9.目标,10.子项",
    ],
)
def test_the_columns_are_known_by_their_usual_other_names(header):
    """Case 9."""
    cells = "停车,新建。,市城管局,1800,950,市级财政,年底,主城区,新建5个,新建停车楼"
    (row,) = rows_of(cells, header=header)

    assert row == Candidate(
        *(2, 0, "停车", "新建。"),
        lead_unit="市城管局",
        investment="1800",
        investment_this_year="950",
        funding="市级财政",
        deadline="年底",
        site="主城区",
        targets=("新建5个",),
        sub_items=("新建停车楼",),
    )


def test_a_deadline_that_excel_made_a_date_of_is_a_problem_with_the_way_out():
    """Case 1."""
    due = date(2026, 12, 1)
    book = book_of([("项目名称", "建设内容", "完成时限"), ("停车", "新建。", due)])
    book.worksheets[0]["C2"].number_format = 'yyyy"年"m"月"'

    assert words(candidate_table.parse(saved(book))) == [
        "第2行：完成时限是日期或时间，不能确定原来的写法，请将该列设为文本后重新输入"
    ]


def test_a_candidate_that_is_merged_down_several_rows_is_to_be_one_row():
    """Case 8."""
    book = book_of(
        [
            ("编号", "项目名称", "建设内容", "年度目标"),
            (1, "停车", "新建。", "泊位3000个"),
            (None, None, None, "充电桩50个"),
            (None, None, None, "公园5个"),
        ]
    )
    for merged in ("A2:A4", "B2:B4", "C2:C4"):
        book.worksheets[0].merge_cells(merged)

    found = candidate_table.parse(saved(book))

    assert [str(fault) for fault in grouped(found.problems)] == [
        f"第3、4行：{title}与上一行同在合并的单元格中，请将这几行并为一行，格内可以分行"
        for title in ("编号", "项目名称")
    ]


def test_whoever_fills_what_must_be_filled_is_no_sum_and_no_remark_whatever_its_title():
    rows = rows_of("合计十项惠民工程,新建。", "注：停车,新建。", header="项目名称,建设内容")

    assert [row.title for row in rows] == ["合计十项惠民工程", "注：停车"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (",合计,3项", "第3行是合计，未读取。"),
        ("9,总计,共3项", "第3行是合计，未读取。"),
        ("填表人：,李四,联系电话：0579", "第3行是表格下方的说明，未读取。"),
        ("---,---,---", "第3行只有横线，没有内容，未读取。"),
    ],
)
def test_a_sum_a_signature_or_a_line_that_fills_every_column_is_no_candidate(line, said):
    found = parsed("1,停车,新建。", line, header="编号,项目名称,建设内容")

    assert [row.title for row in found.rows] == ["停车"]
    assert (found.problems, found.notes) == ((), (said,))


@pytest.mark.parametrize(
    ("title", "value"),
    [
        *(("项目名称", value) for value in ("3月5日", "5-Mar", "1.2E+11", "TRUE", "同上")),
        *(("项目名称", value) for value in ("-", "待定", "暂缺", "2026年12月")),
        *(("建设内容", value) for value in ("同上", "略", "〃", "FALSE", "3月5日")),
        *(("完成时限", value) for value in ("Dec-26", "46357", "TRUE", "同上", "0:00")),
        *(("责任单位", value) for value in ("同上", "3月5日", "TRUE", "〃")),
        *(("年度目标", value) for value in ("同上", "〃")),
        *(("资金来源", value) for value in ("同上", "3月5日")),
        *(("子项", value) for value in ("同上", "〃")),
    ],
)
def test_what_nobody_can_have_meant_is_a_fault_of_its_cell(title, value):
    cells = {"项目名称": "停车", "建设内容": "新建。", title: value}

    found = parsed(",".join(cells.values()), header=",".join(cells))

    assert len(found.problems) == 1
    assert f"“{value}”" in str(found.problems[0])


@pytest.mark.parametrize(
    ("title", "value"),
    [
        *(
            ("完成时限", value)
            for value in ("2026年12月", "12月31日", "2026/12/31", "3-5", "2026年", "年底")
        ),
        *(
            ("项目名称", value)
            for value in ("3-5", "1E5", "12:30", "2026年12月工程", "总计划展示馆", "审核系统改造")
        ),
        ("责任单位", "119"),
    ],
)
def test_what_may_be_meant_is_taken_as_it_is(title, value):
    cells = {"项目名称": "停车", "建设内容": "新建。", title: value}

    found = parsed(",".join(cells.values()), header=",".join(cells))

    assert (len(found.rows), found.problems) == (1, ())


def test_a_cell_is_measured_before_it_is_composed(monkeypatch):
    lengths = lengths_looked_at(monkeypatch)

    found = parsed(f"{MARKS},停车,新建。", ",".join([""] + [MARKS] * 11), header=HEADER)

    assert len(found.problems) == 12
    assert 0 < max(lengths) < 10_000


def test_titles_that_look_the_same_are_one():
    found = parsed(
        "1,停车便民,甲。", "2,停 车便民\u200b,乙。", "3,停车便民ＡＢ,丙。", "4,停车便民ab,丁。"
    )

    assert words(found) == [
        "第3行：项目名称“停 车便民”与第2行的“停车便民”是同一个",
        "第5行：项目名称“停车便民ab”与第4行的“停车便民ＡＢ”是同一个",
    ]


@pytest.mark.parametrize(
    ("line", "text", "quantity", "unit"),
    [
        ("建设保障性租赁住房1.5万套", "建设保障性租赁住房", "1.5", "万套"),
        ("护理员持证率达70%", "护理员持证率达", "70", "%"),
        ("新建1,000户", "新建", "1000", "户"),
        ("新建 10 所", "新建", "10", "所"),
        ("新增学位9000", "新增学位", "9000", ""),
        ("安置“拆而未安”农户3000户", "安置“拆而未安”农户", "3000", "户"),
        ("为65周岁以上老年人提供名额2万个", "为65周岁以上老年人提供名额", "2", "万个"),
        ("办理时限缩短10日", "办理时限缩短", "10", "日"),
    ],
)
def test_a_target_that_ends_in_a_figure_is_taken_apart(line, text, quantity, unit):
    assert parts_of(line) == Parts(text, Decimal(quantity), unit)


@pytest.mark.parametrize(
    "line",
    [
        "孤独症门诊治疗享受住院医疗保障水平",
        "为65周岁以上老年人免费体检",
        "确保2026年底前完成",
        "PM2.5浓度下降",
        "完成第3期",
        "新建10—20所",
        "新建10至20所",
        "新增1，000户",
        "1.5万套",
        "新建1234567890个",
        "改造0.1234公里",
        "新建5个（含改建）",
        "共5 5个",
        "开通路线007条",
        "改造1、2号泵站",
        "改造3和4号楼",
        "改造2#楼",
        "完成第一、3季度任务",
    ],
)
def test_a_target_without_a_clear_figure_stays_text(line):
    assert parts_of(line) == Parts(line)


@given(st.text("新建率共第年日号万个%0159.,，-—（）A  ", max_size=14))
def test_a_target_put_together_again_reads_as_it_was_written(line):
    parts = parts_of(line)

    def bare(text: str) -> str:
        text = re.sub(r"(?<!\d) | (?!\d)|,", "", text)
        return re.sub(r"\d+\.\d+", lambda match: match[0].rstrip("0").rstrip("."), text)

    assert bare(f"{parts.text}{parts.figure}") == bare(line)


@pytest.mark.parametrize(
    ("line", "text", "sum_"),
    [
        ("新建停车楼，1200万元", "新建停车楼", "1200"),
        ("新建停车楼，投资1,200.50万元", "新建停车楼", "1200.5"),
        ("新建停车楼：1.2亿元", "新建停车楼", "12000"),
        ("新建停车楼 0万元", "新建停车楼", "0"),
        ("新建停车楼(1200万元)", "新建停车楼", "1200"),
        ("改造1、2号泵站，5万元", "改造1、2号泵站", "5"),
        ("改造泊位600个,120万元", "改造泊位600个", "120"),
        ("新建5，1,200万元", "新建5", "1200"),
    ],
)
def test_a_sub_item_whose_sum_stands_apart_is_taken_apart(line, text, sum_):
    item = item_of(line)

    assert item == Item(text, Decimal(sum_))
    assert item_of(item.line) == item


@pytest.mark.parametrize(
    "line",
    [
        "每户补助2万元",
        "新建停车楼1200万元",
        "新建停车楼，约1200万元",
        "新建停车楼，1200元",
        "新建停车楼，1200万",
        "新建停车楼，1.2345678亿元",
        "新建停车楼（1200万元",
        "1200万元",
        "，1200万元",
        "改造5,120万元",
    ],
)
def test_a_sub_item_without_a_clear_sum_stays_text(line):
    """A word may stand before the sum that makes it another: nothing of it is lost as text."""
    assert item_of(line) == Item(line)


@given(st.text("新建改造投资0159.,，：-（）()万亿元  ", max_size=16))
def test_a_sub_item_reads_the_same_however_often_it_goes_out(line):
    line = texts.typed(line)

    assert item_of(item_of(line).line).line == item_of(line).line


@given(st.binary(max_size=200))
def test_random_bytes_end_in_problems_and_never_in_an_error(content):
    assert candidate_table.parse(content).problems or candidate_table.parse(content).rows


# What forms keep: texts in their one normal form, of signs that files, tables and guards trip over.
SIGNS = (
    "停车便民䶮𠮷㻗\U00030edd0123456789０１.,，、；;：:-—=+@'\"#%/&<>_xXeE()（） \t①\u00a0\u3000é"
)
SHAPES = (
    *(
        "0012",
        "1E5",
        "3-5",
        "12:30",
        "2026年12月",
        "=1+1",
        "'001",
        "''",
        "TRUE",
        "1、2号泵站",
        "_x0041_",
    ),
    *(
        "-",
        "合计",
        "注：",
        "330702199001011234",
        "７",
        '="1"',
        "1.",
        "（3）",
        "10、11号地块平整2处",
        "sep=;",
    ),
)


def some_text(rng: random.Random, most: int, *, least: int = 0, column: str = "") -> str:
    """Return what a field of `most` signs may hold after somebody has typed it in the form."""
    while True:
        text = rng.choice(
            (
                rng.choice(SHAPES),
                "".join(rng.choices(SIGNS, k=rng.randint(0, 12))),
                "".join(rng.choices(SIGNS, k=most)) if rng.random() < 0.2 else "停车",
                rng.choice(SHAPES) + rng.choice(SIGNS),
            )
        )
        text = texts.typed(text[:most])
        is_meant = not (column and candidate_table.fault_of(column, text))
        if len(text) >= least and not is_error(text) and is_meant:
            return text


def some_content(rng: random.Random) -> str:
    while True:
        text = "\n".join(some_text(rng, 300, least=1) for _ in range(rng.randint(1, 3)))
        if not candidate_table.fault_of("建设内容", text):
            return text


def some_table(seed: int) -> list[tuple[str, ...]]:
    """Return candidates as they go out: rows of texts, no number and no title twice."""
    rng = random.Random(seed)
    rows: dict[str, tuple[str, ...]] = {}
    for number in rng.sample(range(1, 32768), rng.randint(1, 4)):
        title = some_text(rng, 60, least=1, column="项目名称")
        lines = [some_text(rng, 90, least=1) for _ in range(rng.randint(0, 4))]
        lines = [line for line in lines if not ditto(line)]
        # A semicolon parts targets, and a candidate has twenty at most.
        lines = [line for line in lines if line.count("；") + line.count(";") < 5]
        if rng.random() < 0.4:
            lines = [
                f"{place}、{line}" for place, line in enumerate(lines, start=rng.choice((1, 1, 3)))
            ]
        rows[texts.folded(title)] = (
            str(number),
            title,
            some_content(rng),
            some_text(rng, 20, column="类别"),
            some_text(rng, 60, column="责任单位"),
            *(
                candidate_table.plain(Decimal(rng.randint(0, 10**12 - 1)) / 100)
                if number % divisor
                else ""
                for divisor in (3, 2)
            ),
            some_text(rng, 100, column="资金来源"),
            some_text(rng, 30, column="完成时限"),
            some_text(rng, 100, column="实施范围"),
            "\n".join(lines),
            "\n".join(
                str(SubItem(text=line, investment=rng.choice((None, Decimal("1200.50")))))
                for line in lines
            ),
        )
    return list(rows.values())


def assert_changes_nothing(rows: list[tuple[str, ...]], content: bytes, first: int) -> None:
    """The rows are read as the candidates they were made of, so that a plan finds them unchanged."""
    found = candidate_table.parse(content)
    made = [
        replace(
            candidate_table.candidate_of(
                dict(zip(candidate_table.TEMPLATE_HEADER, row, strict=True))
            ),
            line=line.line,
        )
        for row, line in zip(rows, found.rows, strict=True)
    ]

    assert words(found) == []
    assert [row.line for row in found.rows][:1] == [first]
    assert list(found.rows) == made


@settings(max_examples=1000)
@given(st.integers(0, 2**32))
def test_candidates_that_went_out_come_in_as_they_were(seed):
    """A thousand tables; a workbook takes ten times as long as a text, so that it is one in sixteen."""
    rows = some_table(seed)

    assert_changes_nothing(rows, csv_bytes(candidate_table.TEMPLATE_HEADER, rows), 2)
    if seed % 16 == 0:
        heading = "候选项目　2026年 会议"
        assert_changes_nothing(rows, candidate_table.template_xlsx(rows, heading=heading), 3)


# --- the plan and the act -------------------------------------------------------------------------


@pytest.fixture
def poll(db) -> Poll:
    return make_poll(candidates=2)


def test_numbers_decide_what_is_new_what_is_updated_and_what_stays(poll):
    rows = rows_of("1,候选项目1,建设内容1。", "2,候选项目2,改过。", "5,停车,新建。", ",助餐,新建。")

    plan = importing.plan_import(poll, rows)

    assert [row.number for row in plan.unchanged] == [1]
    assert [row.number for row in plan.updated] == [2]
    assert [row.number for row in plan.new] == [5, 6]
    assert plan.problems == ()
    assert [title for _number, title, _text in listed(poll)] == ["候选项目1", "候选项目2"]


def test_an_import_writes_what_its_plan_says(poll):
    brought(poll, rows_of("2,候选项目2,改过。", ",停车,新建。", ",助餐,配送。"))

    assert listed(poll) == [
        (1, "候选项目1", "建设内容1。"),
        (2, "候选项目2", "改过。"),
        (3, "停车", "新建。"),
        (4, "助餐", "配送。"),
    ]


def test_columns_that_the_file_lacks_keep_what_is_there_and_empty_cells_do_not(poll):
    Project.objects.filter(poll=poll).update(category="交通", investment=5)

    brought(poll, rows_of("1,候选项目1,改过。,,", header=f"{SHORT},类别,年度目标"))

    project = poll.projects.get(number=1)
    assert (project.category, project.investment) == ("", 5)
    assert not project.targets.exists()
    assert poll.projects.get(number=2).targets.count() == 1


def test_a_target_that_reads_the_same_keeps_the_parts_somebody_gave_it(poll):
    project = poll.projects.get(number=1)
    project.targets.all().delete()
    Target.objects.create(project=project, position=3, text="慰问", quantity=65, unit="岁以上老人")

    brought(poll, rows_of("1,候选项目1,改过。,慰问65岁以上老人", header=f"{SHORT},年度目标"))

    target = project.targets.get()
    assert (target.text, target.quantity, target.unit) == ("慰问", 65, "岁以上老人")


def test_a_sub_item_that_reads_the_same_keeps_the_parts_somebody_gave_it(poll):
    project = poll.projects.get(number=1)
    SubItem.objects.create(project=project, position=3, text="每户补助，2万元")

    brought(poll, rows_of('1,候选项目1,改过。,"每户补助，2万元"', header=f"{SHORT},子项"))

    part = project.sub_items.get()
    assert (part.position, part.text, part.investment) == (3, "每户补助，2万元", None)


@pytest.mark.parametrize("there", [{"investment": 100}, {}])
def test_more_this_year_than_in_all_is_a_problem_of_its_row(poll, there):
    """Also where one of the two sums is not in the table, and stays."""
    Project.objects.filter(poll=poll, number=1).update(**there)
    header = f"{SHORT},本年投资（万元）" + ("" if there else ",总投资（万元）")
    row = "1,候选项目1,建设内容1。,100.01" + ("" if there else ",100")

    plan = importing.plan_import(poll, rows_of(row, header=header))

    assert [str(problem) for problem in plan.problems] == ["第2行：本年投资多于总投资"]
    assert (
        importing.plan_import(poll, rows_of(row.replace(".01", ""), header=header)).problems == ()
    )


def test_two_candidates_may_change_titles_with_each_other(poll):
    brought(poll, rows_of("1,候选项目2,甲。", "2,候选项目1,乙。"))

    assert listed(poll) == [(1, "候选项目2", "甲。"), (2, "候选项目1", "乙。")]


# --- who is who (case 19) -------------------------------------------------------------------------


def test_a_title_under_another_number_takes_along_all_that_belongs_to_it(poll):
    """Case 19: 甲 and 乙 exchange numbers; the columns that the file lacks go with them."""
    first, second = poll.projects.order_by("number")
    Project.objects.filter(pk=first.pk).update(lead_unit="甲局", investment=5, site="城东")
    before = whole(poll)

    rows = rows_of("2,候选项目1,建设内容1。", "1,候选项目2,建设内容2。")
    plan = importing.plan_import(poll, rows)
    brought(poll, rows)

    assert (plan.moved, plan.renamed) == ({1: 2, 2: 1}, frozenset())
    assert [row[1:] for row in whole(poll)] == [before[1][1:], before[0][1:]]
    assert poll.projects.get(number=2).pk == first.pk
    assert poll.projects.get(number=1).targets.get().project_id == second.pk


def test_three_in_a_circle_and_a_new_one_before_them_all_find_their_numbers(poll):
    make_project(poll, 3)
    names = "4,候选项目1,建设内容1。", "2,候选项目3,建设内容3。", "3,候选项目2,建设内容2。"

    brought(poll, rows_of("1,停车,新建。", *names))

    assert [title for _number, title, _text in listed(poll)] == [
        *("停车", "候选项目3", "候选项目2", "候选项目1"),
    ]
    assert [project.targets.count() for project in poll.projects.order_by("number")] == [0, 1, 1, 1]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        # Titles exchanged, texts not: whose number, targets and unit are whose?
        (
            ("1,候选项目2,建设内容1。", "2,候选项目1,建设内容2。"),
            "名称是第2项的，建设内容是第1项的",
        ),
        (
            ("1,候选项目1,建设内容2。", "2,候选项目2,建设内容1。"),
            "名称是第1项的，建设内容是第2项的",
        ),
        (("1,候选项目2,改过。",), "编号1现在是“候选项目1”"),
        (("7,全新名称,建设内容2。",), "建设内容与第2项“候选项目2”相同"),
        (("1,全新名称,建设内容2。",), "建设内容与第2项“候选项目2”相同"),
    ],
)
def test_what_is_not_certain_is_a_problem_of_its_row(poll, rows, told):
    """Case 19: refused where it is not certain which project is meant."""
    plan = importing.plan_import(poll, rows_of(*rows))

    assert told in str(plan.problems[0])
    with pytest.raises(Refused) as refusal:
        written(poll, rows_of(*rows), seen=plan.seen, renames=plan.renamed)
    assert refusal.value.code == "problems"


def test_another_title_under_a_number_is_a_rename_that_somebody_has_to_tick(poll):
    rows = rows_of("2,全新名称,建设内容2。")
    plan = importing.plan_import(poll, rows)
    assert plan.renamed == {2}

    written(poll, rows, seen=plan.seen, renames=[2])
    assert poll.projects.get(number=2).title == "全新名称"
    assert poll.projects.get(number=2).targets.count() == 1


def test_a_rename_without_a_tick_leaves_its_row_out_and_says_so(desk, poll):
    """Class of case 19, as the roll does it: what was pasted is not thrown away for one tick."""
    make_project(poll, 3)
    preview = upload_candidates(
        desk,
        poll,
        "1,全新名称,建设内容1。",
        "2,又一名称,建设内容2。",
        "3,候选项目3,改过。",
        "7,停车,新建。",
    )
    assert "没有勾选的，该行不导入" in preview.text

    done = desk.post(reverse(IMPORT), confirmation(preview) | {"renames": ["2"]}, follow=True)

    assert [(number, title) for number, title, _text in listed(poll)] == [
        (1, "候选项目1"), (2, "又一名称"), (3, "候选项目3"), (7, "停车"),
    ]  # fmt: skip
    assert poll.projects.get(number=3).text == "改过。"
    assert messages_of(done) == [
        "已导入3项：新增1项，更新2项。",
        "更名没有勾选，以下各行没有导入：第1项“候选项目1”更名为“全新名称”。",
    ]
    entry = poll.journal.get()
    assert entry.data["renamed"] == [2]
    assert entry.data["candidates"] == {"new": 1, "changed": 2, "same": 0}


def test_a_table_without_numbers_is_about_the_candidates_that_its_titles_name(poll):
    """The title is what a candidate is told by, and 编号 may be left out."""
    before = listed(poll)
    rows = rows_of("停车,新建。", "候选项目2,改过。", header="项目名称,建设内容")

    plan = brought(poll, rows)

    assert (len(plan.new), len(plan.updated), plan.renamed) == (1, 1, frozenset())
    assert listed(poll) == [before[0], (2, "候选项目2", "改过。"), (3, "停车", "新建。")]
    again = importing.plan_import(poll, rows)
    assert (again.new, again.updated, again.problems) == ((), (), ())


def test_a_preview_shows_old_and_new_asks_for_renames_and_names_whom_it_leaves_alone(desk, poll):
    """Case 19."""
    make_project(poll, 3)

    said = upload_candidates(
        desk,
        poll,
        "1,全新名称,建设内容1。",
        '3,候选项目3,改过。,950,市级财政,"新建停车楼，1200万元"',
        header=f"{SHORT},本年投资（万元）,资金来源,子项",
    ).text

    assert "第1项“候选项目1”更名为“全新名称”" in said
    assert "<del>建设内容3。</del>" in said
    assert "<ins>改过。</ins>" in said
    for change in (
        "本年投资（万元）：（空） → <ins>950</ins>",
        "资金来源：（空） → <ins>市级财政</ins>",
        "子项：（空） → <ins>新建停车楼，1,200万元</ins>",
    ):
        assert change in " ".join(said.split())
    assert "表格中没有的1项，导入后不变：2. 候选项目2。" in said


def test_an_import_is_on_the_record_of_its_poll_with_the_digest_of_its_file(desk, poll):
    lines = ("2,候选项目1,建设内容1。", "1,候选项目2,改过。", "7,停车,新建。")
    preview = upload_candidates(desk, poll, *lines)

    desk.post(reverse(IMPORT), confirmation(preview))

    entry = poll.journal.get()
    content = "\r\n".join([SHORT, *lines]).encode()
    assert entry.kind == "candidates-imported"
    assert entry.data == {
        "file": hashlib.sha256(content).hexdigest(),
        "candidates": {"new": 1, "changed": 2, "same": 0},
        "moved": [[1, 2], [2, 1]],
        "renamed": [],
    }
    assert record.in_words(entry).endswith("；新增1项，更新2项，不变0项；编号：1→2、2→1")


def test_a_title_whose_number_another_row_takes_stops_the_whole_import(poll):
    rows = rows_of("2,停车,新建。", ",候选项目2,新建。")
    plan = importing.plan_import(poll, rows)

    with pytest.raises(Refused) as refusal:
        written(poll, rows, seen=plan.seen)

    assert [str(problem) for problem in plan.problems] == [
        "第3行：已有同名的第2项，请填写其编号，或更改名称"
    ]
    assert refusal.value.code == "problems"
    assert poll.projects.count() == 2


def test_a_number_after_the_last_possible_one_is_a_problem(poll):
    rows = rows_of("32767,停车,新建。", ",助餐,新建。")

    assert [problem.line for problem in importing.plan_import(poll, rows).problems] == [3]


def test_only_a_poll_in_draft_takes_candidates(poll):
    rows = rows_of("7,停车,新建。")
    seen = importing.plan_import(poll, rows).seen
    Poll.objects.filter(pk=poll.pk).update(delegates_total=3)
    move_by_force(poll, Poll.Phase.OPEN)

    with pytest.raises(Refused) as refusal:
        written(poll, rows, seen=seen)

    assert refusal.value.code == "not-draft"
    assert poll.projects.count() == 2


def test_candidates_that_changed_after_the_preview_are_not_overwritten(poll):
    rows = rows_of("3,停车,新建。")
    seen = importing.plan_import(poll, rows).seen
    make_project(poll, 3)

    with pytest.raises(Refused) as refusal:
        written(poll, rows, seen=seen)

    assert refusal.value.code == "changed"
    assert poll.projects.get(number=3).title == "候选项目3"


def test_a_preview_of_one_poll_confirms_nothing_for_another(poll):
    rows = rows_of("3,停车,新建。")
    other = make_poll(candidates=2)

    with pytest.raises(Refused) as refusal:
        written(other, rows, seen=importing.plan_import(poll, rows).seen)

    assert refusal.value.code == "changed"


def test_a_candidate_saved_past_the_lock_stops_the_whole_import(poll, monkeypatch):
    rows = rows_of("3,停车,新建。", "4,候选项目1,新建。")
    plan = importing.plan_import(poll, rows)
    # As if 候选项目1 had been saved between the look and the write.
    blind = importing.ImportPlan(rows, (), (), (), plan.seen)
    monkeypatch.setattr(importing, "plan_import", lambda poll, rows: blind)

    with pytest.raises(Refused) as refusal:
        written(poll, rows, seen=plan.seen)

    assert refusal.value.code == "changed"
    assert poll.projects.count() == 2


@pytest.mark.django_db
def test_the_eight_candidates_survive_the_way_out_and_in_again():
    call_command("loaddata", "yiwu-2024", verbosity=0)
    shipped = Poll.objects.get()
    content = candidate_table.template_xlsx(importing.cells_of(shipped))
    fresh = make_poll(candidates=0)
    rows = candidate_table.parse(content).rows

    brought(fresh, rows)

    assert len(whole(fresh)) == 8
    assert whole(fresh) == whole(shipped)
    assert len(importing.plan_import(shipped, rows).unchanged) == 8


def test_an_untouched_table_changes_nothing_however_its_candidates_were_typed(poll):
    project = poll.projects.get(number=1)
    Project.objects.filter(pk=project.pk).update(
        title="停车 便民",
        text="一、新建。\r\n\r\n二、改建。",
        investment=Decimal("1800.50"),
        investment_this_year=Decimal("950.00"),
        funding="市级财政 950万元",
    )
    SubItem.objects.create(project=project, position=2, text="1、建成", investment=Decimal("1200"))
    SubItem.objects.create(project=project, position=5, text="每户补助，2万元")
    Target.objects.create(project=project, position=7, text="1、建成；改建。")

    rows = candidate_table.parse(candidate_table.template_xlsx(importing.cells_of(poll))).rows

    assert len(importing.plan_import(poll, rows).unchanged) == 2


# --- the pages ------------------------------------------------------------------------------------


@pytest.fixture
def desk(db, client) -> Client:
    """The browser of a member of the secretariat."""
    client.force_login(make_office())
    return client


def upload_candidates(desk: Client, poll: Poll, *lines: str, header: str = SHORT):
    return upload(desk, reverse(IMPORT), header, *lines, poll=poll.pk)


def test_an_upload_is_previewed_and_written_only_when_confirmed(desk, poll):
    preview = upload_candidates(
        desk,
        poll,
        "1,候选项目1,改过。,新建3所",
        ",停车,新建。,泊位1.5万个",
        header=f"{SHORT},年度目标",
    )
    before = listed(poll)
    done = desk.post(reverse(IMPORT), confirmation(preview), follow=True)

    assert "将新增1项，更新1项，不变0项，错误0行。" in preview.text
    assert "导入2行" in preview.text
    assert "泊位<strong>1.5万个</strong>" in preview.text
    assert before == [(1, "候选项目1", "建设内容1。"), (2, "候选项目2", "建设内容2。")]
    assert listed(poll)[0] == (1, "候选项目1", "改过。")
    assert listed(poll)[2] == (3, "停车", "新建。")
    assert str(Target.objects.get(project__number=3)) == "泊位1.5万个"
    assert messages_of(done) == ["已导入2项：新增1项，更新1项。"]
    assert done.redirect_chain[0][0].endswith(f"?poll__id__exact={poll.pk}")
    assert LogEntry.objects.filter(change_message="从表格导入。").count() == 2


def test_a_pasted_table_is_previewed_like_a_file(desk, poll):
    pasted = '项目名称\t建设内容\t年度目标\r\n停车\t"一、新建。\r\n二、改建。"\t泊位1.5万个\r\n'

    preview = desk.post(reverse(IMPORT), {"poll": poll.pk, "pasted": pasted})
    desk.post(reverse(IMPORT), confirmation(preview))

    assert listed(poll)[2] == (3, "停车", "一、新建。\n二、改建。")


def test_faults_turn_the_import_off_and_can_be_downloaded(desk, poll):
    preview = upload_candidates(
        desk, poll, "1,,新建。", "x,停车,新建。", ",候选项目2,新建。", "2,助餐,配送。"
    )
    errors = preview.context["errors"]["problems"].value()
    listing = desk.post(reverse("admin:projects_project_import-errors"), {"problems": errors})

    assert "错误3行" in preview.text
    assert "第2行：项目名称为空" in preview.text
    assert "请更正后重新上传。" in preview.text
    assert 'name="rows"' not in preview.text
    assert listing.content.decode("utf-8-sig").splitlines() == [
        "行,错误",
        "2,第2行：项目名称为空",
        "3,第3行：编号“x”不是1至32767的整数",
        "4,第4行：已有同名的第2项，请填写其编号，或更改名称",
    ]
    assert "filename*=UTF-8''" in listing.headers["Content-Disposition"]


def test_unknown_columns_are_named_in_the_preview(desk, poll):
    preview = upload_candidates(
        desk, poll, "7,停车,新建。,红,交通,1800", header=f"{SHORT},颜色,类别,总投资（万元）"
    )

    assert "以下各列不导入：颜色。" in preview.text
    assert "交通 · 总投资1800万元" in preview.text


def test_the_newest_draft_is_offered_unless_the_address_names_another(desk, poll):
    newest = make_poll(candidates=0)
    opened = make_poll(candidates=1, delegates_total=3)
    move_by_force(opened, Poll.Phase.OPEN)

    page = desk.get(reverse(IMPORT))
    asked = desk.get(reverse(IMPORT), {"poll": poll.pk})

    [form] = page.context["forms"]
    assert form["poll"].value() == newest.pk
    assert list(form.fields["poll"].queryset) == [newest, poll]
    assert asked.context["forms"][0]["poll"].value() == poll.pk


def test_an_opened_poll_is_refused_at_the_upload_and_at_the_confirmation(desk):
    poll = make_poll(candidates=1, delegates_total=3)
    make_poll(candidates=0)
    preview = upload_candidates(desk, poll, "7,停车,新建。")
    move_by_force(poll, Poll.Phase.OPEN)

    late = upload_candidates(desk, poll, "7,停车,新建。")
    confirmed = desk.post(reverse(IMPORT), confirmation(preview))

    assert "投票已经开始，候选项目不能再修改。" in late.text
    assert messages_of(confirmed) == ["没有导入：投票已经开始，候选项目不能再修改。"]
    assert poll.projects.count() == 1


def test_without_a_draft_the_page_says_what_to_do(desk):
    page = desk.get(reverse(IMPORT))

    assert "没有尚未开始投票的票决，不能导入。请先新增票决。" in page.text
    assert 'type="file"' not in page.text


def test_a_preview_that_was_tampered_with_or_is_too_old_writes_nothing(desk, poll, time_machine):
    time_machine.move_to("2026-01-18 09:00:00+08:00")
    desk.force_login(User.objects.get())
    rows = [Candidate(2, 7, "停车", "新建。")]
    seen = importing.plan_import(poll, rows).seen
    sent = {"poll": poll.pk, "seen": seen, "rows": signed(rows, ROWS)}

    tampered = desk.post(reverse(IMPORT), sent | {"rows": sent["rows"][:-1] + "x"})
    time_machine.move_to("2026-01-18 10:30:00+08:00")
    # As if somebody had used another page in the meantime.
    desk.logout()
    desk.force_login(User.objects.get())
    late = desk.post(reverse(IMPORT), sent)

    assert messages_of(tampered) == messages_of(late) == ["预览已过期，请重新上传。"]
    assert poll.projects.count() == 2


def test_the_template_is_empty_or_holds_the_candidates_of_a_draft(desk, poll):
    address = reverse("admin:projects_project_template")

    empty = desk.get(address)
    filled = desk.get(address, {"poll": poll.pk})

    assert words(candidate_table.parse(empty.content)) == ["表头之下没有内容。"]
    assert [row.title for row in candidate_table.parse(filled.content).rows] == [
        "候选项目1",
        "候选项目2",
    ]
    assert f"{address}?poll={poll.pk}" in desk.get(reverse(IMPORT)).text


@pytest.mark.parametrize("make", [make_scrutineer, lambda: User.objects.create_superuser("root")])
def test_only_the_office_imports(client, poll, make):
    client.force_login(make())
    rows = [Candidate(2, 7, "停车", "新建。")]
    sent = {
        "poll": poll.pk,
        "seen": importing.plan_import(poll, rows).seen,
        "rows": signed(rows, ROWS),
    }

    statuses = [
        client.get(reverse(IMPORT)).status_code,
        client.post(reverse(IMPORT), sent).status_code,
        client.get(reverse("admin:projects_project_template")).status_code,
    ]
    listing = client.get(reverse("admin:projects_project_changelist"))

    assert statuses == [403, 403, 403]
    assert poll.projects.count() == 2
    assert reverse(IMPORT) not in listing.text


def test_a_list_without_candidates_says_how_they_come_in(desk):
    listing = desk.get(reverse("admin:projects_project_changelist"))

    assert "还没有候选项目。可逐个新增，或从表格导入。" in listing.text
    assert f"{reverse(IMPORT)}?poll=" in listing.text
    assert f"{reverse('admin:projects_project_add')}?poll=" in listing.text


def test_a_poll_without_candidates_says_so_beside_another_that_has_some(desk, poll):
    address = reverse("admin:projects_project_changelist")
    bare = make_poll(candidates=0)

    listing = desk.get(address, {"poll__id__exact": bare.pk})

    assert "还没有候选项目。可逐个新增，或从表格导入。" in listing.text
    assert f"{reverse(IMPORT)}?poll={bare.pk}" in listing.text


def test_a_list_that_finds_nothing_says_what_was_looked_for(desk, poll):
    address = reverse("admin:projects_project_changelist")

    assert "没有找到“地铁”。" in desk.get(address, {"q": "地铁"}).text
    assert "没有符合条件的项目。" in desk.get(address, {"category": "交通"}).text
    both = {"category": "交通", "poll__id__exact": poll.pk}
    assert "没有符合条件的项目。" in desk.get(address, both).text
    assert "候选项目2" in desk.get(address).text
    assert "还没有候选项目" not in desk.get(address).text
