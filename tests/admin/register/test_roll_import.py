"""The pages of the roll's import, where others work on the same register."""

import hashlib
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from ballots.acts import cards
from ballots.admin.register.roll_import import ROWS
from ballots.models import Delegate, Delegation, JournalEntry
from ballots.pure import roll_table
from tests.helpers import factories
from tests.helpers.desk import confirmation, desk_of, faults_of, messages_of, upload
from tests.helpers.factories import make_delegates, make_office
from yiwu_vote.tables.preview import signed

pytestmark = pytest.mark.django_db

IMPORT = "admin:ballots_delegate_import"


def test_a_register_that_changed_after_the_preview_is_told_and_nothing_is_written(client):
    client.force_login(make_office())
    make_delegates(1)
    content = "代表证号,姓名,代表团\r\n001,改名,城区代表团".encode()
    preview = client.post(
        reverse(IMPORT), {"file": SimpleUploadedFile("名册.csv", content), "add_delegations": "on"}
    )
    confirm = preview.context["confirm"]
    Delegate.objects.update(phone="13800000000")

    reply = client.post(
        reverse(IMPORT), {name: confirm[name].value() or "" for name in confirm.fields}
    )

    assert [str(message) for message in reply.context["messages"]] == [
        "没有导入：代表名册在预览之后有变动，请重新上传。"
    ]
    assert reply.context["forms"][0]["add_delegations"].value()
    assert Delegate.objects.get().name == "代表1"


def test_a_list_of_problems_that_is_too_old_leads_back_to_the_upload(client):
    client.force_login(make_office())

    reply = client.post(
        reverse("admin:ballots_delegate_import-errors"), {"problems": "x"}, follow=True
    )

    assert reply.redirect_chain == [(reverse(IMPORT), 302)]
    assert [str(message) for message in reply.context["messages"]] == ["预览已过期，请重新上传。"]


HEADER = "代表证号,姓名,代表团,序号,联系电话,座位"


def upload_roll(desk: Client, *lines: str, **fields: str):
    return upload(desk, reverse("admin:ballots_delegate_import"), HEADER, *lines, **fields)


def test_an_upload_is_previewed_and_written_only_when_confirmed(desk):
    Delegation.objects.create(name="城区代表团")

    preview = upload_roll(desk, "001,张三,城区代表团", "002,李四,城区代表团")
    before = Delegate.objects.count()
    done = desk.post(
        reverse("admin:ballots_delegate_import"),
        confirmation(preview),
        follow=True,
    )

    assert "将新增2人，更新0人，不变0人，错误0行。" in preview.text
    assert "导入2行" in preview.text
    assert before == 0
    assert list(Delegate.objects.values_list("number", "name")) == [
        ("001", "张三"),
        ("002", "李四"),
    ]
    assert "已导入2人。2人是新增，尚未生成投票卡。" in messages_of(done)[0]
    assert reverse("admin:ballots_delegate_issue") in messages_of(done)[0]


def test_faults_are_named_by_their_line_and_turn_the_import_off(desk):
    Delegation.objects.create(name="城区代表团")

    preview = upload_roll(
        desk, "001,张三,城区代表团", "002,,城区代表团", "003,王五,城南代表团", "001,赵六,城区代表团"
    )
    errors = preview.context["errors"]
    listed = desk.post(
        reverse("admin:ballots_delegate_import-errors"),
        {"problems": errors["problems"].value()},
    )

    assert "错误3行" in preview.text
    assert "第4行（代表证号 003）：没有“城南代表团”，请先新增或更正。" in preview.text
    assert "第3行：姓名为空" in preview.text
    assert 'name="rows"' not in preview.text
    lines = listed.content.decode("utf-8-sig").splitlines()
    assert lines[0] == "行,错误"
    assert lines[1] == "3,第3行：姓名为空"
    assert len(lines) == 4
    assert "filename*=UTF-8''" in listed.headers["Content-Disposition"]


