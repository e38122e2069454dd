"""The admin's pages of delegates and their cards."""

import re
from datetime import timedelta
from typing import Any

import pytest
import segno
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from ballots.acts import cards, sign_in
from ballots.models import AccessCard, Delegate
from ballots.pure import card_code
from projects.models import Poll
from tests.helpers import factories
from tests.helpers.desk import messages_of, signed_by
from tests.helpers.factories import (
    make_delegates,
    make_poll,
)

pytestmark = pytest.mark.django_db


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


def test_a_delegate_with_a_card_can_be_suspended_but_never_deleted(desk, clerk):
    [delegate] = make_delegates(1)
    cards.issue_cards([delegate], by=clerk)
    address = reverse("admin:ballots_delegate_status")

    desk.post(address, {"ids": delegate.pk, "status": "suspended"})
    address = reverse("admin:ballots_delegate_delete", args=[delegate.pk])
    reply = desk.post(address, {"post": "yes"}, follow=True)

    delegate.refresh_from_db()
    assert delegate.status == Delegate.Status.SUSPENDED
    assert "投票卡" in reply.text


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
