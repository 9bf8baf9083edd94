"""Apply what an edition says to the records of a route."""

from __future__ import annotations

from typing import TypeAlias

from ticker.core.line import VERSION_LAST, Line
from ticker.core.messages import BoardMessage, ForgetMessage, LineMessage, LiveMessage
from ticker.relay.book import Book, has_expired
from ticker.relay.records import Delivery, Kind, Record, Verdict, digest_of, kind_of

RelayMessage: TypeAlias = BoardMessage | LineMessage | ForgetMessage | LiveMessage


class Reading:
    """Decides what each message of the edition means for the receiver. Pure."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def receive(self, message: RelayMessage, now: float) -> None:
        """Apply a message of the edition, read at `now`. It is ignored if its reader has to start again."""
        history = self._book.history
        if history.must_reread:
            return
        if isinstance(message, ForgetMessage):
            for line in message.lines:
                self._forget(line)
            return  # without a position: a `line` message of the same entry may follow
        if not history.accept(message):
            return
        match message:
            case LineMessage():
                self._apply_line(message.line, message.position, now)
            case BoardMessage():
                self._compare(message, now)
                history.note(message.position, is_behind=False)  # a disabled receiver has everything up to here, too
                return
            case LiveMessage():
                pass
        history.note(message.position, is_behind=self._book.is_behind)

    def _apply_line(self, line: Line, position: str, now: float) -> None:
        record = self._book.records.get(line.id)
        if record is None:
            if not self._book.has_room:
                self._book.is_behind = True
                return
            record = self._book.add(line.id, may_have=self._may_be_there(line))
        elif line.version <= record.version:
            return
        self._renew(record, line, position, now)

    def _may_be_there(self, line: Line) -> bool:
        """Return whether the receiver may have a text of a line that this relay doesn't know, from an earlier relay."""
        if self._book.limits.has_posts and line.version != VERSION_LAST:
            return False  # a post that this state doesn't know can't be taken back, and there hardly is one
        return line.version > 1 and kind_of(line).takes_back

    def _renew(self, record: Record, line: Line, position: str, now: float) -> None:
        """Make `line` the newest version of a record, and plan what its receiver needs."""
        self._book.touch(record.line)
        old = record.pending
        if old is not None:
            self._book.report(old, Verdict.REPLACED)
        record.version, record.digest = line.version, digest_of(line)
        record.is_text, record.is_forgotten = not kind_of(line).takes_back, False
        kind = kind_of(line)
        delivery = Delivery(
            line=line.id,
            version=line.version,
            order=self._book.next_order(now),
            kind=kind,
            position=position,
            queued_at=now,
            content=line,
        )
        if kind.takes_back and not record.may_have:
            self._book.settle(record, delivery, Verdict.NEVER_SENT)
        elif not kind.takes_back and not record.may_have and has_expired(line, now):
            self._book.settle(record, delivery, Verdict.EXPIRED)
        else:
            self._book.queue(record, delivery)

    def _forget(self, line: str) -> None:
        record = self._book.records.get(line)
        if record is None:
            return
        record.is_forgotten = True
        self._book.touch(line)
        if record.pending is not None and not record.may_have:
            self._book.settle(record, record.pending, Verdict.EXPIRED)
        if record.pending is None and not record.may_have:
            self._book.delete(line)

    def _compare(self, board: BoardMessage, now: float) -> None:
        """Compare a board, the first one or one after a reset, with everything that the receiver may have."""
        is_first = self._book.state.position is None
        self._book.is_behind = self._book.state.disabled is not None
        on_board = {line.id for line in board.lines}
        for line in sorted(board.lines, key=lambda each: each.number):
            record = self._book.records.get(line.id)
            if record is None and is_first and not self._book.limits.sends_board:
                record = self._book.add(line.id)
                record.version, record.digest, record.is_text = line.version, digest_of(line), True
                record.order = self._book.next_order(now)
                self._book.touch(line.id)
            elif record is None:
                self._renew(self._book.add(line.id, may_have=self._may_be_there(line)), line, board.position, now)
            elif record.digest != digest_of(line):
                self._renew(record, line, board.position, now)
        if board.incomplete:
            return  # the log is damaged: a line that is missing here may still be good, and the repair sends a board
        for record in [each for each in self._book.records.values() if each.line not in on_board]:
            self._drop(record, board.position, now)

    def _drop(self, record: Record, position: str, now: float) -> None:
        """Take a line back that isn't on the board after a reset. Its next version, whatever its number, is newer."""
        was_text = record.is_text
        record.version, record.digest, record.is_text = 0, "", False
        self._book.touch(record.line)
        if not record.may_have:
            if record.pending is not None:
                self._book.settle(record, record.pending, Verdict.EXPIRED)
            self._book.delete(record.line)
        elif was_text:
            if record.pending is not None:
                self._book.report(record.pending, Verdict.REPLACED)
            order = self._book.next_order(now)
            kind = Kind.DROPPED
            self._book.queue(
                record, Delivery(line=record.line, version=0, order=order, kind=kind, position=position, queued_at=now)
            )
