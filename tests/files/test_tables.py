"""The files of the office: what stands in them, when, and what never does."""

import io
import re
from datetime import UTC, datetime
from typing import Any

import openpyxl
import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import transaction
from django.urls import reverse

from ballots import journal
from ballots.acts import canvass, cards, drafts, lifecycle, roll
from ballots.facts import record
from ballots.files import package, papers, tables
from ballots.models import Delegate, JournalEntry, Result
from ballots.pure.rules import Selection
from ballots.refusal import Refused
from projects.models import Poll
from tests.helpers.desk import desk_of
from tests.helpers.factories import (
    Stage,
    make_delegates,
    make_stage,
    move_by_force,
    second_stage,
    selection,
)
from tests.helpers.small_vote import (
    Export,
    confirm,
    count,
    decide,
    lines_of,
    make_opened,
    make_tied,
    run_off,
    table,
)
from yiwu_vote.tables import sheets

pytestmark = pytest.mark.django_db

COUNTED: list[Export] = [tables.result_csv, tables.summary_csv, tables.write_ins_csv]
ALWAYS: list[Export] = [tables.turnout_csv, tables.journal_csv]
EVERY = [*COUNTED, *ALWAYS, tables.receipts_csv]
RESULT_HEADER = (
    "名次,是否并列,项目编号,项目名称,类别,来源（候选/推荐）,责任单位,得票数,得票率(%),占全体代表(%),"
    "是否过半数,结果,备注"
)


def pairs(stage: Stage) -> dict[str, str]:
    return {row["项目"]: row["数值"] for row in table(tables.summary_csv, stage)}


@pytest.fixture
def counted() -> Stage:
    return count(make_opened())


def remarks_by_item(stage: Stage) -> dict[str, str]:
    rows = table(tables.result_csv, stage)
    return {row["项目编号"]: row["备注"].removesuffix("演练，不计票") for row in rows}


# --- 结果 -----------------------------------------------------------------------------------------


def test_the_result_has_its_columns_and_a_row_for_each_item(counted):
    header, *rows = lines_of(tables.result_csv, counted)

    assert ",".join(header) == RESULT_HEADER
    assert [row[:3] for row in rows] == [
        ["1", "否", "1"],
        ["2", "是", "2"],
        ["2", "是", "3"],
        ["2", "是", "推1"],
        ["2", "是", "推2"],
        ["6", "是", "4"],
        ["6", "是", "5"],
    ]


def test_a_row_says_votes_shares_majority_and_outcome(counted):
    first, second, *_rest = table(tables.result_csv, counted)

    assert first | {"备注": ""} == {
        "名次": "1",
        "是否并列": "否",
        "项目编号": "1",
        "项目名称": "候选项目1",
        "类别": "",
        "来源（候选/推荐）": "候选",
        "责任单位": "",
        "得票数": "5",
        "得票率(%)": "83.3",
        "占全体代表(%)": "62.5",
        "是否过半数": "是",
        "结果": "通过",
        "备注": "",
    }
    assert (second["是否过半数"], second["结果"]) == ("否", "未通过")


def test_a_tie_across_the_last_place_is_pending():
    stage = count(make_opened(majority="none", places=2))

    tied = [row for row in table(tables.result_csv, stage) if row["名次"] == "2"]

    assert {row["结果"] for row in tied} == {"得票相同，待定"}
    assert {row["是否过半数"] for row in tied} == {"不要求"}


def test_before_a_tie_is_settled_nothing_is_said_of_how():
    said = remarks_by_item(make_tied())

    assert {said[key] for key in ("2", "3", "推1", "推2")} == {""}


def test_a_tie_that_is_left_open_at_the_publication_says_so():
    stage = make_tied()
    lifecycle.publish_result(stage.poll, by=stage.office, leave_open=True)

    assert remarks_by_item(stage)["2"] == "得票相同，未确定；"


def test_an_item_says_what_it_is_short_of(counted):
    assert remarks_by_item(counted)["2"].startswith("未过半数；")


def test_an_item_without_a_vote_says_so_where_one_is_enough():
    assert remarks_by_item(make_tied())["4"] == "未得票；"


