"""Making texts fit: so many characters of a text message, so many of a place to fill in.

What has to go is shortened where it hurts least: names first, never the kind of alert and never the code to answer.
"""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING

from firesense.domain.errors import Fault
from firesense.notify.answer_words import answer_words
from firesense.notify.speech import digits, spoken
from firesense.text import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from firesense.domain.message import Message

_AFTER_NAMES = " ：:，,"  # a name that goes on in a word is part of a sentence
_LEAST = 4  # characters a name keeps
# What gives first, and how many characters it keeps: of an order its first words stay as long as where it is does.
_FIRST_TO_GIVE = (
    ("note", 40),
    ("what", _LEAST),
    ("device", _LEAST),
    ("path", _LEAST),
    ("note", 12),
    ("place", _LEAST),
    ("by", _LEAST),
    ("note", _LEAST),
)


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
    for name, least in _FIRST_TO_GIVE:
        excess = units(text) - most
        if excess <= 0:
            break
        if f"{{{name}}}" in pattern and given.get(name):
            given[name] = cut(given[name], max(least, units(given[name]) - excess))
            text = pattern.format_map(given)
    return cut(text, most)


def short_text(message: Message, pattern: str, most: int) -> str:
    """The message for a text message: by the pattern, or in the house's own words; the code to answer comes last."""
    language = message.call.language
    if message.bundled > 1:
        return filled(say("sms.bundle", language, title="{title}"), {"title": message.title}, most)
    end = answer_words("sms.code", message.call, code=message.code) if message.code and not pattern else ""
    pattern = pattern or _own_pattern(message.facts, language)
    return filled(pattern, _said_once(message.facts, [pattern]), most - units(end)) + end


def _own_pattern(facts: Mapping[str, str], language: str) -> str:
    """The house's own words: with the deadline where there is one, and what somebody typed for whoever is called."""
    gaps = {name: f"{{{name}}}" for name in FACTS}
    text = say("sms.text.until" if facts.get("until") else "sms.text", language, **gaps)
    if not facts.get("note"):
        return text
    return text + say("sms.note" if facts.get("by") else "sms.note.nobody", language, **gaps)


def spoken_text(message: Message, pattern: str, most: int) -> str:
    """The message as it is to be spoken."""
    language = message.call.language
    if message.bundled > 1:
        return cut(spoken(message.title, language), most)
    return filled(pattern, _spoken_facts(_said_once(message.facts, [pattern]), language), most)


def variables(message: Message, patterns: Mapping[str, str], most: int, *, speak: bool = False) -> dict[str, str]:
    """What goes into the places of a template that the provider has approved: each in at most so many characters."""
    facts = _said_once(message.facts, patterns.values())
    if message.bundled > 1:
        facts |= {"mark": message.title, "what": message.title}
    if speak:
        facts = _spoken_facts(facts, message.call.language)
    return {name: filled(pattern, facts, most) for name, pattern in patterns.items()}


def _said_once(facts: Mapping[str, str], patterns: Iterable[str]) -> dict[str, str]:
    """The facts without what would be said twice: the place, or the kind of alert, at the head of what happened."""
    text, what = "".join(patterns), facts.get("what", "")
    for name in ("mark", "place"):
        head = facts.get(name, "")
        rest = what.removeprefix(head)
        if f"{{{name}}}" in text and what.startswith(head) and rest.startswith(tuple(_AFTER_NAMES)):
            what = rest.lstrip(_AFTER_NAMES)
    return dict(facts) | {"what": what}


def _spoken_facts(facts: Mapping[str, str], language: str) -> dict[str, str]:
    """The facts as they are to be spoken: a code is no number, it is read digit by digit."""
    read = {name: spoken(value, language) for name, value in facts.items()}
    code = facts.get("code", "")
    return read | {"code": " ".join(code) if language == "en" else digits(code)}


FACTS = (
    "mark",
    "place",
    "path",
    "device",
    "what",
    "value",
    "clock",
    "date",
    "code",
    "link",
    "take",
    "title",
    "id",
    "note",
    "by",
    "until",
)
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
