"""The day of a poll in the admin: each step by its page, from the roll to the published result."""

import io
import logging
import re
from itertools import count

import pytest
from django.contrib.sessions.models import Session
from django.db import InternalError, OperationalError
from django.urls import reverse

from ballots import journal, verifier
from ballots.acts import cards, ceremony, deciding, drafts, hall, lifecycle, roll, storage
from ballots.facts import words
from ballots.facts.outcome import in_turn, outcome_of
from ballots.models import AccessCard, BallotBox, Delegate, Delegation, RollEntry
from projects.models import Poll
from tests.helpers import factories
from tests.helpers.browsing import posted, read
from tests.helpers.desk import (
    at,
    desk_of,
    faults_of,
    messages_of,
    press_open,
    queries_of,
    signed_by,
)
from tests.helpers.factories import (
    Stage,
    make_delegates,
    make_poll,
    make_stage,
    selection,
    short,
    tied,
)
from tests.helpers.figures import item, make_counted

pytestmark = pytest.mark.django_db

HOLDERS = {f"holder_{place}": f"保管人{place}" for place in range(1, 6)}
_place = count(1)


def shares_of(stage: Stage, *places: int) -> dict[str, str]:
    return {f"share_{field}": stage.shares[place] for field, place in enumerate(places, start=1)}


def vote(stage: Stage) -> Stage:
    """Let four of five vote and close: candidates 1 and 2 will pass, and one proposal fails."""
    for place in range(3):
        stage.cast(place, selection(1, 2))
    stage.cast(3, selection(1, proposals=["新建停车场"]))
    stage.close()
    return stage


def open_it(stage: Stage) -> Stage:
    vote(stage).open_box()
    return stage


def count_it(stage: Stage) -> Stage:
    open_it(stage)
    stage.count()
    return stage


# --- the page -------------------------------------------------------------------------------------


def test_the_stage_line_names_the_one_stage_at_which_the_poll_stands():
    stage = make_stage()

    page = desk_of(stage.office).get(at(stage.poll))

    [current] = re.findall(r'<li aria-current="step">\s*<span>(\d)</span> (\S+)', page.text)
    assert current == ("2", "投票")


@pytest.mark.parametrize("who", ["office", "scrutineer"])
def test_the_page_has_one_filled_button_at_most(who):
    stage = make_stage(open_it=False)

    page = desk_of(getattr(stage, who)).get(at(stage.poll))

    buttons = page.text.count("button default")
    assert buttons == (1 if who == "office" else 0)
    assert ("由会务人员办理。" in page.text) == (who != "office")


def test_while_people_vote_no_button_is_filled_and_the_close_is_once_all_have():
    stage = make_stage(delegates=2)
    desk = desk_of(stage.office)

    before = desk.get(at(stage.poll)).text
    for place in range(2):
        stage.cast(place, selection(1))
    after = desk.get(at(stage.poll)).text

    assert (before.count("button default"), before.count("button waits")) == (0, 1)
    assert (after.count("button default"), after.count("button waits")) == (1, 0)


def test_a_draft_puts_first_what_holds_the_opening_back():
    stage = make_stage(open_it=False, candidates=0, phone="")

    found = desk_of(stage.office).get(at(stage.poll)).context["findings"]

    levels = [line.finding.level for line in found.open]
    assert levels == sorted(levels)
    assert {"blocks", "warns"} == set(levels)
    assert {line.finding.level for line in found.done} == {"ok"}


def test_the_next_step_follows_the_poll_through_its_day():
    office = factories.make_office()
    make_delegates(3)
    poll = make_poll(kind=Poll.Kind.REHEARSAL, delegates_total=3)
    desk = desk_of(office)
    cards.issue_cards(Delegate.objects.all(), by=office)
    seen = []

    def look() -> None:
        seen.append(desk.get(at(poll)).context["next"].name)

    look()
    roll.draw_up_roll(poll, by=office)
    look()
    sheets = ceremony.make_key(poll, holders=list(HOLDERS.values()), threshold=3, by=office)
    look()
    ceremony.test_key(poll, texts=[sheet.text for sheet in sheets[:3]], by=office)
    look()
    roll.mark_present(poll, numbers=["001"], by=office)
    look()
    lifecycle.open_poll(poll, by=office)
    look()
    lifecycle.pause_poll(poll, reason="停电", by=office)
    look()

    assert seen == ["roll", "key", "test", "presence", "open", "close", "resume"]


def test_from_the_opening_on_the_page_shows_the_number_of_the_record():
    stage = make_stage(delegates=2)

    page = desk_of(stage.office).get(at(stage.poll))

    assert f"操作记录核对号 {journal.head(stage.poll)}" in page.text


def test_the_figures_are_those_of_turnout_and_no_vote_is_shown_before_the_count():
    stage = make_stage(places=2)
    stage.cast(0, selection(1, 2))
    desk = desk_of(stage.office)

    while_open = desk.get(at(stage.poll))
    stage.cast(1, selection(1, proposals=["新建停车场"]))
    stage.close()
    stage.open_box()
    while_opened = desk.get(at(stage.poll))

    assert while_open.context["figures"] == {
        "roll": 5,
        "present": 5,
        "issued": 5,
        "voted": 1,
        "papers": 0,
        "online": 5,
        "waiting": 4,
        "share": "20.0",
    }
    [row] = while_open.context["delegations"]
    assert (row["on_roll"], row["came"], row["marks"], row["waiting"]) == (5, 5, 1, 4)
    for page in (while_open, while_opened):
        assert page.context["count"] is None
        assert "得票" not in page.text


def test_who_changes_delegation_stays_where_the_roll_has_him():
    stage = make_stage()
    other = Delegation.objects.create(name="城南代表团", position=9)
    Delegate.objects.filter(number="003").update(delegation=other)
    desk = desk_of(stage.office)

    day = desk.get(at(stage.poll)).context["delegations"]
    presence = desk.get(at(stage.poll, "presence")).context["delegations"]

    assert [(row["delegation"], row["on_roll"]) for row in day] == [("城区代表团", 5)]
    assert [(row["name"], len(row["entries"])) for row in presence] == [("城区代表团", 5)]


def test_what_is_missing_stands_on_the_page_of_a_draft_and_holds_the_opening_back():
    office = factories.make_office()
    poll = make_poll(candidates=0)
    desk = desk_of(office)

    page = desk.get(at(poll))
    guard = desk.get(at(poll, "open"))
    reply = press_open(desk, poll)

    assert "还没有候选项目" in page.text
    assert "✗" in page.text
    assert "△" in page.text
    assert 'type="submit" class="default"' not in guard.text
    assert faults_of(reply) == ["开始投票前检查没有全部通过。"]


