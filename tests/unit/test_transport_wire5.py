"""Parsing, whatever pieces the bytes come in."""

from __future__ import annotations

import asyncio

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from firesense.domain.frame import Marks
from firesense.transport import MqttOptions
from firesense.transport.health import Health
from firesense.transport.inbox import Inbox
from firesense.transport.wire5 import Link
from tests.frames import T0
from tests.strict_broker import frame

OPTIONS = MqttOptions(name="main", host="nowhere", client_id="test", filters=("#",), max_packet=3000)


class Still:
    def now(self):
        return T0


def parse(pieces):
    """Feed pieces of a stream to a connection; gives what it made of them."""

    async def feed():
        health = Health("main")
        inbox = Inbox(OPTIONS, Still(), health, lambda: None)
        inbox.begin(1)
        link = Link(OPTIONS, inbox, health, set(), 1)
        for piece in pieces:
            at = 0
            while at < len(piece):
                room = link.get_buffer(-1)
                assert len(room) > 0
                n = min(len(room), len(piece) - at)
                room[:n] = piece[at : at + n]
                link.buffer_updated(n)
                at += n
        run = inbox.run
        assert (np.diff(run.received_at) > 0).all()
        return list(zip(run.topics, run.payloads, run.marks, run.packet_ids, strict=True)), health

    return asyncio.run(feed())


frames = st.lists(
    st.tuples(
        st.text(st.characters(exclude_characters="\0+#", codec="utf-8"), min_size=1, max_size=20),
        st.binary(max_size=300),
        st.sampled_from([0, 1]),
    ),
    max_size=30,
)


@settings(deadline=None)
@given(frames, st.data())
def test_any_split_of_the_stream_gives_the_same_frames(sent, data):
    packets = [frame(topic, payload, qos=qos, packet_id=7) for topic, payload, qos in sent]
    stream = b"".join(packet.write() for packet in packets)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    rows, health = parse(pieces)
    assert rows == [(topic, payload, 0, 7 if qos else 0) for topic, payload, qos in sent]
    assert (health.cut, health.mended) == (0, 0)


def test_byte_by_byte():
    sent = [frame("up/a", b"x" * n, packet_id=n + 1) for n in range(200)]
    stream = b"".join(packet.write() for packet in sent)
    rows, _ = parse(stream[n : n + 1] for n in range(len(stream)))
    assert [row[1] for row in rows] == [packet.payload for packet in sent]


def test_no_prefix_of_a_frame_is_a_frame():
    whole = frame("up/a", b"payload", user_properties=[("maker", "made up")], message_expiry_interval=60).write()
    for n in range(len(whole)):
        assert parse([whole[:n]])[0] == []
    assert len(parse([whole])[0]) == 1


def test_a_long_stream_goes_through_the_one_buffer():
    sent = [b"%06d" % n + b"x" * (n % 2900) for n in range(3000)]
    stream = b"".join(frame("up/a", payload).write() for payload in sent)
    rows, _ = parse(stream[at : at + 70_001] for at in range(0, len(stream), 70_001))
    assert [row[1] for row in rows] == sent


@settings(max_examples=30, deadline=None)
@given(st.integers(3001, 500_000), st.integers(1000, 400_000), st.sampled_from([0, 1]))
def test_a_frame_too_long_is_cut_and_the_next_one_is_whole(length, step, qos):
    long = (bytes(range(256)) * 2000)[:length]
    stream = frame("up/long", long, qos=qos, content_type="text/plain").write() + frame(packet_id=2).write()
    rows, health = parse(stream[at : at + step] for at in range(0, len(stream), step))
    assert rows == [("up/long", long[:3000], Marks.CUT, qos), ("up/a", b"1", 0, 2)]
    assert health.cut == 1