def test_an_item_that_was_level_again_says_that_the_meeting_settled_it():
    stage = make_tied()
    second = second_stage(stage, drafts.run_off(stage.poll, by=stage.office))
    second.cast(0, selection(2))
    second.cast(1, selection(3))
    second.close()
    second.open_box()
    confirm(count(second))
    decide(second, "3")
    lifecycle.publish_result(second.poll, by=second.office, at_once=True)

    said = remarks_by_item(stage)

    assert (said["2"], said["3"]) == ("经会议决定未确定；", "经会议决定确定；")
    assert (said["推1"], said["推2"]) == ("经再次票决未通过；", "经再次票决未通过；")
    assert pairs(stage)["会议决定"] == "主席团决定选取第3项。"


def test_the_second_round_says_which_proposal_of_the_first_an_item_was():
    stage = make_tied()
    second = second_stage(stage, drafts.run_off(stage.poll, by=stage.office))
    second.close()
    second.open_box()

    rows = table(tables.result_csv, count(second))

    assert [row["来源（候选/推荐）"] for row in rows] == [
        "候选",
        "候选",
        "推荐（首次票决推1）",
        "推荐（首次票决推2）",
    ]


def test_an_item_that_a_run_off_adopted_says_so_and_the_others_that_were_level_too():
    stage = make_tied()
    run_off(stage)

    assert remarks_by_item(stage) == {
        "1": "",
        "2": "经再次票决通过；",
        "3": "经再次票决未通过；",
        "推1": "经再次票决未通过；",
        "推2": "经再次票决未通过；",
        "4": "未得票；",
        "5": "未得票；",
    }


def test_an_item_that_the_meeting_decided_on_says_so_and_the_others_that_were_level_too():
    stage = make_tied()
    decide(stage, "3")

    said = remarks_by_item(stage)

    assert said["3"] == "经会议决定确定；"
    assert {said[key] for key in ("2", "推1", "推2")} == {"经会议决定未确定；"}
    assert said["1"] == ""


def test_an_item_that_a_supplementary_vote_adopted_says_so(counted):
    confirm(counted)
    second = second_stage(counted, drafts.supplementary(counted.poll, by=counted.office))
    second.cast(0, selection(4))
    second.close()
    second.open_box()
    confirm(count(second))
    lifecycle.publish_result(second.poll, by=second.office, at_once=True)

    said = remarks_by_item(counted)

    assert endings(counted) == {
        **dict.fromkeys(said, "未通过"),
        "1": "通过",
        "4": "补充票决通过",
    }
    assert said.pop("4") == "经补充票决通过；"
    assert set(said.values()) == {"", "未过半数；"}


def endings(stage: Stage) -> dict[str, str]:
    return {row["项目编号"]: row["结果"] for row in table(tables.result_csv, stage)}


@pytest.mark.parametrize(
    ("settle", "second", "third"),
    [
        (lambda stage: None, "得票相同，待定", "得票相同，待定"),
        (run_off, "再次票决通过", "经再次票决未通过"),
        (lambda stage: decide(stage, "3"), "经会议决定未确定", "按会议决定确定"),
        (
            lambda stage: lifecycle.publish_result(stage.poll, by=stage.office, leave_open=True),
            *("得票相同，未确定", "得票相同，未确定"),
        ),
    ],
    ids=["pending", "run-off", "decision", "left open"],
)
def test_the_column_of_the_result_tells_how_each_place_was_filled_in_the_end(settle, second, third):
    stage = make_tied()
    settle(stage)

    ends = endings(stage)

    assert (ends["1"], ends["2"], ends["3"]) == ("通过", second, third)
    assert (ends["4"], ends["5"]) == ("未通过", "未通过")


def test_an_item_with_votes_enough_and_no_place_left_says_why():
    stage = make_stage(delegates=3, candidates=3, places=1, majority="none")
    stage.cast(0, selection(1))
    stage.cast(1, selection(1))
    stage.cast(2, selection(2))
    stage.close()
    stage.open_box()

    rows = table(tables.result_csv, count(stage))

    assert rows[1]["结果"] == "未通过"
    assert rows[1]["备注"].startswith("得票已达通过所需，未进入前1名")


def test_proposals_are_numbered_and_marked_as_such(counted):
    proposed = [row for row in table(tables.result_csv, counted) if row["项目编号"][0] == "推"]

    assert {row["项目编号"] for row in proposed} == {"推1", "推2"}
    assert {row["来源（候选/推荐）"] for row in proposed} == {"推荐"}


