"""How anybody checks a result: the page, the package and the verifier that it hands out."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ballots import journal
from ballots.acts import hall, lifecycle
from tests.helpers.factories import Stage, confirm_count, make_stage, publish_count, selection

pytestmark = pytest.mark.django_db


@pytest.fixture
def revealed() -> Stage:
    stage = make_stage(delegates=3, candidates=3, places=2)
    for place in range(3):
        stage.cast(place, selection(1, 2))
    publish_count(stage)
    return stage


def test_before_everybody_has_seen_the_result_there_is_nothing_to_check(stage):
    confirm_count(stage)
    lifecycle.publish_result(stage.poll, by=stage.office, leave_open=True)

    assert "结果尚未公布" in Client().get("/results/check/").text
    assert Client().get("/results/package/").status_code == 404
    assert "核对票决结果" not in Client().get("/results/").text


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_page_says_how_in_both_languages(revealed, language):
    browser = Client()
    browser.cookies["language"] = language
    package = browser.get("/results/package/")

    page = browser.get("/results/check/").text

    assert ("怎样核对" if language == "zh-hans" else "How to check") in page
    assert ("--lang en" in page) == (language == "en")
    assert journal.head(revealed.poll) in page
    assert hashlib.sha256(package.content).hexdigest() in page
    assert 'href="/results/check/"' in browser.get("/results/").text


def test_what_is_handed_out_checks_itself_on_a_bare_python(revealed, tmp_path: Path):
    (tmp_path / "verifier.py").write_bytes(Client().get("/results/verifier/").content)
    (tmp_path / "P.zip").write_bytes(Client().get("/results/package/").content)
    # -I -S: no site-packages, no environment.
    command = [sys.executable, "-I", "-S", "verifier.py", "P.zip", "--head"]
    environment = {"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"}

    done = subprocess.run(
        [*command, journal.head(revealed.poll)], cwd=tmp_path, capture_output=True, env=environment
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert "核对通过" in done.stdout.decode()


def test_a_package_is_made_once_for_each_state_of_the_record_and_takes_no_lock(revealed):
    first = Client().get("/results/package/").content

    with CaptureQueriesContext(connection) as queries:
        assert Client().get("/results/package/").content == first
    assert not [query for query in queries if "sealedballot" in query["sql"]]
    assert not [query for query in queries if "FOR UPDATE" in query["sql"].upper()]

    journal.append(revealed.poll, journal.Kind.EXPORTED, by=revealed.chief, data={"what": "甲"})
    assert Client().get("/results/package/").content != first


def test_the_address_of_another_poll_leads_nowhere(revealed):
    assert Client().get("/results/package/?poll=999").status_code == 404
    hall.open_screen(revealed.poll, by=revealed.office)
    assert Client().post("/results/package/").status_code == 405
