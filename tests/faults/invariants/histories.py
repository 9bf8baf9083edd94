"""Every log that a schedule has produced, including entries that the server lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ticker.core.board import Board
from ticker.core.entry import Entry, Logged, RawEntry, follow
from ticker.core.line import Line, Status
from ticker.core.position import MARK_DIGITS, Position, next_link


class Histories:
    """A tree of entries. Each entry links to the one before it, and two logs share the entries before they part."""

    def __init__(self) -> None:
        self._entries: dict[tuple[int, str], RawEntry] = {}
        self._links: dict[int, dict[str, str]] = {}  # seq → mark → link
        self._decoded: dict[tuple[int, str], tuple[Logged, str | None]] = {}  # with the link of the entry before
        self._taken_back: dict[str, list[Line]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def add_nonce(self, nonce: str) -> None:
        """Add an empty log, which its nonce identifies."""
        self._links.setdefault(0, {})[nonce[:MARK_DIGITS]] = nonce

    def add(self, raws: Iterable[RawEntry]) -> None:
        for raw in raws:
            self._entries[raw.seq, raw.link] = raw
            self._links.setdefault(raw.seq, {})[raw.link[:MARK_DIGITS]] = raw.link

    def path(self, position: Position) -> list[Logged] | None:
        """Return the entries that lead to a position, as far back as known; None if the position is unknown."""
        link = self._links.get(position.seq, {}).get(position.mark)
        if link is None:
            return None
        path: list[Logged] = []
        seq: int = position.seq
        while link is not None and (seq, link) in self._entries:
            logged, link = self._decode(seq, link)
            path.append(logged)
            seq -= 1
        path.reverse()
        return path

    def previous(self, logged: Logged) -> Position | None:
        """Return the position before an entry; None if it is unknown."""
        _, parent = self._decode(logged.seq, logged.link)
        return None if parent is None else Position.of(logged.seq - 1, parent)

    def matches(self, line: Line, entry: Entry) -> bool:
        """Return whether a line is the entry's, or the entry's without the text that a later version took back."""
        if line == entry.line:
            return True
        for known in self._entries:
            self._decode(*known)
        later = [each for each in self._taken_back.get(line.id, ()) if each.version > entry.line.version]
        return any(line == entry.line.without_text(each.status) for each in later)

    def _decode(self, seq: int, link: str) -> tuple[Logged, str | None]:
        known = self._decoded.get((seq, link))
        if known is None:
            raw = self._entries[seq, link]
            candidates = self._links.get(seq - 1, {}).values()
            parent = next((each for each in candidates if next_link(each, raw.data) == link), None)
            known = (follow(seq, parent, link, raw.data), parent)
            if parent is not None:
                self._decoded[seq, link] = known
            line = known[0].entry.line
            if line.status is not Status.USABLE:
                self._taken_back.setdefault(line.id, []).append(line)
        return known


def fold(path: Sequence[Logged]) -> Board:
    """Return the board after the entries of `path`."""
    board = Board()
    for logged in path:
        board.apply(logged.entry)
    return board


def is_complete(path: Sequence[Logged]) -> bool:
    """Return whether `path` determines all known lines: no entry before it was in the log at its end.

    The harness reads the log every 50 ms, and misses entries that are trimmed sooner.
    """
    if not path or path[0].seq == 1:
        return True
    return any(logged.entry.trim and logged.entry.trim.through >= path[0].seq - 1 for logged in path)


def removed_texts(path: Sequence[Logged]) -> set[str]:
    """Return the texts of lines that are withdrawn or hidden at the end of `path`: nobody may receive them any more."""
    texts: dict[str, set[str]] = {}
    latest: dict[str, Line] = {}
    for logged in path:
        line = logged.entry.line
        latest[line.id] = line
        if line.text:
            texts.setdefault(line.id, set()).add(line.text)
    removed = [line_id for line_id, line in latest.items() if line.status is not Status.USABLE]
    return {text for line_id in removed for text in texts.get(line_id, ())}
