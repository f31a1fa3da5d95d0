from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firesense.domain.instant import DAY, HOUR, MINUTE, SECOND, instant, moment
from firesense.domain.limits import Limit, free_at
from firesense.domain.quiet_hours import quiet_until
from firesense.escalate import next_channel
from firesense.notify.provider import VOICE_LIMITS
from tests.calls import NOW, PLAN, call

CHINA = ZoneInfo("Asia/Shanghai")


def test_a_line_is_free_again_when_the_oldest_use_leaves_the_window():
    limits = [Limit(2, timedelta(minutes=1))]
    assert free_at(limits, [NOW - 2 * MINUTE, NOW - 30 * SECOND], NOW, urgent=False) is None
    assert free_at(limits, [NOW - 50 * SECOND, NOW], NOW, urgent=False) == NOW + 10 * SECOND


def test_the_strictest_window_counts_and_some_is_kept_for_fire():
    hour_ago = [NOW - 50 * MINUTE, NOW - 40 * MINUTE]
    assert free_at(VOICE_LIMITS, hour_ago, NOW, urgent=True) is None
    assert free_at(VOICE_LIMITS, hour_ago, NOW, urgent=False) == NOW + 10 * MINUTE
    five = [NOW - n * 11 * MINUTE for n in (5, 4, 3, 2, 1)]
    assert free_at(VOICE_LIMITS, five, NOW, urgent=True) == NOW + 5 * MINUTE


def test_what_is_kept_whole_is_never_for_what_is_calm():
    assert free_at([Limit(3, timedelta(hours=1), 3)], [], NOW, urgent=False) == NOW + HOUR


@given(st.lists(st.integers(-2 * DAY, DAY), max_size=60), st.booleans())
def test_a_line_is_never_used_more_often_than_it_may_be(ages, urgent):
    """Whenever it says the line is free, one more use keeps every limit; when not, it names a later time that does."""
    spent = sorted(NOW + age for age in ages)
    free = free_at(VOICE_LIMITS, spent, NOW, urgent=urgent)
    assert free is None or free > NOW
    at = NOW if free is None else free
    for limit in VOICE_LIMITS:
        allowed = limit.most if urgent else limit.most - limit.kept
        used = [one for one in spent if one <= NOW and one > at - limit.per // timedelta(microseconds=1)]
        assert len(used) < allowed


@pytest.mark.parametrize(
    ("span", "clock", "until"),
    [
        ("22:00-07:00", "2026-01-02 21:59", None),
        ("22:00-07:00", "2026-01-02 22:00", "2026-01-03 07:00"),
        ("22:00-07:00", "2026-01-03 06:59", "2026-01-03 07:00"),
        ("22:00-07:00", "2026-01-03 07:00", None),
        ("12:00-14:00", "2026-01-02 13:00", "2026-01-02 14:00"),
        ("12:00-14:00", "2026-01-02 11:00", None),
        ("", "2026-01-02 03:00", None),
        ("nonsense", "2026-01-02 03:00", None),
    ],
)
def test_quiet_hours_end_in_the_morning(span, clock, until):
    at = lambda text: instant(moment(0).strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=CHINA))  # noqa: E731
    assert quiet_until(span, at(clock), CHINA) == (None if until is None else at(until))


# -- fail-over --------------------------------------------------------------------------------------------------------
KINDS = {"app": "mqtt", "robot": "mqtt", "mail": "smtp"}


def test_the_next_channel_is_one_of_another_kind_that_was_not_used():
    failed = call()
    other = next_channel(failed, PLAN.org, KINDS, NOW + 9)
    assert (other.channel, other.address, other.instead_of) == ("mail", "lin@example.com", "app")
    assert other.key == "AB12CD34EF:alert:0:0:lin:mail", "the same call as if the rung had named it"
    assert (other.created_at, other.due_at, other.attempts) == (NOW + 9, NOW + 9, 0)


def test_nobody_is_called_over_a_channel_twice_for_the_same():
    used = call("mail", "lin@example.com", key="AB12CD34EF:alert:0:0:lin:mail")
    assert next_channel(call(), PLAN.org, KINDS, NOW, [used]) is None
    assert next_channel(call(person="stranger"), PLAN.org, KINDS, NOW) is None
