"""What import-linter has no word for: the contracts of the house stand in `pyproject.toml`."""

import ast
from collections import Counter

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


def _last_names(node: ast.Import | ast.ImportFrom) -> list[str]:
    return [alias.name.rpartition(".")[2] for alias in node.names]