def test_a_proposal_that_looks_like_a_formula_stays_text(counted):
    titles = [row["项目名称"] for row in table(tables.result_csv, counted)]

    assert "'=cmd|'/C calc'!A0" in titles


def test_a_rehearsal_says_so_in_each_row_and_in_the_names_of_its_files(counted):
    file = tables.result_csv(counted.poll)

    assert all("演练，不计票" in row["备注"] for row in table(tables.result_csv, counted))
    assert file.chinese_name.startswith("演练_2026年民生实事项目票决_结果_")
    assert file.ascii_name.startswith("rehearsal_")
    assert file.ascii_name.isascii()


def test_a_real_poll_carries_no_mark_of_a_rehearsal(counted):
    real = make_real_count(counted)

    assert "演练" not in tables.result_csv(real).content.decode()
    assert tables.result_csv(real).chinese_name.startswith("2026年")


def make_real_count(stage: Stage) -> Poll:
    """Return a real poll that was counted, made past the guards which a localhost does not pass."""
    poll = Poll.objects.create(
        meeting="会议", year=2026, delegates_total=8, opened_at=stage.poll.opened_at,
        closed_at=stage.poll.closed_at, phase=Poll.Phase.COUNTED,
    )  # fmt: skip
    result = Result.objects.get(poll=stage.poll)
    Result.objects.create(
        poll=poll,
        stored=result.stored,
        digest=result.digest,
        counted_at=result.counted_at,
        counted_by=result.counted_by,
    )
    return poll


def test_an_unconfirmed_count_says_so_and_a_confirmed_one_does_not(counted):
    before = table(tables.result_csv, counted)
    confirm(counted)
    after = table(tables.result_csv, counted)

    assert all("未复核" in row["备注"] for row in before)
    assert not any("未复核" in row["备注"] for row in after)


def test_figures_come_from_the_frozen_result_and_are_not_counted_again(counted):
    counted.poll.write_ins.filter(title="新建停车场").update(title="改过的名称")
    result = Result.objects.get(poll=counted.poll)

    titles = [row["项目名称"] for row in table(tables.result_csv, counted)]

    assert [sheets.unguarded(title) for title in titles] == [
        item["title"] for item in result.figures["items"]
    ]
    assert "改过的名称" not in titles


# --- 汇总 -----------------------------------------------------------------------------------------


def test_the_summary_has_its_lines_in_order(counted):
    assert "、".join(pairs(counted)) == (
        "全体代表、应到、实到、发出、收回、有效、弃权、无效、应选项数、通过所需票数、候选项目数、推荐件数、"
        "归并项数、重复选择的表决票、不予计票、留空名额、会议决定、开始、截止、计票、公布、计票人、复核人、数据校验码、备注"
    )


def test_the_summary_adds_up(counted):
    said = pairs(counted)

    assert int(said["收回"]) == int(said["有效"]) + int(said["无效"]) == 6
    assert (said["应到"], said["实到"], said["发出"], said["弃权"]) == ("8", "8", "8", "1")
    assert (said["应选项数"], said["通过所需票数"], said["候选项目数"]) == ("2", "5", "5")
    assert (said["推荐件数"], said["归并项数"]) == ("2", "2")


def test_the_summary_tells_who_counted_and_confirmed_and_the_checksum(counted):
    confirm(counted)
    said = pairs(counted)
    result = Result.objects.get(poll=counted.poll)

    assert said["计票人"] == counted.office.username
    assert said["复核人"] == counted.chief.username
    assert said["数据校验码"] == result.digest
    assert said["备注"] == "演练，不计票"


def test_the_summary_and_the_report_say_names_family_name_first(counted):
    # Case 47.
    confirm(counted)
    for user, given in ((counted.office, "小明"), (counted.chief, "大为")):
        User.objects.filter(pk=user.pk).update(last_name="王", first_name=given)

    said = dict(lines_of(tables.summary_csv, counted)[1:])
    report = papers.report(counted.poll)

    assert (said["计票人"], said["复核人"]) == ("王小明", "王大为")
    assert (report["counted_by"], report["confirmed_by"]) == ("王小明", ["王大为"])


