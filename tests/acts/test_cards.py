"""Cards: who gets one, what is kept of it, and what ends with it."""

from typing import Any

import pytest

from ballots import journal, roles
from ballots.acts import cards, delegates, lifecycle, sign_in
from ballots.models import AccessCard, Delegate, Delegation, JournalEntry
from ballots.pure import card_code
from ballots.refusal import Refused
from projects.models import Poll
from tests.helpers.factories import (
    make_delegates,
    make_office,
    make_staff,
    make_stage,
)
from tests.helpers.races import Race, stop_in
from tests.helpers.refusals import refusal_of
from tests.helpers.secrecy import where

pytestmark = pytest.mark.django_db


P = Poll.Phase


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
        Delegate(number=f"N{n}", name=f"某{n}", delegation=home, card_number=f"{n:04}")
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

    record = JournalEntry.objects.get(kind="card-reissued", poll=stage.poll)
    assert (record.by, record.second) == (office, stage.scrutineer)
    assert '"data":{"name":"代表1","number":"001","reason":"遗失"}' in record.body


def test_one_person_is_enough_before_the_opening_and_after_the_close_but_the_draft_records_it():
    stage = make_stage(open_it=False)
    delegate, office = stage.delegates[0], stage.office

    cards.reissue_card(delegate, reason="遗失", by=office)
    stage.poll = lifecycle.open_poll(stage.poll, by=office)
    stage.close()
    cards.reissue_card(delegate, reason="遗失", by=office)

    reissued = JournalEntry.objects.filter(kind="card-reissued")
    assert reissued.filter(poll=stage.poll).count() == 1
    assert reissued.filter(poll=None).count() == 2
    assert journal.first_broken(stage.poll) is None


def test_a_delegate_who_is_not_on_the_open_roll_gets_a_card_from_one_person():
    stage = make_stage()
    (stranger,) = make_delegates(1)
    cards.issue_cards([stranger], by=stage.office)

    cards.reissue_card(stranger, reason="遗失", by=stage.office)

    assert not stage.poll.journal.filter(kind="card-reissued").exists()


# --- one person, one card -------------------------------------------------------------------------


def twins(*, number: str = "009", **columns: Any) -> list[Delegate]:
    """Return a delegate and one who looks like him."""
    (one,) = make_delegates(1)
    given = {"name": one.name, "delegation": one.delegation} | columns
    return [one, Delegate.objects.create(number=number, **given)]


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"name": "代 表1"},
        {"name": "另一人", "phone": "13800000001"},
    ],
    ids=["one name in one delegation", "another spelling", "one mobile telephone"],
)
def test_nobody_who_may_be_another_one_gets_a_card_before_the_office_has_told_them_apart(columns):
    # Case 15.
    office = make_office()
    pair = twins(**columns)
    if "phone" in columns:
        Delegate.objects.filter(pk=pair[0].pk).update(phone="13800000001")

    code = refusal_of(cards.issue_cards, pair, by=office)
    also = refusal_of(cards.reissue_card, pair[1], reason="遗失", by=office)
    delegates.tell_apart([frozenset(person.pk for person in pair)], by=office)

    assert (code, also) == ("maybe-one-person", "maybe-one-person")
    assert len(cards.issue_cards(pair, by=office)) == 2


def test_a_namesake_in_another_delegation_gets_his_card():
    other = Delegation.objects.create(name="乡镇代表团")

    assert len(cards.issue_cards(twins(delegation=other), by=make_office())) == 2


def test_whoever_is_nobodys_double_gets_his_card_though_two_others_are():
    twins()
    people = make_delegates(1)

    assert len(cards.issue_cards(people, by=make_office())) == 1


def test_whoever_has_left_office_is_nobodys_double():
    pair = twins(status=Delegate.Status.ENDED)

    assert len(cards.issue_cards(pair, by=make_office())) == 1


def test_two_with_one_number_to_the_eye_get_no_card():
    # Case 16: an earlier version let them in.
    people = make_delegates(2)
    Delegate.objects.filter(pk=people[1].pk).update(number="1", number_key=None)

    assert refusal_of(cards.issue_cards, people, by=make_office()) == "one-number"


# --- on record ------------------------------------------------------------------------------------


def test_cards_stand_on_record_from_the_first_one_with_names_when_they_are_replaced():
    people = make_delegates(2)
    office, second = make_office(), make_staff(roles.OFFICE)

    cards.issue_cards(people, by=office)
    cards.reissue_card(people[0], reason="遗失", by=office, second=second)

    issued, reissued = JournalEntry.objects.filter(poll=None).order_by("seq")
    assert (issued.kind, issued.data) == ("cards-issued", {"issued": 2})
    assert (reissued.kind, reissued.second) == ("card-reissued", second)
    assert reissued.data == {"number": "001", "name": "代表1", "reason": "遗失"}
    assert journal.first_broken(None) is None


def test_an_issue_that_gives_nobody_a_card_is_not_on_record():
    people = make_delegates(1)
    office = make_office()
    cards.issue_cards(people, by=office)
    cards.issue_cards(people, by=office)

    assert JournalEntry.objects.filter(poll=None).count() == 1


def test_nobody_signs_as_his_own_second_even_where_none_is_needed():
    (person,) = make_delegates(1)
    office = make_office()

    code = refusal_of(cards.reissue_card, person, reason="遗失", by=office, second=office)

    assert code == "same-person"
