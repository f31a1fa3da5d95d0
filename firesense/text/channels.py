"""What people read and hear where there is little room, in Chinese and English; ``text`` has it in its catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Each entry has its Chinese text first, then the English one.
CHANNEL_TEXTS: Mapping[str, tuple[str, str]] = {
    "channel.wecom-app": ("企业微信应用", "WeCom app"),
    "channel.dingtalk-work": ("钉钉工作通知", "DingTalk work notice"),
    "channel.feishu-app": ("飞书应用", "Feishu app"),
    "channel.aliyun-sms": ("短信", "text message"),
    "channel.aliyun-voice": ("语音电话", "voice call"),
    "channel.tencent-sms": ("短信", "text message"),
    "channel.tencent-voice": ("语音电话", "voice call"),
    "channel.sms-gateway": ("短信", "text message"),
    "channel.trial": ("通道测试，收到即可，无需处置", "a test of this channel: nothing is to be done"),
    "channel.loudspeaker": ("村级广播", "loudspeaker"),
    "call.incident": ("属同一事件，首起警情：{incident}", "Same event as alert {incident}, which was first"),
    "web.flood.now": ("警情过多：{people} 的通知合并发送", "Too many alerts: {people} told in bundles, fires apart"),
    "receipt.no subscriber": ("无人订阅，可能没有人收到", "nobody subscribes to it: it may have reached nobody"),
    # -- where every character counts -------------------------------------------------------------------------------
    "sms.text": ("{mark}：{place}，{what}，{clock}。", "{mark}: {place}, {what}, {clock}."),
    "sms.text.until": ("{mark}：{place}，{what}。期限{until}。", "{mark}: {place}, {what}. By {until}."),
    "sms.note": ("{by}：{note}。", " {by}: {note}."),
    "sms.note.nobody": ("{note}。", " {note}."),
    "sms.code": ("回复{code}接警", "Reply {code} to take it"),
    "sms.code.undone": ("回复{code}接手", "Reply {code} to take it over"),
    "sms.code.whistle": ("回复{code}报到", "Reply {code}: we are coming"),
    "sms.bundle": ("{title}。详见平台", "{title}. See the console"),
    # -- to be spoken -----------------------------------------------------------------------------------------------
    "voice.text": ("{mark}。{place}，{what}，时间{clock}。", "{mark}. {place}, {what}, at {clock}."),
    "voice.press": ("接警请按1。", "Press 1 to take it."),
    "speaker.fire": ("火警！火警！{place}，{what}。请附近人员注意安全。", "Fire! Fire! {place}, {what}. Take care."),
    "speaker.over": ("{mark}。{place}。", "{mark}. {place}."),
    "speaker.other": ("通知：{mark}。{place}，{what}。", "Notice: {mark}. {place}, {what}."),
    # -- a card with a button, and the page behind a link -----------------------------------------------------------
    "take.heard": ("已收到", "Received"),
    "take.button": ("接警", "Take it"),
    "take.link": ("点此接警：{link}", "Take it here: {link}"),
    "take.title": ("接警确认", "Take this alert"),
    "take.who": ("{name}，您将接下这起警情：", "{name}, you are about to take this alert:"),
    "take.hint": ("接警后停止逐级上报，由您负责处置。", "Nobody else is called then: it is yours to see to."),
    "take.done": ("已接警，请尽快处置。", "It is yours. See to it now."),
    "take.yours": ("您已接警。", "You have it already."),
    "take.gone": ("{who} 已接警。", "{who} has it."),
    # whoever has it does nothing
    "take.button.undone": ("接手", "Take it over"),
    "take.link.undone": ("点此接手：{link}", "Take it over here: {link}"),
    "take.title.undone": ("接手确认", "Take this alert over"),
    "take.who.undone": (
        "{name}，{holder} 已接警但至今没有进展。您可以接手：",
        "{name}, {holder} has this alert and nothing has moved. You may take it over:",
    ),
    "take.hint.undone": (
        "接手后由您负责处置，时限重新计算。",
        "It is yours to see to then, and its time begins anew.",
    ),
    "take.done.undone": ("已接手，请尽快处置。", "It is yours now. See to it."),
    "take.yours.undone": ("这起警情已由您负责。", "It is yours already."),
    "take.gone.undone": ("{who} 正在处置。", "{who} is seeing to it."),
    # a department is called in
    "take.button.whistle": ("报到", "We are coming"),
    "take.link.whistle": ("点此报到：{link}", "Say that you are coming: {link}"),
    "take.title.whistle": ("报到确认", "You are called in"),
    "take.who.whistle": ("{name}，您的部门被吹哨，请报到：", "{name}, your department is called in:"),
    "take.hint.whistle": (
        "报到表示贵部门已出动；警情仍由原接警人负责。",
        "That says that you are on your way; the alert stays with whoever has it.",
    ),
    "take.done.whistle": ("已报到，请尽快到场。", "They know that you are coming. Be there soon."),
    "take.yours.whistle": ("您已报到。", "You have said that you are coming."),
    "take.gone.whistle": ("{who} 已报到。", "{who} is coming."),
    "take.since": ("时间", "Since"),
    "take.gone_hint": (
        "您无需再处理。如要协助、接手或查看进展，请登录平台。",
        "Nothing is left for you to do. To help, to take it over or to see how it goes, log in to the console.",
    ),
    "take.console": ("打开平台（需登录）", "Open the console (log in)"),
    "take.dead_hint": (
        "请打开最近一条消息里的完整链接，或联系值班室。",
        "Open the whole link of the latest message, or ask the station on duty.",
    ),
    "take.over": ("这起警情已经结束，链接失效。", "This alert is over, and the link with it."),
    "take.dead": ("链接无效或已过期。", "This link is not valid, or not any more."),
}
