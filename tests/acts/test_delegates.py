"""Delegates and delegations: who is added, changed, merged, deleted, told apart, and in office."""

import pytest
from django.contrib.auth.models import User

from ballots import journal
from ballots.acts import cards, delegates, roll
from ballots.facts import record
from ballots.models import Delegate, Delegation, JournalEntry, Recommendation
from tests.helpers.factories import (
    make_delegates,
    make_office,
    make_opinion,
    make_poll,
    make_scrutineer,
    make_stage,
    make_year,
)
from tests.helpers.refusals import refusal_of

pytestmark = pytest.mark.django_db


def said() -> list[str]:
    """Return what the chain of the register says, and see that it holds."""
    assert journal.first_broken(None) is None
    entries = JournalEntry.objects.filter(poll=None).order_by("seq")
    return [f"{record.act(entry)}：{record.line(entry)}" for entry in entries]


# --- one delegate ---------------------------------------------------------------------------------


def test_a_delegate_who_is_added_or_changed_stands_on_record_by_name():
    home = Delegation.objects.create(name="甲代表团")
    other = Delegation.objects.create(name="乙代表团")
    office = make_office()

    delegate = delegates.add_delegate(
        {"number": "001", "name": "张三", "delegation": home}, by=office
    )
    delegates.change_delegate(
        delegate,
        {"number": "0012", "name": "张三丰", "delegation": other, "seat": "3排"},
        by=office,
    )

    delegate.refresh_from_db()
    assert (delegate.number, delegate.number_key, delegate.name_key) == ("0012", "12", "张三丰")
    assert said() == [
        "新增代表：张三（001）；状态：在任；代表团：甲代表团",
        "修改代表资料：张三（001）；另改资料项数：1；"
        "代表证号：001→0012，姓名：张三→张三丰，代表团：甲代表团→乙代表团",
    ]


def test_what_is_not_changed_is_not_written_over_and_not_on_record():
    (delegate,) = make_delegates(1)
    Delegate.objects.update(phone="13800000001")

    delegates.change_delegate(delegate, {"seat": "", "name": "代表1"}, by=make_office())

    delegate.refresh_from_db()
    assert delegate.phone == "13800000001"
    assert said() == []


@pytest.mark.parametrize("number", ["001", "1", "００１", "0 01", "001\u200b"])
def test_a_number_that_is_somebody_elses_to_the_eye_is_refused(number):
    # Case 16.
    one, other = make_delegates(2)
    office = make_office()
    columns = {"number": number, "name": "另一人", "delegation": one.delegation}

    added = refusal_of(delegates.add_delegate, columns, by=office)
    changed = refusal_of(delegates.change_delegate, other, {"number": number}, by=office)

    assert (added, changed) == ("number-taken", "number-taken")


def test_a_delegate_may_get_another_spelling_of_his_own_number():
    (one,) = make_delegates(1)

    assert delegates.change_delegate(one, {"number": "1"}, by=make_office()).number == "1"


@pytest.mark.parametrize("columns", [{"name": "另一人"}, {"number": "1"}, {"number": "9"}])
def test_nobody_who_may_vote_right_now_becomes_somebody_else(columns):
    stage = make_stage(delegates=1)
    delegate = stage.delegates[0]

    assert (
        refusal_of(delegates.change_delegate, delegate, columns, by=stage.office) == "at-the-vote"
    )
    delegates.change_delegate(delegate, {"seat": "3排", "phone": "1"}, by=stage.office)
    stage.close()
    changed = delegates.change_delegate(delegate, columns, by=stage.office)

    assert columns.items() <= vars(changed).items()
    # What was hashed keeps its own words.
    entry = stage.entry()
    assert (entry.number, entry.name) == ("001", "代表1")


# --- deleted --------------------------------------------------------------------------------------


def test_delegates_to_whom_nothing_refers_are_deleted_and_stand_on_record():
    # Case 17.
    people = make_delegates(2)

    assert delegates.delete_delegates(people, by=make_office()) == 2
    assert not Delegate.objects.exists()
    assert said() == ["删除代表：代表1（001）、代表2（002）"]


@pytest.mark.parametrize(
    "use",
    [
        lambda person, office: cards.issue_cards([person], by=office),
        lambda person, office: roll.draw_up_roll(make_poll(), by=office),
        lambda person, office: Recommendation.objects.create(
            poll=make_poll(), delegate=person, title="公园"
        ),
    ],
    ids=["a card", "a roll", "a recommendation"],
)
def test_a_delegate_to_whom_something_refers_is_kept_and_so_are_the_others(use):
    people = make_delegates(2)
    office = make_office()
    use(people[0], office)

    assert refusal_of(delegates.delete_delegates, people, by=office) == "delegate-used"
    assert Delegate.objects.count() == 2


def test_a_delegate_who_has_written_an_opinion_is_kept():
    stage = make_year()
    [person] = make_delegates(1, delegation="原代表团")
    make_opinion(stage, delegate=person)

    assert refusal_of(delegates.delete_delegates, [person], by=stage.office) == "delegate-used"


