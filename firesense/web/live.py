"""What keeps open pages up to date: one watcher of the book for all of them, and the stream each page listens to."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import structlog
from anyio import to_thread

from firesense.domain.errors import BookError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from firesense.ports import Book

_log = structlog.get_logger(__name__)


class Live:
    """Asks the book twice a second for its last step and tells every open page when it has changed.

    A page is told only the newest number, never a queue of them, so a slow page costs no memory. When the book cannot
    be read, and when the server stops, the streams end: a page that hears nothing must say so.
    """

    def __init__(self, book: Book, *, every: float = 0.5, beat: float = 15.0, most: int = 200) -> None:
        """Set the seconds between two looks, the seconds of silence before a beat, and how many pages may listen."""
        self._book = book
        self._every = every
        self._beat = beat
        self._most = most
        self._step: int | None = None
        self._pages = 0
        self._down = False
        self._ended = asyncio.Event()
        self._news = asyncio.Event()

    @property
    def available(self) -> bool:
        """Whether another page may listen now."""
        return not self._down and not self._ended.is_set() and self._pages < self._most

    @property
    def told(self) -> int | None:
        """The step that open pages were told of last; None before the first."""
        return self._step

    @property
    def pages(self) -> int:
        """How many pages listen."""
        return self._pages

    async def watch(self) -> None:
        """Watch the book until ``end``."""
        while not self._ended.is_set():
            await self._look()
            try:
                async with asyncio.timeout(self._every):
                    await self._ended.wait()
            except TimeoutError:
                continue

    def end(self) -> None:
        """End every stream and the watch: to be called, on the loop, before the server waits for open connections."""
        self._ended.set()
        self._tell()

    async def stream(self, since: int | None, welcome: Callable[[], bool]) -> AsyncIterator[bytes]:
        """Yield server-sent events: ``step`` when the book has moved from ``since``, ``beat`` in between.

        ``welcome`` is asked in a thread as often as it beats; the stream ends when it says no.
        """
        self._pages += 1
        try:
            yield b"retry: 2000\n\n"
            seen, now = since, asyncio.get_running_loop().time
            asked = now()
            while not self._down and not self._ended.is_set():
                news, step = self._news, self._step
                if step is not None and step != seen:
                    if now() - asked >= self._beat:  # where steps never cease, beats never come
                        if not await to_thread.run_sync(welcome):
                            return
                        asked = now()
                    seen = step
                    yield f"id: {step}\nevent: step\ndata: {json.dumps({'step': step})}\n\n".encode()
                    continue  # it may have moved while this page was slow to take it
                try:
                    async with asyncio.timeout(self._beat):
                        await news.wait()
                except TimeoutError:
                    if not await to_thread.run_sync(welcome):
                        return
                    asked = now()
                    yield b"event: beat\ndata: {}\n\n"
        finally:
            self._pages -= 1

    async def _look(self) -> None:
        try:
            step = await to_thread.run_sync(self._book.last_step)
        except BookError as error:
            if not self._down:
                _log.error("the console cannot read the book", error=str(error))
                self._down = True
                self._tell()
            return
        if self._down:
            _log.info("the console reads the book again")
            self._down = False
        if step != self._step:
            self._step = step
            self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
