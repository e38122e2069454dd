"""The page that changes a status while people vote: who signs, and what everybody is told."""

import pytest
from django.urls import reverse

from ballots.acts import delegates
from ballots.models import Delegate
from tests.helpers.desk import at, desk_of, faults_of, messages_of, signed_by
from tests.helpers.factories import Stage, make_stage, publish_count, selection

pytestmark = pytest.mark.django_db

PAGE = reverse("admin:ballots_delegate_status")


def filled(stage: Stage, **more: str) -> dict[str, str]:
    return {"ids": str(stage.delegates[0].pk), "status": "suspended", "reason": "决定"} | more


def test_while_people_vote_the_page_asks_for_a_reason_and_a_second_person():
    """Case 28."""
    stage = make_stage()
    desk = desk_of(stage.office)

    page = desk.get(PAGE, {"ids": stage.delegates[0].pk})
    alone = desk.post(PAGE, filled(stage))
    silent = desk.post(PAGE, filled(stage, reason="") | signed_by(stage.scrutineer))

    assert "以下票决正在进行，名册上有所选代表。" in page.text
    assert faults_of(alone) == ["投票进行中，须由另一位工作人员签名确认。"]
    assert faults_of(silent) == ["请说明原因。"]
    assert Delegate.objects.filter(status="active").count() == 5
    reply = desk.post(PAGE, filled(stage) | signed_by(stage.scrutineer), follow=True)
    assert messages_of(reply) == ["已更改1人的状态。"]
    assert Delegate.objects.get(number="001").status == "suspended"


def test_the_day_the_record_and_the_report_say_how_often_it_happened():
    """Case 28."""
    stage = make_stage()
    stage.cast(1, selection(1))
    desk = desk_of(stage.office)
    desk.post(PAGE, filled(stage) | signed_by(stage.scrutineer))

    assert "开始投票后代表状态变更1次（见操作记录）" in desk.get(at(stage.poll)).text
    journal = desk.get(at(stage.poll, "journal")).text
    assert "更改代表状态" in journal
    assert "代表1（001）" in journal
    publish_count(stage)
    assert "投票期间代表状态变更1次。" in desk.get(at(stage.poll, "report")).text


def test_a_report_of_a_vote_without_such_a_change_is_silent():
    stage = make_stage()
    stage.cast(1, selection(1))
    publish_count(stage)

    assert "状态变更" not in desk_of(stage.office).get(at(stage.poll, "report")).text


def test_while_nobody_votes_one_person_changes_it():
    stage = make_stage(open_it=False)

    desk_of(stage.office).post(PAGE, filled(stage, reason=""))

    assert Delegate.objects.get(number="001").status == "suspended"


def test_the_form_of_a_delegate_does_not_change_the_status():
    """Case 28."""
    stage = make_stage()
    person = stage.delegates[0]
    address = reverse("admin:ballots_delegate_change", args=[person.pk])
    sent = {
        "number": "001",
        "name": "代表1",
        "delegation": person.delegation_id,
        "position": 1,
        "phone": "",
        "seat": "",
        "status": "ended",
    }

    desk_of(stage.office).post(address, sent)

    assert Delegate.objects.get(pk=person.pk).status == "active"


def test_the_list_of_those_awaited_leaves_out_the_suspended():
    """Case 28."""
    stage = make_stage()
    delegates.set_status(
        stage.delegates[:1],
        "suspended",
        reason="决定",
        by=stage.office,
        second=stage.scrutineer,
    )

    figures = desk_of(stage.office).get(at(stage.poll)).context["figures"]

    assert (figures["roll"], figures["present"], figures["waiting"]) == (5, 4, 4)