def test_the_summary_has_times_in_the_hall_and_none_before_they_come(counted):
    opened = datetime(2026, 1, 18, 2, 42, tzinfo=UTC)
    Poll.objects.filter(pk=counted.poll.pk).update(opened_at=opened)

    assert pairs(counted)["开始"] == "2026-01-18 10:42"
    assert pairs(counted)["公布"] == ""


def test_the_summary_tells_what_merging_and_refusing_took_from_the_votes():
    stage = make_stage(delegates=3, candidates=3, places=3)
    stage.cast(0, selection(1, proposals=["并入甲", "并入乙"]))
    stage.cast(1, selection(1, proposals=["并入甲", "不是项目"]))
    stage.cast(2, selection(proposals=["单列一项", "不是项目"]))
    stage.close()
    stage.open_box()
    first = stage.poll.projects.get(number=1)
    stage.poll.write_ins.filter(title__startswith="并入").update(
        ruling="into-project", into_project=first
    )
    stage.poll.write_ins.filter(title="不是项目").update(ruling="refused", reason="不是项目")

    said = pairs(count(stage))

    assert (said["推荐件数"], said["归并项数"]) == ("6", "1")
    assert (said["重复选择的表决票"], said["不予计票"]) == ("2", "2")


def test_the_summary_tells_what_the_meeting_decided_and_which_places_stay_open():
    stage = make_tied()
    before = pairs(stage)

    decide(stage)
    after = pairs(stage)

    assert (before["留空名额"], before["会议决定"]) == ("", "")
    assert (after["留空名额"], after["会议决定"]) == ("1", "主席团决定选取第3项。")


def test_places_that_were_left_open_at_the_publication_stand_in_the_summary(counted):
    confirm(counted)
    lifecycle.publish_result(counted.poll, by=counted.office, leave_open=True)

    assert pairs(counted)["留空名额"] == "1"


# --- 投票情况 --------------------------------------------------------------------------------------


def test_turnout_by_delegation_adds_up():
    stage = make_stage(delegates=3, delegates_total=5)
    others = make_delegates(2, delegation="城南代表团")
    for delegate in others:
        cards.issue_cards([delegate], by=stage.office)
        roll.add_to_roll(
            stage.poll,
            delegate=delegate,
            reason="增补",
            by=stage.office,
            second=stage.scrutineer,
        )
    roll.mark_present(stage.poll, numbers=[others[0].number], by=stage.office)
    stage.cast(0, selection(1))

    assert lines_of(tables.turnout_csv, stage) == [
        ["代表团", "应到人数", "实到人数", "已投票人数", "领纸质票人数", "未投票人数", "投票率(%)"],
        ["城区代表团", "3", "3", "1", "0", "2", "33.3"],
        ["城南代表团", "2", "1", "0", "0", "1", "0.0"],
        ["合计", "5", "4", "1", "0", "3", "25.0"],
    ]


def test_turnout_is_of_the_whole_roll_where_the_whole_roll_may_vote():
    stage = make_stage(delegates=4, voters="roll")
    stage.cast(0, selection(1))

    assert lines_of(tables.turnout_csv, stage)[-1] == ["合计", "4", "4", "1", "0", "3", "25.0"]


# --- 未投票代表名单、签到情况表 ---------------------------------------------------------------------


def workbook(export: Export, stage: Stage) -> Any:
    return openpyxl.load_workbook(io.BytesIO(export(stage.poll).content)).active


def values(export: Export, stage: Stage) -> list[list[Any]]:
    """Return the rows below the heading, which says of which vote the workbook is."""
    heading, *rows = workbook(export, stage).iter_rows(values_only=True)
    assert str(stage.poll) in heading[0]
    return [list(row) for row in rows]


def test_those_who_have_not_voted_are_listed_with_their_phones_and_the_zeros_of_their_numbers():
    stage = make_stage(delegates=4)
    Delegate.objects.filter(number="003").update(phone="05791234567")
    stage.cast(0, selection(1))

    assert values(tables.waiting_xlsx, stage) == [
        ["序号", "代表团", "代表证号", "姓名", "联系电话"],
        [1, "城区代表团", "002", "代表2", None],
        [2, "城区代表团", "003", "代表3", "05791234567"],
        [3, "城区代表团", "004", "代表4", None],
    ]
    sheet = workbook(tables.waiting_xlsx, stage)
    assert {sheet[cell].data_type for cell in ("C3", "C4", "E4")} == {"s"}
    assert {sheet[cell].number_format for cell in ("C3", "C4", "E4")} == {"@"}


