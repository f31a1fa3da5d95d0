"""Telephone numbers in the many ways people write them -> one canonical form, or what is wrong with them."""

from __future__ import annotations

import re
import unicodedata

_EXTENSION = re.compile(r"(?:转|轉|分机|ext\.?|;ext=|[#,x])[ :]*(\d{1,6})$", re.IGNORECASE)
_DASHED_EXTENSION = re.compile(r"^(0\d{2,3}-(?:\d{7,8}|\d{3,4}-\d{4}))-(\d{1,6})$")
_FILLING = re.compile(r"[\s\u2010-\u2015\u2212().·/_-]")
_MOBILE = re.compile(r"1[3-9]\d{9}")
_LANDLINE = re.compile(r"(?:10|2\d|[3-9]\d{2})\d{7,8}")  # area code without its 0, then 7 or 8 digits
_SERVICE = re.compile(r"1\d{2}|1[02]\d{3}|9[56]\d{3,4}|[48]00\d{7}")  # 119, 12345, 95598, 400...: dialled as they are
_ABROAD = re.compile(r"\+[1-9]\d{6,14}")
_WITHOUT_AREA = re.compile(r"[2-9]\d{6,7}")
# In running text: mobiles and landlines as people group them, and any other run of seven digits or more. What hangs on
# letters (an error code, the id of a request) is none; Chinese stands right beside a number.
_IN_TEXT = re.compile(
    r"(?<![0-9A-Za-z_])(?:\+|00)?(?:86[ -]?)?"
    r"(?:1[3-9]\d[ -]?\d{4}[ -]?\d{4}|0\d{2,3}[ -]?\d{7,8}|\d{7,15})(?![0-9A-Za-z_])"
)
_SHOWN_BEFORE, _SHOWN_AFTER = 3, 2


def without_phones(text: str) -> str:
    """Mask what looks like a telephone number in what others wrote: ``号码139**11在黑名单``."""
    return _IN_TEXT.sub(lambda found: f"{found[0][:_SHOWN_BEFORE]}**{found[0][-_SHOWN_AFTER:]}", text)


def canonical_phone(text: str) -> str:
    """Give ``+8613900000001``, ``+8657188889999``, ``+8657188889999;ext=801``, or a service number as it is dialled.

    Understands +86, 0086 and 86, spaces, dashes, brackets, dots, full-width digits, a 0 before a mobile number, and
    extensions. Numbers of other countries need their + or 00. Raises ValueError for what is none of these.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    if not plain:
        return ""
    extension = ""
    if found := _EXTENSION.search(plain):
        plain, extension = plain[: found.start()], found[1]
    elif found := _DASHED_EXTENSION.match(re.sub(r"[\u2010-\u2015\u2212]", "-", plain).replace(" ", "")):
        plain, extension = found[1], found[2]
    digits = _FILLING.sub("", plain.replace("(0)", ""))
    if not re.fullmatch(r"\+?\d+", digits):
        raise ValueError(f"{text!r} is no telephone number")
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    return _number(digits, text) + (f";ext={extension}" if extension else "")


def _number(digits: str, text: str) -> str:
    if _SERVICE.fullmatch(digits):
        return digits
    home = digits.removeprefix("+86")
    if home == digits and digits.startswith("+"):
        if _ABROAD.fullmatch(digits):
            return digits
        raise ValueError(f"{text!r} is too short or too long for a number of another country")
    if len(home) == len("8613900000001") and home.startswith("86"):
        home = home[2:]
    national = home.removeprefix("0")
    if _MOBILE.fullmatch(national):
        return "+86" + national
    if (home != national or digits.startswith("+86")) and _LANDLINE.fullmatch(national):
        return "+86" + national
    if _WITHOUT_AREA.fullmatch(home):
        raise ValueError(f"{text!r} has no area code")
    raise ValueError(f"{text!r} is neither a mobile number (11 digits from 13 to 19) nor one with an area code")
