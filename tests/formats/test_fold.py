"""Each format has the lines of the log, for every prefix of generated logs.

The documents are read by feed readers of other projects (`tests/support/feed_readers.py`), after each entry of a log.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from hypothesis import given, settings

from tests.support.feed_readers import FeedReader, Item, plain
from tests.support.publications import PUBLICATION, WORDS
from tests.support.strategies import START, histories
from ticker.core.board import Board
from ticker.core.entry import Entry
from ticker.core.line import Line, Status
from ticker.formats.atom import atom_feed
from ticker.formats.json_feed import json_feed
from ticker.formats.ninjs import ninjs_lines
from ticker.formats.publication import Snapshot, take_snapshot
from ticker.formats.rss import rss_feed

CASES: Final = 20


def prefixes(log: Sequence[Entry]) -> Iterator[tuple[Board, Snapshot, datetime]]:
    """Yield the board after each entry, and an hour after the last one, with what feeds say then."""
    board, recent, now = Board(), list[str](), START
    for entry in log:
        board.apply(entry)
        recent.insert(0, entry.line.id)
        now = entry.line.updated_at
        yield board, take_snapshot(PUBLICATION, board, recent, now), now
    later = now + timedelta(hours=1)
    yield board, take_snapshot(PUBLICATION, board, recent, later), later


def item_of(line: Line) -> Item:
    """Return what a feed has to say about a line."""
    if line.status is Status.CANCELED:
        title = body = f"{WORDS.withdrawn}: {line.correction}"
    else:
        title = body = f"{line.attribution}: {line.text}" if line.attribution else line.text
        if line.correction:
            body = f"{title}\n\n{WORDS.correction}: {line.correction}"
    return Item(plain(title), plain(body), line.created_at, line.updated_at)


def shown(board: Board, now: datetime, *, with_notices: bool = True) -> dict[str, Item]:
    lines = board.lines(now, 100)
    return {PUBLICATION.id_of(line.id): item_of(line) for line in lines if with_notices or line.status is Status.USABLE}


@settings(max_examples=CASES)
@given(histories(12))
def test_reader_of_json_feed_has_the_board_after_every_entry(log: list[Entry]) -> None:
    reader = FeedReader()
    for board, snapshot, now in prefixes(log):
        reader.read_json(json_feed(snapshot))
        assert reader.items == shown(board, now)


@settings(max_examples=CASES)
@given(histories(12))
def test_reader_of_atom_has_the_board_after_every_entry(log: list[Entry]) -> None:
    """A reader that knows tombstones removes withdrawn lines. Any other one shows their notices."""
    reader = FeedReader()
    for board, snapshot, now in prefixes(log):
        document, other = atom_feed(snapshot), FeedReader()
        reader.read_atom(document)
        assert reader.items == shown(board, now, with_notices=False)
        other.read_atom(document, knows_tombstones=False)
        assert other.items == shown(board, now)


@settings(max_examples=CASES)
@given(histories(12))
def test_reader_of_rss_has_the_board_after_every_entry(log: list[Entry]) -> None:
    reader = FeedReader()
    for board, snapshot, now in prefixes(log):
        reader.read_rss(rss_feed(snapshot))
        assert reader.items == shown(board, now)


@settings(max_examples=CASES)
@given(histories(12))
def test_reader_of_ninjs_has_the_board_after_every_entry(log: list[Entry]) -> None:
    reader = FeedReader()
    for board, snapshot, now in prefixes(log):
        reader.read_ninjs(ninjs_lines(snapshot))
        assert reader.items == shown(board, now, with_notices=False)
