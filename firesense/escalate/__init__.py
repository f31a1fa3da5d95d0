"""Escalation: a climb, one act at a time. Who is called by the rung that is due, and when the next one is.

Pure: the same alert, climb, org and instant always give the same calls with the same keys, so an act that is written
twice is written once.
"""

from firesense.escalate.auditing import AUDITED, adrift, mended
from firesense.escalate.climbing import Acted, act, after_deed, begin, redated, stage, standing
from firesense.escalate.failover import next_channel
from firesense.escalate.whistling import Target, came, way_in, whistle

__all__ = [
    "AUDITED",
    "Acted",
    "Target",
    "act",
    "adrift",
    "after_deed",
    "begin",
    "came",
    "mended",
    "next_channel",
    "redated",
    "stage",
    "standing",
    "way_in",
    "whistle",
]
