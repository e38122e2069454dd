"""The picture of DESIGN §7, read from the imports: this table and the code may not part ways."""

import ast
from graphlib import TopologicalSorter

from tests.conftest import ROOT

PACKAGES = ("yiwu_vote", "projects", "ballots")

# Layers from the ground up; each module with what it may import of ours, at most. A name without a
# dot is a module of `ballots`. A name that ends in `.*` stands for every module of that package.
LAYERS: dict[str, dict[str, str]] = {
    "ground": {
        "yiwu_vote.settings": "",
        "yiwu_vote.apps": "",
        "yiwu_vote.csp": "",
        "yiwu_vote.tables.downloads": "",
        "yiwu_vote.language": "",
        "yiwu_vote.limits": "",
        "yiwu_vote.logs": "",
        "yiwu_vote.tables.preview": "",
        "yiwu_vote.tables.sheets": "",
        "yiwu_vote.tables.upload": "yiwu_vote.tables.sheets",
        "yiwu_vote.wsgi": "",
        "projects.apps": "",
        "verifier": "",  # stands alone: a proof that shares code with what it proves is none
    },
    "pure": {
        "pure.cards": "",
        "pure.chain": "",
        "pure.rules": "",
        "projects.candidate_table": "yiwu_vote.tables.sheets yiwu_vote.tables.upload",
        "pure.roll_table": "yiwu_vote.tables.sheets yiwu_vote.tables.upload",
        "pure.sealing": "pure.chain pure.rules",
        "pure.shares": "pure.chain pure.sealing",
        "pure.similar": "",
        "pure.tally": "pure.rules",
    },
    "rows": {
        "roles": "",
        "triggers": "",
        "apps": "roles triggers",
        "projects.models": "",
        "projects.wording": "projects.models",
        "projects.migrations.*": "projects.models",
        "models": "projects.models pure.rules",
        "migrations.*": "models triggers",
    },
    "log": {
        "journal": "projects.models models pure.chain",
    },
    "acts": {
        "projects.importing": "projects.models projects.candidate_table",
        "acts.enrolment": "projects.models models journal pure.cards pure.roll_table roles",
        "acts.ceremony": "projects.models models journal roles pure.chain pure.sealing pure.shares pure.rules",
        "acts.casting": "projects.models models pure.rules pure.sealing",
        "acts.recommending": "projects.models models roles pure.rules pure.similar",
        "acts.canvass": "projects.models models journal roles pure.rules pure.similar",
        "facts.counting": "projects.models models journal pure.chain acts.canvass pure.sealing pure.tally pure.rules",
        "facts.outcome": "projects.models models journal roles",
        "acts.drafts": "projects.models models journal roles facts.outcome",
        "facts.preflight": "projects.models models triggers roles pure.rules pure.tally facts.outcome acts.casting",
        "acts.lifecycle": (
            "projects.models models roles journal pure.chain acts.ceremony facts.counting facts.outcome facts.preflight pure.sealing pure.rules"
        ),
        "acts.announcing": "projects.models models roles",
        "acts.details": "projects.models models journal roles",
        "acts.archiving": "projects.models models journal roles acts.enrolment",
        "acts.hall": "projects.models roles",
        "acts.rehearsal": "projects.models models acts.casting acts.enrolment roles pure.rules",
    },
}
# What an edge may use: all that lies below the edges, and of the ground what is for its pages.
PAGES = (
    "yiwu_vote.tables.sheets yiwu_vote.tables.preview yiwu_vote.tables.downloads yiwu_vote.language"
)
BELOW = " ".join([PAGES, *(name for layer in list(LAYERS)[1:] for name in LAYERS[layer])])
LAYERS |= {
    "edges": {
        "projects.forms": f"{PAGES} projects.*",
        "projects.views": f"{PAGES} projects.*",
        "projects.admin_import": f"{PAGES} projects.*",
        "projects.admin": f"{PAGES} projects.*",
        "projects.urls": f"{PAGES} projects.*",
        "pages.middleware": "projects.models models acts.enrolment",
        "backends": "acts.enrolment",
        "facts.record": "projects.models models acts.details",
        "files.tables": (
            "projects.models models pure.sealing facts.counting facts.outcome acts.details facts.record yiwu_vote.tables.sheets"
        ),
        "files.package": "projects.models models pure.chain facts.counting acts.lifecycle facts.outcome pure.rules files.tables",
        "files.pabulib": "projects.models models facts.outcome acts.details files.tables",
        "files.papers": "projects.models models facts.counting facts.outcome acts.canvass pure.tally files.tables",
        "pages.wording": "pure.rules",
        "pages.forms": "projects.models models pure.rules acts.casting pages.wording",
        "pages.answers": "projects.models pages.middleware yiwu_vote.language",
        "pages.ballot": f"{BELOW} pages.forms files.tables pages.middleware pages.answers",
        "pages.results": f"{BELOW} files.tables pages.middleware pages.answers",
        "pages.recommend": f"{BELOW} pages.forms pages.middleware pages.answers pages.wording",
        "pages.screen": "projects.models facts.counting facts.outcome pages.middleware",
        "pages.tablet": "pages.middleware pages.answers",
        "urls": "pages.ballot pages.results pages.recommend pages.screen pages.tablet",
        "admin.forms": BELOW,
        "admin.guard": f"{BELOW} files.tables admin.forms",
        "admin.screen": f"{BELOW} admin.guard",
        "admin.canvass": f"{BELOW} files.tables admin.guard admin.forms",
        "admin.outcome": f"{BELOW} files.tables admin.guard admin.forms",
        "admin.details": f"{BELOW} files.tables files.pabulib admin.guard admin.forms",
        "admin.papers": f"{BELOW} files.tables files.papers files.pabulib admin.guard admin.forms",
        "admin.steps": (
            f"{BELOW} files.tables files.package admin.guard admin.screen admin.canvass admin.outcome admin.papers"
            " admin.details"
        ),
        "admin.state": BELOW,
        "admin.day": f"{BELOW} facts.record files.tables admin.outcome admin.state admin.guard admin.steps",
        "admin.recommendations": f"{BELOW} files.tables admin.guard admin.forms",
        "admin.delegates": f"{BELOW} files.tables admin.day admin.guard admin.recommendations admin.forms",
        "management.commands.*": f"{BELOW} files.tables files.package verifier management.commands.*",
    },
    "wiring": {
        "admin": "admin.delegates",
        "yiwu_vote.admin": BELOW,
        "yiwu_vote.urls": "yiwu_vote.admin projects.urls projects.views urls pages.ballot",
    },
}


