"""Rule state on disk, with the journal offset it belongs to: what makes a restart a short replay."""

from __future__ import annotations

import os
import zlib
from io import RawIOBase
from typing import TYPE_CHECKING, Any, BinaryIO
from zipfile import BadZipFile

import numpy as np
import structlog

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from typing_extensions import Buffer

_CRC = 4  # bytes before the zip file of columns: a checksum of it
_AT_ONCE = 2**20
_log = structlog.get_logger(__name__)


class SnapshotFile:
    """One snapshot in one file, replaced whole: a crash leaves the old one or the new one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.damaged = False  # whether what was there could not be used

    def save(self, offset: int, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Write the state that holds before the frame at ``offset``. Raises OSError when the disk refuses."""
        columns: dict[str, Any] = {f"state/{name}": column for name, column in state.items()}
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(bytes(_CRC))
            body = _Summed(file)  # no copy in memory: the state of a million devices is some 200 MB
            np.savez(body, **columns, offset=np.int64(offset))
            file.seek(0)
            file.write(body.crc.to_bytes(_CRC, "little"))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)

    def load(self) -> tuple[int, dict[str, NDArray[np.generic]]] | None:
        """Read (offset, state); None when there is none, or it is damaged and set aside: it is rebuilt then."""
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return None
        with file:
            wanted, crc = file.read(_CRC), 0
            while part := file.read(_AT_ONCE):
                crc = zlib.crc32(part, crc)
            if crc.to_bytes(_CRC, "little") != wanted:
                reason = "its checksum differs"
            else:
                file.seek(_CRC)
                try:
                    return _read(file)
                except (ValueError, KeyError, OSError, EOFError, BadZipFile) as error:  # whole, but not ours
                    reason = str(error)
        self._set_aside(reason)
        return None

    def _set_aside(self, reason: str) -> None:
        self.damaged = True
        aside = self._path.with_name(self._path.name + ".damaged")
        self._path.replace(aside)
        _log.error("snapshot.damaged", reason=reason, aside=str(aside))


class _Summed(RawIOBase):
    """A file that can only be written to the end, and sums up what is."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self.crc = 0
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, part: Buffer, /) -> int:
        self.crc = zlib.crc32(part, self.crc)
        return self._file.write(part)


def _read(file: BinaryIO) -> tuple[int, dict[str, NDArray[np.generic]]]:
    with np.load(file, allow_pickle=False) as columns:
        states = [name for name in columns.files if name.startswith("state/")]
        return int(columns["offset"]), {name.removeprefix("state/"): columns[name] for name in states}
