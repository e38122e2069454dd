"""Presence on the office's pages: who is left out, and a mistake that two people take back."""

import pytest

from ballots.acts import roll
from ballots.models import Delegate
from tests.helpers.desk import at, desk_of, faults_of, messages_of, signed_by
from tests.helpers.factories import Stage, make_stage, selection

pytestmark = pytest.mark.django_db

HOME = "城区代表团"


def present(stage: Stage) -> set[str]:
    return set(stage.poll.roll.filter(present=True).values_list("number", flat=True))


@pytest.mark.parametrize(("do", "ticked"), [("all", []), ("but", ["002"])])
def test_a_whole_delegation_is_marked_but_for_the_suspended_and_the_page_says_so(do, ticked):
    """Case 28."""
    stage = make_stage(open_it=False)
    roll.mark_absent(stage.poll, numbers=["001", "002", "003"], by=stage.office)
    Delegate.objects.filter(number="001").update(status=Delegate.Status.SUSPENDED)
    desk = desk_of(stage.office)

    reply = desk.post(
        at(stage.poll, "presence"),
        {"delegation": HOME, "do": do, "numbers": ticked},
        follow=True,
    )

    assert present(stage) == {"002", "003", "004", "005"} - set(ticked)
    assert "以下代表不是在任代表，没有记为到会：代表1（001）暂停。" in messages_of(reply)
    assert "<strong>暂停</strong>" in reply.text


def test_a_suspended_delegate_who_is_ticked_or_shows_his_card_is_not_marked():
    """Case 28."""
    stage = make_stage(open_it=False)
    roll.mark_absent(stage.poll, numbers=["001"], by=stage.office)
    Delegate.objects.filter(number="001").update(status=Delegate.Status.SUSPENDED)
    desk = desk_of(stage.office)

    ticked = desk.post(
        at(stage.poll, "presence"), {"delegation": HOME, "do": "chosen", "numbers": ["001"]}
    )
    shown = desk.post(at(stage.poll, "door"), {"card": stage.issued[0].code})

    for reply in (ticked, shown):
        assert any("代表1（001）不是在任代表" in fault for fault in faults_of(reply))
    assert "001" not in present(stage)


def test_a_mistake_is_taken_back_by_two_on_a_page_of_its_own():
    """Case 28."""
    stage = make_stage()
    desk = desk_of(stage.office)
    ticks = {"delegation": HOME, "do": "undo", "numbers": ["002", "004"]}

    page = desk.post(at(stage.poll, "presence"), ticks, follow=True)
    assert "代表2（002）" in page.text
    assert "代表4（004）" in page.text
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
