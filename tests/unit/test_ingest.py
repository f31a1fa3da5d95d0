"""The first street, over recorded frames and a real journal."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager, suppress

import pytest

from firesense.domain.errors import JournalError
from firesense.domain.frame import Marks
from firesense.ingest import Ingest
from firesense.journal import SqliteJournal
from firesense.transport import ReplayTransport
from tests.frames import T0, batch_of
from tests.waiting import until


class Still:
    def now(self):
        return T0


class Troubled:
    """A journal that can be made to refuse and to be slow; what it does take, a real one has."""

    def __init__(self, journal):
        self._journal = journal
        self.refuses = False
        self.damaged = False
        self.attempts = 0
        self.go = threading.Event()
        self.go.set()
        self.threads = set()

    def append(self, batch):
        self.threads.add(threading.get_ident())
        self.attempts += 1
        self.go.wait()
        if self.refuses:
            raise JournalError("the disk is full")
        return self._journal.append(batch)

    def read(self, offset, most):
        if self.damaged:
            raise JournalError("offset 0 is damaged")
        return self._journal.read(offset, most)

    def __getattr__(self, name):
        return getattr(self._journal, name)


@pytest.fixture
def journal(tmp_path):
    opened = SqliteJournal(tmp_path / "journal.db")
    yield Troubled(opened)
    opened.close()


@asynccontextmanager
async def running(journal, *batches, name="main"):
    transport = ReplayTransport(name, batches)
    await transport.start()
    ingest = Ingest(transport, journal, Still())
    street = asyncio.ensure_future(ingest.run())
    try:
        yield ingest, transport
    finally:
        street.cancel()
        with suppress(asyncio.CancelledError):
            await street


def test_frames_are_acknowledged_when_the_journal_has_them_and_not_before(journal):
    async def story():
        first, second = batch_of(("a", "1"), ("b", "2")), batch_of(("c", "3"))
        journal.go.clear()
        async with running(journal, first, second) as (ingest, transport):
            await until(lambda: journal.attempts)
            assert (transport.acknowledged, journal.head) == ([], 0)
            journal.go.set()
            await until(lambda: len(transport.acknowledged) == 2)
            assert transport.acknowledged == [first, second]
            assert journal.read(0, 10).payloads == [b"1", b"2", b"3"]
            status = ingest.status
            assert (status.received, status.appended, status.repeated, status.stalled) == (3, 3, 0, False)
            assert status.last_append_at == T0
        assert len(journal.threads) == 1
        assert threading.get_ident() not in journal.threads

    asyncio.run(story())


def test_a_journal_that_refuses_stops_the_acknowledging_and_loses_nothing(journal, capsys):
    async def story():
        journal.refuses = True
        async with running(journal, batch_of(("a", "1")), batch_of(("b", "2"))) as (ingest, transport):
            await until(lambda: journal.attempts > 2)
            assert ingest.status.stalled
            assert (transport.acknowledged, ingest.status.received) == ([], 1)
            journal.refuses = False
            await until(lambda: len(transport.acknowledged) == 2)
            assert not ingest.status.stalled
            assert journal.read(0, 10).payloads == [b"1", b"2"]

    asyncio.run(story())
    said = capsys.readouterr().out
    assert (said.count("journal_refuses"), said.count("journal_takes_again")) == (1, 1)


def test_redelivered_frames_the_journal_holds_are_marked_and_kept(journal):
    again = Marks.REDELIVERED

    async def story():
        async with running(journal, batch_of(("a", "1"), ("b", "2"), packet_ids=[1, 2])) as (ingest, transport):
            await until(lambda: journal.head == 2)
            came = batch_of(("a", "1"), ("b", "2"), ("c", "3"), packet_ids=[1, 2, 3], marks=again)
            transport.reconnect([came])
            await until(lambda: journal.head == 5)
            assert journal.read(2, 10).marks.tolist() == [again | Marks.REPEATED, again | Marks.REPEATED, again]
            await until(lambda: came in transport.acknowledged)
            assert (ingest.status.appended, ingest.status.repeated) == (5, 2)

    asyncio.run(story())


@pytest.mark.parametrize(
    "redelivered",
    [
        batch_of(("a", "1"), packet_ids=[2], marks=Marks.REDELIVERED),  # another identifier
        batch_of(("b", "1"), packet_ids=[1], marks=Marks.REDELIVERED),  # another topic
        batch_of(("a", "2"), packet_ids=[1], marks=Marks.REDELIVERED),  # another payload
        batch_of(("a", "1"), packet_ids=[1]),  # not redelivered: a device that says the same again
        batch_of(("old", "1"), packet_ids=[7], marks=Marks.REDELIVERED),  # the identifier was used again since
        batch_of(("a", "1"), packet_ids=[9], marks=Marks.REDELIVERED),  # of another transport
    ],
)
def test_what_only_looks_like_a_held_frame_is_not_marked(journal, redelivered):
    async def story():
        journal.append(batch_of(("old", "1"), packet_ids=[7]))
        journal.append(batch_of(("a", "1"), source="other", packet_ids=[9]))
        held = batch_of(("a", "1"), ("new", "1"), packet_ids=[1, 7])
        async with running(journal, held) as (_, transport):
            await until(lambda: journal.head == 4)
            transport.reconnect([redelivered])
            await until(lambda: journal.head == 5)
        assert not journal.read(4, 1).marks[0] & Marks.REPEATED

    asyncio.run(story())


def test_after_a_restart_the_journal_still_knows(journal):
    async def story():
        async with running(journal, batch_of(("a", "1"))):
            await until(lambda: journal.head == 1)
        async with running(journal, batch_of(("a", "1"), marks=Marks.REDELIVERED)) as (ingest, _):
            await until(lambda: journal.head == 2)
            await until(lambda: ingest.status.repeated == 1)

    asyncio.run(story())


def test_a_damaged_end_of_the_journal_does_not_stop_ingest(journal):
    async def story():
        journal.damaged = True
        async with running(journal, batch_of(("a", "1"), marks=Marks.REDELIVERED)) as (ingest, _):
            await until(lambda: ingest.status.appended == 1)

    asyncio.run(story())


def test_cancelled_in_an_append_it_finishes_and_acknowledges_it(journal):
    async def story():
        journal.go.clear()
        async with running(journal, batch_of(("a", "1"))) as (ingest, transport):
            await until(lambda: journal.attempts)
            asyncio.get_running_loop().call_later(0.01, journal.go.set)
        assert (len(transport.acknowledged), journal.head, ingest.status.appended) == (1, 1, 1)

    asyncio.run(story())


def test_cancelled_while_the_journal_refuses_it_acknowledges_nothing(journal):
    async def story():
        journal.refuses = True
        async with running(journal, batch_of(("a", "1"))) as (_, transport):
            await until(lambda: journal.attempts)
        assert transport.acknowledged == []

    asyncio.run(story())
