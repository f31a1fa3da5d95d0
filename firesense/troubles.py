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
        """What to raise and to resolve, now that these are the notes."""
        deeds: list[Alert | Clear] = []
        for name, since in notes.items():
            if not name.startswith((TROUBLE, EVENT)) or self._since.get(name) == since:
                continue
            rule = name.partition(":")[2]
            deed = self._begun(rule, alarms, since, now, offset) if since else alarms.system_over(rule, now)
            if deed is not None:
                deeds.append(deed)
            self._since[name] = since
        return deeds

    def _begun(self, rule: str, alarms: Alarms, since: Instant, now: Instant, offset: int) -> Alert | None:
        kind, _, what = rule.partition(":")
        if f"alert.{kind}" not in TEXTS or self._known(alert_id(rule, FIRESENSE, since)):
            return None
        text = {
            language: say(f"alert.{kind}", language, name=what, street=_street(what, language))
            for language in LANGUAGES
        }
        return alarms.system(rule, text, now=now, offset=offset, since=since)


def _street(name: str, language: str) -> str:
    key = f"web.street.{name}"
    return say(key, language) if key in TEXTS else name
