"""Presence on the office's pages: who is left out, and a mistake that two people take back."""

from typing import Any

import pytest

from ballots.acts import roll
from ballots.models import Delegate
from ballots.refusal import Refused
from tests.helpers.browsing import posted, read
from tests.helpers.desk import at, desk_of, faults_of, messages_of, signed_by
from tests.helpers.factories import Stage, make_delegates, make_stage, selection

pytestmark = pytest.mark.django_db

HOME = "城区代表团"


def present(stage: Stage) -> set[str]:
    return set(stage.poll.roll.filter(present=True).values_list("number", flat=True))


@pytest.mark.parametrize(("do", "ticked"), [("all", []), ("but", ["代表2（002）"])])
def test_a_whole_delegation_is_marked_but_for_the_suspended_and_the_page_says_so(do, ticked):
    """Case 28."""
    stage = make_stage(open_it=False)
    roll.mark_absent(stage.poll, numbers=["001", "002", "003"], by=stage.office)
    Delegate.objects.filter(number="001").update(status=Delegate.Status.SUSPENDED)
    desk = desk_of(stage.office)

    reply = desk.post(
        at(stage.poll, "presence"),
        {"delegation": HOME, "do": do, "people": ticked},
        follow=True,
    )

    assert present(stage) == {"002", "003", "004", "005"} - ({"002"} if ticked else set())
    assert "以下代表不是在任代表，没有记为到会：代表1（001）暂停。" in messages_of(reply)
    assert "<strong>暂停</strong>" in reply.text


def test_a_suspended_delegate_who_is_ticked_or_shows_his_card_is_not_marked():
    """Case 28."""
    stage = make_stage(open_it=False)
    roll.mark_absent(stage.poll, numbers=["001"], by=stage.office)
    Delegate.objects.filter(number="001").update(status=Delegate.Status.SUSPENDED)
    desk = desk_of(stage.office)

    ticked = desk.post(
        at(stage.poll, "presence"), {"delegation": HOME, "do": "chosen", "people": ["代表1（001）"]}
    )
    shown = desk.post(at(stage.poll, "door"), {"card": stage.issued[0].code})

    for reply in (ticked, shown):
        assert any("代表1（001）不是在任代表" in fault for fault in faults_of(reply))
    assert "001" not in present(stage)


def test_a_mistake_is_taken_back_by_two_on_a_page_of_its_own():
    """Case 28."""
    stage = make_stage()
    desk = desk_of(stage.office)
    ticks = {"delegation": HOME, "do": "undo", "people": ["代表2（002）", "代表4（004）"]}

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


@pytest.mark.parametrize("do", ["chosen", "undo", "all", "but"])
@pytest.mark.parametrize("change", [exchange_two, add_one])
def test_nobody_is_marked_whom_the_page_did_not_show_so(change, do):
    """Class of case 24: the roll was drawn up anew between the look and the press."""
    stage = make_stage(open_it=False)
    roll.mark_absent(stage.poll, numbers=["001", "003"], by=stage.office)
    desk, before = desk_of(stage.office), present(stage)
    carried = presses(desk.get(at(stage.poll, "presence")))
    change(stage)

    reply = desk.post(
        at(stage.poll, "presence"), carried | {"do": do, "people": ["代表1（001）", "代表3（003）"]}
    )

    assert present(stage) == before
    assert any("打开本页之后，名册有变动" in fault for fault in faults_of(reply))
    # The ticks stay with the people, not with the numbers.
    assert posted(read(reply).forms[-1])["people"] == (
        ["代表3（003）"] if change is exchange_two else ["代表1（001）", "代表3（003）"]
    )


def test_a_roll_drawn_up_anew_without_a_change_is_no_reason_to_refuse():
    stage = make_stage(open_it=False)
    roll.mark_absent(stage.poll, numbers=["001"], by=stage.office)
    desk = desk_of(stage.office)
    carried = presses(desk.get(at(stage.poll, "presence")))
    roll.draw_up_roll(stage.poll, by=stage.office)

    desk.post(at(stage.poll, "presence"), carried | {"do": "chosen", "people": ["代表1（001）"]})

    assert "001" in present(stage)


@pytest.mark.parametrize("mark", [roll.mark_present, roll.mark_absent])
def test_the_act_itself_asks_for_the_names_that_were_read(mark):
    stage = make_stage(open_it=False)
    exchange_two(stage)

    with pytest.raises(Refused) as refusal:
        mark(stage.poll, numbers=["001"], names={"001": "代表1"}, by=stage.office)

    assert refusal.value.code == "roll-moved"
