"""Wire fields and a profile to readings: canonical units, signals, plausibility, and one event time a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from firesense.domain.catalogue import CLASSES, conversion
from firesense.domain.decoded import BadFrame
from firesense.domain.frame import Reason
from firesense.domain.readings import UNSAID, Quality, Readings
from firesense.normalise.times import EventTimes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from firesense.domain.columns import Flags, Floats, Instants, Mask, Offsets, Rows, Slots, Tristate
    from firesense.domain.decoded import Decoded
    from firesense.domain.profile import MetricSpec, Profile, Scalar, SignalSpec

__all__ = ["Normalised", "Normaliser"]

_UNLISTED = 2
_LARGEST_WHOLE = 2.0**53  # beyond it a float64 does not hold every whole number, so it has no bits to look at


class Normalised(NamedTuple):
    """Readings, the payload each row came from, and the frames that were refused after all.

    ``guessed`` marks the rows that say fire by a value the profile does not list.
    """

    readings: Readings
    frame: Rows
    bad: list[BadFrame]
    guessed: Mask


@dataclass(frozen=True, slots=True)
class _Number:
    """A metric: value = raw * factor + offset in the canonical unit, dropped outside [low, high]."""

    name: str
    source: str
    factor: float
    offset: float
    low: float
    high: float
    sentinels: tuple[float, ...]


class Normaliser:
    """Makes readings of one profile. Immutable; raises ValueError or KeyError for a profile that was not checked."""

    def __init__(
        self, profile: Profile, *, late_after: timedelta, future_tolerance: timedelta, refuse_empty: bool = True
    ) -> None:
        """``refuse_empty`` is not for a profile of which only a part is asked."""
        self._profile = profile
        self._refuse_empty = refuse_empty
        self._fire_flags = CLASSES[profile.device_class].fire_flags
        self._texts = profile.text_sources
        self._numbers = [_number(profile.device_class, spec) for spec in profile.metrics]
        self._times = EventTimes(profile.time, late_after=late_after, future_tolerance=future_tolerance)

    def normalise(
        self, decoded: Decoded, slots: Slots, received_at: Instants, offsets: Offsets, quality: Flags
    ) -> Normalised:
        """Make readings of decoded rows; the other columns have one element for each payload.

        A frame none of whose rows says anything is refused as EMPTY, one whose time cannot be read as BAD_TIME, one
        whose bit field is not a whole number as WRONG_TYPE. A frame is kept or refused with all its rows.
        """
        frame = decoded.frame
        marks = quality[frame]  # a copy: the rows' own
        said = np.zeros(len(frame), dtype=np.bool_)
        metrics = self._read_metrics(decoded, marks, said)
        faults: list[tuple[Mask, Reason, str]] = []
        signals, guessed = self._read_signals(decoded, marks, said, faults)
        event_at, bad_time = self._times.read(decoded, received_at[frame], marks)
        if bad_time is not None:
            faults.append((bad_time, Reason.BAD_TIME, self._times.complaint))
        if self._refuse_empty and not said.all():
            silent = np.ones(len(received_at), dtype=np.bool_)
            silent[frame[said]] = False
            faults.append((silent[frame], Reason.EMPTY, "says nothing the profile names"))

        readings = Readings(
            self._profile.device_class,
            self._profile.id,
            slots[frame],
            event_at,
            received_at[frame],
            offsets[frame],
            marks,
            metrics,
            signals,
        )
        if not faults:
            return Normalised(readings, frame, [], guessed)
        why: dict[int, BadFrame] = {}
        for rows, reason, detail in faults:
            for at in frame[rows].tolist():
                why.setdefault(at, BadFrame(at, reason, detail))
        kept = ~np.isin(frame, list(why))
        return Normalised(_tidy(readings.take(kept)), frame[kept], list(why.values()), guessed[kept])

    def salvage(
        self, decoded: Decoded, slots: Slots, received_at: Instants, offsets: Offsets, quality: Flags
    ) -> Normalised:
        """Make readings of what was salvaged from refused frames: those that say fire, and of them only the signals.

        Whatever is wrong with their time, they happened when they were received.
        """
        frame = decoded.frame
        marks = quality[frame] | np.uint16(Quality.SALVAGED)
        signals, guessed = self._read_signals(decoded, marks, np.zeros(len(frame), dtype=np.bool_), [])
        readings = Readings(
            self._profile.device_class,
            self._profile.id,
            slots[frame],
            received_at[frame],
            received_at[frame],
            offsets[frame],
            marks,
            {},
            signals,
        )
        fire = self.says_fire(readings)
        return Normalised(_tidy(readings.take(fire)), frame[fire], [], guessed[fire])

    def says_fire(self, readings: Readings) -> Mask:
        """Pick the rows in which a fire flag is asserted and the test button is not."""
        fire = self._any_flag(readings, 1)
        if "test" in readings.signals:
            fire &= readings.signals["test"] != 1
        return fire

    def denies_fire(self, readings: Readings) -> Mask:
        """Pick the rows in which a fire flag is clear and none is asserted."""
        return self._any_flag(readings, 0) & ~self._any_flag(readings, 1)

    def _any_flag(self, readings: Readings, state: int) -> Mask:
        rows = np.zeros(len(readings), dtype=np.bool_)
        for name in self._fire_flags:
            if name in readings.signals:
                rows |= readings.signals[name] == state
        return rows

    def _read_metrics(self, decoded: Decoded, marks: Flags, said: Mask) -> dict[str, Floats]:
        """Give the columns that say anything; marks what was dropped, adds to what was said."""
        metrics: dict[str, Floats] = {}
        for number in self._numbers:
            raw = decoded.numbers[number.source]
            present = ~np.isnan(raw)
            if not present.any():
                continue
            said |= present
            values: Floats = raw * number.factor + number.offset
            outside: Mask = (values < number.low) | (values > number.high)  # NaN is neither
            if number.sentinels:
                sentinel = np.isin(raw, number.sentinels)
                outside &= ~sentinel
                values[sentinel] = np.nan
                marks[sentinel] |= Quality.SENTINEL.value
            if outside.any():
                values[outside] = np.nan
                marks[outside] |= Quality.OUT_OF_RANGE.value
            metrics[number.name] = values
        return {name: values for name, values in metrics.items() if not np.isnan(values).all()}

    def _read_signals(
        self, decoded: Decoded, marks: Flags, said: Mask, faults: list[tuple[Mask, Reason, str]]
    ) -> tuple[dict[str, Tristate], Mask]:
        """Give the columns that say anything, and the rows whose fire was guessed; adds to marks, said and faults."""
        signals: dict[str, Tristate] = {}
        guessed = np.zeros(len(marks), dtype=np.bool_)
        for spec in self._profile.signals:
            if spec.source in self._texts:
                column, unlisted = _from_values(decoded.texts[spec.source], spec)
            elif spec.bit is not None:
                column, unlisted = _from_bit(decoded.numbers[spec.source], spec.bit)
                if unlisted.any():
                    faults.append((unlisted, Reason.WRONG_TYPE, f"{spec.source} is not a field of bits"))
            else:
                column, unlisted = _from_numbers(decoded.numbers[spec.source], spec)
            spoken = column != UNSAID
            if spec.invert:
                column[spoken] = 1 - column[spoken]
            if unlisted.any():
                marks[unlisted] |= Quality.UNKNOWN_VALUE.value
                said |= unlisted
                if spec.signal in self._fire_flags:  # a call too many is better than one too few
                    fire = unlisted & _is_something(decoded, spec.source)
                    column[fire] = 1
                    guessed |= fire
                    spoken = column != UNSAID
            if spoken.any():
                said |= spoken
                signals[spec.signal] = column
        return signals, guessed


def _number(device_class: str, spec: MetricSpec) -> _Number:
    metric = CLASSES[device_class].metrics[spec.metric]
    converted = conversion(spec.unit, metric.unit)
    if converted is None:
        raise ValueError(f"{spec.metric}: {spec.unit} is not a unit of it")
    factor, offset = converted
    return _Number(
        spec.metric,
        spec.source,
        spec.scale * factor,
        spec.offset * factor + offset,
        metric.low,
        metric.high,
        spec.sentinels,
    )


def _from_numbers(raw: Floats, spec: SignalSpec) -> tuple[Tristate, Mask]:
    """Give the signal, and the rows whose number the profile does not list."""
    if spec.above is not None:
        asserted, listed = raw > spec.above, np.isfinite(raw)
    else:
        asserted = _equals_any(raw, spec.asserted)
        listed = asserted | _equals_any(raw, spec.cleared)
    column = asserted.astype(np.int8)
    column[~listed] = UNSAID
    return column, ~(listed | np.isnan(raw))


def _equals_any(raw: Floats, values: Sequence[Scalar]) -> Mask:
    equal: Mask = raw == values[0]
    for value in values[1:]:  # few values: quicker than isin
        equal |= raw == value
    return equal


def _from_bit(raw: Floats, bit: int) -> tuple[Tristate, Mask]:
    """Give the signal, and the rows whose number is no field of bits."""
    present = ~np.isnan(raw)
    whole: Mask = (raw >= 0) & (raw < _LARGEST_WHOLE) & (raw == np.floor(raw))
    column = (np.where(whole, raw, 0).astype(np.int64) >> bit & 1).astype(np.int8)
    column[~whole] = UNSAID
    return column, present & ~whole


def _from_values(raw: Sequence[Scalar | None], spec: SignalSpec) -> tuple[Tristate, Mask]:
    """Give the signal, and the rows whose value the profile does not list."""
    states = dict.fromkeys(spec.cleared, 0) | dict.fromkeys(spec.asserted, 1) | {None: UNSAID}
    column = np.fromiter((states.get(value, _UNLISTED) for value in raw), np.int8, len(raw))
    unlisted = column == _UNLISTED
    column[unlisted] = UNSAID
    return column, unlisted


def _is_something(decoded: Decoded, source: str) -> Mask:
    """Pick the rows in which a source is neither zero, false nor an empty text."""
    if source in decoded.texts:
        return np.fromiter(map(bool, decoded.texts[source]), np.bool_, len(decoded))
    something: Mask = decoded.numbers[source] != 0
    return something


def _tidy(readings: Readings) -> Readings:
    """Leave out columns that nobody says any more."""
    return Readings(
        readings.device_class,
        readings.profile,
        readings.slots,
        readings.event_at,
        readings.received_at,
        readings.offsets,
        readings.quality,
        {name: column for name, column in readings.metrics.items() if not np.isnan(column).all()},
        {name: column for name, column in readings.signals.items() if (column != UNSAID).any()},
    )
