"""The duty street on a loop of its own: it calls, and beside it channels hear what people answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Coroutine, Iterable

    from firesense.duty import Duty
    from firesense.notify.outbox import Delivery

_EAR_REST = 5.0  # seconds until an ear that died listens anew
_log = structlog.get_logger(__name__)


async def call_until(
    duty: Duty,
    delivery: Delivery,
    hearing: Iterable[Callable[[], Coroutine[None, None, None]]],
    stop: threading.Event,
    rest: float = _EAR_REST,
) -> None:
    """Run the duty street on this thread's own loop until the house stops, then let calls under way end.

    Beside it, channels that can are ``hearing`` what people answer; one that dies of it does so again after a rest.
    """
    stopping = asyncio.Event()
    ears = [asyncio.create_task(_hear_on(ear, rest)) for ear in hearing]
    running = asyncio.create_task(duty.run(stopping))
    await asyncio.wait([running, asyncio.create_task(asyncio.to_thread(stop.wait))], return_when="FIRST_COMPLETED")
    stopping.set()
    try:
        await running
        for ear in ears:
            ear.cancel()
        await asyncio.gather(*ears, return_exceptions=True)
        await delivery.close()
    finally:
        stop.set()  # or the thread that waits for it would keep this loop, and the death of the street, to itself


async def _hear_on(ear: Callable[[], Coroutine[None, None, None]], rest: float) -> None:
    """Listen until there is nothing to hear; whoever answers must not go unheard because of an error."""
    while True:
        try:
            return await ear()
        except Exception:  # noqa: BLE001 -- whatever it was, the ear must not stay deaf
            _log.exception("an ear died: it listens anew", again_in=rest)
        await asyncio.sleep(rest)
