"""What ladders say beside calling people to an alert: a case that stands still, a whistle, an auditor's repair."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LADDER_TEXTS: Mapping[str, tuple[str, str]] = {
    "call.mark.undone": ("{mark}·接警后未处置", "{mark}, taken but not done"),
    "call.mark.whistle": ("吹哨·{mark}", "WHISTLE: {mark}"),
    "call.mark.unanswered": ("吹哨无人应答", "Nobody answers the whistle"),
    "call.notice.undone": (
        "已逐级上报一轮，仍无进展，请立即处置。",
        "Everybody on the ladder was called and nothing has moved. Act now.",
    ),
    "call.notice.whistle": (
        "被吹哨部门尚未报到，已继续向上吹哨。",
        "The department that was called in has not answered; its superiors are called.",
    ),
    "call.undone.nobody-on-site": ("{who} {time} 接警，至今无人到场。", "{who} acknowledged {time}, nobody on site."),
    "call.undone.no-result": (
        "{who} {time} 接警，已到场，至今没有核实结果。",
        "{who} acknowledged {time}; on site, no result yet.",
    ),
    "call.undone.not-closed": (
        "{who} {time} 接警，已核实，至今没有办结。",
        "{who} acknowledged {time}; verified, not closed yet.",
    ),
    "call.whistle": ("{who} 吹哨，请立即报到：{reason}", "{who} calls you in, come at once: {reason}"),
    "call.purpose.undone": ("催办", "not done"),
    "call.purpose.whistle": ("吹哨", "whistle"),
    "step.undone": ("接警后未处置，继续上报", "taken but not done, climbs on"),
    "step.whistled": ("吹哨", "whistled"),
    "step.answered": ("部门报到", "department answered"),
    "step.repaired": ("系统自查修复", "repaired by the auditor"),
    "explain.start": ("首次上报至第{rung}级", "the first act calls everybody up to rung {rung}"),
    "web.reason.refused": ("全部渠道拒收", "every channel refused"),
}
