"""A small file system that can be filled to its last byte."""

import contextlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.helpers.machine import lacking


class Volume:
    """A file system of so many megabytes in memory; only root may have one."""

    def __init__(self, megabytes: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="faults-volume-"))
        self._ballast = self.folder / "ballast"
        options = f"size={megabytes}m,mode=755"
        done = subprocess.run(
            [
                shutil.which("mount") or "mount",
                "-t",
                "tmpfs",
                "-o",
                options,
                "tmpfs",
                str(self.folder),
            ],
            capture_output=True,
            check=False,
        )
        if done.returncode:
            self.folder.rmdir()
            lacking("the right to mount a tmpfs")

    def fill(self) -> None:
        """Leave no byte free."""
        with self._ballast.open("wb", buffering=0) as ballast:
            for piece in (1 << 20, 1 << 12):
                with contextlib.suppress(OSError):
                    while ballast.write(bytes(piece)):
                        pass

    def free(self) -> None:
        self._ballast.unlink()

    def close(self) -> None:
        # Lazily: a server that was killed may not be gone yet.
        subprocess.run([shutil.which("umount") or "umount", "--lazy", str(self.folder)], check=True)
        self.folder.rmdir()
