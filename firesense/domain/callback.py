"""What providers and people send back: reports, key presses, answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from firesense.domain.message import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from firesense.domain.escalation import CallState


@dataclass(frozen=True, slots=True)
class Callback:
    """One request from outside, as it came. ``rest`` is its path below the channel's, header names are lower case.

    ``by_broker``: it came over the broker the channel listens to, which says who may; ``rest`` is its topic then.
    """

    rest: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    by_broker: bool = False


@dataclass(frozen=True, slots=True)
class News:
    """One thing a callback says, of the call with this ``reference`` of the channel or from this ``address``.

    ``state`` is what became of the call (DELIVERED, READ, FAILED with its ``reason``), ``pressed`` a key on the
    telephone, ``text`` what was answered. A button brings the ``alert`` and the ``token`` of the call that showed it.
    """

    reference: str = ""
    state: CallState | None = None
    reason: str = ""
    pressed: str = ""
    address: str = ""
    text: str = ""
    alert: str = ""
    token: str = ""

    def __post_init__(self) -> None:
        """Keep of the sender's words what can be kept, and be looked for."""
        for name in ("reference", "reason", "pressed", "address", "text", "alert", "token"):
            object.__setattr__(self, name, printable(getattr(self, name)))


@dataclass(frozen=True, slots=True)
class Heard:
    """What a callback says, and the answer (of a media type) that its sender waits for.

    ``once`` names the callback: one of the same name counts once. Empty, where everything it says may be said twice.
    """

    news: tuple[News, ...] = ()
    answer: bytes = b"{}"
    once: str = ""
    media_type: str = "application/json"
