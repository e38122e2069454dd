#!/usr/bin/env python
"""Django's command line."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from yiwu_vote.machine import env_file, questions

# Whoever names one of these means a site, though it may not be there.
NAMED = {"SITE_ENV", "ALLOWED_HOSTS"}


def find_settings(arguments: list[str]) -> None:
    """Give a command that is typed without settings those of the site or the demo that was made here.

    A server never guesses: only this command line does, and only where nothing of a real site's
    settings is there to be mistaken. Raises ImproperlyConfigured.
    """
    file = env_file.path()
    if arguments[:1] == ["demo"] and "ALLOWED_HOSTS" not in os.environ:
        os.environ["DEMO"] = "1"
    elif file.exists():
        env_file.take_in(file)
    elif arguments == ["install"]:
        questions.settle()
    elif not NAMED & set(os.environ) and (env_file.var_dir() / "demo").is_dir():
        os.environ["DEMO"] = "1"


if __name__ == "__main__":
    try:
        brought = env_file.has_settings()
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yiwu_vote.settings")
        if not brought:
            find_settings(sys.argv[1:])
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
