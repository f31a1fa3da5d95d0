"""Texts about alerts: what they are called, why they were raised, and how people are told of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ALERT_TEXTS: Mapping[str, tuple[str, str]] = {
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
    "case.on-site": ("已到场", "on site"),
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
    "reason.damaged": ("流水账校验不符", "the journal's checksum differs"),
    "reason.lost": ("流水账损坏，原始报文丢失", "the journal has lost its bytes"),
    # -- alerts that come of no rule --------------------------------------------------------------------------------
    "alert.gateway-silent": (
        "网关 {gateway} 失联：其下 {count} 台设备均无数据",
        "Gateway {gateway} is silent: nothing is heard of the {count} devices behind it",
    ),
    "alert.stranger-fire": (
        "未登记设备 {external_id} 报火警（主题 {topic}）",
        "Unregistered device {external_id} says fire (topic {topic})",
    ),
    "alert.stranger-fires": (
        "另有多台未登记设备报火警，首台为 {external_id}（主题 {topic}）",
        "More unregistered devices say fire, first {external_id} (topic {topic})",
    ),
    "alert.ingest-deaf": (
        "与消息服务器失去联系：收不到任何设备数据",
        "No contact with the broker: no device is heard",
    ),
    # -- alerts about firesense itself: docs/operations.md says what to do ------------------------------------------
    "alert.street-lags": (
        "平台“{street}”环节积压：数据处理滞后",
        "The {street} street of firesense is behind: frames wait to be worked on",
    ),
    "alert.sink-down": (
        "历史库无法写入：读数暂存在流水账中，告警不受影响",
        "The history store takes no readings: they wait in the journal, alerts are not affected",
    ),
    "alert.channel-down": (
        "通知渠道“{name}”不可用：经它发出的通知将重试",
        "The channel {name} takes no calls: they are tried again",
    ),
    "alert.journal-full": (
        "流水账已达上限：停止接收，数据暂存在消息服务器",
        "The journal has reached its limit: frames stay with the broker",
    ),
    "alert.journal-refuses": (
        "流水账无法写入：停止接收，数据暂存在消息服务器",
        "The journal cannot be written: frames stay with the broker",
    ),
    "alert.quarantine-full": (
        "隔离区已达上限：同类报文只计数，不再保留原文",
        "The quarantine has reached its limit: frames refused alike are only counted",
    ),
    "alert.journal-damaged": (
        "流水账局部损坏：受影响的报文已隔离",
        "The journal is damaged in places: the frames concerned are in quarantine",
    ),
    "alert.journal-mended": (
        "启动时发现流水账损坏：已抢救可读部分，原文件已另存",
        "The journal was damaged at the start: what could be read was kept, the file was set aside",
    ),
    "alert.journal-shorter": (
        "流水账比账本旧：缺失的报文按丢失计",
        "The journal ends before what was done of it (an old copy?): the frames missing are counted as lost",
    ),
    "alert.book-mended": (
        "启动时发现账本损坏：已抢救可读部分，原文件已另存，请核对人员与设备",
        "The book was damaged at the start: what could be read was kept, the file was set aside. Check people, devices",
    ),
    "alert.state-damaged": (
        "启动时发现规则状态损坏：已由流水账重建",
        "The rules' state was damaged at the start: it was rebuilt from the journal",
    ),
    # -- calls (notify) ---------------------------------------------------------------------------------------------
    "call.title": ("【{mark}】{place} · {device}", "[{mark}] {place} · {device}"),
    "call.title.place": ("【{mark}】{place}", "[{mark}] {place}"),
    "call.mark.hazard": ("{grade}隐患", "{grade} hazard"),
    "call.mark.late": ("{mark}·迟到", "{mark}, late"),
    "call.mark.notice": ("无人接警", "Nobody answers"),
    "call.cleared.fire": ("火警解除", "Fire cleared"),
    "call.cleared.hazard": ("隐患消除", "Hazard cleared"),
    "call.cleared.fault": ("故障恢复", "Fault recovered"),
    "call.cleared.test": ("测试结束", "Test over"),
    "call.bundle": ("【{count} 条通知】{marks}", "[{count} notices] {marks}"),
    "call.bundle.and": ("、", ", "),
    "call.bundle.more": ("另有 {count} 条，见平台", "{count} more on the console"),
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
    # -- export to other authorities (cap) --------------------------------------------------------------------------
    "cap.restriction": (
        "仅供本地区消防网格及其上级部门使用，不得对公众发布",
        "For the fire-safety posts of this area and those above them; not for the public",
    ),
    "cap.note.exercise": ("演练，不是真实警情", "An exercise, not a real alarm"),
    "cap.note.test": ("测试，不是真实警情", "A test, not a real alarm"),
    "cap.mark.exercise": ("演练·{mark}", "EXERCISE, {mark}"),
    "cap.mark.climbed": ("{mark}·上报第{round}轮第{rung}级", "{mark}, round {round}, rung {rung}"),
    "cap.mark.verified": ("{mark}·已核实", "{mark}, verified"),
    "cap.mark.closed": ("{mark}·办结", "{mark}, closed"),
    "cap.mark.cancelled": ("{mark}·撤销", "{mark}, withdrawn"),
    "cap.climbed": (
        "无人接警，已上报至第{round}轮第{rung}级：{roles}",
        "Nobody took it; round {round}, rung {rung} was called: {roles}",
    ),
    "cap.verified": ("现场核实：{finding}", "Found on site: {finding}"),
    "cap.reported": ("群众上报的{grade}隐患", "A hazard reported by people, grade: {grade}"),
    "cap.closed": ("已办结，现场核实：{finding}", "Closed; found on site: {finding}"),
    "cap.nowhere": ("地点不明", "Place unknown"),
    "cap.do.fire": (
        "立即到场核实；属实即组织疏散、拨打119。",
        "Go and look at once; if it burns, get people out and call 119.",
    ),
    "cap.do.hazard": ("到场核实，按隐患等级整改。", "Look at it, and put it right as its grade asks."),
    "cap.do.fault": ("安排维保人员检修。", "Have the maintainer see to it."),
    "cap.do.test": ("无需处置。", "Nothing is to be done."),
    "cap.do.over": ("无需进一步处置。", "Nothing more is to be done."),
    # -- explain ----------------------------------------------------------------------------------------------------
    "explain.what": ("警情", "Alert"),
    "explain.rule": ("规则", "Rule"),
    "explain.readings": ("依据的读数", "Readings that made it so"),
    "explain.suppressed": ("未另行通知", "Not told again"),
    "explain.route": ("上报路线", "Route"),
    "explain.rungs": ("逐级上报", "Rungs"),
    "explain.calls": ("通知与回执", "Calls and receipts"),
    "explain.story": ("经过", "Story"),
    "explain.version": ("规则 {rule}，版本 {version}", "rule {rule}, version {version}"),
    "explain.version.same": ("现行版本相同", "the same is in force now"),
    "explain.version.other": ("现行版本为 {version}，已修改", "changed since: {version} is in force now"),
    "explain.version.gone": ("该规则现已不存在", "there is no such rule any more"),
    "explain.no_rule": ("不由规则产生：{rule}", "comes of no rule: {rule}"),
    "explain.asked": ("{about}：规则要求 {wanted}（括号内为设备）", "{about}: the rule wants {wanted} (the device's)"),
    "explain.no_readings": ("未保存读数", "no readings were kept"),
    "explain.late": ("迟到数据：发生于 {at}", "late data: it happened at {at}"),
    "explain.trips": ("触发 {count} 次，只有第一次开始上报", "tripped {count} times; only the first began a climb"),
    "explain.moot": ("{count} 个通知未发出即已无必要", "{count} calls were moot before they were sent"),
    "explain.nothing": ("无", "nothing"),
    "explain.selector": ("第 {selector} 条选择规则选定 {ladder}", "selector {selector} chose {ladder}"),
    "explain.selector.fits": ("{name} 属于 {values}", "{name} is one of {values}"),
    "explain.no_ladder": ("没有上报路线", "no ladder"),
    "explain.attempts": ("尝试 {count} 次", "{count} attempts"),
}