def test_what_was_left_out_is_said_above_the_preview(desk):
    """Cases 7 and 8."""
    Delegation.objects.create(name="城区代表团")
    address = reverse("admin:ballots_delegate_import")

    preview = upload(
        desk, address, "代表名册", HEADER, "001,张三,城区代表团", "合计,1,", "002,李四,城区代表团"
    )

    assert "第1行在表头之上，未读取。" in preview.text
    assert "第4行是合计，未读取。" in preview.text
    assert "将新增2人" in preview.text


def test_an_unknown_delegation_of_350_rows_is_one_line_with_a_tick_that_adds_it(desk):
    """Case 11."""
    address = reverse("admin:ballots_delegate_import")
    lines = [f"{number:03},代表{number},第一代表团,,,,女" for number in range(1, 351)]

    preview = upload(desk, address, f"{HEADER},性别", *lines)
    again = preview.context["again"]
    hidden = {name: again[name].value() for name in ("again", "notes")}
    unticked = desk.post(address, hidden)
    ticked = desk.post(address, hidden | {"add_delegations": "on"})
    done = desk.post(address, confirmation(ticked), follow=True)

    line = "第2至351行：没有“第一代表团”，请先新增或更正。也可勾选一并新增代表团。"
    assert preview.text.count("没有“第一代表团”") == 1
    assert line in preview.text
    assert line in unticked.text
    assert "以下各列不导入：性别。" in ticked.text
    assert "将新增代表团：第一代表团。" in ticked.text
    assert "已导入350人。" in messages_of(done)[0]
    assert Delegate.objects.filter(delegation__name="第一代表团").count() == 350


def test_no_tick_is_offered_while_the_file_itself_is_wrong(desk):
    preview = upload_roll(desk, "001,张三,第一代表团", "002,,第一代表团")

    assert "again" not in preview.context
    assert "重新预览" not in preview.text


def test_rows_of_a_preview_that_nobody_signed_are_not_previewed_again(desk):
    reply = desk.post(reverse("admin:ballots_delegate_import"), {"again": "x"})

    assert messages_of(reply) == ["预览已过期，请重新上传。"]


def test_a_pasted_table_is_previewed_and_imported_like_a_file(desk):
    Delegation.objects.create(name="城区代表团")
    address = reverse("admin:ballots_delegate_import")
    pasted = "代表证号\t姓名\t代表团\r\n001\t张三\t城区代表团\r\n002\t李四\t城区代表团\r\n"

    preview = desk.post(address, {"pasted": pasted})
    desk.post(address, confirmation(preview))

    assert "将新增2人" in preview.text
    assert list(Delegate.objects.values_list("number", "name")) == [
        ("001", "张三"),
        ("002", "李四"),
    ]


def test_one_table_is_asked_for_and_not_two_or_none(desk):
    address = reverse("admin:ballots_delegate_import")
    file = SimpleUploadedFile("名册.csv", b"x")

    neither = desk.post(address, {"pasted": " \r\n"})
    both = desk.post(address, {"pasted": "001\t张三", "file": file})

    assert faults_of(neither) == ["请选择文件，或粘贴表格。"]
    assert faults_of(both) == ["请只上传文件或只粘贴表格，不要同时提交。"]
    assert "001\t张三" in both.text


def test_unknown_delegations_can_be_added_along(desk):
    preview = upload_roll(desk, "001,张三,城南代表团", add_delegations="on")

    desk.post(
        reverse("admin:ballots_delegate_import"),
        confirmation(preview),
    )

    assert "将新增代表团：城南代表团。" in preview.text
    assert Delegate.objects.get().delegation.name == "城南代表团"


def test_a_preview_that_was_tampered_with_or_is_too_old_writes_nothing(desk, time_machine):
    address = reverse("admin:ballots_delegate_import")
    time_machine.move_to("2026-01-18 09:00:00+08:00")
    rows = signed([roll_table.RollRow(2, "001", "张三", "城区代表团")], ROWS)

    tampered = desk.post(address, {"rows": rows[:-1] + "x", "add_delegations": "on"})
    time_machine.move_to("2026-01-18 11:00:00+08:00")
    # As if somebody had used another page in the meantime.
    desk.logout()
    desk.force_login(User.objects.get())
    late = desk.post(address, {"rows": rows, "add_delegations": "on"})

    assert messages_of(tampered) == messages_of(late) == ["预览已过期，请重新上传。"]
    assert not Delegate.objects.exists()


