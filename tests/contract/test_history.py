"""What every history promises (ports.History), over every store there is."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firesense.domain.device import Registry
from firesense.history import InfluxV1History, InfluxV2History, SqliteHistory, VictoriaMetricsHistory
from tests.contract.influx_fake import BUCKET, ORG, TOKEN, FakeInflux
from tests.frames import T0
from tests.readings import device, readings, registry_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from firesense.ports import History

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND


@dataclass
class Store:
    history: History
    settle: Callable[[], object] = lambda: None  # makes what was written visible
    tick: int = 1  # microseconds it can tell apart
    error: float = 0.0  # of a value, as a share of the largest in its series
    replaces: bool = True  # whether another value at the same instant replaces the first


@pytest.fixture(
    params=[
        "sqlite",
        "influx2-fake",
        pytest.param("influx1", marks=pytest.mark.server),
        pytest.param("victoria", marks=pytest.mark.server),
    ]
)
def store(request, tmp_path):
    match request.param:
        case "sqlite":
            opened = Store(SqliteHistory(tmp_path / "history.db", timedelta(days=36_500)))
            yield opened
        case "influx2-fake":
            fake = FakeInflux()
            opened = Store(InfluxV2History(fake.url, ORG, BUCKET, TOKEN))
            yield opened
            fake.close()
        case "influx1":
            server = request.getfixturevalue("influxdb")
            opened = Store(InfluxV1History(server.url, server.database))
            yield opened
        case "victoria":
            server = request.getfixturevalue("victoria_metrics")
            flush = lambda: server.ask("/internal/force_flush")  # noqa: E731 - one line, one use
            opened = Store(VictoriaMetricsHistory(server.url), flush, tick=1000, error=1e-14, replaces=False)
            yield opened
    opened.history.close()


def points(store, column="temperature", *, start=0, end=DAY, of=None, most=10_000):
    store.settle()
    series = store.history.raw(of or device(), column, T0 + start, T0 + end, most)
    return [(at - T0, value) for at, value in zip(series.at.tolist(), series.values.tolist(), strict=True)]


def test_gives_back_every_column_and_leaves_out_what_was_not_said(store):
    table = readings(
        {"at": 0, "temperature": 20.5, "fire": 0},
        {"at": SECOND, "temperature": 21.0, "humidity": 55.0, "fire": 1, "quality": 4},
        {"slot": 1, "at": SECOND, "humidity": 1e-7},
        {"slot": 2, "at": SECOND, "quality": 8},
    )
    assert store.history.write([table], registry_of()) == {}
    assert points(store) == [(0, 20.5), (SECOND, 21.0)]
    assert points(store, "humidity") == [(SECOND, 55.0)]
    assert points(store, "fire") == [(0, 0.0), (SECOND, 1.0)]
    assert points(store, "quality") == [(0, 0.0), (SECOND, 4.0)]
    assert points(store, "humidity", of=device(1)) == [(SECOND, 1e-7)]
    assert points(store, "quality", of=device(2)) == [(SECOND, 8.0)]
    assert points(store, "fire", of=device(1)) == []
    assert points(store, "no_such_column") == []
    assert points(store, of=device(3)) == []


def test_keeps_classes_apart(store):
    registry = Registry([device(), device(device_class="water")])
    store.history.write(
        [readings({"temperature": 20.0}), readings({"temperature": 4.0, "pressure": 0.31}, device_class="water")],
        registry,
    )
    assert points(store) == [(0, 20.0)]
    assert points(store, of=device(device_class="water")) == [(0, 4.0)]
    assert points(store, "pressure", of=device(device_class="water")) == [(0, 0.31)]


def test_an_instant_is_kept_as_fine_as_the_store_can(store):
    ticks = [0, store.tick, 2 * store.tick]
    store.history.write([readings(*({"at": at, "temperature": float(at)} for at in ticks))], registry_of())
    assert [at for at, _ in points(store)] == ticks


def test_writing_again_changes_nothing(store):
    table = readings(*({"at": i * SECOND, "temperature": float(i)} for i in range(10)))
    before = None
    for _ in range(3):
        store.history.write([table], registry_of())
        windows = store.history.windows(device(), "temperature", T0, T0 + DAY, timedelta(seconds=5))
        before = before or points(store)
        assert points(store) == before == [(i * SECOND, float(i)) for i in range(10)]
    windows = store.history.windows(device(), "temperature", T0, T0 + DAY, timedelta(seconds=5))
    assert windows.count.tolist() == [5, 5]


def test_one_instant_has_one_value_the_last_where_the_store_can_tell(store):
    store.history.write([readings({"temperature": 1.0, "fire": 1})], registry_of())
    store.history.write([readings({"temperature": 2.0}, {"temperature": 3.0, "humidity": 9.0})], registry_of())
    ((at, value),) = points(store)
    assert at == 0
    assert value == 3.0 or (value in {1.0, 2.0} and not store.replaces)
    assert points(store, "humidity") == [(0, 9.0)]
    assert points(store, "fire") == [(0, 1.0)]


def test_a_range_holds_its_start_and_not_its_end(store):
    store.history.write([readings(*({"at": i * SECOND, "temperature": float(i)} for i in range(5)))], registry_of())
    assert points(store, start=SECOND, end=3 * SECOND) == [(SECOND, 1.0), (2 * SECOND, 2.0)]
    assert points(store, start=SECOND, end=SECOND) == []
    assert points(store, start=3 * SECOND, end=SECOND) == []
    assert points(store, most=2) == [(0, 0.0), (SECOND, 1.0)]
    assert points(store, most=0) == []


def test_windows_start_at_multiples_and_empty_ones_are_left_out(store):
    values = {-30 * SECOND: 1.0, 0: 2.0, 10 * SECOND: 4.0, 59_999_000: 6.0, 180 * SECOND: 5.0}
    store.history.write([readings(*({"at": at, "temperature": value} for at, value in values.items()))], registry_of())
    store.settle()
    windows = store.history.windows(device(), "temperature", T0 - 40 * SECOND, T0 + DAY, timedelta(minutes=1))
    assert (windows.at - T0).tolist() == [-MINUTE, 0, 3 * MINUTE]
    assert windows.mean.tolist() == [1.0, 4.0, 5.0]
    assert windows.low.tolist() == [1.0, 2.0, 5.0]
    assert windows.high.tolist() == [1.0, 6.0, 5.0]
    assert windows.count.tolist() == [1, 3, 1]
    none = store.history.windows(device(1), "temperature", T0, T0 + DAY, timedelta(minutes=1))
    assert len(none.at) == len(none.mean) == len(none.low) == len(none.high) == len(none.count) == 0


def test_windows_may_be_longer_than_an_hour_or_not_divide_one(store):
    minutes = range(0, 300, 10)
    store.history.write([readings(*({"at": m * MINUTE, "temperature": float(m)} for m in minutes))], registry_of())
    store.settle()
    for length in (25, 90, 150):
        windows = store.history.windows(device(), "temperature", T0, T0 + DAY, timedelta(minutes=length))
        expected: dict[int, list[int]] = {}
        for m in minutes:
            at = (T0 + m * MINUTE) // (length * MINUTE) * length * MINUTE
            expected.setdefault(at, []).append(m)
        assert windows.at.tolist() == list(expected)
        assert windows.mean.tolist() == pytest.approx([np.mean(group) for group in expected.values()])
        assert windows.count.tolist() == [len(group) for group in expected.values()]


def test_signals_average_to_the_share_of_time_they_were_asserted(store):
    store.history.write([readings(*({"at": i * SECOND, "fire": i % 4 == 0} for i in range(8)))], registry_of())
    store.settle()
    windows = store.history.windows(device(), "fire", T0, T0 + DAY, timedelta(minutes=1))
    assert (windows.mean.tolist(), windows.high.tolist()) == ([0.25], [1.0])


NAMES = [
    "a b",
    "a,b=c",
    "back\\slash",
    "end\\",
    "end\\\\",
    "\\,",
    "quote'\"s",
    "line\nend",
    "南街3号",
    "${x}",
    " ",
    "%s%d",
]


@pytest.mark.parametrize("name", NAMES)
def test_any_device_id_and_place_is_kept(store, name):
    registry = Registry([device(id=name, place=name), device(1, place="")])
    table = readings({"temperature": 20.0}, {"slot": 1, "temperature": 21.0})
    assert store.history.write([table], registry) == {}
    assert points(store, of=device(id=name)) == [(0, 20.0)]
    assert points(store, of=device(1)) == [(0, 21.0)]


def test_a_device_that_moved_is_still_the_same_device(store):
    store.history.write([readings({"at": 0, "temperature": 1.0})], registry_of(place="riverside-3"))
    store.history.write([readings({"at": SECOND, "temperature": 2.0})], registry_of(place="hillside-1"))
    assert points(store) == [(0, 1.0), (SECOND, 2.0)]
    windows = store.history.windows(device(), "temperature", T0, T0 + DAY, timedelta(minutes=1))
    assert windows.count.tolist() == [2]


def test_nothing_to_write_is_no_fault(store):
    assert store.history.write([], registry_of()) == {}
    assert store.history.write([readings()], registry_of()) == {}


EXAMPLES = itertools.count()


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_table_comes_back(store, data):
    """Every device and column by itself, whatever mixture of columns the rows say."""
    value = st.floats(-1e12, 1e12, allow_nan=False).map(lambda v: v + 0.0)
    devices = [device(slot, id=f"{next(EXAMPLES)}-{slot}") for slot in range(3)]  # each example has its own
    rows = data.draw(
        st.lists(
            st.fixed_dictionaries(
                {"slot": st.integers(0, 2)},
                optional={
                    "temperature": value,
                    "humidity": value,
                    "fire": st.integers(0, 1),
                    "test": st.integers(0, 1),
                },
            ),
            max_size=20,
        )
    )
    rows = [row | {"at": i * SECOND} for i, row in enumerate(rows)]
    assert store.history.write([readings(*rows)], Registry(devices)) == {}
    for slot in range(3):
        for column in ("temperature", "humidity", "fire", "test"):
            expected = [(row["at"], row[column]) for row in rows if row["slot"] == slot and column in row]
            found = points(store, column, of=devices[slot])
            assert [at for at, _ in found] == [at for at, _ in expected]
            assert [v for _, v in found] == pytest.approx([v for _, v in expected], rel=0, abs=store.error * 1e12)
