"""A backup of each phase is put back elsewhere, whole; and what is no whole backup changes nothing."""

import json
import os
import shutil
import sqlite3
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from ballots import apps, triggers
from ballots.acts import lifecycle
from ballots.facts.copies.made import copy_in
from ballots.files import backup
from ballots.models import Envelope
from projects.models import Poll
from tests.database.elsewhere import Elsewhere
from tests.helpers.factories import Stage, make_stage, publish_count, selection
from tests.helpers.machine import lacking
from tests.helpers.refusals import refused, run
from tests.helpers.secrecy import snapshot
from yiwu_vote.backup import file, postgresql
from yiwu_vote.postgresql import owner
from yiwu_vote.refusal import Refused

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Elsewhere]:
    if connection.vendor == "postgresql" and not shutil.which("pg_dump"):
        lacking("pg_dump and psql (apt-get install postgresql-client)")
    one = Elsewhere(tmp_path)
    yield one
    one.drop()


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    """Where backups go by default."""
    folder = tmp_path / "backups"
    folder.mkdir()
    settings.BACKUP_DIR = str(folder)
    return folder


def in_its_phases(folder: Path) -> Iterator[tuple[Stage, Path, dict[str, Any]]]:
    """Take a poll from its draft to the publication; yield a backup of each phase, and all rows then."""
    stage = make_stage(delegates=3, open_it=False)
    for phase in ("draft", "open", "closed", "published"):
        if phase == "open":
            stage.poll = lifecycle.open_poll(stage.poll, by=stage.office)
            stage.cast(0, selection(1, proposals=["夜间公交"]))
            stage.cast(1, selection(2))
        elif phase == "closed":
            stage.close()
        elif phase == "published":
            publish_count(stage)
        path = folder / f"{phase}.zip"
        run("backup", "--output", path)
        yield stage, path, snapshot()


def test_a_backup_of_each_phase_is_put_back_whole_with_its_guards(
    folder, elsewhere, capsys, settings
):
    """The drill: another machine, an empty database, the backup, and everything is there.

    Where somebody forgot to bring SECRET_KEY along, as for the draft here, that is told at once.
    """
    name, key = elsewhere.make(), settings.SECRET_KEY
    for stage, path, rows in in_its_phases(folder):
        phase = path.stem
        settings.SECRET_KEY = "of another machine" if phase == "draft" else key
        with elsewhere.at(name):
            said = run("restore", path)
            settings.SECRET_KEY = key
            assert snapshot() == rows
            assert triggers.are_installed(connection)
            assert Poll.objects.get().phase == phase
            # What is left are tables without a row, as after the first `migrate`: empty enough.
            run("flush", interactive=False, verbosity=0)
            assert not Poll.objects.exists()
        label, ballots = Poll.Phase(phase).label, 0 if phase == "draft" else 2
        entries = stage.poll.journal.count()
        told = f"{label}，操作记录{entries}条，已投票{ballots}人，密封票{ballots}张"
        assert told in said
        assert f"{timezone.localtime():%Y-%m-%d}" in said
        assert said.count("✓") == 2
        warned = capsys.readouterr().err
        assert ("只有代表手中的回执知道" in warned) == (phase == "open")
        assert ("SECRET_KEY 与备份时的不同" in warned) == (phase == "draft")


def test_a_backup_is_for_its_owner_alone_and_says_what_it_is(folder):
    stage = make_stage(delegates=2)
    stage.cast(0, selection(1))

    said = run("backup")

    (path,) = folder.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert str(path) in said
    copy = copy_in(path)
    (poll,) = copy.held.polls
    last = stage.poll.journal.order_by("-seq")[0]
    assert (poll.uuid, poll.phase, poll.voted) == (stage.poll.uuid.hex, "open", 1)
    assert (poll.chain.entries, poll.chain.last) == (last.seq, last.hash)
    assert copy.ballots == {poll.uuid: 1}
    assert copy.held.register.entries == 1
    assert copy.migrations["ballots"] >= "0021"
    assert [one.uuid for one in copy.while_voting] == [poll.uuid]
    with zipfile.ZipFile(path) as archive:
        assert len(archive.namelist()) == 2
        assert stage.delegates[0].name not in archive.read("backup.json").decode()


def test_what_is_cast_while_the_copy_is_made_is_in_it_whole_or_not_at_all(folder, monkeypatch):
    """The counts that it tells are those of the very moment of the copy."""
    stage = make_stage(delegates=3)
    stage.cast(0, selection(1))
    described = backup._described

    def meanwhile(ask: Any) -> dict[str, Any]:
        stage.cast(1, selection(2))
        return described(ask)

    monkeypatch.setattr(backup, "_described", meanwhile)
    copy = backup.make()

    assert Envelope.objects.count() == 2
    assert sum(copy.ballots.values()) == 1
    assert copy.held.polls[0].voted == 1
    held = b"".join(file.pieces(copy.path, copy.said))
    receipts = Envelope.objects.order_by("roll_entry__number").values_list("receipt", flat=True)
    assert [receipt.encode() in held for receipt in receipts] == [True, False]


def spoilt(path: Path) -> Path:
    """Return a backup that says what `path` says and holds something else."""
    other = path.with_name("spoilt.zip")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            held = old.read(name)
            new.writestr(
                name,
                held if name == file.SAID else held.replace("代表2".encode(), "代表9".encode()),
            )
    return other


def said_otherwise(path: Path, **changes: Any) -> Path:
    """Return a backup with the copy of `path` and other words about it."""
    other = path.with_name("other.zip")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            held = old.read(name)
            if name == file.SAID:
                held = json.dumps(json.loads(held) | changes).encode()
            new.writestr(name, held)
    return other