def test_a_delegation_that_went_missing_meanwhile_stops_the_whole_import(desk):
    home = Delegation.objects.create(name="城区代表团")
    preview = upload_roll(desk, "001,张三,城区代表团")
    home.delete()

    reply = desk.post(
        reverse("admin:ballots_delegate_import"),
        confirmation(preview),
    )

    assert messages_of(reply) == ["名册有错误，请更正后重新上传。"]
    assert not Delegate.objects.exists()


def test_a_file_that_is_no_table_is_refused_in_words(desk):
    file = SimpleUploadedFile("名册.xls", b"\xd0\xcf\x11\xe0" + bytes(600))

    reply = desk.post(reverse("admin:ballots_delegate_import"), {"file": file})

    assert "不支持 .xls 文件，请在 Excel 或 WPS 中另存为 .xlsx 后再上传。" in reply.text


def test_the_import_page_offers_a_template_and_warns_while_a_poll_takes_ballots(client):
    stage = factories.make_stage()
    client.force_login(stage.office)

    page = client.get(reverse("admin:ballots_delegate_import"))
    template = client.get(reverse("admin:ballots_delegate_template"))

    assert "表头为：代表证号、姓名、代表团、序号、联系电话、座位、状态、常委会。" in page.text
    assert "投票已开始，只能单个增补代表，并须注明依据。" in page.text
    assert roll_table.parse(template.content).problems[0].text == "表头之下没有内容。"


# --- who is who -----------------------------------------------------------------------------------


def test_a_rename_is_shown_old_and_new_beside_its_own_tick_and_left_out_without_it(desk, clerk):
    # Case 12.
    people = make_delegates(2)
    cards.issue_cards(people, by=clerk)

    preview = upload_roll(desk, "001,全新人,城区代表团", "002,代表2,城区代表团,,13800000001")
    reply = desk.post(reverse(IMPORT), confirmation(preview), follow=True)

    assert "其中1行须逐一核对，未勾选的不导入。" in preview.text
    assert "投票卡已发给“代表1”" in preview.text
    assert 'name="ticks" value="rename-2"' in preview.text
    assert "1行没有勾选，没有导入：第2行。" in messages_of(reply)[1]
    assert list(Delegate.objects.order_by("pk").values_list("name", "phone")) == [
        ("代表1", ""),
        ("代表2", "13800000001"),
    ]


def test_a_ticked_rename_is_written_and_the_card_with_the_old_name_is_told(desk, clerk):
    # Case 12.
    cards.issue_cards(make_delegates(1), by=clerk)

    preview = upload_roll(desk, "001,新名,城区代表团")
    reply = desk.post(reverse(IMPORT), confirmation(preview) | {"ticks": ["rename-2"]}, follow=True)

    assert Delegate.objects.get().name == "新名"
    assert "1人的投票卡上还是原来的姓名或代表证号，请发新卡：001。" in messages_of(reply)[1]


def test_lost_zeros_namesakes_the_absent_and_the_retired_are_told_before_the_import(desk):
    # Cases 11, 13 and 15.
    make_delegates(4)
    Delegate.objects.update(phone="13800000000", seat="3排")
    Delegate.objects.filter(number="002").update(status="ended")

    preview = upload(
        desk,
        reverse(IMPORT),
        "代表证号,姓名,代表团",
        "1,代表1,城区代表团",
        "002,代表2,城区代表团",
        "099,代表3,城区代表团",
    )
    text = " ".join(preview.text.split())

    assert "将新增1人，更新0人，不变2人，错误0行。" in text
    assert "1 → 001" in text
    assert "同一代表证号" in text
    assert "与代表3（003，城区代表团）姓名、代表团相同" in text
    assert "状态为“终止”，导入后仍不列入名册" in text
    assert "名录中另有2人不在文件中，导入后不变。" in text


