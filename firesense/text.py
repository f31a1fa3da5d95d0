"""Every text a person reads, in Chinese and English: the one catalogue.

``say("call.title.fire", "zh", device="...")`` fills the placeholders of the entry. A missing entry is a KeyError: a
test goes through all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LANGUAGES = ("zh", "en")

# key: (Chinese, English). Sections are kept in the order of the rooms that use them.
TEXTS: Mapping[str, tuple[str, str]] = {
    # -- classes, grades, conditions, cases, findings ---------------------------------------------------------------
    "class.fire": ("火警", "Fire"),
    "class.hazard": ("隐患", "Hazard"),
    "class.fault": ("故障", "Fault"),
    "class.test": ("测试", "Test"),
    "grade.minor": ("轻微", "minor"),
    "grade.general": ("一般", "general"),
    "grade.major": ("重大", "major"),
    "condition.firing": ("报警中", "firing"),
    "condition.latched": ("已锁存", "latched"),
    "condition.resolved": ("已恢复", "resolved"),
    "case.open": ("待处置", "open"),
    "case.acknowledged": ("已接警", "acknowledged"),
    "case.dispatched": ("已派员", "dispatched"),
    "case.verified": ("已核实", "verified"),
    "case.closed": ("已办结", "closed"),
    "finding.fire": ("火情属实", "fire"),
    "finding.false-alarm": ("误报", "false alarm"),
    "finding.fault": ("设备故障", "fault"),
    "finding.test": ("测试", "test"),
    "finding.cleared-itself": ("自行恢复", "cleared by itself"),
    # -- why a frame is in quarantine -------------------------------------------------------------------------------
    "reason.unknown-topic": ("主题未登记", "no profile knows this topic"),
    "reason.unknown-device": ("设备未登记", "the device is not registered"),
    "reason.malformed": ("报文损坏", "the payload is malformed"),
    "reason.not-utf8": ("不是 UTF-8", "the payload is not UTF-8"),
    "reason.wrong-type": ("字段类型错误", "a field has the wrong type"),
    "reason.not-finite": ("数值无效", "a number is not finite"),
    "reason.oversized": ("报文过长", "the payload is too large"),
    "reason.bad-time": ("时间无法识别", "the time cannot be read"),
    "reason.empty": ("没有可用内容", "nothing the profile knows"),
    "reason.sink-refused": ("历史库拒收", "the history store refused it"),
    # -- calls (notify) ---------------------------------------------------------------------------------------------
    "call.title": ("【{mark}】{place} · {device}", "[{mark}] {place} · {device}"),
    "call.mark.hazard": ("{grade}隐患", "{grade} hazard"),
    "call.mark.late": ("{mark}·迟到", "{mark}, late"),
    "call.mark.notice": ("无人接警", "Nobody answers"),
    "call.cleared.fire": ("火警解除", "Fire cleared"),
    "call.cleared.hazard": ("隐患消除", "Hazard cleared"),
    "call.cleared.fault": ("故障恢复", "Fault recovered"),
    "call.cleared.test": ("测试结束", "Test over"),
    "call.notice": (
        "已逐级上报一轮，仍无人接警，请立即处置。",
        "Everybody on the ladder was called and nobody has taken it. Act now.",
    ),
    "call.test": ("这是测试，不是火警。", "This is a test, not a fire."),
    "call.what": ("情况：{what}", "What: {what}"),
    "call.place": ("位置：{place}", "Where: {place}"),
    "call.device": ("设备：{device}", "Device: {device}"),
    "call.value": ("读数：{label} {value}{unit}", "Reading: {label} {value}{unit}"),
    "call.time": ("时间：{time}", "When: {time}"),
    "call.received": ("收到：{time}（迟到）", "Received: {time} (late)"),
    "call.cleared-at": ("恢复：{time}", "Over: {time}"),
    "call.rung": ("上报：第{round}轮第{rung}级", "Climb: round {round}, rung {rung}"),
    # -- console (web) ----------------------------------------------------------------------------------------------
}


def say(key: str, language: str, /, **values: object) -> str:
    """Give the text of that key in that language (anything but "en" is Chinese) with its placeholders filled."""
    chinese, english = TEXTS[key]
    return (english if language == "en" else chinese).format(**values)
