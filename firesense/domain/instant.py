"""Instants: whole microseconds since 1970-01-01T00:00:00Z, in one int or one int64 column.

One representation from the socket to the screen: it fits a NumPy column, a SQLite INTEGER and a JSON number, and it
has no time zone to forget. Names of instants end in ``_at`` or ``_since``; durations are ``timedelta``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

Instant = int

SECOND: Instant = 1_000_000
MINUTE: Instant = 60 * SECOND
HOUR: Instant = 60 * MINUTE
DAY: Instant = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def instant(moment: datetime) -> Instant:
    """Turn an aware datetime into an instant; raises ValueError for a naive one."""
    if moment.tzinfo is None:
        message = f"{moment.isoformat()} has no time zone"
        raise ValueError(message)
    return (moment - _EPOCH) // _MICROSECOND


def moment(at: Instant) -> datetime:
    """Turn an instant into a datetime in UTC."""
    return _EPOCH + timedelta(microseconds=at)


def micros(duration: timedelta) -> Instant:
    """Length of a duration in microseconds."""
    return duration // _MICROSECOND


def clock_time(at: Instant, zone: tzinfo) -> str:
    """Write an instant for people, as clocks in ``zone`` show it, to the second; programs get ``iso``."""
    return moment(at).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def iso(at: Instant) -> str:
    """Write an instant as RFC 3339 in UTC, to the microsecond."""
    return moment(at).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
