"""firesense watches itself: what is wrong with it is told to the operator once, and that it is over, too."""

from __future__ import annotations

import json

import pytest

from firesense.app.keeping import Keeping
from firesense.app.metrics import Metrics
from firesense.app.retention import Retention
from firesense.app.watch import Running, Watch
from firesense.domain.alert import Finding
from firesense.domain.deed import Actor
from firesense.domain.errors import BookError, HistoryDown
from firesense.domain.instant import HOUR, SECOND
from firesense.ingest import IngestStatus
from firesense.settings import QuarantineSettings, WatchSettings
from tests.frames import batch_of
from tests.house import SmallHouse, smoke, smoke_device


class Away:
    """A history store that can be away."""

    def __init__(self, store):
        self.store = store
        self.down = False

    def write(self, tables, registry):
        if self.down:
            raise HistoryDown("nobody answers")
        return self.store.write(tables, registry)

    def __getattr__(self, name):
        return getattr(self.store, name)


class Played:
    """An ingest that says what it is told to say."""

    def __init__(self):
        self.status = IngestStatus()
        self.transport = self
        self.name = "main"
        self.connected = True
        self.health = None


class Watched(SmallHouse):
    """The house with the watch beside it: it looks whenever the streets work."""

    def __init__(self, folder, devices):
        self.away = None
        super().__init__(folder, devices)
        self.away = self.history = Away(self.history)
        self.ingest = Played()
        self.start()

    def start(self):
        super().start()
        if self.away is None:
            return
        running = Running(
            transports=[self.ingest],
            ingests=[self.ingest],
            alerting=self.alerting,
            record=self.record,
            delivery=self.delivery,
            snapshots=self.alerting._snapshots,
        )
        self.running = running
        self.watch = Watch(self.journal, self.book, self.clock, WatchSettings(), running)

    def settle(self):
        super().settle()
        if self.away is not None:
            self.watch.look()
            super().settle()

    def troubles(self):
        return [(alert.rule, str(alert.condition)) for alert in self.book.alerts(open_only=False)]


@pytest.fixture
def house(tmp_path):
    built = Watched(tmp_path, [smoke_device(1)])
    yield built
    built.close()


def test_a_history_store_that_is_away_is_told_after_a_minute_and_once(house):
    house.hear(smoke(house.clock))
    house.away.down = True
    house.wind(seconds=5)
    house.hear(smoke(house.clock))
    house.wind(seconds=50, step=5 * SECOND)
    assert house.open_alerts() == []
    house.wind(minutes=5, step=10 * SECOND)
    assert "sink-down" in [rule for rule, _ in house.troubles()]
    assert {told.person for told in house.told_of("fault")} == {"operator"}
    assert sum("历史库" in told.body for told in house.told_of("fault")) > 0
    house.away.down = False
    house.wind(minutes=2, step=5 * SECOND)
    assert house.open_alerts() == []
    assert sorted(house.troubles()) == [("sink-down", "resolved"), ("street-lags:record", "resolved")]


def test_a_street_that_lags_is_named(house):
    house.hear(smoke(house.clock))
    house.away.down = True
    house.hear(smoke(house.clock))
    house.wind(minutes=3, step=5 * SECOND)
    lags = next(alert for alert in house.open_alerts() if alert.rule == "street-lags:record")
    assert "入库" in lags.text["zh"]
    assert "record" in lags.text["en"]
    look = house.watch.last
    assert look.lags == {"alerting": 0, "record": 1}
    assert look.lag_seconds["record"] >= 180


def test_a_clock_that_is_put_on_by_an_hour_makes_nobody_late(house):
    house.hear(smoke(house.clock))
    house.journal.append(_batch(house))
    house.clock.at += HOUR
    house.watch.look()
    house.hear(smoke(house.clock))
    house.wind(minutes=2, step=5 * SECOND)
    assert [rule for rule, _ in house.troubles() if rule.startswith("street-lags")] == []


def test_a_full_journal_is_told_as_what_it_is_and_a_busy_one_is_not(house):
    house.hear(smoke(house.clock))
    status = house.ingest.status
    status.stalled, status.stalled_since = True, house.clock.at
    house.wind(seconds=3)
    assert house.open_alerts() == []
    status.full = True
    house.wind(seconds=2)
    assert [alert.rule for alert in house.open_alerts()] == ["journal-full"]
    status.stalled = status.full = False
    house.wind(seconds=2)
    assert house.troubles() == [("journal-full", "resolved")]
    status.stalled, status.stalled_since = True, house.clock.at
    house.wind(seconds=10)
    assert [alert.rule for alert in house.open_alerts()] == ["journal-refuses"]


def test_troubles_that_come_while_the_book_goes_away_are_told_when_it_is_back(house, monkeypatch):
    house.hear(smoke(house.clock))
    for trouble in ("journal-full", "journal-refuses"):
        house.journal.note(f"trouble:{trouble}", house.clock.at)
    asked, answers = house.book.alert, iter([True, False])

    def goes_away(alert):
        if next(answers):
            return asked(alert)
        raise BookError("away")

    with monkeypatch.context() as outage:
        outage.setattr(house.book, "alert", goes_away)
        with pytest.raises(BookError):
            house.alerting.step()
    house.alerting.step()
    assert {alert.rule for alert in house.open_alerts()} == {"journal-full", "journal-refuses"}