def test_a_step_of_another_phase_leads_back_to_the_day_with_a_sentence():
    stage = make_stage()
    desk = desk_of(stage.office)

    for method in (desk.get, desk.post):
        reply = method(at(stage.poll, "publish"), follow=True)
        assert messages_of(reply) == ["当前阶段不能办理这一步，请刷新页面。"]
        assert reply.redirect_chain[-1][0] == at(stage.poll)


def test_the_pages_ask_the_database_no_more_often_when_the_roll_and_the_list_are_longer():
    def queries(people: int, candidates: int) -> list[int]:
        Delegate.objects.update(status=Delegate.Status.ENDED)  # those of the round before
        stage = make_stage(candidates=candidates, delegates_total=200)
        for _ in range(people):
            make_delegates(1, delegation=f"第{next(_place)}代表团")
        RollEntry.objects.bulk_create(
            RollEntry(
                poll=stage.poll,
                delegate=delegate,
                number=delegate.number,
                name=delegate.name,
                delegation=delegate.delegation.name,
            )
            for delegate in Delegate.objects.exclude(roll_entries__poll=stage.poll).select_related(
                "delegation"
            )
        )
        desk = desk_of(stage.office)
        names = ("change", "presence", "close", "add", "journal")
        return [len(queries_of(desk, at(stage.poll, name))) for name in names]

    assert queries(5, 5) == queries(40, 40)


# --- before the vote ------------------------------------------------------------------------------


def test_the_roll_is_drawn_up_from_the_delegates_in_office():
    poll = make_poll()
    make_delegates(3)
    desk = desk_of(factories.make_office())

    guard = desk.get(at(poll, "roll"))
    reply = desk.post(at(poll, "roll"), follow=True)

    assert "还没有代表名册。" in guard.text
    assert messages_of(reply) == ["名册已更新，共3人。"]
    assert poll.roll.count() == 3


def test_a_roll_that_is_not_the_register_of_today_is_drawn_up_anew_in_one_press():
    """Case 23: what the opening freezes is what cards and pages say, and presence is kept."""
    stage = make_stage(open_it=False)
    moved = Delegate.objects.filter(number="003")
    moved.update(number="103", name="更名的", delegation=Delegation.objects.create(name="城南团"))
    desk = desk_of(stage.office)

    page = read(desk.get(at(stage.poll)))
    refused = press_open(desk, stage.poll)
    reply = desk.post(
        at(stage.poll, "roll"), posted(page.form(at(stage.poll, "roll"))), follow=True
    )

    assert "登记有更正的1人（更名的（103））。请更新名册" in page.text
    assert faults_of(refused) == ["开始投票前检查没有全部通过。"]
    assert messages_of(reply) == ["名册已更新，共5人。"]
    entry = stage.poll.roll.get(number="103")
    assert (entry.name, entry.delegation, entry.present) == ("更名的", "城南团", True)
    assert lifecycle.open_poll(stage.poll, by=stage.office).phase == Poll.Phase.OPEN


def test_each_line_of_the_checklist_leads_to_what_mends_it():
    stage = make_stage(open_it=False, candidates=0, phone="", delegates_total=None)
    BallotBox.objects.all().delete()
    desk = desk_of(stage.office)

    lines = desk.get(at(stage.poll)).context["findings"].open

    found = {line.finding.text: line.address for line in lines if line.finding.mend}
    assert found["未填写会务组电话"].endswith(f"/projects/poll/{stage.poll.pk}/change/#id_phone")
    assert found["未填写全体代表人数"].endswith("/change/#id_delegates_total")
    assert found["还没有候选项目"].endswith(f"/projects/project/?poll__id__exact={stage.poll.pk}")
    assert found["还没有生成票箱密钥"] == at(stage.poll, "key")
    for address in found.values():
        assert desk.get(address).status_code == 200
    # Who may not mend it is not sent there.
    watched = desk_of(stage.scrutineer).get(at(stage.poll)).context["findings"].open
    assert {line.address for line in watched} == {"", at(stage.poll, "key")}


@pytest.fixture
def draft() -> Stage:
    """A rehearsal on the eve: five of 城区代表团 and one of 城南代表团, nobody present yet."""
    stage = make_stage(open_it=False, delegates_total=6)
    make_delegates(1, delegation="城南代表团")
    roll.draw_up_roll(stage.poll, by=stage.office)
    numbers = list(stage.poll.roll.values_list("number", flat=True))
    roll.mark_absent(stage.poll, numbers=numbers, by=stage.office)
    return stage


def test_a_person_of_another_delegation_is_refused(draft):
    reply = desk_of(draft.office).post(
        at(draft.poll, "presence"), {"delegation": "城区代表团", "present": "代表6（006）"}
    )

    assert reply.status_code == 200
    assert not draft.poll.roll.filter(present=True).exists()


@pytest.mark.parametrize("kind", ["address", "upper-case address", "code"])
def test_the_door_takes_a_scanned_address_or_a_typed_code(draft, kind):
    card = draft.issued[2]
    scanned = {
        "address": f"https://vote.example.cn/k/{card.token.lower()}/",
        "upper-case address": f"HTTPS://VOTE.EXAMPLE.CN/K/{card.token}/",
        "code": card.code,
    }[kind]

    reply = desk_of(draft.office).post(at(draft.poll, "door"), {"card": scanned}, follow=True)

    [present] = draft.poll.roll.filter(present=True)
    assert present.delegate == card.delegate
    assert messages_of(reply) == [f"{present.name}（003，城区代表团）已到会。实到1人。"]
    # Back at the door, ready for the next card.
    assert reply.redirect_chain[-1][0] == at(draft.poll, "door")
    assert "autofocus" in reply.text


def test_the_door_goes_by_the_number_that_the_roll_has_for_the_delegate(draft):
    first, second = draft.delegates[:2]
    # The two have exchanged numbers since the roll was drawn up.
    for delegate, number in ((first, "X"), (second, "001"), (first, "002")):
        Delegate.objects.filter(pk=delegate.pk).update(number=number)

    reply = desk_of(draft.office).post(
        at(draft.poll, "door"), {"card": draft.issued[0].code}, follow=True
    )

    assert draft.poll.roll.get(present=True).delegate == first
    assert messages_of(reply) == ["代表1（001，城区代表团）已到会。实到1人。"]


def test_the_door_refuses_a_card_of_somebody_who_is_not_on_the_roll(draft):
    [stranger] = make_delegates(1)
    [card] = cards.issue_cards([stranger], by=draft.office)
    gone = draft.poll.roll.first()
    # His number stands on the roll, but as that of somebody else.
    Delegate.objects.filter(pk=gone.delegate_id).update(number="X")
    Delegate.objects.filter(pk=stranger.pk).update(number=gone.number)

    reply = desk_of(draft.office).post(at(draft.poll, "door"), {"card": card.code})

    assert faults_of(reply) == ["名册上没有该代表。"]
    assert not draft.poll.roll.filter(present=True).exists()


