"""What every book promises about the limits of its quarantine, and about its counts."""

from __future__ import annotations

from dataclasses import replace

from firesense.domain.alert import Finding
from firesense.domain.frame import Reason
from firesense.domain.instant import MINUTE
from tests.book_examples import NOON, alarm, outcome, raised, refusal

LARGE = 10**12


def fill(book, refusals, done=None):
    refusals = tuple(refusals)
    book.commit(outcome(done if done is not None else len(refusals), refusals=refusals))


def told(book):
    return [(kept.offset, kept.more) for kept in book.quarantine(most=10_000)]


def test_within_its_limits_nothing_is_dropped(book):
    fill(book, [refusal(n) for n in range(50)])
    assert book.trim_quarantine(50, LARGE, 10) == 0
    assert len(told(book)) == 50


def test_replayed_frames_go_first_the_oldest_of_them_first(book):
    fill(book, [refusal(n) for n in range(100)])
    book.mark_replayed(range(20, 60), NOON)
    assert book.trim_quarantine(90, LARGE, 10) == 0
    assert [kept.offset for kept in book.quarantine(replayed=True)] == [*range(20), *range(39, 100)]


def test_of_what_is_refused_alike_the_older_half_becomes_a_number(book):
    loud = [refusal(n, "loud") for n in range(400)]
    quiet = [refusal(400 + n, f"quiet-{n}") for n in range(20)]
    fill(book, [*loud, *quiet])
    assert book.trim_quarantine(300, LARGE, 10) == 200
    kept = book.quarantine(most=10_000)
    assert [one.offset for one in kept if one.external_id != "loud"] == list(range(400, 420))
    assert told(book)[0] == (200, 200)
    assert sum(1 + one.more for one in kept) == 420
    assert book.counts().quarantine == {"malformed": 420}


def test_a_flood_of_different_topics_is_thinned_by_its_reason(book):
    fill(
        book,
        [
            *[refusal(n, f"forged-{n}", Reason.UNKNOWN_DEVICE) for n in range(300)],
            *[refusal(300 + n, f"broken-{n}") for n in range(10)],
        ],
    )
    book.trim_quarantine(100, LARGE, 10)
    kept = book.quarantine(most=10_000)
    assert len(kept) <= 90
    assert sum(one.reason is Reason.MALFORMED for one in kept) == 10
    assert sum(1 + one.more for one in kept) == 310


def test_bytes_count_as_well_as_frames(book):
    fill(book, [replace(refusal(n, "large"), payload=bytes(10_000)) for n in range(64)])
    book.trim_quarantine(1000, 200_000, 10)
    assert book.counts().quarantine_bytes <= 200_000
    assert book.counts().quarantine == {"malformed": 64}


def test_what_a_street_may_still_write_again_is_left_alone(book):
    fill(book, [refusal(n) for n in range(100)], done=100)
    book.commit(outcome(10, street="record"))
    assert book.trim_quarantine(20, LARGE, 10) <= 10
    assert {offset for offset, _ in told(book)} >= set(range(10, 100))


def test_of_unknown_devices_the_last_heard_are_listed(book):
    fill(book, [refusal(n, f"s-{n}", Reason.UNKNOWN_DEVICE, at=NOON + n * MINUTE) for n in range(30)])
    book.trim_quarantine(1000, LARGE, 10)
    assert [stranger.external_id for stranger in book.strangers()] == [f"s-{n}" for n in range(29, 19, -1)]


def test_counts_are_of_what_is_waiting(book):
    book.commit(outcome(1, raised(alarm(1))))
    book.commit(outcome(2, raised(alarm(2)), refusals=(refusal(1, "x", Reason.UNKNOWN_DEVICE),)))
    book.close_alert(alarm(2).id, "wen", NOON, Finding.FIRE, "")
    counts = book.counts()
    assert (counts.alerts, counts.climbs, counts.strangers) == ({"fire": 1}, 1, 1)
    assert sum(counts.calls.values()) == 2
    assert counts.quarantine == {"unknown-device": 1}
