"""What figures and roll calls say: the report, its page, and the question whether somebody is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

FIGURE_TEXTS: Mapping[str, tuple[str, str]] = {
    # -- roll calls -------------------------------------------------------------------------------------------------
    "alert.roll-call": (
        "查岗：{role}请在 {seconds} 秒内应答（接警即为应答）",
        "Roll call: {role}, answer within {seconds} s by taking this alert",
    ),
    "call.mark.roll-call": ("查岗", "Roll call"),
    "rollcall.planned": ("未到时间", "planned"),
    "rollcall.asked": ("待应答", "asked"),
    "rollcall.answered": ("已应答", "answered"),
    "rollcall.missed": ("未应答", "missed"),
    "rollcall.unasked": ("未发出", "not asked"),
}