def test_the_door_says_what_is_wrong_with_a_card_and_keeps_none_of_it_on_the_page(draft):
    desk = desk_of(draft.office)
    code = draft.issued[0].code
    cards.reissue_card(draft.delegates[0], reason="遗失", by=draft.office)

    revoked = desk.post(at(draft.poll, "door"), {"card": code})
    short = desk.post(at(draft.poll, "door"), {"card": "12345678"})
    unknown = desk.post(at(draft.poll, "door"), {"card": "https://vote.example.cn/k/ABCDEF/"})

    assert faults_of(revoked) == ["该投票卡已作废，请到会务组领取新卡"]
    assert faults_of(short) == ["投票码应为16位数字，您输入了8位"]
    assert faults_of(unknown) == ["这张投票卡无效或已作废。"]
    assert code not in revoked.text


# --- the key --------------------------------------------------------------------------------------


def test_the_ceremony_answers_with_one_closed_sheet_for_each_holder():
    poll = make_poll()
    desk = desk_of(factories.make_scrutineer())

    sheets = desk.post(at(poll, "key"), HOLDERS | {"scheme": "3-5", "ceremony": "0"})

    texts = re.findall(r'class="share-text">([0-9A-Z-]+)<', sheets.text)
    assert len(set(texts)) == 5
    assert sheets.text.count("<details") == 5
    assert "open" not in re.findall(r"<details([^>]*)>", sheets.text)[0]
    assert sheets.text.count("<svg") >= 5
    assert "密钥份额只在本页显示这一次" in sheets.text
    assert "no-store" in sheets.headers["Cache-Control"]
    number = journal.head(poll)
    assert sheets.text.count(f"生成时的操作记录核对号：{number}") == 5
    again = desk.get(at(poll))
    assert not any(text in again.text for text in texts)
    assert f"操作记录核对号 {number}" in again.text
    assert number in desk.get(f"{at(poll)}journal/").text


def test_two_of_three_is_the_other_scheme_and_a_simple_poll_has_its_own():
    desk = desk_of(factories.make_office())
    poll, town = make_poll(), make_poll(simple=True)
    three = {name: HOLDERS[name] for name in ("holder_1", "holder_2", "holder_3")}
    two = {name: HOLDERS[name] for name in ("holder_1", "holder_2")}

    page = desk.get(at(poll, "key"), {"scheme": "2-3"})
    desk.post(at(poll, "key"), three | {"scheme": "2-3", "ceremony": "0"})
    sheets = desk.post(at(town, "key"), two | {"scheme": "1-2", "ceremony": "0"})

    assert "holder_4" not in page.text
    assert (poll.box.threshold, len(poll.box.holders)) == (2, 3)
    assert (town.box.threshold, len(town.box.holders)) == (1, 2)
    assert "任一持有人可单独开启票箱" in sheets.text


def test_names_that_the_act_refuses_are_told_and_stay_in_their_fields():
    poll = make_poll()

    reply = desk_of(factories.make_office()).post(
        at(poll, "key"), HOLDERS | {"holder_2": "保管人1", "scheme": "3-5", "ceremony": "0"}
    )

    assert faults_of(reply) == ["请填写每位保管人的姓名，不能重复。"]
    assert 'value="保管人5"' in reply.text
    assert not BallotBox.objects.exists()


def test_sending_the_ceremony_twice_does_not_void_the_shares_just_printed():
    poll = make_poll()
    desk = desk_of(factories.make_office())

    desk.post(at(poll, "key"), HOLDERS | {"scheme": "3-5", "ceremony": "0"})
    again = desk.post(at(poll, "key"), HOLDERS | {"scheme": "3-5", "ceremony": "0"})
    meant = desk.get(at(poll, "key"))

    assert again.context["forms"][0].has_error("__all__", "made-before")
    assert poll.box.ceremony == 1
    assert "原来的各份密钥份额全部作废" in meant.text


def test_a_wrong_share_is_named_by_its_field_and_only_the_right_ones_come_back_masked():
    stage = make_stage(open_it=False)
    desk = desk_of(stage.scrutineer)
    typed = shares_of(stage, 0, 1, 2) | {"share_2": stage.shares[1][:-1] + "*"}

    reply = desk.post(at(stage.poll, "test"), typed)
    done = desk.post(at(stage.poll, "test"), shares_of(stage, 1, 3, 4), follow=True)

    [form] = reply.context["forms"]
    assert list(form.errors) == ["share_2"]
    fields = re.findall(r"<input [^>]*name=\"share_\d\"[^>]*>", reply.text)
    for field, kept in zip(fields, [stage.shares[0], "", stage.shares[2]], strict=True):
        assert 'type="password"' in field
        assert 'autocomplete="off"' in field
        assert (f'value="{kept}"' in field) if kept else ("value=" not in field)
    assert not any(share[:9] in re.sub(r"<input [^>]*>", "", reply.text) for share in stage.shares)
    assert stage.shares[1][:9] not in reply.text
    assert "no-store" in reply.headers["Cache-Control"]
    kept = str([row.get_decoded() for row in Session.objects.all()])
    assert not any(share in kept for share in stage.shares)
    assert messages_of(done) == ["试开成功，票箱密钥可以使用。"]


def test_every_wrong_share_is_named_at_once_and_two_of_one_holder_by_the_second():
    stage = make_stage(open_it=False)
    desk = desk_of(stage.scrutineer)

    typed = shares_of(stage, 0, 0, 2) | {"share_3": "ABCD"}
    [form] = desk.post(at(stage.poll, "test"), typed).context["forms"]

    assert form.errors.as_data()["share_2"][0].code == "repeated"
    assert form.errors.as_data()["share_3"][0].code == "length"


def test_who_signs_with_a_wrong_password_costs_no_holder_his_typing():
    stage = make_stage(open_it=False, kind=Poll.Kind.MAIN)
    desk = desk_of(stage.office)
    wrong = signed_by(stage.chief) | {"second_password": "canary"}

    page = desk.post(at(stage.poll, "test"), shares_of(stage, 0, 1, 2) | wrong).text

    assert all(f'value="{share}"' in page for share in stage.shares[:3])
    assert "canary" not in page


def test_an_exception_in_the_act_puts_no_share_into_the_log(monkeypatch, caplog):
    stage = make_stage(open_it=False)
    desk = desk_of(stage.office)
    desk.raise_request_exception = False

    def breaks(*args, **kwargs):
        raise RuntimeError("broken")

    monkeypatch.setattr(ceremony, "test_key", breaks)
    # The site's own logger keeps its records from the root, where pytest listens.
    monkeypatch.setattr(logging.getLogger("django"), "propagate", True)

    reply = desk.post(at(stage.poll, "test"), shares_of(stage, 0, 1, 2))

    assert reply.status_code == 500
    assert "broken" in caplog.text
    assert not any(share in caplog.text + reply.text for share in stage.shares)


