"""Histories in real stores: what they refuse, and what is there after a crash."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from firesense.book import SqlBook
from firesense.domain.device import Registry
from firesense.domain.errors import HistoryDown, HistoryRefused
from firesense.domain.outcome import Tally
from firesense.domain.plan import Plan
from firesense.domain.profile import MetricSpec, Profile, TimeFormat, TimeSpec
from firesense.history import InfluxV1History, InfluxV2History, VictoriaMetricsHistory
from firesense.journal import SqliteJournal
from firesense.reader import Reader
from firesense.record import STREET, Record
from tests.contract.influx_fake import BUCKET, ORG, TOKEN, FakeInflux
from tests.frames import T0, batch_of
from tests.readings import device, readings, registry_of
from tests.servers import Certificates

pytestmark = pytest.mark.server

SECOND = 1_000_000
PROFILE = Profile(
    "acme-smoke",
    "smoke",
    "json",
    ("acme/{device}/up",),
    timedelta(minutes=5),
    (MetricSpec("temperature", "temp", "degC"),),
    (),
    time=TimeSpec("ts", TimeFormat.UNIX_MS),
)
PLAN = Plan(profiles={PROFILE.id: PROFILE}, registry=Registry(device(slot) for slot in range(5)))


@pytest.fixture
def influx1(influxdb):
    history = InfluxV1History(influxdb.url, influxdb.database, timeout=timedelta(seconds=5))
    yield history
    history.close()


def at_seconds(n, **changed):
    rows = [{"at": i * SECOND, "temperature": float(i)} for i in range(n)]
    return readings(*(row | changed.get(f"row{i}", {}) for i, row in enumerate(rows)), first_offset=100)


def test_influxdb_refuses_one_point_for_its_type(influxdb, influx1):
    line = f"smoke,device=old humidity=5i {T0}"  # types are of a field in a shard, which holds a week or so
    influxdb.ask("/write", line.encode(), db=influxdb.database, precision="u")
    refused = influx1.write([at_seconds(100, row7={"humidity": 51.0}, row42={"humidity": 52.0})], registry_of())
    assert set(refused) == {107, 142}
    assert "field type conflict" in refused[107]
    assert influxdb.query("SELECT COUNT(temperature) FROM smoke")[0]["count"] == 98


def test_influxdb_refuses_points_older_than_it_keeps(influxdb, influx1):
    influxdb.query("CREATE RETENTION POLICY short ON firesense DURATION 1d REPLICATION 1 DEFAULT", database="")
    refused = influx1.write([at_seconds(50, row3={"at": 50 * 365 * 86_400 * SECOND})], registry_of())
    assert len(refused) == 49
    assert 103 not in refused
    assert all("retention policy" in reason for reason in refused.values())


def test_influxdb_takes_a_batch_larger_than_its_limit_in_parts(influxdb):
    history = InfluxV1History(influxdb.url, influxdb.database, compress=False, timeout=timedelta(seconds=60))
    registry = Registry([device(place="p" * 60_000)])  # 25 MB are the most
    try:
        assert history.write([at_seconds(600)], registry) == {}
    finally:
        history.close()
    assert influxdb.query("SELECT COUNT(temperature) FROM smoke")[0]["count"] == 600


def test_influxdb_without_the_database_wants_a_person(influxdb):
    history = InfluxV1History(influxdb.url, "elsewhere")
    try:
        with pytest.raises(HistoryRefused, match="database not found"):
            history.write([at_seconds(1)], registry_of())
        with pytest.raises(HistoryRefused, match="database not found"):
            history.raw(device(), "temperature", T0, T0 + SECOND)
    finally:
        history.close()


def test_a_store_that_hangs_is_down(influxdb):
    history = InfluxV1History(influxdb.url, influxdb.database, timeout=timedelta(seconds=0.3))
    try:
        influxdb.pause()
        with pytest.raises(HistoryDown, match="Timeout"):
            history.write([at_seconds(1)], registry_of())
        influxdb.resume()
        assert history.write([at_seconds(1)], registry_of()) == {}
    finally:
        history.close()


def test_a_store_behind_tls_is_believed_by_its_authority_only(tmp_path):
    certificates, others = (Certificates.make(tmp_path / name) for name in ("ours", "others"))
    fake = FakeInflux(certificates=certificates)
    try:
        for authority, believed in ((certificates.authority, True), (others.authority, False)):
            history = InfluxV2History(fake.url, ORG, BUCKET, TOKEN, ca_file=str(authority))
            if believed:
                assert history.write([at_seconds(3)], registry_of()) == {}
                assert len(history.raw(device(), "temperature", T0, T0 + 9 * SECOND).at) == 3
            else:
                with pytest.raises(HistoryDown, match="CERTIFICATE_VERIFY_FAILED"):
                    history.write([at_seconds(3)], registry_of())
                with pytest.raises(HistoryDown, match="CERTIFICATE_VERIFY_FAILED"):
                    history.raw(device(), "temperature", T0, T0 + SECOND)
            history.close()
    finally:
        fake.close()


class HandWound:
    at = T0

    def now(self):
        return self.at


@pytest.fixture(params=["influxdb", "victoria_metrics"])
def crashing(request):
    """A store, its history, and how to count its points of the first device."""
    server = request.getfixturevalue(request.param)
    if request.param == "influxdb":
        history = InfluxV1History(server.url, server.database)
    else:
        history = VictoriaMetricsHistory(server.url)
    yield server, history
    history.close()


def test_nothing_is_missing_after_a_crash_of_the_store(crashing, tmp_path):
    """Killed right after it accepted a batch, which VictoriaMetrics then forgets."""
    server, history = crashing
    clock = HandWound()
    journal = SqliteJournal(tmp_path / "journal.db")
    book = SqlBook(f"sqlite:///{tmp_path / 'book.db'}")
    record = Record(journal, book, history, clock, lambda: PLAN, lambda plan: Reader(plan.profiles, plan.registry))

    def receive(first):
        clock.at += SECOND
        frames = (
            (f"acme/x{i % 5}/up", json.dumps({"ts": clock.at // 1000 + i, "temp": (first + i) / 10}))
            for i in range(100)
        )
        journal.append(batch_of(*frames, received_at=clock.at))

    try:
        for first in range(0, 500, 100):
            receive(first)
            assert record.step()
        server.kill9()
        receive(500)
        clock.at += SECOND
        assert not record.step()
        assert record.status.down_since == clock.at
        server.start()
        while clock.at < T0 + 60 * SECOND:
            clock.at += SECOND
            record.step()
        record.settle()
        if hasattr(server, "series"):
            server.ask("/internal/force_flush")
        found = [history.raw(device(slot), "temperature", T0, T0 + 60 * SECOND).values.tolist() for slot in range(5)]
        assert found == [[v / 10 for v in range(slot, 600, 5)] for slot in range(5)]
        assert book.tally(STREET) == Tally(recorded=600)
        assert record.status.gone_back == 500
    finally:
        journal.close()
        book.close()


@pytest.mark.parametrize("kind", ["influxdb1", "victoriametrics"])
def test_a_restart_between_two_writes_shows_as_a_new_connection(request, kind):
    server = request.getfixturevalue("influxdb" if kind == "influxdb1" else "victoria_metrics")
    history = InfluxV1History(server.url, "firesense") if kind == "influxdb1" else VictoriaMetricsHistory(server.url)
    try:
        for _ in range(3):
            history.write([at_seconds(5)], registry_of())
        before = history.connections
        server.kill9()
        server.start()
        history.write([at_seconds(5)], registry_of())
        assert (before, history.connections) == (1, 2)
    finally:
        history.close()
