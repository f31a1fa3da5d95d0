"""Rosters as people use them: what they change for a while, the coverage check, calendars, the hand-over report."""

from firesense.rosters.changing import Emptied, RosterDesk
from firesense.rosters.coverage import Coverage, Hole, check
from firesense.rosters.feed import calendar_of
from firesense.rosters.handing import HandOvers
from firesense.rosters.handover import Handover, handover, open_alerts
from firesense.rosters.naming import person_called, roster_called
from firesense.rosters.stations import Lonely, stations

__all__ = [
    "Coverage",
    "Emptied",
    "HandOvers",
    "Handover",
    "Hole",
    "Lonely",
    "RosterDesk",
    "calendar_of",
    "check",
    "handover",
    "open_alerts",
    "person_called",
    "roster_called",
    "stations",
]
