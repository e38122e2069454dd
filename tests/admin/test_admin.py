"""The secretariat's pages: polls, candidates, delegates, cards, the import, and the records."""

import re
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
import segno
from django.apps import apps
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from ballots.acts import cards, roll, sign_in
from ballots.admin.roll_import import ROWS
from ballots.models import AccessCard, Delegate, Delegation
from ballots.pure import card_code, roll_table
from projects.models import Poll, Project, Target
from tests.helpers import factories
from tests.helpers.desk import at, confirmation, desk_of, messages_of, queries_of, signed_by, upload
from tests.helpers.factories import (
    make_delegates,
    make_office,
    make_poll,
    make_project,
    move_by_force,
)
from yiwu_vote.tables.preview import signed

pytestmark = pytest.mark.django_db

HEADER = "代表证号,姓名,代表团,序号,联系电话,座位"
_place = count(1)


@pytest.fixture
def clerk() -> User:
    return make_office()


@pytest.fixture
def desk(clerk, client) -> Client:
    """The browser of a member of the secretariat."""
    client.force_login(clerk)
    return client


def fields_of(reply) -> dict[str, object]:
    """Return what the page's admin form would send if nobody touched it."""
    form = reply.context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    for inline in reply.context["inline_admin_formsets"]:
        formset = inline.formset
        for part in [formset.management_form, *formset.forms]:
            values |= {part.add_prefix(name): part[name].value() for name in part.fields}
    # A browser leaves out what is empty and what is not ticked; 0 is neither.
    return {
        name: value for name, value in values.items() if value is not None and value is not False
    }


def poll_fields(**changed) -> dict[str, object]:
    return {
        "kind": "main",
        "meeting": "示例市人民代表大会会议",
        "year": 2026,
        "places": 10,
        "form": "choose",
        "objection_days": 7,
        "choice_rule": "at-most",
        "blank_allowed": "on",
        "proposals": "counted",
        "proposal_limit": 3,
        "voters": "present",
        "majority": "all",
    } | changed


# --- polls ----------------------------------------------------------------------------------------


def test_the_office_adds_a_poll_and_finds_each_rule_explained(desk):
    address = reverse("admin:projects_poll_add")

    page = desk.get(address)
    reply = desk.post(address, poll_fields())

    form = page.context["adminform"].form
    unexplained = {name for name, field in form.fields.items() if not field.help_text}
    assert unexplained <= {"rules_adopted_on"}
    assert reply.status_code == 302
    assert Poll.objects.get().phase == Poll.Phase.DRAFT


def test_only_a_main_poll_or_a_rehearsal_can_be_added(desk):
    reply = desk.post(reverse("admin:projects_poll_add"), poll_fields(kind="run-off"))

    kinds = [value for value, _label in reply.context["adminform"].form.fields["kind"].choices]
    assert kinds == ["main", "rehearsal"]
    assert not Poll.objects.exists()


def test_a_draft_poll_can_be_changed_and_links_to_its_day(desk):
    poll = make_poll()
    address = reverse("admin:projects_poll_change", args=[poll.pk])

    page = desk.get(address)
    desk.post(address, fields_of(page) | {"places": 7})

    poll.refresh_from_db()
    assert poll.places == 7
    assert at(poll) in page.text


def test_a_poll_that_opened_while_its_form_was_filled_in_is_refused_with_a_sentence(desk):
    poll = make_poll(delegates_total=3)
    address = reverse("admin:projects_poll_change", args=[poll.pk])
    filled = fields_of(desk.get(address)) | {"places": 7}
    move_by_force(poll, Poll.Phase.OPEN)

    reply = desk.post(address, filled, follow=True)

    poll.refresh_from_db()
    assert poll.places == 10
    assert reply.status_code == 200
    assert messages_of(reply) == ["投票已经开始，候选项目和票决规则不能再修改。"]
    assert not reply.context["has_change_permission"]


def test_what_the_database_alone_refuses_is_told_and_is_no_error_page(desk, monkeypatch):
    poll = make_poll(delegates_total=3)
    address = reverse("admin:projects_poll_change", args=[poll.pk])
    filled = fields_of(desk.get(address)) | {"places": 7}
    move_by_force(poll, Poll.Phase.OPEN)
    # As if the poll opened after the page had looked: only the trigger is left to speak.
    monkeypatch.setattr("projects.admin.DraftAdmin.is_draft", lambda self, obj: True)

    reply = desk.post(address, filled)

    poll.refresh_from_db()
    assert poll.places == 10
    assert reply.status_code == 302


