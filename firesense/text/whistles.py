"""Whistles (网格吹哨、部门报到) on an alert's page; in its story, why a case climbs although somebody has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

WHISTLE_TEXTS: Mapping[str, tuple[str, str]] = {
    "web.deed.whistle": ("吹哨（呼叫部门）", "Whistle: call a department in"),
    "whistle.whom": ("叫谁来", "Who has to come"),
    "whistle.departments": ("部门、岗位", "Departments and posts"),
    "whistle.rungs": ("上报梯级", "Rungs of the ladder"),
    "whistle.vacant": ("无人在岗，将向上吹哨", "nobody on duty: whoever is above is called"),
    "whistle.reason": ("吹哨事由（必填）", "Why (needed)"),
    "whistle.reason_hint": ("例如：需要断电、人手不够", "For instance: cut the power, not enough people"),
    "whistle.send": ("立即吹哨", "Whistle now"),
    "whistle.hint": (
        "立即通过全部渠道呼叫；超时无人报到将继续向上呼叫，并通知您。",
        "Called at once over every channel. When nobody comes in time, those above are called and you are told.",
    ),
    "whistle.list": ("吹哨、报到", "Whistles"),
    "whistle.of": ("吹哨：{whom}", "whistle for {whom}"),
    "whistle.mark": ("吹哨待报到 {count}", "{count} whistled for, not come"),
    "whistle.waiting": ("等待报到", "not come yet"),
    "whistle.unanswered": ("无人报到，已报至顶层", "nobody came, nobody left to call"),
    "whistle.nobody": ("无人可呼叫", "there was nobody to call"),
    "whistle.answered": ("已报到", "has come"),
    "whistle.over": ("随案件结束", "over with the case"),
    "whistle.blown": ("{who} 吹哨", "Whistled by {who}"),
    "whistle.why": ("事由：{reason}", "Why: {reason}"),
    "whistle.called": ("已呼叫", "Called"),
    "whistle.due": ("限时报到", "To come by"),
    "whistle.up": ("已向上 {count} 级", "{count} up so far"),
    "whistle.left": ("还剩", "in"),
    "whistle.then": ("超时改叫 {whom}", "Then {whom} is called"),
    "whistle.then_none": ("之后上面无人可叫", "After that there is nobody above to call"),
    "whistle.came": ("{who} 报到", "{who} has come"),
    "whistle.answer": ("报到：我们来了", "We are coming"),
    "whistle.answer_for": ("代为报到", "Say that they come"),
    "whistle.answer_what": ("报到：{whom}", "Has come: {whom}"),
    "take.further": (
        "以上操作仅限这台手机的这个浏览器；核实结果和照片请在平台上填写。",
        "This goes on in this browser alone; what was found, and photos, go into the console.",
    ),
    "conflict.no-whom": ("未执行：请选择叫谁来", "Not done: say who has to come"),
    "web.why.nobody-on-site": ("至今无人到场", "nobody on site"),
    "web.why.no-result": ("已到场，没有核实结果", "on site, no result yet"),
    "web.why.not-closed": ("已核实，没有办结", "verified, not closed"),
    "web.why.silenced": ("已消音，没有办结", "silenced, not closed"),
    "web.why.no-climb": ("没有上报流程", "it had no climb"),
    "web.why.exhausted": ("上报流程不应结束", "its climb was at its end and must not be"),
    "web.why.stopped": ("上报已停止而警情未结", "its climb had stopped"),
    "web.why.nobody-has-it": ("无人接警却停止上报", "nobody has it and it did not climb"),
    "web.why.somebody-has-it": ("已有人接警却仍在上报", "somebody has it and it climbed"),
    "web.why.no-such-rung": ("梯级不存在", "it was on a rung there is not"),
    "web.why.no-due-time": ("没有下一步时间", "its next step had no time"),
    "web.why.overdue": ("到期未执行", "its next step was overdue"),
    "web.detail.value": ("读数 {value}", "reading {value}"),
}
