"""The embedded history: its hours, its retention, and who may look while it is written."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import timedelta

import pytest

from firesense.domain.device import Registry
from firesense.domain.errors import HistoryDown, HistoryRefused
from firesense.history import SqliteHistory
from firesense.history import sqlite as module
from tests.frames import T0
from tests.readings import device, readings, registry_of

SECOND = 1_000_000
HOUR = 3600 * SECOND


@pytest.fixture
def path(tmp_path):
    return tmp_path / "history.db"


@pytest.fixture
def history(path):
    opened = SqliteHistory(path, timedelta(days=2))
    yield opened
    opened.close()


def hours(path):
    connection = sqlite3.connect(path)
    try:
        names = connection.execute("SELECT name FROM sqlite_master WHERE name LIKE 'readings_%'").fetchall()
    finally:
        connection.close()
    return sorted(int(name.removeprefix("readings_")) - T0 // HOUR for (name,) in names)


def values(history, column="temperature", of=None):
    return history.raw(of or device(), column, 0, 2 * T0).values.tolist()


def test_each_hour_is_a_table(history, path):
    history.write(
        [readings(*({"at": at, "temperature": 1.0} for at in (-1, 0, HOUR - 1, HOUR, 7 * HOUR)))], registry_of()
    )
    assert hours(path) == [-1, 0, 1, 7]


def test_what_is_too_old_is_dropped_by_the_hour(history, path):
    history.write([readings(*({"at": i * HOUR, "temperature": float(i)} for i in range(10)))], registry_of())
    assert history.trim(T0 + 48 * HOUR) == 0
    assert history.trim(T0 + 50 * HOUR + 1) == 2  # hours 0 and 1 ended 48 h ago and more
    assert hours(path) == list(range(2, 10))
    assert values(history) == [float(i) for i in range(2, 10)]
    assert history.trim(T0 + 50 * HOUR + 1) == 0


def test_a_new_hour_drops_old_ones_by_itself(history, path):
    history.write(
        [readings({"at": -49 * HOUR, "temperature": 1.0}, {"at": -40 * HOUR, "temperature": 2.0})], registry_of()
    )
    assert hours(path) == [-40]
    assert values(history) == [2.0]


def test_a_dropped_hour_can_be_written_again(history):
    table = readings({"at": 0, "temperature": 1.0})
    history.write([table], registry_of())
    assert history.trim(T0 + 100 * HOUR) == 1
    history.write([table], registry_of())
    assert values(history) == [1.0]


def test_it_goes_on_where_it_was(path):
    for value in (1.0, 2.0):
        history = SqliteHistory(path, timedelta(days=2))
        history.write([readings({"at": int(value) * SECOND, "temperature": value})], registry_of())
        history.close()
    history = SqliteHistory(path, timedelta(days=2))
    assert values(history) == [1.0, 2.0]
    history.close()


def test_another_registry_may_give_the_slots_to_others(history):
    history.write([readings({"temperature": 1.0})], registry_of())
    history.write([readings({"temperature": 2.0})], Registry([device(id="other"), device(7)]))
    assert (values(history), values(history, of=device(id="other"))) == ([1.0], [2.0])


def test_another_process_reads_while_it_is_written(history, path):
    history.write([readings({"temperature": 1.0})], registry_of())
    history._writer.execute("BEGIN IMMEDIATE")
    look = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); t = sys.argv[2];"
        "print(c.execute(f'SELECT value FROM {t} JOIN series ON series.id = series WHERE device = ?"
        " AND \"column\" = ?', ('smoke-0', 'temperature')).fetchall())"
    )
    command = [sys.executable, "-c", look, str(path), f"readings_{T0 // HOUR}"]
    seen = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    history._writer.execute("ROLLBACK")
    assert seen.stdout.strip() == "[(1.0,)]"


def test_a_locked_file_is_down_and_nothing_of_the_batch_is_there(path, monkeypatch):
    monkeypatch.setattr(module, "_BUSY", 0.01)
    history = SqliteHistory(path, timedelta(days=2))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    table = readings({"at": 0, "temperature": 1.0}, {"at": HOUR, "temperature": 2.0})
    with pytest.raises(HistoryDown, match="locked"):
        history.write([table], registry_of())
    assert values(history) == []
    other.execute("ROLLBACK")
    other.close()
    history.write([table], registry_of())
    assert values(history) == [1.0, 2.0]
    history.close()


def test_a_batch_that_breaks_in_the_middle_leaves_nothing(history, path):
    bad = readings({"at": 0, "temperature": 1.0}, {"at": HOUR, "slot": 3, "temperature": 2.0})
    with pytest.raises(KeyError):
        history.write([bad], Registry([device(), device(9)]))
    assert (hours(path), values(history)) == ([], [])
    history.write([bad], registry_of())
    assert (values(history), values(history, of=device(3))) == ([1.0], [2.0])


def test_a_file_that_is_something_else_is_refused(path):
    path.write_bytes(b"not a database, whatever its name says" * 100)
    with pytest.raises(HistoryRefused, match="not a database"):
        SqliteHistory(path, timedelta(days=2))


def test_a_place_that_cannot_be_written_is_down(tmp_path):
    with pytest.raises(HistoryDown):
        SqliteHistory(tmp_path / "no" / "such" / "folder.db", timedelta(days=2))