# --- delegations ----------------------------------------------------------------------------------


def test_delegations_are_added_renamed_and_deleted_on_record():
    # Case 17.
    office = make_office()
    made = delegates.save_delegation(Delegation(name="甲代表团"), by=office)
    made.name = "乙代表团"
    delegates.save_delegation(made, by=office)
    made.position = 7
    delegates.save_delegation(made, by=office)
    delegates.delete_delegation(made, by=office)

    assert not Delegation.objects.exists()
    assert said() == [
        "新增或修改代表团：代表团：甲代表团",
        "新增或修改代表团：原名称：甲代表团；代表团：乙代表团",
        "删除代表团：代表团：乙代表团",
    ]


@pytest.mark.parametrize("name", ["第1代表团", "第１代表团", "第1代表团\u200b", "第 1代表团"])
def test_a_delegation_that_looks_like_another_is_refused(name):
    # Case 16.
    Delegation.objects.create(name="第1代表团")
    office = make_office()

    assert (
        refusal_of(delegates.save_delegation, Delegation(name=name), by=office)
        == "delegation-taken"
    )


def test_a_delegation_with_people_is_not_deleted():
    make_delegates(1)
    home = Delegation.objects.get()

    assert refusal_of(delegates.delete_delegation, home, by=make_office()) == "delegation-used"


def test_merged_delegations_are_one_and_the_roll_keeps_its_words():
    # Case 17.
    make_delegates(2)
    (moved,) = make_delegates(1, delegation="第二代表团")
    office, poll = make_office(), make_poll()
    roll.draw_up_roll(poll, by=office)
    everything = list(Delegation.objects.order_by("pk"))

    count = delegates.merge_delegations(everything, into=everything[0], by=office)

    moved.refresh_from_db()
    assert (count, moved.delegation) == (1, everything[0])
    assert list(Delegation.objects.all()) == everything[:1]
    assert poll.roll.filter(delegation="第二代表团").count() == 1
    assert said() == ["合并代表团：人数：1；第二代表团合并到城区代表团"]


def test_a_merger_needs_two_delegations_and_one_of_them_to_stay():
    make_delegates(1)
    make_delegates(1, delegation="第二代表团")
    one, other = Delegation.objects.order_by("pk")
    office = make_office()

    assert refusal_of(delegates.merge_delegations, [one], into=one, by=office) == "one-delegation"
    assert refusal_of(delegates.merge_delegations, [one], into=other, by=office) == "one-delegation"


@pytest.mark.parametrize(
    ("act", "arguments"),
    [
        (delegates.add_delegate, ({},)),
        (delegates.change_delegate, (Delegate(), {})),
        (delegates.delete_delegates, ([],)),
        (delegates.save_delegation, (Delegation(),)),
        (delegates.delete_delegation, (Delegation(),)),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_only_the_office_changes_the_register(act, arguments):
    assert refusal_of(act, *arguments, by=make_scrutineer()) == "not-office"


# --- status ---------------------------------------------------------------------------------------


def test_the_status_of_many_is_set_at_once_as_one_entry_that_names_those_who_changed():
    # Case 17.
    people = make_delegates(3)
    Delegate.objects.filter(pk=people[1].pk).update(status="ended")

    assert delegates.set_status(people, "ended", by=make_office()) == 2

    entry = JournalEntry.objects.get(poll=None)
    assert set(Delegate.objects.values_list("status", flat=True)) == {"ended"}
    assert entry.data["people"] == [["001", "代表1", "active"], ["003", "代表3", "active"]]
    assert record.line(entry) == "状态：终止；代表1（001）、代表3（003）"


def test_a_status_that_everybody_has_already_is_not_put_on_record():
    people = make_delegates(1)

    assert delegates.set_status(people, "active", by=make_office()) == 0
    assert not JournalEntry.objects.exists()


def test_only_the_office_changes_a_status():
    people = make_delegates(1)

    assert refusal_of(delegates.set_status, people, "ended", by=make_scrutineer()) == "not-office"


# --- namesakes ------------------------------------------------------------------------------------


def test_only_whoever_may_be_one_person_is_told_apart_and_that_stands_on_record():
    one, other, third = make_delegates(3)
    Delegate.objects.filter(pk=other.pk).update(name=one.name, name_key=one.name_key)
    office = make_office()
    double = frozenset({one.pk, other.pk})

    def code(*pairs: frozenset[int], by: User = office) -> str:
        return refusal_of(delegates.tell_apart, pairs, by=by)

    assert code(frozenset({one.pk, third.pk})) == "not-alike"
    assert code() == "not-alike"
    assert code(double, by=make_scrutineer()) == "not-office"
    assert delegates.tell_apart([double], by=office) == 1
    assert code(double) == "not-alike"
    assert record.line(JournalEntry.objects.get()) == "确认为不同的人：代表1（001）、代表1（002）"
