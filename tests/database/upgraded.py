"""Take what an earlier version left behind through today's program, and tell what it answered.

    python -m tests.database.upgraded FOLDER ENGINE

In a process of its own, since the database, the key of the cards and the settings are those of then.
What it found goes to FOLDER as `told.json`: for each stage every page that did not answer, the
tallies, and what the verifier said of each package.
"""

import contextlib
import csv
import io
import json
import logging
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import django
import psycopg

from tests.database import versions

DELEGATES = ("/", "/home/", "/projects/", "/projects/1/", "/ballot/", "/receipt/", "/recommend/")
PUBLIC = ("/results/", "/board/", "/tablet/", "/readyz")


def main(folder: Path, engine: str) -> None:
    """Go through every stage of one version on one engine."""
    left = folder / engine
    shutil.copy(left / "secret-key", folder / "secret-key")
    os.environ |= {
        "DEMO": "1",
        "VAR_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "yiwu_vote.settings",
    }
    # Here and not above: what the settings read must stand in the environment by then.
    from yiwu_vote import settings

    settings.STORAGES["staticfiles"] = {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
    }
    (folder / "static").mkdir()
    django.setup()
    # Whatever cannot be opened is told by its address; a refusal needs no traceback.
    logging.disable()
    told: dict[str, Any] = {}
    for stage, steps in {
        "counted": [("confirm_poll", "scrutineer"), ("publish_poll", "office")],
        "confirmed": [("publish_poll", "office")],
        "published": [],
    }.items():
        _load(left, stage, folder)
        _command("migrate", "--verbosity", "0")
        told[stage] = {"tally": _command("export_tally"), "broken": _broken(left)}
        for step, name in steps:
            told[stage][step] = _command(step, "--user", name)
        told[stage]["journal"] = _command("verify_journal")
        told[stage]["packages"] = _proofs(left)
        _close()
    (folder / "told.json").write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")


def _load(left: Path, stage: str, folder: Path) -> None:
    """Put the database of that stage in the place of whatever is there."""
    if (left / f"{stage}.sqlite3").exists():
        for path in folder.glob("db.sqlite3*"):
            path.unlink()
        shutil.copy(left / f"{stage}.sqlite3", folder / "db.sqlite3")
        return
    name = os.environ["DATABASE_URL"].rpartition("/")[2]
    versions.on_server(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    versions.on_server(f"CREATE DATABASE {name}")
    # Lines with a backslash are psql's own; whatever else is in a dump is SQL.
    lines = (left / f"{stage}.sql").read_bytes().splitlines(keepends=True)
    statements = b"".join(line for line in lines if not line.startswith(b"\\"))
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute(statements)


def _close() -> None:
    from django.db import connections

    connections.close_all()


def _command(name: str, *arguments: str) -> str:
    """Run a command of the program and return what it wrote."""
    from django.core.management import call_command

    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
    with contextlib.redirect_stdout(out):
        call_command(name, *arguments)
    out.flush()
    return out.buffer.getvalue().decode()


def _broken(left: Path) -> list[str]:
    """Return the address of every page that a delegate, the public, the hall or staff cannot open."""
    from django.contrib.auth.models import Group, User
    from django.test import Client

    from ballots.admin import steps
    from projects.models import Poll

    poll = Poll.objects.get()
    card = next(csv.DictReader((left / "cards.csv").open(encoding="utf-8-sig")))
    delegate, anybody = _client(), _client()
    signed_in = delegate.post("/", {"code": card["投票码"]})
    broken = [] if signed_in.status_code in {302, 303} else ["sign-in"]
    visits: list[tuple[Client, str]] = [(delegate, page) for page in (*DELEGATES, *PUBLIC)]
    visits += [(anybody, page) for page in PUBLIC]
    names = ["", "journal/", *(f"{step.name}/" for step in (*steps.STEPS, *steps.PAPERS))]
    names += [f"download/{what}/" for what in steps.FILES]
    staff = _client()
    everything = User.objects.create_user("everything")
    everything.is_staff = True
    everything.save()
    everything.groups.set(Group.objects.all())
    staff.force_login(everything)
    staff.post(f"/admin/ballots/pollday/{poll.pk}/screen/", {"action": "show"})
    lists = ("projects/poll", "ballots/delegate", "ballots/delegation", "ballots/pollday")
    visits += [(staff, f"/admin/{page}/") for page in (*lists, f"projects/poll/{poll.pk}/change")]
    visits += [(staff, f"/admin/ballots/pollday/{poll.pk}/{page}") for page in names]
    poll.refresh_from_db()
    if poll.screen_key:
        visits.append((anybody, f"/screen/{poll.screen_key}/"))
    return broken + [page for client, page in visits if client.get(page).status_code >= 500]


def _client() -> Any:
    from django.test import Client

    return Client(raise_request_exception=False, HTTP_HOST="127.0.0.1")


def _proofs(left: Path) -> dict[str, list[str]]:
    """Return what the verifier finds wrong in each package: then's and today's, with the shares."""
    from ballots import verifier
    from ballots.files import package
    from projects.models import Poll

    poll = Poll.objects.get()
    shares = (left / "shares.txt").read_text("utf-8").splitlines()
    packages = {path.name: path.read_bytes() for path in left.glob("*.zip")}
    packages["today's full"] = package.full_package(poll).content
    packages["today's public"] = package.public_package(poll).content
    found = {}
    for name, content in packages.items():
        try:
            read = verifier.read(io.BytesIO(content))
        except verifier.Unreadable as error:
            found[name] = [str(error)]
            continue
        findings = list(verifier.level_a(read))
        if read.full:
            threshold = read.box["threshold"]
            findings += verifier.level_b(read, [line for line in shares if line][:threshold])
        found[name] = [f"{each.code}: {each.faults}" for each in findings if each.faults]
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