def test_what_is_no_whole_backup_of_this_kind_is_refused_before_anything_is_touched(
    folder, elsewhere
):
    make_stage(delegates=2)
    whole = backup.make().path
    cut, text = folder / "cut.zip", folder / "text.zip"
    cut.write_bytes(whole.read_bytes()[:-200])
    text.write_text("备份")
    cases = {
        spoilt(whole): "已损坏",
        cut: "不是 manage.py backup 制作的备份",
        text: "不是 manage.py backup 制作的备份",
        folder / "nowhere.zip": "打不开",
    }
    with elsewhere.at(elsewhere.make()):
        for path, words in cases.items():
            assert words in refused("restore", path), path
        others: dict[str, dict[str, Any]] = {
            "更新的版本制作": {"migrations": {"ballots": "9999_of_tomorrow"}},
            "本程序更新的版本": {"format": file.FORMAT + 1},
            "这是 oracle 的备份": {"engine": "oracle"},
        }
        for words, changes in others.items():
            assert words in refused("restore", said_otherwise(whole, **changes))
        running = copy_in(whole).said["held"]
        running["polls"][0] |= {"phase": "open", "kind": Poll.Kind.MAIN}
        older = {"held": running, "migrations": {"ballots": "0021_given_passwords"}}
        assert "请用制作备份时的版本恢复" in refused("restore", said_otherwise(whole, **older))
        assert connection.introspection.table_names() == []


def test_a_copy_that_is_not_what_is_said_of_it_is_not_taken_for_good(folder, elsewhere):
    stage = make_stage(delegates=2)
    stage.cast(0, selection(1))
    lying = said_otherwise(backup.make().path, ballots={stage.poll.uuid.hex: 2})

    with elsewhere.at(elsewhere.make()):
        assert "与备份所记的不符" in refused("restore", lying)


def test_a_database_with_anything_in_it_is_not_written_over(folder, elsewhere):
    make_stage(delegates=2)
    path = backup.make().path
    before = snapshot()

    said = refused("restore", path)

    assert "不是空的" in said
    assert "DATABASE_URL" in said
    assert snapshot() == before
    with elsewhere.at(elsewhere.make()):
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE of_somebody_else (one integer)")
        assert "of_somebody_else" in refused("restore", path)


def test_a_backup_that_fails_leaves_nothing_behind(folder, monkeypatch):
    def fails(ask: Any) -> dict[str, Any]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup, "_described", fails)

    assert "No space left on device" in refused("backup")
    assert list(folder.iterdir()) == []


def test_no_backup_is_written_over_and_none_goes_where_nobody_looks(folder, settings):
    path = backup.make().path
    held = path.read_bytes()

    assert "已存在" in refused("backup", "--output", path)
    assert path.read_bytes() == held
    settings.BACKUP_DIR = str(folder / "not mounted")
    assert "打不开" in refused("backup")
    settings.BACKUP_DIR = ""
    assert "BACKUP_DIR" in refused("backup")


@pytest.mark.postgresql
def test_a_tool_that_is_missing_or_too_old_is_named(folder, monkeypatch, settings):
    monkeypatch.setattr(postgresql, "_version", lambda program: 9)
    assert "pg_dump 是第9版" in refused("backup")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "本机没有 pg_dump" in refused("backup")
    settings.BEHIND_POOLER = True
    assert "连接池" in refused("backup")


@pytest.mark.postgresql
def test_where_two_roles_share_the_work_one_backs_up_and_the_owner_restores(
    folder, elsewhere, settings, monkeypatch
):
    """OWNER_DATABASE_URL: what is put back belongs to the owner, and the site has its rights on it."""
    stage = make_stage(delegates=2)
    stage.cast(0, selection(1))
    role, own, rows = "yiwu_backs_up", dict(connection.settings_dict), snapshot()
    elsewhere.server(f"CREATE ROLE {role} LOGIN")
    owner.hand_over(connection, role)
    settings.DATABASE_OWNER = {name: own[name] for name in ("USER", "PASSWORD")}
    monkeypatch.setattr(apps, "RUNS", role)
    as_role = {"USER": role, "PASSWORD": ""}
    try:
        connection.close()
        connection.settings_dict.update(as_role)
        path = backup.make().path
        with elsewhere.at(elsewhere.make()):
            run("restore", path)
            assert connection.settings_dict["USER"] == own["USER"]
            connection.close()
            connection.settings_dict.update(as_role)
            assert snapshot() == rows
            assert not owner.may_alter()
            stage.cast(1, selection(2))
    finally:
        connection.close()
        connection.settings_dict.update(own)
        elsewhere.drop()
        with connection.cursor() as cursor:
            cursor.execute(f"DROP OWNED BY {role}")
            cursor.execute(f"DROP ROLE {role}")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the file of SQLite")
def test_the_copy_of_sqlite_is_a_file_that_any_program_opens(folder, tmp_path):
    make_stage(delegates=2)
    with zipfile.ZipFile(backup.make().path) as archive:
        out = archive.extract("database.sqlite3", tmp_path)

    assert sqlite3.connect(out).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_draft_of_a_backup_that_was_killed_goes_with_the_next_one(folder):
    old, young = folder / ".vote.zip.aa", folder / ".vote.zip.bb"
    for draft in (old, young):
        draft.write_bytes(b"names beside ballots")
    os.utime(old, (0, 0))

    backup.make()

    assert not old.exists()
    assert young.exists()


def test_a_refusal_has_a_code(folder):
    with pytest.raises(Refused) as refusal:
        copy_in(folder / "nowhere.zip")

    assert refusal.value.code == "not-read"
