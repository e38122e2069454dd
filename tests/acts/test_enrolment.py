"""The roll, presence, the cards, signing in with one, and which poll a page is about."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path
from django.utils import timezone

from ballots import journal
from ballots.acts import cards, delegates, lifecycle, roll, sign_in
from ballots.facts import polls
from ballots.models import AccessCard, Delegate, Delegation, JournalEntry, RollEntry
from ballots.pure import card_code
from ballots.pure.roll_table import RollRow
from ballots.refusal import Refused
from projects.models import Poll
from tests.helpers.browsing import with_card
from tests.helpers.factories import (
    Stage,
    make_delegates,
    make_office,
    make_poll,
    make_scrutineer,
    make_staff,
    make_stage,
    move_by_force,
    selection,
    stage_without,
    walk_by_force,
)
from tests.helpers.races import Race, stop_in
from tests.helpers.refusals import refusal_of
from tests.helpers.secrecy import snapshot, where

pytestmark = pytest.mark.django_db

P = Poll.Phase


def row(line: int, number: str, name: str, delegation: str = "城区代表团", **more: Any) -> RollRow:
    return RollRow(line=line, number=number, name=name, delegation=delegation, **more)


# --- importing the roll ---------------------------------------------------------------------------


def test_a_plan_says_what_is_new_changed_and_unchanged_and_writes_nothing():
    make_delegates(2)
    rows = [
        row(2, "001", "代表1", order=1),
        row(3, "002", "代表二", order=2),
        row(4, "003", "代表3", phone="13800000000"),
    ]
    before = snapshot()

    plan = delegates.plan_import(rows, add_delegations=False)

    assert [entry.number for entry in plan.unchanged] == ["001"]
    assert [entry.number for entry in plan.updated] == ["002"]
    assert [entry.number for entry in plan.new] == ["003"]
    assert (plan.new_delegations, plan.problems) == ((), ())
    assert snapshot() == before


@pytest.mark.parametrize(
    "change",
    [
        {"name": "改名"},
        {"delegation": "乡镇代表团"},
        {"phone": "13800000000"},
        {"seat": "3排5座"},
        {"order": 9},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_column_of_the_file_may_change_a_delegate(change):
    make_delegates(1)
    Delegation.objects.create(name="乡镇代表团")
    columns = {"name": "代表1", "delegation": "城区代表团", "order": 1} | change
    office = make_office()

    plan = delegates.import_roll(
        [RollRow(line=2, number="001", **columns)], by=office, add_delegations=False
    )

    delegate = Delegate.objects.select_related("delegation").get()
    assert len(plan.updated) == 1
    assert {
        "name": delegate.name,
        "delegation": delegate.delegation.name,
        "phone": delegate.phone,
        "seat": delegate.seat,
        "order": delegate.position,
    } == {"phone": "", "seat": "", **columns}


def test_an_unknown_delegation_is_a_problem_of_each_of_its_rows():
    Delegation.objects.create(name="城区代表团")
    rows = [
        row(2, "001", "甲"),
        row(3, "002", "乙", "稠城代表团"),
        row(4, "003", "丙", "稠城代表团"),
    ]

    plan = delegates.plan_import(rows, add_delegations=False)

    assert [problem.line for problem in plan.problems] == [3, 4]
    assert all("稠城代表团" in problem.text for problem in plan.problems)
    assert plan.new_delegations == ()


def test_an_import_with_a_problem_writes_nothing_at_all():
    Delegation.objects.create(name="城区代表团")
    rows = [row(2, "001", "甲"), row(3, "002", "乙", "稠城代表团")]

    assert (
        refusal_of(delegates.import_roll, rows, by=make_office(), add_delegations=False)
        == "problems"
    )
    assert not Delegate.objects.exists()


def test_an_import_that_breaks_in_the_middle_writes_nothing_at_all(monkeypatch):
    make_delegates(1)
    office = make_office()
    rows = [row(2, "001", "改名"), row(3, "002", "乙", "稠城代表团")]

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError("disk full")

    before = snapshot()
    monkeypatch.setattr(Delegate.objects, "bulk_update", fail)
    with pytest.raises(OSError, match="disk full"):
        delegates.import_roll(rows, by=office, add_delegations=True)

    assert snapshot() == before


def test_unknown_delegations_are_added_in_the_order_of_the_file_where_that_is_wished():
    Delegation.objects.create(name="城区代表团", position=1)
    rows = [row(2, "001", "甲", "丙团"), row(3, "002", "乙", "甲团"), row(4, "003", "丙", "丙团")]

    plan = delegates.import_roll(rows, by=make_office(), add_delegations=True)

    assert plan.new_delegations == ("丙团", "甲团")
    assert [delegation.name for delegation in Delegation.objects.all()] == [
        "城区代表团",
        "丙团",
        "甲团",
    ]
    assert Delegate.objects.get(number="003").delegation.name == "丙团"


def test_the_same_file_a_second_time_changes_nothing():
    rows = [row(2, "001", "甲", order=3), row(3, "002", "乙", phone="13800000000", seat="3排")]
    office = make_office()
    delegates.import_roll(rows, by=office, add_delegations=True)
    before = snapshot()

    plan = delegates.import_roll(rows, by=office, add_delegations=True)

    assert (len(plan.new), len(plan.updated), len(plan.unchanged)) == (0, 0, 2)
    assert snapshot() == before


def test_an_import_leaves_status_cards_and_absent_delegates_alone():
    people = make_delegates(2)
    office = make_office()
    cards.issue_cards(people, by=office)
    Delegate.objects.filter(number="001").update(status=Delegate.Status.SUSPENDED)
    numbers = list(Delegate.objects.values_list("card_number", flat=True))

    delegates.import_roll([row(2, "001", "改名")], by=office, add_delegations=False)

    assert Delegate.objects.get(number="001").status == Delegate.Status.SUSPENDED
    assert list(Delegate.objects.values_list("card_number", flat=True)) == numbers
    assert Delegate.objects.count() == 2


# --- the roll of a poll ---------------------------------------------------------------------------


def test_the_roll_holds_the_delegates_in_office_in_their_own_words():
    people = make_delegates(5)
    for delegate, status in zip(people, Delegate.Status, strict=False):
        Delegate.objects.filter(pk=delegate.pk).update(status=status)
    poll = make_poll()

    # 001 is in office, 002 to 004 are suspended, observer, ended; 005 is in office.
    assert roll.draw_up_roll(poll, by=make_office()) == 2
    assert list(poll.roll.values_list("number", "name", "delegation").order_by("number")) == [
        ("001", "代表1", "城区代表团"),
        ("005", "代表5", "城区代表团"),
    ]


def test_drawing_up_the_roll_again_follows_status_and_names_and_keeps_presence():
    people = make_delegates(3)
    office, poll = make_office(), make_poll()
    roll.draw_up_roll(poll, by=office)
    roll.mark_present(poll, numbers=["001", "003"], by=office)
    Delegate.objects.filter(pk=people[2].pk).update(status=Delegate.Status.ENDED)
    Delegate.objects.filter(pk=people[0].pk).update(name="改名")
    make_delegates(1)

    assert roll.draw_up_roll(poll, by=office) == 3
    assert list(poll.roll.values_list("number", "name", "present").order_by("number")) == [
        ("001", "改名", True),
        ("002", "代表2", False),
        ("004", "代表4", False),
    ]


def test_two_delegates_may_swap_their_numbers_before_the_roll_is_drawn_up_again():
    one, other = make_delegates(2)
    office, poll = make_office(), make_poll()
    roll.draw_up_roll(poll, by=office)
    for delegate, number in ((one, "x"), (other, "001"), (one, "002")):
        Delegate.objects.filter(pk=delegate.pk).update(number=number)

    roll.draw_up_roll(poll, by=office)

    assert poll.roll.get(number="001").delegate == other


def test_the_roll_is_drawn_up_in_draft_only():
    stage = make_stage()
    make_delegates(1)

    assert refusal_of(roll.draw_up_roll, stage.poll, by=stage.office) == "not-draft"


def test_a_name_corrected_later_does_not_change_the_frozen_roll():
    stage = make_stage()
    Delegate.objects.filter(pk=stage.delegates[0].pk).update(name="改名", number="999")

    assert stage.entry(0).name == "代表1"
    assert stage.entry(0).number == "001"


def test_presence_is_marked_and_taken_back_in_draft_without_a_record():
    make_delegates(3)
    office, poll = make_office(), make_poll()
    roll.draw_up_roll(poll, by=office)

    assert roll.mark_present(poll, numbers=["001", "002"], by=office) == 2
    assert roll.mark_present(poll, numbers=["002"], by=office) == 2
    assert roll.mark_absent(poll, numbers=["001"], by=office) == 1
    assert [entry.number for entry in poll.roll.filter(present=True)] == ["002"]
    assert not JournalEntry.objects.exists()


@pytest.mark.parametrize("phase", [P.OPEN, P.PAUSED])
def test_presence_only_rises_once_the_poll_has_opened_and_is_recorded(phase):
    stage = stage_without("001", "002", "003")
    if phase == P.PAUSED:
        lifecycle.pause_poll(stage.poll, reason="停电", by=stage.office)
    poll, office = stage.poll, stage.office

    assert roll.mark_present(poll, numbers=["001", "002", "005"], by=office) == 4
    assert refusal_of(roll.mark_absent, poll, numbers=["001"], by=office) == "present-stays"
    assert poll.roll.filter(present=True).count() == 4
    entry = JournalEntry.objects.get(kind="presence-raised")
    # 005 was there already: it is not counted as added, and nobody is named.
    assert '"data":{"added":2,"present":4}' in entry.body
    assert "代表" not in entry.body


def test_marking_those_who_are_present_already_leaves_no_record():
    stage = make_stage()

    assert roll.mark_present(stage.poll, numbers=["001"], by=stage.office) == 5
    assert not JournalEntry.objects.filter(kind="presence-raised").exists()


def test_a_number_that_is_not_on_the_roll_marks_nobody():
    stage = stage_without("001")

    code = refusal_of(roll.mark_present, stage.poll, numbers=["001", "999"], by=stage.office)

    assert code == "not-on-roll"


@pytest.mark.parametrize("phase", [P.CLOSED, P.OPENED, P.COUNTED, P.CONFIRMED, P.PUBLISHED, P.VOID])
def test_after_the_close_neither_presence_nor_roll_changes(phase):
    stage = make_stage(open_it=False)
    (stranger,) = make_delegates(1)
    poll, office = move_by_force(stage.poll, phase), stage.office

    assert refusal_of(roll.mark_present, poll, numbers=["001"], by=office) == "voting-over"
    assert refusal_of(roll.mark_absent, poll, numbers=["001"], by=office) == "present-stays"
    assert refusal_of(roll.draw_up_roll, poll, by=office) == "not-draft"
    assert (
        refusal_of(
            roll.add_to_roll,
            poll,
            delegate=stranger,
            reason="补选",
            by=office,
            second=stage.scrutineer,
        )
        == "voting-over"
    )


# --- one more on the roll -------------------------------------------------------------------------


def test_two_people_add_a_delegate_to_the_roll_of_an_open_poll():
    stage = make_stage(delegates_total=6)
    (stranger,) = make_delegates(1)

    entry = roll.add_to_roll(
        stage.poll,
        delegate=stranger,
        reason=" 补选 ",
        by=stage.office,
        second=stage.scrutineer,
    )

    assert (entry.number, entry.present, entry.voted) == ("006", False, False)
    record = JournalEntry.objects.get(kind="roll-added")
    assert (record.by, record.second) == (stage.office, stage.scrutineer)
    assert '"data":{"name":"代表6","number":"006","reason":"补选"}' in record.body


def test_a_delegate_added_to_the_roll_can_be_marked_present_and_vote():
    stage = make_stage(delegates_total=6)
    (stranger,) = make_delegates(1)
    cards.issue_cards([stranger], by=stage.office)
    stage.delegates.append(stranger)
    roll.add_to_roll(
        stage.poll, delegate=stranger, reason="补选", by=stage.office, second=stage.chief
    )
    roll.mark_present(stage.poll, numbers=["006"], by=stage.office)

    stage.cast(5, selection(1))

    assert stage.entry(5).voted


def test_adding_to_the_roll_needs_a_second_person_a_reason_and_a_delegate_in_office():
    stage = make_stage()
    (stranger,) = make_delegates(1)
    nobody = make_staff()

    def code(**changes: Any) -> str:
        arguments: dict[str, Any] = {
            "delegate": stranger,
            "reason": "补选",
            "by": stage.office,
            "second": stage.scrutineer,
        }
        return refusal_of(roll.add_to_roll, stage.poll, **(arguments | changes))

    assert code(second=None) == "second-needed"
    assert code(second=stage.office) == "same-person"
    assert code(second=nobody) == "same-person"
    assert code(reason=" ") == "reason-needed"
    assert code(by=stage.scrutineer) == "not-office"
    assert code(delegate=stage.delegates[0]) == "already-on-roll"
    Delegate.objects.filter(pk=stranger.pk).update(status=Delegate.Status.SUSPENDED)
    stranger.refresh_from_db()
    assert code() == "not-active"


def test_a_number_that_stands_on_the_roll_is_not_added_a_second_time():
    stage = make_stage(delegates=3, delegates_total=9)
    (stranger,) = make_delegates(1)
    Delegate.objects.filter(pk=stage.delegates[0].pk).update(number="X")
    stranger.number = "001"
    stranger.save()

    assert refusal_of(add, stage, stranger) == "number-taken"


def test_the_roll_never_has_more_people_than_there_are_delegates():
    stage = make_stage(delegates=3, delegates_total=4)
    fits, too_many = make_delegates(2)

    add(stage, fits)

    assert refusal_of(add, stage, too_many) == "total-reached"


def add(stage: Stage, delegate: Delegate) -> RollEntry:
    return roll.add_to_roll(
        stage.poll,
        delegate=delegate,
        reason="补选",
        by=stage.office,
        second=stage.scrutineer,
    )


def test_a_draft_roll_is_drawn_up_and_not_added_to():
    stage = make_stage(open_it=False)
    (stranger,) = make_delegates(1)

    code = refusal_of(
        roll.add_to_roll,
        stage.poll,
        delegate=stranger,
        reason="补选",
        by=stage.office,
        second=stage.scrutineer,
    )

    assert code == "voting-over"


# --- who may ---------------------------------------------------------------------------------------


def test_only_the_office_keeps_roll_presence_and_cards():
    stage = make_stage(open_it=False)
    poll, delegate = stage.poll, stage.delegates[0]
    retired = make_office()
    retired.is_active = False
    retired.save()
    strangers = [
        make_staff(),
        make_scrutineer(),
        make_scrutineer(chief=True),
        User.objects.create_superuser("root", password="x"),
        retired,
    ]

    acts: list[tuple[Any, dict[str, Any]]] = [
        (delegates.import_roll, {"rows": [], "add_delegations": False}),
        (roll.draw_up_roll, {"poll": poll}),
        (roll.mark_present, {"poll": poll, "numbers": ["001"]}),
        (roll.mark_absent, {"poll": poll, "numbers": ["001"]}),
        (cards.issue_cards, {"delegates": [delegate]}),
        (cards.reissue_card, {"delegate": delegate, "reason": "遗失"}),
        (sign_in.end_wait, {"delegate": delegate}),
    ]

    for by in strangers:
        assert {refusal_of(act, **arguments, by=by) for act, arguments in acts} == {"not-office"}


# --- cards ----------------------------------------------------------------------------------------


def test_each_delegate_in_office_gets_one_card_and_no_second_one():
    people = make_delegates(3)
    office = make_office()
    people[1].status = Delegate.Status.OBSERVER
    people[1].save()

    made = cards.issue_cards(people, by=office)

    assert [card.delegate.number for card in made] == ["001", "003"]
    assert cards.issue_cards(people, by=office) == []
    assert AccessCard.objects.count() == 2


def test_card_numbers_are_four_digits_unique_and_stand_before_the_code():
    made = cards.issue_cards(make_delegates(200), by=make_office())

    numbers = [str(card.delegate.card_number) for card in made]
    assert len(set(numbers)) == 200
    assert all(len(number) == 4 and number.isdecimal() for number in numbers)
    assert [card.code[:4] for card in made] == numbers
    assert sorted(numbers) != numbers, "numbers in order would tell a neighbour's"
    assert set(Delegate.objects.values_list("card_number", flat=True)) == set(numbers)


def test_the_last_free_card_number_is_found_and_then_there_is_none():
    home = Delegation.objects.create(name="城区代表团")
    Delegate.objects.bulk_create(
        Delegate(number=f"N{n}", name="某", delegation=home, card_number=f"{n:04}")
        for n in range(10_000)
        if n != 4711
    )
    first, second = make_delegates(2)
    office = make_office()

    (card,) = cards.issue_cards([first], by=office)

    assert card.delegate.card_number == "4711"
    assert refusal_of(cards.issue_cards, [second], by=office) == "no-number-left"


def test_the_database_holds_neither_a_code_nor_a_token_in_the_clear():
    stage = make_stage()
    fresh = cards.reissue_card(
        stage.delegates[0], reason="遗失", by=stage.office, second=stage.scrutineer
    )
    sign_in.card_by_code(fresh.code)
    secrets: list[str | bytes] = []
    for card in [*stage.issued, fresh]:
        # Neither whole nor the part that is secret: the number before it, the digit after it.
        secrets += [card.code, card_code.grouped(card.code), card.code[4:15]]
        secrets += [card.token, card.token.lower(), bytes.fromhex(card.token)]

    assert where(*secrets) == set()
    # And the search does find what stands there.
    assert where(str(stage.delegates[1].card_number)) >= {"ballots_delegate.card_number"}


def test_the_digests_depend_on_the_secret_key(settings):
    (delegate,) = make_delegates(1)
    (card,) = cards.issue_cards([delegate], by=make_office())
    assert sign_in.card_by_token(card.token)

    settings.SECRET_KEY = "another key, as somebody with a copy of the database alone would have"

    assert sign_in.card_by_token(card.token) is None
    with pytest.raises(Refused):
        sign_in.card_by_code(card.code)


def test_a_new_card_keeps_the_number_and_ends_the_old_code_and_token_at_once():
    (delegate,) = make_delegates(1)
    office = make_office()
    (old,) = cards.issue_cards([delegate], by=office)
    number = delegate.card_number

    new = cards.reissue_card(delegate, reason=" 遗失 ", by=office)

    delegate.refresh_from_db()
    assert delegate.card_number == number == new.code[:4]
    assert sign_in.card_by_token(old.token) is None
    with pytest.raises(Refused) as refusal:
        sign_in.card_by_code(old.code)
    assert refusal.value.code == "revoked"
    card = sign_in.card_by_code(new.code)
    assert sign_in.card_by_token(new.token) == card
    assert (card.reason, card.issued_by) == ("遗失", office)


def test_a_delegate_read_before_the_cards_were_made_keeps_the_number_too():
    make_delegates(1)
    stale = Delegate.objects.get()
    office = make_office()
    (old,) = cards.issue_cards([Delegate.objects.get()], by=office)

    new = cards.reissue_card(stale, reason="遗失", by=office)

    assert new.code[:4] == old.code[:4]


def test_delegates_read_before_the_cards_were_made_get_no_second_one():
    make_delegates(2)
    stale = list(Delegate.objects.all())
    office = make_office()
    Delegate.objects.filter(pk=stale[1].pk).update(status=Delegate.Status.SUSPENDED)

    assert len(cards.issue_cards(Delegate.objects.all(), by=office)) == 1
    assert cards.issue_cards(stale, by=office) == []


@pytest.mark.django_db(transaction=True)
def test_of_two_who_issue_the_same_cards_at_once_one_gets_them_all_and_the_other_none(monkeypatch):
    office, people = make_office(), make_delegates(3)
    race = Race()
    stop_in(race, monkeypatch, cards, "_give_card_numbers")

    def issue() -> int:
        return len(cards.issue_cards(Delegate.objects.all(), by=office))

    assert race.play(issue, issue) == (len(people), 0)
    assert AccessCard.objects.count() == len(people)


def test_who_is_not_in_office_gets_no_new_card_either():
    stage = make_stage(open_it=False)
    delegate = stage.delegates[0]
    Delegate.objects.filter(pk=delegate.pk).update(status=Delegate.Status.SUSPENDED)

    code = refusal_of(cards.reissue_card, delegate, reason="遗失", by=stage.office)

    assert code == "card-not-active"
    assert sign_in.card_by_token(stage.issued[0].token) is not None


def test_a_second_person_signs_for_a_new_card_while_a_poll_takes_ballots():
    stage = make_stage()
    delegate, office = stage.delegates[0], stage.office

    def code(**changes: Any) -> str:
        arguments: dict[str, Any] = {"reason": "遗失", "by": office, "second": stage.chief}
        return refusal_of(cards.reissue_card, delegate, **(arguments | changes))

    for _phase in (P.OPEN, P.PAUSED):
        assert code(second=None) == "second-needed"
        assert code(second=office) == "same-person"
        assert code(second=make_staff()) == "same-person"
        assert code(reason="") == "reason-needed"
        if stage.poll.phase == P.OPEN:
            stage.poll = lifecycle.pause_poll(stage.poll, reason="停电", by=office)
    cards.reissue_card(delegate, reason="遗失", by=office, second=stage.scrutineer)

    record = JournalEntry.objects.get(kind="card-reissued")
    assert (record.by, record.second) == (office, stage.scrutineer)
    assert '"data":{"name":"代表1","number":"001","reason":"遗失"}' in record.body


def test_one_person_is_enough_before_the_opening_and_after_the_close_but_the_draft_records_it():
    stage = make_stage(open_it=False)
    delegate, office = stage.delegates[0], stage.office

    cards.reissue_card(delegate, reason="遗失", by=office)
    stage.poll = lifecycle.open_poll(stage.poll, by=office)
    stage.close()
    cards.reissue_card(delegate, reason="遗失", by=office)

    assert JournalEntry.objects.filter(kind="card-reissued").count() == 1
    assert journal.first_broken(stage.poll) is None


def test_a_delegate_who_is_not_on_the_open_roll_gets_a_card_from_one_person():
    stage = make_stage()
    (stranger,) = make_delegates(1)
    cards.issue_cards([stranger], by=stage.office)

    cards.reissue_card(stranger, reason="遗失", by=stage.office)

    assert not JournalEntry.objects.filter(kind="card-reissued").exists()


# --- sessions -------------------------------------------------------------------------------------


@login_not_required
def sign_in_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("sign in")


def closed_page(request: Any) -> HttpResponse:
    return HttpResponse(request.delegate.name)


urlpatterns = [
    path("", include(([path("", sign_in_page, name="sign-in")], "ballots"))),
    path("closed/", closed_page),
]


@pytest.mark.urls(__name__)
def test_a_page_is_closed_without_a_card_and_open_with_one(client):
    (delegate,) = make_delegates(1)
    (card,) = cards.issue_cards([delegate], by=make_office())

    assert client.get("/").text == "sign in"
    refused = client.get("/closed/")
    assert (refused.status_code, refused["Location"]) == (303, "/")
    with_card(client, sign_in.card_by_code(card.code))
    assert client.get("/closed/").text == "代表1"


@pytest.mark.urls(__name__)
def test_a_new_card_ends_the_sessions_of_the_old_one_at_once(client):
    one, other = make_delegates(2)
    office = make_office()
    old, others = cards.issue_cards([one, other], by=office)
    with_card(client, sign_in.card_by_code(old.code))
    neighbour = with_card(Client(), sign_in.card_by_code(others.code))
    key = client.session.session_key
    assert client.get("/closed/").status_code == 200

    cards.reissue_card(one, reason="遗失", by=office)

    assert client.get("/closed/").status_code == 303
    assert client.session.session_key != key
    assert not client.session.exists(key)
    assert neighbour.get("/closed/").text == "代表2"


# --- signing in -----------------------------------------------------------------------------------


def wrong_code(number: str, n: int = 0) -> str:
    """Return a code of card `number` that nobody holds but whose check digit is right."""
    body = f"{number}{n:011}"
    return body + card_code.check_digit(body)


def refused_sign_in(text: str) -> tuple[str, int]:
    with pytest.raises(Refused) as refusal:
        sign_in.card_by_code(text)
    return refusal.value.code, refusal.value.count


START = datetime(2026, 1, 17, 1, tzinfo=UTC)


@pytest.fixture
def card(time_machine):
    """A card just issued, at a moment that stands still."""
    time_machine.move_to(START, tick=False)
    (delegate,) = make_delegates(1)
    (issued,) = cards.issue_cards([delegate], by=make_office())
    return issued


def test_a_code_lets_in_however_it_is_grouped(card):
    row = AccessCard.objects.get()

    for text in (
        card.code,
        card_code.grouped(card.code),
        card.code.replace("0", "０"),
        f" {card.code}\n",
    ):
        assert sign_in.card_by_code(text) == row


def test_what_is_no_code_is_refused_before_anything_is_looked_up(card, django_assert_num_queries):
    slip = card.code[:-1] + str((int(card.code[-1]) + 1) % 10)

    with django_assert_num_queries(0):
        assert refused_sign_in("  ") == ("empty", 0)
        assert refused_sign_in("1234 5678") == ("length", 8)
        assert refused_sign_in(slip) == ("check-digit", 0)


def test_a_wrong_check_digit_is_no_failure_however_often(card):
    slip = card.code[:-1] + str((int(card.code[-1]) + 1) % 10)

    for _ in range(100):
        assert refused_sign_in(slip) == ("check-digit", 0)

    assert Delegate.objects.get().failures == 0
    assert sign_in.card_by_code(card.code)


def test_waits_grow_from_the_fifth_wrong_code_to_ten_minutes_and_no_further(card, time_machine):
    number, waits, now = card.code[:4], [], START
    for n in range(9):
        assert refused_sign_in(wrong_code(number, n)) == ("unknown", 0)
        delegate = Delegate.objects.get()
        until = delegate.locked_until or now
        waits.append(int((until - now).total_seconds()) // 60 if until > now else 0)
        now = max(now, until)
        time_machine.move_to(now, tick=False)

    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 10]
    for n in range(9, 100):
        assert refused_sign_in(wrong_code(number, n)) == ("unknown", 0)
        now += timedelta(minutes=10)
        time_machine.move_to(now, tick=False)
    # No permanent lock: after a hundred wrong codes the right one still lets in, and starts anew.
    assert sign_in.card_by_code(card.code)
    assert (Delegate.objects.get().failures, Delegate.objects.get().locked_until) == (0, None)


def test_while_a_wait_lasts_the_right_code_waits_too_and_is_told_how_long(card, time_machine):
    number = card.code[:4]
    for n in range(6):
        refused_sign_in(wrong_code(number, n))
        Delegate.objects.filter(failures__lt=6).update(locked_until=None)

    assert refused_sign_in(card.code) == ("wait", 2)
    time_machine.move_to(START + timedelta(seconds=61), tick=False)
    assert refused_sign_in(card.code) == ("wait", 1)
    # Trying meanwhile makes the wait no longer.
    assert refused_sign_in(wrong_code(number, 7)) == ("wait", 1)
    time_machine.move_to(START + timedelta(minutes=2), tick=False)
    assert sign_in.card_by_code(card.code)


def test_the_right_code_clears_the_failures_before_it(card):
    number = card.code[:4]
    for _round in range(5):
        for n in range(4):
            assert refused_sign_in(wrong_code(number, n)) == ("unknown", 0)
        assert sign_in.card_by_code(card.code)

    assert Delegate.objects.get().failures == 0


def test_the_desk_can_end_a_wait(card):
    for n in range(5):
        refused_sign_in(wrong_code(card.code[:4], n))
    assert refused_sign_in(card.code)[0] == "wait"

    sign_in.end_wait(card.delegate, by=make_office())

    assert sign_in.card_by_code(card.code)


def test_a_new_card_ends_a_wait(card):
    for n in range(5):
        refused_sign_in(wrong_code(card.code[:4], n))

    new = cards.reissue_card(card.delegate, reason="遗失", by=make_office())

    assert sign_in.card_by_code(new.code)


def test_the_qr_code_is_not_throttled(card):
    for n in range(5):
        refused_sign_in(wrong_code(card.code[:4], n))
    for _ in range(50):
        assert sign_in.card_by_token("F" * 32) is None

    assert sign_in.card_by_token(card.token)
    assert sign_in.card_by_token(card.token.lower())


def test_the_hall_is_not_locked_out_by_wrong_codes_for_other_numbers(card):
    people = make_delegates(20)
    others = cards.issue_cards(people, by=make_office())

    for other in others:
        for n in range(5):
            refused_sign_in(wrong_code(other.code[:4], n))
    unknown = next(n for n in range(10_000) if not Delegate.objects.filter(card_number=f"{n:04}"))
    for n in range(50):
        assert refused_sign_in(wrong_code(f"{unknown:04}", n)) == ("unknown", 0)

    assert sign_in.card_by_code(card.code)


def test_an_old_code_is_no_failure(card):
    cards.reissue_card(card.delegate, reason="遗失", by=make_office())

    for _ in range(10):
        assert refused_sign_in(card.code) == ("revoked", 0)

    assert Delegate.objects.get().failures == 0


# --- which poll -----------------------------------------------------------------------------------


ORDER = [
    ("main", P.OPEN),
    ("main", P.PAUSED),
    ("rehearsal", P.OPEN),
    ("main", P.CLOSED),
    ("main", P.OPENED),
    ("main", P.COUNTED),
    ("main", P.CONFIRMED),
    ("main", P.PUBLISHED),
    ("main", P.VOID),
    ("rehearsal", P.CLOSED),
    ("rehearsal", P.PUBLISHED),
    ("main", P.DRAFT),
    ("rehearsal", P.DRAFT),
]


def move_clock(poll: Poll, moment: datetime) -> None:
    """Let all that has happened to `poll` have happened at `moment`."""
    row = Poll.objects.filter(pk=poll.pk)
    for column in ("opened_at", "closed_at", "published_at"):
        row.filter(**{f"{column}__isnull": False}).update(**{column: moment})


def test_the_poll_that_matters_most_comes_first_and_the_newest_of_its_kind():
    (delegate,) = make_delegates(1)
    office, start = make_office(), timezone.now()
    expected = []
    for place, (kind, phase) in enumerate(ORDER):
        poll = make_poll(kind=kind, candidates=1, delegates_total=1)
        roll.draw_up_roll(poll, by=office)
        if phase != P.DRAFT:
            walk_by_force(poll, phase)
            # Made first to last, moved last to first: it is the last step that counts.
            move_clock(poll, start - timedelta(minutes=place))
        expected.append(poll)
    # Another real one that is over, long before all the others of its rank.
    later = make_poll(kind="main", candidates=1, delegates_total=1)
    roll.draw_up_roll(later, by=office)
    walk_by_force(later, P.PUBLISHED)
    move_clock(later, start - timedelta(days=365))
    expected.insert(9, later)

    assert list(polls.polls_of(delegate)) == expected
    # Nobody in particular sees what is out first, and no rehearsal before a real poll.
    real, practice = expected[3:10], expected[10:12]
    assert list(polls.polls_of(None)) == [*real, *expected[:2], *practice, expected[2]]
    assert polls.poll_for(delegate) == expected[0]


def test_every_phase_has_its_place_in_the_order():
    assert {phase for _kind, phase in ORDER} == set(P)


def test_a_delegate_sees_the_polls_on_whose_roll_he_stands():
    stage = make_stage()
    (stranger,) = make_delegates(1)

    assert polls.poll_for(stage.delegates[0]) == stage.poll
    assert polls.poll_for(stranger) is None
    assert polls.poll_for(None) == stage.poll


def test_a_poll_that_is_asked_for_is_shown_only_to_those_on_its_roll():
    stage = make_stage()
    first = stage.poll
    second = make_poll(kind="rehearsal", delegates_total=1)
    RollEntry.objects.create(
        poll=second, delegate=stage.delegates[0], number="001", name="代表1", delegation="x"
    )
    on_both, on_one = stage.delegates[:2]

    assert polls.poll_for(on_both) == first
    assert polls.poll_for(on_both, asked=str(second.pk)) == second
    assert polls.poll_for(on_one, asked=str(second.pk)) is None
    assert polls.poll_for(None, asked=str(second.pk)) is None
    for nonsense in ("x", "-1", "1e3", "9" * 30, "²", "1;--", " 1", str(first.pk + 1000)):
        assert polls.poll_for(on_both, asked=nonsense) is None
