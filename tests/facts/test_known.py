"""An older database in the place of the last one is noticed, said, and taken only on purpose."""

import json
import logging
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from ballots.acts import drafts, lifecycle, rehearsal
from ballots.facts.copies import known
from projects.models import Poll
from tests.helpers.desk import at, desk_of
from tests.helpers.factories import Stage, make_poll, make_stage, selection
from tests.helpers.refusals import refusal_of, refused, run
from yiwu_vote import health

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noted(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this site notes what its database holds; each question is asked anew."""
    settings.LAST_KNOWN = tmp_path / "last-known.json"
    monkeypatch.setattr(known, "STANDS_FOR", -1.0)
    monkeypatch.setattr(health, "READY_FOR", -1.0)
    return tmp_path / "last-known.json"


@contextmanager
def lost() -> Iterator[None]:
    """Do something, note it as a site does, and lose it, as with a backup of before."""
    known.look()
    with transaction.atomic():
        yield
        assert known.look() is None
        transaction.set_rollback(True)


def words() -> str:
    older = known.look()
    return older.words if older else ""


def pause(stage: Stage) -> None:
    lifecycle.pause_poll(stage.poll, reason="停电", by=stage.office)


def test_a_database_that_went_on_is_the_right_one(noted):
    stage = make_stage(delegates=2)
    assert known.look() is None
    stage.cast(0, selection(1))
    pause(stage)

    assert known.look() is None
    assert known.look() is None

    assert stat.S_IMODE(noted.stat().st_mode) == 0o600
    said = noted.read_text()
    assert json.loads(said)["held"]["polls"][0]["voted"] == 1
    assert stage.delegates[0].name not in said


@pytest.mark.parametrize("kind", [Poll.Kind.MAIN, Poll.Kind.REHEARSAL])
def test_an_act_that_is_lost_is_noticed_until_somebody_accepts_it(kind, noted):
    stage = make_stage(delegates=2, kind=kind)
    entries = stage.poll.journal.count()
    with lost():
        pause(stage)
    before = noted.read_bytes()

    now = timezone.localtime()
    assert words().startswith(f"数据库比上次使用时旧：上次使用 {now:%Y-%m-%d}")
    assert f"现有内容截至 {now:%Y-%m-%d}" in words()
    assert f"操作记录{entries + 1}条，现为{entries}条" in words()
    assert noted.read_bytes() == before
    known.accept()
    assert words() == ""


def test_a_ballot_that_is_lost_is_noticed_though_no_entry_is():
    stage = make_stage(delegates=3)
    stage.cast(0, selection(1))
    with lost():
        stage.cast(1, selection(2))

    assert "已投票2人，现为1人" in words()


def test_a_record_that_went_on_otherwise_is_another_one():
    stage = make_stage(delegates=2)
    with lost():
        pause(stage)

    pause(stage)
    assert words()
    lifecycle.resume_poll(stage.poll, by=stage.office)
    assert words()


def test_an_act_on_the_register_that_is_lost_is_noticed():
    stage = make_stage(delegates=2)
    with lost():
        drafts.drop(make_poll(), by=stage.office)

    assert "代表名录：操作记录2条，现为1条" in words()


def test_a_vote_that_is_not_there_at_all_is_noticed_and_a_rehearsal_that_was_wiped_is_not():
    with lost():
        make_stage(delegates=2, kind=Poll.Kind.MAIN)
    assert words()
    known.accept()

    stage = make_stage(delegates=2)
    stage.cast(0, selection(1))
    draft = make_poll(candidates=0)
    assert words() == ""
    rehearsal.wipe_rehearsal(stage.poll, by=stage.office)
    draft.delete()
    assert words() == ""


# --- where it is said -----------------------------------------------------------------------------


def test_the_page_of_the_day_says_it_first_and_what_to_do():
    stage = make_stage(delegates=2)
    with lost():
        pause(stage)

    page = desk_of(stage.office).get(at(stage.poll))

    assert page.text.index("数据库比上次使用时旧") < page.text.index('class="stages"')
    assert "manage.py check_database --accept" in page.text
    system = [one for one in page.context["system"] if "数据库比上次使用时旧" in one.text]
    assert [one.level for one in system] == ["blocks"]


@pytest.mark.parametrize(("kind", "level"), [(Poll.Kind.MAIN, "✗"), (Poll.Kind.REHEARSAL, "△")])
def test_no_real_vote_opens_on_an_older_database(kind, level):
    stage = make_stage(delegates=2, open_it=False, kind=kind)
    with lost():
        drafts.drop(make_poll(), by=stage.office)

    page = desk_of(stage.office).get(at(stage.poll))

    found = [line.finding for line in page.context["findings"].open]
    assert [one.mark for one in found if "数据库比上次" in one.text] == [level]
    if kind == Poll.Kind.MAIN:
        assert refusal_of(lifecycle.open_poll, stage.poll, by=stage.office) == "incomplete"


def test_the_command_says_it_and_accepts_it_on_purpose():
    stage = make_stage(delegates=2)
    assert "✓ 数据库不比上次使用时旧" in run("check_database")
    with lost():
        pause(stage)

    assert "数据库比上次使用时旧" in refused("check_database")
    assert "已确认" in run("check_database", "--accept")
    assert "✓ 数据库不比上次使用时旧" in run("check_database")


def test_each_command_of_the_day_says_it_before_its_step_and_notes_what_it_did(capsys, noted):
    stage = make_stage(delegates=2)
    with lost():
        pause(stage)
    stage.close()
    shares = noted.with_name("shares.txt")
    shares.write_text("\n".join(stage.shares[:3]))
    run("open_box", "--user", stage.scrutineer.username, "--shares", shares)
    assert "数据库比上次使用时旧" in capsys.readouterr().err
    known.accept()
    before = noted.read_bytes()

    run("count_poll", "--user", stage.office.username)

    assert capsys.readouterr().err == ""
    assert noted.read_bytes() != before


def test_a_server_says_it_as_it_starts_and_answers_all_the_same(caplog, monkeypatch):
    stage = make_stage(delegates=2)
    monkeypatch.setattr(connection, "close", lambda: None)
    monkeypatch.setattr(logging.getLogger("ballots"), "propagate", True)
    health.tell_age()
    assert caplog.messages == []
    ready = Client().get("/readyz")
    with lost():
        pause(stage)

    health.tell_age()
    older = Client().get("/readyz")

    assert (ready.status_code, ready.text) == (200, "ok")
    assert "the database is older than when it was last used" in caplog.messages[0]
    assert (older.status_code, older.text.partition(";")[0]) == (200, "ok")
    assert "older" in older.text


def test_what_cannot_be_noted_or_read_stops_nobody(noted, caplog, monkeypatch, settings):
    stage = make_stage(delegates=2)
    monkeypatch.setattr(logging.getLogger("ballots"), "propagate", True)
    desk = desk_of(stage.office)
    noted.write_text("{")
    assert desk.get(at(stage.poll)).status_code == 200
    settings.LAST_KNOWN = noted.parent / "gone" / "last-known.json"
    assert desk.get(at(stage.poll)).status_code == 200

    assert "cannot be read" in caplog.text
    assert "cannot be noted" in caplog.text
