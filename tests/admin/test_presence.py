"""Presence on the office's pages: one press a person, who is left out, leave, and mistakes."""

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from ballots.acts import roll
from ballots.models import Delegate
from ballots.refusal import Refused
from tests.helpers.browsing import posted, read
from tests.helpers.desk import at, desk_of, faults_of, messages_of, signed_by
from tests.helpers.factories import Stage, make_delegates, make_stage, selection, stage_without
from tests.helpers.http_client import Form

pytestmark = pytest.mark.django_db

HOME = "城区代表团"


def present(stage: Stage) -> set[str]:
    return set(stage.poll.roll.filter(present=True).values_list("number", flat=True))


def draft_without(*absent: str, **columns: Any) -> Stage:
    """Return a draft to which the delegates of these numbers have not come."""
    stage = make_stage(open_it=False, **columns)
    roll.mark_absent(stage.poll, numbers=absent, by=stage.office)
    return stage


def press(stage: Stage, **pressed: str) -> Any:
    """Press a button of the delegation on the board; return the page that follows."""
    sent = {"delegation": HOME} | pressed
    return desk_of(stage.office).post(at(stage.poll, "presence"), sent, follow=True)


# --- one press a person ---------------------------------------------------------------------------


def test_a_tap_marks_a_person_stays_at_him_and_offers_to_take_it_back():
    stage = draft_without("002", "003")

    reply = press(stage, present="代表2（002）")

    assert present(stage) == {"001", "002", "004", "005"}
    [(where, _status)] = reply.redirect_chain
    assert where == f"{at(stage.poll, 'presence')}?{urlencode({'open': HOME, 'last': '002'})}#n002"
    page = read(reply)
    assert "代表2（002）已记为到会。" in page.text
    assert 'id="n002"' in reply.text
    [undo] = [form for form in page.forms if ("absent", "代表2（002）") in form.buttons[:1]]
    assert len(undo.buttons) == 1
    press(stage, absent="代表2（002）")
    assert present(stage) == {"001", "004", "005"}


def test_two_desks_that_mark_the_same_person_do_not_undo_each_other():
    stage = draft_without("002")

    for _desk in range(2):
        press(stage, present="代表2（002）")

    assert "002" in present(stage)


def test_once_the_poll_is_open_nothing_offers_to_take_presence_back_by_one_hand():
    stage = stage_without("002")

    reply = press(stage, present="代表2（002）")

    page = read(reply)
    assert "误记的，由两人签名撤销" in page.text
    assert "投票已开始，到会只能增加。" in page.text
    assert not [name for form in page.forms for name, _value in form.buttons if name == "absent"]
    assert not [value for form in page.forms for _n, value in form.buttons if value == "none"]
    sent = press(stage, absent="代表2（002）")
    assert sent.redirect_chain[0][0] == at(stage.poll, "absent") + "?numbers=002"
    assert "002" in present(stage)


def test_the_part_that_is_opened_is_the_one_that_was_pressed():
    stage = draft_without("001")
    make_delegates(1, delegation="城南代表团")
    roll.draw_up_roll(stage.poll, by=stage.office)

    opened = {row["name"]: row["is_open"] for row in press(stage, do="all").context["delegations"]}

    assert opened == {HOME: True, "城南代表团": False}


# --- a whole delegation, and everybody ------------------------------------------------------------


def test_a_whole_delegation_is_marked_but_for_the_suspended_and_those_on_leave():
    """Case 28."""
    stage = draft_without("001", "002", "003")
    Delegate.objects.filter(number="001").update(status=Delegate.Status.SUSPENDED)
    roll.give_leave(stage.poll, numbers=["002"], reason="因病", by=stage.office)

    reply = press(stage, do="all")

    assert present(stage) == {"003", "004", "005"}
    assert messages_of(reply) == [
        "已记录。实到3人。",
        "以下代表没有记为到会：代表1（001）暂停、代表2（002）请假。",
    ]
    assert "<strong>暂停</strong>" in reply.text
    press(stage, do="none")
    assert present(stage) == set()


def everybody_form(desk: Client, stage: Stage) -> Form:
    page = read(desk.get(at(stage.poll, "everybody")))
    [form] = [form for form in page.forms if "shown" in dict(form.fields)]
    return form


@pytest.mark.parametrize(
    ("typed", "there"),
    [
        ("", {"001", "002", "003", "004", "005"}),
        ("代表2、5", {"001", "003", "004"}),
        ("002\n代表 3，代表4；１", {"005"}),
    ],
)
def test_everybody_is_marked_but_those_who_are_named_by_number_or_name(typed, there):
    stage = draft_without("001", "002", "003", "004", "005")
    desk = desk_of(stage.office)
    carried = everybody_form(desk, stage)

    desk.post(at(stage.poll, "everybody"), posted(carried) | {"absent": typed})

    assert present(stage) == there


