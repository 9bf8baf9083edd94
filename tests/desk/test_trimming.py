"""Lines whose entries leave the log are kept while they show, and forgotten by everybody after that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import ENGLISH, NONCE, START, Step, fold, histories, history, reader_entry, selections
from ticker.core.edition import Edition
from ticker.core.entry import Entry, Logged, Trim, encode_entry
from ticker.core.line import Change
from ticker.core.position import next_link
from ticker.core.selection import Selection
from ticker.desk import trimming
from ticker.desk.ledger import Ledger
from ticker.desk.trimming import plan_trim
from ticker.store.editions import StoredEdition

LATER = START + timedelta(days=1)


class Log:
    """The log of a desk, and its ledger. `entries` are those that were appended, `logged` those that are in the log."""

    def __init__(self, retained: int, edition: Edition = ENGLISH) -> None:
        self.retained = retained
        self.edition = edition
        self.ledger = self.empty_ledger()
        self.entries: list[Entry] = []
        self.logged: list[Logged] = []

    def empty_ledger(self) -> Ledger:
        return Ledger(StoredEdition("en", self.edition, NONCE), self.retained, 100)

    def append(self, entry: Entry, now: datetime = START) -> Trim | None:
        """Append an entry as the desk does. Return its trim."""
        head = self.ledger.head
        trim = plan_trim(self.ledger, head.seq + 1, {entry.line.id}, now)
        entry = msgspec.structs.replace(entry, trim=trim)
        link = next_link(head.link, encode_entry(entry))
        self.ledger.append(link, entry)
        self.entries.append(entry)
        self.logged.append(Logged(head.seq + 1, link, entry))
        if trim is not None:
            self.logged = [logged for logged in self.logged if logged.seq > trim.through]
        return trim

    def post(self, count: int, **fields: object) -> None:
        for _ in range(count):
            self.append(self.new(**fields))

    def new(self, **fields: object) -> Entry:
        (entry,) = history([Step(Change.NEW, 0, 0, None, (), 4, 0, None)])
        seq = self.ledger.head.seq + 1
        line = msgspec.structs.replace(entry.line, id=f"line-{seq}", number=seq)
        return msgspec.structs.replace(entry, key=f"key-{seq}", line=msgspec.structs.replace(line, **fields))

    def loaded(self) -> Ledger:
        """Return the ledger of a desk that loads the log now."""
        ledger = self.empty_ledger()
        if self.logged and self.logged[0].seq > 1:
            ledger.begin_after(self.logged[0].seq - 1)
        for logged in self.logged:
            ledger.append(logged.link, logged.entry)
        return ledger

    @property
    def known(self) -> list[Entry]:
        return list(self.ledger.board.newest_first())


def narrow(size: int) -> Edition:
    return msgspec.structs.replace(ENGLISH, board_lines=size)


def test_the_log_has_at_most_the_slack_above_what_it_retains() -> None:
    log = Log(retained=200)
    log.post(1000)
    assert 200 <= len(log.logged) <= 200 + trimming.SLACK
    assert log.ledger.first == log.logged[0].seq


def test_a_line_with_an_entry_in_the_log_is_neither_kept_nor_forgotten() -> None:
    log = Log(retained=2)
    log.post(2)
    updated = msgspec.structs.replace(log.entries[0].line, version=2, change=Change.UPDATE)
    log.append(msgspec.structs.replace(log.entries[0], line=updated, key="key-update"))
    trim = log.append(log.new())
    assert trim is not None
    assert trim.through == 2
    assert [entry.line.id for entry in trim.kept] == ["line-2"]
    assert trim.forgotten == ()


def test_lines_that_show_are_kept_and_the_others_are_forgotten() -> None:
    log = Log(retained=1)
    log.append(log.new(pinned_until=LATER))
    log.append(log.new(expires_at=START))
    log.post(2)
    forgotten = [line_id for entry in log.entries if entry.trim for line_id in entry.trim.forgotten]
    assert forgotten == ["line-2"]
    assert [entry.line.id for entry in log.known] == ["line-4", "line-3", "line-1"]


def test_a_new_text_is_not_compared_with_a_forgotten_line() -> None:
    log = Log(retained=1)
    assert log.ledger.recent.find_similar("Ferries stop", lambda _: True) is None  # from now on, the ledger keeps them
    log.append(log.new(expires_at=START, text="Ferries stop"))
    assert log.ledger.recent.find_similar("Ferries stop", lambda _: True) is not None
    log.post(2)
    assert log.ledger.recent.find_similar("Ferries stop", lambda _: True) is None


def test_a_kept_line_is_kept_again_when_its_trim_leaves_the_log() -> None:
    log = Log(retained=3)
    log.append(log.new(pinned_until=LATER))
    log.post(300)
    assert log.ledger.board.get("line-1") is not None
    assert log.loaded().board.get("line-1") is not None


def test_a_kept_line_is_forgotten_once_it_shows_no_more() -> None:
    log = Log(retained=1)
    log.append(log.new(pinned_until=LATER))
    log.post(200)
    assert log.ledger.board.get("line-1") is not None
    log.append(log.new(), LATER)
    log.append(log.new(), LATER)
    assert log.ledger.board.get("line-1") is None
    assert any("line-1" in entry.trim.forgotten for entry in log.entries if entry.trim)


def test_a_trim_with_too_many_lines_is_continued_by_the_next_entry() -> None:
    log = Log(retained=400)
    log.post(400 + trimming.SLACK - 1)
    log.ledger.retained = log.retained = 10
    trims = [trim for _ in range(9) if (trim := log.append(log.new())) is not None]
    assert all(len(trim.kept) + len(trim.forgotten) <= trimming.TRIM_LINES_MAX for trim in trims)
    assert len(trims) >= 2
    assert len(log.logged) <= 10 + trimming.SLACK


def test_the_bytes_of_a_trim_are_limited() -> None:
    log = Log(retained=1)
    for _ in range(200):
        log.append(log.new(pinned_until=LATER, url="https://example.com/" + "x" * 4000))
    sizes = [sum(len(encode_entry(kept)) for kept in entry.trim.kept) for entry in log.entries if entry.trim]
    assert max(sizes) <= trimming.TRIM_BYTES + 8 * 1024


def test_the_number_of_kept_lines_is_bounded() -> None:
    log = Log(retained=5, edition=narrow(2))
    log.post(500)
    assert log.ledger.kept_lines <= 5 + 2
    assert len(log.known) == len(log.ledger.board)


def test_the_key_of_an_entry_is_known_while_the_log_has_the_entry() -> None:
    log = Log(retained=2)
    log.post(5)
    known = [log.ledger.find_answer(entry.editor, entry.key) is not None for entry in log.entries]
    assert known == [any(logged.entry.key == entry.key for logged in log.logged) for entry in log.entries]


@given(histories(30), st.integers(1, 6), st.integers(1, 3))
def test_a_desk_that_loads_the_log_knows_the_same_lines(log: list[Entry], retained: int, size: int) -> None:
    desk = _log_of(log, retained, size)
    assert list(desk.loaded().board.newest_first()) == desk.known
    assert list(desk.loaded().lines_by_age()) == list(desk.ledger.lines_by_age())
    assert desk.loaded().kept_lines == desk.ledger.kept_lines


@given(histories(30), st.integers(1, 6), st.integers(1, 3), selections())
def test_no_line_that_shows_is_ever_forgotten(log: list[Entry], retained: int, size: int, selection: Selection) -> None:
    desk = Log(retained, narrow(size))
    for entry in log:
        now = entry.line.updated_at
        shown = {line.id for line in desk.ledger.board.lines(now, size, selection)}
        trim = desk.append(entry, now)
        assert trim is None or shown.isdisjoint(trim.forgotten)


@given(histories(30), st.integers(1, 6), st.integers(1, 3), st.integers(0, 40), selections())
def test_a_connected_reader_shows_what_a_new_reader_gets(
    log: list[Entry], retained: int, size: int, joined: int, selection: Selection
) -> None:
    desk = _log_of(log, retained, size)
    for now in (START, LATER):
        start = fold(desk.entries[:joined]).lines(now, 100, selection)
        reader = fold([reader_entry(line) for line in start])
        for entry in desk.entries[joined:]:
            for line_id in entry.trim.forgotten if entry.trim else ():
                reader.remove(line_id)
            if selection.includes(entry):
                reader.apply(reader_entry(entry.line))
        new = desk.ledger.board.lines(now, 100, selection)
        assert [line for line in reader.lines(now, 100) if line not in new] == []


def _log_of(entries: Sequence[Entry], retained: int, size: int) -> Log:
    desk = Log(retained, narrow(size))
    for entry in entries:
        desk.append(entry, entry.line.updated_at)
    return desk
