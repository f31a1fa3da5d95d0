"""Waiting for something to become true, not for time to pass."""

from __future__ import annotations

import asyncio
import time

SECONDS = 60


async def until(condition, why=""):
    """Wait until a function of no arguments gives something true; fails after a long while."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain {why}"
        await asyncio.sleep(0.005)


def wait_until(condition, why="", seconds=SECONDS, said=None):
    """The same without an event loop; ``said`` gives what the other side printed, for the failure's text."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain until {why}\n{said() if said else ''}"
        time.sleep(0.05)
    return found
