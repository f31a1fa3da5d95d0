"""What a channel is given to say, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from firesense.domain.escalation import CallState
from firesense.domain.phone import without_phones

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

    ``reason`` is why it failed, ``pressed`` the key the person pressed on the telephone. Telephone numbers in the
    reason, which goes into logs and stories, are masked.
    """

    state: CallState = CallState.SENT
    reference: str = ""
    reason: str = ""
    pressed: str = ""

    def __post_init__(self) -> None:
        """Keep of the provider's words what can be kept."""
        for name in ("reference", "reason", "pressed"):
            object.__setattr__(self, name, printable(getattr(self, name)))
        object.__setattr__(self, "reason", without_phones(self.reason))


def printable(text: str) -> str:
    """Make text of others fit to be written and shown: what cannot be, becomes a question mark, or a space.

    Servers answer in encodings of their own (GBK), which leaves lone surrogates; no database takes those.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else " " if one.isspace() else "?" for one in text)
