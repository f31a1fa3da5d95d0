"""The cards of the board, written so that all who read the same language are given the same text.

What differs from reader to reader, and from one second to the next, is left open and filled in for each.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from markupsafe import Markup

from firesense.web.board import CALLS_SHOWN
from firesense.web.parts import TEMPLATES, words

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

    from firesense.domain.instant import Instant
    from firesense.web.shown import AlertShown


class Cards:
    """Writes cards for readers whose wall clock is ``zone``."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        # Nobody who names a device can know it, so no name is taken for a gap.
        self._mark = secrets.token_hex(8)
        self._gap = re.compile(rf"{self._mark}(?:(since|until)(-?\d+)|csrf);")

    def write(self, shown: AlertShown, language: str) -> str:
        """Write a card with its gaps."""
        open_words = {
            "since": lambda at: f"{self._mark}since{at};",
            "until": lambda at: f"{self._mark}until{at};",
            "csrf": f"{self._mark}csrf;",
        }
        context = words(language, self._zone) | open_words | {"shown": shown, "most": CALLS_SHOWN}
        return TEMPLATES.get_template("_card.html").render(context)

    def fill(self, cards: Iterable[str], language: str, now: Instant, csrf: str) -> Markup:
        """Fill the gaps of cards of one language."""
        filled = words(language, self._zone, now)

        def text(gap: re.Match[str]) -> str:
            return str(filled[gap[1]](int(gap[2]))) if gap[1] else csrf

        return Markup(self._gap.sub(text, "".join(cards)))  # noqa: S704 # the template has escaped what they hold
