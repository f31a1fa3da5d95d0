"""A history store that takes everything and keeps nothing: every POST is answered 204. Prints its port."""

from __future__ import annotations

import asyncio
import re

from measure import OTHER_CORE, pin

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class Sink(asyncio.Protocol):
    """One connection, kept open; bodies are counted, not looked at."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._head = b""
        self._left = 0

    def data_received(self, data: bytes) -> None:
        if not self._left:
            self._head += data
            head, found, body = self._head.partition(b"\r\n\r\n")
            if not found:
                return
            length = _LENGTH.search(head)
            self._head, self._left, data = b"", int(length[1]) if length else 0, body
        self._left -= len(data)
        if self._left <= 0:
            self._left = 0
            self._transport.write(_ANSWER)


async def main() -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    pin(OTHER_CORE)
    asyncio.run(main())
