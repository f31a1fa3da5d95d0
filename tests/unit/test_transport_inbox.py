"""How frames gather into batches."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import numpy as np
import pytest

from firesense.transport import MqttOptions
from firesense.transport.health import Health
from firesense.transport.inbox import Inbox
from tests.frames import T0
from tests.waiting import SECONDS


class Wound:
    at = T0

    def now(self):
        return self.at


class Rig:
    def __init__(self, **options):
        self.clock = Wound()
        self.room = 0
        options = {"linger": timedelta(seconds=60), **options}
        self.inbox = Inbox(MqttOptions(name="main", host="x", **options), self.clock, Health("main"), self.made_room)
        self.inbox.begin(1)

    def made_room(self):
        self.room += 1

    def put(self, *payloads):
        run = self.inbox.run
        for payload in payloads:
            run.topics.append("up/a")
            run.payloads.append(payload)
            run.marks.append(0)
            run.packet_ids.append(1)
        self.inbox.stamp()

    def next(self):
        """The next delivery; None when none is ready."""
        receiving = self.inbox.receive()
        try:
            receiving.send(None)
        except StopIteration as done:
            return done.value
        receiving.close()
        return None


def run(story):
    async def inside():
        story()

    asyncio.run(inside())


def test_a_batch_closes_at_its_size_and_the_rest_waits():
    def story():
        rig = Rig(batch_size=3)
        rig.put(b"1", b"2")
        assert rig.next() is None
        rig.put(b"3", b"4", b"5", b"6", b"7")
        assert rig.next().batch.payloads == [b"1", b"2", b"3"]
        assert rig.next().batch.payloads == [b"4", b"5", b"6"]
        assert rig.next() is None
        rig.put(b"8", b"9")
        assert rig.next().batch.payloads == [b"7", b"8", b"9"]
        assert (rig.inbox.waiting, rig.inbox.waiting_bytes) == (0, 0)

    run(story)


def test_a_batch_closes_a_while_after_its_first_frame():
    async def story():
        rig = Rig(linger=timedelta(milliseconds=1))
        rig.put(b"1")
        assert rig.next() is None
        async with asyncio.timeout(SECONDS):
            assert (await rig.inbox.receive()).batch.payloads == [b"1"]
        assert rig.next() is None

    asyncio.run(story())


def test_frames_of_two_connections_are_never_in_one_batch():
    def story():
        rig = Rig()
        rig.put(b"1", b"2")
        rig.inbox.begin(2)
        rig.inbox.begin(3)  # a connection that brought nothing
        rig.put(b"3")
        old = rig.next()
        assert (old.epoch, old.batch.payloads) == (1, [b"1", b"2"])
        assert rig.next() is None
        rig.inbox.begin(4)
        assert (rig.next().epoch, rig.next()) == (3, None)

    run(story)


def test_instants_rise_strictly_even_when_the_clock_does_not():
    def story():
        rig = Rig(batch_size=4)
        rig.put(b"1", b"2", b"3")
        rig.clock.at -= 1000
        rig.put(b"4")
        rig.inbox.begin(2)
        rig.clock.at += 1001
        rig.put(b"5", b"6", b"7")
        rig.clock.at += 1000
        rig.put(b"8")
        stamps = np.concatenate([rig.next().batch.received_at, rig.next().batch.received_at]) - T0
        assert stamps.tolist() == [0, 1, 2, 3, 4, 5, 6, 1001]

    run(story)


def test_a_clock_that_is_put_back_is_followed():
    def story():
        rig = Rig(batch_size=1)
        rig.put(b"1")
        rig.clock.at -= 3_600_000_000
        rig.put(b"2")
        assert [int(rig.next().batch.received_at[0]) - T0 for _ in range(2)] == [0, -3_600_000_000]

    run(story)


@pytest.mark.parametrize("options", [{"backlog": 4, "batch_size": 1}, {"backlog_bytes": 4, "batch_size": 1}])
def test_it_is_full_at_the_backlog_and_has_room_at_half_of_it(options):
    def story():
        rig = Rig(**options)
        rig.put(b"1", b"2", b"3")
        assert not rig.inbox.full
        rig.put(b"4")
        assert rig.inbox.full
        rig.next()
        assert (rig.inbox.full, rig.room) == (True, 0)
        rig.next()
        assert (rig.inbox.full, rig.room) == (False, 1)
        rig.next()
        assert rig.room == 1

    run(story)


def test_a_mistake_reaches_whoever_receives_after_the_frames():
    def story():
        rig = Rig()
        rig.put(b"1")
        rig.inbox.fail(ValueError("ours"))
        assert rig.next().batch.payloads == [b"1"]
        with pytest.raises(ValueError, match="ours"):
            rig.next()

    run(story)
