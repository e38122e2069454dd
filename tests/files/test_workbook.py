"""The workbook of a count: the same rows as the CSV files, on paper too."""

import io
from datetime import datetime
from decimal import Decimal
from typing import Any

import openpyxl
import pytest

from ballots import journal
from ballots.acts import lifecycle
from ballots.files import papers, tables
from ballots.files.workbook import workbook
from ballots.models import RollEntry
from ballots.refusal import Refused
from projects.models import Poll
from tests.helpers.factories import Stage
from tests.helpers.small_vote import Export, confirm, count, lines_of, make_opened, make_tied
from yiwu_vote.tables import sheets

pytestmark = pytest.mark.django_db

SAME: dict[str, Export] = {
    "结果": tables.result_csv,
    "汇总": tables.summary_csv,
    "推荐": tables.write_ins_csv,
    "到会": tables.turnout_csv,
}


@pytest.fixture
def counted() -> Stage:
    return count(make_opened())


def book(stage: Stage) -> Any:
    return openpyxl.load_workbook(io.BytesIO(workbook(stage.poll).content))


def as_seen(cell: Any) -> str:
    """Return what stands in a cell as it is shown."""
    value = cell.value
    if isinstance(value, datetime):
        assert cell.number_format == "yyyy-mm-dd hh:mm"
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, int | float) and cell.number_format.startswith("0."):
        return f"{Decimal(str(value)):.{len(cell.number_format) - 2}f}"
    return "" if value is None else str(value)


def rows_of(sheet: Any) -> list[list[str]]:
    """Return the header and the rows below the two first lines."""
    return [[as_seen(cell) for cell in row] for row in sheet.iter_rows(min_row=3)]


@pytest.mark.parametrize("make", [lambda: count(make_opened()), make_tied], ids=["few", "tied"])
def test_each_sheet_reads_back_as_its_csv_file(make):
    stage = make()
    found = book(stage)

    for name, export in SAME.items():
        as_csv = [[sheets.unguarded(cell) for cell in row] for row in lines_of(export, stage)]
        assert len(as_csv) > 2
        assert rows_of(found[name]) == as_csv


def test_a_poll_that_asks_of_each_item_has_its_columns_too():
    stage = count(make_opened(form="each", majority="none"))

    assert "反对票数" in rows_of(book(stage)["结果"])[0]


def test_there_are_five_sheets_and_texts_and_figures_are_what_they_are(counted):
    found = book(counted)

    assert found.sheetnames == ["结果", "汇总", "推荐", "到会", "核对"]
    formula = next(cell for cell in found["推荐"]["B"] if str(cell.value).startswith("=cmd"))
    assert (formula.data_type, formula.quotePrefix) == ("s", True)
    assert [found["结果"].cell(4, place).data_type for place in (1, 3, 4, 8)] == list("nnsn")


def test_the_checks_are_those_of_the_report_and_the_numbers_those_on_record(counted):
    report: dict[str, Any] = papers.report(counted.poll)
    rows = dict(rows_of(book(counted)["核对"])[1:])

    checks = [*report["checked"]["people"], *report["checked"]["system"]]
    assert [rows.pop(check["words"]) for check in checks] == ["相符"] * len(checks)
    assert rows == {
        "各票所选项数之和": str(report["figures"]["marks"]),
        "并入后重复": str(report["figures"]["doubles"]),
        "不予计票": str(report["figures"]["refused"]),
        "开始投票核对码": report["opening_digest"],
        "数据校验码": report["result"].digest,
        "制表时的操作记录核对号": journal.head(counted.poll),
    }


def test_every_sheet_says_of_which_vote_and_round_it_is_and_in_which_state(counted):
    before, after = book(counted), book(confirm(counted))

    for name in before.sheetnames:
        assert before[name]["A1"].value == f"{Poll.objects.get()}　{name}"
        assert before[name]["A2"].value.startswith("首次票决　演练，不计票　未复核　")
        assert "未复核" in before[name].oddHeader.right.text
        assert "未复核" not in after[name]["A2"].value + after[name].oddHeader.right.text


def test_every_sheet_is_printed_on_a4_as_wide_as_the_page_with_its_head_on_each(counted):
    for sheet in book(counted):
        assert sheet.page_setup.paperSize == int(sheet.PAPERSIZE_A4)
        assert (sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (1, 0)
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.print_title_rows == "$1:$3"
        assert sheet.freeze_panes == "A4"
        assert sheet.oddFooter.right.text == "&A　&P / &N"


def test_a_meeting_with_a_sign_of_the_margins_is_printed_as_it_is_called():
    stage = count(make_opened(meeting="甲&B乙"))

    for sheet in book(stage):
        assert "甲&&B乙" in sheet.oddFooter.left.text
        assert "甲&B乙" in sheet["A1"].value


def test_no_delegate_stands_in_it_and_no_delegation_beside_a_choice(counted):
    found = book(counted)
    text = {name: str(rows_of(found[name])) for name in found.sheetnames}

    for entry in RollEntry.objects.all():
        assert not any(entry.name in words for words in text.values())
        assert entry.delegation in text["到会"]
        assert not any(entry.delegation in text[name] for name in text if name != "到会")
    assert "候选项目" not in text["到会"]


@pytest.mark.parametrize("code", ["not-counted", "void"])
def test_there_is_none_while_there_is_no_result(counted, code):
    if code == "void":
        lifecycle.void_poll(
            counted.poll, reason="有误", by=counted.office, second=counted.scrutineer
        )
    else:
        lifecycle.send_back(counted.poll, reason="有误", by=counted.scrutineer)

    with pytest.raises(Refused) as refusal:
        workbook(counted.poll)

    assert refusal.value.code == code


def test_its_name_says_what_it_is(counted):
    file = workbook(counted.poll)

    assert file.chinese_name.startswith("演练_2026年民生实事项目票决_结果工作簿_")
    assert file.ascii_name.startswith("rehearsal_yiwu-2026-workbook-")
    assert file.chinese_name.endswith(".xlsx")
