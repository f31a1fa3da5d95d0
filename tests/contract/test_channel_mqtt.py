"""What only MQTT has: a connection that is kept, subscribers that are not there, topics one may not write."""

from __future__ import annotations

import asyncio
import gc
import ssl
from datetime import timedelta

import aiomqtt
import msgspec
import pytest

from firesense.domain.callback import Callback, News
from firesense.domain.errors import ChannelDown, ChannelRefused, ConfigError, Forged, NotYet, Unreadable
from firesense.domain.escalation import CallState
from firesense.domain.message import Receipt
from firesense.notify.loudspeaker import LoudspeakerChannel, LoudspeakerOptions
from firesense.notify.mqtt import MqttChannel, MqttOptions
from firesense.notify.mqtt_answers import kept, new_reference
from tests.calls import message
from tests.providers import HandClock
from tests.servers import HOST, Certificates, Mosquitto

pytestmark = pytest.mark.server
DEEP = b'{"x":' + b"[" * 2000 + b"]" * 2000 + b"}"  # deeper than any reader follows


def talk(story, broker, **options):
    async def run():
        given = {"port": broker.port, "timeout": timedelta(seconds=5), **options}
        channel = MqttChannel(MqttOptions("app", HOST, **given), HandClock())
        try:
            return await story(channel)
        finally:
            await channel.close()

    return asyncio.run(run())


async def say(channel, address="lin"):
    return await channel.send(message(address))


def test_a_broker_that_was_restarted_costs_no_call(mosquitto):
    async def story(channel):
        await say(channel)
        mosquitto.restart()
        assert await say(channel)

    talk(story, mosquitto)


def test_a_broker_that_is_away_and_comes_back(mosquitto):
    async def story(channel):
        await say(channel)
        mosquitto.kill9()
        with pytest.raises(ChannelDown):
            await say(channel)
        mosquitto.start()
        assert await say(channel)

    talk(story, mosquitto)


def test_a_call_nobody_subscribes_to(mosquitto):
    async def strict(channel):
        with pytest.raises(ChannelDown, match="nobody"):
            await say(channel)

    assert talk(say, mosquitto) == Receipt(reference="no subscriber")
    talk(strict, mosquitto, require_subscriber=True)
    assert talk(say, mosquitto, protocol="3.1.1") == Receipt()


def test_nobody_can_say_what_became_of_a_call_that_nobody_got(mosquitto):
    async def story(channel):
        receipt = await say(channel)
        report = msgspec.json.encode({"reference": receipt.reference, "state": "delivered"})
        with pytest.raises(Unreadable):
            channel.hear(Callback("", {}, {}, report, by_broker=True), 0)

    talk(story, mosquitto, answers="firesense/answers/#", receipt_within=timedelta(seconds=30))


def test_a_topic_that_may_not_be_written(tmp_path):
    acl = tmp_path / "acl"
    acl.write_text("topic write firesense/calls/lin\n", encoding="ascii")

    async def story(channel):
        await say(channel, "lin")
        with pytest.raises(ChannelRefused, match="0x87"):
            await say(channel, "wu")
        await say(channel, "lin")

    with Mosquitto(tmp_path / "broker", settings={"acl_file": acl}) as broker:
        talk(story, broker)


def test_a_wrong_password_is_told(tmp_path):
    async def story(channel):
        with pytest.raises(ChannelDown, match="broker did not take it"):
            await say(channel)

    with Mosquitto(tmp_path, users={"firesense": "made-up"}) as broker:
        assert talk(say, broker, username="firesense", password="made-up")
        talk(story, broker, username="firesense", password="wrong")


def test_over_tls(tmp_path):
    certificates = Certificates.make(tmp_path / "certificates")
    with Mosquitto(tmp_path / "broker", certificates=certificates) as broker:
        trusting = ssl.create_default_context(cafile=certificates.authority)
        assert talk(say, broker, port=broker.tls_port, tls=trusting)


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # paho leaves the socket to the collector
def test_a_broker_nobody_vouches_for(tmp_path):
    async def story(channel):
        with pytest.raises(ChannelDown, match="certificate"):
            await say(channel)

    certificates = Certificates.make(tmp_path / "certificates")
    with Mosquitto(tmp_path / "broker", certificates=certificates) as broker:
        talk(story, broker, port=broker.tls_port, tls=ssl.create_default_context())
        gc.collect()


def test_a_call_that_was_cancelled_leaves_the_next_one_alone(mosquitto):
    async def story(channel):
        await say(channel)
        mosquitto.pause()
        sending = asyncio.create_task(say(channel))
        await asyncio.wait([sending], timeout=0.1)
        sending.cancel()
        await asyncio.wait([sending])
        mosquitto.resume()
        assert await say(channel)

    talk(story, mosquitto)


