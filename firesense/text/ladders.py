"""What ladders say beside calling people to an alert: a case that stands still, a whistle, an auditor's repair."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LADDER_TEXTS: Mapping[str, tuple[str, str]] = {
    "call.mark.undone": ("{mark}·接警后未处置", "{mark}, taken but not done"),
    "call.mark.whistle": ("吹哨·{mark}", "WHISTLE: {mark}"),
    "call.mark.unanswered": ("吹哨未报到", "Nobody answers the whistle"),
    "call.mark.unheard": ("吹哨无人可通知", "Nobody to hear the whistle"),
    "call.mark.came": ("部门已报到", "The department comes"),
    "call.notice.undone": (
        "{who} {time} 接警，已逐级上报一轮，仍无进展，请立即处置。",
        "{who} acknowledged {time}; everybody on the ladder was called and nothing has moved. Act now.",
    ),
    "call.notice.repaired": (
        "系统自查发现该警情不再上报，已修复并继续上报，请关注。",
        "The auditor found that nobody would have heard of this alert again; it climbs on now. Watch it.",
    ),
    "call.mark.repaired": ("上报已修复", "Climb repaired"),
    "call.notice.whistle.on": (
        "{whom}尚未报到，已继续通知{to}。",
        "Not answered yet: {whom}; {to} called now.",
    ),
    "call.notice.whistle.ended": (
        "{whom}尚未报到，已无上级可通知，请另行联系。",
        "Not answered yet: {whom}; nobody is left to call, see to it yourself.",
    ),
    "call.notice.whistle.nobody": (
        "{whom}无人可通知（岗位空缺或没有联系方式），请另行联系。",
        "Nobody could be called: {whom} (vacant, or no address); see to it yourself.",
    ),
    "call.notice.whistle.came": (
        "{who} 已报到（{whom}）。",
        "{who} is coming ({whom}).",
    ),
    "call.notice.whistle": ("{by} 吹哨事由：{reason}", " {by} whistled: {reason}"),
    "call.undone.nobody-on-site": ("{who} {time} 接警，至今无人到场。", "{who} acknowledged {time}, nobody on site."),
    "call.undone.no-result": (
        "{who} {time} 接警，已到场，至今没有核实结果。",
        "{who} acknowledged {time}; on site, no result yet.",
    ),
    "call.undone.not-closed": (
        "{who} {time} 接警，已核实，至今没有办结。",
        "{who} acknowledged {time}; verified, not closed yet.",
    ),
    "call.undone.silenced": (
        "{who} {time} 接警，已消音，至今没有办结。",
        "{who} acknowledged {time}; silenced, not closed yet.",
    ),
    "call.whistle": ("{who} 吹哨，请立即报到：{reason}", "{who} calls you in, come at once: {reason}"),
    "call.purpose.undone": ("催办", "not done"),
    "call.purpose.whistle": ("吹哨", "whistle"),
    "step.undone": ("接警后未处置，继续上报", "taken but not done, climbs on"),
    "step.whistled": ("吹哨", "whistled"),
    "step.answered": ("部门报到", "department answered"),
    "step.repaired": ("系统自查修复", "repaired by the auditor"),
    "conflict.whistle-closed": ("未执行：警情已办结，无需吹哨", "Not done: the alert is closed, nobody need come"),
    "conflict.whistle-meanwhile": (
        "未执行：刚刚有人吹哨，请重试",
        "Not done: somebody whistled just now; try again",
    ),
    "conflict.whistle-twice": (
        (
            "未执行：您 {blown_at} 对该岗位的吹哨（{strand}，事由：{earlier}）正在等待报到，限 {due_at}。"
            "可等待、对更上一级吹哨或电话联系；已报到或无人可叫后可再次吹哨"
        ),
        (
            "Not done: your whistle {strand} for them of {blown_at} ({earlier}) waits for an answer until {due_at}. "
            "Wait, whistle for a rung further up, or telephone; once they come or nobody is left to call, whistle again"
        ),
    ),
    "conflict.no-place": ("未执行：没有地点 {place}", "Not done: there is no place {place}"),
    "conflict.no-whistle": ("未执行：没有等待您报到的吹哨", "Not done: no whistle waits for you"),
    "conflict.no-rung": ("未执行：上报梯级没有第 {rung} 级", "Not done: the ladder has no rung {rung}"),
    "conflict.no-department": ("未执行：本地及上级均没有岗位 {role}", "Not done: no post {role} here or above"),
    "conflict.no-reason": ("未执行：请写明吹哨事由", "Not done: a whistle needs a reason"),
    "explain.start": ("首次上报至第{rung}级", "the first act calls everybody up to rung {rung}"),
    "web.reason.nobody-on-site": ("接警后无人到场", "nobody on site"),
    "web.reason.no-result": ("到场后没有核实结果", "no result"),
    "web.reason.not-closed": ("核实后没有办结", "not closed"),
    "web.reason.silenced": ("消音后没有办结", "silenced, not closed"),
    "web.reason.refused": ("全部渠道拒收", "every channel refused"),
}
