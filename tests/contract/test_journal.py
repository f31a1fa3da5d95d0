"""What every journal promises (ports.Journal)."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firesense.domain.errors import JournalError, JournalFull
from firesense.domain.frame import FrameBatch, Marks
from firesense.journal import SqliteJournal
from firesense.journal.ndjson import lines
from firesense.journal.pack import pack, unpack
from tests.frames import T0, batch_of, same

ALL = 10**9


@pytest.fixture(params=["sqlite"])
def journal(tmp_path):
    opened = SqliteJournal(tmp_path / "journal.db")
    yield opened
    opened.close()


def test_offsets_start_at_zero_and_have_no_gaps(journal):
    assert (journal.head, journal.tail, journal.read(0, 10)) == (0, 0, None)
    assert journal.append(batch_of(("a", "1"), ("b", "2"))).first_offset == 0
    assert journal.append(batch_of(("c", "3"))).first_offset == 2
    assert journal.head == 3


def test_reads_back_what_was_written_from_any_offset(journal):
    written = [journal.append(batch_of(*[(f"t/{i}", b"\xff" * i) for i in range(n)])) for n in (3, 1, 4)]
    flat = [(topic, payload) for batch in written for topic, payload in zip(batch.topics, batch.payloads, strict=True)]
    for offset in range(8):
        for most in range(1, 9):
            part = journal.read(offset, most)
            assert part.first_offset == offset
            assert list(zip(part.topics, part.payloads, strict=True)) == flat[offset : offset + most]
    assert journal.read(8, 5) is None


def test_small_batches_come_back_as_one_but_sources_stay_apart(journal):
    journal.append(batch_of(("a", "1")))
    journal.append(batch_of(("b", "2")))
    journal.append(batch_of(("c", "3"), source="other"))
    assert journal.read(0, ALL).topics == ["a", "b"]
    assert journal.read(2, ALL).source == "other"


def test_marks_times_and_packet_ids_are_kept(journal):
    batch = batch_of(("a", ""), ("火/警", "x"), marks=3, packet_ids=[0, 65535])
    assert same(journal.append(batch), replace(batch, first_offset=0))
    assert same(journal.read(0, ALL), replace(batch, first_offset=0))


def test_trimming_never_passes_the_reader_nor_reuses_offsets(journal):
    for i in range(5):
        journal.append(batch_of(("a", "x" * 100), ("a", "y" * 100), received_at=T0 + i * 1_000_000))
    assert journal.trim(before=5, older_than=T0 + 10_000_000, most_bytes=ALL) == 4
    assert (journal.tail, journal.head) == (4, 10)
    assert journal.read(0, ALL).first_offset == 4
    assert journal.trim(before=10, older_than=T0 + 10_000_000, most_bytes=ALL) == 6
    assert (journal.tail, journal.head, journal.read(0, ALL)) == (10, 10, None)
    assert journal.append(batch_of(("b", "z"))).first_offset == 10


def test_trimming_by_size_takes_the_oldest(journal):
    for i in range(10):
        journal.append(batch_of(("a", bytes(1000)), received_at=T0 + i))
    assert journal.trim(before=10, older_than=0, most_bytes=3500) == 7
    assert journal.tail == 7


def test_waiting_ends_when_a_frame_comes_or_the_time_is_up(journal):
    assert journal.wait(0, timedelta(milliseconds=1)) is False
    thread = threading.Thread(target=journal.append, args=(batch_of(("a", "1")),))
    thread.start()
    assert journal.wait(0, timedelta(seconds=30)) is True
    thread.join()


def test_notes_are_kept_and_replaced(journal):
    journal.note("listening:main", T0)
    journal.note("listening:main", T0 + 1)
    assert journal.noted() == {"listening:main": T0 + 1}


def test_a_note_that_is_forgotten_is_forgotten_for_whoever_reads_beside(journal, tmp_path):
    journal.note("listening:main", T0)
    journal.note("listening:old", T0)
    with closing(SqliteJournal(next(tmp_path.glob("*.db")))) as beside:
        assert set(beside.noted()) == {"listening:main", "listening:old"}
        journal.forget(["listening:old", "listening:never"])
        assert beside.noted() == {"listening:main": T0}


def test_another_process_reads_while_it_is_written(journal, tmp_path):
    journal.append(batch_of(("a", "1"), ("b", "2")))
    code = (
        "import sys; from pathlib import Path; from firesense.journal import SqliteJournal;"
        "print(SqliteJournal(Path(sys.argv[1])).read(0, 9).topics)"
    )
    out = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(tmp_path / "journal.db")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert out.stdout.strip() == "['a', 'b']"


def test_kill_in_the_middle_keeps_every_batch_that_was_confirmed(tmp_path):
    code = (
        "import sys; from pathlib import Path; from firesense.journal import SqliteJournal\n"
        "from tests.frames import batch_of\n"
        "journal = SqliteJournal(Path(sys.argv[1]))\n"
        "while True:\n"
        "    print(journal.append(batch_of(*[('a', 'x' * 500)] * 50)).next_offset, flush=True)\n"
    )
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "journal.db")], stdout=subprocess.PIPE, text=True
        ) as process:
            confirmed = [int(process.stdout.readline()) for _ in range(5)][-1]
            process.kill()
        journal = SqliteJournal(tmp_path / "journal.db")
        assert journal.head >= confirmed
        assert len(journal.read(0, ALL)) == journal.head
        journal.close()


def test_damage_is_said_with_its_offset(journal, tmp_path):
    journal.append(batch_of(("a", "1")))
    journal.append(batch_of(("b", "2")))
    with sqlite3.connect(tmp_path / "journal.db") as raw:
        raw.execute("UPDATE batch SET body = zeroblob(length(body)) WHERE first = 1")
    raw.close()
    lost = journal.read(1, 1)
    assert (lost.first_offset, lost.topics, lost.payloads, lost.marks.tolist()) == (1, [""], [b""], [Marks.LOST])


def test_a_wrong_byte_makes_its_batch_doubtful_and_no_other(journal, tmp_path):
    for i in range(3):
        journal.append(batch_of(("a", f"{i}-0"), ("a", f"{i}-1"), received_at=T0 + 10 * i))
    with sqlite3.connect(tmp_path / "journal.db") as raw:
        body = raw.execute("SELECT body FROM batch WHERE first = 2").fetchone()[0]
        raw.execute("UPDATE batch SET body = ? WHERE first = 2", (body[:-1] + b"9",))
    raw.close()
    batch = journal.read(0, ALL)
    assert batch.payloads == [b"0-0", b"0-1", b"1-0", b"1-9", b"2-0", b"2-1"]
    assert batch.marks.tolist() == [0, 0, Marks.DAMAGED, Marks.DAMAGED, 0, 0]
    assert journal.read(3, 1).marks.tolist() == [Marks.DAMAGED]
    assert journal.damaged_at == {2}


def test_missing_batches_are_lost_frames_in_their_places(journal, tmp_path):
    for i in range(4):
        journal.append(batch_of(("a", f"{i}"), ("b", f"{i}"), received_at=T0 + 10 * i))
    with sqlite3.connect(tmp_path / "journal.db") as raw:
        raw.execute("DELETE FROM batch WHERE first IN (2, 4)")
    raw.close()
    offset, told = 0, []
    while (batch := journal.read(offset, 3)) is not None:
        told += [(int(at), mark == Marks.LOST) for at, mark in zip(batch.offsets, batch.marks, strict=True)]
        offset = batch.next_offset
    assert told == [(at, at in {2, 3, 4, 5}) for at in range(8)]


def test_no_offset_is_given_again_after_a_shorter_journal_came_back(journal):
    journal.append(batch_of(("a", "1"), ("a", "2")))
    assert journal.go_on_from(5, T0) == 3
    assert journal.go_on_from(5, T0) == 0
    assert journal.append(batch_of(("a", "3"))).first_offset == 5
    lost = journal.read(2, ALL)
    assert (lost.first_offset, len(lost), lost.source) == (2, 3, "")
    assert journal.read(5, ALL).payloads == [b"3"]


def test_a_journal_at_its_limit_takes_nothing_until_it_is_trimmed(tmp_path):
    journal = SqliteJournal(tmp_path / "journal.db", most_bytes=400_000)
    large = batch_of(*[("a", bytes(30_000))] * 100)
    journal.append(large)
    with pytest.raises(JournalFull, match="are the most"):
        journal.append(large)
    journal.trim(before=100, older_than=0, most_bytes=100_000)
    assert journal.append(batch_of(("b", "1"))).first_offset == 100
    journal.close()


def test_a_journal_leaves_something_of_its_disk(tmp_path, monkeypatch):
    real = os.statvfs(tmp_path)
    nearly_full = SimpleNamespace(f_bavail=real.f_blocks // 21, f_blocks=real.f_blocks, f_frsize=real.f_frsize)
    monkeypatch.setattr("os.statvfs", lambda _path: nearly_full)
    journal = SqliteJournal(tmp_path / "journal.db", least_free=2**62)
    with pytest.raises(JournalFull, match="are left of its disk"):
        journal.append(batch_of(("a", "1")))
    journal.note("listening:main", T0)
    assert journal.noted() == {"listening:main": T0}
    journal.close()


def test_received_at_is_known_of_every_frame_it_holds(journal):
    journal.append(batch_of(("a", "1"), ("a", "2"), received_at=T0))
    journal.append(batch_of(("a", "3"), received_at=T0 + 100))
    assert [journal.received_at(at) for at in range(4)] == [T0 + 1, T0 + 1, T0 + 100, None]


def test_a_file_that_is_no_journal_is_refused(tmp_path):
    (tmp_path / "journal.db").write_bytes(b"not a database, but long enough to be taken for one" * 40)
    with pytest.raises(JournalError, match=r"journal\.db"):
        SqliteJournal(tmp_path / "journal.db")


def test_a_full_disk_is_an_error_and_nothing_is_written(journal):
    journal.append(batch_of(("a", "1")))
    journal._connection.execute("PRAGMA max_page_count = 20")
    with pytest.raises(JournalError, match="full"):
        journal.append(batch_of(("b", bytes(2_000_000))))
    assert journal.head == 1
    assert journal.append(batch_of(("c", "3"))).first_offset == 1


topics = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(topics, st.binary(max_size=40)), min_size=1, max_size=20))
def test_packing_loses_nothing_and_no_prefix_passes(frames):
    batch = batch_of(*frames)
    blob = pack(batch)
    assert same(unpack(blob, "main", -1), batch)
    for size in {0, 3, 8, len(blob) // 2, len(blob) - 1}:
        with pytest.raises(ValueError, match=r"shorter|add up"):
            unpack(blob[:size], "main", 0)


def test_lines_of_json_show_text_and_bytes():
    batch = FrameBatch(
        "main",
        ["a", "b"],
        ["火".encode(), b"\xff"],
        np.array([T0, T0 + 1]),
        np.array([0, 3], np.uint8),
        np.array([0, 0], np.uint16),
        7,
    )
    text, raw = lines(batch)
    assert '"payload": "火"' in text
    assert '"offset": 7' in text
    assert '"payload_base64": "/w=="' in raw
    assert '["retained", "redelivered"]' in raw


def test_a_topic_is_not_utf8_and_can_still_be_written_down(journal):
    journal.append(batch_of(("a\udcff", "1")))
    [topic] = journal.read(0, 1).topics
    assert topic.encode("utf-8")