@pytest.mark.parametrize(("voters", "waiting"), [("present", ["001"]), ("roll", ["001", "002"])])
def test_whoever_may_not_vote_is_not_waited_for(voters, waiting):
    stage = make_stage(delegates=2, open_it=False, voters=voters, delegates_total=3)
    roll.mark_absent(stage.poll, numbers=["002"], by=stage.office)
    move_by_force(stage.poll, Poll.Phase.OPEN)

    assert [row[2] for row in values(tables.waiting_xlsx, stage)[1:]] == waiting


def test_the_list_of_who_has_not_voted_is_to_be_had_only_while_ballots_come_in():
    stage = make_stage(delegates=3, open_it=False)
    refused = []

    for step in (lambda: None, lambda: None, stage.close):
        step()
        try:
            tables.waiting_xlsx(stage.poll)
        except Refused as refusal:
            refused.append((stage.poll.phase, refusal.code))
        if stage.poll.phase == Poll.Phase.DRAFT:
            stage.poll = lifecycle.open_poll(stage.poll, by=stage.office)

    assert refused == [("draft", "not-voting"), ("closed", "not-voting")]


def test_phones_are_for_the_office_and_attendance_for_all_who_hold_an_office():
    stage = make_stage(delegates=2)
    people = [stage.office, stage.scrutineer, User.objects.create_superuser("root")]
    answers: dict[str, list[int]] = {}
    for what in ("waiting", "attendance"):
        address = reverse("admin:ballots_pollday_download", args=[stage.poll.pk, what])
        for person in people:
            answers.setdefault(what, []).append(desk_of(person).get(address).status_code)

    assert answers == {"waiting": [200, 403, 403], "attendance": [200, 200, 403]}


def test_attendance_lists_the_whole_roll_with_who_came():
    stage = make_stage(delegates=2, open_it=False)
    roll.mark_absent(stage.poll, numbers=["002"], by=stage.office)
    roll.give_leave(stage.poll, numbers=["002"], reason="因病", by=stage.office)

    assert values(tables.attendance_xlsx, stage) == [
        ["代表团", "代表证号", "姓名", "实到", "请假事由", "方式"],
        ["城区代表团", "001", "代表1", "是", None, "电子"],
        ["城区代表团", "002", "代表2", "否", "因病", "电子"],
    ]


# --- 回执编号清单 -----------------------------------------------------------------------------------


def test_receipts_are_listed_sorted_so_that_they_tell_no_order():
    stage = make_stage(delegates=5)
    codes = [stage.cast(place, selection(1)).code for place in range(5)]
    stage.close()

    rows = table(tables.receipts_csv, stage)

    listed = [row["回执编号"] for row in rows]
    assert listed == sorted(listed)
    assert {code.replace("-", "") for code in listed} == set(codes)
    assert [row["序号"] for row in rows] == ["1", "2", "3", "4", "5"]


# --- 推荐项目 --------------------------------------------------------------------------------------


def test_proposals_are_listed_with_their_rulings_and_votes():
    stage = make_opened()
    parking = stage.poll.write_ins.get(title="新建停车场")
    stage.poll.write_ins.exclude(pk=parking.pk).update(ruling="refused", reason="不是项目")

    rows = table(tables.write_ins_csv, count(stage))

    by_title = {row["项目名称"]: row for row in rows}
    assert by_title["新建停车场"]["处理方式"] == "单列一项"
    assert by_title["新建停车场"]["得票数"] == "1"
    refused = by_title["'=cmd|'/C calc'!A0"]
    assert (refused["处理方式"], refused["理由"], refused["得票数"]) == ("不予计票", "不是项目", "")


def test_a_merged_proposal_names_where_it_went():
    stage = make_opened()
    stage.poll.write_ins.filter(title="新建停车场").update(
        ruling="into-project", into_project=stage.poll.projects.get(number=3)
    )

    rows = table(tables.write_ins_csv, count(stage))

    merged = next(row for row in rows if row["处理方式"] == "并入候选项目")
    assert merged["并入项目"] == "3. 候选项目3"


# --- 操作记录 --------------------------------------------------------------------------------------


