"""The backup at a desk: made on the server at any time, taken away only while nobody votes, named at the end."""

import zipfile
from pathlib import Path
from typing import Any

import pytest

from ballots.acts import archiving, lifecycle
from ballots.facts.copies.made import copy_in
from ballots.files import backup
from projects.models import Poll
from tests.helpers.desk import at, desk_of, messages_of, signed_by
from tests.helpers.factories import make_confirmed, make_stage, move_by_force
from tests.helpers.refusals import refusal_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.BACKUP_DIR = str(tmp_path)
    return tmp_path


def test_a_backup_that_is_made_at_the_desk_stands_on_the_days_page(folder):
    stage = make_stage(delegates=2, open_it=False)
    desk = desk_of(stage.office)
    before = desk.get(at(stage.poll))

    done = desk.post(at(stage.poll, "backup"), follow=True)

    (path,) = folder.iterdir()
    assert messages_of(done) == [f"已备份：{path.name}"]
    assert "备份位置上还没有备份" in before.text
    assert f'href="{at(stage.poll, "backup")}"' in before.text
    assert "备份位置上还没有备份" not in done.text
    assert "已备份（最近备份" in done.text
    assert copy_in(path).held.polls[0].phase == "draft"


def test_it_is_taken_away_while_nobody_votes_as_the_very_file(folder):
    stage = make_stage(delegates=2, open_it=False)

    taken = desk_of(stage.office).post(at(stage.poll, "backup"), {"fetch": "on"})

    (path,) = folder.iterdir()
    assert taken.getvalue() == path.read_bytes()
    assert taken["Content-Type"] == "application/zip"
    assert path.name in taken["Content-Disposition"]


@pytest.mark.parametrize("phase", ["open", "paused"])
def test_while_anybody_votes_it_stays_on_the_server(phase, folder):
    """Of whichever poll the page is: the copy is of the whole database."""
    other = make_stage(delegates=2)
    if phase == "paused":
        lifecycle.pause_poll(other.poll, reason="停电", by=other.office)
    stage = make_stage(delegates=1, open_it=False)
    desk = desk_of(stage.office)

    page = desk.get(at(stage.poll, "backup"))
    asked = desk.post(at(stage.poll, "backup"), {"fetch": "on"})

    assert "备份并下载" not in page.text
    assert "不能下载" in page.text
    assert "Content-Disposition" not in asked
    assert "已备份在服务器上。投票期间的备份含姓名和密封票，不能下载。" in asked.text
    assert len(list(folder.iterdir())) == 1


def test_only_the_office_makes_one(folder):
    stage = make_stage(delegates=2)

    for person in (stage.scrutineer, stage.chief):
        desk = desk_of(person)
        assert desk.post(at(stage.poll, "backup")).status_code == 403
        assert at(stage.poll, "backup") not in desk.get(at(stage.poll)).text
    assert list(folder.iterdir()) == []


def test_no_session_is_in_a_copy(folder):
    """Whoever gets hold of one would be signed in as whoever was."""
    stage = make_stage(delegates=2)
    desk = desk_of(stage.chief)
    key = desk.cookies["session"].value

    path = backup.make().path

    with zipfile.ZipFile(path) as archive:
        held = archive.read(copy_in(path).said["file"])
    assert stage.delegates[0].name.encode() in held
    assert key.encode() not in held


def test_where_no_place_is_set_the_page_says_so(settings):
    stage = make_stage(delegates=2)
    settings.BACKUP_DIR = ""

    page = desk_of(stage.office).post(at(stage.poll, "backup"))

    assert "没有设置备份位置" in page.text


# --- the end --------------------------------------------------------------------------------------


def test_the_archiving_names_the_copies_of_its_vote_and_asks_for_each(folder):
    held = make_stage(delegates=2, candidates=2, places=2, simple=True, objection_days=0)
    named = backup.make(folder / "while-voting.zip").path.name
    (folder / "of-another-tool.zip").write_bytes(b"a copy")
    move_by_force(held.poll, Poll.Phase.VOID)
    backup.make(folder / "later.zip")

    def archive(*backups: str) -> Poll:
        return archiving.archive(
            held.poll, key_destroyed="已销毁", backups=backups, by=held.office, second=held.chief
        )

    page = desk_of(held.office).get(at(held.poll, "archive"))

    assert page.context["copies"][0].path.name == named
    assert [copy.path.name for copy in page.context["copies"]] == [named]
    assert named in page.context["forms"][0]["backups"].value()
    assert refusal_of(archive, "无") == "copies-left"
    archive("机房一份", f"{named}（在机房）")
    assert held.poll.journal.get(kind="archived").data["backups"][1].startswith(named)


def test_a_copy_of_after_the_vote_is_not_asked_for(folder):
    stage = make_confirmed({1: 2, 2: 1}, delegates=2, places=2)
    copy = backup.make(folder / "confirmed.zip")
    stage.publish(leave_open=True)
    assert copy.while_voting == []

    page = desk_of(stage.office).post(
        at(stage.poll, "archive"),
        {"key_destroyed": "已销毁", "backups": "无", "cards": 0} | signed_by(stage.chief),
        follow=True,
    )

    assert messages_of(page) == ["本次票决已归档。"]
