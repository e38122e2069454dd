"""The file that keeps the settings of a real site, `var/site.env`: who reads it and when, how it is written.

The settings themselves read the environment alone. A command that is typed without any finds them
here; a container brings its own environment, and then no file is read or written.
"""

import os
import re
from pathlib import Path

from yiwu_vote.machine.values import refused

BASE_DIR = Path(__file__).resolve().parents[2]
# Whoever sets one of these has settings of his own.
SETTLED = {"DEMO", "SECRET_KEY", "SECRET_KEY_FILE", "DJANGO_SETTINGS_MODULE"}
LINE = re.compile(r"(?:export\s+)?([A-Z][A-Z0-9_]*)=(.*)")
# What a shell, systemd and we read alike without quotes.
BARE = re.compile(r"[\w.:/@,+-]*", re.ASCII)


def var_dir() -> Path:
    """Return the folder of this site's files, as the settings do."""
    return Path(os.environ.get("VAR_DIR") or BASE_DIR / "var")


def path() -> Path:
    """Return where the file lies: SITE_ENV, else `site.env` in VAR_DIR."""
    return Path(os.environ.get("SITE_ENV") or var_dir() / "site.env").absolute()


def has_settings() -> bool:
    """Tell whether this environment brings settings of its own, so that the file is none of its business."""
    return bool(SETTLED & set(os.environ))


def take_in(file: Path) -> None:
    """Put what `file` says into the environment; raises where the environment says otherwise.

    Else a variable left over in a shell would serve another database, and nobody would see it.
    """
    for name, value in read(file).items():
        if os.environ.setdefault(name, value) != value:
            raise refused(
                f"环境变量 {name} 与 {file} 中的不同。要更改请改该文件；否则请取消这个环境变量。",
                f"The variable {name} differs from what {file} says. To change it, edit that file; else unset the variable.",
            )


def read(file: Path) -> dict[str, str]:
    """Return the variables of `file`; raises ImproperlyConfigured for one that cannot be read."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise refused(
            f"设置文件 {file} 读不出（{error.strerror}）。",
            f"The settings file {file} cannot be read ({error.strerror}).",
        ) from None
    found = {}
    for at, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = LINE.fullmatch(line.strip())
        if match is None:
            raise refused(
                f"{file} 第{at}行应如 NAME='值'。", f"Line {at} of {file} must read NAME='value'."
            )
        found[match[1]] = _bare(match[2].strip())
    return found


def _bare(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


def write(file: Path, given: dict[str, str]) -> None:
    """Write `file` for its owner alone, whole or not at all; raises for a value that no shell would read back."""
    for name, value in given.items():
        if not value.isprintable() or "'" in value:
            raise refused(
                f"{name} 中不能有单引号或换行。",
                f"{name} must hold no single quote and no new line.",
            )
    head = (
        "# 本站的设置，由 manage.py install 写成；SECRET_KEY 不可更改，更改后所有投票卡作废。请勿外传。\n"
        "# The settings of this site; a new SECRET_KEY makes every card unknown. Keep it private.\n"
    )
    lines = [
        f"{name}={value}\n" if BARE.fullmatch(value) else f"{name}='{value}'\n"
        for name, value in given.items()
    ]
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write((head + "".join(lines)).encode())
        draft.replace(file)
    except OSError as error:
        raise refused(
            f"设置文件 {file} 写不了（{error.strerror}）。",
            f"The settings file {file} cannot be written ({error.strerror}).",
        ) from None
