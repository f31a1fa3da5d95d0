"""Every text a person reads, in Chinese and English: the one catalogue.

``say("call.title.fire", "zh", device="...")`` fills the placeholders of the entry. A missing entry is a KeyError: a
test goes through all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from firesense.text.alerts import ALERT_TEXTS
from firesense.text.channels import CHANNEL_TEXTS
from firesense.text.console import CONSOLE_TEXTS
from firesense.text.desk import DESK_TEXTS
from firesense.text.figures import FIGURE_TEXTS
from firesense.text.hazards import HAZARD_TEXTS
from firesense.text.invalid import INVALID_TEXTS
from firesense.text.ladders import LADDER_TEXTS
from firesense.text.quiet import QUIET_TEXTS
from firesense.text.rosters import ROSTER_TEXTS
from firesense.text.whistles import WHISTLE_TEXTS

if TYPE_CHECKING:
    from collections.abc import Mapping

LANGUAGES = ("zh", "en")

# By key, in Chinese and in English.
TEXTS: Mapping[str, tuple[str, str]] = {
    **ALERT_TEXTS,
    **CHANNEL_TEXTS,
    **CONSOLE_TEXTS,
    **DESK_TEXTS,
    **FIGURE_TEXTS,
    **HAZARD_TEXTS,
    **INVALID_TEXTS,
    **LADDER_TEXTS,
    **QUIET_TEXTS,
    **ROSTER_TEXTS,
    **WHISTLE_TEXTS,
}


def say(key: str, language: str, /, **values: object) -> str:
    """Give the text of that key in that language (anything but "en" is Chinese) with its placeholders filled."""
    chinese, english = TEXTS[key]
    return (english if language == "en" else chinese).format(**values)


def opening(key: str, language: str) -> str:
    """Give the words of a text before its first placeholder, by which it is found at the end of another one."""
    chinese, english = TEXTS[key]
    return (english if language == "en" else chinese).partition("{")[0]


def name_of(section: str, word: str, language: str) -> str:
    """Name a word of the configuration or of an enum: its text if there is one, else the word itself."""
    key = f"{section}.{word}"
    return say(key, language) if key in TEXTS else word
