"""Fire flags of devices that nobody registered: under which name each one is known, and when it last said fire."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from firesense.domain.alert import UNREGISTERED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from firesense.domain.alert import Alert
    from firesense.domain.instant import Instant

MOST_STRANGERS = 10  # alerts of strangers that may be open, each for itself
MORE_STRANGERS = UNREGISTERED + "*"


class Flags:
    """When strangers that are alarmed last said fire, by the subject of their alert."""

    def __init__(self) -> None:
        """Know of none."""
        self._at: dict[str, Instant] = {}

    def subject(self, external_id: str) -> str:
        """Name what a stranger's alert is about: itself or, beyond ten of them, all others together."""
        subject = UNREGISTERED + external_id
        return subject if subject in self._at or len(self._at) < MOST_STRANGERS else MORE_STRANGERS

    def last(self, subject: str) -> Instant | None:
        """Say when it last said fire; None when it is not alarmed."""
        return self._at.get(subject)

    def heard(self, subject: str, event_at: Instant) -> None:
        """Note that it says fire; a flag that is late changes nothing."""
        self._at[subject] = max(self._at.get(subject, event_at), event_at)

    def follow(self, before: Mapping[str, Alert], now: Mapping[str, Alert]) -> None:
        """Know of the alerts that are open ``now``, by subject, and no others.

        Where that is not the one of ``before``, people have closed it, or the other street has raised a newer one: what
        counts is when this one was raised.
        """
        self._at = {
            subject: max(self._at.get(subject, alert.event_at), alert.event_at)
            if subject not in before or before[subject].id == alert.id
            else alert.event_at
            for subject, alert in now.items()
        }

    def snapshot(self) -> dict[str, np.ndarray[Any, Any]]:
        """All of it, as named arrays."""
        return {
            "flags/of": np.array(list(self._at), np.str_),
            "flags/at": np.array(list(self._at.values()), np.int64),
        }

    def restore(self, snapshot: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Take a snapshot over, as far as their alerts are still open."""
        names, at = snapshot.get("flags/of"), snapshot.get("flags/at")
        if names is not None and at is not None and names.shape == at.shape:
            self.recall(zip(names.tolist(), at.tolist(), strict=True))

    def recall(self, said: Iterable[tuple[str, Instant]]) -> None:
        """Know when subjects said fire before, as far as their alerts are still open."""
        for subject, event_at in said:
            if subject in self._at:
                self.heard(subject, event_at)
