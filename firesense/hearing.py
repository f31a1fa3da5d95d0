"""Whether we can hear the devices at all: while ingest has no broker it is we who are deaf, and no device is silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firesense.domain.instant import SECOND, Instant
from firesense.text import LANGUAGES, say

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from firesense.alerts import Alarms
    from firesense.domain.alert import Alert
    from firesense.domain.outcome import Clear
    from firesense.ports import Journal

DEAF = "ingest-deaf"  # the rule of the alert about ourselves: no broker is heard
LISTENING = "listening:"  # prefix of the journal's notes: when ingest last had its broker
NOTE_EVERY = 5 * SECOND  # how often ingest notes it
_DEAF_AFTER = 4 * NOTE_EVERY
_TELL_AFTER = 60 * SECOND  # a broker that restarts is no news


def forget_others(journal: Journal, brokers: Collection[str]) -> None:
    """Drop the notes of brokers that ingest listens to no more: one renamed or removed would leave us deaf for ever.

    For ingest, at its start: nobody else knows which brokers there are. The other streets see it as they run.
    """
    listening = {LISTENING + broker for broker in brokers}
    if gone := [name for name in journal.noted() if name.startswith(LISTENING) and name not in listening]:
        journal.forget(gone)


def noted_connections(notes: Mapping[str, Instant], brokers: Iterable[str], now: Instant) -> dict[str, bool | None]:
    """Whether ingest had each broker a moment ago, by its notes; None for one of which it never noted anything."""
    found = {broker: notes.get(LISTENING + broker) for broker in brokers}
    return {broker: None if at is None else abs(now - at) < _DEAF_AFTER for broker, at in found.items()}


class Hearing:
    """Follows the notes that ingest leaves in the journal."""

    def __init__(self, now: Instant) -> None:
        self.listening = False
        self._heard_at = now

    def listen(self, notes: Mapping[str, Instant], now: Instant) -> bool:
        """Look whether every broker was there a moment ago; says whether we have just begun to hear (again)."""
        brokers = [at for name, at in notes.items() if name.startswith(LISTENING)]
        was, self.listening = self.listening, bool(brokers) and all(abs(now - at) < _DEAF_AFTER for at in brokers)
        if self.listening:
            self._heard_at = now
        return self.listening and not was

    def interrupted(self, now: Instant) -> None:
        """We were stopped for a while, or the clock jumped: what the notes say is of another time."""
        self.listening = False
        self._heard_at = now

    def deed(self, alarms: Alarms, now: Instant, position: int) -> Alert | Clear | None:
        """The alert about ourselves, once we have been deaf for a minute; its end when we hear again."""
        if self.listening:
            return alarms.system_over(DEAF, now)
        if now - self._heard_at < _TELL_AFTER:
            return None
        text = {language: say("alert.ingest-deaf", language) for language in LANGUAGES}
        return alarms.system(DEAF, text, now=now, offset=position)
