from __future__ import annotations

import asyncio

import pytest

from firesense.domain.errors import BookError
from firesense.web.live import Live


class Steps:
    """As much of a book as the watch asks for."""

    def __init__(self):
        self.step = 7
        self.asked = 0
        self.broken = False

    def last_step(self):
        self.asked += 1
        if self.broken:
            raise BookError("locked")
        return self.step


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the watch under test has no event to wait for
            await asyncio.sleep(0)


def run(test, **options):
    async def whole():
        book = Steps()
        live = Live(book, **{"every": 0.001, "beat": 10.0} | options)
        watch = asyncio.create_task(live.watch())
        try:
            await test(book, live)
        finally:
            live.end()
            await watch

    asyncio.run(whole())


async def event(stream):
    async with asyncio.timeout(10):
        return await anext(stream)


def test_a_page_hears_of_every_change_and_not_of_what_it_knows():
    async def test(book, live):
        await until(lambda: book.asked)
        stream = live.stream(7, lambda: True)
        assert await event(stream) == b"retry: 2000\n\n"
        listening = asyncio.create_task(event(stream))
        await until(lambda: book.asked > 20)
        assert not listening.done()
        book.step = 9
        assert await listening == b'id: 9\nevent: step\ndata: {"step": 9}\n\n'
        await stream.aclose()

    run(test)


def test_a_page_that_is_behind_hears_the_newest_at_once():
    async def test(book, live):
        await until(lambda: book.asked > 1)
        for since in (3, None, 8):
            stream = live.stream(since, lambda: True)
            await event(stream)
            assert (await event(stream)).startswith(b"id: 7\n")
            await stream.aclose()

    run(test)


def test_a_slow_page_is_told_once_of_many_changes():
    async def test(book, live):
        await until(lambda: book.asked > 1)
        stream = live.stream(7, lambda: True)
        await event(stream)
        for step in range(8, 40):
            book.step = step
            asked = book.asked
            await until(lambda asked=asked: book.asked > asked + 1)
        assert (await event(stream)).startswith(b"id: 39\n")
        waiting = asyncio.create_task(event(stream))
        asked = book.asked
        await until(lambda: book.asked > asked + 5)
        assert not waiting.done()
        live.end()
        assert await asyncio.gather(waiting, return_exceptions=True) != []
        assert isinstance(waiting.exception(), StopAsyncIteration)

    run(test)


def test_silence_is_broken_by_beats_until_the_visitor_is_gone():
    async def test(book, live):
        await until(lambda: book.asked > 1)
        welcome = [True, True, False]
        stream = live.stream(7, lambda: welcome.pop(0))
        await event(stream)
        heard = [each async for each in stream]
        assert heard == [b"event: beat\ndata: {}\n\n"] * 2
        assert live.pages == 0

    run(test, beat=0.001)


def test_streams_end_when_the_server_stops():
    async def test(book, live):
        await until(lambda: book.asked)
        streams = [live.stream(7, lambda: True) for _ in range(3)]
        for stream in streams:
            await event(stream)
        assert live.pages == 3
        ends = [asyncio.create_task(anext(stream, "over")) for stream in streams]
        live.end()
        async with asyncio.timeout(10):
            assert await asyncio.gather(*ends) == ["over"] * 3
        assert live.pages == 0
        assert not live.available

    run(test)


def test_a_book_that_cannot_be_read_ends_the_streams_until_it_can():
    async def test(book, live):
        await until(lambda: book.asked)
        stream = live.stream(7, lambda: True)
        await event(stream)
        book.broken = True
        async with asyncio.timeout(10):
            assert await anext(stream, "over") == "over"
        assert not live.available
        book.broken = False
        await until(lambda: live.available)

    run(test)


def test_pages_are_bounded_and_watched_once():
    async def test(_book, live):
        streams = [live.stream(None, lambda: True) for _ in range(2)]
        for stream in streams:
            await event(stream)
        assert not live.available
        await streams[0].aclose()
        assert live.available
        await streams[1].aclose()

    run(test, most=2)


def test_a_session_that_is_over_hears_no_more_however_much_happens():
    async def test(book, live):
        await until(lambda: book.asked)
        stream = live.stream(None, lambda: False)
        assert await event(stream) == b"retry: 2000\n\n"
        with pytest.raises(StopAsyncIteration):
            await event(stream)

    run(test, beat=0.0)
