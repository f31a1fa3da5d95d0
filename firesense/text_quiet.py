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
    "quiet.maintenance": ("维护中", "maintenance"),
    "quiet.shelved": ("已搁置", "shelved"),
    "quiet.walk-test": ("巡检测试", "walk test"),
    # -- calls and stories ------------------------------------------------------------------------------------------
    "call.window.0": ("开始", "begun"),
    "call.window.1": ("即将结束", "ends soon"),
    "call.window.2": ("已结束", "over"),
    "call.purpose.tested": ("测试通知", "walk test"),
    "call.purpose.window": ("静默提醒", "quiet window"),
    "step.held": ("静默期内，暂不通知", "kept quiet"),
    "step.released": ("静默期结束，仍未恢复", "the quiet is over, it still stands"),
}
