"""A console behind a real server, and how the browser that looks at it is started."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from pathlib import Path

import uvicorn

from firesense.app.consoles import listen
from firesense.web import end_streams

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PATIENCE = 20_000  # ms


class RealClock:
    def now(self):
        return time.time_ns() // 1000


class Served:
    """A console behind uvicorn in a thread of its own, on a free port unless one is given."""

    def __init__(self, console, port=0):
        self.console = console
        self.socket = listen("127.0.0.1", port)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.server = uvicorn.Server(uvicorn.Config(console, log_level="warning"))
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self):
        self.loop = asyncio.get_running_loop()
        await self.server.serve(sockets=[self.socket])

    def __enter__(self):
        self.thread.start()
        deadline = time.monotonic() + 20
        with socket.create_connection(self.socket.getsockname(), 20):
            while not self.server.started:
                assert self.thread.is_alive()
                assert time.monotonic() < deadline
        return self

    def stop(self):
        self.loop.call_soon_threadsafe(end_streams, self.console)
        self.server.should_exit = True
        self.thread.join(20)
        assert not self.thread.is_alive(), "the server waits for open pages"

    def __exit__(self, *_):
        if self.thread.is_alive():
            self.stop()


def looks_right(page, tmp_path, name, pressed="main :is(button, a, select, summary, input:not([type=hidden]))"):
    """Nothing sticks out sideways, and what is to be pressed is large enough for a thumb."""
    page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    small = page.evaluate(
        "pressed => [...document.querySelectorAll(pressed)]"
        ".filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 44).map(e => e.outerHTML)",
        pressed,
    )
    assert small == [], "too small for a thumb"
