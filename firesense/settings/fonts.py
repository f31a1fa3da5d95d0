"""Whether a font file can be put into a PDF, told from its first bytes (ISO/IEC 14496-22, 4.4 and 4.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_TRUETYPE = (b"\0\1\0\0", b"true")
_POSTSCRIPT = b"OTTO"
_COLLECTION = b"ttcf"


def fault_of_font(file: Path) -> str:
    """Say why a font cannot be embedded; empty when it can. Of a collection the first font counts."""
    try:
        with file.open("rb") as font:
            kind = font.read(4)
            if kind == _COLLECTION:
                font.seek(12)
                font.seek(int.from_bytes(font.read(4), "big"))
                kind = font.read(4)
    except OSError as error:
        return f"{file} cannot be read: {error.strerror}"
    if kind == _POSTSCRIPT:
        return f"{file} has PostScript outlines: a font with TrueType outlines is needed"
    return "" if kind in _TRUETYPE else f"{file} is no TrueType font"