# --- the vote -------------------------------------------------------------------------------------


def test_the_poll_is_opened_paused_and_resumed():
    stage = make_stage(open_it=False)
    desk = desk_of(stage.office)

    opened = press_open(desk, stage.poll)
    without = desk.post(at(stage.poll, "pause"), {"reason": ""})
    paused = desk.post(at(stage.poll, "pause"), {"reason": "停电"}, follow=True)
    resumed = desk.post(at(stage.poll, "resume"), follow=True)

    assert messages_of(opened) == ["投票已开始。"]
    assert "reason" in without.context["forms"][0].errors
    assert messages_of(paused) == ["投票已暂停。"]
    assert messages_of(resumed) == ["投票已恢复。"]
    kinds = stage.poll.journal.order_by("seq").values_list("kind", flat=True)
    assert list(kinds)[-3:] == ["opened", "paused", "resumed"]


def test_one_delegate_is_added_to_the_roll_by_two_people_who_know_their_passwords():
    stage = make_stage(delegates_total=6)
    [late] = make_delegates(1)
    desk = desk_of(stage.office)
    filled = {"delegate": late.pk, "reason": "补选，资格审查报告第2号"}

    alone = desk.post(at(stage.poll, "add"), filled)
    wrong = desk.post(
        at(stage.poll, "add"), filled | signed_by(stage.chief) | {"second_password": "x"}
    )
    same = desk.post(at(stage.poll, "add"), filled | signed_by(stage.office))
    done = desk.post(at(stage.poll, "add"), filled | signed_by(stage.chief), follow=True)

    assert "second_name" in alone.context["forms"][1].errors
    assert faults_of(wrong) == ["第二人的用户名或密码不正确"]
    assert "补选，资格审查报告第2号" in wrong.text
    assert faults_of(same) == ["第二人须是另一位会务或监票人员。"]
    assert messages_of(done) == [f"已将{late}增补到名册。"]
    assert stage.poll.journal.get(kind="roll-added").second == stage.chief


def test_the_others_vote_in_a_rehearsal_and_the_page_says_how_many():
    stage = make_stage()
    stage.cast(0, selection(1))

    reply = desk_of(stage.office).post(at(stage.poll, "rest"), follow=True)

    assert messages_of(reply) == ["已为3名示例代表投票。"]
    assert stage.poll.roll.filter(voted=True).count() == 4


def test_nobody_votes_for_others_in_a_real_poll():
    stage = make_stage(kind=Poll.Kind.MAIN)
    desk = desk_of(stage.office)

    page = desk.get(at(stage.poll))
    desk.post(at(stage.poll, "rest"))

    assert at(stage.poll, "rest") not in page.text
    assert not stage.poll.roll.filter(voted=True).exists()


def test_the_close_asks_for_the_figure_that_stands_on_the_page():
    stage = make_stage()
    stage.cast(0, selection(1))
    desk = desk_of(stage.office)
    said = {"announced": "on"}

    guard = desk.get(at(stage.poll, "close"))
    stage.cast(1, selection(1))
    moved = desk.post(at(stage.poll, "close"), {"figure": "1"} | said)
    done = desk.post(at(stage.poll, "close"), {"figure": "2"} | said, follow=True)

    assert "已投票1人，未投票4人。" in guard.text
    assert faults_of(moved) == ["已投票人数已变为2，请核对后重新输入。"]
    assert "已投票2人，未投票3人。" in moved.text
    assert messages_of(done)[0].startswith("已封存2张表决票，次序已打乱。")


def test_while_somebody_may_still_vote_the_close_waits_for_the_word_of_the_chair():
    stage = make_stage(delegates=2)
    desk = desk_of(stage.office)
    stage.cast(0, selection(1))

    alone = desk.post(at(stage.poll, "close"), {"figure": "1"})
    stage.cast(1, selection(1))
    page = desk.get(at(stage.poll, "close"))
    done = desk.post(at(stage.poll, "close"), {"figure": "2"}, follow=True)

    assert faults_of(alone) == ["还有代表没有投票，请在主持人宣布截止后勾选。"]
    assert "announced" not in page.text
    assert messages_of(done)[0].startswith("已封存2张表决票")


def test_the_word_of_the_chair_that_ended_the_vote_stands_on_record():
    stage = make_stage(delegates=2)
    desk = desk_of(stage.office)

    desk.post(at(stage.poll, "close"), {"figure": "0", "announced": "on"})

    assert stage.poll.journal.get(kind="closed").data["announced"] is True
    assert "主持人已宣布截止" in desk.get(at(stage.poll, "journal")).text


@pytest.mark.django_db(transaction=True)
def test_the_close_clears_the_traces_of_the_order_and_leads_on_to_the_box():
    stage = make_stage(places=2)
    desk = desk_of(stage.office)
    filled = {"figure": "0", "announced": "on"}

    closed = desk.post(at(stage.poll, "close"), filled, follow=True)
    again = desk.post(at(stage.poll, "rewrite"), follow=True)

    assert messages_of(closed) == ["已封存0张表决票，次序已打乱。投票先后的痕迹已清除。"]
    assert closed.context["next"].name == "box"
    assert stage.poll.journal.filter(kind="storage-rewritten").count() == 1
    assert messages_of(again) == ["当前阶段不能办理这一步，请刷新页面。"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", ["busy", "broken"])
def test_a_close_whose_traces_stay_stands_and_says_so_and_the_next_step_clears_them(
    monkeypatch, fault
):
    stage = make_stage(places=2)
    desk = desk_of(stage.office)

    def fails() -> None:
        raise OperationalError("locked") if fault == "busy" else InternalError("a broken page")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "_vacuum", fails)
        filled = {"figure": "0", "announced": "on"}
        closed = desk.post(at(stage.poll, "close"), filled, follow=True)
    done = desk.post(at(stage.poll, "rewrite"), follow=True)

    assert "投票先后的痕迹还没有清除" in messages_of(closed)[0]
    assert closed.context["next"].name == "rewrite"
    assert messages_of(done) == ["投票先后的痕迹已清除。"]
    assert done.context["next"].name == "box"


@pytest.mark.django_db(transaction=True)
def test_a_vote_that_is_declared_void_leaves_no_traces_of_the_order_either():
    stage = make_stage()
    desk = desk_of(stage.office)
    filled = {"reason": "停电"} | signed_by(stage.scrutineer)

    desk.post(at(stage.poll, "void"), filled)

    kinds = stage.poll.journal.order_by("seq").values_list("kind", flat=True)
    assert list(kinds)[-2:] == ["voided", "storage-rewritten"]


# --- the count ------------------------------------------------------------------------------------


