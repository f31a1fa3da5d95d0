"""Channels by technology, and the outbox that delivers calls over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from firesense.notify.aliyun import AliyunOptions, AliyunSmsChannel, AliyunVoiceChannel
from firesense.notify.dingtalk import DingTalkChannel
from firesense.notify.dingtalk_work import DingTalkWorkChannel, DingTalkWorkOptions
from firesense.notify.feishu import FeishuChannel
from firesense.notify.feishu_app import FeishuAppChannel, FeishuAppOptions
from firesense.notify.log import LogChannel, LogOptions
from firesense.notify.long_tail import AppriseChannel, AppriseOptions
from firesense.notify.loudspeaker import LoudspeakerChannel, LoudspeakerOptions
from firesense.notify.mqtt import MqttChannel, MqttOptions
from firesense.notify.robot import RobotOptions
from firesense.notify.sms_gateway import SmsGatewayChannel, SmsGatewayOptions
from firesense.notify.smtp import SmtpChannel, SmtpOptions
from firesense.notify.tencent import TencentOptions, TencentSmsChannel, TencentVoiceChannel
from firesense.notify.webhook import WebhookChannel, WebhookOptions
from firesense.notify.wecom import WeComChannel
from firesense.notify.wecom_app import WeComAppChannel, WeComAppOptions

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
    WeComAppChannel.kind: Technology(WeComAppOptions, WeComAppChannel),
    DingTalkWorkChannel.kind: Technology(DingTalkWorkOptions, DingTalkWorkChannel),
    FeishuAppChannel.kind: Technology(FeishuAppOptions, FeishuAppChannel),
    AliyunSmsChannel.kind: Technology(AliyunOptions, AliyunSmsChannel),
    AliyunVoiceChannel.kind: Technology(AliyunOptions, AliyunVoiceChannel),
    TencentSmsChannel.kind: Technology(TencentOptions, TencentSmsChannel),
    TencentVoiceChannel.kind: Technology(TencentOptions, TencentVoiceChannel),
    SmsGatewayChannel.kind: Technology(SmsGatewayOptions, SmsGatewayChannel),
    LoudspeakerChannel.kind: Technology(LoudspeakerOptions, LoudspeakerChannel),
    AppriseChannel.kind: Technology(AppriseOptions, AppriseChannel),
}
