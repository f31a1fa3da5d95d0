"""Channels by technology, and the outbox that delivers calls over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from firesense.notify.dingtalk import DingTalkChannel
from firesense.notify.feishu import FeishuChannel
from firesense.notify.log import LogChannel, LogOptions
from firesense.notify.long_tail import AppriseChannel, AppriseOptions
from firesense.notify.mqtt import MqttChannel, MqttOptions
from firesense.notify.robot import RobotOptions
from firesense.notify.smtp import SmtpChannel, SmtpOptions
from firesense.notify.webhook import WebhookChannel, WebhookOptions
from firesense.notify.wecom import WeComChannel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from firesense.ports import Channel, Clock


class Technology(NamedTuple):
    """A kind of channel: the dataclass of its options, and what makes it of them.

    Making a channel raises ConfigError with every fault of its options; paths are the options' names.
    """

    options: type[Any]
    make: Callable[[Any, Clock], Channel]


CHANNELS: Mapping[str, Technology] = {
    LogChannel.kind: Technology(LogOptions, LogChannel),
    MqttChannel.kind: Technology(MqttOptions, MqttChannel),
    WebhookChannel.kind: Technology(WebhookOptions, WebhookChannel),
    SmtpChannel.kind: Technology(SmtpOptions, SmtpChannel),
    DingTalkChannel.kind: Technology(RobotOptions, DingTalkChannel),
    WeComChannel.kind: Technology(RobotOptions, WeComChannel),
    FeishuChannel.kind: Technology(RobotOptions, FeishuChannel),
    AppriseChannel.kind: Technology(AppriseOptions, AppriseChannel),
}
