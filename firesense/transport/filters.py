"""What a connection asked to hear, and what the broker said to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ASK_AGAIN = 60.0  # seconds until a refused filter is asked for again: rights may have been given meanwhile
_REFUSED = 0x80  # and above: MQTT 3.1.1 clause 3.9.3, MQTT 5.0 clause 3.9.3


@dataclass(slots=True)
class Filters:
    """The topic filters asked for last, and those that the broker refused or granted less than ``qos`` for.

    Times are seconds of any clock that only goes on.
    """

    qos: int
    asked: tuple[str, ...] = ()
    all_granted: bool = False
    _troubles: dict[str, str] = field(default_factory=dict)
    _ask_at: float = 0.0

    def ask(self, filters: Sequence[str], now: float) -> None:
        """Note that these are asked for now."""
        self.asked = tuple(filters)
        self._ask_at = now + ASK_AGAIN

    def answer(self, codes: Sequence[int], names: Sequence[str] = ()) -> str:
        """Take the broker's answer to what was asked, code by code; says what is wrong with any filter, or nothing."""
        for number, (topic_filter, code) in enumerate(zip(self.asked, codes, strict=True)):
            self._troubles.pop(topic_filter, None)
            if code >= _REFUSED:
                why = f" ({names[number]})" if names else ""
                self._troubles[topic_filter] = f"filter {topic_filter}: refused{why}"
            elif code < self.qos:
                self._troubles[topic_filter] = f"filter {topic_filter}: only QoS {code} is granted"
        self.all_granted = not self._troubles
        return "; ".join(self._troubles.values())

    def due(self, now: float) -> tuple[str, ...]:
        """The filters to ask for again."""
        return tuple(self._troubles) if now >= self._ask_at else ()
