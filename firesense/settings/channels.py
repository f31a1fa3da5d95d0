"""The channels of the settings: by what people are called."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from firesense.domain.quiet_hours import SPAN
from firesense.settings.sections import Broker, Count, Port, Tls
from firesense.yamlfile import Duration, Written


class LogChannelSettings(Written):
    """Calls as lines in the log; ``echo`` prints them as the person would read them."""

    kind: Literal["log"]
    name: str
    echo: bool = False


class MqttChannelSettings(Written):
    """Calls as JSON on a topic; ``{address}``, ``{place}`` and ``{class}`` in it are filled in.

    Without a ``host`` it is the first of the brokers: see ``at_the_broker``.
    """

    kind: Literal["mqtt"]
    name: str
    host: str = "127.0.0.1"
    port: Port = 1883
    topic: str = "firesense/calls/{address}"
    username: str = ""
    password: SecretStr = SecretStr("")
    client_id: str = ""
    tls: Tls | None = None
    protocol: Literal["5", "3.1.1"] = "5"
    require_subscriber: bool = False
    answers: str = ""
    receipt_within: Duration | None = None
    timeout: Duration = timedelta(seconds=8)


class WebhookChannelSettings(Written):
    """Calls as signed HTTP posts to ``url``, or else to the person's address, whose host must be one of ``hosts``."""

    kind: Literal["webhook"]
    name: str
    secret: SecretStr
    url: str = ""
    hosts: tuple[str, ...] = ()
    allow_private: bool = False
    timeout: Duration = timedelta(seconds=75)
    ca_file: str = ""


class SmtpChannelSettings(Written):
    """Calls as e-mail."""

    kind: Literal["smtp"]
    name: str
    host: str
    sender: str
    port: Port = 587
    security: Literal["starttls", "tls", "plain"] = "starttls"
    username: str = ""
    password: SecretStr = SecretStr("")
    ca_file: str = ""
    timeout: Duration = timedelta(seconds=10)


class RobotChannelSettings(Written):
    """A group robot of DingTalk, WeCom or Feishu: docs/channels.md says what ``url`` and a person's address hold."""

    kind: Literal["dingtalk", "wecom", "feishu"]
    name: str
    url: SecretStr = SecretStr("")
    secret: SecretStr = SecretStr("")
    per_minute: Count = 20
    timeout: Duration = timedelta(seconds=75)
    ca_file: str = ""


class WeComAppChannelSettings(Written):
    """Messages of a WeCom app; a person's address is the member's user id. With the two of its callbacks, cards."""

    kind: Literal["wecom-app"]
    name: str
    corp_id: str
    agent_id: Count
    secret: SecretStr
    token: SecretStr = SecretStr("")
    encoding_aes_key: SecretStr = SecretStr("")
    url: str = ""
    timeout: Duration = timedelta(seconds=75)
    ca_file: str = ""


class DingTalkWorkChannelSettings(Written):
    """Work notices of a DingTalk app; a person's address is the employee's user id."""

    kind: Literal["dingtalk-work"]
    name: str
    app_key: str
    app_secret: SecretStr
    agent_id: Count
    url: str = ""
    receipt_within: Duration | None = timedelta(minutes=2)
    ask_every: Duration | None = timedelta(seconds=20)
    timeout: Duration = timedelta(seconds=75)
    ca_file: str = ""


class FeishuAppChannelSettings(Written):
    """Cards of a Feishu app with a button to take the alert; token and ``encrypt_key`` are those of its callbacks."""

    kind: Literal["feishu-app"]
    name: str
    app_id: str
    app_secret: SecretStr
    verification_token: SecretStr = SecretStr("")
    encrypt_key: SecretStr = SecretStr("")
    url: str = ""
    timeout: Duration = timedelta(seconds=75)
    ca_file: str = ""


class AliyunChannelSettings(Written):
    """Text messages or voice calls over Aliyun, by an approved template whose places ``params`` fills."""

    kind: Literal["aliyun-sms", "aliyun-voice"]
    name: str
    access_key_id: str
    access_key_secret: SecretStr
    template: str
    sign_name: str = ""
    caller: str = ""
    params: dict[str, str] = Field(default_factory=dict)
    most: Annotated[int, Field(ge=4, le=35)] = 20
    per_day: Count = 50
    play_times: Annotated[int, Field(ge=1, le=3)] = 2
    callback_secret: SecretStr = SecretStr("")
    url: str = ""
    receipt_within: Duration | None = timedelta(minutes=2)
    ask_every: Duration | None = timedelta(seconds=30)
    timeout: Duration = timedelta(seconds=75)
    ca_file: str = ""


