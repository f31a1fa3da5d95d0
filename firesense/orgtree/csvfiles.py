"""Sheets as CSV files, in the encodings spreadsheets write."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from firesense.domain.errors import ConfigError, Fault
from firesense.orgtree.sheets import Sheet, sheets_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from firesense.domain.place import Org

MOST_BYTES = 50 * 2**20
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_csv(path: Path) -> Sheet:
    """Read one file: UTF-8 with or without a byte order mark, UTF-16 with one, or GB18030; commas, tabs or semicolons.

    Raises ConfigError.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ConfigError([Fault(str(path), "", f"has more than {MOST_BYTES // 2**20} MiB")])
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError([Fault(str(path), "", error.strerror or str(error))]) from error
    text = _decoded(raw, path)
    first = text.split("\n", 1)[0]
    delimiter = max(",\t;", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[int, list[str]]] = []
    line = 1
    try:
        for cells in reader:
            rows.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise ConfigError([Fault(str(path), f"line {line}", str(error))]) from error
    heading = rows[0][1] if rows else []
    return Sheet(str(path), path.stem, heading, rows[1:])


def _decoded(raw: bytes, path: Path) -> str:
    for encoding in ("utf-16",) if raw.startswith(_UTF16) else ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError as error:
            at = error.start
    raise ConfigError([Fault(str(path), "", f"neither UTF-8 nor GB18030 at byte {at}")])


def csv_files(org: Org, language: str = "en") -> Mapping[str, bytes]:
    """The files of an org by name, UTF-8 with the mark by which spreadsheets know it."""
    files = {}
    for name, rows in sheets_of(org, language).items():
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        files[f"{name}.csv"] = text.getvalue().encode("utf-8-sig")
    return files
