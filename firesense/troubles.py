"""What is wrong with firesense itself: noted by whichever street sees it, told to the operator by alerting.

Processes share the journal, so they note there. ``trouble:KIND[:WHAT]`` is the instant since when it has been so, and 0
when it is over; ``event:KIND`` is the instant at which something happened that a person should look at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from firesense.alerts import FIRESENSE
from firesense.domain.alert import Alert, alert_id
from firesense.text import LANGUAGES, TEXTS, say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from firesense.alerts import Alarms
    from firesense.domain.instant import Instant
    from firesense.domain.outcome import Clear

TROUBLE = "trouble:"
EVENT = "event:"


class Told:
    """Which notes have become alerts. A trouble or event is told once, whatever a person then does to its alert."""

    def __init__(self, known: Callable[[str], bool]) -> None:
        """``known`` says whether the book has an alert of that id: it was told before our start."""
        self._known = known
        self._since: dict[str, Instant] = {}

    def deeds(self, notes: Mapping[str, Instant], alarms: Alarms, now: Instant, offset: int) -> list[Alert | Clear]:
        """What to raise and to resolve, now that these are the notes. Raises what ``known`` does: nothing is told."""
        news = {
            name: since
            for name, since in notes.items()
            if name.startswith((TROUBLE, EVENT)) and self._since.get(name) != since
        }
        # All is asked before anything is told: what is told, and not written, would never be told again.
        new = {name for name, since in news.items() if since and self._is_new(_rule(name), since)}
        told: list[Alert | Clear | None] = []
        for name, since in news.items():
            if name in new:
                told.append(_begun(_rule(name), alarms, since, now, offset))
            elif not since:
                told.append(alarms.system_over(_rule(name), now))
        self._since |= news
        return [deed for deed in told if deed is not None]

    def _is_new(self, rule: str, since: Instant) -> bool:
        return f"alert.{rule.partition(':')[0]}" in TEXTS and not self._known(alert_id(rule, FIRESENSE, since))


def _rule(name: str) -> str:
    return name.partition(":")[2]


def _begun(rule: str, alarms: Alarms, since: Instant, now: Instant, offset: int) -> Alert | None:
    kind, _, what = rule.partition(":")
    text = {
        language: say(f"alert.{kind}", language, name=what, street=_street(what, language)) for language in LANGUAGES
    }
    return alarms.system(rule, text, now=now, offset=offset, since=since)


def _street(name: str, language: str) -> str:
    key = f"web.street.{name}"
    return say(key, language) if key in TEXTS else name
