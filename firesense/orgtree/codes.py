"""Administrative codes: GB/T 2260 (6 digits), township (9), statistical code of a village or community (12), then -.

Province 33, prefecture 3301, county 330102 (or padded with zeros to 6 digits), township 330102001, village
330102001201; grids and sites append parts of their own: ``330102001201-03-17``.
"""

from __future__ import annotations

import re

_CODE = re.compile(r"(\d{2}|\d{4}|\d{6}|\d{9}|\d{12})((?:-[0-9A-Za-z]+)*)")
_LEVELS = ((12, 9), (9, 6), (6, 4), (4, 2))  # a code of so many digits, and of the level above


def code_fault(code: str) -> str:
    """What is wrong with a code; empty when nothing is."""
    if _CODE.fullmatch(code):
        return ""
    return f"{code!r} is no administrative code: 2, 4, 6 (GB/T 2260), 9 or 12 digits, then -parts for grids and sites"


def below(code: str, parent: str) -> bool:
    """Whether a code is one of those below another, both being sound."""
    mine, above = _significant(code), _significant(parent)
    return mine != above and mine.startswith(above)


def _significant(code: str) -> str:
    """The code without the zeros that only fill it up: 330100 -> 3301, 330102001000 -> 330102001."""
    digits, dash, rest = code.partition("-")
    for length, shorter in _LEVELS:
        if len(digits) == length and not digits[shorter:].strip("0"):
            digits = digits[:shorter]
    return digits + dash + rest
