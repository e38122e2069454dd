"""The documents: what they point to is there, what they name exists, the house is as it is drawn."""

import ast
import importlib
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class

from yiwu_vote.machine import questions

ROOT = Path(settings.BASE_DIR)
DESIGN_PAGE = ROOT / "docs" / "design.md"
OPERATIONS = ROOT / "docs" / "operations.md"
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
SOURCES = (".ci", "ballots", "docs", "projects", "static", "templates", "tests", "yiwu_vote")
TEXTS = {"", ".css", ".html", ".js", ".json", ".md", ".py", ".toml", ".txt"}
LAYERS = ("pure", "facts", "acts", "files", "pages", "admin")

SIGN = "\N{SECTION SIGN}"
HEADING = re.compile(r"^#{2,3} (\d+(?:\.\d+)?)\.? ", re.MULTILINE)
NUMBER = re.compile(rf"{SIGN}(\d+(?:\.\d+)?)")
REFERENCE = re.compile(rf"\bdesign {NUMBER.pattern}(?:(?:, | and ){NUMBER.pattern})*")
STANDARD = re.compile(rf"\bRFC \d+ {SIGN}[\d.]*\d")
# The pages that the design was written from; they stand in no clone of this repository.
OUTSIDE = re.compile(
    r"\bDESIGN\b|\.\./shared|[/]work/"
    r"|\b(?<!docs/)(?:ux|rules|style|house|security|performance|dependencies|design-notes)\.md\b"
)
BESIDE = re.compile(r'parent / "shared" / "(\w+)"')

LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
NAME = re.compile(rf"(?:ballots|projects|yiwu_vote|{'|'.join(LAYERS)})(?:\.\w+)+")
PATH = re.compile(rf"(?:{'|'.join(map(re.escape, SOURCES))})/[\w./-]*")
DRAWN = re.compile(r"(?: {2})?(\w+)/ +(.*)| {13}(.*)")


@cache
def texts() -> dict[str, str]:
    """Return every text of the repository by its path, but for catalogues and lock files."""
    paths = [path for folder in SOURCES for path in sorted((ROOT / folder).rglob("*"))]
    paths += [path for path in sorted(ROOT.iterdir()) if not path.match("requirements*")]
    return {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
        for path in paths
        if path.is_file() and path.suffix in TEXTS and not path.name.startswith(".")
    }


def lines() -> Iterator[tuple[str, str, str]]:
    """Yield each line of every text with its path and its place."""
    for path, text in texts().items():
        for number, line in enumerate(text.splitlines(), start=1):
            yield path, f"{path}:{number}", line


def sections() -> list[str]:
    return HEADING.findall(DESIGN_PAGE.read_text(encoding="utf-8"))


def code_in(document: Path) -> list[str]:
    """Return what stands in `document` as code, in a line or in a block."""
    return [span.strip("`") for span in CODE.findall(document.read_text(encoding="utf-8"))]


def first_cells(document: Path, heading: str) -> list[str]:
    """Return the first cell of each row of the table below `heading`."""
    below = document.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2]
    rows = [line for line in below.partition("\n## ")[0].splitlines() if line.startswith("|")]
    return [row.split("|")[1].strip(" `") for row in rows[2:]]


def our_commands() -> dict[str, Any]:
    apps = {"ballots", "projects", "yiwu_vote"}
    return {
        name: load_command_class(app, name) for name, app in get_commands().items() if app in apps
    }


