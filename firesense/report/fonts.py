"""Which font a PDF is set in: one whose letters are put into the file, or else the Chinese one that readers bring.

A report for an inspection looks the same everywhere when its letters are in it. Of a TrueType font only those that are
used are put there; a font that lacks a single one is not taken, for an empty box is worse than another font.
"""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFError, TTFont

BROUGHT = "STSong-Light"  # Adobe-GB1 of ISO 32000-1 9.7.5.2: readers of PDF have it, or a font like it
# Chinese fonts with TrueType outlines that may be embedded freely, the smallest first: WenQuanYi Micro Hei (Apache-2.0,
# or GPL-3 with the font exception), Zen Hei (GPL-2 with it), Noto Sans SC (OFL).
_NAMES = ("wqy-microhei.ttc", "wqy-zenhei.ttc", "NotoSansSC-Regular.ttf", "NotoSansSC[wght].ttf")
_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
_BLANKS = frozenset(map(ord, "\t\n\r "))
_one_at_a_time = threading.Lock()  # the fonts known are those of the process


def font_of(letters: set[str], asked: Path | None = None) -> str:
    """Name a font that has all these letters, known to reportlab: the file asked for, one that is installed, or none.

    A file that cannot be read any more is passed over like one that lacks a letter.
    """
    wanted = {ord(letter) for letter in letters} - _BLANKS
    with _one_at_a_time:
        for file in ((asked,) if asked is not None else ()) + installed():
            font = _known(file)
            if font is not None and wanted <= font.face.charToGlyph.keys():
                return str(font.fontName)
        if BROUGHT not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(UnicodeCIDFont(BROUGHT))
    return BROUGHT


@cache
def installed() -> tuple[Path, ...]:
    """The fonts of this machine that may be embedded, the best first; looked for once."""
    found = [file for folder in _FOLDERS for file in sorted(folder.rglob("*.tt[cf]")) if file.name in _NAMES]
    return tuple(sorted(found, key=lambda file: _NAMES.index(file.name)))


@cache
def _known(file: Path) -> TTFont | None:
    try:
        font = TTFont(f"firesense {file}", str(file))
    except (OSError, TTFError):
        return None
    pdfmetrics.registerFont(font)
    return font