def test_the_preview_of_a_roll_shows_each_field_old_and_new(desk):
    """C32: who changes is not enough to know; what changes is said, also of a field that was empty."""
    make_delegates(1)
    Delegate.objects.update(seat="", phone="13800000000")

    preview = upload_roll(desk, "001,代表1,城区代表团,,,3排1座")

    text = " ".join(preview.text.split())
    assert '代表1 <span class="help">001 城区代表团</span>' in text
    assert "座位：（空） → <ins>3排1座</ins>" in text
    assert "联系电话：<del>13800000000</del> → <ins>（空）</ins>" in text


def test_rows_that_a_vote_bars_are_shown_with_the_reason_and_the_others_are_imported():
    # Case 28.
    stage = factories.make_stage(delegates=3)
    desk = desk_of(stage.office)

    preview = upload(
        desk,
        reverse(IMPORT),
        f"{HEADER},状态",
        "001,代表1,城区代表团,,,,终止",
        "002,新名,城区代表团,,,,在任",
        "3,代表3,城区代表团,,,9排,在任",
    )
    reply = desk.post(
        reverse(IMPORT),
        confirmation(preview) | {"ticks": ["rename-3", "numbers"]},
        follow=True,
    )

    assert "其中2行不能导入。" in preview.text
    assert "票决正在进行，保留原来的写法" in preview.text
    assert "rename-3" not in preview.text
    assert messages_of(reply) == [
        "已导入1人。",
        "1行没有导入（第2行）：票决正在进行，不能用导入更改状态，请在“更改状态”中办理。",
        "1行没有导入（第3行）：票决正在进行，名册上代表的姓名不能更改；"
        "公布后再更正，应由另一人投票的，请新增代表并增补到名册。",
    ]
    assert list(Delegate.objects.order_by("pk").values_list("number", "name", "seat")) == [
        ("001", "代表1", ""),
        ("002", "代表2", ""),
        ("003", "代表3", "9排"),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("001,代表1,城区代表团", ["没有变动：文件中1人的资料与名录一致。"]),
        ("001,新名,城区代表团", ["没有导入任何一行。", "1行没有勾选，没有导入：第2行。"]),
    ],
)
def test_an_import_that_changes_nothing_does_not_say_that_it_did(desk, line, said):
    make_delegates(1)

    preview = upload(desk, reverse(IMPORT), "代表证号,姓名,代表团", line)
    reply = desk.post(reverse(IMPORT), confirmation(preview), follow=True)

    assert messages_of(reply) == said


def test_the_file_and_the_counts_of_an_import_stand_on_record_and_it_can_be_undone(desk):
    # Case 11.
    preview = upload_roll(desk, "1,甲,城区代表团", "2,乙,城区代表团", add_delegations="on")
    desk.post(reverse(IMPORT), confirmation(preview))
    entry = JournalEntry.objects.get(poll=None)
    content = "\r\n".join([HEADER, "1,甲,城区代表团", "2,乙,城区代表团"]).encode()

    page = desk.get(reverse("admin:ballots_delegate_import-undo"))
    reply = desk.post(reverse("admin:ballots_delegate_import-undo"), shown_on(page), follow=True)
    again = desk.get(reverse("admin:ballots_delegate_import-undo"))

    assert entry.data["file"] == hashlib.sha256(content).hexdigest()
    assert "新增人数：2" in page.text
    assert messages_of(reply) == ["已撤销导入：删除2人，恢复0人。"]
    assert not Delegate.objects.exists()
    assert "没有可以撤销的导入。" in again.text


def test_an_import_that_is_used_says_why_it_is_not_undone(desk, clerk):
    preview = upload_roll(desk, "1,甲,城区代表团", add_delegations="on")
    desk.post(reverse(IMPORT), confirmation(preview))
    cards.issue_cards(Delegate.objects.all(), by=clerk)

    page = desk.get(reverse("admin:ballots_delegate_import-undo"))
    reply = desk.post(reverse("admin:ballots_delegate_import-undo"), shown_on(page))

    assert faults_of(reply) == [
        "不能撤销：甲（1）已发卡、已列入名册，或者已有会前推荐。资料有误的，请逐一更正；"
        "误加的代表只列在尚未开始的票决的名册上的，将状态改为“终止”、更新名册之后就能删除。"
    ]