def each(documents: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("document", documents, ids=[path.name for path in documents])


each_document = each(DOCUMENTS)
# The change log also names what is gone.
each_that_says_what_is = each([path for path in DOCUMENTS if path.name != "CHANGELOG.md"])


# --- pointers to the design -----------------------------------------------------------------------


def test_the_sections_of_the_design_are_numbered_in_order():
    found = sections()
    wholes = [number for number in found if "." not in number]

    assert wholes == [str(number) for number in range(1, len(wholes) + 1)]
    for whole in wholes:
        points = [number for number in found if number.startswith(f"{whole}.")]
        assert points == [f"{whole}.{point}" for point in range(1, len(points) + 1)]
        assert found[found.index(whole) + 1 :][: len(points)] == points


def test_every_pointer_to_the_design_leads_to_one_of_its_headings():
    known = set(sections())
    pointers = [
        (place, number) for path, place, line in lines() for number in numbers_in(path, line)
    ]

    lost = [f"{place}: {SIGN}{number}" for place, number in pointers if number not in known]

    assert len(pointers) > 100
    assert not lost, "\n".join(lost)


def numbers_in(path: str, line: str) -> list[str]:
    """Return the sections that `line` points to; the design itself leaves out its name."""
    pointers = [line] if path == "docs/design.md" else said(line)
    return [number for pointer in pointers for number in NUMBER.findall(pointer)]


def said(line: str) -> list[str]:
    """Return the pointers to the design in `line`, in the one form they have outside it."""
    return [match[0] for match in REFERENCE.finditer(line)]


def test_no_section_is_pointed_to_in_another_form():
    odd = [
        f"{place}: {line.strip()}"
        for path, place, line in lines()
        if path != "docs/design.md" and SIGN in STANDARD.sub("", REFERENCE.sub("", line))
    ]

    assert not odd, "\n".join(odd)


@pytest.mark.parametrize(
    ("line", "pointers"),
    [
        (f"only a poll that shows them (design {SIGN}3.4).", [f"design {SIGN}3.4"]),
        (f"out of old ones (design {SIGN}3.5, {SIGN}4.3).", [f"design {SIGN}3.5, {SIGN}4.3"]),
        (f"a page that is fetched (RFC 9110 {SIGN}15.4.4)", []),
        (f"as the law has it ({SIGN}12)", []),
    ],
)
def test_a_pointer_is_known_by_its_form(line, pointers):
    assert said(line) == pointers


def test_nothing_but_the_documents_speaks_of_pages_outside_the_repository():
    outside = [
        f"{place}: {line.strip()}"
        for path, place, line in lines()
        if not path.startswith(("docs/", "README", "CHANGELOG")) and OUTSIDE.search(line)
    ]

    assert not outside, "\n".join(outside)


def test_only_real_votes_and_the_real_report_are_read_beside_the_repository():
    beside = {folder for _path, _place, line in lines() for folder in BESIDE.findall(line)}

    assert beside <= {"data", "seed"}


# --- what the documents name ----------------------------------------------------------------------


@each_document
def test_every_link_of_a_document_leads_to_a_file(document):
    links = LINK.findall(document.read_text(encoding="utf-8"))
    files = [link.partition("#")[0] for link in links if not link.startswith(("https:", "#"))]

    assert [file for file in files if not (document.parent / file).exists()] == []


@each_that_says_what_is
def test_every_file_and_folder_that_a_document_names_is_there(document):
    paths = [span for span in code_in(document) if PATH.fullmatch(span)]

    assert [path for path in paths if not (ROOT / path).exists()] == []


@each_that_says_what_is
def test_every_command_that_a_document_names_is_there_with_its_options(document):
    ours = our_commands()
    code = [line for span in code_in(document) for line in span.splitlines()]
    named = {name for line in code for name in re.findall(r"manage\.py (\w+)", line)}

    wrong = [name for name in sorted(named) if name not in get_commands()]
    for line in code:
        name, _blank, rest = line.removeprefix("manage.py ").partition(" ")
        if name in ours:
            offered = ours[name].create_parser("manage.py", name).format_help()
            wrong += [
                f"{name} {option}"
                for option in re.findall(r"--[a-z-]+", rest)
                if not re.search(rf"{option}\b(?!-)", offered)
            ]

    assert wrong == []


def test_the_table_of_commands_has_each_of_ours_once():
    assert sorted(cell.split()[0] for cell in first_cells(OPERATIONS, "Commands")) == sorted(
        our_commands()
    )


@each_that_says_what_is
def test_every_target_of_make_that_a_document_names_is_there(document):
    targets = re.findall(r"^([a-z-]+):", texts()["Makefile"], re.MULTILINE)
    code = [line for span in code_in(document) for line in span.splitlines()]
    named = [match[1] for line in code if (match := re.match(r"make ([a-z-]+)", line))]

    assert [name for name in named if name not in targets] == []


def settings_read() -> set[str]:
    """Return every variable that the settings read from the environment."""
    calls = [
        node
        for node in ast.walk(ast.parse(texts()["yiwu_vote/settings.py"]))
        if isinstance(node, ast.Call)
        and re.fullmatch(r"env\.\w+|required|secret|switch|number", ast.unparse(node.func))
        and node.args
        and isinstance(node.args[0], ast.Constant)
    ]
    named = {ast.unparse(call.args[0]).strip("'") for call in calls}
    by_file = {f"{ast.literal_eval(call.args[0])}_FILE" for call in calls if is_secret(call)}
    return named | by_file


def is_secret(call: ast.Call) -> bool:
    return ast.unparse(call.func) in {"required", "secret"}


def test_the_table_of_settings_is_what_the_settings_read_from_the_environment():
    cells = [cell.partition("=")[0] for cell in first_cells(OPERATIONS, "Settings")]

    table = [name for cell in cells for name in re.findall(r"\w+", cell)]

    assert sorted(table) == sorted(settings_read())


def test_an_installation_keeps_every_setting_but_those_of_other_ways_to_run():
    others = {"DEMO", "SERVING"}
    # Whoever keeps the key in a file of his own keeps his settings himself.
    others |= {"SECRET_KEY_FILE", "ALLOWED_HOSTS_FILE"}

    assert sorted(questions.KEPT) == sorted(settings_read() - others)


# --- the house ------------------------------------------------------------------------------------


def test_the_house_is_drawn_as_it_is():
    drawn = picture()

    wrong = [
        f"{folder}/{room}"
        for folder, rooms in drawn.items()
        for room in sorted(rooms ^ rooms_in(ROOT / folder))
    ]

    assert drawn.keys() >= {"ballots", "projects", "yiwu_vote"}
    assert not wrong, "drawn and not there, or there and not drawn:\n" + "\n".join(wrong)


def picture() -> dict[str, set[str]]:
    """Return the rooms of each folder as the design draws them; a folder ends with a slash."""
    text = DESIGN_PAGE.read_text(encoding="utf-8")
    block = text.partition("### 7.1 ")[2].partition("```text\n")[2].partition("```")[0]
    drawn: dict[str, set[str]] = {}
    app = folder = ""
    for line in block.splitlines():
        match = DRAWN.fullmatch(line)
        assert match, line
        if match[1]:
            folder = match[1]
            if line.startswith("  "):
                drawn[app].add(f"{folder}/")
                folder = f"{app}/{folder}"
            else:
                app = folder
            drawn[folder] = set()
        drawn[folder].update((match[2] or match[3]).split())
    return drawn


def rooms_in(folder: Path) -> set[str]:
    rooms = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    return rooms | {f"{path.parent.name}/" for path in folder.glob("*/__init__.py")}


@each_that_says_what_is
def test_every_name_of_the_code_that_a_document_gives_is_there(document):
    names = [span for span in code_in(document) if NAME.fullmatch(span)]

    assert [name for name in names if not is_there(name)] == []


def is_there(name: str) -> bool:
    """Tell whether `name` is a module or something in one; a layer's name stands for its path."""
    parts = name.split(".")
    if parts[0] in LAYERS:
        parts = ["ballots", *parts]
    for length in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[length:]:
            found = getattr(found, attribute, None)
        return found is not None
    return False


def test_the_list_of_asvs_says_each_line_once_and_counts_them_right():
    text = (ROOT / "docs" / "asvs.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\d.]+) \| ([\w/]+) \| (.+) \|$", text, re.MULTILINE)
    figures = re.findall(r"(\d+) (met|partly|deviates|operator|not|n/a)[,.]", text)

    assert len({number for number, _state, _by in rows}) == len(rows) > 200
    assert {(str(count), state) for state, count in Counter(s for _n, s, _by in rows).items()} == (
        set(figures)
    )


def test_no_text_holds_the_marks_of_two_branches_that_met():
    # Put together here, or this line would be one of them.
    marks = tuple(sign * 7 for sign in "<>")

    assert [place for _path, place, line in lines() if line.startswith(marks)] == []