def test_before_the_box_is_opened_the_chair_declares_the_vote_valid_by_a_printed_report():
    stage = vote(make_stage(places=2))
    desk = desk_of(stage.scrutineer)

    page = desk.get(at(stage.poll, "box"))
    paper = desk.get(at(stage.poll, "returned"))
    too_early = desk.post(at(stage.poll, "box"), shares_of(stage, 0, 1, 2))
    desk.post(at(stage.poll, "box"), shares_of(stage, 0, 1, 2) | {"declared": "on"})

    assert at(stage.poll, "returned") in page.text
    assert (
        "共发出表决票5张，收回4张，收回的表决票数少于发出的表决票数，本次表决有效。" in paper.text
    )
    assert faults_of(too_early) == ["请在主持人宣布本次表决有效后勾选。"]
    assert "主持人已宣布本次表决有效" in desk.get(at(stage.poll, "journal")).text


def test_the_box_opens_with_enough_shares_and_a_wrong_one_is_named():
    stage = vote(make_stage(places=2))
    desk = desk_of(stage.scrutineer)
    other = make_stage(delegates_total=10, open_it=False)
    said = {"declared": "on"}

    wrong = desk.post(
        at(stage.poll, "box"), shares_of(stage, 0, 1, 2) | said | {"share_3": other.shares[0]}
    )
    done = desk.post(at(stage.poll, "box"), shares_of(stage, 4, 0, 2) | said, follow=True)

    assert list(wrong.context["forms"][0].errors) == ["share_3"]
    assert messages_of(done) == ["票箱已开启，共4张表决票。"]


def test_the_canvass_shows_proposals_by_number_and_not_one_figure_of_them():
    stage = make_stage(places=2)
    stage.cast(0, selection(proposals=["新建停车场", "老年食堂"]))
    stage.cast(1, selection(proposals=["新建停车场"]))
    stage.close()
    stage.open_box()

    page = desk_of(stage.scrutineer).get(at(stage.poll, "canvass"))

    assert re.findall(r'<section class="proposal" id="推(\d)"', page.text) == ["1"]
    assert "票数" not in page.text.replace("本页不显示任何票数", "")
    # Beside the buttons stands which key presses them.
    shown = re.findall(r">\s*([^<]*?)\s*<", re.sub(r"<kbd.*?</kbd>", "", page.text))
    assert not [words for words in shown if words.isdecimal()]


def test_the_canvass_closes_by_office_and_scrutineer_together_and_then_the_count_follows():
    stage = open_it(make_stage(places=2))
    desk = desk_of(stage.office)
    second = factories.make_office()

    alone = desk.post(at(stage.poll, "alone"), follow=True)
    same_office = desk.post(at(stage.poll, "canvass"), signed_by(second))
    done = desk.post(at(stage.poll, "canvass"), signed_by(stage.scrutineer), follow=True)
    counted = desk.post(at(stage.poll, "count"), follow=True)

    assert messages_of(alone) == ["1项推荐项目已单列。"]
    assert faults_of(same_office) == ["归并结束须由会务和监票各一人签名确认。"]
    assert messages_of(done) == ["推荐项目归并结束，可以计票。"]
    assert messages_of(counted) == ["计票完成，请监票人复核。"]
    assert counted.context["count"]["announced"] == 2


def test_the_count_is_shown_with_its_checks_and_every_item():
    stage = count_it(make_stage(places=2))

    page = desk_of(stage.scrutineer).get(at(stage.poll, "confirm"))

    rows = re.findall(r'<th scope="row" class="wrap">(候选项目\d+|新建停车场)</th>', page.text)
    assert len(rows) == 13
    assert "收回表决票4张，已投票4人，相符 ✓" in page.text
    assert page.text.count("相符 ✓") == 8
    assert "系统核对4项，全部相符" in page.text
    assert "不符 ✗" not in page.text
    assert "未复核" in page.text
    assert "本人已核对以上数据。" in page.text


def test_a_scrutineer_confirms_and_the_office_publishes_by_typing_the_number_adopted():
    stage = count_it(make_stage(places=2))
    watch, desk = desk_of(stage.scrutineer), desk_of(stage.office)

    confirmed = watch.post(at(stage.poll, "confirm"), follow=True)
    wrong = desk.post(at(stage.poll, "publish"), {"figure": "3"})
    done = desk.post(at(stage.poll, "publish"), {"figure": "2"}, follow=True)

    assert messages_of(confirmed) == ["您已确认计票结果。"]
    assert faults_of(wrong) == ["输入的数字与页面上的不符，请核对后重新输入。"]
    assert messages_of(done) == ["结果已公布。"]
    assert done.context["next"].name == "reveal"
    assert "已揭晓0/2项" in done.text


def test_that_the_chief_is_still_due_is_said_before_anybody_presses():
    stage = count_it(make_stage(places=2, kind=Poll.Kind.MAIN))
    lifecycle.confirm_result(stage.poll, by=stage.scrutineer)
    other = factories.make_scrutineer()

    theirs = [desk_of(other).get(at(stage.poll, name)).text for name in ("change", "confirm")]
    chiefs = [desk_of(stage.chief).get(at(stage.poll, name)).text for name in ("change", "confirm")]

    assert all("还须总监票人复核。" in page for page in [*theirs, *chiefs])
    assert "由总监票人办理。" in theirs[0]
    assert not any("button default" in page or 'value="确认无误"' in page for page in theirs)
    assert "button default" in chiefs[0]
    assert 'value="确认无误"' in chiefs[1]


def test_a_shortfall_is_said_in_one_box_where_the_result_is_published():
    stage = short()

    page = desk_of(stage.office).get(at(stage.poll, "publish")).text

    assert page.count('class="note"') == 1
    assert "通过的项目不足，尚缺2项，尚未处理。" in page


def test_a_count_goes_back_with_a_reason_and_its_votes_are_out_of_sight():
    stage = count_it(make_stage(places=2))
    watch = desk_of(stage.scrutineer)

    without = watch.post(at(stage.poll, "send-back"), {"reason": ""})
    back = watch.post(at(stage.poll, "send-back"), {"reason": "归并有误"}, follow=True)
    journal = watch.get(at(stage.poll, "journal"))
    entry = stage.poll.journal.get(kind="sent-back")
    admin_entry = watch.get(reverse("admin:ballots_journalentry_change", args=[entry.pk]))

    assert "reason" in without.context["forms"][0].errors
    assert "归并有误" in back.text
    assert back.context["count"] is None
    for page in (back, journal, admin_entry):
        assert "votes" not in page.text
        assert "得票" not in page.text
        assert "候选项目1" not in page.text


# --- what follows a confirmed count ---------------------------------------------------------------


def steps_of(page) -> list[str]:
    """Return the names of the steps that a day's page offers, the next one first."""
    found = [page.context["next"]] if page.context["next"] else []
    return [step.name for step in [*found, *page.context["others"]]]


