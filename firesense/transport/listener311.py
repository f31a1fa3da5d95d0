"""What the thread of an MQTT 3.1.1 session has to say to the event loop."""

from __future__ import annotations

from typing import Protocol


class Staged:
    """Frames on their way to the event loop, as columns."""

    __slots__ = ("bytes", "marks", "packet_ids", "payloads", "topics")

    def __init__(self) -> None:
        self.topics: list[str] = []
        self.payloads: list[bytes] = []
        self.marks = bytearray()
        self.packet_ids: list[int] = []
        self.bytes = 0


class Listener(Protocol):
    """What the thread tells; every method is called in the event loop."""

    def opened(self, epoch: int, session_present: bool) -> None:  # noqa: FBT001 - a word of the standard
        """Take note of an accepted connection."""

    def granted(self, trouble: str) -> None:
        """Take note of the broker's answer to the subscriptions; trouble names what it refused."""

    def arrived(self, epoch: int, staged: Staged) -> None:
        """Take frames; ``taken`` has to be called for more to come."""

    def closed(self, reason: str) -> None:
        """Take note of the end of a connection, or of one that never came to be."""

    def failed(self, error: BaseException) -> None:
        """Take note of the end of the thread by a mistake of ours."""
