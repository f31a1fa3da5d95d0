"""Damaged journals: what can be read is read, at its own offset, and the damaged file is kept."""

from __future__ import annotations

import random

import pytest

from firesense.domain.frame import Marks
from firesense.journal import SqliteJournal, mend
from firesense.journal.mending import find_damage
from firesense.salvage import suspicion
from tests.frames import T0, batch_of

PAGE = 16384
BATCHES, IN_A_BATCH = 60, 50


@pytest.fixture
def path(tmp_path):
    """A journal of 60 batches of 50 frames, 240 payload bytes each."""
    written = tmp_path / "journal.db"
    journal = SqliteJournal(written)
    for i in range(BATCHES):
        frames = [(f"t/{i}", f"{i * IN_A_BATCH + k:06d}".ljust(240, "x")) for k in range(IN_A_BATCH)]
        journal.append(batch_of(*frames, received_at=T0 + i * 1000))
    journal.note("listening:main", T0)
    journal.close()
    return written


def everything(path):
    """Reads a whole journal: offset -> payload of the sound frames, and how many of the others there are."""
    journal = SqliteJournal(path)
    sound, doubtful, offset = {}, 0, journal.tail
    while (batch := journal.read(offset, 700)) is not None:
        assert batch.first_offset == offset, "offsets follow without gaps"
        for at, payload, mark in zip(batch.offsets.tolist(), batch.payloads, batch.marks, strict=True):
            if mark & (Marks.LOST | Marks.DAMAGED):
                doubtful += 1
            else:
                sound[at] = payload
        offset = batch.next_offset
    assert offset == journal.head
    journal.close()
    return sound, doubtful


def all_true(sound):
    return all(payload.startswith(f"{at:06d}".encode()) for at, payload in sound.items())


def test_a_sound_journal_is_left_alone(path):
    assert find_damage(path) == ""
    assert mend(path, "now", 0) is None
    assert len(everything(path)[0]) == BATCHES * IN_A_BATCH
    assert list(path.parent.glob("*.damaged-*")) == []


def test_no_journal_is_no_damaged_one(tmp_path):
    assert mend(tmp_path / "journal.db", "now", 0) is None


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_truncated_journal_keeps_what_is_left(path, share):
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(int(size * share) // PAGE * PAGE)
    mended = mend(path, "now", 0)
    assert mended.reason
    assert mended.aside.name == "journal.db.damaged-now"
    assert mended.aside.exists()
    sound, _ = everything(path)
    assert all_true(sound)
    assert len(sound) == mended.kept
    assert mend(path, "later", 0) is None


@pytest.mark.parametrize("seed", range(25))
def test_a_journal_with_flipped_bits_gives_nothing_wrong(path, seed):
    chance = random.Random(seed)
    with path.open("r+b") as file:
        body = bytearray(file.read())
        for _ in range(chance.choice([1, 3, 20])):
            at = chance.randrange(PAGE, len(body))
            body[at] ^= 1 << chance.randrange(8)
        file.seek(0)
        file.write(body)
    mended = mend(path, "now", 0)
    sound, doubtful = everything(path)
    assert all_true(sound)
    if mended is None:
        assert len(sound) + doubtful == BATCHES * IN_A_BATCH
    assert len(sound) > 0


def test_a_page_of_rubbish_costs_what_was_on_it(path):
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // PAGE * PAGE)
        file.write(random.Random(1).randbytes(PAGE))
    mended = mend(path, "now", 0)
    sound, doubtful = everything(path)
    assert mended is not None
    assert all_true(sound)
    assert doubtful >= mended.lost
    assert 0 < doubtful < 500
    assert len(sound) + doubtful == BATCHES * IN_A_BATCH
    journal = SqliteJournal(path)
    assert journal.noted() == {"listening:main": T0}
    journal.close()


def test_a_file_of_rubbish_is_kept_and_a_new_journal_begun(path):
    path.write_bytes(b"rubbish " * 5000)
    mended = mend(path, "now", 0)
    assert (mended.kept, mended.reason) == (0, "file is not a database")
    assert mended.aside.read_bytes().startswith(b"rubbish")
    assert everything(path) == ({}, 0)


def test_what_a_running_reader_cannot_get_past_is_mended_at_the_next_start(path):
    suspicion(path).touch()
    assert mend(path, "now", 0).kept == BATCHES * IN_A_BATCH
    assert mend(path, "later", 0) is None


def test_only_what_is_needed_is_copied_where_all_of_it_is_too_much(path, monkeypatch):
    monkeypatch.setattr("firesense.journal.mending.COPIED_WHOLE", 1)
    suspicion(path).touch()
    mended = mend(path, "now", 2520)
    assert mended.kept == 500
    journal = SqliteJournal(path)
    assert (journal.tail, journal.head) == (2500, 3000)
    journal.close()


def test_a_mending_that_was_cut_short_is_finished(path):
    path.rename(path.with_name("journal.db.mending"))
    assert mend(path, "now", 0) is None
    assert len(everything(path)[0]) == BATCHES * IN_A_BATCH
