"""Put all that a laptop without internet needs to serve a site into one zip: `make kit`.

Wheels of every package of the lock for Linux and Windows and two Pythons, our source, the collected
static files, and a script to start with. Only Python itself is not in it.
"""

import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "var" / "kit"
KIT = WORK / "yiwu-vote-kit.zip"
# The folder that unpacking makes, so that nothing is strewn over a desktop.
FOLDER = "yiwu-vote"

VERSIONS = ("3.11", "3.12")
# By the name that a lock's markers have for a system: what pip calls it, oldest library last.
PLATFORMS = {
    "linux": ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
    "win32": ("win_amd64",),
}
# What a site is not run from.
LEFT_OUT = ("tests/", ".ci/", "docs/screenshots/")
STARTERS = ("start.cmd", "start.sh")


def main() -> None:
    """Build the kit; ends with what pip said where a package has no wheel for one of the systems."""
    wheels = WORK / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    kept = set()
    for system in PLATFORMS:
        for version in VERSIONS:
            kept |= fetch(lock_for(lock, system, version), system, version, wheels)
    for wheel in wheels.iterdir():
        if wheel.name not in kept:
            wheel.unlink()
    collect()
    draft = KIT.with_suffix(".draft")
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        for path, name in sorted(contents(), key=lambda pair: pair[1]):
            # A wheel is packed already.
            how = zipfile.ZIP_STORED if path.suffix == ".whl" else zipfile.ZIP_DEFLATED
            archive.write(path, f"{FOLDER}/{name}", compress_type=how)
    draft.replace(KIT)
    print(f"{KIT.relative_to(ROOT)}  {KIT.stat().st_size // 1_000_000} MB")


def lock_for(lock: str, system: str, version: str) -> str:
    """Return `lock` for one system and Python: what its markers leave out is gone, and no marker is left.

    pip asks markers of the machine it runs on, whichever platform it fetches for.
    """
    there = {
        "sys_platform": system,
        "python_version": version,
        "python_full_version": f"{version}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    kept = []
    for entry in re.findall(r"^[\w.-]+==(?:.*\\\n)*.*\n", lock, re.MULTILINE):
        words, hashes = entry.split(" \\\n", 1)
        requirement = Requirement(words)
        if requirement.marker is None or requirement.marker.evaluate(there):
            kept.append(f"{requirement.name}{requirement.specifier} \\\n{hashes}")
    return "".join(kept)


def fetch(lock: str, system: str, version: str, wheels: Path) -> set[str]:
    """Fetch the wheels that `lock` names into `wheels`, each proved by its hash; return their names."""
    with tempfile.TemporaryDirectory(dir=WORK) as folder:
        names = Path(folder, "requirements.txt")
        names.write_text(lock, encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check"]
        command += ["--require-hashes", "--no-deps", "--only-binary=:all:"]
        command += ["--python-version", version, "--find-links", str(wheels)]
        command += ["-d", folder, "-r", str(names)]
        command += [word for name in PLATFORMS[system] for word in ("--platform", name)]
        subprocess.run(command, check=True)
        fetched = set(Path(folder).glob("*.whl"))
        for wheel in fetched:
            wheel.replace(wheels / wheel.name)
    return {wheel.name for wheel in fetched}


def collect() -> None:
    """Collect the static files as a site does, into `var/kit/static`."""
    settings = {"DEMO": "1", "VAR_DIR": str(WORK), "DJANGO_SETTINGS_MODULE": "yiwu_vote.settings"}
    command = [sys.executable, "manage.py", "collectstatic", "--no-input", "--clear", "-v0"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, **settings}, check=True)


def contents() -> Iterator[tuple[Path, str]]:
    """Yield each file of the kit with its place in it."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0"):
        if (ROOT / name).is_file() and not name.startswith(LEFT_OUT):
            yield ROOT / name, name
    for name in STARTERS:
        yield ROOT / "yiwu_vote" / "kit" / name, name
    for wheel in (WORK / "wheels").iterdir():
        yield wheel, f"kit/wheels/{wheel.name}"
    for path in (WORK / "static").rglob("*"):
        if path.is_file():
            yield path, f"var/static/{path.relative_to(WORK / 'static').as_posix()}"


if __name__ == "__main__":
    main()