def full(name: str) -> str:
    """Return the dotted name of a module as the table writes it."""
    return name if name.split(".")[0] in PACKAGES else f"ballots.{name}"


MAY_IMPORT = {
    full(name): [full(other) for other in others.split()]
    for layer in LAYERS.values()
    for name, others in layer.items()
}
LAYER_OF = {full(name): height for height, layer in enumerate(LAYERS.values()) for name in layer}


def fits(module: str, name: str) -> bool:
    """Tell whether the table's `name`, which may end in `.*`, stands for `module`."""
    return module == name or (name.endswith(".*") and module.startswith(name[:-1]))


def place(module: str) -> str | None:
    """Return the table's name for `module`, or None if it is not in the picture."""
    return next((name for name in MAY_IMPORT if fits(module, name)), None)


def sources() -> dict[str, str]:
    """Return the text of every module of ours by its dotted name.

    An `__init__` that holds at most its docstring only makes a folder a package and is left out.
    """
    found = {}
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        text = path.read_text(encoding="utf-8")
        code = [part for part in ast.parse(text).body if not is_docstring(part)]
        if code or path.name != "__init__.py":
            found[name.removesuffix(".__init__")] = text
    return found


def is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def names_imported(node: ast.AST, module: str) -> list[str]:
    """Return the dotted names that one import statement of `module` brings in, else nothing."""
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom():
            above = module.split(".")[: -node.level] if node.level else []
            start = ".".join([*above, *filter(None, [node.module])])
            return [f"{start}.{alias.name}" for alias in node.names]
        case _:
            return []


def all_names(module: str, text: str) -> list[str]:
    """Return all that `module` imports anywhere in it, ours or not, in functions and under `if`."""
    return [name for node in ast.walk(ast.parse(text)) for name in names_imported(node, module)]


