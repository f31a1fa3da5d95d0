"""The devices: numbered frames and fires, published until somebody durable has them.

A frame counts from the moment its PUBACK is here *and* the broker could not have forgotten it: Mosquitto answers from
memory. So the publisher is a device that keeps what it said: a frame without PUBACK, one that the broker acknowledged
with "no matching subscribers", and, when the broker has crashed, every frame acknowledged since the state file it came
back with was written, is published again with the same bytes. What firesense took is never published again for the
sake of firesense.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.servers import HOST

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NO_SUBSCRIBER = 0x10
WINDOW = 200  # frames without PUBACK
_PATIENCE = 5.0  # seconds without any PUBACK


@dataclass(eq=False)
class Said:
    """One frame: what it says, and whether the broker has it. ``at`` is its event time in milliseconds."""

    number: int
    device: str
    at: int
    fire: bool
    payload: bytes
    bad: bool = False
    published: int = 0
    acked_at: float = 0.0

    @property
    def topic(self) -> str:
        return f"firesense/smoke/{self.device}/up"

    @property
    def value(self) -> float:
        """What it says of smoke density: its number among the frames of its device."""
        return self.number / 1000


@dataclass
class Fleet:
    """Devices that speak in turn, and those that burn; it makes the frames."""

    devices: Sequence[str]
    bad_every: int = 0
    said: list[Said] = field(default_factory=list)
    _next: dict[str, int] = field(default_factory=dict)
    _last: dict[str, int] = field(default_factory=dict)

    def say(self, device: str, *, fire: bool = False) -> Said:
        number = self._next[device] = self._next.get(device, 0) + 1
        at = self._last[device] = max(time.time_ns() // 1_000_000, self._last.get(device, 0) + 1)
        bad = bool(self.bad_every) and not fire and len(self.said) % self.bad_every == self.bad_every - 1
        body: dict[str, object] = {"ts": at, "alarm": int(fire), "smoke": number / 1000, "bat": 90, "rssi": -70}
        if bad:
            body["smoke"] = f"{number}?"
        frame = Said(number, device, at, fire, json.dumps(body).encode(), bad)
        self.said.append(frame)
        return frame


class Publisher(threading.Thread):
    """Publishes a queue at a pace, over as many connections as it takes."""

    def __init__(self, port: int) -> None:
        super().__init__(name="publisher", daemon=True)
        self.port = port
        self.again = 0
        self._lock = threading.RLock()
        self._queue: deque[Said] = deque()
        self._under_way: dict[int, Said] = {}
        self._acked: list[Said] = []
        self._ending = threading.Event()
        self._publishing: Said | None = None
        self._answers: deque[tuple[int, mqtt.ReasonCode]] = deque()
        self._client: mqtt.Client | None = None
        self._up = False
        self._heard = 0.0
        self._not_before = 0.0

    def put(self, frames: Iterable[Said]) -> None:
        with self._lock:
            self._queue.extend(frames)

    @property
    def idle(self) -> bool:
        """Whether the broker has acknowledged all there is."""
        with self._lock:
            return not self._queue and not self._under_way and self._publishing is None

    def unconfirm(self, since: float) -> None:
        """The broker forgot what it acknowledged from that time on: it is published again."""
        with self._lock:
            lost = [frame for frame in self._acked if frame.acked_at >= since]
            self._acked = [frame for frame in self._acked if frame.acked_at < since]
            self._queue.extendleft(reversed(lost))
            self.again += len(lost)

    def repeat(self, frames: Iterable[Said]) -> None:
        """Publish these again: the broker lost the session that held them."""
        with self._lock:
            frames = [frame for frame in frames if frame.acked_at]
            known = {id(frame) for frame in frames}
            self._acked = [frame for frame in self._acked if id(frame) not in known]
            self._queue.extend(frames)
            self.again += len(frames)

    def close(self) -> None:
        self._ending.set()
        self.join(20)

    # -- the thread -------------------------------------------------------------------------------------------------
    def run(self) -> None:
        while not self._ending.is_set():
            try:
                self._connect()
            except OSError:
                self._ending.wait(0.1)
                continue
            while not self._ending.is_set() and not self._lost():
                self._confirm()
                if not self._publish_some():
                    self._ending.wait(0.01)
            self._hang_up()

    def _connect(self) -> None:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5, reconnect_on_failure=False
        )
        client.max_inflight_messages_set(0)
        client.on_connect = lambda *_: self._set(client, up=True)
        client.on_disconnect = lambda *_: self._set(client, up=False)
        # Only noted here: this is paho's thread, which holds locks of its own.
        answers: deque[tuple[int, mqtt.ReasonCode]] = deque()
        client.on_publish = lambda _client, _data, mid, code, _properties: answers.append((mid, code))
        self._answers = answers
        self._client = client
        self._up, self._heard = True, time.monotonic()
        client.connect(HOST, self.port, keepalive=10)
        client.loop_start()

    def _set(self, client: mqtt.Client, *, up: bool) -> None:
        if client is self._client:
            self._up = up

    def _lost(self) -> bool:
        with self._lock:
            if not self._under_way:
                self._heard = time.monotonic()
            return not self._up or time.monotonic() - self._heard > _PATIENCE

    def _publish_some(self) -> bool:
        client = self._client
        assert client is not None
        with self._lock:
            if not self._queue or len(self._under_way) >= WINDOW or time.monotonic() < self._not_before:
                return False
            frame = self._queue.popleft()
            self._publishing = frame
        frame.published += 1
        mid = client.publish(frame.topic, frame.payload, qos=1).mid
        with self._lock:
            self._under_way[mid], self._publishing = frame, None
        return True

    def _confirm(self) -> None:
        """Take the broker's answers over."""
        while self._answers:
            mid, code = self._answers.popleft()
            with self._lock:
                self._heard = time.monotonic()
                frame = self._under_way.pop(mid, None)
                if frame is None:
                    continue
                if code.value == NO_SUBSCRIBER or code.is_failure:
                    self._queue.append(frame)
                    self._not_before = time.monotonic() + 0.2  # the daemon is on its way back
                else:
                    frame.acked_at = time.time()
                    self._acked.append(frame)

    def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            client.loop_stop()
        self._confirm()
        with self._lock:
            self._queue.extendleft(reversed(self._under_way.values()))
            self._under_way.clear()
