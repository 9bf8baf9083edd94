"""The ledger: the desk's copy of an edition's state in Redis. The desk decides on requests with it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import islice

import msgspec

from ticker.core.board import Board
from ticker.core.edition import Role
from ticker.core.entry import Entry, Trim
from ticker.core.errors import LinkError, PositionError
from ticker.core.held import Held
from ticker.core.line import Change
from ticker.core.log_window import LogWindow, Reset
from ticker.core.outcome import Hold
from ticker.core.position import Position, history_of
from ticker.core.rules.recent_lines import RecentLines
from ticker.core.shown_lines import ShownLines
from ticker.core.submission import Receipt, ReceiptStatus, encode_receipt
from ticker.desk.held_items import HeldItems
from ticker.desk.rates import NO_LIMIT, RateLimit, Rates
from ticker.desk.receipts import receipt_for
from ticker.store.append import Head
from ticker.store.editions import StoredEdition
from ticker.store.streams import START


class Answer(msgspec.Struct, frozen=True):
    """The receipt for an editor's key, as bytes, so that a repeated request gets the same bytes.

    `late_until_ms` is set if the request was late: requests with this key get the same receipt until then (Redis's
    clock). After that the editor knows that the line isn't on air, so the key counts as new. `position` is the entry's
    position in the log, and `history` the history of the log, as the receipt gives them. `is_temporary` is set for a
    refusal that doesn't use up the key.
    """

    editor: str
    key: str
    receipt: bytes
    status: ReceiptStatus
    late_until_ms: int | None = None
    position: str | None = None
    history: str | None = None
    is_temporary: bool = False

    @classmethod
    def of(cls, editor: str, receipt: Receipt, data: bytes, late_until_ms: int | None = None) -> Answer:
        """Return the answer with this receipt. `data` is the encoded receipt."""
        return cls(
            editor,
            receipt.key,
            data,
            receipt.status,
            late_until_ms,
            receipt.position,
            receipt.history,
            receipt.is_temporary,
        )


class _Logged(msgspec.Struct, frozen=True):
    """The facts that the ledger keeps of each retained entry."""

    editor: str
    key: str
    change: Change
    line_id: str
    version: int
    published_at: datetime


class Ledger:
    """The board, the head of the log, the cursors, the held items and the answered keys of one edition.

    Memory is bounded: the log has about `retained` entries, and the ledger keeps `receipts_retained` answers per
    editor. The key of an entry is known for as long as the log has the entry, and the key of a held item for as long as
    the item is held. A line is known for as long as the log has an entry of it, and longer while it shows: see `Trim`.

    Attributes:
        board: The known lines.
        shown: Those of them that show.
        recent: The newest of them, with which a new text is compared.
        retained: How many entries the log keeps.
        cursors: The stream id of the last settled request, by editor.
        receipt_ids: The stream id of the last receipt that was read, by editor.
        held: The held items.
        roles: The editors of the edition, with their own roles, if they have one.
        fault: Why the log doesn't verify. Nothing may be appended to such a log.
        redis_ms: The latest known time of Redis's clock.
        rates: The rates at which the editors publish.

    """

    def __init__(
        self, stored: StoredEdition, retained: int, receipts_retained: int, rate_limit: RateLimit = NO_LIMIT
    ) -> None:
        self.name = stored.name
        self.edition = stored.edition
        self.nonce = stored.nonce
        self._continued = stored.continued
        self.retained = retained
        self._clear_lines()
        self.cursors: dict[str, str] = {}
        self.receipt_ids: dict[str, str] = {}
        self.held = HeldItems()
        self.roles: dict[str, Role | None] = {}
        self.fault: LinkError | None = None
        self.redis_ms = 0
        self.rates = Rates(rate_limit)
        self._receipts_retained = receipts_retained
        self._log: LogWindow[_Logged] = LogWindow(0, stored.nonce)
        self._seq_of_key: dict[tuple[str, str], int] = {}
        self._answers: dict[str, dict[str, Answer]] = {}

    @property
    def head(self) -> Head:
        link = self._log.head_link
        assert link is not None, "an empty window begins at the nonce"
        return Head(self._log.head, link)

    @property
    def history(self) -> str:
        """A short name of the history of the log, for receipts."""
        return history_of(self.nonce)

    def begin_after(self, seq: int) -> None:
        """Clear the log and the board, and continue after entry `seq`: the entries up to it have been trimmed."""
        self._clear_lines()
        self._log = LogWindow(seq, None)
        self._seq_of_key.clear()

    def _clear_lines(self) -> None:
        self.board = Board()
        self.shown = ShownLines(self.board)
        self._recent: RecentLines | None = None  # until they are needed: reading a log would read each text
        self._seq_of_line: dict[str, int] = {}  # → the newest entry that has the line, ascending
        self._kept_lines: set[str] = set()  # those that only a `Trim` has

    @property
    def recent(self) -> RecentLines:
        if self._recent is None:
            self._recent = RecentLines(self.board.newest_first())
        return self._recent

    def cursor(self, editor: str) -> str:
        """Return the stream id of the editor's last settled request, or the start of the stream."""
        return self.cursors.get(editor, START)

    def append(self, link: str, entry: Entry) -> None:
        """Add the entry that follows the head."""
        line = entry.line
        self._log.append(link, _Logged(entry.editor, entry.key, line.change, line.id, line.version, line.updated_at))
        self.board.apply(entry)
        self.rates.count(entry)
        self._seq_of_key[entry.editor, entry.key] = self._log.head
        if entry.trim is not None:
            self._apply_trim(entry.trim)
        self._set_newest(line.id)
        self._kept_lines.discard(line.id)
        if self._recent is not None:
            self._recent.add(line)

    def _apply_trim(self, trim: Trim) -> None:
        for kept in trim.kept:
            self._set_newest(kept.line.id)
            self._kept_lines.add(kept.line.id)
        for line_id in trim.forgotten:
            self._seq_of_line.pop(line_id, None)
            self._kept_lines.discard(line_id)
            self.shown.update(line_id)
            if self._recent is not None:
                self._recent.discard(line_id)
        for seq in range(self._log.first, trim.through + 1):
            key = self._log[seq].editor, self._log[seq].key
            if self._seq_of_key.get(key) == seq:
                del self._seq_of_key[key]
        self._log.trim_through(trim.through)

    def _set_newest(self, line_id: str) -> None:
        """Note that the head has the newest version of a line."""
        self._seq_of_line.pop(line_id, None)
        self._seq_of_line[line_id] = self._log.head
        self.shown.update(line_id)

    @property
    def first(self) -> int:
        """The seq of the oldest entry of the log."""
        return self._log.first

    @property
    def kept_lines(self) -> int:
        """The number of known lines whose own entries have all been removed from the log."""
        return len(self._kept_lines)

    def lines_by_age(self) -> Iterable[tuple[str, int]]:
        """Return the id of every known line, and the seq of the newest entry that has it, the oldest entry first."""
        return self._seq_of_line.items()

    def role_of(self, editor: str) -> Role:
        return self.roles.get(editor) or self.edition.role

    def remember(self, answer: Answer) -> None:
        """Keep the first answer to a key. Ignore an answer without a key, and a refusal that doesn't use it up.

        Replace the first answer only if it was late or held, or if its entry is of another history of the log.
        """
        if not answer.key or answer.is_temporary:
            return
        answers = self._answers.setdefault(answer.editor, {})
        known = answers.get(answer.key)
        is_outdated = known is not None and answer.late_until_ms is None and not self._is_in_log(known)
        if known is None or known.late_until_ms is not None or known.status is ReceiptStatus.HELD or is_outdated:
            answers.pop(answer.key, None)
            answers[answer.key] = answer
        for oldest in list(islice(answers, max(0, len(answers) - self._receipts_retained))):
            del answers[oldest]

    def find_answer(self, editor: str, key: str) -> Answer | None:
        answer = self._answers.get(editor, {}).get(key)
        if answer is not None and not self._is_in_log(answer):
            answer = None
        seq = self._seq_of_key.get((editor, key))
        is_of_this_history = answer is not None and answer.history in (None, self.history)
        if answer is not None and answer.status is ReceiptStatus.ON_AIR and is_of_this_history:
            return answer
        if seq is not None:
            return self._answer_from_log(seq)
        held = self.held.find(editor, key) if answer is None else None
        return answer if held is None else self._answer_from_held(held)

    def _is_in_log(self, answer: Answer) -> bool:
        """Return False for an entry of another history, for example of the log before `ticker rotate`.

        A trimmed entry counts as one of this history, and so do the entries before a repair that it didn't lose. While
        the log has a fault, every entry counts.
        """
        if answer.position is None or self.fault is not None:
            return True
        if answer.history is not None and answer.history != self.history:
            return self._continued.has(answer.history, answer.position)
        try:
            position = Position.parse(answer.position)
        except PositionError:  # written by another version
            return True
        return self._log.resume(position) is not Reset.REPLACED

    def _answer_from_log(self, seq: int) -> Answer:
        """Rebuild the receipt of an entry whose receipt was trimmed. Only its warnings are lost."""
        logged, position = self._log[seq], self._log.position_at(seq)
        receipt = Receipt(
            status=ReceiptStatus.ON_AIR,
            edition=self.name,
            key=logged.key,
            action=str(logged.change),
            id=logged.line_id,
            version=logged.version,
            position=str(position),
            published_at=logged.published_at,
            history=self.history,
            test=self.edition.test,
        )
        return Answer.of(logged.editor, receipt, encode_receipt(receipt))

    def _answer_from_held(self, held: Held) -> Answer:
        """Rebuild the receipt of a held item whose receipt was trimmed. Only its warnings are lost."""
        submission = held.submission
        receipt = receipt_for(self.name, submission.key, submission, Hold(held))
        receipt = msgspec.structs.replace(receipt, version=submission.version, test=self.edition.test)
        return Answer.of(held.editor, receipt, encode_receipt(receipt))
