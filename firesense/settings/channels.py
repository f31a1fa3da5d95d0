"""The channels of the settings: by what people are called."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from firesense.settings.sections import Count, Port, Tls
from firesense.yamlfile import Duration, Written


class LogChannelSettings(Written):
    """Calls as lines in the log; ``echo`` prints them as the person would read them."""

    kind: Literal["log"]
    name: str
    echo: bool = False


class MqttChannelSettings(Written):
    """Calls as JSON on a topic; ``{address}``, ``{place}`` and ``{class}`` in it are filled in."""

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
    timeout: Duration = timedelta(seconds=8)


class WebhookChannelSettings(Written):
    """Calls as signed HTTP posts to ``url``, or else to the person's address, whose host must be one of ``hosts``."""

    kind: Literal["webhook"]
    name: str
    secret: SecretStr
    url: str = ""
    hosts: tuple[str, ...] = ()
    allow_private: bool = False
    timeout: Duration = timedelta(seconds=10)
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
    timeout: Duration = timedelta(seconds=10)
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
    | AppriseChannelSettings,
    Field(discriminator="kind"),
]
