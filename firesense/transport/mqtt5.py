"""The fast path: a persistent MQTT 5 session over connections that come and go."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from firesense.transport.health import Health, backoff
from firesense.transport.inbox import Inbox
from firesense.transport.wire5 import Link, LinkDown

if TYPE_CHECKING:
    import ssl

    from firesense.ports import Clock, Delivery
    from firesense.transport.options import MqttOptions


class Mqtt5Transport:
    """A Transport for brokers that speak MQTT 5."""

    def __init__(self, options: MqttOptions, clock: Clock) -> None:
        self._options = options
        self.health = Health(options.name)
        self._inbox = Inbox(options, clock, self.health, self._read_on)
        self._released: set[int] = set()
        self._link: Link | None = None
        self._epoch = 0
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

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
        context = self._options.tls.context() if self._options.tls else None
        self._task = asyncio.create_task(self._stay_connected(context), name=f"transport {self.name}")
        self._task.add_done_callback(self._ended)

    async def receive(self) -> Delivery:
        """Wait for frames of one connection."""
        return await self._inbox.receive()

    def acknowledge(self, delivery: Delivery) -> None:
        """Send PUBACK for a whole delivery in one write, if its connection is still the one we have."""
        if self._link is None or self._link.epoch != delivery.epoch:
            self.health.stale += len(delivery.batch)
        else:
            self._link.acknowledge(delivery.batch.packet_ids)

    async def stop(self) -> None:
        """Send what is acknowledged, disconnect, keep the session."""
        if self._task is None:
            return
        self._stopping = True
        if self._link is not None:
            self._link.close()
        else:
            self._task.cancel()
        await asyncio.wait((self._task,))
        self.health.down("")

    async def _stay_connected(self, context: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        options = self._options
        failures = 0
        while True:
            await self._inbox.room()
            began = loop.time()
            reason = await self._one_connection(context)
            if self._stopping:
                return
            self.health.down(reason)
            if loop.time() - began > options.backoff_limit.total_seconds():
                failures = 0
            await asyncio.sleep(backoff(failures, options.backoff_first, options.backoff_limit))
            failures += 1

    async def _one_connection(self, context: ssl.SSLContext | None) -> str:
        """Connect and stay until the end of the connection; returns its reason."""
        options = self._options
        self._epoch += 1
        self._inbox.begin(self._epoch)
        link = Link(options, self._inbox, self.health, self._released, self._epoch)
        try:
            async with asyncio.timeout(options.connect_timeout.total_seconds()):
                await asyncio.get_running_loop().create_connection(
                    lambda: link, options.host, options.port, ssl=context
                )
                self._link = link
                await link.open()
            return await asyncio.shield(link.closed)
        except TimeoutError:
            return f"no answer from {options.host}:{options.port}"
        except (OSError, LinkDown) as error:
            return str(error) or type(error).__name__
        finally:
            self._link = None
            link.abort("stopped")

    def _read_on(self) -> None:
        if self._link is not None:
            self._link.resume()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._inbox.fail(error)
