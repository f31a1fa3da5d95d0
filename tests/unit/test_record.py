"""The record street: what it writes, counts and commits, and what it does when the store is away."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest

from firesense.book import SqlBook
from firesense.domain.device import Registry
from firesense.domain.errors import BookError, HistoryDown, HistoryRefused
from firesense.domain.frame import Marks, Reason
from firesense.domain.outcome import Outcome, Tally
from firesense.domain.plan import Plan
from firesense.domain.profile import MetricSpec, Profile, SignalSpec, TimeFormat, TimeSpec
from firesense.history import SqliteHistory
from firesense.journal import SqliteJournal
from firesense.reader import Reader
from firesense.record import STREET, Record
from tests.frames import T0, batch_of
from tests.readings import device

SECOND = 1_000_000
MINUTE = 60 * SECOND
PROFILE = Profile(
    "acme-smoke",
    "smoke",
    "json",
    ("acme/{device}/up",),
    timedelta(minutes=5),
    (MetricSpec("temperature", "temp", "degC"),),
    (SignalSpec("fire", "alarm", asserted=(1,)),),
    time=TimeSpec("ts", TimeFormat.UNIX_MS),
)
PLAN = Plan(profiles={PROFILE.id: PROFILE}, registry=Registry(device(slot) for slot in range(3)))


class HandWound:
    def __init__(self):
        self.at = T0

    def now(self):
        return self.at


class Moody:
    """A history that does what it is told before it does its work: raise, or refuse offsets."""

    def __init__(self, store):
        self.store = store
        self.moods = []
        self.refuses = {}
        self.offsets = []
        self.connections = 1

    def write(self, tables, registry):
        if self.moods and (mood := self.moods.pop(0)) is not None:
            raise mood
        self.offsets.append([int(offset) for table in tables for offset in table.offsets])
        self.store.write(tables, registry)
        given = {offset for table in tables for offset in table.offsets.tolist()}
        return {offset: reason for offset, reason in self.refuses.items() if offset in given}

    def raw(self, *question):
        return self.store.raw(*question)


class House:
    def __init__(self, folder):
        self.clock = HandWound()
        self.journal = SqliteJournal(folder / "journal.db")
        self.book = SqlBook(f"sqlite:///{folder / 'book.db'}")
        self.history = Moody(SqliteHistory(folder / "history.db", timedelta(days=36_500)))
        self.plan = PLAN
        self.readers = 0
        self.record = self.street()

    def street(self, **options):
        return Record(self.journal, self.book, self.history, self.clock, lambda: self.plan, self._reader, **options)

    def _reader(self, plan):
        self.readers += 1
        return Reader(plan.profiles, plan.registry)

    def receive(self, *frames, marks=0):
        """Journal frames as received now: numbers are temperatures of the first device, the rest is as given."""
        made = [frame if isinstance(frame, tuple) else smoke(temp=frame, at=self.clock.at) for frame in frames]
        return self.journal.append(batch_of(*made, received_at=self.clock.at, marks=marks))

    def step(self, seconds=0, record=None):
        self.clock.at += seconds * SECOND
        return (record or self.record).step()

    def temperatures(self, slot=0):
        return self.history.raw(device(slot), "temperature", 0, T0 + 3600 * SECOND).values.tolist()

    def tally(self):
        return self.book.tally(STREET)

    def close(self):
        for part in (self.journal, self.book, self.history.store):
            part.close()


def smoke(slot=0, temp=20.0, at=T0, **rest):
    return f"acme/x{slot}/up", json.dumps({"ts": at // 1000, "temp": temp} | rest)


@pytest.fixture
def house(tmp_path):
    built = House(tmp_path)
    yield built
    built.close()


def test_frames_become_readings_and_the_ledger_balances(house):
    house.receive(smoke(0, 20.5, alarm=1), smoke(1, 21.0), ("acme/x0/up", b"\xff"), ("nobody/x", "{}"))
    assert house.step()
    assert house.temperatures() == [20.5]
    assert house.temperatures(1) == [21.0]
    assert not house.step(1)
    assert house.book.position(STREET) == 4
    assert house.tally() == Tally(recorded=2, quarantined=2)
    assert [refusal.offset for refusal in house.book.quarantine()] == [2, 3]


def test_a_repeated_frame_is_a_duplicate(house):
    house.receive(20.0)
    house.receive(20.0, marks=Marks.REDELIVERED | Marks.REPEATED)
    house.step()
    house.step(1)
    assert house.tally() == Tally(recorded=1, duplicate=1)


def test_the_position_is_committed_once_a_second_and_at_the_stop(house):
    for _ in range(3):
        house.receive(20.0)
        assert house.step()
    assert house.book.position(STREET) == 0
    assert house.record.status.lag == 0
    house.step(1)
    assert house.book.position(STREET) == house.record.status.position == 3
    house.receive(20.0)
    house.step()
    assert house.book.position(STREET) == 3
    house.record.settle()
    assert house.book.position(STREET) == 4
    assert house.tally().total == 4


def test_after_a_crash_every_frame_is_still_counted_once(house):
    house.receive(1.0, 2.0, smoke(0, 3.0, T0 + SECOND))
    house.step()
    house.step(1)
    house.receive(4.0)
    house.step()  # written, not committed; then the process dies
    again = house.street()
    while house.step(1, again):
        pass
    house.step(1, again)
    assert house.tally() == Tally(recorded=4)
    assert house.book.position(STREET) == 4


def test_a_start_writes_the_last_minute_again(house):
    for _ in range(10):
        house.receive(20.0)
        house.clock.at += 20 * SECOND
    while house.step():
        pass
    house.record.settle()
    house.history.offsets.clear()
    again = house.street()
    while house.step(1, again):
        pass
    assert house.history.offsets == [[6, 7, 8, 9]]  # received 60, 40, 20 and 0 s before the last one
    assert again.status.gone_back == 4
    house.step(1, again)
    assert house.tally() == Tally(recorded=10)


def test_an_outage_delays_and_the_time_before_it_is_written_again(house):
    for _ in range(5):  # a write every 20 s
        house.receive(20.0)
        house.step(20)
    house.receive(30.0)
    house.history.moods = [HistoryDown("connection refused")] * 3
    for _ in range(3):
        assert not house.step(5)
        assert house.record.pause > timedelta()
    assert house.record.status.down_since == T0 + 105 * SECOND
    assert house.record.status.lag == 1
    house.history.offsets.clear()
    while house.step(1):
        pass
    assert house.history.offsets == [[1, 2, 3, 4, 5]]  # written at 40, 60, 80 and 100 s, and the one that waited
    assert house.record.status.down_since is None
    house.step(1)
    assert house.tally() == Tally(recorded=6)


def test_frames_written_again_do_not_look_repeated(house):
    house.receive(smoke(0, 20.0), smoke(1, 21.0))
    house.step()
    house.receive(30.0)
    house.history.moods = [HistoryDown("reset")]
    house.step(1)
    house.history.offsets.clear()
    house.step()
    assert house.history.offsets == [[0, 1, 2]]
    house.step(1)
    assert house.tally() == Tally(recorded=3)


def test_a_store_that_says_when_to_come_back_has_lost_nothing(house):
    house.receive(20.0)
    house.step()
    house.receive(30.0)
    house.history.moods = [HistoryDown("429", timedelta(seconds=7))]
    assert not house.step()
    assert house.record.pause == timedelta(seconds=7)
    house.history.offsets.clear()
    assert house.step(7)
    assert house.history.offsets == [[1]]
    assert house.readers == 1
    house.step(1)
    assert house.tally() == Tally(recorded=2)


def test_waiting_grows_and_a_good_write_resets_it(house):
    house.receive(20.0)
    house.history.moods = [HistoryDown("away")] * 12
    pauses = []
    for _ in range(12):
        house.step(1)
        pauses.append(house.record.pause)
    assert timedelta(seconds=0.5) <= pauses[0] <= timedelta(seconds=1)
    assert timedelta(seconds=30) <= pauses[-1] <= timedelta(seconds=60)
    assert house.step()
    house.receive(20.0)
    house.history.moods = [HistoryDown("away")]
    house.step()
    assert house.record.pause <= timedelta(seconds=1)


def test_a_store_that_fails_every_few_seconds_does_not_hold_us_at_the_same_frames(house):
    record = house.street(most=1)
    house.receive(*range(200))
    steps = 0
    while house.book.position(STREET) < 200:
        if steps % 5 == 4:
            house.history.moods = [HistoryDown("reset")]
        house.step(1, record)
        steps += 1
        assert steps < 1000
    assert house.tally() == Tally(recorded=200)


def test_a_store_that_crashes_again_and_again_gets_all_of_its_last_seconds_each_time(house):
    for n in range(0, 18, 3):
        for seconds in (0, 5):
            house.receive(20.0 + n + seconds)
            house.step(seconds)
        house.history.moods = [HistoryDown("reset")]
        house.receive(21.0 + n)
        house.step(1)
        house.history.offsets.clear()
        while house.step(2):
            pass
        written = {offset for batch in house.history.offsets for offset in batch}
        assert {n, n + 1, n + 2} <= written


def test_a_new_connection_may_lead_to_a_store_that_was_restarted_unseen(house):
    house.receive(20.0)
    house.step()
    house.receive(21.0)
    house.step(5)
    house.history.connections += 1
    house.receive(22.0)
    house.step(300)
    house.history.offsets.clear()
    house.step()
    assert house.history.offsets == [[0, 1, 2]]
    assert not house.step()
    house.history.connections += 1
    house.receive(23.0)
    house.step(10)
    assert not house.step(), "once a minute, for a proxy that closes every connection"
    house.step(1)
    assert house.tally() == Tally(recorded=4)


def test_a_second_restart_within_the_minute_is_made_good_when_the_minute_is_over(house):
    house.receive(20.0)
    house.step()
    for value in (21.0, 22.0):
        house.history.connections += 1
        house.receive(value)
        house.step(20)
        while house.step(1):
            pass
    house.history.offsets.clear()
    assert not house.step(10)
    assert house.step(60), "nothing new was said, and yet"
    assert house.history.offsets == [[0, 1, 2]]
    assert not house.step(120)


def test_a_refusing_store_is_shown_and_loses_nothing(house):
    house.receive(20.0)
    house.history.moods = [HistoryRefused("401: unauthorized")]
    assert not house.step()
    assert house.record.status.last_error == "HistoryRefused: 401: unauthorized"
    assert house.record.pause >= timedelta(seconds=30)
    assert house.step(60)
    house.step(1)
    assert house.tally() == Tally(recorded=1)


def test_points_the_store_refuses_are_quarantined_with_their_bytes(house):
    house.receive(20.0, 21.0, 22.0)
    house.history.refuses = {1: "field type conflict"}
    house.step()
    house.step(1)
    assert house.tally() == Tally(recorded=2, quarantined=1)
    (refusal,) = house.book.quarantine()
    assert (refusal.offset, refusal.reason, refusal.detail) == (1, Reason.SINK_REFUSED, "field type conflict")
    assert json.loads(refusal.payload)["temp"] == 21.0


def test_a_new_plan_makes_a_new_reader(house):
    house.plan = Plan(profiles=PLAN.profiles)
    house.receive(20.0)
    house.step()
    house.plan = PLAN
    house.receive(21.0)
    house.step()
    house.step(1)
    assert (house.readers, house.temperatures()) == (2, [21.0])
    assert house.tally() == Tally(recorded=1, quarantined=1)


def test_while_the_book_is_away_nothing_is_read_on(house, monkeypatch):
    house.receive(20.0)
    house.step()
    commit = house.book.commit
    monkeypatch.setattr(house.book, "commit", lambda _: (_ for _ in ()).throw(BookError("locked")))
    house.receive(21.0)
    assert not house.step(1)
    assert house.temperatures() == [20.0]
    monkeypatch.setattr(house.book, "commit", commit)
    assert house.step(1)
    house.step(1)
    assert house.tally() == Tally(recorded=2)


def test_another_journal_than_the_books_is_noticed(house):
    house.book.commit(Outcome(STREET, 10, T0))
    house.receive(20.0)
    assert not house.step()
    assert "another journal" in house.record.status.last_error


def test_runs_until_stopped_and_commits_then(house):
    stop = threading.Event()
    written = threading.Event()
    write = house.history.write

    def noted(*given):
        refused = write(*given)
        written.set()
        return refused

    house.history.write = noted
    street = threading.Thread(target=house.record.run, args=(stop,))
    street.start()
    house.receive(20.0)
    assert written.wait(10)
    stop.set()
    street.join(10)
    assert not street.is_alive()
    assert house.tally() == Tally(recorded=1)
    assert house.book.position(STREET) == 1
