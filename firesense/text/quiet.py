"""What people read about quiet windows, in Chinese and English; ``text`` has it in its catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Each entry has its Chinese text first, then the English one.
QUIET_TEXTS: Mapping[str, tuple[str, str]] = {
    # -- each window is an alert ------------------------------------------------------------------------------------
    "alert.maintenance": (
        "维护中：{subject}（{why}）；隐患和故障只记录、不通知，火警照常通知",
        "Under maintenance: {subject} ({why}). Hazards and faults are recorded and call nobody; fire does",
    ),
    "alert.shelved": ("已搁置：{subject} {rule}（{why}）", "Shelved: {subject} {rule} ({why})"),
    "alert.walk-test": (
        "巡检测试中：{subject}（{why}）；火警信号只通知测试人员",
        "Walk test: {subject} ({why}). What says fire there is told to the tester alone",
    ),
    "alert.first-out": ("（本事件首警：{device}，{alert}）", " (first of this event: {device}, {alert})"),
    "quiet.maintenance": ("维护中", "maintenance"),
    "quiet.shelved": ("已搁置", "shelved"),
    "quiet.walk-test": ("巡检测试", "walk test"),
    # -- calls and stories ------------------------------------------------------------------------------------------
    "call.mark.no-tester": ("测试人员联系不上", "The tester cannot be reached"),
    "call.notice.no-tester": (
        "该处正在巡检测试，但测试人员 {who} 联系不上，此警按真实警情通知。",
        "There is a walk test here, but its tester {who} cannot be reached: this is called as a real alarm.",
    ),
    "call.window.0": ("开始", "begun"),
    "call.window.1": ("即将结束", "ends soon"),
    "call.window.2": ("已结束", "over"),
    "call.purpose.tested": ("测试通知", "walk test"),
    "call.purpose.window": ("静默提醒", "quiet window"),
    "step.held": ("静默期内，暂不通知", "kept quiet"),
    "step.released": ("静默期结束，仍未恢复", "the quiet is over, it still stands"),
    # -- explain ----------------------------------------------------------------------------------------------------
    "explain.chatter": (
        "频繁触发：十分钟内 {chatters} 次即合并为一条，其后 {count} 次只计数",
        "it chattered: {chatters} trips in ten minutes are one alarm, {count} more were only counted",
    ),
    "explain.hidden": (
        "因本警情而未另报：{device} {rule}，{count} 次（{span}）",
        "hidden by this alert: {device} {rule}, {count} times ({span})",
    ),
    "explain.quiet": (
        "静默期内未通知：{device} {rule}，{count} 次（{span}）",
        "kept quiet by this window: {device} {rule}, {count} times ({span})",
    ),
    "explain.held": (
        "{at} 起因{kind}暂不通知：{who}，{why}（{window}）",
        "called nobody from {at} on: {kind}, {who}: {why} ({window})",
    ),
    "explain.was_hidden": ("此前被警情 {alert} 掩盖", "until then hidden by alert {alert}"),
    "explain.in_force": ("当时成立：{what}", "was so then: {what}"),
    "explain.not_in_force": ("当时不成立：{what}", "was not so then: {what}"),
    "explain.member": ("由此构成：{device} {rule} {at} {alert}", "made of: {device} {rule} {at} {alert}"),
    "explain.first": ("本事件首警：{alert}", "first of this event: {alert}"),
    # -- the console ------------------------------------------------------------------------------------------------
    "web.why": ("为什么报警、哪些未通知", "Why it was raised, and what was not told"),
    "web.quiet": ("维护、搁置与巡检测试", "Maintenance, shelving, walk tests"),
    "web.quiet.none": ("目前没有静默项", "Nothing is quiet"),
    "web.quiet.until": ("至 {at}", "until {at}"),
    "web.quiet.more": ("查看", "see"),
    "web.quiet.end": ("立即结束", "End now"),
    "web.quiet.ending": ("已结束，仍未恢复的即将通知", "Over: what still stands is about to be called"),
    "web.quiet.report": ("巡检测试报告", "Walk test report"),
    "web.quiet.tally": ("已收到 {heard} 台，未收到 {missing} 台", "{heard} heard, {missing} not heard"),
    "web.quiet.heard": ("收到信号", "Heard"),
    "web.quiet.not_heard": ("未收到", "not heard"),
    "web.quiet.place": ("地点编码（含下级）", "Place code (with all below)"),
    "web.quiet.where": ("地点", "Place"),
    "web.quiet.device": ("设备编号", "Device id"),
    "web.quiet.rule": ("规则", "Rule"),
    "web.quiet.tester": ("测试人员", "Tester"),
    "web.quiet.minutes": ("分钟", "Minutes"),
    "web.quiet.why": ("原因", "Why"),
    "web.quiet.who": ("{who} 设置：{why}", "set by {who}: {why}"),
    "web.quiet.start.maintenance": ("开始维护", "Begin maintenance"),
    "web.quiet.start.shelved": ("搁置规则", "Shelve a rule"),
    "web.quiet.start.walk-test": ("开始巡检测试", "Begin a walk test"),
    "web.quiet.choose": ("地点和设备只填一项", "Either a place or a device"),
    "web.quiet.unknown": ("没有“{name}”，请从列表中选择", "There is no {name}: choose from the list"),
    "conflict.quiet.where": (
        "未执行：只能填写一个地点、一台设备或一个网关",
        "Not done: say one place, one device or one gateway",
    ),
    "conflict.quiet.closed": ("未执行：该警情已办结", "Not done: this alert is closed"),
    "conflict.quiet.fire": ("未执行：只有隐患和故障可以搁置", "Not done: only hazards and faults are shelved"),
    "conflict.quiet.unreachable": (
        "未执行：{who} 没有联系方式，测试信号将无人知晓",
        "Not done: {who} has no address, nobody would be told of the test",
    ),
    "conflict.quiet.long": ("未执行：最长 {hours} 小时", "Not done: it lasts at most {hours} hours"),
    "conflict.quiet.long-in-all": (
        "未执行：总计最长 {hours} 小时，请结束后另行设置",
        "Not done: it lasts at most {hours} hours in all: end it, and begin another one",
    ),
    "conflict.quiet.no-walk-test": ("这不是巡检测试", "This is no walk test"),
    "conflict.quiet.why": ("未执行：请填写原因", "Not done: say why"),
    "conflict.quiet.far": (
        "未执行：开始时间须在过去一天至今后 {days} 天之内",
        "Not done: it begins within the last day or the next {days} days",
    ),
    "conflict.quiet.twice": ("此项已设置", "It is set already"),
    "conflict.quiet.over": ("此项已结束", "It is over already"),
    "web.quiet.held": ("静默中", "kept quiet"),
    "web.quiet.shelve": ("搁置此警情", "Shelve this alert"),
    "web.quiet.says.maintenance": (
        "期间隐患和故障只记录、不通知；火警照常通知。结束时仍未恢复的，届时通知。",
        "Hazards and faults are recorded and call nobody; fire does. What still stands at the end is called then.",
    ),
    "web.quiet.says.shelved": (
        "期间该规则在此处只记录、不通知；火警不可搁置。",
        "This rule is recorded there and calls nobody. Fire cannot be shelved.",
    ),
    "web.quiet.says.walk-test": (
        "期间该地点的火警信号只通知测试人员；结束后仍持续的，按真实火警处置。",
        "What says fire there is told to the tester alone; what goes on saying so after the end is a fire.",
    ),
}