@pytest.mark.parametrize("phase", [phase for phase in Poll.Phase if phase != Poll.Phase.DRAFT])
def test_a_poll_that_left_draft_cannot_be_deleted(desk, phase):
    # A rehearsal can be put in any phase at once, and is protected no less here.
    poll = move_by_force(
        make_poll(kind=Poll.Kind.REHEARSAL, candidates=0, delegates_total=3), phase
    )

    reply = desk.post(reverse("admin:projects_poll_delete", args=[poll.pk]), {"post": "yes"})

    assert reply.status_code == 403
    assert Poll.objects.filter(pk=poll.pk).exists()


def test_a_draft_that_is_protected_gets_the_usual_page_and_stays(desk):
    poll = make_poll(candidates=2)

    reply = desk.post(reverse("admin:projects_poll_delete", args=[poll.pk]), {"post": "yes"})

    assert reply.status_code == 200
    assert len(reply.context["protected"]) == 2
    assert Poll.objects.filter(pk=poll.pk).exists()


def test_an_empty_draft_can_be_deleted(desk):
    poll = make_poll(candidates=0)

    desk.post(reverse("admin:projects_poll_delete", args=[poll.pk]), {"post": "yes"})

    assert not Poll.objects.exists()


@pytest.mark.parametrize(
    "name", ["projects_poll", "projects_project", "ballots_delegate", "ballots_delegation"]
)
def test_nothing_is_deleted_in_bulk(desk, name):
    poll = make_poll(candidates=2)
    make_delegates(2)
    rows = apps.get_model(*name.split("_"))._default_manager
    ids = list(rows.values_list("pk", flat=True))

    desk.post(
        reverse(f"admin:{name}_changelist"),
        {"action": "delete_selected", "_selected_action": ids, "post": "yes"},
    )

    assert rows.count() == len(ids)
    assert poll.projects.count() == 2


# --- candidates -----------------------------------------------------------------------------------


def test_a_new_candidate_gets_the_next_number_and_positions_for_its_targets(desk):
    poll = make_poll(candidates=8)

    page = desk.get(reverse("admin:projects_project_add"))
    targets = {"targets-0-text": "新建", "targets-1-text": "改造"}
    reply = desk.post(
        reverse("admin:projects_project_add"),
        fields_of(page) | {"title": "城市道路提升", "text": "内容。"} | targets,
    )

    project = Project.objects.get(number=9)
    assert reply.status_code == 302
    assert project.poll == poll
    assert [(line.position, line.text) for line in project.targets.all()] == [
        (1, "新建"),
        (2, "改造"),
    ]


def test_a_target_without_a_position_goes_to_the_end(desk):
    project = make_poll(candidates=1).projects.get()
    address = reverse("admin:projects_project_change", args=[project.pk])
    page = desk.get(address)

    desk.post(address, fields_of(page) | {"targets-2-text": "改造", "targets-2-position": ""})

    assert [(line.position, line.text) for line in project.targets.all()] == [
        (1, "新建"),
        (2, "改造"),
    ]


def test_two_targets_can_change_places_while_a_third_goes(desk):
    project = make_poll(candidates=1).projects.get()
    Target.objects.create(project=project, position=2, text="改造")
    Target.objects.create(project=project, position=3, text="验收")
    address = reverse("admin:projects_project_change", args=[project.pk])
    page = desk.get(address)

    desk.post(
        address,
        fields_of(page)
        | {"targets-0-position": 3, "targets-1-position": 1, "targets-2-DELETE": "on"},
    )

    assert [(line.position, line.text) for line in project.targets.all()] == [
        (1, "改造"),
        (3, "新建"),
    ]


