"""The files of the container, which nothing here can build: they are read against what they stand on."""

import json
import os
import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

from tests.helpers.machine import ROOT
from yiwu_vote.health import HealthFirst
from yiwu_vote.machine import env_file, questions

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
IGNORED = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
WEB = COMPOSE["services"]["web"]
# What a file beside compose.yaml says, and what the machine of the container brings by itself.
SAID = {"PUBLIC_URL": "https://vote.example.cn", "ALLOWED_HOSTS": "vote.example.cn"}
OF_PYTHON = {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}


def steps(word: str) -> list[str]:
    """Return what follows `word` in the Dockerfile, each step on one line."""
    joined = re.sub(r"\\\n\s*", " ", DOCKERFILE)
    return re.findall(rf"^{word} (.+)$", joined, re.MULTILINE)


def set_in_image() -> dict[str, str]:
    return dict(pair.split("=", 1) for line in steps("ENV") for pair in line.split())


def test_the_image_has_a_python_that_the_program_runs_on():
    (image,) = steps("FROM")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    least = project["requires-python"].removeprefix(">=")

    version = re.fullmatch(r"python:(\d+\.\d+)-slim-\w+", image)

    assert version
    assert tuple(map(int, version[1].split("."))) >= tuple(map(int, least.split(".")))


def test_the_image_holds_exactly_what_the_lock_says():
    assert "COPY requirements.txt ." in DOCKERFILE
    (install,) = [line for line in steps("RUN") if line.startswith("pip")]
    assert {"--require-hashes", "--no-deps", "-r", "requirements.txt"} <= set(install.split())


def test_no_text_of_the_container_says_where_packages_come_from():
    for text in (DOCKERFILE, (ROOT / "compose.yaml").read_text(encoding="utf-8")):
        addresses = re.findall(r"https?://([^/'\s:}]+)", text)
        assert set(addresses) <= {"127.0.0.1", "vote.example.cn"}
    assert COMPOSE["services"]["database"]["image"].count("/") == 0


def test_the_image_has_a_client_of_the_server_beside_it_for_backups():
    (server,) = re.findall(r"postgres:(\d+)", COMPOSE["services"]["database"]["image"])

    assert f"postgresql-client-{server} " in DOCKERFILE


def test_the_site_runs_as_somebody_who_cannot_change_it():
    (user,) = steps("USER")

    assert user == "vote"
    assert DOCKERFILE.index("COPY . .") < DOCKERFILE.index("USER vote")
    assert f"--uid 10001 --no-create-home {user}" in DOCKERFILE
    assert WEB["read_only"] is True
    assert WEB["cap_drop"] == ["ALL"]


def test_the_image_is_served_by_the_line_of_make_serve():
    (entry,), (usual,) = steps("ENTRYPOINT"), steps(r"CMD(?= \[\"serve)")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    line = [*json.loads(entry), *json.loads(usual)]

    assert line == ["python", "manage.py", "serve"]
    assert f"$(BIN)/{' '.join(line)}\n" in makefile
    assert get_commands()["serve"] == "yiwu_vote"


def test_the_question_after_its_health_is_one_that_the_site_answers():
    (check,) = steps("HEALTHCHECK")
    asked = re.search(r"http://127\.0\.0\.1:(\d+)(/\w+)", check)
    assert asked
    answers: list[str] = []
    site = HealthFirst(lambda environ, start: pytest.fail("it went further"))

    body = site({"PATH_INFO": asked[2]}, lambda status, head, *more: answers.append(status))

    assert (answers, list(body)) == (["200 OK"], [b"ok"])
    assert asked[1] == set_in_image()["PORT"]


def test_every_variable_of_the_container_is_one_of_the_settings():
    known = {*questions.KEPT, "SECRET_KEY_FILE"}

    assert set(set_in_image()) - OF_PYTHON <= known
    assert set(WEB["environment"]) <= known


def test_the_settings_start_with_what_the_container_says(monkeypatch, tmp_path):
    env = container_environment(tmp_path)
    for name in list(os.environ):
        monkeypatch.delenv(name)
    for name, value in env.items():
        monkeypatch.setenv(name, value)

    found = runpy.run_path(str(ROOT / "yiwu_vote" / "settings.py"))

    assert env_file.has_settings()
    (port,) = WEB["ports"]
    assert port == f"127.0.0.1:{found['PORT']}:{found['PORT']}"
    assert found["HOST"] == env["GRANIAN_HOST"]
    assert found["SECRET_KEY"] == "made for one site"
    assert found["DATABASES"]["default"]["HOST"] in COMPOSE["services"]
    assert found["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_FORWARDED_PROTO", "https")
    (volume,) = WEB["volumes"]
    assert volume.endswith(f":{found['VAR_DIR']}")
    assert found["BACKUP_DIR"].startswith(f"{found['VAR_DIR']}/")


def container_environment(folder: Path) -> dict[str, str]:
    """Return the variables of the container, with its secrets in `folder`."""
    secrets = {
        "secret_key": "made for one site",
        "database_url": "postgres://vote:word@database:5432/vote",
    }
    assert sorted(secrets) == sorted(WEB["secrets"])
    for name, value in secrets.items():
        (folder / name).write_text(f"{value}\n")
    env = set_in_image() | {name: str(value) for name, value in WEB["environment"].items()}
    for name, value in env.items():
        if value.startswith("${"):
            env[name] = SAID.get(name, "")
        env[name] = env[name].replace("/run/secrets", str(folder))
    return env


def test_every_secret_is_a_file_that_no_image_and_no_repository_holds():
    named = {
        name for service in COMPOSE["services"].values() for name in service.get("secrets", [])
    }
    assert named == COMPOSE["secrets"].keys()
    for secret in COMPOSE["secrets"].values():
        assert secret["file"].startswith("./var/")
    assert {"var", ".git", ".env", ".venv"} <= set(IGNORED)
    assert "/var/" in (ROOT / ".gitignore").read_text(encoding="utf-8").split("\n")


def test_the_image_holds_whatever_the_program_is_made_of():
    needed = {"ballots", "projects", "yiwu_vote", "templates", "static", "locale", "manage.py"}

    assert needed.isdisjoint(IGNORED)
    assert all((ROOT / name).exists() for name in needed)