def test_the_journal_is_listed_in_words_with_its_checksums(counted):
    rows = table(tables.journal_csv, counted)

    assert [row["操作"] for row in rows[:9]] == [
        "生成名册",
        "记录到会",
        "登记密钥保管人",
        "生成票箱密钥",
        "试开票箱",
        "登记工作人员账号",
        "开始投票",
        "登记已投票代表的校验值",
        "截止投票",
    ]
    assert rows[8]["说明"] == "实到：8；表决票：6；已投票：6；主持人已宣布截止"
    assert [row["校验码"] for row in rows] == list(
        counted.poll.journal.order_by("seq").values_list("hash", flat=True)
    )


def test_until_the_count_the_list_tells_of_an_opened_box_only_how_many_ballots():
    stage = make_opened()

    opened = next(row for row in table(tables.journal_csv, stage) if row["操作"] == "开启票箱")

    assert opened["说明"] == "表决票：6；主持人已宣布本次表决有效"


def test_the_journal_names_both_who_signed_and_whom_it_is_about():
    stage = make_stage(delegates=2, delegates_total=3)
    newcomer = make_delegates(1)[0]
    roll.add_to_roll(
        stage.poll,
        delegate=newcomer,
        reason="补选",
        by=stage.office,
        second=stage.scrutineer,
    )

    last = table(tables.journal_csv, stage)[-1]

    assert last["操作人"] == f"{stage.office.username}、{stage.scrutineer.username}"
    assert last["对象"] == f"{newcomer.name}（{newcomer.number}）"
    assert last["说明"] == "原因：补选"


def said_of(poll: Poll, kind: str) -> str:
    return record.in_words(poll.journal.get(kind=kind))


def test_the_record_says_what_was_done_with_the_proposals(counted):
    assert said_of(counted.poll, "canvass-closed") == "推1 单列一项；推2 单列一项"


def test_the_record_says_which_proposals_were_made_items_together():
    stage = make_opened()
    canvass.rule_each_alone(stage.poll, by=stage.office)

    assert said_of(stage.poll, "write-ins-ruled") == "推1 单列一项；推2 单列一项"


def test_the_record_says_which_second_round_was_made_and_what_the_meeting_named():
    stage = make_tied()
    draft = drafts.run_off(stage.poll, by=stage.office)
    decide(stage, "3")

    assert said_of(stage.poll, "second-round-made") == f"票决：{draft}；项目：2、3、推1、推2"
    assert said_of(stage.poll, "decided") == "决定内容：主席团决定选取第3项。；项目：3"

    drafts.drop(draft, by=stage.office)

    assert said_of(stage.poll, "second-round-made").startswith("草稿已删除")


def test_the_record_of_a_void_poll_says_which_draft_was_made_of_it():
    stage = make_stage()
    lifecycle.void_poll(stage.poll, reason="断电", by=stage.office, second=stage.chief)
    draft = drafts.fresh_draft(stage.poll, by=stage.office)

    assert said_of(stage.poll, "draft-made") == f"票决：{draft}"


def test_every_act_has_a_name_in_the_list(counted):
    for entry in counted.poll.journal.all():
        assert record.act(entry) == str(journal.Kind(entry.kind).label) != entry.kind


def test_an_entry_of_a_kind_that_this_code_does_not_know_keeps_its_short_name():
    assert record.act(JournalEntry(kind="told-to-the-press")) == "told-to-the-press"


# --- when, and what never -------------------------------------------------------------------------


@pytest.mark.parametrize("export", EVERY)
def test_every_file_is_utf8_with_bom_and_crlf(counted, export):
    content = export(counted.poll).content

    assert content.startswith(b"\xef\xbb\xbf")
    assert content.count(b"\n") == content.count(b"\r\n") > 0


NAMES: dict[str, Export] = {
    "result.csv": tables.result_csv,
    "summary.csv": tables.summary_csv,
    "proposals.csv": tables.write_ins_csv,
    "turnout.csv": tables.turnout_csv,
    "journal.csv": tables.journal_csv,
    "receipts.csv": tables.receipts_csv,
    "attendance.xlsx": tables.attendance_xlsx,
    "full-package.zip": package.full_package,
}


