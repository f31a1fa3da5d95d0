"""MQTT 3.1.1 for brokers that know nothing newer: the event loop's side of a session that paho keeps in a thread."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from firesense.transport.health import Health
from firesense.transport.inbox import Inbox
from firesense.transport.wire311 import Wire311

if TYPE_CHECKING:
    from collections.abc import Callable

    from firesense.ports import Clock, Delivery
    from firesense.transport.listener311 import Staged
    from firesense.transport.options import MqttOptions


class Mqtt311Transport:
    """A Transport for brokers that speak MQTT 3.1.1.

    While nobody receives, paho cannot ask whether the broker is still there; after two keep-alives it gives the
    connection up, and the session keeps the frames until there is room.
    """

    def __init__(self, options: MqttOptions, clock: Clock) -> None:
        self._options = options
        self.health = Health(options.name)
        self._inbox = Inbox(options, clock, self.health, self._read_on)
        self._epoch = 0  # of the connection that is open; 0 when none is
        self._wire: Wire311 | None = None

    @property
    def name(self) -> str:
        """The source written on its frames."""
        return self._options.name

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted the connection and every subscription."""
        return self.health.connected

    @property
    def trouble(self) -> str:
        """Why not; empty when all is well."""
        return self.health.trouble

    async def start(self) -> None:
        """Begin to connect in the background. Raises ConfigError with every option that can never work."""
        self._options.check()
        loop = asyncio.get_running_loop()

        def call(method: Callable[..., None], *arguments: Any) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to be told
                loop.call_soon_threadsafe(method, *arguments)

        context = self._options.tls.context() if self._options.tls else None
        self._wire = Wire311(self._options, context, self, call)
        self._wire.start()

    async def receive(self) -> Delivery:
        """Wait for frames of one connection."""
        return await self._inbox.receive()

    def acknowledge(self, delivery: Delivery) -> None:
        """Send PUBACK for each frame, if its connection is still the one we have."""
        if self._wire is None or delivery.epoch != self._epoch:
            self.health.stale += len(delivery.batch)
            return
        packet_ids = delivery.batch.packet_ids
        self._wire.acknowledge(delivery.epoch, packet_ids[packet_ids != 0].tolist())

    async def stop(self) -> None:
        """Send what is acknowledged, disconnect, keep the session."""
        if self._wire is None:
            return
        wire, self._wire = self._wire, None
        wire.end()
        await asyncio.to_thread(wire.join)
        self.health.down("")

    # -- what the wire tells, in the event loop ---------------------------------------------------------------------
    def opened(self, epoch: int, session_present: bool) -> None:  # noqa: FBT001 - a word of the standard
        """Take note of an accepted connection."""
        self._epoch = epoch
        self.health.opened(session_present=session_present)

    def granted(self, trouble: str) -> None:
        """Take note of the broker's answer to the subscriptions."""
        self.health.up(trouble)

    def arrived(self, epoch: int, staged: Staged) -> None:
        """Put frames into the inbox."""
        if self._inbox.run.epoch != epoch:
            self._inbox.begin(epoch)
        run = self._inbox.run
        run.topics.extend(staged.topics)
        run.payloads.extend(staged.payloads)
        run.marks.extend(staged.marks)
        run.packet_ids.extend(staged.packet_ids)
        self._inbox.stamp()
        if self._wire is not None:
            if self._inbox.full:
                self._wire.pause()
            self._wire.taken()

    def closed(self, reason: str) -> None:
        """Take note of the end of a connection."""
        self._epoch = 0
        if self._wire is not None:
            self.health.down(reason)

    def failed(self, error: BaseException) -> None:
        """Let whoever receives have the mistake that ended the thread."""
        self._inbox.fail(error)

    def _read_on(self) -> None:
        if self._wire is not None:
            self._wire.resume()
