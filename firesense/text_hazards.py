"""What people read about hazards, in Chinese and English; ``text`` has it in its catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Each entry has its Chinese text first, then the English one.
HAZARD_TEXTS: Mapping[str, tuple[str, str]] = {
    "finding.put-right": ("整改销号", "put right"),
    "photo.none": (
        "这不是照片，或文件已损坏。可用 JPEG、PNG、WebP。",
        "Not a photo, or damaged. JPEG, PNG and WebP are taken.",
    ),
    "photo.large": ("照片过大，每张最多 {most} MB。", "The photo is too large: at most {most} MB each."),
    "photo.pixels": ("照片像素过多。", "The photo has too many pixels."),
    "hazard.state.reported": ("待受理", "reported"),
    "hazard.state.accepted": ("已受理", "accepted"),
    "hazard.state.rectifying": ("整改中", "being put right"),
    "hazard.state.rectified": ("待复查", "put right"),
    "hazard.state.passed": ("复查合格", "re-inspected"),
    "hazard.state.written-off": ("已销号", "written off"),
    "hazard.state.rejected": ("不予受理", "rejected"),
    "hazard.source.rule": ("设备发现", "found by a device"),
    "hazard.source.person": ("实名上报", "reported by a named person"),
    "hazard.source.anonymous": ("匿名上报", "reported anonymously"),
    "hazard.act.accept": ("受理", "Accept"),
    "hazard.act.reject": ("不予受理", "Reject"),
    "hazard.act.assign": ("指派", "Assign"),
    "hazard.act.regrade": ("调整等级", "Change the grade"),
    "hazard.act.start": ("开始整改", "Start"),
    "hazard.act.rectify": ("整改完成", "Put right"),
    "hazard.act.reinspect": ("复查", "Re-inspect"),
    "hazard.act.write-off": ("销号", "Write off"),
    "hazard.act.extend": ("延期", "Grant more time"),
    "hazard.act.list": ("挂牌督办", "List by the government"),
    "conflict.hazard-state": ("未执行：隐患当前状态不允许", "Not done: the hazard is not in a state that allows it"),
    "conflict.hazard-over": ("未执行：已办结", "Not done: it is closed"),
    "conflict.hazard-new": ("未执行：尚未受理为隐患", "Not done: nobody has accepted it as a hazard yet"),
    "conflict.hazard-open": ("未执行：隐患须经整改后销号", "Not done: a hazard is closed by writing it off"),
    "conflict.hazard-reason": ("未执行：请填写原因", "Not done: say why"),
    "conflict.hazard-nobody": ("未执行：请指定责任岗位、人员或部门", "Not done: somebody has to be responsible"),
    "conflict.hazard-grade": ("未执行：等级未变", "Not done: that is its grade already"),
    "conflict.hazard-deadline": (
        "未执行：期限最迟 {latest_at}，且不得早于现在",
        "Not done: by {latest_at} at the latest",
    ),
    "conflict.hazard-listing": (
        "未执行：重大隐患须先挂牌督办",
        "Not done: a major hazard has to be listed by the government first",
    ),
    "call.purpose.assigned": ("整改交办", "assigned"),
    "call.purpose.reminder": ("整改提醒", "reminder"),
    "call.purpose.overdue": ("逾期上报", "overdue"),
    "call.mark.assigned": ("{mark}·交办", "{mark}, yours"),
    "call.mark.reminder": ("{mark}·临期", "{mark}, due soon"),
    "call.mark.overdue": ("{mark}·逾期", "{mark}, overdue"),
    "call.assigned": ("由您负责整改，期限：{until}", "Yours to put right, by {until}"),
    "call.reminder": ("期限将到：{until}，请抓紧整改", "To be put right soon, by {until}"),
    "call.overdue": (
        "已逾期（期限 {until}），请立即督促处置",
        "Overdue since {until}: see to it that it is dealt with",
    ),
    "hazard.detail.until": ("期限 {until}", "by {until}"),
    "hazard.detail.passed.yes": ("合格", "passed"),
    "hazard.detail.passed.no": ("不合格", "failed"),
    "hazard.detail.level": ("第 {level} 级", "level {level}"),
    "hazard.detail.from": ("原为{grade}", "it was {grade}"),
    "step.reported": ("上报隐患", "reported"),
    "step.accepted": ("受理隐患", "accepted"),
    "step.rejected": ("不予受理", "rejected"),
    "step.assigned": ("指派整改", "assigned"),
    "step.regraded": ("调整等级", "grade changed"),
    "step.started": ("开始整改", "begun to put right"),
    "step.rectified": ("整改完成", "put right"),
    "step.reinspected": ("复查", "re-inspected"),
    "step.written-off": ("销号", "written off"),
    "step.extended": ("延长期限", "more time granted"),
    "step.listed": ("挂牌督办", "listed by the government"),
    "step.reminded": ("临期提醒", "reminded"),
    "step.overdue": ("逾期上报", "overdue, climbed"),
}
