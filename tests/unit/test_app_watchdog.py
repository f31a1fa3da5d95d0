"""Whether the streets move: what the watchdog and the readiness probe go by."""

from __future__ import annotations

from firesense.app.watchdog import IngestTurns, Pulse, Turns
from firesense.ingest import IngestStatus


def test_one_street_that_stands_still_is_enough():
    one, other = Turns(), Turns()
    pulse = Pulse({"one": one, "other": other}, 100.0)
    one.add()
    other.add()
    pulse.look(101.0)
    assert pulse.moved_since(100.5)
    one.add()
    pulse.look(110.0)
    assert not pulse.moved_since(105.0)
    assert pulse.still(111.0) == {"one": 1.0, "other": 10.0}
    other.add()
    pulse.look(112.0)
    assert pulse.moved_since(105.0)


def test_ingest_without_frames_moves_and_with_a_stuck_append_does_not():
    status = IngestStatus()
    turns = IngestTurns(status)
    assert turns() != turns()
    status.busy = True
    assert turns() == turns()
    before = turns()
    status.turns += 1
    assert turns() != before
