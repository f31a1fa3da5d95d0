from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firesense.domain.instant import SECOND
from firesense.web.attempts import Attempts, address_key


def test_the_window_slides():
    attempts = Attempts(2, timedelta(seconds=60))
    attempts.count("a", 0)
    attempts.count("a", 50 * SECOND)
    assert attempts.wait("a", 50 * SECOND) == timedelta(seconds=10)
    assert attempts.wait("b", 50 * SECOND) == timedelta()
    assert attempts.wait("a", 60 * SECOND) == timedelta()
    attempts.count("a", 60 * SECOND)
    assert attempts.wait("a", 60 * SECOND) == timedelta(seconds=50)


def test_a_good_attempt_is_taken_back():
    attempts = Attempts(1, timedelta(seconds=60))
    attempts.count("a", 0)
    attempts.forgive("a")
    attempts.forgive("never seen")
    assert attempts.wait("a", 0) == timedelta()


def test_memory_is_bounded_and_the_busiest_stay():
    attempts = Attempts(2, timedelta(seconds=60), keys=3)
    for n in range(100):
        attempts.count("always", n)
        attempts.count(f"once-{n}", n)
    assert len(attempts) == 3
    assert attempts.wait("always", 100) > timedelta()


@given(st.lists(st.integers(0, 5 * SECOND), min_size=1, max_size=200))
def test_never_more_than_allowed_in_any_window(pauses):
    attempts, now, passed = Attempts(3, timedelta(seconds=4)), 0, []
    for pause in pauses:
        now += pause
        if not attempts.wait("a", now):
            attempts.count("a", now)
            passed.append(now)
    for i, first in enumerate(passed):
        assert sum(first <= at < first + 4 * SECOND for at in passed[i:]) <= 3


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("unix", "unix", True),
    ],
)
def test_one_subscriber_is_one_address(one, other, same):
    assert (address_key(one) == address_key(other)) is same
