"""The offline kit: its start scripts are read against the commands, since nothing here runs Windows."""

import re
import runpy
from typing import Any

import pytest
from django.core.management import get_commands

from tests.helpers.machine import ROOT

BUILD: dict[str, Any] = runpy.run_path(str(ROOT / "yiwu_vote" / "kit" / "build.py"))
STARTERS = ("start.cmd", "start.sh")
LOCK = (ROOT / "requirements.txt").read_text(encoding="utf-8")


def starter(name: str) -> str:
    return (ROOT / "yiwu_vote" / "kit" / name).read_text(encoding="utf-8")


def test_windows_reads_its_script_whatever_language_it_speaks():
    script = (ROOT / "yiwu_vote" / "kit" / "start.cmd").read_bytes()

    assert script.isascii()
    assert script.count(b"\r\n") == script.count(b"\n") > 0
    assert b"chcp 65001" in script


@pytest.mark.parametrize("name", STARTERS)
def test_a_starter_installs_and_then_serves(name):
    commands = re.findall(r"manage\.py (\w+)", starter(name))

    assert commands == ["install", "serve"]
    assert set(commands) <= set(get_commands())


@pytest.mark.parametrize("name", STARTERS)
def test_a_starter_installs_the_lock_from_the_kit_alone(name):
    (installing,) = re.findall(r"python(?:\.exe)? -m pip install (.+?)(?: \|\|| \\)", starter(name))
    words = installing.split()

    assert {"--no-index", "--require-hashes", "--no-deps"} <= set(words)
    assert words[words.index("--find-links") + 1] == "kit/wheels"
    assert words[words.index("-r") + 1] == "requirements.txt"
    # Else a machine's own settings of pip lead elsewhere.
    assert "PIP_CONFIG_FILE=" in starter(name)


@pytest.mark.parametrize("name", STARTERS)
def test_a_starter_takes_only_a_python_that_there_are_wheels_for(name):
    first, last = BUILD["VERSIONS"][0], BUILD["VERSIONS"][-1]
    after = f"3.{int(last.removeprefix('3.')) + 1}"
    ((least, below),) = re.findall(
        r"\((3, \d+)\) <= sys\.version_info < \((3, \d+)\)", starter(name)
    )

    assert [least, below] == [first.replace(".", ", "), after.replace(".", ", ")]


@pytest.mark.parametrize("name", STARTERS)
def test_whatever_a_starter_shows_lies_in_the_kit(name):
    shown = re.findall(r"(?:type|cat) (yiwu_vote\S+?\.txt)", starter(name))

    assert len(shown) == 2
    for path in shown:
        assert (ROOT / path.replace("\\", "/")).read_text(encoding="utf-8").count("\n") > 2


def test_every_place_that_the_windows_script_goes_to_is_there():
    script = starter("start.cmd")

    assert set(re.findall(r"goto (\w+)", script)) <= set(
        re.findall(r"^:(\w+)", script, re.MULTILINE)
    )


@pytest.mark.parametrize("system", BUILD["PLATFORMS"])
def test_the_lock_of_a_system_has_what_its_markers_ask_for_and_no_marker(system):
    told = BUILD["lock_for"](LOCK, system, "3.12")
    names = set(re.findall(r"^([\w.-]+)==", told, re.MULTILINE))

    assert ("colorama" in names) == (system == "win32")
    assert {"django", "granian", "cffi", "typing-extensions"} <= names
    assert ";" not in told
    assert told.count("--hash=sha256:") > len(names)
