"""Words people may write in an org, in English and Chinese, and what they are kept as."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, time

from firesense.domain.quiet_hours import SPAN
from firesense.domain.roster import EVERY_WEEKDAY, Days

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CHINESE_WEEKDAYS = "一二三四五六日"
_DAYS = {
    "每天": Days.EVERY,
    "工作日": Days.WORKDAYS,
    "休息日": Days.DAYS_OFF,
    "节假日": Days.HOLIDAYS,
    "非节假日": Days.NO_HOLIDAYS,
}
_TAGS = {
    "独居": "lives-alone",
    "残疾": "disabled",
    "留守儿童": "left-behind-child",
    "重点单位": "key-unit",
    "人员密集场所": "crowded-place",
}
_LANGUAGES = {"中文": "zh", "英文": "en"}
_SCHEMES = {"行政区划": "administrative", "自编": ""}
ADMINISTRATIVE = "administrative"
_SEVERAL = re.compile(r"[;；,，、\n]")


def several(text: str) -> tuple[str, ...]:
    """Names written in one cell: separated by ; or , or a Chinese one of these."""
    return tuple(name for part in _SEVERAL.split(text) if (name := part.strip()))


def tag(word: str) -> str:
    """The tag that is meant; regions have words of their own."""
    return _TAGS.get(word, word)


def language(word: str) -> str:
    """Give zh or en; raises ValueError."""
    if (known := _LANGUAGES.get(word, word or "zh")) not in {"zh", "en"}:
        raise ValueError(f"{word!r} is neither zh nor en")
    return known


def hours(word: str) -> str:
    """Give hours of the day such as 22:00-07:00, or nothing; raises ValueError."""
    if not re.match(SPAN, written := word.replace(" ", "").replace("：", ":").replace("–", "-")):
        raise ValueError(f"{word!r} are no hours of the day: write 22:00-07:00")
    return written


def scheme(word: str) -> str:
    """Give the scheme of a place's code; raises ValueError."""
    if (known := _SCHEMES.get(word, word)) not in {"", ADMINISTRATIVE}:
        raise ValueError(f"{word!r} is no scheme of codes: write {ADMINISTRATIVE}, or nothing")
    return known


def days(word: str) -> Days:
    """Give the kind of days; raises ValueError."""
    try:
        return _DAYS.get(word) or Days(word or Days.EVERY)
    except ValueError:
        raise ValueError(f"{word!r} is no kind of days: {', '.join(Days)}") from None


def weekdays(words: tuple[str, ...]) -> frozenset[int]:
    """``mon``, ``mon-fri``, 周一, 周一至周五 -> weekdays from 0; all of them without any. Raises ValueError."""
    found: set[int] = set()
    for word in words:
        first, *rest = re.split(r"[-至到~]", word.strip().lower())
        last = rest[-1] if rest else first
        begins, ends = _weekday(first, word), _weekday(last, word)
        found.update(day % len(WEEKDAYS) for day in range(begins, ends + 1 + (len(WEEKDAYS) if ends < begins else 0)))
    return frozenset(found) or EVERY_WEEKDAY


def _weekday(part: str, word: str) -> int:
    plain = re.sub(r"^(周|星期|礼拜)", "", part.strip()).replace("天", "日")
    if plain in WEEKDAYS:
        return WEEKDAYS.index(plain)
    if len(plain) == 1 and plain in _CHINESE_WEEKDAYS:
        return _CHINESE_WEEKDAYS.index(plain)
    raise ValueError(f"{word!r} is no weekday: {', '.join(WEEKDAYS)}, or from one to another as mon-fri")


def clock(text: str) -> time:
    """``08:30``, ``8:30`` -> time of day. Raises ValueError."""
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)(?::00)?", unicodedata.normalize("NFKC", text))
    if found is None:
        raise ValueError(f"{text!r} is no time of day such as 08:30")
    return time(int(found[1]), int(found[2]))


def day(text: str) -> date:
    """``2026-01-05``, ``2026/1/5``, 2026年1月5日 -> a day. Raises ValueError."""
    found = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?: 00:00:00)?", text)
    try:
        if found is not None:
            return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        pass
    raise ValueError(f"{text!r} is no day such as 2026-01-05")


def turn(text: str) -> tuple[int, bool]:
    """``1d``, ``2w``, 1天, 1周 -> how many, and whether they are weeks. Raises ValueError."""
    found = re.fullmatch(r"(\d{1,3}) ?(d|w|天|日|周)", text or "1d")
    if found is None or not int(found[1]):
        raise ValueError(f"{text!r} is no length of a turn such as 1d (days of duty) or 1w (weeks)")
    return int(found[1]), found[2] in {"w", "周"}
