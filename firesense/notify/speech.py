"""Text for a machine to speak: numbers, times and units as people say them.

Speech engines read "0.25 MPa" or "01" in ways nobody understands at night; what is written out here is read as it is.
"""

from __future__ import annotations

import re

_DIGITS = "零一二三四五六七八九"
_TENS = ("", "十", "百", "千")
_MYRIAD = 10_000
_LONGEST = 8  # digits; a longer number is a name and is read digit by digit
_UNITS = {
    "MPa": ("兆帕", "megapascals"),
    "kPa": ("千帕", "kilopascals"),
    "mA": ("毫安", "milliamperes"),
    "°C": ("摄氏度", "degrees"),
    "dB/m": ("分贝每米", "decibels per metre"),
    "%/m": ("百分比每米", "percent per metre"),
    "%": ("百分之", "percent"),
    "V": ("伏", "volts"),
    "A": ("安", "amperes"),
}
_CLOCK = re.compile(r"\b(\d{1,2}):(\d{2})(?::\d{2})?\b")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?) ?%(?!/)")
_NUMBER = re.compile(r"(?<![\w.-])-?\d+(?:\.\d+)?|\d+(?:\.\d+)?")
_AFTER_NUMBER = r"(?<=[\d一二三四五六七八九零十百千万]) ?"
_UNIT = re.compile(f"{_AFTER_NUMBER}({'|'.join(sorted(_UNITS, key=len, reverse=True))})(?![A-Za-z])")
_SIGNS = re.compile(r"[【】\[\]·#*_|<>{}\\/…]+")


def spoken(text: str, language: str) -> str:
    """Write a text as it is to be spoken; in English only units and signs need it."""
    if language == "en":
        text = _UNIT.sub(lambda found: f" {_UNITS[found[1]][1]}", text)
        return " ".join(_SIGNS.sub(" ", text).split())
    text = _CLOCK.sub(lambda found: _clock(int(found[1]), int(found[2])), text)
    text = _PERCENT.sub(lambda found: f"百分之{found[1]}", text)
    text = _UNIT.sub(lambda found: _UNITS[found[1]][0], text)
    text = _NUMBER.sub(lambda found: _number(found[0]), text)
    return re.sub(r" *(，) *", r"\1", " ".join(_SIGNS.sub(" ", text).split()))


def digits(text: str) -> str:
    """Read digit by digit, as codes are."""
    return "".join(_DIGITS[int(digit)] if digit.isdecimal() else digit for digit in text)


def _clock(hour: int, minute: int) -> str:
    if minute == 0:
        return f"{_whole(hour)}点整"
    return f"{_whole(hour)}点{'零' if minute < 10 else ''}{_whole(minute)}分"  # noqa: PLR2004 - two digits are said


def _number(text: str) -> str:
    sign, text = ("负", text[1:]) if text.startswith("-") else ("", text)
    whole, _, part = text.partition(".")
    is_name = len(whole) > _LONGEST or (len(whole) > 1 and whole.startswith("0"))
    said = digits(whole) if is_name else _whole(int(whole))
    return sign + said + (f"点{digits(part)}" if part else "")


def _whole(number: int) -> str:
    if number >= _MYRIAD:
        high, low = divmod(number, _MYRIAD)
        gap = "零" if 0 < low < _MYRIAD // 10 else ""
        return f"{_whole(high)}万{gap}{_whole(low) if low else ''}"
    if number == 0:
        return _DIGITS[0]
    said, figures = "", str(number)
    for place, figure in enumerate(figures):
        if figure != "0":
            said += _DIGITS[int(figure)] + _TENS[len(figures) - 1 - place]
        elif not said.endswith("零"):
            said += "零"
    said = said.rstrip("零")
    return said[1:] if said.startswith("一十") else said
