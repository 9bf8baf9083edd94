"""The tail of an edition: its newest entries and its board in one document that is the same for every reader.

Readers that poll request it again and again, and caches keep it. So a reader may get a document that is older than the
last one, and has to find the messages that are new for it. `TailReader` does that. `tests/vectors/tail.json` has cases
for readers in any language.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

import msgspec

from ticker.core.errors import UNREADABLE
from ticker.core.line import Line
from ticker.core.log_window import Reset
from ticker.core.messages import BoardMessage, ForgetMessage, LineMessage, MessageError
from ticker.core.position import Position
from ticker.core.selection import EVERYTHING, Selection

TAIL_ENTRIES: Final = 50
"""Maximum number of entries in a tail. A reader that missed more takes the board."""
TAIL_BYTES: Final = 64 * 1024
"""Maximum size of the messages in a tail, without the board."""

News: TypeAlias = BoardMessage | LineMessage | ForgetMessage


class Tail(msgspec.Struct, frozen=True, tag_field="type", tag="tail"):
    """The newest entries of an edition, and its board after them.

    Attributes:
        position: The position of the newest entry.
        after: The position of the entry before the first message. A reader at this position or at that of a message
            takes the messages after it. Any other reader takes the board.
        stale_s: How long a cache may serve this document in all, in seconds, even while no gateway answers. A reader
            whose position is ahead of the document keeps its lines for that time.
        board: The board at `position`. Its `reset` is null.
        messages: `line` messages in the order of the log, one per entry, each after the `forget` of its entry.

    """

    position: str
    after: str
    stale_s: int
    board: BoardMessage
    messages: list[LineMessage | ForgetMessage]


_decoder: Final = msgspec.json.Decoder(Tail)


def decode_tail(data: bytes) -> Tail:
    """Decode a tail.

    Raises:
        MessageError: If `data` has another form.

    """
    try:
        return _decoder.decode(data)
    except UNREADABLE as error:
        raise MessageError(f"this is not the tail of an edition: {error}") from error


class TailReader:
    """The place of a reader that polls, and its rules. Pure: the caller passes the time.

    `position` is the reader's place, or None before its first board. `selection` leaves out lines that don't match,
    unless the reader has an earlier version. So a reader with a selection begins with the board, and knows its lines.
    """

    def __init__(self, position: str | None = None, selection: Selection = EVERYTHING) -> None:
        self.position = position
        self._selection = selection
        self._known: set[str] | None = None  # the ids of the reader's lines, if they are known
        self._ahead_since: float | None = None

    def read(self, tail: Tail, now: float) -> list[News]:
        """Return the messages of `tail` that are new for this reader, in order, and move behind them.

        A document may be older than the reader's position, if it is from a cache or from a slower gateway. A reader
        never goes back to such a document: a withdrawn text could return. Only if the reader is still ahead after
        `stale_s`, its position is of a history that was lost, and it takes the board.

        Args:
            tail: The document.
            now: A time in seconds that never goes back.

        """
        if self._is_ahead(tail):
            self._ahead_since = now if self._ahead_since is None else self._ahead_since
            if now - self._ahead_since < tail.stale_s:
                return []
        self._ahead_since = None
        is_beginning = self._known is None and self._selection != EVERYTHING
        news = None if is_beginning else _after(tail, self.position)
        selected: list[News] = [self._board(tail)] if news is None else list(self._select(news))
        self.position = tail.position
        return selected

    def _is_ahead(self, tail: Tail) -> bool:
        return self.position is not None and _seq(self.position) > _seq(tail.position)

    def _board(self, tail: Tail) -> BoardMessage:
        lines = [line for line in tail.board.lines if self._selection.matches(line.facets)]
        self._known = {line.id for line in lines}
        reset = None
        if self.position is not None and _after(tail, self.position) is None:
            reset = Reset.TRIMMED if _seq(self.position) < _seq(tail.after) else Reset.REPLACED
        return msgspec.structs.replace(tail.board, lines=lines, reset=reset)

    def _select(self, news: list[LineMessage | ForgetMessage]) -> Iterator[LineMessage | ForgetMessage]:
        for message in news:
            if isinstance(message, ForgetMessage):
                if self._known is not None:
                    self._known.difference_update(message.lines)
                yield message
            elif self._selects(message.line):
                if self._known is not None:
                    self._known.add(message.line.id)
                yield message

    def _selects(self, line: Line) -> bool:
        return self._selection.matches(line.facets) or (self._known is not None and line.id in self._known)


def _after(tail: Tail, position: str | None) -> list[LineMessage | ForgetMessage] | None:
    """Return the messages after `position`, or None if the tail doesn't begin at it or before it."""
    if position == tail.after:
        return tail.messages
    for index, message in enumerate(tail.messages):
        if isinstance(message, LineMessage) and message.position == position:
            return tail.messages[index + 1 :]
    return None


def _seq(position: str) -> int:
    return Position.parse(position).seq
