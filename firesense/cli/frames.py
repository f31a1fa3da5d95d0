"""Commands about frames: the journal, the quarantine, the ledger."""

from __future__ import annotations

import gzip
import sys
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import numpy as np

from firesense.app import RealClock, open_book, open_journal
from firesense.cli.terminal import plain
from firesense.domain.frame import FrameBatch, Marks, Reason
from firesense.domain.instant import iso
from firesense.journal.ndjson import lines
from firesense.settings import load_settings
from firesense.text import say

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from firesense.cli.daemon import Commands
    from firesense.domain.frame import Refusal

_STRETCH = 5000  # frames read at once


def add_commands(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add journal, quarantine and ledger."""
    journal = commands.add_parser("journal", help="the frames as they came").add_subparsers(
        required=True, metavar="ACTION"
    )
    command = journal.add_parser("stats", parents=[shared], help="offsets, size, age, and where each street is")
    command.set_defaults(does=_stats)
    for name, text in (("list", "show frames as lines of JSON"), ("export", "write all frames from an offset on")):
        command = journal.add_parser(name, parents=[shared], help=text)
        command.add_argument("--from", dest="start", type=int, default=None, help="first offset (default: see below)")
        command.add_argument("--to", dest="end", type=int, default=None, help="offset to stop before (default: all)")
        command.add_argument("--topic", default="", help="only frames whose topic contains this")
        if name == "list":
            command.add_argument("--last", type=int, default=20, help="without --from: so many of the newest")
        else:
            command.add_argument("--out", type=Path, help="write to this file, compressed if it ends in .gz")
        command.set_defaults(does=_frames)

    quarantine = commands.add_parser("quarantine", help="frames that could not be used").add_subparsers(
        required=True, metavar="ACTION"
    )
    for name, does, text in (
        ("list", _quarantine, "show them with their reasons"),
        ("replay", _replay, "put them back into the journal, after a fix"),
    ):
        command = quarantine.add_parser(name, parents=[shared], help=text)
        command.add_argument("--reason", default="", choices=["", *Reason], help="only these")
        command.add_argument("--most", type=int, default=100 if name == "list" else 100_000)
        command.set_defaults(does=does)

    command = commands.add_parser("ledger", parents=[shared], help="received = recorded + duplicate + quarantined")
    command.set_defaults(does=_ledger)


def _stats(asked: argparse.Namespace) -> None:
    settings = load_settings(asked.config)
    with open_journal(settings) as journal, open_book(settings) as book:
        size = journal.size()
        print(f"frames     {size.head - size.tail} kept, offsets {size.tail} to {size.head}")
        print(f"size       {size.bytes / 2**20:.1f} MiB in {size.batches} batches")
        if size.oldest_at is not None and size.newest_at is not None:
            print(f"received   {iso(size.oldest_at)} to {iso(size.newest_at)}")
        for street, position in sorted(book.positions().items()):
            print(f"{street:<10} at {position}, {size.head - position} behind")


def _frames(asked: argparse.Namespace) -> None:
    last, out = getattr(asked, "last", None), getattr(asked, "out", None)
    with open_journal(load_settings(asked.config)) as journal, _writing_to(out) as file:
        start = asked.start
        if start is None:
            start = journal.tail if last is None else max(journal.tail, journal.head - last)
        end = journal.head if asked.end is None else asked.end
        while start < end and (batch := journal.read(start, min(_STRETCH, end - start))) is not None:
            for topic, line in zip(batch.topics, lines(batch), strict=True):
                if asked.topic in topic:
                    print(plain(line) if out is None else line, file=file)
            start = batch.next_offset


@contextmanager
def _writing_to(path: Path | None) -> Iterator[TextIO]:
    """Open the file that was asked for; else it is the standard output."""
    if path is None:
        yield sys.stdout
    elif path.suffix == ".gz":
        with gzip.open(path, "wt", encoding="utf-8") as file:
            yield file
    else:
        with path.open("w", encoding="utf-8") as file:
            yield file


def _quarantine(asked: argparse.Namespace) -> None:
    settings = load_settings(asked.config)
    with open_book(settings) as book:
        refusals = book.quarantine(reason=asked.reason, most=asked.most)
    for refusal in refusals:
        shown = refusal.payload[:60].decode("utf-8", "backslashreplace")
        print(
            f"{refusal.offset:>10}  {iso(refusal.received_at)}  {refusal.reason:<15} {plain(refusal.topic)}  {shown!r}"
            f"  {say('reason.' + refusal.reason, settings.language)}: {plain(refusal.detail)}"
            + (f" (and {refusal.more} more like it)" if refusal.more else "")
        )
    print(f"{len(refusals)} in quarantine", file=sys.stderr)


def _replay(asked: argparse.Namespace) -> None:
    settings = load_settings(asked.config)
    with open_journal(settings) as journal, open_book(settings) as book:
        refusals = [one for one in book.quarantine(reason=asked.reason, most=asked.most) if one.reason != Reason.LOST]
        for source, group in groupby(refusals, key=lambda refusal: refusal.source):
            members = list(group)
            journal.append(_batch(source, members))
            # After the journal has them: a kill in between puts them back twice, and history takes a point once.
            book.mark_replayed([refusal.offset for refusal in members], RealClock().now())
    print(f"{len(refusals)} frames put back")


def _batch(source: str, refusals: Sequence[Refusal]) -> FrameBatch:
    n = len(refusals)
    return FrameBatch(
        source,
        [refusal.topic for refusal in refusals],
        [refusal.payload for refusal in refusals],
        np.fromiter((refusal.received_at for refusal in refusals), dtype=np.int64, count=n),
        np.full(n, Marks.REPLAYED, dtype=np.uint8),
        np.zeros(n, dtype=np.uint16),
    )


def _ledger(asked: argparse.Namespace) -> int:
    settings = load_settings(asked.config)
    with open_journal(settings) as journal, open_book(settings) as book:
        received, done, tally = journal.head, book.position("record"), book.tally("record")
    print(f"received     {received}")
    print(f"recorded     {tally.recorded}")
    print(f"duplicate    {tally.duplicate}")
    print(f"quarantined  {tally.quarantined}")
    print(f"waiting      {received - done}")
    balanced = tally.total == done
    print("the ledger balances" if balanced else f"THE LEDGER IS OFF BY {done - tally.total}")
    return 0 if balanced else 1
