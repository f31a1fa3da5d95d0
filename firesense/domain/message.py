"""What a channel is given to say, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from firesense.domain.escalation import CallState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from firesense.domain.alert import Alert
    from firesense.domain.escalation import Call


@dataclass(frozen=True, slots=True)
class Message:
    """One call put into words, in the language of its person.

    ``link`` opens the alert in the console; ``take`` is a link of the call's own with which the person can take the
    alert without a log-in, ``code`` what to answer to a text message for the same. Each may be empty. ``bundled`` is
    how many calls are told in this one message, ``facts`` are its parts for texts with places to fill in.
    """

    call: Call
    alert: Alert
    title: str
    body: str
    link: str = ""
    take: str = ""
    code: str = ""
    bundled: int = 1
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the channel says came of a message: SENT (taken), DELIVERED, READ or FAILED, and its own reference for it.

    ``reason`` is why it failed, ``pressed`` the key the person pressed on the telephone.
    """

    state: CallState = CallState.SENT
    reference: str = ""
    reason: str = ""
    pressed: str = ""
