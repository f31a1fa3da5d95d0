"""One suite over every channel: what it says when it worked, when it did not, and when nobody waits for it."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
import pytest

from firesense.domain.errors import ChannelDown, ChannelRefused
from firesense.domain.escalation import CallState
from firesense.notify import CHANNELS
from firesense.notify.aliyun import AliyunOptions
from firesense.notify.dingtalk_work import DingTalkWorkOptions
from firesense.notify.feishu_app import FeishuAppOptions
from firesense.notify.log import LogOptions
from firesense.notify.long_tail import AppriseOptions
from firesense.notify.loudspeaker import LoudspeakerOptions
from firesense.notify.mqtt import MqttOptions
from firesense.notify.robot import RobotOptions
from firesense.notify.sms_gateway import SmsGatewayOptions
from firesense.notify.smtp import SmtpOptions
from firesense.notify.tencent import TencentOptions
from firesense.notify.webhook import WebhookOptions
from firesense.notify.wecom_app import WeComAppOptions
from tests.accounts import Aliyun, DingTalkWork, FeishuApp, SmsGateway, SpeakerBox, Tencent, WeComApp
from tests.calls import message
from tests.providers import DingTalk, Feishu, HandClock, MailServer, Receiver, WeCom
from tests.servers import HOST, POLL_SECONDS, START_SECONDS, Mosquitto, free_port

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from firesense.ports import Channel

MOBILE = "139 0000 0001"
SECRET = "a-made-up-secret-of-some-length"
SHORT = timedelta(seconds=2)


@dataclass
class Stand:
    """A channel with the server it talks to: its good and bad addresses, and how to put the server out of order."""

    kind: str
    options: Any
    good: str
    bad: str = ""
    arrived: Callable[[], list[Any]] = list
    hang: Callable[[], None] | None = None
    silent_options: Any = None  # the same channel, pointed to where nobody listens
    clock: HandClock = field(default_factory=HandClock)

    def make(self, options: Any = None) -> Channel:
        return CHANNELS[self.kind].make(options or self.options, self.clock)


@contextmanager
def log_stand(_folder: Path) -> Iterator[Stand]:
    yield Stand("log", LogOptions("app"), "lin", arrived=lambda: ["in the log"])


@contextmanager
def mqtt_stand(folder: Path) -> Iterator[Stand]:
    with Mosquitto(folder) as broker:
        seen: list[Any] = []
        ready = asyncio.Event()
        listener = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        listener.on_connect = lambda client, *_: client.subscribe("firesense/calls/#", qos=1)
        listener.on_subscribe = lambda *_: ready.set()
        listener.on_message = lambda _client, _data, got: seen.append((got.topic, json.loads(got.payload)))
        listener.connect(HOST, broker.port)
        listener.loop_start()
        wait_until(ready.is_set)

        def arrived() -> list[Any]:
            wait_until(lambda: seen)
            return seen

        try:
            yield Stand(
                "mqtt",
                MqttOptions("app", HOST, broker.port, timeout=SHORT),
                "lin",
                "#",
                arrived,
                broker.pause,
                MqttOptions("app", HOST, free_port(), timeout=SHORT),
            )
        finally:
            listener.disconnect()
            listener.loop_stop()


@contextmanager
def webhook_stand(_folder: Path) -> Iterator[Stand]:
    options = WebhookOptions("app", SECRET, hosts=(HOST,), allow_private=True, timeout=SHORT)
    with Receiver(HandClock(), SECRET) as server:
        yield Stand(
            "webhook",
            options,
            f"{server.url}/ok",
            f"{server.url}/gone",
            lambda: server.taken,
            server.hang,
            WebhookOptions("app", SECRET, f"http://{HOST}:{free_port()}/", allow_private=True, timeout=SHORT),
        )


@contextmanager
def smtp_stand(_folder: Path) -> Iterator[Stand]:
    with MailServer() as server:
        yield Stand(
            "smtp",
            SmtpOptions("app", HOST, "alarm@example.com", server.port, "plain", timeout=SHORT),
            "lin@example.com",
            "nobody@example.com",
            lambda: server.mails,
            server.hang,
            SmtpOptions("app", HOST, "alarm@example.com", free_port(), "plain", timeout=SHORT),
        )


def robot_stand(kind: str, provider: type[DingTalk | WeCom | Feishu]) -> Callable[[Path], Any]:
    @contextmanager
    def stand(_folder: Path) -> Iterator[Stand]:
        with provider(HandClock(), {"tok-1": "" if kind == "wecom" else SECRET}) as server:
            yield Stand(
                kind,
                RobotOptions("app", SECRET, server.url, timeout=SHORT),
                "tok-1@13800000000",
                "tok-2",
                lambda: server.posted,
                server.hang,
                RobotOptions("app", SECRET, f"http://{HOST}:{free_port()}", timeout=SHORT),
            )

    return stand


def account_stand(
    kind: str, provider: Any, make: Callable[[Any, str], Any], good: str, bad: str
) -> Callable[[Path], Any]:
    """A provider where the organisation has an account: ``make`` gives the options for an address of it."""

    @contextmanager
    def stand(_folder: Path) -> Iterator[Stand]:
        clock = HandClock()
        with provider(clock) as server:
            arrived = lambda: getattr(server, "posted", None) or server.said  # noqa: E731 - what came, whatever it is called
            nobody = f"http://{HOST}:{free_port()}"
            yield Stand(kind, make(server, server.url), good, bad, arrived, server.hang, make(server, nobody), clock)

    return stand


def wecom_app(server: WeComApp, url: str) -> WeComAppOptions:
    return WeComAppOptions("app", server.corp, server.agent, server.secret, url, timeout=SHORT)


def dingtalk_work(server: DingTalkWork, url: str) -> DingTalkWorkOptions:
    return DingTalkWorkOptions("app", server.key, server.secret, server.agent, url, timeout=SHORT)


def feishu_app(server: FeishuApp, url: str) -> FeishuAppOptions:
    return FeishuAppOptions("app", server.app, server.secret, server.verification, url, timeout=SHORT)


def aliyun(template: str) -> Callable[[Aliyun, str], AliyunOptions]:
    return lambda server, url: AliyunOptions(
        "app",
        server.key,
        server.secret,
        template,
        "青溪消防",
        params={"mark": "{mark}", "place": "{place}"},
        callback_secret=server.callback_secret,
        url=url,
        timeout=SHORT,
    )


def tencent(server: Tencent, url: str) -> TencentOptions:
    return TencentOptions(
        "app",
        server.id,
        server.key,
        server.app,
        server.template,
        "青溪消防",
        ("{mark}", "{place}"),
        callback_secret=server.callback_secret,
        url=url,
        timeout=SHORT,
    )


def sms_gateway(_server: SmsGateway, url: str) -> SmsGatewayOptions:
    return SmsGatewayOptions(
        "app",
        f"{url}/send",
        fields={"user": "township", "mobile": "{phone}", "content": "{text}"},
        success=r"result=0\b",
        refusal=r"result=-2\b",
        reference=r"msgid=(\w+)",
        timeout=SHORT,
    )


def loudspeaker(server: SpeakerBox, url: str) -> LoudspeakerOptions:
    return LoudspeakerOptions("app", url=f"{url}/speakers/{{address}}", token=server.token, timeout=SHORT)


@contextmanager
def apprise_stand(_folder: Path) -> Iterator[Stand]:
    with Receiver(HandClock(), SECRET) as server:
        yield Stand(
            "apprise",
            AppriseOptions("app"),
            f"json://{HOST}:{server.port}/unsigned",
            "dingtalk://made-up-token",
            lambda: server.requests,
            server.hang,
            AppriseOptions("app", f"json://{HOST}:{free_port()}/{{address}}"),
        )


STANDS: dict[str, Callable[[Path], Any]] = {
    "log": log_stand,
    "mqtt": mqtt_stand,
    "webhook": webhook_stand,
    "smtp": smtp_stand,
    "dingtalk": robot_stand("dingtalk", DingTalk),
    "wecom": robot_stand("wecom", WeCom),
    "feishu": robot_stand("feishu", Feishu),
    "wecom-app": account_stand("wecom-app", WeComApp, wecom_app, "lin", "nobody"),
    "dingtalk-work": account_stand("dingtalk-work", DingTalkWork, dingtalk_work, "lin", "nobody"),
    "feishu-app": account_stand("feishu-app", FeishuApp, feishu_app, "ou_lin", "ou_nobody"),
    "aliyun-sms": account_stand("aliyun-sms", Aliyun, aliyun(Aliyun.sms_template), MOBILE, "12345"),
    "aliyun-voice": account_stand("aliyun-voice", Aliyun, aliyun(Aliyun.voice_template), MOBILE, "lin"),
    "tencent-sms": account_stand("tencent-sms", Tencent, tencent, MOBILE, "lin"),
    "tencent-voice": account_stand("tencent-voice", Tencent, tencent, MOBILE, "lin"),
    "sms-gateway": account_stand("sms-gateway", SmsGateway, sms_gateway, MOBILE, "13900000009"),
    "loudspeaker": account_stand("loudspeaker", SpeakerBox, loudspeaker, "shanghe", "nobody"),
    "apprise": apprise_stand,
}
REAL = [pytest.param(kind, marks=pytest.mark.server) if kind == "mqtt" else kind for kind in STANDS]
REMOTE = [kind for kind in REAL if kind != "log"]


def wait_until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(POLL_SECONDS)


@pytest.fixture
def stand(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stand]:
    with ExitStack() as stack:
        yield stack.enter_context(STANDS[request.param](tmp_path))


def use(channel: Channel, story: Callable[[Channel], Awaitable[None]]) -> None:
    async def run() -> None:
        try:
            await story(channel)
        finally:
            await channel.close()

    asyncio.run(run())


def test_every_kind_of_channel_has_a_stand():
    assert set(STANDS) == set(CHANNELS)


@pytest.mark.parametrize("stand", REAL, indirect=True)
def test_a_call_that_is_taken_has_a_receipt(stand: Stand):
    async def story(channel: Channel) -> None:
        assert (channel.name, channel.kind) == ("app", stand.kind)
        receipt = await channel.send(message(stand.good))
        assert receipt.state is CallState.SENT
        stand.clock.wind(60)  # some may be used once a minute
        again = await channel.send(message(stand.good, key="another"))
        assert again.state is CallState.SENT

    use(stand.make(), story)
    assert stand.arrived()


@pytest.mark.parametrize("stand", REMOTE, indirect=True)
def test_a_server_that_is_not_there_may_come_back(stand: Stand):
    async def story(channel: Channel) -> None:
        with pytest.raises(ChannelDown):
            await channel.send(message(stand.good))

    use(stand.make(stand.silent_options), story)


@pytest.mark.parametrize("stand", REMOTE, indirect=True)
def test_what_is_refused_is_refused_for_good(stand: Stand):
    async def story(channel: Channel) -> None:
        with pytest.raises(ChannelRefused):
            await channel.send(message(stand.bad))
        assert (await channel.send(message(stand.good))).state is CallState.SENT

    use(stand.make(), story)


@pytest.mark.parametrize("stand", REMOTE, indirect=True)
def test_a_server_that_does_not_answer_can_be_left(stand: Stand):
    assert stand.hang is not None
    stand.hang()

    async def story(channel: Channel) -> None:
        sending = asyncio.create_task(channel.send(message(stand.good)))
        done, _ = await asyncio.wait([sending], timeout=0.2)
        assert not done
        sending.cancel()
        done, _ = await asyncio.wait([sending], timeout=1)
        assert done
        assert sending.cancelled()

    use(stand.make(), story)
