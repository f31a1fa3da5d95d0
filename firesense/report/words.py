"""Numbers and durations as people write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firesense.text import TEXTS, say

if TYPE_CHECKING:
    from datetime import timedelta

    from firesense.domain.plan import Plan
    from firesense.figures import Times

NOTHING = "—"
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
_TENTHS = 10  # seconds; what is shorter is told to a tenth


def duration(span: timedelta | None, language: str) -> str:
    """Write a duration in its two largest units: ``3 分 20 秒``, ``2 d 4 h``; a short one to a tenth of a second."""
    if span is None:
        return NOTHING
    seconds = span.total_seconds()
    if seconds < _TENTHS:
        return say("figures.unit.second", language, count=f"{seconds:.1f}".removesuffix(".0"))
    left = round(seconds)
    parts: list[str] = []
    for unit, size in _UNITS:
        count, rest = divmod(left, size)
        if count or parts:
            if count:
                parts.append(say(f"figures.unit.{unit}", language, count=count))
            if len(parts) == 2 or (parts and not count):  # noqa: PLR2004 -- two units say enough
                break
        left = rest
    return " ".join(parts)


def share(part: float | None) -> str:
    """Write a share in percent."""
    return NOTHING if part is None else f"{part * 100:.1f}%"


def ninetieth(times: Times, language: str) -> str:
    """The 90th percentile or, of too few cases, the longest with a word that it is that."""
    if times.ninetieth is not None or times.longest is None:
        return duration(times.ninetieth, language)
    return say("figures.longest", language, span=duration(times.longest, language))


def late(times: Times) -> str:
    """How many were late of how many, and which share that is."""
    if times.target is None or not times.due:
        return NOTHING
    return f"{times.late}/{times.due} ({share(times.late_share)})"


def cause_name(plan: Plan, cause: str, language: str) -> str:
    """The words for a cause of false alarms, or its id when it is none of the list any more."""
    zh, en = plan.practice.causes.get(cause, (cause, cause))
    return en if language == "en" else zh


def label(section: str, word: str, language: str) -> str:
    """The text of a word, or the word itself where people made it up."""
    key = f"{section}.{word}"
    return say(key, language) if key in TEXTS else word
