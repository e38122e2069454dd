"""The machine that the tests run on: where the sources lie on it, and what it may lack."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[2]


def lacking(what: str) -> NoReturn:
    """Skip where the machine lacks `what`, and fail in CI, where a skip would go unseen."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have {what}", pytrace=False)
    pytest.skip(f"this machine or run lacks {what}")


def chromium() -> str | None:
    """Return the path of this machine's Chromium; Playwright's own download is never used."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)
