"""The Book port between processes: what one takes no other gets, and a killed one leaves nothing half done."""

from __future__ import annotations

import multiprocessing
import time

import pytest

from firesense.app import import_files, read_files
from firesense.book import SqlBook
from firesense.domain.outcome import Tally
from firesense.settings import load_settings
from tests.book_examples import NOON, alarm, outcome, raised
from tests.book_processes import commit_for_ever, lease_all, open_and_say, take
from tests.daemon import ROOT

SPAWN = multiprocessing.get_context("spawn")


def together(target, *arguments_of_each):
    """Run the target in several processes that start as one; gives what they said, as it comes."""
    start, said = SPAWN.Barrier(len(arguments_of_each), timeout=60), SPAWN.Queue()
    processes = [SPAWN.Process(target=target, args=(url, start, said, *rest)) for url, *rest in arguments_of_each]
    for process in processes:
        process.start()
    answers = [said.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    return answers


def test_a_new_book_may_be_opened_by_several_at_once(book_url):
    assert together(open_and_say, *[(book_url,)] * 4) == [0] * 4


def test_of_processes_that_read_the_same_files_at_once_one_tells_the_audit_what_changed(book, book_url):
    files = read_files(load_settings(ROOT / "config/firesense.yaml"))

    class Overtaken(SqlBook):
        """Another process is done while this one has compared and not yet written."""

        def install(self, *told, **by):
            import_files(files, book, at=NOON)
            return super().install(*told, **by)

    late = Overtaken(book_url)
    import_files(files, late, at=NOON)
    late.close()
    told = [(row.entry.did, row.entry.kind, row.entry.target) for row in book.audit(most=10_000)]
    assert ("added", "person", "zhang-wei") in told
    assert len(told) == len(set(told))
    assert book.org().people == files.org.people


def test_two_duties_never_get_the_same_call(book, book_url):
    alarms = [alarm(number) for number in range(60)]
    book.commit(outcome(60, *map(raised, alarms)))
    first, second = together(lease_all, (book_url,), (book_url,))
    assert sorted(first + second) == sorted(call.key for each in alarms for call in book.calls(each.id))
    assert len(set(first + second)) == 120


def test_two_people_at_two_consoles_never_have_the_same_alert(book, book_url):
    alarms = [alarm(number).id for number in range(40)]
    book.commit(outcome(40, *(raised(alarm(number)) for number in range(40))))
    had = dict(together(take, (book_url, "wen", alarms), (book_url, "zhou", alarms)))
    assert sorted(had["wen"] + had["zhou"]) == sorted(alarms)
    for who, mine in had.items():
        assert all(book.alert(each).acknowledged_by == who for each in mine)


@pytest.mark.parametrize("more", [5, 20, 37])
def test_a_street_killed_at_any_moment_leaves_whole_outcomes(book, book_url, more):
    for _ in range(2):
        goal = book.position("alerting") + more
        street = SPAWN.Process(target=commit_for_ever, args=(book_url,))
        street.start()
        deadline = time.monotonic() + 60
        while book.position("alerting") < goal and time.monotonic() < deadline:
            assert street.is_alive()
        street.kill()
        street.join()
    done = book.position("alerting")
    assert done >= 2 * more
    again = SqlBook(book_url)
    try:
        offsets = list(range(1, done + 1))
        alerts = again.alerts(most=10 * done)
        assert sorted(alert.offset for alert in alerts) == offsets
        assert [refusal.offset for refusal in again.quarantine(most=10 * done)] == offsets
        assert again.tally("alerting") == Tally(recorded=done, quarantined=done)
        for alert in alerts:
            deed = raised(alarm(alert.offset))
            assert again.calls(alert.id) == list(deed.calls)
            assert again.story(alert.id) == list(deed.steps)
            assert again.climb(alert.id) == deed.climb
    finally:
        again.close()