def test_whoever_is_not_on_the_roll_or_not_the_only_one_of_his_name_marks_nobody():
    stage = draft_without("001", "002", "003", "004", "005")
    Delegate.objects.filter(number__in=["003", "004"]).update(name="王伟")
    roll.draw_up_roll(stage.poll, by=stage.office)

    reply = desk_of(stage.office).post(at(stage.poll, "everybody"), {"absent": "王伟、代表、009"})

    assert faults_of(reply) == [
        "名册上有2位“王伟”，请写代表证号。",
        "名册上没有“代表”。",
        "名册上没有“009”。",
    ]
    assert "王伟、代表、009" in reply.text
    assert present(stage) == set()


def test_everybody_is_marked_in_a_draft_alone_where_it_can_be_taken_back():
    stage = stage_without("001")
    desk = desk_of(stage.office)

    reply = desk.post(at(stage.poll, "everybody"), {"absent": ""})

    assert reply["Location"] == at(stage.poll)
    assert "001" not in present(stage)
    assert "全体到会" not in desk.get(at(stage.poll, "presence")).text


def test_everybody_on_a_roll_that_was_drawn_up_anew_is_nobody():
    stage = draft_without("001", "003")
    desk, before = desk_of(stage.office), present(stage)
    carried = everybody_form(desk, stage)
    exchange_two(stage)
    add_one(stage)

    reply = desk.post(at(stage.poll, "everybody"), posted(carried))

    assert any("打开本页之后，名册有变动" in fault for fault in faults_of(reply))
    assert present(stage) == before


# --- leave ----------------------------------------------------------------------------------------


def test_leave_is_noted_with_its_reason_shown_counted_and_taken_back():
    stage = draft_without("001", "002")

    reply = press(stage, leave="代表2（002）", reason="因公外出")

    assert stage.entry(1).leave == "因公外出"
    text = read(reply).text
    assert "应到5人，实到3人，请假1人，未到1人" in text
    assert "代表2（002）请假：因公外出。 撤销" in text
    assert "城区代表团 3/5 请假1" in text
    press(stage, back="代表2（002）")
    assert stage.entry(1).leave == ""


def test_leave_without_a_reason_is_refused_on_the_board():
    stage = draft_without("002")

    assert faults_of(press(stage, leave="代表2（002）", reason=" ")) == ["请说明原因。"]


# --- the sheet to sign ----------------------------------------------------------------------------


def test_the_sheet_has_a_table_a_delegation_and_says_who_is_on_leave_but_not_why():
    stage = draft_without("002")
    make_delegates(1, delegation="城南代表团")
    roll.draw_up_roll(stage.poll, by=stage.office)
    roll.give_leave(stage.poll, numbers=["002"], reason="因病住院", by=stage.office)

    sheet = desk_of(stage.scrutineer).get(at(stage.poll, "sign-in"))

    text = read(sheet).text
    assert sheet.text.count("<table>") == 2
    assert (
        "城区代表团 应到5人 序号 代表证号 姓名 签到 备注 1 001 代表1 2 002 代表2 请假 3 003" in text
    )
    assert "城南代表团 应到1人" in text
    assert "因病住院" not in sheet.text
    assert "演练，不计票" in sheet.text


# --- the field on top -----------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["002", "2", "代表2", "代 表2"])
def test_a_number_or_the_one_name_that_begins_so_is_marked_at_once(typed):
    stage = draft_without("002")

    reply = desk_of(stage.office).post(
        at(stage.poll, "door"), {"card": typed, "board": "1"}, follow=True
    )

    assert "002" in present(stage)
    assert reply.redirect_chain[0][0].startswith(at(stage.poll, "presence"))
    assert "代表2（002）已记为到会。" in reply.text


def test_of_several_hits_the_first_waits_for_enter_and_nobody_is_marked():
    stage = draft_without("001", "002", "003", "004", "005")
    Delegate.objects.filter(number__in=["002", "004"]).update(name="王伟")
    roll.draw_up_roll(stage.poll, by=stage.office)

    reply = desk_of(stage.office).post(at(stage.poll, "door"), {"card": "王"}, follow=True)

    assert [entry.number for entry in reply.context["hits"]] == ["002", "004"]
    assert present(stage) == set()
    [waiting] = re.findall(r"<(\w+)[^>]* autofocus", reply.text)
    assert waiting == "button"
    first = next(form for form in read(reply).forms if ("present", "王伟（002）") in form.buttons)
    assert len(first.buttons) == 1


def test_what_means_nobody_is_said_and_a_code_is_never_shown_again():
    stage = draft_without("001")
    desk = desk_of(stage.office)

    nobody = desk.post(at(stage.poll, "door"), {"card": "赵"})
    code = desk.post(at(stage.poll, "door"), {"card": "1234567890"})

    assert faults_of(nobody) == ["名册上没有这个代表证号或姓名。"]
    assert faults_of(code) == ["投票码应为16位数字，您输入了10位"]
    assert "1234567890" not in code.text


