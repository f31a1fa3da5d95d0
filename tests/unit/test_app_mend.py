"""What a start does when journal and book no longer fit together."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack
from pathlib import Path

import pytest

from firesense.app.mend import fit_together, mend_files
from firesense.app.opening import open_plan
from firesense.app.plugs import open_book, open_journal
from firesense.domain.instant import MINUTE
from firesense.domain.outcome import Outcome, Tally
from firesense.salvage import suspicion
from firesense.settings import load_settings
from tests.book_examples import device
from tests.frames import T0, batch_of
from tests.house import HandClock

ROOT = Path(__file__).parents[2]
EVERY = ("ingest", "alerting", "record", "duty", "web")


@pytest.fixture
def settings(tmp_path):
    file = tmp_path / "firesense.yaml"
    file.write_text("data: data\n", encoding="utf-8")
    return load_settings(file)


@pytest.fixture
def stores(settings):
    with open_book(settings) as book, open_journal(settings) as journal:
        for minute in range(60):
            journal.append(batch_of(("a", "x"), ("b", "y"), received_at=T0 + minute * MINUTE))
        yield journal, book


def commit(book, street, position):
    book.commit(Outcome(street, position, T0, tally=Tally(recorded=position)))


def test_nothing_is_done_where_nothing_is_wrong(settings, stores):
    journal, book = stores
    commit(book, "alerting", 120)
    commit(book, "record", 100)
    assert mend_files(settings, EVERY, T0) == []
    assert fit_together(journal, book, EVERY, T0, []) == []
    assert journal.head == 120
    assert book.positions() == {"alerting": 120, "record": 100}


def test_a_journal_behind_the_book_goes_on_behind_it(stores):
    journal, book = stores
    commit(book, "record", 150)
    assert fit_together(journal, book, ["record", "alerting"], T0, []) == []
    assert journal.head == 120, "that is for the process with ingest"
    assert fit_together(journal, book, EVERY, T0, []) == ["journal-shorter"]
    assert journal.head == 150


def test_without_a_position_the_last_minutes_are_judged_again_and_no_more(stores):
    journal, book = stores
    assert fit_together(journal, book, EVERY, T0 + 60 * MINUTE, ["book-mended"]) == ["book-mended"]
    assert book.position("alerting") == 100
    assert "record" not in book.positions()


def test_each_file_is_for_the_process_that_minds_it(settings, stores):
    stores[0].close()
    stores[1].close()
    suspicion(settings.journal.file).touch()
    suspicion(settings.data / "book.db").touch()
    assert mend_files(settings, ["record", "duty", "web"], T0) == []
    assert mend_files(settings, ["ingest"], T0) == ["journal-mended"]
    assert mend_files(settings, ["alerting"], T0) == ["book-mended"]
    assert mend_files(settings, EVERY, T0) == []
    assert sorted(path.name for path in settings.data.glob("*.damaged-*") if path.suffix != "") == [
        "book.db.damaged-20260101T000000Z",
        "journal.db.damaged-20260101T000000Z",
    ]


def test_a_process_notices_that_its_file_was_replaced_or_is_damaged(settings, stores):
    journal, book = stores
    assert journal.to_be_mended == book.to_be_mended == ""
    for path in (settings.journal.file, settings.data / "book.db"):
        path.rename(path.with_suffix(".old"))
        path.write_bytes(b"")
    assert "replaced" in journal.to_be_mended
    assert "replaced" in book.to_be_mended
    suspicion(settings.journal.file).touch()
    assert "cannot be read past" in journal.to_be_mended


def test_damage_that_only_the_reading_of_devices_meets_is_mended_in_the_same_start(settings, monkeypatch):
    files = {name: ROOT / "config" / f"{name}.yaml" for name in ("rules", "org", "ladders", "calendars")}
    files = settings.files.model_copy(update=files | {"profiles": ROOT / "device_profiles", "devices": None})
    channels = load_settings(ROOT / "config" / "firesense.yaml").channels
    settings = settings.model_copy(update={"files": files, "channels": channels})
    monkeypatch.setattr("firesense.book.mending.READ_THROUGH", 0)
    with open_book(settings) as book:
        book.register([device(1), device(2)])
    with sqlite3.connect(settings.data / "book.db") as raw:
        raw.execute("UPDATE device SET name = CAST(x'ff' AS TEXT) WHERE id = ?", (device(1).id,))
    raw.close()
    with ExitStack() as stack:
        _book, keeper, mended = open_plan(stack, settings, frozenset(EVERY), HandClock(T0))
        assert mended == ["book-mended"]
        assert len(keeper.current().registry) == 2
    assert len(list(settings.data.glob("book.db.damaged-*"))) == 1