@pytest.mark.parametrize(
    ("make", "offered"), [(tied, "run-off"), (short, "supplementary")], ids=["tie", "shortfall"]
)
def test_open_places_lead_to_their_second_round_a_decision_or_a_publication(make, offered):
    stage = make()

    steps = steps_of(desk_of(stage.office).get(at(stage.poll)))

    assert steps[0] == offered
    assert {"decide", "publish"} <= set(steps)
    assert not {"run-off", "supplementary"} - {offered} & set(steps)


def test_where_every_place_is_filled_the_result_is_published_and_nothing_else():
    stage = factories.make_confirmed({1: 8, 2: 6}, places=2)
    desk = desk_of(stage.office)

    steps = steps_of(desk.get(at(stage.poll)))
    page = desk.get(at(stage.poll, "publish"))

    assert steps[0] == "publish"
    assert not {"run-off", "supplementary", "decide"} & set(steps)
    assert "leave_open" not in page.context["forms"][0].fields
    assert "尚未处理" not in page.text


def test_the_page_of_the_publication_says_what_is_open_and_what_may_be_done_about_it():
    stage = tied()

    page = desk_of(stage.office).get(at(stage.poll, "publish"))

    assert "第2名得票相同，尚未处理。" in page.text
    assert at(stage.poll, "run-off") in page.text
    assert at(stage.poll, "decide") in page.text
    assert "还有1项没有确定，按实际通过数公布，不再补足" in page.text
    assert "不逐项揭晓，立即公布全部结果" in page.text


def test_a_tie_is_not_published_without_the_tick_that_leaves_its_place_open():
    stage = tied()
    desk = desk_of(stage.office)

    without = desk.post(at(stage.poll, "publish"), {"figure": "1"})
    done = desk.post(
        at(stage.poll, "publish"),
        {"figure": "1", "leave_open": "on", "at_once": "on"},
        follow=True,
    )

    assert faults_of(without) == ["还有1项没有确定，请先按票决办法处理，或确认不再补足。"]
    assert messages_of(done) == ["结果已公布。"]
    stage.poll.refresh_from_db()
    assert stage.poll.is_revealed
    assert done.context["next"] is None


def test_the_run_off_is_explained_made_and_linked_both_ways():
    stage = tied()
    desk = desk_of(stage.office)

    page = desk.get(at(stage.poll, "run-off"))
    done = desk.post(at(stage.poll, "run-off"), follow=True)

    assert "从下列项目中确定1项：" in page.text
    assert "2. 候选项目2" in page.text
    assert "1. 候选项目1" not in page.text
    draft = Poll.objects.get(parent=stage.poll)
    assert done.redirect_chain[-1][0] == at(draft)
    assert messages_of(done) == [
        "已发起再次票决。名册、投票卡和实到沿用；请重新生成密钥，并核对实到。"
    ]
    assert at(stage.poll) in done.text
    assert "现就这些项目再次票决" in done.text
    parent = desk.get(at(stage.poll))
    assert at(draft) in parent.text
    assert parent.context["next"] is None
    assert "前往已发起的票决" in parent.text
    # Refused with a sentence where somebody else was faster.
    assert messages_of(desk.post(at(stage.poll, "run-off"), follow=True))


def test_while_the_second_round_runs_its_first_round_waits_for_it():
    stage = tied()
    second = factories.second_stage(stage, drafts.run_off(stage.poll, by=stage.office))
    desk = desk_of(stage.office)

    page = desk.get(at(stage.poll))
    publish = desk.get(at(stage.poll, "publish"))

    assert page.context["next"] is None
    for text in (page.text, publish.text):
        assert "全部揭晓后才能公布本次结果。" in text
        assert at(second.poll) in text
    assert 'type="submit" class="default"' not in publish.text


def test_the_meetings_decision_is_recorded_by_two_people():
    stage = tied()
    desk = desk_of(stage.office)
    typed = {"items": ["3"], "words": "主席团会议决定"}

    page = desk.get(at(stage.poll, "decide"))
    alone = desk.post(at(stage.poll, "decide"), typed)
    too_many = desk.post(
        at(stage.poll, "decide"), typed | {"items": ["2", "3"]} | signed_by(stage.chief)
    )
    done = desk.post(at(stage.poll, "decide"), typed | signed_by(stage.chief), follow=True)

    assert "第2名有2个项目得票相同，待定名额1个。" in page.text
    assert "second_name" in alone.context["forms"][1].errors
    assert faults_of(too_many) == ["确定的项目超过了剩余的名额。"]
    assert messages_of(done) == ["会议决定已登记。"]
    assert "按会议决定确定" in done.text
    assert "主席团会议决定" in done.text
    assert done.context["next"].name == "publish"


def test_the_hall_is_shown_one_project_a_press_and_everybody_the_whole_after_the_last():
    stage = factories.make_confirmed({1: 8, 2: 6}, places=2)
    desk = desk_of(stage.office)
    desk.post(at(stage.poll, "publish"), {"figure": "2"})

    first = desk.post(at(stage.poll, "reveal"), {"place": "1"}, follow=True)
    twice = desk.post(at(stage.poll, "reveal"), {"place": "1"}, follow=True)
    last = desk.post(at(stage.poll, "reveal"), {"place": "2"}, follow=True)

    for page in (first, twice):
        assert page.redirect_chain[-1][0] == at(stage.poll, "reveal")
        assert "已揭晓1/2项" in page.text
        assert page.context["forms"][0]["place"].value() == 2
    assert messages_of(last) == ["结果已全部揭晓，代表和公众可以看到。"]
    assert last.context["next"] is None


def test_the_operator_sees_what_comes_next_what_to_read_and_what_the_hall_sees():
    stage = factories.make_confirmed({1: 6, 2: 8}, places=3, show_votes=True)
    desk = desk_of(stage.office)
    desk.post(at(stage.poll, "publish"), {"figure": "2", "leave_open": "on"}, follow=True)
    without = desk.get(at(stage.poll, "reveal"))
    hall.open_screen(stage.poll, by=stage.office)

    desk.post(at(stage.poll, "reveal"), {"place": "1"})
    page = desk.get(at(stage.poll, "reveal"))

    assert "第1名，第2项，候选项目2，得8票。" in without.text
    assert "还没有大屏网址。" in without.text
    assert "第2名，第1项，候选项目1，得6票。" in page.text
    # The order of votes; of three slots one is filled, and which is the newest.
    assert [place.key for place in page.context["shown"]] == ["2"]
    assert page.text.count('<li class="free">') == 2
    assert page.text.count('class="newest"') == 1
    assert re.search(
        r'<input type="submit" class="default" value="揭晓下一项" autofocus>', page.text
    )


