from __future__ import annotations

from dataclasses import replace

import pytest

from firesense.domain.alert import Case, Finding
from firesense.domain.deed import Actor
from firesense.domain.errors import Conflict, NotFound
from firesense.domain.escalation import CallState, ClimbState
from firesense.domain.instant import SECOND
from firesense.domain.outcome import Outcome, Raise
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
    township.desk.close(alert.id, Actor("he"), Finding.FALSE_ALARM, "  steam from a kettle \n", though_firing=True)
    closed = township.book.alert(alert.id)
    assert (closed.case, closed.finding, closed.note) == (Case.CLOSED, Finding.FALSE_ALARM, "steam from a kettle")
    with pytest.raises(Conflict):
        township.desk.close(alert.id, Actor("sun"), Finding.FIRE, "", though_firing=True)
    assert township.changes == 1


def call_to(township, alert):
    return township.book.calls(alert.id)[0]


def test_an_answer_takes_of_an_incident_what_is_where_its_person_is_on_duty(township):
    one, below, above = township.alarm(), township.alarm(2), township.alarm(3, place="t")
    for alert in (one, below, above):
        assert "he" not in {call.person for call in township.book.calls(alert.id)}
    township.desk.merge([one.id, below.id, above.id], Actor("station"))
    township.desk.answer_call(call_to(township, one), Actor("he", "channel mqtt"))
    taken = [township.book.alert(alert.id).acknowledged_by for alert in (one, below, above)]
    assert taken == ["he", "he", ""], "the village's grid leader is not on duty for the township"


def test_an_answer_takes_of_an_incident_what_its_person_was_told_of_and_not_what_is_still_tried(township):
    one, told = township.alarm(), township.alarm(3, place="t")
    tried = replace(told, id="TRIED", rule="smoke-flag-4")
    call = township.call(tried, "mqtt", "people/sun")
    climb = replace(township.book.climb(told.id), alert=tried.id)
    township.book.commit(Outcome("alerting", 9, NOW, (Raise(tried, climb, (call,), ()),)))
    township.desk.merge([one.id, told.id, tried.id], Actor("station"))
    township.desk.answer_call(call_to(township, one), Actor("sun", "channel mqtt"))
    taken = [township.book.alert(alert.id).acknowledged_by for alert in (one, told, tried)]
    assert taken == ["sun", "sun", ""], "nothing about it reached anybody yet"
    assert township.book.climb(tried.id).state is ClimbState.CLIMBING


def test_an_answer_of_somebody_who_is_nowhere_on_duty_takes_the_one_alert(township):
    one, other = township.alarm(), township.alarm(2)
    township.desk.merge([one.id, other.id], Actor("station"))
    township.desk.answer_call(call_to(township, one), Actor("volunteer", "channel mqtt"))
    assert [township.book.alert(alert.id).acknowledged_by for alert in (one, other)] == ["volunteer", ""]
    with pytest.raises(Conflict):
        township.desk.answer_call(call_to(township, one), Actor("sun"))
    with pytest.raises(NotFound):
        township.desk.answer_call(replace(call_to(township, one), alert="NOSUCH"), Actor("sun"))
