"""A known hole in a package stops a change; advisories that nobody can reach are said to be so."""

import json
import os
import subprocess
import sys

import pytest

from tests.helpers.machine import ROOT

SOUND = {"name": "django", "version": "5.2", "vulns": []}
HOLE = {"id": "CVE-1", "fix_versions": ["5.3"]}


def asked(tmp_path, answer: str) -> subprocess.CompletedProcess[str]:
    """Run the step with a pip-audit that prints `answer`."""
    (tmp_path / "pip_audit.py").write_text(f"print({answer!r})", encoding="utf-8")
    return subprocess.run(
        [sys.executable, ROOT / ".ci" / "advisories", "requirements.txt"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("package", "code", "words"),
    [
        (SOUND, 0, "1 of 1 packages looked up, 0 known holes"),
        (SOUND | {"vulns": [HOLE]}, 1, "django 5.2: CVE-1, mended in ['5.3']"),
        ({"name": "django", "skip_reason": "not found"}, 0, "NOT AUDITED"),
    ],
)
def test_a_known_hole_fails_and_an_unknown_package_is_said_to_be_so(tmp_path, package, code, words):
    done = asked(tmp_path, json.dumps({"dependencies": [package]}))
    assert (done.returncode, words in done.stdout) == (code, True), done


def test_without_a_network_it_says_so_and_does_not_fail(tmp_path):
    done = asked(tmp_path, "no route to host")
    assert (done.returncode, "NOT AUDITED" in done.stdout) == (0, True), done
