"""Channels that hear answers do so as long as the duty street runs, and end with it."""

from __future__ import annotations

import asyncio
import threading

from firesense.app.calling import call_until


class Street:
    """A duty street, and a delivery, that do nothing until they are stopped."""

    closed = False

    async def run(self, stop):
        await stop.wait()

    async def close(self):
        self.closed = True


def test_ears_are_open_while_the_street_runs_and_one_that_fails_takes_nobody_along():
    street, stop, said = Street(), threading.Event(), []

    async def ear():
        said.append("listens")
        try:
            await asyncio.Event().wait()
        finally:
            said.append("ends")

    async def deaf():
        said.append("deaf")
        stop.set()
        raise OSError("no network")

    asyncio.run(call_until(street, street, [ear, deaf], stop))
    assert said == ["listens", "deaf", "ends"]
    assert street.closed


def test_an_ear_that_dies_listens_anew():
    street, stop, said = Street(), threading.Event(), []

    async def ear():
        said.append("listens")
        if len(said) == 1:
            raise RecursionError("a message too deep")
        stop.set()
        await asyncio.Event().wait()

    asyncio.run(asyncio.wait_for(call_until(street, street, [ear], stop, rest=0), 10))
    assert said == ["listens", "listens"]
