"""The import of the roll against what others do between its preview and its confirmation."""

from collections.abc import Callable
from typing import Any

import pytest

from ballots.acts import delegates
from ballots.acts.delegates import ImportPlan
from ballots.models import Delegate, Delegation
from ballots.pure.roll_table import RollRow
from ballots.refusal import Refused
from tests.helpers.factories import make_delegates, make_office
from tests.helpers.races import Race, codes, stop_in

HOME = "城区代表团"


def row(line: int, number: str, name: str, delegation: str = HOME, **more: Any) -> RollRow:
    return RollRow(line=line, number=number, name=name, delegation=delegation, **more)


def previewed(*rows: RollRow, add_delegations: bool = False) -> Callable[[], ImportPlan]:
    """Return the confirmation of a preview that is made now."""
    office = make_office()
    seen = delegates.plan_import(rows, add_delegations=add_delegations).seen

    def confirm() -> ImportPlan:
        return delegates.import_roll(rows, by=office, add_delegations=add_delegations, seen=seen)

    return confirm


def register() -> list[tuple[str, str, str]]:
    return list(
        Delegate.objects.order_by("number").values_list("number", "name", "delegation__name")
    )


# --- changed since the preview --------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        {"name": "改名"},
        {"phone": "13800000000"},
        {"seat": "3排5座"},
        {"position": 9},
        {"number": "009"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_delegate_whom_somebody_changed_after_the_preview_is_not_overwritten(change):
    make_delegates(2)
    confirm = previewed(row(2, "001", "代表一"), row(3, "003", "代表3"))
    Delegate.objects.filter(number="001").update(**change)
    before = register()

    with pytest.raises(Refused) as refusal:
        confirm()

    assert refusal.value.code == "changed"
    assert register() == before


@pytest.mark.django_db
def test_a_delegate_whom_somebody_added_after_the_preview_is_not_overwritten():
    make_delegates(1)
    confirm = previewed(row(2, "002", "甲"))
    Delegate.objects.create(number="002", name="乙", delegation=Delegation.objects.get())

    with pytest.raises(Refused) as refusal:
        confirm()

    assert refusal.value.code == "changed"
    assert Delegate.objects.get(number="002").name == "乙"


@pytest.mark.django_db
def test_a_delegation_that_was_to_be_there_is_not_added_unseen():
    home = Delegation.objects.create(name=HOME)
    confirm = previewed(row(2, "001", "甲"), add_delegations=True)
    home.delete()

    with pytest.raises(Refused) as refusal:
        confirm()

    assert refusal.value.code == "changed"
    assert not Delegation.objects.exists()


@pytest.mark.django_db
def test_what_the_rows_do_not_name_may_change_meanwhile():
    make_delegates(2)
    confirm = previewed(row(2, "001", "代表一"))
    Delegate.objects.filter(number="002").update(name="改名")
    Delegation.objects.create(name="乡镇代表团")

    assert [updated.number for updated in confirm().updated] == ["001"]


@pytest.mark.django_db
def test_the_same_preview_is_confirmed_once():
    Delegation.objects.create(name=HOME)
    confirm = previewed(row(2, "001", "甲"))
    confirm()

    with pytest.raises(Refused) as refusal:
        confirm()

    assert refusal.value.code == "changed"


# --- two at once ----------------------------------------------------------------------------------


def play(monkeypatch: pytest.MonkeyPatch, *confirm: Callable[[], ImportPlan]) -> list[Any]:
    """Let the first look and stop before it writes; then let the second one come."""
    race = Race()
    stop_in(race, monkeypatch, Delegation.objects, "bulk_create")
    first, second = confirm
    return list(race.play(first, second))


@pytest.mark.django_db(transaction=True)
def test_of_two_who_add_the_same_delegates_at_once_one_is_told_and_none_is_overwritten(
    monkeypatch,
):
    Delegation.objects.create(name=HOME)
    one = previewed(row(2, "001", "甲"), row(3, "002", "甲的"))
    other = previewed(row(2, "002", "乙的"), row(3, "001", "乙"))

    outcomes = play(monkeypatch, one, other)

    assert codes(outcomes) == {"ok": 1, "changed": 1}
    assert register() in [
        [("001", "甲", HOME), ("002", "甲的", HOME)],
        [("001", "乙", HOME), ("002", "乙的", HOME)],
    ]


@pytest.mark.django_db(transaction=True)
def test_of_two_who_add_the_same_delegation_at_once_one_is_told_and_adds_nobody(monkeypatch):
    one = previewed(row(2, "001", "甲"), add_delegations=True)
    other = previewed(row(2, "002", "乙"), add_delegations=True)

    outcomes = play(monkeypatch, one, other)

    assert codes(outcomes) == {"ok": 1, "changed": 1}
    assert len(register()) == Delegation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_update_the_same_delegate_at_once_the_second_is_told(monkeypatch):
    make_delegates(1)
    one = previewed(row(2, "001", "甲"))
    other = previewed(row(2, "001", "乙"))

    first, second = play(monkeypatch, one, other)

    assert isinstance(first, ImportPlan)
    assert codes([second]) == {"changed": 1}
    assert register() == [("001", "甲", HOME)]
