"""Every error that crosses a wall.

::

    FiresenseError
    +-- ConfigError          what a person wrote cannot be used; carries every Fault found, exit code 2
    +-- JournalError         the journal cannot be read or written; ingest stops acknowledging
    |   +-- JournalFull      it, or its disk, has reached the limit of the settings
    +-- BookError            the book cannot be read or written; the street tries again
    |   +-- NotFound         what the desk asked for does not exist
    |   +-- BookRefused      trying again cannot help: what was given cannot be kept
    |   +-- Conflict         what the desk asked for does not fit the state it is in
    +-- NotAllowed           whoever asks may not do that
    +-- NotListening         an address of the settings cannot be listened on: its port is taken, or it is not ours
    +-- PhotoRefused         what was sent is no photo, or too large; ``key`` says so in the reader's language
    +-- HistoryError         the history store did not accept
    |   +-- HistoryDown      trying again later can help; ``retry_after`` says when, if the store said so
    |   +-- HistoryRefused   trying again cannot help: the points themselves are refused
    +-- ChannelError         a call was not taken by its channel
        +-- ChannelDown      trying again later can help; ``retry_after`` says when, if the channel said so
        |   +-- ChannelBusy  it, or our own budget, limits our rate
        +-- ChannelRefused   trying again cannot help (wrong address, revoked key)
        +-- Forged           a callback does not prove who sent it
        +-- Unreadable       a callback is not understood
        +-- NotYet           a callback speaks of a call that is not known, and may be soon

A frame that cannot be used is not an error but a ``Refusal`` (frame.py): it is data, and it costs no exception on
the good path.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta


class FiresenseError(Exception):
    """Root of the tree."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong in what a person wrote: the file, the path inside it (``rules[3].when``), and the reason.

    ``column`` is where in the text at the path, from 1 (0: all of it); where that text stands in its file is looked up
    when the fault is shown (yamlmarks.py).
    """

    file: str
    path: str
    reason: str
    column: int = 0

    def __str__(self) -> str:
        """Show it as one line: ``file: path: column 12: reason``."""
        column = f"column {self.column}" if self.column else ""
        return ": ".join(part for part in (self.file, self.path, column, self.reason) if part)


class ConfigError(FiresenseError):
    """All faults of a configuration at once; never just the first."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        """Keep the faults in the order of their files and paths."""
        self.faults = tuple(sorted(faults))
        super().__init__("\n".join(str(fault) for fault in self.faults))


class JournalError(FiresenseError):
    """The journal cannot be read or written."""


class JournalFull(JournalError):
    """The journal, or the disk it is on, is as full as it may get: the broker has to keep the frames."""


class BookError(FiresenseError):
    """The book cannot be read or written."""


class BookRefused(BookError):
    """The book works, and will never take this: a value of it cannot be kept."""


class NotFound(BookError):
    """There is no such thing in the book."""


class Conflict(BookError):
    """The thing is not in a state that allows this.

    ``key`` and ``values`` say why in the reader's language (see text, under ``conflict.``); instants among the values
    end in ``_at``.
    """

    def __init__(self, reason: str, key: str = "", **values: str | int) -> None:
        """``reason`` is for logs and programmers."""
        self.key = key
        self.values = values
        super().__init__(reason)


class NotAllowed(FiresenseError):
    """Whoever asks for this may not do it."""


class NotListening(FiresenseError):
    """The address of a server of ours cannot be had."""


class PhotoRefused(FiresenseError):
    """What was sent is no photo, or too large. ``key`` and ``values`` are of the text catalogue."""

    def __init__(self, reason: str, key: str, **values: str | int) -> None:
        """``reason`` is for logs."""
        self.key = key
        self.values = values
        super().__init__(reason)


class _Temporary(FiresenseError):
    def __init__(self, reason: str, retry_after: timedelta | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(reason)


class HistoryError(FiresenseError):
    """The history store did not accept what it was given."""


class HistoryDown(_Temporary, HistoryError):
    """The store is away or busy; the same batch may be accepted later."""


class HistoryRefused(HistoryError):
    """The store will never accept this."""


class ChannelError(FiresenseError):
    """A channel did not take a call."""


class ChannelDown(_Temporary, ChannelError):
    """The channel is away, busy or limiting its rate; the same call may be taken later."""


class ChannelBusy(ChannelDown):
    """The channel works, and takes no more messages for the time being."""


class ChannelRefused(ChannelError):
    """The channel will never take this call."""


class Forged(ChannelError):
    """A callback does not prove who sent it."""


class Unreadable(ChannelError):
    """A callback that is genuine, and not understood."""


class NotYet(ChannelError):
    """A callback about a call that is not known: our sending of it may not have come back. It has to come again."""