def test_a_candidate_cannot_be_added_to_a_poll_that_has_opened(desk):
    poll = move_by_force(make_poll(candidates=1, delegates_total=3), Poll.Phase.OPEN)
    make_poll(candidates=0)
    page = desk.get(reverse("admin:projects_project_add"))

    reply = desk.post(
        reverse("admin:projects_project_add"),
        fields_of(page) | {"poll": poll.pk, "number": 2, "title": "迟到的项目", "text": "内容。"},
    )

    assert "投票已经开始" in reply.context["adminform"].form.errors["poll"][0]
    assert poll.projects.count() == 1


def test_a_candidate_of_an_opened_poll_can_be_read_and_neither_changed_nor_deleted(desk):
    poll = make_poll(candidates=1, delegates_total=3)
    project = poll.projects.get()
    address = reverse("admin:projects_project_change", args=[project.pk])
    filled = fields_of(desk.get(address)) | {"title": "改名"}
    move_by_force(poll, Poll.Phase.OPEN)

    page = desk.get(address)
    changed = desk.post(address, filled, follow=True)
    deleted = desk.post(
        reverse("admin:projects_project_delete", args=[project.pk]), {"post": "yes"}
    )

    assert "候选项目1" in page.text
    assert messages_of(changed) == ["投票已经开始，候选项目和票决规则不能再修改。"]
    assert deleted.status_code == 403
    assert Project.objects.get().title == "候选项目1"


# --- delegates and cards --------------------------------------------------------------------------


def test_the_list_tells_who_has_a_card_and_who_must_wait(desk, clerk):
    valid, _none, waiting = make_delegates(3)
    cards.issue_cards([valid, waiting], by=clerk)
    Delegate.objects.filter(pk=waiting.pk).update(
        locked_until=timezone.now() + timedelta(minutes=4)
    )

    page = desk.get(reverse("admin:ballots_delegate_changelist"))
    only_waiting = desk.get(reverse("admin:ballots_delegate_changelist"), {"card": "wait"})

    states = re.findall(r'field-card_state">(.*?)<', page.text)
    assert states == ["有效", "未发", "暂停输入"]
    assert list(only_waiting.context["cl"].queryset) == [waiting]


def test_a_delegate_can_be_suspended_but_never_deleted(desk):
    [delegate] = make_delegates(1)
    address = reverse("admin:ballots_delegate_change", args=[delegate.pk])

    desk.post(address, fields_of(desk.get(address)) | {"status": "suspended"})
    reply = desk.post(reverse("admin:ballots_delegate_delete", args=[delegate.pk]), {"post": "yes"})

    delegate.refresh_from_db()
    assert delegate.status == Delegate.Status.SUSPENDED
    assert reply.status_code == 403


def test_cards_for_all_who_have_none_come_as_one_sheet_whose_codes_work(desk):
    make_poll(meeting="某市人民代表大会会议")
    make_delegates(12, delegation="城区代表团")
    make_delegates(2, delegation="城南代表团")
    Delegate.objects.filter(number="003").update(status=Delegate.Status.ENDED)

    page = desk.get(reverse("admin:ballots_delegate_issue"))
    heading = page.context["forms"][0]["heading"].value()
    sheet = desk.post(reverse("admin:ballots_delegate_issue"), {"ids": "", "heading": heading})

    codes = re.findall(r'class="card-code">([\d ]+)<', sheet.text)
    assert len(codes) == 13
    assert all(code.count(" ") == 3 for code in codes)
    numbers = [sign_in.card_by_code(code).delegate.number for code in codes]
    assert numbers == [person.number for person in Delegate.objects.exclude(status="ended")]
    # A new page for each delegation, ten cards a page: 11 and 2.
    assert sheet.text.count("card-page") == 3
    assert sheet.text.count("领卡签名") == 2
    assert sheet.text.count('class="card-qr"') == 13
    assert "某市人民代表大会会议" in sheet.text
    assert "演练，不计票" not in sheet.text
    assert f"或打开 {settings.PUBLIC_URL} 输入投票码" in sheet.text
    assert "no-store" in sheet.headers["Cache-Control"]
    assert " style=" not in sheet.text


