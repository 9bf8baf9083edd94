"""Each format has the lines of the log, for every prefix of generated logs.

After each entry of a log, programs of other projects read the documents: feedparser, feedsmith, jsonschema, lxml,
jing, rdflib and pySHACL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import reduce
from itertools import zip_longest
from pathlib import Path
from typing import Final

import msgspec
import pytest
from hypothesis import example, given, settings
from lxml import etree
from rdflib import Graph

from tests.support.feed_readers import SCHEMAS, FeedReader, Item, plain
from tests.support.feedsmith import Feedsmith
from tests.support.publications import PUBLICATION, WORDS
from tests.support.relax_ng import relax_ng_errors
from tests.support.schema_org import notices_of, posts_of, read_json_ld, schema_org_errors
from tests.support.story_page import StoryPage
from tests.support.strategies import NONCE, START, Step, histories, history
from ticker.core.board import Board
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.entry import Entry, Logged, encode_entry
from ticker.core.line import Change, Line, Status
from ticker.core.messages import BoardMessage, ForgetMessage
from ticker.core.position import Position, next_link
from ticker.core.tail import News, TailReader, decode_tail
from ticker.formats.atom import atom_feed
from ticker.formats.json_feed import json_feed
from ticker.formats.news_sitemap import NEWS_FOR, news_sitemap
from ticker.formats.ninjs import ninjs_lines
from ticker.formats.publication import Removal, Snapshot, take_snapshot
from ticker.formats.rss import rss_feed
from ticker.gateway.history import History
from ticker.web.tail import encode_tail

CASES: Final = 10
"""Generated logs per format, of up to 12 entries. Each is read after every entry. `EVERY_CHANGE` has all changes."""
STORY: Final = "Storm / Ada"


def step(change: Change, target: int = 0, text: int = 0, expires_in: int | None = None) -> Step:
    return Step(change, target, text, "politics", ("mena",), 3, 1, expires_in)


EVERY_CHANGE: Final = history(
    [
        *(step(Change.NEW, text=text) for text in range(4)),
        step(Change.NEW, text=4, expires_in=10),
        step(Change.UPDATE, text=5),
        step(Change.REFILE, text=0),
        step(Change.CORRECT, text=5),
        step(Change.PIN, 1),
        step(Change.HIDE),
        step(Change.UNHIDE),
        step(Change.UNPIN, 1),
        step(Change.PIN, 1),
        step(Change.WITHDRAW, 2),
        step(Change.HIDE, 3),
    ]
)
"""A log with each kind of change, and with a line that expires."""


def each_log(check: Callable[[list[Entry]], None]) -> None:
    """Pass the log with every change, and generated ones, to `check`."""
    settings(max_examples=CASES)(example(EVERY_CHANGE)(given(histories(12))(check)))()


def test_logs_have_every_change() -> None:
    assert {entry.line.change for entry in EVERY_CHANGE} == set(Change)
    *_, (board, snapshot, now) = prefixes(EVERY_CHANGE)
    assert {entry.line.status for entry in board.newest_first()} == set(Status)
    assert {removed.status for removed in snapshot.removed} == set(Removal)
    assert any(line.is_pinned(EVERY_CHANGE[-1].line.updated_at) for line in board.lines(now, 100))


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


@pytest.mark.parametrize(
    ("feed", "kind", "read"),
    [(json_feed, "json", FeedReader.read_json), (rss_feed, "rss", FeedReader.read_rss)],
    ids=["json_feed", "rss"],
)
def test_reader_of_a_feed_has_the_board_after_every_entry(
    feed: Callable[[Snapshot], bytes], kind: str, read: Callable[[FeedReader, bytes], None]
) -> None:
    with Feedsmith() as feedsmith:

        def check(log: list[Entry]) -> None:
            reader = FeedReader()
            for board, snapshot, now in prefixes(log):
                document = feed(snapshot)
                read(reader, document)
                assert reader.items == shown(board, now)
                assert feedsmith.read(kind, document) == shown(board, now)

        each_log(check)


def test_reader_of_atom_has_the_board_after_every_entry(tmp_path: Path) -> None:
    """A reader that knows tombstones removes withdrawn lines. Any other one shows their notices."""
    documents = set[bytes]()
    with Feedsmith() as feedsmith:

        def check(log: list[Entry]) -> None:
            reader = FeedReader()
            for board, snapshot, now in prefixes(log):
                document, other = atom_feed(snapshot), FeedReader()
                documents.add(document)
                reader.read_atom(document)
                assert reader.items == shown(board, now, with_notices=False)
                other.read_atom(document, knows_tombstones=False)
                assert other.items == shown(board, now)
                assert feedsmith.read("atom", document) == shown(board, now)

        each_log(check)
    assert relax_ng_errors(SCHEMAS / "atom.rng", documents, tmp_path) == ""


def folded(board: Board, message: News) -> Board:
    """Return a reader's board after a message."""
    if isinstance(message, ForgetMessage):
        for line_id in message.lines:
            board.remove(line_id)
        return board
    board = Board() if isinstance(message, BoardMessage) else board
    for line in message.lines if isinstance(message, BoardMessage) else [message.line]:
        board.apply(Entry(line=line, editor="amal", key="key", submitted_at=START))
    return board


