from __future__ import annotations

import pytest

from firesense.domain.alert import Case, Finding
from firesense.domain.deed import Actor
from firesense.domain.errors import Conflict, NotFound
from firesense.domain.escalation import CallState, ClimbState
from firesense.domain.instant import SECOND
from tests.console import NOW, Township


@pytest.fixture
def township(tmp_path):
    township = Township(tmp_path)
    yield township
    township.close()


def test_acknowledging_ends_the_climb_and_what_was_not_sent(township):
    alert = township.alarm()
    township.clock.at += 40 * SECOND
    taken = township.desk.acknowledge(alert.id, Actor("he"))
    assert (taken.case, taken.acknowledged_by, taken.acknowledged_at) == (
        Case.ACKNOWLEDGED,
        "he",
        NOW + 40 * SECOND,
    )
    assert township.book.climb(alert.id).state is ClimbState.ACKNOWLEDGED
    assert {call.state for call in township.book.calls(alert.id)} == {CallState.DELIVERED, CallState.MOOT}
    assert township.changes == 1


def test_what_cannot_be_done_changes_nothing(township):
    alert = township.alarm()
    township.desk.acknowledge(alert.id, Actor("he"))
    with pytest.raises(Conflict):
        township.desk.acknowledge(alert.id, Actor("sun"))
    with pytest.raises(NotFound):
        township.desk.acknowledge("NOSUCH", Actor("sun"))
    assert township.book.alert(alert.id).acknowledged_by == "he"
    assert township.changes == 1


def test_closing_keeps_what_was_found(township):
    alert = township.alarm()
    township.desk.close(alert.id, Actor("he"), Finding.FALSE_ALARM, "  steam from a kettle \n")
    closed = township.book.alert(alert.id)
    assert (closed.case, closed.finding, closed.note) == (Case.CLOSED, Finding.FALSE_ALARM, "steam from a kettle")
    with pytest.raises(Conflict):
        township.desk.close(alert.id, Actor("sun"), Finding.FIRE, "")
    assert township.changes == 1
