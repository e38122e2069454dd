"""The second person signs on a screen of his own: what he reads, once, within ten minutes."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.utils import timezone

from ballots.models import Delegate, JournalEntry, WaitingStep
from projects.models import Poll
from tests.helpers.desk import at, desk_of, faults_of, messages_of, signed_by
from tests.helpers.factories import PASSWORD, Stage, make_scrutineer, make_stage

pytestmark = pytest.mark.django_db

PAGE = "/admin/ballots/journalentry/signatures/"
WHY = {"reason": "候选名单有误"}


@pytest.fixture
def stage() -> Stage:
    return make_stage()


def asked(user: User) -> dict[str, str]:
    """What the first person types: the name of the second alone."""
    return {"second_name": user.username, "second_password": ""}


def void(stage: Stage, **more: str) -> Any:
    sent = WHY | asked(stage.scrutineer) | more
    return desk_of(stage.office).post(at(stage.poll, "void"), sent, follow=True)


def sign(user: User, **more: str) -> Any:
    step = WaitingStep.objects.get()
    return desk_of(user).post(PAGE, {"step": step.pk} | more, follow=True)


def phase(stage: Stage) -> str:
    return Poll.objects.get(pk=stage.poll.pk).phase


def test_a_step_waits_until_the_second_person_has_signed_in_a_session_of_his_own(stage):
    waiting = void(stage)
    assert phase(stage) == "open"
    assert "在自己的设备上打开“待签名”" in messages_of(waiting)[0]
    shown = desk_of(stage.scrutineer).get(PAGE).content.decode()
    assert "作废" in shown
    assert "原因：候选名单有误" in shown
    assert str(stage.poll) in shown

    void(stage)
    assert phase(stage) == "open"
    assert messages_of(sign(stage.scrutineer)) == ["已签名，请对方再按一次按钮办理。"]
    void(stage)

    assert phase(stage) == "void"
    entry = JournalEntry.objects.get(kind="voided")
    assert (entry.by, entry.second) == (stage.office, stage.scrutineer)
    assert not WaitingStep.objects.exists()


def test_the_signature_is_for_what_was_read_and_nothing_else(stage):
    void(stage)
    sign(stage.scrutineer)

    void(stage, reason="别的原因")

    assert phase(stage) == "open"
    assert WaitingStep.objects.get().signed_at is None


def test_the_signature_is_for_one_page_and_one_first_person(stage):
    void(stage)
    sign(stage.scrutineer)

    other = WHY | asked(stage.scrutineer)
    desk_of(stage.chief).post(at(stage.poll, "void"), other)
    desk_of(stage.office).post(at(stage.poll, "pause"), WHY)

    assert phase(stage) == "paused"
    assert WaitingStep.objects.get(by=stage.office).signed_at


def test_it_is_used_up_by_one_step(stage):
    person = Delegate.objects.filter(pk=stage.delegates[0].pk)
    sent = {"ids": str(stage.delegates[0].pk), "status": "suspended"} | WHY | asked(stage.chief)
    desk = desk_of(stage.office)
    desk.post("/admin/ballots/delegate/status/", sent)
    sign(stage.chief)
    desk.post("/admin/ballots/delegate/status/", sent)
    assert person.get().status == Delegate.Status.SUSPENDED
    person.update(status=Delegate.Status.ACTIVE)

    desk.post("/admin/ballots/delegate/status/", sent)

    assert person.get().status == Delegate.Status.ACTIVE
    assert WaitingStep.objects.get().signed_at is None


def test_after_ten_minutes_it_is_asked_for_again(stage):
    void(stage)
    sign(stage.scrutineer)
    with time_machine.travel(timezone.now() + timedelta(minutes=10, seconds=1), tick=False):
        void(stage)
        assert phase(stage) == "open"
        assert WaitingStep.objects.get().signed_at is None


@pytest.mark.parametrize("who", ["chief", "office"])
def test_nobody_signs_for_somebody_else(stage, who):
    void(stage)

    reply = sign(getattr(stage, who))

    assert messages_of(reply) == ["这一步已不在等待签名，请对方重新提交。"]
    assert WaitingStep.objects.get().signed_at is None


def test_what_is_refused_waits_no_more(stage):
    void(stage)

    assert messages_of(sign(stage.scrutineer, refuse="1")) == ["已拒绝，没有签名。"]

    assert not WaitingStep.objects.exists()


@pytest.mark.parametrize("name", ["nobody", "the same"])
def test_nobody_is_asked_who_is_nobody_or_oneself(stage, name):
    name = stage.office.username if name == "the same" else name

    reply = void(stage, second_name=name)

    assert "第二人的用户名不正确" in faults_of(reply)
    assert not WaitingStep.objects.exists()


def test_a_password_in_the_form_signs_as_before(stage):
    desk_of(stage.office).post(at(stage.poll, "void"), WHY | signed_by(stage.scrutineer))

    assert phase(stage) == "void"


def test_whoever_has_no_right_to_sign_is_told_so_by_the_act(stage):
    """The screen gives no right: the act asks, as of a password."""
    void(stage, second_name=stage.office.username + "x")
    second = make_scrutineer()
    second.groups.clear()
    void(stage, second_name=second.username)

    assert desk_of(second).get(PAGE).status_code == 403


def test_no_secret_is_kept_and_the_names_of_those_concerned_are_shown(stage):
    sent = {
        "ids": str(stage.delegates[0].pk),
        "status": Delegate.Status.SUSPENDED,
        "reason": "决定",
        "share_1": "AAAA",
    }
    desk = desk_of(stage.office)

    desk.post("/admin/ballots/delegate/status/", sent | asked(stage.chief))

    step = WaitingStep.objects.get()
    assert [label for label, *_rest in step.words] == ["状态改为", "原因", "代表1（001）"]
    assert "暂停" in step.words[0][1]
    assert not [name for name, _values in step.posted if "share" in name or "password" in name]
    sign(stage.chief)
    desk.post("/admin/ballots/delegate/status/", sent | asked(stage.chief))
    assert Delegate.objects.get(pk=stage.delegates[0].pk).status == Delegate.Status.SUSPENDED


def test_an_account_is_changed_by_a_signature_from_another_screen_too():
    held = make_stage(kind=Poll.Kind.MAIN)
    root = User.objects.create_superuser("root1", password=PASSWORD)
    desk = desk_of(root)
    page = f"/admin/auth/user/{held.office.pk}/password/"
    desk.post(page, WHY | asked(held.chief))
    assert "原因：候选名单有误" in desk_of(held.chief).get(PAGE).content.decode()
    sign(held.chief)

    assert desk.post(page, WHY | asked(held.chief)).status_code == 302
    assert "须两人签名" not in desk.get(page).content.decode()
