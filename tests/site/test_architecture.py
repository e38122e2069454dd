"""What import-linter has no word for: the contracts of the house stand in `pyproject.toml`."""

import ast

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


def _last_names(node: ast.Import | ast.ImportFrom) -> list[str]:
    return [alias.name.rpartition(".")[2] for alias in node.names]