@pytest.mark.parametrize("name", NAMES)
def test_every_file_is_named_by_year_content_and_minute(counted, name):
    content, extension = name.split(".")

    with time_machine.travel(datetime(2026, 1, 18, 2, 42, tzinfo=UTC), tick=False):
        file = NAMES[name](counted.poll)

    assert file.ascii_name == f"rehearsal_yiwu-2026-{content}-20260118-1042.{extension}"
    assert re.fullmatch(
        rf"演练_2026年民生实事项目票决_\w+_20260118-1042\.{extension}", file.chinese_name
    )


def test_titles_that_a_spreadsheet_would_change_stay_as_they_are():
    """Case 54."""
    titles = ["3-5", "1E5", "0012", "12:30", "2026-1-2"]
    stage = make_stage(delegates=2, open_it=False)
    for number, title in enumerate(titles, start=1):
        stage.poll.projects.filter(number=number).update(title=title)
    stage.poll = lifecycle.open_poll(stage.poll, by=stage.office)
    stage.cast(0, selection(1))
    for step in (stage.close, stage.open_box, stage.count):
        step()

    rows = table(tables.result_csv, stage)

    assert {row["项目名称"] for row in rows} >= {f"'{title}" for title in titles}
    assert {row["项目编号"] for row in rows} >= set("12345")
    assert {row["得票数"] for row in rows} == {"0", "1"}


@pytest.mark.parametrize("export", COUNTED)
def test_nothing_of_a_count_is_exported_before_it(export):
    stage = make_stage(delegates=3)
    stage.cast(0, selection(1))
    for step in (lambda: None, stage.close, stage.open_box):
        step()
        with pytest.raises(Refused) as refusal:
            export(stage.poll)
        assert refusal.value.code == "not-counted"


@pytest.mark.parametrize("export", COUNTED)
def test_a_count_that_was_sent_back_is_exported_no_more(counted, export):
    lifecycle.send_back(counted.poll, reason="归并有误", by=counted.scrutineer)

    with pytest.raises(Refused) as refusal:
        export(counted.poll)

    assert refusal.value.code == "not-counted"


@pytest.mark.parametrize("export", COUNTED)
def test_a_void_poll_has_no_result_to_export(counted, export):
    lifecycle.void_poll(
        counted.poll, reason="程序有误", by=counted.office, second=counted.scrutineer
    )

    with pytest.raises(Refused) as refusal:
        export(counted.poll)

    assert refusal.value.code == "void"


def test_a_void_poll_keeps_journal_and_receipts():
    stage = make_stage(delegates=2)
    stage.cast(0, selection(1))
    lifecycle.void_poll(stage.poll, reason="程序有误", by=stage.office, second=stage.scrutineer)

    assert len(table(tables.receipts_csv, stage)) == 1
    assert table(tables.journal_csv, stage)[-1]["操作"] == "作废"


@pytest.mark.parametrize("phase", ["draft", "open"])
def test_there_is_no_list_of_receipts_while_ballots_come_in(phase):
    stage = make_stage(delegates=2, open_it=phase == "open")

    with pytest.raises(Refused) as refusal:
        tables.receipts_csv(stage.poll)

    assert refusal.value.code == "not-closed"


@pytest.mark.parametrize("export", ALWAYS)
def test_before_the_count_no_file_tells_one_choice_from_another(export):
    """The same turnout with other choices must give the same words: no total shines through."""

    def exported(chosen: Selection) -> str:
        noon = datetime(2026, 1, 18, 4, tzinfo=UTC)
        with time_machine.travel(noon, tick=False), transaction.atomic():
            stage = make_stage(delegates=3)
            stage.cast(0, chosen)
            stage.close()
            stage.open_box()
            text = export(stage.poll).content.decode()
            transaction.set_rollback(True)
        return re.sub("[0-9a-f]{64}|staff[0-9]+|核对码：[0-9A-Z-]+", "", text)

    assert exported(selection(1)) == exported(selection(2, 3))


def test_after_a_count_was_sent_back_the_journal_shows_no_votes(counted):
    lifecycle.send_back(counted.poll, reason="归并有误", by=counted.scrutineer)

    text = tables.journal_csv(counted.poll).content.decode("utf-8-sig")

    assert "归并有误" in text
    assert "候选项目1" not in text


@pytest.mark.parametrize("export", EVERY)
def test_no_file_has_a_name_beside_a_choice(counted, export):
    text = export(counted.poll).content.decode()

    has_people = any(delegate.name in text for delegate in counted.delegates)
    has_choices = "候选项目" in text
    assert not (has_people and has_choices)
