"""A real site in two commands: `install` and `serve`, with somebody at the keyboard and without."""

import configparser
import io
import os
import pty
import re
import select
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management.base import CommandError
from django.db import connection, connections

from ballots import roles
from ballots.facts import database
from projects.models import Poll
from tests.helpers.factories import make_stage
from tests.helpers.http_client import Browser
from tests.helpers.machine import ROOT
from tests.helpers.refusals import run
from yiwu_vote.machine import env_file, serving
from yiwu_vote.management.commands import install, serve


@pytest.fixture
def machine(settings, tmp_path, monkeypatch) -> Path:
    """A machine at which nobody sits, with a database that has its tables and nothing in it."""
    settings.VAR_DIR, settings.STATIC_ROOT = tmp_path, tmp_path / "static"
    for name in ("ADMIN_USER", "OFFICE_USER", "OFFICE_NAME", "GRANIAN_WORKERS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    # The tables are there; static files are collected by the site that is made from nothing below.
    for module in (install, serve):
        monkeypatch.setattr(module, "call_command", lambda name, **options: None)
    return tmp_path


# --- accounts -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_installation_makes_an_account_of_the_office_and_one_for_accounts(machine, monkeypatch):
    monkeypatch.setenv("OFFICE_USER", "wang")
    monkeypatch.setenv("OFFICE_NAME", "王 小明")

    said = run("install")

    office, admin = User.objects.get(username="wang"), User.objects.get(username="admin")
    assert (office.last_name, office.first_name) == ("王", "小明")
    assert roles.is_office(office)
    assert not office.is_superuser
    assert admin.is_superuser
    assert not roles.has_office(admin)
    assert all(map(roles.owes_password, (office, admin)))
    assert "安装完成" in said


@pytest.mark.django_db
def test_where_nobody_sits_passwords_lie_in_a_file_of_its_owner_and_in_no_log(machine):
    said = run("install")

    file = machine / "first-passwords.txt"
    given = re.findall(r"(\w+)　(\S+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [name for name, _password in given] == ["admin", "office"]
    for name, password in given:
        assert User.objects.get(username=name).check_password(password)
        assert password not in said
    assert str(file) in said


@pytest.mark.django_db
def test_a_second_installation_makes_no_second_account(machine):
    run("install")
    before = list(User.objects.order_by("pk").values())
    (machine / "first-passwords.txt").unlink()

    run("install")

    assert list(User.objects.order_by("pk").values()) == before
    assert not (machine / "first-passwords.txt").exists()


@pytest.mark.django_db
@pytest.mark.parametrize(("variable", "value"), [("OFFICE_USER", "admin"), ("ADMIN_USER", "a b")])
def test_accounts_that_cannot_be_are_refused_and_none_is_left_without_its_password(
    machine, monkeypatch, variable, value
):
    monkeypatch.setenv(variable, value)

    with pytest.raises(CommandError):
        run("install")

    assert not User.objects.exists()


# --- tables ---------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("is_real", [True, False])
def test_tables_are_not_touched_while_a_vote_that_counts_is_on_its_way(monkeypatch, is_real):
    make_stage(kind=Poll.Kind.MAIN if is_real else Poll.Kind.REHEARSAL)
    called: list[str] = []
    monkeypatch.setattr(database, "tables_are_ready", lambda: False)
    monkeypatch.setattr(install, "call_command", lambda name, **options: called.append(name))

    if is_real:
        with pytest.raises(CommandError, match="正在进行"):
            install.migrate()
        assert called == []
    else:
        install.migrate()
        assert called == ["migrate"]


# --- the server -----------------------------------------------------------------------------------


@pytest.fixture
def became(machine, monkeypatch) -> list[tuple[list[str], int]]:
    """What the process would have become, line by line with its workers."""
    lines: list[tuple[list[str], int]] = []
    monkeypatch.setattr(serving, "become", lambda line, workers: lines.append((line, workers)))
    monkeypatch.setattr(connections, "close_all", lambda: None)
    return lines


@pytest.mark.django_db
def test_a_site_is_served_as_the_manual_says(became, settings):
    settings.HOST, settings.PORT = "127.0.0.1", free_port()

    said = run("serve")

    ((line, workers),) = became
    assert line[:3] == [sys.executable, "-m", "granian"]
    assert line[-1] == "yiwu_vote.wsgi:application"
    assert line[line.index("--host") + 1] == "127.0.0.1"
    assert line[line.index("--port") + 1] == str(settings.PORT)
    assert int(line[line.index("--blocking-threads") + 1]) == 256
    assert "--respawn-failed-workers" in line
    assert "--no-access-log" in line
    assert not any("ssl" in part for part in line)
    assert workers == 1 if connection.vendor == "sqlite" else workers >= 1
    assert "网站已启动" in said


@pytest.mark.django_db
def test_a_certificate_of_its_own_is_handed_to_the_server(became, settings, tmp_path):
    certificate, key = tmp_path / "site.pem", tmp_path / "site.key"
    certificate.touch()
    settings.PORT = free_port()
    settings.CERTIFICATE, settings.CERTIFICATE_KEY = str(certificate), str(key)

    with pytest.raises(CommandError, match="GRANIAN_SSL_KEYFILE"):
        run("serve")
    key.touch()
    run("serve")

    ((line, _workers),) = became
    assert line[line.index("--ssl-certificate") + 1] == str(certificate)
    assert line[line.index("--ssl-keyfile") + 1] == str(key)


@pytest.mark.django_db
def test_nothing_is_served_on_tables_of_another_version(became, monkeypatch):
    monkeypatch.setattr(database, "tables_are_ready", lambda: False)

    with pytest.raises(CommandError, match="make install"):
        run("serve")

    assert became == []


@pytest.mark.django_db
def test_an_address_that_the_machine_has_lost_is_named(became, settings):
    settings.HOST, settings.PORT = "198.51.100.7", free_port()

    with pytest.raises(CommandError, match=r"198\.51\.100\.7.*PUBLIC_URL"):
        run("serve")

    assert became == []


@pytest.mark.django_db
def test_a_port_that_another_program_has_is_named(became, settings, machine):
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings.HOST, settings.PORT = other.getsockname()

        with pytest.raises(CommandError, match=str(settings.PORT)):
            run("serve")


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- the service ----------------------------------------------------------------------------------


def written(file: Path) -> dict[str, str]:
    """Return what a unit says in its section of the service."""
    unit = configparser.ConfigParser(interpolation=None, strict=True, delimiters=["="])
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(file, encoding="utf-8")
    assert unit["Install"]["WantedBy"] == "multi-user.target"
    return dict(unit["Service"])


@pytest.fixture
def installed(machine: Path, settings: Any) -> Path:
    env_file.write(machine / "site.env", {"SECRET_KEY": "k"})
    settings.BACKUP_DIR = "/srv/backups"
    return machine


def test_a_service_serves_this_very_site_and_writes_nowhere_else(installed):
    said = run("service", "--user=vote")

    unit = written(installed / "yiwu-vote.service")
    assert unit["User"] == "vote"
    assert unit["WorkingDirectory"] == str(ROOT)
    assert unit["ExecStart"] == f'"{ROOT}/.venv/bin/python" manage.py serve'
    assert unit["Environment"] == f'"SITE_ENV={installed}/site.env"'
    assert unit["ReadWritePaths"].startswith(f'"{installed}" ')
    assert unit["ReadWritePaths"].endswith('"/srv/backups"')
    assert (unit["Restart"], unit["ProtectSystem"]) == ("always", "strict")
    assert "AmbientCapabilities" not in unit
    assert "systemctl enable --now yiwu-vote\n" in said


def test_each_town_has_a_user_a_folder_and_a_file_of_its_own(installed, settings):
    settings.PORT = 443

    said = run("service", "--towns")

    unit = written(installed / "yiwu-vote@.service")
    assert unit["User"] == "vote-%i"
    assert unit["WorkingDirectory"] == f"{ROOT.parent}/%i"
    assert unit["ReadWritePaths"] == f'"{ROOT.parent}/%i/var"'
    assert unit["Environment"] == f'"SITE_ENV={ROOT.parent}/%i/var/site.env"'
    assert unit["AmbientCapabilities"] == "CAP_NET_BIND_SERVICE"
    assert f"yiwu-vote@{ROOT.name}" in said


def test_what_is_not_installed_is_no_service(machine):
    with pytest.raises(CommandError, match="make install"):
        run("service")


# --- from nothing ---------------------------------------------------------------------------------


def bare(folder: Path, **more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"VAR_DIR": str(folder), **more}


@pytest.mark.http
def test_somebody_at_a_keyboard_has_a_site_after_two_commands(tmp_path, database):
    folder, port = tmp_path / "var", free_port()
    address = "" if database.startswith("sqlite") else database
    answers = ["", "127.0.0.1", address, *([""] if address else []), "", "", "wang", "王 小明"]

    said = typed(bare(folder, PORT=str(port)), answers)

    slips = dict(re.findall(r"：(\w+)　(\S+)", said))
    assert slips.keys() == {"admin", "wang"}, said
    kept = (folder / "site.env").read_bytes()
    assert stat.S_IMODE((folder / "site.env").stat().st_mode) == 0o600
    # Nothing is asked again, by nobody who is there to answer.
    again = manage(bare(folder), "install")
    assert (again.returncode, (folder / "site.env").read_bytes()) == (0, kept), again.stderr
    assert not set(slips.values()) & set(again.stdout.split())
    with served(bare(folder), port):
        assert Browser(f"http://127.0.0.1:{port}").get("/").status == 200
        second = manage(bare(folder), "serve")
        assert (second.returncode, "已在运行" in second.stdout) == (0, True), second.stderr


def manage(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        line,
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def served(env: dict[str, str], port: int) -> Iterator[None]:
    server = subprocess.Popen(
        [sys.executable, "manage.py", "serve"], cwd=ROOT, env=env, stdin=subprocess.DEVNULL
    )
    try:
        for _ in range(1_200):
            assert server.poll() is None
            try:
                if Browser(f"http://127.0.0.1:{port}").get("/readyz").status == 200:
                    break
            except OSError:
                time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait(timeout=30)


def typed(env: dict[str, str], answers: list[str]) -> str:
    """Run `install` at a terminal and type an answer at each prompt; return all that it showed."""
    master, slave = pty.openpty()
    line = [sys.executable, "manage.py", "install"]
    process = subprocess.Popen(
        line, cwd=ROOT, env=env, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    shown, seen, left = "", 0, iter(answers)
    try:
        while select.select([master], [], [], 300)[0]:
            try:
                shown += os.read(master, 65_536).decode(errors="replace")
            except OSError:  # So Linux says that nobody writes there any more.
                break
            if shown.endswith("> "):
                assert len(shown) > seen
                seen = len(shown)
                os.write(master, f"{next(left)}\n".encode())
    finally:
        process.kill() if process.poll() is None and not shown else None
        os.close(master)
    assert process.wait(timeout=60) == 0, shown
    assert list(left) == [], shown
    return shown
