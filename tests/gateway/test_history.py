"""The retained log and its board: append, replace, trim, and removal of withdrawn text. No followers, no event loop."""

from __future__ import annotations

import msgspec

from tests.support.strategies import ENGLISH, NONCE, START
from ticker.core.entry import Entry, Logged, Trim, encode_entry
from ticker.core.line import Change, Direction, Facets, Line, Status
from ticker.core.log_window import LogWindow
from ticker.core.position import next_link
from ticker.core.selection import EVERYTHING, Selection
from ticker.gateway.framing import Framing, websocket_payload
from ticker.gateway.history import TRIM_SLACK, History

RETAINED = 20


class Log:
    """A history that entries are appended to."""

    def __init__(self) -> None:
        self.history = History("en", ENGLISH, NONCE, RETAINED)
        self.link, self.seq = NONCE, 0

    def logged(self, line: Line, earlier_facets: tuple[Facets, ...] = (), trim: Trim | None = None) -> Logged:
        entry = Entry(line=line, editor="ana", key="k", submitted_at=START, earlier_facets=earlier_facets, trim=trim)
        self.seq += 1
        self.link = next_link(self.link, encode_entry(entry))
        return Logged(self.seq, self.link, entry)

    def append(self, line: Line, earlier_facets: tuple[Facets, ...] = ()) -> Line:
        self.history.append(self.logged(line, earlier_facets))
        return line

    def payload(self, seq: int) -> bytes:
        return websocket_payload(self.history.log[seq].frame)


def new(line_id: str, text: str) -> Line:
    return Line(
        id=line_id, version=1, number=1, change=Change.NEW, text=text, lang="en", dir=Direction.LTR,
        created_at=START, updated_at=START,
    )  # fmt: skip


def texts(history: History) -> list[str]:
    return [line.text for line in history.board.lines(START, 100, EVERYTHING)]


def test_entry_is_on_the_board_and_at_the_head() -> None:
    log = Log()
    log.append(new("a", "first"))
    log.append(new("b", "second"))
    assert log.history.log.head == 2
    assert str(log.history.log.position) == f"2-{log.link[:16]}"
    assert texts(log.history) == ["second", "first"]


def test_withdrawal_removes_the_text_of_all_earlier_entries_of_the_line() -> None:
    log = Log()
    line = log.append(new("a", "SECRET one"))
    log.append(new("b", "other"))
    log.append(msgspec.structs.replace(line, version=2, change=Change.UPDATE, text="SECRET two"))
    withdrawn = msgspec.structs.replace(
        line.without_text(Status.CANCELED), version=3, change=Change.WITHDRAW, correction="It was wrong"
    )
    log.append(withdrawn)
    assert not any(b"SECRET" in log.payload(seq) for seq in range(1, 5))
    assert b"other" in log.payload(2)
    assert [log.history.log[seq].line.status for seq in (1, 3, 4)] == [Status.CANCELED] * 3


def test_masked_entries_keep_their_links_and_facets() -> None:
    log = Log()
    line = log.append(msgspec.structs.replace(new("a", "SECRET"), section="sports"))
    before = log.history.log.position_at(1)
    gone = line.without_text(Status.CANCELED)
    log.append(msgspec.structs.replace(gone, version=2, change=Change.WITHDRAW, correction="It was wrong"))
    assert log.history.log.position_at(1) == before
    assert log.history.log[1].matches(Selection(sections=("sports",)))


def test_log_is_trimmed_to_what_is_retained() -> None:
    log = Log()
    for number in range(RETAINED + TRIM_SLACK + 1):
        log.append(new(f"line-{number}", f"text {number}"))
    assert log.history.log.first == log.history.log.head - RETAINED + 1
    assert len(log.history._latest) == RETAINED


def test_board_keeps_a_line_until_the_log_says_that_it_is_forgotten() -> None:
    log = Log()
    for number in range(RETAINED + TRIM_SLACK + 1):
        log.append(new(f"line-{number}", "x"))
    assert log.history.log.first > 2
    assert log.history.board.get("line-0") is not None
    log.history.append(log.logged(new("last", "y"), trim=Trim(through=2, forgotten=("line-0",))))
    assert log.history.board.get("line-0") is None
    assert log.history.board.get("line-1") is not None


def test_story_of_a_withdrawn_line_is_known_until_the_line_is_forgotten() -> None:
    log = Log()
    line = log.append(msgspec.structs.replace(new("a", "text"), coverage="Ada"))
    hidden = log.append(msgspec.structs.replace(line.without_text(Status.WITHHELD), version=2))
    assert log.history.story_of(hidden) == "Ada"
    log.append(msgspec.structs.replace(line, version=3, coverage="Bea"))
    gone = log.append(msgspec.structs.replace(line.without_text(Status.CANCELED), version=4))
    assert (log.history.story_of(gone), gone.coverage) == ("Bea", None)
    log.history.append(log.logged(new("last", "y"), trim=Trim(through=2, forgotten=("a",))))
    assert log.history.story_of(gone) is None
    assert log.history._stories == {}


def test_loaded_log_has_the_lines_that_were_kept_when_it_was_trimmed() -> None:
    log = Log()
    kept = log.logged(new("old", "still shows")).entry
    window: LogWindow[Logged] = LogWindow(1, log.link)
    logged = log.logged(new("b", "news"), trim=Trim(through=1, kept=(kept,), forgotten=("c",)))
    window.append(logged.link, logged)
    log.history.replace(NONCE, window)
    assert set(texts(log.history)) == {"still shows", "news"}
    assert b"still shows" not in log.payload(2)


def test_replace_drops_the_old_log_and_board() -> None:
    log, other = Log(), Log()
    log.append(new("a", "old"))
    nonce = "5f" * 32
    other.link = nonce
    window: LogWindow[Logged] = LogWindow(0, nonce)
    logged = other.logged(new("b", "new"))
    window.append(logged.link, logged)
    log.history.replace(nonce, window)
    assert (log.history.nonce, log.history.log.head, texts(log.history)) == (nonce, 1, ["new"])


def test_entry_matches_the_selection_that_its_line_has_left() -> None:
    log = Log()
    sports = msgspec.structs.replace(new("a", "x"), section="sports")
    moved = msgspec.structs.replace(sports, version=2, change=Change.UPDATE, section="health")
    log.append(sports)
    log.append(moved, (sports.facets,))
    entry = log.history.log[2]
    assert entry.matches(Selection(sections=("sports",)))
    assert entry.matches(Selection(sections=("health",)))
    assert not entry.matches(Selection(sections=("politics",)))


def test_entry_has_one_form_per_framing() -> None:
    log = Log()
    log.append(new("a", "text " * 100))
    entry, position = log.history.log[1], log.history.log.position
    assert entry.framed(Framing.WEBSOCKET, position) is entry.frame
    assert entry.framed(Framing.EVENTS, position).startswith(f"id: {position}\nevent: line\n".encode())
    deflated = entry.framed(Framing.DEFLATED, position)
    assert len(deflated) < len(entry.frame)
    assert entry.framed(Framing.DEFLATED, position) is deflated
