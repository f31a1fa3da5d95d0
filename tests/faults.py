"""A TCP proxy that does to a connection what networks do: delay, cut, half-open, reset, throttle, truncate.

It runs on an event loop of its own thread, so that a test may use it from wherever it is.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from tests.servers import HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType

CHUNK = 65_536
_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST


@dataclass(eq=False)
class Link:
    """One connection through the proxy; ``left`` is how many bytes the client still gets of a truncated one."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    left: int | None = None
    pumps: list[asyncio.Task[None]] = field(default_factory=list)


class FaultProxy:
    """``with`` listens on a free port and forwards to one of ``HOST``.

    ``delay`` (seconds) holds back every piece, ``rate`` (bytes a second) throttles each direction, ``refuse`` resets
    new connections. They may be set at any time, from any thread; ``heal`` undoes all of it.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.delay = 0.0
        self.rate = 0.0
        self.refuse = False
        self.connections = 0
        self._links: set[Link] = set()
        self._forgotten: list[asyncio.StreamWriter] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault proxy", daemon=True)

    # -- faults -----------------------------------------------------------------------------------------------------
    def reset(self) -> None:
        """Reset every connection (RST to both sides)."""
        self._call(lambda: [self._break(link, hard=True) for link in list(self._links)])

    def drop(self) -> None:
        """Close every connection (FIN to both sides)."""
        self._call(lambda: [self._break(link, hard=False) for link in list(self._links)])

    def cut(self) -> None:
        """Let nothing through any more; connections stay, and go on after ``heal`` as TCP does."""
        self._call(self._open.clear)

    def half_open(self) -> None:
        """Let the far side of every connection go away without a word to the near one; new ones work."""
        self._call(lambda: [self._forget(link) for link in list(self._links)])

    def truncate(self, left: int) -> None:
        """Close every connection after so many more bytes towards the client: in the middle of whatever it is."""

        def mark() -> None:
            for link in self._links:
                link.left = left

        self._call(mark)

    def heal(self) -> None:
        """Pass everything on again, at once."""
        self.delay = self.rate = 0.0
        self.refuse = False
        self._call(self._open.set)

    # -- life -------------------------------------------------------------------------------------------------------
    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._begin())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[None, None, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def _call(self, work: Callable[[], object]) -> None:
        done = threading.Event()

        def act() -> None:
            work()
            done.set()

        self._loop.call_soon_threadsafe(act)
        assert done.wait(30), "the proxy's loop hangs"

    async def _begin(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        self._server.close()
        self.refuse = True
        self._open.set()  # whoever waits to be served is turned away now
        for link in list(self._links):
            self._break(link, hard=True)
        for near in self._forgotten:
            _close(near, hard=True)
        if others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others, timeout=10)

    # -- traffic ----------------------------------------------------------------------------------------------------
    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await self._open.wait()
        try:
            if self.refuse:
                raise ConnectionRefusedError
            far_reader, far_writer = await asyncio.open_connection(HOST, self.target)
        except OSError:
            _close(writer, hard=True)
            return
        link = Link(writer, far_writer)
        self._links.add(link)
        link.pumps = [
            asyncio.create_task(self._pump(link, reader, far_writer, down=False)),
            asyncio.create_task(self._pump(link, far_reader, writer, down=True)),
        ]
        await asyncio.wait(link.pumps, return_when=asyncio.FIRST_COMPLETED)
        if link in self._links:  # one side has ended, nobody broke it
            self._break(link, hard=False)

    async def _pump(
        self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, down: bool
    ) -> None:
        try:
            while data := await reader.read(CHUNK):
                await self._open.wait()
                if self.delay:
                    await asyncio.sleep(self.delay)
                if down and link.left is not None:
                    data, link.left = data[: link.left], link.left - len(data)
                await self._pass(data, writer)
                if down and link.left is not None and link.left <= 0:
                    return
        except OSError:
            return

    async def _pass(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        while data:
            rate = self.rate
            piece = data if not rate else data[: max(int(rate / 20), 1)]
            writer.write(piece)
            await writer.drain()
            data = data[len(piece) :]
            if rate:
                await asyncio.sleep(len(piece) / rate)

    def _break(self, link: Link, *, hard: bool) -> None:
        self._links.discard(link)
        for pump in link.pumps:
            pump.cancel()
        _close(link.near, hard=hard)
        _close(link.far, hard=hard)

    def _forget(self, link: Link) -> None:
        """The near side keeps its connection and hears nothing; it ends when the near side gives up."""
        self._links.discard(link)
        for pump in link.pumps:
            pump.cancel()
        _close(link.far, hard=True)
        self._forgotten.append(link.near)


def _close(writer: asyncio.StreamWriter, *, hard: bool) -> None:
    if hard:
        connection = writer.get_extra_info("socket")
        if connection is not None and connection.fileno() >= 0:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        writer.transport.abort()
    else:
        writer.close()
