"""The file that keeps the settings of a real site, and the questions that fill it."""

import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection

from yiwu_vote.machine import env_file, questions


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site without any settings yet, whose files lie in a folder of their own."""
    monkeypatch.setattr(os, "environ", {"VAR_DIR": str(tmp_path / "var")})
    monkeypatch.setattr(questions, "prove", lambda: None)
    monkeypatch.setattr(questions, "own_address", lambda: "192.168.1.20")
    return tmp_path / "var"


@pytest.fixture
def typed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, str]]:
    """Answer the questions of an installation; returns what its file then holds."""

    def settle(*answers: str) -> dict[str, str]:
        monkeypatch.setattr(sys, "stdin", Keyboard())
        left: Iterator[str] = iter(answers)
        questions.settle(lambda prompt: next(left))
        assert list(left) == []
        return env_file.read(folder / "site.env")

    return settle


class Keyboard:
    def isatty(self) -> bool:
        return True


class Nobody:
    def isatty(self) -> bool:
        return False


def unattended(monkeypatch: pytest.MonkeyPatch, folder: Path, **env: str) -> dict[str, str]:
    monkeypatch.setattr(sys, "stdin", Nobody())
    os.environ.update(env)
    questions.settle()
    return env_file.read(folder / "site.env")


# --- questions ------------------------------------------------------------------------------------


def test_three_times_enter_makes_a_site_for_the_hall(typed, folder):
    found = typed("", "", "")

    assert len(found.pop("SECRET_KEY")) >= 50
    assert found == {
        "LAN_HTTP": "1",
        "PUBLIC_URL": "http://192.168.1.20:8000",
        "ALLOWED_HOSTS": "192.168.1.20,127.0.0.1,localhost",
        "DATABASE_URL": f"sqlite:///{folder}/site.sqlite3",
        "VAR_DIR": str(folder),
        "BACKUP_DIR": str(folder / "backups"),
    }


def test_a_public_address_behind_a_proxy_asks_for_a_second_factor(typed):
    url = "postgres://vote:se%40cret@db/vote"

    found = typed("https://vote.example.cn/", "", url, "")

    assert found["PUBLIC_URL"] == "https://vote.example.cn"
    assert found["ALLOWED_HOSTS"] == "vote.example.cn"
    assert found["DATABASE_URL"] == url
    assert (found["BEHIND_PROXY"], found["SECOND_FACTOR"]) == ("1", "1")
    assert "LAN_HTTP" not in found


def test_a_certificate_of_its_own_stands_in_the_place_of_a_proxy(typed, tmp_path):
    certificate, key = tmp_path / "site.pem", tmp_path / "site.key"
    certificate.touch()
    key.touch()

    found = typed("https://vote.example.cn", str(certificate), str(key), "")

    assert found["GRANIAN_SSL_CERTIFICATE"] == str(certificate)
    assert found["GRANIAN_SSL_KEYFILE"] == str(key)
    assert "BEHIND_PROXY" not in found


def test_what_cannot_be_is_asked_for_again(typed, capsys):
    found = typed("vote.example.cn", "http://8.8.8.8", "", "8.8.8.8", "10.0.0.7", "mysql://a/b", "")

    said = capsys.readouterr().out
    assert found["PUBLIC_URL"] == "http://10.0.0.7:8000"
    assert "PUBLIC_URL must read like" in said
    assert "LAN_HTTP=1" in said
    assert "“8.8.8.8”不是内网地址" in said
    assert "DATABASE_URL is no address of a database" in said


def test_whatever_a_variable_says_is_not_asked_for(typed):
    os.environ |= {"PUBLIC_URL": "https://vote.example.cn", "BEHIND_PROXY": "1", "PORT": "8100"}

    found = typed("")

    assert found["PUBLIC_URL"] == "https://vote.example.cn"
    assert found["PORT"] == "8100"


def test_nobody_is_asked_who_is_not_there(monkeypatch, folder):
    found = unattended(
        monkeypatch, folder, LAN_HTTP="1", PUBLIC_URL="http://10.0.0.7:8100", HELP_PHONE="0579 123"
    )

    assert found["PUBLIC_URL"] == "http://10.0.0.7:8100"
    assert found["DATABASE_URL"].startswith("sqlite:///")
    assert found["HELP_PHONE"] == "0579 123"


def test_where_nobody_is_there_what_is_missing_is_named_and_nothing_written(monkeypatch, folder):
    with pytest.raises(ImproperlyConfigured, match="PUBLIC_URL"):
        unattended(monkeypatch, folder)

    assert not (folder / "site.env").exists()


def test_what_does_not_hold_is_not_kept(monkeypatch, folder):
    def fail() -> None:
        raise ImproperlyConfigured("no database")

    monkeypatch.setattr(questions, "prove", fail)

    with pytest.raises(ImproperlyConfigured, match="no database"):
        unattended(monkeypatch, folder, LAN_HTTP="1")
    assert not (folder / "site.env").exists()


@pytest.mark.parametrize("name", ["VAR_DIR", "BACKUP_DIR"])
def test_a_folder_that_cannot_be_written_is_named(monkeypatch, settings, tmp_path, name):
    # Even root makes no folder below a file.
    (tmp_path / "file").touch()
    settings.BACKUP_DIR = str(tmp_path / "file" / "backups")
    folder = "file/var" if name == "VAR_DIR" else "var"
    monkeypatch.setenv("VAR_DIR", str(tmp_path / folder))

    with pytest.raises(ImproperlyConfigured, match=f"that {name} names cannot be written"):
        questions.prove()


@pytest.mark.django_db
def test_a_database_that_does_not_answer_is_named_without_its_password(
    monkeypatch, settings, tmp_path
):
    def fail() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    settings.BACKUP_DIR = ""
    monkeypatch.setattr(connection, "ensure_connection", fail)

    with pytest.raises(ImproperlyConfigured, match=r"DATABASE_URL names cannot be reached: conn"):
        questions.prove()


# --- the file -------------------------------------------------------------------------------------


def test_its_owner_alone_reads_the_file(typed, folder):
    typed("", "", "")

    assert stat.S_IMODE((folder / "site.env").stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["site.env"]


def test_the_file_gives_back_what_was_put_in(folder):
    values = {
        "A": 'a "b" $c \\d #e 名',
        "B": "postgres://u:p%40@h:1/n?sslmode=require&x=1",
        "C": "",
    }

    env_file.write(folder / "site.env", values)

    assert env_file.read(folder / "site.env") == values


@pytest.mark.parametrize("value", ["it's", "two\nlines"])
def test_what_a_shell_would_read_otherwise_is_refused(folder, value):
    with pytest.raises(ImproperlyConfigured, match="HELP_PHONE"):
        env_file.write(folder / "site.env", {"HELP_PHONE": value})


def test_a_line_that_says_nothing_is_named_by_its_number(folder):
    folder.mkdir()
    (folder / "site.env").write_text("# words\n\nexport A='b'\nSECRET KEY\n")

    with pytest.raises(ImproperlyConfigured, match="Line 4"):
        env_file.read(folder / "site.env")


def test_a_variable_left_over_in_a_shell_serves_no_other_database(folder):
    env_file.write(folder / "site.env", {"DATABASE_URL": "postgres://a/b", "PORT": "8000"})
    os.environ |= {"DATABASE_URL": "postgres://u:secret@c/d", "PORT": "8000"}

    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL") as said:
        env_file.take_in(folder / "site.env")

    assert "secret" not in str(said.value)


def test_the_file_fills_what_the_environment_leaves_open(folder):
    env_file.write(folder / "site.env", {"PORT": "8000"})

    env_file.take_in(folder / "site.env")

    assert os.environ["PORT"] == "8000"


@pytest.mark.parametrize("name", ["DEMO", "SECRET_KEY", "SECRET_KEY_FILE"])
def test_an_environment_with_settings_of_its_own_needs_no_file(folder, name):
    assert not env_file.has_settings()
    os.environ[name] = "1"
    assert env_file.has_settings()