def logged_in(log: Sequence[Entry], gateway: History) -> Iterator[datetime]:
    """Append the entries to a gateway's history, one per step. Yield the time after each."""
    link = gateway.nonce
    for seq, entry in enumerate(log, 1):
        link = next_link(link, encode_entry(entry))
        gateway.append(Logged(seq, link, entry))
        yield entry.line.updated_at


def test_reader_of_the_tail_has_the_board_after_every_entry() -> None:
    """Readers that poll after each entry, after each third and after each fifth one. A tail has three entries here."""

    def check(log: list[Entry]) -> None:
        gateway = History("en", DEFAULT_EDITIONS["en"], NONCE, 100)
        readers = {interval: (TailReader(), list[News]()) for interval in (1, 3, 5)}
        for count, now in enumerate(logged_in(log, gateway), 1):
            tail = decode_tail(encode_tail(gateway, now, 63, entries=3)[0])
            for interval, (reader, news) in readers.items():
                if count % interval == 0:
                    news.extend(reader.read(tail, count))
                    board = reduce(folded, news, Board())
                    expected = gateway.board.lines(now, 100, notices=100)
                    assert board.lines(now, 100, notices=100) == expected, interval
                    assert reader.read(tail, count) == [], "a second look has nothing new"
        seqs = [Position.parse(each.position).seq for each in readers[1][1] if not isinstance(each, ForgetMessage)]
        assert seqs == list(range(1, len(log) + 1)), "each entry once and in order"

    each_log(check)


def test_reader_of_ninjs_has_the_board_after_every_entry() -> None:
    def check(log: list[Entry]) -> None:
        reader = FeedReader()
        for board, snapshot, now in prefixes(log):
            reader.read_ninjs(ninjs_lines(snapshot))
            assert reader.items == shown(board, now, with_notices=False)

    each_log(check)


def test_news_sitemap_has_the_board_without_notices_after_every_entry() -> None:
    def check(log: list[Entry]) -> None:
        for board, _, now in prefixes(log):
            lines = [entry.line for entry in board.newest_first()]
            found = addresses(news_sitemap(PUBLICATION, lines, now))
            usable = [line for line in board.lines(now, 100) if line.status is Status.USABLE]
            assert found == {PUBLICATION.page_of(line.id): (item_of(line).title, line.updated_at) for line in usable}
            assert addresses(news_sitemap(PUBLICATION, lines, now + NEWS_FOR + timedelta(hours=1))) == {}

    each_log(check)


def addresses(sitemap: bytes) -> dict[str, tuple[str, datetime]]:
    """Return the titles and the times of change of a sitemap's addresses."""
    texts = [
        [str(each.text) for each in url.iter("{*}loc", "{*}lastmod", "{*}title")]
        for url in etree.fromstring(sitemap).iterfind("{*}url")
    ]
    return {address: (plain(title), datetime.fromisoformat(time)) for address, time, title in texts}


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")  # rdflib uses it itself
@pytest.mark.filterwarnings("ignore:Warning, A Recursive Shape")  # the shapes of schema.org are recursive
def test_page_of_a_story_has_its_lines_and_notices_after_every_entry() -> None:
    everything = Graph()

    def check(log: list[Entry]) -> None:
        log, page = [with_story(entry) for entry in log], StoryPage(STORY)
        for entry, (board, _, now) in zip_longest(log, prefixes(log)):
            if entry is not None:
                page.append(entry)
            items = {PUBLICATION.page_of(line.id): (line, item_of(line)) for line in board.lines(now, 100)}
            usable = {key: item for key, (line, item) in items.items() if line.status is Status.USABLE}
            notices = {key: (item.title, item.updated) for key, (_, item) in items.items() if key not in usable}
            document = page.structured_data(now)
            assert (document is not None) == bool(usable)
            graph = Graph() if document is None else read_json_ld(document)
            assert (posts_of(graph), notices_of(graph)) == (usable, notices if usable else {})
            for statement in graph:
                everything.add(statement)

    each_log(check)
    assert schema_org_errors(everything) == ""


def with_story(entry: Entry) -> Entry:
    """Return the entry with a story, unless its line has no text."""
    if entry.line.status is not Status.USABLE:
        return entry
    return msgspec.structs.replace(entry, line=msgspec.structs.replace(entry.line, coverage=STORY))