def test_the_qr_code_holds_the_address_in_upper_case(desk, monkeypatch):
    texts: list[str] = []
    draw = segno.make

    def make(text: str, **kwargs: Any) -> segno.QRCode:
        texts.append(text)
        return draw(text, **kwargs)

    monkeypatch.setattr("ballots.admin.guard.segno.make", make)
    [delegate] = make_delegates(1)

    desk.post(reverse("admin:ballots_delegate_issue"), {"ids": str(delegate.pk)})

    [address] = texts
    start, token = address[:-33], address[-33:-1]
    card = sign_in.card_by_token(token)
    assert start == "HTTPS://VOTE.EXAMPLE.CN/K/"
    assert card is not None
    assert card.delegate == delegate


def test_cards_headed_by_a_rehearsal_carry_its_mark(desk):
    poll = make_poll(kind=Poll.Kind.REHEARSAL)
    make_delegates(1)

    sheet = desk.post(reverse("admin:ballots_delegate_issue"), {"ids": "", "heading": poll.pk})

    assert "演练，不计票" in sheet.text


def test_only_the_chosen_get_a_card_and_a_second_sending_gives_no_second_one(desk):
    first, second = make_delegates(2)
    address = reverse("admin:ballots_delegate_issue")

    chosen = desk.post(
        reverse("admin:ballots_delegate_changelist"),
        {"action": "issue", "_selected_action": [first.pk]},
    )
    assert not AccessCard.objects.exists()
    desk.post(address, {"ids": chosen.context["chosen"]["ids"].value()})
    reply = desk.post(address, {"ids": str(first.pk)}, follow=True)

    assert list(AccessCard.objects.values_list("delegate", flat=True)) == [first.pk]
    assert messages_of(reply) == ["这些投票卡刚刚已经生成，请使用先前打印的一份。"]
    assert messages_of(desk.get(address + f"?ids={first.pk}")) != messages_of(reply)
    assert second.cards.count() == 0


def reissue_fields(page, **changed) -> dict[str, object]:
    reason = page.context["forms"][0]
    return {
        "ids": page.context["chosen"]["ids"].value(),
        "cards": reason["cards"].value(),
        "why": "lost",
    } | changed


def test_a_new_card_voids_the_old_one_and_keeps_the_reason(desk, clerk):
    [delegate] = make_delegates(1)
    [old] = cards.issue_cards([delegate], by=clerk)
    address = reverse("admin:ballots_delegate_reissue")
    page = desk.get(address, {"ids": delegate.pk})

    sheet = desk.post(address, reissue_fields(page, why="other", words="卡面污损"))

    [code] = re.findall(r'class="card-code">([\d ]+)<', sheet.text)
    card = sign_in.card_by_code(code)
    assert card.reason == "其他：卡面污损"
    assert sign_in.card_by_token(old.token) is None


def test_a_new_card_needs_a_reason_in_words_where_it_is_another_one(desk, clerk):
    [delegate] = make_delegates(1)
    cards.issue_cards([delegate], by=clerk)
    address = reverse("admin:ballots_delegate_reissue")
    page = desk.get(address, {"ids": delegate.pk})

    without = desk.post(address, reissue_fields(page, why=""))
    unsaid = desk.post(address, reissue_fields(page, why="other"))

    assert "why" in without.context["forms"][0].errors
    assert "words" in unsaid.context["forms"][0].errors
    assert AccessCard.objects.count() == 1


def test_sending_the_page_of_a_new_card_twice_does_not_void_the_card_just_printed(desk, clerk):
    [delegate] = make_delegates(1)
    cards.issue_cards([delegate], by=clerk)
    address = reverse("admin:ballots_delegate_reissue")
    filled = reissue_fields(desk.get(address, {"ids": delegate.pk}))

    desk.post(address, filled)
    again = desk.post(address, filled)

    assert again.context["forms"][0].has_error("__all__", "changed")
    assert AccessCard.objects.count() == 2


def test_several_new_cards_come_on_one_sheet_through_the_list(desk, clerk):
    people = make_delegates(3)
    cards.issue_cards(people, by=clerk)
    page = desk.post(
        reverse("admin:ballots_delegate_changelist"),
        {"action": "reissue", "_selected_action": [people[0].pk, people[2].pk]},
    )

    sheet = desk.post(reverse("admin:ballots_delegate_reissue"), reissue_fields(page))

    assert sheet.text.count('class="card-code"') == 2
    assert people[1].cards.count() == 1


