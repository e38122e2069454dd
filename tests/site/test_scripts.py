"""The scripts of the pages, which the browsers of old phones must understand."""

import re

import pytest

from tests.helpers.machine import ROOT

# What Chrome 80 and iOS 13.4 do not know: of the language, and of what a page can be asked.
TOO_NEW = re.compile(
    r"\?\?=|\|\|=|&&=|(?<![\w'\"$(.])#\w+\s*[=(;]|\bstatic\s*\{|\d_\d|\.(?:at|replaceAll|findLast|hasOwn"
    r"|replaceChildren|checkVisibility|toSorted|toReversed|structuredClone|requestSubmit)\("
)


@pytest.mark.parametrize(
    "name",
    sorted(str(path.relative_to(ROOT / "static")) for path in (ROOT / "static").rglob("*.js")),
)
def test_the_scripts_are_written_for_old_browsers(name):
    code = re.sub(
        r"/\*.*?\*/|//[^\n]*", "", (ROOT / "static" / name).read_text("utf-8"), flags=re.S
    )

    assert TOO_NEW.findall(code) == []


@pytest.mark.parametrize(
    "line", ["a ??= b", "x.at(-1)", "s.replaceAll('a', 'b')", "box.replaceChildren()", "1_000"]
)
def test_the_search_for_what_is_too_new_finds_it(line):
    assert TOO_NEW.search(line)
