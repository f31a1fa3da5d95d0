"""What people read about the desk, its deeds, photos, incidents, rights and the audit."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Each key with its Chinese and its English text.
DESK_TEXTS: Mapping[str, tuple[str, str]] = {
    "case.on-site": ("已到场", "on site"),
    "alert.found-faulty": ("现场核实为设备故障（警情 {alert}）", "Found faulty on site (alert {alert})"),
    "call.purpose.handed-on": ("案件移交", "handed on"),
    "call.purpose.dispatch": ("派员到场", "sent there"),
    "call.purpose.plan": ("启动预案", "response plan"),
    "call.mark.handed-on": ("{mark}·移交给您", "{mark}, handed to you"),
    "call.mark.dispatch": ("{mark}·请到场", "{mark}, go there"),
    "call.mark.plan": ("{mark}属实·启动预案", "{mark} confirmed"),
    "call.handed-on": ("{who} 已将此警情移交给您负责，请处置。", "{who} has handed this case on to you. See to it."),
    "call.dispatch": (
        "{who} 派您立即到场核实处置，到场后请报告。",
        "{who} sends you there. Go now, and report when you arrive.",
    ),
    "call.plan": ("{who} 现场确认着火，按预案立即行动。", "{who} has confirmed a fire on site. Act by the plan, now."),
    "call.deed.note": ("说明：{note}", " Note: {note}"),
    "step.taken-over": ("接手", "taken over"),
    "step.handed-on": ("移交", "handed on"),
    "step.dispatched": ("派员", "somebody sent"),
    "step.arrived": ("到场", "on site"),
    "step.verified": ("现场核实", "verified"),
    "step.plan": ("启动预案", "response plan run"),
    "step.fault-case": ("转维保", "passed to maintenance"),
    "step.silenced": ("消音", "silenced"),
    "step.reset": ("复位", "reset"),
    "step.merged": ("并入同一事件", "merged into an incident"),
    "step.split": ("从事件中拆出", "split from an incident"),
    "step.photo": ("上传照片", "photo added"),
    "ground.below-limit": ("读数已恢复到限值以内", "the reading is back below its limit"),
    "ground.video": ("视频确认无火情", "video shows no fire"),
    "ground.on-site": ("授权人员现场确认", "an authorised person on site confirms it"),
    "web.problem.no_right": ("您没有权限在此处执行该操作", "You have no right to do this here"),
    "rights.viewer": ("查看", "viewer"),
    "rights.officer": ("值班处置", "officer"),
    "rights.admin": ("管理员", "administrator"),
    "conflict.closed": ("未执行：{who} 已于 {closed_at} 办结", "Not done: {who} closed it at {closed_at}"),
    "conflict.taken": ("未执行：{who} 已于 {taken_at} 接警", "Not done: {who} has had it since {taken_at}"),
    "conflict.still-firing": ("未执行：设备仍在报警", "Not done: the device still reports the alarm"),
    "conflict.not-latched": ("未执行：报警没有锁存，无需复位", "Not done: the alarm is not latched"),
    "conflict.shown-by": (
        "未执行：请写明是哪个摄像头，或由谁在现场确认",
        "Not done: say which camera showed it, or who confirmed it on site",
    ),
    "conflict.no-finding": ("未执行：请先给出现场核实结果", "Not done: say first what was found on site"),
    "conflict.nothing-found": (
        "未执行：“自行恢复”不是现场核实结果",
        "Not done: nobody finds that on site",
    ),
    "conflict.cause": ("未执行：只有误报才填写误报原因", "Not done: only a false alarm has a cause"),
    "conflict.no-cause": ("未执行：没有“{cause}”这一误报原因", "Not done: there is no cause {cause}"),
    "conflict.no-person": ("未执行：没有人员 {who}", "Not done: there is no person {who}"),
    "conflict.nobody": ("未执行：该岗位“{role}”无人可派", "Not done: nobody holds the post {role}"),
    "conflict.alone": ("未执行：该警情不在任何事件中", "Not done: the alert is part of no incident"),
    "conflict.few": ("未执行：至少要两起不同的警情", "Not done: it takes two different alerts"),
    "conflict.photos": ("未执行：每起警情最多 {most} 张照片", "Not done: an alert may have {most} photos"),
}
