"""Ways to reach people, and what some of them can do besides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import timedelta

    from firesense.domain.callback import Callback, Heard
    from firesense.domain.escalation import Call
    from firesense.domain.instant import Instant
    from firesense.domain.limits import Limit
    from firesense.domain.message import Message, Receipt


class Channel(Protocol):
    """One way to reach people. ``kind`` names the technology: fire class goes over two different kinds."""

    @property
    def name(self) -> str:
        """The name rungs and addresses call it by."""
        ...

    @property
    def kind(self) -> str:
        """The technology, for example ``mqtt`` or ``dingtalk``."""
        ...

    async def send(self, message: Message) -> Receipt:
        """Hand the message over. Raises ChannelDown when trying again can help, ChannelRefused when it cannot.

        An answer that is not the channel's own word for success is a failure.
        """
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


@runtime_checkable
class Metered(Channel, Protocol):
    """A channel that may not be used as often as one likes."""

    @property
    def limits(self) -> Sequence[Limit]:
        """How often each of its lines may be used."""
        ...

    def line(self, call: Call) -> str:
        """Whose budget a call spends: a telephone number, a robot. Holds no secret."""
        ...


@runtime_checkable
class Receipted(Channel, Protocol):
    """A channel that says later whether a message arrived: by itself (callbacks) or when it is asked (``Asked``)."""

    @property
    def receipt_within(self) -> timedelta | None:
        """How long to wait for that before the message counts as lost; None: it is not waited for."""
        ...


@runtime_checkable
class Asked(Receipted, Protocol):
    """A channel that can be asked what came of a message."""

    @property
    def ask_every(self) -> timedelta | None:
        """How often to ask; None: it is not asked, others tell us."""
        ...

    async def ask(self, call: Call) -> Receipt | None:
        """Give what came of a call that was sent; None as long as nothing did. Raises ChannelError."""
        ...


@runtime_checkable
class Answered(Channel, Protocol):
    """A channel whose provider, or whose people, answer by callbacks."""

    def hear(self, callback: Callback, now: Instant) -> Heard:
        """Understand a callback. Raises Forged unless it proves who sent it, Unreadable when it is not understood."""
        ...


@runtime_checkable
class Greeted(Answered, Protocol):
    """A channel whose provider asks, by GET, whether the address of its callbacks is ours."""

    def greet(self, callback: Callback, now: Instant) -> bytes:
        """Give the text that proves it; nothing comes of it. Raises Forged and Unreadable."""
        ...


@runtime_checkable
class Listening(Answered, Protocol):
    """A channel that hears answers by itself, on a connection of its own."""

    async def listen(self, hear: Callable[[Callback], object]) -> None:
        """Give every answer to ``hear``, which may wait, until cancelled; returns when there are none to be heard."""
        ...
