"""The columns that numbers and names are compared and sorted by."""

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from ballots.models import Delegate, Delegation, RollEntry
from tests.helpers.factories import make_delegates, make_poll

pytestmark = pytest.mark.django_db
# All that the filling of a column asks of a schema editor, which no test may have in a transaction.
EDITOR = SimpleNamespace(
    connection=connection, execute=lambda statement: connection.cursor().execute(statement)
)


def numbered(*numbers: str) -> Delegation:
    home = Delegation.objects.create(name="第１代表团")
    Delegate.objects.bulk_create(
        Delegate(number=number, name="阿卜杜·示例", delegation=home) for number in numbers
    )
    return home


def test_whatever_makes_or_saves_a_row_writes_along_what_it_is_compared_by():
    home = numbered("A-01")
    made = Delegate.objects.create(number="００2", name="张三", delegation=home)
    made.number = "003"
    made.save()

    assert home.name_key == "第1代表团"
    assert list(Delegate.objects.values_list("number_key", "name_key").order_by("pk")) == [
        ("a-1", "阿卜杜示例"),
        ("3", "张三"),
    ]


def test_delegates_without_an_order_sort_by_their_numbers():
    # Case 50.
    numbered("12", "1", "10", "2", "甲10", "甲9")

    assert [delegate.number for delegate in Delegate.objects.all()] == [
        "1",
        "2",
        "10",
        "12",
        "甲9",
        "甲10",
    ]


def test_delegations_without_an_order_sort_by_the_numbers_in_their_names():
    # Case 50.
    names = ["第10代表团", "第2代表团", "第1代表团"]
    for place, name in enumerate(names):
        home = Delegation.objects.create(name=name)
        Delegate.objects.create(number=f"00{place}", name="甲", delegation=home)
    Delegation.objects.update(name_order="")

    import_module("ballots.migrations.0010_order_of_delegations").fill(apps, EDITOR)

    assert [home.name for home in Delegation.objects.all()] == names[::-1]
    assert [each.delegation.name for each in Delegate.objects.all()] == names[::-1]


def test_those_of_an_earlier_version_get_their_keys_and_of_two_alike_the_first_one():
    people = make_delegates(3)
    poll = make_poll()
    entry = RollEntry.objects.create(
        poll=poll, delegate=people[0], number="10", name="甲", delegation="乙"
    )
    Delegation.objects.create(name="城区 代表团（一）")
    Delegate.objects.update(number_key=None, number_order="", name_key="")
    RollEntry.objects.update(number_order="")
    Delegation.objects.update(name_key=None)
    for delegate, number in zip(people, ["001", "1", "2"], strict=True):
        Delegate.objects.filter(pk=delegate.pk).update(number=number)

    import_module("ballots.migrations.0006_identity").fill(apps, EDITOR)

    keys = Delegate.objects.order_by("pk").values_list("number_key", flat=True)
    assert list(keys) == ["1", None, "2"]
    assert set(Delegate.objects.values_list("name_key", flat=True)) == {"代表1", "代表2", "代表3"}
    entry.refresh_from_db()
    assert entry.number_order == "10".zfill(20)
    assert None not in Delegation.objects.values_list("name_key", flat=True)