def test_where_no_votes_are_shown_the_operator_reads_none():
    stage = factories.make_confirmed({1: 6, 2: 8}, places=2)
    desk = desk_of(stage.office)
    desk.post(at(stage.poll, "publish"), {"figure": "2"}, follow=True)

    page = desk.get(at(stage.poll, "reveal"))

    assert ">第1项，候选项目1。<" in page.text
    assert not re.search(r"[68]票", page.text)


def test_what_a_second_round_or_a_decision_filled_is_read_with_how_it_was():
    held = tied(show_votes=True)
    deciding.decide(held.poll, items=["3"], words="主席团决定", by=held.office, second=held.chief)
    outcome = outcome_of(held.poll)

    read = [words.read_out(outcome, place) for place in in_turn(outcome)]

    assert read[-1] == "第3项，候选项目3，按会议决定确定。"


def test_a_proposal_and_a_shared_rank_are_read_as_what_they_are():
    rows = [item(key, "夜间公交", 6, shared=True, rank=1) for key in ("1", "推2")]
    outcome = outcome_of(make_counted(*rows, show_votes=True))

    assert [words.read_out(outcome, place) for place in in_turn(outcome)] == [
        "并列第1名，第1项，夜间公交（候选项目第1项），得6票。",
        "并列第1名，推荐项目推2，夜间公交（推2），得6票。",
    ]


def test_the_rest_is_shown_at_once():
    stage = factories.make_confirmed({1: 8, 2: 6}, places=2)
    desk = desk_of(stage.office)
    desk.post(at(stage.poll, "publish"), {"figure": "2"}, follow=True)

    done = desk.post(at(stage.poll, "reveal-all"), follow=True)

    assert messages_of(done) == ["结果已全部揭晓，代表和公众可以看到。"]
    assert "已揭晓2/2项" not in done.text


def test_a_poll_is_archived_by_two_people_and_its_page_keeps_what_they_said():
    stage = factories.make_confirmed({1: 8, 2: 6}, places=2, kind=Poll.Kind.MAIN, objection_days=0)
    lifecycle.publish_result(stage.poll, by=stage.office, at_once=True)
    desk = desk_of(stage.office)
    kept = desk.get(at(stage.poll, "archive"))
    factories.end_year(stage)
    typed = {"key_destroyed": "五份当场销毁", "backups": "机房备份\r\nU盘一个", "cards": 9}

    page = desk.get(at(stage.poll, "archive"))
    alone = desk.post(at(stage.poll, "archive"), typed)
    done = desk.post(at(stage.poll, "archive"), typed | signed_by(stage.chief), follow=True)

    # Until the year of its projects is closed their delegates need them.
    assert "将删除0张投票卡，保留9张。" in kept.text
    assert "2026年的实事项目还没有结束" in kept.text
    assert "将删除9张投票卡，保留0张。" in page.text
    assert '<input type="hidden" name="cards" value="9">' in page.text
    assert "second_name" in alone.context["forms"][1].errors
    assert messages_of(done) == ["本次票决已归档。"]
    for said in ("五份当场销毁", "<li>机房备份</li>", "<li>U盘一个</li>", "删除投票卡9张"):
        assert said in done.text
    assert "archive" not in steps_of(done)


def test_a_rehearsal_archived_beside_the_real_draft_keeps_the_cards_and_says_so_before():
    """Case 34: by its pages."""
    stage = factories.make_confirmed({1: 8, 2: 6}, places=2)
    lifecycle.publish_result(stage.poll, by=stage.office, at_once=True)
    factories.make_poll(delegates_total=9)
    desk = desk_of(stage.office)
    typed = {"key_destroyed": "五份当场销毁", "backups": "无", "cards": 0}

    page = desk.get(at(stage.poll, "archive"))
    done = desk.post(at(stage.poll, "archive"), typed | signed_by(stage.chief), follow=True)

    assert "演练不等异议期。" in page.text
    assert "名册上代表的9张全部保留。" in page.text
    assert messages_of(done) == ["本次票决已归档。"]
    assert AccessCard.objects.filter(revoked_at__isnull=True).count() == 9
    assert "cards" not in steps_of(done)


def test_a_page_of_the_archiving_that_is_out_of_date_deletes_nothing_and_shows_the_new_figure():
    """Case 34: the figure on the page is what goes; later the rest is destroyed by a step."""
    stage = factories.make_confirmed({1: 8, 2: 6}, places=2, kind=Poll.Kind.MAIN, objection_days=0)
    lifecycle.publish_result(stage.poll, by=stage.office, at_once=True)
    factories.end_year(stage)
    desk, signed = desk_of(stage.office), signed_by(stage.chief)
    typed = {"key_destroyed": "五份当场销毁", "backups": "无", "cards": 9}
    draft = factories.make_poll(delegates_total=9, meeting="第五次会议")

    stale = desk.post(at(stage.poll, "archive"), typed | signed)
    desk.post(at(stage.poll, "archive"), typed | {"cards": 0} | signed)
    drafts.drop(draft, by=stage.office)
    page = desk.get(at(stage.poll, "cards"))
    done = desk.post(at(stage.poll, "cards"), {"cards": 9} | signed, follow=True)

    assert faults_of(stale) == ["将删除的投票卡已变为0张，请核对后重新办理。"]
    assert "将删除0张投票卡，保留9张。" in stale.text
    assert "第五次会议" in stale.text
    assert '<input type="hidden" name="cards" value="0">' in stale.text
    assert "将删除9张投票卡" in page.text
    assert messages_of(done) == ["已销毁投票卡9张。"]


def test_a_real_poll_is_told_until_when_it_waits_to_be_archived():
    stage = factories.make_confirmed({1: 8, 2: 6}, places=2, kind=Poll.Kind.MAIN)
    lifecycle.publish_result(stage.poll, by=stage.office, at_once=True)
    desk = desk_of(stage.office)

    page = desk.get(at(stage.poll, "archive"))

    assert "异议期7天，到" in page.text
    assert "异议期还没有满，现在不能归档。" in page.text
    assert "key_destroyed" not in page.text
    assert "期满后可以归档" in desk.get(at(stage.poll)).text


def test_the_rules_stand_in_words_on_the_page_before_the_vote_and_after_the_count():
    stage = make_stage(open_it=False)
    desk = desk_of(stage.office)
    words = "得票超过全体代表5人的一半，即至少3票，才能通过。"

    assert words in desk.get(at(stage.poll)).text
    lifecycle.open_poll(stage.poll, by=stage.office)
    assert words not in desk.get(at(stage.poll)).text
    count_it(stage)
    assert words in desk.get(at(stage.poll)).text


# --- ends -----------------------------------------------------------------------------------------