class TencentChannelSettings(Written):
    """Text messages or voice calls over Tencent Cloud, by an approved template; ``params`` fill its places in order."""

    kind: Literal["tencent-sms", "tencent-voice"]
    name: str
    secret_id: str
    secret_key: SecretStr
    app_id: str
    template: str
    sign_name: str = ""
    params: tuple[str, ...] = ()
    most: Annotated[int, Field(ge=4, le=35)] = 12
    per_day: Count = 10
    play_times: Annotated[int, Field(ge=1, le=3)] = 2
    region: str = "ap-guangzhou"
    callback_secret: SecretStr = SecretStr("")
    url: str = ""
    receipt_within: Duration | None = timedelta(minutes=2)
    ask_every: Duration | None = timedelta(seconds=30)
    timeout: Duration = timedelta(seconds=75)
    ca_file: str = ""


class SmsGatewayChannelSettings(Written):
    """Text messages over an HTTP gateway; {phone}, {text} and {id} in ``fields`` are filled in."""

    kind: Literal["sms-gateway"]
    name: str
    url: str
    send: Literal["query", "form", "json"] = "form"
    fields: dict[str, SecretStr] = Field(
        default_factory=lambda: {"phone": SecretStr("{phone}"), "text": SecretStr("{text}")}
    )
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    success: str
    refusal: str = ""
    reference: str = ""
    parts: Annotated[int, Field(ge=1, le=8)] = 1
    text: str = ""
    charset: Literal["utf-8", "gbk", "gb18030"] = "utf-8"
    per_day: Count = 50
    callback_secret: SecretStr = SecretStr("")
    receipt_within: Duration | None = None
    timeout: Duration = timedelta(seconds=75)
    ca_file: str = ""


class LoudspeakerChannelSettings(Written):
    """Village loudspeakers behind a broker (``host``) or an HTTP address (``url``); ``quiet``: of fires alone then."""

    kind: Literal["loudspeaker"]
    name: str
    host: str = ""
    port: Port = 1883
    topic: str = "loudspeaker/{address}/say"
    username: str = ""
    password: SecretStr = SecretStr("")
    client_id: str = ""
    tls: Tls | None = None
    url: str = ""
    token: SecretStr = SecretStr("")
    volume: Count = 60
    fire_volume: Count = 100
    repeats: Annotated[int, Field(ge=1, le=20)] = 3
    quiet: Annotated[str, Field(pattern=SPAN)] = "21:00-07:00"
    text: str = ""
    most: Annotated[int, Field(ge=20, le=1000)] = 120
    answers: str = ""
    callback_secret: SecretStr = SecretStr("")
    receipt_within: Duration | None = None
    timeout: Duration = timedelta(seconds=75)
    ca_file: str = ""


class AppriseChannelSettings(Written):
    """Anything else apprise can reach; ``{address}`` in its ``url`` becomes the person's address."""

    kind: Literal["apprise"]
    name: str
    url: SecretStr = SecretStr("")


ChannelSettings = Annotated[
    LogChannelSettings
    | MqttChannelSettings
    | WebhookChannelSettings
    | SmtpChannelSettings
    | RobotChannelSettings
    | WeComAppChannelSettings
    | DingTalkWorkChannelSettings
    | FeishuAppChannelSettings
    | AliyunChannelSettings
    | TencentChannelSettings
    | SmsGatewayChannelSettings
    | LoudspeakerChannelSettings
    | AppriseChannelSettings,
    Field(discriminator="kind"),
]


def at_the_broker(channel: MqttChannelSettings, broker: Broker) -> MqttChannelSettings:
    """Take from the broker what nobody wrote for the channel; one with a ``host`` of its own is left as it is.

    The login is taken whole or not at all: a name of one with the password of the other lets nobody in.
    """
    written = channel.model_fields_set
    if "host" in written:
        return channel
    protocol: Literal["5", "3.1.1"] = "5" if broker.protocol == "mqtt5" else "3.1.1"
    beside: dict[str, object] = {"host": broker.host, "port": broker.port, "tls": broker.tls, "protocol": protocol}
    if not written & {"username", "password"}:
        beside |= {"username": broker.username, "password": broker.password}
    return channel.model_copy(update={name: value for name, value in beside.items() if name not in written})
