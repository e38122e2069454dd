"""The page of the opening: it shows all that is fixed, and opens nothing else than it has shown."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from ballots import journal, roles
from ballots.acts import cards, ceremony, lifecycle, roll
from ballots.facts.frozen import Looked, frozen, looked_at
from ballots.models import Delegate, JournalEntry
from ballots.refusal import Refused
from projects.models import Poll, Project, Target
from tests.helpers.desk import at, desk_of, faults_of, messages_of, press_open
from tests.helpers.factories import Stage, make_delegates, make_project, make_staff, make_stage
from tests.helpers.refusals import run

pytestmark = pytest.mark.django_db


def draft(**columns: Any) -> Stage:
    return make_stage(open_it=False, **columns)


def set_poll(**columns: Any) -> Callable[[Stage], Any]:
    return lambda stage: Poll.objects.filter(pk=stage.poll.pk).update(**columns)


def rename(stage: Stage) -> None:
    Delegate.objects.filter(number="002").update(name="改名的")
    roll.draw_up_roll(stage.poll, by=stage.office)


def add_to_the_register(stage: Stage) -> None:
    make_delegates(1)
    roll.draw_up_roll(stage.poll, by=stage.office)


def make_another_key(stage: Stage) -> None:
    holders = [f"新保管人{name}" for name in "甲乙丙"]
    sheets = ceremony.make_key(stage.poll, holders=holders, threshold=2, by=stage.office)
    ceremony.test_key(stage.poll, texts=[one.text for one in sheets[:2]], by=stage.office)


def go(*places: int) -> Callable[[Stage], Any]:
    def act(stage: Stage) -> None:
        numbers = [stage.delegates[place].number for place in places]
        roll.mark_absent(stage.poll, numbers=numbers, by=stage.office)

    return act


CHANGES: dict[str, tuple[Callable[[Stage], Any], str]] = {
    "the majority": (set_poll(majority="none"), "票决规则"),
    "the places": (set_poll(places=1), "票决规则"),
    "the proposals": (set_poll(proposals="off"), "票决规则"),
    "all the delegates": (set_poll(delegates_total=6), "票决规则"),
    "the name of the rules": (set_poll(rules_name="另一办法"), "票决规则"),
    "what is published": (set_poll(show_votes=True), "票决规则"),
    "why not all are on the roll": (set_poll(total_reason="缺额1名"), "票决规则"),
    "the deadline": (set_poll(closes_at=timezone.now() + timedelta(days=9)), "截止时间"),
    "the meeting": (set_poll(meeting="另一次会议"), "会议信息"),
    "the telephone": (set_poll(phone="0579-87654321"), "会议信息"),
    "the words": (set_poll(opening_words="另一段话"), "会议信息"),
    "a title": (lambda s: Project.objects.filter(number=1).update(title="另一项"), "候选项目"),
    "a text": (lambda s: Project.objects.filter(number=1).update(text="另一段"), "候选项目"),
    "a unit": (lambda s: Project.objects.filter(number=1).update(lead_unit="某局"), "候选项目"),
    "a target": (lambda s: Target.objects.filter(project__number=1).update(quantity=99), "候选项目"),
    "a candidate more": (lambda s: make_project(s.poll, 13), "候选项目"),
    "a name on the roll": (rename, "名册"),
    "a person more on the roll": (add_to_the_register, "名册"),
    "the key": (make_another_key, "票箱密钥"),
    "an account more": (lambda s: make_staff(roles.OFFICE), "工作人员账号"),
    "a scrutineer less": (lambda s: s.chief.groups.clear(), "工作人员账号"),
    "an account closed": (lambda s: User.objects.filter(pk=s.chief.pk).update(is_active=False),
                          "工作人员账号"),
    "the name of somebody": (lambda s: User.objects.filter(pk=s.chief.pk).update(last_name="王"),
                             "工作人员账号"),
    "a right to everything": (lambda s: User.objects.filter(pk=s.chief.pk).update(is_superuser=True),
                              "工作人员账号"),
    "a card given anew": (lambda s: cards.reissue_card(s.delegates[0], reason="遗失", by=s.office),
                          "投票卡"),
    "presence that fell": (go(0), "实到人数"),
}  # fmt: skip


def test_what_changed_between_the_look_and_the_press_is_named_and_nothing_is_opened():
    """Case 24: the one who presses has read the rules of somebody else.

    One stage serves all changes, each of which is taken back before the next.
    """
    stage = draft()
    desk = desk_of(stage.office)
    looked = desk.get(at(stage.poll, "open")).context["forms"][0].now
    for name, (change, what) in CHANGES.items():
        with transaction.atomic():
            change(stage)

            reply = desk.post(at(stage.poll, "open"), {"looked": looked})

            told = f"没有开始投票：您打开本页之后，{what}有变动。"
            assert faults_of(reply)[0].startswith(told), name
            assert Poll.objects.get(pk=stage.poll.pk).phase == Poll.Phase.DRAFT, name
            # The page is shown anew, with what it is now, and what it carries is that.
            now = Poll.objects.get()
            assert reply.context["sheet"].digest == frozen(now)["digest"], name
            assert reply.context["forms"][0]["looked"].value() == looked_at(now).as_text(), name
            transaction.set_rollback(True)


def test_several_changes_are_named_together():
    stage = draft()
    looked = looked_at(stage.poll)
    for name in ("the majority", "a title", "an account more"):
        CHANGES[name][0](stage)

    with pytest.raises(Refused) as refusal:
        lifecycle.open_poll(stage.poll, by=stage.office, looked=looked)

    assert refusal.value.code == "changed-since"
    assert "票决规则、候选项目、工作人员账号有变动" in str(refusal.value)


def test_the_second_press_opens_what_the_page_shows_by_then():
    stage = draft()
    desk = desk_of(stage.office)
    looked = desk.get(at(stage.poll, "open")).context["forms"][0].now
    set_poll(places=3)(stage)
    refused = desk.post(at(stage.poll, "open"), {"looked": looked})

    shown = refused.context["forms"][0]["looked"].value()
    reply = desk.post(at(stage.poll, "open"), {"looked": shown}, follow=True)

    assert "最多选3项" in refused.text
    assert messages_of(reply) == ["投票已开始。"]


def test_presence_that_only_rose_opens_with_its_new_figure():
    stage = draft()
    go(3)(stage)
    looked = looked_at(stage.poll)
    roll.mark_present(stage.poll, numbers=["004"], by=stage.office)

    lifecycle.open_poll(stage.poll, by=stage.office, looked=looked)

    assert JournalEntry.objects.get(kind="opened").data["present"] == 5


def test_presence_that_rose_in_one_delegation_does_not_hide_that_it_fell_in_another():
    stage = draft(delegates_total=7)
    others = make_delegates(2, delegation="城南代表团")
    roll.draw_up_roll(stage.poll, by=stage.office)
    looked = looked_at(stage.poll)
    go(0)(stage)
    roll.mark_present(stage.poll, numbers=[one.number for one in others], by=stage.office)

    assert looked.changed_in(looked_at(stage.poll)) == ["came"]


@pytest.mark.parametrize(
    "sent", ["", "{}", "[]", "[{},[true]]", '[{},["1"]]', "[[],[]]", "nonsense", "[" * 10_000]
)
def test_a_press_that_carries_nothing_that_was_looked_at_opens_nothing(sent):
    stage = draft()

    reply = desk_of(stage.office).post(at(stage.poll, "open"), {"looked": sent})

    assert faults_of(reply) == ["没有开始投票：请在本页核对后再按“开始投票”。"]
    assert Poll.objects.get().phase == Poll.Phase.DRAFT


def test_a_press_that_has_seen_no_part_of_it_opens_nothing():
    stage = draft()

    with pytest.raises(Refused) as refusal:
        lifecycle.open_poll(stage.poll, by=stage.office, looked=Looked({}, []))

    assert refusal.value.code == "changed-since"


def test_the_command_opens_without_having_looked_at_a_page():
    stage = draft()

    assert "投票已开始" in run("open_poll", "--user", stage.office.username)


@pytest.mark.parametrize("name", ["open", "opening"])
def test_page_and_paper_show_rules_candidates_roll_and_staff_in_full_words(name):
    stage = draft(delegates_total=6)
    make_delegates(1, delegation="城南代表团")
    roll.draw_up_roll(stage.poll, by=stage.office)
    Project.objects.filter(number=3).update(title="新建公园", lead_unit="建设局")

    page = desk_of(stage.office).get(at(stage.poll, name))

    text = " ".join(page.text.split())
    assert "得票超过全体代表6人的一半，即至少4票，才能通过。" in text
    assert "依据《民生实事项目表决办法》（2026年1月17日通过）。" in text
    assert '<li value="3"> <strong>新建公园</strong> <span>建设局</span>' in text
    assert "新建3处" in text
    assert "全体代表6人，应到6人，实到5人，法定人数4人，有效投票卡5张。" in text
    assert "票箱密钥共5份，开箱需3份，保管人：保管人甲、保管人乙" in text
    assert f"{stage.chief.username}：总监票人、监票" in text
    rows = [
        (row.name, row.on_roll, row.came, row.cards) for row in page.context["sheet"].delegations
    ]
    assert rows == [("城区代表团", 5, 5, 5), ("城南代表团", 1, 0, 0)]
    assert frozen(stage.poll)["digest"] in text
    assert f"操作记录核对号 <strong>{journal.head(stage.poll)}</strong>" in text


def test_the_digest_that_was_read_out_is_the_one_on_record():
    stage = draft()
    desk = desk_of(stage.office)
    read_out = desk.get(at(stage.poll, "opening")).context["sheet"].digest

    press_open(desk, stage.poll)

    assert JournalEntry.objects.get(kind="opened").data["digest"] == read_out
    assert read_out in desk.get(at(stage.poll, "journal")).text


def test_whoever_came_later_changes_nothing_of_the_digest():
    stage = draft()
    go(1)(stage)
    before = frozen(stage.poll)["digest"]

    roll.mark_present(stage.poll, numbers=["002"], by=stage.office)

    assert frozen(stage.poll)["digest"] == before
