"""A database that an earlier version left behind opens, shows, confirms, publishes and verifies.

`tests/data/versions` keeps, by the commit of the program that made it, a rehearsal of five delegates
after its count, its confirmation and its publication, from SQLite and from PostgreSQL, and what the
program of then handed out: see `tests.database.versions`.
"""

import csv
import json
import os
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings

from ballots.facts import frozen
from projects.models import Poll
from tests.database import versions
from tests.helpers.machine import ROOT

ENGINE = settings.DATABASES["default"]["ENGINE"].rpartition(".")[2].removesuffix("3")


@pytest.fixture(scope="module", params=versions.versions())
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What today's program answered on the database of one version; `then` is its own tally."""
    folder = versions.unpack(request.param, tmp_path_factory.mktemp(request.param))
    environment = {"PATH": os.environ["PATH"]}
    if ENGINE == "postgresql":
        name = f"old_{request.param}_{os.getpid()}"
        environment["DATABASE_URL"] = f"{versions.SERVER}/{name}"
    command = [sys.executable, "-m", "tests.database.upgraded", str(folder), ENGINE]
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    finally:
        if ENGINE == "postgresql":
            versions.on_server(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    assert done.returncode == 0, done.stderr.decode()
    then = (folder / ENGINE / "counted.csv").read_bytes().decode()
    told = json.loads((folder / "told.json").read_text("utf-8"))
    return told | {"then": then, "tally": told["counted"]["tally"]}


def column_of(tally: str, name: str) -> list[str]:
    return [row[name] for row in csv.DictReader(tally.lstrip("\ufeff").splitlines())]


@pytest.mark.django_db
@pytest.mark.parametrize("stage", versions.STAGES)
def test_every_page_and_file_of_an_earlier_version_answers(told, stage):
    """Case 35."""
    assert told[stage]["broken"] == []


@pytest.mark.django_db
def test_a_count_of_an_earlier_version_exports_the_same_tally(told):
    for column in ("项目编号", "项目名称", "得票数", "得票率(%)", "名次", "是否并列"):
        now, then = (column_of(told[name], column) for name in ("tally", "then"))
        assert now == then != []


@pytest.mark.django_db
def test_a_count_of_an_earlier_version_is_confirmed_and_published(told):
    """Case 35: the second count looks for what the first one put down."""
    assert "复核完成，可以公布。" in told["counted"]["confirm_poll"]
    for stage in ("counted", "confirmed"):
        assert "结果已公布" in told[stage]["publish_poll"]


@pytest.mark.django_db
@pytest.mark.parametrize("stage", versions.STAGES)
def test_the_record_and_both_packages_of_an_earlier_version_prove_it(told, stage):
    """Case 35: then's packages and today's, opened with the shares."""
    assert "✓" in told[stage]["journal"]
    assert {name: wrong for name, wrong in told[stage]["packages"].items() if wrong} == {}
    assert len(told[stage]["packages"]) >= 2


def test_the_rules_that_an_opening_hashes_today_are_all_rules_of_the_poll():
    """Whoever adds a rule adds a format, and keeps a database of the one before."""
    assert set(frozen.RULES_OF_FORMAT[frozen.FORMAT]) == set(Poll.RULES)
