"""What every transport promises (ports.Transport), against a real broker; recorded frames keep the same promises."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import numpy as np
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from firesense.domain.errors import ConfigError
from firesense.domain.frame import Marks
from firesense.transport import TRANSPORTS, MqttOptions, ReplayTransport, TlsOptions
from tests.frames import T0, batch_of
from tests.servers import Certificates, Mosquitto
from tests.waiting import SECONDS, until

pytestmark = pytest.mark.server


class Ticking:
    """A clock that stands still unless it is wound: received_at has to rise all the same."""

    at = T0

    def now(self):
        return self.at


def publish(port, *frames, qos=1, retain=False):
    """Publish (topic, payload) pairs and wait until the broker has them."""
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.max_inflight_messages_set(1000)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for sent in [client.publish(topic, payload, qos=qos, retain=retain) for topic, payload in frames]:
        sent.wait_for_publish(SECONDS)
        assert sent.is_published()
    client.disconnect()
    client.loop_stop()


async def collect(transport, most, *, acknowledge=True):
    """Deliveries with that many frames in all."""
    deliveries = []
    async with asyncio.timeout(SECONDS):
        while sum(len(each.batch) for each in deliveries) < most:
            deliveries.append(await transport.receive())
            if acknowledge:
                transport.acknowledge(deliveries[-1])
    return deliveries


def payloads(deliveries):
    return [payload for each in deliveries for payload in each.batch.payloads]


def numbered(n, start=0, topic="up/a"):
    return [(topic, str(i).encode()) for i in range(start, start + n)]


class Recorded:
    """Recorded frames, driven like a broker."""

    def __init__(self):
        self._transport = ReplayTransport("main")

    @asynccontextmanager
    async def open(self, **_):
        await self._transport.start()
        yield self._transport
        await self._transport.stop()

    async def publish(self, *frames):
        self._transport.add(batch_of(*frames))

    async def reconnect(self):
        self._transport.reconnect()


class Brokered:
    """A transport on a real broker."""

    def __init__(self, protocol, broker):
        self.make = TRANSPORTS[protocol]
        self.broker = broker
        self.options = MqttOptions(
            name="main",
            host="127.0.0.1",
            port=broker.port,
            client_id="firesense-test",
            filters=("up/#",),
            backoff_limit=timedelta(milliseconds=200),
        )

    @asynccontextmanager
    async def open(self, *, connected=True, **changes):
        transport = self.make(replace(self.options, **changes), Ticking())
        await transport.start()
        try:
            if connected:
                await until(lambda: transport.connected, transport.trouble)
            yield transport
        finally:
            await transport.stop()
        assert not transport.connected

    async def publish(self, *frames, **options):
        await asyncio.to_thread(publish, self.broker.port, *frames, **options)

    async def reconnect(self):
        await asyncio.to_thread(self.broker.restart)


@pytest.fixture
def broker(tmp_path):
    # By default mosquitto sends no more than 20 frames ahead of the acknowledgements to a client of 3.1.1.
    with Mosquitto(tmp_path / "broker", settings={"max_inflight_messages": 0}) as running:
        yield running


@pytest.fixture(params=[*TRANSPORTS])
def real(request, broker):
    return Brokered(request.param, broker)


@pytest.fixture(params=[*TRANSPORTS, "replay"])
def any_one(request):
    if request.param == "replay":
        return Recorded()
    return Brokered(request.param, request.getfixturevalue("broker"))


def test_frames_come_in_order_with_rising_instants_and_their_source(any_one):
    async def story():
        async with any_one.open() as transport:
            await any_one.publish(*numbered(500))
            deliveries = await collect(transport, 500)
            assert payloads(deliveries) == [payload for _, payload in numbered(500)]
            received_at = np.concatenate([each.batch.received_at for each in deliveries])
            assert (np.diff(received_at) > 0).all()
            assert {each.batch.source for each in deliveries} == {transport.name} == {"main"}
            assert all((each.batch.packet_ids > 0).all() for each in deliveries)
            assert transport.trouble == ""

    asyncio.run(story())


def test_what_was_not_acknowledged_comes_again_on_a_new_connection(any_one):
    async def story():
        async with any_one.open() as transport:
            await any_one.publish(*numbered(3))
            done = await collect(transport, 3)
            await any_one.publish(*numbered(4, 3))
            first = await collect(transport, 4, acknowledge=False)
            await any_one.reconnect()
            again = await collect(transport, 4)
            assert payloads(again) == payloads(first) == [b"3", b"4", b"5", b"6"]
            assert again[0].epoch != first[0].epoch == done[0].epoch
            assert np.array_equal(again[0].batch.packet_ids, first[0].batch.packet_ids)

    asyncio.run(story())


def test_an_acknowledgement_of_an_older_connection_does_nothing(any_one):
    async def story():
        async with any_one.open() as transport:
            await any_one.publish(*numbered(5))
            old = await collect(transport, 5, acknowledge=False)
            await any_one.reconnect()
            again = await collect(transport, 5, acknowledge=False)
            for delivery in old:
                transport.acknowledge(delivery)
            await any_one.reconnect()
            assert payloads(await collect(transport, 5)) == payloads(again)

    asyncio.run(story())


def test_redelivered_frames_are_marked(real):
    async def story():
        async with real.open() as transport:
            await real.publish(*numbered(5))
            first = await collect(transport, 5, acknowledge=False)
            assert not any(each.batch.marks.any() for each in first)
            await real.reconnect()
            again = await collect(transport, 5)
            assert all((each.batch.marks == Marks.REDELIVERED).all() for each in again)

    asyncio.run(story())


def test_the_session_gathers_frames_while_we_are_away(real):
    async def story():
        async with real.open() as transport:
            await real.publish(*numbered(2))
            await collect(transport, 2)
        await real.publish(*numbered(50, 2))
        async with real.open() as transport:
            assert payloads(await collect(transport, 50)) == [payload for _, payload in numbered(50, 2)]

    asyncio.run(story())


def test_what_is_acknowledged_before_stop_does_not_come_again(real):
    async def story():
        async with real.open() as transport:
            await real.publish(*numbered(300))
            await collect(transport, 300)
        async with real.open() as transport:
            await real.publish(("up/last", b"last"))
            assert payloads(await collect(transport, 1)) == [b"last"]

    asyncio.run(story())


def test_batches_close_at_their_size(real):
    async def story():
        async with real.open(batch_size=7, linger=timedelta(seconds=60)) as transport:
            await real.publish(*numbered(21))
            assert [len(each.batch) for each in await collect(transport, 21)] == [7, 7, 7]

    asyncio.run(story())


def test_qos_0_frames_have_no_packet_id(real):
    async def story():
        async with real.open() as transport:
            await real.publish(("up/zero", b"0"), qos=0)
            (delivery,) = await collect(transport, 1)
            assert delivery.batch.packet_ids.tolist() == [0]

    asyncio.run(story())


def test_memory_is_bounded_while_nobody_receives_and_nothing_is_lost(real):
    frames = [("up/big", b"%05d" % i + b"x" * 2000) for i in range(3000)]

    async def story():
        async with real.open(backlog=100, batch_size=50) as transport:
            await real.publish(*frames)
            inbox = transport._inbox
            await until(lambda: inbox.full)
            assert await stands_still(lambda: inbox.waiting) < 1000
            assert [each[:5] for each in payloads(await collect(transport, 3000))] == [each[:5] for _, each in frames]

    async def stands_still(count):
        """The count, once it has not changed for a while."""
        before, since = count(), time.monotonic()
        while time.monotonic() - since < 0.5:
            await asyncio.sleep(0.02)
            if count() != before:
                before, since = count(), time.monotonic()
        return before

    asyncio.run(story())


def test_a_killed_broker_is_found_again_on_its_port(real):
    async def story():
        async with real.open() as transport:
            await real.publish(*numbered(1))
            (before,) = await collect(transport, 1)
            real.broker.kill9()
            await until(lambda: not transport.connected)
            assert transport.trouble
            real.broker.start()
            await until(lambda: transport.connected)
            await real.publish(("up/after", b"after"))
            after = [each async for each in until_payload(transport, b"after")]
            assert after[-1].epoch > before.epoch

    async def until_payload(transport, wanted):
        """Deliveries up to the one with that frame: a crashed broker may give older ones once more."""
        async with asyncio.timeout(SECONDS):
            while True:
                delivery = await transport.receive()
                transport.acknowledge(delivery)
                yield delivery
                if wanted in delivery.batch.payloads:
                    return

    asyncio.run(story())


def test_retained_frames_are_marked_and_live_ones_are_not(real):
    async def story():
        await real.publish(("up/state", b"old"), retain=True)
        async with real.open() as transport:
            (old,) = await collect(transport, 1)
            assert (old.batch.payloads, old.batch.marks.tolist()) == ([b"old"], [Marks.RETAINED])
            await real.publish(("up/state", b"new"), retain=True)
            (new,) = await collect(transport, 1)
            assert (new.batch.payloads, new.batch.marks.tolist()) == ([b"new"], [0])

    asyncio.run(story())


def test_a_frame_that_is_too_long_is_cut_and_marked(real):
    async def story():
        long = bytes(range(256)) * 1000
        async with real.open(max_packet=1000) as transport:
            await real.publish(("up/long", long), ("up/short", b"short"))
            deliveries = await collect(transport, 2)
            assert payloads(deliveries) == [long[:1000], b"short"]
            assert np.concatenate([each.batch.marks for each in deliveries]).tolist() == [Marks.CUT, 0]
            assert transport.health.cut == 1

    asyncio.run(story())


@pytest.mark.parametrize("protocol", TRANSPORTS)
def test_a_wrong_password_is_said(protocol, tmp_path):
    async def story(broker):
        real = Brokered(protocol, broker)
        async with real.open(username="daemon", password="right") as transport:
            assert transport.connected
        async with real.open(connected=False, username="daemon", password="wrong") as transport:
            await until(lambda: transport.trouble)
            assert not transport.connected
            assert "not authori" in transport.trouble or "bad user name or password" in transport.trouble

    with Mosquitto(tmp_path / "locked", users={"daemon": "right"}) as broker:
        asyncio.run(story(broker))


@pytest.mark.parametrize("protocol", TRANSPORTS)
def test_tls_trusts_the_given_authority_and_no_other(protocol, tmp_path):
    certificates = Certificates.make(tmp_path / "certificates")
    stranger = Certificates.make(tmp_path / "stranger")

    async def story(broker):
        real = Brokered(protocol, broker)
        tls = TlsOptions(ca_file=certificates.authority)
        async with real.open(port=broker.tls_port, tls=tls) as transport:
            await real.publish(*[("up/tls", b"x" * 5000)] * 200)
            assert len(payloads(await collect(transport, 200))) == 200
        tls = TlsOptions(ca_file=stranger.authority)
        async with real.open(connected=False, port=broker.tls_port, tls=tls) as transport:
            await until(lambda: transport.trouble)
            assert "CERTIFICATE_VERIFY_FAILED" in transport.trouble
        tls = TlsOptions(verify=False)
        async with real.open(port=broker.tls_port, tls=tls) as transport:
            assert transport.connected

    with Mosquitto(tmp_path / "broker", certificates=certificates) as broker:
        asyncio.run(story(broker))


def test_a_shared_subscription_splits_the_frames(real):
    async def story():
        async with (
            real.open(client_id="one", shared_group="daemons") as one,
            real.open(client_id="two", shared_group="daemons") as two,
        ):
            await real.publish(*numbered(100))
            here = asyncio.ensure_future(collect(one, 50))
            there = asyncio.ensure_future(collect(two, 50))
            parts = [payloads(await here), payloads(await there)]
            assert sorted(int(each) for part in parts for each in part) == list(range(100))

    asyncio.run(story())


@pytest.mark.parametrize("protocol", TRANSPORTS)
def test_options_that_can_never_work_are_refused_at_the_start(protocol, tmp_path):
    wrong = MqttOptions(
        name="main", host="", filters=("a/#/b",), qos=2, tls=TlsOptions(ca_file=tmp_path / "missing.pem")
    )

    async def story():
        with pytest.raises(ConfigError) as refused:
            await TRANSPORTS[protocol](wrong, Ticking()).start()
        said = [fault.path for fault in refused.value.faults]
        assert [path.removeprefix("transport main: ") for path in said] == [
            "client_id",
            "filters[0]",
            "host",
            "qos",
            "tls",
        ]

    asyncio.run(story())


def test_stop_ends_an_attempt_to_connect_and_a_second_stop_is_harmless(real):
    async def story():
        real.broker.stop()
        async with real.open(connected=False) as transport:
            await until(lambda: transport.trouble)
        await transport.stop()

    asyncio.run(story())