def own_modules(module: str, text: str) -> set[str]:
    """Return the modules of ours that `module` imports: `ballots.chain` for `ballots.chain.link`."""
    ours = [name for name in all_names(module, text) if name.split(".")[0] in PACKAGES]
    return {name if name in {*MODULES, *PACKAGES} else name.rpartition(".")[0] for name in ours}


MODULES = sources()
IMPORTS = {module: own_modules(module, text) for module, text in MODULES.items()}


def test_every_module_is_in_the_picture():
    strangers = [module for module in MODULES if place(module) is None]

    assert not strangers, "\n".join(strangers)


def test_a_module_imports_only_what_the_picture_allows():
    wrong = [
        f"{module} -> {other}"
        for module, others in IMPORTS.items()
        for other in sorted(others)
        if not any(fits(other, name) for name in MAY_IMPORT.get(place(module) or "", []))
    ]

    assert not wrong, "\n".join(wrong)


def test_imports_only_go_down():
    upward = [
        f"{module} -> {other}"
        for module, others in IMPORTS.items()
        for other in sorted(others)
        if LAYER_OF.get(place(other) or "", 99) > LAYER_OF.get(place(module) or "", -1)
    ]

    assert not upward, "\n".join(upward)


def test_the_picture_itself_only_goes_down():
    upward = [
        f"{name} -> {other}"
        for name, others in MAY_IMPORT.items()
        for other in others
        # `projects.*` is a whole package, whose modules lie in several layers.
        if other in LAYER_OF and LAYER_OF[other] > LAYER_OF[name]
    ]

    assert not upward, "\n".join(upward)


def test_no_import_goes_round_in_a_circle():
    TopologicalSorter(IMPORTS).prepare()  # raises CycleError and names the circle


def test_projects_never_imports_ballots():
    wrong = [
        f"{module} -> {other}"
        for module, others in IMPORTS.items()
        for other in sorted(others)
        if module.startswith("projects.") and other.startswith("ballots")
    ]

    assert not wrong, "\n".join(wrong)


def test_no_import_hides_in_a_function():
    hidden = [
        f"{module}:{inner.lineno}"
        for module, text in MODULES.items()
        for outer in ast.walk(ast.parse(text))
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(outer)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]

    assert not hidden, "\n".join(hidden)


def test_pure_modules_and_the_verifier_know_nothing_of_django():
    waiting = {full(name) for name in LAYERS["pure"]} | {full("verifier")}
    seen: set[str] = set()
    while waiting:  # what a pure module imports must be as pure as itself
        module = waiting.pop()
        seen.add(module)
        waiting |= IMPORTS.get(module, set()) - seen

    impure = [
        f"{module} -> {name}"
        for module in sorted(seen & MODULES.keys())
        for name in all_names(module, MODULES[module])
        if name.startswith("django")
    ]

    assert not impure, "\n".join(impure)


def test_settings_are_read_through_django_conf_alone():
    wrong = [
        f"{module} -> {name}"
        for module, text in MODULES.items()
        for name in all_names(module, text)
        if "settings" in name.split(".") and name != "django.conf.settings"
    ]

    assert not wrong, "\n".join(wrong)


def test_every_module_says_what_it_is_for():
    tests = {str(path): path.read_text("utf-8") for path in ROOT.glob("tests/**/*.py")}
    written = {name: text for name, text in (MODULES | tests).items() if ".migrations." not in name}
    silent = [
        name for name, text in written.items() if text and not ast.get_docstring(ast.parse(text))
    ]

    assert not silent, "\n".join(silent)


def test_the_reader_sees_an_import_in_every_disguise():
    text = """
import ballots.tally as t
from . import journal
from .chain import link
from projects import models
if True:
    from ballots.rules import Rules
def dodge():
    from ballots.roll import parse
"""
    names = all_names("ballots.casting", text)

    assert sorted(names) == [
        "ballots.chain.link",
        "ballots.journal",
        "ballots.roll.parse",
        "ballots.rules.Rules",
        "ballots.tally",
        "projects.models",
    ]
