"""What import-linter has no word for: the contracts of the house stand in `pyproject.toml`."""

import ast
import re
from collections import Counter
from collections.abc import Iterator

from tests.helpers.machine import ROOT

PACKAGES = ("yiwu_vote", "projects", "ballots", "tests")


def sources() -> dict[str, ast.Module]:
    """Return every module of ours by its path, migrations apart."""
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return {
        str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8"))
        for path in paths
        if "migrations" not in path.parts
    }


MODULES = sources()


def test_every_module_says_what_it_is_for():
    silent = [path for path, tree in MODULES.items() if tree.body and not ast.get_docstring(tree)]

    assert not silent, "\n".join(silent)


def test_settings_are_read_through_django_conf_alone():
    wrong = [
        f"{path}:{node.lineno}"
        for path, tree in MODULES.items()
        if not path.startswith("tests/")
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        and "settings" in [*(getattr(node, "module", "") or "").split("."), *_last_names(node)]
        and getattr(node, "module", "") != "django.conf"
    ]

    assert not wrong, "\n".join(wrong)


def test_no_import_hides_in_a_function():
    hidden = [
        f"{path}:{inner.lineno}"
        for path, tree in MODULES.items()
        if not path.startswith("tests/")
        for outer in ast.walk(tree)
        if isinstance(outer, ast.FunctionDef)
        for inner in ast.walk(outer)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]

    assert not hidden, "\n".join(hidden)


def test_no_test_leans_on_the_module_of_another_test():
    leaning = [
        f"{path} -> {node.module}"
        for path, tree in MODULES.items()
        for node in ast.walk(tree)
        if path.startswith("tests/")
        and isinstance(node, ast.ImportFrom)
        and ".test_" in f".{node.module}"
    ]

    assert not leaning, "\n".join(leaning)


def test_no_folder_is_too_full_to_be_looked_over():
    sizes = Counter(path.rpartition("/")[0] for path in MODULES)

    assert {folder: size for folder, size in sizes.items() if size > 20} == {}


def test_modules_lie_in_the_folders_that_the_customer_fixed():
    folders = {path.partition("/")[0] for path in MODULES if "/" in path}

    assert folders == {"yiwu_vote", "projects", "ballots", "tests"}


def _last_names(node: ast.Import | ast.ImportFrom) -> list[str]:
    return [alias.name.rpartition(".")[2] for alias in node.names]


# --- what a process keeps -------------------------------------------------------------------------

KEEPS = {"cache", "lru_cache"}
HOLDS = {
    "ContextVar",
    "Counter",
    "Lock",
    "RLock",
    "Semaphore",
    "SimpleQueue",
    "defaultdict",
    "deque",
}


def called(node: ast.expr) -> str:
    """Return the last name of what is called: “lru_cache” of `functools.lru_cache(4)`."""
    function = node.func if isinstance(node, ast.Call) else node
    return ast.unparse(function).partition("[")[0].rpartition(".")[2]


def kept_in(tree: ast.Module) -> Iterator[str]:
    """Yield the names under which a module keeps something from one request to the next."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and KEEPS & set(map(called, node.decorator_list)):
            yield node.name
        elif isinstance(node, ast.Global):
            yield from node.names
    for line in tree.body:
        if isinstance(line, ast.Assign | ast.AnnAssign) and line.value is not None:
            target = line.targets[0] if isinstance(line, ast.Assign) else line.target
            names, values = (
                one.elts if isinstance(one, ast.Tuple) else [one] for one in (target, line.value)
            )
            for name, value in zip(names, values, strict=False):
                if isinstance(value, ast.Call) and called(value) in HOLDS:
                    yield ast.unparse(name)


def test_what_a_process_keeps_for_itself_is_the_table_of_the_design():
    kept = {
        f"{path.removesuffix('.py').replace('/', '.')}.{name}"
        for path, tree in MODULES.items()
        if path.split("/")[0] in {"ballots", "projects", "yiwu_vote"}
        for name in kept_in(tree)
    }
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    table = text.partition("| in memory |")[2].partition("\n\n")[0]
    told = {
        name if name.startswith(("ballots.", "yiwu_vote.")) else f"ballots.{name}"
        for row in table.splitlines()[2:]
        for name in re.findall(r"`([\w.]+)`", row.split("|")[1])
    }

    assert kept == told
