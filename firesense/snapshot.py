"""Rule state on disk, with the journal offset it belongs to: what makes a restart a short replay."""

from __future__ import annotations

import os
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
import structlog

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_log = structlog.get_logger(__name__)


class SnapshotFile:
    """One snapshot in one file, replaced whole: a crash leaves the old one or the new one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.damaged = False  # whether what was there could not be used

    def save(self, offset: int, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Write the state that holds before the frame at ``offset``. Raises OSError when the disk refuses."""
        buffer = BytesIO()
        columns: dict[str, Any] = {f"state/{name}": column for name, column in state.items()}
        np.savez(buffer, **columns, offset=np.int64(offset))
        body = buffer.getbuffer()  # no copy: the state of a million devices is some 200 MB
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(zlib.crc32(body).to_bytes(4, "little"))
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)

    def load(self) -> tuple[int, dict[str, NDArray[np.generic]]] | None:
        """Read (offset, state); None when there is none, or it is damaged and set aside: it is rebuilt then."""
        try:
            written = self._path.read_bytes()
        except FileNotFoundError:
            return None
        crc, body = written[:4], memoryview(written)[4:]
        if zlib.crc32(body).to_bytes(4, "little") != crc:
            self._set_aside("its checksum differs")
            return None
        try:
            with np.load(BytesIO(body), allow_pickle=False) as columns:
                states = [name for name in columns.files if name.startswith("state/")]
                return int(columns["offset"]), {name.removeprefix("state/"): columns[name] for name in states}
        except (ValueError, KeyError, OSError, BadZipFile) as error:  # whole, but not ours
            self._set_aside(str(error))
            return None

    def _set_aside(self, reason: str) -> None:
        self.damaged = True
        aside = self._path.with_name(self._path.name + ".damaged")
        self._path.replace(aside)
        _log.error("snapshot.damaged", reason=reason, aside=str(aside))