def shown_on(page: Any) -> dict[str, Any]:
    """Return what the button of the page that undoes an import sends."""
    form = page.context["forms"][0]
    return {name: form[name].value() for name in form.fields}


def test_a_page_that_shows_an_earlier_import_undoes_no_later_one_and_shows_it(desk):
    address = reverse("admin:ballots_delegate_import-undo")
    desk.post(
        reverse(IMPORT),
        confirmation(upload_roll(desk, "1,甲,城区代表团", add_delegations="on")),
    )
    stale = desk.get(address)
    desk.post(reverse(IMPORT), confirmation(upload_roll(desk, "2,乙,城区代表团")))

    reply = desk.post(address, shown_on(stale))
    bare = desk.post(address)
    done = desk.post(address, shown_on(reply), follow=True)

    assert faults_of(reply) == faults_of(bare)
    assert faults_of(reply) == [
        "没有撤销：您打开本页之后又有人导入了名册，下面显示的是最近一次导入，请核对后再撤销。"
    ]
    assert messages_of(done) == ["已撤销导入：删除1人，恢复0人。"]
    assert [each.name for each in Delegate.objects.all()] == ["甲"]


def test_the_register_goes_out_and_comes_in_again_and_changes_nothing(desk):
    home = Delegation.objects.create(name="第1代表团（城区）")
    people: list[dict[str, Any]] = [
        {"number": "001", "name": "䶮某", "phone": "0579-85123456-1", "seat": "3-5"},
        {"number": "1-12", "name": "𠮷田", "status": "suspended", "position": 12},
        {"number": "11-2", "name": "阿卜杜·示例", "status": "ended", "seat": "0012"},
        {"number": "1E5", "name": "张三", "phone": "13800000001"},
        {"number": "A-09", "name": "张三", "status": "observer"},
    ]
    for columns in people:
        Delegate.objects.create(delegation=home, **columns)
    before = list(Delegate.objects.order_by("pk").values())

    file = desk.get(reverse("admin:ballots_delegate_export"))
    upload = SimpleUploadedFile("名册.xlsx", file.content)
    preview = desk.post(reverse(IMPORT), {"file": upload})
    desk.post(reverse(IMPORT), confirmation(preview))

    assert "将新增0人，更新0人，不变5人，错误0行。" in preview.text
    assert "核对" not in preview.text
    assert list(Delegate.objects.order_by("pk").values()) == before
    assert "filename*=UTF-8''" in file.headers["Content-Disposition"]


def test_namesakes_are_told_apart_one_by_one_on_a_page_of_their_own(desk):
    # Case 15.
    home = make_delegates(4)[0].delegation
    Delegate.objects.filter(number="002").update(name="代表1", name_key="代表1")
    Delegate.objects.filter(number__in=["003", "004"]).update(phone="13800000001")
    address = reverse("admin:ballots_delegate_namesakes")

    page = desk.get(address)
    first, second = (pair["name"] for pair in page.context["pairs"])
    empty = desk.post(address, {})
    told = desk.post(address, {"apart": [first]}, follow=True)
    strange = desk.post(address, {"apart": ["1-999999", "x"]})
    desk.post(address, {"apart": [second]})

    assert home.name in page.text
    assert "姓名、代表团相同" in page.text
    assert "联系电话相同" in page.text
    assert faults_of(empty) == faults_of(strange)
    assert messages_of(told) == ["已确认1处是不同的人。"]
    assert [pair["name"] for pair in told.context["pairs"]] == [second]
    assert "没有需要核对的同名代表。" in desk.get(address).text


def test_two_with_one_number_to_the_eye_are_listed_there_too(desk):
    make_delegates(2)
    Delegate.objects.filter(number="002").update(number="1", number_key=None)

    assert "代表证号看上去是同一个" in desk.get(reverse("admin:ballots_delegate_namesakes")).text
