"""Making texts fit: so many characters of a text message, so many of a place to fill in.

What has to go is shortened where it hurts least: names first, never the kind of alert and never the code to answer.
"""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING

from firesense.domain.errors import Fault
from firesense.notify.answer_words import answer_words
from firesense.notify.speech import spoken
from firesense.text import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from firesense.domain.message import Message

_FIRST_TO_GIVE = ("what", "device", "path", "place")
_LEAST = 4  # characters a name keeps


def units(text: str) -> int:
    """How many characters a text message counts: UTF-16 code units, as UCS-2 does."""
    return len(text.encode("utf-16-le")) // 2


def cut(text: str, most: int) -> str:
    """A text in at most so many units, with a sign that something is missing; never through a character."""
    if units(text) <= most:
        return text
    kept = ""
    for sign in text:
        if units(kept + sign) > most - 1:
            break
        kept += sign
    return f"{kept}…" if most > 0 else ""


def filled(pattern: str, facts: Mapping[str, str], most: int) -> str:
    """Fill a pattern so that the whole fits, by shortening names where that is needed.

    Raises KeyError for a place in the pattern that no fact has.
    """
    given = dict.fromkeys(FACTS, "") | dict(facts)
    text = pattern.format_map(given)
    for name in _FIRST_TO_GIVE:
        excess = units(text) - most
        if excess <= 0:
            break
        if f"{{{name}}}" in pattern and given.get(name):
            given[name] = cut(given[name], max(_LEAST, units(given[name]) - excess))
            text = pattern.format_map(given)
    return cut(text, most)


def short_text(message: Message, pattern: str, most: int) -> str:
    """The message for a text message: by the pattern, or in the house's own words; the code to answer comes last."""
    language = message.call.language
    if message.bundled > 1:
        return filled(say("sms.bundle", language, title="{title}"), {"title": message.title}, most)
    facts = message.facts
    end = answer_words("sms.code", message.call, code=message.code) if message.code and not pattern else ""
    body = pattern or say("sms.text", language, **{name: f"{{{name}}}" for name in ("mark", "place", "what", "clock")})
    return filled(body, facts, most - units(end)) + end


def spoken_text(message: Message, pattern: str, most: int) -> str:
    """The message as it is to be spoken."""
    language = message.call.language
    if message.bundled > 1:
        return cut(spoken(message.title, language), most)
    facts = {name: spoken(value, language) for name, value in message.facts.items()}
    return filled(pattern, facts, most)


def variables(message: Message, patterns: Mapping[str, str], most: int, *, speak: bool = False) -> dict[str, str]:
    """What goes into the places of a template that the provider has approved: each in at most so many characters."""
    facts = dict(message.facts)
    if message.bundled > 1:
        facts |= {"mark": message.title, "what": message.title}
    if speak:
        facts = {name: spoken(value, message.call.language) for name, value in facts.items()}
    return {name: filled(pattern, facts, most) for name, pattern in patterns.items()}


FACTS = ("mark", "place", "path", "device", "what", "value", "clock", "date", "code", "link", "take", "title", "id")
"""What texts may hold in braces."""


def pattern_faults(pattern: str) -> str:
    """What is wrong with a pattern; empty when nothing is."""
    try:
        parts = list(Formatter().parse(pattern))
    except ValueError:
        parts = [("", "?", "", None)]
    if all(name is None or (name in FACTS and not form and not conversion) for _, name, form, conversion in parts):
        return ""
    return f"may hold {', '.join(f'{{{name}}}' for name in FACTS)} and nothing else in braces"


def pattern_fault_list(patterns: Mapping[str, str]) -> list[Fault]:
    """The faults of several patterns."""
    return [
        Fault("", f"params.{name}", reason) for name, pattern in patterns.items() if (reason := pattern_faults(pattern))
    ]
