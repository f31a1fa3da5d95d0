"""What a channel is given to say, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from firesense.domain.escalation import CallState

if TYPE_CHECKING:
    from firesense.domain.alert import Alert
    from firesense.domain.escalation import Call


@dataclass(frozen=True, slots=True)
class Message:
    """One call put into words, in the language of its person. ``link`` opens the alert in the console, or is empty."""

    call: Call
    alert: Alert
    title: str
    body: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the channel says came of a message: SENT (taken) or DELIVERED, and its own reference for it."""

    state: CallState = CallState.SENT
    reference: str = ""
