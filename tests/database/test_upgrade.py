"""A database that an earlier version left behind opens, shows, confirms, publishes and verifies.

`tests/data/2f0fb26-counted.sqlite3.xz` is a rehearsal of nine delegates, counted by the program as
it was before its rooms were divided; the CSV beside it is what that program exported.
"""

import lzma
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.machine import ROOT

OLD = ROOT / "tests" / "data" / "2f0fb26-counted.sqlite3.xz"
TALLY = ROOT / "tests" / "data" / "2f0fb26-counted.csv"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The folder of a demo whose database is of an earlier version."""
    (tmp_path / "db.sqlite3").write_bytes(lzma.decompress(OLD.read_bytes()))
    manage(tmp_path, "migrate", "--verbosity", "0")
    return tmp_path


def manage(folder: Path, *arguments: str) -> str:
    """Run a command on the database in `folder` and return what it wrote, byte for byte."""
    environment = {"PATH": os.environ["PATH"], "DEMO": "1", "VAR_DIR": str(folder)}
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def test_a_count_of_the_version_before_exports_the_same_tally(old):
    assert manage(old, "export_tally").encode() == TALLY.read_bytes()


def test_a_count_of_the_version_before_is_confirmed_published_and_proved(old):
    package = old / "public.zip"

    assert "复核完成，可以公布。" in manage(old, "confirm_poll", "--user", "scrutineer")
    assert "结果已公布" in manage(old, "publish_poll", "--user", "office")
    assert "✓" in manage(old, "verify_journal")
    manage(old, "export_package", "--public", str(package))

    verifier = [sys.executable, "-m", "ballots.verifier", str(package)]
    proof = subprocess.run(verifier, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert proof.returncode == 0, proof.stdout
    published = manage(old, "export_tally").replace("；未复核", "").replace("未复核", "")
    assert (
        published.splitlines()[1:3]
        == TALLY.read_text("utf-8").replace("；未复核", "").splitlines()[1:3]
    )