def test_a_poll_is_voided_by_two_people_and_a_fresh_draft_follows():
    stage = make_stage()
    desk = desk_of(stage.office)

    one = desk.post(at(stage.poll, "void"), {"reason": "候选名单有误"})
    two = desk.post(
        at(stage.poll, "void"),
        {"reason": "候选名单有误"} | signed_by(stage.scrutineer),
        follow=True,
    )
    fresh = desk.post(at(stage.poll, "fresh"), follow=True)

    assert "second_name" in one.context["forms"][1].errors
    assert "本次票决作废" in two.text
    draft = Poll.objects.get(phase=Poll.Phase.DRAFT)
    assert fresh.redirect_chain[-1][0] == at(draft)
    assert draft.projects.count() == 12


def test_a_rehearsal_can_be_wiped_and_a_real_poll_cannot():
    stage, real = make_stage(), make_poll()
    desk = desk_of(stage.office)

    done = desk.post(at(stage.poll, "wipe"), follow=True)
    desk.post(at(real, "wipe"))

    assert messages_of(done) == ["演练已清除。"]
    assert list(Poll.objects.all()) == [real]


# --- files and record -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "early"),
    [
        ("result", "计票完成后才能导出。"),
        ("summary", "计票完成后才能导出。"),
        ("write-ins", "计票完成后才能导出。"),
        ("receipts", "投票截止后才有回执编号清单。"),
    ],
)
def test_a_file_can_be_had_from_its_phase_on_and_not_before(what, early):
    stage = make_stage(places=2)
    address = reverse("admin:ballots_pollday_download", args=[stage.poll.pk, what])

    before = desk_of(stage.office).get(address, follow=True)
    count_it(stage)
    after = desk_of(stage.scrutineer).get(address)

    assert messages_of(before) == [early]
    assert after.content.startswith(b"\xef\xbb\xbf")
    assert after.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="rehearsal_yiwu-2026-' in after.headers["Content-Disposition"]
    assert "filename*=UTF-8''%E6%BC%94%E7%BB%83_2026" in after.headers["Content-Disposition"]


def test_the_workbook_can_be_had_by_all_staff_from_the_count_on_and_not_before():
    stage = make_stage(places=2)
    address = reverse("admin:ballots_pollday_download", args=[stage.poll.pk, "workbook"])

    before = desk_of(stage.office).get(address, follow=True)
    count_it(stage)
    after = desk_of(stage.scrutineer).get(address)

    assert messages_of(before) == ["计票完成后才能导出。"]
    assert after.content.startswith(b"PK")
    assert after.headers["Content-Type"].endswith(".sheet")


@pytest.mark.parametrize("what", ["turnout", "journal"])
def test_turnout_and_journal_can_be_had_at_any_time(what):
    stage = make_stage(open_it=False)

    reply = desk_of(stage.scrutineer).get(
        reverse("admin:ballots_pollday_download", args=[stage.poll.pk, what])
    )

    assert reply.content.startswith(b"\xef\xbb\xbf")


def test_the_full_package_is_for_scrutineers_alone_who_say_why():
    stage = make_stage(places=2)
    count_it(stage)
    address = at(stage.poll, "export-package")

    assert desk_of(stage.office).get(address).status_code == 403
    desk = desk_of(stage.scrutineer)
    assert "密封票" in desk.get(address).text
    assert faults_of(desk.post(address, {"reason": " "}))
    assert not stage.poll.journal.filter(kind="exported").exists()

    reply = desk.post(address, {"reason": "复查异议"})

    assert reply.headers["Content-Type"] == "application/zip"
    assert re.fullmatch(
        r'attachment; filename="rehearsal_yiwu-\d+-full-package-[\d-]+\.zip"; '
        r"filename\*=UTF-8''[%\w.-]+\.zip",
        reply.headers["Content-Disposition"],
    )
    # Made while it is sent, and whole all the same.
    assert reply.streaming
    read = verifier.read(io.BytesIO(reply.getvalue()))
    assert not [finding for finding in verifier.level_a(read) if finding.faults]
    # It holds the entry of its own export.
    assert read.journal[-1].data == {"what": "package", "reason": "复查异议"}
    assert read.journal[-1].said["by"] == stage.scrutineer.get_username()
    gone = reverse("admin:ballots_pollday_download", args=[stage.poll.pk, "package"])
    assert desk.get(gone).status_code == 404


def test_the_public_package_waits_for_the_publication():
    stage = make_stage(places=2)
    count_it(stage)
    address = reverse("admin:ballots_pollday_download", args=[stage.poll.pk, "public-package"])
    desk = desk_of(stage.office)

    assert desk.get(address).status_code == 302
    lifecycle.confirm_result(stage.poll, by=stage.scrutineer)
    lifecycle.publish_result(stage.poll, by=stage.office)
    assert desk.get(address).getvalue().startswith(b"PK")


def test_a_file_that_does_not_exist_is_not_found():
    stage = make_stage()

    reply = desk_of(stage.office).get(
        reverse("admin:ballots_pollday_download", args=[stage.poll.pk, "ballots"])
    )

    assert reply.status_code == 404


def test_the_journal_tells_in_words_who_did_what():
    stage = make_stage()
    lifecycle.pause_poll(stage.poll, reason="停电", by=stage.office)

    page = desk_of(stage.scrutineer).get(at(stage.poll, "journal"))

    rows = [(row["kind"], row["words"]) for row in page.context["rows"]]
    assert [kind for kind, _words in rows] == [
        "生成名册",
        "记录到会",
        "登记密钥保管人",
        "生成票箱密钥",
        "试开票箱",
        "登记工作人员账号",
        "开始投票",
        "暂停投票",
    ]
    assert rows[2][1] == "保管人甲、保管人乙、保管人丙、保管人丁、保管人戊"
    assert stage.office.username in rows[5][1]
    assert rows[-1][1] == "原因：停电；已投票：0"


def test_until_the_count_the_journal_tells_of_an_opened_box_only_how_many_ballots():
    stage = open_it(make_stage(places=2))
    entry = stage.poll.journal.get(kind="box-opened")
    desk = desk_of(stage.scrutineer)

    def told() -> list[str]:
        page = desk.get(at(stage.poll, "journal"))
        return [
            next(row["words"] for row in page.context["rows"] if row["entry"] == entry),
            page.text,
            desk.get(reverse("admin:ballots_journalentry_change", args=[entry.pk])).text,
        ]

    words, *pages = told()
    assert words == "表决票：4；主持人已宣布本次表决有效"
    assert not any("无效：" in page for page in pages)

    stage.count()
    words, *pages = told()
    assert words == "表决票：4；无效：0；推荐项目：1；主持人已宣布本次表决有效"
    assert all("无效：0" in page for page in pages)


def test_a_change_of_accounts_after_the_opening_stands_on_the_page():
    stage = make_stage()
    factories.make_scrutineer()

    page = desk_of(stage.office).get(at(stage.poll))

    assert "开始投票后，工作人员账号变动2次（见操作记录），请核实" in page.text
