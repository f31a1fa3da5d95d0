"""The MQTT 5 session against a broker that misbehaves on purpose."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import mqtt5
import pytest
import uvloop

from firesense.domain.frame import Marks
from firesense.transport import Mqtt5Transport, MqttOptions
from tests.frames import T0
from tests.strict_broker import StrictBroker, frame
from tests.waiting import SECONDS, until

OPTIONS = MqttOptions(
    name="main",
    host="127.0.0.1",
    client_id="firesense-test",
    username="daemon",
    password="secret",
    filters=("up/#",),
    linger=timedelta(milliseconds=1),
    backoff_first=timedelta(milliseconds=1),
    backoff_limit=timedelta(milliseconds=10),
)


class Still:
    def now(self):
        return T0


@asynccontextmanager
async def session(**options):
    async with StrictBroker() as broker:
        transport = Mqtt5Transport(replace(OPTIONS, port=broker.port, **options), Still())
        await transport.start()
        try:
            yield broker, transport
        finally:
            stopping = asyncio.ensure_future(transport.stop())
            await asyncio.sleep(0)
            await broker.__aexit__()  # hangs up, as the session waits for
            await stopping


async def received(transport, most):
    """Topics, payloads, marks and packet ids of that many frames, and the last delivery."""
    rows = []
    async with asyncio.timeout(SECONDS):
        while len(rows) < most:
            delivery = await transport.receive()
            batch = delivery.batch
            rows += zip(batch.topics, batch.payloads, batch.marks.tolist(), batch.packet_ids.tolist(), strict=True)
    return rows, delivery


def test_the_session_is_persistent_and_says_who_we_are():
    async def story():
        async with session(shared_group="daemons", receive_maximum=77) as (broker, transport):
            peer = await broker.client()
            connect, subscribe = await peer.welcome()
            assert (connect.client_id, connect.username, connect.password) == ("firesense-test", "daemon", b"secret")
            assert (connect.clean_start, connect.session_expiry_interval) == (False, 7 * 24 * 3600)
            assert (connect.keep_alive, connect.receive_max, connect.max_packet_size) == (30, 77, None)
            assert connect.topic_alias_max == 0
            (asked,) = subscribe.topic_filters
            assert (asked.pattern, asked.max_qos == 1) == ("$share/daemons/up/#", True)
            assert not asked.retain_as_published
            await until(lambda: transport.connected)

    asyncio.run(story())


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_frames_and_their_acknowledgements_keep_their_order(run):
    async def story():
        async with session() as (broker, transport):
            peer = await broker.client()
            await peer.welcome()
            peer.send(frame(packet_id=3), frame(qos=0), frame(packet_id=65_535, duplicate=True, retain=True))
            rows, delivery = await received(transport, 3)
            assert rows == [
                ("up/a", b"1", 0, 3),
                ("up/a", b"1", 0, 0),
                ("up/a", b"1", Marks.REDELIVERED | Marks.RETAINED, 65_535),
            ]
            transport.acknowledge(delivery)
            assert (await peer.expect(mqtt5.PubAckPacket)).packet_id == 3
            assert (await peer.expect(mqtt5.PubAckPacket)).packet_id == 65_535

    run(story())


def test_nothing_is_acknowledged_by_itself():
    async def story():
        async with session() as (broker, transport):
            peer = await broker.client()
            await peer.welcome()
            peer.send(frame(packet_id=1))
            await received(transport, 1)
            stopping = asyncio.ensure_future(transport.stop())
            await peer.expect(mqtt5.DisconnectPacket)
            peer.hang_up()
            await stopping

    asyncio.run(story())


def test_stop_keeps_the_session_and_waits_for_the_broker_to_hang_up():
    async def story():
        async with session() as (broker, transport):
            peer = await broker.client()
            await peer.welcome()
            peer.send(frame(packet_id=9))
            _, delivery = await received(transport, 1)
            transport.acknowledge(delivery)
            stopping = asyncio.ensure_future(transport.stop())
            assert (await peer.expect(mqtt5.PubAckPacket)).packet_id == 9
            goodbye = await peer.expect(mqtt5.DisconnectPacket)
            assert (goodbye.reason_code, goodbye.session_expiry_interval) == (0, None)
            assert not stopping.done()
            peer.send(frame(payload=b"too late", packet_id=10))
            peer.hang_up()
            await stopping
            assert not transport.connected
            assert transport._inbox.waiting == 0

    asyncio.run(story())


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (mqtt5.ConnAckReasonCode.BAD_USER_NAME_OR_PASSWORD, "bad user name or password"),
        (mqtt5.ConnAckReasonCode.SERVER_BUSY, "server busy"),
    ],
)
def test_a_refused_connection_is_said_and_tried_again(reason, said):
    async def story():
        async with session() as (broker, transport):
            for _ in range(3):
                peer = await broker.client()
                await peer.expect(mqtt5.ConnectPacket)
                peer.send(mqtt5.ConnAckPacket(reason_code=reason))
                await until(lambda: said in transport.trouble)
                assert not transport.connected
            peer = await broker.client()
            await peer.welcome()
            await until(lambda: transport.connected)
            assert transport.trouble == ""

    asyncio.run(story())


def test_a_refused_filter_is_said_and_the_others_work():
    async def story():
        async with session(filters=("up/#", "secret/#", "low/#")) as (broker, transport):
            peer = await broker.client()
            await peer.welcome(codes=(1, 135, 0))
            await until(lambda: transport.trouble)
            assert not transport.connected
            assert transport.trouble == (
                "filter secret/#: refused (NOT_AUTHORIZED); filter low/#: only QoS 0 is granted"
            )
            peer.send(frame())
            rows, _ = await received(transport, 1)
            assert rows == [("up/a", b"1", 0, 1)]

    asyncio.run(story())


def test_a_refused_filter_is_asked_for_again(monkeypatch):
    monkeypatch.setattr("firesense.transport.filters.ASK_AGAIN", 0.0)

    async def story():
        async with session(filters=("up/#", "secret/#"), keep_alive=timedelta(seconds=1)) as (broker, transport):
            peer = await broker.client()
            await peer.welcome(codes=(1, 135))
            again = await peer.expect(mqtt5.SubscribePacket)
            assert [each.pattern for each in again.topic_filters] == ["secret/#"]
            peer.send(mqtt5.SubAckPacket(again.packet_id, [mqtt5.SubAckReasonCode(1)]))
            await until(lambda: transport.connected)
            assert transport.trouble == ""

    asyncio.run(story())


@pytest.mark.parametrize(
    "bytes_",
    [
        b"\x00\x00",  # no such packet type
        b"\xf0\x00",  # AUTH, nobody asked for it
        b"\x40\x02\x00\x01",  # PUBACK, we publish nothing
        b"\x60\x02\x00\x01",  # PUBREL with wrong flags
        b"\x30\xff\xff\xff\xff\x01",  # a length of five bytes
        b"\x36\x09\x00\x04up/a\x00\x01\x00",  # QoS 3
        b"\x32\x07\x00\x04up/a\x00",  # a packet identifier of one byte
        b"\x30\x04\x00\x09up",  # a topic longer than its packet
        b"\x30\x08\x00\x04up/a\x7f\x01",  # properties longer than their packet
        b"\x30\x03\x00\x00\x00",  # no topic and no alias
        mqtt5.PublishPacket("", b"1", topic_alias=3).write(),  # an alias, though none was allowed
        b"\x90\xff\xff\x7f",  # a SUBACK of 2 MB
    ],
)
def test_a_malformed_packet_ends_the_connection_and_keeps_what_came_before(bytes_):
    async def story():
        async with session(max_packet=1000) as (broker, transport):
            peer = await broker.client()
            await peer.welcome()
            await until(lambda: transport.connected)
            peer.send(frame(), bytes_, frame(packet_id=2))
            farewell = await peer.expect(mqtt5.DisconnectPacket)
            assert farewell.reason_code == mqtt5.DisconnectReasonCode.MALFORMED_PACKET
            await peer.hang_up_seen()
            assert "protocol error" in transport.trouble
            rows, _ = await received(transport, 1)
            assert rows == [("up/a", b"1", 0, 1)]
            await (await broker.client()).welcome(session_present=True)
            await until(lambda: transport.connected)
            assert transport._inbox.waiting == 0

    asyncio.run(story())


@pytest.mark.parametrize(
    ("bad", "taken"),
    [
        (b"\x32\x0c\x00\x04up/b\x00\x07\x02\x7e\x00\x02", ("up/b", b"\x02", 0, 7)),  # there is no property 0x7e
        (b"\x30\x08\x00\x04up/\xff\x00\x03", ("up/\N{REPLACEMENT CHARACTER}", b"\x03", 0, 0)),  # not UTF-8
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the codec panics over the second
def test_a_bad_property_or_topic_of_one_device_does_not_stop_the_others(bad, taken):
    async def story():
        async with session() as (broker, transport):
            peer = await broker.client()
            await peer.welcome()
            peer.send(frame(packet_id=8), bad, frame(packet_id=9))
            rows, _ = await received(transport, 3)
            assert rows == [("up/a", b"1", 0, 8), taken, ("up/a", b"1", 0, 9)]
            assert (transport.health.mended, transport.health.connections) == (1, 1)

    asyncio.run(story())


def test_a_frame_that_never_comes_whole_is_none():
    async def story():
        async with session() as (broker, transport):
            peer = await broker.client()
            await peer.welcome()
            peer.send(frame(), frame(payload=b"x" * 100, packet_id=2).write()[:-1])
            rows, _ = await received(transport, 1)
            assert rows == [("up/a", b"1", 0, 1)]
            peer.hang_up()
            await (await broker.client()).welcome(session_present=True)
            await until(lambda: transport.health.connections == 2)
            assert transport._inbox.waiting == 0

    asyncio.run(story())


def test_the_brokers_farewell_is_said_and_a_lost_session_is_counted():
    async def story():
        async with session() as (broker, transport):
            peer = await broker.client()
            await peer.welcome()
            await until(lambda: transport.connected)
            reason = mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER
            peer.send(mqtt5.DisconnectPacket(reason_code=reason, reason_str="another one"))
            await until(lambda: transport.trouble)
            assert transport.trouble == "the broker disconnected: session taken over (another one)"
            await (await broker.client()).welcome(session_present=False)
            await until(lambda: transport.connected)
            assert transport.health.sessions_lost == 1

    asyncio.run(story())


def test_a_silent_broker_is_left_after_the_keep_alive_it_asked_for():
    async def story():
        async with session(keep_alive=timedelta(hours=1)) as (broker, transport):
            peer = await broker.client()
            await peer.welcome(server_keep_alive=1)
            await until(lambda: transport.connected)
            assert isinstance(await peer.next(), mqtt5.PingReqPacket)
            await peer.hang_up_seen()
            await until(lambda: transport.trouble)
            assert transport.trouble == "nothing heard from the broker for 1 s"
            await (await broker.client()).welcome(session_present=True)

    asyncio.run(story())


def test_a_broker_that_does_not_answer_is_given_up():
    async def story():
        async with session(connect_timeout=timedelta(milliseconds=50)) as (broker, transport):
            await broker.client()
            await until(lambda: "no answer" in transport.trouble)
            await (await broker.client()).welcome()
            await until(lambda: transport.connected)

    asyncio.run(story())


def test_a_broker_that_does_not_answer_the_subscriptions_is_left():
    async def story():
        timing = {"keep_alive": timedelta(seconds=1), "connect_timeout": timedelta(milliseconds=400)}
        async with session(**timing) as (broker, transport):
            peer = await broker.client()
            await peer.expect(mqtt5.ConnectPacket)
            peer.send(mqtt5.ConnAckPacket(), frame())
            await peer.expect(mqtt5.SubscribePacket)
            await peer.hang_up_seen()
            await until(lambda: transport.trouble)
            assert transport.trouble == "the broker did not answer the subscriptions"
            assert transport._inbox.waiting == 1

    asyncio.run(story())


def test_the_answer_to_the_subscriptions_may_wait_behind_frames_there_is_no_room_for():
    async def story():
        timing = {"keep_alive": timedelta(seconds=1), "connect_timeout": timedelta(milliseconds=400)}
        async with session(**timing, backlog=2, batch_size=1) as (broker, transport):
            peer = await broker.client()
            await peer.expect(mqtt5.ConnectPacket)
            peer.send(mqtt5.ConnAckPacket(session_present=True))
            subscribe = await peer.expect(mqtt5.SubscribePacket)
            peer.send(frame(), frame(packet_id=2))
            await until(lambda: transport._link._paused)
            peer.send(mqtt5.SubAckPacket(subscribe.packet_id, [mqtt5.SubAckReasonCode(1)]))
            pings = 0
            while pings < 4:  # one comes every half second: the time for an answer is over
                pings += isinstance(await peer.next(), mqtt5.PingReqPacket)
            assert not transport.connected
            await received(transport, 2)
            await until(lambda: transport.connected)
            assert transport.health.connections == 1

    asyncio.run(story())


def test_qos_2_is_given_once_however_often_the_broker_asks():
    async def story():
        async with session() as (broker, transport):
            peer = await broker.client()
            await peer.welcome()
            peer.send(frame(qos=2, packet_id=5), frame(qos=1, packet_id=6))
            rows, delivery = await received(transport, 2)
            assert [row[3] for row in rows] == [5, 6]
            transport.acknowledge(delivery)
            assert (await peer.expect(mqtt5.PubRecPacket)).packet_id == 5
            assert (await peer.expect(mqtt5.PubAckPacket)).packet_id == 6
            peer.hang_up()
            peer = await broker.client()
            await peer.welcome(session_present=True)
            peer.send(frame(qos=2, packet_id=5, duplicate=True))
            assert (await peer.expect(mqtt5.PubRecPacket)).packet_id == 5
            peer.send(mqtt5.PubRelPacket(5))
            assert (await peer.expect(mqtt5.PubCompPacket)).packet_id == 5
            peer.send(frame(payload=b"new", qos=2, packet_id=5))
            rows, _ = await received(transport, 1)
            assert rows == [("up/a", b"new", 0, 5)]

    asyncio.run(story())


def test_frames_of_an_older_connection_are_given_first_and_their_acknowledgement_is_stale():
    async def story():
        async with session(linger=timedelta(seconds=60)) as (broker, transport):
            peer = await broker.client()
            await peer.welcome()
            peer.send(frame(payload=b"old"))
            await until(lambda: transport._inbox.waiting == 1)
            peer.hang_up()
            peer = await broker.client()
            await peer.welcome(session_present=True)
            peer.send(frame(payload=b"old", duplicate=True), frame(payload=b"new", packet_id=2))
            rows, old = await received(transport, 1)
            assert rows == [("up/a", b"old", 0, 1)]
            transport.acknowledge(old)
            assert transport.health.stale == 1
            await until(lambda: transport._inbox.waiting == 2)
            transport._inbox._ready.set()
            rows, new = await received(transport, 2)
            assert [row[1:] for row in rows] == [(b"old", Marks.REDELIVERED, 1), (b"new", 0, 2)]
            transport.acknowledge(new)
            assert [(await peer.expect(mqtt5.PubAckPacket)).packet_id for _ in range(2)] == [1, 2]

    asyncio.run(story())
