"""The table of `make guards` can be tried: each guard and its test stand where it says."""

import pytest

from tests.adversary.guards import GUARDS, Guard
from tests.helpers.machine import ROOT


def test_there_are_thirty_guards_at_least_each_another_one():
    assert len(GUARDS) >= 30
    assert len({(guard.file, guard.code) for guard in GUARDS}) == len(GUARDS)
    assert len({guard.what for guard in GUARDS}) == len(GUARDS)


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.what)
def test_a_guard_stands_in_its_file_once_and_its_test_is_there(guard: Guard):
    page, _, test = guard.test.partition("::")
    name = test.partition("[")[0]

    assert (ROOT / guard.file).read_text(encoding="utf-8").count(guard.code) == 1
    assert guard.without != guard.code
    assert f"\ndef {name}(" in (ROOT / page).read_text(encoding="utf-8")
