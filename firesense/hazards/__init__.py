r"""Hazards from the report to the writing off: who may do what, by when, and who hears of delay. Pure.

::

    reported -> accepted -> rectifying -> rectified -> passed -> written off
            \-> rejected        ^---- failed ----/
                                 \- on the spot: rectified -> written off

Each act takes the hazard as it is and gives it as it is after (``Dealt``); raises Conflict where its state does not
allow the act, and NotAllowed where the person's posts do not.
"""

from firesense.hazards.acts import ACTS
from firesense.hazards.around import Around, judge, may, possible, unaccepted
from firesense.hazards.due import date_anew, due, found_undated, redated
from firesense.hazards.index import Standing, standings
from firesense.hazards.reporting import counted, of_rule, receipt, reported, said

__all__ = [
    "ACTS",
    "Around",
    "Standing",
    "counted",
    "date_anew",
    "due",
    "found_undated",
    "judge",
    "may",
    "of_rule",
    "possible",
    "receipt",
    "redated",
    "reported",
    "said",
    "standings",
    "unaccepted",
]
