"""What people are asked to answer a call with, in words: take the alert, take it over, or come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firesense.domain.escalation import Purpose
from firesense.text import say

if TYPE_CHECKING:
    from firesense.domain.escalation import Call

_OTHERWISE = (Purpose.UNDONE, Purpose.WHISTLE)


def answer_words(key: str, call: Call, /, **values: str) -> str:
    """Give the text of that key as this call asks to be answered, in its person's language."""
    own = f"{key}.{call.purpose}" if call.purpose in _OTHERWISE else key
    return say(own, call.language, **values)