def test_many_calls_at_once_go_one_after_the_other(mosquitto):
    async def story(channel):
        return await asyncio.gather(*(say(channel, f"p{n}") for n in range(50)))

    assert len(talk(story, mosquitto)) == 50


@pytest.mark.parametrize("address", ["", "a/b", "+", "#", "a\0"])
def test_an_address_is_one_level(mosquitto, address):
    async def story(channel):
        with pytest.raises(ChannelRefused):
            await say(channel, address)

    talk(story, mosquitto)


@pytest.mark.parametrize("topic", ["", "a/#", "{nobody}", "{", "{0}"])
def test_topics_that_cannot_be_filled_in(topic):
    with pytest.raises(ConfigError) as caught:
        MqttChannel(MqttOptions("app", HOST, topic=topic, protocol="4"), HandClock())
    assert [fault.path for fault in caught.value.faults] == ["protocol", "topic"]


def test_whoever_was_sent_a_call_can_answer_with_its_token(mosquitto):
    async def story(channel):
        heard = []

        def hear(callback):
            news = channel.hear(callback, 0).news
            if news[0].token == "a fault of ours":
                raise ValueError(news)
            heard.append(news)

        listening = asyncio.create_task(channel.listen(hear))
        try:
            async with aiomqtt.Client(HOST, mosquitto.port) as tablet:
                while not heard:  # it may not have subscribed yet
                    await tablet.publish(
                        "firesense/answers/lin", b'{"alert": "AB12CD34EF", "take": "abcdefgh23456723"}', qos=1
                    )
                    await asyncio.sleep(0.05)
                for odd in (
                    b"",
                    b"[]",
                    b'{"alert": 1}',
                    b"\xff",
                    b"x" * 5000,
                    DEEP,
                    b'{"alert": "B", "take": "a fault of ours"}',
                ):
                    await tablet.publish("firesense/answers/lin", odd, qos=1)
                while heard[-1][0].alert != "A":
                    await tablet.publish("firesense/answers/wu", b'{"alert": "A", "take": "c"}', qos=1)
                    await asyncio.sleep(0.05)
                mosquitto.restart()
            async with aiomqtt.Client(HOST, mosquitto.port) as tablet:
                while heard[-1][0].alert != "B":
                    await tablet.publish("firesense/answers/wu", b'{"alert": "B", "take": "c"}', qos=1)
                    await asyncio.sleep(0.05)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        assert heard[0] == (News(alert="AB12CD34EF", token="abcdefgh23456723"),)
        assert heard[-1] == (News(alert="B", token="c"),)

    talk(story, mosquitto, answers="firesense/answers/#")


def test_without_a_topic_for_answers_none_are_heard(mosquitto):
    async def story(channel):
        await channel.listen(lambda _: None)
        with pytest.raises(Forged):
            channel.hear(Callback("", {}, {}, b"{}", by_broker=True), 0)

    talk(story, mosquitto)


def test_a_loudspeaker_says_what_became_of_a_text_even_before_our_sending_came_back(mosquitto):
    async def story():
        topic = {"topic": "speaker/{address}/say", "answers": "speaker/+/said", "receipt_within": timedelta(seconds=30)}
        channel = LoudspeakerChannel(LoudspeakerOptions("speaker", HOST, mosquitto.port, **topic), HandClock())
        loop, told_of = asyncio.get_running_loop(), asyncio.Event()
        known, heard = set(), []
        word = msgspec.json.encode({"reference": new_reference(), "state": "read"})

        def hear(callback):
            [news] = channel.hear(callback, 0).news
            if news.reference not in known:
                known.add(news.reference)
                raise NotYet("the call is not known")
            heard.append(news)
            if news.state is CallState.FAILED:
                loop.call_soon_threadsafe(told_of.set)

        listening = asyncio.create_task(channel.listen(hear))
        try:
            async with aiomqtt.Client(HOST, mosquitto.port) as box:
                await box.subscribe("speaker/shanghe/say", qos=1)
                while not heard:  # it may not have subscribed yet
                    await box.publish("speaker/shanghe/said", word, qos=1)
                    await asyncio.sleep(0.05)
                receipt = await say(channel, "shanghe")
                order = msgspec.json.decode((await anext(aiter(box.messages))).payload)
                assert receipt == Receipt(reference=kept(order["reference"]))
                told = {"reference": order["reference"], "state": "failed", "reason": "amplifier off"}
                await box.publish("speaker/shanghe/said", msgspec.json.encode(told), qos=1)
                await told_of.wait()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            await channel.close()
        assert heard[-1] == News(kept(order["reference"]), CallState.FAILED, "amplifier off")
        assert listening.cancelled()

    asyncio.run(asyncio.wait_for(story(), 20))


def test_who_waits_for_receipts_has_to_hear_them(mosquitto):
    with pytest.raises(ConfigError) as caught:
        talk(say, mosquitto, receipt_within=timedelta(seconds=30))
    assert [fault.path for fault in caught.value.faults] == ["answers"]
