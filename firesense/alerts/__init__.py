"""Transitions -> alerts: what is raised, what goes on, what is over, and what is not told because more was said."""

from __future__ import annotations

from firesense.alerts.alarms import FIRESENSE, STRANGER_FIRE, Alarms, Deed
from firesense.alerts.quieted import heard_at
from firesense.alerts.wording import written

__all__ = ["FIRESENSE", "STRANGER_FIRE", "Alarms", "Deed", "heard_at", "written"]
