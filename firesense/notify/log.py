"""A channel that tells nobody but the log: for trials, and for the demo."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import structlog

from firesense.domain.message import Receipt

if TYPE_CHECKING:
    from firesense.domain.message import Message
    from firesense.ports import Clock

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LogOptions:
    """``echo`` writes the message to standard output besides, as the person would read it."""

    name: str
    echo: bool = False


class LogChannel:
    """Writes one line a call."""

    kind: ClassVar[str] = "log"

    def __init__(self, options: LogOptions, clock: Clock) -> None:  # noqa: ARG002 - made like every other channel
        self.name = options.name
        self._echo = options.echo

    async def send(self, message: Message) -> Receipt:
        """Write it; SENT."""
        call = message.call
        _log.info("call", title=message.title, person=call.person, role=call.role, rung=call.rung, round=call.round)
        if self._echo:
            sys.stdout.write(f"☎ {call.person}: {message.title}\n")
            sys.stdout.writelines(f"    {line}\n" for line in message.body.splitlines())
            sys.stdout.flush()
        return Receipt()

    async def close(self) -> None:
        """Nothing to release."""
