#!/usr/bin/env python
"""Django's command line."""

import os
import sys
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

DEMO_FOLDER = Path(os.environ.get("VAR_DIR") or Path(__file__).resolve().parent / "var") / "demo"


def means_the_demo(arguments: list[str]) -> bool:
    """Tell whether a command typed without settings is about the demo that `make run` made here.

    A server never guesses: only this command line does, and only where nothing of a real site's
    settings is there to be mistaken.
    """
    has_settings = {"DEMO", "SECRET_KEY", "ALLOWED_HOSTS", "DJANGO_SETTINGS_MODULE"} & set(
        os.environ
    )
    return not has_settings and (arguments[:1] == ["demo"] or DEMO_FOLDER.is_dir())


if __name__ == "__main__":
    if means_the_demo(sys.argv[1:]):
        os.environ["DEMO"] = "1"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yiwu_vote.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
