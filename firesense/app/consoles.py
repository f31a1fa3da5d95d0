"""Runs the console's server in a thread with a loop of its own, so that a page never delays a frame."""

from __future__ import annotations

import asyncio
import errno
import socket
from time import monotonic
from typing import TYPE_CHECKING

import uvicorn

from firesense.app.connections import BACKLOG, Connections
from firesense.domain.errors import NotListening
from firesense.web import end_streams

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from fastapi import FastAPI

_QUEUE = 512  # connections the kernel holds for us
_PARTING = 5.0  # seconds for answers under way when we stop: who takes none must not keep us
_GLANCE = 0.2  # seconds between looks at the stop sign


def listen(host: str, port: int) -> socket.socket:
    """Take the port, before anything else has started. Raises NotListening when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise not_listening(error, host, port, "web", "--port") from error
    # For those it accepts, which inherit it: asyncio sets it only where it made the socket itself. Without it the body
    # of an answer waits 40 ms for the other side to confirm its headers.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def not_listening(error: OSError, host: str, port: int, section: str, option: str) -> NotListening:
    """Say why a server cannot listen, and what to do: in the settings its address is in ``section``."""
    if error.errno == errno.EADDRINUSE:
        reason = f"{section}.port {port} is in use: stop the other one, or choose another ({section}.port / {option})"
    elif isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        reason = f"{section}.host {host} is no address of this machine"
    else:
        reason = f"{section}.host {host}, {section}.port {port}: {error.strerror or error}"
    return NotListening(reason)


def serve(
    console: FastAPI,
    listener: socket.socket,
    turn: Callable[[], object],
    stop: threading.Event,
    *,
    connections: Connections | None = None,
    now: Callable[[], float] = monotonic,
) -> None:
    """Serve until stopped; ``turn`` is called while the server's loop moves. ``now`` is monotonic, in seconds."""
    connections = Connections() if connections is None else connections
    config = uvicorn.Config(
        console,
        http=connections.protocol,  # type: ignore[arg-type] # called like a class, and nothing else
        ws="none",
        backlog=BACKLOG,
        log_config=None,
        log_level="error",  # a warning for every request that is none would be a way to fill the disk
        access_log=False,
        server_header=False,
    )
    asyncio.run(_serve(uvicorn.Server(config), console, listener, turn, stop, connections, now))


async def _serve(
    server: uvicorn.Server,
    console: FastAPI,
    listener: socket.socket,
    turn: Callable[[], object],
    stop: threading.Event,
    connections: Connections,
    now: Callable[[], float],
) -> None:
    asyncio.get_running_loop().set_exception_handler(connections.heard_trouble)
    connections.look(now())  # before anybody comes: they are timed from here
    serving = asyncio.create_task(server.serve([listener]))
    while not server.started and not serving.done():
        await asyncio.wait([serving], timeout=_GLANCE / 10)
    if not serving.done():
        listener.listen(_QUEUE)  # more may wait than asyncio, which has one number for both, takes in one turn
    while not stop.is_set() and not serving.done():  # the stop sign is a threading event: other threads read it, too
        await asyncio.wait([serving], timeout=_GLANCE)
        connections.look(now())
        turn()
    end_streams(console)
    server.should_exit = True
    await asyncio.wait([serving], timeout=_PARTING)
    connections.cut_off_all()
    await serving
