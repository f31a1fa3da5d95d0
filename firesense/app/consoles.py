"""Runs the console's server in a thread with a loop of its own, so that a page never delays a frame."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import uvicorn

from firesense.web import end_streams

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from fastapi import FastAPI

_GLANCE = 0.2  # seconds between looks at the stop sign


def listen(host: str, port: int) -> socket.socket:
    """Take the port, before anything else has started. Raises OSError when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


def serve(console: FastAPI, listener: socket.socket, turn: Callable[[], object], stop: threading.Event) -> None:
    """Serve until stopped; ``turn`` is called while the server's loop moves."""
    server = uvicorn.Server(uvicorn.Config(console, log_config=None, access_log=False, server_header=False))
    asyncio.run(_serve(server, console, listener, turn, stop))


async def _serve(
    server: uvicorn.Server,
    console: FastAPI,
    listener: socket.socket,
    turn: Callable[[], object],
    stop: threading.Event,
) -> None:
    serving = asyncio.create_task(server.serve([listener]))
    while not stop.is_set() and not serving.done():  # the stop sign is a threading event: other threads read it, too
        await asyncio.wait([serving], timeout=_GLANCE)
        turn()
    end_streams(console)
    server.should_exit = True
    await serving
