"""A disk that can be full and read-only: a small tmpfs where we may mount one, else limits that do the same."""

from __future__ import annotations

import contextlib
import resource
import subprocess
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SIZE = 64 * 2**20
_BALLAST = "ballast"


class Disk:
    """``with`` makes the folder. ``mounted`` says which of the two ways it is done.

    Without the right to mount, a full disk is RLIMIT_FSIZE of the daemon's processes (their writes fail, with EFBIG
    instead of ENOSPC), and a read-only one is a folder without write permission.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mounted = False

    def fill(self, pids: Iterable[int]) -> None:
        """Leave no room for another page."""
        if not self.mounted:
            most = max((file.stat().st_size for file in self.folder.iterdir()), default=0)
            self._limit(pids, most)
            return
        with contextlib.suppress(OSError), (self.folder / _BALLAST).open("wb", buffering=0) as ballast:
            for piece in (2**20, 4096):
                with contextlib.suppress(OSError):
                    while True:
                        ballast.write(bytes(piece))

    def empty(self, pids: Iterable[int]) -> None:
        """Give the room back."""
        if self.mounted:
            (self.folder / _BALLAST).unlink(missing_ok=True)
        else:
            self._limit(pids, resource.RLIM_INFINITY)

    def read_only(self, *, wanted: bool) -> None:
        """Let nobody write, or let them again. Nobody may have a file open for writing."""
        if self.mounted:
            subprocess.run(["mount", "-o", "remount," + ("ro" if wanted else "rw"), self.folder], check=True)
            return
        self.folder.chmod(0o500 if wanted else 0o700)
        for file in self.folder.iterdir():
            file.chmod(0o400 if wanted else 0o600)

    @staticmethod
    def _limit(pids: Iterable[int], most: int) -> None:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, hard))

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "firesense-torture", self.folder]
        with contextlib.suppress(OSError):
            self.mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
        return self

    def __exit__(self, *_: object) -> None:
        if self.mounted:
            kept = self.folder.with_name(self.folder.name + "-kept")
            subprocess.run(["cp", "-a", self.folder, kept], check=True)
            subprocess.run(["umount", "-l", self.folder], check=True)
