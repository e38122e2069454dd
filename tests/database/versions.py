"""Databases that earlier versions of the program left behind, and how one more is kept.

    .venv/bin/python -m tests.database.versions COMMIT

lets the program of that commit hold a rehearsal of five delegates on SQLite and on PostgreSQL, and
packs what it left behind after the count, the confirmation and the publication into
`tests/data/versions/COMMIT.tar.xz`, with the packages and the tally that it handed out.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

import psycopg

from tests.helpers.machine import ROOT

KEPT = ROOT / "tests" / "data" / "versions"
STAGES = ("counted", "confirmed", "published")
# The server that CI has; what the tests run on is named by DATABASE_URL, and is on the same one.
SERVER = "postgres://postgres@127.0.0.1:5432"
# What is cast, through the pages that design §9 keeps stable: candidates' numbers and a proposal.
BALLOTS = [([1, 2, 3], "建公园"), ([1, 2], "修步道"), ([2, 3, 4], "装路灯"), ([1, 2, 3], "")]
CAST = """
import csv, re
from django.conf import settings
from django.test import Client
cards = csv.DictReader(open(settings.VAR_DIR / "demo" / "cards.csv", encoding="utf-8-sig"))
for card, (chosen, proposed) in zip(cards, %(ballots)r):
    client = Client(HTTP_HOST="127.0.0.1")
    client.post("/", {"code": card["投票码"]})
    page = client.get("/ballot/").content.decode()
    data = dict(re.findall(r'name="((?:poll|proposal-)[^"]*)" value="([^"]*)"', page))
    data |= {"projects": chosen, "proposal-TOTAL_FORMS": "1", "proposal-0-title": proposed}
    review = client.post("/ballot/review/", data).content.decode()
    fields = re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', review)
    data = {name: [value for other, value in fields if other == name] for name, _value in fields}
    assert client.post("/ballot/cast/", data).status_code in (302, 303), review
"""
# Two proposals go into the first candidate, so that some ballots hold that one twice.
MERGE = """
from ballots.models import WriteIn
from projects.models import Project
first = Project.objects.order_by("number").first()
for title in ("建公园", "装路灯"):
    WriteIn.objects.filter(title=title).update(ruling="into-project", into_project=first)
"""


def versions() -> list[str]:
    """Return the commits whose databases are kept."""
    return sorted(path.name.removesuffix(".tar.xz") for path in KEPT.glob("*.tar.xz"))


def unpack(version: str, folder: Path) -> Path:
    """Unpack what the program of `version` left behind into `folder`, and return that."""
    with tarfile.open(KEPT / f"{version}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


def _keep(version: str) -> Path:
    """Let the program of `version` hold its rehearsals, and pack what they left behind."""
    target = KEPT / f"{version}.tar.xz"
    with tempfile.TemporaryDirectory() as temporary:
        code, left = Path(temporary) / "code", Path(temporary) / "left"
        _run(["git", "worktree", "add", "--detach", str(code), version], ROOT, os.environ)
        try:
            for engine in ("sqlite", "postgresql"):
                _hold(code, left / engine, engine)
        finally:
            _run(["git", "worktree", "remove", "--force", str(code)], ROOT, os.environ)
        with tarfile.open(target, "w:xz", preset=9) as archive:
            for path in sorted(left.rglob("*")):
                archive.add(path, path.relative_to(left), recursive=False)
    return target


def _hold(code: Path, left: Path, engine: str) -> None:
    """Hold one rehearsal with the program in `code` on one engine; `left` keeps what it leaves."""
    left.mkdir(parents=True)
    folder = code / "var" / engine
    name = f"version_{os.getpid()}"
    url = f"{SERVER}/{name}"
    environment = {"PATH": os.environ["PATH"], "DEMO": "1", "VAR_DIR": str(folder)}
    if engine == "postgresql":
        environment["DATABASE_URL"] = url
        on_server(f"CREATE DATABASE {name}")

    def manage(*arguments: str) -> None:
        _run([sys.executable, "manage.py", *arguments], code, environment)

    def snapshot(stage: str) -> None:
        if engine == "postgresql":
            dump = ["pg_dump", "--inserts", "--no-owner", "--no-privileges", "--dbname", url]
            _run([*dump, "--file", str(left / f"{stage}.sql")], code, environment)
        else:
            copy = ["-c", "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute(sys.argv[2])"]
            into = f"VACUUM INTO '{left / f'{stage}.sqlite3'}'"
            _run([sys.executable, *copy, str(folder / "db.sqlite3"), into], code, environment)

    try:
        manage("demo", "--delegates", "5")
        manage("collectstatic", "--noinput")
        manage("shell", "-c", CAST % {"ballots": BALLOTS})
        manage("close_poll", "--user", "office")
        manage("open_box", "--user", "office", "--shares", str(folder / "demo" / "shares.txt"))
        manage("shell", "-c", MERGE)
        manage("canvass_poll", "--user", "office", "--second", "scrutineer", "--each-alone")
        manage("count_poll", "--user", "office")
        manage("export_tally", "--output", str(left / "counted.csv"))
        snapshot("counted")
        manage("confirm_poll", "--user", "scrutineer")
        snapshot("confirmed")
        manage("publish_poll", "--user", "office")
        snapshot("published")
        if engine == "sqlite":
            manage("export_package", str(left / "full.zip"))
            manage("export_package", "--public", str(left / "public.zip"))
        for file in ("secret-key", "demo/cards.csv", "demo/shares.txt"):
            (left / Path(file).name).write_bytes((folder / file).read_bytes())
    finally:
        if engine == "postgresql":
            on_server(f"DROP DATABASE {name} WITH (FORCE)")


def on_server(statement: str) -> None:
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
        connection.execute(statement)


def _run(command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode:
        sys.exit(f"{command[1:4]}\n{done.stdout[-500:]}{done.stderr[-2000:]}")


if __name__ == "__main__":
    for commit in sys.argv[1:]:
        kept = _keep(commit)
        print(f"{kept.relative_to(ROOT)}: {kept.stat().st_size // 1024} KB")
