r"""Hazards from the report to the writing off: who may do what, by when, and who hears of delay. Pure.

::

    reported -> accepted -> rectifying -> rectified -> passed -> written off
            \-> rejected        ^---- failed ----/
                                 \- on the spot: rectified -> written off

Each act takes the hazard as it is and gives it as it is after (``Dealt``); raises Conflict where its state does not
allow the act, and NotAllowed where the person's posts do not.
"""

from firesense.hazards.acts import (
    accept,
    assign,
    extend,
    list_by_government,
    of_rule,
    rectify,
    regrade,
    reinspect,
    reject,
    reported,
    said,
    start,
    write_off,
)
from firesense.hazards.around import Around, may, states_of
from firesense.hazards.due import due
from firesense.hazards.index import Standing, standings

__all__ = [
    "Around",
    "Standing",
    "accept",
    "assign",
    "due",
    "extend",
    "list_by_government",
    "may",
    "of_rule",
    "rectify",
    "regrade",
    "reinspect",
    "reject",
    "reported",
    "said",
    "standings",
    "start",
    "states_of",
    "write_off",
]
