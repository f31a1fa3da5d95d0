"""Normalising: units, sentinels, ranges, signals, and the time policy."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firesense.domain.catalogue import CLASSES, UNITS, conversion
from firesense.domain.decoded import Decoded
from firesense.domain.frame import Reason
from firesense.domain.instant import MINUTE, SECOND, instant
from firesense.domain.profile import MetricSpec, Profile, SignalSpec, TimeFormat, TimeSpec
from firesense.domain.readings import Quality
from firesense.normalise import Normaliser
from firesense.normalise.times import EARLIEST
from tests.frames import T0

NAN = math.nan
TEMPERATURE = MetricSpec("temperature", "t", "degC")
UNIX_S = TimeSpec("ts", TimeFormat.UNIX_S)


def _normalise(columns=None, *, metrics=(), signals=(), time=None, texts=None, frame=None, device_class="smoke"):
    """Normalise rows that were received one microsecond apart from T0 on, one frame a row unless said."""
    columns = {name: np.array(column, dtype=np.float64) for name, column in (columns or {}).items()}
    texts = dict(texts or {})
    if not metrics and not signals:
        metrics = (MetricSpec("temperature", "t", "degC"),)
        n = len(next(iter([*columns.values(), *texts.values()])))
        columns["t"] = np.full(n, 20.0)
    profile = Profile("p", device_class, "json", (), timedelta(minutes=5), tuple(metrics), tuple(signals), time=time)
    n = len(next(iter([*columns.values(), *texts.values()])))
    frame = np.arange(n) if frame is None else np.array(frame)
    frames = int(frame.max()) + 1
    normaliser = Normaliser(profile, late_after=timedelta(minutes=10), future_tolerance=timedelta(minutes=5))
    return normaliser.normalise(
        Decoded(columns, texts, frame, []),
        np.arange(frames, dtype=np.int32),
        np.arange(T0, T0 + frames),
        np.arange(100, 100 + frames),
        np.zeros(frames, dtype=np.uint16),
    )


def _quality(normalised):
    return [Quality(int(mark)) for mark in normalised.readings.quality]


def _metric(name, unit, values, device_class="smoke", **spec):
    return _normalise({"x": values}, metrics=[MetricSpec(name, "x", unit, **spec)], device_class=device_class)


@pytest.mark.parametrize(
    ("device_class", "metric", "unit", "raw", "canonical"),
    [
        ("smoke", "temperature", "degF", 212, 100),
        ("smoke", "temperature", "K", 273.15, 0),
        ("smoke", "smoke_density", "1/m", 0.03, 0.3),
        ("smoke", "battery", "ratio", 0.5, 50),
        ("water", "pressure", "kPa", 140, 0.14),
        ("water", "pressure", "bar", 3.2, 0.32),
        ("water", "pressure", "psi", 100, 0.6894757),
        ("water", "flow", "m3/h", 36, 10),
        ("water", "level", "cm", 250, 2.5),
        ("electrical", "residual_current_1", "A", 0.3, 300),
        ("electrical", "current_a", "mA", 1500, 1.5),
        ("electrical", "power", "W", 1540, 1.54),
    ],
)
def test_values_come_in_the_canonical_unit(device_class, metric, unit, raw, canonical):
    column = _metric(metric, unit, [raw], device_class).readings.metrics[metric]
    assert column == pytest.approx([canonical])


def test_every_unit_leads_to_a_unit_of_the_catalogue():
    canonical = {metric.unit for device_class in CLASSES.values() for metric in device_class.metrics.values()}
    assert {conversion(unit, known[0]) is not None for unit, known in UNITS.items()} == {True}
    assert canonical == {known[0] for known in UNITS.values()} & canonical


def test_scale_and_offset_are_of_the_written_unit():
    column = _metric("pressure", "kPa", [1563], "water", scale=0.1, offset=2).readings.metrics["pressure"]
    assert column == pytest.approx([0.1583])


def test_sentinels_and_impossible_values_are_dropped_and_marked():
    normalised = _metric("temperature", "degC", [-200, 21, 900, NAN], sentinels=(-200.0, 900.0))
    assert np.array_equal(normalised.readings.metrics["temperature"], [NAN, 21, NAN], equal_nan=True)
    assert _quality(normalised)[0] & Quality.SENTINEL
    assert not _quality(normalised)[0] & Quality.OUT_OF_RANGE
    normalised = _metric("temperature", "degC", [-60, -50, 300, 301])
    assert np.array_equal(normalised.readings.metrics["temperature"], [NAN, -50, 300, NAN], equal_nan=True)
    assert [bool(mark & Quality.OUT_OF_RANGE) for mark in _quality(normalised)] == [True, False, False, True]


def test_a_metric_nobody_says_has_no_column_and_a_silent_frame_is_refused():
    normalised = _metric("temperature", "degC", [-200, NAN], sentinels=(-200.0,))
    assert normalised.readings.metrics == {}
    assert normalised.readings.offsets.tolist() == [100]
    assert [(bad.at, bad.reason) for bad in normalised.bad] == [(1, Reason.EMPTY)]


@pytest.mark.parametrize(
    ("spec", "raw", "states"),
    [
        ({"asserted": (1,)}, [0, 1, NAN], [0, 1, -1]),
        ({"asserted": (True,)}, [0, 1, NAN], [0, 1, -1]),
        ({"asserted": (1, 3), "cleared": (0, 2)}, [1, 2, 3], [1, 0, 1]),
        ({"asserted": (1,), "invert": True}, [0, 1, NAN], [1, 0, -1]),
        ({"bit": 0}, [0, 1, 2, 3, NAN], [0, 1, 0, 1, -1]),
        ({"bit": 5, "invert": True}, [32, 31], [0, 1]),
        ({"bit": 52}, [2**52, 2**52 - 1], [1, 0]),
        ({"above": 50.0}, [50, 50.1, NAN], [0, 1, -1]),
    ],
)
def test_signals_told_in_numbers(spec, raw, states):
    raw = [*raw, 0]
    other = MetricSpec("temperature", "y", "degC")
    normalised = _normalise(
        {"x": raw, "y": [20] * len(raw)}, metrics=[other], signals=[SignalSpec("fire", "x", **spec)]
    )
    assert normalised.readings.signals["fire"].tolist()[:-1] == states


def test_signals_told_in_words():
    spec = SignalSpec("fire", "x", ("Alarm", "alarm"), cleared=("Normal", 2))
    normalised = _normalise(texts={"x": ["Alarm", "Normal", None, 2]}, signals=[spec])
    assert normalised.readings.signals["fire"].tolist() == [1, 0, 0]
    assert [bad.at for bad in normalised.bad] == [2]
    assert not any(mark & Quality.UNKNOWN_VALUE for mark in _quality(normalised))


@pytest.mark.parametrize("raw", [2, -1, 0.5])
@pytest.mark.parametrize("invert", [False, True])
def test_a_number_nobody_listed_is_a_fire_and_no_other_condition(raw, invert):
    signals = [SignalSpec(name, "x", (1,), invert=invert) for name in ("fire", "heat", "tamper")]
    normalised = _normalise({"x": [0, raw, 1, NAN], "t": [20] * 4}, metrics=[TEMPERATURE], signals=signals)
    clear, asserted = (1, 0) if invert else (0, 1)
    for name, unlisted in (("fire", 1), ("heat", 1), ("tamper", -1)):
        assert normalised.readings.signals[name].tolist() == [clear, unlisted, asserted, -1]
    assert [bool(mark & Quality.UNKNOWN_VALUE) for mark in _quality(normalised)] == [False, True, False, False]
    assert normalised.guessed.tolist() == [False, True, False, False]


def test_a_word_nobody_listed_is_a_fire_unless_it_says_nothing():
    signals = [SignalSpec(name, "x", ("Alarm",), cleared=("Normal",)) for name in ("fire", "tamper")]
    normalised = _normalise(texts={"x": ["Normal", "alarm", 7, True, False, 0, ""]}, signals=signals)
    assert normalised.readings.signals["fire"].tolist() == [0, 1, 1, 1, -1, -1, -1]
    assert normalised.readings.signals["tamper"].tolist() == [0] + [-1] * 6
    assert [bool(mark & Quality.UNKNOWN_VALUE) for mark in _quality(normalised)] == [False] + [True] * 6


def test_a_zero_nobody_listed_is_no_fire():
    normalised = _normalise({"x": [0, 2]}, signals=[SignalSpec("fire", "x", (1,), cleared=(2,))])
    assert normalised.readings.signals["fire"].tolist() == [-1, 0]
    assert normalised.bad == []


def test_a_frame_whose_only_value_is_not_listed_is_kept_and_marked():
    normalised = _normalise({"x": [7]}, signals=[SignalSpec("tamper", "x", (1,))])
    assert normalised.bad == []
    assert normalised.readings.signals == {}
    assert _quality(normalised) == [Quality.UNKNOWN_VALUE | Quality.OWN_TIME_MISSING]


def test_of_what_was_salvaged_only_rows_that_say_fire_are_kept_and_of_them_the_signals():
    signals = (
        SignalSpec("fire", "a", (1,)),
        SignalSpec("heat", "h", bit=3),
        SignalSpec("test", "t", (1,)),
        SignalSpec("tamper", "above", above=5.0),
    )
    profile = Profile("p", "smoke", "json", (), timedelta(minutes=5), (TEMPERATURE,), signals, time=UNIX_S)
    normaliser = Normaliser(profile, late_after=timedelta(minutes=10), future_tolerance=timedelta(minutes=5))
    columns = {
        "a": [1, 0, 1, math.inf, 0, NAN, 0],
        "h": [0, 0, 0, 0, 8, NAN, math.inf],
        "t": [0, 0, 1, NAN, math.inf, NAN, 0],
        "above": [math.inf, 9, 9, 1, 9, 9, 9],
    }
    numbers = {name: np.array(column, dtype=np.float64) for name, column in columns.items()}
    rows = len(columns["a"])
    normalised = normaliser.salvage(
        Decoded(numbers, {}, np.arange(rows), []),
        np.arange(rows, dtype=np.int32),
        np.arange(T0, T0 + rows),
        np.arange(100, 100 + rows),
        np.full(rows, Quality.RETAINED.value, dtype=np.uint16),
    )
    readings, said = normalised.readings, Quality.SALVAGED | Quality.RETAINED
    assert readings.offsets.tolist() == [100, 103, 104, 106]
    assert readings.event_at.tolist() == [T0, T0 + 3, T0 + 4, T0 + 6]
    assert readings.metrics == {}
    assert {name: column.tolist() for name, column in readings.signals.items()} == {
        "fire": [1, 1, 0, 0],
        "heat": [0, 0, 1, 1],
        "test": [0, -1, -1, 0],
        "tamper": [-1, 0, 1, 1],
    }
    assert _quality(normalised) == [said | Quality.UNKNOWN_VALUE] * 4
    assert normalised.guessed.tolist() == [False, True, False, True]


@pytest.mark.parametrize("raw", [0.5, -1, 2.0**53, math.inf])
def test_what_is_no_field_of_bits_is_refused(raw):
    normalised = _normalise({"x": [1, raw]}, signals=[SignalSpec("fire", "x", bit=0)])
    assert [(bad.at, bad.reason) for bad in normalised.bad] == [(1, Reason.WRONG_TYPE)]
    assert normalised.readings.signals["fire"].tolist() == [1]


def _at(seconds):
    """Normalise one row whose own time is so many seconds after it was received."""
    return _normalise({"ts": [T0 / SECOND + seconds]}, time=UNIX_S)


@pytest.mark.parametrize(
    ("seconds", "kept", "quality"),
    [
        (0, True, Quality(0)),
        (300, True, Quality(0)),
        (301, False, Quality.CLOCK_WRONG),
        (-600, True, Quality(0)),
        (-601, True, Quality.LATE),
        (-86_400 * 365, True, Quality.LATE),
        (-T0 / SECOND, False, Quality.CLOCK_WRONG),  # 1970
        (73 * 365 * 86_400, False, Quality.CLOCK_WRONG),  # 2099
        (1e23, False, Quality.CLOCK_WRONG),
        (-1e23, False, Quality.CLOCK_WRONG),
    ],
)
def test_the_devices_own_time_is_believed_within_reason(seconds, kept, quality):
    normalised = _at(seconds)
    assert normalised.readings.event_at.tolist() == [T0 + int(seconds * SECOND) if kept else T0]
    assert _quality(normalised) == [quality]


def test_the_first_instant_that_is_believed():
    normalised = _normalise({"ts": [EARLIEST / SECOND, EARLIEST / SECOND - 1]}, time=UNIX_S)
    assert _quality(normalised) == [Quality.LATE, Quality.CLOCK_WRONG]


def test_a_missing_time_is_the_time_of_receipt():
    for normalised in (_normalise({"ts": [NAN]}, time=UNIX_S), _normalise({"x": [1]})):
        assert normalised.readings.event_at.tolist() == [T0]
        assert _quality(normalised) == [Quality.OWN_TIME_MISSING]


def test_milliseconds_are_exact():
    normalised = _normalise({"ts": [T0 / 1000 + 0.5 + n for n in range(999)]}, time=TimeSpec("ts", TimeFormat.UNIX_MS))
    assert normalised.readings.event_at.tolist() == [T0 + 500 + 1000 * n for n in range(999)]


def test_records_of_a_frame_with_a_wrong_clock_keep_their_distance():
    own = [60.0, 120.0, 180.0, T0 / SECOND - 60, T0 / SECOND]
    normalised = _normalise({"ts": own}, time=UNIX_S, frame=[0, 0, 0, 1, 1])
    assert normalised.readings.event_at.tolist() == [T0 - 2 * MINUTE, T0 - MINUTE, T0, T0 - MINUTE, T0]
    assert _quality(normalised) == [Quality.CLOCK_WRONG] * 3 + [Quality(0)] * 2
    assert normalised.readings.offsets.tolist() == [100, 100, 100, 101, 101]


def _written(*texts, zone="", pattern=""):
    kind = TimeFormat.PATTERN if pattern else TimeFormat.ISO8601
    return _normalise(texts={"t0": list(texts)}, time=TimeSpec("t0", kind, pattern, zone))


@pytest.mark.parametrize(
    "text",
    [
        "2025-12-31T23:59:59Z",
        "2025-12-31T23:59:59+00:00",
        "2026-01-01T07:59:59+08:00",
        "2026-01-01 07:59:59+08:00",
        "20260101T075959+0800",
        "2025-12-31T23:59:59.000Z",
        "2025-12-31T23:59:59.000000000+00:00",
        "2025-12-31T20:29:59-03:30",
    ],
)
@pytest.mark.parametrize("copies", [1, 3])
def test_written_times_with_an_offset(text, copies):
    assert _written(*[text] * copies).readings.event_at.tolist() == [T0 - SECOND] * copies


def test_a_written_time_at_the_end_of_time_is_a_wrong_clock():
    for texts in (["9999-12-31T23:59:59-23:59"], ["9999-12-31T23:59:59Z", None]):
        assert _quality(_written(*texts))[0] == Quality.CLOCK_WRONG


def test_nanoseconds_are_cut_to_microseconds():
    texts = ["2025-12-31T23:59:59.678901999+00:00"] * 2
    assert _written(*texts).readings.event_at.tolist() == [T0 - SECOND + 678_901] * 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2025-12-31T23:59:59",
        "2025-12-31",
        "yesterday",
        "now",
        "2025-12-31T24:00:00Z",
        "2025-13-01T00:00:00Z",
        "2025-12-31T23:59:59ZZ",
        "2025-12-31T23+00+00:00",
        "NaT                      Z",
        7,
        True,
    ],
)
@pytest.mark.parametrize("copies", [1, 2])
def test_times_that_cannot_be_read_are_refused(text, copies):
    normalised = _written("2025-12-31T23:59:59Z", *[text] * copies)
    assert normalised.readings.offsets.tolist() == [100]
    assert {bad.reason for bad in normalised.bad} == {Reason.BAD_TIME}
    alone = _written(*[text] * copies)
    assert len(alone.readings) == 0
    assert len(alone.bad) == copies


def test_a_zone_reads_what_names_none():
    texts = ["2026-01-01T07:59:59", "2025-12-31T23:59:58Z", None]
    normalised = _written(*texts, zone="Asia/Shanghai")
    assert normalised.readings.event_at.tolist() == [T0 - SECOND, T0 - 2 * SECOND, T0 + 2]
    assert _quality(normalised)[2] == Quality.OWN_TIME_MISSING


def test_a_pattern_reads_what_is_no_iso():
    normalised = _written("01.01.26 07:59:59", "2026", pattern="%d.%m.%y %H:%M:%S", zone="Asia/Shanghai")
    assert normalised.readings.event_at.tolist() == [T0 - SECOND]
    assert [bad.reason for bad in normalised.bad] == [Reason.BAD_TIME]
    zoned = _written("26-01-01 07:59:59 +0800", pattern="%y-%m-%d %H:%M:%S %z")
    assert zoned.readings.event_at.tolist() == [T0 - SECOND]


_ZONES = st.sampled_from(
    [UTC, timezone(timedelta(hours=8)), timezone(-timedelta(hours=3, minutes=30)), ZoneInfo("Asia/Shanghai")]
)


@given(
    st.lists(
        st.datetimes(datetime(2020, 1, 2), datetime(2025, 12, 30), timezones=_ZONES),  # noqa: DTZ001 - zones above
        min_size=1,
        max_size=5,
    ),
    st.sampled_from(["auto", "milliseconds", "microseconds"]),
)
def test_fast_and_slow_reading_of_written_times_agree(moments, precision):
    texts = [moment.isoformat(timespec=precision) for moment in moments]
    together = _written(*texts)
    assert together.bad == []
    assert together.readings.event_at.tolist() == [instant(datetime.fromisoformat(text)) for text in texts]
    assert [_written(text).readings.event_at[0] for text in texts] == together.readings.event_at.tolist()