def test_while_a_poll_takes_ballots_a_new_card_needs_a_second_person(client):
    stage = factories.make_stage()
    client.force_login(stage.office)
    address = reverse("admin:ballots_delegate_reissue")
    filled = reissue_fields(client.get(address, {"ids": stage.delegates[0].pk}))

    alone = client.post(address, filled)
    wrong = client.post(
        address,
        filled | signed_by(stage.scrutineer) | {"second_password": "not-this"},
    )
    both = client.post(
        address,
        filled | signed_by(stage.scrutineer),
    )

    assert "须由另一位工作人员签名确认" in alone.text
    assert "第二人的用户名或密码不正确" in wrong.text
    assert "not-this" not in wrong.text
    assert both.text.count('class="card-code"') == 1
    assert stage.poll.journal.get(kind="card-reissued").second == stage.scrutineer


def test_the_desk_ends_a_wait(desk):
    [delegate] = make_delegates(1)
    Delegate.objects.update(failures=7, locked_until=timezone.now() + timedelta(minutes=4))

    desk.post(
        reverse("admin:ballots_delegate_changelist"),
        {"action": "end_wait", "_selected_action": [delegate.pk]},
    )

    delegate.refresh_from_db()
    assert (delegate.failures, delegate.locked_until) == (0, None)


def test_no_secret_reaches_the_history_of_a_page(desk, clerk):
    make_delegates(1)
    sheet = desk.post(reverse("admin:ballots_delegate_issue"), {"ids": ""})
    [code] = re.findall(r'class="card-code">([\d ]+)<', sheet.text)

    entries = [f"{entry.object_repr} {entry.change_message}" for entry in LogEntry.objects.all()]

    assert code not in " ".join(entries)
    assert card_code.read_code(code) not in " ".join(entries)


# --- import ---------------------------------------------------------------------------------------


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

    assert "第一行为表头：代表证号、姓名、代表团、序号、联系电话、座位。" in page.text
    assert "投票已开始，只能单个增补代表，并须注明依据。" in page.text
    assert roll_table.parse(template.content).problems[0].text == "表头之下没有内容。"


# --- the pages as a whole -------------------------------------------------------------------------


def test_the_index_names_the_polls_that_are_not_over(desk):
    shown = make_poll(meeting="进行中的会议")
    over = make_poll(kind=Poll.Kind.REHEARSAL, meeting="已结束的会议", delegates_total=3)
    move_by_force(over, Poll.Phase.PUBLISHED)

    page = desk.get(reverse("admin:index"))

    assert list(page.context["polls"].values_list("pk", flat=True)) == [shown.pk]
    assert at(shown) in page.text


def test_a_superuser_of_no_office_is_told_why_nothing_can_be_done(client):
    client.force_login(User.objects.create_superuser("root"))

    page = client.get(reverse("admin:index"))

    assert "您的账号不属于会务、监票任何一组" in page.text


@pytest.mark.parametrize(
    "name",
    [
        "projects_poll_changelist",
        "projects_project_changelist",
        "ballots_delegate_changelist",
        "ballots_delegate_issue",
        "ballots_delegation_changelist",
        "ballots_rollentry_changelist",
        "ballots_journalentry_changelist",
        "ballots_pollday_changelist",
        "index",
    ],
)
def test_lists_ask_the_database_no_more_often_when_there_is_more_in_them(desk, clerk, name):
    address = reverse(f"admin:{name}")

    def fill(number: int) -> None:
        for _ in range(number):
            poll = make_poll(kind=Poll.Kind.REHEARSAL, candidates=0, delegates_total=99)
            make_delegates(1, delegation=f"第{next(_place)}代表团")
            make_project(poll, 1)
            roll.draw_up_roll(poll, by=clerk)

    fill(5)
    with_five = len(queries_of(desk, address))
    fill(35)

    assert len(queries_of(desk, address)) == with_five


def test_the_name_of_an_account_that_has_signed_is_kept(stage):
    boss = User.objects.create_superuser("root", password="root-password")
    client = desk_of(boss)
    unsigned = make_office("newcomer")

    signed = client.get(f"/admin/auth/user/{stage.office.pk}/change/").text
    other = client.get(f"/admin/auth/user/{unsigned.pk}/change/").text

    assert 'name="username"' not in signed
    assert 'name="username"' in other