def test_a_restart_tells_nothing_twice_and_what_a_person_closed_stays_closed(house):
    house.hear(smoke(house.clock))
    status = house.ingest.status
    status.stalled, status.full, status.stalled_since = True, True, house.clock.at
    house.wind(seconds=2)
    house.start()
    house.wind(seconds=5)
    (alert,) = house.open_alerts()
    house.desk.acknowledge(alert.id, Actor("operator"))
    house.book.close_alert(alert.id, "operator", house.clock.at, Finding.FAULT, "")
    house.wind(seconds=5)
    house.start()
    house.wind(seconds=5)
    assert house.open_alerts() == []
    status.stalled = status.full = False
    house.wind(seconds=2)
    status.stalled = status.full = True
    house.wind(seconds=2)
    assert len(house.open_alerts()) == 1, "it was over, and has begun again"


def test_a_channel_that_puts_off_its_calls_is_told_over_the_other(house):
    house.mqtt.down = True
    house.hear(smoke(house.clock, alarm=1))
    house.wind(minutes=2, step=5 * SECOND)
    assert ("channel-down:mqtt", "firing") in house.troubles()
    assert any("mqtt" in told.body for told in house.log.told if told.alert_class == "fault")
    house.mqtt.down = False
    house.wind(minutes=1, step=5 * SECOND)
    assert ("channel-down:mqtt", "resolved") in house.troubles()


def test_a_quarantine_at_its_limit_is_thinned_and_told(house):
    limits = house.settings.model_copy(update={"quarantine": QuarantineSettings(most=20)})
    retention = Retention(limits, house.journal, house.book, house.history, house.clock, house.watch)
    house.hear(*[("firesense/smoke/S1/up", f"rubbish {n}") for n in range(40)])
    house.record.settle()
    retention.trim_quarantine()
    house.wind(seconds=2)
    assert [alert.rule for alert in house.open_alerts()] == ["quarantine-full"]
    assert sum(1 + kept.more for kept in house.book.quarantine()) == 40
    assert house.balanced
    house.wind(minutes=61, step=60 * SECOND)
    assert ("quarantine-full", "resolved") in house.troubles()


def test_a_damaged_state_is_set_aside_rebuilt_and_told(house):
    house.hear(smoke(house.clock, alarm=1))
    house.alerting.settle()
    state = house.settings.data / "rules.state"
    body = bytearray(state.read_bytes())
    body[len(body) // 2] ^= 1
    state.write_bytes(body)
    house.start()
    house.wind(seconds=2)
    house.hear(smoke(house.clock, alarm=1))
    assert sorted(alert.rule for alert in house.open_alerts()) == ["smoke-fire", "state-damaged"]
    assert state.with_name("rules.state.damaged").exists()


def test_the_metrics_say_all_of_it(house):
    house.hear(smoke(house.clock, alarm=1), ("firesense/smoke/S1/up", "rubbish"))
    house.record.settle()
    house.ingest.status.received = 2
    house.watch.look()
    metrics = Metrics(lambda: house.watch.last, house.running, lambda: {"alerting": 0.5}).text().decode()
    for line in (
        'firesense_frames_total{ended="recorded"} 1.0',
        'firesense_frames_total{ended="quarantined"} 1.0',
        "firesense_frames_received_total 2.0",
        "firesense_ledger_balanced 1.0",
        'firesense_street_lag_frames{street="record"} 0.0',
        'firesense_street_lag_seconds{street="duty"} 0.0',
        'firesense_street_still_seconds{street="alerting"} 0.5',
        'firesense_ingest_received_total{transport="main"} 2.0',
        'firesense_alerts_open{class="fire"} 1.0',
        "firesense_climbs_open 1.0",
        'firesense_quarantine_frames{reason="malformed"} 1.0',
        'firesense_calls_total{outcome="sent"} 2.0',
        'firesense_channel_down{channel="mqtt"} 0.0',
        "firesense_sink_down 0.0",
        'firesense_stage_frames_total{stage="read",street="alerting"} 2.0',
    ):
        assert line in metrics, line


def _batch(house):
    topic, payload = smoke(house.clock)
    return batch_of((topic, json.dumps(payload)), received_at=house.clock.at)


class OneTurn:
    """A stop that is asked for after one turn."""

    def __init__(self):
        self.stopping = False

    def is_set(self):
        return self.stopping

    def wait(self, _seconds):
        self.stopping = True


def test_a_process_without_ingest_says_which_brokers_ingest_has(tmp_path):
    house = SmallHouse(tmp_path)
    watch = Watch(house.journal, house.book, house.clock, WatchSettings(), Running())
    keeping = Keeping(house.journal, house.book, house.keeper, watch, house.clock, (), ["main", "spare"], None)

    def connected():
        keeping.run(OneTurn())
        return keeping.status["connected"]

    assert connected() == {"main": None, "spare": None}
    house.listen()
    assert connected() == {"main": True, "spare": None}
    house.clock.at += 20 * SECOND
    assert connected() == {"main": False, "spare": None}
    house.close()
