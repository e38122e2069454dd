"""The list of the 2024 report: a new draft beside whatever there is; and no fixture overwrites rows."""

import pytest

from projects.models import Poll, Project, Target
from tests.helpers.factories import make_delegates, make_poll
from tests.helpers.refusals import refused, run
from tests.helpers.secrecy import everything

pytestmark = pytest.mark.django_db


def titles(poll: Poll) -> list[str]:
    return list(poll.projects.order_by("number").values_list("title", flat=True))


def test_a_draft_of_2024_stands_beside_whatever_there_is():
    """Case 37: run twice it makes two drafts, and changes no row of anything else."""
    mine = make_poll(candidates=12)
    before = titles(mine)

    said = run("draft_2024")
    run("draft_2024")

    first, second = Poll.objects.exclude(pk=mine.pk).order_by("pk")
    assert f"编号{first.pk}" in said
    assert titles(first) == titles(second)
    assert (titles(first)[0], len(titles(first)), first.year) == ("住房改善", 8, 2024)
    assert first.uuid != second.uuid
    assert Target.objects.filter(project__poll=first).count() > 8
    assert titles(mine) == before


def test_an_empty_database_takes_the_fixture():
    """Case 37: as before, and its draft is the one that `draft_2024` makes."""
    run("loaddata", "yiwu-2024", verbosity=0)
    loaded = Poll.objects.get()

    run("draft_2024")

    made = Poll.objects.exclude(pk=loaded.pk).get()
    told = ("meeting", "year", "opening_words", "places", "phase", "kind")
    assert [getattr(made, name) for name in told] == [getattr(loaded, name) for name in told]
    assert titles(made) == titles(loaded)


@pytest.mark.parametrize("key", [1, 900])
def test_a_fixture_over_existing_polls_is_refused_and_changes_nothing(key):
    """Case 37: whether or not the keys of its rows are taken."""
    poll = Poll.objects.create(pk=key, meeting="第四次会议", year=2026)
    for number in range(1, 13):
        Project.objects.create(pk=key + number, poll=poll, number=number, title=f"项目{number}")
    before = everything()

    sentence = refused("loaddata", "yiwu-2024")

    assert "draft_2024" in sentence
    assert "载入会覆盖已有数据" in sentence
    assert everything() == before


def test_a_fixture_loaded_twice_is_refused_the_second_time():
    """Case 37: a second run resets no edits."""
    run("loaddata", "yiwu-2024", verbosity=0)
    Project.objects.filter(number=1).update(title="改过的名称")
    before = everything()

    refused("loaddata", "yiwu-2024")

    assert everything() == before


def test_no_fixture_writes_over_delegates_either(tmp_path):
    (delegate,) = make_delegates(1)
    path = tmp_path / "roll.json"
    run("dumpdata", "ballots.delegate", output=str(path))
    before = everything()

    assert "已有“代表”" in refused("loaddata", path)
    assert everything() == before
    assert delegate.pk