def test_a_suspended_delegate_who_is_tapped_or_shows_his_card_is_not_marked():
    """Case 28."""
    stage = draft_without("001")
    Delegate.objects.filter(number="001").update(status=Delegate.Status.SUSPENDED)

    tapped = press(stage, present="代表1（001）")
    shown = desk_of(stage.office).post(at(stage.poll, "door"), {"card": stage.issued[0].code})

    for reply in (tapped, shown):
        assert any("代表1（001）不是在任代表" in fault for fault in faults_of(reply))
    assert "001" not in present(stage)


# --- a mistake while people vote ------------------------------------------------------------------


def test_a_mistake_is_taken_back_by_two_on_a_page_of_its_own():
    """Case 28."""
    stage = make_stage()
    desk = desk_of(stage.office)

    page = press(stage, absent="代表2（002）")
    assert "代表2（002）" in page.text
    assert "代表1（001）" not in page.text
    alone = desk.post(at(stage.poll, "absent"), {"numbers": ["002"], "reason": "误记"})
    assert present(stage) == {"001", "002", "003", "004", "005"}
    assert alone.status_code == 200
    signed = {"numbers": ["002"], "reason": "误记"} | signed_by(stage.scrutineer)
    reply = desk.post(at(stage.poll, "absent"), signed, follow=True)

    assert messages_of(reply) == ["已撤销。实到4人。"]
    assert present(stage) == {"001", "003", "004", "005"}
    journal = desk.get(at(stage.poll, "journal")).text
    assert "撤销到会" in journal
    assert "代表2（002）" in journal


def test_whoever_has_voted_keeps_his_presence_and_the_page_says_why():
    stage = make_stage()
    stage.cast(0, selection(1))
    signed = {"numbers": ["001"], "reason": "误记"} | signed_by(stage.scrutineer)

    reply = desk_of(stage.office).post(at(stage.poll, "absent"), signed)

    assert faults_of(reply) == ["代表1（001）已投票，不能撤销到会。"]


def test_without_a_tick_the_page_of_the_mistake_leads_back():
    stage = make_stage()

    reply = desk_of(stage.office).get(at(stage.poll, "absent"), follow=True)

    assert messages_of(reply) == ["请先在“代表报到”页勾选代表。"]
    assert reply.redirect_chain[0][0] == at(stage.poll, "presence")


def exchange_two(stage: Stage) -> None:
    """The names of 001 and 002 change places, as a table of the roll with two ticks does it."""
    Delegate.objects.filter(number="001").update(name="代表2")
    Delegate.objects.filter(number="002").update(name="代表1")
    roll.draw_up_roll(stage.poll, by=stage.office)


def add_one(stage: Stage) -> None:
    make_delegates(1)
    roll.draw_up_roll(stage.poll, by=stage.office)


def presses(page: Any) -> dict[str, str]:
    """Return what the form of the first delegation carries whatever is ticked."""
    [delegation] = page.context["delegations"]
    return {"delegation": delegation["name"], "shown": delegation["shown"]}


@pytest.mark.parametrize(
    "pressed",
    [{"present": "代表1（001）"}, {"absent": "代表2（002）"}, {"do": "all"}, {"do": "none"}],
    ids=str,
)
@pytest.mark.parametrize("change", [exchange_two, add_one])
def test_nobody_is_marked_whom_the_page_did_not_show_so(change, pressed):
    """Class of case 24: the roll was drawn up anew between the look and the press."""
    stage = draft_without("001", "003")
    desk, before = desk_of(stage.office), present(stage)
    carried = presses(desk.get(at(stage.poll, "presence")))
    change(stage)

    reply = desk.post(at(stage.poll, "presence"), carried | pressed)

    if change is add_one and "do" not in pressed:
        # The person is still who he was.
        assert present(stage) != before
    else:
        assert present(stage) == before
        assert any("打开本页之后，名册有变动" in fault for fault in faults_of(reply))


def test_a_roll_drawn_up_anew_without_a_change_is_no_reason_to_refuse():
    stage = draft_without("001")
    desk = desk_of(stage.office)
    carried = presses(desk.get(at(stage.poll, "presence")))
    roll.draw_up_roll(stage.poll, by=stage.office)

    desk.post(at(stage.poll, "presence"), carried | {"do": "all"})

    assert "001" in present(stage)


@pytest.mark.parametrize("mark", [roll.mark_present, roll.mark_absent])
def test_the_act_itself_asks_for_the_names_that_were_read(mark):
    stage = make_stage(open_it=False)
    exchange_two(stage)

    with pytest.raises(Refused) as refusal:
        mark(stage.poll, numbers=["001"], names={"001": "代表1"}, by=stage.office)

    assert refusal.value.code == "roll-moved"
