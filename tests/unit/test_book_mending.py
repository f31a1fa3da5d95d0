"""Damaged books: rows that can be read and understood are kept, and the damaged file, too."""

from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from firesense.book import SqlBook, definitions, mend, mending
from firesense.domain.errors import BookError
from firesense.domain.outcome import Tally
from firesense.ports import User
from tests.book_examples import NOON, alarm, device, outcome, raised, refusal

MANY = 300


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A book with 300 devices, 300 open alerts with their climbs and calls, and 300 frames in quarantine."""
    folder = tmp_path_factory.mktemp("book")
    book = SqlBook(url(folder / "book.db"))
    book.register([device(n) for n in range(MANY)])
    refusals = tuple(refusal(n) for n in range(MANY))
    book.commit(outcome(MANY, *[raised(alarm(n)) for n in range(MANY)], refusals=refusals, tally=Tally(0, 0, MANY)))
    book.put_user(User("duty", "hash"))
    book.close()
    return folder / "book.db"


@pytest.fixture
def path(template, tmp_path):
    shutil.copy(definitions.kept_beside(template), tmp_path)
    return Path(shutil.copy(template, tmp_path / "book.db"))


def url(path):
    return f"sqlite:///{path}"


def usable(path):
    """Opens the book and uses all of it; gives how many devices, alerts and calls it has."""
    book = SqlBook(url(path))
    devices, alerts = len(book.registry()), book.alerts(most=10_000)
    for alert in alerts:
        book.climb(alert.id)
        book.story(alert.id)
    leased = book.lease_calls(NOON * 2, NOON * 2 + 1, 10_000)
    book.due_climbs(NOON * 2, 10_000)
    book.register([device(MANY + 1)])
    position = book.position("alerting")
    book.commit(outcome(position + 1, raised(alarm(MANY + 7)), refusals=(refusal(position + MANY),)))
    assert alarm(MANY + 7).id in {alert.id for alert in book.alerts(most=10_000)}
    book.close()
    return devices, len(alerts), len(leased)


def test_a_sound_book_is_left_alone(path):
    assert mend(url(path), "now") is None
    assert usable(path) == (MANY, MANY, 2 * MANY)
    assert list(path.parent.glob("*.damaged-*")) == []


def test_no_book_is_no_damaged_one_and_a_server_minds_its_own(tmp_path):
    assert mend(url(tmp_path / "book.db"), "now") is None
    assert mend("postgresql+psycopg://127.0.0.1/firesense", "now") is None


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.95])
def test_a_truncated_book_keeps_what_is_left(path, share):
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * share))
    mended = mend(url(path), "now")
    assert mended.reason
    assert mended.aside.name == "book.db.damaged-now"
    usable(path)
    assert mend(url(path), "later") is None


@pytest.mark.parametrize("seed", range(20))
def test_after_flipped_bits_the_book_can_be_used(path, seed):
    chance = random.Random(seed)
    body = bytearray(path.read_bytes())
    for _ in range(chance.choice([1, 5, 40])):
        body[chance.randrange(4096, len(body))] ^= 1 << chance.randrange(8)
    path.write_bytes(body)
    mend(url(path), "now")
    devices, alerts, _ = usable(path)
    assert devices > MANY // 2
    assert alerts > MANY // 2


def test_a_word_that_is_none_costs_its_row(path):
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE alert SET condition = 'fjring' WHERE id = ?", (alarm(3).id,))
    raw.close()
    mended = mend(url(path), "now")
    assert "table alert" in mended.reason
    assert mended.kept["alert"] == MANY - 1
    assert mended.kept["climb"] == MANY
    assert usable(path) == (MANY, MANY - 1, 2 * MANY - 2)


def test_a_page_of_rubbish_costs_what_was_on_it(path):
    for page in range(2, path.stat().st_size // 4096, 29):
        copy = path.with_name(f"copy-{page}.db")
        body = bytearray(path.read_bytes())
        body[page * 4096 : (page + 1) * 4096] = random.Random(page).randbytes(4096)
        copy.write_bytes(body)
        shutil.copy(definitions.kept_beside(path), definitions.kept_beside(copy))
        mended = mend(url(copy), "now")
        usable(copy)
        if mended is not None:
            assert sum(mended.kept.values()) > 1000


def test_a_file_of_rubbish_is_kept_and_a_new_book_begun(path):
    path.write_bytes(b"rubbish " * 5000)
    mended = mend(url(path), "now")
    assert mended.reason == "file is not a database"
    assert mended.aside.read_bytes().startswith(b"rubbish")
    assert usable(path) == (0, 0, 0)


def test_a_mending_that_was_cut_short_is_finished(path):
    path.rename(path.with_name("book.db.mending"))
    assert mend(url(path), "now") is None
    assert usable(path) == (MANY, MANY, 2 * MANY)


def test_a_book_that_is_only_busy_is_not_mended(path, monkeypatch):
    monkeypatch.setattr("firesense.salvage._PATIENCE", 0.01)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(BookError, match="locked"):
        mend(url(path), "now")
    other.close()


def test_of_a_large_book_the_devices_are_looked_through_by_type(path, monkeypatch):
    monkeypatch.setattr(mending, "READ_THROUGH", 0)
    assert mend(url(path), "now") is None
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE device SET tags = '[' WHERE id = ?", (device(3).id,))
        raw.execute("UPDATE device SET place = 7 WHERE id = ?", (device(4).id,))
        raw.execute("UPDATE device SET place = x'ff' WHERE id = ?", (device(5).id,))
    raw.close()
    mended = mend(url(path), "now")
    assert "table device" in mended.reason
    assert mended.kept["device"] == MANY - 2  # a number where a text belongs becomes one as it is written
    assert usable(path)[0] == MANY - 2


def test_of_a_large_book_letters_that_are_none_are_met_when_its_devices_are_read(path, monkeypatch):
    monkeypatch.setattr(mending, "READ_THROUGH", 0)
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE device SET name = CAST(x'ff' AS TEXT) WHERE id = ?", (device(3).id,))
    raw.close()
    assert mend(url(path), "now") is None
    book = SqlBook(url(path))
    with pytest.raises(BookError):
        book.registry()
    assert book.to_be_mended
    book.close()
    assert mend(url(path), "now") is not None
    assert usable(path)[0] == MANY


def test_damaged_definitions_cost_no_rows(path):
    body = path.read_bytes()
    spoilt = 0
    for name in ("alert", "climb", "call", "device"):
        word = f"CREATE TABLE {name} ".encode()
        assert word in body
        path.write_bytes(body.replace(word, b"CREATE TABLE <" + b"x" * (len(word) - 14)))
        mended = mend(url(path), f"now-{name}")
        assert mended is not None
        assert usable(path) == (MANY, MANY, 2 * MANY)
        spoilt += 1
    assert spoilt == 4


def test_a_page_of_definitions_that_is_rubbish_costs_no_rows(path):
    body = bytearray(path.read_bytes())
    page = body.index(b"CREATE TABLE climb") // 4096
    assert page > 0, "of the first page SQLite's own header would go, too"
    body[page * 4096 : (page + 1) * 4096] = random.Random(1).randbytes(4096)
    path.write_bytes(body)
    assert mend(url(path), "now") is not None
    assert usable(path) == (MANY, MANY, 2 * MANY)


def test_without_a_copy_of_the_definitions_what_can_be_found_is_kept(path):
    definitions.kept_beside(path).unlink()
    body = path.read_bytes()
    path.write_bytes(body.replace(b"CREATE TABLE climb", b"CREATE <ABLE climb"))
    assert mend(url(path), "now").kept["climb"] == 0
    assert usable(path)[:2] == (MANY, MANY)
